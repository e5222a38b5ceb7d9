//! Strangers at the ports of a call: what they send is neither heard nor answered, and changes nothing (RTP injection, RTP
//! bleed, forged RTCP). The peer is followed where the signalling says so, or where its stream goes on after a silence.

use super::*;
use crate::media::rtcp::{self, Block, MiddleTime, Writer};

/// Two phones in a room: of the first the tests tell, the second listens.
struct Room {
    pool: Pool,
    news: mpsc::Receiver<Event>,
    phone: Far,
    listener: Far,
}

const PHONE: LegId = LegId(1);

impl Room {
    fn new(ports: std::ops::Range<u16>) -> Self {
        let (pool, news) = start(Duration::from_secs(60), ports);
        let (phone, listener) = (far(&pool, 1), far(&pool, 2));
        for leg in [1, 2] {
            pool.send(Command::Enter { leg: LegId(leg), room: "rat".parse().expect("a room") }).expect("queued");
        }
        Self { pool, news, phone, listener }
    }

    /// Whether the room hears a tone while `says` is done in each of so many ticks.
    fn hears(&mut self, ticks: u32, mut says: impl FnMut(&mut Far)) -> bool {
        let mut heard = false;
        for _ in 0..ticks {
            says(&mut self.phone);
            heard |= self.listener.hears() < Level(30);
        }
        heard
    }

    /// How the first phone's call was.
    fn over(mut self) -> Quality {
        self.pool.send(Command::Remove { leg: PHONE }).expect("queued");
        let quality = loop {
            match next(&mut self.news).expect("the end") {
                Event::Over { leg: PHONE, quality } => break quality,
                Event::Over { .. } | Event::Speaking { .. } => {}
                other @ (Event::Digit { .. }
                | Event::Typed { .. }
                | Event::Played { .. }
                | Event::Connected { .. }
                | Event::Quality { .. }
                | Event::PeerConnected { .. }
                | Event::PeerElsewhere { .. }
                | Event::PeerLost { .. }
                | Event::PeerQuality { .. }
                | Event::Lost { .. }) => panic!("{other:?}"),
            }
        };
        self.pool.stop();
        quality
    }
}

/// Datagrams that have come.
pub(super) fn waiting(socket: &UdpSocket) -> usize {
    socket.set_nonblocking(true).expect("a socket");
    std::iter::from_fn(|| socket.recv_from(&mut [0; 2_048]).ok()).count()
}

/// Our voice, as the phone hears it.
fn ssrc_of(far: &Far) -> u32 {
    let mut datagram = [0; 2_048];
    let (length, _) = far.socket.recv_from(&mut datagram).expect("a packet");
    Packet::read(&datagram[..length]).expect("RTP").ssrc
}

fn report(reporter: u32, block: Block) -> Vec<u8> {
    let mut out = [0; rtcp::LONGEST];
    let mut writer = Writer::new(&mut out);
    writer.report(reporter, None, Some(block));
    writer.name([reporter].into_iter(), "somebody");
    let length = writer.finish().expect("room");
    out[..length].to_vec()
}

fn farewell(reporter: u32) -> Vec<u8> {
    let mut out = [0; rtcp::LONGEST];
    let mut writer = Writer::new(&mut out);
    writer.report(reporter, None, None);
    writer.farewell([reporter].into_iter());
    let length = writer.finish().expect("room");
    out[..length].to_vec()
}

/// Where RTCP is received.
fn rtcp_port(far: &Far) -> SocketAddr {
    SocketAddr::new(far.ours.ip(), far.ours.port() + 1)
}

#[test]
fn a_strangers_sound_is_neither_heard_nor_answered() {
    let mut room = Room::new(31_300..31_310);
    let (silence, tone) = (vec![0xd5; 160], alaw(400));
    let here = socket();
    let elsewhere = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).expect("a socket");
    assert!(!room.hears(10, |phone| phone.say(8, &silence)), "the phone is silent");
    let heard = room.hears(60, |phone| {
        phone.say(8, &silence);
        for stranger in [&here, &elsewhere] {
            // In the phone's own name, and in another.
            let mut forged = phone.packet(8, &tone);
            phone.sequence -= 1;
            stranger.send_to(&forged, phone.ours).expect("sent");
            forged[8] ^= 1;
            stranger.send_to(&forged, phone.ours).expect("sent");
        }
    });
    assert!(!heard, "the room heard a stranger");
    assert_eq!((waiting(&here), waiting(&elsewhere)), (0, 0), "a stranger was sent sound");
    assert!(room.hears(60, |phone| phone.say(8, &tone)), "the phone itself is heard");
    assert_eq!(room.over().loss_in.lost, 0);
}

