//! Names of institutions.

use std::fmt;
use std::str::FromStr;

use super::Both;
use serde::{Deserialize, Serialize};

/// A domain in small letters, with at least two parts: `stadt-a.example`. Names with other letters are written in their
/// ASCII form (RFC 5891).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

/// Not written as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no domain: write it in small letters, such as stadt-a.example")]
pub struct InvalidDomain(String);

impl From<InvalidDomain> for Both {
    fn from(why: InvalidDomain) -> Self {
        Self::new(
            format!("{:?} ist keine Domain: Schreiben Sie sie klein, etwa stadt-a.example", why.0),
            why.to_string(),
        )
    }
}

impl Domain {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;
    fn from_str(text: &str) -> Result<Self, InvalidDomain> {
        let label = |label: &str| {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            (1..=63).contains(&label.len())
                && label.chars().all(legal)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let numeric = text.rsplit('.').next().is_some_and(|last| last.chars().all(|c| c.is_ascii_digit()));
        let sound = text.len() <= 253 && text.contains('.') && text.split('.').all(label) && !numeric;
        if sound { Ok(Self(text.to_owned())) } else { Err(InvalidDomain(text.chars().take(80).collect())) }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Domain {
    type Error = InvalidDomain;
    fn try_from(text: String) -> Result<Self, InvalidDomain> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_written_in_small_letters_and_has_two_parts() {
        assert!("stadt-a.example".parse::<Domain>().is_ok() && "xn--mnchen-3ya.example".parse::<Domain>().is_ok());
        for bad in [
            "",
            "localhost",
            "Stadt.example",
            "stadt..example",
            "-a.example",
            "192.0.2.1",
            "a b.example",
            "münchen.example",
        ] {
            assert!(bad.parse::<Domain>().is_err(), "{bad:?} was taken");
        }
    }
}
