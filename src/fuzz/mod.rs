//! What the network or an administrator's file may bring, one body per reader. In: any bytes. Out: nothing; what must not be
//! fails an assertion. `fuzz/` feeds each of them for as long as one likes, the test below for a moment.
//!
//! A new reader gets a function here and a line in [`TARGETS`]; `fuzz/fuzz_targets` holds nothing but the names.
#![allow(missing_docs, reason = "the names say it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a body that goes wrong shall stop; its clock is the origin of a virtual one"
)]

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::account::oidc;
use crate::media::CanonicalName;
use crate::media::digits::{DigitReader, EventPayload};
use crate::media::jitter::JitterBuffer;
use crate::media::rtcp as reports;
use crate::media::rtp::{Header, Packet, is_rtcp};
use crate::media::srtp::MasterKey;
use crate::media::text::Redundancy;
use crate::media::{Session, TextLeg, TextSession};
use crate::meeting::{Book, Meeting, Names, Share};
use crate::trunk::digest::Challenge;
use crate::words::{
    Codec, Direction, Domain, MailAddress, ParticipantId, Personal, Rate, Role, RtpTime, Secret, Transport, Typed,
};
use crate::{call, cascade, connection, dialplan, import, ivr, member, page, post, room, wire};

/// What plays arbitrary bytes.
pub type Body = fn(&[u8]);

/// Every body and its name.
pub const TARGETS: [(&str, Body); 26] = [
    ("sip_message", sip_message),
    ("sip_stream", sip_stream),
    ("rtp", rtp),
    ("rtcp", rtcp),
    ("telephone_event", telephone_event),
    ("jitter_buffer", jitter_buffer),
    ("phone_offer", phone_offer),
    ("info_body", info_body),
    ("challenge", challenge),
    ("browser_offer", browser_offer),
    ("browser_datagrams", browser_datagrams),
    ("gateway_datagrams", gateway_datagrams),
    ("page_protocol", page_protocol),
    ("dialplan_file", dialplan_file),
    ("prompt_file", prompt_file),
    ("meeting", meeting),
    ("registry_file", registry_file),
    ("certificate", certificate),
    ("link_frames", link_frames),
    ("peer_messages", peer_messages),
    ("calendar_file", calendar_file),
    ("asterisk_file", asterisk_file),
    ("list_of_extensions", list_of_extensions),
    ("oidc_callback", oidc_callback),
    ("mail", mail),
    ("text", text),
];

/// What a peer asks breaks out of no quotes of our answer.
pub fn challenge(bytes: &[u8]) {
    let Some(challenge) = Challenge::read(&String::from_utf8_lossy(bytes)) else { return };
    let answer = challenge.answer("u", &Secret::new(String::from("p")), "REGISTER", "sip:a", "c");
    assert!(answer.matches('"').count().is_multiple_of(2) && !answer.contains(['\r', '\n']), "{answer}");
}

/// What is read as a mail address ends no line of SMTP, and what is read as a server's answer was there.
pub fn mail(bytes: &[u8]) {
    if let Ok(address) = String::from_utf8_lossy(bytes).parse::<MailAddress>() {
        let text = address.as_str();
        assert!(text.is_ascii() && !text.contains([' ', '<', '>', '\r', '\n']), "{text:?}");
        assert_eq!(text.parse(), Ok(address.clone()));
    }
    let _ = post::offers(bytes, "STARTTLS");
    if let Ok(Some(reply)) = post::read_reply(bytes) {
        assert!(
            reply.length <= bytes.len() && bytes[..reply.length].ends_with(b"\n") && (200..600).contains(&reply.code)
        );
    }
}

/// What a registry holds is read again as it was written, and signs the same.
pub fn registry_file(bytes: &[u8]) {
    let Ok(envelope) = member::Envelope::read(bytes) else { return };
    let again = member::Envelope::read(envelope.to_json().as_bytes()).expect("its own writing");
    assert_eq!(envelope.canonical(), again.canonical());
    if let Ok(document) = envelope.document() {
        drop(document.faults());
        assert_eq!(document.faults_of_members().count(), document.members.len());
    }
}

/// Whatever a system shows for a certificate, it is of no domain but those that stand in it.
pub fn certificate(bytes: &[u8]) {
    let Ok(shown) = member::Shown::read(bytes) else { return };
    let domain: Domain = "stadt-c.example".parse().expect("a domain");
    let stands = String::from_utf8_lossy(bytes).to_ascii_lowercase().contains(domain.as_str());
    assert!(!shown.is_of(&domain) || stands, "{shown:?}");
}

