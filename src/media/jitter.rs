//! The adaptive jitter buffer of one leg. In: RTP packets as they come, and one pull every 20 ms. Out: an unbroken stream
//! of 20 ms frames with as little delay as the network allows.
//!
//! A packet that is missing when its sound is due is concealed, and not waited for again if the next one shows that it is
//! lost. When nothing at all is there, playing waits: the delay grows by the wait, and only then. Sound is made shorter, a
//! pitch period at a time, while the delay stays above what the arrival times of the last seconds ask for, and longer while
//! it stays below: this also follows a sender whose clock runs fast or slow.

use std::time::{Duration, Instant};

use super::codec::{CodecError, Decoder, LONGEST_SOUND};
use super::conceal::Concealer;
use super::stretch::{Sound, lengthen, shorten};
use crate::words::{Codec, Rate, RtpTime};

/// Packets held at most: 2.5 s of 20 ms packets. A later one pushes the oldest out.
const SLOTS: usize = 128;

/// A packet is played this long after it came at the earliest, so that the next may come a little late.
const MARGIN: Duration = Duration::from_millis(4);

/// Play this far above the wanted delay before anything is taken out: more than one tick, which is how coarsely we play.
const SLACK: Duration = Duration::from_millis(24);

/// This far above it, sound is taken out even where that is heard.
const URGENT: Duration = Duration::from_millis(120);

/// So many packets may have been overtaken by the first that came of a stream.
const OVERTAKEN: u64 = 8;

/// With nothing to play for this long the stream has paused; the next packet begins a new spurt.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Clone, Debug, Default)]
struct Slot {
    /// Which packet this holds, by its unwrapped sequence number; `None` if it is free.
    number: Option<u64>,
    at: Option<Instant>,
    /// No sound: a telephone event took this sequence number.
    silent: bool,
    time: u64,
    payload: Vec<u8>,
}

/// What a frame is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// Sound that arrived.
    Sound,
    /// A guess: what should have been played is missing.
    Concealed,
    /// Nothing: the stream has not begun, or pauses.
    Nothing,
}

/// What the buffer met so far, in packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Came too late to be played.
    pub late: u64,
    /// Never came, or too late.
    pub lost: u64,
    /// Lost, and given back by in-band FEC.
    pub recovered: u64,
    /// Could not be decoded.
    pub corrupt: u64,
}

impl std::ops::Add for Counts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            late: self.late + other.late,
            lost: self.lost + other.lost,
            recovered: self.recovered + other.recovered,
            corrupt: self.corrupt + other.corrupt,
        }
    }
}

/// See the module.
pub struct JitterBuffer {
    decoder: Decoder,
    codec: Codec,
    concealer: Concealer,
    slots: Vec<Slot>,
    /// The packet to be decoded next, and the newest that came.
    next: Option<u64>,
    newest: u64,
    newest_time: u64,
    playing: bool,
    /// Nothing of it has been played: what was sent before the first that came is not too late.
    untouched: bool,
    /// Decoded and not yet pulled.
    sound: Sound,
    /// When the sender took the first sample after `sound`, in RTP ticks.
    played_to: u64,
    /// Samples in the last packet.
    packet: usize,
    /// Guessed while nothing was there: that many samples of the next lost packets are already played.
    guessed: usize,
    starved_since: Option<Instant>,
    arrivals: Arrivals,
    counts: Counts,
}

impl JitterBuffer {
    /// An empty buffer that gives sound at `rate` (which is the codec's own but for Opus).
    ///
    /// # Errors
    /// The decoder does not start.
    pub fn new(codec: Codec, rate: Rate) -> Result<Self, CodecError> {
        let decoder = Decoder::new(codec, rate)?;
        let rate = decoder.rate();
        Ok(Self {
            decoder,
            codec,
            concealer: Concealer::new(rate),
            slots: std::iter::repeat_with(Slot::default).take(SLOTS).collect(),
            next: None,
            newest: 0,
            newest_time: 0,
            playing: false,
            untouched: false,
            sound: Vec::with_capacity(LONGEST_SOUND),
            played_to: 0,
            packet: rate.frame(),
            guessed: 0,
            starved_since: None,
            arrivals: Arrivals::default(),
            counts: Counts::default(),
        })
    }

    /// The rate of the frames.
    pub const fn rate(&self) -> Rate {
        self.decoder.rate()
    }

