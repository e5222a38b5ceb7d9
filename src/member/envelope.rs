//! A document with its signatures. In: JSON. Out: who of some keys signed what stands in it.
//!
//! What is signed is the canonical form (RFC 8785) of everything under `signed`, also of words that this version does not
//! know: a later version may add some, and the signatures hold.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::Document;
use super::key::{PublicKey, SigningKey};

/// The longest document that is read, in bytes: some thousand members.
pub const LONGEST: usize = 4 * 1_024 * 1_024;

/// More signatures than operators can have are not looked at.
const MOST_SIGNATURES: usize = 64;

/// A document with its signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    signed: Value,
    #[serde(default)]
    signatures: Vec<Signature>,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Whose.
    pub key: PublicKey,
    /// 64 bytes in base64url.
    pub signature: String,
}

/// Not a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReadable {
    /// Not JSON, or not its words.
    #[error("this is no registry: {0}")]
    Json(String),
    /// Too long.
    #[error("this registry is longer than {LONGEST} bytes")]
    TooLong,
    /// A number that has no canonical form.
    #[error("this registry has no canonical form: {0}")]
    NotCanonical(String),
}

impl Envelope {
    /// Reads one; also a document alone, which has no signature yet.
    ///
    /// # Errors
    /// It is none.
    pub fn read(bytes: &[u8]) -> Result<Self, NotReadable> {
        if bytes.len() > LONGEST {
            return Err(NotReadable::TooLong);
        }
        let unreadable = |error: serde_json::Error| NotReadable::Json(error.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
        if value.get("signed").is_some() {
            serde_json::from_value(value).map_err(unreadable)
        } else {
            Ok(Self { signed: value, signatures: Vec::new() })
        }
    }

    /// What stands in it.
    ///
    /// # Errors
    /// A word is missing, or means nothing.
    pub fn document(&self) -> Result<Document, NotReadable> {
        Document::deserialize(&self.signed).map_err(|error| NotReadable::Json(error.to_string()))
    }

    /// The bytes that are signed.
    ///
    /// # Errors
    /// It has none.
    pub fn canonical(&self) -> Result<Vec<u8>, NotReadable> {
        serde_json_canonicalizer::to_vec(&self.signed).map_err(|error| NotReadable::NotCanonical(error.to_string()))
    }

    /// Those of the keys that signed it, each once.
    ///
    /// # Errors
    /// It has no canonical form.
    pub fn signed_by<'a>(&self, keys: &'a [PublicKey]) -> Result<Vec<&'a PublicKey>, NotReadable> {
        let bytes = self.canonical()?;
        let holds = |key: &PublicKey| {
            let theirs = self.signatures.iter().take(MOST_SIGNATURES).filter(|signature| signature.key == *key);
            theirs
                .filter_map(|signature| BASE64.decode(&signature.signature).ok())
                .any(|made| key.verifies(&bytes, &made))
        };
        let mut found: Vec<&PublicKey> = keys.iter().filter(|key| holds(key)).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Signs it, in place of what the same key signed before.
    ///
    /// # Errors
    /// It has no canonical form.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), NotReadable> {
        let signature = BASE64.encode(key.sign(&self.canonical()?));
        let public = key.public();
        self.signatures.retain(|signature| signature.key != public);
        self.signatures.push(Signature { key: public, signature });
        Ok(())
    }

    /// As it is written to a file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
