//! The actions that place a call or hold one: `ring`, `transfer`, `announce`, and `emergency` with a trunk.

use std::ops::Range;
use std::time::Duration;

use super::super::called::{Called, is_user};
use super::super::placing::{Callee, Onward, Rescue, Ring, Saying, Transfer};
use super::super::vocabulary::{ANNOUNCE, RESCUE, RING, TRANSFER};
use super::action::one_of_these;
use super::{Reader, TRUNK, Value, list};
use crate::call::hunt::Way;
use crate::words::{Both, Personal, PhoneNumber, TrunkName, both};

const RING_HELP: (&str, &str) = (
    "Schreiben Sie ring = { to = [\"2001\", \"2002\"], trunk = \"pbx\" }",
    "write ring = { to = [\"2001\", \"2002\"], trunk = \"pbx\" }",
);
const TRANSFER_HELP: (&str, &str) = (
    "Schreiben Sie transfer = \"2001@pbx\" oder { to = \"2001\", trunk = \"pbx\" }",
    "write transfer = \"2001@pbx\", or { to = \"2001\", trunk = \"pbx\" }",
);
const ANNOUNCE_HELP: (&str, &str) = (
    "Schreiben Sie announce = \"closed\" oder { say = \"closed\", language = \"de\", then = \"context\" }",
    "write announce = \"closed\", or { say = \"closed\", language = \"de\", then = \"context\" }",
);
const RESCUE_HELP: (&str, &str) = (
    "Schreiben Sie emergency = { trunk = \"pbx\", identity = \"+49 30 90180\" }",
    "write emergency = { trunk = \"pbx\", identity = \"+49 30 90180\" }",
);
pub(super) const NUMBER: (&str, &str) = ("Schreiben Sie eine Nummer wie +49 30 90180", "a number like +49 30 90180");
pub(in super::super) const WAYS: [(&str, Way); 3] =
    [("in-order", Way::InOrder), ("all", Way::All), ("rotation", Way::Rotation)];

/// A telephone rings at least and at most so many seconds.
pub(in super::super) const SECONDS: std::ops::RangeInclusive<u64> = 3..=180;

/// What numbers are of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Seconds,
    Minutes,
    Days,
    Tries,
    Requests,
    Callers,
}

impl Unit {
    const fn named(self) -> (&'static str, &'static str) {
        match self {
            Self::Seconds => ("Sekunden", "seconds"),
            Self::Minutes => ("Minuten", "minutes"),
            Self::Days => ("Tagen", "days"),
            Self::Tries => ("Versuchen", "tries"),
            Self::Requests => ("Rückrufwünschen", "requests"),
            Self::Callers => ("Anrufern", "callers"),
        }
    }
}

/// So many telephones at most: all of them may ring at once.
pub(super) const MOST: usize = 20;

