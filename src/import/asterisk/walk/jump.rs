//! Steps that lead to others: `Goto` and its kin, by condition and by time, and what is called and comes back.

use super::super::super::ledger::At;
use super::super::super::reason::Reason;
use super::super::pattern::{self, Number, Shift};
use super::super::read::arguments;
use super::super::times;
use super::super::tree::{Does, Tree};
use super::{CALLED, Flow, Frame, Place, Scope, Walk};
use crate::dialplan::are_covered;

/// So often in a row may a part of a number go on.
const MOST_SHIFTS: u8 = 3;

impl Walk<'_> {
    /// `[[context,]extension,]step`
    pub(super) fn goto(&mut self, args: &str, next: &Place, scope: &Scope) -> Flow {
        let args = match self.expanded(args, scope) {
            Ok(args) => args,
            Err(variable) => return Flow::Lost(Reason::Variable(variable)),
        };
        let parts = arguments(&args);
        let (context, number, step) = match parts.as_slice() {
            [step] => (None, None, step),
            [number, step] => (None, Some(number), step),
            [context, number, step] => (Some(context), Some(number), step),
            _ => return Flow::Lost(Reason::Unreadable),
        };
        let context = match context {
            None => next.context,
            Some(name) => match self.conf.context(name) {
                Some(context) => context,
                None => return Flow::Lost(Reason::NoPlace(args)),
            },
        };
        let is_same =
            number.is_none_or(|number| scope.dialled && Some(number) == scope.number.as_ref() || number == CALLED);
        let other_context = context != next.context;
        if other_context {
            self.jumped.push(context);
        }
        // Its number counts on: the context's own rules decide.
        if is_same && number.is_some() && other_context && step == "1" && scope.back.is_empty() && scope.dialled {
            self.gone.push(context);
            return Flow::Done(Does::Go(context));
        }
        let found = match number {
            None => Some(Place { step: 1, ..next.clone() }),
            Some(number) if number == CALLED && !other_context => Some(Place { step: 1, ..next.clone() }),
            Some(number) if number.contains('{') => {
                return match Shift::read(number).filter(|_| step == "1" && scope.number.is_none()) {
                    Some(shift) => self.choose(context, shift, scope),
                    None => Flow::Lost(Reason::OtherNumber),
                };
            }
            Some(number) => self.find(context, number, None, &mut Vec::new()),
        };
        let found = found.and_then(|found| {
            let step = self.extension(found.context, found.extension)?.step_called(step)?;
            Some(Place { step, ..found })
        });
        match found {
            None => Flow::Lost(Reason::NoPlace(args)),
            Some(place) => {
                let number = if is_same { scope.number.clone() } else { number.cloned() };
                Flow::Jump(place, Scope { number, dialled: scope.dialled && is_same, ..scope.clone() })
            }
        }
    }

    /// Goes on with a part of the number that was dialled: for each extension that it may be, with the numbers of which it is that one.
    fn choose(&mut self, context: usize, shift: Shift, scope: &Scope) -> Flow {
        let mut found = Vec::new();
        self.extensions(context, &mut found, &mut Vec::new());
        let mut ways: Vec<(Vec<String>, Tree)> = Vec::new();
        let mut earlier = Vec::new();
        for (pattern, place) in found {
            let Some(called) = scope.pattern.of_which(shift, &pattern) else { continue };
            let own = pattern::read(&called);
            if are_covered(&own, &earlier) {
                continue;
            }
            earlier.extend(own);
            if scope.shifts >= MOST_SHIFTS || self.choices_left == 0 {
                return Flow::Lost(Reason::TooLong);
            }
            self.choices_left -= 1;
            let number = match pattern {
                Number::Exact(number) => Some(number),
                Number::Digits { .. } | Number::Odd { .. } => None,
            };
            let inside = Scope { number, dialled: false, shift, shifts: scope.shifts + 1, ..scope.clone() };
            let steps_left = self.steps_left;
            ways.push((called, self.tree(place, inside)));
            self.steps_left = steps_left;
        }
        if ways.is_empty() { Flow::Lost(Reason::OtherNumber) } else { Flow::Done(Does::Choose(ways)) }
    }

    /// The extensions of a context and of those that it includes, as Asterisk tries them.
    fn extensions(&self, context: usize, found: &mut Vec<(Number, Place)>, seen: &mut Vec<usize>) {
        let Some(told) = self.conf.contexts.get(context).filter(|_| !seen.contains(&context)) else { return };
        seen.push(context);
        let everybodys = told.extensions.iter().enumerate().filter(|(_, extension)| extension.caller.is_none());
        let mut own: Vec<(Number, Place)> = everybodys
            .filter_map(|(at, extension)| {
                Some((Number::read(&extension.name)?, Place { context, extension: at, step: 1 }))
            })
            .collect();
        own.sort_by(|(one, _), (other, _)| one.compare(other));
        found.extend(own);
        for include in told.includes.iter().filter(|include| include.times.is_none()) {
            if let Some(included) = self.conf.context(&include.name) {
                self.extensions(included, found, seen);
            }
        }
    }

    /// `condition?here:there`: what a plan cannot ask is taken as if it was not so.
    pub(super) fn goto_if(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        self.ledger.say(at, Reason::Condition);
        let behind = args.rsplit_once('?').map_or("", |(_, behind)| behind);
        match behind.split_once(':').map(|(_, other)| other.trim()) {
            None | Some("") => Flow::Next,
            Some(other) => self.goto(other, next, scope),
        }
    }

    pub(super) fn goto_if_time(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        let (when, ways) = args.split_once('?').unwrap_or((args, ""));
        let (yes, no) = ways.split_once(':').unwrap_or((ways, ""));
        let Some(when) = self.windows(at, when, scope) else {
            return if no.trim().is_empty() { Flow::Next } else { self.goto(no.trim(), next, scope) };
        };
        if when.is_empty() {
            return if yes.trim().is_empty() { Flow::Next } else { self.goto(yes.trim(), next, scope) };
        }
        let mut way = |way: &str| {
            let flow = if way.trim().is_empty() { Flow::Next } else { self.goto(way.trim(), next, scope) };
            Box::new(self.after(at, flow, next, scope))
        };
        let (yes, no) = (way(yes), way(no));
        Flow::Done(Does::Branch { when, yes, no })
    }

    /// `times?App(args)`
    pub(super) fn exec_if_time(&mut self, at: At, args: &str, next: &Place, scope: &mut Scope) -> Flow {
        let (when, call) = args.split_once('?').unwrap_or((args, ""));
        let (app, args) = call.split_once('(').unwrap_or((call, ""));
        let args = args.strip_suffix(')').unwrap_or(args);
        let Some(when) = self.windows(at, when, scope) else { return Flow::Next };
        let (mut inside, mut lines) = (scope.clone(), Vec::new());
        let flow = self.perform(at, app.trim(), args, next, &mut inside, &mut lines);
        if when.is_empty() {
            *scope = inside;
            return flow;
        }
        let mut yes = Box::new(self.after(at, flow, next, &inside));
        yes.lines.extend(lines);
        let no = Box::new(self.tree(next.clone(), scope.clone()));
        Flow::Done(Does::Branch { when, yes, no })
    }

    fn windows(&mut self, at: At, text: &str, scope: &Scope) -> Option<Vec<times::Window>> {
        let text = match self.expanded(text, scope) {
            Ok(text) => text,
            Err(variable) => {
                self.ledger.say(at, Reason::Variable(variable));
                return None;
            }
        };
        let read = times::read(&text);
        if read.is_none() {
            self.ledger.say(at, Reason::Times(text));
        }
        read
    }

    /// `Macro(name,…)` is context macro-name from s on; `Gosub(context,number,step(…))` says where.
    pub(super) fn call(&mut self, at: At, word: &str, args: &str, next: &Place, scope: &Scope) -> Flow {
        let args = match self.expanded(args, scope) {
            Ok(args) => args,
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        let mut parts = arguments(&args);
        let mut inside = scope.clone();
        let back = Frame {
            place: next.clone(),
            number: scope.number.clone(),
            dialled: scope.dialled,
            variables: scope.variables.clone(),
        };
        let (to, given) = if word == "macro" {
            let name = if parts.is_empty() { String::new() } else { parts.remove(0) };
            (format!("macro-{name},s,1"), parts)
        } else {
            let (place, given) = args.split_once('(').map_or((args.as_str(), ""), |(place, given)| (place, given));
            let given = given.trim_end_matches(')');
            (place.to_owned(), if given.is_empty() { Vec::new() } else { arguments(given) })
        };
        for (at, argument) in given.into_iter().enumerate() {
            inside.variables.insert(format!("ARG{}", at + 1), argument);
        }
        match self.goto(&to, next, &inside) {
            Flow::Jump(place, mut inside) => {
                inside.back.push(back);
                Flow::Jump(place, inside)
            }
            Flow::Lost(reason) => self.passed(at, reason),
            Flow::Next | Flow::Done(_) => Flow::Next,
        }
    }
}
