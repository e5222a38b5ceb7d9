//! Walks through the steps of an extension as Asterisk would, without a call. In: where it begins. Out: what is done, step by step; each line
//! that was met is told of.

mod apps;
mod jump;
mod variables;

use std::collections::BTreeMap;

use super::super::Options;
use super::super::ledger::{At, Ledger};
use super::super::reason::Reason;
use super::pattern::{Number, Shift};
use super::queues::Queues;
use super::read::{Conf, Extension, Step};
use super::tree::{Does, Tree};
use crate::words::Language;

/// So many steps of one extension are followed.
const MOST_STEPS: u32 = 300;
/// So many extensions may one lead to by a part of its number.
const MOST_CHOICES: u32 = 2_000;

/// A step of an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    context: usize,
    extension: usize,
    step: u32,
}

/// What is known on the way.
#[derive(Clone, Debug)]
struct Scope {
    /// The number, once another than was dialled counts; or the one that was, if the extension is for no other.
    number: Option<String>,
    /// Whether it is still the one that was dialled.
    dialled: bool,
    /// What of the number that was dialled counts, where it is not told.
    shift: Shift,
    /// So many times that has changed.
    shifts: u8,
    /// The pattern that was dialled.
    pattern: Number,
    variables: BTreeMap<String, String>,
    /// Where `Macro`, `Gosub` and `Local` go on.
    back: Vec<Frame>,
    language: Option<Language>,
}

#[derive(Clone, Debug)]
struct Frame {
    place: Place,
    number: Option<String>,
    dialled: bool,
    /// What the arguments were before.
    variables: BTreeMap<String, String>,
}

impl Scope {
    fn new(pattern: Number) -> Self {
        let number = match &pattern {
            Number::Exact(number) => Some(number.clone()),
            Number::Digits { .. } | Number::Odd { .. } => None,
        };
        let (variables, back) = (BTreeMap::new(), Vec::new());
        Self { number, dialled: true, shift: Shift::Without(0), shifts: 0, pattern, variables, back, language: None }
    }
}

/// What a step leads to.
enum Flow {
    Next,
    Jump(Place, Scope),
    Done(Does),
    /// The call ends, for this reason.
    Lost(Reason),
}

