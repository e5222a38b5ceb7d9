//! Whether the media thread keeps its time and the gateway lives. In: counts, looked at once a second. Out: what is wrong.
//! Pure: the same looks find the same.

use super::ready::Obstacle;

/// What is counted, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) ticks: u64,
    pub(super) missed: u64,
    pub(super) beats: u64,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) media: Option<Obstacle>,
    pub(super) gateway: Option<Obstacle>,
}

/// Fewer ticks than this in a second, or as many missed as make up for it, are heard: a fifth of the sound is missing.
const FEWEST: u64 = 4 * TICKS / 5;

/// Ticks in a second, of 20 ms each.
const TICKS: u64 = 50;

/// So many good seconds after a late one make a thread trusted again: readiness does not flap.
const PROBATION: u32 = 5;

/// So many looks without a beat, and the gateway is taken for stuck. It beats as often as the watch looks.
const PATIENCE: u32 = 3;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    last: Option<Seen>,
    /// Good seconds that are still wanted.
    probation: u32,
    looks_without_beat: u32,
}

impl Watch {
    pub(super) fn look(&mut self, seen: Seen) -> Found {
        let Some(last) = self.last.replace(seen) else {
            return Found { media: Some(Obstacle::Starting), gateway: Some(Obstacle::Starting) };
        };
        Found { media: self.media(last, seen), gateway: self.gateway(last, seen) }
    }

    fn media(&mut self, last: Seen, seen: Seen) -> Option<Obstacle> {
        let (ticks, missed) = (seen.ticks.saturating_sub(last.ticks), seen.missed.saturating_sub(last.missed));
        if ticks == 0 {
            self.probation = PROBATION;
            return Some(Obstacle::Stuck);
        }
        if ticks < FEWEST || missed > TICKS - FEWEST {
            self.probation = PROBATION;
        } else {
            self.probation = self.probation.saturating_sub(1);
        }
        (self.probation > 0).then_some(Obstacle::Late)
    }

    fn gateway(&mut self, last: Seen, seen: Seen) -> Option<Obstacle> {
        self.looks_without_beat = if seen.beats == last.beats { self.looks_without_beat + 1 } else { 0 };
        if seen.beats == 0 {
            Some(Obstacle::Starting)
        } else {
            (self.looks_without_beat >= PATIENCE).then_some(Obstacle::Stuck)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gateway whose counts rise by so much each second.
    #[derive(Default)]
    struct Clockwork {
        watch: Watch,
        seen: Seen,
    }

    impl Clockwork {
        fn runs(&mut self, ticks: u64, missed: u64, beats: u64) -> Found {
            self.seen.ticks += ticks;
            self.seen.missed += missed;
            self.seen.beats += beats;
            self.watch.look(self.seen)
        }

        fn started() -> Self {
            let mut clockwork = Self::default();
            clockwork.runs(0, 0, 1);
            assert_eq!(clockwork.runs(50, 0, 1), Found { media: None, gateway: None });
            clockwork
        }
    }

    #[test]
    fn a_second_has_as_many_ticks_as_the_media_thread_makes() {
        assert_eq!(crate::media::leg::TICK * 50, std::time::Duration::from_secs(1));
    }

    #[test]
    fn a_thread_that_misses_a_tick_now_and_then_is_trusted() {
        let mut clockwork = Clockwork::started();
        for _ in 0..10 {
            assert_eq!(clockwork.runs(48, 2, 1).media, None);
        }
    }

    #[test]
    fn a_thread_that_loses_a_fifth_of_the_sound_is_late_until_it_has_been_good_for_a_while() {
        for bad in [(30, 20), (50, 11)] {
            let mut clockwork = Clockwork::started();
            assert_eq!(clockwork.runs(bad.0, bad.1, 1).media, Some(Obstacle::Late));
            for _ in 1..PROBATION {
                assert_eq!(clockwork.runs(50, 0, 1).media, Some(Obstacle::Late), "it may begin anew");
            }
            assert_eq!(clockwork.runs(50, 0, 1).media, None);
        }
    }

    #[test]
    fn a_thread_and_a_gateway_that_do_nothing_are_stuck() {
        let mut clockwork = Clockwork::started();
        assert_eq!(clockwork.runs(0, 0, 0), Found { media: Some(Obstacle::Stuck), gateway: None });
        clockwork.runs(50, 0, 0);
        assert_eq!(clockwork.runs(50, 0, 0).gateway, Some(Obstacle::Stuck));
        assert_eq!(clockwork.runs(50, 0, 1).gateway, None);
    }

    #[test]
    fn a_gateway_that_has_not_begun_is_starting() {
        let mut clockwork = Clockwork::default();
        clockwork.runs(0, 0, 0);
        assert_eq!(clockwork.runs(50, 0, 0), Found { media: None, gateway: Some(Obstacle::Starting) });
    }
}
