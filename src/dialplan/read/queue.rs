//! Queues: `[queues.NAME]`.

use std::time::Duration;

use super::super::called::Called;
use super::super::placing::{Queue, Ring};
use super::super::vocabulary::QUEUE;
use super::super::{Named, Placed};
use super::placing::Unit;
use super::{ANOTHER_NAME, Reader, Value, or_another};
use crate::words::both;

const HELP: (&str, &str) = (
    "Schreiben Sie [queues.NAME] in eine eigene Zeile, darunter agents = [\"2001\", \"2002\"] und trunk = \"pbx\"",
    "write [queues.NAME] on a line of its own, and agents = [\"2001\", \"2002\"] and trunk = \"pbx\" below it",
);

/// Minutes for which callers may wait for the opening.
pub(in super::super) const EARLY: std::ops::RangeInclusive<u64> = 0..=60;
/// Callers who wait.
pub(in super::super) const LONGEST: std::ops::RangeInclusive<u64> = 1..=100;

impl Reader<'_> {
    pub(super) fn queue(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, HELP) else { return };
        self.know(table, QUEUE);
        let Some(value) = self.queue_of(&name, table) else { return };
        if self.queues.iter().any(|queue| queue.name.value == name.value) {
            let message = both!("Die Warteschlange {:?} gibt es zweimal", "there are two queues {:?}", name.value);
            return self.wrong(name.span, message, ANOTHER_NAME);
        }
        self.queues.push(Named { name, value, used: false });
    }

    fn queue_of(&mut self, name: &Placed<String>, table: &toml::de::DeTable<'_>) -> Option<Queue> {
        let trunk = self.optional(table.get("trunk"), Self::trunk)?;
        let agents = self.callees(table.get("agents"), trunk.as_ref(), name.span.clone());
        if agents.iter().flatten().any(|agent| Called::read(&agent.user).is_some()) {
            let place = table.get("agents").map_or(name.span.clone(), Value::span);
            let message = (
                "Eine Warteschlange hat dieselben Plätze, welche Nummer auch gewählt wurde",
                "a queue has the same agents whatever number was called",
            );
            let help = ("Nennen Sie sie: agents = [\"2001\", \"2002\"]", "name them: agents = [\"2001\", \"2002\"]");
            self.wrong(place, message, help);
        }
        let opens = self.optional(table.get("opens"), |reader, value| {
            let office = reader.text(value)?;
            reader.some_office(&office)
        })?;
        let minutes = self.optional(table.get("early"), |reader, value| reader.number(value, &EARLY, Unit::Minutes))?;
        let longest =
            self.optional(table.get("longest"), |reader, value| reader.number(value, &LONGEST, Unit::Callers))?;
        let patience = self.optional(table.get("seconds"), Self::seconds)?;
        let otherwise = self.optional(table.get("otherwise"), Self::onward)?;
        let language = self.optional(table.get("language"), Self::language)?;
        let callback = self.optional(table.get("callback"), |reader, value| reader.by_key(name, value))?;
        Some(Queue {
            name: name.value.clone(),
            agents: agents?,
            longest: longest.and_then(|longest| usize::try_from(longest).ok()).unwrap_or(Queue::LONGEST),
            patience: patience.unwrap_or(Ring::PATIENCE),
            early: minutes.map_or(Queue::EARLY, |minutes| Duration::from_secs(60 * minutes)),
            otherwise,
            language,
            callback,
            opens,
        })
    }

    pub(super) fn some_queue(&mut self, value: &Value<'_>) -> Option<Box<Queue>> {
        let name = self.text(value)?;
        if let Some(queue) = self.queues.iter_mut().find(|queue| queue.name.value == name.value) {
            queue.used = true;
            return Some(Box::new(queue.value.clone()));
        }
        let known: Vec<&str> = self.queues.iter().map(|queue| queue.name.value.as_str()).collect();
        let help = or_another(&known, "queues", &name.value);
        let message = both!("Die Warteschlange {:?} gibt es nicht", "there is no queue {:?}", name.value);
        self.wrong(name.span, message, help);
        None
    }
}
