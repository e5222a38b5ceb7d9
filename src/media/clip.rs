//! Recorded sound that the gateway plays: prompts, hold music.

use std::sync::Arc;

use super::resample::Resampler;
use crate::words::Rate;

/// Sound at 16 kHz, one channel, shared by everybody who plays it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip(Arc<[i16]>);

impl Clip {
    /// The rate of every clip.
    pub const RATE: Rate = Rate::Wide;

    /// A clip of these samples.
    pub fn new(samples: Arc<[i16]>) -> Self {
        Self(samples)
    }

    /// The samples.
    pub fn samples(&self) -> &[i16] {
        &self.0
    }
}

/// Clips being played one after the other.
#[derive(Clone, Debug)]
pub struct Playing {
    clips: Vec<Clip>,
    repeat: bool,
    /// Which clip, and which of its samples, comes next.
    clip: usize,
    at: usize,
}

impl Playing {
    /// Begins with the first of `clips`; after the last it ends or begins again.
    pub const fn new(clips: Vec<Clip>, repeat: bool) -> Self {
        Self { clips, repeat, clip: 0, at: 0 }
    }

    /// Writes the next samples (at [`Clip::RATE`]) into `out`, silence after the end. False once nothing was left to play.
    pub fn fill(&mut self, out: &mut [i16]) -> bool {
        let mut written = 0;
        while written < out.len() {
            let rest = self.clips.get(self.clip).and_then(|clip| clip.samples().get(self.at..)).unwrap_or_default();
            for (out, sample) in out.iter_mut().skip(written).zip(rest) {
                *out = *sample;
            }
            let taken = rest.len().min(out.len() - written);
            written += taken;
            self.at += taken;
            if written < out.len() && !self.turn_over() {
                break;
            }
        }
        out.iter_mut().skip(written).for_each(|sample| *sample = 0);
        written > 0
    }

    /// Goes to the next clip; false when there is none.
    fn turn_over(&mut self) -> bool {
        self.at = 0;
        self.clip += 1;
        if self.clip >= self.clips.len() {
            if !self.repeat || self.clips.iter().all(|clip| clip.samples().is_empty()) {
                return false;
            }
            self.clip = 0;
        }
        true
    }
}

/// Plays clips at the rate of whoever hears them. Keeps its converter from one play to the next: building one is slow.
#[derive(Default)]
pub struct Player {
    playing: Option<Playing>,
    resampler: Option<Resampler>,
}

impl Player {
    /// Begins to play `clips`, in place of what is being played.
    pub fn play(&mut self, clips: Vec<Clip>, repeat: bool) {
        self.playing = Some(Playing::new(clips, repeat));
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
    }

    /// Stops.
    pub fn stop(&mut self) {
        self.playing = None;
    }

    /// Whether something is being played.
    pub const fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Writes the next 20 ms at `rate` into `out`; false, with `out` untouched, if nothing is being played (any more).
    pub fn fill(&mut self, rate: Rate, out: &mut [i16]) -> bool {
        let Some(playing) = &mut self.playing else { return false };
        let mut sound = [0; Clip::RATE.frame()];
        if !playing.fill(&mut sound) {
            self.playing = None;
            return false;
        }
        Resampler::kept(&mut self.resampler, Clip::RATE, rate).convert(&sound, out);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(samples: &[i16]) -> Clip {
        Clip::new(samples.into())
    }

    #[test]
    fn clips_follow_each_other_without_a_gap_and_then_end() {
        let mut playing = Playing::new(vec![clip(&[1, 2, 3]), clip(&[]), clip(&[4])], false);
        let mut out = [0; 3];
        assert!(playing.fill(&mut out));
        assert_eq!(out, [1, 2, 3]);
        assert!(playing.fill(&mut out));
        assert_eq!(out, [4, 0, 0]);
        assert!(!playing.fill(&mut out));
    }

    #[test]
    fn a_player_follows_its_hearer_to_another_rate_and_is_done_when_the_clip_is() {
        let mut player = Player::default();
        player.play(vec![clip(&[1_000; 960])], false);
        for rate in [Rate::Narrow, Rate::Full, Rate::Narrow] {
            assert!(player.fill(rate, &mut vec![0; rate.frame()]), "{rate:?}");
        }
        assert!(player.is_playing(), "until somebody asks for more");
        assert!(!player.fill(Rate::Narrow, &mut [0; 160]) && !player.is_playing());
    }

    #[test]
    fn music_begins_again_and_an_empty_one_does_not_hang() {
        let mut music = Playing::new(vec![clip(&[1, 2])], true);
        let mut out = [0; 5];
        assert!(music.fill(&mut out));
        assert_eq!(out, [1, 2, 1, 2, 1]);
        assert!(!Playing::new(vec![clip(&[])], true).fill(&mut out));
        assert!(!Playing::new(Vec::new(), true).fill(&mut out));
    }
}
