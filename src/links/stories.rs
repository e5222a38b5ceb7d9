//! Doors on loopback, with real TLS; and peers that do not behave. Whoever waits here waits for an event.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use jiff::SignedDuration;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsConnector, TlsStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use zeroize::Zeroizing;

use super::socket::{PATH, PROTOCOL, Socket};
use super::*;
use crate::cascade::{Frame, Session};
use crate::member::{Document, Envelope, Member, Operators, Pin, SigningKey, Trust};
use crate::workers::Figures;

/// Nothing here takes that long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway with its door.
struct Town {
    domain: Domain,
    own: Own,
    door: Door,
    events: mpsc::Receiver<Event>,
}

impl Town {
    fn new(name: &str) -> Self {
        Self::with(name, Limits::default())
    }

    fn with(name: &str, limits: Limits) -> Self {
        let domain: Domain = format!("{name}.example").parse().expect("a domain");
        let own = Own::made(domain.as_str()).expect("a key");
        let (door, events) = open(&domain, &own, 0, limits);
        Self { domain, own, door, events }
    }

    fn port(&self) -> u16 {
        self.door.listening()[0].port()
    }

    /// How it stands in the registry.
    fn member(&self) -> Member {
        Member {
            domain: self.domain.clone(),
            name: self.domain.to_string(),
            country: "DE".parse().expect("a country"),
            links: vec![format!("gw.localhost:{}", self.port()).parse().expect("a link")],
            sip: true,
            pins: vec![Pin { spki: self.own.pin(), from: None, until: None }],
            key: operator().public(),
            media: ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network")).to_vec(),
            processors: Vec::new(),
            contact: String::from("technik@stadt.example"),
        }
    }

    /// Waits for an event of which something is to be made.
    async fn wait<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the door is open");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, found).await.expect("it comes")
    }

    async fn up(&mut self) {
        self.wait(|event| matches!(event, Event::Up { .. }).then_some(())).await;
    }

    /// Up, and everything told anew from here.
    async fn begun(&mut self) {
        let (peer, turn) =
            self.wait(|event| if let Event::TellAnew { peer, turn } = event { Some((peer, turn)) } else { None }).await;
        self.door.begin(&peer, turn);
    }

    async fn down(&mut self) -> Ended {
        self.wait(|event| if let Event::Down { why, .. } = event { Some(why) } else { None }).await
    }

    async fn refused(&mut self) -> Why {
        self.wait(|event| if let Event::Refused(refused) = event { Some(refused.why) } else { None }).await
    }

    /// The next thing that is heard, and whether anything was told anew before it.
    async fn hears(&mut self) -> String {
        self.wait(|event| if let Event::Heard { what, .. } = event { Some(what.get().to_owned()) } else { None }).await
    }

    fn says(&self, to: &Self, what: &str) {
        self.door.say(&to.domain, raw(what)).expect("said");
    }

    fn figure(&self, series: &str) -> String {
        let text = self.door.shared.observed.text();
        let line =
            text.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("no {series} in {text}"));
        line.rsplit(' ').next().unwrap_or_default().to_owned()
    }
}

fn open(domain: &Domain, own: &Own, port: u16, limits: Limits) -> (Door, mpsc::Receiver<Event>) {
    let config = Config {
        us: domain.clone(),
        listen: vec![SocketAddr::from(([127, 0, 0, 1], port))],
        dns: vec![SocketAddr::from(([127, 0, 0, 1], 9))],
        own: own.clone(),
        limits,
    };
    let (to_events, events) = mpsc::channel(4_096);
    let observed = Observed::new(&Figures::default(), 0);
    let door = Door::open(config, None, Residency::default(), observed, to_events).expect("open");
    (door, events)
}

fn raw(what: &str) -> Box<RawValue> {
    RawValue::from_string(what.to_owned()).expect("JSON")
}

fn operator() -> SigningKey {
    SigningKey::new(Zeroizing::new([1; 32])).expect("a key")
}

fn registry(serial: u64, members: Vec<Member>, holds: SignedDuration) -> Arc<Registry> {
    let now = clock::moment();
    let operators = Operators { threshold: 1, keys: vec![operator().public()] };
    let federation: Domain = "kommunal.example".parse().expect("a domain");
    let document = Document {
        format: String::from("einwahl-registry-1"),
        federation: federation.clone(),
        serial,
        issued: now - SignedDuration::from_hours(1),
        expires: now + holds,
        operators: operators.clone(),
        members,
    };
    let mut envelope = Envelope::read(&serde_json::to_vec(&document).expect("JSON")).expect("a document");
    envelope.sign(&operator()).expect("signed");
    let trust = Trust { federation, operators, held: None };
    Arc::new(trust.accept(envelope.to_json().as_bytes(), now).expect("accepted"))
}

