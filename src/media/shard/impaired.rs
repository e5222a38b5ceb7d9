//! A bad line between two gateways: 3 % of all packets are lost, and each takes 100 ms ± 30 ms. What is played at the far end is
//! compared with what a line without faults brings.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::*;
use crate::media::leg::{PhoneLeg, TICK};
use crate::media::peer_streams::PeerStreams;
use crate::media::session::Session;
use crate::words::Direction;

const PEER: PeerId = PeerId(1);
const PHONE: LegId = LegId(1);

/// What one tick sends to the other gateway.
struct Line {
    streams: PeerStreams,
    now: Instant,
    sent: Vec<Vec<u8>>,
}

impl Outlet for Line {
    fn to_phone(&mut self, _leg: LegId, _datagram: &Datagram, _target: SocketAddr) {}

    fn to_browser(&mut self, _leg: LegId, _rtp: &[u8]) {}

    fn to_peer(&mut self, _peer: PeerId, ssrc: u32, said: Said<'_>) {
        let mut out = Vec::new();
        if self.streams.speak(ssrc, said, self.now, &mut out) {
            self.sent.push(out);
        }
    }
}

/// Something like a voice: harmonics of a pitch that glides, four syllables a second.
#[allow(clippy::cast_precision_loss, reason = "a few seconds of sound")]
fn voice(from: usize, sound: &mut [i16]) {
    for (at, sample) in (from..).zip(sound) {
        let time = at as f64 / 16_000.0;
        let phase = std::f64::consts::TAU * (140.0 * time - 6.0 * (std::f64::consts::TAU * 0.7 * time).cos());
        let syllable = (0.6 - 0.4 * (std::f64::consts::TAU * 4.0 * time).cos()).powi(2);
        let sum: f64 = (1..12).map(|n| (f64::from(n) * phase).sin() / f64::from(n)).sum();
        *sample = (sum * syllable * 5_000.0) as i16;
    }
}

/// Seconds of the test.
const SECONDS: u32 = 12;

/// What is played, at 8 kHz, and how many frames of it were a guess.
fn played(loss_percent: u32, jitter: Duration, seed: u32) -> (Vec<i16>, u64) {
    #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
    let start = Instant::now();
    let address = SocketAddr::from(([192, 0, 2, 1], 9));
    let session = Session {
        codec: Codec::G722,
        payload_type: 9,
        ptime: TICK,
        telephone_event: Some(101),
        remote_rtp: address,
        remote_rtcp: address,
        direction: Direction::SendRecv,
        rtcp_mux: true,
        fec: false,
        dtx: false,
        keying: None,
        text: None,
    };
    let mut shard = Shard::default();
    shard.enter(PHONE, Seat::new(PhoneLeg::new(session.clone(), [1; 32], start).expect("a leg"), false));
    shard.name_stream(PHONE, 77);
    shard.relate(PEER, false);
    let mut phone = PhoneLeg::new(session, [2; 32], start).expect("a leg");
    let mut line = Line { streams: PeerStreams::new([3; 24], start), now: start, sent: Vec::new() };
    let mut seat = DistantSeat::new(PEER, false).expect("a decoder");
    let mut lot = seed;
    let mut draw = |of: u32| {
        lot = lot.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (lot >> 8) % of
    };
    let mut under_way: Vec<(Instant, Vec<u8>)> = Vec::new();
    let mut heard = Vec::new();
    for tick in 0..SECONDS * 50 {
        let now = start + TICK * tick;
        let mut sound = vec![0; Rate::Wide.frame()];
        voice(tick as usize * Rate::Wide.frame(), &mut sound);
        let near = shard.seat(PHONE).expect("a seat");
        phone.say(&sound, |datagram, _| {
            near.leg.receive(datagram.as_bytes(), address, now);
        });
        near.leg.listen(now + Duration::from_millis(5));
        line.now = now;
        shard.tick(now, &mut line);
        for packet in line.sent.drain(..) {
            let span = 2 * u32::try_from(jitter.as_micros()).expect("short") + 1;
            let delay = Duration::from_millis(100) + Duration::from_micros(draw(span).into());
            if draw(100) >= loss_percent {
                under_way.push((now + delay - jitter, packet));
            }
        }
        let tick_there = now + Duration::from_millis(7);
        under_way.sort_by_key(|(at, _)| *at);
        while under_way.first().is_some_and(|(at, _)| *at <= tick_there) {
            let (_, packet) = under_way.remove(0);
            seat.receive(&packet, tick_there);
        }
        let speech = seat.speech();
        speech.measure(tick_there);
        speech.follow(true, tick_there);
        heard.extend_from_slice(speech.listen(Rate::Narrow, tick_there));
        speech.end_tick();
    }
    (heard, seat.troubles().1)
}

/// Samples in a window, 100 ms, and how much later the same may be played on the bad line.
const WINDOW: usize = 800;
const LATEST: usize = 1_200;

/// How well each window of a sound is found in another, in dB of what is alike over what is not; 30 at the most.
#[allow(clippy::cast_precision_loss, reason = "a few seconds of sound")]
fn likeness(reference: &[i16], other: &[i16]) -> Vec<f64> {
    let dot = |one: &[i16], other: &[i16]| -> f64 {
        let sum: i64 = one.iter().zip(other).map(|(one, other)| i64::from(*one) * i64::from(*other)).sum();
        sum as f64
    };
    // The first second is that of buffers that find their size.
    let starts = (8_000..reference.len() - WINDOW - LATEST).step_by(8 * WINDOW);
    let best = |start: usize| {
        let window = &reference[start..start + WINDOW];
        let energy = dot(window, window);
        let alike = (start.saturating_sub(200)..start + LATEST).map(|at| {
            let there = &other[at..at + WINDOW];
            dot(window, there).powi(2).copysign(dot(window, there)) / (energy * dot(there, there)).max(1.0)
        });
        let alike = alike.fold(0.0, f64::max);
        (-10.0 * (1.0 - alike).max(0.001).log10()).min(30.0)
    };
    starts.map(best).collect()
}

#[test]
#[allow(clippy::print_stdout, reason = "the figure is what this test is for")]
fn a_line_that_loses_three_percent_and_shakes_by_thirty_milliseconds_is_hardly_heard() {
    let (reference, guessed) = played(0, Duration::ZERO, 1);
    assert!(guessed < 5, "{guessed}");
    let mut all = Vec::new();
    let mut guesses = 0;
    for seed in 0..2 {
        let (heard, guessed) = played(3, Duration::from_millis(30), seed);
        all.extend(likeness(&reference, &heard));
        guesses += guessed;
    }
    all.sort_by(f64::total_cmp);
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let (worst, twentieth) = (all[0], all[all.len() / 20]);
    let guesses = guesses as f64 * 100.0 / f64::from(2 * 50 * SECONDS);
    println!(
        "mean {mean:.1} dB, one of 20 below {twentieth:.1} dB, worst {worst:.1} dB, {guesses:.1} % of frames guessed"
    );
    assert!(mean > 27.0 && twentieth > 20.0 && guesses < 1.0);
}
