//! 110 and 112: their own rule takes them, from everybody and at any time, or nothing does.

use super::super::decide::Facts;
use super::super::pattern::{EMERGENCY, Pattern};
use super::super::{Action, Rule, Surroundings};
use super::{Findings, TUESDAY_AT_TEN};
use crate::words::{Both, both};

/// Rules that could take an emergency call and are not for it, and those that are, but not always.
pub(super) fn rules(findings: &mut Findings<'_>) {
    for rule in findings.plan.rules() {
        let is_for_it = matches!(&rule.action.value, Action::Decide(decision) if decision.is_for_emergencies());
        if is_for_it && !rule.has_no_condition() {
            let message = both!(
                "Die Regel {:?} ist für Notrufe, aber nicht von jedem und zu jeder Zeit",
                "rule {:?} is for emergencies, but not from everybody and at any time",
                rule.name.value
            );
            let help = (
                "Lassen Sie darin weg, wonach sie außerdem fragt: nur called gehört hinein",
                "leave out of it whatever else it asks for: only called is for it",
            );
            findings.error(&rule.name, message, help);
        }
        // A way on to another context decides nothing yet.
        if is_for_it || matches!(rule.action.value, Action::Go(_)) {
            continue;
        }
        for called in &rule.called {
            if let Some(emergency) = EMERGENCY.iter().find(|emergency| could_take(&called.value, emergency)) {
                let message = both!(
                    "Die Regel {:?} könnte {} nehmen: Ein Notruf käme nicht an",
                    "rule {:?} could take {}: an emergency call would end in a conference",
                    rule.name.value,
                    emergency
                );
                let help = both!(
                    "Fassen Sie das Muster enger (1[2-9]X lässt {} aus), oder geben Sie Notrufen eine Regel mit `emergency`",
                    "narrow the pattern (1[2-9]X leaves {} out), or give emergency calls a rule with `emergency`",
                    emergency
                );
                findings.error(called, message, help);
            }
        }
    }
}

fn could_take(pattern: &Pattern, emergency: &str) -> bool {
    matches!(pattern, Pattern::Digits { international: false, .. }) && pattern.fits_digits(emergency)
}

/// Ways by which an emergency call gets nowhere.
pub(super) fn calls(findings: &mut Findings<'_>, around: &Surroundings) {
    let plan = findings.plan;
    let Some(last) = plan.rules().last().map(|rule: &Rule| rule.name.clone()) else { return };
    let Ok(now) = TUESDAY_AT_TEN.to_zoned_datetime(around.zone.clone()) else { return };
    let trunks = std::iter::once(None).chain(plan.entries.keys().cloned().map(Some));
    for trunk in trunks {
        let lost: Vec<&str> = EMERGENCY
            .into_iter()
            .filter(|number| {
                let facts = Facts { called: (*number).to_owned(), trunk: trunk.clone(), ..Facts::default() };
                plan.decide(&facts, &now).is_none()
            })
            .collect();
        if lost.is_empty() {
            continue;
        }
        let (german, english) = trunk.map_or_else(Default::default, |trunk| {
            (format!(" über den Anschluss {trunk}"), format!(" by trunk {trunk}"))
        });
        let message = Both::new(
            format!("Keine Regel ist für Anrufe an {}{german}: Sie werden mit 404 abgewiesen", lost.join(" und ")),
            format!("no rule is for calls to {}{english}: they are refused with 404", lost.join(" and ")),
        );
        let help = (
            "Ergänzen Sie eine Regel: called = [\"110\", \"112\"], emergency = true",
            "add a rule: called = [\"110\", \"112\"], emergency = true",
        );
        findings.warning(&last, message, help);
    }
}
