//! Seals values: ChaCha20-Poly1305 (RFC 8439) under a key derived from the [`Key`]. A sealed value opens only under the key
//! and the revision under which it was written, so that nobody can put another, or an older one, in its place.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{Key, Revision, Value};

/// What the store's own seal is derived for.
pub(super) const VALUES: &str = "einwahl store: values";

/// What seals and opens.
pub struct Seal(Option<LessSafeKey>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a seal")
    }
}

impl Seal {
    /// A seal for one purpose: what it closes no other opens.
    pub fn new(key: &Key, purpose: &str) -> Self {
        Self(UnboundKey::new(&CHACHA20_POLY1305, &key.derive(purpose)).ok().map(LessSafeKey::new))
    }

    /// Seals a value under its name and revision; `None` if the system gives no randomness. The nonce, then the sealed value. Nonces are random: 96 bits suffice for 2^32 writes under one key.
    pub fn close(&self, key: &str, revision: Revision, value: &Value) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        let mut sealed = value.as_bytes().to_vec();
        let place = place(key, revision);
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        self.0.as_ref()?.seal_in_place_append_tag(nonce_used, Aad::from(place), &mut sealed).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed under this name and revision, and nothing else.
    pub fn open(&self, key: &str, revision: Revision, sealed: &[u8]) -> Option<Value> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        let length = self.0.as_ref()?.open_in_place(nonce, Aad::from(place(key, revision)), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(Value::new(opened))
    }
}

fn place(key: &str, revision: Revision) -> Vec<u8> {
    [&revision.0.to_be_bytes()[..], key.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_and_when_it_was_written() {
        let seal = Seal::new(&Key::generate(), VALUES);
        let value = Value::new(b"PIN 4711".to_vec());
        let sealed = seal.close("meetings/rat", Revision(7), &value).expect("sealed");
        assert!(!sealed.windows(4).any(|part| part == b"4711"));
        assert_eq!(seal.open("meetings/rat", Revision(7), &sealed), Some(value.clone()));
        assert_eq!(seal.open("meetings/amt", Revision(7), &sealed), None);
        assert_eq!(seal.open("meetings/rat", Revision(6), &sealed), None);
        assert_eq!(Seal::new(&Key::generate(), VALUES).open("meetings/rat", Revision(7), &sealed), None);
        assert_ne!(seal.close("meetings/rat", Revision(7), &value).expect("sealed"), sealed);
        assert_eq!(seal.open("meetings/rat", Revision(7), &sealed[..5]), None);
    }
}
