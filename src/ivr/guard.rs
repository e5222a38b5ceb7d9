//! Makes guessing slow. In: who failed where, and when. Out: how long the next answer is held back.
//!
//! Each failure beyond a few doubles the delay, up to a limit; failures fade with time. Counted per caller and per
//! conference ID (whether it exists or not). The limit for a conference is low, so that somebody who guesses cannot
//! lock out those who know the PIN; so is the one for callers without a number, who share one count. The tables are
//! bounded: when one is full, the entry that matters least makes place.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::words::{ConferenceId, Personal, PhoneNumber};

/// How guessing is slowed down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardConfig {
    /// So many failures cost nothing: people mistype.
    pub free: u32,
    /// The delay of the first answer after those.
    pub first_delay: Duration,
    /// The longest delay for a caller with a number.
    pub longest_for_caller: Duration,
    /// The longest delay for a conference, and for callers without a number.
    pub longest_for_room: Duration,
    /// One failure is forgotten after so long.
    pub forget_one: Duration,
    /// The most callers, and the most conferences, that are remembered.
    pub most: usize,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            free: 3,
            first_delay: Duration::from_secs(1),
            longest_for_caller: Duration::from_secs(60),
            longest_for_room: Duration::from_secs(8),
            forget_one: Duration::from_secs(120),
            most: 10_000,
        }
    }
}

/// Somebody seems to guess. To be audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// One caller has failed this often.
    Caller {
        /// Failures that are remembered.
        failures: u32,
    },
    /// At one conference so many attempts have failed.
    Conference {
        /// Failures that are remembered.
        failures: u32,
    },
}

/// Who failed where. `C` tells callers apart: a telephone by its number, a browser by its address. `P` tells apart what is
/// guessed at: a conference, or an account.
#[derive(Clone, Debug)]
pub struct Guard<C = Personal<PhoneNumber>, P = ConferenceId> {
    config: GuardConfig,
    callers: Failures<Option<C>>,
    rooms: Failures<P>,
}

impl<C: Ord + Clone, P: Ord + Clone> Guard<C, P> {
    /// A guard who remembers nobody.
    pub const fn new(config: GuardConfig) -> Self {
        Self { config, callers: Failures(BTreeMap::new()), rooms: Failures(BTreeMap::new()) }
    }

    /// How long the answer to this caller about this conference is held back, be it yes or no: if only the no were
    /// slow, a guesser would not wait for it.
    pub fn hold(&self, caller: Option<&C>, conference: Option<&P>, now: Instant) -> Duration {
        let config = &self.config;
        let longest = if caller.is_some() { config.longest_for_caller } else { config.longest_for_room };
        let for_caller = config.delay(self.callers.count(&caller.cloned(), config, now), longest);
        let at_room = conference.map_or(0, |conference| self.rooms.count(conference, config, now));
        for_caller.max(config.delay(at_room, config.longest_for_room))
    }

    /// For a door that cannot hold an answer back: how long from now on nothing of this caller counts, right or wrong.
    pub fn closed_for(&self, caller: Option<&C>, conference: Option<&P>, now: Instant) -> Duration {
        let config = &self.config;
        let longest = if caller.is_some() { config.longest_for_caller } else { config.longest_for_room };
        let for_caller = self.callers.closed_for(&caller.cloned(), longest, config, now);
        let at_room =
            conference.map(|conference| self.rooms.closed_for(conference, config.longest_for_room, config, now));
        for_caller.max(at_room.unwrap_or_default())
    }

    /// This caller failed at this conference.
    pub fn failed(&mut self, caller: Option<&C>, conference: Option<&P>, now: Instant) -> Vec<Suspicion> {
        let failures = self.callers.add(caller.cloned(), &self.config, now);
        let mut suspicions: Vec<_> =
            is_worth_a_line(failures, self.config.free).then_some(Suspicion::Caller { failures }).into_iter().collect();
        suspicions.extend(conference.and_then(|conference| self.failed_at(conference, now)));
        suspicions
    }

