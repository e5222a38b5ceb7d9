//! What a telephone leg costs: 200 legs in one room and 40 rooms of five, with real G.711 on loopback, beside the bare cost of
//! receiving and sending the same datagrams in the same run.
//!
//! Prints CPU milliseconds per leg and second of the thread that does the work (from the kernel's scheduler statistics), the
//! ratio of the two, memory per leg, the delay from RTP in to RTP out, and missed ticks.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench measures with clocks and sockets, prints, and may stop"
)]

mod measure;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use einwahl::media::Session;
use einwahl::media::rtp::Header;
use einwahl::words::{Codec, Direction, Family, LegId, RoomId, RtpTime};
use einwahl::workers::{Command, Config, Pool};

use measure::{cpu_of, sockets};

const TICK: Duration = Duration::from_millis(20);
const LEGS: usize = 200;
const SECONDS: u32 = 12;
/// In one of so many packets of a room's first leg there is a click.
const CLICK_EVERY: u32 = 15;
/// A-law: a loud sample, and one of silence.
const LOUD: u8 = 0xaa;
const QUIET: u8 = 0xd5;

/// The telephones: each sends a packet every 20 ms, and reads what comes.
struct Phones {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

/// `targets`: where each telephone sends. In each room of `size` the first clicks, and the second listens for it.
fn phones(sockets: Vec<UdpSocket>, targets: Vec<SocketAddr>, size: usize) -> Phones {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        let mut clicked = vec![None; sockets.len()];
        let mut delays = Vec::new();
        let start = Instant::now();
        let mut datagram = [0; 2_048];
        // Telephones are not in step with each other: a few send in each of many moments of a tick.
        let slots = 20;
        for moment in 0_u32.. {
            if stopped.load(Ordering::Relaxed) {
                return delays;
            }
            let due = start + TICK * moment / slots;
            while Instant::now() < due {
                hear(&sockets, size, &mut clicked, &mut delays, &mut datagram);
                std::thread::sleep(Duration::from_micros(200).min(due.saturating_duration_since(Instant::now())));
            }
            let (tick, slot) = (moment / slots, (moment % slots) as usize);
            for phone in (slot..sockets.len()).step_by(slots as usize) {
                let clicks = phone % size == 0 && (tick + phone as u32 / 7).is_multiple_of(CLICK_EVERY);
                // The others send silence, as telephones do: it is received, decoded and measured like speech.
                let payload = [if clicks { LOUD } else { QUIET }; 160];
                let header = Header {
                    payload_type: 8,
                    marker: false,
                    sequence: tick as u16,
                    timestamp: RtpTime(tick * 160),
                    ssrc: phone as u32 + 1,
                };
                let mut packet = header.to_bytes().to_vec();
                packet.extend(payload);
                if clicks {
                    clicked[phone] = Some(Instant::now());
                }
                let _ = sockets[phone].send_to(&packet, targets[phone]);
            }
        }
        delays
    });
    Phones { stop, thread }
}

fn hear(
    sockets: &[UdpSocket],
    size: usize,
    clicked: &mut [Option<Instant>],
    delays: &mut Vec<Duration>,
    datagram: &mut [u8],
) {
    for (phone, socket) in sockets.iter().enumerate() {
        // Only listeners are read in time; the others' buffers are emptied by the kernel's limit.
        if phone % size != 1 {
            continue;
        }
        while let Ok((length, _)) = socket.recv_from(datagram) {
            // The three bits after the sign are the segment (G.711): a click is in the highest ones.
            let is_loud = |sample: &u8| (sample ^ 0x55) & 0x70 >= 0x50;
            let loud = datagram.get(12..length).is_some_and(|sound| sound.iter().any(is_loud));
            let first = phone - 1;
            if loud && let Some(at) = clicked[first].take() {
                delays.push(at.elapsed());
            }
        }
    }
}

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a figure");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

