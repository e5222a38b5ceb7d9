//! People who are called back. In: who asks for it, which office is open, who of it is free, and what becomes of the telephones that
//! ring. Out: what `callback` wants done, and what is kept in the store.
//!
//! A request is called back by the plan that runs: it may name other agents than when somebody asked, or no longer allow the number.
//! What a try changes is kept when it is over: one that a restart ends is made again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::access::Bearer;
use super::ledger::{Asked as Recorded, BACK};
use super::meetings::{Reply, letters, refusal_of};
use super::routing::Beginning;
use super::running::Shared;
use super::switchboard::{For, NotRung, ringback};
use super::{Gateway, clock};
use crate::call::Refusal;
use crate::callback::{Asked, Attempt, Effect, Input, Next, Outcome, Request, Requests, Rules};
use crate::dialplan::{Callback, Callee, Facts};
use crate::ivr::{self, Menu, Prompt, Spelled};
use crate::records::Deed;
use crate::sip::Shown;
use crate::store::{self, Failed, Revision, Value};
use crate::web::{self, Done, callbacks};
use crate::words::{CallId, CallbackId, Language, LegId, Personal, PhoneNumber, Purpose, TrunkName, both};
use crate::workers;

/// The folder of the store in which requests are.
const FOLDER: &str = "callbacks/";

/// All requests, and the tries that are under way.
#[derive(Default)]
pub(super) struct Callbacks {
    requests: Requests,
    /// When each was written.
    revisions: BTreeMap<CallbackId, Revision>,
    tries: BTreeMap<u64, Try>,
    begun: u64,
    /// Agents who have answered, and for which try.
    agents: BTreeMap<LegId, u64>,
    /// Until when agents have peace.
    rests: BTreeMap<Callee, Rest>,
    /// What is with the store.
    keeping: BTreeMap<u64, Keeping>,
}

/// One try.
struct Try {
    attempt: Attempt,
    request: Request,
    callback: Callback,
    under: Shared,
    agent: Callee,
    /// The agent's call, from when it rings.
    leg: Option<LegId>,
    /// The other one.
    other: Option<LegId>,
}

/// Which telephone of a try.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Agent,
    Other,
}

struct Rest {
    until: Instant,
    /// How long it was: an agent who does not answer again has it for twice as long.
    span: Duration,
}

enum Keeping {
    /// A caller waits to hear that they will be called back.
    Asked { leg: LegId, id: CallbackId },
    /// What a try has changed, or what is over.
    Changed(CallbackId),
    /// Somebody has dropped it.
    Dropped { id: CallbackId, by: Bearer, reply: Reply, lost: u32 },
}

/// How long an agent has peace after a call.
const REST: Duration = Duration::from_secs(5);

/// How long an agent has peace who did not answer, at first and at most.
const NOT_THERE: Duration = Duration::from_secs(30);
const LONG_GONE: Duration = Duration::from_secs(15 * 60);

/// RFC 3261 section 8.1.1.6.
const FORWARDS: u8 = 70;

/// What an agent hears; no menu counts so far.
const TOLD: u64 = u64::MAX - 2;

/// A drop that lost so often against a try gives up.
const MOST_LOST: u32 = 5;

impl Callbacks {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.tries.values().filter_map(|one| one.attempt.next_timeout()).min()
    }

    fn rest(&mut self, agent: &Callee, now: Instant) {
        let span = self.rests.get(agent).map_or(NOT_THERE, |rest| (2 * rest.span).min(LONG_GONE));
        self.rests.insert(agent.clone(), Rest { until: now + span, span });
    }
}

// --- asking ---

impl Gateway {
    /// A caller is asked at which number they are to be called back, if there is a place for one more.
    pub(super) fn offer_callback(&mut self, leg: LegId, callback: Box<Callback>) {
        if self.callbacks.requests.has_place(&callback.name, callback.longest) {
            return self.answer_now(leg, Beginning::Callback(callback));
        }
        tracing::info!(%leg, office = callback.name, "no more callbacks are kept");
        match callback.otherwise {
            Some(onward) => self.lead_on(leg, onward),
            None => self.turn_away(leg, Refusal::AllBusy),
        }
    }

