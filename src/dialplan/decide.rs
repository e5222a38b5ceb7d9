//! Which rule takes a call, and why. In: facts and the time. Out: a decision, and what was looked at.

use std::fmt;

use serde::Serialize;

use super::{Decision, Plan, Rule};
use crate::words::{Personal, PhoneNumber, Purpose, TrunkName};

/// What is known of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What was dialled: a number or a name.
    pub called: String,
    /// Who calls, unless that is withheld.
    pub caller: Option<Personal<PhoneNumber>>,
    /// Which way the call came.
    pub trunk: Option<TrunkName>,
}

/// What became of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It decides.
    Takes,
    /// It is for other numbers.
    OtherNumber,
    /// It is for other callers.
    OtherCaller,
    /// It is for another trunk.
    OtherTrunk,
    /// It does not hold at this time.
    OtherTime,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which.
    pub rule: String,
    /// Where it stands: file:line.
    pub place: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// Everything that was looked at, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The number in the international form, if it has one.
    pub international: Option<String>,
    /// The rules.
    pub steps: Vec<Step>,
}

impl Trace {
    /// The rule that decided.
    pub fn rule(&self) -> Option<&str> {
        self.steps.last().filter(|step| step.outcome == Outcome::Takes).map(|step| step.rule.as_str())
    }
}

impl Plan {
    /// What the call is for; `None` if no rule takes it.
    pub fn decide(&self, facts: &Facts, now: &jiff::ZonedDateTime) -> (Option<Decision>, Trace) {
        let called = self.home.dialled(&facts.called);
        let caller = facts.caller.as_ref().map(|caller| self.home.dialled(caller.reveal(Purpose::Routing).as_str()));
        let mut trace =
            Trace { international: called.international.clone().map(|digits| format!("+{digits}")), steps: Vec::new() };
        for rule in &self.rules {
            let outcome = if !rule.called.iter().any(|pattern| pattern.value.fits(&called)) {
                Outcome::OtherNumber
            } else if !rule.caller.is_empty()
                && !caller.as_ref().is_some_and(|caller| rule.caller.iter().any(|pattern| pattern.value.fits(caller)))
            {
                Outcome::OtherCaller
            } else if rule.trunk.as_ref().is_some_and(|trunk| Some(&trunk.value) != facts.trunk.as_ref()) {
                Outcome::OtherTrunk
            } else if rule.when.as_ref().is_some_and(|when| !when.holds(now)) {
                Outcome::OtherTime
            } else {
                Outcome::Takes
            };
            trace.steps.push(Step { rule: rule.name.clone(), place: self.place(rule), outcome });
            if outcome == Outcome::Takes {
                return (Some(rule.action.clone()), trace);
            }
        }
        (None, trace)
    }

    /// `10-aemter.toml:14`
    pub(super) fn place(&self, rule: &Rule) -> String {
        let Some(source) = self.sources.get(rule.file) else { return String::new() };
        let line = source.text.get(..rule.span.start).unwrap_or_default().matches('\n').count() + 1;
        format!("{}:{line}", source.name)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Menu { language } => write!(f, "the menu in {language}"),
            Self::Room { room } => write!(f, "the door of room {room}"),
            Self::Reject { why } => write!(
                f,
                "refused: {}",
                super::Reject::ALL.iter().find(|(_, one)| one == why).map_or("", |(name, _)| name)
            ),
            Self::Closed { language } => write!(f, "told in {language} that the office is closed, then hung up"),
            Self::Redirect { to } => write!(f, "sent to {to}"),
            Self::Emergency { to: Some(to) } => write!(f, "an emergency: sent to {to}"),
            Self::Emergency { to: None } => {
                f.write_str("an emergency: refused, for the telephone system to find another way")
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Takes => "takes the call",
            Self::OtherNumber => "is for other numbers",
            Self::OtherCaller => "is for other callers",
            Self::OtherTrunk => "is for another trunk",
            Self::OtherTime => "does not hold at this time",
        })
    }
}
