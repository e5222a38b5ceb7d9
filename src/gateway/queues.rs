//! Callers who wait for an office. In: who is led into a queue, and what becomes of the agents who are rung. Out: what `queue`
//! wants done: callers hear their place and music, agents are rung, and two are brought together.
//!
//! A queue belongs to the plan that its callers began with: another plan begins one of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::routing::Beginning;
use super::switchboard::{For, NotRung};
use super::{Gateway, clock, running};
use crate::call::Refusal;
use crate::dialplan::{self, Door};
use crate::ivr::{self, Prompt, Spoken};
use crate::queue::{Config, Effect, Input, Queue, Why};
use crate::sip::Shown;
use crate::words::{Language, LegId};
use crate::workers;

/// The plan's fingerprint, and the name.
pub(super) type Line = (String, String);

/// All queues.
#[derive(Default)]
pub(super) struct Queues {
    lines: BTreeMap<Line, Office>,
    /// Who waits where.
    callers: BTreeMap<LegId, Line>,
    /// Who talks for which office.
    agents: BTreeMap<LegId, (Line, usize)>,
}

struct Office {
    queue: Queue,
    told: dialplan::Queue,
    under: running::Shared,
    rung: BTreeMap<usize, LegId>,
}

/// How long an agent has peace after a call, and after one that was not answered.
const REST: std::time::Duration = std::time::Duration::from_secs(5);

impl Queues {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.lines.values().filter_map(|office| office.queue.next_timeout()).min()
    }

    fn is_full(&self, line: &Line) -> bool {
        self.lines.get(line).is_some_and(|office| office.queue.len() >= office.told.longest)
    }
}

impl Gateway {
    /// A caller is led into a queue; who cannot wait there is not answered for it.
    pub(super) fn enqueue(&mut self, leg: LegId, queue: Box<dialplan::Queue>) {
        let Some(brief) = self.brief_of(leg) else { return };
        let door = brief.under.plan.door_of(&queue, &clock::local(&self.routing.zone));
        let line = (brief.under.about.fingerprint.clone(), queue.name.clone());
        let refusal = match door {
            Door::Closed => Refusal::Closed,
            Door::Open | Door::OpensSoon if self.queues.is_full(&line) => Refusal::AllBusy,
            Door::Open | Door::OpensSoon => return self.answer_now(leg, Beginning::Queue(queue)),
        };
        tracing::info!(%leg, queue = queue.name, why = %refusal, "cannot wait");
        match queue.otherwise {
            Some(onward) => self.lead_on(leg, onward),
            None => self.turn_away(leg, refusal),
        }
    }

    /// A caller who was answered waits from now on.
    pub(super) fn waits(&mut self, leg: LegId, told: &dialplan::Queue) {
        let Some(brief) = self.brief_of(leg) else { return };
        let line = (brief.under.about.fingerprint.clone(), told.name.clone());
        let is_open = brief.under.plan.door_of(told, &clock::local(&self.routing.zone)) == Door::Open;
        let office = self.queues.lines.entry(line.clone()).or_insert_with(|| {
            let (agents, longest, patience) = (told.agents.len(), told.longest, told.patience);
            let config = Config { agents, longest, patience, rest: REST };
            let queue = Queue::new(config, is_open, clock::now());
            Office { queue, told: told.clone(), under: brief.under.clone(), rung: BTreeMap::new() }
        });
        let was_open = office.queue.is_open();
        self.queues.callers.insert(leg, line.clone());
        if was_open != is_open {
            self.tell_queue(&line, if is_open { Input::Opens } else { Input::Closes });
        }
        self.tell_queue(&line, Input::Arrives(leg));
    }

    fn tell_queue(&mut self, line: &Line, input: Input) {
        let Some(mut office) = self.queues.lines.remove(line) else { return };
        let (queue, effects) = office.queue.on(input, clock::now());
        office.queue = queue;
        self.queues.lines.insert(line.clone(), office);
        for effect in effects {
            self.perform_queue(line, effect);
        }
        let running = &self.routing.running;
        self.queues.lines.retain(|_, office| Arc::ptr_eq(&office.under, running) || !office.queue.is_empty());
    }

    fn perform_queue(&mut self, line: &Line, effect: Effect) {
        match effect {
            Effect::Place(leg, place) => {
                tracing::info!(%leg, queue = line.1, place, "waits");
                let language = self.language_of(line);
                let offer = self.key_of(line).map(|key| ivr::callback_offer(key, language));
                self.say_to(leg, [ivr::place_of(place, language), offer.unwrap_or_default()].concat());
            }
            Effect::OpensSoon(leg) => {
                tracing::info!(%leg, queue = line.1, "waits for the opening");
                self.say_to(leg, vec![Prompt::QueueOpensSoon.in_language(self.language_of(line))]);
            }
            Effect::TurnAway(leg, why) => self.waits_no_longer(line, leg, why),
            Effect::Ring(agent, caller) => match self.ring_agent(line, agent, caller) {
                Ok(rung) => {
                    if let Some(office) = self.queues.lines.get_mut(line) {
                        office.rung.insert(agent, rung);
                    }
                }
                Err(NotRung) => self.tell_queue(line, Input::Refused(agent)),
            },
            Effect::Leave(agent) => {
                if let Some(rung) = self.take_rung(line, agent) {
                    self.no_longer_rung(rung);
                }
            }
            Effect::Connect(leg, agent) => {
                self.queues.callers.remove(&leg);
                if let Some(other) = self.take_rung(line, agent) {
                    self.queues.agents.insert(other, (line.clone(), agent));
                    self.bring_together(leg, other);
                }
            }
        }
    }