    /// What was lost so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a packet of sound.
    pub fn insert(&mut self, sequence: u16, timestamp: RtpTime, payload: &[u8], now: Instant) {
        self.put(sequence, timestamp, Some(payload), now);
    }

    /// Takes note of a packet that holds no sound but has its place in the sequence: a telephone event.
    pub fn insert_event(&mut self, sequence: u16, timestamp: RtpTime, now: Instant) {
        self.put(sequence, timestamp, None, now);
    }

    fn put(&mut self, sequence: u16, timestamp: RtpTime, payload: Option<&[u8]>, now: Instant) {
        let (number, time) = self.unwrap(sequence, timestamp);
        if let Some(next) = &mut self.next
            && number < *next
        {
            if !self.untouched || *next - number > OVERTAKEN {
                self.counts.late += 1;
                return;
            }
            *next = number;
        }
        if payload.is_some() {
            self.arrivals.note(self.sent(time), now);
        }
        self.untouched |= self.next.is_none();
        self.next.get_or_insert(number);
        if let Some(slot) = slot_of(&mut self.slots, number) {
            slot.number = Some(number);
            slot.at = Some(now);
            slot.silent = payload.is_none();
            slot.time = time;
            slot.payload.clear();
            slot.payload.extend_from_slice(payload.unwrap_or_default());
        }
        // A burst longer than the buffer: what it pushed out is lost.
        let oldest = self.newest.saturating_sub(SLOTS as u64 - 1);
        if let Some(next) = &mut self.next
            && *next < oldest
        {
            self.counts.lost += oldest - *next;
            *next = oldest;
        }
    }

    /// Sequence and time without their wraps. A jump by more than the buffer holds begins anew.
    fn unwrap(&mut self, sequence: u16, timestamp: RtpTime) -> (u64, u64) {
        if self.next.is_none() {
            // Room below, for packets that were sent before the first that came.
            self.newest = (1 << 32) | u64::from(sequence);
            self.newest_time = (1 << 40) | u64::from(timestamp.0);
            return (self.newest, self.newest_time);
        }
        let step = i64::from(sequence.wrapping_sub(truncated(self.newest)).cast_signed());
        if step.unsigned_abs() > 2 * SLOTS as u64 {
            self.begin_anew();
            return self.unwrap(sequence, timestamp);
        }
        let number = self.newest.saturating_add_signed(step);
        let ticks = i64::from(timestamp.since(RtpTime(truncated_time(self.newest_time))));
        let time = self.newest_time.saturating_add_signed(ticks);
        if number > self.newest {
            self.newest = number;
            self.newest_time = time;
        }
        (number, time)
    }

    /// Another stream on the same leg: a new SSRC, or a sender that started over.
    pub fn begin_anew(&mut self) {
        self.begin_again();
        self.arrivals = Arrivals::default();
    }

