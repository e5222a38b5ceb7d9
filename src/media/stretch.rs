//! Makes sound a pitch period shorter or longer without a click. In: samples at any rate. Out: samples, in the caller's
//! buffers.

use crate::words::Rate;

/// Sound of one leg about to be played. Never holds more than [`LONGEST`] of it.
pub type Sound = Vec<i16>;

/// The longest sound that is kept: 200 ms.
pub const fn longest(rate: Rate) -> usize {
    rate.frame() * 10
}

/// So many tenths of a millisecond, in samples.
pub(super) const fn millis(rate: Rate, tenths: usize) -> usize {
    rate.hz() as usize * tenths / 10_000
}

/// Takes one pitch period (2.5 to 12.5 ms) out of the beginning of `sound`. Returns how many samples went: none if there is
/// too little sound, or if it has no period and `urgent` is false.
pub fn shorten(sound: &mut Sound, rate: Rate, urgent: bool) -> usize {
    let Some((lag, likeness)) = period(sound, rate) else { return 0 };
    if likeness < LIKE_ENOUGH && !urgent {
        return 0;
    }
    let Some(seam) = Seam::between(sound, 0, lag, rate) else { return 0 };
    sound.drain(..lag);
    seam.lay(sound, 0);
    lag
}

/// Puts one more pitch period into the beginning of `sound`. Returns how many samples came.
pub fn lengthen(sound: &mut Sound, rate: Rate) -> usize {
    let Some((lag, likeness)) = period(sound, rate) else { return 0 };
    let whole = sound.len();
    if likeness < LIKE_ENOUGH || whole + lag > longest(rate) {
        return 0;
    }
    let Some(seam) = Seam::between(sound, lag, 0, rate) else { return 0 };
    sound.resize(whole + lag, 0);
    sound.copy_within(seam.length..whole, lag + seam.length);
    seam.lay(sound, lag);
    lag
}

/// 5 ms in which one stretch of sound fades into another.
struct Seam {
    blended: [i16; millis(Rate::Full, 50)],
    length: usize,
}

impl Seam {
    /// From what is at `early` to what is at `late`; none if there is too little sound.
    fn between(sound: &[i16], early: usize, late: usize, rate: Rate) -> Option<Self> {
        let length = millis(rate, 50);
        let mut seam = Self { blended: [0; millis(Rate::Full, 50)], length };
        let (early, late) = (sound.get(early..early + length)?, sound.get(late..late + length)?);
        seam.blended.iter_mut().zip(blend(early, late)).for_each(|(place, sample)| *place = sample);
        Some(seam)
    }

    fn lay(&self, sound: &mut [i16], at: usize) {
        sound
            .iter_mut()
            .skip(at)
            .zip(self.blended.iter().take(self.length))
            .for_each(|(place, sample)| *place = *sample);
    }
}

/// From `early` to `late` along a straight line.
fn blend<'a>(early: &'a [i16], late: &'a [i16]) -> impl Iterator<Item = i16> + 'a {
    let steps = early.len();
    (0..).zip(early.iter().zip(late)).map(move |(step, (early, late))| between(*early, *late, step, steps))
}

/// `step` of `steps` from one sample to the other.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "between two i16; fades are short")]
pub(super) fn between(early: i16, late: i16, step: usize, steps: usize) -> i16 {
    let (step, steps) = (step as i32, steps.max(1) as i32);
    ((i32::from(early) * (steps - step) + i32::from(late) * step) / steps) as i16
}

/// Below this likeness of two stretches of sound, cutting between them is heard, unless they are quiet.
const LIKE_ENOUGH: f32 = 0.6;

/// The lag at which the beginning of `sound` is most like itself, and how like (1 is the same; silence counts as that).
fn period(sound: &[i16], rate: Rate) -> Option<(usize, f32)> {
    let window = millis(rate, 100);
    let (least, most) = (millis(rate, 25), millis(rate, 125));
    let outline = Outline::of(sound.get(..window + most)?, rate);
    if outline.is_quiet() {
        return Some((most, 1.0));
    }
    outline.most_like::<{ Outline::WINDOW }>(0, (least..=most).step_by(outline.step), |lag| lag)
}

