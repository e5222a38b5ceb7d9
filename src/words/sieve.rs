//! What somebody at a door does again and again is told now and then. Pure: it takes the time.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The same is told once in this time.
const QUIET: Duration = Duration::from_secs(60);

/// So much is told in that time at most, whoever refuses to be quiet.
const MOST: usize = 64;

/// Lets a reason and an address through once a minute, and counts the others.
#[derive(Debug)]
pub struct Sieve {
    since: Instant,
    told: BTreeSet<(&'static str, Option<IpAddr>)>,
    untold: u64,
}

impl Sieve {
    /// One that has told nothing.
    pub const fn new(now: Instant) -> Self {
        Self { since: now, told: BTreeSet::new(), untold: 0 }
    }

    /// How many were not told before, if this is to be told.
    pub fn lets_through(&mut self, why: &'static str, address: Option<IpAddr>, now: Instant) -> Option<u64> {
        if now.saturating_duration_since(self.since) >= QUIET {
            self.since = now;
            self.told.clear();
        }
        let is_new = self.told.len() < MOST && self.told.insert((why, address));
        if is_new {
            return Some(std::mem::take(&mut self.untold));
        }
        self.untold += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute_and_of_a_thousand_addresses_a_few() {
        let start = Instant::now();
        let mut sieve = Sieve::new(start);
        let address = |last: u32| Some(IpAddr::V4((0x0a00_0000 + last).into()));
        assert_eq!(sieve.lets_through("much", address(0), start), Some(0));
        assert_eq!(sieve.lets_through("much", address(0), start), None);
        assert_eq!(sieve.lets_through("slow", address(0), start), Some(1), "another reason");
        let told = (1..1_000).filter(|last| sieve.lets_through("unlisted", address(*last), start).is_some());
        assert_eq!(told.count(), MOST - 2);
        let later = start + QUIET;
        assert_eq!(sieve.lets_through("much", address(0), later), Some(999 - 62));
    }
}