/// Whatever query a browser brings back, it is on nobody's journey, and no page of another server is gone to.
pub fn oidc_callback(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let now = Instant::now();
    let mut journeys = oidc::Journeys::new(oidc::Bounds::default());
    let drawn = oidc::Drawn::new([[1; 32], [2; 32], [3; 32], [4; 32]]);
    journeys.begin(&drawn, oidc::OwnPath::read(text), Personal::new(Ipv4Addr::LOCALHOST.into()), false, now);
    if let Ok(callback) = oidc::Callback::read(text) {
        let stopped = journeys.end(callback, Some(drawn.browser.expose()), "https://login.stadt.example", now);
        assert_eq!(stopped.err(), Some(oidc::Stopped::Unknown), "{text}");
    }
    let query = format!("state={}&code=a", drawn.state.expose());
    let callback = oidc::Callback::read(&query).expect("readable");
    let arrived =
        journeys.end(callback, Some(drawn.browser.expose()), "https://login.stadt.example", now).expect("arrives");
    let path = arrived.to.as_str();
    assert!(path == "/admin" || path.starts_with("/admin/") && !path.contains("//"), "{path}");
}

/// What a member says, one message in a line, to the home of a meeting that is shared with it and to a gateway that is in one of its own:
/// without a grant nobody comes into ours.
pub fn peer_messages(bytes: &[u8]) {
    let (us, peer): (Domain, Domain) = ("stadt-a.example".parse().unwrap(), "stadt-b.example".parse().unwrap());
    let mut meeting = Meeting::new("rat".parse().unwrap(), "123456".parse().unwrap());
    let (role, names) = (Role::Moderator, Names::Chosen);
    meeting.shares = vec![Share { with: peer.clone(), most: 3, role, lobby: false, names, hours: None }];
    let book = Book::of_file(vec![meeting]).unwrap();
    let mut cascade = cascade::Cascade::new(us, &[7; 32], 1, 1 << 61);
    cascade.members([(peer.clone(), String::from("Stadt B"))]);
    cascade.up(&peer);
    cascade.begin(&"amt@stadt-b.example".parse().unwrap());
    let now = Instant::now();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(what) = serde_json::from_slice::<Box<serde_json::value::RawValue>>(line) {
            cascade.heard(&peer, &what, &book, (now, jiff::civil::Time::midnight()));
        }
        while let Some(effect) = cascade.poll() {
            if let cascade::Effect::Tell { room, command: room::Command::Put(_) } = effect {
                assert!(room.home().is_some(), "somebody came into our meeting without a grant");
            }
        }
        cascade.on_time(now);
    }
}

/// Frames of a peer, one a line: whatever comes, the link goes on or closes, and answers no more than it was told.
pub fn link_frames(bytes: &[u8]) {
    let now = Instant::now();
    let mut link = cascade::Link::new(7);
    link.opened(now);
    let mut sent = 0usize;
    let mut heard = 0usize;
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    for line in &lines {
        if let Ok(frame) = cascade::Frame::read(line) {
            assert!(cascade::Frame::read(frame.to_json().as_bytes()).is_ok(), "{frame:?}");
            link.on_frame(frame, now);
        }
        while let Some(output) = link.poll() {
            match output {
                cascade::Output::Send(_) => sent += 1,
                cascade::Output::Heard(_) => heard += 1,
                cascade::Output::TellAnew | cascade::Output::Anew | cascade::Output::Close(_) => {}
            }
        }
    }
    assert!(heard <= lines.len() && sent <= 2 * lines.len() + 1);
}

/// What is made of a message is judged the same again: a repair leaves nothing to repair.
pub fn sip_message(bytes: &[u8]) {
    if let Some(heading) = call::ladder::Heading::read(bytes) {
        assert!(heading.what.len() <= 16 && heading.method.len() <= 16);
    }
    let origin = wire::Origin { address: (Ipv4Addr::LOCALHOST, 5_060).into(), stream: false };
    match wire::normalise(bytes, &origin) {
        wire::Reading::Passed(passed) => {
            let again = wire::normalise(&passed.message, &origin);
            assert!(matches!(&again, wire::Reading::Passed(again) if again.message == passed.message), "{again:?}");
            // It leads nowhere else, then.
            let led = |message, may| wire::homeward(message, &origin, Transport::Udp, |_| may);
            let once = led(passed.message, false);
            assert_eq!(led(once.clone(), false), once);
        }
        wire::Reading::Refused(refused) => assert!(refused.to_bytes().starts_with(b"SIP/2.0 ")),
        wire::Reading::Dropped(_) => {}
    }
}

