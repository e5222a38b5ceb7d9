//! Offices that call back: whether what they speak of is there, and whom callers could have called on our bill.

use super::super::pattern::{Pattern, Tail};
use super::super::problem::there_are;
use super::super::sets::Numbers;
use super::super::{Action, Callback, Decision, Named, Placed, Plan, Reject, Rule, Surroundings};
use super::numbers::international;
use super::placing::{is_no_emergency, trunk_of};
use super::{Findings, PROMPTS, is_outside, no_prompt};
use crate::words::{PhoneNumber, Purpose, both};

pub(super) fn lint(findings: &mut Findings<'_>, around: &Surroundings) {
    let plan = findings.plan;
    for Named { name, value: callback, .. } in &plan.callbacks {
        for callee in &callback.agents {
            trunk_of(findings, name, &callee.trunk, around);
            if is_no_emergency(findings, name, callee) && is_outside(&callee.user) {
                agent_outside(findings, name, callback, &callee.user);
            }
        }
        if !callback.agents.iter().any(|callee| callee.trunk == callback.outside) {
            trunk_of(findings, name, &callback.outside, around);
        }
        if let Some(say) = callback.say.as_ref().filter(|say| !around.prompts.contains(say)) {
            findings.error(name, no_prompt(say), there_are(&around.prompts, PROMPTS));
        }
        if let Some(identity) = &callback.identity {
            identity_of(findings, name, identity.reveal(Purpose::Routing), around);
        }
        times(findings, name, callback);
        numbers(findings, name, callback, around);
    }
}

/// Whoever asks has an agent elsewhere called.
fn agent_outside(findings: &mut Findings<'_>, name: &Placed<String>, callback: &Callback, user: &str) {
    let leads_there = |rule: &&Rule| match &rule.action.value {
        Action::Decide(Decision::Callback(other)) => other.name == callback.name,
        Action::Decide(Decision::Queue(queue)) => {
            queue.callback.as_ref().is_some_and(|by| by.callback.name == callback.name)
        }
        Action::Decide(_) | Action::Go(_) | Action::Table(_) => false,
    };
    let open = findings.plan.rules().filter(leads_there).find(|rule| rule.caller.is_empty());
    if let Some(rule) = open {
        let message = both!(
            "Jeder Anrufer kann über die Regel {1:?} auf Ihre Kosten {0} anrufen lassen",
            "whoever calls may have {0} called by rule {1:?}, and the call goes on your bill",
            user,
            rule.name.value
        );
        let help = (
            "Lassen Sie eine Durchwahl zurückrufen, oder ergänzen Sie in der Regel caller = \"…\"",
            "let an extension call back, or add caller = \"…\" to that rule",
        );
        findings.warning(name, message, help);
    }
}

/// Whoever is called back sees a number that leads to us.
fn identity_of(findings: &mut Findings<'_>, name: &Placed<String>, identity: &PhoneNumber, around: &Surroundings) {
    let own: Vec<Numbers> = around.blocks.iter().filter_map(international).collect();
    let Some(digits) = identity.as_str().strip_prefix('+') else { return };
    if !own.is_empty() && !Numbers::from(digits).less_all(&own).is_empty() {
        let message = both!(
            "Gezeigt wird {}, und das gehört nicht zu Ihren eigenen Nummern",
            "{} is shown, which is not one of the institution's own numbers",
            identity.as_str()
        );
        let help = ("Zeigen Sie eine Nummer, unter der man Sie erreicht", "show a number at which people reach you");
        findings.warning(name, message, help);
    }
}

fn times(findings: &mut Findings<'_>, name: &Placed<String>, callback: &Callback) {
    let last = callback.pause.saturating_mul(callback.tries.saturating_sub(1));
    if last >= callback.keep {
        let message = both!(
            "Der letzte von {} Versuchen kommt erst, wenn der Rückrufwunsch gelöscht ist",
            "the last of {} tries comes when the request has been erased",
            callback.tries
        );
        let help = (
            "Bewahren Sie Rückrufwünsche länger auf, oder versuchen Sie es früher wieder",
            "keep requests for more days, or try sooner again",
        );
        findings.warning(name, message, help);
    }
}

/// Callers choose the number: none may be dear, abroad, or one that the plan refuses.
fn numbers(findings: &mut Findings<'_>, name: &Placed<String>, callback: &Callback, around: &Surroundings) {
    let plan = findings.plan;
    let Some(code) = around.home.code() else { return };
    let country = Numbers::new(Numbers::from(code.as_str()).sets(), Tail::Any);
    let mut wanted = Vec::new();
    for placed in &callback.numbers {
        let Some(numbers) = international(&placed.value) else {
            let message = (
                "Damit könnten Anrufer Nummern in aller Welt anrufen lassen",
                "by this callers could have numbers called all over the world",
            );
            let help = both!("Schreiben Sie Nummern unseres Landes: +{}…", "write numbers of our country: +{}…", code);
            findings.error(placed, message, help);
            continue;
        };
        if !numbers.less_all(std::slice::from_ref(&country)).is_empty() {
            let message = (
                "Ein Rückruf geht nur an Nummern unseres eigenen Landes",
                "a callback calls only numbers of our own country",
            );
            let help = both!("Schreiben Sie Nummern, die mit +{} beginnen", "write numbers that begin with +{}", code);
            findings.error(placed, message, help);
        } else if let Some(begin) = fixed(&placed.value).filter(|begin| !around.home.begins_ordinary(begin)) {
            let message = both!(
                "+{}… sind keine gewöhnlichen Telefone, sondern teure oder Sonderrufnummern",
                "+{}… are no ordinary telephones: they are premium or special numbers",
                begin
            );
            let help =
                ("Lassen Sie sie weg: Ein Rückruf geht nie dorthin", "leave them out: a callback never calls them");
            findings.error(placed, message, help);
        } else {
            wanted.push(numbers);
        }
    }
    if callback.numbers.is_empty() {
        wanted.push(country);
    }
    if !wanted.is_empty() && wanted.iter().all(|wanted| wanted.less_all(&refused(plan)).is_empty()) {
        let message = both!(
            "Regeln weisen alle Nummern ab, die {:?} zurückrufen könnte",
            "rules refuse all numbers that {:?} could call back",
            callback.name
        );
        let help = (
            "Fassen Sie die Regeln enger, die sie abweisen: Ein Rückruf geht an keine Nummer, die Anrufer nicht erreichen dürfen",
            "narrow the rules that reject them: a callback calls no number that callers may not reach",
        );
        findings.error(name, message, help);
    }
}

/// The digits with which all numbers of a pattern begin.
fn fixed(pattern: &Pattern) -> Option<String> {
    let sets = international(pattern)?;
    let digits = sets.sets().iter().take_while(|set| set.count_ones() == 1);
    Some(digits.map(|set| set.trailing_zeros().to_string()).collect())
}

/// Numbers that the plan refuses to everybody.
fn refused(plan: &Plan) -> Vec<Numbers> {
    let refuses = |rule: &&Rule| {
        rule.has_no_condition()
            && matches!(
                rule.action.value,
                Action::Decide(Decision::Reject { why: Reject::Forbidden | Reject::NotFound })
            )
    };
    plan.rules().filter(refuses).flat_map(Rule::patterns).filter_map(international).collect()
}
