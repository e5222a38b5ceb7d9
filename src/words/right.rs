//! What somebody may do by the API: who shows a token, or has signed in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody may do. None includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// See the meetings, without their PINs.
    Read,
    /// See the PINs of what may be seen, for invitations.
    Pins,
    /// Create, change and delete meetings.
    Write,
    /// See the dialplan and its versions, and try calls.
    Plan,
    /// Write drafts of the dialplan.
    Edit,
    /// Publish a draft, or go back to an earlier version.
    Publish,
    /// See calls: those of now, and their records.
    Calls,
    /// Hang up, mute and transfer calls; probe a trunk.
    Operate,
    /// Read the audit.
    Audit,
    /// Make and change accounts.
    Accounts,
    /// Have somebody forgotten: their call records, and what other institutions were told of them.
    Erase,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Read,
        Self::Pins,
        Self::Write,
        Self::Plan,
        Self::Edit,
        Self::Publish,
        Self::Calls,
        Self::Operate,
        Self::Audit,
        Self::Accounts,
        Self::Erase,
    ];

    /// Those that concern meetings alone.
    pub const MEETINGS: [Self; 3] = [Self::Read, Self::Pins, Self::Write];

    /// As the configuration writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Pins => "pins",
            Self::Write => "write",
            Self::Plan => "plan",
            Self::Edit => "edit",
            Self::Publish => "publish",
            Self::Calls => "calls",
            Self::Operate => "operate",
            Self::Audit => "audit",
            Self::Accounts => "accounts",
            Self::Erase => "erase",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