impl Reader<'_> {
    pub(super) fn ring(&mut self, value: &Value<'_>) -> Option<Ring> {
        let table = self.table(value, RING_HELP)?;
        self.know(table, RING);
        let trunk = self.optional(table.get("trunk"), Self::trunk)?;
        let way = self.optional(table.get("way"), Self::way)?.unwrap_or(Way::InOrder);
        let patience = self.optional(table.get("seconds"), Self::seconds)?.unwrap_or(Ring::PATIENCE);
        let otherwise = self.optional(table.get("otherwise"), Self::onward)?;
        Some(Ring { to: self.callees(table.get("to"), trunk.as_ref(), value.span())?, way, patience, otherwise })
    }

    pub(super) fn transfer(&mut self, value: &Value<'_>) -> Option<Transfer> {
        if value.get_ref().as_str().is_some() {
            return Some(Transfer { to: self.callee(value, None)?, otherwise: None });
        }
        let table = self.table(value, TRANSFER_HELP)?;
        self.know(table, TRANSFER);
        let trunk = self.optional(table.get("trunk"), Self::trunk)?;
        let Some(to) = table.get("to") else {
            self.wrong(value.span(), ("Hier fehlt, an wen", "this does not say to whom"), TRANSFER_HELP);
            return None;
        };
        let to = self.callee(to, trunk.as_ref())?;
        let otherwise = self.optional(table.get("otherwise"), Self::onward)?;
        Some(Transfer { to, otherwise })
    }

    pub(super) fn announce(&mut self, value: &Value<'_>) -> Option<Saying> {
        if value.get_ref().as_str().is_some() {
            return Some(Saying { say: self.text(value)?.value, language: None, then: None });
        }
        let table = self.table(value, ANNOUNCE_HELP)?;
        self.know(table, ANNOUNCE);
        let Some(say) = table.get("say") else {
            self.wrong(value.span(), ("Hier fehlt die Ansage", "this does not say what is said"), ANNOUNCE_HELP);
            return None;
        };
        let say = self.text(say)?.value;
        let language = self.optional(table.get("language"), Self::language)?;
        let then = self.optional(table.get("then"), Self::onward)?;
        Some(Saying { say, language, then })
    }

    pub(super) fn rescue(&mut self, value: &Value<'_>) -> Option<Rescue> {
        let table = self.table(value, RESCUE_HELP)?;
        self.know(table, RESCUE);
        let Some(trunk) = table.get("trunk") else {
            let message = (
                "Hier fehlt, über welchen Anschluss ein Notruf gewählt wird",
                "this does not say over which trunk an emergency is called",
            );
            self.wrong(value.span(), message, RESCUE_HELP);
            return None;
        };
        let trunk = self.trunk(trunk)?;
        let identity = match table.get("identity") {
            None => None,
            Some(identity) => {
                let number = self.parsed::<PhoneNumber>(identity, NUMBER)?;
                Some(Personal::new(number.value))
            }
        };
        Some(Rescue { trunk, identity })
    }

    /// What may be left out; none, if it is there and cannot be read.
    pub(super) fn optional<T>(
        &mut self,
        value: Option<&Value<'_>>,
        read: impl FnOnce(&mut Self, &Value<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        match value {
            None => Some(None),
            Some(value) => read(self, value).map(Some),
        }
    }

    pub(super) fn number(
        &mut self,
        value: &Value<'_>,
        range: &std::ops::RangeInclusive<u64>,
        unit: Unit,
    ) -> Option<u64> {
        let number = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let ((german, english), first, last) = (unit.named(), range.start(), range.end());
            let message = Both::new(
                format!("Das ist eine Anzahl von {german}, von {first} bis {last}"),
                format!("this is a number of {english}, from {first} to {last}"),
            );
            let help = ("Schreiben Sie sie ohne Anführungszeichen: 20", "write it without quotes: 20");
            self.wrong(value.span(), message, help);
        }
        number
    }

    pub(super) fn callees(
        &mut self,
        value: Option<&Value<'_>>,
        trunk: Option<&TrunkName>,
        whole: Range<usize>,
    ) -> Option<Vec<Callee>> {
        let items = list(value);
        let place = value.map_or(whole, Value::span);
        if items.is_empty() {
            let help =
                ("Nennen Sie mindestens ein Telefon: to = [\"2001\"]", "name at least one telephone: to = [\"2001\"]");
            self.wrong(place, ("Es klingelt nirgends", "nobody is rung"), help);
            return None;
        }
        if items.len() > MOST {
            let message = both!(
                "Das sind {} Telefone; höchstens {} können klingeln",
                "these are {} telephones; {} can be rung",
                items.len(),
                MOST
            );
            let help = (
                "Lassen Sie die Telefonanlage eine Gruppe rufen, und nennen Sie deren Nummer",
                "let the telephone system ring a group, and name the number of that group",
            );
            self.wrong(place, message, help);
            return None;
        }
        items.into_iter().map(|item| self.callee(item, trunk)).collect()
    }

    /// `2001`, `2001@pbx`, `sip:bob@pbx`: after the `@` stands a trunk.
    fn callee(&mut self, value: &Value<'_>, trunk: Option<&TrunkName>) -> Option<Callee> {
        let text = self.text(value)?;
        match read_callee(&text.value, trunk) {
            Ok(callee) => Some(callee),
            Err((message, help)) => {
                self.wrong(text.span, message, help);
                None
            }
        }
    }

    pub(super) fn trunk(&mut self, value: &Value<'_>) -> Option<TrunkName> {
        Some(self.parsed::<TrunkName>(value, TRUNK)?.value)
    }

    pub(super) fn onward(&mut self, value: &Value<'_>) -> Option<Onward> {
        let text = self.text(value)?;
        self.some_context(&text.value, text.span).map(Onward)
    }

    fn way(&mut self, value: &Value<'_>) -> Option<Way> {
        let text = self.text(value)?;
        let way = WAYS.into_iter().find(|(name, _)| *name == text.value);
        if way.is_none() {
            let known: Vec<&str> = WAYS.iter().map(|(name, _)| *name).collect();
            let message = both!("{:?} ist keine Art zu klingeln", "{:?} is no way to ring", text.value);
            self.wrong(text.span, message, one_of_these(&known));
        }
        way.map(|(_, way)| way)
    }

    pub(super) fn seconds(&mut self, value: &Value<'_>) -> Option<Duration> {
        self.number(value, &SECONDS, Unit::Seconds).map(Duration::from_secs)
    }
}