    /// Somebody failed at this conference who is counted elsewhere.
    pub fn failed_at(&mut self, conference: &P, now: Instant) -> Option<Suspicion> {
        let failures = self.rooms.add(conference.clone(), &self.config, now);
        is_worth_a_line(failures, self.config.free).then_some(Suspicion::Conference { failures })
    }
}

/// Once when it begins, then each time that it has doubled: an attack does not flood the audit.
const fn is_worth_a_line(failures: u32, free: u32) -> bool {
    let base = if free == 0 { 1 } else { free };
    failures > free && failures.is_multiple_of(base) && (failures / base).is_power_of_two()
}

impl GuardConfig {
    fn delay(&self, failures: u32, longest: Duration) -> Duration {
        match failures.checked_sub(self.free) {
            None | Some(0) => Duration::ZERO,
            Some(over) => {
                let doubled = 2_u32.saturating_pow(over - 1);
                self.first_delay.saturating_mul(doubled).min(longest)
            }
        }
    }

    /// What of `count` failures is remembered after `since`.
    fn remembered(&self, count: u32, since: Duration) -> u32 {
        let forgotten = since.as_millis() / self.forget_one.as_millis().max(1);
        count.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

/// Failures by whom or where: how many, and when the last was.
#[derive(Clone, Debug)]
struct Failures<K>(BTreeMap<K, (u32, Instant)>);

impl<K: Ord + Clone> Failures<K> {
    fn count(&self, key: &K, config: &GuardConfig, now: Instant) -> u32 {
        self.0.get(key).map_or(0, |(count, last)| config.remembered(*count, now.saturating_duration_since(*last)))
    }

    /// What is left of the delay that the last failure brought.
    fn closed_for(&self, key: &K, longest: Duration, config: &GuardConfig, now: Instant) -> Duration {
        let since = |last: &Instant| now.saturating_duration_since(*last);
        self.0.get(key).map_or(Duration::ZERO, |(count, last)| {
            config.delay(config.remembered(*count, since(last)), longest).saturating_sub(since(last))
        })
    }

    fn add(&mut self, key: K, config: &GuardConfig, now: Instant) -> u32 {
        let count = self.count(&key, config, now).saturating_add(1);
        if !self.0.contains_key(&key) && self.0.len() >= config.most {
            self.make_place(config, now);
        }
        self.0.insert(key, (count, now));
        count
    }

    /// Forgets what has faded; if nothing has, the entry with the fewest failures, of these the oldest.
    fn make_place(&mut self, config: &GuardConfig, now: Instant) {
        let remembered = |count: &u32, last: &Instant| config.remembered(*count, now.saturating_duration_since(*last));
        self.0.retain(|_, (count, last)| remembered(count, last) > 0);
        if self.0.len() >= config.most {
            let least = self.0.iter().min_by_key(|(_, (count, last))| (remembered(count, last), *last));
            if let Some(key) = least.map(|(key, _)| key.clone()) {
                self.0.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Phones = Guard<Personal<PhoneNumber>, ConferenceId>;

    fn start() -> Instant {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        Instant::now()
    }

    fn number(last: u32) -> Personal<PhoneNumber> {
        Personal::new(format!("+4930{last:07}").parse().expect("a number"))
    }

    fn conference(id: u32) -> ConferenceId {
        format!("{id:06}").parse().expect("an ID")
    }

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_citizen_who_mistypes_three_times_waits_for_nothing() {
        let (mut guard, now) = (Phones::new(GuardConfig::default()), start());
        for _ in 0..3 {
            assert_eq!(guard.failed(Some(&number(1)), Some(&conference(1)), now), []);
        }
        assert_eq!(guard.hold(Some(&number(1)), Some(&conference(1)), now), Duration::ZERO);
    }

    #[test]
    fn a_guesser_gets_slower_from_call_to_call_whatever_conference_is_tried() {
        let (mut guard, now) = (Phones::new(GuardConfig::default()), start());
        let mut holds = Vec::new();
        for attempt in 0..12 {
            holds.push(guard.hold(Some(&number(1)), Some(&conference(attempt)), now).as_secs());
            guard.failed(Some(&number(1)), Some(&conference(attempt)), now);
        }
        assert_eq!(holds, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(guard.hold(Some(&number(2)), Some(&conference(99)), now), Duration::ZERO, "others are not slowed");
    }

    #[test]
    fn many_callers_who_guess_at_one_room_are_slowed_but_the_room_is_not_locked() {
        let (mut guard, now) = (Phones::new(GuardConfig::default()), start());
        for caller in 0..500 {
            guard.failed(Some(&number(caller)), Some(&conference(1)), now);
        }
        assert_eq!(guard.hold(Some(&number(1_000)), Some(&conference(1)), now), seconds(8));
        assert_eq!(guard.hold(None, Some(&conference(2)), now), Duration::ZERO);
    }

    #[test]
    fn withheld_numbers_share_one_count_with_a_low_limit() {
        let (mut guard, now) = (Phones::new(GuardConfig::default()), start());
        for attempt in 0..50 {
            guard.failed(None, Some(&conference(attempt)), now);
        }
        assert_eq!(guard.hold(None, Some(&conference(99)), now), seconds(8));
    }

    #[test]
    fn a_door_that_cannot_hold_answers_back_opens_again_after_the_delay() {
        let (mut guard, now) = (Phones::new(GuardConfig::default()), start());
        for _ in 0..5 {
            guard.failed(Some(&number(1)), Some(&conference(1)), now);
        }
        let closed = |caller, at| guard.closed_for(Some(&number(caller)), None, at);
        assert_eq!(closed(1, now), seconds(2));
        assert_eq!(closed(1, now + seconds(1)), seconds(1));
        assert_eq!(closed(1, now + seconds(2)), Duration::ZERO);
        assert_eq!(closed(2, now), Duration::ZERO);
        assert_eq!(
            guard.closed_for(Some(&number(2)), Some(&conference(1)), now),
            seconds(2),
            "the room is slow for all"
        );
    }

    #[test]
    fn failures_fade() {
        let (mut guard, now) = (Phones::new(GuardConfig::default()), start());
        for _ in 0..5 {
            guard.failed(Some(&number(1)), None, now);
        }
        assert_eq!(guard.hold(Some(&number(1)), None, now), seconds(2));
        assert_eq!(guard.hold(Some(&number(1)), None, now + seconds(120)), seconds(1));
        assert_eq!(guard.hold(Some(&number(1)), None, now + seconds(240)), Duration::ZERO);
    }

    #[test]
    fn a_flood_of_numbers_neither_fills_memory_nor_frees_the_worst() {
        let (mut guard, now) = (Phones::new(GuardConfig { most: 100, ..GuardConfig::default() }), start());
        for _ in 0..10 {
            guard.failed(Some(&number(1)), Some(&conference(1)), now);
        }
        for flood in 2..5_000 {
            guard.failed(Some(&number(flood)), Some(&conference(flood)), now);
        }
        assert_eq!((guard.callers.0.len(), guard.rooms.0.len()), (100, 100));
        assert_eq!(guard.hold(Some(&number(1)), None, now), seconds(60));
    }

    #[test]
    fn an_attack_leaves_few_lines_in_the_audit() {
        let (mut guard, now) = (Phones::new(GuardConfig::default()), start());
        let lines: Vec<_> = (0..1_000).flat_map(|_| guard.failed(Some(&number(1)), None, now)).collect();
        assert_eq!(lines.len(), 8);
        assert_eq!(lines.first(), Some(&Suspicion::Caller { failures: 6 }));
    }

    #[test]
    fn no_number_and_no_id_is_printed() {
        let (mut guard, now) = (Phones::new(GuardConfig::default()), start());
        guard.failed(Some(&number(7_654_321)), Some(&conference(123_456)), now);
        let printed = format!("{guard:?}");
        assert!(!printed.contains("7654321") && !printed.contains("123456"), "{printed}");
    }
}
