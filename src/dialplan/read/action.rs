//! What a rule does: one action each.

use toml::de::DeTable;

use super::super::vocabulary::{RULE, one_of};
use super::super::{Action, Decision, Placed, Reject};
use super::{Reader, Value, or_another};
use crate::words::{Both, Language, both};

/// What helps, wherever such a value stands.
pub(super) const ROOM: (&str, &str) =
    ("Der Name eines Raums besteht aus a-z, 0-9, '-' und '_'", "a room's name has a-z, 0-9, '-' and '_'");
pub(super) const LANGUAGES: (&str, &str) = ("\"de\" oder \"en\"", "\"de\" or \"en\"");
pub(super) const ADDRESS: (&str, &str) =
    ("Schreiben Sie sip:NUMMER@HOST oder tel:+49…", "write sip:NUMBER@HOST or tel:+49…");

/// One of these.
pub(super) fn one_of_these(names: &[&str]) -> Both {
    both!("Möglich sind: {}", "one of {}", names.join(", "))
}

impl Reader<'_> {
    pub(super) fn action(&mut self, table: &DeTable<'_>, name: &Placed<String>) -> Option<Placed<Action>> {
        let mut found = Vec::new();
        for (key, value) in table {
            let decision = match key.get_ref().as_ref() {
                "menu" => self.language(value).map(|language| Decision::Menu { language }),
                "closed" => self.language(value).map(|language| Decision::Closed { language }),
                "room" => self.parsed(value, ROOM).map(|Placed { value: room, .. }| Decision::Room { room }),
                "reject" => self.reject(value).map(|why| Decision::Reject { why }),
                "redirect" => self.uri(value).map(|to| Decision::Redirect { to }),
                "emergency" if value.get_ref().as_bool() == Some(true) => Some(Decision::Emergency { to: None }),
                "emergency" if value.get_ref().as_table().is_some() => self.rescue(value).map(Decision::Rescue),
                "emergency" => self.uri(value).map(|to| Decision::Emergency { to: Some(to) }),
                "ring" => self.ring(value).map(Decision::Ring),
                "queue" => self.some_queue(value).map(Decision::Queue),
                "callback" => {
                    let name = self.text(value);
                    name.and_then(|name| self.some_callback(&name)).map(Decision::Callback)
                }
                "transfer" => self.transfer(value).map(Decision::Transfer),
                "announce" => self.announce(value).map(Decision::Announce),
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
            let message = both!("Die Regel {:?} tut nichts", "rule {:?} does nothing", name.value);
            let help = both!("Ergänzen Sie eines davon: {}", "add one of {}", one_of(RULE));
            self.wrong(name.span.clone(), message, help);
            return None;
        };
        if let Some((second, ..)) = found.next() {
            let message = both!("Die Regel {:?} tut zweierlei", "rule {:?} does two things", name.value);
            let help = both!(
                "Behalten Sie eines davon: {}; oder schreiben Sie zwei Regeln",
                "keep one of {}, or write two rules",
                one_of(RULE)
            );
            self.wrong(second, message, help);
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
            let help = or_another(&known, "tables", &name.value);
            let message = both!("Die Tabelle {:?} gibt es nicht", "there is no table {:?}", name.value);
            self.wrong(name.span.clone(), message, help);
        }
        found
    }

    pub(super) fn language(&mut self, value: &Value<'_>) -> Option<Language> {
        Some(self.parsed::<Language>(value, LANGUAGES)?.value)
    }

    fn reject(&mut self, value: &Value<'_>) -> Option<Reject> {
        let Placed { value: text, span, .. } = self.text(value)?;
        let known = Reject::ALL.into_iter().find(|(name, _)| *name == text);
        if known.is_none() {
            let names: Vec<&str> = Reject::ALL.iter().map(|(name, _)| *name).collect();
            let message = both!("{:?} ist keine Art, abzuweisen", "{:?} is no way to refuse a call", text);
            self.wrong(span, message, one_of_these(&names));
        }
        known.map(|(_, why)| why)
    }

    fn uri(&mut self, value: &Value<'_>) -> Option<String> {
        let Placed { value: text, span, .. } = self.text(value)?;
        if is_uri(&text) {
            return Some(text);
        }
        let message = both!("{:?} ist keine Adresse für einen Anruf", "{:?} is no address to send a call to", text);
        self.wrong(span, message, ADDRESS);
        None
    }
}

/// Whether a call can be sent there.
pub(super) fn is_uri(text: &str) -> bool {
    let rest = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")).or_else(|| text.strip_prefix("tel:"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '<' || c == '>')
    })
}