    /// A key of somebody who waits in a queue: true if it asks for a callback instead.
    pub(super) fn asks_in_queue(&mut self, leg: LegId, key: u8) -> bool {
        let Some(callback) = self.queued_callback(leg, key) else { return false };
        if self.callbacks.requests.has_place(&callback.name, callback.longest) {
            tracing::info!(%leg, office = callback.name, "asks to be called back instead of waiting");
            self.leaves_queues(leg);
            self.answer_now(leg, Beginning::Callback(callback));
        }
        true
    }

    /// The call is up.
    pub(super) fn ask_for_callback(&mut self, leg: LegId, callback: &Callback) {
        let shown = self.callers.get(&leg).and_then(|caller| caller.number().cloned());
        let shown = shown.and_then(|number| self.spelled(leg, callback, &number));
        let say = callback.say.as_deref().and_then(Prompt::from_name);
        let (menu, effects) = Menu::callback(say, shown, self.language_of_office(callback), clock::now());
        if let Some(caller) = self.callers.get_mut(&leg) {
            caller.menu = Some(menu);
        }
        self.perform_menu(leg, effects);
    }

    /// A number was keyed.
    pub(super) fn examine_number(&mut self, leg: LegId, number: &Personal<PhoneNumber>) {
        let spelled = self.callback_of(leg).and_then(|callback| self.spelled(leg, &callback, number));
        self.tell_menu(leg, ivr::Input::Examined(spelled));
    }

    /// Somebody has confirmed a number.
    pub(super) fn note_callback(&mut self, leg: LegId, number: Personal<PhoneNumber>) {
        let Some(callback) = self.callback_of(leg) else { return self.tell_menu(leg, ivr::Input::Noted(false)) };
        let now = clock::moment();
        let trunk = self.trunk_of_caller(leg);
        let asked = letters(16).parse().map(|id| {
            let request = Request::new(id, &callback.name, number, trunk, rules(&callback), now);
            self.callbacks.requests.ask(request, rules(&callback), now)
        });
        match asked {
            Ok(Ok(Asked::New(request))) => {
                let id = request.id.clone();
                tracing::info!(%leg, office = callback.name, %id, "asks to be called back");
                self.ledger
                    .led_on(CallId(leg.0), &both!("bittet um einen Rückruf: {}", "asks to be called back: {}", id));
                self.keep_callback(Keeping::Asked { leg, id: id.clone() }, &id, None, Some(&request));
            }
            Ok(Ok(Asked::Again)) => {
                tracing::info!(%leg, office = callback.name, "asks to be called back once more");
                self.tell_menu(leg, ivr::Input::Noted(true));
            }
            Ok(Err(why)) => {
                tracing::info!(%leg, office = callback.name, %why, "is not called back");
                self.tell_menu(leg, ivr::Input::Noted(false));
            }
            // The system gives no randomness.
            Err(_) => self.tell_menu(leg, ivr::Input::Noted(false)),
        }
    }

    fn callback_of(&self, leg: LegId) -> Option<Box<Callback>> {
        match &self.callers.get(&leg)?.beginning {
            Beginning::Callback(callback) => Some(callback.clone()),
            Beginning::Menu { .. }
            | Beginning::Announcement { .. }
            | Beginning::Ring(_)
            | Beginning::Queue(_)
            | Beginning::Transfer(_)
            | Beginning::Talk => None,
        }
    }

    fn trunk_of_caller(&self, leg: LegId) -> Option<TrunkName> {
        self.brief_of(leg).and_then(|brief| brief.facts.trunk)
    }

    /// The number as it is called and said, if the plan lets it be called.
    fn spelled(&self, leg: LegId, callback: &Callback, number: &Personal<PhoneNumber>) -> Option<Spelled> {
        let plan = &self.routing.running.plan;
        let now = clock::local(&self.routing.zone);
        match plan.may_call_back(callback, number, self.trunk_of_caller(leg).as_ref(), &now) {
            Ok(number) => Some(Spelled { said: plan.as_said(&number), number }),
            Err(why) => {
                tracing::info!(%leg, office = callback.name, %why, "a number is not called back");
                None
            }
        }
    }