/// A stream cut into messages gives the same whether it comes at once or byte by byte. Where one cannot be read the stream
/// ends: what follows is nobody's.
pub fn sip_stream(bytes: &[u8]) {
    let frames = |piece: usize| {
        let mut frames = wire::Frames::default();
        let mut all = Vec::new();
        for piece in bytes.chunks(piece.max(1)) {
            frames.push(piece);
            while let Some(frame) = frames.next_frame() {
                let is_last = matches!(frame, wire::Frame::Broken(..) | wire::Frame::Hopeless(_));
                all.push(frame);
                if is_last {
                    return all;
                }
            }
        }
        all
    };
    assert_eq!(frames(bytes.len()), frames(1));
}

/// What was read lies within what came.
pub fn rtp(datagram: &[u8]) {
    let _ = is_rtcp(datagram);
    let Some(packet) = Packet::read(datagram) else { return };
    assert!(packet.payload.len() + 12 <= datagram.len());
    assert!(packet.payload_type < 128);
    for id in 0..=16 {
        assert!(packet.level(id).is_none_or(|level| level.0 < 128));
    }
}

/// Every report that is read, and no more than there can be.
pub fn rtcp(datagram: &[u8]) {
    assert!(reports::read(datagram).count() <= datagram.len() / 8 + 1);
}

/// Any sequence of events: one packet gives one key at most.
pub fn telephone_event(bytes: &[u8]) {
    let mut reader = DigitReader::default();
    let mut now = Instant::now();
    for packet in bytes.chunks(8) {
        let [step, ahead, marker, payload @ ..] = packet else { return };
        now += Duration::from_millis(u64::from(*step));
        if let Some(event) = EventPayload::read(payload) {
            assert_eq!(
                EventPayload::read(&event.to_bytes()),
                Some(EventPayload { volume: event.volume & 0x3f, ..event })
            );
        }
        let timestamp = RtpTime(u32::from(*ahead).wrapping_mul(80).wrapping_sub(160));
        let _ = reader.read(timestamp, marker & 1 == 1, payload, now);
    }
}

/// Packets, gaps, jumps and pauses in any order: a pull fills its frame and never stops.
pub fn jitter_buffer(bytes: &[u8]) {
    let [codec, rest @ ..] = bytes else { return };
    let codec = Codec::ALL[usize::from(*codec) % Codec::ALL.len()];
    let mut buffer = JitterBuffer::new(codec, codec.rate()).expect("a decoder");
    let mut frame = [0; Rate::Full.frame()];
    let (mut now, mut sequence, mut timestamp) = (Instant::now(), 0_u16, 0_u32);
    for step in rest.chunks(6) {
        let [kind, a, b, payload @ ..] = step else { return };
        let number = u16::from_be_bytes([*a, *b]);
        match kind % 8 {
            // The next packet, or one some way off.
            0..=2 => (sequence, timestamp) = (sequence.wrapping_add(1), timestamp.wrapping_add(codec.clock() / 50)),
            3 => sequence = sequence.wrapping_add(number % 300).wrapping_sub(150),
            4 => timestamp = timestamp.wrapping_add(u32::from(number) << (number % 17)),
            5 => {
                buffer.insert_event(sequence.wrapping_add(1), RtpTime(timestamp), now);
                continue;
            }
            6 => {
                now += Duration::from_millis(u64::from(*a));
                continue;
            }
            _ => {
                let frame = &mut frame[..buffer.rate().frame()];
                buffer.pull(now, frame);
                now += Duration::from_millis(20);
                continue;
            }
        }
        buffer.insert(sequence, RtpTime(timestamp), &payload.repeat(usize::from(*b) % 60), now);
    }
}