const LONG: SignedDuration = SignedDuration::from_hours(24);

/// All of them hold the same registry from now on.
fn meet(towns: &[&Town]) {
    let all = registry(1, towns.iter().map(|town| town.member()).collect(), LONG);
    towns.iter().for_each(|town| town.door.registry(Arc::clone(&all)));
}

#[tokio::test]
async fn two_members_who_both_open_a_connection_keep_one_and_hear_everything_in_order() {
    let (mut a, mut b) = (Town::new("stadt-a"), Town::new("stadt-b"));
    meet(&[&a, &b]);
    a.begun().await;
    b.begun().await;
    for number in 0..200 {
        a.says(&b, &format!("{{\"a\":{number}}}"));
        b.says(&a, &format!("{{\"b\":{number}}}"));
    }
    for number in 0..200 {
        assert_eq!(b.hears().await, format!("{{\"a\":{number}}}"));
        assert_eq!(a.hears().await, format!("{{\"b\":{number}}}"));
    }
    // The connection of the lower domain stays; the round trip is measured on it.
    loop {
        a.wait(|event| matches!(event, Event::RoundTrip { .. }).then_some(())).await;
        let [(_, of_a)] = &a.door.peers()[..] else { panic!("one peer") };
        if matches!(of_a, State::Up { by_us: true, round_trip: Some(_), .. }) {
            break;
        }
    }
    loop {
        b.wait(|event| matches!(event, Event::RoundTrip { .. }).then_some(())).await;
        if matches!(&b.door.peers()[..], [(_, State::Up { by_us: false, round_trip: Some(_), .. })]) {
            break;
        }
    }
    assert_eq!(a.figure("einwahl_link_up{member=\"stadt-b.example\"}"), "1");
    a.door.close().await;
    assert_eq!(b.down().await, Ended::TheyClosed(Closing::Stopping));
}

#[tokio::test]
async fn of_three_members_each_has_a_link_to_each() {
    let mut towns = [Town::new("stadt-a"), Town::new("stadt-b"), Town::new("stadt-c")];
    meet(&towns.iter().collect::<Vec<_>>());
    for town in &mut towns {
        let mut begun = BTreeSet::new();
        while begun.len() < 2 {
            begun.insert(
                town.wait(|event| if let Event::TellAnew { peer, .. } = event { Some(peer) } else { None }).await,
            );
        }
        assert!(!begun.contains(&town.domain));
    }
}

/// Passes bytes on, until it is cut.
struct Relay {
    port: u16,
    cut: tokio::sync::broadcast::Sender<()>,
}

impl Relay {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
        let (cut, _) = tokio::sync::broadcast::channel(1);
        let relay = Self { port: listener.local_addr().expect("bound").port(), cut: cut.clone() };
        tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                let mut is_cut = cut.subscribe();
                tokio::spawn(async move {
                    let Ok(mut there) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                        _ = is_cut.recv() => {}
                    }
                });
            }
        });
        relay
    }
}

/// Two towns; the first alone opens connections, by a relay.
async fn by_a_relay() -> (Town, Town, Relay) {
    let (a, b) = (Town::new("stadt-a"), Town::new("stadt-b"));
    let relay = Relay::to(b.port()).await;
    let (mut of_a, mut of_b) = (a.member(), b.member());
    of_a.links.clear();
    of_b.links[0].port = relay.port;
    let all = registry(1, vec![of_a, of_b], LONG);
    a.door.registry(Arc::clone(&all));
    b.door.registry(all);
    (a, b, relay)
}

#[tokio::test]
async fn what_is_said_while_the_connection_breaks_arrives_once_and_in_order() {
    let (mut a, mut b, relay) = by_a_relay().await;
    a.begun().await;
    b.begun().await;
    let mut said = 0;
    let mut heard = 0;
    let mut anew = 0;
    for _ in 0..5 {
        for _ in 0..100 {
            a.says(&b, &said.to_string());
            said += 1;
        }
        // Some have arrived, some have not.
        while heard < said - 70 {
            assert_eq!(b.hears().await, heard.to_string());
            heard += 1;
        }
        relay.cut.send(()).expect("cut");
        a.says(&b, &said.to_string());
        said += 1;
        assert!(matches!(a.down().await, Ended::Lost(_)));
        let told_again = a
            .wait(|event| match event {
                Event::Up { .. } => Some(false),
                Event::TellAnew { .. } => Some(true),
                Event::Down { .. }
                | Event::Heard { .. }
                | Event::Anew { .. }
                | Event::Refused(_)
                | Event::RoundTrip { .. } => None,
            })
            .await;
        assert!(!told_again);
    }
    while heard < said {
        let what = b
            .wait(|event| match event {
                Event::Heard { what, .. } => Some(Some(what)),
                Event::Anew { .. } => Some(None),
                Event::Up { .. }
                | Event::Down { .. }
                | Event::TellAnew { .. }
                | Event::Refused(_)
                | Event::RoundTrip { .. } => None,
            })
            .await;
        match what {
            Some(what) => {
                assert_eq!(what.get(), heard.to_string());
                heard += 1;
            }
            None => anew += 1,
        }
    }
    assert_eq!(anew, 0, "resumed, not told anew");
}

