//! Numbers that a rule is for, and perhaps should not be: those of others, those that another rule takes in part, and regular
//! expressions that could be patterns.

use std::collections::BTreeSet;

use super::super::expression::Expression;
use super::super::pattern::Pattern;
use super::super::sets::{Numbers, Party, are_within};
use super::super::{Action, Context, Decision, Placed, Rule, Surroundings};
use super::Findings;
use crate::words::{Both, both};

/// Of a table, so many rows are told of.
const MOST_ROWS: usize = 10;

pub(super) fn lint(findings: &mut Findings<'_>, around: &Surroundings) {
    expressions(findings);
    overlaps(findings);
    let own: Vec<Numbers> = around.blocks.iter().filter_map(international).collect();
    if !own.is_empty() {
        outside(findings, &own);
        rows_outside(findings, &own);
    }
}

/// Patterns can be compared, expressions cannot: what could be a pattern should be one.
fn expressions(findings: &mut Findings<'_>) {
    let plan = findings.plan;
    for rule in plan.rules() {
        let patterns = [&rule.called, &rule.caller, &rule.asserted, &rule.diversion];
        for placed in patterns.into_iter().flatten() {
            let Pattern::Expression(expression) = &placed.value else { continue };
            if let Some(help) = as_patterns(expression) {
                let message = (
                    "Dieser reguläre Ausdruck könnte ein Muster sein, und Muster lassen sich vergleichen",
                    "this regular expression could be a pattern, which the lint can compare",
                );
                findings.warning(placed, message, help);
            }
        }
    }
}

fn as_patterns(expression: &Expression) -> Option<Both> {
    let patterns = expression.as_patterns()?;
    let quoted: Vec<String> = patterns.iter().map(|pattern| format!("{pattern:?}")).collect();
    Some(match quoted.as_slice() {
        [one] => both!("Schreiben Sie {}", "write {}", one),
        many => both!("Schreiben Sie [{}]", "write [{}]", many.join(", ")),
    })
}

/// Two rules that share some numbers, though neither has all of the other's: one of the ranges is likely mistyped.
fn overlaps(findings: &mut Findings<'_>) {
    let plan = findings.plan;
    for context in &plan.contexts {
        for (at, rule) in context.rules.iter().enumerate() {
            let mut told = BTreeSet::new();
            for pattern in &rule.called {
                let place = (pattern.file, pattern.span.start);
                if told.contains(&place) {
                    continue;
                }
                let earlier = context.index.takers(std::iter::once(&pattern.value));
                let earlier = earlier.into_iter().map(|earlier| earlier as usize).take_while(|earlier| *earlier < at);
                let found = earlier
                    .filter_map(|earlier| context.rules.get(earlier))
                    .find_map(|earlier| Some((earlier, shared(context, earlier, rule, pattern)?)));
                let Some((earlier, number)) = found else { continue };
                told.insert(place);
                let (theirs, ours) = (&earlier.name.value, &rule.name.value);
                let message = both!(
                    "Die Nummern von {:?} überschneiden sich mit denen von {:?} ({}): {} kommt zu {1:?}",
                    "the numbers of {:?} overlap those of {:?} ({}): {} gets to {1:?}",
                    ours,
                    theirs,
                    plan.place(earlier),
                    number
                );
                let help = (
                    "Lassen Sie die einen enden, wo die anderen beginnen",
                    "let one of them end where the other begins",
                );
                findings.warning(pattern, message, help);
            }
        }
    }
}

/// The first number that both are for, if neither of the patterns that share it lies within the other rule.
fn shared(context: &Context, earlier: &Rule, rule: &Rule, pattern: &Placed<Pattern>) -> Option<String> {
    if !context.may_meet(earlier, rule) {
        return None;
    }
    let parties = |rule: &Rule| rule.patterns().map(Party::from).collect::<Vec<_>>();
    let own = Party::from(&pattern.value);
    // A range is several patterns in one place.
    let range = |rule: &Rule, one: &Placed<Pattern>| -> Vec<Party> {
        let same = rule.called.iter().filter(|other| other.file == one.file && other.span == one.span);
        same.map(|other| Party::from(&other.value)).collect()
    };
    let within = |range: Vec<Party>, rule: &Rule| are_within(range, &parties(rule));
    earlier.called.iter().find_map(|other| {
        let both = own.shared(&Party::from(&other.value))?;
        let is_part = within(range(rule, pattern), earlier) || within(range(earlier, other), rule);
        (!is_part).then_some(both)
    })
}

impl Context {
    /// Whether a call may be for both, but for its number. A table takes only what stands in it.
    fn may_meet(&self, one: &Rule, other: &Rule) -> bool {
        let differs = |one: Option<bool>, two: Option<bool>| one.zip(two).is_some_and(|(one, two)| one != two);
        let trunks = one.trunk.as_ref().zip(other.trunk.as_ref());
        !matches!(one.action.value, Action::Table(_))
            && trunks.is_none_or(|(one, two)| one.value == two.value)
            && !differs(one.secure, other.secure)
            && !differs(one.withheld, other.withheld)
    }
}

/// Rules for international numbers that are not the institution's own. Who refuses them, or lets only some callers, means it.
fn outside(findings: &mut Findings<'_>, own: &[Numbers]) {
    let plan = findings.plan;
    for rule in plan.rules() {
        let is_meant = matches!(rule.action.value, Action::Decide(Decision::Reject { .. }))
            || !rule.caller.is_empty()
            || !rule.asserted.is_empty();
        for placed in rule.called.iter().filter(|_| !is_meant) {
            let Some(numbers) = international(&placed.value) else { continue };
            // What is left open may well be for others, too.
            if numbers.is_open() && own.iter().any(|own| own.meets(&numbers)) {
                continue;
            }
            if let Some(left) = numbers.less_all(own).first() {
                findings.warning(placed, not_own(&format!("+{}", left.first())), OWN);
                break;
            }
        }
    }
}

fn rows_outside(findings: &mut Findings<'_>, own: &[Numbers]) {
    let plan = findings.plan;
    for table in &plan.tables {
        let Placed { value, file, .. } = &table.value;
        let outside = value.places().filter_map(|(number, span)| {
            let digits = number.strip_prefix('+')?;
            (!Numbers::from(digits).less_all(own).is_empty()).then_some((number, span))
        });
        let mut outside: Vec<(&str, _)> = outside.collect();
        outside.sort_by_key(|(_, span): &(&str, &std::ops::Range<usize>)| span.start);
        let more = outside.len().saturating_sub(MOST_ROWS);
        for (at, (number, span)) in outside.into_iter().take(MOST_ROWS).enumerate() {
            let mut message = not_own(number);
            if at + 1 == MOST_ROWS && more > 0 {
                message = message.then(", ", &both!("ebenso {} darunter nicht", "nor are {} below it", more));
            }
            findings.warning(&Placed { value: (), file: *file, span: span.clone() }, message, OWN);
        }
    }
}

fn not_own(number: &str) -> Both {
    both!("{} gehört nicht zu Ihren eigenen Nummern", "{} is not one of the institution's own numbers", number)
}

const OWN: (&str, &str) = (
    "Berichtigen Sie sie, oder ergänzen Sie sie bei blocks unter [dialplan] in der Konfiguration",
    "correct it, or add it to blocks in [dialplan] of the configuration",
);

pub(super) fn international(pattern: &Pattern) -> Option<Numbers> {
    match pattern {
        Pattern::Digits { international: true, sets, tail } => Some(Numbers::new(sets, *tail)),
        Pattern::Digits { .. } | Pattern::Everything | Pattern::Name(_) | Pattern::Expression(_) => None,
    }
}
