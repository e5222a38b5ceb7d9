//! Callers who wait for an office, and who answers there. In: who comes and goes, what becomes of an agent who is rung, whether
//! the office is open, and the time. Out: what each caller is told, whom to ring, and who is connected with whom.
//!
//! The first who came is the first who is answered. So many agents are rung at once as callers wait; who does not answer is
//! left in peace for a while. An agent is one who has been free for longest.

#[cfg(test)]
mod stories;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::words::LegId;

/// How a queue works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many agents it has.
    pub agents: usize,
    /// So many callers wait at most.
    pub longest: usize,
    /// How long an agent is rung.
    pub patience: Duration,
    /// How long an agent who did not answer, or has just talked, is not rung.
    pub rest: Duration,
}

/// What happens. Agents are known by their place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Somebody calls.
    Arrives(LegId),
    /// A caller who waits hangs up.
    Leaves(LegId),
    /// An agent who is rung is busy, cannot be reached, or does not want.
    Refused(usize),
    /// An agent has answered.
    Answered(usize),
    /// An agent has nobody to talk with any more.
    Free(usize),
    /// The office opens.
    Opens,
    /// The office closes.
    Closes,
    /// [`Queue::next_timeout`] is over.
    Timeout,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A caller has this place now, from 1.
    Place(LegId, usize),
    /// A caller waits for the office to open.
    OpensSoon(LegId),
    /// A caller cannot wait here.
    TurnAway(LegId, Why),
    /// Ring this agent, for this caller.
    Ring(usize, LegId),
    /// Ring this agent no longer.
    Leave(usize),
    /// Let these two talk.
    Connect(LegId, usize),
}

/// Why a caller cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// As many wait as may.
    Full,
    /// The office has closed.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agent {
    /// Since then.
    Free(Instant),
    /// Until then.
    Rung(Instant),
    Talks,
    /// Until then.
    Rests(Instant),
}

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    config: Config,
    is_open: bool,
    waiting: VecDeque<LegId>,
    agents: Vec<Agent>,
}

impl Queue {
    /// Nobody waits, and all agents are free.
    pub fn new(config: Config, is_open: bool, now: Instant) -> Self {
        Self { config, is_open, waiting: VecDeque::new(), agents: vec![Agent::Free(now); config.agents] }
    }

    /// Something happens.
    #[must_use]
    pub fn on(mut self, input: Input, now: Instant) -> (Self, Vec<Effect>) {
        let mut out = Vec::new();
        match input {
            Input::Arrives(caller) => self.arrives(caller, &mut out),
            Input::Leaves(caller) => self.leaves(caller, &mut out),
            Input::Refused(agent) => {
                let until = now + self.config.rest;
                self.change(agent, |state| matches!(state, Agent::Rung(_)), Agent::Rests(until));
            }
            Input::Answered(agent) => self.answered(agent, now, &mut out),
            Input::Free(agent) => {
                let until = now + self.config.rest;
                self.change(agent, |state| state == Agent::Talks, Agent::Rests(until));
            }
            Input::Opens => {
                self.is_open = true;
                self.tell_places(0, &mut out);
            }
            Input::Closes => {
                self.is_open = false;
                out.extend(self.waiting.drain(..).map(|caller| Effect::TurnAway(caller, Why::Closed)));
            }
            Input::Timeout => self.time_passes(now, &mut out),
        }
        self.ring(now, &mut out);
        (self, out)
    }

    /// When something is to happen next.
    pub fn next_timeout(&self) -> Option<Instant> {
        let due = |agent: &Agent| match agent {
            Agent::Rung(until) => Some(*until),
            // Nobody has to be woken to rest on.
            Agent::Rests(until) if !self.waiting.is_empty() => Some(*until),
            Agent::Rests(_) | Agent::Free(_) | Agent::Talks => None,
        };
        self.agents.iter().filter_map(due).min()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits and nobody talks: it can be forgotten.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.agents.iter().any(|agent| matches!(agent, Agent::Talks | Agent::Rung(_)))
    }

    /// Whether the office is open, as far as the queue was told.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    fn arrives(&mut self, caller: LegId, out: &mut Vec<Effect>) {
        if self.waiting.len() >= self.config.longest {
            return out.push(Effect::TurnAway(caller, Why::Full));
        }
        self.waiting.push_back(caller);
        out.push(if self.is_open { Effect::Place(caller, self.waiting.len()) } else { Effect::OpensSoon(caller) });
    }

    fn leaves(&mut self, caller: LegId, out: &mut Vec<Effect>) {
        if let Some(place) = self.waiting.iter().position(|waiting| *waiting == caller) {
            self.waiting.remove(place);
            self.tell_places(place, out);
        }
    }

    fn answered(&mut self, agent: usize, now: Instant, out: &mut Vec<Effect>) {
        let is_rung = self.agents.get(agent).is_some_and(|state| matches!(state, Agent::Rung(_)));
        let caller = if is_rung { self.waiting.pop_front() } else { None };
        match caller {
            Some(caller) => {
                self.change(agent, |_| true, Agent::Talks);
                out.push(Effect::Connect(caller, agent));
                self.tell_places(0, out);
            }
            // The caller hung up in the same moment, or somebody else was faster.
            None => {
                self.change(agent, |_| is_rung, Agent::Free(now));
                out.push(Effect::Leave(agent));
            }
        }
    }

    fn time_passes(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for (number, agent) in self.agents.iter_mut().enumerate() {
            match *agent {
                Agent::Rung(until) if until <= now => {
                    *agent = Agent::Rests(now + self.config.rest);
                    out.push(Effect::Leave(number));
                }
                Agent::Rests(until) if until <= now => *agent = Agent::Free(until),
                Agent::Rung(_) | Agent::Rests(_) | Agent::Free(_) | Agent::Talks => {}
            }
        }
    }

    /// As many agents ring as callers wait, if the office is open.
    fn ring(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let wanted = if self.is_open { self.waiting.len() } else { 0 };
        let mut rung = self.agents.iter().filter(|agent| matches!(agent, Agent::Rung(_))).count();
        while rung > wanted {
            let Some(number) = self.agents.iter().rposition(|agent| matches!(agent, Agent::Rung(_))) else { break };
            self.change(number, |_| true, Agent::Free(now));
            out.push(Effect::Leave(number));
            rung -= 1;
        }
        while rung < wanted {
            let free = self.agents.iter().enumerate().filter_map(|(number, agent)| match agent {
                Agent::Free(since) => Some((*since, number)),
                Agent::Rung(_) | Agent::Talks | Agent::Rests(_) => None,
            });
            let (Some((_, number)), Some(caller)) = (free.min(), self.waiting.get(rung).copied()) else { break };
            self.change(number, |_| true, Agent::Rung(now + self.config.patience));
            out.push(Effect::Ring(number, caller));
            rung += 1;
        }
    }

    fn tell_places(&self, from: usize, out: &mut Vec<Effect>) {
        if self.is_open {
            out.extend(
                self.waiting.iter().enumerate().skip(from).map(|(place, caller)| Effect::Place(*caller, place + 1)),
            );
        }
    }

    fn change(&mut self, agent: usize, from: impl Fn(Agent) -> bool, to: Agent) {
        if let Some(state) = self.agents.get_mut(agent).filter(|state| from(**state)) {
            *state = to;
        }
    }
}
