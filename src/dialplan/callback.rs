//! Callers who want to be called back. In: what a plan says of it, and a number that somebody shows or keys. Out: the number that may
//! be called, or why it may not.
//!
//! Whoever calls can name any number, and it is called on our bill: so only telephones of our own country are called, none that costs
//! more than usual, none for emergencies, and none that a rule of the plan is for, be it to refuse it or because it is our own.

use std::str::FromStr as _;
use std::time::Duration;

use phonenumber::country::Id;
use phonenumber::metadata::{DATABASE, Descriptor};
use phonenumber::{Mode, Type};

use super::decide::{Facts, Outcome, Step};
use super::number::Dialled;
use super::pattern::{EMERGENCY, Pattern};
use super::placing::Callee;
use super::{Home, Onward, Placed, Plan};
use crate::words::{Language, Personal, PhoneNumber, Purpose, TrunkName};

/// An office that calls back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Its name.
    pub name: String,
    /// Who calls back: one of them is rung first.
    pub agents: Vec<Callee>,
    /// By this trunk whoever wants it is called.
    pub outside: TrunkName,
    /// As this number; as the trunk's without it.
    pub identity: Option<Personal<PhoneNumber>>,
    /// How long either telephone is rung.
    pub patience: Duration,
    /// How often somebody is called who does not answer.
    pub tries: u32,
    /// How long it is waited before they are called again.
    pub pause: Duration,
    /// How long a request is kept.
    pub keep: Duration,
    /// So many requests are kept at most.
    pub longest: usize,
    /// The name of a prompt that is heard first.
    pub say: Option<String>,
    /// What if nobody more can be called back; refused without it.
    pub otherwise: Option<Onward>,
    /// In this language; in that of the menu without it.
    pub language: Option<Language>,
    /// Only these numbers; all that cost no more than usual without it.
    pub(super) numbers: Vec<Placed<Pattern>>,
    /// When the office calls back; always without it.
    pub(super) opens: Option<usize>,
}

/// By this key callers who wait in a queue ask to be called back instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByKey {
    /// 0 to 9.
    pub key: u8,
    /// By whom.
    pub callback: Box<Callback>,
}

/// Why a number is not called back. Says nothing of the number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCalledBack {
    /// It is none that could be called from anywhere: too short, a name.
    #[error("it is no telephone number")]
    NoNumber,
    /// It is for emergencies.
    #[error("it is an emergency number")]
    Emergency,
    /// It belongs to another country.
    #[error("it belongs to another country")]
    Abroad,
    /// It is no ordinary telephone: premium, shared cost, a service, or not given to anybody.
    #[error("it is no ordinary telephone of this country")]
    NoTelephone,
    /// The plan names others.
    #[error("it is none of the numbers that the plan names")]
    NotNamed,
    /// A rule is for it.
    #[error("rule {0:?} is for this number")]
    ByRule(String),
}

impl Callback {
    /// Telephones ring again after so many minutes, unless the plan says something else.
    pub const PAUSE: Duration = Duration::from_secs(60 * 60);
    /// So often, unless the plan says something else.
    pub const TRIES: u32 = 3;
    /// Requests are kept for so long, unless the plan says something else.
    pub const KEEP: Duration = Duration::from_secs(7 * DAY);
    /// So many are kept, unless the plan says something else.
    pub const LONGEST: usize = 50;
}

/// In seconds.
pub(super) const DAY: u64 = 24 * 3_600;

impl Plan {
    /// The office of that name that calls back.
    pub fn callback(&self, name: &str) -> Option<&Callback> {
        self.callbacks().find(|callback| callback.name == name)
    }

    /// All offices that call back.
    pub fn callbacks(&self) -> impl Iterator<Item = &Callback> {
        self.callbacks.iter().map(|named| &named.value)
    }

    /// Whether an office calls back now.
    pub fn calls_back(&self, callback: &Callback, now: &jiff::ZonedDateTime) -> bool {
        let office = callback.opens.map(|office| self.offices.get(office));
        office.is_none_or(|office| office.is_some_and(|office| office.value.is_open(now)))
    }

    /// The number in the international form, if it may be called back for somebody who called by this trunk.
    ///
    /// # Errors
    /// It may not.
    pub fn may_call_back(
        &self,
        callback: &Callback,
        number: &Personal<PhoneNumber>,
        trunk: Option<&TrunkName>,
        now: &jiff::ZonedDateTime,
    ) -> Result<Personal<PhoneNumber>, NotCalledBack> {
        let dialled = self.home.dialled(number.reveal(Purpose::Callback).as_str());
        let digits = self.home.ordinary(&dialled)?;
        if !callback.numbers.is_empty() && !callback.numbers.iter().any(|pattern| pattern.value.fits(&dialled)) {
            return Err(NotCalledBack::NotNamed);
        }
        let facts = Facts { called: format!("+{digits}"), trunk: trunk.cloned(), ..Facts::default() };
        // Also a rule that only sends such calls on means them.
        let (_, trace) = self.follow(&facts, now);
        let means =
            |step: &Step| matches!(step.outcome, Outcome::Takes | Outcome::Goes) && self.names(&step.rule, &dialled);
        match trace.steps.into_iter().find(means) {
            Some(step) => Err(NotCalledBack::ByRule(step.rule)),
            None => facts.called.parse().map(Personal::new).map_err(|_| NotCalledBack::NoNumber),
        }
    }

