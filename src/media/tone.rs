//! Tones that the gateway plays itself. In: a tone and the caller's buffer. Out: its next samples.
//! Sound comes from the phase alone, so a tone is the same at every rate and in frames of any length.

use std::f32::consts::TAU;

use crate::words::Rate;

/// Part of a tone: up to two frequencies at once, or silence, for a number of milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    /// Hertz; 0 is silent.
    hertz: [u16; 2],
    millis: u32,
}

const fn part(first: u16, second: u16, millis: u32) -> Part {
    Part { hertz: [first, second], millis }
}

/// The tones that a caller may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Somebody came in: two rising notes.
    Joined,
    /// Somebody left: two falling notes.
    Left,
    /// A wrong key.
    Refused,
    /// No sound has come from this phone for a long time; the call will end.
    Silent,
    /// Busy, as on the European public network: 425 Hz, half a second on and off (ITU-T E.180 supplement 2).
    Busy,
    /// It rings, as on most of the continent: 425 Hz, one second on and four off (the same supplement).
    Ringing,
    /// A single steady frequency in hertz, one second long, for measurements.
    Steady(u16),
}

impl Tone {
    fn parts(self) -> [Part; 3] {
        const NONE: Part = part(0, 0, 0);
        match self {
            Self::Joined => [part(587, 0, 120), part(880, 0, 180), NONE],
            Self::Left => [part(880, 0, 120), part(587, 0, 180), NONE],
            Self::Refused => [part(310, 370, 250), NONE, NONE],
            Self::Silent => [part(1400, 0, 200), part(0, 0, 100), part(1400, 0, 200)],
            Self::Busy => [part(425, 0, 480), part(0, 0, 480), NONE],
            Self::Ringing => [part(425, 0, 1000), part(0, 0, 4000), NONE],
            Self::Steady(hertz) => [part(hertz, 0, 1000), NONE, NONE],
        }
    }

    /// Whether the tone begins again when it has ended.
    const fn repeats(self) -> bool {
        matches!(self, Self::Busy | Self::Ringing | Self::Steady(_))
    }
}

/// A tone being played at one rate.
#[derive(Clone, Debug)]
pub struct Player {
    tone: Tone,
    rate: Rate,
    /// Samples played since the tone (or its repetition) began.
    at: u64,
}

/// Each frequency alone peaks at −12 dBFS, so that two together stay clear of clipping.
const AMPLITUDE: f32 = 8_231.0;

/// Edges rise and fall over this many milliseconds, or the ear hears a click.
const EDGE_MILLIS: u64 = 5;

impl Player {
    /// Begins `tone` at `rate`.
    pub const fn new(tone: Tone, rate: Rate) -> Self {
        Self { tone, rate, at: 0 }
    }

    /// Writes the next samples into `out`, silence after the end. Returns how many belong to the tone.
    pub fn fill(&mut self, out: &mut [i16]) -> usize {
        let mut played = 0;
        for sample in out {
            *sample = match self.next_sample() {
                Some(value) => {
                    played += 1;
                    value
                }
                None => 0,
            };
        }
        played
    }

    fn next_sample(&mut self) -> Option<i16> {
        let total: u64 = self.tone.parts().iter().map(|part| self.length_of(*part)).sum();
        if self.at >= total {
            if !self.tone.repeats() || total == 0 {
                return None;
            }
            self.at = 0;
        }
        let mut within = self.at;
        self.at += 1;
        for part in self.tone.parts() {
            let length = self.length_of(part);
            if within < length {
                return Some(self.sample_of(part, within, length));
            }
            within -= length;
        }
        None
    }

    fn length_of(&self, part: Part) -> u64 {
        u64::from(part.millis) * u64::from(self.rate.hz()) / 1000
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "two sines of −12 dBFS fit an i16; a part is far shorter than 2^24 samples"
    )]
    fn sample_of(&self, part: Part, within: u64, length: u64) -> i16 {
        let seconds = within as f32 / self.rate.hz() as f32;
        let edge = EDGE_MILLIS * u64::from(self.rate.hz()) / 1000;
        // A steady tone flows from one repetition into the next without an edge.
        let from_edge = if matches!(self.tone, Tone::Steady(_)) { edge } else { within.min(length - 1 - within) };
        let gain = (from_edge as f32 / edge as f32).min(1.0);
        let sum: f32 = part.hertz.iter().map(|hertz| (TAU * f32::from(*hertz) * seconds).sin()).sum();
        (AMPLITUDE * gain * sum) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Power of one frequency in `samples` (Goertzel), as a share of all power.
    fn share(samples: &[i16], hertz: f32, rate: Rate) -> f32 {
        let turn = TAU * hertz / rate.hz() as f32;
        let (mut re, mut im, mut all) = (0.0_f32, 0.0_f32, 0.0_f32);
        for (at, sample) in samples.iter().enumerate() {
            let value = f32::from(*sample);
            re += value * (turn * at as f32).cos();
            im += value * (turn * at as f32).sin();
            all += value * value;
        }
        2.0 * (re * re + im * im) / (samples.len() as f32 * all)
    }

    #[test]
    fn a_steady_tone_is_its_frequency_at_every_rate() {
        for rate in [Rate::Narrow, Rate::Wide, Rate::Full] {
            let mut samples = vec![0; rate.frame() * 10];
            Player::new(Tone::Steady(440), rate).fill(&mut samples);
            assert!(share(&samples, 440.0, rate) > 0.99);
            assert!(share(&samples, 880.0, rate) < 0.01);
        }
    }

    #[test]
    fn a_steady_tone_goes_on_across_its_repetition_without_a_step() {
        let mut samples = vec![0; 8_000 * 2];
        Player::new(Tone::Steady(440), Rate::Narrow).fill(&mut samples);
        let largest = samples.windows(2).map(|two| (i32::from(two[1]) - i32::from(two[0])).abs()).max();
        assert!(largest.is_some_and(|step| step < 3_000), "{largest:?}");
    }

    #[test]
    fn a_chime_ends_and_silence_follows_and_no_edge_clicks() {
        let mut player = Player::new(Tone::Joined, Rate::Narrow);
        let mut samples = vec![1; 8_000];
        assert_eq!(player.fill(&mut samples), 2_400);
        assert!(samples[2_400..].iter().all(|sample| *sample == 0));
        assert_eq!((samples[0], samples[2_399]), (0, 0));
    }

    #[test]
    fn frames_of_any_length_make_the_same_sound() {
        let mut whole = vec![0; 1_600];
        Player::new(Tone::Busy, Rate::Narrow).fill(&mut whole);
        let mut player = Player::new(Tone::Busy, Rate::Narrow);
        let pieces: Vec<i16> = [160, 80, 1, 1_359]
            .into_iter()
            .flat_map(|length| {
                let mut piece = vec![0; length];
                player.fill(&mut piece);
                piece
            })
            .collect();
        assert_eq!(whole, pieces);
    }
}
