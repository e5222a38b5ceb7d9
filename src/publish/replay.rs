//! A draft, tried with calls that there were: which would go elsewhere. In: two plans, and the facts and times of calls. Out: how
//! many, grouped by what was called and by what either plan does.

use std::collections::BTreeMap;

use crate::dialplan::{Facts, Plan};
use crate::words::{Both, Language};

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
    calls: u64,
    ungrouped: u64,
    moved: BTreeMap<(String, Way, Way), u64>,
}

impl<'a> Replay<'a> {
    /// Nothing was tried yet.
    pub const fn new(running: &'a Plan, draft: &'a Plan) -> Self {
        Self { running, draft, calls: 0, ungrouped: 0, moved: BTreeMap::new() }
    }

    /// Tries a call. A rule that only has another name leads nowhere else.
    pub fn call(&mut self, facts: &Facts, at: &jiff::ZonedDateTime) {
        self.calls += 1;
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
    pub fn end(self) -> Replayed {
        let grouped: u64 = self.moved.values().sum();
        let group = |((called, from, to), calls)| Moved { called, from, to, calls };
        let mut groups: Vec<Moved> = self.moved.into_iter().map(group).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.calls));
        Replayed { calls: self.calls, moved: grouped + self.ungrouped, groups, ungrouped: self.ungrouped }
    }
}

fn way(plan: &Plan, facts: &Facts, at: &jiff::ZonedDateTime) -> Way {
    let taken = plan.decide(facts, at);
    let said = |language| match taken {
        Some(taken) => taken.decision.said(language).text,
        None => Plan::said_of_nothing(language).text,
    };
    let decision = Both::new(said(Language::De), said(Language::En));
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
            replay.call(&facts, &at);
        }
        let told = replay.end();
        assert_eq!((told.calls, told.moved, told.ungrouped), (4, 2, 0), "a new name leads nowhere else");
        let [group] = told.groups.as_slice() else { panic!("{:?}", told.groups) };
        assert_eq!((group.called.as_str(), group.calls), ("200", 2));
        assert_eq!((group.from.rule.as_deref(), group.to.rule.as_deref()), (Some("Sonst"), Some("Amt")));
    }
}
