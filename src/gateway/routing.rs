//! What a call is for. In: what the door knows of it. Out: how it begins, or why it does not, and which rule says so.

use std::time::Duration;

use super::caller::Brief;
use super::clock;
use super::running::Shared;
use crate::call::Refusal;
use crate::call::hunt::Way;
use crate::dialplan::{Callback, Callee, Decision, Facts, Onward, Plan, Queue, Reject, Rescue, Ring, Taken, Transfer};
use crate::ivr::{self, Prompt};
use crate::sip;
use crate::words::{Both, Language, Personal, PhoneNumber, Transport};

/// The plan that runs, and the time by which its hours are read.
pub(super) struct Routing {
    pub(super) running: Shared,
    pub(super) zone: jiff::tz::TimeZone,
}

/// What the plan says of a call, for the caller and for the log.
pub(super) struct Routed {
    /// The plan that said it.
    pub(super) under: Shared,
    /// What it was asked.
    pub(super) facts: Facts,
    pub(super) rule: Option<String>,
    /// For the log.
    pub(super) decided: String,
    /// For whoever reads the call's record.
    pub(super) told: Both,
    pub(super) outcome: Result<Beginning, Refusal>,
}

/// How a call begins once it is answered.
#[derive(Clone, Debug)]
pub(super) enum Beginning {
    Menu {
        door: ivr::Door,
        language: Language,
    },
    Announcement {
        prompt: Prompt,
        language: Language,
        then: Option<Onward>,
    },
    /// Telephones are rung.
    Ring(Errand),
    /// Waits for an office.
    Queue(Box<Queue>),
    /// Asked at which number an office is to call back.
    Callback(Box<Callback>),
    /// Handed on.
    Transfer(Transfer),
    /// Connected with somebody already.
    Talk,
}

impl Beginning {
    /// Whether we speak to the caller ourselves, and who cannot hear may read.
    pub(super) const fn is_read(&self) -> bool {
        match self {
            Self::Menu { .. } | Self::Announcement { .. } => true,
            Self::Ring(_) | Self::Queue(_) | Self::Callback(_) | Self::Transfer(_) | Self::Talk => false,
        }
    }
}

/// Whom to ring for a caller.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    pub(super) ring: Ring,
    /// The rule that says so.
    pub(super) rule: String,
    /// The number that is shown in place of the caller's.
    pub(super) shown: Option<Personal<PhoneNumber>>,
    pub(super) emergency: bool,
}

impl Errand {
    /// As a rule says.
    pub(super) const fn plain(ring: Ring, rule: String) -> Self {
        Self { ring, rule, shown: None, emergency: false }
    }

    /// Help, over a trunk: it rings as long as the caller waits.
    fn rescue(rescue: Rescue, called: &str, rule: String) -> Self {
        let to = vec![Callee { user: called.to_owned(), trunk: rescue.trunk }];
        let ring = Ring { to, way: Way::InOrder, patience: AS_LONG_AS_IT_TAKES, otherwise: None };
        Self { ring, rule, shown: rescue.identity, emergency: true }
    }
}

/// A proxy on the way gives up sooner (RFC 3261 section 16.6, timer C).
const AS_LONG_AS_IT_TAKES: Duration = Duration::from_secs(600);

impl Routing {
    /// Asks the plan.
    pub(super) fn of(&self, facts: &sip::Facts, language: Language) -> Routed {
        let asked = asked(facts);
        let taken = self.running.plan.decide(&asked, &clock::local(&self.zone));
        routed(&self.running, taken, &asked, language)
    }

    /// Asks the plan that a call began with, from a context on.
    pub(super) fn onward(&self, brief: &Brief, onward: Onward, language: Language) -> Routed {
        let asked = asked(&brief.facts);
        let taken = brief.under.plan.decide_onward(onward, &asked, &clock::local(&self.zone));
        routed(&brief.under, taken, &asked, language)
    }
}

/// What the plan is asked of a call.
pub(super) fn asked(facts: &sip::Facts) -> Facts {
    Facts {
        called: facts.called.clone(),
        caller: facts.caller.clone(),
        asserted: facts.asserted.clone(),
        diverted: facts.diverted.clone(),
        language: facts.language.clone(),
        trunk: facts.trunk.clone(),
        secure: facts.source.transport == Transport::Tls,
    }
}

fn routed(under: &Shared, taken: Option<Taken<'_>>, asked: &Facts, language: Language) -> Routed {
    let rule = taken.map(|taken| taken.rule.to_owned());
    let decision = taken.map(|taken| taken.decision.for_call(&asked.called));
    Routed {
        under: under.clone(),
        facts: asked.clone(),
        decided: decision.as_ref().map_or_else(|| Refusal::NoRule.to_string(), ToString::to_string),
        told: decision.as_ref().map_or_else(Plan::told_of_nothing, Decision::told),
        outcome: begin(decision, rule.as_deref().unwrap_or_default(), asked, language),
        rule,
    }
}

fn begin(decision: Option<Decision>, rule: &str, asked: &Facts, language: Language) -> Result<Beginning, Refusal> {
    match decision {
        None => Err(Refusal::NoRule),
        Some(Decision::Menu { language }) => Ok(Beginning::Menu { door: ivr::Door::Menu, language }),
        Some(Decision::Room { room }) => Ok(Beginning::Menu { door: ivr::Door::Room(room), language }),
        Some(Decision::Closed { language }) => {
            Ok(Beginning::Announcement { prompt: Prompt::Closed, language, then: None })
        }
        Some(Decision::Announce(saying)) => Ok(Beginning::Announcement {
            // A plan with another name was not loaded.
            prompt: Prompt::from_name(&saying.say).unwrap_or(Prompt::Goodbye),
            language: saying.language.unwrap_or(language),
            then: saying.then,
        }),
        Some(Decision::Ring(ring)) => Ok(Beginning::Ring(Errand::plain(ring, rule.to_owned()))),
        Some(Decision::Rescue(rescue)) => Ok(Beginning::Ring(Errand::rescue(rescue, &asked.called, rule.to_owned()))),
        Some(Decision::Queue(queue)) => Ok(Beginning::Queue(queue)),
        Some(Decision::Callback(callback)) => Ok(Beginning::Callback(callback)),
        Some(Decision::Transfer(transfer)) => Ok(Beginning::Transfer(transfer)),
        Some(Decision::Reject { why: Reject::Forbidden }) => Err(Refusal::Forbidden),
        Some(Decision::Reject { why: Reject::NotFound }) => Err(Refusal::NotFound),
        Some(Decision::Reject { why: Reject::Unavailable }) => Err(Refusal::Closed),
        Some(Decision::Reject { why: Reject::Busy }) => Err(Refusal::Busy),
        Some(Decision::Redirect { to } | Decision::Emergency { to: Some(to) }) => Err(Refusal::Elsewhere { to }),
        Some(Decision::Emergency { to: None }) => Err(Refusal::Emergency),
    }
}
