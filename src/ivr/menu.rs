//! The menu of one caller, from the first greeting to the last farewell.

mod asking;
mod callback;
mod conference;

use std::time::{Duration, Instant};

use super::entry::{Ahead, Entry};
use super::prompt::{Prompt, Spoken};
use super::protocol::{Admission, Config, Door, Effect, HangUp, Incident, Input, Obstacle, PlayId, Target, Timer};
use crate::words::{Digit, Language};

/// The menu of one caller.
#[derive(Clone, Debug)]
pub struct Menu {
    config: Config,
    language: Language,
    state: State,
    /// What is playing, if it is not music.
    playing: Option<PlayId>,
    plays: u64,
    deadline: Option<(Instant, Timer)>,
    tries_left: u8,
    /// The caller came with the moderators' PIN.
    leads: bool,
    /// Said before the first question.
    greeting: Option<Prompt>,
    ahead: Ahead,
}

/// How far the caller is.
#[derive(Clone, Debug)]
enum State {
    ChoosingLanguage,
    AskedForId {
        entry: Entry,
    },
    AskedForPin {
        target: Target,
        known_bad: bool,
        entry: Entry,
    },
    /// A look-up is under way.
    Checking {
        target: Target,
        pin: PinState,
        since: Instant,
    },
    /// The answer is known and held back.
    Held {
        target: Target,
        pin: PinState,
        admission: Admission,
    },
    /// The room decides.
    Joining,
    /// In front of the meeting, with music. `star` is when the star key was pressed.
    Waiting {
        star: Option<Instant>,
    },
    /// `ending` is when the key that ends the meeting was pressed a first time.
    Inside {
        star: Option<Instant>,
        ending: Option<Instant>,
    },
    /// Asks to be called back.
    CallBack(callback::Step),
    Leaving {
        why: HangUp,
    },
    Over,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PinState {
    NotAsked,
    /// It was keyed; whether the target was found bad before.
    Given {
        known_bad: bool,
    },
}

/// However long the prompts are: when the end of one is never told, the call goes on.
const LONGEST_PROMPT: Duration = Duration::from_secs(45);

impl Menu {
    /// The menu of a caller whose call was just answered.
    pub fn new(config: Config, language: Language, now: Instant) -> (Self, Vec<Effect>) {
        let mut menu = Self::silent(config, language);
        let mut out = Vec::new();
        if menu.config.ask_language {
            menu.ask_language(now, &mut out);
        } else {
            menu.greeting = Some(Prompt::Welcome);
            menu.begin(now, &mut out);
        }
        (menu, out)
    }

    /// Only says something, then hangs up.
    pub fn announcement(prompt: Prompt, language: Language, now: Instant) -> (Self, Vec<Effect>) {
        let mut menu = Self::silent(Config::default(), language);
        let mut out = Vec::new();
        menu.leave(&[prompt], HangUp::Announced, now, &mut out);
        (menu, out)
    }

    fn silent(config: Config, language: Language) -> Self {
        Self {
            tries_left: config.tries,
            leads: false,
            config,
            language,
            state: State::Over,
            playing: None,
            plays: 0,
            deadline: None,
            greeting: None,
            ahead: Ahead::default(),
        }
    }

    /// Something happens.
    #[must_use]
    pub fn on(mut self, input: Input, now: Instant) -> (Self, Vec<Effect>) {
        let mut out = Vec::new();
        match input {
            Input::Digit(digit) => self.digit(digit, now, &mut out),
            Input::Played(id) => self.played(id, now, &mut out),
            Input::Answered { admission, hold } => self.answered(admission, hold, now, &mut out),
            Input::NotTaken(obstacle) => self.not_taken(obstacle, now, &mut out),
            Input::Notice(notice) => self.notice(notice, now, &mut out),
            Input::Examined(number) => self.examined(number, now, &mut out),
            Input::Noted(noted) => self.noted(noted, now, &mut out),
            Input::Timeout(timer) => {
                if self.deadline.is_some_and(|(at, waited_for)| waited_for == timer && at <= now) {
                    self.deadline = None;
                    self.time_has_come(timer, now, &mut out);
                }
            }
        }
        (self, out)
    }

    /// What the menu waits for next.
    pub const fn next_timeout(&self) -> Option<(Instant, Timer)> {
        self.deadline
    }

    /// The caller's language.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// What is playing and will end by itself.
    pub const fn playing(&self) -> Option<PlayId> {
        self.playing
    }