    fn language_of_office(&self, callback: &Callback) -> Language {
        callback.language.unwrap_or(self.config.language)
    }
}

fn rules(callback: &Callback) -> Rules {
    let Callback { tries, pause, keep, longest, .. } = callback;
    Rules { tries: *tries, pause: *pause, keep: *keep, longest: *longest }
}

// --- calling back ---

impl Gateway {
    /// Once a second: what is over is erased, and who is free calls back.
    pub(super) fn look_at_callbacks(&mut self) {
        let now = clock::moment();
        for id in self.callbacks.requests.over(now) {
            self.end_request(&id, "its time is over", |office, id| Deed::CallbackErased { office, id });
        }
        if self.draining {
            return;
        }
        let (under, local) = (self.routing.running.clone(), clock::local(&self.routing.zone));
        for callback in under.plan.callbacks().filter(|callback| under.plan.calls_back(callback, &local)) {
            while let Some(request) = self.callbacks.requests.due(&callback.name, now).cloned()
                && let Some(agent) = self.free_agent(callback)
            {
                match under.plan.may_call_back(callback, &request.number, request.trunk.as_ref(), &local) {
                    Ok(_) => self.try_callback(request, callback, agent, under.clone()),
                    Err(why) => {
                        let tries = request.tries;
                        self.end_request(&request.id, &why.to_string(), |office, id| Deed::CallbackGivenUp {
                            office,
                            id,
                            tries,
                        });
                    }
                }
            }
        }
    }

    fn free_agent(&self, callback: &Callback) -> Option<Callee> {
        let now = clock::now();
        let rests = |agent: &Callee| self.callbacks.rests.get(agent).is_some_and(|rest| rest.until > now);
        let talks = |agent: &Callee| self.callers.values().any(|caller| caller.callee.as_ref() == Some(agent));
        let is_free = |agent: &&Callee| !rests(agent) && !talks(agent) && !self.switchboard.rings(agent);
        callback.agents.iter().find(is_free).cloned()
    }

    fn try_callback(&mut self, request: Request, callback: &Callback, agent: Callee, under: Shared) {
        self.callbacks.requests.begin(&request.id);
        self.callbacks.begun += 1;
        let number = self.callbacks.begun;
        let (attempt, effects) = Attempt::new(callback.patience, clock::now());
        tracing::info!(id = %request.id, office = callback.name, tries = request.tries, "calls back");
        let (callback, leg, other) = (callback.clone(), None, None);
        self.callbacks.tries.insert(number, Try { attempt, request, callback, under, agent, leg, other });
        self.perform_try(number, effects);
    }

    fn tell_try(&mut self, number: u64, input: Input) {
        let Some(one) = self.callbacks.tries.get_mut(&number) else { return };
        let (attempt, effects) = one.attempt.on(input, clock::now());
        one.attempt = attempt;
        self.perform_try(number, effects);
    }

    fn perform_try(&mut self, number: u64, effects: Vec<Effect>) {
        for effect in effects {
            let Some(one) = self.callbacks.tries.get(&number) else { return };
            let (leg, other) = (one.leg, one.other);
            match effect {
                Effect::RingAgent => {
                    if let Err(NotRung) = self.ring_agent_back(number) {
                        self.tell_try(number, Input::AgentRefuses);
                    }
                }
                Effect::LeaveAgent => leg.into_iter().for_each(|leg| self.no_longer_rung(leg)),
                Effect::Tell => {
                    if let Some(leg) = leg {
                        self.tell_agent(number, leg);
                    }
                }
                Effect::Ring => {
                    if let Err(NotRung) = self.ring_back(number) {
                        self.tell_try(number, Input::Refuses);
                    }
                }
                Effect::Leave => other.into_iter().for_each(|other| self.no_longer_rung(other)),
                Effect::Connect => {
                    if let (Some(leg), Some(other)) = (leg, other) {
                        self.bring_together(leg, other);
                    }
                }
                Effect::SayNobody => {
                    let language = self.language_of_office(&one.callback);
                    leg.into_iter().for_each(|leg| self.say_goodbye(leg, Prompt::CallbackNobody, language));
                }
                Effect::End(outcome) => self.end_try(number, outcome),
            }
        }
    }

