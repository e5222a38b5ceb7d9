//! The lines of `extensions.conf`. In: text. Out: contexts with their extensions, each of which has steps by number; and of what is none
//! of that, why.

use std::collections::BTreeMap;

use super::super::File;
use super::super::ledger::{At, Ledger};
use super::super::reason::Reason;

/// What the files say.
#[derive(Debug, Default)]
pub(super) struct Conf {
    /// Variables, and where they stand.
    pub(super) globals: BTreeMap<String, (String, At)>,
    pub(super) contexts: Vec<Context>,
}

/// A context.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) name: String,
    /// Where it begins.
    pub(super) at: At,
    pub(super) extensions: Vec<Extension>,
    pub(super) includes: Vec<Include>,
}

/// Another context that is looked into after the numbers of one's own.
#[derive(Debug)]
pub(super) struct Include {
    pub(super) name: String,
    /// Only at these times.
    pub(super) times: Option<String>,
    pub(super) at: At,
}

/// A number or a pattern, and what becomes of calls to it.
#[derive(Debug)]
pub(super) struct Extension {
    pub(super) name: String,
    /// Only for these callers; an empty text is for those who show no number.
    pub(super) caller: Option<String>,
    pub(super) steps: BTreeMap<u32, Step>,
}

/// `App(args)`
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: At,
    label: Option<String>,
    /// As it stands there.
    pub(super) app: String,
    pub(super) args: String,
}

impl Extension {
    /// The step of that number or label.
    pub(super) fn step_called(&self, name: &str) -> Option<u32> {
        let labelled = |(number, step): (&u32, &Step)| (step.label.as_deref() == Some(name)).then_some(*number);
        name.parse().ok().or_else(|| self.steps.iter().find_map(labelled))
    }
}

/// Names that mean something else than a number.
pub(super) const SPECIAL: [&str; 8] = ["i", "t", "h", "o", "a", "e", "fax", "T"];

impl Conf {
    /// Reads a file; its lines begin with the one of that number. `beside` names the files that are read, too.
    pub(super) fn read(&mut self, file: &File, beside: &[String], ledger: &mut Ledger) {
        let (first, text) = ledger.open(file);
        let mut reader = Reader { conf: self, beside, ledger, section: Section::None, last: None, in_comment: false };
        for (number, line) in text.lines().enumerate() {
            reader.line(first + number, line);
        }
    }

    pub(super) fn context(&self, name: &str) -> Option<usize> {
        self.contexts.iter().position(|context| context.name == name)
    }
}

enum Section {
    None,
    General,
    Globals,
    /// By its number.
    Context(usize),
    /// What was given up with its heading.
    Left,
}

struct Reader<'a> {
    conf: &'a mut Conf,
    beside: &'a [String],
    ledger: &'a mut Ledger,
    section: Section,
    /// The extension and the step that stood last.
    last: Option<(usize, u32)>,
    in_comment: bool,
}

