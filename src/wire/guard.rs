//! Who is let in. In: addresses and the time. Out: whether their messages are read, and what the log is told.
//!
//! Two buckets for each address: one bounds how much it sends, the other how often it may ask for what it is refused, which is
//! what scanners do. A call that is taken gives patience back: a telephone system whose callers dial wrong numbers keeps its
//! own. Work and memory for each message are constant, whoever sends: a table of fixed size in which the least interesting
//! address makes place.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Fault, Outcome};
use crate::words::Bucket;

/// What one address may do that belongs to no trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many new requests a second (calls, OPTIONS, REGISTER …), and twice as many at once.
    pub requests: u32,
    /// So many times it may be refused before it gets slow; one is forgiven each second, four for each call taken.
    pub patience: u32,
    /// So many requests are in work at once, of all addresses together, trunks too.
    pub in_work: usize,
    /// So many streams (TCP, TLS) at once, of all addresses together; one address may have a tenth.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests: 500, patience: 60, in_work: 50_000, streams: 1_000 }
    }
}

/// Messages inside calls, answers and repetitions: so many times the new requests.
const MESSAGES_PER_REQUEST: u32 = 8;

/// One refusal is forgiven in this time. Whoever only asks each second whether we are there is never slowed.
const FORGIVEN: Duration = Duration::from_secs(1);

/// A call that is taken makes so many refusals good.
const REWARD: f64 = 4.0;

/// Addresses that are remembered: rows times places.
const ROWS: usize = 2_048;
const PLACES: usize = 8;

/// At most one line in the log for each reason in this time.
const QUIET: Duration = Duration::from_secs(10);

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It sends more than [`Limits::requests`].
    Flood,
    /// It was refused more than [`Limits::patience`].
    Scan,
    /// [`Limits::in_work`] is reached.
    Full,
    /// [`Limits::streams`] is reached.
    Streams,
    /// What it sent cannot be used.
    Malformed,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Flood, Self::Scan, Self::Full, Self::Streams, Self::Malformed];

    /// In one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Flood => "flood",
            Self::Scan => "scan",
            Self::Full => "full",
            Self::Streams => "streams",
            Self::Malformed => "malformed",
        }
    }

    /// What its sender is told, if anything.
    pub const fn fault(self) -> Fault {
        match self {
            Self::Flood | Self::Scan => Fault::Flood,
            Self::Full | Self::Streams => Fault::Full,
            Self::Malformed => Fault::Unusable,
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Flood => "it sends too much; if it is your telephone system, make it a trunk or raise sip.requests",
            Self::Scan => {
                "it asks for what it is refused, again and again; if it is your telephone system, make it a trunk"
            }
            Self::Full => "too many requests are in work; see sip.in_work",
            Self::Streams => "too many connections; see sip.streams",
            Self::Malformed => "its messages cannot be used",
        })
    }
}

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is read.
    In,
    /// It is refused, and its sender told so.
    Refuse(Why),
    /// It is dropped without a word.
    Drop(Why),
}

/// The guard at the door.
#[derive(Debug)]
pub struct Guard {
    limits: Limits,
    hash: RandomState,
    rows: Vec<[Option<Sender>; PLACES]>,
    refused: BTreeMap<Why, u64>,
    lines: BTreeMap<Why, Line>,
}

/// One address.
#[derive(Clone, Copy, Debug)]
struct Sender {
    who: u128,
    messages: Bucket,
    requests: Bucket,
    patience: Bucket,
    /// When it was last told that it is too fast.
    told: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    at: Instant,
    since: u64,
}

impl Guard {
    /// A guard who remembers nobody.
    pub fn new(limits: Limits) -> Self {
        let rows = vec![[None; PLACES]; ROWS];
        Self { limits, hash: RandomState::new(), rows, refused: BTreeMap::new(), lines: BTreeMap::new() }
    }

    /// Whether a message from there is looked at. Who is trusted (a trunk) is never slowed.
    pub fn arrives(&mut self, from: IpAddr, trusted: bool, now: Instant) -> Ruling {
        let sender = self.sender(from, now);
        if trusted || sender.messages.take(now) {
            return Ruling::In;
        }
        self.count(Why::Flood);
        Ruling::Drop(Why::Flood)
    }

