//! From the greeting to the answer: language, conference ID, PIN, and how a "no" is said.

use std::time::{Duration, Instant};

use super::{Admission, Door, Effect, HangUp, Incident, LONGEST_PROMPT, Menu, PinState, State, Target, Timer};
use crate::ivr::entry::{Entry, Keyed};
use crate::ivr::prompt::Prompt;
use crate::words::{ConferenceId, Digit, Language, Pin, Role};

impl Menu {
    pub(super) fn ask_language(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let first = self.language;
        let others = Language::ALL.into_iter().filter(|other| *other != first);
        let offers = std::iter::once(first).chain(others).map(|language| Prompt::ForThisLanguage.in_language(language));
        let prompts = std::iter::once(Prompt::Welcome.in_language(first)).chain(offers).collect();
        self.play_spoken(prompts, false, out);
        self.state = State::ChoosingLanguage;
        self.wait(LONGEST_PROMPT, Timer::FirstKey, now);
    }

    /// `1` is the first language of [`Language::ALL`], and so on; the prompts say so. Another key is no choice.
    pub(super) fn language_key(&mut self, digit: Digit, now: Instant, out: &mut Vec<Effect>) {
        self.barge_in(out);
        let place = digit.value().and_then(|value| usize::from(value).checked_sub(1));
        if let Some(language) = place.and_then(|place| Language::ALL.get(place)) {
            self.language = *language;
            out.push(Effect::Language(*language));
            self.begin(now, out);
        } else {
            self.ask_language(now, out);
        }
    }

    /// Goes to the door, whatever it is.
    pub(super) fn begin(&mut self, now: Instant, out: &mut Vec<Effect>) {
        match self.config.door.clone() {
            Door::Menu => self.ask_for_id(None, now, out),
            Door::Room(room) => self.look_up(Target::Room(room), None, PinState::NotAsked, now, out),
        }
    }

    fn ask_for_id(&mut self, before: Option<Prompt>, now: Instant, out: &mut Vec<Effect>) {
        self.ask(State::AskedForId { entry: Entry::default() }, before, Prompt::AskId, now, out);
    }

    fn ask_for_pin(
        &mut self,
        target: Target,
        known_bad: bool,
        before: Option<Prompt>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        self.ask(State::AskedForPin { target, known_bad, entry: Entry::default() }, before, Prompt::AskPin, now, out);
    }

    /// Asks, unless the answer has been keyed ahead.
    fn ask(&mut self, state: State, before: Option<Prompt>, question: Prompt, now: Instant, out: &mut Vec<Effect>) {
        self.state = state;
        self.wait(LONGEST_PROMPT, Timer::FirstKey, now);
        let before: Vec<_> = self.greeting.take().into_iter().chain(before).collect();
        let ahead: Vec<_> = self.ahead.take().into_iter().skip_while(|key| key.value().is_none()).collect();
        if ahead.is_empty() {
            let said: Vec<_> = before.into_iter().chain([question]).collect();
            self.play(&said, out);
        }
        for digit in ahead {
            self.digit(digit, now, out);
        }
    }

    pub(super) fn entry_key(&mut self, digit: Digit, now: Instant, out: &mut Vec<Effect>) {
        let (entry, complete_at) = match &mut self.state {
            State::AskedForId { entry } => (entry, self.config.id_length),
            State::AskedForPin { entry, .. } => (entry, self.config.pin_length),
            State::ChoosingLanguage
            | State::Checking { .. }
            | State::Held { .. }
            | State::Joining
            | State::Waiting { .. }
            | State::Inside { .. }
            | State::CallBack(_)
            | State::Leaving { .. }
            | State::Over => return,
        };
        if entry.is_empty() && digit == Digit::POUND {
            return; // out of habit, after an entry that was complete by its length
        }
        let keyed = entry.key(digit, complete_at);
        let is_empty = entry.is_empty();
        self.barge_in(out);
        match keyed {
            Keyed::Done => self.entry_complete(now, out),
            Keyed::More if is_empty => self.wait(self.config.first_key, Timer::FirstKey, now),
            Keyed::More => self.wait(self.config.next_key, Timer::NextKey, now),
        }
    }

