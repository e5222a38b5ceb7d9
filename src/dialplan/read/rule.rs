//! Rules and examples.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::DeTable;

use super::super::pattern::Pattern;
use super::super::vocabulary::{EXAMPLE, RULE, WHEN};
use super::super::window::{Window, days, time};
use super::super::{Example, Placed, Rule, When};
use super::{MAIN, Reader, TRUNK, Value, context, list};
use crate::words::{LanguageTag, Personal, both};

const TAG: (&str, &str) = (
    "Schreiben Sie eine Sprache wie \"en\" oder \"fr\": ihr erster Teil zählt",
    "a language like \"en\" or \"fr\": its first part counts",
);
const CALLER: (&str, &str) = ("Schreiben Sie eine Nummer wie +49 30 1234567", "a number like +49 30 1234567");
const TIME: (&str, &str) = (
    "Schreiben Sie eine Ortszeit wie \"2026-11-24T08:00\", in Anführungszeichen",
    "a local time like \"2026-11-24T08:00\", in quotes",
);
const PATTERN: (&str, &str) = (
    "Ziffern, X (beliebig), Z (1-9), N (2-9), [2-57], ein Bereich 2000-2499, und am Ende . (weitere Ziffern) oder ! (weitere oder keine); mehr in docs/dialplan.md",
    "digits, X (any), Z (1-9), N (2-9), [2-57], a range 2000-2499, and at the end . (more digits) or ! (more or none); see docs/dialplan.md",
);
const WHEN_HELP: (&str, &str) = (
    "Schreiben Sie { days = [\"mon-fri\"], from = \"08:00\", to = \"18:00\" } oder { open = \"Name der Öffnungszeiten\" }",
    "write { days = [\"mon-fri\"], from = \"08:00\", to = \"18:00\" }, or { open = \"name of hours\" }",
);

