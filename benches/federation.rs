//! What a link to another institution costs: gateways with telephones on loopback, connected as members are (checks, DTLS, SRTP), with a
//! relay between each two that counts what passes. The same meeting is measured again and again with and without sound on the link;
//! the difference is what the link costs, beside the cost of a telephone's leg in the same run.
//!
//! First two institutions with 5, 50 and 200 listeners each and one or three speakers; then a meeting of 16.
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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use einwahl::connection::{Called, Credentials, Identity, Transport};
use einwahl::media::Session;
use einwahl::media::rtp::Header;
use einwahl::words::{Codec, Direction, Family, LegId, PeerId, RoomId, RtpTime};
use einwahl::workers::{Command, Config, Event, Pool};
use tokio::sync::mpsc;

use measure::{cpu_of_thread, sockets, threads_named};

const TICK: Duration = Duration::from_millis(20);
/// With and without sound on the link, so often each, for so long.
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(2);
/// Until a change is heard everywhere.
const SETTLES: Duration = Duration::from_secs(1);
/// Legs of those at other gateways, and the streams in which they are heard.
const DISTANT: u64 = 10_000;

fn room() -> RoomId {
    "rat".parse().expect("a room")
}

/// One institution: its media thread, and its telephones, of which the first speak.
struct Institution {
    pool: Pool,
    news: mpsc::Receiver<Event>,
    identity: Identity,
    address: SocketAddr,
    thread: u64,
    phones: Vec<(UdpSocket, SocketAddr)>,
}

impl Institution {
    fn new(number: u16, phones: usize) -> Self {
        let (events, news) = mpsc::channel(65_536);
        let first = 20_000 + number * 700;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, first));
        let config = Config {
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
            ports: first + 10..first + 690,
            silence: Duration::from_secs(600),
            browsers: vec![address],
        };
        let before = threads_named("media");
        let pool = Pool::start(&config, events).expect("a media thread");
        let deadline = Instant::now() + Duration::from_secs(5);
        let thread = loop {
            if let Some(thread) = threads_named("media").difference(&before).next() {
                break *thread;
            }
            assert!(Instant::now() < deadline, "no media thread");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut here =
            Self { pool, news, identity: Identity::generate().expect("keys"), address, thread, phones: Vec::new() };
        for (leg, socket) in sockets(phones).into_iter().enumerate() {
            here.seat(leg as u64, socket);
        }
        here
    }

    fn seat(&mut self, leg: u64, socket: UdpSocket) {
        let remote = socket.local_addr().expect("bound");
        let ports = self.pool.reserve_ports(Family::V4).expect("ports");
        let target = ports.address();
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
        self.pool.add_phone(LegId(leg), ports, session, None, [leg as u8; 32]).expect("a leg");
        self.tell(Command::Enter { leg: LegId(leg), room: room() });
        self.phones.push((socket, target));
    }

    fn tell(&self, command: Command) {
        self.pool.send(command).expect("room in the queue");
    }

    fn cpu(&self) -> u64 {
        cpu_of_thread(self.thread)
    }

    /// Ticks that came late: with some, a figure says more of the machine than of the link.
    fn missed(&self) -> u64 {
        self.pool.figures().missed_ticks.load(Ordering::Relaxed)
    }

    fn waits_for_peer(&mut self, peer: PeerId) {
        while self.news.blocking_recv().expect("an event") != (Event::PeerConnected { peer }) {}
    }
}

/// Between two gateways: passes on what comes, and counts it.
struct Relay {
    bytes: Arc<AtomicU64>,
    packets: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    address: SocketAddr,
}

impl Relay {
    fn to(target: SocketAddr) -> Self {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let (near, far) = (bind(), bind());
        let address = near.local_addr().expect("bound");
        far.connect(target).expect("connected");
        for socket in [&near, &far] {
            socket.set_read_timeout(Some(Duration::from_millis(1))).expect("a time");
        }
        let (bytes, packets, stop) = (Arc::default(), Arc::default(), Arc::new(AtomicBool::new(false)));
        let (counted, seen, stopped): (Arc<AtomicU64>, Arc<AtomicU64>, _) =
            (Arc::clone(&bytes), Arc::clone(&packets), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let (mut datagram, mut caller) = ([0; 2_048], None);
            let count = |length: usize| {
                counted.fetch_add(length as u64, Ordering::Relaxed);
                seen.fetch_add(1, Ordering::Relaxed);
            };
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = near.recv_from(&mut datagram) {
                    caller = Some(from);
                    count(length);
                    let _ = far.send(&datagram[..length]);
                }
                if let (Ok(length), Some(caller)) = (far.recv(&mut datagram), caller) {
                    count(length);
                    let _ = near.send_to(&datagram[..length], caller);
                }
            }
        });
        Self { bytes, packets, stop, thread, address }
    }

    fn counted(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.packets.load(Ordering::Relaxed))
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}

