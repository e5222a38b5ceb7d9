//! Who may use the API. The file has no token, only what recognises one.

use std::fmt;

use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::words::{Right, TokenName};

/// Meetings by API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// Who may use it; nobody, if there is none. `einwahl api token NAME` makes one.
    pub tokens: Vec<Token>,
    /// So many meetings can be made by it.
    pub most_meetings: usize,
}

impl Default for Api {
    fn default() -> Self {
        Self { tokens: Vec::new(), most_meetings: 10_000 }
    }
}

/// What recognises a token, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Whom it was made for; stands in the audit.
    pub name: TokenName,
    /// What recognises it.
    pub hash: TokenHash,
    /// What it may do: read, pins, write.
    pub rights: Vec<Right>,
}

/// SHA-256 of a token. A token is 256 random bits: there is nothing to guess, so nothing slow is needed.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenHash([u8; 32]);

/// Not the hash of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the hash of a token: write sha256: and 64 digits 0-9, a-f, as `einwahl api token NAME` prints it")]
pub struct InvalidHash;

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        let mut hash = [0; 32];
        let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }

    /// Whether both are the same, in constant time.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl TryFrom<String> for TokenHash {
    type Error = InvalidHash;
    fn try_from(text: String) -> Result<Self, InvalidHash> {
        let digits = text.strip_prefix("sha256:").filter(|digits| digits.is_ascii()).ok_or(InvalidHash)?;
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(InvalidHash)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_recognises_its_token_and_is_read_as_it_is_printed() {
        let hash = TokenHash::of("ew_secret");
        let read = TokenHash::try_from(hash.to_string()).expect("a hash");
        assert!(read.is(&hash) && !read.is(&TokenHash::of("ew_secreu")));
        for bad in ["", "sha256:", "sha256:12", "md5:00", "sha256:äöü", &format!("sha256:{}", "g".repeat(64))] {
            assert!(TokenHash::try_from(bad.to_owned()).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_token_in_a_file_has_a_name_and_rights() {
        let text = format!(
            "[[api.tokens]]\nname = \"ratsinfo\"\nhash = \"{}\"\nrights = [\"read\", \"write\"]\n",
            TokenHash::of("x")
        );
        let config = crate::config::Config::from_toml(&text).expect("usable");
        assert_eq!(config.api.tokens[0].rights, [Right::Read, Right::Write]);
        let error = crate::config::Config::from_toml(&text.replace("write", "all")).expect_err("refused").to_string();
        assert!(error.contains("all") && error.contains("pins"), "{error}");
    }
}
