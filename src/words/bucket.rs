//! So much at once, and so much a second.

use std::time::Instant;

/// Something of which one may take so much; it refills with time.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    full: f64,
    a_second: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub const fn new(full: f64, a_second: f64, now: Instant) -> Self {
        Self { full, a_second, level: full, at: now }
    }

    /// When it was last used.
    pub const fn used(&self) -> Instant {
        self.at
    }

    /// What is in it.
    pub fn level(&mut self, now: Instant) -> f64 {
        self.give(0.0, now);
        self.level
    }

    /// Takes one, if it is there.
    pub fn take(&mut self, now: Instant) -> bool {
        self.take_many(1.0, now)
    }

    /// Takes so many, if they are all there.
    pub fn take_many(&mut self, many: f64, now: Instant) -> bool {
        let enough = self.level(now) >= many;
        if enough {
            self.level -= many;
        }
        enough
    }

    /// Gives some back.
    pub fn give(&mut self, more: f64, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = passed.mul_add(self.a_second, self.level + more).min(self.full);
        self.at = self.at.max(now);
    }
}
