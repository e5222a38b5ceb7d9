//! What is refused at this door, and how often the gateway hears of it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

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

/// The same is told once in this time.
const QUIET: Duration = Duration::from_secs(60);

/// So much is told in that time at most, whoever refuses to be quiet.
const MOST: usize = 64;

/// Lets something through to the gateway now and then.
#[derive(Debug)]
pub(super) struct Sieve {
    since: Instant,
    told: BTreeSet<(&'static str, Option<IpAddr>)>,
    untold: u64,
}

impl Sieve {
    pub const fn new(now: Instant) -> Self {
        Self { since: now, told: BTreeSet::new(), untold: 0 }
    }

    /// How many were not told before, if this is to be told.
    pub fn lets_through(&mut self, why: &Why, address: Option<IpAddr>, now: Instant) -> Option<u64> {
        if now.saturating_duration_since(self.since) >= QUIET {
            self.since = now;
            self.told.clear();
        }
        let is_new = self.told.len() < MOST && self.told.insert((why.word(), address));
        if is_new {
            return Some(std::mem::take(&mut self.untold));
        }
        self.untold += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute_and_of_a_thousand_addresses_a_few() {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        let start = Instant::now();
        let mut sieve = Sieve::new(start);
        let address = |last: u32| Some(IpAddr::V4((0x0a00_0000 + last).into()));
        assert_eq!(sieve.lets_through(&Why::TooMuch, address(0), start), Some(0));
        assert_eq!(sieve.lets_through(&Why::TooMuch, address(0), start), None);
        assert_eq!(sieve.lets_through(&Why::TooSlow, address(0), start), Some(1), "another reason");
        let told = (1..1_000).filter(|last| sieve.lets_through(&Why::UnlistedAddress, address(*last), start).is_some());
        assert_eq!(told.count(), MOST - 2);
        let later = start + QUIET;
        assert_eq!(sieve.lets_through(&Why::TooMuch, address(0), later), Some(999 - 62));
    }

    #[test]
    fn each_reason_has_a_word_of_its_own() {
        assert_eq!(Why::WORDS.iter().collect::<BTreeSet<_>>().len(), Why::WORDS.len());
        assert!(Why::WORDS.contains(&Why::Ourselves.word()) && Why::WORDS.contains(&Why::NoLink(String::new()).word()));
    }
}
