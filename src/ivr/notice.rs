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
