//! Somebody asks to be called back: at the number that they show, or at one that they key.
//!
//! The number is said, and 1 confirms it; 2, or a number that cannot be called, leads to keying another. What is keyed is asked
//! of the plan before it is said: nobody learns anything but whether it can be called.

use std::time::Instant;

use super::{Config, Effect, HangUp, LONGEST_PROMPT, Menu, State, Timer};
use crate::ivr::entry::{Entry, Keyed};
use crate::ivr::prompt::Prompt;
use crate::ivr::protocol::Spelled;
use crate::words::{Digit, Language, Personal};

/// How far somebody is who asks to be called back.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Is this the number?
    Confirming(Spelled),
    Keying(Entry),
    /// The plan is asked.
    Examining,
    /// It is being kept.
    Noting,
}

impl Step {
    /// Whether a question has been said that no key has answered.
    pub(super) const fn waits_for_first_key(&self) -> bool {
        match self {
            Self::Confirming(_) => true,
            Self::Keying(entry) => entry.is_empty(),
            Self::Examining | Self::Noting => false,
        }
    }
}

/// The number is right.
const RIGHT: u8 = 1;
/// Another one.
const OTHER: u8 = 2;

impl Menu {
    /// Asks somebody at which number they are to be called back; `shown` is theirs, if it is shown and can be called. `say` is heard
    /// first.
    pub fn callback(
        say: Option<Prompt>,
        shown: Option<Spelled>,
        language: Language,
        now: Instant,
    ) -> (Self, Vec<Effect>) {
        let mut menu = Self::silent(Config::default(), language);
        let mut out = Vec::new();
        let before: Vec<Prompt> = say.into_iter().collect();
        match shown {
            Some(shown) => menu.confirm(&before, shown, now, &mut out),
            None => menu.ask_number(&before, now, &mut out),
        }
        (menu, out)
    }

    fn confirm(&mut self, before: &[Prompt], number: Spelled, now: Instant, out: &mut Vec<Effect>) {
        let said = [before, &[Prompt::CallbackNumber], &number.prompts(), &[Prompt::CallbackConfirm]].concat();
        self.play(&said, out);
        self.state = State::CallBack(Step::Confirming(number));
        self.wait(LONGEST_PROMPT, Timer::FirstKey, now);
    }

    fn ask_number(&mut self, before: &[Prompt], now: Instant, out: &mut Vec<Effect>) {
        self.play(&[before, &[Prompt::CallbackAskNumber]].concat(), out);
        self.state = State::CallBack(Step::Keying(Entry::default()));
        self.wait(LONGEST_PROMPT, Timer::FirstKey, now);
    }

    pub(super) fn callback_key(&mut self, digit: Digit, now: Instant, out: &mut Vec<Effect>) {
        let State::CallBack(step) = &mut self.state else { return };
        match step {
            Step::Confirming(number) => {
                let number = number.clone();
                self.barge_in(out);
                match digit.value() {
                    Some(RIGHT) => {
                        self.state = State::CallBack(Step::Noting);
                        self.wait(self.config.patience, Timer::Answer, now);
                        out.push(Effect::CallBack(number.number));
                    }
                    Some(OTHER) => self.ask_number(&[], now, out),
                    Some(_) | None => self.ask_again(now, out),
                }
            }
            Step::Keying(entry) => {
                let keyed = entry.key(digit, None);
                let is_empty = entry.is_empty();
                self.barge_in(out);
                match keyed {
                    Keyed::Done => self.number_complete(now, out),
                    Keyed::More if is_empty => self.wait(self.config.first_key, Timer::FirstKey, now),
                    Keyed::More => self.wait(self.config.next_key, Timer::NextKey, now),
                }
            }
            Step::Examining | Step::Noting => {}
        }
    }

    fn number_complete(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let State::CallBack(Step::Keying(entry)) = &self.state else { return };
        match entry.read() {
            Some(number) => {
                self.state = State::CallBack(Step::Examining);
                self.wait(self.config.patience, Timer::Answer, now);
                out.push(Effect::Examine(Personal::new(number)));
            }
            None => self.not_there(now, out),
        }
    }

