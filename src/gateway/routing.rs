//! What a call is for. In: what the door knows of it. Out: how it begins, or why it does not.

use super::clock;
use crate::call::Refusal;
use crate::dialplan::{Decision, Facts, Plan, Reject};
use crate::ivr::{self, Menu, Prompt};
use crate::sip;
use crate::words::{CallId, Language};

/// The plan, and the time by which its hours are read.
pub(super) struct Routing {
    pub(super) plan: Plan,
    pub(super) zone: jiff::tz::TimeZone,
}

/// How a call begins once it is answered.
#[derive(Clone, Debug)]
pub(super) enum Beginning {
    Menu { door: ivr::Door, language: Language },
    Announcement { prompt: Prompt, language: Language },
}

impl Routing {
    /// Asks the plan; one line of the log says which rule decided, and how.
    pub(super) fn of(&self, call: CallId, facts: &sip::Facts, language: Language) -> Result<Beginning, Refusal> {
        let facts = Facts { called: facts.called.clone(), caller: facts.caller.clone(), trunk: None };
        let (decision, trace) = self.plan.decide(&facts, &clock::local(&self.zone));
        let decided = decision.as_ref().map_or_else(|| Refusal::NoRule.to_string(), ToString::to_string);
        tracing::info!(%call, caller = ?facts.caller, rule = trace.rule().unwrap_or("none"), %decided, "a call");
        match decision {
            None => Err(Refusal::NoRule),
            Some(Decision::Menu { language }) => Ok(Beginning::Menu { door: ivr::Door::Menu, language }),
            Some(Decision::Room { room }) => Ok(Beginning::Menu { door: ivr::Door::Room(room), language }),
            Some(Decision::Closed { language }) => Ok(Beginning::Announcement { prompt: Prompt::Closed, language }),
            Some(Decision::Reject { why: Reject::Forbidden }) => Err(Refusal::Forbidden),
            Some(Decision::Reject { why: Reject::NotFound }) => Err(Refusal::NoRule),
            Some(Decision::Reject { why: Reject::Unavailable }) => Err(Refusal::Closed),
            Some(Decision::Reject { why: Reject::Busy }) => Err(Refusal::Busy),
            Some(Decision::Redirect { to } | Decision::Emergency { to: Some(to) }) => Err(Refusal::Elsewhere { to }),
            Some(Decision::Emergency { to: None }) => {
                tracing::error!(%call, "an emergency call came here and is refused: the telephone system has to send it elsewhere");
                Err(Refusal::Emergency)
            }
        }
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
