//! Those who take part on other gateways, as the cascade tells of them. They are shown, heard and counted; what they are is
//! decided where they are.

use std::collections::BTreeMap;

use super::command::{Elsewhere, Told};
use super::effect::{Announcement, Effect};
use super::event::{Event, Participant};
use super::{Name, Notice, Phase, Room};
use crate::words::{LegId, ParticipantId, Role};

/// All of them, by the number that the cascade gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Others(BTreeMap<ParticipantId, Elsewhere>);

impl Others {
    pub(super) fn has(&self, id: ParticipantId) -> bool {
        self.0.contains_key(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Name> + Clone {
        self.0.values().map(|other| &other.participant.name)
    }

    /// Those who are in the meeting.
    pub(super) fn inside(&self) -> impl Iterator<Item = &Participant> {
        self.0.values().map(|other| &other.participant).filter(|participant| !participant.lobby)
    }

    /// As the roster shows them to somebody with that role.
    pub(super) fn shown(&self, viewer: Role) -> impl Iterator<Item = &Participant> {
        let sees = move |participant: &&Participant| !participant.lobby || viewer == Role::Moderator;
        self.0.values().map(|other| &other.participant).filter(sees)
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.len() - self.inside().count()
    }

    pub(super) fn leads(&self) -> bool {
        self.inside().any(|participant| participant.role == Role::Moderator)
    }

    pub(super) fn can_be_muted(&self) -> bool {
        self.inside().any(|participant| participant.role == Role::Participant && !participant.muted_by_moderator)
    }

    /// Those who are heard on one of these legs.
    pub(super) fn heard<'a>(&'a self, legs: &'a [LegId]) -> impl Iterator<Item = ParticipantId> + 'a {
        let is_heard =
            |other: &&Elsewhere| !other.participant.lobby && !other.participant.muted && legs.contains(&other.leg);
        self.0.values().filter(is_heard).map(|other| other.participant.id)
    }
}

impl Room {
    /// Somebody on another gateway is there, or is not as they were.
    pub(super) fn put(&mut self, mut other: Elsewhere, out: &mut Vec<Effect>) {
        if self.phase == Phase::Ended {
            return;
        }
        let id = other.participant.id;
        let before = self.elsewhere.0.get(&id).map(|before| before.participant.clone());
        let participant = &mut other.participant;
        // Who raised a hand first is who raised it first here: clocks and counters elsewhere are others.
        participant.hand_since = match before.as_ref().and_then(|before| before.hand_since) {
            since if participant.hand => since.or(Some(self.revision() + 1)),
            _ => None,
        };
        participant.speaking = false;
        let kept = participant.clone();
        let participant = self.shown_elsewhere(&kept);
        let moderates = participant.role == Role::Moderator;
        let (was_inside, is_inside) = (before.as_ref().map(|before| !before.lobby), !participant.lobby);
        self.elsewhere.0.insert(id, other);
        match (was_inside, is_inside) {
            (Some(true), true) if before.as_ref() == Some(&kept) => {}
            (Some(true), true) => {
                if participant.muted || participant.away {
                    self.fall_silent(id, out);
                }
                self.publish(Event::Changed { participant }, out);
            }
            (None | Some(false), true) => {
                if was_inside.is_some() {
                    self.publish(Event::WaitingNoLonger { id }, out);
                }
                self.publish(Event::Joined { participant }, out);
                self.announce(Announcement::Arrival, out);
            }
            (was_inside, false) => {
                if was_inside == Some(true) {
                    self.fall_silent(id, out);
                    self.publish(Event::Left { id }, out);
                }
                self.publish(Event::Waiting { participant }, out);
                if was_inside.is_none() && self.phase == Phase::Open {
                    self.tell_leading_phones(out);
                }
            }
        }
        if moderates && self.config.opening.by_moderator() {
            self.open(out);
        }
    }

    /// Somebody on another gateway is gone.
    pub(super) fn take(&mut self, id: ParticipantId, out: &mut Vec<Effect>) {
        let Some(Elsewhere { participant, .. }) = self.elsewhere.0.remove(&id) else { return };
        self.paces.remove(&id);
        if participant.lobby {
            self.publish(Event::WaitingNoLonger { id }, out);
        } else {
            self.fall_silent(id, out);
            self.publish(Event::Left { id }, out);
            self.announce(Announcement::Departure, out);
        }
        if participant.role == Role::Moderator && !self.has_moderator() {
            self.free_the_muted(out);
        }
    }

    /// The home institution says how the meeting is.
    pub(super) fn told(&mut self, told: Told, out: &mut Vec<Effect>) {
        if self.config.at_home || self.phase == Phase::Ended {
            return;
        }
        if self.config.title != told.title {
            self.config.title.clone_from(&told.title);
            self.publish(Event::Retitled { title: told.title }, out);
        }
        if told.open {
            self.open(out);
        }
        if self.locked != told.locked {
            self.lock(told.locked, out);
            self.tell_leaders(if told.locked { Notice::LockedNow } else { Notice::UnlockedNow }, out);
        }
    }
}
