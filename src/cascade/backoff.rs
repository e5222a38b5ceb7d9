//! When to try again. In: how often it failed, and chance. Out: how long to wait.

use std::time::Duration;

/// The first wait, and the longest.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits that double, each with chance in it, so that a hundred members who lost one gateway do not come back at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It failed: the wait before the next try. `chance` is a random number: the wait is between a half and the whole.
    pub fn failed(&mut self, chance: u32) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        doubled / 2 + (doubled / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }

    /// It worked: the next wait is the first again.
    pub const fn worked(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_begin_anew_once_it_worked() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..10).map(|_| backoff.failed(u32::MAX).as_millis()).collect();
        assert_eq!(waits[..8], [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
        assert_eq!(backoff.failed(0), LONGEST / 2);
        backoff.worked();
        assert_eq!(backoff.failed(u32::MAX), FIRST);
        for _ in 0..100 {
            assert!(backoff.failed(7) <= LONGEST);
        }
    }
}
