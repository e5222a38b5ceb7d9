//! Whom a room's people here hear, and whom other gateways are sent. In: the level of each leg in each tick, and what the room's home
//! has chosen, if somebody else is its home. Out: a few legs.
//!
//! Who is at home decides for all: without its choice we decide alone. With it, its list is heard, and while that is not full, whoever
//! else is loud enough: nobody waits for an answer from far away to be heard next door.

use std::time::Instant;

use super::speakers::{self, Speakers};
use crate::words::{LegId, Level};

/// One leg in one tick.
#[derive(Clone, Copy, Debug)]
pub struct Loudness {
    /// Which.
    pub leg: LegId,
    /// How loud it is.
    pub level: Level,
    /// It is connected to this gateway.
    pub is_here: bool,
}

/// See the module.
pub struct Selection {
    /// Of all legs.
    all: Speakers,
    /// Of those who are here, while somebody else decides: whom the home is sent.
    here: Speakers,
    chosen: Option<Vec<LegId>>,
    heard: Vec<LegId>,
    /// Those of the next tick.
    next: Vec<LegId>,
}

impl Default for Selection {
    fn default() -> Self {
        let speakers = Speakers::new(speakers::Config::default());
        Self { all: speakers.clone(), here: speakers, chosen: None, heard: Vec::new(), next: Vec::new() }
    }
}

impl Selection {
    /// The home has chosen, or leaves it to us.
    pub fn choose(&mut self, chosen: Option<Vec<LegId>>) {
        if self.chosen.is_none() {
            self.here = self.all.clone();
        }
        self.chosen = chosen;
    }

    /// Whether the home has chosen.
    pub const fn is_led(&self) -> bool {
        self.chosen.is_some()
    }

    /// Forgets a leg that left.
    pub fn remove(&mut self, leg: LegId) {
        self.all.remove(leg);
        self.here.remove(leg);
        self.heard.retain(|heard| *heard != leg);
    }

    /// Takes one tick's levels. Returns whether others are heard than before.
    pub fn tick(&mut self, legs: &[Loudness], now: Instant) -> bool {
        self.all.tick(legs.iter().map(|leg| (leg.leg, leg.level)), now);
        self.next.clear();
        match &self.chosen {
            None => self.next.extend(self.all.iter()),
            Some(chosen) => {
                let here = legs.iter().filter(|leg| leg.is_here);
                self.here.tick(here.map(|leg| (leg.leg, leg.level)), now);
                let is_present = |leg: &&LegId| legs.iter().any(|present| present.leg == **leg);
                self.next.extend(chosen.iter().take(self.all.most()).filter(is_present));
                let places = self.all.most().saturating_sub(chosen.len());
                // Who is heard already stays, or two who speak at once would take turns.
                let others = || self.all.iter().filter(|leg| !chosen.contains(leg));
                let (stay, come) = (|leg: &LegId| self.heard.contains(leg), |leg: &LegId| !self.heard.contains(leg));
                self.next.extend(others().filter(stay).chain(others().filter(come)).take(places));
            }
        }
        self.next.sort_unstable();
        std::mem::swap(&mut self.heard, &mut self.next);
        self.heard != self.next
    }

    /// Who is heard, in order of their legs.
    pub fn heard(&self) -> impl Iterator<Item = LegId> {
        self.heard.iter().copied()
    }

    /// Whether a leg is heard.
    pub fn hears(&self, leg: LegId) -> bool {
        self.heard.contains(&leg)
    }

    /// Whether other gateways are sent a leg that is here.
    pub fn sends(&self, leg: LegId) -> bool {
        if self.is_led() { self.here.contains(leg) } else { self.hears(leg) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TICK: Duration = Duration::from_millis(20);

    fn start() -> Instant {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        Instant::now()
    }

    /// Legs below 100 are here.
    fn legs(levels: &[(u64, u8)]) -> Vec<Loudness> {
        let loudness =
            |&(leg, level): &(u64, u8)| Loudness { leg: LegId(leg), level: Level(level), is_here: leg < 100 };
        levels.iter().map(loudness).collect()
    }

    fn heard(selection: &Selection) -> Vec<u64> {
        selection.heard().map(|leg| leg.0).collect()
    }

    fn list(legs: &[u64]) -> Option<Vec<LegId>> {
        Some(legs.iter().copied().map(LegId).collect())
    }

    #[test]
    fn a_full_list_is_heard_and_nobody_else_but_our_own_are_sent() {
        let (mut selection, t0) = (Selection::default(), start());
        let everybody = legs(&[(1, 10), (2, 20), (101, 90), (102, 90), (103, 90), (104, 90), (105, 20)]);
        selection.choose(list(&[2, 101, 102, 103, 104]));
        assert!(selection.tick(&everybody, t0));
        assert_eq!(heard(&selection), [2, 101, 102, 103, 104]);
        assert!(selection.sends(LegId(1)) && selection.sends(LegId(2)), "the home decides of what it hears");
        assert!(!selection.tick(&everybody, t0 + TICK));
    }

    #[test]
    fn while_the_list_has_places_whoever_is_loud_enough_is_heard_at_once_and_stays() {
        let (mut selection, t0) = (Selection::default(), start());
        selection.choose(list(&[101, 102, 103, 104]));
        let all = |one: u8, other: u8| legs(&[(1, one), (2, other), (101, 90), (102, 90), (103, 90), (104, 90)]);
        selection.tick(&all(127, 20), t0);
        assert_eq!(heard(&selection), [2, 101, 102, 103, 104]);
        selection.tick(&all(10, 20), t0 + TICK);
        assert_eq!(heard(&selection), [2, 101, 102, 103, 104], "the last place is taken");
        selection.choose(list(&[1, 101, 102, 103, 104]));
        selection.tick(&all(10, 20), t0 + 2 * TICK);
        assert_eq!(heard(&selection), [1, 101, 102, 103, 104]);
    }

    #[test]
    fn without_a_home_we_decide_alone_again() {
        let (mut selection, t0) = (Selection::default(), start());
        let everybody = legs(&[(1, 20), (2, 127), (101, 30)]);
        selection.tick(&everybody, t0);
        assert_eq!(heard(&selection), [1, 101]);
        selection.choose(list(&[2]));
        selection.tick(&everybody, t0 + TICK);
        assert_eq!(heard(&selection), [1, 2, 101]);
        selection.choose(None);
        assert!(selection.tick(&everybody, t0 + 2 * TICK));
        assert_eq!(heard(&selection), [1, 101]);
        assert!(!selection.sends(LegId(2)));
    }

    #[test]
    fn who_is_on_the_list_and_not_here_is_no_speaker() {
        let (mut selection, t0) = (Selection::default(), start());
        selection.choose(list(&[7, 8]));
        assert!(!selection.tick(&legs(&[(1, 127)]), t0));
        selection.tick(&legs(&[(1, 127), (7, 127)]), t0 + TICK);
        selection.remove(LegId(7));
        assert_eq!(heard(&selection), [0_u64; 0]);
    }
}
