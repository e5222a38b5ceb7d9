//! Ways of a call from context to context: each has an end, and none is a loop.

use std::collections::BTreeSet;

use super::super::{Action, Context, Placed, Rule};
use super::Findings;
use crate::words::{Both, both};

pub(super) fn lint(findings: &mut Findings<'_>) {
    let plan = findings.plan;
    let map = Map::new(&plan.contexts);
    for (number, context) in plan.contexts.iter().enumerate() {
        let leading_back: BTreeSet<usize> = map.next(number).filter(|next| map.leads_to(*next, number)).collect();
        for (next, place) in ways(context).filter(|(next, _)| leading_back.contains(next)) {
            let name = |context: usize| plan.contexts.get(context).map_or("", |context| &context.name);
            let message = both!(
                "Das ist ein Kreis: {:?} führt zurück zu {:?}",
                "this is a loop: {:?} leads back to {:?}",
                name(next),
                name(number)
            );
            let help = (
                "Lassen Sie einen der Wege enden: reject, closed, menu oder room",
                "let one of the ways end: reject, closed, menu or room",
            );
            findings.error(&place, message, help);
        }
    }
    let is_entry = |number: usize| number == 0 || plan.entries.values().any(|entry| *entry == number);
    let sent_to: BTreeSet<usize> = plan.rules().filter_map(next).collect();
    for (number, context) in plan.contexts.iter().enumerate() {
        let is_reached = is_entry(number) || map.is_reached(number);
        let Some(first) = context.rules.first().map(|rule| rule.name.clone()) else { continue };
        if !is_reached {
            let message = both!("In den Kontext {:?} kommt kein Anruf", "no call gets into context {:?}", context.name);
            let help = both!(
                "Nennen Sie ihn in einer Regel: go = {0:?}, oder geben Sie ihm einen Anschluss: [contexts.{0}] trunks = [\"…\"]",
                "name it in a rule: go = {0:?}, or give it a trunk: [contexts.{0}] trunks = [\"…\"]",
                context.name
            );
            findings.warning(&first, message, help);
        } else if (is_entry(number) || sent_to.contains(&number)) && !ends(&plan.contexts, number, &mut Vec::new()) {
            let last = context.rules.last().map_or(first, |rule| rule.name.clone());
            let message = match number {
                0 => Both::new(
                    "Keine Regel ist für den Rest: Andere Nummern werden mit 404 abgewiesen",
                    "no rule is for the rest: other numbers are refused with 404",
                ),
                _ => both!(
                    "Keine Regel im Kontext {:?} ist für den Rest: Andere Nummern werden mit 404 abgewiesen",
                    "no rule in context {:?} is for the rest: other numbers are refused with 404",
                    context.name
                ),
            };
            let help = (
                "Ist das gewollt, dann sagen Sie es mit einer letzten Regel: called = \"*\", reject = \"not-found\"",
                "if that is meant, say so with a last rule: called = \"*\", reject = \"not-found\"",
            );
            findings.warning(&last, message, help);
        }
    }
}

/// The contexts that a call may get into from here, and where that is written.
fn ways(context: &Context) -> impl Iterator<Item = (usize, Placed<()>)> {
    let place = |file: usize, span: &std::ops::Range<usize>| Placed { value: (), file, span: span.clone() };
    let go =
        context.rules.iter().filter_map(move |rule| Some((next(rule)?, place(rule.action.file, &rule.action.span))));
    go.chain(context.include.iter().map(move |included| (included.value, place(included.file, &included.span))))
}

/// Where a rule sends a call, at once or if its action comes to nothing.
fn next(rule: &Rule) -> Option<usize> {
    match &rule.action.value {
        Action::Go(next) => Some(*next),
        Action::Decide(decision) => decision.onward().map(|onward| onward.0),
        Action::Table(_) => None,
    }
}

/// From which context a call may get into which.
struct Map(Vec<BTreeSet<usize>>);

impl Map {
    fn new(contexts: &[Context]) -> Self {
        Self(contexts.iter().map(|context| ways(context).map(|(next, _)| next).collect()).collect())
    }

    fn next(&self, from: usize) -> impl Iterator<Item = usize> {
        self.0.get(from).into_iter().flatten().copied()
    }

    fn is_reached(&self, context: usize) -> bool {
        self.0.iter().any(|next| next.contains(&context))
    }

    fn leads_to(&self, from: usize, to: usize) -> bool {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![from]);
        while let Some(here) = waiting.pop() {
            if here == to {
                return true;
            }
            if seen.insert(here) {
                waiting.extend(self.next(here));
            }
        }
        false
    }
}

/// Whether every call that gets here is for some rule.
fn ends(contexts: &[Context], number: usize, seen: &mut Vec<usize>) -> bool {
    if seen.contains(&number) {
        return false;
    }
    seen.push(number);
    let Some(context) = contexts.get(number) else { return false };
    let takes_all = |rule: &Rule| rule.is_for_everybody() && !matches!(rule.action.value, Action::Table(_));
    context.rules.iter().any(takes_all) || context.include.iter().any(|included| ends(contexts, included.value, seen))
}