    /// Whether the menu has hung up.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn digit(&mut self, digit: Digit, now: Instant, out: &mut Vec<Effect>) {
        match &mut self.state {
            State::ChoosingLanguage => self.language_key(digit, now, out),
            State::AskedForId { .. } | State::AskedForPin { .. } => self.entry_key(digit, now, out),
            State::Checking { .. } | State::Held { .. } => self.ahead.key(digit),
            State::Waiting { .. } | State::Inside { .. } => self.conference_key(digit, now, out),
            State::CallBack(_) => self.callback_key(digit, now, out),
            State::Joining | State::Leaving { .. } | State::Over => {}
        }
    }

    /// A prompt has come to its end: only now the silence of the caller counts.
    fn played(&mut self, id: PlayId, now: Instant, out: &mut Vec<Effect>) {
        if self.playing != Some(id) {
            return;
        }
        self.playing = None;
        match &self.state {
            State::ChoosingLanguage => self.wait(self.config.first_key, Timer::FirstKey, now),
            State::AskedForId { entry } | State::AskedForPin { entry, .. } => {
                if entry.is_empty() {
                    self.wait(self.config.first_key, Timer::FirstKey, now);
                }
            }
            State::Waiting { .. } => self.music(now, out),
            State::CallBack(step) => {
                if step.waits_for_first_key() {
                    self.wait(self.config.first_key, Timer::FirstKey, now);
                }
            }
            State::Leaving { why } => self.hang_up(*why, out),
            State::Checking { .. } | State::Held { .. } | State::Joining | State::Inside { .. } | State::Over => {}
        }
    }

    fn time_has_come(&mut self, timer: Timer, now: Instant, out: &mut Vec<Effect>) {
        if matches!(self.state, State::CallBack(_)) {
            return self.callback_time(timer, now, out);
        }
        match timer {
            Timer::FirstKey => self.nothing_keyed(now, out),
            Timer::NextKey => self.entry_complete(now, out),
            Timer::Answer => self.refuse_for_now(Obstacle::Fault, now, out),
            Timer::Verdict => self.say_verdict(now, out),
            Timer::Reminder => self.remind(now, out),
            Timer::Farewell => {
                if let State::Leaving { why } = self.state {
                    self.hang_up(why, out);
                }
            }
        }
    }

    // --- saying ---

    fn play(&mut self, prompts: &[Prompt], out: &mut Vec<Effect>) {
        let language = self.language;
        self.play_spoken(prompts.iter().map(|prompt| prompt.in_language(language)).collect(), false, out);
    }

    fn play_spoken(&mut self, prompts: Vec<Spoken>, repeat: bool, out: &mut Vec<Effect>) {
        self.plays += 1;
        let id = PlayId(self.plays);
        self.playing = (!repeat).then_some(id);
        out.push(Effect::Play { prompts, repeat, id });
    }

    /// A key-press stops a prompt, not the music.
    fn barge_in(&mut self, out: &mut Vec<Effect>) {
        if self.playing.take().is_some() {
            out.push(Effect::StopPlaying);
        }
    }

    fn leave(&mut self, prompts: &[Prompt], why: HangUp, now: Instant, out: &mut Vec<Effect>) {
        self.play(prompts, out);
        self.state = State::Leaving { why };
        self.wait(LONGEST_PROMPT, Timer::Farewell, now);
    }

    fn hang_up(&mut self, why: HangUp, out: &mut Vec<Effect>) {
        self.state = State::Over;
        self.deadline = None;
        out.push(Effect::HangUp(why));
    }

    fn refuse_for_now(&mut self, obstacle: Obstacle, now: Instant, out: &mut Vec<Effect>) {
        let prompt = match obstacle {
            Obstacle::Locked => Prompt::Locked,
            Obstacle::Full => Prompt::Full,
            Obstacle::Over => Prompt::Ended,
            Obstacle::Fault => Prompt::Fault,
        };
        self.leave(&[prompt, Prompt::Goodbye], HangUp::NotNow(obstacle), now, out);
    }

    fn not_taken(&mut self, obstacle: Obstacle, now: Instant, out: &mut Vec<Effect>) {
        if matches!(self.state, State::Joining) {
            self.refuse_for_now(obstacle, now, out);
        }
    }

    fn wait(&mut self, span: Duration, timer: Timer, now: Instant) {
        self.deadline = Some((now + span, timer));
    }
}
