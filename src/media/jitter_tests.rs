//! Stories of streams: a sender, a network with seeded faults, and the buffer, on a virtual clock.

use proptest::prelude::*;

use super::*;
use crate::media::codec::{Encoder, LONGEST_PAYLOAD, OpusStyle};
use crate::media::level::level_of;
use crate::media::tone::{Player, Tone};

/// A repeatable source of chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

struct Story {
    codec: Codec,
    /// Percent.
    loss: u64,
    /// Milliseconds, evenly spread.
    jitter: u64,
    /// Parts per million by which the sender's clock runs fast.
    drift: i64,
    frames: u64,
    /// When the first tick comes, after the first packet was sent, in microseconds.
    phase: u64,
}

struct Outcome {
    frames: Vec<(Pulled, Vec<i16>)>,
    counts: Counts,
    /// How old the sound was when it was played, at the end, in milliseconds.
    delay: f64,
}

fn tell(story: &Story) -> Outcome {
    let rate = story.codec.rate();
    let start = Instant::now();
    let mut chance = Chance(42);
    let mut tone = Player::new(Tone::Steady(440), rate);
    let mut encoder = Encoder::new(story.codec, rate, OpusStyle::default()).expect("an encoder");
    let mut sound = vec![0; rate.frame()];
    let mut wire: Vec<(u64, u16, u32, Vec<u8>)> = (0..story.frames)
        .filter_map(|number| {
            tone.fill(&mut sound);
            let mut payload = vec![0; LONGEST_PAYLOAD];
            let bytes = encoder.encode(&sound, &mut payload).expect("encodes");
            payload.truncate(bytes);
            let sent = (number as i64 * (20_000_000 - 20 * story.drift) / 1000) as u64;
            let at = sent + chance.below(story.jitter * 1000 + 1);
            let lost = chance.below(100) < story.loss && number > 5;
            let ticks = story.codec.clock() / 50;
            (!lost).then_some((
                at,
                (65_500 + number) as u16,
                (u64::from(u32::MAX) - 8_000 + number * u64::from(ticks)) as u32,
                payload,
            ))
        })
        .collect();
    wire.sort_by_key(|packet| packet.0);
    let mut buffer = JitterBuffer::new(story.codec, rate).expect("a buffer");
    let mut packets = wire.into_iter().peekable();
    let mut frames = Vec::new();
    let mut delay = 0.0;
    for tick in 0..story.frames {
        let at = story.phase + tick * 20_000;
        let now = start + Duration::from_micros(at);
        while let Some((arrived, sequence, time, payload)) = packets.next_if(|packet| packet.0 <= at) {
            buffer.insert(sequence, RtpTime(time), &payload, start + Duration::from_micros(arrived));
        }
        let mut frame = vec![0; rate.frame()];
        let pulled = buffer.pull(now, &mut frame);
        if let Some(age) = buffer.delay(now) {
            delay = age.as_secs_f64() * 1000.0 + 20.0;
        }
        frames.push((pulled, frame));
    }
    Outcome { frames, counts: buffer.counts(), delay }
}

const CALM: Story = Story { codec: Codec::Pcma, loss: 0, jitter: 0, drift: 0, frames: 500, phase: 7_000 };

fn concealed(outcome: &Outcome) -> usize {
    outcome.frames.iter().filter(|(pulled, _)| *pulled == Pulled::Concealed).count()
}

#[test]
fn a_calm_stream_is_played_whole_and_at_most_one_tick_late() {
    for codec in Codec::ALL {
        for phase in [100, 3_900, 7_000, 19_900] {
            let outcome = tell(&Story { codec, phase, ..CALM });
            assert_eq!(concealed(&outcome), 0, "{codec}, {phase} µs");
            assert!(outcome.frames[2..].iter().all(|(pulled, _)| *pulled == Pulled::Sound), "{codec}, {phase} µs");
            assert!(outcome.delay <= 45.0, "{codec}, {phase} µs: {} ms", outcome.delay);
            assert_eq!(outcome.counts, Counts::default());
        }
    }
}