    fn ring_agent_back(&mut self, number: u64) -> Result<(), NotRung> {
        let one = self.callbacks.tries.get(&number).ok_or(NotRung)?;
        let (agent, from) = (one.agent.clone(), Shown::Number(one.request.number.clone()));
        let recorded = recorded(one);
        let leg =
            self.place_call(&agent, from, FORWARDS, false, For::Callback { number, side: Side::Agent, leg: None })?;
        self.ledger.begin(CallId(leg.0), recorded);
        if let Some(one) = self.callbacks.tries.get_mut(&number) {
            one.leg = Some(leg);
        }
        Ok(())
    }

    fn tell_agent(&mut self, number: u64, leg: LegId) {
        self.callbacks.agents.insert(leg, number);
        self.ledger.answered(CallId(leg.0));
        let Some(one) = self.callbacks.tries.get(&number) else { return };
        self.callbacks.rests.remove(&one.agent);
        let spelled = Spelled { said: one.under.plan.as_said(&one.request.number), number: one.request.number.clone() };
        let said = ivr::callback_for(&spelled, self.language_of_office(&one.callback));
        let clips = said.into_iter().filter_map(|spoken| self.clip(spoken)).collect();
        self.tell_media(workers::Command::Play { leg, clips, repeat: false, id: TOLD });
    }

    fn ring_back(&mut self, number: u64) -> Result<(), NotRung> {
        let one = self.callbacks.tries.get(&number).ok_or(NotRung)?;
        let user = one.request.number.reveal(Purpose::Callback).as_str().to_owned();
        let callee = Callee { user, trunk: one.callback.outside.clone() };
        let from = one.callback.identity.clone().map_or(Shown::Trunk, Shown::Number);
        let leg = one.leg;
        let other =
            self.place_call(&callee, from, FORWARDS, false, For::Callback { number, side: Side::Other, leg })?;
        if let Some(one) = self.callbacks.tries.get_mut(&number) {
            one.other = Some(other);
        }
        if let Some(leg) = leg {
            self.tell_media(workers::Command::Play { leg, clips: vec![ringback()], repeat: true, id: TOLD });
        }
        Ok(())
    }

    fn end_try(&mut self, number: u64, outcome: Outcome) {
        let Some(one) = self.callbacks.tries.remove(&number) else { return };
        let Try { request, callback, agent, leg, .. } = one;
        if let Some(leg) = leg {
            self.callbacks.agents.remove(&leg);
        }
        let now = clock::now();
        let Request { id, office, tries, .. } = request;
        let ended = match outcome {
            Outcome::Connected => {
                self.end_request(&id, "connected", |office, id| Deed::CalledBack { office, id, tries: tries + 1 });
                both!("verbunden", "connected")
            }
            Outcome::NoAgent => {
                self.callbacks.rest(&agent, now);
                self.callbacks.requests.put_back(&id);
                if let Some(leg) = leg {
                    self.ledger.refused(CallId(leg.0), &Refusal::NobodyAnswers);
                }
                both!("am Arbeitsplatz nimmt niemand ab", "the agent does not answer")
            }
            Outcome::AgentLeft => {
                self.callbacks.rest(&agent, now);
                self.callbacks.requests.put_back(&id);
                both!("am Arbeitsplatz wurde vorher aufgelegt", "the agent hung up before")
            }
            Outcome::NotThere => match self.callbacks.requests.not_there(&id, rules(&callback), clock::moment()) {
                Some(Next::Again(request)) => {
                    self.keep_change(&id, Some(&request));
                    both!("niemand nimmt ab: wieder um {:.0}", "nobody answers: again at {:.0}", request.next)
                }
                Some(Next::GivenUp(request)) => {
                    let (deed_of, tries) = (id.to_string(), request.tries);
                    self.note(Deed::CallbackGivenUp { office: office.clone(), id: deed_of, tries });
                    self.keep_change(&id, None);
                    both!(
                        "niemand nimmt ab: nach {} Versuchen aufgegeben",
                        "nobody answers: given up after {} tries",
                        tries
                    )
                }
                // Somebody has dropped it meanwhile.
                None => both!("niemand nimmt ab", "nobody answers"),
            },
        };
        tracing::info!(%id, office, ended = ended.said(Language::En), "a try to call back is over");
        if let Some(leg) = leg {
            self.ledger.led_on(CallId(leg.0), &ended);
        }
    }

