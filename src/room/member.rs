//! One line of the roster, as the room keeps it.

use std::time::Instant;

use super::command::{Guest, Kind, Newcomer};
use super::event::Participant;
use super::name::Name;
use crate::words::{LegId, ParticipantId, Role};

/// Somebody who takes part, or waits to.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: ParticipantId,
    pub(super) link: Link,
    pub(super) kind: Kind,
    pub(super) name: Name,
    pub(super) role: Role,
    pub(super) place: Place,
    pub(super) mic: Mic,
    /// The revision at which the hand went up.
    pub(super) hand: Option<u64>,
    pub(super) guest: Option<Guest>,
}

/// How somebody is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// On this leg.
    Here(LegId),
    /// Not at all: this leg broke. The place is kept until then.
    Away { broken: LegId, until: Instant },
}

/// Where somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In front of a meeting that has not begun.
    BeforeOpening,
    /// In front of the door, until a moderator admits them.
    Lobby,
    /// In the meeting.
    Inside,
}

/// Two wills: somebody is heard when both agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mic {
    /// The owner's.
    pub(super) wants: bool,
    /// The moderators'.
    pub(super) may: bool,
}

impl Member {
    pub(super) fn new(id: ParticipantId, newcomer: Newcomer, place: Place) -> Self {
        let Newcomer { leg, kind, name, role, guest } = newcomer;
        let mic = Mic { wants: true, may: role != Role::Listener };
        Self { id, link: Link::Here(leg), kind, name, role, place, mic, hand: None, guest }
    }

    /// The leg on which somebody can be told something.
    pub(super) const fn leg(&self) -> Option<LegId> {
        match self.link {
            Link::Here(leg) => Some(leg),
            Link::Away { .. } => None,
        }
    }

    /// Whether this leg is or was theirs.
    pub(super) fn owns(&self, leg: LegId) -> bool {
        match self.link {
            Link::Here(own) | Link::Away { broken: own, .. } => own == leg,
        }
    }

    pub(super) const fn is_muted(&self) -> bool {
        !(self.mic.wants && self.mic.may)
    }

    pub(super) fn is_inside(&self) -> bool {
        self.place == Place::Inside
    }

    pub(super) fn is_moderator(&self) -> bool {
        self.role == Role::Moderator
    }

    /// Whether they wait for a moderator, in a meeting where others do.
    pub(super) fn waits(&self, lobby: bool) -> bool {
        !self.is_moderator() && (lobby || self.guest.as_ref().is_some_and(|guest| guest.lobby))
    }

    pub(super) fn shown(&self, speaking: bool) -> Participant {
        Participant {
            id: self.id,
            name: self.name.clone(),
            institution: self.guest.as_ref().map(|guest| guest.institution.clone()),
            kind: self.kind,
            role: self.role,
            muted: self.is_muted(),
            muted_by_moderator: !self.mic.may,
            hand: self.hand.is_some(),
            hand_since: self.hand,
            speaking,
            lobby: !self.is_inside(),
            away: self.leg().is_none(),
        }
    }
}
