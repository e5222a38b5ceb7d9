//! Telling a registrar where we are (RFC 3261 section 10). In: what came of each REGISTER, and the time. Out: when the next is
//! due, and for how long it asks. It never gives up: a registrar that is away for a night is asked again in the morning.

use std::time::{Duration, Instant};

/// Seconds that we ask for, unless the registrar wants more.
const ASKED: u32 = 600;

/// The longest that a registrar can make us ask for (423).
const LONGEST: u32 = 86_400;

/// A registration that holds for less is refreshed no sooner than this.
const LEAST: Duration = Duration::from_secs(10);

/// The first pause after a failure, and the longest: it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Who is refused for who they are is locked out by some registrars if they come again soon.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// One registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    state: State,
    /// Seconds that we ask for.
    asked: u32,
    /// It holds there until then, whatever we are at.
    holds: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// A REGISTER is under way.
    Asking { failures: u32 },
    /// It holds; then it is refreshed.
    Held { refresh: Instant },
    /// It failed; then it is tried again.
    Pausing { failures: u32, again: Instant, why: Failure },
    /// Taken back, or about to be.
    Over,
}

/// Why a REGISTER came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The registrar refuses.
    Refused {
        /// With this status.
        status: u16,
        /// It is to be left in peace so long.
        retry_after: Option<Duration>,
    },
    /// It is not reached, or does not answer.
    Unreached(String),
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The registrar took it, for so many seconds.
    Granted {
        /// Seconds.
        seconds: u32,
    },
    /// It wants us to ask for more (423, Min-Expires).
    TooBrief {
        /// Seconds.
        least: u32,
    },
    /// It came to nothing.
    Failed(Failure),
    /// The moment of a timer has come.
    Timeout,
    /// We stop.
    Stop,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send REGISTER, for so many seconds; 0 takes the registration back.
    Register {
        /// Seconds.
        seconds: u32,
    },
}

/// Why one waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Four fifths of the time are over.
    Refresh,
    /// It failed, and is tried again.
    Again,
}

impl Registration {
    /// Begins: asks at once.
    pub const fn begin() -> (Self, Effect) {
        let begun = Self { state: State::Asking { failures: 0 }, asked: ASKED, holds: None };
        (begun, Effect::Register { seconds: ASKED })
    }

    /// Whether the registrar knows us.
    pub fn is_held(&self, now: Instant) -> bool {
        self.holds.is_some_and(|until| until > now)
    }

    /// Until when it holds there.
    pub const fn holds_until(&self) -> Option<Instant> {
        self.holds
    }

    /// Why it failed last, if it did.
    pub const fn failure(&self) -> Option<&Failure> {
        match &self.state {
            State::Pausing { why, .. } => Some(why),
            State::Asking { .. } | State::Held { .. } | State::Over => None,
        }
    }

    /// When to come back, and why.
    pub const fn next_timeout(&self) -> Option<(Instant, Timer)> {
        match self.state {
            State::Held { refresh } => Some((refresh, Timer::Refresh)),
            State::Pausing { again, .. } => Some((again, Timer::Again)),
            State::Asking { .. } | State::Over => None,
        }
    }

    /// Takes what happens. `chance` is any number: pauses differ by it, so that not all come back at once.
    pub fn on(mut self, input: Input, now: Instant, chance: u32) -> (Self, Option<Effect>) {
        match (self.state.clone(), input) {
            (State::Over, _) => (self, None),
            (_, Input::Stop) => {
                let effect = self.is_held(now).then_some(Effect::Register { seconds: 0 });
                self.state = State::Over;
                self.holds = None;
                (self, effect)
            }
            (State::Asking { .. }, Input::Granted { seconds }) => {
                let granted = Duration::from_secs(u64::from(seconds));
                self.holds = Some(now + granted);
                self.state = State::Held { refresh: now + (granted * 4 / 5).max(LEAST) };
                (self, None)
            }
            // Once, and only upwards: a registrar cannot make us ask again and again.
            (State::Asking { .. }, Input::TooBrief { least }) if least > self.asked && least <= LONGEST => {
                self.asked = least;
                let effect = self.ask(0);
                (self, Some(effect))
            }
            (State::Asking { failures }, Input::TooBrief { .. }) => {
                self.fail(failures, Failure::Refused { status: 423, retry_after: None }, now, chance)
            }
            (State::Asking { failures }, Input::Failed(why)) => self.fail(failures, why, now, chance),
            (State::Held { .. }, Input::Timeout) => {
                let effect = self.ask(0);
                (self, Some(effect))
            }
            (State::Pausing { failures, .. }, Input::Timeout) => {
                let effect = self.ask(failures);
                (self, Some(effect))
            }
            // An answer to nothing that was asked.
            (
                State::Held { .. } | State::Pausing { .. },
                Input::Granted { .. } | Input::TooBrief { .. } | Input::Failed(_),
            )
            | (State::Asking { .. }, Input::Timeout) => (self, None),
        }
    }

    fn ask(&mut self, failures: u32) -> Effect {
        self.state = State::Asking { failures };
        Effect::Register { seconds: self.asked }
    }

