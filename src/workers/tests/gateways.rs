//! Two and three gateways on loopback, with real sockets and keys: a telephone at one is heard at the others, and not at its own.

use super::*;
use crate::connection::{Called, Credentials, Identity};

struct Gateway {
    pool: Pool,
    news: mpsc::Receiver<Event>,
    identity: Identity,
    address: SocketAddr,
    phone: Far,
}

const PHONE: LegId = LegId(1);

fn room() -> RoomId {
    "rat".parse().expect("a room")
}

impl Gateway {
    /// With one telephone, which is in the room.
    fn new(ports: std::ops::Range<u16>) -> Self {
        let (events, news) = mpsc::channel(1_000);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.end));
        let config = Config {
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
            ports,
            silence: Duration::from_secs(60),
            browsers: vec![address],
        };
        let pool = Pool::start(&config, events).expect("a thread");
        let phone = far(&pool, PHONE.0);
        pool.send(Command::Enter { leg: PHONE, room: room() }).expect("queued");
        Self { pool, news, identity: Identity::generate().expect("keys"), address, phone }
    }

    fn tell(&self, command: Command) {
        self.pool.send(command).expect("queued");
    }

    /// The next event of this kind.
    fn waits_for(&mut self, wanted: &Event) {
        while &next(&mut self.news).expect("an event") != wanted {}
    }

    /// From now on what the other's leg says in this stream is heard here.
    fn hears(&self, leg: u64, peer: PeerId, ssrc: u32) {
        self.tell(Command::AddDistant { leg: LegId(leg), peer, ssrc, room: room() });
    }

    fn says(&self, leg: u64, ssrc: u32) {
        self.tell(Command::Stream { leg: LegId(leg), ssrc });
    }

    fn relates(&self, peer: PeerId, relay: bool) {
        self.tell(Command::Relate { peer, room: room(), relay });
    }
}

/// `one` dials `other`; both name the connection so.
fn connect(one: &mut Gateway, other: &mut Gateway, peer: PeerId) {
    let now = clock::now();
    let credentials = Credentials::new(&[peer.0 as u8; 26], "dialling");
    let called = Called {
        address: other.address,
        ufrag: credentials.ufrag.clone(),
        password: credentials.password.clone(),
        fingerprint: other.identity.fingerprint(),
    };
    let ufrag = credentials.ufrag.clone();
    let answering = Transport::new(&other.identity, credentials, one.identity.fingerprint(), now);
    other.tell(Command::AddPeer { peer, ufrag, transport: Box::new(answering), speakers: None });
    let dialling = Transport::dialling(&one.identity, "dialling", called, now);
    one.tell(Command::AddPeer { peer, ufrag: String::from("dialling"), transport: Box::new(dialling), speakers: None });
    for gateway in [one, other] {
        gateway.waits_for(&Event::PeerConnected { peer });
    }
}

/// While the first telephone says a tone for so many ticks: who of all heard it in any of the last 15.
fn heard_by<const N: usize>(mut gateways: [&mut Gateway; N], ticks: usize) -> [bool; N] {
    let tone = alaw(400);
    let mut heard = [false; N];
    for gateway in &gateways {
        // What came while the test did something else.
        strangers::waiting(&gateway.phone.socket);
        gateway.phone.socket.set_nonblocking(false).expect("a socket");
    }
    for tick in 0..ticks {
        gateways[0].phone.say(8, &tone);
        for (gateway, heard) in gateways.iter_mut().zip(&mut heard) {
            let level = gateway.phone.hears();
            *heard |= tick + 15 >= ticks && level < Level(30);
        }
    }
    heard
}

const AB: PeerId = PeerId(1);
const BC: PeerId = PeerId(2);

