//! Rules and examples.

use std::ops::Range;

use toml::de::DeTable;

use super::super::pattern::Pattern;
use super::super::window::{Window, days, time};
use super::super::{Action, Decision, Example, Placed, Reject, Rule, When};
use super::{MAIN, Reader, Value, context, list};
use crate::words::{Language, Personal};

const RULE: [&str; 17] = [
    "name",
    "context",
    "called",
    "caller",
    "trunk",
    "secure",
    "withheld",
    "when",
    "comment",
    "menu",
    "room",
    "reject",
    "closed",
    "redirect",
    "emergency",
    "go",
    "table",
];
const WHEN: [&str; 5] = ["days", "from", "to", "open", "closed"];
const EXAMPLE: [&str; 7] = ["called", "from", "trunk", "secure", "at", "expect", "comment"];
/// Those of a rule that say what happens: one of them.
const ACTIONS: &str = "menu, room, reject, closed, redirect, emergency, go or table";

const TRUNK: &str = "a trunk's name has a-z, 0-9, '-' and '_'";

impl Reader<'_> {
    pub(super) fn rule(&mut self, table: &DeTable<'_>, span: Range<usize>) {
        self.know(table, &RULE);
        let Some(name) = table.get("name").and_then(|value| self.text(value)) else {
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
        let home = match table.get("context") {
            None => Placed { value: String::from(MAIN), file: self.file, span: name.span.clone() },
            Some(value) => match self.text(value) {
                Some(home) => home,
                None => return,
            },
        };
        let rule = Rule {
            called,
            caller,
            trunk: table.get("trunk").and_then(|value| self.parsed(value, TRUNK)),
            secure: table.get("secure").and_then(|value| self.flag(value)),
            withheld: table.get("withheld").and_then(|value| self.flag(value)),
            when: table.get("when").and_then(|value| self.when(value)),
            action: match self.action(table, &name) {
                Some(action) => action,
                None => return,
            },
            name,
        };
        let number = self.context_called(&home.value).unwrap_or(self.contexts.len());
        if number == self.contexts.len() {
            self.contexts.push(context(&home.value, None));
        }
        if let Some(context) = self.contexts.get_mut(number) {
            context.rules.push(rule);
        }
    }

    fn action(&mut self, table: &DeTable<'_>, name: &Placed<String>) -> Option<Placed<Action>> {
        let mut found = Vec::new();
        for (key, value) in table {
            let decision = match key.get_ref().as_ref() {
                "menu" => self.language(value).map(|language| Decision::Menu { language }),
                "closed" => self.language(value).map(|language| Decision::Closed { language }),
                "room" => self
                    .parsed(value, "a room's name has a-z, 0-9, '-' and '_'")
                    .map(|Placed { value: room, .. }| Decision::Room { room }),
                "reject" => self.reject(value).map(|why| Decision::Reject { why }),
                "redirect" => self.uri(value).map(|to| Decision::Redirect { to }),
                "emergency" if value.get_ref().as_bool() == Some(true) => Some(Decision::Emergency { to: None }),
                "emergency" => self.uri(value).map(|to| Decision::Emergency { to: Some(to) }),
                "go" => {
                    let to = self.text(value).and_then(|to| self.some_context(&to.value, to.span));
                    found.push((key.span(), value.span(), to.map(Action::Go)));
                    continue;
                }
                "table" => {
                    let table = self.text(value).and_then(|table| self.some_table(&table));
                    found.push((key.span(), value.span(), table.map(Action::Table)));
                    continue;
                }
                _ => continue,
            };
            found.push((key.span(), value.span(), decision.map(Action::Decide)));
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
        first.map(|value| self.placed(value, span))
    }

    fn some_table(&mut self, name: &Placed<String>) -> Option<usize> {
        let found = self.tables.iter_mut().position(|table| {
            let is = table.name.value == name.value;
            table.used |= is;
            is
        });
        if found.is_none() {
            let known: Vec<&str> = self.tables.iter().map(|table| table.name.value.as_str()).collect();
            let help = format!("there are: {}; add [tables.{}] for another", known.join(", "), name.value);
            self.wrong(name.span.clone(), &format!("there is no table {:?}", name.value), &help);
        }
        found
    }

    pub(super) fn example(&mut self, table: &DeTable<'_>, span: Range<usize>) {
        self.know(table, &EXAMPLE);
        let called = table.get("called").and_then(|value| self.text(value));
        let expect = table.get("expect").and_then(|value| self.text(value));
        let from = table.get("from").and_then(|value| self.parsed(value, "a number like +49 30 1234567"));
        let trunk = table.get("trunk").and_then(|value| self.parsed(value, TRUNK));
        let secure = table.get("secure").and_then(|value| self.flag(value));
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
            called: called.value,
            from: from.map(|from| Personal::new(from.value)),
            trunk: trunk.map(|trunk| trunk.value),
            secure: secure.unwrap_or_default(),
            at: at.map(|at| at.value),
            expect,
        });
    }

    /// One pattern, or an array of them.
    fn patterns(&mut self, value: Option<&Value<'_>>) -> Vec<Placed<Pattern>> {
        let items = list(value);
        if let Some(value) = value.filter(|_| items.is_empty()) {
            self.wrong(value.span(), "this list is empty", "name at least one number, or leave the line out");
        }
        items.into_iter().flat_map(|item| self.pattern(item)).collect()
    }

    fn pattern(&mut self, value: &Value<'_>) -> Vec<Placed<Pattern>> {
        let Some(Placed { value: text, span, .. }) = self.text(value) else { return Vec::new() };
        match Pattern::read(&text) {
            Ok(patterns) => patterns.into_iter().map(|pattern| self.placed(pattern, span.clone())).collect(),
            Err(error) => {
                // The text stands behind its opening quote, unless it came from a variable.
                let written = value.get_ref().as_str() == Some(&text);
                let at = span.start + 1 + error.at.min(text.len().saturating_sub(1));
                let help = "digits, X (any), Z (1-9), N (2-9), [2-57], a range 2000-2499, and at the end . (more digits) or ! (more or none); see docs/dialplan.md";
                self.wrong(if written { at..at + 1 } else { span }, &error.to_string(), help);
                Vec::new()
            }
        }
    }

    fn language(&mut self, value: &Value<'_>) -> Option<Language> {
        Some(self.parsed::<Language>(value, "\"de\" or \"en\"")?.value)
    }

    fn reject(&mut self, value: &Value<'_>) -> Option<Reject> {
        let Placed { value: text, span, .. } = self.text(value)?;
        let known = Reject::ALL.into_iter().find(|(name, _)| *name == text);
        if known.is_none() {
            let names: Vec<&str> = Reject::ALL.iter().map(|(name, _)| *name).collect();
            self.wrong(span, &format!("{text:?} is no way to refuse a call"), &format!("one of {}", names.join(", ")));
        }
        known.map(|(_, why)| why)
    }

    fn uri(&mut self, value: &Value<'_>) -> Option<String> {
        let Placed { value: text, span, .. } = self.text(value)?;
        if is_uri(&text) {
            return Some(text);
        }
        self.wrong(span, &format!("{text:?} is no address to send a call to"), "write sip:NUMBER@HOST or tel:+49…");
        None
    }

    fn when(&mut self, value: &Value<'_>) -> Option<When> {
        let help = "write { days = [\"mon-fri\"], from = \"08:00\", to = \"18:00\" }, or { open = \"name of hours\" }";
        let table = self.table(value, help)?;
        self.know(table, &WHEN);
        let office =
            table.get("open").map(|value| (value, true)).or_else(|| table.get("closed").map(|value| (value, false)));
        if let Some((office, open)) = office {
            if table.len() > 1 {
                self.wrong(value.span(), "hours by name stand alone", "put days and times into [hours.NAME]");
            }
            let name = self.text(office)?;
            return Some(When::Office { office: self.some_office(&name)?, open });
        }
        self.window(table).map(When::Window)
    }

    fn window(&mut self, table: &DeTable<'_>) -> Option<Window> {
        let mut named = Vec::new();
        for item in list(table.get("days")) {
            let Some(text) = self.text(item) else { continue };
            match days(&text.value) {
                Some(found) => named.extend(found),
                None => self.wrong(
                    text.span,
                    &format!("{:?} is no day", text.value),
                    "mon, tue, wed, thu, fri, sat, sun, or a range like mon-fri",
                ),
            }
        }
        let mut hour = |word: &str| match table.get(word) {
            None => Some(jiff::civil::Time::midnight()),
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
        let (from, to) = (hour("from")?, hour("to")?);
        Some(Window { days: named, from, to })
    }
}

/// Whether a call can be sent there.
pub(super) fn is_uri(text: &str) -> bool {
    let rest = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")).or_else(|| text.strip_prefix("tel:"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '<' || c == '>')
    })
}