#[tokio::test]
async fn who_lost_their_memory_is_told_everything_anew_and_nothing_of_before() {
    let (mut a, mut b, _relay) = by_a_relay().await;
    a.begun().await;
    b.begun().await;
    let (port, registry) = (b.port(), b.door.shared.members.changes().borrow().clone().expect("held"));
    b.door.close().await;
    assert_eq!(a.down().await, Ended::TheyClosed(Closing::Stopping));
    a.door.say(&b.domain, raw("\"before\"")).expect("kept");
    let (door, events) = open(&b.domain, &b.own, port, Limits::default());
    door.registry(registry);
    let mut b = Town { door, events, domain: b.domain, own: b.own };
    a.begun().await;
    a.says(&b, "\"anew\"");
    assert_eq!(b.hears().await, "\"anew\"");
}

#[tokio::test]
async fn who_says_more_than_waits_tells_everything_anew() {
    let (mut a, mut b, _relay) = by_a_relay().await;
    a.begun().await;
    b.begun().await;
    // Nobody else gets a turn meanwhile.
    for number in 0..=SAYINGS {
        a.says(&b, &number.to_string());
    }
    a.begun().await;
    a.says(&b, "\"anew\"");
    while b.hears().await != "\"anew\"" {}
    let too_long = raw(&format!("\"{}\"", "x".repeat(MOST_SAID)));
    assert_eq!(a.door.say(&b.domain, too_long), Err(NotSaid::TooLong));
    assert_eq!(a.door.say(&a.domain, raw("1")), Err(NotSaid::NoMember));
}

/// A peer that a test plays: has a key, and says what it likes.
async fn knock(own: &Own, port: u16, path: &str, protocol: &str) -> Result<Socket, String> {
    let mut config = tls::caller(own, Arc::new(|_| true)).expect("a key");
    config.alpn_protocols = vec![socket::ALPN.to_vec()];
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    let name = ServerName::try_from("gw.localhost").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| error.to_string())?;
    let place = format!("wss://gw.localhost{path}").parse().expect("a place");
    let request = ClientRequestBuilder::new(place).with_sub_protocol(protocol);
    let (socket, _) = client_async(request, TlsStream::Client(stream)).await.map_err(|error| error.to_string())?;
    Ok(socket)
}

/// The reason in the other side's bye.
async fn bye(socket: &mut Socket) -> Closing {
    let found = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message
                && let Frame::Bye { why } = Frame::read(text.as_bytes()).expect("a frame")
            {
                return why;
            }
        }
        panic!("it was closed without a word")
    };
    timeout(PATIENCE, found).await.expect("it comes")
}

/// A member that a test plays, which takes no links itself; and one that behaves.
struct Rude {
    town: Town,
    good: Town,
    own: Own,
}

impl Rude {
    async fn with(limits: Limits) -> Self {
        let (mut town, mut good) = (Town::with("stadt-a", limits), Town::new("stadt-c"));
        let own = Own::made("stadt-b.example").expect("a key");
        let of_rude = Member {
            domain: "stadt-b.example".parse().expect("a domain"),
            links: Vec::new(),
            pins: vec![Pin { spki: own.pin(), from: None, until: None }],
            ..town.member()
        };
        let all = registry(1, vec![town.member(), of_rude, good.member()], LONG);
        town.door.registry(Arc::clone(&all));
        good.door.registry(all);
        town.begun().await;
        good.begun().await;
        Self { town, good, own }
    }

    async fn comes(&self) -> Socket {
        knock(&self.own, self.town.port(), PATH, PROTOCOL).await.expect("a member")
    }

    /// The other link is as it was.
    async fn harms_nobody(mut self) {
        self.good.says(&self.town, "\"undisturbed\"");
        assert_eq!(self.town.hears().await, "\"undisturbed\"");
    }
}