impl Reader<'_> {
    fn line(&mut self, at: At, line: &str) {
        let plain = self.without_comment(line);
        let plain = plain.trim();
        if plain.is_empty() {
            self.ledger.say(at, if line.trim().is_empty() { Reason::Blank } else { Reason::Comment });
        } else if let Some(heading) = plain.strip_prefix('[') {
            self.heading(at, heading);
        } else if let Some(directive) = plain.strip_prefix('#') {
            self.directive(at, directive);
        } else if let Some((name, value)) = plain.split_once('=') {
            self.setting(at, name.trim(), value.strip_prefix('>').unwrap_or(value).trim());
        } else {
            self.ledger.say(at, Reason::Unreadable);
        }
    }

    /// Without what stands behind a semicolon, unless that stands behind a backslash; and without `;-- … --;`.
    fn without_comment(&mut self, line: &str) -> String {
        let mut found = String::new();
        let mut rest = line;
        loop {
            if self.in_comment {
                let Some((_, behind)) = rest.split_once("--;") else { return found };
                self.in_comment = false;
                rest = behind;
            }
            let Some((before, behind)) = rest.split_once(';') else {
                found.push_str(rest);
                return found;
            };
            if let Some(before) = before.strip_suffix('\\') {
                found.push_str(before);
                found.push(';');
                rest = behind;
                continue;
            }
            found.push_str(before);
            // `;--` with a third hyphen is a line of hyphens.
            if !behind.starts_with("--") || behind.starts_with("---") {
                return found;
            }
            self.in_comment = true;
            rest = behind;
        }
    }

    fn heading(&mut self, at: At, heading: &str) {
        self.last = None;
        self.section = Section::Left;
        let Some((name, behind)) = heading.split_once(']') else { return self.ledger.say(at, Reason::Unreadable) };
        let (name, behind) = (name.trim(), behind.trim());
        let kind = behind.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')).map(str::trim);
        if (!behind.is_empty() && !matches!(kind, Some("+" | ""))) || name.is_empty() {
            return self.ledger.say(at, Reason::Templates);
        }
        if name.eq_ignore_ascii_case("general") {
            self.section = Section::General;
            return self.ledger.say(at, Reason::Setting);
        }
        if name.eq_ignore_ascii_case("globals") {
            self.section = Section::Globals;
            return self.ledger.say(at, Reason::Setting);
        }
        let known = self.conf.context(name);
        let number = known.unwrap_or(self.conf.contexts.len());
        if known.is_none() {
            let context = Context { name: name.to_owned(), at, extensions: Vec::new(), includes: Vec::new() };
            self.conf.contexts.push(context);
        } else {
            self.ledger.say(at, Reason::Setting);
        }
        self.section = Section::Context(number);
    }

    fn directive(&mut self, at: At, directive: &str) {
        let (word, rest) = directive.split_once(char::is_whitespace).unwrap_or((directive, ""));
        let file = rest.trim().trim_matches(['"', '<', '>']).to_owned();
        let bare = file.rsplit('/').next().unwrap_or_default();
        let reason = match word {
            "include" | "tryinclude" if self.beside.iter().any(|name| name == bare) => Reason::IncludedHere(file),
            "include" | "tryinclude" => Reason::OtherFile(file),
            "exec" => Reason::Program(String::from("#exec")),
            _ => Reason::Unreadable,
        };
        self.ledger.say(at, reason);
    }

    fn setting(&mut self, at: At, name: &str, value: &str) {
        match self.section {
            Section::General => self.ledger.say(at, Reason::Setting),
            Section::Globals => {
                self.conf.globals.insert(name.to_owned(), (value.to_owned(), at));
            }
            Section::Context(context) => self.word(at, context, &name.to_ascii_lowercase(), value),
            Section::Left => self.ledger.say(at, Reason::Templates),
            Section::None => self.ledger.say(at, Reason::Unreadable),
        }
    }

    fn word(&mut self, at: At, context: usize, name: &str, value: &str) {
        match name {
            "exten" => match split_name(value) {
                Some((number, rest)) => self.extension(at, context, &number, &rest),
                None => self.ledger.say(at, Reason::Unreadable),
            },
            "same" => self.same(at, value),
            "include" => {
                let (name, times) = value.split_once([',', '|']).unwrap_or((value, ""));
                let times = (!times.trim().is_empty()).then(|| times.trim().to_owned());
                if let Some(context) = self.conf.contexts.get_mut(context) {
                    context.includes.push(Include { name: name.trim().to_owned(), times, at });
                }
            }
            "switch" | "lswitch" | "eswitch" => self.ledger.say(at, Reason::OtherServer),
            "ignorepat" | "autohints" => self.ledger.say(at, Reason::Setting),
            _ => self.ledger.say(at, Reason::Unreadable),
        }
    }

    fn extension(&mut self, at: At, context: usize, number: &str, rest: &str) {
        let number = globals_in(&self.conf.globals, number);
        let (name, caller) = match number.split_once('/') {
            Some((name, caller)) => (name.trim().to_owned(), Some(caller.trim().to_owned())),
            None => (number.trim().to_owned(), None),
        };
        let Some(context) = self.conf.contexts.get_mut(context) else { return };
        let known = context.extensions.iter().position(|known| known.name == name && known.caller == caller);
        let which = known.unwrap_or(context.extensions.len());
        if known.is_none() {
            context.extensions.push(Extension { name, caller, steps: BTreeMap::new() });
        }
        let last = self.last.map(|(_, number)| number);
        self.step(at, which, last, rest);
    }

    fn same(&mut self, at: At, rest: &str) {
        match self.last {
            Some((which, number)) => self.step(at, which, Some(number), rest),
            None => self.ledger.say(at, Reason::Unreadable),
        }
    }

    /// `n(label),App(args)`
    fn step(&mut self, at: At, which: usize, last: Option<u32>, rest: &str) {
        let Section::Context(context) = self.section else { return };
        self.last = Some((which, last.unwrap_or_default()));
        let Some((step, call)) = rest.split_once([',', '|']) else {
            return self.ledger.say(at, Reason::Unreadable);
        };
        let (step, label) = match step.split_once('(') {
            Some((step, label)) => (step, Some(label.split(')').next().unwrap_or_default().trim().to_owned())),
            None => (step, None),
        };
        let (step, plus) =
            step.split_once('+').map_or((step, 0), |(step, plus)| (step, plus.trim().parse().unwrap_or(0)));
        let number: Option<u32> = match step.trim() {
            "hint" => {
                return self.ledger.say(at, Reason::Lamp);
            }
            "n" | "next" => last.map(|last| last.saturating_add(1)),
            "s" | "same" => last,
            number => number.parse().ok(),
        };
        let Some(number) = number.map(|number: u32| number.saturating_add(plus)).filter(|number| *number > 0) else {
            return self.ledger.say(at, Reason::Unreadable);
        };
        self.last = Some((which, number));
        let (app, args) = app(call.trim());
        let extension = self.conf.contexts.get_mut(context).and_then(|context| context.extensions.get_mut(which));
        let Some(extension) = extension else { return };
        if extension.steps.contains_key(&number) {
            return self.ledger.say(at, Reason::Doubled);
        }
        extension.steps.insert(number, Step { at, label, app, args });
    }
}

