//! What a call is for. In: what the door knows of it. Out: how it begins, or why it does not, and which rule says so.

use super::clock;
use super::running::Shared;
use crate::call::Refusal;
use crate::dialplan::{Decision, Facts, Reject};
use crate::ivr::{self, Menu, Prompt};
use crate::sip;
use crate::words::{Language, Transport};

/// The plan that runs, and the time by which its hours are read.
pub(super) struct Routing {
    pub(super) running: Shared,
    pub(super) zone: jiff::tz::TimeZone,
}

/// What the plan says of a call, for the caller and for the log.
pub(super) struct Routed {
    /// The plan that said it.
    pub(super) under: Shared,
    pub(super) rule: String,
    pub(super) decided: String,
    pub(super) outcome: Result<Beginning, Refusal>,
}

/// How a call begins once it is answered.
#[derive(Clone, Debug)]
pub(super) enum Beginning {
    Menu { door: ivr::Door, language: Language },
    Announcement { prompt: Prompt, language: Language },
}

impl Routing {
    /// Asks the plan.
    pub(super) fn of(&self, facts: &sip::Facts, language: Language) -> Routed {
        let facts = Facts {
            called: facts.called.clone(),
            caller: facts.caller.clone(),
            trunk: facts.trunk.clone(),
            secure: facts.source.transport == Transport::Tls,
        };
        let taken = self.running.plan.decide(&facts, &clock::local(&self.zone));
        Routed {
            under: self.running.clone(),
            rule: taken.map_or("none", |taken| taken.rule).to_owned(),
            decided: taken.map_or_else(|| Refusal::NoRule.to_string(), |taken| taken.decision.to_string()),
            outcome: begin(taken.map(|taken| taken.decision.clone()), language),
        }
    }
}

fn begin(decision: Option<Decision>, language: Language) -> Result<Beginning, Refusal> {
    match decision {
        None => Err(Refusal::NoRule),
        Some(Decision::Menu { language }) => Ok(Beginning::Menu { door: ivr::Door::Menu, language }),
        Some(Decision::Room { room }) => Ok(Beginning::Menu { door: ivr::Door::Room(room), language }),
        Some(Decision::Closed { language }) => Ok(Beginning::Announcement { prompt: Prompt::Closed, language }),
        Some(Decision::Reject { why: Reject::Forbidden }) => Err(Refusal::Forbidden),
        Some(Decision::Reject { why: Reject::NotFound }) => Err(Refusal::NotFound),
        Some(Decision::Reject { why: Reject::Unavailable }) => Err(Refusal::Closed),
        Some(Decision::Reject { why: Reject::Busy }) => Err(Refusal::Busy),
        Some(Decision::Redirect { to } | Decision::Emergency { to: Some(to) }) => Err(Refusal::Elsewhere { to }),
        Some(Decision::Emergency { to: None }) => Err(Refusal::Emergency),
    }
}

impl Beginning {
    /// The first that the caller hears.
    pub(super) fn begin(self, config: &ivr::Config) -> (Menu, Vec<ivr::Effect>) {
        match self {
            Self::Menu { door, language } => Menu::new(ivr::Config { door, ..config.clone() }, language, clock::now()),
            Self::Announcement { prompt, language } => Menu::announcement(prompt, language, clock::now()),
        }
    }
}
