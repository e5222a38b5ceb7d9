//! Names of things: rooms, calls, legs, participants, trunks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that breaks the rules of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {given:?} is not valid: use 1 to 64 of a–z, 0–9, '-' and '_', beginning with a letter or digit")]
pub struct InvalidName {
    kind: &'static str,
    given: String,
}

fn check(kind: &'static str, given: &str) -> Result<String, InvalidName> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let begins_well = given.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins_well && given.len() <= 64 && given.chars().all(legal) {
        Ok(given.to_owned())
    } else {
        Err(InvalidName { kind, given: given.chars().take(80).collect() })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(given: &str) -> Result<Self, InvalidName> {
                check($kind, given).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(given: String) -> Result<Self, InvalidName> {
                given.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a room, as it stands in the address of its page: `ratssitzung`.
    RoomId,
    "room name"
);
name!(
    /// The name of a trunk (a SIP peer: PBX or carrier), as the configuration gives it.
    TrunkName,
    "trunk name"
);

name!(
    /// The name of a token of the API, as the configuration gives it: whom it was made for.
    TokenName,
    "token name"
);
name!(
    /// The name of an account: with it somebody signs in, and under it stands in the audit.
    AccountName,
    "account name"
);

impl RoomId {
    /// The private room of two legs that are connected. Nobody can write such a name.
    pub fn of_bridge(leg: LegId) -> Self {
        Self(format!("_{leg}"))
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

number!(
    /// One SIP dialog on this node. The `Call-ID` header stays in the SIP door: it may hold an address.
    CallId,
    "call-"
);
number!(
    /// One media endpoint on this node: a phone leg or a browser leg.
    LegId,
    "leg-"
);
number!(
    /// One connection of a page to this node; a page that reconnects has a new one.
    SessionId,
    "session-"
);
number!(
    /// One media connection of this node to another gateway; a new one has a new name.
    PeerId,
    "peer-"
);
number!(
    /// One line of a room's roster.
    ParticipantId,
    "p"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_name_that_would_break_an_address_is_refused() {
        assert!("ratssitzung-2026_11".parse::<RoomId>().is_ok());
        let bridge = RoomId::of_bridge(LegId(7));
        assert!(bridge.as_str().parse::<RoomId>().is_err(), "{bridge} could be a meeting");
        for bad in ["", "Rat", "-rat", "rat/../x", "rat haus", &"x".repeat(65), "räte"] {
            assert!(bad.parse::<RoomId>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_name_read_from_a_file_is_checked_too() {
        assert!(serde_json::from_str::<TrunkName>("\"haus-1\"").is_ok());
        assert!(serde_json::from_str::<TrunkName>("\"Haus 1\"").is_err());
    }
}
