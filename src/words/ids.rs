//! Names of things: rooms, calls, legs, participants, trunks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Both, Domain};

/// A name that breaks the rules of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {given:?} is not valid: use 1 to 64 of a–z, 0–9, '-' and '_', beginning with a letter or digit")]
pub struct InvalidName {
    kind: &'static str,
    given: String,
}

impl From<InvalidName> for Both {
    fn from(why: InvalidName) -> Self {
        let german = format!(
            "{:?} ist kein gültiger Name: 1 bis 64 Zeichen aus a–z, 0–9, '-' und '_', am Anfang ein Buchstabe oder eine Ziffer",
            why.given
        );
        Self::new(german, why.to_string())
    }
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

/// A room of ours has a name alone; one of another institution says whose it is: `ratssitzung@stadt-a.example`.
fn check_room(kind: &'static str, given: &str) -> Result<String, InvalidName> {
    match given.split_once('@') {
        Some((name, domain)) if domain.parse::<Domain>().is_ok() => {
            check(kind, name).map(|name| format!("{name}@{domain}"))
        }
        Some(_) | None => check(kind, given),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:ident) => {
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
                $check($kind, given).map(Self)
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
    /// The name of a room, as it stands in the address of its page: `ratssitzung`, and `ratssitzung@stadt-a.example` if it is
    /// another institution's.
    RoomId,
    "room name",
    check_room
);
name!(
    /// The name of a trunk (a SIP peer: PBX or carrier), as the configuration gives it.
    TrunkName,
    "trunk name",
    check
);

name!(
    /// The name of a token of the API, as the configuration gives it: whom it was made for.
    TokenName,
    "token name",
    check
);
name!(
    /// The name of somebody's request to be called back, made by chance: it says nothing of them.
    CallbackId,
    "request",
    check
);
name!(
    /// The name of an account: with it somebody signs in, and under it stands in the audit.
    AccountName,
    "account name",
    check
);

impl RoomId {
    /// The private room of two legs that are connected. Nobody can write such a name.
    pub fn of_bridge(leg: LegId) -> Self {
        Self(format!("_{leg}"))
    }

    /// The room of this name at an institution.
    pub fn at(&self, home: &Domain) -> Self {
        Self(format!("{}@{home}", self.name()))
    }

    /// Its name at its own institution.
    pub fn here(&self) -> Self {
        Self(self.name().to_owned())
    }

    /// Whose it is; ours, if nothing is said.
    pub fn home(&self) -> Option<Domain> {
        self.0.split_once('@').and_then(|(_, domain)| domain.parse().ok())
    }

    fn name(&self) -> &str {
        self.0.split_once('@').map_or(self.0.as_str(), |(name, _)| name)
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
        for bad in ["@stadt-a.example", "rat@", "rat@stadt", "rat@Stadt-A.example", "rat@a.example@b.example"] {
            assert!(bad.parse::<RoomId>().is_err(), "{bad:?} was taken");
        }
        let elsewhere: RoomId = "rat@stadt-a.example".parse().expect("a room of another institution");
        assert_eq!(elsewhere.home().map(|home| home.to_string()).as_deref(), Some("stadt-a.example"));
        assert_eq!(elsewhere.here().at(&elsewhere.home().expect("whose")), elsewhere);
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
