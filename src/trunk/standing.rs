//! How a trunk stands. In: what came of each OPTIONS, and whether the registrar knows us. Out: up, degraded or down, with the
//! reason, and whether that is new.

use serde::Serialize;

/// How a trunk stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "state", content = "why")]
pub enum Standing {
    /// It has not been asked yet.
    #[default]
    Unknown,
    /// Calls can go both ways.
    Up,
    /// Something fails, but calls may pass.
    Degraded(String),
    /// No call can go.
    Down(String),
}

impl Standing {
    /// In one word, for figures and for people.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Degraded(_) => "degraded",
            Self::Down(_) => "down",
        }
    }

    /// Why it is not up.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Degraded(why) | Self::Down(why) => Some(why),
            Self::Unknown | Self::Up => None,
        }
    }
}

/// A trunk is down when it has not answered so often in a row.
const MISSES: u8 = 3;

/// What is known of a trunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    missed: u8,
    /// Why it takes no call, though it answers.
    trouble: Option<String>,
    has_answered: bool,
    /// Why the registrar does not know us, where it should.
    unregistered: Option<String>,
    standing: Standing,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// It answers, with this status. Whoever answers is there; 503 alone says that it takes no call.
    Answered(u16),
    /// It does not answer.
    Missed(String),
    /// The registrar knows us.
    Registered,
    /// The registrar does not know us, and why.
    Unregistered(String),
}

impl Watch {
    /// How it stands.
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Takes what happens; true, if it stands otherwise now.
    pub fn on(&mut self, input: Input) -> bool {
        match input {
            Input::Answered(status) => {
                self.missed = 0;
                self.has_answered = true;
                self.trouble = (status == 503).then(|| String::from("it answers 503: it takes no call"));
            }
            Input::Missed(why) => {
                self.missed = self.missed.saturating_add(1);
                self.trouble = Some(why);
            }
            Input::Registered => self.unregistered = None,
            Input::Unregistered(why) => self.unregistered = Some(why),
        }
        let standing = self.judge();
        let is_new = standing.word() != self.standing.word();
        self.standing = standing;
        is_new
    }

    fn judge(&self) -> Standing {
        // One that never answered is not waited for.
        let is_lost = self.missed >= MISSES || (self.missed > 0 && !self.has_answered);
        match (&self.trouble, &self.unregistered) {
            (Some(why), _) if is_lost => Standing::Down(why.clone()),
            (Some(why), _) => Standing::Degraded(why.clone()),
            (None, Some(why)) => Standing::Degraded(format!("not registered, so no call comes from it: {why}")),
            (None, None) if self.has_answered => Standing::Up,
            (None, None) => Standing::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed() -> Input {
        Input::Missed(String::from("no answer"))
    }

    #[test]
    fn one_lost_answer_degrades_a_trunk_and_three_take_it_down() {
        let mut watch = Watch::default();
        assert!(watch.on(Input::Answered(200)) && *watch.standing() == Standing::Up);
        assert!(watch.on(missed()) && watch.standing().word() == "degraded");
        assert!(!watch.on(missed()));
        assert!(watch.on(missed()) && watch.standing().why() == Some("no answer"));
        assert!(watch.on(Input::Answered(405)) && *watch.standing() == Standing::Up, "whoever answers is there");
    }

    #[test]
    fn a_trunk_that_never_answered_is_down_at_once() {
        let mut watch = Watch::default();
        assert!(watch.on(missed()) && watch.standing().word() == "down");
    }

    #[test]
    fn a_trunk_that_is_drained_or_does_not_know_us_is_degraded() {
        let mut watch = Watch::default();
        watch.on(Input::Answered(503));
        assert_eq!(watch.standing().word(), "degraded");
        watch.on(Input::Answered(200));
        assert!(watch.on(Input::Unregistered(String::from("403"))));
        assert!(watch.standing().why().is_some_and(|why| why.contains("not registered")));
        assert!(watch.on(Input::Registered) && *watch.standing() == Standing::Up);
    }
}