    pub(super) fn examined(&mut self, number: Option<Spelled>, now: Instant, out: &mut Vec<Effect>) {
        if !matches!(self.state, State::CallBack(Step::Examining)) {
            return;
        }
        match number {
            Some(number) => self.confirm(&[], number, now, out),
            None => self.not_there(now, out),
        }
    }

    pub(super) fn noted(&mut self, noted: bool, now: Instant, out: &mut Vec<Effect>) {
        if !matches!(self.state, State::CallBack(Step::Noting)) {
            return;
        }
        match noted {
            true => self.leave(&[Prompt::CallbackKept], HangUp::CalledBack, now, out),
            false => self.give_up(now, out),
        }
    }

    pub(super) fn callback_time(&mut self, timer: Timer, now: Instant, out: &mut Vec<Effect>) {
        let State::CallBack(step) = &self.state else { return };
        match (step, timer) {
            (Step::Confirming(_) | Step::Keying(_), Timer::FirstKey) => self.ask_again(now, out),
            (Step::Keying(_), Timer::NextKey) => self.number_complete(now, out),
            // Nobody has answered.
            (Step::Confirming(_) | Step::Keying(_) | Step::Examining | Step::Noting, _) => self.give_up(now, out),
        }
    }

    /// Nothing was keyed, or nothing that answers the question.
    fn ask_again(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if !self.may_try_again(now, out) {
            return;
        }
        if let State::CallBack(Step::Confirming(number)) = &self.state {
            self.confirm(&[Prompt::NothingKeyed], number.clone(), now, out);
        } else {
            self.ask_number(&[Prompt::NothingKeyed], now, out);
        }
    }

    fn not_there(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.may_try_again(now, out) {
            self.ask_number(&[Prompt::CallbackNotThere], now, out);
        }
    }

    fn may_try_again(&mut self, now: Instant, out: &mut Vec<Effect>) -> bool {
        self.tries_left = self.tries_left.saturating_sub(1);
        if self.tries_left == 0 {
            self.give_up(now, out);
        }
        self.tries_left > 0
    }

