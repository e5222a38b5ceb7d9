//! The key beside the database: 256 random bits in a file that only the gateway may read. What is derived from it seals the
//! values and closes the audit; the key itself does neither.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use ring::hmac;
use zeroize::Zeroizing;

use super::CannotOpen;

const BYTES: usize = 32;

/// The key. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; BYTES]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }
}

impl Key {
    /// A new one.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; BYTES]);
        while let Err(error) = getrandom::fill(bytes.as_mut()) {
            tracing::error!(%error, "the system gives no randomness: waiting for it");
        }
        Self(bytes)
    }

    /// A key for one purpose: who has it learns nothing of the others (HMAC-SHA-256 as the extraction of RFC 5869).
    pub fn derive(&self, purpose: &str) -> [u8; BYTES] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_ref());
        let mut derived = [0; BYTES];
        derived.copy_from_slice(hmac::sign(&key, purpose.as_bytes()).as_ref());
        derived
    }

    /// Reads the file.
    ///
    /// # Errors
    /// There is none, others may read it too, or it holds no key.
    pub(super) fn read(file: &Path) -> Result<Self, CannotOpen> {
        let fails = |why: String| CannotOpen::Key { file: file.to_owned(), why };
        let about = fs::metadata(file).map_err(|why| {
            fails(format!("{why}: without this key what is stored cannot be read: put it back from the backup"))
        })?;
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(fails(format!("others can read this key (mode {mode:o}): chmod 600 it")));
        }
        let text = Zeroizing::new(fs::read_to_string(file).map_err(|why| fails(why.to_string()))?);
        let unfit = || fails(String::from("this is no key (64 digits 0-9, a-f): put it back from the backup"));
        Self::from_hex(text.trim()).ok_or_else(unfit)
    }

    /// Makes the file, which must not exist.
    pub(super) fn make(file: &Path) -> Result<Self, CannotOpen> {
        let fails = |why: std::io::Error| CannotOpen::Key { file: file.to_owned(), why: why.to_string() };
        let key = Self::generate();
        let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(fails)?;
        writeln!(opened, "{}", *key.hex()).and_then(|()| opened.sync_all()).map_err(fails)?;
        Ok(key)
    }

    fn hex(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn from_hex(text: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
        let digits = Zeroizing::new(digits.filter(|digits| digits.len() == 2 * BYTES)?);
        let mut bytes = Zeroizing::new([0; BYTES]);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |sum, digit| sum << 4 | digit);
        }
        Some(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_its_file_says_and_each_purpose_has_its_own() {
        let key = Key::generate();
        let read = Key::from_hex(&key.hex()).expect("a key");
        assert_eq!(key.derive("a"), read.derive("a"));
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_eq!(format!("{key:?}"), "a key");
        assert!(Key::from_hex("12ab").is_none());
        assert!(Key::from_hex(&"x".repeat(64)).is_none());
    }
}