/// Packets of text, in any order, each of a byte for its number, one for its length and so much payload: what is read of them is clean, and
/// bounded.
pub fn text(bytes: &[u8]) {
    let red = Some(Redundancy { payload_type: 99, generations: 2 });
    let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, 4_000));
    let direction = Direction::SendRecv;
    let session = TextSession { t140: 98, red, remote, direction, letters_a_second: 30, keying: None };
    let (mut leg, mut now, mut rest) = (TextLeg::new(session, 1, 1, RtpTime(1)), Instant::now(), bytes);
    while let [number, length, after @ ..] = rest {
        let (payload, next) = after.split_at(usize::from(*length).min(after.len()));
        let payload_type = 98 + (number & 1);
        let sequence = u16::from(*number) * 9;
        let header = Header { payload_type, marker: false, sequence, timestamp: RtpTime(0), ssrc: 1 };
        leg.receive(&[&header.to_bytes(), payload].concat(), remote, now);
        if let Some((typed, _)) = leg.typed(now) {
            assert!((1..=Typed::MOST).contains(&typed.len()));
            assert_eq!(Typed::read(typed.reveal()), typed, "clean");
            leg.write(ParticipantId(u64::from(number & 3)), "E", &typed, now);
        }
        if let Some((packet, _)) = leg.packet(now) {
            assert!(packet.len() < 1_000 && Packet::read(&packet).is_some());
        }
        (rest, now) = (next, now + Duration::from_millis(100));
    }
}

/// An offer that is answered is answered with something that we can read ourselves.
pub fn phone_offer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let keys = |byte| call::sdp::Keys { audio: MasterKey::new([byte; 30]), text: MasterKey::new([byte + 1; 30]) };
    let protection = call::sdp::Protection::Possible(keys(1));
    let ours = call::sdp::Ours { audio: at(20_000), text: Some(at(20_002)), protection };
    if let Ok((session, answer)) = call::sdp::answer(text, ours.clone(), &Codec::ALL, 1) {
        assert!((10..=60).contains(&session.ptime.as_millis()));
        let mirrored = call::sdp::accept(&answer, ours.clone(), &Codec::ALL).expect("what we write ourselves");
        assert_eq!(mirrored.codec, session.codec, "{answer}");
        let formats = |session: &Session| session.text.as_ref().map(|text| (text.t140, text.red));
        assert_eq!(formats(&mirrored), formats(&session), "{answer}");
        assert_eq!(mirrored.keying.is_some(), session.keying.is_some(), "{answer}");
        assert!(session.text.is_none() || call::sdp::has_text(text, ours.audio));
    }
    let _ = call::sdp::accept(text, ours, &Codec::ALL);
}

pub fn info_body(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = call::key_in(text);
}

/// An offer that is taken is answered, line by line.
pub fn browser_offer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(offer) = connection::Offer::read(text) else { return };
    let credentials = connection::Credentials::new(&[7; 26], &offer.ufrag);
    let here = connection::Candidate::Udp((Ipv4Addr::LOCALHOST, 3478).into());
    let name = CanonicalName::new([1; 12]);
    let (session, answer) =
        connection::answer(&offer, connection::Fingerprint([1; 32]), &credentials, &[here], 50, &name);
    assert!(session.slots.len() <= 6);
    assert!(answer.starts_with("v=0\r\n"));
}

/// Datagrams from strangers and from the browser's own address, before, during and after the key exchange: once sound
/// passes, nothing stops it.
pub fn browser_datagrams(bytes: &[u8]) {
    thread_local!(static CALL: RefCell<connection::pair::Pair> = RefCell::new(connection::pair::Pair::connected()));
    connection::pair::Pair::about_to_connect().hostile(bytes);
    CALL.with_borrow_mut(|call| {
        call.hostile(bytes);
        assert!(call.still_talks());
    });
}

/// The same between two gateways, of which one dials.
pub fn gateway_datagrams(bytes: &[u8]) {
    thread_local!(static LINE: RefCell<connection::between::Between> = RefCell::new(connection::between::Between::connected()));
    connection::between::Between::about_to_connect().hostile(bytes);
    LINE.with_borrow_mut(|line| {
        line.hostile(bytes);
        assert!(line.still_talks());
    });
}

pub fn page_protocol(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = serde_json::from_str::<page::Request>(text);
    let _ = page::Hello::read(text, "rat", Ipv4Addr::LOCALHOST.into());
}

/// Whatever stands in a file, each problem has its place in it.
pub fn dialplan_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let around = around();
    let source = dialplan::Source { name: String::from("10-stadt.toml"), text: text.to_owned() };
    let (_, problems) = dialplan::Plan::check(vec![source], &around);
    let lines = text.lines().count() + 1;
    for problem in problems {
        assert!((1..=lines).contains(&problem.line), "{problem}");
    }
}

