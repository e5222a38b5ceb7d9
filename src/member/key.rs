//! Ed25519 keys (RFC 8032). In: 32 random bytes, or a key as text. Out: signatures, and whether one holds.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const BYTES: usize = 32;
const PUBLIC: &str = "ed25519:";
const SECRET: &str = "ed25519-secret:";

/// What recognises signatures: `ed25519:` and 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; BYTES]);

/// What signs. Wiped when dropped, never printed.
pub struct SigningKey {
    seed: Zeroizing<[u8; BYTES]>,
    pair: Ed25519KeyPair,
}

/// Not a key. Says nothing of what was given: it may be a secret one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not a public key.
    #[error(
        "not a public key: write ed25519: and 43 letters, digits, '-' and '_', as `einwahl federation keygen` prints it"
    )]
    Public,
    /// Not a secret key.
    #[error("not a secret key: one line, ed25519-secret: and 43 characters, as `einwahl federation keygen` writes it")]
    Secret,
}

impl PublicKey {
    /// Whether this key made the signature over these bytes.
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }
}

impl SigningKey {
    /// The key of these random bytes.
    ///
    /// # Errors
    /// None is known; the bytes always make a key.
    pub fn new(seed: Zeroizing<[u8; BYTES]>) -> Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| InvalidKey::Secret)?;
        Ok(Self { seed, pair })
    }

    /// What recognises its signatures.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(bytes)
    }

    /// A signature over these bytes, 64 bytes long.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }

    /// The line for the file that keeps it.
    pub fn to_line(&self) -> Zeroizing<String> {
        let mut line = Zeroizing::new(String::from(SECRET));
        BASE64.encode_string(self.seed.as_ref(), &mut line);
        line.push('\n');
        line
    }

    /// Reads the line of such a file.
    ///
    /// # Errors
    /// It is none.
    pub fn from_line(line: &str) -> Result<Self, InvalidKey> {
        let text = line.trim().strip_prefix(SECRET).ok_or(InvalidKey::Secret)?;
        let mut seed = Zeroizing::new([0; BYTES]);
        decode(text, seed.as_mut()).ok_or(InvalidKey::Secret)?;
        Self::new(seed)
    }
}

/// Exactly these bytes, or nothing.
fn decode(text: &str, into: &mut [u8]) -> Option<()> {
    let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
    (bytes.len() == into.len()).then(|| into.copy_from_slice(&bytes))
}

impl FromStr for PublicKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let mut bytes = [0; BYTES];
        let text = text.strip_prefix(PUBLIC).ok_or(InvalidKey::Public)?;
        decode(text, &mut bytes).map(|()| Self(bytes)).ok_or(InvalidKey::Public)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidKey;
    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", BASE64.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret half of {}", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 section 7.1, test 2.
    #[test]
    fn a_key_signs_as_the_rfc_shows() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
        };
        let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = SigningKey::new(Zeroizing::new(seed.try_into().expect("32 bytes"))).expect("a key");
        let signature = key.sign(&[0x72]);
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(signature, hex(expected));
        assert!(key.public().verifies(&[0x72], &signature));
        assert!(!key.public().verifies(&[0x73], &signature));
    }

    #[test]
    fn a_key_is_read_as_it_is_written_and_its_secret_is_not_shown() {
        let key = SigningKey::new(Zeroizing::new([7; 32])).expect("a key");
        let read = SigningKey::from_line(&key.to_line()).expect("a key");
        assert_eq!(read.public(), key.public());
        assert_eq!(key.public().to_string().parse(), Ok(key.public()));
        assert!(!format!("{key:?}").contains(key.to_line().trim_end().trim_start_matches(SECRET)));
        for bad in ["", "ed25519:", "ed25519:AAAA", "ed25519-secret:AAAA", "ed448:AAAA", "ed25519:ä"] {
            assert!(bad.parse::<PublicKey>().is_err() && SigningKey::from_line(bad).is_err(), "{bad:?} was taken");
        }
    }
}
