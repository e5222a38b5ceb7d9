//! What people type: from telephones, pages and other gateways to the room, and from there to all who read. A telephone that shows text
//! reads its menu, too, and may type what others key.

use std::net::SocketAddr;

use super::routing::Beginning;
use super::{Gateway, workers};
use crate::call::sdp;
use crate::ivr::{self, Spoken};
use crate::room::{Command, Name};
use crate::web::Answer;
use crate::words::{Digit, Family, LegId, ParticipantId, RoomId, Typed};
use workers::PortPair;

/// The menu: nobody in a roster has this number.
const MENU: ParticipantId = ParticipantId(0);

impl Gateway {
    /// Sockets for the text of a new call, if its offer has some that we take: where it is led to a menu, for who is rung reads nothing.
    pub(super) fn ports_for_text(&self, offer: &str, ours: SocketAddr, beginning: &Beginning) -> Option<PortPair> {
        if !beginning.is_read() || !sdp::has_text(offer, ours) {
            return None;
        }
        let ports = self.pool.reserve_ports(Family::of(ours.ip()));
        ports.inspect_err(|error| tracing::warn!(%error, "a call has no text")).ok()
    }

    /// Where the text of a running call is received; a port that it had once it keeps.
    pub(super) fn place_for_text(&mut self, leg: LegId, offer: &str) -> Option<SocketAddr> {
        let caller = self.callers.get(&leg)?;
        if caller.ours.text.is_some() {
            return caller.ours.text;
        }
        let ports = self.ports_for_text(offer, caller.ours.audio, &caller.beginning)?;
        let ours = ports.address();
        self.tell_media(workers::Command::GiveText { leg, ports });
        self.callers.get_mut(&leg)?.ours.text = Some(ours);
        Some(ours)
    }

    /// Somebody types on a telephone: to those in the meeting, or, like keys, to the menu.
    pub(super) fn on_typed(&mut self, leg: LegId, text: Typed, beyond: usize) {
        self.observed.typed_too_fast(beyond);
        let Some(caller) = self.callers.get(&leg) else { return };
        if let Some(room) = caller.room.clone() {
            return self.tell_room(&room, Command::Type { leg, text });
        }
        for letter in text.reveal().chars() {
            let key = if letter == Typed::NEW_LINE { '#' } else { letter };
            if let Some(digit) = Digit::from_char(key).filter(|_| !key.is_ascii_alphabetic()) {
                self.on_key(leg, digit);
            }
        }
    }

    /// Shows everybody in a room what somebody types.
    pub(super) fn show_typed(&mut self, room: &RoomId, by: ParticipantId, name: &Name, text: &Typed) {
        let viewers = self.rooms.get(room).into_iter().flat_map(|room| room.viewers());
        let readers: Vec<LegId> = viewers.filter(|(_, id, _)| *id != by).map(|(leg, ..)| leg).collect();
        for leg in readers {
            if self.visitors.is_here(leg) {
                self.visitors.tell(leg, Answer::Text { who: by, text: text.clone() });
            } else {
                self.write(leg, by, self.name_for(leg, room, name), text.clone());
            }
        }
        self.tell_typed_elsewhere(room, by, text);
    }

    /// What a menu says, for a caller who reads it.
    pub(super) fn write_prompts(&self, leg: LegId, prompts: &[Spoken]) {
        if !self.callers.get(&leg).is_some_and(|caller| caller.reads) {
            return;
        }
        let words = prompts.iter().filter_map(|spoken| ivr::words_of(*spoken));
        for words in words.map(|words| format!("{words} ")).chain([String::from("\n")]) {
            self.write(leg, MENU, Name::chosen("Einwahl"), Typed::read(&words));
        }
    }

    /// The menu falls silent: who reads it need not read on.
    pub(super) fn stop_writing(&self, leg: LegId) {
        if self.callers.get(&leg).is_some_and(|caller| caller.reads) {
            self.tell_media(workers::Command::CutShort { leg, who: MENU });
        }
    }

    fn write(&self, leg: LegId, who: ParticipantId, name: Name, text: Typed) {
        if self.callers.get(&leg).is_some_and(|caller| caller.reads) {
            self.tell_media(workers::Command::Write { leg, who, name, text });
        }
    }
}
