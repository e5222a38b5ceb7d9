//! Actions that place calls: whether what they speak of is there, and what they may cost.

use super::super::called::{Called, Reach};
use super::super::pattern::EMERGENCY;
use super::super::placing::Callee;
use super::super::problem::there_are;
use super::super::{Action, Decision, Placed, Rule, Surroundings};
use super::{Findings, NO_TRUNK, PROMPTS, is_outside, no_prompt, no_trunk, on_your_bill};
use crate::words::{TrunkName, both};

pub(super) fn lint(findings: &mut Findings<'_>, around: &Surroundings) {
    for rule in findings.plan.rules() {
        let decision = match &rule.action.value {
            Action::Decide(decision) => decision,
            Action::Table(table) => {
                rows_of(findings, rule, *table, around);
                continue;
            }
            Action::Go(_) => continue,
        };
        // Whoever is called back has a lint of their own.
        let callees = if matches!(decision, Decision::Callback(_)) { &[] } else { decision.callees() };
        for callee in callees {
            callee_of(findings, rule, &place_of(rule), callee, around);
        }
        if let Decision::Rescue(rescue) = decision {
            trunk_of(findings, &place_of(rule), &rescue.trunk, around);
        }
        if let Decision::Announce(saying) = decision
            && !around.prompts.contains(&saying.say)
        {
            findings.error(&rule.action, no_prompt(&saying.say), there_are(&around.prompts, PROMPTS));
        }
    }
}

fn place_of(rule: &Rule) -> Placed<()> {
    Placed { value: (), file: rule.action.file, span: rule.action.span.clone() }
}

/// Telephones of a table, each in its row. A table that two rules speak of is looked at for each.
fn rows_of(findings: &mut Findings<'_>, rule: &Rule, table: usize, around: &Surroundings) {
    let Some(table) = findings.plan.tables.get(table) else { return };
    let Placed { value, file, .. } = &table.value;
    let mut rows: Vec<_> = value.rows().filter(|row| !row.decision.callees().is_empty()).collect();
    rows.sort_by_key(|row| row.span.start);
    for row in rows {
        let place = Placed { value: (), file: *file, span: row.span.clone() };
        for callee in row.decision.callees() {
            callee_of(findings, rule, &place, callee, around);
        }
    }
}

fn callee_of(findings: &mut Findings<'_>, rule: &Rule, place: &Placed<()>, callee: &Callee, around: &Surroundings) {
    trunk_of(findings, place, &callee.trunk, around);
    let reach = match Called::read(&callee.user) {
        None => Reach { emergency: EMERGENCY.contains(&callee.user.as_str()), outside: is_outside(&callee.user) },
        Some(part) => rule.patterns().map(|pattern| part.reach(pattern)).fold(Reach::default(), |all, one| Reach {
            emergency: all.emergency || one.emergency,
            outside: all.outside || one.outside,
        }),
    };
    if reach.emergency && Called::read(&callee.user).is_some() {
        let message = both!(
            "{} der Regel {:?} könnte 110 oder 112 wie ein Telefon anrufen",
            "{} of rule {:?} could ring 110 or 112 like a telephone",
            callee.user,
            rule.name.value
        );
        let help = (
            "Fassen Sie das Muster der Regel enger: X, Z und [2-9] sagen, welche Ziffern dort stehen können",
            "narrow the rule's pattern: X, Z and [2-9] say which digits may stand there",
        );
        findings.error(place, message, help);
    } else if reach.emergency {
        is_no_emergency(findings, place, callee);
    } else if reach.outside && rule.caller.is_empty() {
        let help = (
            "Ergänzen Sie caller = \"…\" für die, die das dürfen, oder lassen Sie eine Durchwahl klingeln",
            "add caller = \"…\" for those who may, or ring an extension",
        );
        findings.warning(place, on_your_bill(&callee.user, rule), help);
    }
}

/// Whether nobody rings 110 or 112 like a telephone.
pub(super) fn is_no_emergency<T>(findings: &mut Findings<'_>, place: &Placed<T>, callee: &Callee) -> bool {
    let is_one = EMERGENCY.contains(&callee.user.as_str());
    if is_one {
        let message = both!(
            "{} klingelt hier wie ein Telefon: Ein Notruf braucht seine eigene Regel",
            "{} is rung like a telephone: an emergency call needs its own rule",
            callee.user
        );
        let help = both!(
            "Schreiben Sie emergency = {{ trunk = \"{}\", identity = \"+49…\" }}",
            "write emergency = {{ trunk = \"{}\", identity = \"+49…\" }}",
            callee.trunk
        );
        findings.error(place, message, help);
    }
    !is_one
}

pub(super) fn trunk_of<T>(findings: &mut Findings<'_>, place: &Placed<T>, trunk: &TrunkName, around: &Surroundings) {
    if !around.trunks.contains(trunk) {
        findings.error(place, no_trunk(trunk), there_are(&around.trunks, NO_TRUNK));
    } else if !around.dial.contains(trunk) {
        let message = both!(
            "Über den Anschluss {} kann niemand angerufen werden: Er sagt nicht, wohin Anrufe gehen",
            "by trunk {} nobody can be called: it does not say where calls go",
            trunk
        );
        let help = both!(
            "Ergänzen Sie beim Anschluss {} in der Konfiguration dial = \"sip:HOST:5060\"",
            "add dial = \"sip:HOST:5060\" to trunk {} in the configuration",
            trunk
        );
        findings.error(place, message, help);
    }
}