/// The number before the first comma that stands in no brackets.
fn split_name(value: &str) -> Option<(String, String)> {
    let mut depth = 0_u32;
    let at = value.find(|c| {
        match c {
            '[' | '{' | '(' => depth = depth.saturating_add(1),
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(c, ',' | '|')
    })?;
    Some((value.get(..at)?.to_owned(), value.get(at + 1..)?.to_owned()))
}

/// `App(args)`, or as before Asterisk 1.6 `App,args`.
fn app(call: &str) -> (String, String) {
    let (app, args) = match call.split_once('(') {
        Some((app, args)) => (app, args.rsplit_once(')').map_or(args, |(args, _)| args)),
        None => call.split_once([',', '|']).unwrap_or((call, "")),
    };
    let args = if args.contains('|') && !args.contains(',') { args.replace('|', ",") } else { args.to_owned() };
    (app.trim().to_owned(), args.trim().to_owned())
}

/// With variables of `[globals]` filled in; others stay.
fn globals_in(globals: &BTreeMap<String, (String, At)>, text: &str) -> String {
    let mut found = text.to_owned();
    for (name, (value, _)) in globals.iter().filter(|(_, (value, _))| !value.contains("${")) {
        let written = format!("${{{name}}}");
        if found.contains(&written) && found.len() < LONGEST {
            found = found.replace(&written, value);
        }
    }
    found
}

/// Longer texts are not made.
pub(super) const LONGEST: usize = 2_000;

/// What stands between commas, of which those in brackets and quotes separate nothing.
pub(super) fn arguments(text: &str) -> Vec<String> {
    let (mut found, mut depth, mut quoted) = (vec![String::new()], 0_u32, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c == ',' && depth == 0 && !quoted {
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found.into_iter().map(|argument| argument.trim().to_owned()).collect()
}