#[test]
fn sound_from_elsewhere_is_taken_after_a_new_offer() {
    let mut room = Room::new(31_310..31_320);
    let (silence, tone) = (vec![0xd5; 160], alaw(400));
    let (elsewhere, reports) = (socket(), socket());
    room.hears(10, |phone| phone.say(8, &silence));
    let mut from_elsewhere = |phone: &mut Far| {
        let datagram = phone.packet(8, &tone);
        elsewhere.send_to(&datagram, phone.ours).expect("sent");
    };
    assert!(!room.hears(30, &mut from_elsewhere), "nobody said that the phone has moved");
    room.pool.send(Command::Renegotiate { leg: PHONE, session: session(&elsewhere, &reports) }).expect("queued");
    assert!(room.hears(60, &mut from_elsewhere), "the new offer said so");
    assert!(waiting(&elsewhere) > 10, "and sound goes there");
}

#[test]
fn a_stream_that_goes_on_from_elsewhere_after_a_silence_is_followed_and_another_stream_is_not() {
    let mut room = Room::new(31_320..31_330);
    let (silence, tone) = (vec![0xd5; 160], alaw(400));
    let (elsewhere, stranger) = (socket(), socket());
    room.hears(10, |phone| phone.say(8, &silence));
    assert!(!room.hears(115, |_| {}), "two seconds of nothing");
    let from_a_stranger = room.hears(30, |phone| {
        let mut datagram = phone.packet(8, &tone);
        datagram[8] ^= 1;
        stranger.send_to(&datagram, phone.ours).expect("sent");
    });
    assert!(!from_a_stranger && waiting(&stranger) == 0, "another stream");
    let moved = room.hears(60, |phone| {
        let datagram = phone.packet(8, &tone);
        elsewhere.send_to(&datagram, phone.ours).expect("sent");
    });
    assert!(moved && waiting(&elsewhere) > 10, "the same stream, from where the NAT moved it");
}

#[test]
fn a_strangers_farewell_and_forged_reports_do_nothing() {
    let mut room = Room::new(31_330..31_340);
    let tone = alaw(400);
    let stranger = socket();
    room.hears(10, |phone| phone.say(8, &tone));
    let ours = ssrc_of(&room.phone);
    let forged = report(Far::SSRC, Block { ssrc: ours, lost: 4_711, jitter: 4_711, ..Block::default() });
    let heard = room.hears(60, |phone| {
        phone.say(8, &tone);
        for target in [phone.ours, rtcp_port(phone)] {
            for datagram in [&forged, &farewell(Far::SSRC), &farewell(ours)] {
                stranger.send_to(datagram, target).expect("sent");
            }
        }
        // From the phone's own ports, in somebody else's name.
        phone
            .rtcp
            .send_to(&report(666, Block { ssrc: ours, lost: 4_711, ..Block::default() }), rtcp_port(phone))
            .expect("sent");
    });
    assert!(heard, "the call goes on");
    let quality = room.over();
    assert_eq!((quality.out, quality.round_trip), (None, None));
    assert_eq!(waiting(&stranger), 0, "a stranger was told something");
}

#[test]
fn a_phone_and_the_gateway_tell_each_other_how_they_hear_and_say_farewell() {
    let mut room = Room::new(31_340..31_350);
    let tone = alaw(400);
    room.hears(50, |phone| {
        phone.sequence += u16::from(phone.sequence % 10 == 5);
        phone.say(8, &tone);
    });
    let mut datagram = [0; 2_048];
    let (length, from) = room.phone.rtcp.recv_from(&mut datagram).expect("a report within three seconds");
    assert_eq!(from, rtcp_port(&room.phone));
    let told = rtcp::read(&datagram[..length]).next().expect("a report");
    let sent = told.sent.expect("a sender's");
    assert!(sent.packets >= 50 && sent.bytes == 160 * sent.packets, "{sent:?}");
    let heard = told.blocks().next().expect("what is heard");
    assert_eq!((heard.ssrc, heard.lost, heard.last_report), (Far::SSRC, 5, MiddleTime(0)));
    let block = Block { ssrc: told.ssrc, lost: 3, jitter: 80, last_report: sent.at.middle(), ..Block::default() };
    room.phone.rtcp.send_to(&report(Far::SSRC, block), rtcp_port(&room.phone)).expect("sent");
    room.hears(20, |phone| phone.say(8, &tone));
    let rtcp = room.phone.rtcp.try_clone().expect("a socket");
    let quality = room.over();
    let out = quality.out.expect("told");
    assert_eq!((out.loss.lost, out.jitter, quality.loss_in.lost), (3, Duration::from_millis(10), 5));
    assert!(quality.round_trip.expect("measured") < Duration::from_millis(500), "{quality:?}");
    let (length, _) = rtcp.recv_from(&mut datagram).expect("the farewell");
    assert_eq!(datagram[length - 7], 203, "BYE is the last packet");
}
