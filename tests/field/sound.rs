//! Complaints about sound: played in a room's shard, on a virtual clock.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use einwahl::call::sdp;
use einwahl::media::browser_leg::{BrowserLeg, BrowserSession};
use einwahl::media::codec::{Encoder, LONGEST_PAYLOAD, OpusStyle};
use einwahl::media::leg::{Datagram, TICK};
use einwahl::media::level::level_of;
use einwahl::media::peer_streams::Said;
use einwahl::media::rtp::{Header, Packet};
use einwahl::media::shard::{BrowserSeat, Outlet, Seat};
use einwahl::media::tone::{Player, Tone};
use einwahl::media::{CanonicalName, PhoneLeg, Session, Shard};
use einwahl::words::{Codec, Direction, LegId, Level, PeerId, Rate, RtpTime};

fn address(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn session(codec: Codec, port: u16) -> Session {
    Session {
        codec,
        payload_type: 96,
        ptime: TICK,
        telephone_event: Some(101),
        remote_rtp: address(port),
        remote_rtcp: address(port),
        direction: Direction::SendRecv,
        rtcp_mux: true,
        fec: false,
        dtx: false,
        keying: None,
        text: None,
    }
}

fn phone(codec: Codec, port: u16, now: Instant) -> PhoneLeg {
    PhoneLeg::new(session(codec, port), [port as u8; 32], now).expect("a leg")
}

/// With the level extension under number 1 (RFC 6464).
fn browser(now: Instant) -> BrowserLeg {
    let session = BrowserSession {
        payload_type: 111,
        level: Some(1),
        slots: (10..16).collect(),
        name: CanonicalName::new([7; 12]),
    };
    BrowserLeg::new(session, [7; 32], now).expect("a leg")
}

/// What was sent in one tick.
#[derive(Default)]
struct Sent {
    phones: BTreeMap<LegId, Vec<Vec<u8>>>,
    browsers: BTreeMap<LegId, usize>,
}

impl Outlet for Sent {
    fn to_phone(&mut self, leg: LegId, datagram: &Datagram, _target: SocketAddr) {
        self.phones.entry(leg).or_default().push(datagram.as_bytes().to_vec());
    }

    fn to_browser(&mut self, leg: LegId, _rtp: &[u8]) {
        *self.browsers.entry(leg).or_default() += 1;
    }

    fn to_peer(&mut self, _peer: PeerId, _ssrc: u32, _said: Said<'_>) {
        // No other gateway is here.
    }
}

/// One that says a tone, and the packets that it makes, 20 ms each.
struct Talker {
    tone: Player,
    encoder: Encoder,
    rate: Rate,
    payload_type: u8,
    /// The level extension, for a browser.
    level: Option<u8>,
    sequence: u16,
}

impl Talker {
    fn new(codec: Codec, payload_type: u8, level: Option<u8>) -> Self {
        let rate = codec.rate();
        let encoder = Encoder::new(codec, rate, OpusStyle::default()).expect("an encoder");
        Self { tone: Player::new(Tone::Steady(440), rate), encoder, rate, payload_type, level, sequence: 0 }
    }

    fn packet(&mut self, garbage: bool) -> Vec<u8> {
        let (mut sound, mut payload) = (vec![0; self.rate.frame()], [0; LONGEST_PAYLOAD]);
        self.tone.fill(&mut sound);
        let length = self.encoder.encode(&sound, &mut payload).expect("encodes");
        let (sequence, payload_type) = (self.sequence, self.payload_type);
        let clock = if self.rate == Rate::Full { 960 } else { 160 };
        let timestamp = RtpTime(u32::from(sequence) * clock);
        self.sequence += 1;
        let mut packet = Header { payload_type, marker: false, sequence, timestamp, ssrc: 9 }.to_bytes().to_vec();
        if let Some(level) = self.level {
            packet[0] |= 0x10;
            packet.extend([0xbe, 0xde, 0, 1, 0x10, level, 0, 0]);
        }
        // Frame count code 3 with 63 frames, which are longer than a packet may be: no decoder takes it (RFC 6716 section 3.2.5).
        packet.extend(if garbage { &[0xff, 0x3f, 0xff][..] } else { &payload[..length] });
        packet
    }
}

/// Plays three seconds in which the talker's packets come three at a time, a little early or late; what a telephone with
/// `codec` hears in the last of them, as levels of 20 ms each, and how many packets it got in each tick.
fn hears_bursts(talker: Codec, by_browser: bool, codec: Codec) -> (Vec<Level>, Vec<usize>) {
    #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
    let start = Instant::now();
    let (speaker, listener) = (LegId(1), LegId(2));
    let mut shard = Shard::default();
    if by_browser {
        shard.enter_browser(speaker, BrowserSeat::new(browser(start), false));
    } else {
        shard.enter(speaker, Seat::new(phone(talker, 101, start), false));
    }
    shard.enter(listener, Seat::new(phone(codec, 102, start), false));
    let mut far = PhoneLeg::new(session(codec, 9), [50; 32], start).expect("a leg");
    let mut talks = match by_browser {
        true => Talker::new(talker, 111, Some(18)),
        false => Talker::new(talker, 96, None),
    };
    let (mut levels, mut counts) = (Vec::new(), Vec::new());
    let mut waiting: Vec<Vec<u8>> = Vec::new();
    for tick in 0..400_u32 {
        let now = start + TICK * tick;
        waiting.push(talks.packet(false));
        // Every third tick, but every ninth burst is two ticks late.
        let late = tick / 3 % 9 == 8;
        if waiting.len() >= if late { 5 } else { 3 } {
            for packet in waiting.drain(..) {
                if let Some(seat) = shard.browser(speaker) {
                    seat.leg.receive(&packet, now);
                } else if let Some(seat) = shard.seat(speaker) {
                    seat.leg.receive(&packet, address(101), now);
                }
            }
        }
        for (_, seat) in shard.seats() {
            seat.leg.listen(now);
        }
        let mut sent = Sent::default();
        shard.tick(now, &mut sent);
        let heard = sent.phones.remove(&listener).unwrap_or_default();
        counts.push(heard.len());
        for packet in heard {
            far.receive(&packet, address(9), now);
        }
        far.listen(now + TICK / 2);
        if tick >= 300 {
            levels.push(level_of(far.sound()));
        }
    }
    (levels, counts)
}

#[test]
fn livekit_sip_724_727_bursts_do_not_make_the_telephone_choppy() {
    for (talker, by_browser) in [(Codec::Opus, true), (Codec::Opus, false), (Codec::Pcma, false), (Codec::G722, false)]
    {
        for listener in [Codec::Pcma, Codec::G722, Codec::Opus] {
            let (levels, counts) = hears_bursts(talker, by_browser, listener);
            assert!(counts.iter().all(|count| *count == 1), "{talker} to {listener}: a packet in every tick");
            let steady = levels.iter().filter(|level| level.0.abs_diff(12) <= 6).count();
            assert!(
                steady >= levels.len() - 2,
                "{talker} (browser: {by_browser}) to {listener}: {} of {} frames are broken: {levels:?}",
                levels.len() - steady,
                levels.len()
            );
        }
    }
}

#[test]
fn livekit_sip_812_telephones_get_their_packets_for_ten_minutes_in_which_nobody_sends() {
    let start = Instant::now();
    let mut shard = Shard::default();
    for (leg, codec) in [(1, Codec::Pcma), (2, Codec::G722), (3, Codec::Pcmu)] {
        shard.enter(LegId(leg), Seat::new(phone(codec, 100 + leg as u16, start), false));
    }
    for tick in 0..30_000_u32 {
        let now = start + TICK * tick;
        for (_, seat) in shard.seats() {
            seat.leg.listen(now);
        }
        let mut sent = Sent::default();
        shard.tick(now, &mut sent);
        assert!(sent.phones.len() == 3 && sent.phones.values().all(|packets| packets.len() == 1), "in tick {tick}");
    }
}

#[test]
fn livekit_sip_95_whatever_is_offered_and_wanted_the_leg_sends_the_one_codec_that_was_answered() {
    let start = Instant::now();
    let lines = |kind: u8| match kind {
        96 => "a=rtpmap:96 opus/48000/2\r\n",
        _ => "",
    };
    let kinds = [(Codec::Opus, 96), (Codec::G722, 9), (Codec::Pcma, 8), (Codec::Pcmu, 0)];
    for offered in 1_u8..16 {
        for wanted in 1_u8..16 {
            let of =
                |mask: u8| kinds.iter().enumerate().filter(move |(at, _)| mask & 1 << at != 0).map(|(_, kind)| *kind);
            let formats: Vec<String> = of(offered).map(|(_, kind)| kind.to_string()).collect();
            let maps: String = of(offered).map(|(_, kind)| lines(kind)).collect();
            let offer = format!(
                "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {} 101\r\n{maps}a=rtpmap:101 telephone-event/8000\r\n",
                formats.join(" ")
            );
            let order: Vec<Codec> = of(wanted).map(|(codec, _)| codec).collect();
            let answered = sdp::answer(&offer, address(9), &order, 1);
            let common = of(wanted).find(|kind| of(offered).any(|other| other == *kind));
            let (Ok((session, answer)), Some((codec, kind))) = (&answered, common) else {
                assert!(answered.is_err() && common.is_none(), "{offer} for {order:?}: {answered:?}");
                continue;
            };
            assert!(answer.contains(&format!("RTP/AVP {kind} 101\r\n")), "{answer}");
            assert_eq!(session.codec, codec);
            let mut leg = PhoneLeg::new(session.clone(), [1; 32], start).expect("a leg");
            let mut sent = None;
            leg.say(&vec![4_000; codec.rate().frame()], |datagram, _| {
                sent = Packet::read(datagram.as_bytes()).map(|packet| packet.payload_type);
            });
            assert_eq!(sent, Some(kind), "{answer}");
        }
    }
}

#[test]
fn jigasi_37_only_those_who_speak_are_decoded_and_all_listeners_of_a_codec_share_one_encoded_frame() {
    let start = Instant::now();
    let mut shard = Shard::default();
    let quiet = 33_u64;
    let mut talkers: Vec<(LegId, Talker)> = Vec::new();
    for leg in 0..35 {
        // Whatever is decoded of these shows as corrupt.
        let level = if leg < quiet { 100 } else { 18 };
        shard.enter_browser(LegId(leg), BrowserSeat::new(browser(start), false));
        talkers.push((LegId(leg), Talker::new(Codec::Opus, 111, Some(level))));
    }
    for leg in 100..120 {
        let codec = if leg % 2 == 0 { Codec::Pcma } else { Codec::G722 };
        shard.enter(LegId(leg), Seat::new(phone(codec, leg as u16, start), false));
    }
    for tick in 0..100_u32 {
        let now = start + TICK * tick;
        for (leg, talker) in &mut talkers {
            let packet = talker.packet(true);
            shard.browser(*leg).expect("a seat").leg.receive(&packet, now);
        }
        for (_, seat) in shard.seats() {
            seat.leg.listen(now);
        }
        let mut sent = Sent::default();
        shard.tick(now, &mut sent);
        let mut payloads: Vec<&[u8]> =
            sent.phones.values().flatten().map(|datagram| Packet::read(datagram).expect("RTP").payload).collect();
        assert_eq!(payloads.len(), 20);
        payloads.sort_unstable();
        payloads.dedup();
        assert_eq!(payloads.len(), 2, "one frame for each codec, whoever listens");
    }
    for (leg, _) in &talkers {
        let corrupt = shard.browser(*leg).expect("a seat").leg.speech().counts().corrupt;
        assert_eq!(corrupt > 0, leg.0 >= quiet, "{leg}: {corrupt} packets were given to a decoder");
    }
}

#[test]
fn freeswitch_2676_a_thousand_listeners_hear_three_speakers_without_a_pause() {
    let start = Instant::now();
    let mut shard = Shard::default();
    let listeners = 1_000_u64;
    for leg in 0..listeners {
        shard.enter(LegId(leg), Seat::new(phone(Codec::Pcma, 1_000 + leg as u16, start), true));
    }
    let mut talkers = [1, 2, 3].map(|number| (LegId(listeners + number), Talker::new(Codec::Pcma, 96, None)));
    for (leg, _) in &talkers {
        shard.enter(*leg, Seat::new(phone(Codec::Pcma, 5_000 + leg.0 as u16, start), false));
    }
    for tick in 0..50_u32 {
        let now = start + TICK * tick;
        for (leg, talker) in &mut talkers {
            let packet = talker.packet(false);
            shard.seat(*leg).expect("a seat").leg.receive(&packet, address(5_000 + leg.0 as u16), now);
        }
        for (_, seat) in shard.seats() {
            seat.leg.listen(now + Duration::from_millis(10));
        }
        let mut sent = Sent::default();
        shard.tick(now + Duration::from_millis(10), &mut sent);
        assert_eq!(sent.phones.values().map(Vec::len).sum::<usize>() as u64, listeners + 3, "in tick {tick}");
    }
    assert_eq!(shard.speaking().len(), 3);
    // Half of them leave in the middle of it, and the rest goes on.
    for leg in 0..listeners / 2 {
        assert!(shard.exit(LegId(leg)).is_some());
    }
    let mut sent = Sent::default();
    shard.tick(start + TICK * 50, &mut sent);
    assert_eq!(sent.phones.len() as u64, listeners / 2 + 3);
}
