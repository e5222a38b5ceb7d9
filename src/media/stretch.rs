//! Makes sound a pitch period shorter or longer without a click, and guesses what a lost frame held (the way of
//! ITU-T G.711 Appendix I). In: samples at any rate. Out: samples, in the caller's buffers.

use crate::words::Rate;

/// Sound of one leg about to be played. Never holds more than [`LONGEST`] of it.
pub type Sound = Vec<i16>;

/// The longest sound that is kept: 200 ms.
pub const fn longest(rate: Rate) -> usize {
    rate.frame() * 10
}

const fn millis(rate: Rate, tenths: usize) -> usize {
    rate.hz() as usize * tenths / 10_000
}

/// Takes one pitch period (2.5 to 12.5 ms) out of the beginning of `sound`. Returns how many samples went: none if there is
/// too little sound, or if it has no period and `urgent` is false.
pub fn shorten(sound: &mut Sound, rate: Rate, urgent: bool) -> usize {
    let Some((lag, likeness)) = period(sound, rate) else { return 0 };
    if likeness < LIKE_ENOUGH && !urgent {
        return 0;
    }
    let fade = millis(rate, 50);
    let (Some(early), Some(late)) = (sound.get(..fade), sound.get(lag..lag + fade)) else { return 0 };
    let joined: Sound = blend(early, late).collect();
    sound.drain(..lag);
    sound.iter_mut().zip(joined).for_each(|(sample, value)| *sample = value);
    lag
}

/// Puts one more pitch period into the beginning of `sound`. Returns how many samples came.
pub fn lengthen(sound: &mut Sound, rate: Rate) -> usize {
    let Some((lag, likeness)) = period(sound, rate) else { return 0 };
    let fade = millis(rate, 50);
    if likeness < LIKE_ENOUGH || sound.len() + lag > longest(rate) {
        return 0;
    }
    let (Some(head), Some(late), Some(early)) = (sound.get(..lag), sound.get(lag..lag + fade), sound.get(..fade))
    else {
        return 0;
    };
    let mut longer: Sound = head.to_vec();
    longer.extend(blend(late, early));
    longer.extend(sound.get(fade..).unwrap_or_default());
    *sound = longer;
    lag
}

/// From `early` to `late` along a straight line.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "between two i16; fades are short")]
fn blend<'a>(early: &'a [i16], late: &'a [i16]) -> impl Iterator<Item = i16> + 'a {
    let steps = early.len().max(1) as i32;
    (0..).zip(early.iter().zip(late)).map(move |(step, (early, late))| {
        ((i32::from(*early) * (steps - step) + i32::from(*late) * step) / steps) as i16
    })
}

/// Below this likeness of two stretches of sound, cutting between them is heard, unless they are quiet.
const LIKE_ENOUGH: f32 = 0.6;

/// The lag at which the beginning of `sound` is most like itself, and how like (1 is the same; silence counts as that).
fn period(sound: &[i16], rate: Rate) -> Option<(usize, f32)> {
    let window = millis(rate, 100);
    let (least, most) = (millis(rate, 25), millis(rate, 125));
    let head = sound.get(..window)?;
    sound.get(..window + most)?;
    best_lag(head, rate, least..=most, |lag| sound.get(lag..lag + window))
}

