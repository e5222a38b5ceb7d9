//! What a caller's menu hears, and what is done that it wants.

use super::caller::Caller;
use super::routing::Beginning;
use super::{Gateway, clock};
use crate::ivr::{self, Spoken};
use crate::media::Clip;
use crate::observe::Who;
use crate::records;
use crate::words::{Digit, LegId};
use crate::workers;

impl Gateway {
    /// A key for the one with whom they are connected, for the queue in which they wait, or for the menu.
    pub(super) fn on_key(&mut self, leg: LegId, digit: Digit) {
        if !self.pass_key(leg, digit) && !digit.value().is_some_and(|key| self.asks_in_queue(leg, key)) {
            self.tell_menu(leg, ivr::Input::Digit(digit));
        }
    }

    pub(super) fn tell_menu(&mut self, leg: LegId, input: ivr::Input) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let Some(menu) = caller.menu.take() else { return };
        let (menu, effects) = menu.on(input, clock::now());
        caller.menu = (!menu.is_over()).then_some(menu);
        self.perform_menu(leg, effects);
    }

    pub(super) fn perform_menu(&mut self, leg: LegId, effects: Vec<ivr::Effect>) {
        for effect in effects {
            match effect {
                ivr::Effect::Play { prompts, repeat, id } => {
                    self.write_prompts(leg, &prompts);
                    let clips = prompts.into_iter().filter_map(|spoken| self.clip(spoken)).collect();
                    self.tell_media(workers::Command::Play { leg, clips, repeat, id: id.0 });
                }
                ivr::Effect::StopPlaying => {
                    self.tell_media(workers::Command::StopPlaying { leg });
                    self.stop_writing(leg);
                }
                ivr::Effect::LookUp { target, pin } if self.looks_up_for_visitor(leg, &target, pin.as_ref()) => {}
                ivr::Effect::LookUp { target, pin } if self.ask_elsewhere(leg, &target, pin.as_ref()) => {}
                ivr::Effect::LookUp { target, pin } => {
                    let admission = self.book.admission(&target, pin.as_ref(), clock::moment());
                    let conference = self.book.conference(&target);
                    let caller = self.callers.get(&leg).and_then(Caller::number);
                    let hold = self.guard.hold(caller, conference.as_ref(), clock::now());
                    self.tell_menu(leg, ivr::Input::Answered { admission, hold });
                }
                // It was counted where it was looked up.
                ivr::Effect::Failed { .. } if self.is_visitor(leg) => {}
                ivr::Effect::Failed { target, incident } => {
                    let conference = self.book.conference(&target);
                    let caller = self.callers.get(&leg).and_then(|caller| caller.number().cloned());
                    for suspicion in self.guard.failed(caller.as_ref(), conference.as_ref(), clock::now()) {
                        self.observed.suspected(Who::Phone);
                        tracing::warn!(%leg, ?incident, ?suspicion, "somebody seems to guess");
                        let caller = caller.as_ref().map(ToString::to_string);
                        self.note_guess(records::Door::Phone, caller, Some(&target), suspicion);
                    }
                }
                ivr::Effect::Join { room, role } => self.join(leg, &room, role),
                ivr::Effect::Press(key) => {
                    if let Some(room) = self.callers.get(&leg).and_then(|caller| caller.room.clone()) {
                        self.press(&room, leg, key);
                    }
                }
                ivr::Effect::Language(_) => {}
                ivr::Effect::Examine(number) => self.examine_number(leg, &number),
                ivr::Effect::CallBack(number) => self.note_callback(leg, number),
                ivr::Effect::HangUp(ivr::HangUp::Announced) if self.goes_on(leg) => {}
                ivr::Effect::HangUp(why) => {
                    tracing::info!(%leg, ?why, "hung up");
                    self.hang_up(leg);
                }
            }
        }
    }

    /// After an announcement another context may go on with the call; true if it does.
    pub(super) fn goes_on(&mut self, leg: LegId) -> bool {
        let Some(caller) = self.callers.get_mut(&leg) else { return false };
        let Beginning::Announcement { then: Some(onward), .. } = caller.beginning else { return false };
        self.lead_on(leg, onward);
        true
    }

    pub(super) fn clip(&self, spoken: Spoken) -> Option<Clip> {
        self.config.library.sound(spoken).map(Clip::new)
    }
}
