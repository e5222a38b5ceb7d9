//! Walks through the steps of an extension as Asterisk would, without a call. In: where it begins. Out: what is done, step by step; each line
//! that was met is told of.

use std::collections::BTreeMap;

use super::super::Options;
use super::super::ledger::{At, Ledger};
use super::super::quote::named;
use super::super::reason::Reason;
use super::dial::{self, Device, trunk_of};
use super::pattern::{self, EMERGENCY, Number, Shift};
use super::queues::Queues;
use super::read::{Conf, Extension, LONGEST, Step, arguments};
use super::times;
use super::tree::{Callee, Does, Tree};
use crate::dialplan::are_covered;
use crate::words::Language;

/// So many steps of one extension are followed.
const MOST_STEPS: u32 = 300;
/// So many extensions may one lead to by a part of its number.
const MOST_CHOICES: u32 = 2_000;
/// So often in a row.
const MOST_SHIFTS: u8 = 3;
/// The time for which a telephone rings that rings without an end in Asterisk.
const LONG: u64 = 180;

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
            "hangup" => Flow::Done(hang_up(args)),
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

    fn set(&mut self, at: At, args: &str, scope: &mut Scope, lines: &mut Vec<At>) -> Flow {
        for setting in arguments(args) {
            let Some((name, value)) = setting.split_once('=') else { return self.passed(at, Reason::Unreadable) };
            let name = name.trim().trim_start_matches('_');
            let function = name.split('(').next().unwrap_or_default().to_ascii_uppercase();
            match (function.as_str(), name.contains('(')) {
                ("CALLERID", _) => return self.passed(at, Reason::CallerName),
                ("CHANNEL", true) if name.contains("(language)") => scope.language = value.trim().parse().ok(),
                ("CDR" | "TIMEOUT" | "CHANNEL", true) => return self.passed(at, Reason::Itself(name.to_owned())),
                (_, true) if function != "GLOBAL" => return self.passed(at, Reason::Unknown(name.to_owned())),
                _ => {
                    let bare = name.strip_prefix("GLOBAL(").and_then(|name| name.strip_suffix(')')).unwrap_or(name);
                    match self.expanded(value.trim().trim_matches('"'), scope) {
                        Ok(value) => drop(scope.variables.insert(bare.to_owned(), value)),
                        Err(variable) => {
                            scope.variables.remove(bare);
                            return self.passed(at, Reason::Variable(variable));
                        }
                    }
                }
            }
        }
        lines.push(at);
        Flow::Next
    }

    /// `[[context,]extension,]step`
    fn goto(&mut self, args: &str, next: &Place, scope: &Scope) -> Flow {
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
    fn goto_if(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        self.ledger.say(at, Reason::Condition);
        let behind = args.rsplit_once('?').map_or("", |(_, behind)| behind);
        match behind.split_once(':').map(|(_, other)| other.trim()) {
            None | Some("") => Flow::Next,
            Some(other) => self.goto(other, next, scope),
        }
    }

    fn goto_if_time(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
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
    fn exec_if_time(&mut self, at: At, args: &str, next: &Place, scope: &mut Scope) -> Flow {
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

    /// `Macro(name,…)` is context macro-name from s on; `Gosub(context,number,step(…))` says where.
    fn call(&mut self, at: At, word: &str, args: &str, next: &Place, scope: &Scope) -> Flow {
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

    fn dial(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        let args = match self.expanded(args, scope) {
            Ok(args) => args,
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        let dial = dial::read(&args, self.options);
        if !dial.options.is_empty() {
            self.ledger.say(at, Reason::DialOptions(dial.options));
        }
        if let [Ok(Device::Local { number, context })] = dial.devices.as_slice() {
            return self.local(at, number, context, next, scope);
        }
        let mut to: Vec<Callee> = Vec::new();
        for device in dial.devices {
            match device {
                Ok(Device::Telephone(callee)) => to.push(callee),
                Ok(Device::Local { number, context }) => to.extend(self.local_telephones(at, &number, &context)),
                Err(text) => self.ledger.say(at, Reason::Device(text)),
            }
        }
        to.retain(|callee| {
            let is_own = scope.dialled && scope.number.as_deref() == Some(callee.user.as_str());
            let rings_help = EMERGENCY.contains(&callee.user.as_str()) && !is_own;
            if rings_help {
                self.ledger.say(at, Reason::Device(callee.user.clone()));
            }
            !rings_help
        });
        to.truncate(20);
        if to.is_empty() {
            return self.passed(at, Reason::NobodyToRing);
        }
        let seconds = dial.seconds.unwrap_or(LONG);
        let rings = seconds.clamp(3, LONG);
        if rings != seconds {
            self.ledger.say(at, Reason::Patience(seconds));
        }
        let then = self.tree(next.clone(), scope.clone());
        Flow::Done(Does::Ring { all: to.len() > 1, to, seconds: rings, then: Box::new(then) })
    }

    /// Another extension is called like a telephone: its steps, and then what stands behind this one.
    fn local(&mut self, at: At, number: &str, context: &str, next: &Place, scope: &Scope) -> Flow {
        let place = self.conf.context(context).and_then(|context| {
            self.jumped.push(context);
            self.find(context, number, None, &mut Vec::new())
        });
        let Some(place) = place.filter(|_| !number.contains('{')) else {
            return self.passed(at, Reason::NoPlace(format!("{number}@{context}")));
        };
        let mut inside = Scope { number: Some(number.to_owned()), dialled: false, ..scope.clone() };
        inside.back.push(Frame {
            place: next.clone(),
            number: scope.number.clone(),
            dialled: scope.dialled,
            variables: scope.variables.clone(),
        });
        Flow::Jump(place, inside)
    }

    /// The telephones that another extension rings first.
    fn local_telephones(&mut self, at: At, number: &str, context: &str) -> Vec<Callee> {
        let found = self.conf.context(context).and_then(|context| self.find(context, number, None, &mut Vec::new()));
        let extension = found.as_ref().and_then(|found| self.extension(found.context, found.extension));
        let step =
            extension.and_then(|extension| extension.steps.values().find(|step| step.app.eq_ignore_ascii_case("dial")));
        let scope = Scope { dialled: false, ..Scope::new(Number::Exact(number.to_owned())) };
        let args = step.and_then(|step| self.expanded(&step.args, &scope).ok()).unwrap_or_default();
        let telephones: Vec<Callee> = dial::read(&args, self.options)
            .devices
            .into_iter()
            .filter_map(|device| match device {
                Ok(Device::Telephone(callee)) => Some(callee),
                Ok(Device::Local { .. }) | Err(_) => None,
            })
            .collect();
        if telephones.is_empty() {
            self.ledger.say(at, Reason::Device(format!("Local/{number}@{context}")));
        }
        telephones
    }

    fn queue(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        let name = match self.expanded(args, scope) {
            Ok(args) => arguments(&args).into_iter().next().unwrap_or_default(),
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        if !self.queues.has(&name) {
            return self.passed(at, Reason::NoQueue(name));
        }
        let then = Box::new(self.tree(next.clone(), scope.clone()));
        Flow::Done(Does::Queue { name, then })
    }

    fn announce(&mut self, at: At, word: &str, args: &str, next: &Place, scope: &Scope) -> Flow {
        let name = match self.expanded(args, scope) {
            Ok(args) => arguments(&args).into_iter().next().unwrap_or_default(),
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        let sounds: Vec<&str> = name.split('&').filter(|sound| !sound.is_empty()).collect();
        let says: Vec<Option<String>> = sounds.iter().map(|sound| self.prompt(sound)).collect();
        for (sound, _) in sounds.iter().zip(&says).filter(|(_, say)| say.is_none()) {
            self.ledger.say(at, Reason::Sound((*sound).to_owned()));
        }
        let mut says: Vec<String> = says.into_iter().flatten().collect();
        let Some(last) = says.pop() else { return Flow::Next };
        if word == "background" {
            self.ledger.say(at, Reason::NoKeys);
        }
        let language = scope.language;
        let then = Box::new(self.tree(next.clone(), scope.clone()));
        let last = Does::Announce { say: last, language, then };
        Flow::Done(says.into_iter().rev().fold(last, |does, say| Does::Announce {
            say,
            language,
            then: Box::new(Tree { lines: Vec::new(), does }),
        }))
    }

    /// The prompt that stands for a sound: the one that was named for it, that of its name, or one that says the same.
    fn prompt(&self, sound: &str) -> Option<String> {
        let bare = sound.rsplit('/').next().unwrap_or_default().to_lowercase();
        let told = self.options.sounds.get(sound).or_else(|| self.options.sounds.get(&bare));
        let known = |name: &str| self.options.prompts.iter().find(|prompt| prompt.as_str() == name).cloned();
        let says = |words: &[&str]| words.iter().any(|word| bare.contains(word));
        if let Some(told) = told {
            return known(told);
        }
        known(&bare).or_else(|| {
            if says(&["closed", "geschlossen", "feierabend", "oeffnungszeit", "öffnungszeit"]) {
                known("closed")
            } else if says(&["goodbye", "wiederhoeren", "wiederhören"]) {
                known("goodbye")
            } else {
                None
            }
        })
    }

    /// Nobody chooses by keys here: it goes on as for whoever keys nothing.
    fn wait_for_keys(&mut self, at: At, next: &Place, scope: &Scope) -> Flow {
        self.ledger.say(at, Reason::Keys);
        self.keyed.push(next.context);
        for name in ["t", "i"] {
            let known = self.conf.contexts.get(next.context);
            let found =
                known.and_then(|context| context.extensions.iter().position(|extension| extension.name == name));
            if let Some(extension) = found {
                let number = Some(name.to_owned());
                let place = Place { context: next.context, extension, step: 1 };
                return Flow::Jump(place, Scope { number, dialled: false, ..scope.clone() });
            }
        }
        Flow::Next
    }

    fn conference(&mut self, at: At, args: &str, scope: &Scope) -> Flow {
        let name = match self.expanded(args, scope) {
            Ok(args) => arguments(&args).into_iter().next().unwrap_or_default(),
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        if name.is_empty() || name.contains('{') {
            self.ledger.say(at, Reason::MenuForRooms);
            return Flow::Done(Does::Menu);
        }
        Flow::Done(Does::Room(named(&name)))
    }

    fn transfer(&mut self, at: At, args: &str, next: &Place, scope: &Scope) -> Flow {
        let to = match self.expanded(args, scope) {
            Ok(to) => to,
            Err(variable) => return self.passed(at, Reason::Variable(variable)),
        };
        let bare = to.split_once('/').map_or(to.as_str(), |(_, bare)| bare);
        let (user, host) = bare.split_once('@').map_or((bare, None), |(user, host)| (user, Some(host)));
        let trunk = host.map_or_else(|| Some(self.options.trunk.clone()), |host| trunk_of(host, &self.options.peers));
        let user = user.strip_prefix("sip:").unwrap_or(user);
        match (crate::dialplan::is_callee(user), host, trunk) {
            (true, Some(host), _) if !user.contains('{') && host.contains('.') => {
                Flow::Done(Does::Redirect(format!("sip:{user}@{host}")))
            }
            (true, _, Some(trunk)) => {
                let then = Box::new(self.tree(next.clone(), scope.clone()));
                Flow::Done(Does::Transfer { to: Callee { user: user.to_owned(), trunk }, then })
            }
            _ => self.passed(at, Reason::Device(to)),
        }
    }

    /// With variables filled in; or the name of one of which nothing is known before a call. Of the number that was dialled, `{called}`.
    fn expanded(&mut self, text: &str, scope: &Scope) -> Result<String, String> {
        let mut text = text.to_owned();
        for _ in 0..50 {
            if let Some(at) = text.find("$[") {
                return Err(text.get(at..).unwrap_or_default().chars().take(40).collect());
            }
            // The innermost first: a name may be made of variables.
            let Some(begin) = text.rfind("${") else { return Ok(text) };
            let inside = text.get(begin + 2..).unwrap_or_default();
            let Some((name, behind)) = inside.split_once('}') else { return Err(text) };
            // `{called}` itself has brackets.
            let (name, behind) = match name.find("{called") {
                Some(_) => return Err(text),
                None => (name, behind),
            };
            let value = self.value(name, scope).ok_or_else(|| format!("${{{name}}}"))?;
            text = format!("{}{value}{behind}", text.get(..begin).unwrap_or_default());
            if text.len() > LONGEST {
                break;
            }
        }
        Err(text.chars().take(40).collect())
    }

    fn value(&mut self, name: &str, scope: &Scope) -> Option<String> {
        let mut parts = name.split(':');
        let (bare, skip, length) = (parts.next()?.trim(), parts.next(), parts.next());
        let skip: i64 = skip.map_or(Some(0), |skip| skip.trim().parse().ok())?;
        let bare = bare.strip_prefix("GLOBAL(").and_then(|name| name.strip_suffix(')')).unwrap_or(bare);
        let value = match bare {
            "EXTEN" | "MACRO_EXTEN" => match &scope.number {
                Some(number) => number.clone(),
                None if length.is_some() => return None,
                None if skip == 0 => return Some(scope.shift.written()),
                None => return scope.shift.skip(skip).map(Shift::written),
            },
            name => match scope.variables.get(name) {
                Some(value) => value.clone(),
                None => {
                    let (value, at) = self.conf.globals.get(name)?;
                    self.ledger.carried(*at, "[globals]");
                    value.clone()
                }
            },
        };
        if skip == 0 && length.is_none() {
            return Some(value);
        }
        let count = i64::try_from(value.chars().count()).ok()?;
        let from = usize::try_from(if skip < 0 { (count + skip).max(0) } else { skip }).ok()?;
        let length: i64 = length.map_or(Some(count), |length| length.trim().parse().ok())?;
        let rest: Vec<char> = value.chars().skip(from).collect();
        let left = i64::try_from(rest.len()).ok()?;
        let take = usize::try_from(if length < 0 { (left + length).max(0) } else { length }).ok()?;
        Some(rest.into_iter().take(take).collect())
    }
}

/// The number that was dialled, in our plan.
pub(super) const CALLED: &str = "{called}";

/// Q.850 causes that say more than that the call is over.
fn hang_up(args: &str) -> Does {
    match args.trim() {
        "17" => Does::Refuse("busy"),
        "1" | "3" | "28" => Does::Refuse("not-found"),
        "21" => Does::Refuse("forbidden"),
        "" | "16" => Does::End,
        _ => Does::Refuse("unavailable"),
    }
}