/// CPU milliseconds per leg and second while `SECONDS` pass.
fn measure(thread: &str) -> f64 {
    std::thread::sleep(Duration::from_secs(2));
    let (begin, start) = (cpu_of(thread), Instant::now());
    std::thread::sleep(Duration::from_secs(SECONDS.into()));
    (cpu_of(thread) - begin) as f64 / 1e6 / LEGS as f64 / start.elapsed().as_secs_f64()
}

/// One receive and one send for each leg and tick, on sockets of their own.
fn bare() -> f64 {
    let (far, near) = (sockets(LEGS), sockets(LEGS));
    let targets: Vec<SocketAddr> = near.iter().map(|socket| socket.local_addr().expect("bound")).collect();
    let back: Vec<SocketAddr> = far.iter().map(|socket| socket.local_addr().expect("bound")).collect();
    let phones = phones(far, targets, LEGS);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::Builder::new()
        .name(String::from("bare"))
        .spawn(move || {
            let mut datagram = [0; 2_048];
            let mut due = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                for (socket, target) in near.iter().zip(&back) {
                    let length = socket.recv_from(&mut datagram).map_or(172, |(length, _)| length);
                    let _ = socket.send_to(&datagram[..length], target);
                }
                due += TICK;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        })
        .expect("a thread");
    let figure = measure("bare");
    stop.store(true, Ordering::Relaxed);
    phones.stop.store(true, Ordering::Relaxed);
    let _ = (thread.join(), phones.thread.join());
    figure
}

fn gateway(size: usize, before: f64) {
    let (events, mut taken) = tokio::sync::mpsc::channel(65_536);
    let config = Config {
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        ports: 30_000..31_000,
        silence: Duration::from_secs(600),
        browsers: Vec::new(),
    };
    let pool = Pool::start(&config, events).expect("a media thread");
    let empty = memory();
    let far = sockets(LEGS);
    let mut targets = Vec::new();
    for (number, socket) in far.iter().enumerate() {
        let (leg, remote) = (LegId(number as u64), socket.local_addr().expect("bound"));
        let ports = pool.reserve_ports(Family::V4).expect("ports");
        targets.push(ports.address());
        let session = Session {
            codec: Codec::Pcma,
            payload_type: 8,
            ptime: TICK,
            telephone_event: Some(101),
            remote_rtp: remote,
            remote_rtcp: remote,
            direction: Direction::SendRecv,
            rtcp_mux: true,
            fec: false,
            dtx: false,
            keying: None,
            text: None,
        };
        pool.add_phone(leg, ports, session, None, [number as u8; 32]).expect("a leg");
        let room: RoomId = format!("room{}", number / size).parse().expect("a room");
        pool.send(Command::Enter { leg, room }).expect("room in the queue");
    }
    let phones = phones(far, targets, size);
    let missed = pool.figures().missed_ticks.load(Ordering::Relaxed);
    let figure = measure("media");
    let missed = pool.figures().missed_ticks.load(Ordering::Relaxed) - missed;
    let each = (memory().saturating_sub(empty)) as f64 / LEGS as f64;
    phones.stop.store(true, Ordering::Relaxed);
    let mut delays = phones.thread.join().expect("the telephones");
    pool.stop();
    while taken.try_recv().is_ok() {}
    let after = bare();
    let reference = f64::midpoint(before, after);
    delays.sort();
    let at =
        |share: f64| delays.get((delays.len() as f64 * share) as usize).map_or(0.0, |delay| delay.as_secs_f64() * 1e3);
    println!(
        "{:>3} rooms of {size:<3}  {figure:.3} CPU-ms per leg and second, {:.2} x the bare {reference:.3}  \
         {each:.0} KiB per leg  delay median {:.1} ms, p99 {:.1} ms ({} clicks)  {missed} missed ticks",
        LEGS / size,
        figure / reference,
        at(0.5),
        at(0.99),
        delays.len()
    );
}

fn main() {
    println!(
        "{LEGS} telephones, G.711 A-law, 20 ms, one media thread; each line beside the bare cost before and after it"
    );
    for size in [200, 5] {
        let before = bare();
        gateway(size, before);
    }
}
