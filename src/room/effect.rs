//! What a room wants done. The gateway does it.

use super::command::Action;
use super::event::Numbered;
use super::name::Name;
use crate::ivr::{Notice, Obstacle};
use crate::words::{LegId, ParticipantId, Typed};

/// What a room wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This leg has a place in the roster or in front of the door. The answer to `Join` and to `Returned`.
    Seated {
        /// The leg.
        leg: LegId,
        /// Who it is.
        participant: ParticipantId,
    },
    /// This leg does not get in. The answer to `Join` and to `Returned`.
    Refused {
        /// The leg.
        leg: LegId,
        /// Why.
        why: Refusal,
    },
    /// From now on this leg hears the room, and is heard unless it is muted.
    Enter {
        /// The leg.
        leg: LegId,
    },
    /// From now on this leg hears nothing of the room and is not heard.
    Exit {
        /// The leg.
        leg: LegId,
    },
    /// Whether the room hears this leg.
    SetMuted {
        /// The leg.
        leg: LegId,
        /// Muted from now on?
        on: bool,
    },
    /// Tell this leg, and nobody else.
    Notice {
        /// The leg.
        leg: LegId,
        /// What.
        notice: Notice,
    },
    /// Let everybody in the room hear this.
    Announce(Announcement),
    /// A moderator of ours wants something done that is not ours to do: to somebody on another gateway, to everybody, or to the
    /// meeting of another institution.
    Ask {
        /// Who; nobody in the meeting, if the institution itself does.
        by: Option<ParticipantId>,
        /// What.
        action: Action,
    },
    /// Something happened. Send it to those in the meeting whom it concerns ([`super::Event::is_for`]).
    Published(Numbered),
    /// These, and no others, are speaking now. Not numbered: only the newest counts.
    Speaking(Vec<ParticipantId>),
    /// Show this to everybody in the meeting but its author. Not numbered, and kept nowhere: who comes later does not see it.
    Typed {
        /// Who typed it.
        by: ParticipantId,
        /// What they are called.
        name: Name,
        /// What.
        text: Typed,
    },
    /// Count letters that were typed too fast, and are left out.
    TypedTooFast {
        /// How many.
        letters: usize,
    },
    /// Say why, then end this leg: a telephone hears the notice first ([`Why::notice`]), a page shows it.
    Disconnect {
        /// The leg.
        leg: LegId,
        /// Why.
        why: Why,
    },
}

/// Why somebody does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A moderator locked the meeting.
    Locked,
    /// As many are here as may be.
    Full,
    /// The meeting is over.
    Ended,
    /// Their place was not kept any longer, or never was theirs: join anew.
    PlaceGone,
}

impl Refusal {
    /// What stands in a caller's way, for their menu to say.
    pub const fn obstacle(self) -> Obstacle {
        match self {
            Self::Locked => Obstacle::Locked,
            Self::Full => Obstacle::Full,
            Self::Ended => Obstacle::Over,
            Self::PlaceGone => Obstacle::Fault,
        }
    }
}

/// What everybody in the room hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Announcement {
    /// Somebody came.
    Arrival,
    /// Somebody went.
    Departure,
    /// So many are here now.
    Count(u32),
}

/// Why a leg is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// A moderator removed its owner.
    Removed,
    /// A moderator did not let its owner in.
    NotAdmitted,
    /// The meeting is over.
    Ended,
    /// Its owner is here on a newer leg.
    Replaced,
}

impl Why {
    /// What its owner is told, if anything.
    pub const fn notice(self) -> Option<Notice> {
        match self {
            Self::Removed => Some(Notice::Removed),
            Self::NotAdmitted => Some(Notice::NotAdmitted),
            Self::Ended => Some(Notice::Ended),
            Self::Replaced => None,
        }
    }
}