pub(super) struct Walk<'a> {
    pub(super) conf: &'a Conf,
    pub(super) options: &'a Options,
    pub(super) queues: &'a Queues,
    pub(super) ledger: &'a mut Ledger,
    /// Contexts that steps jump into.
    pub(super) jumped: Vec<usize>,
    /// Those of them whose rules are to go on.
    pub(super) gone: Vec<usize>,
    /// Contexts in which callers were to choose by keys.
    pub(super) keyed: Vec<usize>,
    steps_left: u32,
    choices_left: u32,
    seen: Vec<(Place, usize)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(conf: &'a Conf, options: &'a Options, queues: &'a Queues, ledger: &'a mut Ledger) -> Self {
        let (jumped, gone, keyed, seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { conf, options, queues, ledger, jumped, gone, keyed, steps_left: 0, choices_left: 0, seen }
    }

    /// What becomes of calls to an extension.
    pub(super) fn of(&mut self, context: usize, extension: usize) -> Option<Tree> {
        let told = self.extension(context, extension)?;
        let pattern = Number::read(&told.name)?;
        self.steps_left = MOST_STEPS;
        self.choices_left = MOST_CHOICES;
        self.seen.clear();
        Some(self.tree(Place { context, extension, step: 1 }, Scope::new(pattern)))
    }

    fn extension(&self, context: usize, extension: usize) -> Option<&'a Extension> {
        let conf: &'a Conf = self.conf;
        conf.contexts.get(context)?.extensions.get(extension)
    }

    fn tree(&mut self, mut place: Place, mut scope: Scope) -> Tree {
        let depth = self.seen.len();
        let mut lines: Vec<At> = Vec::new();
        let does = loop {
            let Some((found, step)) = self.step_at(&place, &scope) else {
                match scope.back.pop() {
                    Some(frame) => {
                        place = frame.place;
                        (scope.number, scope.dialled, scope.variables) = (frame.number, frame.dialled, frame.variables);
                        continue;
                    }
                    None => break Does::End,
                }
            };
            place = found;
            let here = (place.clone(), scope.back.len());
            let lost = if self.seen.contains(&here) {
                Some(Reason::Loop)
            } else if self.steps_left == 0 {
                Some(Reason::TooLong)
            } else {
                None
            };
            if let Some(reason) = lost {
                self.ledger.say(lines.last().copied().unwrap_or(step.at), reason);
                break Does::End;
            }
            self.seen.push(here);
            self.steps_left -= 1;
            let next = Place { step: place.step.saturating_add(1), ..place.clone() };
            match self.perform(step.at, &step.app, &step.args, &next, &mut scope, &mut lines) {
                Flow::Next => place = next,
                Flow::Jump(to, with) => {
                    lines.push(step.at);
                    (place, scope) = (to, with);
                }
                Flow::Done(does) => {
                    lines.push(step.at);
                    break does;
                }
                Flow::Lost(reason) => {
                    self.ledger.say(step.at, reason);
                    break Does::End;
                }
            }
        };
        self.seen.truncate(depth);
        match does {
            Does::Ring { to, all, seconds, then } => Tree::ring(lines, to, all, seconds, *then),
            does @ (Does::End
            | Does::Refuse(_)
            | Does::Menu
            | Does::Room(_)
            | Does::Transfer { .. }
            | Does::Redirect(_)
            | Does::Announce { .. }
            | Does::Queue { .. }
            | Does::Go(_)
            | Does::Choose(_)
            | Does::Branch { .. }) => Tree { lines, does },
        }
    }

    /// The step there. Asterisk looks for each step anew: another extension for the same number may have it.
    fn step_at(&self, place: &Place, scope: &Scope) -> Option<(Place, &'a Step)> {
        if let Some(step) = self.extension(place.context, place.extension)?.steps.get(&place.step) {
            return Some((place.clone(), step));
        }
        let number = scope.number.as_deref()?;
        let found = self.find(place.context, number, Some(place.step), &mut Vec::new())?;
        let step = self.extension(found.context, found.extension)?.steps.get(&found.step)?;
        Some((found, step))
    }

    /// The extension of a number in a context and those that it includes.
    fn find(&self, context: usize, number: &str, step: Option<u32>, seen: &mut Vec<usize>) -> Option<Place> {
        if seen.contains(&context) {
            return None;
        }
        seen.push(context);
        let told = self.conf.contexts.get(context)?;
        let mut fitting: Vec<(Number, usize)> = told
            .extensions
            .iter()
            .enumerate()
            .filter(|(_, extension)| extension.caller.is_none())
            .filter(|(_, extension)| step.is_none_or(|step| extension.steps.contains_key(&step)))
            .filter_map(|(at, extension)| Some((Number::read(&extension.name)?, at)))
            .filter(|(pattern, _)| pattern.fits(number))
            .collect();
        fitting.sort_by(|(one, _), (other, _)| one.compare(other));
        if let Some((_, extension)) = fitting.first() {
            return Some(Place { context, extension: *extension, step: step.unwrap_or(1) });
        }
        let included = told.includes.iter().filter(|include| include.times.is_none());
        let included: Vec<usize> = included.filter_map(|include| self.conf.context(&include.name)).collect();
        included.into_iter().find_map(|included| self.find(included, number, step, seen))
    }

    fn perform(&mut self, at: At, app: &str, args: &str, next: &Place, scope: &mut Scope, lines: &mut Vec<At>) -> Flow {
        let name = app.to_ascii_lowercase();
        let word = name.as_str();
        match word {
            "noop" | "verbose" | "log" | "dumpchan" | "userevent" | "celgenuserevent" => {
                self.passed(at, Reason::ForTheLog)
            }
            "answer" | "ringing" | "progress" | "proceeding" | "wait" | "musiconhold" | "waitmusiconhold"
            | "setmusiconhold" | "resetcdr" | "nocdr" | "forkcdr" | "playtones" | "stopplaytones" => {
                self.passed(at, Reason::Itself(app.to_owned()))
            }
            "set" | "setvar" | "mset" | "setglobalvar" => self.set(at, args, scope, lines),
            "goto" => self.goto(args, next, scope),
            "gotoif" => self.goto_if(at, args, next, scope),
            "gotoiftime" => self.goto_if_time(at, args, next, scope),
            "execiftime" => self.exec_if_time(at, args, next, scope),
            "macro" | "gosub" => self.call(at, word, args, next, scope),
            "return" | "macroexit" => match scope.back.pop() {
                Some(frame) => {
                    let back = Scope {
                        number: frame.number,
                        dialled: frame.dialled,
                        variables: frame.variables,
                        ..scope.clone()
                    };
                    Flow::Jump(frame.place, back)
                }
                None => Flow::Done(Does::End),
            },
            "dial" => self.dial(at, args, next, scope),
            "queue" => self.queue(at, args, next, scope),
            "playback" | "background" | "controlplayback" => self.announce(at, word, args, next, scope),
            "waitexten" => self.wait_for_keys(at, next, scope),
            "confbridge" | "meetme" | "conference" => self.conference(at, args, scope),
            "hangup" => Flow::Done(apps::hang_up(args)),
            "busy" => Flow::Done(Does::Refuse("busy")),
            "congestion" => Flow::Done(Does::Refuse("unavailable")),
            "transfer" => self.transfer(at, args, next, scope),
            "voicemail" | "voicemailmain" | "minivmgreet" | "minivmrecord" => self.passed(at, Reason::Voicemail),
            "agi" | "deadagi" | "eagi" | "fastagi" | "system" | "trysystem" | "externalivr" | "stasis" | "curl" => {
                self.passed(at, Reason::Program(app.to_owned()))
            }
            "mixmonitor" | "monitor" | "record" | "chanspy" | "stopmixmonitor" => self.passed(at, Reason::Recording),
            "execif" | "gosubif" | "macroif" | "while" => self.passed(at, Reason::Condition),
            _ => self.passed(at, Reason::Unknown(app.to_owned())),
        }
    }

    fn passed(&mut self, at: At, reason: Reason) -> Flow {
        self.ledger.say(at, reason);
        Flow::Next
    }

    /// What one way of a step leads to.
    fn after(&mut self, at: At, flow: Flow, next: &Place, scope: &Scope) -> Tree {
        match flow {
            Flow::Next => self.tree(next.clone(), scope.clone()),
            Flow::Jump(place, scope) => self.tree(place, scope),
            Flow::Done(does) => Tree { lines: Vec::new(), does },
            Flow::Lost(reason) => {
                self.ledger.say(at, reason);
                Tree::end(Vec::new())
            }
        }
    }
}

/// The number that was dialled, in our plan.
pub(super) const CALLED: &str = "{called}";
