//! Keys heard in the sound itself (ITU-T Q.23, Q.24), for telephones that negotiated no events. In: samples at 8 kHz.
//! Out: each key once, when it has lasted long enough.

use std::f32::consts::TAU;

use crate::words::Digit;

const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [&str; 4] = ["123A", "456B", "789C", "*0#D"];

/// 102 samples (12.75 ms) resolve the eight tones; Q.24 asks for keys of 40 ms and more.
const BLOCK: usize = 102;

/// Blocks in a row that must agree before a key counts, and that must disagree before the next may.
const AGREE: u8 = 2;

/// Listens for keys. A frame that may hold a key is not to be passed on: see [`Self::hear`].
#[derive(Clone, Debug)]
pub struct Listener {
    block: [f32; BLOCK],
    filled: usize,
    /// The key in the last blocks, and in how many.
    seen: Option<(Digit, u8)>,
    /// The key counted last, until it is released.
    held: Option<Digit>,
    gaps: u8,
}

impl Default for Listener {
    fn default() -> Self {
        Self { block: [0.0; BLOCK], filled: 0, seen: None, held: None, gaps: 0 }
    }
}

/// What a frame held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// A key that now counts.
    pub digit: Option<Digit>,
    /// The frame holds (part of) a key and must not be heard by others.
    pub masks: bool,
}

impl Listener {
    /// Takes the next samples at 8 kHz.
    pub fn hear(&mut self, sound: &[i16]) -> Heard {
        let mut heard = Heard { digit: None, masks: self.held.is_some() };
        for sample in sound {
            if let Some(place) = self.block.get_mut(self.filled) {
                *place = f32::from(*sample);
            }
            self.filled += 1;
            if self.filled == BLOCK {
                self.filled = 0;
                let key = key_in(&self.block);
                heard.masks |= key.is_some();
                heard.digit = self.count(key).or(heard.digit);
            }
        }
        heard
    }

    fn count(&mut self, key: Option<Digit>) -> Option<Digit> {
        let Some(key) = key else {
            self.seen = None;
            self.gaps = self.gaps.saturating_add(1);
            if self.gaps >= AGREE {
                self.held = None;
            }
            return None;
        };
        self.gaps = 0;
        let times = match self.seen {
            Some((last, times)) if last == key => times.saturating_add(1),
            Some(_) | None => 1,
        };
        self.seen = Some((key, times));
        if times == AGREE && self.held != Some(key) {
            self.held = Some(key);
            return Some(key);
        }
        None
    }
}

/// The key whose two tones make up this block.
fn key_in(block: &[f32; BLOCK]) -> Option<Digit> {
    let energy: f32 = block.iter().map(|sample| sample * sample).sum();
    if energy / 102.0 < QUIETEST {
        return None;
    }
    let (row, row_power) = strongest(block, &ROWS)?;
    let (column, column_power) = strongest(block, &COLUMNS)?;
    // A pure pair holds all the energy of the block: `power` is scaled so that a lone sine gives its energy.
    let pair = row_power + column_power;
    let twist = row_power / column_power;
    if pair < energy * PURE || !(0.12..8.0).contains(&twist) {
        return None;
    }
    KEYS.get(row).and_then(|keys| keys.chars().nth(column)).and_then(Digit::from_char)
}

/// −36 dBFS for the two tones together.
const QUIETEST: f32 = 260_000.0;

/// The share of the energy that the two tones must hold: speech seldom holds it in two such tones, and never for long.
const PURE: f32 = 0.82;

/// The strongest of four tones, if it stands out from the other three.
fn strongest(block: &[f32; BLOCK], tones: &[f32; 4]) -> Option<(usize, f32)> {
    let powers = tones.map(|hertz| power(block, hertz));
    let (best, power) = powers.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let second = powers.into_iter().enumerate().filter(|(tone, _)| *tone != best).map(|(_, power)| power);
    (second.fold(0.0, f32::max) * 4.0 < power).then_some((best, power))
}

/// Goertzel's filter: the energy at one frequency.
fn power(block: &[f32; BLOCK], hertz: f32) -> f32 {
    let turn = 2.0 * (TAU * hertz / 8_000.0).cos();
    let (before, last) = block.iter().fold((0.0, 0.0), |(before, last), sample| (last, sample + turn * last - before));
    (last * last + before * before - turn * last * before) * 2.0 / 102.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::cast_precision_loss, reason = "short sounds")]
    fn dial(keys: &str, millis: usize, gap: usize) -> Vec<i16> {
        let mut sound = Vec::new();
        for key in keys.chars() {
            let (row, column) = (0..16)
                .map(|at| (at / 4, at % 4))
                .find(|(row, column)| KEYS[*row].chars().nth(*column) == Some(key))
                .expect("a key");
            sound.extend((0..millis * 8).map(|at| {
                let time = at as f32 / 8_000.0 * TAU;
                (6_000.0 * (time * ROWS[row]).sin() + 6_000.0 * (time * COLUMNS[column]).sin()) as i16
            }));
            sound.extend(std::iter::repeat_n(0, gap * 8));
        }
        sound
    }

    fn heard(sound: &[i16]) -> String {
        let mut listener = Listener::default();
        sound.chunks(160).filter_map(|frame| listener.hear(frame).digit).map(Digit::as_char).collect()
    }

    #[test]
    fn every_key_is_heard_once_at_the_shortest_length_of_q24_and_at_leisure() {
        for (tone, gap) in [(50, 50), (100, 80), (400, 200)] {
            assert_eq!(heard(&dial("1234567890*#ABCD", tone, gap)), "1234567890*#ABCD", "{tone} ms");
        }
        assert_eq!(heard(&dial("1144", 80, 60)), "1144");
    }

    #[test]
    fn a_single_tone_and_noise_are_no_keys() {
        let mut sound = vec![0; 8_000];
        crate::media::tone::Player::new(crate::media::tone::Tone::Steady(770), crate::words::Rate::Narrow)
            .fill(&mut sound);
        assert_eq!(heard(&sound), "");
        let mut seed = 7_u32;
        let noise: Vec<i16> = (0..80_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 17) as i16
            })
            .collect();
        assert_eq!(heard(&noise), "");
    }

    #[test]
    fn nothing_of_a_key_after_its_first_block_goes_on_to_the_others() {
        let mut listener = Listener::default();
        let masked: Vec<bool> = dial("5", 200, 0).chunks(160).map(|frame| listener.hear(frame).masks).collect();
        assert!(masked.iter().all(|masked| *masked), "{masked:?}");
    }
}
