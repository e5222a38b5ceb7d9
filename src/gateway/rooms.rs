//! What rooms are told, and what is done that they want.

use super::caller::Caller;
use super::{Gateway, clock};
use crate::ivr::{self, Prompt};
use crate::room::{self, Announcement, Command, Kind, Name, Newcomer, Room};
use crate::words::{LegId, RoomId};
use crate::workers;

impl Gateway {
    pub(super) fn tell_room(&mut self, name: &RoomId, command: Command) {
        let Some(room) = self.rooms.remove(name) else { return };
        let (room, effects) = room.apply(command, clock::now());
        self.look_elsewhere(name, &room);
        if !room.is_empty() {
            self.rooms.insert(name.clone(), room);
        }
        for effect in effects {
            self.perform_room(name, effect);
        }
        self.forget_the_lost(name);
        self.perform_cascade();
    }

    pub(super) fn join(&mut self, leg: LegId, room: &RoomId, role: room::Role) {
        let newcomer = match self.brought(leg, room, role) {
            Some(Ok(newcomer)) => newcomer,
            Some(Err(obstacle)) => return self.tell_menu(leg, ivr::Input::NotTaken(obstacle)),
            None => {
                let name = Name::of_caller(self.callers.get(&leg).and_then(Caller::number));
                Newcomer { leg, kind: Kind::Phone, name, role, guest: None }
            }
        };
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        caller.room = Some(room.clone());
        tracing::info!(%leg, %room, ?role, "a telephone joins");
        self.open_room(room);
        self.tell_room(room, Command::Join(newcomer));
    }

    /// Makes the room of a meeting, if nobody is in it yet.
    pub(super) fn open_room(&mut self, name: &RoomId) {
        if let Some(listed) = self.book.get(name) {
            let now = clock::now();
            let config = listed.meeting.room(clock::moment(), now);
            self.rooms.entry(name.clone()).or_insert_with(|| Room::new(config, now));
        } else if !self.rooms.contains_key(name)
            && let Some(config) = self.begin_elsewhere(name)
        {
            self.rooms.insert(name.clone(), Room::new(config, clock::now()));
        }
    }

    pub(super) fn perform_room(&mut self, name: &RoomId, effect: room::Effect) {
        match effect {
            room::Effect::Enter { leg } => {
                self.tell_media(workers::Command::Enter { leg, room: name.clone() });
                self.page_enters(leg);
            }
            room::Effect::Exit { leg } => self.tell_media(workers::Command::Exit { leg }),
            room::Effect::SetMuted { leg, on } => self.tell_media(workers::Command::Mute { leg, on }),
            room::Effect::Notice { leg, notice } if self.visitors.is_here(leg) => self.page_is_noticed(leg, notice),
            room::Effect::Notice { leg, notice } => self.tell_menu(leg, ivr::Input::Notice(notice)),
            room::Effect::Announce(announcement) => self.announce(name, announcement),
            room::Effect::Disconnect { leg, why } if self.visitors.is_here(leg) => self.page_is_disconnected(leg, why),
            room::Effect::Disconnect { leg, why } => match why.notice() {
                Some(notice) => self.tell_menu(leg, ivr::Input::Notice(notice)),
                None => self.hang_up(leg),
            },
            room::Effect::Refused { leg, why } if self.visitors.is_here(leg) => self.page_is_refused(leg, why),
            room::Effect::Refused { leg, why } => self.tell_menu(leg, ivr::Input::NotTaken(why.obstacle())),
            room::Effect::Seated { leg, participant } => self.page_is_seated(leg, participant),
            room::Effect::Ask { by, action } => self.asks_elsewhere(name, by, action),
            room::Effect::Published(event) => self.publish(name, &event),
            room::Effect::Typed { by, name: author, text } => self.show_typed(name, by, &author, &text),
            room::Effect::TypedTooFast { letters } => self.observed.typed_too_fast(letters),
            room::Effect::Speaking(participants) => {
                self.show_speakers(name, &participants);
                self.tell_speakers_elsewhere(name, &participants);
            }
        }
    }

    pub(super) fn announce(&self, room: &RoomId, announcement: Announcement) {
        let chosen = self.book.get(room).and_then(|listed| listed.meeting.language);
        let language = chosen.unwrap_or(self.config.language);
        let sounds = match announcement {
            Announcement::Arrival => vec![Prompt::ChimeIn.in_language(language)],
            Announcement::Departure => vec![Prompt::ChimeOut.in_language(language)],
            Announcement::Count(count) => ivr::count_of(count, language),
        };
        let clips = sounds.into_iter().filter_map(|spoken| self.clip(spoken)).collect();
        self.tell_media(workers::Command::PlayInRoom { room: room.clone(), clips });
    }
}
