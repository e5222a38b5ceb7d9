//! One try to bring an agent and somebody together who wants to be called back. In: what becomes of either telephone, and the time.
//! Out: whom to ring, what the agent hears, and how it ended.

use std::time::{Duration, Instant};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The agent has answered.
    AgentAnswers,
    /// The agent is busy, cannot be reached, or does not want.
    AgentRefuses,
    /// The agent has hung up.
    AgentLeaves,
    /// The agent has heard for whom it is.
    Told,
    /// Whoever is called back has answered.
    Answers,
    /// They are busy, cannot be reached, or do not want.
    Refuses,
    /// [`Attempt::next_timeout`] is over.
    Timeout,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ring the agent.
    RingAgent,
    /// Ring the agent no longer.
    LeaveAgent,
    /// Tell the agent for whom it is; answered by [`Input::Told`].
    Tell,
    /// Ring whoever is called back; the agent hears it ringing.
    Ring,
    /// Ring them no longer, or hang up if they have answered for nothing.
    Leave,
    /// Let both talk.
    Connect,
    /// Tell the agent that nobody answers, and hang up.
    SayNobody,
    /// It is over.
    End(Outcome),
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Both talk.
    Connected,
    /// Whoever is called back did not answer.
    NotThere,
    /// The agent did not answer.
    NoAgent,
    /// The agent hung up before anybody else answered.
    AgentLeft,
}

/// A try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    state: State,
    patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The agent is rung, until then.
    Agent(Instant),
    /// The agent hears for whom it is. However that ends, it goes on then.
    Telling(Instant),
    /// The other telephone rings, until then.
    Ringing(Instant),
    Over,
}

/// What an agent is told is shorter.
const LONGEST_PROMPT: Duration = Duration::from_secs(45);

impl Attempt {
    /// A try begins: the agent is rung. Either telephone rings for so long.
    pub fn new(patience: Duration, now: Instant) -> (Self, Vec<Effect>) {
        (Self { state: State::Agent(now + patience), patience }, vec![Effect::RingAgent])
    }

    /// Something happens.
    #[must_use]
    pub fn on(self, input: Input, now: Instant) -> (Self, Vec<Effect>) {
        use Effect::{Connect, End, Leave, LeaveAgent, Ring, SayNobody, Tell};
        let is_late = |until: Instant| input == Input::Timeout && until <= now;
        let (state, out) = match (self.state, input) {
            (State::Agent(_), Input::AgentAnswers) => (State::Telling(now + LONGEST_PROMPT), vec![Tell]),
            (State::Agent(_), Input::AgentRefuses | Input::AgentLeaves) => (State::Over, vec![End(Outcome::NoAgent)]),
            (State::Agent(until), Input::Timeout) if is_late(until) => {
                (State::Over, vec![LeaveAgent, End(Outcome::NoAgent)])
            }
            (State::Telling(_), Input::Told) => (State::Ringing(now + self.patience), vec![Ring]),
            (State::Telling(until), Input::Timeout) if is_late(until) => {
                (State::Ringing(now + self.patience), vec![Ring])
            }
            (State::Telling(_), Input::AgentLeaves) => (State::Over, vec![End(Outcome::AgentLeft)]),
            (State::Ringing(_), Input::AgentLeaves) => (State::Over, vec![Leave, End(Outcome::AgentLeft)]),
            (State::Ringing(_), Input::Answers) => (State::Over, vec![Connect, End(Outcome::Connected)]),
            (State::Ringing(_), Input::Refuses) => (State::Over, vec![SayNobody, End(Outcome::NotThere)]),
            (State::Ringing(until), Input::Timeout) if is_late(until) => {
                (State::Over, vec![Leave, SayNobody, End(Outcome::NotThere)])
            }
            (state @ (State::Agent(_) | State::Telling(_) | State::Ringing(_) | State::Over), _) => (state, Vec::new()),
        };
        (Self { state, ..self }, out)
    }

    /// When something is to happen next.
    pub const fn next_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Agent(until) | State::Telling(until) | State::Ringing(until) => Some(until),
            State::Over => None,
        }
    }
}
