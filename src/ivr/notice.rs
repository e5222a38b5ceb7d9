//! What passes between a caller's menu and the room: keys up, notices down. The room knows the truth
//! (is this caller muted?), the menu knows how to say it.

use serde::{Deserialize, Serialize};

/// A key that a caller pressed in the conference, and that only the room can carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// `*6`: mute, or unmute.
    Mute,
    /// `*9`: raise the hand, or lower it.
    Hand,
    /// `*3`: how many are here?
    Count,
    /// A key with which a moderator leads.
    Lead(Lead),
}

/// What a moderator does by telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lead {
    /// `*1`: admit everybody who waits.
    AdmitAll,
    /// `*5`: mute everybody but the moderators; if they are, let them speak again.
    MuteAll,
    /// `*7`: let nobody else in, or again.
    Lock,
    /// `*8`: end the meeting for all. Pressed a second time it is meant.
    End {
        /// It is the second time.
        sure: bool,
    },
}

/// What one participant is told, and nobody else. A telephone hears it, a page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Notice {
    /// The meeting has not begun: wait, with music.
    NotOpenYet,
    /// A moderator has to admit you: wait, with music.
    InLobby,
    /// You are in the meeting now.
    Admitted {
        /// Participants in the meeting, with you.
        count: u32,
        /// Whether nobody hears you yet.
        muted: bool,
    },
    /// You muted yourself.
    Muted,
    /// You are heard again.
    Unmuted,
    /// A moderator muted you; ask for the floor by raising your hand.
    MutedByModerator,
    /// You wanted to unmute yourself but may not: ask for the floor by raising your hand.
    MayNotSpeak,
    /// A moderator lets you speak: you are heard now.
    YouMaySpeak,
    /// A moderator lets you speak; you muted yourself, so unmute yourself first.
    PleaseUnmute,
    /// Your hand is raised.
    HandRaised,
    /// Your hand is lowered.
    HandLowered,
    /// As many are in the meeting.
    Count {
        /// Participants in the meeting, with you.
        count: u32,
    },
    /// Only a moderator may do that.
    OnlyModerators,
    /// Somebody waits in the lobby, in which nobody was: for moderators on a telephone, who see no roster.
    SomebodyWaits,
    /// You admitted all who waited.
    AllAdmitted,
    /// Nobody waits.
    NobodyWaits,
    /// You muted everybody but the moderators.
    AllMuted,
    /// You let everybody speak again.
    AllUnmuted,
    /// You locked the meeting.
    LockedNow,
    /// You unlocked the meeting.
    UnlockedNow,
    /// Press the key once more to end the meeting for all.
    ConfirmEnd,
    /// A moderator removed you. The last thing that you are told.
    Removed,
    /// A moderator did not admit you. The last thing that you are told.
    NotAdmitted,
    /// The meeting is over. The last thing that you are told.
    Ended,
}

impl Notice {
    /// Whether the leg ends after this.
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Removed | Self::NotAdmitted | Self::Ended)
    }
}