#[tokio::test]
async fn a_member_that_breaks_the_protocol_is_told_so_and_disturbs_nobody() {
    let mut rude = Rude::with(Limits::default()).await;
    let hello = Frame::Hello { versions: vec![1], got: None }.to_json();
    let gap = [
        hello.clone(),
        Frame::Go { session: Session(1), from: 1 }.to_json(),
        Frame::Said { number: 2, what: raw("1") }.to_json(),
    ];
    let long = format!("{{\"kind\":\"hello\",\"x\":\"{}\"}}", "x".repeat(LONGEST));
    let text = |text: &str| Message::text(text.to_owned());
    for (what, messages) in [
        ("binary", vec![Message::binary(hello.clone().into_bytes())]),
        ("no JSON", vec![text("hello")]),
        ("too long", vec![text(&long)]),
        ("a gap", gap.iter().map(|frame| text(frame)).collect()),
        ("two hellos", vec![text(&hello), text(&hello)]),
    ] {
        let mut socket = rude.comes().await;
        for message in messages {
            // It may be closed before the last.
            let _ = socket.send(message).await;
        }
        assert_eq!(bye(&mut socket).await, Closing::Broken, "{what}");
    }
    assert!(matches!(rude.town.refused().await, Why::Broken(_)));
    assert_eq!(rude.town.figure("einwahl_link_refusals_total{why=\"broken\"}"), "5");
    let mut socket = rude.comes().await;
    socket.send(text(&Frame::Hello { versions: vec![99], got: None }.to_json())).await.expect("sent");
    assert_eq!(bye(&mut socket).await, Closing::NoCommonVersion);
    rude.harms_nobody().await;
}

#[tokio::test]
async fn a_member_that_says_too_much_is_closed_and_so_is_its_next_connection() {
    let limits = Limits { frames: (200.0, 0.01), ..Limits::default() };
    let mut rude = Rude::with(limits).await;
    for _ in 0..2 {
        let mut socket = rude.comes().await;
        for mark in 0..300 {
            if socket.send(Message::text(Frame::Ping { mark }.to_json())).await.is_err() {
                break;
            }
        }
        assert_eq!(bye(&mut socket).await, Closing::TooMuch);
    }
    assert_eq!(rude.town.refused().await, Why::TooMuch);
    rude.harms_nobody().await;
}

#[tokio::test]
async fn a_member_that_says_nothing_is_given_up() {
    let rude = Rude::with(Limits::default()).await;
    let mut socket = rude.comes().await;
    assert_eq!(bye(&mut socket).await, Closing::Silent);
    rude.harms_nobody().await;
}

#[tokio::test]
async fn a_second_connection_of_the_same_side_takes_the_place_of_the_first() {
    let rude = Rude::with(Limits::default()).await;
    let mut first = rude.comes().await;
    first.send(Message::text(Frame::Hello { versions: vec![1], got: None }.to_json())).await.expect("sent");
    let mut second = rude.comes().await;
    assert_eq!(bye(&mut first).await, Closing::TwoConnections);
    assert_eq!(bye(&mut second).await, Closing::Silent);
}

