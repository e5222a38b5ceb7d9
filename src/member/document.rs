//! The words of the document. In: JSON. Out: types that hold what the words mean; what a newer version adds is ignored.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::PublicKey;
use crate::words::{Country, Domain, Network};

/// What the operators sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// `einwahl-registry-1`.
    pub format: String,
    /// Whose registry it is: another federation's document is refused.
    pub federation: Domain,
    /// Rises with each document.
    pub serial: u64,
    /// From when on it holds.
    pub issued: Timestamp,
    /// Until when.
    pub expires: Timestamp,
    /// Who may sign the next one.
    pub operators: Operators,
    /// The institutions.
    pub members: Vec<Member>,
}

/// Who signs, and how many have to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operators {
    /// So many of the keys have to sign.
    pub threshold: usize,
    /// The keys.
    pub keys: Vec<PublicKey>,
}

/// An institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What its rooms are called by: `ratssitzung@stadt-a.example`.
    pub domain: Domain,
    /// Its name, for people.
    pub name: String,
    /// Where it is.
    pub country: Country,
    /// Where its gateway takes links; none for an institution that joins by SIP alone.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Whether its own systems may join by SIP over mutual TLS (RFC 5922).
    #[serde(default)]
    pub sip: bool,
    /// What recognises its TLS keys. Several, with their times, let a key be changed without a gap.
    pub pins: Vec<Pin>,
    /// What recognises what it signs.
    pub key: PublicKey,
    /// Where its media come from.
    pub media: Vec<Network>,
    /// Who processes data for it.
    #[serde(default)]
    pub processors: Vec<Processor>,
    /// Whom to write to.
    pub contact: String,
}

/// Recognises a TLS key from one time to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The SHA-256 of the certificate's SubjectPublicKeyInfo.
    pub spki: Spki,
    /// From when on it counts; if nothing is said, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when; if nothing is said, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Pin {
    /// Whether it counts at this time.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// Anyone who processes data for a member (GDPR article 4 no. 8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// Its name.
    pub name: String,
    /// What for.
    pub purpose: String,
    /// Where it is.
    pub country: Country,
}

/// A value of a kind that is written as text; `$why` tells how.
macro_rules! text {
    ($name:ident, $error:ident, $why:literal) => {
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        /// Not written as it should be.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        #[error($why)]
        pub struct $error(String);

        impl $error {
            fn of(text: &str) -> Self {
                Self(text.chars().take(80).collect())
            }
        }
    };
}

/// Where links are taken: `gw1.stadt-a.example:8448`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link {
    /// The host.
    pub host: Domain,
    /// The port.
    pub port: u16,
}

text!(Link, InvalidLink, "{0:?} is no place for links: write a host and a port, such as gw1.stadt-a.example:8448");

impl FromStr for Link {
    type Err = InvalidLink;
    fn from_str(text: &str) -> Result<Self, InvalidLink> {
        let (host, port) = text.rsplit_once(':').ok_or_else(|| InvalidLink::of(text))?;
        match (host.parse(), port.parse()) {
            (Ok(host), Ok(port)) if port > 0 => Ok(Self { host, port }),
            _ => Err(InvalidLink::of(text)),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The SHA-256 of a SubjectPublicKeyInfo: `sha256:` and 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Spki([u8; 32]);

text!(Spki, InvalidSpki, "{0:?} recognises no key: write sha256: and 43 letters, digits, '-' and '_'");

impl Spki {
    /// What recognises this SubjectPublicKeyInfo (DER).
    pub fn of(der: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, der).as_ref());
        Self(hash)
    }
}

impl FromStr for Spki {
    type Err = InvalidSpki;
    fn from_str(text: &str) -> Result<Self, InvalidSpki> {
        let bytes = text.strip_prefix("sha256:").and_then(|text| BASE64.decode(text).ok());
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| InvalidSpki::of(text))
    }
}

impl fmt::Display for Spki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", BASE64.encode(self.0))
    }
}

impl fmt::Debug for Spki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_otherwise_is_refused_and_says_how_to_write_it() {
        assert!("gw1.stadt-a.example:8448".parse::<Link>().is_ok());
        for bad in ["gw1.stadt-a.example", "gw1.stadt-a.example:0", "gw1.stadt-a.example:99999", ":8448"] {
            let why = bad.parse::<Link>().expect_err("refused").to_string();
            assert!(why.contains("8448"), "{why}");
        }
        assert!("192.0.2.1/24".parse::<Network>().is_err() && "192.0.2.1".parse::<Network>().is_ok());
        let pin = Spki::of(b"a key");
        assert_eq!(pin.to_string().parse(), Ok(pin));
    }
}