#[test]
fn thirty_milliseconds_of_jitter_are_learnt_and_then_nothing_is_missing() {
    for codec in [Codec::Pcma, Codec::G722, Codec::Opus] {
        let outcome = tell(&Story { codec, jitter: 30, frames: 1500, ..CALM });
        let late = outcome.frames[500..].iter().filter(|(pulled, _)| *pulled != Pulled::Sound).count();
        assert!(late <= 20, "{codec}: {late} of 1000 frames missing");
        assert!(outcome.delay < 90.0, "{codec}: {} ms", outcome.delay);
    }
}

#[test]
fn five_percent_of_loss_with_jitter_keep_the_tone_at_its_level() {
    for codec in [Codec::Pcma, Codec::G722, Codec::Opus] {
        let outcome = tell(&Story { codec, loss: 5, jitter: 30, frames: 1500, ..CALM });
        let quiet = outcome.frames[200..].iter().filter(|(_, frame)| level_of(frame).0 > 30).count();
        assert!(quiet <= 13, "{codec}: {quiet} of 1300 frames fell silent");
        assert!(outcome.counts.lost > 40, "{codec}: the loss was seen: {:?}", outcome.counts);
    }
}

#[test]
fn opus_gives_most_lost_packets_back() {
    let outcome = tell(&Story { codec: Codec::Opus, loss: 5, jitter: 30, frames: 1500, ..CALM });
    assert!(outcome.counts.recovered * 2 > outcome.counts.lost, "{:?}", outcome.counts);
}

#[test]
fn a_sender_with_a_fast_or_slow_clock_is_followed() {
    for drift in [-300, 300] {
        let outcome = tell(&Story { drift, frames: 9_000, ..CALM });
        assert!(outcome.delay < 80.0, "{drift} ppm: {} ms after three minutes", outcome.delay);
        assert!(concealed(&outcome) <= 6, "{drift} ppm: {} frames concealed", concealed(&outcome));
    }
}

#[test]
fn after_a_pause_the_next_words_are_played_at_once_and_whole() {
    let mut buffer = JitterBuffer::new(Codec::Pcma, Rate::Narrow).expect("a buffer");
    let start = Instant::now();
    let mut frame = [0; 160];
    let mut heard = Vec::new();
    for tick in 0..200_u64 {
        let now = start + Duration::from_millis(20 * tick + 10);
        let speaks = !(50..150).contains(&tick);
        if speaks {
            let number = if tick < 50 { tick } else { tick - 100 };
            buffer.insert(
                number as u16,
                RtpTime(tick as u32 * 160),
                &[0x2a; 160],
                start + Duration::from_millis(20 * tick),
            );
        }
        heard.push(buffer.pull(now, &mut frame));
    }
    assert!(heard[..50].iter().all(|pulled| *pulled == Pulled::Sound));
    assert!(heard[62..150].iter().all(|pulled| *pulled == Pulled::Nothing));
    assert!(heard[150..].iter().all(|pulled| *pulled == Pulled::Sound));
}

