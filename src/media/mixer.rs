//! Adds voices. In: the frames of a room's speakers. Out: the sum for listeners, made once, and for each speaker
//! the sum without its own voice. Frames live in the mixer's own memory: a tick allocates nothing.

use crate::words::Rate;

/// The most samples that one 20 ms frame can have.
const LONGEST: usize = Rate::Full.frame();

/// The sum of one tick, kept wide: subtracting a voice from it gives exactly the sum of the others.
#[derive(Clone, Debug)]
pub struct Mixer {
    sum: [i32; LONGEST],
    /// Samples in a frame at the room's rate.
    frame: usize,
}

impl Mixer {
    /// A mixer at the rate of a room's bus.
    pub const fn new(rate: Rate) -> Self {
        Self { sum: [0; LONGEST], frame: rate.frame() }
    }

    /// Begins a tick in silence.
    pub fn clear(&mut self) {
        self.sum.fill(0);
    }

    /// Adds one speaker's frame. Samples past the length of a frame are not heard; a short frame ends in silence.
    pub fn add(&mut self, voice: &[i16]) {
        for (sum, sample) in self.sum.iter_mut().take(self.frame).zip(voice) {
            *sum += i32::from(*sample);
        }
    }

    /// Writes what a listener hears: everybody.
    pub fn everybody(&self, out: &mut [i16]) {
        for (out, sum) in out.iter_mut().zip(self.sum.iter().take(self.frame)) {
            *out = soften(*sum);
        }
    }

    /// Writes what a speaker hears: everybody but the `own` voice that was added.
    pub fn everybody_but(&self, own: &[i16], out: &mut [i16]) {
        let own = own.iter().chain(std::iter::repeat(&0));
        for ((out, sum), own) in out.iter_mut().zip(self.sum.iter().take(self.frame)).zip(own) {
            *out = soften(*sum - i32::from(*own));
        }
    }
}

/// Up to here a sum passes as it is (about −2.5 dBFS).
const KNEE: i32 = 24_576;

/// What remains above the knee.
const ROOM: i32 = i16::MAX as i32 - KNEE;

/// Bends what is above the knee towards full scale instead of cutting it off: `room · x / (room + x)`
/// has slope 1 at the knee and never reaches full scale.
#[allow(clippy::cast_possible_truncation, reason = "the bent value is below full scale by construction")]
const fn soften(sum: i32) -> i16 {
    let size = sum.saturating_abs();
    if size <= KNEE {
        return sum as i16;
    }
    let over = (size - KNEE) as i64;
    let bent = KNEE + (ROOM as i64 * over / (ROOM as i64 + over)) as i32;
    if sum < 0 { -bent as i16 } else { bent as i16 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::tone::{Player, Tone};

    fn tone(hertz: u16) -> Vec<i16> {
        let mut frame = vec![0; Rate::Narrow.frame()];
        Player::new(Tone::Steady(hertz), Rate::Narrow).fill(&mut frame);
        frame
    }

    #[test]
    fn a_speaker_hears_the_others_and_not_itself() {
        let (phone, browser) = (tone(440), tone(880));
        let mut mixer = Mixer::new(Rate::Narrow);
        mixer.add(&phone);
        mixer.add(&browser);
        let mut heard = vec![0; Rate::Narrow.frame()];
        mixer.everybody_but(&phone, &mut heard);
        assert_eq!(heard, browser);
        mixer.everybody_but(&browser, &mut heard);
        assert_eq!(heard, phone);
    }

    #[test]
    fn a_frame_cut_short_is_taken_out_as_it_was_put_in() {
        let (whole, short) = (tone(440), tone(880)[..50].to_vec());
        let mut mixer = Mixer::new(Rate::Narrow);
        mixer.add(&whole);
        mixer.add(&short);
        let mut heard = vec![0; Rate::Narrow.frame()];
        mixer.everybody_but(&short, &mut heard);
        assert_eq!(heard, whole);
    }

    #[test]
    fn a_new_tick_begins_in_silence() {
        let mut mixer = Mixer::new(Rate::Narrow);
        mixer.add(&tone(440));
        mixer.clear();
        let mut heard = vec![1; Rate::Narrow.frame()];
        mixer.everybody(&mut heard);
        assert!(heard.iter().all(|sample| *sample == 0));
    }

    proptest! {
        #[test]
        fn louder_stays_louder_and_nothing_wraps(a in -2_000_000..2_000_000_i32, b in -2_000_000..2_000_000_i32) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(soften(low) <= soften(high));
            prop_assert_eq!(i32::from(soften(a)).signum(), a.signum());
            if a.abs() <= KNEE {
                prop_assert_eq!(i32::from(soften(a)), a);
            }
        }

        #[test]
        fn five_voices_less_one_are_the_other_four(voices in prop::collection::vec(
            prop::collection::vec(-6_000..6_000_i16, 160), 5)) {
            let mut mixer = Mixer::new(Rate::Narrow);
            voices.iter().for_each(|voice| mixer.add(voice));
            let mut others = Mixer::new(Rate::Narrow);
            voices[1..].iter().for_each(|voice| others.add(voice));
            let (mut heard, mut expected) = (vec![0; 160], vec![0; 160]);
            mixer.everybody_but(&voices[0], &mut heard);
            others.everybody(&mut expected);
            prop_assert_eq!(heard, expected);
        }
    }
}
