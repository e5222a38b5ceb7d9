//! Where the numbers of a block lead. In: a block, the facts of a call beside its number, and the time. Out: stretches of
//! numbers, each with the rule that takes them, or none.
//!
//! Not number by number: each rule takes its part out of what is left, as sets, in the order in which a call would meet it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::decide::{Facts, Matter};
use super::super::expression::Expression;
use super::super::number::{Dialled, plain};
use super::super::pattern::{ANY, EMERGENCY, Pattern, Tail};
use super::super::sets::Numbers;
use super::super::table::Table;
use super::super::{Action, Decision, Plan, Rule};
use super::runs::Runs;
use super::sentence::not_covered;
use crate::words::{Both, Language};

/// Numbers that belong together: in the international form, or extensions as they are dialled in the house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    international: bool,
    /// By length.
    numbers: BTreeMap<usize, Vec<Numbers>>,
}

/// Not a block of numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.said(Language::En))]
pub struct InvalidBlock(pub Both);

/// Some numbers without a gap that lead to the same place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stretch {
    /// The first.
    pub from: String,
    /// The last.
    pub to: String,
    /// How many they are.
    pub count: u64,
    /// The rule that takes them; none, if no rule does.
    pub rule: Option<String>,
    /// The file in which it stands.
    pub file: Option<String>,
    /// The line of its name, from 1.
    pub line: Option<usize>,
    /// What happens to them.
    pub consequence: String,
    /// The same as one word of the plan: `menu`, `room`, …; `none`, if no rule takes them.
    pub kind: String,
}

/// So many numbers are looked at.
const MOST: u64 = 1_000_000;

/// So many digits may follow a block that is written with an open end.
const EXTENSION: usize = 4;

/// Numbers from this length on may have an international form that is not written in them.
const SHORTEST_LOCAL: usize = 5;

impl Block {
    /// Reads a pattern, or a range, as rules have them.
    ///
    /// # Errors
    /// It is none, has too many numbers, or is not written in a form that is the same wherever it is dialled.
    pub fn read(text: &str) -> Result<Self, InvalidBlock> {
        let wrong = |german: &str, english: &str| InvalidBlock(Both::new(german, english));
        let mut block = Self { international: plain(text.trim()).starts_with('+'), numbers: BTreeMap::new() };
        for pattern in Pattern::read(text).map_err(|error| InvalidBlock(error.what))? {
            let Pattern::Digits { sets, tail, .. } = pattern else {
                return Err(wrong(
                    "Ein Block besteht aus Ziffern, etwa +49 30 9018 XXXX",
                    "a block is made of digits, like +49 30 9018 XXXX",
                ));
            };
            let further = match tail {
                Tail::End => 0..=0,
                Tail::Some => 1..=EXTENSION,
                Tail::Any => 0..=EXTENSION,
            };
            for more in further {
                let sets = [sets.clone(), vec![ANY; more]].concat();
                block.numbers.entry(sets.len()).or_default().push(Numbers::new(&sets, Tail::End));
            }
        }
        let is_outside = |(length, numbers): (&usize, &Vec<Numbers>)| {
            *length >= SHORTEST_LOCAL
                || numbers.iter().any(|numbers| numbers.sets().first().is_some_and(|set| set & 1 != 0))
        };
        if !block.international && block.numbers.iter().any(is_outside) {
            return Err(wrong(
                "Schreiben Sie ihn mit +: Nur Durchwahlen von höchstens vier Ziffern stehen allein",
                "write it with +: only extensions of at most four digits stand alone",
            ));
        }
        let size = |numbers: &Numbers| {
            numbers.sets().iter().try_fold(1_u64, |size, set| size.checked_mul(set.count_ones().into()))
        };
        let mut sizes = block.numbers.values().flatten().map(size);
        let total = sizes.try_fold(0_u64, |total, size| total.checked_add(size?));
        let longest = block.numbers.keys().last().copied().unwrap_or_default();
        if longest > 15 || total.is_none_or(|total| total > MOST) {
            return Err(wrong(
                "Ein Block hat höchstens eine Million Nummern von höchstens 15 Ziffern",
                "a block has at most a million numbers of at most 15 digits",
            ));
        }
        Ok(block)
    }
}

/// The rule that takes numbers, and what it decides; none, if no rule does.
type Taker<'a> = Option<(&'a Rule, &'a Decision)>;

/// Numbers of one length on their way through the plan.
struct Way<'a> {
    plan: &'a Plan,
    matter: &'a Matter<'a>,
    international: bool,
    length: usize,
    /// What the block has of them.
    within: &'a [Numbers],
    taken: Vec<(u64, u64, Taker<'a>)>,
}

impl Plan {
    /// Where the numbers of a block lead, in their order. The number in `facts` does not count.
    pub fn coverage(
        &self,
        block: &Block,
        facts: &Facts,
        now: &jiff::ZonedDateTime,
        language: Language,
    ) -> Vec<Stretch> {
        let matter = self.matter(facts, now);
        let mut found = Vec::new();
        for (length, within) in &block.numbers {
            let mut way = Way {
                plan: self,
                matter: &matter,
                international: block.international,
                length: *length,
                within,
                taken: Vec::new(),
            };
            let left = way.walk(self.entry(facts), Runs::all(within), &mut Vec::new());
            way.taken.extend(left.iter().map(|(first, last)| (first, last, None)));
            found.extend(way.stretches(language));
        }
        found
    }
}