/// The sender's silence is short, so that it is guessed through to the end, and its first packet after it comes quickest of all.
#[test]
fn after_a_short_pause_words_wait_as_long_as_the_line_is_uneven_and_are_whole() {
    for codec in [Codec::Pcma, Codec::Opus] {
        let rate = codec.rate();
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut encoder = Encoder::new(codec, rate, OpusStyle::default()).expect("an encoder");
        let mut tone = Player::new(Tone::Steady(440), rate);
        let (mut sound, mut payload) = (vec![0; rate.frame()], vec![0; LONGEST_PAYLOAD]);
        let mut buffer = JitterBuffer::new(codec, rate).expect("a buffer");
        let mut chance = Chance(7);
        // Of each second, 180 ms are a pause.
        let speaks = |number: u64| number % 50 < 41;
        let mut wire: Vec<(Duration, u16, RtpTime, Vec<u8>)> = Vec::new();
        for (sequence, number) in (0_u16..).zip((0..1_000_u64).filter(|number| speaks(*number))) {
            tone.fill(&mut sound);
            let bytes = encoder.encode(&sound, &mut payload).expect("encodes");
            let journey = if number % 50 == 0 { 0 } else { chance.below(61) };
            let time = RtpTime(u32::try_from(number).expect("few") * (codec.clock() / 50));
            wire.push((ms(20 * number + journey), sequence, time, payload[..bytes].to_vec()));
        }
        wire.sort_by_key(|packet| packet.0);
        let mut packets = wire.into_iter().peekable();
        let (mut frames, mut frame) = (Vec::new(), vec![0; rate.frame()]);
        for tick in 0..1_000 {
            let now = start + ms(20 * tick + 7);
            while let Some((at, sequence, time, payload)) = packets.next_if(|packet| start + packet.0 <= now) {
                buffer.insert(sequence, time, &payload, start + at);
            }
            frames.push(buffer.pull(now, &mut frame));
        }
        // Once the line is known each spurt is played without a gap, and in as many frames as it was said.
        let known = &frames[400..950];
        let spurts: Vec<usize> = known
            .chunk_by(|one, other| one == other)
            .filter(|run| run[0] == Pulled::Sound)
            .map(<[Pulled]>::len)
            .collect();
        let whole = spurts.iter().filter(|frames| (40..=42).contains(*frames)).count();
        assert!(spurts.len() <= 13 && whole >= 10, "{codec}: {spurts:?}");
    }
}

/// Plays packets 0 to 299 of a line on which they take up to 60 ms, and is then not listened to for two seconds.
fn known_and_left(start: Instant) -> JitterBuffer {
    let mut buffer = JitterBuffer::new(Codec::Pcma, Rate::Narrow).expect("a buffer");
    let mut frame = [0; 160];
    for number in 0..300_u16 {
        let sent = start + Duration::from_millis(20) * u32::from(number);
        let journey = Duration::from_millis(u64::from(number % 4) * 20);
        buffer.insert(number, RtpTime(u32::from(number) * 160), &[0x2a; 160], sent + journey);
        buffer.pull(sent + journey, &mut frame);
    }
    buffer.begin_again();
    buffer
}

/// How long after packet 300 was sent it is played, in milliseconds, if it takes `late` ms; `ticks` is by how much its sender's clock went on.
fn begins_after(late: u64, ticks: u32) -> Option<u64> {
    let start = Instant::now();
    let mut buffer = known_and_left(start);
    let (resumed, mut frame) = (start + Duration::from_secs(8), [0; 160]);
    let mut packets = (0..10_u16).peekable();
    (0..10).map(|tick| 20 * tick + 7).find(|at| {
        while let Some(number) = packets.next_if(|number| 20 * u64::from(*number) + late <= *at) {
            let arrived = resumed + Duration::from_millis(20 * u64::from(number) + late);
            buffer.insert(300 + number, RtpTime(300 * 160 + ticks + u32::from(number) * 160), &[0x2a; 160], arrived);
        }
        buffer.pull(resumed + Duration::from_millis(*at), &mut frame) == Pulled::Sound
    })
}

#[test]
fn who_is_listened_to_again_is_played_as_late_as_the_line_asks_for_and_no_later() {
    for late in [0, 20, 40, 60] {
        assert_eq!(begins_after(late, 2 * 8_000), Some(67), "{late} ms");
    }
    // A sender whose clock stood or ran meanwhile: nothing is known of when its quickest would come.
    for ticks in [0, 60 * 8_000] {
        assert_eq!(begins_after(40, ticks), Some(107), "{ticks} ticks");
    }
}