    /// Whether a new request from there is taken, when so many are in work.
    pub fn begins(&mut self, from: IpAddr, trusted: bool, in_work: usize, now: Instant) -> Ruling {
        if in_work >= self.limits.in_work {
            self.count(Why::Full);
            return Ruling::Refuse(Why::Full);
        }
        if trusted {
            return Ruling::In;
        }
        let sender = self.sender(from, now);
        if sender.patience.level(now) < 1.0 {
            self.count(Why::Scan);
            return Ruling::Drop(Why::Scan);
        }
        if sender.requests.take(now) {
            return Ruling::In;
        }
        // Once a second it is told, for the sake of a telephone system that listens.
        let tell = sender.told.is_none_or(|told| now.saturating_duration_since(told) >= Duration::from_secs(1));
        if tell {
            sender.told = Some(now);
        }
        self.count(Why::Flood);
        if tell { Ruling::Refuse(Why::Flood) } else { Ruling::Drop(Why::Flood) }
    }

    /// An answer goes there.
    pub fn answered(&mut self, to: IpAddr, outcome: Outcome, now: Instant) {
        let patience = &mut self.sender(to, now).patience;
        match outcome {
            Outcome::Taken => patience.give(REWARD, now),
            Outcome::Probed => {
                let _ = patience.take(now);
            }
            Outcome::Neutral => {}
        }
    }

    /// Whether one more stream from there is taken, beside so many from there and so many of all.
    pub fn connects(&mut self, trusted: bool, of_its_own: usize, of_all: usize) -> Ruling {
        let own = if trusted { self.limits.streams } else { (self.limits.streams / 10).max(1) };
        if of_all < self.limits.streams && of_its_own < own {
            return Ruling::In;
        }
        self.count(Why::Streams);
        Ruling::Drop(Why::Streams)
    }

    /// What was sent cannot be used.
    pub fn malformed(&mut self, from: IpAddr, now: Instant) {
        self.count(Why::Malformed);
        let _ = self.sender(from, now).patience.take(now);
    }

    /// What the log is told of the refusals since the last line, if it is time: why, and how many.
    pub fn line(&mut self, why: Why, now: Instant) -> Option<u64> {
        let total = self.refused(why);
        let line = self.lines.get(&why);
        let since = line.map_or(0, |line| line.since);
        if total == since || line.is_some_and(|line| now.saturating_duration_since(line.at) < QUIET) {
            return None;
        }
        self.lines.insert(why, Line { at: now, since: total });
        Some(total - since)
    }

    /// So many were refused for this reason, since the start.
    pub fn refused(&self, why: Why) -> u64 {
        self.refused.get(&why).copied().unwrap_or(0)
    }

    fn count(&mut self, why: Why) {
        *self.refused.entry(why).or_default() += 1;
    }

    /// The entry of an address; a new one takes a free place, or that of who has been quiet longest.
    fn sender(&mut self, from: IpAddr, now: Instant) -> &mut Sender {
        let who = key(from);
        let fresh = Sender::new(who, &self.limits, now);
        let row = usize::try_from(self.hash.hash_one(who)).unwrap_or_default() % ROWS;
        #[allow(
            clippy::indexing_slicing,
            reason = "the remainder is below the number of rows; places are chosen by position"
        )]
        let row = &mut self.rows[row];
        let found = row.iter().position(|place| place.is_some_and(|sender| sender.who == who));
        let chosen = found.or_else(|| row.iter().position(Option::is_none)).unwrap_or_else(|| {
            let quietest = row.iter().enumerate().filter_map(|(at, place)| Some((at, place.as_ref()?.messages.used())));
            quietest.min_by_key(|(_, at)| *at).map_or(0, |(at, _)| at)
        });
        #[allow(clippy::indexing_slicing, reason = "see above")]
        let place = &mut row[chosen];
        if found.is_none() {
            *place = None;
        }
        place.get_or_insert(fresh)
    }
}

/// An IPv4 address, or the network that one site has in IPv6.
fn key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