    pub(super) fn entry_complete(&mut self, now: Instant, out: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::AskedForId { entry } => match entry.read::<ConferenceId>() {
                Some(id) => self.look_up(Target::Conference(id), None, PinState::NotAsked, now, out),
                None => self.try_again(Prompt::WrongEntry, now, out),
            },
            State::AskedForPin { target, known_bad, entry } => match entry.read::<Pin>() {
                Some(pin) => self.look_up(target, Some(pin), PinState::Given { known_bad }, now, out),
                None => {
                    if !known_bad {
                        out.push(Effect::Failed { target, incident: Incident::WrongPin });
                    }
                    self.try_again(self.word_for_wrong(), now, out);
                }
            },
            other @ (State::ChoosingLanguage
            | State::Checking { .. }
            | State::Held { .. }
            | State::Joining
            | State::Waiting { .. }
            | State::Inside { .. }
            | State::CallBack(_)
            | State::Leaving { .. }
            | State::Over) => self.state = other,
        }
    }

    fn look_up(&mut self, target: Target, pin: Option<Pin>, given: PinState, now: Instant, out: &mut Vec<Effect>) {
        self.state = State::Checking { target: target.clone(), pin: given, since: now };
        self.wait(self.config.patience, Timer::Answer, now);
        out.push(Effect::LookUp { target, pin });
    }

    /// A "no" keeps its pace whatever it took; what the guard holds back is held back, be it yes or no.
    pub(super) fn answered(&mut self, admission: Admission, hold: Duration, now: Instant, out: &mut Vec<Effect>) {
        let State::Checking { target, pin, since } = &self.state else { return };
        let is_yes = matches!(admission, Admission::Admitted { .. } | Admission::NotNow(_));
        let pace = match (pin, target) {
            _ if is_yes => Duration::ZERO,
            (PinState::Given { .. }, _) => self.config.pace,
            // That a room exists to which the dialplan leads is no secret.
            (PinState::NotAsked, Target::Room(_)) => Duration::ZERO,
            (PinState::NotAsked, Target::Conference(_)) => self.config.pace / 4,
        };
        let due = *since + pace.max(hold);
        if admission == Admission::Refused && *pin != (PinState::Given { known_bad: true }) {
            let incident = match pin {
                PinState::NotAsked => Incident::UnknownConference,
                PinState::Given { .. } => Incident::WrongPin,
            };
            out.push(Effect::Failed { target: target.clone(), incident });
        }
        self.state = State::Held { target: target.clone(), pin: *pin, admission };
        if due <= now {
            self.deadline = None;
            self.say_verdict(now, out);
        } else {
            self.deadline = Some((due, Timer::Verdict));
        }
    }

    pub(super) fn say_verdict(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let State::Held { target, pin, admission } = std::mem::replace(&mut self.state, State::Over) else { return };
        match admission {
            Admission::Admitted { room, role } => {
                self.state = State::Joining;
                self.leads = role == Role::Moderator;
                self.wait(self.config.patience, Timer::Answer, now);
                out.push(Effect::Join { room, role });
            }
            Admission::NotNow(obstacle) => self.refuse_for_now(obstacle, now, out),
            Admission::PinNeeded | Admission::Refused => match pin {
                // What does not exist is asked for its PIN like everything else.
                PinState::NotAsked => self.ask_for_pin(target, admission == Admission::Refused, None, now, out),
                PinState::Given { .. } => self.try_again(self.word_for_wrong(), now, out),
            },
        }
    }

    const fn word_for_wrong(&self) -> Prompt {
        match self.config.door {
            Door::Menu => Prompt::WrongEntry,
            Door::Room(_) => Prompt::WrongPin,
        }
    }

    pub(super) fn nothing_keyed(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if matches!(self.state, State::ChoosingLanguage) {
            // Who chooses no language has the one that belongs to the number.
            self.begin(now, out);
        } else if let State::AskedForPin { target, known_bad, .. } = &self.state {
            let (target, known_bad) = (target.clone(), *known_bad);
            if self.has_another_try(now, out) {
                self.ask_for_pin(target, known_bad, Some(Prompt::NothingKeyed), now, out);
            }
        } else {
            self.try_again(Prompt::NothingKeyed, now, out);
        }
    }

    /// Wrong: from the beginning, since nobody is told what was wrong. Keys pressed meanwhile belong to the wrong entry.
    fn try_again(&mut self, word: Prompt, now: Instant, out: &mut Vec<Effect>) {
        self.ahead.take();
        if !self.has_another_try(now, out) {
            return;
        }
        match self.config.door.clone() {
            Door::Menu => self.ask_for_id(Some(word), now, out),
            Door::Room(room) => self.ask_for_pin(Target::Room(room), false, Some(word), now, out),
        }
    }

    fn has_another_try(&mut self, now: Instant, out: &mut Vec<Effect>) -> bool {
        self.tries_left = self.tries_left.saturating_sub(1);
        if self.tries_left == 0 {
            self.leave(&[Prompt::TriesUsedUp, Prompt::Goodbye], HangUp::TriesUsedUp, now, out);
        }
        self.tries_left > 0
    }
}