/// Of the lags in `range`, the one whose stretch of sound is most like `pattern`. Searched in steps of 1/8 ms, on every
/// 1/8 ms of the sound: pitch lies low.
fn best_lag<'a>(
    pattern: &[i16],
    rate: Rate,
    range: std::ops::RangeInclusive<usize>,
    stretch: impl Fn(usize) -> Option<&'a [i16]>,
) -> Option<(usize, f32)> {
    let step = rate.hz() as usize / Rate::Narrow.hz() as usize;
    let own = energy(pattern, step);
    range
        .step_by(step)
        .filter_map(|lag| {
            let stretch = stretch(lag)?;
            let other = energy(stretch, step);
            let both: i64 = pattern.iter().zip(stretch).step_by(step).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum();
            Some((lag, likeness(both, own, other)))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

fn energy(sound: &[i16], step: usize) -> i64 {
    sound.iter().step_by(step).map(|sample| i64::from(*sample).pow(2)).sum()
}

#[allow(clippy::cast_precision_loss, reason = "a ratio: 24 bits do")]
fn likeness(both: i64, own: i64, other: i64) -> f32 {
    const QUIET: i64 = 80 * 30 * 30;
    if own < QUIET && other < QUIET {
        return 1.0;
    }
    both as f32 / ((own as f32) * (other as f32)).sqrt().max(1.0)
}

/// Remembers what was played, and continues it over a loss.
#[derive(Clone, Debug)]
pub struct Concealer {
    rate: Rate,
    /// The last 40 ms that were played.
    history: Vec<i16>,
    /// The period being repeated, and how many samples of it have been given since the loss began.
    repeating: Option<(usize, usize)>,
}

impl Concealer {
    /// Nothing heard yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, history: vec![0; 2 * rate.frame()], repeating: None }
    }

    /// Takes note of sound that arrived; smooths its beginning if it follows a loss.
    pub fn heard(&mut self, sound: &mut [i16]) {
        if self.repeating.is_some() {
            let fade = millis(self.rate, 50).min(sound.len());
            let mut continued = vec![0; fade];
            self.conceal(&mut continued);
            self.repeating = None;
            if let Some(head) = sound.get_mut(..fade) {
                let joined: Vec<i16> = blend(&continued, head).collect();
                head.copy_from_slice(&joined);
            }
        }
        self.remember(sound);
    }

    /// Fills `out` with a likely continuation: the last pitch period again and again, silent after 60 ms.
    pub fn conceal(&mut self, out: &mut [i16]) {
        let (lag, given) = self.repeating.unwrap_or_else(|| (self.pitch(), 0));
        let from = self.history.len().saturating_sub(lag);
        for (position, sample) in (given..).zip(out.iter_mut()) {
            let value = self.history.get(from + position % lag.max(1)).copied().unwrap_or_default();
            *sample = self.fade(value, position);
        }
        self.repeating = Some((lag, given + out.len()));
    }

    /// Full for 10 ms, then down to nothing at 60 ms.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "not above the value itself")]
    fn fade(&self, value: i16, position: usize) -> i16 {
        let (whole, end) = (millis(self.rate, 100), millis(self.rate, 600));
        let left = end.saturating_sub(position.max(whole)) as i32;
        (i32::from(value) * left / (end - whole) as i32) as i16
    }

    fn remember(&mut self, sound: &[i16]) {
        let keep = self.history.len();
        if sound.len() >= keep {
            let tail = sound.get(sound.len() - keep..).unwrap_or_default();
            self.history.copy_from_slice(tail);
        } else {
            self.history.rotate_left(sound.len());
            let at = keep - sound.len();
            self.history.iter_mut().skip(at).zip(sound).for_each(|(old, new)| *old = *new);
        }
    }

    /// The lag (5 to 15 ms) at which the last 10 ms repeat what was before.
    fn pitch(&self) -> usize {
        let window = millis(self.rate, 100);
        let end = self.history.len();
        let pattern = self.history.get(end - window..).unwrap_or_default();
        let range = millis(self.rate, 50)..=millis(self.rate, 150);
        best_lag(pattern, self.rate, range, |lag| self.history.get(end - window - lag..end - lag))
            .map_or(millis(self.rate, 100), |(lag, _)| lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::level::level_of;
    use crate::media::tone::{Player, Tone};

    fn tone(rate: Rate, hertz: u16, frames: usize) -> Sound {
        let mut sound = vec![0; rate.frame() * frames];
        Player::new(Tone::Steady(hertz), rate).fill(&mut sound);
        sound
    }

    /// The largest step from one sample to the next: a click shows here.
    fn roughness(sound: &[i16]) -> i32 {
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

    #[test]
    fn a_lost_frame_sounds_like_the_one_before_and_a_long_loss_ends_in_silence() {
        let mut concealer = Concealer::new(Rate::Narrow);
        let mut before = tone(Rate::Narrow, 400, 3);
        concealer.heard(&mut before);
        let mut guess = vec![0; Rate::Narrow.frame()];
        concealer.conceal(&mut guess);
        assert!(level_of(&guess).0.abs_diff(level_of(&before).0) <= 4);
        let mut seam: Vec<i16> = before[before.len() - 80..].to_vec();
        seam.extend(&guess[..80]);
        assert!(roughness(&seam) <= roughness(&before[160..]) * 12 / 10);
        for _ in 0..3 {
            concealer.conceal(&mut guess);
        }
        assert!(guess.iter().all(|sample| *sample == 0));
    }
}
