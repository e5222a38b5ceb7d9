//! What the parts cost: one line each. `cargo bench --bench parts` runs all, `cargo bench --bench parts -- mixer` some.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench may stop; its clock is the origin of a virtual one"
)]

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use einwahl::dialplan::{Facts, Home, Plan, Problem, Source, Surroundings};
use einwahl::media::codec::{Decoder, Encoder, LONGEST_PAYLOAD, LONGEST_SOUND, OpusStyle};
use einwahl::media::jitter::JitterBuffer;
use einwahl::media::leg::{Datagram, TICK};
use einwahl::media::peer_streams::Said;
use einwahl::media::rtp::{Header, Packet};
use einwahl::media::shard::{Outlet, Seat, Shard};
use einwahl::media::tone::{Player, Tone};
use einwahl::media::{PhoneLeg, Session};
use einwahl::wire::{Origin, Reading, normalise};
use einwahl::words::{Codec, Direction, LegId, PeerId, Rate, RtpTime};
use rtc_srtp::context::Context;
use rtc_srtp::option::srtp_no_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;

fn main() {
    divan::main();
}

const PHONE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);

// --- a call begins ---

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 111 9 8 0 101\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

#[divan::bench]
fn an_invite_is_read(bencher: Bencher<'_, '_>) {
    let text = format!(
        "INVITE sip:+493090181234@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK1;rport\r\n\
         From: \"Erika\" <sip:+493012377721@127.0.0.1>;tag=1\r\nTo: <sip:+493090181234@127.0.0.1>\r\nCall-ID: 1@127.0.0.1\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.1:5999>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{OFFER}",
        OFFER.len()
    );
    let origin = Origin { address: PHONE, stream: false };
    bencher.bench(|| match normalise(black_box(text.as_bytes()), &origin) {
        Reading::Passed(passed) => rsipstack::sip::Request::try_from(passed.message.as_ref()).expect("an INVITE"),
        Reading::Refused(_) | Reading::Dropped(_) => unreachable!("an INVITE"),
    });
}

#[divan::bench]
fn answer_to_a_phone() -> String {
    einwahl::call::sdp::answer(black_box(OFFER), PHONE, &Codec::ALL, 1).expect("an answer").1
}

/// So many rules, and a table of ten times as many numbers, which the last rule looks into.
fn dialplan(rules: u32) -> (Vec<Source>, Surroundings) {
    let mut text = String::from("[tables.all]\nfile = \"all.csv\"\n");
    for rule in 0..rules {
        writeln!(text, "[[rule]]\nname = \"Amt {rule}\"\ncalled = \"+49 30 9{rule:05}\"\nmenu = \"de\"").expect("text");
    }
    text.push_str("[[rule]]\nname = \"Table\"\ncalled = \"+49 30 8XXXXXX\"\ntable = \"all\"\n");
    let mut rows = String::from("number,menu\n");
    for row in 0..10 * rules {
        writeln!(rows, "+49308{row:06},de").expect("text");
    }
    for example in 0..rules.min(1_000) {
        writeln!(text, "[[example]]\ncalled = \"030 9{example:05}\"\nexpect = \"Amt {example}\"").expect("text");
    }
    let home = Home { country: "DE".parse().expect("a country"), area: String::from("30") };
    let around = Surroundings::only(home, jiff::tz::TimeZone::UTC);
    let sources = vec![
        Source { name: String::from("10-stadt.toml"), text },
        Source { name: String::from("all.csv"), text: rows },
    ];
    (sources, around)
}

/// What publishing such a plan costs: read, looked through for mistakes, its examples tried.
#[divan::bench(args = [10, 10_000])]
fn dialplan_is_checked(bencher: Bencher<'_, '_>, rules: u32) {
    let (sources, around) = dialplan(rules);
    bencher.bench(|| Plan::check(black_box(sources.clone()), &around));
}

/// The last of so many rules takes the call.
#[divan::bench(args = [10, 10_000])]
fn dialplan_decides(bencher: Bencher<'_, '_>, rules: u32) {
    let (sources, around) = dialplan(rules);
    let (plan, problems) = Plan::check(sources, &around);
    assert!(!problems.iter().any(Problem::is_error), "{problems:?}");
    let called = format!("030 8{:06}", 10 * rules - 1);
    let facts = Facts { called, ..Facts::default() };
    let now = jiff::civil::datetime(2026, 11, 24, 10, 0, 0, 0).in_tz("Europe/Berlin").expect("a time");
    assert!(plan.decide(&facts, &now).is_some());
    bencher.bench(|| plan.decide(black_box(&facts), &now).map(|taken| taken.rule.len()));
}

// --- a packet comes ---

fn packet(sequence: u16, payload: &[u8]) -> Vec<u8> {
    let timestamp = RtpTime(u32::from(sequence) * 160);
    let header = Header { payload_type: 8, marker: false, sequence, timestamp, ssrc: 77 };
    [&header.to_bytes(), payload].concat()
}

#[divan::bench]
fn rtp_is_read(bencher: Bencher<'_, '_>) {
    let datagram = packet(1, &[0xd5; 160]);
    bencher.bench(|| Packet::read(black_box(&datagram)).map(|packet| packet.payload.len()));
}