    /// Whether one of a rule's patterns is for this number, and not for all.
    fn names(&self, name: &str, dialled: &Dialled) -> bool {
        let rule = self.contexts.iter().flat_map(|context| &context.rules).find(|rule| rule.name.value == name);
        let names = |pattern: &Pattern| *pattern != Pattern::Everything && pattern.fits(dialled);
        rule.is_some_and(|rule| rule.patterns().any(names))
    }

    /// The digits as people dial and say them in this country.
    pub fn as_said(&self, number: &Personal<PhoneNumber>) -> Personal<String> {
        let plain = number.reveal(Purpose::Callback).as_str();
        let national = phonenumber::parse(None, plain).map(|number| number.format().mode(Mode::National).to_string());
        let said = national.unwrap_or_else(|_| plain.to_owned());
        Personal::new(said.chars().filter(char::is_ascii_digit).collect())
    }
}

impl Home {
    /// The digits of the international form, if it is an ordinary telephone of this country.
    fn ordinary<'a>(&self, dialled: &'a Dialled) -> Result<&'a str, NotCalledBack> {
        if EMERGENCY.contains(&dialled.as_dialled.as_str()) {
            return Err(NotCalledBack::Emergency);
        }
        let digits = dialled.international.as_deref().ok_or(NotCalledBack::NoNumber)?;
        let national = self.national(digits).ok_or(NotCalledBack::Abroad)?;
        // Countries that share a code (Italy and the Vatican) are told apart by the number.
        let whose = phonenumber::parse(None, format!("+{digits}")).ok().and_then(|number| number.country().id());
        if whose.is_some_and(|whose| Some(whose) != self.id()) {
            return Err(NotCalledBack::Abroad);
        }
        let is_service = dialled.as_dialled.starts_with(SERVICES);
        if self.is_ordinary(national) && !is_service { Ok(digits) } else { Err(NotCalledBack::NoTelephone) }
    }

    /// What stands behind the country's code.
    fn national<'a>(&self, digits: &'a str) -> Option<&'a str> {
        digits.strip_prefix(self.code()?.as_str())
    }

    /// The country's code: `49`.
    pub(super) fn code(&self) -> Option<String> {
        DATABASE.by_id(self.country.code()).map(|about| about.country_code().to_string())
    }

    fn id(&self) -> Option<Id> {
        Id::from_str(self.country.code()).ok()
    }

    /// Somebody's telephone, at a place or in a pocket, that costs what calls usually do.
    fn is_ordinary(&self, national: &str) -> bool {
        let Some(about) = DATABASE.by_id(self.country.code()) else { return false };
        let all = about.descriptors();
        let is = |kind: Option<&Descriptor>| kind.is_some_and(|kind| kind.is_match(national));
        let is_special = SPECIAL.iter().any(|kind| is(all.get(*kind)));
        let is_ordinary = ORDINARY.iter().any(|kind| is(all.get(*kind)));
        all.general().is_match(national) && is_ordinary && !is_special
    }

    /// Whether digits, or some that begin with them, are ordinary telephones of this country.
    pub(super) fn begins_ordinary(&self, digits: &str) -> bool {
        let Some(national) = self.national(digits) else { return false };
        let longer = (0..=LONGEST.saturating_sub(national.len())).flat_map(|more| {
            ["1", "2", "3", "4", "5", "6", "7", "8", "9"].map(|digit| format!("{national}{}", digit.repeat(more)))
        });
        longer.into_iter().any(|whole| self.is_ordinary(&whole))
    }
}

/// No national number is longer (E.164 has 15 digits with the country's code).
const LONGEST: usize = 13;

/// What is dialled without an area code and begins so is a service all over the Union: 112, 116 117 (decision 2007/116/EC), 118.
const SERVICES: &str = "11";

/// Kinds of numbers that may be called back.
const ORDINARY: [Type; 3] = [Type::FixedLine, Type::Mobile, Type::Voip];

/// Kinds that may not, although some of them look like ordinary ones, too.
const SPECIAL: [Type; 8] = [
    Type::PremiumRate,
    Type::SharedCost,
    Type::TollFree,
    Type::PersonalNumber,
    Type::Pager,
    Type::Uan,
    Type::Emergency,
    Type::ShortCode,
];