impl Sender {
    fn new(who: u128, limits: &Limits, now: Instant) -> Self {
        let requests = f64::from(limits.requests.max(1));
        let messages = requests * f64::from(MESSAGES_PER_REQUEST);
        let patience = f64::from(limits.patience.max(1));
        Self {
            who,
            messages: Bucket::new(messages * 2.0, messages, now),
            requests: Bucket::new(requests * 2.0, requests, now),
            patience: Bucket::new(patience, 1.0 / FORGIVEN.as_secs_f64(), now),
            told: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        Instant::now()
    }

    fn address(last: u32) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + last).into())
    }

    const fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_telephone_system_with_300_calls_a_second_is_never_refused() {
        let (mut guard, mut now) = (Guard::new(Limits::default()), start());
        for call in 0..30_000_u64 {
            // INVITE, ACK, BYE, and a hundredth of the numbers do not exist.
            for _ in 0..3 {
                assert_eq!(guard.arrives(address(1), false, now), Ruling::In);
            }
            assert_eq!(guard.begins(address(1), false, 1_000, now), Ruling::In, "call {call}");
            let outcome = if call % 100 == 0 { Outcome::Probed } else { Outcome::Taken };
            guard.answered(address(1), outcome, now);
            now += Duration::from_micros(3_333);
        }
    }

    #[test]
    fn a_flood_is_dropped_told_once_a_second_and_leaves_room_for_its_calls() {
        let (mut guard, mut now) = (Guard::new(Limits::default()), start());
        let mut rulings = BTreeMap::new();
        for _ in 0..20_000 {
            guard.arrives(address(1), false, now);
            *rulings.entry(format!("{:?}", guard.begins(address(1), false, 0, now))).or_insert(0) += 1;
            now += Duration::from_micros(250);
        }
        assert!((3_400..=3_600).contains(&rulings["In"]), "{rulings:?}");
        assert!((4..=6).contains(&rulings["Refuse(Flood)"]), "{rulings:?}");
        assert_eq!(guard.arrives(address(1), false, now), Ruling::In, "a BYE still gets through");
        assert_eq!(guard.begins(address(2), false, 0, now), Ruling::In, "and others do not notice");
    }

    #[test]
    fn a_scanner_gets_slow_and_a_telephone_system_with_wrong_numbers_does_not() {
        let (mut guard, mut now) = (Guard::new(Limits::default()), start());
        let mut probes = 0;
        for attempt in 0..6_000 {
            if guard.begins(address(1), false, 0, now) == Ruling::In {
                probes += 1;
                guard.answered(address(1), Outcome::Probed, now);
            }
            assert_eq!(guard.begins(address(2), false, 0, now), Ruling::In, "attempt {attempt}");
            guard.answered(address(2), if attempt % 5 == 0 { Outcome::Taken } else { Outcome::Probed }, now);
            now += millis(10);
        }
        assert!((115..=125).contains(&probes), "60, and one each second of a minute: {probes}");
        assert!(guard.refused(Why::Scan) > 5_000);
    }

    #[test]
    fn who_is_trusted_is_bound_only_by_what_is_in_work() {
        let (mut guard, now) = (Guard::new(Limits { in_work: 10, ..Limits::default() }), start());
        for _ in 0..10_000 {
            assert_eq!(guard.arrives(address(1), true, now), Ruling::In);
            assert_eq!(guard.begins(address(1), true, 9, now), Ruling::In);
            guard.answered(address(1), Outcome::Probed, now);
        }
        assert_eq!(guard.begins(address(1), true, 10, now), Ruling::Refuse(Why::Full));
    }

    #[test]
    fn forged_addresses_neither_fill_memory_nor_slow_anybody() {
        let (mut guard, now) = (Guard::new(Limits::default()), start());
        for last in 0..200_000 {
            guard.arrives(address(last), false, now);
            guard.malformed(address(last), now);
        }
        assert_eq!((guard.rows.len(), guard.refused(Why::Flood)), (ROWS, 0));
        assert_eq!(guard.begins(address(7), false, 0, now), Ruling::In);
    }

    #[test]
    fn an_attack_leaves_one_line_each_ten_seconds() {
        let (mut guard, mut now) = (Guard::new(Limits::default()), start());
        let mut lines = Vec::new();
        for _ in 0..250 {
            guard.malformed(address(1), now);
            lines.extend(guard.line(Why::Malformed, now));
            now += millis(100);
        }
        assert_eq!(lines, [1, 100, 100]);
        assert_eq!(guard.line(Why::Flood, now), None, "of what does not happen there is no line");
    }

    #[test]
    fn streams_are_bounded_for_one_and_for_all() {
        let mut guard = Guard::new(Limits::default());
        assert_eq!(guard.connects(false, 99, 999), Ruling::In);
        assert_eq!(guard.connects(false, 100, 999), Ruling::Drop(Why::Streams));
        assert_eq!(guard.connects(false, 0, 1_000), Ruling::Drop(Why::Streams));
    }
}
