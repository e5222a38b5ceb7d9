//! What was decided last. In: decisions, with the time. Out: a bounded list for who watches, and refusals that are worth an entry of the
//! audit. Pure. The same connection again and again is one line with a count.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::permit::{Permit, Refused};
use super::processor::Purpose;

/// Connections that are remembered, of those that were permitted and of those that were refused; the one that was seen longest ago
/// gives way.
const MOST: usize = 100;

/// The same refusal is noted once in this time, and so many others beside it.
const QUIET: SignedDuration = SignedDuration::from_hours(1);
const MOST_NOTED: usize = 60;

/// A connection that somebody wanted to open, once or often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// For which purpose.
    pub purpose: Purpose,
    /// The name that led there.
    pub host: Option<String>,
    /// The address.
    pub address: IpAddr,
    /// Whose it is; nobody's, if it is this machine; or why nothing goes there.
    pub verdict: Result<Option<String>, String>,
    /// When it was first decided.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How often.
    pub times: u64,
}

/// A refusal that is worth an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Which.
    pub decision: Decision,
    /// How often since the last entry of it.
    pub times: u64,
    /// So many refusals before it were worth none: there were too many different ones.
    pub untold: u64,
}

/// What tells one connection from another.
type Key = (Purpose, Option<String>, IpAddr);

#[derive(Debug, Default)]
pub(super) struct Seen {
    permitted: BTreeMap<Key, Decision>,
    refused: BTreeMap<Key, Refusal>,
    /// When entries were made in the last hour.
    noted: Vec<Timestamp>,
    untold: u64,
    refusals: u64,
}

#[derive(Debug)]
struct Refusal {
    decision: Decision,
    /// When it was noted last, and how often it has come since.
    noted: Option<Timestamp>,
    since: u64,
}

impl Seen {
    /// Something was decided. True if it is a refusal that was not there in the last hour.
    pub(super) fn note(
        &mut self,
        (purpose, host, address): (Purpose, Option<&str>, IpAddr),
        verdict: &Result<Permit, Refused>,
        now: Timestamp,
    ) -> bool {
        let key = (purpose, host.map(str::to_owned), address);
        let verdict = verdict.as_ref().map(|permit| permit.processor.clone()).map_err(ToString::to_string);
        let new = |verdict| Decision {
            purpose,
            host: host.map(str::to_owned),
            address,
            verdict,
            first: now,
            last: now,
            times: 0,
        };
        if verdict.is_ok() {
            let decision = self.permitted.entry(key).or_insert_with(|| new(verdict.clone()));
            decision.came(verdict, now);
            drop(drop_oldest(&mut self.permitted, |decision| decision.last));
            return false;
        }
        let refusal = self.refused.entry(key).or_insert_with(|| Refusal {
            decision: new(verdict.clone()),
            noted: None,
            since: 0,
        });
        refusal.decision.came(verdict, now);
        refusal.since += 1;
        let is_news = refusal.is_news(now);
        self.refusals += u64::from(refusal.since == 1);
        if let Some(forgotten) = drop_oldest(&mut self.refused, |refusal| refusal.decision.last) {
            self.untold += forgotten.since;
        }
        is_news
    }

    /// Refusals that were not there before, or had been noted since.
    pub(super) const fn refusals(&self) -> u64 {
        self.refusals
    }

    /// What was decided last, the newest first.
    pub(super) fn all(&self) -> Vec<Decision> {
        let refused = self.refused.values().map(|refusal| &refusal.decision);
        let mut all: Vec<Decision> = self.permitted.values().chain(refused).cloned().collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.last));
        all
    }

    /// The refusals that are to be noted now; told once.
    pub(super) fn news(&mut self, now: Timestamp) -> Vec<News> {
        self.noted.retain(|at| now.duration_since(*at) < QUIET);
        let mut news = Vec::new();
        for refusal in self.refused.values_mut() {
            if refusal.since == 0 || !refusal.is_news(now) {
                continue;
            }
            if self.noted.len() >= MOST_NOTED {
                self.untold += refusal.since;
                refusal.since = 0;
                continue;
            }
            self.noted.push(now);
            refusal.noted = Some(now);
            let times = std::mem::take(&mut refusal.since);
            news.push(News { decision: refusal.decision.clone(), times, untold: std::mem::take(&mut self.untold) });
        }
        news
    }
}

impl Refusal {
    fn is_news(&self, now: Timestamp) -> bool {
        self.noted.is_none_or(|at| now.duration_since(at) >= QUIET)
    }
}

impl Decision {
    fn came(&mut self, verdict: Result<Option<String>, String>, now: Timestamp) {
        (self.verdict, self.last) = (verdict, now);
        self.times += 1;
    }
}

fn drop_oldest<T>(all: &mut BTreeMap<Key, T>, last: impl Fn(&T) -> Timestamp) -> Option<T> {
    if all.len() <= MOST {
        return None;
    }
    let key = all.iter().min_by_key(|(_, one)| last(one)).map(|(key, _)| key.clone())?;
    all.remove(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::from((0x0808_0000 + number).to_be_bytes())
    }

    fn refused(seen: &mut Seen, number: u32, second: i64) -> bool {
        let address = address(number);
        let why = Refused::Elsewhere { purpose: Purpose::Oidc, host: None, address };
        seen.note((Purpose::Oidc, None, address), &Err(why), at(second))
    }

    #[test]
    fn the_same_refusal_again_and_again_is_one_line_and_one_entry_an_hour() {
        let mut seen = Seen::default();
        assert!(refused(&mut seen, 1, 0), "the first is news");
        let news = seen.news(at(1));
        assert_eq!((news.len(), news[0].times, news[0].untold), (1, 1, 0));
        for second in 2..3_000 {
            assert!(!refused(&mut seen, 1, second));
            assert!(seen.news(at(second)).is_empty());
        }
        let lines = seen.all();
        assert_eq!((lines.len(), lines[0].times, lines[0].first, lines[0].last), (1, 2_999, at(0), at(2_999)));
        assert!(refused(&mut seen, 1, 3_700));
        assert_eq!(seen.news(at(3_700))[0].times, 2_999, "with how often it came meanwhile");
        assert!(seen.news(at(9_000)).is_empty(), "what does not come again is not told again");
    }

    #[test]
    fn many_different_refusals_fill_neither_the_memory_nor_the_audit() {
        let mut seen = Seen::default();
        let permit = Ok(Permit { processor: None, address: [127, 0, 0, 1].into() });
        seen.note((Purpose::Dns, None, [127, 0, 0, 1].into()), &permit, at(0));
        let mut entries = 0;
        for number in 0..10_000 {
            refused(&mut seen, number, i64::from(number) / 10);
            entries += seen.news(at(i64::from(number) / 10)).len();
        }
        assert_eq!(entries, MOST_NOTED);
        assert_eq!(seen.refused.len(), MOST);
        assert!(seen.all().iter().any(|line| line.verdict == Ok(None)), "what is permitted is not pushed out");
        assert!(seen.all()[0].last >= seen.all()[50].last && seen.all()[50].last > at(900), "the newest first");
        assert!(refused(&mut seen, 20_000, 8_000));
        let news = seen.news(at(8_000));
        assert_eq!(
            news.last().map(|news| news.untold),
            Some(10_000 - MOST_NOTED as u64),
            "and what was not told is counted"
        );
    }
}
