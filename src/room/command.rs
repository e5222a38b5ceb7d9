//! What can happen to a room.

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::event::Participant;
use super::name::Name;
use crate::ivr::Key;
use crate::words::{LegId, ParticipantId, Role, Typed};

/// What can happen to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Somebody who has shown that they may come wants in.
    Join(Newcomer),
    /// Somebody hangs up or closes the page.
    Leave {
        /// Their leg.
        leg: LegId,
    },
    /// Somebody in a browser does something.
    Act {
        /// Who.
        by: ParticipantId,
        /// What.
        action: Action,
    },
    /// Somebody on a telephone presses a key of the conference.
    Key {
        /// Their leg.
        leg: LegId,
        /// Which.
        key: Key,
    },
    /// A connection broke. The place is kept for the grace time.
    Gone {
        /// The broken leg.
        leg: LegId,
    },
    /// Somebody reconnects, on the same leg or on a new one.
    Returned {
        /// Who.
        participant: ParticipantId,
        /// Their leg from now on.
        leg: LegId,
    },
    /// These legs, and no others, are speaking now.
    Speaking(Vec<LegId>),
    /// Somebody types.
    Type {
        /// Their leg.
        leg: LegId,
        /// What.
        text: Typed,
    },
    /// Somebody who takes part on another gateway types.
    TypeElsewhere {
        /// Who.
        participant: ParticipantId,
        /// What.
        text: Typed,
    },
    /// Somebody of the institution, who is not in the meeting, mutes somebody, or lets them speak. Who is muted so can speak again
    /// by themselves: there may be no moderator who could let them.
    Mute {
        /// Whom.
        participant: ParticipantId,
        /// Muted from now on?
        on: bool,
    },
    /// The meeting begins now, whatever was planned.
    Open,
    /// The meeting ends for all.
    End,
    /// The meeting is set up in another way from now on. Who is inside stays inside, who waits for a moderator still does.
    Change(Box<Config>),
    /// Somebody takes part on another gateway, or is not any longer as they were.
    Put(Box<Elsewhere>),
    /// Somebody who took part on another gateway is gone.
    Take {
        /// Who.
        participant: ParticipantId,
    },
    /// Somebody who leads on another gateway does something here.
    Lead(Action),
    /// The home institution says how the meeting is; for a room whose home is elsewhere.
    Told(Told),
    /// A time for which the room asked has come.
    Timeout(Timer),
}

/// Somebody who takes part on another gateway, which decides what they are: here they are only shown and heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// As the roster shows them. Their number is none that this room gives, `speaking` and `hand_since` do not count.
    pub participant: Participant,
    /// As what they are heard here.
    pub leg: LegId,
}

/// How a meeting is at its home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is called.
    pub title: String,
    /// It has begun.
    pub open: bool,
    /// Nobody else can come in.
    pub locked: bool,
}

/// Somebody who wants in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// Their leg.
    pub leg: LegId,
    /// What they use.
    pub kind: Kind,
    /// What the roster calls them.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// Somebody of another institution, whose own system brings them here.
    pub guest: Option<Guest>,
}

/// Somebody of another institution who takes part on this gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// What people call the institution.
    pub institution: String,
    /// They wait until a moderator admits them, also if others do not.
    pub lobby: bool,
}

/// What somebody uses to take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A telephone.
    Phone,
    /// A browser.
    Browser,
}

/// What somebody in the room wants done. As JSON: `{"do":"mute","participant":7,"on":true}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Action {
    /// Mute or unmute oneself.
    MuteSelf {
        /// Muted from now on?
        on: bool,
    },
    /// Raise or lower one's hand.
    Hand {
        /// Raised from now on?
        on: bool,
    },
    /// Admit somebody from the lobby.
    Admit {
        /// Whom.
        participant: ParticipantId,
    },
    /// Admit everybody from the lobby.
    AdmitAll,
    /// Mute somebody, or let them speak again.
    Mute {
        /// Whom.
        participant: ParticipantId,
        /// Muted from now on?
        on: bool,
    },
    /// Mute everybody but the moderators, or let everybody speak again.
    MuteAll {
        /// Muted from now on?
        #[serde(default = "yes")]
        on: bool,
    },
    /// Let somebody speak and lower their hand.
    GiveFloor {
        /// Whom.
        participant: ParticipantId,
    },
    /// Lower somebody's hand.
    LowerHand {
        /// Whose.
        participant: ParticipantId,
    },
    /// Remove somebody, from the meeting or from the lobby.
    Remove {
        /// Whom.
        participant: ParticipantId,
    },
    /// Let nobody else in, or again.
    Lock {
        /// Locked from now on?
        on: bool,
    },
    /// Begin the meeting before its time.
    Open,
    /// End the meeting for all.
    End,
}

const fn yes() -> bool {
    true
}

impl Action {
    /// To whom it is done, if to one.
    pub const fn whom(self) -> Option<ParticipantId> {
        match self {
            Self::Admit { participant }
            | Self::Mute { participant, .. }
            | Self::GiveFloor { participant }
            | Self::LowerHand { participant }
            | Self::Remove { participant } => Some(participant),
            Self::MuteSelf { .. }
            | Self::Hand { .. }
            | Self::AdmitAll
            | Self::MuteAll { .. }
            | Self::Lock { .. }
            | Self::Open
            | Self::End => None,
        }
    }

    /// The same, done to somebody else.
    pub const fn to(self, whom: ParticipantId) -> Self {
        let participant = whom;
        match self {
            Self::Admit { .. } => Self::Admit { participant },
            Self::Mute { on, .. } => Self::Mute { participant, on },
            Self::GiveFloor { .. } => Self::GiveFloor { participant },
            Self::LowerHand { .. } => Self::LowerHand { participant },
            Self::Remove { .. } => Self::Remove { participant },
            Self::MuteSelf { .. }
            | Self::Hand { .. }
            | Self::AdmitAll
            | Self::MuteAll { .. }
            | Self::Lock { .. }
            | Self::Open
            | Self::End => self,
        }
    }

    /// Whether only the home institution can do it: it concerns the meeting, not those in it.
    pub const fn is_for_home(self) -> bool {
        matches!(self, Self::Lock { .. } | Self::Open | Self::End)
    }

    /// Whether it concerns everybody, on whichever gateway.
    pub const fn is_for_all(self) -> bool {
        matches!(self, Self::AdmitAll | Self::MuteAll { .. })
    }

    /// Whether anybody who is in the meeting may do it.
    pub const fn is_for_everybody(self) -> bool {
        matches!(self, Self::MuteSelf { .. } | Self::Hand { .. })
    }
}

/// What a room waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The time at which the meeting opens by itself.
    Opening,
    /// The time at which the meeting ends by itself.
    End,
    /// The end of the time for which the place of somebody who is gone is kept.
    Grace(ParticipantId),
}
