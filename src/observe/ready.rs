//! Readiness as latches: each part of the gateway holds one, which is closed until the part opens it, and closed again when
//! the part is dropped. The gateway is ready when all are open.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A part that can keep the gateway from being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Who carries out everything.
    Gateway,
    /// The media thread.
    Media,
    /// The door for telephones.
    Telephones,
    /// The door for browsers.
    Browsers,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Gateway, Self::Media, Self::Telephones, Self::Browsers];

    /// Its name in figures and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Media => "media",
            Self::Telephones => "telephones",
            Self::Browsers => "browsers",
        }
    }
}

/// Why a part is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It has not begun yet.
    Starting,
    /// Nobody new is taken: this node is being emptied.
    Draining,
    /// As many are here as may be.
    Full,
    /// Its ticks come late: sound would stutter.
    Late,
    /// It does nothing any more.
    Stuck,
    /// It has ended.
    Gone,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Draining => "draining: nobody new is taken",
            Self::Full => "full: as many are here as the configuration allows",
            Self::Late => "late: its ticks do not come in time, and sound stutters; the machine is too busy",
            Self::Stuck => "stuck: it does nothing any more; restart this node",
            Self::Gone => "gone: it has ended",
        })
    }
}

/// The latches of all parts.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<Part, Option<Obstacle>>>>);

impl Readiness {
    /// One part's latch; closed.
    pub(super) fn latch(&self, part: Part) -> Latch {
        self.set(part, Some(Obstacle::Starting));
        Latch { part, all: self.clone() }
    }

    /// Every part that is not ready, and why. A part that has no latch yet is starting.
    pub fn obstacles(&self) -> Vec<(Part, Obstacle)> {
        let latches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |part: Part| latches.get(&part).copied().unwrap_or(Some(Obstacle::Starting));
        Part::ALL.into_iter().filter_map(|part| Some((part, of(part)?))).collect()
    }

    fn set(&self, part: Part, obstacle: Option<Obstacle>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(part, obstacle);
    }
}

/// One part's word on whether it is ready. Dropped with the part, it says that the part is gone.
#[derive(Debug)]
pub struct Latch {
    part: Part,
    all: Readiness,
}

impl Latch {
    /// Open (`None`), or closed and why.
    pub fn set(&self, obstacle: Option<Obstacle>) {
        self.all.set(self.part, obstacle);
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.set(Some(Obstacle::Gone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_ready_only_when_every_part_says_so_and_a_part_that_ends_says_so_too() {
        let readiness = Readiness::default();
        let starting = Part::ALL.map(|part| (part, Obstacle::Starting));
        assert_eq!(readiness.obstacles(), starting, "also before any part has its latch");
        let latches = Part::ALL.map(|part| readiness.latch(part));
        assert_eq!(readiness.obstacles(), starting);
        latches.iter().for_each(|latch| latch.set(None));
        assert_eq!(readiness.obstacles(), []);
        latches[2].set(Some(Obstacle::Full));
        assert_eq!(readiness.obstacles(), [(Part::Telephones, Obstacle::Full)]);
        latches[2].set(None);
        drop(latches);
        assert_eq!(readiness.obstacles(), Part::ALL.map(|part| (part, Obstacle::Gone)));
    }
}
