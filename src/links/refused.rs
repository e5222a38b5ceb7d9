//! What is refused at this door, and how often the gateway hears of it.

use std::net::IpAddr;

use crate::member::{Domain, Spki};
use crate::residency;
use crate::words::Personal;

/// Something was refused. It is counted each time; the gateway is told once a minute of each reason and address.
#[derive(Debug)]
pub struct Refused {
    /// Where it came from, or was to go.
    pub address: Option<Personal<IpAddr>>,
    /// Whose it is, if that is known.
    pub peer: Option<Domain>,
    /// Why.
    pub why: Why,
    /// So many others were refused before it, and not told.
    pub untold: u64,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No member's address.
    #[error("the address is in no member's networks")]
    UnlistedAddress,
    /// Too many at once.
    #[error("too many connections are just being opened")]
    TooMany,
    /// The handshake took too long.
    #[error("the handshake was not finished in time")]
    TooSlow,
    /// No TLS 1.3 as we speak it.
    #[error("no TLS as it has to be: {0}")]
    NoTls(String),
    /// A key that is nobody's.
    #[error("the registry names this key nowhere, or not for this time: {0}")]
    UnknownKey(Spki),
    /// A member, but from elsewhere.
    #[error("the address is not in the networks of the member whose key it has")]
    OtherNetwork,
    /// Our own key.
    #[error("it has our own key")]
    Ourselves,
    /// TLS, but not what follows.
    #[error("this is not how a link begins: {0}")]
    NoLink(String),
    /// It breaks the protocol.
    #[error("what it says breaks the protocol: {0}")]
    Broken(String),
    /// It says too much.
    #[error("it says more than it may")]
    TooMuch,
    /// An address to which nothing may be sent.
    #[error(transparent)]
    Outside(#[from] residency::Refused),
}

impl Why {
    /// The word of each.
    pub const WORDS: [&str; 11] = [
        "unlisted-address",
        "too-many",
        "too-slow",
        "no-tls",
        "unknown-key",
        "other-network",
        "ourselves",
        "no-link",
        "broken",
        "too-much",
        "outside",
    ];

    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::UnlistedAddress => "unlisted-address",
            Self::TooMany => "too-many",
            Self::TooSlow => "too-slow",
            Self::NoTls(_) => "no-tls",
            Self::UnknownKey(_) => "unknown-key",
            Self::OtherNetwork => "other-network",
            Self::Ourselves => "ourselves",
            Self::NoLink(_) => "no-link",
            Self::Broken(_) => "broken",
            Self::TooMuch => "too-much",
            Self::Outside(_) => "outside",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_reason_has_a_word_of_its_own() {
        assert_eq!(Why::WORDS.iter().collect::<BTreeSet<_>>().len(), Why::WORDS.len());
        assert!(Why::WORDS.contains(&Why::Ourselves.word()) && Why::WORDS.contains(&Why::NoLink(String::new()).word()));
    }
}
