//! Guesses what a lost frame held. In: the sound of one leg, and where something is missing. Out: samples, in the caller's
//! buffers.
//!
//! While nothing came after the loss, the last pitch period is repeated (the way of ITU-T G.711 Appendix I). Once the next
//! packet is here, its own first period is also continued backwards, and the one fades into the other over the gap.

use super::stretch::{Outline, between, millis};
use crate::words::Rate;

/// Remembers what was played, and continues it over a loss.
#[derive(Clone, Debug)]
pub struct Concealer {
    rate: Rate,
    /// The last 40 ms that were played before a loss.
    history: Vec<i16>,
    /// The period being repeated, and how many samples of it have been given since the loss began.
    repeating: Option<(usize, usize)>,
}

impl Concealer {
    /// Nothing heard yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, history: vec![0; 2 * rate.frame()], repeating: None }
    }

    /// Takes note of sound that arrived; smooths its beginning if it follows a loss that was not bridged.
    pub fn heard(&mut self, sound: &mut [i16]) {
        if self.repeating.is_some() {
            let fade = millis(self.rate, 50).min(sound.len());
            for (step, (sample, guess)) in sound.iter_mut().take(fade).zip(self.continuation()).enumerate() {
                *sample = between(guess, *sample, step, fade);
            }
        }
        self.repeating = None;
        self.remember(sound);
    }

    /// Fills `out` with a likely continuation: the last pitch period again and again, silent after 60 ms.
    pub fn conceal(&mut self, out: &mut [i16]) {
        out.iter_mut().zip(self.continuation()).for_each(|(place, guess)| *place = guess);
        let (lag, given) = self.repeats();
        self.repeating = Some((lag, given + out.len()));
    }

    /// Fills `hole` with what may have been between the sound before it and `after`. The first `unsure` samples of `after`,
    /// which an adaptive decoder gets wrong after a loss, give way to what follows them.
    pub fn bridge(&self, hole: &mut [i16], after: &mut [i16], unsure: usize) {
        let lag = self.first_pitch(after.get(unsure..).unwrap_or_default());
        let gap = hole.len();
        let backwards = |after: &[i16], at: usize| {
            let before = (gap + unsure - at) % lag;
            after.get(unsure + (lag - before) % lag).copied().unwrap_or_default()
        };
        for (at, (place, guess)) in hole.iter_mut().zip(self.continuation()).enumerate() {
            *place = between(guess, backwards(after, at), at, gap);
        }
        for at in 0..unsure.min(after.len()) {
            let guess = backwards(after, gap + at);
            if let Some(sample) = after.get_mut(at) {
                *sample = between(guess, *sample, at, unsure);
            }
        }
    }

    /// Forgets the loss: what [`Self::bridge`] made is now what was heard.
    pub fn bridged(&mut self, sound: &[i16]) {
        self.repeating = None;
        self.remember(sound);
    }

    /// All that is known to have been sent, and what was given for it since: where an adaptive decoder would be.
    pub fn presumed(&self) -> impl Iterator<Item = i16> {
        let (lag, given) = self.repeats();
        self.history.iter().copied().chain(self.cycle(lag, 0).take(given))
    }

    /// What may follow next, without an end.
    pub fn continuation(&self) -> impl Iterator<Item = i16> {
        let (lag, given) = self.repeats();
        self.cycle(lag, given)
    }

    fn repeats(&self) -> (usize, usize) {
        self.repeating.unwrap_or_else(|| (self.last_pitch(), 0))
    }

    fn cycle(&self, lag: usize, from: usize) -> impl Iterator<Item = i16> {
        let period = self.history.get(self.history.len().saturating_sub(lag)..).unwrap_or_default();
        (from..).zip(period.iter().cycle().skip(from % lag.max(1))).map(|(position, value)| self.fade(*value, position))
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
    fn last_pitch(&self) -> usize {
        let outline = Outline::of(&self.history, self.rate);
        let last = self.history.len().saturating_sub(millis(self.rate, 100));
        let lags = (millis(self.rate, 50)..=millis(self.rate, 150)).step_by(outline.step);
        outline
            .most_like::<{ Outline::WINDOW }>(last, lags, |lag| last - lag)
            .map_or(millis(self.rate, 100), |(lag, _)| lag)
    }

    /// The lag (4 to 12.5 ms, if a packet allows) at which the first 5 ms repeat.
    fn first_pitch(&self, sound: &[i16]) -> usize {
        let outline = Outline::of(sound, self.rate);
        let lags = (millis(self.rate, 40)..=millis(self.rate, 125)).step_by(outline.step);
        outline.most_like::<{ Outline::SHORT }>(0, lags, |lag| lag).map_or(millis(self.rate, 50), |(lag, _)| lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::level::level_of;
    use crate::media::stretch::tests::{roughness, tone};

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

    #[test]
    fn a_gap_in_a_tone_is_bridged_without_a_click_and_a_vowel_begins_where_it_began() {
        for rate in [Rate::Narrow, Rate::Wide] {
            let whole = tone(rate, 400, 4);
            let frame = rate.frame();
            let mut concealer = Concealer::new(rate);
            concealer.heard(&mut whole[..2 * frame].to_vec());
            let (mut hole, mut after) = (vec![0; frame], whole[3 * frame..].to_vec());
            concealer.bridge(&mut hole, &mut after, 0);
            let bridged = [&whole[frame..2 * frame], &hole, &after].concat();
            assert!(roughness(&bridged) <= roughness(&whole[frame..]) * 12 / 10, "{rate:?}");
            let off = hole.iter().zip(&whole[2 * frame..]).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(
                off < Some(whole.iter().map(|sample| sample.unsigned_abs()).max().unwrap() / 3),
                "{rate:?}: {off:?}"
            );

            let quiet = Concealer::new(rate);
            quiet.bridge(&mut hole, &mut after, 0);
            let (first, last) = hole.split_at(frame / 2);
            assert!(level_of(first).0 > level_of(last).0, "it swells");
        }
    }
}