    /// A request is over: it is erased, and that is noted.
    fn end_request(&mut self, id: &CallbackId, why: &str, deed: impl FnOnce(String, String) -> Deed) {
        let Some(request) = self.callbacks.requests.remove(id) else { return };
        tracing::info!(%id, office = request.office, why, "a callback is erased");
        self.note(deed(request.office, id.to_string()));
        self.keep_change(id, None);
    }

    /// Whoever has this number is called back no longer. So many requests they had.
    pub(super) fn forget_callbacks(&mut self, number: &Personal<PhoneNumber>) -> usize {
        let theirs = self.callbacks.requests.list().into_iter().filter(|(request, _)| request.number == *number);
        let ids: Vec<CallbackId> = theirs.map(|(request, _)| request.id.clone()).collect();
        for id in &ids {
            self.end_request(id, "they are forgotten", |office, id| Deed::CallbackErased { office, id });
        }
        ids.len()
    }

    /// A telephone of a try has answered.
    pub(super) fn callback_answered(&mut self, number: u64, side: Side, leg: LegId) {
        if !self.callbacks.tries.contains_key(&number) {
            return self.hang_up(leg);
        }
        self.tell_try(number, if side == Side::Agent { Input::AgentAnswers } else { Input::Answers });
    }

    /// A telephone of a try does not answer.
    pub(super) fn callback_refused(&mut self, number: u64, side: Side) {
        self.tell_try(number, if side == Side::Agent { Input::AgentRefuses } else { Input::Refuses });
    }

    /// What an agent was told has been said: true if it was one of a try.
    pub(super) fn told_agent(&mut self, leg: LegId) -> bool {
        let Some(number) = self.callbacks.agents.get(&leg).copied() else { return false };
        self.tell_try(number, Input::Told);
        true
    }

    /// The leg of somebody whom we called is gone.
    pub(super) fn leaves_tries(&mut self, leg: LegId, callee: Option<Callee>) {
        if let Some(number) = self.callbacks.agents.remove(&leg) {
            self.tell_try(number, Input::AgentLeaves);
        }
        let offices = &self.routing.running.plan;
        if let Some(agent) = callee.filter(|callee| offices.callbacks().any(|office| office.agents.contains(callee))) {
            let rest = Rest { until: clock::now() + REST, span: NOT_THERE / 2 };
            self.callbacks.rests.entry(agent).or_insert(rest);
        }
    }

    pub(super) fn on_time_of_callbacks(&mut self, now: Instant) {
        self.callbacks.rests.retain(|_, rest| rest.until + LONG_GONE > now);
        let is_due =
            |(number, one): (&u64, &Try)| one.attempt.next_timeout().is_some_and(|at| at <= now).then_some(*number);
        let due: Vec<u64> = self.callbacks.tries.iter().filter_map(is_due).collect();
        for number in due {
            self.tell_try(number, Input::Timeout);
        }
    }
}

/// What the record of the agent's call says.
fn recorded(one: &Try) -> Recorded {
    let Try { request, callback, under, .. } = one;
    let facts = Facts {
        called: format!("{BACK}{}", callback.name),
        caller: Some(request.number.clone()),
        trunk: Some(callback.outside.clone()),
        ..Facts::default()
    };
    let decision = both!(
        "ruft zurück, Versuch {} von {}: {}",
        "calls back, try {} of {}: {}",
        request.tries + 1,
        callback.tries,
        request.id
    );
    Recorded { facts, under: under.clone(), rule: None, decision }
}

// --- keeping ---

impl Gateway {
    fn keep_change(&mut self, id: &CallbackId, request: Option<&Request>) {
        let expects = self.callbacks.revisions.get(id).copied();
        self.keep_callback(Keeping::Changed(id.clone()), id, expects, request);
    }