/// Sound as the search for its pitch sees it: every 1/8 ms of it, since pitch lies low, and scaled so that sums of products
/// of a window fit in 32 bits, which processors add many at a time.
pub(super) struct Outline {
    samples: [i16; Self::LONGEST],
    length: usize,
    /// Samples of the sound from one of these to the next.
    pub(super) step: usize,
    peak: u16,
}

impl Outline {
    /// 40 ms.
    const LONGEST: usize = 320;
    /// What is compared: 10 ms, or 5 ms where there is little sound.
    pub(super) const WINDOW: usize = 80;
    pub(super) const SHORT: usize = 40;
    /// 80 products of two numbers of 12 bits are below 2³¹.
    const BITS: u32 = 12;
    /// A peak below this is silence: cutting there is not heard.
    const QUIET: u16 = 90;

    pub(super) fn of(sound: &[i16], rate: Rate) -> Self {
        let step = rate.hz() as usize / Rate::Narrow.hz() as usize;
        let every = || sound.iter().step_by(step).take(Self::LONGEST);
        let peak = every().map(|sample| sample.unsigned_abs()).max().unwrap_or_default();
        let shift = (u16::BITS - peak.leading_zeros()).saturating_sub(Self::BITS);
        let mut outline = Self { samples: [0; Self::LONGEST], length: every().len(), step, peak };
        outline.samples.iter_mut().zip(every()).for_each(|(place, sample)| *place = sample >> shift);
        outline
    }

    pub(super) const fn is_quiet(&self) -> bool {
        self.peak < Self::QUIET
    }

    fn window<const LENGTH: usize>(&self, at: usize) -> Option<&[i16; LENGTH]> {
        self.samples.get(..self.length)?.get(at..)?.first_chunk()
    }

    /// Of `lags` (in samples of the sound) the one whose window is most like that at `at`, and how like. `place` tells where
    /// in the sound the window of a lag begins.
    pub(super) fn most_like<const LENGTH: usize>(
        &self,
        at: usize,
        lags: impl Iterator<Item = usize>,
        place: impl Fn(usize) -> usize,
    ) -> Option<(usize, f32)> {
        let pattern = self.window::<LENGTH>(at / self.step)?;
        let own = product(pattern, pattern);
        lags.filter_map(|lag| {
            let other = self.window::<LENGTH>(place(lag) / self.step)?;
            Some((lag, likeness(product(pattern, other), own, product(other, other))))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

fn product<const LENGTH: usize>(one: &[i16; LENGTH], other: &[i16; LENGTH]) -> i32 {
    one.iter().zip(other).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[allow(clippy::cast_precision_loss, reason = "a ratio: 24 bits do")]
fn likeness(both: i32, own: i32, other: i32) -> f32 {
    both as f32 / ((own as f32) * (other as f32)).sqrt().max(1.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::media::tone::{Player, Tone};

    pub(in crate::media) fn tone(rate: Rate, hertz: u16, frames: usize) -> Sound {
        let mut sound = vec![0; rate.frame() * frames];
        Player::new(Tone::Steady(hertz), rate).fill(&mut sound);
        sound
    }

    /// The largest step from one sample to the next: a click shows here.
    pub(in crate::media) fn roughness(sound: &[i16]) -> i32 {
        sound.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or_default()
    }

    #[test]
    fn a_tone_is_shortened_and_lengthened_by_whole_periods_without_a_click() {
        for rate in [Rate::Narrow, Rate::Wide, Rate::Full] {
            let whole = tone(rate, 400, 3);
            let smooth = roughness(&whole[rate.frame()..]);
            let mut shorter = whole.clone();
            let gone = shorten(&mut shorter, rate, false);
            assert!(gone > 0 && shorter.len() == whole.len() - gone);
            assert!(roughness(&shorter[rate.frame() / 2..]) <= smooth * 11 / 10, "{rate:?} shortened");
            let mut longer = whole.clone();
            let come = lengthen(&mut longer, rate);
            assert!(come > 0 && longer.len() == whole.len() + come);
            assert!(roughness(&longer[rate.frame() / 2..]) <= smooth * 11 / 10, "{rate:?} lengthened");
        }
    }
}