impl Reader<'_> {
    pub(super) fn rule(&mut self, table: &DeTable<'_>, span: Range<usize>) {
        self.know(table, RULE);
        let Some(name) = table.get("name").and_then(|value| self.text(value)) else {
            if !table.contains_key("name") {
                let help = (
                    "Ergänzen Sie name = \"…\": Protokoll und Anrufweg nennen Regeln bei ihrem Namen",
                    "add name = \"…\": the log and the trace tell rules by name",
                );
                self.wrong(span, ("Diese Regel hat keinen Namen", "this rule has no name"), help);
            }
            return;
        };
        let called = self.patterns(table.get("called"));
        let [caller, asserted, diversion] =
            ["caller", "asserted", "diversion"].map(|word| self.patterns(table.get(word)));
        if !table.contains_key("called") {
            let help =
                ("Ergänzen Sie called = \"…\"; \"*\" ist jede Nummer", "add called = \"…\"; \"*\" is every number");
            let message = both!(
                "Die Regel {:?} sagt nicht, für welche Nummern sie ist",
                "rule {:?} does not say for which numbers it is",
                name.value
            );
            return self.wrong(name.span, message, help);
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
            asserted,
            diversion,
            accepts: self.languages(table.get("accepts")),
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

    pub(super) fn example(&mut self, table: &DeTable<'_>, span: Range<usize>) {
        self.know(table, EXAMPLE);
        let called = table.get("called").and_then(|value| self.text(value));
        let expect = table.get("expect").and_then(|value| self.text(value));
        let mut party = |word| table.get(word).and_then(|value| self.parsed(value, CALLER));
        let (from, asserted, diverted) = (party("from"), party("asserted"), party("diversion"));
        let language = table.get("accepts").and_then(|value| self.parsed(value, TAG));
        let trunk = table.get("trunk").and_then(|value| self.parsed(value, TRUNK));
        let secure = table.get("secure").and_then(|value| self.flag(value));
        let at = table.get("at").and_then(|value| self.parsed::<jiff::civil::DateTime>(value, TIME));
        let (Some(called), Some(expect)) = (called, expect) else {
            let message = ("Ein Beispiel braucht eine Nummer und eine Regel", "an example needs a number and a rule");
            let help = (
                "Ergänzen Sie called = \"…\" und expect = \"Name einer Regel\"",
                "add called = \"…\" and expect = \"name of a rule\"",
            );
            return self.wrong(span, message, help);
        };
        self.examples.push(Example {
            called: called.value,
            from: from.map(|from| Personal::new(from.value)),
            asserted: asserted.map(|asserted| Personal::new(asserted.value)),
            diverted: diverted.map(|diverted| Personal::new(diverted.value)),
            language: language.map(|language| language.value),
            trunk: trunk.map(|trunk| trunk.value),
            secure: secure.unwrap_or_default(),
            at: at.map(|at| at.value),
            expect,
        });
    }

    fn languages(&mut self, value: Option<&Value<'_>>) -> BTreeSet<LanguageTag> {
        list(value).into_iter().filter_map(|value| self.parsed(value, TAG)).map(|tag| tag.value).collect()
    }

    /// One pattern, or an array of them.
    pub(super) fn patterns(&mut self, value: Option<&Value<'_>>) -> Vec<Placed<Pattern>> {
        let items = list(value);
        if let Some(value) = value.filter(|_| items.is_empty()) {
            let help = (
                "Nennen Sie mindestens eine Nummer, oder lassen Sie die Zeile weg",
                "name at least one number, or leave the line out",
            );
            self.wrong(value.span(), ("Diese Liste ist leer", "this list is empty"), help);
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
                self.wrong(if written { at..at + 1 } else { span }, error.what, PATTERN);
                Vec::new()
            }
        }
    }

    fn when(&mut self, value: &Value<'_>) -> Option<When> {
        let table = self.table(value, WHEN_HELP)?;
        self.know(table, WHEN);
        if let Some(calendar) = table.get("during") {
            if table.len() > 1 {
                let help = (
                    "Schreiben Sie Zeiten unter [hours.NAME], mit closed = \"calendar:NAME\"",
                    "put hours into [hours.NAME], closed = \"calendar:NAME\"",
                );
                self.wrong(value.span(), ("Ein Kalender steht allein", "a calendar stands alone"), help);
            }
            let name = self.text(calendar)?;
            return self.some_calendar(&name).map(When::During);
        }
        let office =
            table.get("open").map(|value| (value, true)).or_else(|| table.get("closed").map(|value| (value, false)));
        if let Some((office, open)) = office {
            if table.len() > 1 {
                let help = ("Schreiben Sie Tage und Zeiten unter [hours.NAME]", "put days and times into [hours.NAME]");
                let message = ("Öffnungszeiten mit Namen stehen allein", "hours by name stand alone");
                self.wrong(value.span(), message, help);
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
                None => {
                    let help = (
                        "Möglich sind: mon, tue, wed, thu, fri, sat, sun, oder ein Bereich wie mon-fri",
                        "mon, tue, wed, thu, fri, sat, sun, or a range like mon-fri",
                    );
                    self.wrong(text.span, both!("{:?} ist kein Tag", "{:?} is no day", text.value), help);
                }
            }
        }
        let mut hour = |word: &str| match table.get(word) {
            None => Some(jiff::civil::Time::midnight()),
            Some(value) => {
                let text = self.text(value)?;
                let read = time(&text.value);
                if read.is_none() {
                    let help = (
                        "Schreiben Sie sie so: \"08:00\"; \"24:00\" ist das Ende des Tages",
                        "write it like \"08:00\"; \"24:00\" is the end of the day",
                    );
                    let message = both!("{:?} ist keine Uhrzeit", "{:?} is no time of day", text.value);
                    self.wrong(text.span, message, help);
                }
                read
            }
        };
        let (from, to) = (hour("from")?, hour("to")?);
        Some(Window { days: named, from, to })
    }
}
