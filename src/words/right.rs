//! What a token of the API may do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the bearer of a token may do. None includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// See the meetings, without their PINs.
    Read,
    /// See the PINs of what may be seen, for invitations.
    Pins,
    /// Create, change and delete meetings.
    Write,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Pins, Self::Write];

    /// As the configuration writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Pins => "pins",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