/// Whatever stands in a calendar, it is read to its end, each mistake has its place, and a time is on or it is not.
pub fn calendar_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let plan = "[calendars.a]\nfile = \"a.ics\"\n[hours.h]\nmon-sun = \"00:00-24:00\"\nclosed = \"calendar:a\"\n\
        [[rule]]\nname = \"A\"\ncalled = \"1\"\nwhen = { during = \"a\" }\nmenu = \"de\"\n\
        [[rule]]\nname = \"B\"\ncalled = \"1\"\nwhen = { open = \"h\" }\nmenu = \"de\"\n";
    let source = |name: &str, text: &str| dialplan::Source { name: name.to_owned(), text: text.to_owned() };
    let (plan, problems) = dialplan::Plan::check(vec![source("10.toml", plan), source("a.ics", text)], &around());
    let lines = text.lines().count().max(20) + 1;
    for problem in &problems {
        assert!((1..=lines).contains(&problem.line), "{problem}");
    }
    let facts = dialplan::Facts { called: String::from("1"), ..dialplan::Facts::default() };
    for day in 0..800 {
        let now = jiff::civil::date(2026, 1, 1).saturating_add(jiff::Span::new().days(day)).at(12, 0, 0, 0);
        let now = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).expect("a time");
        // Whatever closes the office is in the calendar.
        assert!(plan.decide(&facts, &now).is_some() || problems.iter().any(dialplan::Problem::is_error));
    }
}

/// Each line of a file of Asterisk stands in the report once and in order, and the plan that is made of it can be read.
pub fn asterisk_file(bytes: &[u8]) {
    imported("extensions.conf", bytes);
}

/// Each line of a list stands in the report once and in order, and its table can be read.
pub fn list_of_extensions(bytes: &[u8]) {
    imported("liste.csv", bytes);
}

fn imported(name: &str, bytes: &[u8]) {
    let options = import::Options {
        home: around().home,
        trunk: "haus-1".parse().expect("a trunk"),
        peers: std::collections::BTreeMap::new(),
        entries: Vec::new(),
        language: crate::words::Language::De,
        prompts: around().prompts,
        sounds: std::collections::BTreeMap::new(),
    };
    let file = import::File { name: name.to_owned(), bytes: bytes.to_owned() };
    let Ok(imported) = import::import(&[file], &options) else { return };
    let numbers: Vec<usize> = imported.report.lines.iter().map(|line| line.number).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "{numbers:?}");
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(numbers.len(), text.trim_start_matches('\u{feff}').lines().count());
    }
    let trunks: Vec<_> = imported.report.needs.trunks.iter().cloned().collect();
    let rooms = imported.report.needs.rooms.iter().cloned().collect();
    let around = dialplan::Surroundings { rooms, dial: trunks.clone(), trunks, ..around() };
    let (_, problems) = dialplan::Plan::check(imported.files.clone(), &around);
    for problem in problems.iter().filter(|problem| problem.is_error()) {
        // Asterisk knows numbers that never decide, and rings whom it is told to.
        let is_theirs = ["can never decide", "110 or 112"]
            .iter()
            .any(|what| problem.told(crate::words::Language::En).message.contains(what));
        assert!(is_theirs, "{problem}\n{}", imported.files.iter().map(|file| file.text.as_str()).collect::<String>());
    }
}

/// A town with a room, a trunk and a prompt.
fn around() -> dialplan::Surroundings {
    dialplan::Surroundings {
        rooms: vec!["rat".parse().expect("a room")],
        trunks: vec!["haus-1".parse().expect("a trunk")],
        dial: vec!["haus-1".parse().expect("a trunk")],
        prompts: vec![String::from("closed")],
        ..dialplan::Surroundings::only(
            dialplan::Home { country: "DE".parse().expect("a country"), area: String::from("30") },
            jiff::tz::TimeZone::UTC,
        )
    }
}

pub fn prompt_file(bytes: &[u8]) {
    let _ = ivr::read_sound(bytes);
}

/// A random meeting is what the naive model says.
pub fn meeting(bytes: &[u8]) {
    room::model::play(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_stop_any_reader(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            TARGETS.iter().for_each(|(_, body)| body(&bytes));
        }
    }

    /// A body without a target would never be fed, a target without a body would not build.
    #[test]
    fn every_body_has_a_target() {
        let manifest = include_str!("../../fuzz/Cargo.toml");
        let named: Vec<&str> =
            manifest.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).skip(1).collect();
        let bodies: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, bodies);
    }
}
