//! Offices that call back: `[callbacks.NAME]`, and the key by which callers who wait ask for it.

use std::time::Duration;

use super::super::callback::{ByKey, Callback, DAY};
use super::super::placing::Ring;
use super::super::vocabulary::{BY_KEY, CALLBACK};
use super::super::{Named, Placed};
use super::placing::{NUMBER, Unit};
use super::{ANOTHER_NAME, Reader, Value, or_another};
use crate::words::{Personal, PhoneNumber, both};

const HELP: (&str, &str) = (
    "Schreiben Sie [callbacks.NAME] in eine eigene Zeile, darunter agents = [\"2001\", \"2002\"] und trunk = \"pbx\"",
    "write [callbacks.NAME] on a line of its own, and agents = [\"2001\", \"2002\"] and trunk = \"pbx\" below it",
);
const KEY_HELP: (&str, &str) = (
    "Schreiben Sie callback = \"1\" oder { key = \"1\", name = \"standesamt\" }",
    "write callback = \"1\", or { key = \"1\", name = \"standesamt\" }",
);

/// How often somebody is called.
pub(in super::super) const TRIES: std::ops::RangeInclusive<u64> = 1..=10;
/// Minutes between two tries.
pub(in super::super) const MINUTES: std::ops::RangeInclusive<u64> = 1..=1_440;
/// Days for which requests are kept.
pub(in super::super) const DAYS: std::ops::RangeInclusive<u64> = 1..=30;
/// Requests of one office.
pub(in super::super) const LONGEST: std::ops::RangeInclusive<u64> = 1..=500;

impl Reader<'_> {
    pub(super) fn callback(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, HELP) else { return };
        self.know(table, CALLBACK);
        let Some(value) = self.callback_of(&name, table) else { return };
        if self.callbacks.iter().any(|callback| callback.name.value == name.value) {
            let message = both!("Den Rückruf {:?} gibt es zweimal", "there are two callbacks {:?}", name.value);
            return self.wrong(name.span, message, ANOTHER_NAME);
        }
        self.callbacks.push(Named { name, value, used: false });
    }

    fn callback_of(&mut self, name: &Placed<String>, table: &toml::de::DeTable<'_>) -> Option<Callback> {
        let trunk = self.optional(table.get("trunk"), Self::trunk)?;
        let outside = self.optional(table.get("outside"), Self::trunk)?;
        let agents = self.callees(table.get("agents"), trunk.as_ref(), name.span.clone());
        let outside = outside.or(trunk);
        if outside.is_none() {
            let message =
                both!("Über welchen Anschluss ruft {:?} zurück?", "by which trunk does {:?} call back?", name.value);
            let help = (
                "Ergänzen Sie outside = \"…\", oder trunk = \"…\" für die Plätze und dafür",
                "add outside = \"…\", or trunk = \"…\" for the agents and for this",
            );
            self.wrong(name.span.clone(), message, help);
        }
        let identity = self.optional(table.get("identity"), |reader, value| {
            Some(reader.parsed::<PhoneNumber>(value, NUMBER)?.value)
        })?;
        let opens = self.optional(table.get("opens"), |reader, value| {
            let office = reader.text(value)?;
            reader.some_office(&office)
        })?;
        let numbers = match table.get("numbers") {
            Some(numbers) => self.patterns(Some(numbers)),
            None => Vec::new(),
        };
        let tries = self.optional(table.get("tries"), |reader, value| reader.number(value, &TRIES, Unit::Tries))?;
        let minutes =
            self.optional(table.get("minutes"), |reader, value| reader.number(value, &MINUTES, Unit::Minutes))?;
        let days = self.optional(table.get("days"), |reader, value| reader.number(value, &DAYS, Unit::Days))?;
        let longest =
            self.optional(table.get("longest"), |reader, value| reader.number(value, &LONGEST, Unit::Requests))?;
        let patience = self.optional(table.get("seconds"), Self::seconds)?;
        let say = self.optional(table.get("say"), |reader, value| Some(reader.text(value)?.value))?;
        let otherwise = self.optional(table.get("otherwise"), Self::onward)?;
        let language = self.optional(table.get("language"), Self::language)?;
        Some(Callback {
            name: name.value.clone(),
            agents: agents?,
            outside: outside?,
            identity: identity.map(Personal::new),
            patience: patience.unwrap_or(Ring::PATIENCE),
            tries: tries.and_then(|tries| u32::try_from(tries).ok()).unwrap_or(Callback::TRIES),
            pause: minutes.map_or(Callback::PAUSE, |minutes| Duration::from_secs(60 * minutes)),
            keep: days.map_or(Callback::KEEP, |days| Duration::from_secs(DAY * days)),
            longest: longest.and_then(|longest| usize::try_from(longest).ok()).unwrap_or(Callback::LONGEST),
            say,
            otherwise,
            language,
            numbers,
            opens,
        })
    }

    /// `"1"`: the callback of the queue's own name; or a table that names another.
    pub(super) fn by_key(&mut self, queue: &Placed<String>, value: &Value<'_>) -> Option<ByKey> {
        let (key, name) = if value.get_ref().as_str().is_some() {
            (value, Placed { span: value.span(), ..queue.clone() })
        } else {
            let table = self.table(value, KEY_HELP)?;
            self.know(table, BY_KEY);
            let Some(key) = table.get("key") else {
                self.wrong(value.span(), ("Hier ist keine Taste genannt", "this names no key"), KEY_HELP);
                return None;
            };
            let name = self.optional(table.get("name"), Self::text)?;
            (key, name.unwrap_or_else(|| Placed { span: value.span(), ..queue.clone() }))
        };
        let text = self.text(key)?;
        let digit = text.value.parse().ok().filter(|digit: &u8| *digit <= 9 && text.value.len() == 1);
        if digit.is_none() {
            let message = both!("{:?} ist keine Taste von 0 bis 9", "{:?} is no key from 0 to 9", text.value);
            self.wrong(text.span, message, KEY_HELP);
        }
        let callback = self.some_callback(&name);
        Some(ByKey { key: digit?, callback: callback? })
    }

    pub(super) fn some_callback(&mut self, name: &Placed<String>) -> Option<Box<Callback>> {
        if let Some(callback) = self.callbacks.iter_mut().find(|callback| callback.name.value == name.value) {
            callback.used = true;
            return Some(Box::new(callback.value.clone()));
        }
        let known: Vec<&str> = self.callbacks.iter().map(|callback| callback.name.value.as_str()).collect();
        let help = or_another(&known, "callbacks", &name.value);
        let message = both!("Den Rückruf {:?} gibt es nicht", "there is no callback {:?}", name.value);
        self.wrong(name.span.clone(), message, help);
        None
    }
}
