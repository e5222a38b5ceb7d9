//! In front of the meeting and in it: music, notices of the room, and the keys of the conference.

use std::time::{Duration, Instant};

use super::{Effect, HangUp, Menu, State, Timer};
use crate::ivr::notice::{Key, Lead, Notice};
use crate::ivr::prompt::Prompt;
use crate::ivr::say;
use crate::words::Digit;

/// To hear the question and press two keys.
const TO_CONFIRM: Duration = Duration::from_secs(20);

impl Menu {
    /// The room tells something. It may also tell it to somebody who has just been taken out.
    pub(super) fn notice(&mut self, notice: Notice, now: Instant, out: &mut Vec<Effect>) {
        if !matches!(self.state, State::Joining | State::Waiting { .. } | State::Inside { .. }) {
            return;
        }
        let prompts = say::notice(notice);
        match notice {
            Notice::NotOpenYet | Notice::InLobby => {
                self.play(&prompts, out);
                self.state = State::Waiting { star: None };
                self.wait(self.config.reminder, Timer::Reminder, now);
            }
            Notice::Admitted { .. } => {
                self.state = State::Inside { star: None, ending: None };
                self.deadline = None;
                self.play(&prompts, out);
            }
            Notice::Removed => self.leave(&prompts, HangUp::Removed, now, out),
            Notice::NotAdmitted => self.leave(&prompts, HangUp::NotAdmitted, now, out),
            Notice::Ended => self.leave(&prompts, HangUp::Ended, now, out),
            Notice::Muted
            | Notice::Unmuted
            | Notice::MutedByModerator
            | Notice::MayNotSpeak
            | Notice::YouMaySpeak
            | Notice::PleaseUnmute
            | Notice::HandRaised
            | Notice::HandLowered
            | Notice::Count { .. }
            | Notice::OnlyModerators
            | Notice::SomebodyWaits
            | Notice::AllAdmitted
            | Notice::NobodyWaits
            | Notice::AllMuted
            | Notice::AllUnmuted
            | Notice::LockedNow
            | Notice::UnlockedNow
            | Notice::ConfirmEnd => self.play(&prompts, out),
        }
    }

    /// Star, then a key. A star that is followed by nothing is forgotten. Other keys mean nothing here.
    pub(super) fn conference_key(&mut self, digit: Digit, now: Instant, out: &mut Vec<Effect>) {
        let next_key = self.config.next_key;
        let (State::Waiting { star } | State::Inside { star, .. }) = &mut self.state else { return };
        let armed = star.take().is_some_and(|at| now.saturating_duration_since(at) <= next_key);
        if digit == Digit::STAR {
            *star = Some(now);
            return self.quiet(now, out);
        }
        if armed {
            self.quiet(now, out);
            self.starred(digit, now, out);
        }
    }

    fn starred(&mut self, digit: Digit, now: Instant, out: &mut Vec<Effect>) {
        let is_inside = matches!(self.state, State::Inside { .. });
        match digit.as_char() {
            '6' if is_inside => out.push(Effect::Press(Key::Mute)),
            '9' if is_inside => out.push(Effect::Press(Key::Hand)),
            '3' if is_inside => out.push(Effect::Press(Key::Count)),
            '1' if is_inside => out.push(Effect::Press(Key::Lead(Lead::AdmitAll))),
            '5' if is_inside => out.push(Effect::Press(Key::Lead(Lead::MuteAll))),
            '7' if is_inside => out.push(Effect::Press(Key::Lead(Lead::Lock))),
            '8' if is_inside => out.push(Effect::Press(Key::Lead(Lead::End { sure: self.is_sure(now) }))),
            '0' => self.play(&[if is_inside { Prompt::Help } else { Prompt::HelpWaiting }], out),
            '#' if self.leads => self.play(&[Prompt::Keys, Prompt::KeysModerator], out),
            '#' => self.play(&[Prompt::Keys], out),
            _ => {}
        }
    }

    /// What cannot be undone is done at the second time, if that comes soon enough.
    fn is_sure(&mut self, now: Instant) -> bool {
        let State::Inside { ending, .. } = &mut self.state else { return false };
        let sure = ending.take().is_some_and(|at| now.saturating_duration_since(at) <= TO_CONFIRM);
        *ending = (!sure).then_some(now);
        sure
    }

    /// A key stops a prompt; in front of the meeting the music goes on instead.
    fn quiet(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let was_speaking = self.playing.is_some();
        self.barge_in(out);
        if was_speaking && matches!(self.state, State::Waiting { .. }) {
            self.music(now, out);
        }
    }

    pub(super) fn music(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.play_spoken(vec![Prompt::HoldMusic.in_language(self.language)], true, out);
        self.wait(self.config.reminder, Timer::Reminder, now);
    }

    pub(super) fn remind(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if matches!(self.state, State::Waiting { .. }) {
            self.play(&[Prompt::StillWaiting], out);
            self.wait(self.config.reminder, Timer::Reminder, now);
        }
    }
}
