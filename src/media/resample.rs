//! From one rate to another. In: samples at one rate. Out: samples at the other, in the caller's buffer.

use audio_codec::resampler::BoxedResampler;

use crate::words::Rate;

/// Converts one stream; keeps the tail of the filter between frames. Building one costs about a millisecond
/// (its filter is computed), so a leg keeps what it has.
pub struct Resampler {
    from: Rate,
    to: Rate,
    /// `None` where nothing is to be done.
    filter: Option<Box<BoxedResampler>>,
}

impl Resampler {
    /// A converter from one rate to another.
    pub fn new(from: Rate, to: Rate) -> Self {
        let filter = (from != to).then(|| BoxedResampler::new(from.hz() as usize, to.hz() as usize).ok().map(Box::new));
        Self { from, to, filter: filter.flatten() }
    }

    /// The converter kept in `place`, or a new one there if it converts between other rates.
    pub fn kept(place: &mut Option<Self>, from: Rate, to: Rate) -> &mut Self {
        let resampler = place.get_or_insert_with(|| Self::new(from, to));
        if resampler.from != from || resampler.to != to {
            *resampler = Self::new(from, to);
        }
        resampler
    }

    /// Converts `sound` into `out`; returns how many samples: a 20 ms frame gives a 20 ms frame.
    pub fn convert(&mut self, sound: &[i16], out: &mut [i16]) -> usize {
        match &mut self.filter {
            Some(filter) => filter.resample_into(sound, out).unwrap_or(0),
            None => {
                for (out, sample) in out.iter_mut().zip(sound) {
                    *out = *sample;
                }
                sound.len().min(out.len())
            }
        }
    }

    /// Forgets the stream so far.
    pub fn reset(&mut self) {
        if let Some(filter) = &mut self.filter {
            filter.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::level::level_of;
    use crate::media::tone::{Player, Tone};

    const RATES: [Rate; 3] = [Rate::Narrow, Rate::Wide, Rate::Full];

    #[test]
    fn a_frame_stays_a_frame_and_a_tone_keeps_its_level_between_all_rates() {
        for from in RATES {
            for to in RATES {
                let mut resampler = Resampler::new(from, to);
                let mut tone = Player::new(Tone::Steady(1000), from);
                let (mut sound, mut out) = (vec![0; from.frame()], vec![0; to.frame()]);
                for _ in 0..10 {
                    tone.fill(&mut sound);
                    assert_eq!(resampler.convert(&sound, &mut out), to.frame());
                }
                assert!(level_of(&sound).0.abs_diff(level_of(&out).0) <= 1, "{from:?} to {to:?}");
            }
        }
    }
}