/// One packet in and one frame out.
#[divan::bench(args = [Codec::Pcma, Codec::Opus])]
fn jitter_buffer_per_tick(bencher: Bencher<'_, '_>, codec: Codec) {
    let mut buffer = JitterBuffer::new(codec, codec.rate()).expect("a decoder");
    let payload = encoded(codec);
    let (mut number, mut now) = (0_u32, Instant::now());
    let mut frame = vec![0; codec.rate().frame()];
    bencher.bench_local(|| {
        buffer.insert(number as u16, RtpTime(number.wrapping_mul(codec.clock() / 50)), &payload, now);
        number += 1;
        now += TICK;
        buffer.pull(now, &mut frame)
    });
}

// --- sound ---

fn tone(rate: Rate) -> Vec<i16> {
    let mut sound = vec![0; rate.frame()];
    Player::new(Tone::Steady(440), rate).fill(&mut sound);
    sound
}

fn encoded(codec: Codec) -> Vec<u8> {
    let mut payload = [0; LONGEST_PAYLOAD];
    let mut encoder = Encoder::new(codec, codec.rate(), OpusStyle::default()).expect("an encoder");
    let length = encoder.encode(&tone(codec.rate()), &mut payload).expect("encodes");
    payload[..length].to_vec()
}

#[divan::bench(args = Codec::ALL)]
fn encode(bencher: Bencher<'_, '_>, codec: Codec) {
    let mut encoder = Encoder::new(codec, codec.rate(), OpusStyle::default()).expect("an encoder");
    let (sound, mut payload) = (tone(codec.rate()), [0; LONGEST_PAYLOAD]);
    bencher.bench_local(|| encoder.encode(black_box(&sound), &mut payload).expect("encodes"));
}

#[divan::bench(args = Codec::ALL)]
fn decode(bencher: Bencher<'_, '_>, codec: Codec) {
    let mut decoder = Decoder::new(codec, codec.rate()).expect("a decoder");
    let (payload, mut sound) = (encoded(codec), vec![0; LONGEST_SOUND]);
    bencher.bench_local(|| decoder.decode(black_box(&payload), &mut sound).expect("decodes"));
}

/// Nobody gets it: what is measured is the making.
struct Nowhere;

impl Outlet for Nowhere {
    fn to_phone(&mut self, _leg: LegId, datagram: &Datagram, _target: SocketAddr) {
        black_box(datagram.as_bytes().len());
    }

    fn to_browser(&mut self, _leg: LegId, rtp: &[u8]) {
        black_box(rtp.len());
    }

    fn to_peer(&mut self, _peer: PeerId, _ssrc: u32, _said: Said<'_>) {
        // No other gateway is here.
    }
}

/// One tick of a room of telephones: five speak, so many listen.
#[divan::bench(args = [0, 200])]
fn mixer_per_tick_with_five_speakers(bencher: Bencher<'_, '_>, listeners: u64) {
    let mut shard = Shard::default();
    let now = Instant::now();
    for leg in 0..5 + listeners {
        let session = Session {
            codec: Codec::Pcma,
            payload_type: 8,
            ptime: TICK,
            telephone_event: Some(101),
            remote_rtp: PHONE,
            remote_rtcp: PHONE,
            direction: Direction::SendRecv,
            rtcp_mux: true,
            fec: false,
            dtx: false,
            keying: None,
            text: None,
        };
        let phone = PhoneLeg::new(session, [leg as u8; 32], now).expect("a leg");
        shard.enter(LegId(leg), Seat::new(phone, false));
    }
    let said = encoded(Codec::Pcma);
    for sequence in 0..10 {
        for (leg, seat) in shard.seats().filter(|(leg, _)| leg.0 < 5) {
            let _ = leg;
            seat.leg.receive(&packet(sequence, &said), PHONE, now + TICK * u32::from(sequence));
            seat.leg.listen(now + TICK * u32::from(sequence));
        }
        shard.tick(now + TICK * u32::from(sequence), &mut Nowhere);
    }
    assert_eq!(shard.speaking().len(), 5);
    // The time stands still: the five go on speaking.
    let now = now + TICK * 10 + Duration::from_millis(1);
    bencher.bench_local(|| shard.tick(now, &mut Nowhere));
}

// --- keys of browsers ---

fn context(profile: ProtectionProfile) -> Context {
    let crypto = rtc_crypto::default_provider().expect("cryptography");
    let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
    let replay = Some(srtp_no_replay_protection());
    Context::new(&key, &salt, profile, replay, None, crypto.crypto()).expect("a context")
}

/// The profiles that we offer, the preferred one first.
const PROFILES: [&str; 2] = ["AES-GCM", "AES-CM-SHA1"];

fn named(profile: &str) -> ProtectionProfile {
    if profile == "AES-GCM" { ProtectionProfile::AeadAes128Gcm } else { ProtectionProfile::Aes128CmHmacSha1_80 }
}

#[divan::bench(args = PROFILES)]
fn srtp_protect(bencher: Bencher<'_, '_>, profile: &str) {
    let mut context = context(named(profile));
    let rtp = packet(1, &[5; 80]);
    bencher.bench_local(|| context.encrypt_rtp(black_box(&rtp)).expect("protects"));
}

#[divan::bench(args = PROFILES)]
fn srtp_open(bencher: Bencher<'_, '_>, profile: &str) {
    let protected = context(named(profile)).encrypt_rtp(&packet(1, &[5; 80])).expect("protects");
    let mut context = context(named(profile));
    bencher.bench_local(|| context.decrypt_rtp(black_box(&protected)).expect("opens"));
}
