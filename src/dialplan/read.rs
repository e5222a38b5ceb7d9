//! From TOML to rules. In: files. Out: rules and examples, and every mistake with its place. Nothing is guessed: a word
//! that means nothing is a mistake, with the words that would mean something.

use std::ops::Range;
use std::str::FromStr;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::pattern::Pattern;
use super::problem::{Problem, Severity};
use super::window::{Window, days, time};
use super::{Decision, Example, Placed, Reject, Rule, Source};
use crate::words::{Language, Personal};

/// The words of a rule, of its window, and of an example.
const RULE: [&str; 12] = [
    "name",
    "called",
    "caller",
    "trunk",
    "when",
    "menu",
    "room",
    "reject",
    "closed",
    "redirect",
    "emergency",
    "comment",
];
const WHEN: [&str; 3] = ["days", "from", "to"];
const EXAMPLE: [&str; 6] = ["called", "from", "trunk", "at", "expect", "comment"];
/// Those of a rule that say what happens: one of them.
const ACTIONS: &str = "menu, room, reject, closed, redirect or emergency";

type Value<'a> = Spanned<DeValue<'a>>;

pub(super) struct Reader<'a> {
    sources: &'a [Source],
    file: usize,
    rules: Vec<Rule>,
    examples: Vec<Example>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(sources: &'a [Source]) -> Self {
        Self { sources, file: 0, rules: Vec::new(), examples: Vec::new(), problems: Vec::new() }
    }

    pub(super) fn into_parts(self) -> (Vec<Rule>, Vec<Example>, Vec<Problem>) {
        (self.rules, self.examples, self.problems)
    }

    pub(super) fn read(&mut self) {
        let sources = self.sources;
        for (file, source) in sources.iter().enumerate() {
            self.file = file;
            let (table, errors) = DeTable::parse_recoverable(&source.text);
            for error in errors {
                let span = error.span().unwrap_or_default();
                self.wrong(span, error.message(), "every rule begins with [[rule]]; texts stand in \"quotes\"");
            }
            for (key, value) in table.get_ref() {
                match key.get_ref().as_ref() {
                    "rule" => self.each(value, Self::rule),
                    "example" => self.each(value, Self::example),
                    other => {
                        let message = format!("{other:?} means nothing in a dialplan");
                        self.wrong(key.span(), &message, "write [[rule]] or [[example]]");
                    }
                }
            }
        }
    }

    fn wrong(&mut self, span: Range<usize>, message: &str, help: &str) {
        if let Some(source) = self.sources.get(self.file) {
            self.problems.push(Problem::new(source, span, Severity::Error, message.to_owned(), help.to_owned()));
        }
    }

    fn each(&mut self, value: &Value<'_>, mut read: impl FnMut(&mut Self, &DeTable<'_>, Range<usize>)) {
        let Some(items) = value.get_ref().as_array() else {
            return self.wrong(
                value.span(),
                "this is one table, and there may be many",
                "write it with two brackets: [[rule]]",
            );
        };
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(table) => read(self, table, item.span()),
                None => self.wrong(item.span(), "this is no table", "write [[rule]] on a line of its own"),
            }
        }
    }

    fn know(&mut self, table: &DeTable<'_>, words: &[&str]) {
        for key in table.keys() {
            if !words.contains(&key.get_ref().as_ref()) {
                let message = format!("{:?} means nothing here", key.get_ref());
                let near = words.iter().find(|word| is_near(word, key.get_ref()));
                let help = near.map_or_else(
                    || format!("known here: {}", words.join(", ")),
                    |word| format!("did you mean {word:?}?"),
                );
                self.wrong(key.span(), &message, &help);
            }
        }
    }

    fn rule(&mut self, table: &DeTable<'_>, span: Range<usize>) {
        self.know(table, &RULE);
        let name = table.get("name").and_then(|value| self.text(value));
        let Some(name) = name else {
            if !table.contains_key("name") {
                self.wrong(span, "this rule has no name", "add name = \"…\": the log and the trace tell rules by name");
            }
            return;
        };
        let called = self.patterns(table.get("called"));
        let caller = self.patterns(table.get("caller"));
        if !table.contains_key("called") {
            let help = "add called = \"…\"; \"*\" is every number";
            return self.wrong(name.span, &format!("rule {:?} does not say for which numbers it is", name.value), help);
        }
        let trunk = table.get("trunk").and_then(|value| self.parsed(value, "a trunk's name has a-z, 0-9, '-' and '_'"));
        let when = table.get("when").and_then(|value| self.window(value));
        let file = self.file;
        if let Some(Placed { value: action, span: action_span }) = self.action(table, &name) {
            let Placed { value: name, span } = name;
            self.rules.push(Rule { name, file, span, called, caller, trunk, when, action, action_span });
        }
    }

    fn action(&mut self, table: &DeTable<'_>, name: &Placed<String>) -> Option<Placed<Decision>> {
        let mut found = Vec::new();
        for (key, value) in table {
            let read = match key.get_ref().as_ref() {
                "menu" => self.language(value).map(|language| Decision::Menu { language }),
                "closed" => self.language(value).map(|language| Decision::Closed { language }),
                "room" => self
                    .parsed(value, "a room's name has a-z, 0-9, '-' and '_'")
                    .map(|Placed { value: room, .. }| Decision::Room { room }),
                "reject" => self.reject(value).map(|why| Decision::Reject { why }),
                "redirect" => self.uri(value).map(|to| Decision::Redirect { to }),
                "emergency" if value.get_ref().as_bool() == Some(true) => Some(Decision::Emergency { to: None }),
                "emergency" => self.uri(value).map(|to| Decision::Emergency { to: Some(to) }),
                _ => continue,
            };
            found.push((key.span(), value.span(), read));
        }
        let mut found = found.into_iter();
        let Some((_, span, first)) = found.next() else {
            self.wrong(
                name.span.clone(),
                &format!("rule {:?} does nothing", name.value),
                &format!("add one of {ACTIONS}"),
            );
            return None;
        };
        if let Some((second, ..)) = found.next() {
            self.wrong(
                second,
                &format!("rule {:?} does two things", name.value),
                &format!("keep one of {ACTIONS}, or write two rules"),
            );
        }
        first.map(|value| Placed { value, span })
    }

    fn example(&mut self, table: &DeTable<'_>, span: Range<usize>) {
        self.know(table, &EXAMPLE);
        let called = table.get("called").and_then(|value| self.text(value));
        let expect = table.get("expect").and_then(|value| self.text(value));
        let from = table.get("from").and_then(|value| self.parsed(value, "a number like +49 30 1234567"));
        let trunk = table.get("trunk").and_then(|value| self.parsed(value, "a trunk's name has a-z, 0-9, '-' and '_'"));
        let at = table.get("at").and_then(|value| {
            self.parsed::<jiff::civil::DateTime>(value, "a local time like \"2026-11-24T08:00\", in quotes")
        });
        let (Some(called), Some(expect)) = (called, expect) else {
            return self.wrong(
                span,
                "an example needs a number and a rule",
                "add called = \"…\" and expect = \"name of a rule\"",
            );
        };
        self.examples.push(Example {
            file: self.file,
            span: expect.span,
            called: called.value,
            from: from.map(|from| Personal::new(from.value)),
            trunk: trunk.map(|trunk| trunk.value),
            at: at.map(|at| at.value),
            expect: expect.value,
        });
    }

    /// One pattern, or an array of them.
    fn patterns(&mut self, value: Option<&Value<'_>>) -> Vec<Placed<Pattern>> {
        let Some(value) = value else { return Vec::new() };
        let items: Vec<&Value<'_>> =
            value.get_ref().as_array().map_or_else(|| vec![value], |array| array.iter().collect());
        if items.is_empty() {
            self.wrong(value.span(), "this list is empty", "name at least one number, or leave the line out");
        }
        items.into_iter().filter_map(|item| self.pattern(item)).collect()
    }

    fn pattern(&mut self, value: &Value<'_>) -> Option<Placed<Pattern>> {
        let Placed { value: text, span } = self.text(value)?;
        match text.parse::<Pattern>() {
            Ok(value) => Some(Placed { value, span }),
            Err(error) => {
                // The text stands behind its opening quote.
                let at = span.start + 1 + error.at.min(text.len().saturating_sub(1));
                let help = "digits, X (any), Z (1-9), N (2-9), [2-57], and at the end . (more digits) or ! (more or none); see docs/admin.md";
                self.wrong(at..at + 1, &error.to_string(), help);
                None
            }
        }
    }

    fn text(&mut self, value: &Value<'_>) -> Option<Placed<String>> {
        match value.get_ref().as_str() {
            Some(text) => Some(Placed { value: text.to_owned(), span: value.span() }),
            None => {
                let kind = value.get_ref().type_str();
                self.wrong(value.span(), &format!("a text is needed here, this is a {kind}"), "put it in \"quotes\"");
                None
            }
        }
    }

    fn parsed<T: FromStr>(&mut self, value: &Value<'_>, help: &str) -> Option<Placed<T>> {
        let Placed { value: text, span } = self.text(value)?;
        match text.parse() {
            Ok(value) => Some(Placed { value, span }),
            Err(_) => {
                self.wrong(span, &format!("{text:?} cannot be used here"), help);
                None
            }
        }
    }

    fn language(&mut self, value: &Value<'_>) -> Option<Language> {
        Some(self.parsed::<Language>(value, "\"de\" or \"en\"")?.value)
    }

    fn reject(&mut self, value: &Value<'_>) -> Option<Reject> {
        let Placed { value: text, span } = self.text(value)?;
        let known = Reject::ALL.into_iter().find(|(name, _)| *name == text);
        if known.is_none() {
            let names: Vec<&str> = Reject::ALL.iter().map(|(name, _)| *name).collect();
            self.wrong(span, &format!("{text:?} is no way to refuse a call"), &format!("one of {}", names.join(", ")));
        }
        known.map(|(_, why)| why)
    }

    fn uri(&mut self, value: &Value<'_>) -> Option<String> {
        let Placed { value: text, span } = self.text(value)?;
        let rest =
            text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")).or_else(|| text.strip_prefix("tel:"));
        if rest.is_some_and(|rest| {
            !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '<' || c == '>')
        }) {
            return Some(text);
        }
        self.wrong(span, &format!("{text:?} is no address to send a call to"), "write sip:NUMBER@HOST or tel:+49…");
        None
    }

    fn window(&mut self, value: &Value<'_>) -> Option<Window> {
        let help = "write { days = [\"mon-fri\"], from = \"08:00\", to = \"18:00\" }";
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(value.span(), "a time window is a table", help);
            return None;
        };
        self.know(table, &WHEN);
        let mut named = Vec::new();
        let items = table
            .get("days")
            .map(|days| days.get_ref().as_array().map_or_else(|| vec![days], |array| array.iter().collect()));
        for item in items.into_iter().flatten() {
            if let Some(text) = self.text(item) {
                match days(&text.value) {
                    Some(found) => named.extend(found),
                    None => self.wrong(
                        text.span,
                        &format!("{:?} is no day", text.value),
                        "mon, tue, wed, thu, fri, sat, sun, or a range like mon-fri",
                    ),
                }
            }
        }
        let mut hour = |word: &str, otherwise| match table.get(word) {
            None => Some(otherwise),
            Some(value) => {
                let text = self.text(value)?;
                let read = time(&text.value);
                if read.is_none() {
                    self.wrong(
                        text.span,
                        &format!("{:?} is no time of day", text.value),
                        "write it like \"08:00\"; \"24:00\" is the end of the day",
                    );
                }
                read
            }
        };
        let (from, to) = (hour("from", jiff::civil::Time::midnight())?, hour("to", jiff::civil::Time::midnight())?);
        Some(Window { days: named, from, to })
    }
}

/// One letter more, less or other, or two swapped.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let same_end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let longest = one.len().max(other.len());
    same + same_end + 1 >= longest || (one.len() == other.len() && same + same_end + 2 >= longest)
}
