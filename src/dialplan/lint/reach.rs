//! Rules that can never decide. Told exactly, by sets of calls.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};

use super::super::sets::{Calls, Minutes, Party, left_of};
use super::super::window::Window;
use super::super::{Action, Rule, Surroundings, When};
use super::Findings;
use crate::words::TrunkName;

pub(super) fn lint(findings: &mut Findings<'_>, around: &Surroundings) {
    let plan = findings.plan;
    for context in &plan.contexts {
        let sets: Vec<Vec<Calls>> = context.rules.iter().map(|rule| calls_of(rule, &around.trunks)).collect();
        for (at, (rule, own)) in context.rules.iter().zip(&sets).enumerate() {
            let earlier: Vec<(&Rule, &Vec<Calls>)> = context
                .rules
                .iter()
                .zip(&sets)
                .take(at)
                .filter(|(earlier, theirs)| {
                    !matches!(earlier.action.value, Action::Table(_))
                        && own.iter().any(|own| theirs.iter().any(|theirs| own.meets(theirs)))
                })
                .collect();
            let takers = earlier.iter().flat_map(|(_, theirs)| theirs.iter());
            if own.is_empty() || !left_of(own.clone(), takers).is_some_and(|left| left.is_empty()) {
                continue;
            }
            let alone = earlier
                .iter()
                .find(|(_, theirs)| left_of(own.clone(), theirs.iter()).is_some_and(|left| left.is_empty()));
            let place = |rule: &Rule| format!("{:?} ({})", rule.name.value, plan.place(rule));
            let (who, help) = match alone {
                Some((taker, _)) => (
                    format!("{} already takes every such call", place(taker)),
                    format!("move it above {:?}, or narrow that rule", taker.name.value),
                ),
                None => (
                    format!(
                        "{} together already take every such call",
                        earlier.iter().map(|(rule, _)| place(rule)).collect::<Vec<_>>().join(" and ")
                    ),
                    String::from("move it above them, or narrow them"),
                ),
            };
            let message = format!("rule {:?} can never decide: {who}", rule.name.value);
            match rule.called.first() {
                Some(called) => findings.error(called, message, help),
                None => findings.error(&rule.name, message, help),
            }
        }
    }
}

/// All calls that a rule is for.
fn calls_of(rule: &Rule, trunks: &[TrunkName]) -> Vec<Calls> {
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
    let (minutes, offices) = match &rule.when {
        None => (None, BTreeMap::new()),
        Some(When::Window(window)) => (Some(minutes_of(window)), BTreeMap::new()),
        Some(When::Office { office, open }) => (None, BTreeMap::from([(*office, *open)])),
    };
    let callers: Vec<Party> = match rule.caller.as_slice() {
        [] => vec![Party::Anybody],
        callers => callers.iter().map(|caller| Party::from(&caller.value)).collect(),
    };
    // Who names a caller wants one: nobody who shows none.
    let withheld = if rule.caller.is_empty() { flag(rule.withheld) } else { flag(rule.withheld) & 1 };
    let called = rule.called.iter().map(|called| Party::from(&called.value));
    called
        .flat_map(|called| callers.iter().map(move |caller| (called.clone(), caller.clone())))
        .map(|(called, caller)| Calls {
            called,
            caller,
            trunks: trunk,
            secure: flag(rule.secure),
            withheld,
            minutes: minutes.clone(),
            offices: offices.clone(),
        })
        .collect()
}

/// A week that begins on a Monday, without a change of the clock.
const MONDAY: Date = date(2026, 11, 23);

fn minutes_of(window: &Window) -> Minutes {
    Minutes::of(|minute| {
        let span = jiff::Span::new().minutes(i64::try_from(minute).unwrap_or_default());
        MONDAY.at(0, 0, 0, 0).checked_add(span).is_ok_and(|time| window.holds_at(time))
    })
}
