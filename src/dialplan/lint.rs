//! Mistakes that a plan can have although each line of it can be read.

use std::collections::BTreeMap;
use std::ops::Range;

use super::decide::Facts;
use super::pattern::{EMERGENCY, Pattern};
use super::problem::{Problem, Severity};
use super::{Decision, Example, Plan, Rule, Surroundings};

pub(super) fn lint(plan: &Plan, examples: &[Example], around: &Surroundings, problems: &mut Vec<Problem>) {
    let unreadable = !problems.is_empty();
    let mut say = |file: usize, span: &Range<usize>, severity, message: String, help: String| {
        if let Some(source) = plan.sources.get(file) {
            problems.push(Problem::new(source, span.clone(), severity, message, help));
        }
    };
    let mut seen: BTreeMap<&str, &Rule> = BTreeMap::new();
    for (number, rule) in plan.rules.iter().enumerate() {
        let before = plan.rules.get(..number).unwrap_or_default();
        if let Some(first) = seen.insert(&rule.name, rule) {
            let message = format!("there are two rules {:?}; the other is at {}", rule.name, plan.place(first));
            say(rule.file, &rule.span, Severity::Error, message, String::from("give one of them another name"));
        }
        if let Some(earlier) = before.iter().find(|earlier| takes_all_of(earlier, rule)) {
            let message = format!(
                "rule {:?} can never decide: {:?} ({}) already takes every such call",
                rule.name,
                earlier.name,
                plan.place(earlier)
            );
            let help = format!("move it above {:?}, or narrow that rule", earlier.name);
            say(
                rule.file,
                &rule.called.first().map_or_else(|| rule.span.clone(), |called| called.span.clone()),
                Severity::Error,
                message,
                help,
            );
        }
        for called in &rule.called {
            for emergency in EMERGENCY {
                let taken = matches!(rule.action, Decision::Emergency { .. });
                if !taken && could_take(&called.value, emergency) {
                    let message = format!(
                        "rule {:?} could take {emergency}: an emergency call would end in a conference",
                        rule.name
                    );
                    let help = format!(
                        "narrow the pattern (1[2-9]X leaves {emergency} out), or give emergency calls a rule with `emergency`"
                    );
                    say(rule.file, &called.span, Severity::Error, message, help);
                }
            }
        }
        if let Decision::Room { room } = &rule.action
            && !around.rooms.contains(room)
        {
            let help = there_are(&around.rooms, "no room is set up yet: add [[meetings]] to the configuration");
            say(rule.file, &rule.action_span, Severity::Error, format!("there is no room {room}"), help);
        }
        if let Some(trunk) = rule.trunk.as_ref().filter(|trunk| !around.trunks.contains(&trunk.value)) {
            let help = there_are(&around.trunks, "no trunk is set up yet: add [[trunks]] to the configuration");
            say(rule.file, &trunk.span, Severity::Error, format!("there is no trunk {}", trunk.value), help);
        }
    }
    // An example says nothing of a plan that could not be read whole.
    if unreadable {
        return;
    }
    for example in examples {
        if let Some((message, help)) = fails(plan, example) {
            say(example.file, &example.span, Severity::Error, message, help);
        }
    }
    if let Some(last) = plan.rules.last()
        && !plan
            .rules
            .iter()
            .any(|rule| rule.is_for_everybody() && rule.called.iter().any(|called| called.value == Pattern::Everything))
    {
        let message = String::from("no rule is for the rest: other numbers are refused with 404");
        let help = String::from("if that is meant, say so with a last rule: called = \"*\", reject = \"not-found\"");
        say(last.file, &last.span, Severity::Warning, message, help);
    }
}

fn there_are(names: &[impl ToString], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    format!("there are: {}", names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

impl Rule {
    const fn is_for_everybody(&self) -> bool {
        self.caller.is_empty() && self.trunk.is_none() && self.when.is_none()
    }
}

/// Whether every call that fits `later` fits `earlier`.
fn takes_all_of(earlier: &Rule, later: &Rule) -> bool {
    let numbers =
        later.called.iter().all(|called| earlier.called.iter().any(|other| other.value.covers(&called.value)));
    let callers = earlier.caller.is_empty()
        || (!later.caller.is_empty()
            && later.caller.iter().all(|caller| earlier.caller.iter().any(|other| other.value.covers(&caller.value))));
    let trunk = earlier.trunk.is_none()
        || earlier.trunk.as_ref().map(|trunk| &trunk.value) == later.trunk.as_ref().map(|trunk| &trunk.value);
    let times = earlier.when.is_none() || earlier.when == later.when;
    !later.called.is_empty() && numbers && callers && trunk && times
}

fn could_take(pattern: &Pattern, emergency: &str) -> bool {
    matches!(pattern, Pattern::Digits { international: false, .. }) && pattern.fits_digits(emergency)
}

fn fails(plan: &Plan, example: &Example) -> Option<(String, String)> {
    if !plan.rules.iter().any(|rule| rule.name == example.expect) {
        return Some((
            format!("there is no rule {:?}", example.expect),
            String::from("name the rule that is to take this call"),
        ));
    }
    // A Tuesday at ten, if the example names no time.
    let at = example.at.unwrap_or_else(|| jiff::civil::datetime(2026, 11, 24, 10, 0, 0, 0));
    let now = at.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
    let facts = Facts { called: example.called.clone(), caller: example.from.clone(), trunk: example.trunk.clone() };
    let (_, trace) = plan.decide(&facts, &now);
    (trace.rule() != Some(&example.expect)).then(|| {
        let taken =
            trace.rule().map_or_else(|| String::from("no rule takes it"), |rule| format!("rule {rule:?} takes it"));
        let message = format!("a call to {:?} does not get to {:?}: {taken}", example.called, example.expect);
        (message, format!("`einwahl dialplan trace {:?}` shows why", example.called))
    })
}
