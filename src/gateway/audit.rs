//! What is noted in the audit, and how it is said there: masked, and nothing that a caller keyed.

use super::{Gateway, clock};
use crate::ivr::{Key, Lead, Suspicion, Target};
use crate::records::{Deed, Door};
use crate::room::{Action, Command};
use crate::words::{LegId, ParticipantId, Role, RoomId};

impl Gateway {
    pub(super) fn note(&self, deed: Deed) {
        self.audit.note(clock::moment(), deed);
    }

    pub(super) fn note_start(&self) {
        self.note(Deed::Started { version: env!("CARGO_PKG_VERSION").to_owned() });
        self.note(Deed::Loaded {
            dialplan: self.routing.running.about.fingerprint.clone(),
            meetings: self.book.len(),
            tokens: self.config.tokens.iter().map(|token| token.name.to_string()).collect(),
        });
    }

    /// Somebody seems to guess. `caller` is masked already.
    pub(super) fn note_guess(&self, door: Door, caller: Option<String>, target: Option<&Target>, suspicion: Suspicion) {
        let (counted, failures) = match suspicion {
            Suspicion::Caller { failures } => ("caller", failures),
            Suspicion::Conference { failures } => ("conference", failures),
        };
        // An ID that is no meeting's was keyed by somebody, and is not kept.
        let room = target.and_then(|target| self.book.find(target)).map(|listed| listed.meeting.room.clone());
        self.note(Deed::Guessing { door, caller, room, counted: counted.to_owned(), failures });
    }

    /// Lets somebody act in a room. What a moderator does to others is noted, if it did anything.
    pub(super) fn act(&mut self, room: &RoomId, by: ParticipantId, role: Role, action: Action) {
        let revision = |gateway: &Self| gateway.rooms.get(room).map(crate::room::Room::revision);
        let before = revision(self);
        self.tell_room(room, Command::Act { by, action });
        if role == Role::Moderator && !action.is_for_everybody() && revision(self) != before {
            let (act, whom, on) = named(action);
            self.note(Deed::Moderated { room: room.clone(), by, act: act.to_owned(), whom, on });
        }
    }

    /// Lets a caller press a key of the conference; a moderator's keys are noted like the buttons of a page.
    pub(super) fn press(&mut self, room: &RoomId, leg: LegId, key: Key) {
        let revision = |gateway: &Self| gateway.rooms.get(room).map(crate::room::Room::revision);
        let by = self.rooms.get(room).and_then(|room| room.owner(leg));
        let before = revision(self);
        self.tell_room(room, Command::Key { leg, key });
        if let (Key::Lead(lead), Some(by)) = (key, by)
            && revision(self) != before
        {
            let act = match lead {
                Lead::AdmitAll => "admitAll",
                Lead::MuteAll => "muteAll",
                Lead::Lock => "lock",
                Lead::End { .. } => "end",
            };
            self.note(Deed::Moderated { room: room.clone(), by, act: act.to_owned(), whom: None, on: None });
        }
    }
}

const fn named(action: Action) -> (&'static str, Option<ParticipantId>, Option<bool>) {
    match action {
        Action::MuteSelf { on } => ("muteSelf", None, Some(on)),
        Action::Hand { on } => ("hand", None, Some(on)),
        Action::Admit { participant } => ("admit", Some(participant), None),
        Action::AdmitAll => ("admitAll", None, None),
        Action::Mute { participant, on } => ("mute", Some(participant), Some(on)),
        Action::MuteAll { on } => ("muteAll", None, Some(on)),
        Action::GiveFloor { participant } => ("giveFloor", Some(participant), None),
        Action::LowerHand { participant } => ("lowerHand", Some(participant), None),
        Action::Remove { participant } => ("remove", Some(participant), None),
        Action::Lock { on } => ("lock", None, Some(on)),
        Action::Open => ("open", None, None),
        Action::End => ("end", None, None),
    }
}