/// `one` dials `other`; both name the connection so.
fn connect(one: &mut Institution, other: &mut Institution, peer: PeerId) -> Relay {
    let relay = Relay::to(other.address);
    let now = Instant::now();
    let own = format!("dialling{}", peer.0);
    let credentials = Credentials::new(&[peer.0 as u8; 26], &own);
    let called = Called {
        address: relay.address,
        ufrag: credentials.ufrag.clone(),
        password: credentials.password.clone(),
        fingerprint: other.identity.fingerprint(),
    };
    let ufrag = credentials.ufrag.clone();
    let answering = Transport::new(&other.identity, credentials, one.identity.fingerprint(), now);
    other.tell(Command::AddPeer { peer, ufrag, transport: Box::new(answering), speakers: None });
    let dialling = Transport::dialling(&one.identity, &own, called, now);
    one.tell(Command::AddPeer { peer, ufrag: own, transport: Box::new(dialling), speakers: None });
    one.waits_for_peer(peer);
    other.waits_for_peer(peer);
    relay
}

/// All telephones of a meeting: each sends a packet every 20 ms, and nobody reads. The first `speakers` of each institution that is
/// named speak, the others send silence, as telephones do.
struct Talk {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Talk {
    fn of(institutions: &[Institution], speakers: &[usize]) -> Self {
        let phones: Vec<(UdpSocket, SocketAddr, bool)> = institutions
            .iter()
            .zip(speakers)
            .flat_map(|(institution, speakers)| {
                let phones = institution.phones.iter().enumerate();
                phones.map(|(at, (socket, target))| (socket.try_clone().expect("a socket"), *target, at < *speakers))
            })
            .collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            let slots = 20;
            for moment in 0_u32.. {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let due = start + TICK * moment / slots;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let (tick, slot) = (moment / slots, (moment % slots) as usize);
                for (phone, (socket, target, speaks)) in phones.iter().enumerate().skip(slot).step_by(slots as usize) {
                    let header = Header {
                        payload_type: 8,
                        marker: false,
                        sequence: tick as u16,
                        timestamp: RtpTime(tick * 160),
                        ssrc: phone as u32 + 1,
                    };
                    let mut packet = header.to_bytes().to_vec();
                    packet.extend((0..160).map(|at| if *speaks { tone(tick * 160 + at) } else { 0xd5 }));
                    let _ = socket.send_to(&packet, target);
                }
            }
        });
        Self { stop, thread }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}

/// A loud square wave of 400 Hz, in A-law: bit 7 is the sign (G.711), inverted bits the segment.
fn tone(sample: u32) -> u8 {
    if (sample / 10).is_multiple_of(2) { 0xaa } else { 0x2a }
}

/// What was measured of one state: CPU-ms a second of each institution, and what passed on all links a second.
struct Figures {
    cpu: Vec<f64>,
    bytes: f64,
    packets: f64,
}

fn measure(institutions: &[Institution], relays: &[Relay]) -> Figures {
    std::thread::sleep(SETTLES);
    let cpu = || institutions.iter().map(Institution::cpu).collect::<Vec<_>>();
    let passed = || relays.iter().map(Relay::counted).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    let (before, begun, start) = (cpu(), passed(), Instant::now());
    std::thread::sleep(ROUND);
    let seconds = start.elapsed().as_secs_f64();
    let spent = cpu().iter().zip(before).map(|(after, before)| (after - before) as f64 / 1e6 / seconds).collect();
    let ended = passed();
    let (bytes, packets) = ((ended.0 - begun.0) as f64 / seconds, (ended.1 - begun.1) as f64 / seconds);
    Figures { cpu: spent, bytes, packets }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// With and without sound on the links, in turn: what each institution spends more, what passes more, and what a leg costs without.
fn compare(institutions: &[Institution], relays: &[Relay], link: impl Fn(bool)) -> (Vec<f64>, f64, f64, f64) {
    let legs: usize = institutions.iter().map(|institution| institution.phones.len()).sum();
    let (mut more, mut leg) = (vec![Vec::new(); institutions.len()], Vec::new());
    let (mut bytes, mut packets) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        link(false);
        let without = measure(institutions, relays);
        link(true);
        let with = measure(institutions, relays);
        for (more, (with, without)) in more.iter_mut().zip(with.cpu.iter().zip(&without.cpu)) {
            more.push(with - without);
        }
        leg.push(without.cpu.iter().sum::<f64>() / legs as f64);
        bytes.push(with.bytes - without.bytes);
        packets.push(with.packets - without.packets);
    }
    (more.into_iter().map(median).collect(), median(bytes), median(packets), median(leg))
}

