//! Ways of a call from context to context: each has an end, and none is a loop.

use super::super::{Action, Context, Placed};
use super::Findings;

pub(super) fn lint(findings: &mut Findings<'_>) {
    let plan = findings.plan;
    for (number, context) in plan.contexts.iter().enumerate() {
        for (next, place) in ways(context) {
            if leads_to(&plan.contexts, next, number) {
                let name = |context: usize| plan.contexts.get(context).map_or("", |context| &context.name);
                let message = format!("this is a loop: {:?} leads back to {:?}", name(next), name(number));
                findings.error(&place, message, String::from("let one of the ways end: reject, closed, menu or room"));
            }
        }
    }
    let is_entry = |number: usize| number == 0 || plan.entries.values().any(|entry| *entry == number);
    let is_sent_to =
        |number: usize| plan.rules().any(|rule| matches!(rule.action.value, Action::Go(to) if to == number));
    for (number, context) in plan.contexts.iter().enumerate() {
        let is_reached =
            is_entry(number) || plan.contexts.iter().any(|other| ways(other).any(|(next, _)| next == number));
        let Some(first) = context.rules.first().map(|rule| rule.name.clone()) else { continue };
        if !is_reached {
            let message = format!("no call gets into context {:?}", context.name);
            let help = format!(
                "name it in a rule: go = {:?}, or give it a trunk: [contexts.{}] trunks = [\"…\"]",
                context.name, context.name
            );
            findings.warning(&first, message, help);
        } else if (is_entry(number) || is_sent_to(number)) && !ends(&plan.contexts, number, &mut Vec::new()) {
            let last = context.rules.last().map_or(first, |rule| rule.name.clone());
            let which = if number == 0 { String::new() } else { format!(" in context {:?}", context.name) };
            let message = format!("no rule{which} is for the rest: other numbers are refused with 404");
            let help =
                String::from("if that is meant, say so with a last rule: called = \"*\", reject = \"not-found\"");
            findings.warning(&last, message, help);
        }
    }
}

/// The contexts that a call may get into from here, and where that is written.
fn ways(context: &Context) -> impl Iterator<Item = (usize, Placed<()>)> {
    let place = |file: usize, span: &std::ops::Range<usize>| Placed { value: (), file, span: span.clone() };
    let go = context.rules.iter().filter_map(move |rule| match rule.action.value {
        Action::Go(next) => Some((next, place(rule.action.file, &rule.action.span))),
        Action::Decide(_) | Action::Table(_) => None,
    });
    go.chain(context.include.iter().map(move |included| (included.value, place(included.file, &included.span))))
}

fn leads_to(contexts: &[Context], from: usize, to: usize) -> bool {
    let (mut seen, mut waiting) = (Vec::new(), vec![from]);
    while let Some(here) = waiting.pop() {
        if here == to {
            return true;
        }
        if !seen.contains(&here) {
            seen.push(here);
            waiting.extend(contexts.get(here).into_iter().flat_map(ways).map(|(next, _)| next));
        }
    }
    false
}

/// Whether every call that gets here is for some rule.
fn ends(contexts: &[Context], number: usize, seen: &mut Vec<usize>) -> bool {
    if seen.contains(&number) {
        return false;
    }
    seen.push(number);
    let Some(context) = contexts.get(number) else { return false };
    let takes_all =
        |rule: &super::super::Rule| rule.is_for_everybody() && !matches!(rule.action.value, Action::Table(_));
    context.rules.iter().any(takes_all) || context.include.iter().any(|included| ends(contexts, included.value, seen))
}