#[test]
fn the_first_packet_is_not_too_late_if_the_second_overtook_it() {
    let start = Instant::now();
    let mut buffer = known_and_left(start);
    let (resumed, mut frame) = (start + Duration::from_secs(8), [0; 160]);
    let mut pulled = Vec::new();
    for (tick, number) in (0..).zip([1, 0, 2, 3, 4, 5, 6, 7]) {
        let now = resumed + Duration::from_millis(20) * tick;
        buffer.insert(300 + number, RtpTime((400 + u32::from(number)) * 160), &[0x2a; 160], now);
        pulled.push(buffer.pull(now + Duration::from_millis(5), &mut frame));
    }
    assert_eq!((buffer.counts().late, buffer.counts().lost), (0, 0), "{pulled:?}");
    // What is left of the sound from before comes first.
    let spurt = pulled.iter().skip(1).skip_while(|pulled| **pulled == Pulled::Nothing);
    assert!(spurt.clone().count() >= 3 && spurt.clone().all(|pulled| *pulled == Pulled::Sound), "{pulled:?}");
}

#[test]
fn a_burst_after_a_stall_is_caught_up_within_two_seconds() {
    let mut buffer = JitterBuffer::new(Codec::Pcma, Rate::Narrow).expect("a buffer");
    let start = Instant::now();
    let mut frame = [0; 160];
    for tick in 0..250_u64 {
        let now = start + Duration::from_millis(20 * tick + 10);
        let sends = if tick < 50 {
            tick..tick + 1
        } else if tick < 70 {
            tick..tick
        } else if tick == 70 {
            50..71
        } else {
            tick..tick + 1
        };
        for number in sends {
            buffer.insert(number as u16, RtpTime(number as u32 * 160), &[0xd5; 160], now - Duration::from_millis(9));
        }
        buffer.pull(now, &mut frame);
    }
    let delay = buffer.delay(start + Duration::from_millis(20 * 249 + 10)).expect("playing");
    assert!(delay < Duration::from_millis(420), "{delay:?}");
    for tick in 250..500_u64 {
        let now = start + Duration::from_millis(20 * tick + 10);
        buffer.insert(tick as u16, RtpTime(tick as u32 * 160), &[0xd5; 160], now - Duration::from_millis(9));
        buffer.pull(now, &mut frame);
    }
    let delay = buffer.delay(start + Duration::from_millis(20 * 499 + 10)).expect("playing");
    assert!(delay < Duration::from_millis(60), "{delay:?}");
}

#[test]
fn the_place_of_a_telephone_event_is_no_loss() {
    let mut buffer = JitterBuffer::new(Codec::Pcma, Rate::Narrow).expect("a buffer");
    let start = Instant::now();
    let mut frame = [0; 160];
    for tick in 0..100_u64 {
        let at = start + Duration::from_millis(20 * tick);
        if (40..50).contains(&tick) {
            buffer.insert_event(tick as u16, RtpTime(6_400), at);
        } else {
            buffer.insert(tick as u16, RtpTime(tick as u32 * 160), &[0x2a; 160], at);
        }
        buffer.pull(at + Duration::from_millis(10), &mut frame);
    }
    assert_eq!(buffer.counts(), Counts::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_order_of_packets_and_ticks_breaks_it(steps in prop::collection::vec((any::<u16>(), any::<u32>(), 0..400_usize, 0..60_u64, 0..4_u8), 1..200)) {
        for codec in [Codec::Pcma, Codec::Opus] {
            let mut buffer = JitterBuffer::new(codec, codec.rate()).expect("a buffer");
            let mut now = Instant::now();
            let mut frame = vec![0; codec.rate().frame()];
            for (sequence, time, length, wait, kind) in &steps {
                now += Duration::from_millis(*wait);
                match kind {
                    0 => buffer.insert_event(*sequence, RtpTime(*time), now),
                    1 => buffer.insert(*sequence, RtpTime(*time), &vec![0x55; *length], now),
                    2 => buffer.insert(sequence % 40, RtpTime(time % 6_400), &vec![0x55; *length], now),
                    _ => { buffer.pull(now, &mut frame); }
                }
                prop_assert!(buffer.sound.len() <= 4 * LONGEST_SOUND);
            }
        }
    }
}