impl<'a> Way<'a> {
    /// What is left after a context has taken what it takes.
    fn walk(&mut self, context: usize, mut left: Runs, tried: &mut Vec<usize>) -> Runs {
        if left.is_empty() || tried.contains(&context) {
            return left;
        }
        tried.push(context);
        let Some(context) = self.plan.contexts.get(context) else { return left };
        let mut lost = Vec::new();
        for rule in &context.rules {
            if left.is_empty() {
                break;
            }
            if self.plan.objection(rule, self.matter).is_some() {
                continue;
            }
            let here = self.of(rule).and(&left);
            if here.is_empty() {
                continue;
            }
            match &rule.action.value {
                Action::Decide(decision) => {
                    self.taken.extend(here.iter().map(|(first, last)| (first, last, Some((rule, decision)))));
                    left = left.less(&here);
                }
                // Whatever it does not take there does not come back.
                Action::Go(next) => {
                    lost.push(self.walk(*next, here.clone(), &mut tried.clone()));
                    left = left.less(&here);
                }
                Action::Table(table) => {
                    let Some(table) = self.plan.tables.get(*table) else { continue };
                    let rows = self.rows(&table.value.value);
                    let found = Runs::single(rows.keys().copied()).and(&here);
                    for number in found.iter().flat_map(|(first, last)| first..=last) {
                        let decision = rows.get(&number).copied();
                        self.taken.extend(decision.map(|decision| (number, number, Some((rule, decision)))));
                    }
                    left = left.less(&found);
                }
            }
        }
        for included in &context.include {
            left = self.walk(included.value, left, tried);
        }
        self.taken.extend(lost.iter().flat_map(Runs::iter).map(|(first, last)| (first, last, None)));
        left
    }

    /// The numbers that a rule is for.
    fn of(&self, rule: &Rule) -> Runs {
        let mut found = Vec::new();
        for pattern in &rule.called {
            match &pattern.value {
                Pattern::Everything => found.extend(self.everything()),
                Pattern::Name(_) => {}
                Pattern::Expression(expression) => found.extend(self.fitting(expression)),
                Pattern::Digits { international: true, .. } if !self.international => {}
                Pattern::Digits { sets, tail, .. } => {
                    let theirs = Numbers::new(sets, *tail);
                    found.extend(self.within.iter().filter_map(|ours| ours.and(&theirs)));
                }
            }
        }
        Runs::all(&found)
    }

    /// The numbers that fit a regular expression, each tried.
    fn fitting(&self, expression: &Expression) -> Vec<Numbers> {
        let numbers = Runs::all(self.within);
        let each = numbers.iter().flat_map(|(first, last)| first..=last);
        let dialled = |number: u64| {
            let as_dialled = format!("{number:0length$}", length = self.length);
            let international = self.international.then(|| as_dialled.clone());
            Dialled { as_dialled, international }
        };
        let fit = each.map(dialled).filter(|dialled| expression.fits(dialled));
        fit.map(|dialled| Numbers::from(dialled.as_dialled.as_str())).collect()
    }

    /// All but emergency numbers.
    fn everything(&self) -> Vec<Numbers> {
        let emergency: Vec<Numbers> = EMERGENCY
            .iter()
            .map(|number| Numbers::new(&number.bytes().map(|digit| 1 << (digit - b'0')).collect::<Vec<_>>(), Tail::End))
            .collect();
        emergency.iter().fold(self.within.to_vec(), |left, one| left.iter().flat_map(|left| left.less(one)).collect())
    }

    /// The rows of a table for numbers of this length. What stands there as it is dialled counts first.
    fn rows(&self, table: &'a Table) -> BTreeMap<u64, &'a Decision> {
        let international = table.entries().filter_map(|(key, row)| Some((key.strip_prefix('+')?, row)));
        let dialled = table.entries().filter(|(key, _)| !key.starts_with('+'));
        let fits = |(digits, _): &(&str, _)| digits.len() == self.length;
        let number = |(digits, decision): (&str, &'a Decision)| Some((digits.parse().ok()?, decision));
        let international = international.filter(|_| self.international).filter(fits).filter_map(number);
        international.chain(dialled.filter(fits).filter_map(number)).collect()
    }

    fn stretches(mut self, language: Language) -> Vec<Stretch> {
        self.taken.sort_unstable_by_key(|(first, ..)| *first);
        let mut joined: Vec<(u64, u64, Taker<'_>)> = Vec::new();
        for (first, last, by) in std::mem::take(&mut self.taken) {
            let same = |other: Taker<'_>| match (by, other) {
                (None, None) => true,
                (Some((rule, decision)), Some((other, theirs))) => std::ptr::eq(rule, other) && decision == theirs,
                (Some(_), None) | (None, Some(_)) => false,
            };
            match joined.last_mut() {
                Some(before) if before.1 + 1 == first && same(before.2) => before.1 = last,
                _ => joined.push((first, last, by)),
            }
        }
        let stretch = |(first, last, by): (u64, u64, Taker<'_>)| {
            let place = by.map(|(rule, _)| self.plan.file_and_line(&rule.name));
            let said = by.map_or_else(|| not_covered(language), |(_, decision)| decision.said(language));
            Stretch {
                from: self.written(first),
                to: self.written(last),
                count: last - first + 1,
                rule: by.map(|(rule, _)| rule.name.value.clone()),
                file: place.as_ref().map(|(file, _)| file.clone()),
                line: place.map(|(_, line)| line),
                consequence: said.text,
                kind: said.kind.to_owned(),
            }
        };
        joined.into_iter().map(stretch).collect()
    }

    fn written(&self, number: u64) -> String {
        let plus = if self.international { "+" } else { "" };
        format!("{plus}{number:0length$}", length = self.length)
    }
}
