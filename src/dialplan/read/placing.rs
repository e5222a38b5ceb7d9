//! The actions that place a call or hold one: `ring`, `transfer`, `announce`, and `emergency` with a trunk.

use std::ops::Range;
use std::time::Duration;

use super::super::called::{Called, is_user};
use super::super::placing::{Callee, Onward, Rescue, Ring, Saying, Transfer};
use super::super::vocabulary::{ANNOUNCE, RESCUE, RING, TRANSFER};
use super::{Reader, Value, list};
use crate::call::hunt::Way;
use crate::words::{Personal, PhoneNumber, TrunkName};

const RING_HELP: &str = "write ring = { to = [\"2001\", \"2002\"], trunk = \"pbx\" }";
const TRANSFER_HELP: &str = "write transfer = \"2001@pbx\", or { to = \"2001\", trunk = \"pbx\" }";
const ANNOUNCE_HELP: &str =
    "write announce = \"closed\", or { say = \"closed\", language = \"de\", then = \"context\" }";
pub(in super::super) const WAYS: [(&str, Way); 3] =
    [("in-order", Way::InOrder), ("all", Way::All), ("rotation", Way::Rotation)];

/// A telephone rings at least and at most so many seconds.
pub(in super::super) const SECONDS: std::ops::RangeInclusive<u64> = 3..=180;

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
            self.wrong(value.span(), "this does not say to whom", TRANSFER_HELP);
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
            self.wrong(value.span(), "this does not say what is said", ANNOUNCE_HELP);
            return None;
        };
        let say = self.text(say)?.value;
        let language = self.optional(table.get("language"), Self::language)?;
        let then = self.optional(table.get("then"), Self::onward)?;
        Some(Saying { say, language, then })
    }

    pub(super) fn rescue(&mut self, value: &Value<'_>) -> Option<Rescue> {
        let help = "write emergency = { trunk = \"pbx\", identity = \"+49 30 90180\" }";
        let table = self.table(value, help)?;
        self.know(table, RESCUE);
        let Some(trunk) = table.get("trunk") else {
            self.wrong(value.span(), "this does not say over which trunk an emergency is called", help);
            return None;
        };
        let trunk = self.trunk(trunk)?;
        let identity = match table.get("identity") {
            None => None,
            Some(identity) => {
                let number = self.parsed::<PhoneNumber>(identity, "a number like +49 30 90180")?;
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
        what: &str,
    ) -> Option<u64> {
        let number = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("this is a number of {what}, from {} to {}", range.start(), range.end());
            self.wrong(value.span(), &message, "write it without quotes: 20");
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
            self.wrong(place, "nobody is rung", "name at least one telephone: to = [\"2001\"]");
            return None;
        }
        if items.len() > MOST {
            let message = format!("these are {} telephones; {MOST} can be rung", items.len());
            self.wrong(place, &message, "let the telephone system ring a group, and name the number of that group");
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
                self.wrong(text.span, &message, help);
                None
            }
        }
    }

    pub(super) fn trunk(&mut self, value: &Value<'_>) -> Option<TrunkName> {
        Some(self.parsed::<TrunkName>(value, "a trunk's name has a-z, 0-9, '-' and '_'")?.value)
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
            self.wrong(
                text.span,
                &format!("{:?} is no way to ring", text.value),
                &format!("one of {}", known.join(", ")),
            );
        }
        way.map(|(_, way)| way)
    }

    pub(super) fn seconds(&mut self, value: &Value<'_>) -> Option<Duration> {
        self.number(value, &SECONDS, "seconds").map(Duration::from_secs)
    }
}

/// Somebody who can be called, or what is wrong with it and what to write.
pub(super) fn read_callee(text: &str, trunk: Option<&TrunkName>) -> Result<Callee, (String, &'static str)> {
    let plain = text.strip_prefix("sip:").unwrap_or(text).trim();
    let (user, named) = plain.split_once('@').map_or((plain, None), |(user, trunk)| (user, Some(trunk)));
    let user: String = user.chars().filter(|c| !c.is_whitespace()).collect();
    if user.contains('{') && Called::read(&user).is_none() {
        let help = "write {called}, {called:1} without the first digit, or {called:-4} for the last four";
        return Err((format!("{text:?} does not say what of the number is called"), help));
    }
    if !user.contains('{') && !is_user(&user) {
        let help = "write an extension, a number or a name: \"2001\", \"+49 30 1234567\", \"bob@pbx\"";
        return Err((format!("{text:?} is nobody who can be called"), help));
    }
    let trunk = match named {
        None => trunk.cloned(),
        Some(named) => {
            let help = "after the @ stands the name of a trunk, not a host: 2001@pbx";
            Some(named.parse().map_err(|_| (format!("{named:?} is no name of a trunk"), help))?)
        }
    };
    let help = "add trunk = \"…\", or write it behind an @: \"2001@pbx\"";
    let trunk = trunk.ok_or_else(|| (format!("by which trunk is {text:?} called?"), help))?;
    Ok(Callee { user, trunk })
}
