//! Two legs with a line between them that loses and reorders.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const ERIKA: ParticipantId = ParticipantId(1);
const TICK: Duration = Duration::from_millis(20);

fn address(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn session(red: Option<Redundancy>) -> TextSession {
    TextSession {
        t140: 98,
        red,
        remote: address(4000),
        direction: Direction::SendRecv,
        letters_a_second: 1_000,
        keying: None,
    }
}

const RED: Option<Redundancy> = Some(Redundancy { payload_type: 99, generations: 2 });

fn leg(session: TextSession) -> TextLeg {
    TextLeg::new(session, 7, 65_530, RtpTime(u32::MAX - 100))
}

fn typed(text: &str) -> Typed {
    Typed::read(text)
}

/// Types one letter each 100 ms; gives what is sent and what of it arrives, the name before it included. `fate` says of each packet whether it is lost, and by how
/// many ticks it is late.
fn across(letters: &[char], red: Option<Redundancy>, fate: impl Fn(usize) -> Option<usize>) -> (String, String) {
    let (mut near, mut far) = (leg(session(red)), leg(session(red)));
    let (mut now, mut under_way, mut packets) = (Instant::now(), Vec::new(), 0);
    let (mut sent, mut read) = (String::new(), String::new());
    for tick in 0..5 * letters.len() + 200 {
        if tick % 5 == 0
            && let Some(letter) = letters.get(tick / 5)
        {
            near.write(ERIKA, "E", &typed(&letter.to_string()), now);
        }
        if let Some((datagram, _)) = near.packet(now) {
            let packet = Packet::read(&datagram).expect("RTP");
            let blocks = red.map_or(vec![packet.payload], |_| red::read(packet.payload, 98).expect("blocks"));
            sent.push_str(std::str::from_utf8(blocks.last().expect("a block")).expect("UTF-8"));
            under_way.extend(fate(packets).map(|late| (tick + late, datagram)));
            packets += 1;
        }
        for (_, datagram) in under_way.extract_if(.., |(due, _)| *due <= tick) {
            far.receive(&datagram, address(4000), now);
        }
        read.extend(far.typed(now).iter().map(|(typed, _)| typed.reveal()));
        now += TICK;
    }
    (sent.replace('\u{feff}', ""), read)
}

#[test]
fn packets_are_as_the_rfc_has_them() {
    let (mut near, mut now) = (leg(session(RED)), Instant::now());
    let mut seen = Vec::new();
    for tick in 0..150 {
        if tick == 70 {
            near.write(ERIKA, "E", &typed("ä"), now);
        }
        if let Some((datagram, to)) = near.packet(now) {
            let packet = Packet::read(&datagram).expect("RTP");
            assert_eq!((packet.payload_type, packet.ssrc, to), (99, 7, address(4000)));
            let blocks = red::read(packet.payload, 98).expect("text");
            let blocks: Vec<String> = blocks.iter().map(|block| String::from_utf8_lossy(block).into_owned()).collect();
            seen.push((tick, packet.sequence, packet.marker, blocks.join("/")));
        }
        now += TICK;
    }
    let packet = |tick, sequence: u16, marker, text: &str| (tick, sequence, marker, text.to_owned());
    assert_eq!(
        seen,
        [
            packet(0, 65_530, true, "//\u{feff}"),
            packet(15, 65_531, false, "/\u{feff}/"),
            packet(30, 65_532, false, "\u{feff}//"),
            packet(70, 65_533, true, "//[E] ä"),
            packet(85, 65_534, false, "/[E] ä/"),
            packet(100, 65_535, false, "[E] ä//"),
        ]
    );
}

#[test]
fn a_telephone_gets_no_more_letters_than_it_takes() {
    let slow = TextSession { letters_a_second: 10, ..session(RED) };
    let (mut near, mut far, mut now) = (leg(slow.clone()), leg(slow), Instant::now());
    near.write(ERIKA, "E", &typed(&"x".repeat(Typed::MOST)), now);
    let mut read = String::new();
    for _ in 0..500 {
        if let Some((datagram, _)) = near.packet(now) {
            far.receive(&datagram, address(4000), now);
        }
        read.extend(far.typed(now).iter().map(|(typed, _)| typed.reveal()));
        now += TICK;
    }
    assert!((90..=100).contains(&read.chars().count()), "{} letters in ten seconds", read.chars().count());
}

#[test]
fn a_stranger_types_nothing_and_who_is_on_hold_reads_nothing() {
    let (mut near, mut far, now) = (leg(session(RED)), leg(session(RED)), Instant::now());
    let (datagram, _) = near.packet(now).expect("a beginning");
    assert!(far.receive(&datagram, address(4000), now));
    near.write(ERIKA, "E", &typed("a"), now);
    let (datagram, _) = near.packet(now + Duration::from_secs(1)).expect("letters");
    assert!(!far.receive(&datagram, address(6666), now), "from elsewhere");
    assert_eq!(far.typed(now), None);
    far.renegotiate(TextSession { direction: Direction::Inactive, ..session(RED) });
    assert!(far.receive(&datagram, address(4000), now));
    assert_eq!(far.typed(now), None);
    far.write(ERIKA, "E", &typed("b"), now);
    assert!(far.packet(now).is_none());
}

fn some_letters() -> impl Strategy<Value = Vec<char>> {
    let letter = prop_oneof![
        prop::char::range('a', 'z'),
        Just('ü'),
        Just('🙂'),
        Just(' '),
        Just(Typed::BACKSPACE),
        Just(Typed::NEW_LINE)
    ];
    prop::collection::vec(letter, 1..60)
}

#[test]
fn without_redundancy_a_clean_line_brings_all() {
    let letters: Vec<char> = "Grüße 🙂".chars().collect();
    let (sent, arrived) = across(&letters, None, |_| Some(0));
    assert_eq!((sent.as_str(), arrived.as_str()), ("[E] Grüße 🙂", "[E] Grüße 🙂"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two packets in a row may be lost, again and again, and packets may overtake each other.
    #[test]
    fn what_arrives_is_what_was_typed(letters in some_letters(), fates in prop::collection::vec((0..3_usize, 0..30_usize), 8)) {
        let fate = |packet: usize| {
            let (lost, late) = fates[packet / 3 % fates.len()];
            // In each three packets at most two that stand together are lost.
            (packet.is_multiple_of(3) || packet % 3 > lost).then_some(late % 20)
        };
        let (sent, arrived) = across(&letters, RED, fate);
        prop_assert_eq!(arrived, sent);
    }

    /// Whatever is lost: what arrives is in order, and nothing is missing without a mark.
    #[test]
    fn what_is_lost_is_marked(letters in some_letters(), lost in prop::collection::vec(any::<bool>(), 40)) {
        // The last packets arrive, so that it can be known that something is missing.
        let fate = |packet: usize| (packet == 0 || packet >= 40 || !lost[packet]).then_some(0);
        let (sent, arrived) = across(&letters, RED, fate);
        let mut rest = sent.as_str();
        let mut parts = arrived.split(Typed::LOST);
        let first = parts.next().unwrap_or_default();
        prop_assert!(rest.starts_with(first), "{arrived:?} of {sent:?}");
        rest = &rest[first.len()..];
        for part in parts {
            let at = rest.find(part);
            prop_assert!(at.is_some(), "{arrived:?} of {sent:?}");
            rest = &rest[at.unwrap_or_default() + part.len()..];
        }
    }
}