/// Two institutions, of which the first has those who speak.
fn two(listeners: usize, speakers: usize) {
    let peer = PeerId(1);
    let mut a = Institution::new(1, listeners + speakers);
    let mut b = Institution::new(2, listeners);
    let relay = connect(&mut a, &mut b, peer);
    for leg in 0..speakers as u64 {
        let ssrc = (DISTANT + leg) as u32;
        a.tell(Command::Stream { leg: LegId(leg), ssrc });
        b.tell(Command::AddDistant { leg: LegId(DISTANT + leg), peer, ssrc, room: room() });
    }
    let institutions = [a, b];
    let talk = Talk::of(&institutions, &[speakers, 0]);
    let link = |on: bool| {
        institutions[0].tell(match on {
            true => Command::Relate { peer, room: room(), relay: true },
            false => Command::Unrelate { peer, room: room() },
        });
    };
    let relays = [relay];
    let (more, bytes, packets, leg) = compare(&institutions, &relays, link);
    let each = more.iter().sum::<f64>() / speakers as f64;
    println!(
        "{listeners:>9} {speakers:>8} {:>9.1} {:>9.0} {:>12.2} {:>12.2} {:>12.2} {:>12.3} {:>9.1} {:>7}",
        bytes / 1e3,
        packets,
        more[0],
        more[1],
        each,
        leg,
        each / leg,
        institutions.iter().map(Institution::missed).sum::<u64>()
    );
    talk.end();
    relays.into_iter().for_each(Relay::end);
    institutions.into_iter().for_each(|institution| institution.pool.stop());
}

/// A meeting of so many institutions, each with some listeners; three of them, not the home, have somebody who speaks, whom the home
/// passes on to all others.
fn many(members: u16, listeners: usize) {
    const SPEAKERS: u64 = 3;
    let mut home = Institution::new(1, listeners);
    let mut others: Vec<Institution> = (1..members).map(|number| Institution::new(number + 1, listeners + 1)).collect();
    let peer = |at: usize| PeerId(at as u64 + 1);
    let relays: Vec<Relay> =
        others.iter_mut().enumerate().map(|(at, other)| connect(other, &mut home, peer(at))).collect();
    for speaker in 0..SPEAKERS {
        let (ssrc, passed_on) = ((DISTANT + speaker) as u32, (2 * DISTANT + speaker) as u32);
        let at = speaker as usize;
        others[at].tell(Command::Stream { leg: LegId(0), ssrc });
        home.tell(Command::AddDistant { leg: LegId(DISTANT + speaker), peer: peer(at), ssrc, room: room() });
        home.tell(Command::Stream { leg: LegId(DISTANT + speaker), ssrc: passed_on });
        for (number, other) in others.iter().enumerate().filter(|(number, _)| *number != at) {
            let leg = LegId(DISTANT + speaker);
            other.tell(Command::AddDistant { leg, peer: peer(number), ssrc: passed_on, room: room() });
        }
    }
    let speakers: Vec<usize> = (0..usize::from(members)).map(|at| usize::from((1..=3).contains(&at))).collect();
    let institutions: Vec<Institution> = std::iter::once(home).chain(others).collect();
    let talk = Talk::of(&institutions, &speakers);
    let link = |on: bool| {
        for (at, other) in institutions.iter().skip(1).enumerate() {
            for (institution, relay) in [(&institutions[0], true), (other, false)] {
                institution.tell(match on {
                    true => Command::Relate { peer: peer(at), room: room(), relay },
                    false => Command::Unrelate { peer: peer(at), room: room() },
                });
            }
        }
    };
    let (more, bytes, packets, leg) = compare(&institutions, &relays, link);
    let away = &more[1..];
    let per_member = away.iter().sum::<f64>() / away.len() as f64;
    println!(
        "{members} institutions with {listeners} listeners each, {SPEAKERS} speakers at three of them, one machine:\n\
         the home spends {:.2} CPU-ms a second for all links, {:.2} for each other member ({:.1} telephone legs of {leg:.3});\n\
         each of the others spends {per_member:.2} for its one link ({:.1} legs); {:.1} kB and {:.0} packets a second on each link",
        more[0],
        more[0] / away.len() as f64,
        more[0] / away.len() as f64 / leg,
        per_member / leg,
        bytes / 1e3 / away.len() as f64,
        packets / away.len() as f64,
    );
    talk.end();
    relays.into_iter().for_each(Relay::end);
    institutions.into_iter().for_each(|institution| institution.pool.stop());
}

fn main() {
    println!(
        "Two institutions, telephones with G.711 A-law; what sound on the link costs, in CPU-ms a second, and what passes on it.\n\
         The ratio: one speaker across the link costs as much as so many legs of a telephone in the same run.\n\
         A line with late ticks says more of the machine than of the link."
    );
    println!(
        "{:>9} {:>8} {:>9} {:>9} {:>12} {:>12} {:>12} {:>12} {:>9} {:>7}",
        "listeners", "speakers", "kB/s", "packets/s", "there", "here", "per speaker", "per leg", "ratio", "late"
    );
    for speakers in [1, 3] {
        for listeners in [5, 50, 200] {
            two(listeners, speakers);
        }
    }
    many(16, 5);
}