    /// The same stream, after a while in which nobody listened: how unevenly it comes is known already.
    pub fn begin_again(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.number = None);
        self.next = None;
        self.playing = false;
        self.guessed = 0;
        self.starved_since = None;
        self.arrivals.begin_again();
    }

    /// Fills `out` (one frame at [`Self::rate`]) with what is to be heard now.
    pub fn pull(&mut self, now: Instant, out: &mut [i16]) -> Pulled {
        let mut pulled = Pulled::Sound;
        self.adapt(now);
        while self.sound.len() < out.len() {
            match self.step(now) {
                Step::Decoded => {}
                Step::Guessed => pulled = Pulled::Concealed,
                Step::Nothing => {
                    out.fill(0);
                    let rest = self.sound.len();
                    out.iter_mut().zip(self.sound.drain(..)).for_each(|(out, sample)| *out = sample);
                    return if rest > 0 { Pulled::Concealed } else { Pulled::Nothing };
                }
            }
        }
        let wanted = out.len();
        out.iter_mut().zip(self.sound.drain(..wanted)).for_each(|(out, sample)| *out = sample);
        pulled
    }

    fn step(&mut self, now: Instant) -> Step {
        let Some(next) = self.next else { return Step::Nothing };
        let here = holds(&self.slots, next);
        if !self.playing && !self.may_begin(next, now) {
            return Step::Nothing;
        }
        if self.begins_soon(next, now) {
            return self.starve(now);
        }
        if here {
            self.starved_since = None;
            self.guessed = 0;
            self.play(next);
            self.next = Some(next + 1);
            return Step::Decoded;
        }
        if self.newest > next {
            return self.skip(next);
        }
        self.starve(now)
    }

    /// Whether a spurt may begin: its first packet is old enough, or more is already there. Of a stream that begins with a
    /// gap, what is missing is skipped.
    fn may_begin(&mut self, next: u64, now: Instant) -> bool {
        let first = (next..=self.newest).find(|number| holds(&self.slots, *number));
        let Some(first) = first else { return false };
        let old_enough = slot_of(&mut self.slots, first)
            .and_then(|slot| slot.at)
            .is_some_and(|at| now.saturating_duration_since(at) >= MARGIN);
        if !old_enough && self.newest == first {
            return false;
        }
        let time = slot_of(&mut self.slots, first).map_or(0, |slot| slot.time);
        if self.arrivals.since_earliest(self.sent(time), now).is_some_and(|delay| delay < self.needed()) {
            return false;
        }
        self.next = Some(first);
        (self.playing, self.untouched) = (true, false);
        first == next
    }

    /// Whether the sender paused while nothing came, and has gone on, but not so long ago as the delay asks for: a spurt that is played
    /// at once would have to be lengthened in its first word.
    fn begins_soon(&self, next: u64, now: Instant) -> bool {
        let Some(first) = (next..=self.newest).find(|number| holds(&self.slots, *number)) else { return false };
        let packet = self.ticks(self.packet);
        let time = self.slots.get(place_of(first)).map_or(0, |slot| slot.time);
        let begins = time.saturating_sub(packet * (first - next));
        let paused = self.starved_since.is_some() && begins >= self.played_to + packet;
        paused && self.arrivals.since_earliest(self.sent(begins), now).is_some_and(|delay| delay < self.needed())
    }

    fn play(&mut self, number: u64) {
        let start = self.sound.len();
        if !self.decode(number) {
            self.conceal(self.packet);
        } else if self.codec != Codec::Opus {
            self.concealer.heard(self.sound.get_mut(start..).unwrap_or_default());
        }
        free(&mut self.slots, number);
    }

    /// Appends what a packet holds to the sound; false, and nothing, if it cannot be decoded.
    fn decode(&mut self, number: u64) -> bool {
        let Some(slot) = slot_of(&mut self.slots, number) else { return false };
        let start = self.sound.len();
        let most = if slot.silent { self.packet } else { self.decoder.most_samples(&slot.payload) };
        self.sound.resize(start + most, 0);
        let place = self.sound.get_mut(start..).unwrap_or_default();
        let decoded = if slot.silent { Ok(self.packet) } else { self.decoder.decode(&slot.payload, place) };
        let time = slot.time;
        let Ok(count) = decoded else {
            self.sound.truncate(start);
            self.counts.corrupt += 1;
            return false;
        };
        self.sound.truncate(start + count);
        self.packet = count.max(1);
        self.played_to = time + self.ticks(count);
        true
    }

    /// `next` is missing and a later packet is here: it is lost. What was guessed while waiting counts for it.
    fn skip(&mut self, next: u64) -> Step {
        self.next = Some(next + 1);
        self.counts.lost += 1;
        self.arrivals.missed += 1.0;
        self.played_to += self.ticks(self.packet);
        if self.guessed >= self.packet {
            self.guessed -= self.packet;
            self.presume(0);
            return Step::Decoded;
        }
        self.starved_since = None;
        let redundant = slot_of(&mut self.slots, next + 1).filter(|slot| slot.number == Some(next + 1) && !slot.silent);
        if let Some(slot) = redundant {
            let start = self.sound.len();
            self.sound.resize(start + self.packet, 0);
            let place = self.sound.get_mut(start..).unwrap_or_default();
            if self.decoder.recover(&slot.payload, place) {
                self.counts.recovered += 1;
                return Step::Decoded;
            }
            self.sound.truncate(start);
            if self.codec != Codec::Opus {
                let gap = self.packet - self.guessed;
                self.guessed = 0;
                self.bridge(next + 1, gap);
                self.next = Some(next + 2);
                return Step::Guessed;
            }
        }
        self.conceal(self.packet);
        Step::Guessed
    }

    /// Decodes a packet, and fills the gap of so many samples before it.
    fn bridge(&mut self, number: u64, gap: usize) {
        self.presume(gap);
        let before = self.sound.len();
        let after = before + gap;
        self.sound.resize(after, 0);
        if self.decode(number) {
            self.fill(before, after);
            // What was lost is better known now: an adaptive decoder begins after it once more.
            let likely = self.sound.iter().skip(before).take(gap + self.decoder.delay()).copied();
            if self.decoder.presume(self.concealer.presumed().chain(likely)) {
                self.sound.truncate(after);
                self.decode(number);
                self.fill(before, after);
            }
            self.concealer.bridged(self.sound.get(before..).unwrap_or_default());
        } else {
            self.sound.truncate(before);
            self.conceal(gap + self.packet);
        }
        free(&mut self.slots, number);
    }

    /// Lets an adaptive decoder go on as if what was given over the loss, and so many samples more of it, had come.
    fn presume(&mut self, more: usize) {
        let guess = self.concealer.continuation().take(more + self.decoder.delay());
        self.decoder.presume(self.concealer.presumed().chain(guess));
    }

    fn fill(&mut self, before: usize, after: usize) {
        let (known, after) = self.sound.split_at_mut(after);
        self.concealer.bridge(known.get_mut(before..).unwrap_or_default(), after, self.decoder.unsure());
    }

    /// Nothing is here. Guess, for a while.
    fn starve(&mut self, now: Instant) -> Step {
        let since = *self.starved_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= PAUSE {
            self.playing = false;
            self.guessed = 0;
            return Step::Nothing;
        }
        self.conceal(self.packet);
        self.guessed += self.packet;
        Step::Guessed
    }

    fn conceal(&mut self, count: usize) {
        let start = self.sound.len();
        self.sound.resize(start + count, 0);
        let place = self.sound.get_mut(start..).unwrap_or_default();
        if !self.decoder.conceal(place) {
            self.concealer.conceal(place);
        }
    }

    /// Shortens or lengthens what is about to be played, if the delay is not what it should be.
    fn adapt(&mut self, now: Instant) {
        let Some(delay) = self.delay(now) else { return };
        let rate = self.rate();
        let wanted = self.needed() + MARGIN;
        if delay > wanted + SLACK {
            let urgent = delay > wanted + URGENT;
            self.fill_to(rate.frame() * 2);
            shorten(&mut self.sound, rate, urgent);
        } else if delay + Duration::from_millis(2) < self.needed() {
            self.fill_to(rate.frame() * 2);
            lengthen(&mut self.sound, rate);
        }
    }

    /// The delay that the last seconds ask for. What a lost packet held is in the next one too (RFC 6716 section 2.1.7): where many
    /// are lost, that one has to be there when the lost one is due.
    fn needed(&self) -> Duration {
        let repeated = self.codec == Codec::Opus && self.arrivals.many_missed();
        let packet = Duration::from_micros(self.packet as u64 * 1_000_000 / u64::from(self.rate().hz()));
        self.arrivals.spread() + if repeated { packet } else { Duration::ZERO }
    }

    /// Decodes ahead, as far as packets are here without a gap.
    fn fill_to(&mut self, samples: usize) {
        while self.sound.len() < samples
            && let Some(next) = self.next
            && holds(&self.slots, next)
        {
            self.play(next);
            self.next = Some(next + 1);
        }
    }

    /// How long after the quickest packet's journey the next sample is played.
    fn delay(&self, now: Instant) -> Option<Duration> {
        if !self.playing || self.starved_since.is_some() {
            return None;
        }
        let pending = self.ticks(self.sound.len());
        let position = self.played_to.checked_sub(pending)?;
        self.arrivals.since_earliest(self.sent(position), now)
    }

    /// A time of the sender, in RTP ticks.
    fn sent(&self, ticks: u64) -> Duration {
        Duration::from_micros(ticks * 1_000_000 / u64::from(self.codec.clock()))
    }

    fn ticks(&self, samples: usize) -> u64 {
        samples as u64 * u64::from(self.codec.clock()) / u64::from(self.rate().hz())
    }
}