    fn fail(mut self, failures: u32, why: Failure, now: Instant, chance: u32) -> (Self, Option<Effect>) {
        let doubled = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
        let pause = match &why {
            Failure::Refused { retry_after: Some(wait), .. } => (*wait).min(LONGEST_PAUSE * 12).max(FIRST_PAUSE),
            Failure::Refused { status: 401 | 403 | 404 | 407, .. } => doubled.max(REFUSED_PAUSE),
            Failure::Refused { .. } | Failure::Unreached(_) => doubled,
        };
        // Between three quarters of it and all of it.
        let jitter = pause * (chance % 256) / 1_024;
        self.state = State::Pausing { failures: failures.saturating_add(1), again: now + pause - jitter, why };
        (self, None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn unreached() -> Input {
        Input::Failed(Failure::Unreached(String::from("no answer")))
    }

    #[test]
    fn a_registration_is_refreshed_when_four_fifths_of_its_time_are_over() {
        let now = Instant::now();
        let (registration, effect) = Registration::begin();
        assert_eq!(effect, Effect::Register { seconds: 600 });
        let (registration, _) = registration.on(Input::Granted { seconds: 300 }, now, 0);
        assert!(registration.is_held(now) && !registration.is_held(now + seconds(301)));
        assert_eq!(registration.next_timeout(), Some((now + seconds(240), Timer::Refresh)));
        let (registration, effect) = registration.on(Input::Timeout, now + seconds(240), 0);
        assert_eq!(effect, Some(Effect::Register { seconds: 600 }));
        assert!(registration.is_held(now + seconds(241)), "it holds while it is refreshed");
    }

    #[test]
    fn a_registrar_that_wants_longer_ones_gets_them_and_is_not_followed_for_ever() {
        let now = Instant::now();
        let (registration, effect) = Registration::begin().0.on(Input::TooBrief { least: 3_600 }, now, 0);
        assert_eq!(effect, Some(Effect::Register { seconds: 3_600 }));
        let (registration, effect) = registration.on(Input::TooBrief { least: 3_600 }, now, 0);
        assert_eq!((effect, registration.next_timeout().map(|it| it.1)), (None, Some(Timer::Again)));
    }

    #[test]
    fn a_registrar_that_is_away_for_a_night_is_asked_in_the_morning() {
        let start = Instant::now();
        let (mut registration, mut now, mut asked) = (Registration::begin().0, start, 0);
        while now < start + seconds(8 * 3_600) {
            let (next, _) = registration.on(unreached(), now, 0);
            now = next.next_timeout().expect("it comes back").0;
            let (next, effect) = next.on(Input::Timeout, now, 0);
            assert!(effect.is_some());
            (registration, asked) = (next, asked + 1);
        }
        assert!((96..=110).contains(&asked), "every five minutes at last: {asked}");
        let (registration, _) = registration.on(Input::Granted { seconds: 600 }, now, 0);
        assert!(registration.is_held(now) && registration.failure().is_none());
    }

    #[test]
    fn a_wrong_password_is_not_tried_every_few_seconds_and_retry_after_is_kept() {
        let now = Instant::now();
        let refused = |status, retry_after| Input::Failed(Failure::Refused { status, retry_after });
        let again = |input| Registration::begin().0.on(input, now, 0).0.next_timeout().expect("it comes back").0 - now;
        assert_eq!(again(refused(403, None)), seconds(60));
        assert_eq!(again(refused(503, Some(seconds(120)))), seconds(120));
        assert_eq!(again(refused(503, None)), seconds(2));
    }

    #[test]
    fn who_stops_takes_back_what_holds_and_nothing_else() {
        let now = Instant::now();
        let (held, _) = Registration::begin().0.on(Input::Granted { seconds: 600 }, now, 0);
        let (over, effect) = held.on(Input::Stop, now, 0);
        assert_eq!(effect, Some(Effect::Register { seconds: 0 }));
        assert_eq!(over.clone().on(Input::Granted { seconds: 600 }, now, 0), (over, None));
        assert_eq!(Registration::begin().0.on(Input::Stop, now, 0).1, None);
    }

    proptest! {
        #[test]
        fn it_always_comes_back_and_never_at_once(inputs in proptest::collection::vec((0_u8..4, 0_u32..100_000), 1..60), chance: u32) {
            let mut now = Instant::now();
            let mut registration = Registration::begin().0;
            for (kind, number) in inputs {
                let input = match kind {
                    0 => Input::Granted { seconds: number },
                    1 => Input::TooBrief { least: number },
                    2 => Input::Failed(Failure::Refused { status: 500, retry_after: Some(seconds(u64::from(number))) }),
                    _ => unreached(),
                };
                let (next, effect) = registration.on(input, now, chance);
                let (next, effect) = match next.next_timeout() {
                    Some((at, _)) => {
                        prop_assert!(at >= now + Duration::from_millis(1_500));
                        now = at;
                        next.on(Input::Timeout, now, chance)
                    }
                    None => (next, effect),
                };
                prop_assert!(effect.is_some(), "a REGISTER is under way, or will be");
                registration = next;
            }
        }
    }
}
