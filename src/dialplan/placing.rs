//! Actions that place a call or hold one: whom to ring, in which way, for how long, and what then.

use std::fmt;
use std::time::Duration;

use super::called::Called;
use super::{ByKey, Context, Plan};
use crate::call::hunt::Way;
use crate::words::{Language, Personal, PhoneNumber, TrunkName};

/// Somebody who can be rung: a user or a number at a trunk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Callee {
    /// The user part of the address: an extension, a number, a name; in a plan also what is made of the number that was
    /// called (`{called:-4}`), until [`super::Decision::for_call`] fills it in.
    pub user: String,
    /// Who leads there.
    pub trunk: TrunkName,
}

/// A context that decides what becomes of a call whose action came to nothing, or to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onward(pub(super) usize);

/// Telephones to ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Which, in order.
    pub to: Vec<Callee>,
    /// In which way.
    pub way: Way,
    /// How long each rings.
    pub patience: Duration,
    /// What if nobody answers; the call is refused without it.
    pub otherwise: Option<Onward>,
}

/// Callers wait until somebody of an office has time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Who answers there.
    pub agents: Vec<Callee>,
    /// So many callers wait at most.
    pub longest: usize,
    /// How long an agent is rung.
    pub patience: Duration,
    /// How long before the opening callers may wait for it.
    pub early: Duration,
    /// What if nobody can wait (any longer); the caller is told goodbye without it.
    pub otherwise: Option<Onward>,
    /// Callers are told things in this language; in that of the menu without it.
    pub language: Option<Language>,
    /// Who does not want to wait may ask to be called back.
    pub callback: Option<ByKey>,
    /// When it is open; always without it.
    pub(super) opens: Option<usize>,
}

/// How an office stands to the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// It is open.
    Open,
    /// It opens before long.
    OpensSoon,
    /// It is closed.
    Closed,
}

/// The call is answered, and then handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// To whom.
    pub to: Callee,
    /// What if they do not answer; the caller is told goodbye without it.
    pub otherwise: Option<Onward>,
}

/// Something is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// The name of a prompt.
    pub say: String,
    /// In this language; in that of the menu without it.
    pub language: Option<Language>,
    /// What then; it is hung up without it.
    pub then: Option<Onward>,
}

/// An emergency call that we place ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescue {
    /// Over this trunk.
    pub trunk: TrunkName,
    /// Shown as this number, by which the house is found; as the trunk's without it.
    pub identity: Option<Personal<PhoneNumber>>,
}

impl Callee {
    /// Who it is for a call to this number.
    pub(super) fn for_call(&self, called: &str) -> Option<Self> {
        match Called::read(&self.user) {
            None => Some(self.clone()),
            Some(part) => part.filled(called).map(|user| Self { user, trunk: self.trunk.clone() }),
        }
    }
}

impl Ring {
    /// Rings for so long, unless the plan says something else.
    pub const PATIENCE: Duration = Duration::from_secs(30);
}

impl Queue {
    /// So many wait, unless the plan says something else.
    pub const LONGEST: usize = 20;
    /// Callers may come so long before the opening, unless the plan says something else.
    pub const EARLY: Duration = Duration::from_secs(15 * 60);
}

impl Plan {
    /// Whether a queue is open.
    pub fn door_of(&self, queue: &Queue, now: &jiff::ZonedDateTime) -> Door {
        let Some(office) = queue.opens.and_then(|office| self.offices.get(office)) else { return Door::Open };
        if office.value.is_open(now) {
            return Door::Open;
        }
        let minutes = i64::try_from(queue.early.as_secs() / 60).unwrap_or_default();
        let later = |minute| now.checked_add(jiff::Span::new().minutes(minute));
        let opens = (1..=minutes).any(|minute| later(minute).is_ok_and(|then| office.value.is_open(&then)));
        if opens { Door::OpensSoon } else { Door::Closed }
    }

    /// The context that goes on, as the plan calls it.
    pub fn onward_name(&self, onward: Onward) -> &str {
        self.contexts.get(onward.0).map_or("", |context: &Context| &context.name)
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.trunk)
    }
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        let names = names.join(", ");
        let seconds = self.patience.as_secs();
        match (self.way, self.to.len()) {
            (_, 0 | 1) => write!(f, "{names} is rung for {seconds} s"),
            (Way::InOrder, _) => write!(f, "{names} are rung in this order, each for {seconds} s"),
            (Way::All, _) => write!(f, "{names} are rung all at once for {seconds} s"),
            (Way::Rotation, _) => write!(f, "{names} are rung in turn, each for {seconds} s"),
        }
    }
}