enum Step {
    Decoded,
    Guessed,
    Nothing,
}

fn holds(slots: &[Slot], number: u64) -> bool {
    slots.get(place_of(number)).is_some_and(|slot| slot.number == Some(number))
}

fn slot_of(slots: &mut [Slot], number: u64) -> Option<&mut Slot> {
    slots.get_mut(place_of(number))
}

fn free(slots: &mut [Slot], number: u64) {
    if let Some(slot) = slot_of(slots, number) {
        slot.number = None;
    }
}

#[allow(clippy::cast_possible_truncation, reason = "below SLOTS")]
const fn place_of(number: u64) -> usize {
    (number % SLOTS as u64) as usize
}

#[allow(clippy::cast_possible_truncation, reason = "the wrapped number is wanted")]
const fn truncated(number: u64) -> u16 {
    number as u16
}

#[allow(clippy::cast_possible_truncation, reason = "the wrapped time is wanted")]
const fn truncated_time(time: u64) -> u32 {
    time as u32
}

/// How unevenly packets arrive: the spread of (arrival − sending), against the quickest of the last seconds.
#[derive(Clone, Debug)]
struct Arrivals {
    /// The first arrival, and when that packet was sent by the sender's clock: both only for differences.
    origin: Option<(Instant, Duration)>,
    /// The least journey (relative to the first packet's, in microseconds) of this stretch and of the one before.
    least: i64,
    least_before: i64,
    in_stretch: u32,
    /// How many packets came how late, in steps of [`STEP`]; old ones fade.
    late: [f32; STEPS],
    total: f32,
    /// How many did not come, or too late; fades likewise.
    missed: f32,
    /// The next packet comes after a while in which nobody listened.
    resumes: bool,
}

