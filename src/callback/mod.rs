//! People who want to be called back. In: who asks for which office and at which number, what becomes of a try, and the time. Out:
//! whose turn it is, who is to be called again, who is given up, whose request is over.
//!
//! The same number at the same office is one request. The first who asked is the first who is called. [`Attempt`] is one try: an agent
//! is rung first, hears for whom it is, and then the other telephone rings.

mod attempt;
mod kept;

#[cfg(test)]
mod stories;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::words::{CallbackId, Personal, PhoneNumber, TrunkName};

pub use attempt::{Attempt, Effect, Input, Outcome};
pub use kept::Unreadable;

/// Somebody wants to be called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// By this it is known.
    pub id: CallbackId,
    /// By which office.
    pub office: String,
    /// At which number: in the international form.
    pub number: Personal<PhoneNumber>,
    /// The trunk by which they called: the plan's rules for its calls hold for the number, too.
    pub trunk: Option<TrunkName>,
    /// When they asked.
    pub asked: Timestamp,
    /// How often they were called and did not answer.
    pub tries: u32,
    /// Not before this time.
    pub next: Timestamp,
    /// Erased at this time.
    pub until: Timestamp,
}

/// How an office calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How often somebody is called who does not answer.
    pub tries: u32,
    /// How long it is waited in between.
    pub pause: Duration,
    /// How long a request is kept.
    pub keep: Duration,
    /// So many requests are kept at most.
    pub longest: usize,
}

/// Why nobody is called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// As many wait for this office as may, or for all together.
    #[error("as many requests are kept as may be")]
    Full,
    /// This number has asked too often.
    #[error("this number was asked for too often")]
    TooOften,
}

/// What becomes of somebody who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is a new request: to be kept.
    New(Request),
    /// They have asked already.
    Again,
}

/// What becomes of somebody who did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// They are called again: to be kept as it is now.
    Again(Request),
    /// That was the last time: to be erased.
    GivenUp(Request),
}

/// All requests.
#[derive(Debug, Default)]
pub struct Requests {
    known: BTreeMap<CallbackId, Known>,
    /// When a number was asked for, in the last day: also of requests that are done.
    asked: BTreeMap<Personal<PhoneNumber>, Vec<Timestamp>>,
}

#[derive(Debug)]
struct Known {
    request: Request,
    /// It is written down: it is not called back for before.
    kept: bool,
    /// A try is under way.
    under_way: bool,
}

/// Requests of all offices.
const MOST: usize = 2_000;

/// Requests for one number in a day: whoever shows somebody else's number has them called no oftener.
const MOST_A_DAY: usize = 5;

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Requests {
    /// Somebody asks. A new request counts from now on: [`Self::put`] or [`Self::remove`] says what became of it.
    ///
    /// # Errors
    /// There is no place for it.
    pub fn ask(&mut self, request: Request, rules: Rules, now: Timestamp) -> Result<Asked, NoPlace> {
        let is_same = |known: &Known| known.request.office == request.office && known.request.number == request.number;
        if self.known.values().any(is_same) {
            return Ok(Asked::Again);
        }
        if !self.has_place(&request.office, rules.longest) {
            return Err(NoPlace::Full);
        }
        self.asked.retain(|_, times| {
            times.retain(|time| now.duration_since(*time) < DAY);
            !times.is_empty()
        });
        let times = self.asked.entry(request.number.clone()).or_default();
        if times.len() >= MOST_A_DAY {
            return Err(NoPlace::TooOften);
        }
        times.push(now);
        self.known.insert(request.id.clone(), Known { request: request.clone(), kept: false, under_way: false });
        Ok(Asked::New(request))
    }

    /// Whether somebody more can ask.
    pub fn has_place(&self, office: &str, longest: usize) -> bool {
        let own = self.known.values().filter(|known| known.request.office == office).count();
        own < longest && self.known.len() < MOST
    }

    /// A request is kept, as it is now.
    pub fn put(&mut self, request: Request) {
        let under_way = self.known.get(&request.id).is_some_and(|known| known.under_way);
        self.known.insert(request.id.clone(), Known { request, kept: true, under_way });
    }

    /// A request is no more.
    pub fn remove(&mut self, id: &CallbackId) -> Option<Request> {
        self.known.remove(id).map(|known| known.request)
    }

    /// One of them.
    pub fn get(&self, id: &CallbackId) -> Option<&Request> {
        self.known.get(id).map(|known| &known.request)
    }

    /// All, the first who asked first; and of which a try is under way.
    pub fn list(&self) -> Vec<(&Request, bool)> {
        let mut all: Vec<_> = self.known.values().map(|known| (&known.request, known.under_way)).collect();
        all.sort_by_key(|(request, _)| (request.asked, request.id.clone()));
        all
    }

    /// Whose turn it is at an office.
    pub fn due(&self, office: &str, now: Timestamp) -> Option<&Request> {
        let is_due = |known: &&Known| {
            known.kept && !known.under_way && known.request.office == office && known.request.next <= now
        };
        let due = self.known.values().filter(is_due).map(|known| &known.request);
        due.min_by_key(|request| (request.asked, request.id.clone()))
    }

    /// A try begins.
    pub fn begin(&mut self, id: &CallbackId) {
        if let Some(known) = self.known.get_mut(id) {
            known.under_way = true;
        }
    }

    /// A try ends without anything that counts: no agent had time.
    pub fn put_back(&mut self, id: &CallbackId) {
        if let Some(known) = self.known.get_mut(id) {
            known.under_way = false;
        }
    }

    /// They were called, and did not answer.
    pub fn not_there(&mut self, id: &CallbackId, rules: Rules, now: Timestamp) -> Option<Next> {
        let known = self.known.get_mut(id)?;
        known.under_way = false;
        known.request.tries += 1;
        known.request.next = later(now, rules.pause);
        let request = known.request.clone();
        if request.tries < rules.tries && request.next < request.until {
            return Some(Next::Again(request));
        }
        self.known.remove(id);
        Some(Next::GivenUp(request))
    }

    /// Those whose time is over.
    pub fn over(&self, now: Timestamp) -> Vec<CallbackId> {
        let is_over = |known: &&Known| known.request.until <= now && !known.under_way;
        self.known.values().filter(is_over).map(|known| known.request.id.clone()).collect()
    }
}

impl Request {
    /// A wish of now.
    pub fn new(
        id: CallbackId,
        office: &str,
        number: Personal<PhoneNumber>,
        trunk: Option<TrunkName>,
        rules: Rules,
        now: Timestamp,
    ) -> Self {
        let until = later(now, rules.keep);
        Self { id, office: office.to_owned(), number, trunk, asked: now, tries: 0, next: now, until }
    }
}

fn later(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}