/// Somebody who can be called, or what is wrong with it and what to write.
pub(super) fn read_callee(
    text: &str,
    trunk: Option<&TrunkName>,
) -> Result<Callee, (Both, (&'static str, &'static str))> {
    let plain = text.strip_prefix("sip:").unwrap_or(text).trim();
    let (user, named) = plain.split_once('@').map_or((plain, None), |(user, trunk)| (user, Some(trunk)));
    let user: String = user.chars().filter(|c| !c.is_whitespace()).collect();
    if user.contains('{') && Called::read(&user).is_none() {
        let help = (
            "Schreiben Sie {called}, {called:1} ohne die erste Ziffer, oder {called:-4} für die letzten vier",
            "write {called}, {called:1} without the first digit, or {called:-4} for the last four",
        );
        let message = both!(
            "{:?} sagt nicht, was von der Nummer gewählt wird",
            "{:?} does not say what of the number is called",
            text
        );
        return Err((message, help));
    }
    if !user.contains('{') && !is_user(&user) {
        let help = (
            "Schreiben Sie eine Durchwahl, eine Nummer oder einen Namen: \"2001\", \"+49 30 1234567\", \"bob@pbx\"",
            "write an extension, a number or a name: \"2001\", \"+49 30 1234567\", \"bob@pbx\"",
        );
        return Err((
            both!("{:?} ist niemand, der angerufen werden kann", "{:?} is nobody who can be called", text),
            help,
        ));
    }
    let trunk = match named {
        None => trunk.cloned(),
        Some(named) => {
            let help = (
                "Hinter dem @ steht der Name eines Anschlusses, kein Rechner: 2001@pbx",
                "after the @ stands the name of a trunk, not a host: 2001@pbx",
            );
            let message = both!("{:?} ist kein Name eines Anschlusses", "{:?} is no name of a trunk", named);
            Some(named.parse().map_err(|_| (message, help))?)
        }
    };
    let help = (
        "Ergänzen Sie trunk = \"…\", oder schreiben Sie ihn hinter ein @: \"2001@pbx\"",
        "add trunk = \"…\", or write it behind an @: \"2001@pbx\"",
    );
    let message = || both!("Über welchen Anschluss wird {:?} angerufen?", "by which trunk is {:?} called?", text);
    let trunk = trunk.ok_or_else(|| (message(), help))?;
    Ok(Callee { user, trunk })
}
