//! What somebody may do in a meeting.

use serde::{Deserialize, Serialize};

/// The part that somebody plays in a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Hears; speaks once a moderator has given the floor.
    Listener,
    /// Hears and speaks.
    Participant,
    /// Hears, speaks and leads: admits, mutes, locks, ends.
    Moderator,
}
