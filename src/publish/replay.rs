//! A draft, tried with calls that there were: which would go elsewhere. In: two plans, and the facts and times of calls. Out: how
//! many, grouped by what was called and by what either plan does.

use std::collections::BTreeMap;

use crate::dialplan::{Facts, Plan};
use crate::words::Both;

/// What a plan does with a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// The rule that decides, if one does.
    pub rule: Option<String>,
    /// What it decides, in words.
    pub decision: Both,
}

/// Calls that would go elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// What was called.
    pub called: String,
    /// Where they go by the plan that runs.
    pub from: Way,
    /// Where they would go.
    pub to: Way,
    /// How many there were.
    pub calls: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Calls that were tried.
    pub calls: u64,
    /// Of these, so many without all that one of the plans asks for: their records are from before it was kept.
    pub unsure: u64,
    /// Of these, so many would go elsewhere.
    pub moved: u64,
    /// Which: the most frequent first.
    pub groups: Vec<Moved>,
    /// So many of them are in no group, since there are too many.
    pub ungrouped: u64,
}

/// Groups that are told.
const MOST_GROUPS: usize = 1_000;

/// Counts the calls that would go elsewhere.
pub struct Replay<'a> {
    running: &'a Plan,
    draft: &'a Plan,
    /// One of them asks for more than older records hold.
    asks_for_more: bool,
    calls: u64,
    unsure: u64,
    ungrouped: u64,
    moved: BTreeMap<(String, Way, Way), u64>,
}

impl<'a> Replay<'a> {
    /// Nothing was tried yet.
    pub fn new(running: &'a Plan, draft: &'a Plan) -> Self {
        let asks_for_more = running.asks_beside_the_caller() || draft.asks_beside_the_caller();
        Self { running, draft, asks_for_more, calls: 0, unsure: 0, ungrouped: 0, moved: BTreeMap::new() }
    }

    /// Tries a call; of an older record not all facts may be known. A rule that only has another name leads nowhere else.
    pub fn call(&mut self, facts: &Facts, at: &jiff::ZonedDateTime, is_older: bool) {
        self.calls += 1;
        self.unsure += u64::from(is_older && self.asks_for_more);
        let (from, to) = (way(self.running, facts, at), way(self.draft, facts, at));
        if from.decision == to.decision {
            return;
        }
        let group = (facts.called.clone(), from, to);
        if self.moved.len() < MOST_GROUPS || self.moved.contains_key(&group) {
            *self.moved.entry(group).or_default() += 1;
        } else {
            self.ungrouped += 1;
        }
    }

    /// Calls that were tried.
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// What came of it.
    pub fn end(mut self) -> Replayed {
        let grouped: u64 = self.moved.values().sum();
        let group = |((called, from, to), calls)| Moved { called, from, to, calls };
        let mut groups: Vec<Moved> = std::mem::take(&mut self.moved).into_iter().map(group).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.calls));
        let Self { calls, unsure, ungrouped, .. } = self;
        Replayed { calls, unsure, moved: grouped + ungrouped, groups, ungrouped }
    }
}

fn way(plan: &Plan, facts: &Facts, at: &jiff::ZonedDateTime) -> Way {
    let taken = plan.decide(facts, at);
    let decision = taken.map_or_else(Plan::told_of_nothing, |taken| taken.decision.told());
    Way { rule: taken.map(|taken| taken.rule.to_owned()), decision }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialplan::{Home, Source, Surroundings};

    fn plan(rules: &[(&str, &str, &str)]) -> Plan {
        let rule = |(name, called, does): &(&str, &str, &str)| {
            format!("[[rule]]\nname = \"{name}\"\ncalled = \"{called}\"\n{does}\n")
        };
        let text = rules.iter().map(rule).collect();
        let home = Home { country: crate::words::Country::DE, area: String::from("30") };
        let around = Surroundings::only(home, jiff::tz::TimeZone::UTC);
        Plan::check(vec![Source { name: String::from("a.toml"), text }], &around).0
    }

    #[test]
    fn calls_go_elsewhere_for_who_diverted_them_who_is_vouched_for_and_their_language() {
        let running = plan(&[("Sonst", "*", "reject = \"busy\"")]);
        let draft = plan(&[
            ("Umgeleitet", "100", "diversion = \"+49 30 9018 1XXX\"\nmenu = \"de\""),
            ("Eigene", "100", "asserted = \"+49 30 9018!\"\nclosed = \"de\""),
            ("Englisch", "100", "accepts = \"en\"\nmenu = \"en\""),
            ("Sonst", "*", "reject = \"busy\""),
        ]);
        let number = |text: &str| text.parse().ok().map(crate::words::Personal::new);
        let call = || Facts { called: String::from("100"), ..Facts::default() };
        let at = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let mut replay = Replay::new(&running, &draft);
        replay.call(&Facts { diverted: number("+493090181234"), ..call() }, &at, false);
        replay.call(&Facts { asserted: number("+493090182345"), ..call() }, &at, false);
        replay.call(&Facts { language: "en".parse().ok(), ..call() }, &at, false);
        replay.call(&call(), &at, false);
        replay.call(&call(), &at, true);
        let told = replay.end();
        assert_eq!((told.calls, told.moved, told.unsure), (5, 3, 1));
        let mut rules: Vec<_> = told.groups.iter().filter_map(|group| group.to.rule.as_deref()).collect();
        rules.sort_unstable();
        assert_eq!(rules, ["Eigene", "Englisch", "Umgeleitet"]);
    }

    #[test]
    fn calls_that_would_go_elsewhere_are_counted_by_number_and_rules() {
        let running = plan(&[("Rat", "100", "menu = \"de\""), ("Sonst", "*", "reject = \"busy\"")]);
        let draft = plan(&[
            ("Neu", "100", "menu = \"de\""),
            ("Amt", "200", "menu = \"de\""),
            ("Sonst", "*", "reject = \"busy\""),
        ]);
        let mut replay = Replay::new(&running, &draft);
        let at = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        for called in ["100", "200", "200", "300"] {
            let facts = Facts { called: called.to_owned(), ..Facts::default() };
            replay.call(&facts, &at, called == "300");
        }
        let told = replay.end();
        assert_eq!(told.unsure, 0, "neither plan asks for what older records do not hold");
        assert_eq!((told.calls, told.moved, told.ungrouped), (4, 2, 0), "a new name leads nowhere else");
        let [group] = told.groups.as_slice() else { panic!("{:?}", told.groups) };
        assert_eq!((group.called.as_str(), group.calls), ("200", 2));
        assert_eq!((group.from.rule.as_deref(), group.to.rule.as_deref()), (Some("Sonst"), Some("Amt")));
    }
}