    fn take_rung(&mut self, line: &Line, agent: usize) -> Option<LegId> {
        self.queues.lines.get_mut(line)?.rung.remove(&agent)
    }

    fn ring_agent(&mut self, line: &Line, agent: usize, caller: LegId) -> Result<LegId, NotRung> {
        let office = self.queues.lines.get(line).ok_or(NotRung)?;
        let callee = office.told.agents.get(agent).cloned().ok_or(NotRung)?;
        let brief = self.brief_of(caller).ok_or(NotRung)?;
        let from = brief.facts.caller.clone().map_or(Shown::Nobody, Shown::Number);
        let forwards = brief.facts.forwards.checked_sub(1).ok_or(NotRung)?;
        self.place_call(&callee, from, forwards, false, For::Office { line: line.clone(), agent, leg: caller })
    }

    pub(super) fn agent_answers(&mut self, line: &Line, agent: usize) {
        self.tell_queue(line, Input::Answered(agent));
    }

    pub(super) fn agent_refuses(&mut self, line: &Line, agent: usize) {
        self.take_rung(line, agent);
        self.tell_queue(line, Input::Refused(agent));
    }

    /// A leg is gone: it may have waited, or talked for an office.
    pub(super) fn leaves_queues(&mut self, leg: LegId) {
        if let Some(line) = self.queues.callers.remove(&leg) {
            self.tell_queue(&line, Input::Leaves(leg));
        }
        if let Some((line, agent)) = self.queues.agents.remove(&leg) {
            self.tell_queue(&line, Input::Free(agent));
        }
    }

    fn waits_no_longer(&mut self, line: &Line, leg: LegId, why: Why) {
        self.queues.callers.remove(&leg);
        let otherwise = self.queues.lines.get(line).and_then(|office| office.told.otherwise);
        tracing::info!(%leg, queue = line.1, ?why, "waits no longer");
        match otherwise {
            Some(onward) => self.lead_on(leg, onward),
            None => {
                let prompt = match why {
                    Why::Closed => Prompt::Closed,
                    Why::Full => Prompt::NobodyAnswers,
                };
                self.say_goodbye(leg, prompt, self.language_of(line));
            }
        }
    }

    /// What was said is over: then there is music. True for a caller who waits.
    pub(super) fn plays_on(&self, leg: LegId) -> bool {
        let Some(line) = self.queues.callers.get(&leg) else { return false };
        let music = Prompt::HoldMusic.in_language(self.language_of(line));
        let clips = self.clip(music).into_iter().collect();
        self.tell_media(workers::Command::Play { leg, clips, repeat: true, id: SAID });
        true
    }

    fn say_to(&self, leg: LegId, said: Vec<Spoken>) {
        let clips = said.into_iter().filter_map(|spoken| self.clip(spoken)).collect();
        self.tell_media(workers::Command::Play { leg, clips, repeat: false, id: SAID });
    }

    /// The key by which callers who wait ask to be called back.
    fn key_of(&self, line: &Line) -> Option<u8> {
        self.queues.lines.get(line)?.told.callback.as_ref().map(|by| by.key)
    }

    /// Who calls a caller back who presses this key while they wait.
    pub(super) fn queued_callback(&self, leg: LegId, key: u8) -> Option<Box<dialplan::Callback>> {
        let office = self.queues.lines.get(self.queues.callers.get(&leg)?)?;
        office.told.callback.as_ref().filter(|by| by.key == key).map(|by| by.callback.clone())
    }

    fn language_of(&self, line: &Line) -> Language {
        let told = self.queues.lines.get(line).and_then(|office| office.told.language);
        told.unwrap_or(self.config.language)
    }

    pub(super) fn on_time_of_queues(&mut self, now: Instant) {
        let due = |(line, office): (&Line, &Office)| {
            office.queue.next_timeout().is_some_and(|at| at <= now).then(|| line.clone())
        };
        let lines: Vec<Line> = self.queues.lines.iter().filter_map(due).collect();
        for line in lines {
            self.tell_queue(&line, Input::Timeout);
        }
    }

    /// Offices open and close by the clock on the wall.
    pub(super) fn look_at_offices(&mut self) {
        let now = clock::local(&self.routing.zone);
        let changed = |(line, office): (&Line, &Office)| {
            let is_open = office.under.plan.door_of(&office.told, &now) == Door::Open;
            (is_open != office.queue.is_open()).then(|| (line.clone(), is_open))
        };
        let lines: Vec<(Line, bool)> = self.queues.lines.iter().filter_map(changed).collect();
        for (line, is_open) in lines {
            tracing::info!(queue = line.1, is_open, "the office opens or closes");
            self.tell_queue(&line, if is_open { Input::Opens } else { Input::Closes });
        }
    }
}

/// What a queue plays; no menu counts so far.
const SAID: u64 = u64::MAX - 1;
