//! The thread with real sockets on loopback: a phone is played a prompt, enters a room, and hears another phone.
#![allow(clippy::disallowed_methods, reason = "the far ends are sockets of the test")]

mod gateways;
mod strangers;
mod texts;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use super::*;
use crate::media::digits::EventPayload;
use crate::media::level::level_of;
use crate::media::rtp::{Header, Packet};
use crate::media::tone::{Player, Tone};
use crate::words::{Codec, Direction, Family, Level, Rate, RtpTime};

struct Far {
    socket: UdpSocket,
    /// For its reports.
    rtcp: UdpSocket,
    ours: SocketAddr,
    sequence: u16,
}

impl Far {
    /// Its voice.
    const SSRC: u32 = 7;

    fn say(&mut self, payload_type: u8, payload: &[u8]) {
        let datagram = self.packet(payload_type, payload);
        self.socket.send_to(&datagram, self.ours).expect("sends");
    }

    fn packet(&mut self, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            payload_type,
            marker: false,
            sequence: self.sequence,
            timestamp: RtpTime(u32::from(self.sequence) * 160),
            ssrc: Self::SSRC,
        };
        self.sequence += 1;
        let mut datagram = header.to_bytes().to_vec();
        datagram.extend(payload);
        datagram
    }

    /// The level of the next packet that comes.
    fn hears(&self) -> Level {
        let mut datagram = [0; 2_048];
        let (length, _) = self.socket.recv_from(&mut datagram).expect("a packet within two seconds");
        let packet = Packet::read(&datagram[..length]).expect("RTP");
        let mut decoder = crate::media::codec::Decoder::new(Codec::Pcma, Rate::Narrow).expect("a decoder");
        let mut sound = [0; 160];
        decoder.decode(packet.payload, &mut sound).expect("A-law");
        level_of(&sound)
    }
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    socket
}

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("an address")
}

fn far(pool: &Pool, leg: u64) -> Far {
    let (socket, rtcp) = (socket(), socket());
    let ports = pool.reserve_ports(Family::V4).expect("ports");
    let ours = ports.address();
    let session = session(&socket, &rtcp);
    pool.add_phone(LegId(leg), ports, session, None, [leg as u8; 32]).expect("a leg");
    Far { socket, rtcp, ours, sequence: 0 }
}

fn session(rtp: &UdpSocket, rtcp: &UdpSocket) -> Session {
    Session {
        codec: Codec::Pcma,
        payload_type: 8,
        ptime: Duration::from_millis(20),
        telephone_event: Some(101),
        remote_rtp: address(rtp),
        remote_rtcp: address(rtcp),
        direction: Direction::SendRecv,
        rtcp_mux: false,
        fec: false,
        dtx: false,
        keying: None,
        text: None,
    }
}

/// The next event that is no figure.
fn next(news: &mut mpsc::Receiver<Event>) -> Option<Event> {
    loop {
        let event = news.blocking_recv();
        if !matches!(event, Some(Event::Quality { .. } | Event::PeerQuality { .. })) {
            return event;
        }
    }
}

fn alaw(hertz: u16) -> Vec<u8> {
    let mut sound = [0; 160];
    Player::new(Tone::Steady(hertz), Rate::Narrow).fill(&mut sound);
    let mut payload = vec![0; 160];
    crate::media::codec::Encoder::new(Codec::Pcma, Rate::Narrow, Default::default())
        .expect("an encoder")
        .encode(&sound, &mut payload)
        .expect("encodes");
    payload
}

fn start(silence: Duration, ports: std::ops::Range<u16>) -> (Pool, mpsc::Receiver<Event>) {
    let (events, news) = mpsc::channel(100);
    let config = Config { addresses: vec![Ipv4Addr::LOCALHOST.into()], ports, silence, browsers: Vec::new() };
    (Pool::start(&config, events).expect("a thread"), news)
}

#[test]
fn a_phone_hears_its_prompt_keys_a_digit_and_then_hears_the_room() {
    let (pool, mut news) = start(Duration::from_secs(60), 31_000..31_100);
    let (mut one, mut other) = (far(&pool, 1), far(&pool, 2));
    let clip = Clip::new(vec![12_000; 16_000 / 5].into());
    pool.send(Command::Play { leg: LegId(1), clips: vec![clip], repeat: false, id: 9 }).expect("queued");
    assert!((0..20).any(|_| one.hears() < Level(20)), "the prompt");
    assert_eq!(next(&mut news), Some(Event::Played { leg: LegId(1), id: 9 }));
    while one.hears() < Level(60) {}
    one.say(101, &EventPayload { event: 5, end: true, volume: 10, duration: 800 }.to_bytes());
    let digit = Digit::from_event(5).expect("a key");
    assert_eq!(next(&mut news), Some(Event::Digit { leg: LegId(1), digit }));

    let tone = alaw(400);
    let speaks_unheard = (0..10).all(|_| {
        other.say(8, &tone);
        other.hears();
        one.hears() > Level(60) || one.hears() > Level(60)
    });
    assert!(speaks_unheard, "a private leg hears nothing of another");
    let room: RoomId = "rat".parse().expect("a room");
    for leg in [1, 2] {
        pool.send(Command::Enter { leg: LegId(leg), room: room.clone() }).expect("queued");
    }
    let heard = (0..50).any(|_| {
        other.say(8, &tone);
        other.hears();
        one.hears() < Level(20)
    });
    assert!(heard, "the room");
    assert_eq!(next(&mut news), Some(Event::Speaking { room, legs: vec![LegId(2)] }));
    assert!(pool.figures().ticks.load(Ordering::Relaxed) > 10);
    pool.stop();
}

#[test]
fn a_phone_that_sends_nothing_is_warned_and_then_lost() {
    let (pool, mut news) = start(Duration::from_millis(400), 31_100..31_200);
    let far = far(&pool, 1);
    assert!((0..30).any(|_| far.hears() < Level(25)), "the warning tone");
    assert_eq!(next(&mut news), Some(Event::Lost { leg: LegId(1) }));
    pool.stop();
}

#[test]
fn ports_come_in_pairs_even_first_and_run_out_with_a_clear_error() {
    let (pool, _news) = start(Duration::from_secs(60), 31_201..31_206);
    let (one, other) =
        (pool.reserve_ports(Family::V4).expect("a pair"), pool.reserve_ports(Family::V4).expect("a pair"));
    assert_eq!((one.address().port(), other.address().port()), (31_202, 31_204));
    assert_eq!(pool.reserve_ports(Family::V4).err(), Some(NoPorts));
    drop(one);
    assert_eq!(pool.reserve_ports(Family::V4).expect("free again").address().port(), 31_202);
    pool.stop();
}
