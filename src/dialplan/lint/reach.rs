//! Rules that can never decide. Told exactly, by sets of calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, Time, date};

use super::super::pattern::Pattern;
use super::super::sets::{Calls, Clock, Languages, Minutes, Party, left_of};
use super::super::window::Window;
use super::super::{Action, Context, Placed, Rule, Surroundings, When};
use super::Findings;
use crate::words::{Both, TrunkName, both};

pub(super) fn lint(findings: &mut Findings<'_>, around: &Surroundings) {
    let plan = findings.plan;
    let mut windows = Windows::default();
    for context in &plan.contexts {
        let sets: Vec<Vec<Calls>> =
            context.rules.iter().map(|rule| calls_of(rule, &around.trunks, &mut windows)).collect();
        for (at, (rule, own)) in context.rules.iter().zip(&sets).enumerate() {
            let takers = context.index.takers(rule.patterns());
            let takers: Vec<Earlier<'_>> = earlier(context, &sets, own, at, takers.into_iter().map(|at| at as usize));
            let takes_all = |takers: &[Earlier<'_>]| {
                let theirs = takers.iter().flat_map(|(_, theirs)| theirs.iter());
                left_of(own.clone(), theirs).is_some_and(|left| left.is_empty())
            };
            if own.is_empty() || !takes_all(&takers) {
                continue;
            }
            let place = |rule: &Rule| format!("{:?} ({})", rule.name.value, plan.place(rule));
            let (who, help) = match takers.iter().find(|taker| takes_all(std::slice::from_ref(*taker))) {
                Some((taker, _)) => (
                    both!("{} nimmt schon jeden solchen Anruf", "{} already takes every such call", place(taker)),
                    both!(
                        "Stellen Sie sie vor {:?}, oder fassen Sie jene enger",
                        "move it above {:?}, or narrow that rule",
                        taker.name.value
                    ),
                ),
                None => {
                    let all: Vec<String> = takers.iter().map(|(rule, _)| place(rule)).collect();
                    let who = Both::new(
                        format!("{} nehmen zusammen schon jeden solchen Anruf", all.join(" und ")),
                        format!("{} together already take every such call", all.join(" and ")),
                    );
                    let help = Both::new(
                        "Stellen Sie sie davor, oder fassen Sie jene enger",
                        "move it above them, or narrow them",
                    );
                    (who, help)
                }
            };
            let never = both!("Die Regel {:?} kann nie entscheiden", "rule {:?} can never decide", rule.name.value);
            let message = never.then(": ", &who);
            match rule.called.first() {
                Some(called) => findings.error(called, message, help),
                None => findings.error(&rule.name, message, help),
            }
        }
    }
}

/// A rule, and the calls that it is for.
type Earlier<'a> = (&'a Rule, &'a Vec<Calls>);

/// Those of `which` that stand before a rule and take some of its calls. A table takes only what stands in it.
fn earlier<'a>(
    context: &'a Context,
    sets: &'a [Vec<Calls>],
    own: &[Calls],
    at: usize,
    which: impl Iterator<Item = usize>,
) -> Vec<Earlier<'a>> {
    let meet = |theirs: &[Calls]| own.iter().any(|own| theirs.iter().any(|theirs| own.meets(theirs)));
    which
        .take_while(|which| *which < at)
        .filter_map(|which| context.rules.get(which).zip(sets.get(which)))
        .filter(|(rule, theirs)| !matches!(rule.action.value, Action::Table(_)) && meet(theirs))
        .collect()
}

/// All calls that a rule is for.
fn calls_of(rule: &Rule, trunks: &[TrunkName], windows: &mut Windows) -> Vec<Calls> {
    let trunk = match &rule.trunk {
        None => u64::MAX,
        // The first bit is for calls by no trunk. A rule of the 63rd trunk or a later one is
        // never called unreachable.
        Some(trunk) => match trunks.iter().position(|known| *known == trunk.value) {
            Some(at) if at < 62 => 1 << (at + 1),
            Some(_) | None => return Vec::new(),
        },
    };
    let flag = |wanted: Option<bool>| wanted.map_or(3, |wanted| if wanted { 2 } else { 1 });
    let (minutes, clocks) = match &rule.when {
        None => (None, BTreeMap::new()),
        Some(When::Window(window)) => (Some(windows.minutes(window)), BTreeMap::new()),
        Some(When::Office { office, open }) => (None, BTreeMap::from([(Clock::Office(*office), *open)])),
        Some(When::During(calendar)) => (None, BTreeMap::from([(Clock::Calendar(*calendar), true)])),
    };
    let parties = |patterns: &[Placed<Pattern>]| match patterns {
        [] => vec![Party::Anybody],
        patterns => patterns.iter().map(|pattern| Party::from(&pattern.value)).collect(),
    };
    let languages = match rule.accepts.is_empty() {
        true => Languages::AllBut(BTreeSet::new()),
        false => Languages::These(rule.accepts.clone()),
    };
    // Who names a caller wants one: nobody who shows none.
    let withheld = if rule.caller.is_empty() { flag(rule.withheld) } else { flag(rule.withheld) & 1 };
    let whole = |parties: [Party; 4]| Calls {
        parties,
        languages: languages.clone(),
        trunks: trunk,
        secure: flag(rule.secure),
        withheld,
        minutes: minutes.clone(),
        clocks: clocks.clone(),
    };
    let (callers, asserted, diversions) = (parties(&rule.caller), parties(&rule.asserted), parties(&rule.diversion));
    let mut found = Vec::new();
    for called in parties(&rule.called) {
        for caller in &callers {
            for asserted in &asserted {
                let each =
                    |diversion: &Party| whole([called.clone(), caller.clone(), asserted.clone(), diversion.clone()]);
                found.extend(diversions.iter().map(each));
            }
        }
    }
    found
}

/// A week that begins on a Monday, without a change of the clock.
const MONDAY: Date = date(2026, 11, 23);

/// The minutes of each window, told once.
#[derive(Default)]
struct Windows(BTreeMap<(Vec<i8>, Time, Time), Arc<Minutes>>);

impl Windows {
    fn minutes(&mut self, window: &Window) -> Arc<Minutes> {
        let days = window.days.iter().map(|day| day.to_monday_zero_offset()).collect();
        let told = self.0.entry((days, window.from, window.to)).or_insert_with(|| {
            Arc::new(Minutes::of(|minute| {
                let span = jiff::Span::new().minutes(i64::try_from(minute).unwrap_or_default());
                MONDAY.at(0, 0, 0, 0).checked_add(span).is_ok_and(|time| window.holds_at(time))
            }))
        });
        told.clone()
    }
}