const STEP: i64 = 4_000;
const STEPS: usize = 64;
/// The latest that is told apart.
const LATEST: u64 = STEP.unsigned_abs() * STEPS as u64;
/// Packets in a stretch: 4 s of 20 ms packets.
const STRETCH: u32 = 200;
/// Each packet weighs this much less once the next has come: half after 140 packets.
const FADE: f32 = 0.995;
/// The share of packets that shall come in time.
const IN_TIME: f32 = 0.98;
/// The share of packets that are missed, from which a little more delay is worth it.
const MANY_MISSED: f32 = 0.01;

impl Default for Arrivals {
    fn default() -> Self {
        Self {
            origin: None,
            least: 0,
            least_before: 0,
            in_stretch: 0,
            late: [0.0; STEPS],
            total: 0.0,
            missed: 0.0,
            resumes: false,
        }
    }
}

impl Arrivals {
    fn note(&mut self, sent: Duration, now: Instant) {
        let mut journey = journey(*self.origin.get_or_insert((now, sent)), sent, now);
        // A clock that stood meanwhile, or has gone another way: when the quickest came says nothing any more.
        if std::mem::take(&mut self.resumes) && journey.abs_diff(self.floor()) > LATEST {
            (self.origin, self.least, self.least_before, self.in_stretch) = (Some((now, sent)), 0, 0, 0);
            journey = 0;
        }
        if self.in_stretch >= STRETCH {
            self.in_stretch = 0;
            self.least_before = self.least;
            self.least = journey;
        }
        self.in_stretch += 1;
        self.least = self.least.min(journey);
        self.late.iter_mut().for_each(|count| *count *= FADE);
        self.total = self.total * FADE + 1.0;
        self.missed *= FADE;
        let step = usize::try_from((journey - self.floor()) / STEP).unwrap_or_default().min(STEPS - 1);
        if let Some(count) = self.late.get_mut(step) {
            *count += 1.0;
        }
    }

    /// What is known of journeys counts on, if the sender's clock did.
    const fn begin_again(&mut self) {
        self.resumes = true;
    }

    fn many_missed(&self) -> bool {
        self.missed > self.total * MANY_MISSED
    }

    fn floor(&self) -> i64 {
        self.least.min(self.least_before)
    }

    /// So late come all but one in fifty packets, at the most.
    fn spread(&self) -> Duration {
        let mut sum = 0.0;
        for (steps, count) in (0_u64..).zip(self.late) {
            sum += count;
            if sum >= self.total * IN_TIME {
                return Duration::from_micros(steps * STEP.unsigned_abs());
            }
        }
        Duration::ZERO
    }

    fn since_earliest(&self, sent: Duration, now: Instant) -> Option<Duration> {
        let journey = journey(self.origin?, sent, now);
        Some(Duration::from_micros(u64::try_from(journey - self.floor()).unwrap_or_default()))
    }
}

/// How much longer than the first packet another took, in microseconds.
fn journey((first_came, first_sent): (Instant, Duration), sent: Duration, now: Instant) -> i64 {
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    micros(now.saturating_duration_since(first_came)) - (micros(sent) - micros(first_sent))
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