    fn give_up(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.leave(&[Prompt::CallbackNotKept], HangUp::TriesUsedUp, now, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr::protocol::Input;
    use crate::words::{PhoneNumber, Purpose};

    fn spelled(number: &str) -> Spelled {
        let said = Personal::new(number.replace("+49", "0"));
        Spelled { number: Personal::new(number.parse().expect("a number")), said }
    }

    /// Somebody and the office: of what they key only numbers that begin with 030 can be called back.
    struct Call {
        menu: Menu,
        now: Instant,
        said: Vec<Prompt>,
        /// What was asked of the office.
        examined: Vec<String>,
        wanted: Option<String>,
        hung_up: Option<HangUp>,
        keeps: bool,
    }

    impl Call {
        fn begins(shown: Option<&str>) -> Self {
            #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
            let now = Instant::now();
            let (menu, effects) = Menu::callback(Some(Prompt::Closed), shown.map(spelled), Language::De, now);
            let (said, examined, wanted, hung_up) = (Vec::new(), Vec::new(), None, None);
            let mut call = Self { menu, now, said, examined, wanted, hung_up, keeps: true };
            call.perform(effects);
            call
        }

        fn perform(&mut self, effects: Vec<Effect>) {
            for effect in effects {
                match effect {
                    Effect::Play { prompts, .. } => self.said = prompts.iter().map(|spoken| spoken.prompt).collect(),
                    Effect::Examine(number) => {
                        let number: &PhoneNumber = number.reveal(Purpose::Callback);
                        self.examined.push(number.as_str().to_owned());
                        let digits = number.as_str().strip_prefix("030");
                        let answer = digits.map(|rest| spelled(&format!("+4930{rest}")));
                        self.gives(Input::Examined(answer));
                    }
                    Effect::CallBack(number) => {
                        self.wanted = Some(number.reveal(Purpose::Callback).as_str().to_owned());
                        self.gives(Input::Noted(self.keeps));
                    }
                    Effect::HangUp(why) => self.hung_up = Some(why),
                    Effect::StopPlaying
                    | Effect::LookUp { .. }
                    | Effect::Failed { .. }
                    | Effect::Join { .. }
                    | Effect::Press(_)
                    | Effect::Language(_) => {}
                }
            }
        }

        fn gives(&mut self, input: Input) {
            let (menu, effects) = self.menu.clone().on(input, self.now);
            self.menu = menu;
            self.perform(effects);
        }

        fn keys(&mut self, keys: &str) -> &mut Self {
            for key in keys.chars() {
                self.gives(Input::Digit(Digit::from_char(key).expect("a key")));
            }
            self
        }

        /// Everything is said, and then so long nothing is keyed that the menu asks again.
        fn is_silent(&mut self) -> &mut Self {
            if let Some(id) = self.menu.playing() {
                self.gives(Input::Played(id));
            }
            if let Some((at, timer)) = self.menu.next_timeout() {
                self.now = at;
                self.gives(Input::Timeout(timer));
            }
            self
        }
    }

    const SHOWN: &str = "+49301234";

    #[test]
    fn the_number_that_is_shown_is_said_digit_by_digit_and_one_key_confirms_it() {
        let mut call = Call::begins(Some(SHOWN));
        let digits = [0, 3, 0, 1, 2, 3, 4].map(Prompt::Number);
        let expected = [&[Prompt::Closed, Prompt::CallbackNumber][..], &digits, &[Prompt::CallbackConfirm]].concat();
        assert_eq!(call.said, expected);
        call.keys("1");
        assert_eq!(call.wanted.as_deref(), Some(SHOWN));
        assert_eq!(call.said, [Prompt::CallbackKept]);
        call.is_silent();
        assert_eq!(call.hung_up, Some(HangUp::CalledBack));
    }

    #[test]
    fn another_number_is_keyed_asked_of_the_plan_and_said_before_it_counts() {
        let mut call = Call::begins(Some(SHOWN));
        call.keys("2");
        assert_eq!(call.said, [Prompt::CallbackAskNumber]);
        call.keys("0900123#");
        assert_eq!((call.said.first(), call.wanted.as_ref()), (Some(&Prompt::CallbackNotThere), None));
        call.keys("030").keys("*0305555#");
        assert_eq!((call.said.first(), call.wanted.as_ref()), (Some(&Prompt::CallbackNumber), None));
        call.keys("1");
        assert_eq!(call.wanted.as_deref(), Some("+49305555"));
        assert_eq!(call.examined, ["0900123", "0305555"]);
    }

    #[test]
    fn who_shows_no_number_keys_one_and_need_not_press_the_hash_key() {
        let mut call = Call::begins(None);
        assert_eq!(call.said, [Prompt::Closed, Prompt::CallbackAskNumber]);
        call.keys("0305555").is_silent().keys("1");
        assert_eq!(call.wanted.as_deref(), Some("+49305555"));
    }

    #[test]
    fn who_keys_nothing_that_helps_is_told_so_and_hung_up_after_three_tries() {
        for keys in ["", "9", "2112#"] {
            let mut call = Call::begins(Some(SHOWN));
            for _ in 0..8 {
                call.keys(keys).is_silent();
            }
            assert_eq!((call.wanted.as_ref(), call.hung_up), (None, Some(HangUp::TriesUsedUp)), "{keys:?}");
            assert_eq!(call.said, [Prompt::CallbackNotKept], "{keys:?}");
        }
    }

    #[test]
    fn a_request_that_is_not_kept_is_promised_to_nobody() {
        let mut call = Call::begins(Some(SHOWN));
        call.keeps = false;
        call.keys("1");
        assert_eq!(call.said, [Prompt::CallbackNotKept]);
        assert!(
            !format!("{:?}", Menu::callback(None, Some(spelled(SHOWN)), Language::De, call.now).0).contains("1234")
        );
    }
}