#[tokio::test]
async fn nobody_comes_in_without_a_key_of_the_registry_from_an_address_of_its_own() {
    let mut rude = Rude::with(Limits::default()).await;
    let port = rude.town.port();
    let stranger = Own::made("stadt-b.example").expect("a key");
    // TLS 1.3: that our key is not known may show only when something is read.
    assert!(knock(&stranger, port, PATH, PROTOCOL).await.is_err());
    assert_eq!(rude.town.refused().await, Why::UnknownKey(stranger.pin()));
    assert!(knock(&rude.town.own, port, PATH, PROTOCOL).await.is_err());
    assert_eq!(rude.town.refused().await, Why::Ourselves);
    assert!(knock(&rude.own, port, "/", PROTOCOL).await.is_err());
    assert!(matches!(rude.town.refused().await, Why::NoLink(_)));
    assert!(knock(&rude.own, port, PATH, "chat").await.is_err());

    // TLS 1.2, although with the right key.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let old = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .expect("a version")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    let name = ServerName::try_from("gw.localhost").expect("a name");
    assert!(TlsConnector::from(Arc::new(old)).connect(name, stream).await.is_err());
    assert!(matches!(rude.town.refused().await, Why::NoTls(_)));

    // A member's key, but another member's network.
    let mut elsewhere = Member {
        domain: "stadt-b.example".parse().expect("a domain"),
        links: Vec::new(),
        pins: vec![Pin { spki: rude.own.pin(), from: None, until: None }],
        ..rude.town.member()
    };
    elsewhere.media = vec!["192.0.2.0/24".parse().expect("a network")];
    let others = vec![rude.town.member(), elsewhere.clone(), rude.good.member()];
    rude.town.door.registry(registry(2, others, LONG));
    assert!(knock(&rude.own, port, PATH, PROTOCOL).await.is_err());
    assert_eq!(rude.town.refused().await, Why::OtherNetwork);

    // Nobody at all has an address here: not even TLS is spoken.
    rude.town.door.registry(registry(3, vec![rude.town.member(), elsewhere], LONG));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    assert_eq!(rude.town.refused().await, Why::UnlistedAddress);
    assert!(matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn handshakes_are_bounded_in_number_and_time() {
    let limits = Limits { handshakes_of_one: 1, handshake: Duration::from_millis(300), ..Limits::default() };
    let mut rude = Rude::with(limits).await;
    let address = ("127.0.0.1", rude.town.port());
    let _first = TcpStream::connect(address).await.expect("connected");
    let _second = TcpStream::connect(address).await.expect("connected");
    assert_eq!(rude.town.refused().await, Why::TooMany);
    assert_eq!(rude.town.refused().await, Why::TooSlow);
    let mut socket = rude.comes().await;
    assert_eq!(bye(&mut socket).await, Closing::Silent, "there is a place again");
}

#[tokio::test]
async fn whom_we_call_has_to_have_the_key_and_the_address_of_the_registry() {
    let (mut a, b) = (Town::new("stadt-a"), Town::new("stadt-b"));
    // They know us, or would take no connection of ours.
    b.door.registry(registry(1, vec![a.member(), b.member()], LONG));
    let mut of_b = b.member();
    of_b.pins[0].spki = Own::made("stadt-b.example").expect("a key").pin();
    a.door.registry(registry(1, vec![a.member(), of_b.clone()], LONG));
    assert_eq!(a.refused().await, Why::UnknownKey(b.own.pin()));
    // The right key, but the name leads elsewhere than to its networks: also to ourselves.
    of_b = b.member();
    of_b.media = vec!["192.0.2.0/24".parse().expect("a network")];
    a.door.registry(registry(2, vec![a.member(), of_b], LONG));
    let why = a.wait(|event| match event {
        Event::Refused(refused) if refused.why.word() == "outside" => Some(refused.why.to_string()),
        Event::Refused(_)
        | Event::Up { .. }
        | Event::Down { .. }
        | Event::Heard { .. }
        | Event::Anew { .. }
        | Event::TellAnew { .. }
        | Event::RoundTrip { .. } => None,
    });
    let why = why.await;
    assert!(why.contains("(gw.localhost) is in the networks of no processor for member"), "{why}");
}

#[tokio::test]
async fn keys_roll_over_while_the_link_is_up_and_who_is_no_member_any_more_loses_it_at_once() {
    let (mut a, mut b, relay) = by_a_relay().await;
    a.begun().await;
    b.begun().await;
    let mut of_b = b.member();
    of_b.links[0].port = relay.port;
    let next = Own::made("stadt-b.example").expect("a key").pin();
    of_b.pins.push(Pin { spki: next, from: None, until: None });
    a.door.registry(registry(2, vec![a.member(), of_b.clone()], LONG));
    a.says(&b, "\"both keys count\"");
    assert_eq!(b.hears().await, "\"both keys count\"");
    of_b.pins.remove(0);
    a.door.registry(registry(3, vec![a.member(), of_b], LONG));
    assert_eq!(a.down().await, Ended::KeyRetired);
    assert_eq!(b.down().await, Ended::TheyClosed(Closing::NoMember));
    let all = registry(4, vec![a.member(), b.member()], LONG);
    a.door.registry(all);
    a.up().await;
    b.up().await;
    a.door.registry(registry(5, vec![a.member()], LONG));
    assert_eq!(a.down().await, Ended::NoMember);
    assert_eq!(b.down().await, Ended::TheyClosed(Closing::NoMember));
    assert!(a.door.peers().is_empty());
}

#[tokio::test]
async fn links_end_with_the_registry_and_with_a_pin() {
    let (mut a, mut b) = (Town::new("stadt-a"), Town::new("stadt-b"));
    let soon = SignedDuration::from_millis(1_500);
    let all = vec![a.member(), b.member()];
    b.door.registry(registry(1, all.clone(), LONG));
    a.door.registry(registry(1, all, soon));
    a.up().await;
    assert_eq!(a.down().await, Ended::Expired);
    b.down().await;
    let mut of_b = b.member();
    of_b.pins[0].until = clock::moment().checked_add(soon).ok();
    a.door.registry(registry(2, vec![a.member(), of_b], LONG));
    a.up().await;
    assert_eq!(a.down().await, Ended::KeyRetired);
}