    fn keep_callback(
        &mut self,
        keeping: Keeping,
        id: &CallbackId,
        expects: Option<Revision>,
        request: Option<&Request>,
    ) {
        let ticket = self.desk.ticket();
        let value = request.map(|request| Value::new(request.to_kept()));
        let wanted = self.store.want(store::Wish { ticket, key: format!("{FOLDER}{id}"), expects, value });
        self.callbacks.keeping.insert(ticket, keeping);
        if let Err(failed) = wanted {
            self.on_callback_kept(ticket, &Err(failed));
        }
    }

    /// The store has answered: true if it was about a request.
    pub(super) fn on_callback_kept(&mut self, ticket: u64, outcome: &Result<Revision, Failed>) -> bool {
        let Some(keeping) = self.callbacks.keeping.remove(&ticket) else { return false };
        match keeping {
            Keeping::Asked { leg, id } => {
                if let Err(error) = outcome {
                    tracing::error!(%leg, %error, "a callback is not kept");
                    self.callbacks.requests.remove(&id);
                } else if let Some(request) = self.callbacks.requests.get(&id) {
                    let caller = Some(request.number.to_string());
                    self.note(Deed::CallbackAsked { office: request.office.clone(), id: id.to_string(), caller });
                }
                self.tell_menu(leg, ivr::Input::Noted(outcome.is_ok()));
            }
            Keeping::Changed(id) => {
                if let Err(error) = outcome {
                    tracing::error!(%id, %error, "what became of a callback is not kept");
                }
            }
            Keeping::Dropped { id, by, reply, lost } => match outcome {
                Err(Failed::Conflict) if lost < MOST_LOST => self.drop_request(id, by, reply, lost + 1),
                Err(failed) => drop(reply.send(Err(refusal_of(failed)))),
                Ok(_) => {
                    if let Some(request) = self.callbacks.requests.remove(&id) {
                        tracing::info!(%id, office = request.office, by = %by.name, "a callback is dropped");
                        let (office, id) = (request.office, id.to_string());
                        self.note(Deed::CallbackDropped { office, id, by: by.name });
                    }
                    drop(reply.send(Ok(Done::Callbacks(callbacks::Done::Dropped))));
                }
            },
        }
        true
    }

    /// A request is in the store.
    pub(super) fn put_callback(&mut self, entry: &store::Entry) {
        let Some(id) = id_of(&entry.key) else { return };
        match Request::from_kept(entry.value.as_bytes()) {
            Ok(request) => {
                self.callbacks.revisions.insert(id, entry.revision);
                self.callbacks.requests.put(request);
            }
            Err(error) => tracing::error!(%id, %error, "a callback is left out"),
        }
    }

    pub(super) fn drop_callback(&mut self, key: &str) {
        if let Some(id) = id_of(key) {
            self.callbacks.revisions.remove(&id);
        }
    }

    pub(super) fn on_callbacks(&mut self, wish: callbacks::Wish, by: Bearer, reply: Reply) {
        match wish {
            callbacks::Wish::List => {
                let all = self.callbacks.requests.list();
                let shown = all.into_iter().map(|(request, under_way)| shown(request, under_way)).collect();
                drop(reply.send(Ok(Done::Callbacks(callbacks::Done::List(shown)))));
            }
            callbacks::Wish::Drop { id } => self.drop_request(id, by, reply, 0),
        }
    }

    fn drop_request(&mut self, id: CallbackId, by: Bearer, reply: Reply, lost: u32) {
        let known = self.callbacks.requests.get(&id).and_then(|_| self.callbacks.revisions.get(&id)).copied();
        match known {
            Some(revision) => {
                let keeping = Keeping::Dropped { id: id.clone(), by, reply, lost };
                self.keep_callback(keeping, &id, Some(revision), None);
            }
            None => drop(reply.send(Err(web::Refusal::NotFound))),
        }
    }
}

fn shown(request: &Request, under_way: bool) -> callbacks::ShownCallback {
    callbacks::ShownCallback {
        id: request.id.to_string(),
        office: request.office.clone(),
        number: request.number.to_string(),
        asked: request.asked,
        tries: request.tries,
        next: request.next,
        until: request.until,
        under_way,
    }
}

fn id_of(key: &str) -> Option<CallbackId> {
    key.strip_prefix(FOLDER)?.parse().ok()
}