#[test]
fn a_phone_is_heard_at_the_home_and_through_it_at_a_third_gateway_and_not_at_its_own() {
    let mut a = Gateway::new(31_400..31_410);
    let mut b = Gateway::new(31_420..31_430);
    let mut c = Gateway::new(31_440..31_450);
    connect(&mut a, &mut b, AB);
    connect(&mut c, &mut b, BC);
    a.says(PHONE.0, 1_001);
    a.relates(AB, false);
    b.hears(21, AB, 1_001);
    b.says(21, 2_001);
    b.relates(AB, true);
    b.relates(BC, true);
    c.hears(31, BC, 2_001);
    assert_eq!(heard_by([&mut a, &mut b, &mut c], 60), [false, true, true]);
    b.waits_for(&Event::Speaking { room: room(), legs: vec![LegId(21)] });
    c.waits_for(&Event::Speaking { room: room(), legs: vec![LegId(31)] });
    // The home chooses five others.
    c.tell(Command::Choose { room: room(), chosen: Some((91..96).map(LegId).collect()) });
    assert_eq!(heard_by([&mut a, &mut b, &mut c], 60), [false, true, false]);
    c.tell(Command::Choose { room: room(), chosen: Some(vec![LegId(31)]) });
    assert_eq!(heard_by([&mut a, &mut b, &mut c], 60), [false, true, true]);
    c.tell(Command::Mute { leg: LegId(31), on: true });
    assert_eq!(heard_by([&mut a, &mut b, &mut c], 60), [false, true, false]);
    b.tell(Command::Remove { leg: LegId(21) });
    assert_eq!(heard_by([&mut a, &mut b, &mut c], 60), [false, false, false]);
    for gateway in [a, b, c] {
        gateway.pool.stop();
    }
}

#[test]
fn a_connection_that_is_made_anew_brings_the_sound_back_and_one_whose_other_end_is_gone_is_lost() {
    let mut a = Gateway::new(31_460..31_470);
    let mut b = Gateway::new(31_480..31_490);
    // Told before the connection is there.
    a.says(PHONE.0, 1_001);
    b.hears(21, PeerId(3), 1_001);
    connect(&mut a, &mut b, PeerId(3));
    a.relates(PeerId(3), false);
    assert_eq!(heard_by([&mut a, &mut b], 60), [false, true]);
    a.tell(Command::RemovePeer { peer: PeerId(3) });
    assert_eq!(heard_by([&mut a, &mut b], 60), [false, false]);
    b.waits_for(&Event::PeerLost { peer: PeerId(3) });
    b.tell(Command::RemovePeer { peer: PeerId(3) });
    connect(&mut b, &mut a, PeerId(4));
    a.relates(PeerId(4), false);
    b.hears(21, PeerId(4), 1_002);
    a.says(PHONE.0, 1_002);
    assert_eq!(heard_by([&mut a, &mut b], 60), [false, true]);
    a.pool.stop();
    b.waits_for(&Event::PeerLost { peer: PeerId(4) });
    b.pool.stop();
}

#[test]
fn a_gateway_with_another_certificate_than_was_told_is_lost_at_once() {
    let mut a = Gateway::new(31_500..31_510);
    let b = Gateway::new(31_520..31_530);
    let (now, credentials) = (clock::now(), Credentials::new(&[9; 26], "dialling"));
    let called = Called {
        address: b.address,
        ufrag: credentials.ufrag.clone(),
        password: credentials.password.clone(),
        fingerprint: a.identity.fingerprint(),
    };
    let ufrag = credentials.ufrag.clone();
    let answering = Transport::new(&b.identity, credentials, a.identity.fingerprint(), now);
    b.tell(Command::AddPeer { peer: AB, ufrag, transport: Box::new(answering), speakers: None });
    let dialling = Transport::dialling(&a.identity, "dialling", called, now);
    a.tell(Command::AddPeer {
        peer: AB,
        ufrag: String::from("dialling"),
        transport: Box::new(dialling),
        speakers: None,
    });
    assert_eq!(next(&mut a.news), Some(Event::PeerLost { peer: AB }));
    a.pool.stop();
    b.pool.stop();
}
