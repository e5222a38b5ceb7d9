//! Text beside sound, with real sockets: two telephones type to each other, and a stranger at the port is not read.

use std::time::Instant;

use super::*;
use crate::media::text::{Redundancy, red};
use crate::media::{TextLeg, TextSession};
use crate::words::ParticipantId;

const T140: u8 = 98;

/// The text of a telephone, on a socket of its own.
struct Keyboard {
    socket: UdpSocket,
    ours: SocketAddr,
    leg: TextLeg,
    /// Its own clock: it runs ahead.
    now: Instant,
}

impl Keyboard {
    fn beside(pool: &Pool, far: &Far, leg: u64) -> Self {
        let socket = socket();
        let ports = pool.reserve_ports(Family::V4).expect("ports");
        let ours = ports.address();
        let red = Some(Redundancy { payload_type: 99, generations: 2 });
        let session = |remote| TextSession {
            t140: T140,
            red,
            remote,
            direction: Direction::SendRecv,
            letters_a_second: 100,
            keying: None,
        };
        let text = Some(session(address(&socket)));
        pool.send(Command::GiveText { leg: LegId(leg), ports }).expect("queued");
        let renegotiated = Session { text, ..super::session(&far.socket, &far.rtcp) };
        pool.send(Command::Renegotiate { leg: LegId(leg), session: renegotiated }).expect("queued");
        Self { socket, ours, leg: TextLeg::new(session(ours), 5, 1, RtpTime(0)), now: clock::now() }
    }

    /// Sends so many packets.
    fn types(&mut self, text: &str, times: u32) {
        self.leg.write(ParticipantId(1), "far", &Typed::read(text), self.now);
        for _ in 0..times {
            self.now += Duration::from_millis(300);
            if let Some((packet, to)) = self.leg.packet(self.now) {
                self.socket.send_to(&packet, to).expect("sends");
            }
        }
    }

    /// What the next packets say that is new, until it ends so.
    fn reads(&self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let mut datagram = [0; 2_048];
            let (length, from) = self.socket.recv_from(&mut datagram).expect("a packet in time");
            assert_eq!(from, self.ours);
            let packet = Packet::read(&datagram[..length]).expect("RTP");
            let blocks = red::read(packet.payload, T140).expect("text");
            text.push_str(std::str::from_utf8(blocks.last().expect("a block")).expect("UTF-8"));
        }
        text
    }
}

fn typed(news: &mut mpsc::Receiver<Event>) -> String {
    match next(news) {
        Some(Event::Typed { leg: LegId(1), text, beyond: 0 }) => text.reveal().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_telephone_types_and_reads_also_after_text_was_dropped_and_taken_up_again() {
    let (pool, mut news) = start(Duration::from_secs(60), 31_600..31_620);
    let far = far(&pool, 1);
    let mut keyboard = Keyboard::beside(&pool, &far, 1);
    keyboard.types("Grüße", 4);
    assert_eq!(typed(&mut news), "[far] Grüße");
    let name = Name::chosen("Erika");
    let write =
        |text| Command::Write { leg: LegId(1), who: ParticipantId(7), name: name.clone(), text: Typed::read(text) };
    pool.send(write("Hallo 🙂")).expect("queued");
    assert_eq!(keyboard.reads("🙂"), "\u{feff}[Erika] Hallo 🙂");

    let without = || session(&far.socket, &far.rtcp);
    pool.send(Command::Renegotiate { leg: LegId(1), session: without() }).expect("queued");
    pool.send(write("lost")).expect("queued");
    let keyboard = Keyboard::beside(&pool, &far, 1);
    pool.send(write("again")).expect("queued");
    assert_eq!(keyboard.reads("again"), "\u{feff}[Erika] again");
    pool.stop();
}

#[test]
fn a_stranger_at_the_text_port_is_neither_read_nor_answered() {
    let (pool, mut news) = start(Duration::from_secs(60), 31_620..31_640);
    let far = far(&pool, 1);
    let mut keyboard = Keyboard::beside(&pool, &far, 1);
    keyboard.types("a", 4);
    assert_eq!(typed(&mut news), "[far] a");
    let stranger = socket();
    for number in 0..20 {
        let header = Header { payload_type: T140, marker: false, sequence: number, timestamp: RtpTime(0), ssrc: 9 };
        let datagram = [&header.to_bytes()[..], b"forged"].concat();
        stranger.send_to(&datagram, keyboard.ours).expect("sends");
    }
    keyboard.types("b", 3);
    assert_eq!(typed(&mut news), "b");
    pool.stop();
}
