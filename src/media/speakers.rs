//! Who speaks. In: the level of each leg in each tick. Out: the few loudest, held for a moment after they fall silent.
//! Only they are mixed and forwarded. Same levels, same times: same speakers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::words::{LegId, Level};

/// How speakers are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many may speak at once.
    pub most: usize,
    /// At this level or louder a leg counts as speaking.
    pub loud_enough: Level,
    /// How long a leg stays a speaker after it was last loud enough: the pauses between words.
    pub hangover: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { most: 5, loud_enough: Level(55), hangover: Duration::from_millis(600) }
    }
}

/// A speaker and what keeps it one.
#[derive(Clone, Debug)]
struct Speaker {
    level: Level,
    last_loud: Instant,
}

/// The speakers of one room.
#[derive(Clone, Debug)]
pub struct Speakers {
    config: Config,
    now_speaking: BTreeMap<LegId, Speaker>,
}

/// A newcomer displaces a speaker only if it is louder by this much, or two equal voices would flap.
const MARGIN: u8 = 6;

impl Speakers {
    /// A room in which nobody speaks yet.
    pub const fn new(config: Config) -> Self {
        Self { config, now_speaking: BTreeMap::new() }
    }

    /// How many may speak at once.
    pub const fn most(&self) -> usize {
        self.config.most
    }

    /// Takes one tick's levels. A leg that is not among them sent nothing. Returns whether the set changed.
    pub fn tick(&mut self, levels: impl IntoIterator<Item = (LegId, Level)>, now: Instant) -> bool {
        let before: Vec<LegId> = self.iter().collect();
        for speaker in self.now_speaking.values_mut() {
            speaker.level = Level::SILENCE;
        }
        for (leg, level) in levels {
            self.hear(leg, level, now);
        }
        let hangover = self.config.hangover;
        self.now_speaking.retain(|_, speaker| now.saturating_duration_since(speaker.last_loud) <= hangover);
        !self.iter().eq(before)
    }

    /// The speakers, in order of their legs.
    pub fn iter(&self) -> impl Iterator<Item = LegId> {
        self.now_speaking.keys().copied()
    }

    /// Whether `leg` is a speaker.
    pub fn contains(&self, leg: LegId) -> bool {
        self.now_speaking.contains_key(&leg)
    }

    /// Forgets a leg that was muted or left.
    pub fn remove(&mut self, leg: LegId) {
        self.now_speaking.remove(&leg);
    }

    fn hear(&mut self, leg: LegId, level: Level, now: Instant) {
        let loud = level <= self.config.loud_enough;
        if let Some(speaker) = self.now_speaking.get_mut(&leg) {
            speaker.level = level;
            if loud {
                speaker.last_loud = now;
            }
        } else if loud && self.make_place_for(level, now) {
            self.now_speaking.insert(leg, Speaker { level, last_loud: now });
        }
    }

    /// Whether there is a place, if need be that of a speaker who pauses, or of one who is clearly quieter.
    fn make_place_for(&mut self, level: Level, now: Instant) -> bool {
        if self.now_speaking.len() < self.config.most {
            return true;
        }
        // Those heard in this very tick come last: whoever pauses longest gives way first.
        let weakest = self
            .now_speaking
            .iter()
            .max_by_key(|(_, speaker)| (now.saturating_duration_since(speaker.last_loud), speaker.level))
            .map(|(leg, speaker)| (*leg, speaker.clone()));
        let Some((leg, weakest)) = weakest else { return false };
        let pauses = weakest.last_loud < now && weakest.level > self.config.loud_enough;
        let quieter = weakest.level.0 >= level.0.saturating_add(MARGIN);
        if pauses || quieter {
            self.now_speaking.remove(&leg);
        }
        pauses || quieter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(20);

    fn start() -> Instant {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        Instant::now()
    }

    fn legs(speakers: &Speakers) -> Vec<u64> {
        speakers.iter().map(|leg| leg.0).collect()
    }

    #[test]
    fn a_pause_between_words_does_not_lose_the_floor_and_silence_does() {
        let (mut speakers, t0) = (Speakers::new(Config::default()), start());
        assert!(speakers.tick([(LegId(1), Level(20))], t0));
        assert!(!speakers.tick([(LegId(1), Level(90))], t0 + Duration::from_millis(600)));
        assert!(speakers.tick([(LegId(1), Level(90))], t0 + Duration::from_millis(601)));
        assert!(!speakers.contains(LegId(1)));
    }

    #[test]
    fn a_leg_that_stops_sending_gives_its_place_to_one_who_speaks() {
        let (mut speakers, t0) = (Speakers::new(Config::default()), start());
        speakers.tick((1..=5).map(|leg| (LegId(leg), Level(20))), t0);
        speakers.tick((2..=6).map(|leg| (LegId(leg), Level(20))), t0 + TICK);
        assert_eq!(legs(&speakers), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_sixth_voice_must_be_clearly_louder() {
        let (mut speakers, t0) = (Speakers::new(Config::default()), start());
        let five = || (1..=5).map(|leg| (LegId(leg), Level(30)));
        speakers.tick(five(), t0);
        speakers.tick(five().chain([(LegId(6), Level(27))]), t0 + TICK);
        assert!(!speakers.contains(LegId(6)));
        speakers.tick(five().chain([(LegId(6), Level(20))]), t0 + 2 * TICK);
        assert!(speakers.contains(LegId(6)));
        assert_eq!(legs(&speakers).len(), 5);
    }

    #[test]
    fn noise_below_the_threshold_is_nobody() {
        let (mut speakers, t0) = (Speakers::new(Config::default()), start());
        assert!(!speakers.tick([(LegId(1), Level(56)), (LegId(2), Level::SILENCE)], t0));
        assert_eq!(legs(&speakers), [0_u64; 0]);
    }
}
