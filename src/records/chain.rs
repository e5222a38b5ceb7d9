//! The chain: each entry's hash is SHA-256 over the hash before and the text of the entry. Pure.
//!
//! A chain alone does not show that its end is missing, nor that all of it was written anew. Two things do: the head (number
//! and hash of the last entry) is kept with a seal under a key that lies in another file; and an auditor may note a head
//! down ([`Seen`]) and have it looked for later.

use std::fmt;
use std::str::FromStr;

use ring::{digest, hmac};
use serde::{Deserialize, Serialize};

use super::HeadKey;
use super::deed::{Deed, Entry};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// Before the first entry.
    pub(super) const NONE: Self = Self([0; 32]);

    /// The hash of an entry after this one.
    pub(super) fn then(&self, text: &str) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.0);
        context.update(text.as_bytes());
        Self::read(context.finish().as_ref()).unwrap_or(Self::NONE)
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Not a hash, or not a head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the head of an audit: write NUMBER:HASH as `einwahl audit verify` printed it")]
pub struct InvalidHead;

impl FromStr for Hash {
    type Err = InvalidHead;
    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
        bytes.filter(|_| text.is_ascii()).and_then(|bytes| Self::read(&bytes)).ok_or(InvalidHead)
    }
}

impl TryFrom<String> for Hash {
    type Error = InvalidHead;
    fn try_from(text: String) -> Result<Self, InvalidHead> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

/// The number and the hash of an entry, as somebody noted them down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl FromStr for Seen {
    type Err = InvalidHead;
    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let (number, hash) = text.split_once(':').ok_or(InvalidHead)?;
        Ok(Self { number: number.parse().map_err(|_| InvalidHead)?, hash: hash.parse()? })
    }
}

impl Seen {
    /// Seals the head, so that only who has the key can write another.
    pub(super) fn seal(&self, key: &HeadKey) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), self.to_string().as_bytes()).as_ref().to_vec()
    }

    pub(super) fn is_sealed(&self, key: &HeadKey, seal: &[u8]) -> bool {
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), self.to_string().as_bytes(), seal).is_ok()
    }
}

/// A chain that is sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries there are.
    pub entries: u64,
    /// The last, unless there is none.
    pub head: Option<Seen>,
}

/// A chain that is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {number}: {fault}")]
pub struct Broken {
    /// The first entry at which it shows.
    pub number: u64,
    /// What shows there.
    pub fault: Fault,
}

/// What was done to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text does not have the hash.
    #[error("its text, or an entry before it, was changed")]
    Changed,
    /// A number is left out.
    #[error("it is missing")]
    Missing,
    /// The entries before it are gone, and no checkpoint says why.
    #[error("what was before it is gone, and no checkpoint says that its time was over")]
    NoCheckpoint,
    /// The last entries are gone, or entries were added by somebody else.
    #[error("the end of the audit is another than the one that was sealed: entries are missing, or were added")]
    End,
    /// The seal of the head is not ours.
    #[error("the seal of the last entry is not ours: the audit was written anew, or its key was changed")]
    Seal,
    /// An entry that somebody noted down is another.
    #[error("it is not the one that was noted down")]
    NotSeen,
}

/// Follows the chain, entry by entry.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    /// The checkpoint that the beginning rests on, if entries were deleted.
    rests_on: Option<(u64, Hash)>,
    confirmed: bool,
    seen: Option<&'a Seen>,
    first: Option<u64>,
    last: Option<Seen>,
    entries: u64,
}

impl<'a> Walk<'a> {
    /// `rests_on` is what the last checkpoint says was deleted; it counts only once it is met in the chain itself.
    pub(super) const fn new(rests_on: Option<(u64, Hash)>, seen: Option<&'a Seen>) -> Self {
        Self { rests_on, confirmed: false, seen, first: None, last: None, entries: 0 }
    }

    pub(super) fn step(&mut self, number: u64, text: &str, hash: &[u8]) -> Result<(), Broken> {
        let broken = |number, fault| Err(Broken { number, fault });
        let before = match (self.last, self.rests_on) {
            (Some(last), _) if number == last.number + 1 => last.hash,
            (Some(last), _) => return broken(last.number + 1, Fault::Missing),
            (None, _) if number == 1 => Hash::NONE,
            (None, Some((to, hash))) if number == to + 1 => hash,
            (None, _) => return broken(number, Fault::NoCheckpoint),
        };
        let computed = before.then(text);
        let entry: Option<Entry> = serde_json::from_str(text).ok();
        if computed.as_bytes() != hash || entry.as_ref().is_none_or(|entry| entry.number != number) {
            return broken(number, Fault::Changed);
        }
        if let Some(Deed::Checkpoint { to, hash, .. }) = entry.map(|entry| entry.deed) {
            self.confirmed |= self.rests_on == Some((to, hash));
        }
        let here = Seen { number, hash: computed };
        if self.seen.is_some_and(|seen| seen.number == number && *seen != here) {
            return broken(number, Fault::NotSeen);
        }
        self.first.get_or_insert(number);
        self.last = Some(here);
        self.entries += 1;
        Ok(())
    }

    /// `head` is the head as it was kept, with its seal.
    pub(super) fn end(self, head: Option<(Seen, Vec<u8>)>, key: &HeadKey) -> Result<Verdict, Broken> {
        let broken = |number, fault| Err(Broken { number, fault });
        if let Some(first) = self.first.filter(|first| *first > 1 && !self.confirmed) {
            return broken(first, Fault::NoCheckpoint);
        }
        match (self.last, head) {
            (None, None) => {}
            (None, Some((kept, _))) => return broken(kept.number, Fault::End),
            (Some(last), None) => return broken(last.number, Fault::Seal),
            (Some(last), Some((kept, _))) if kept != last => {
                return broken(kept.number.min(last.number + 1), Fault::End);
            }
            (Some(last), Some((kept, seal))) if !kept.is_sealed(key, &seal) => return broken(last.number, Fault::Seal),
            (Some(_), Some(_)) => {}
        }
        match self.seen {
            // What was noted down and deleted since is known by the checkpoint alone, if it is the last of those.
            Some(seen) if self.last.is_none_or(|last| last.number < seen.number) => broken(seen.number, Fault::NotSeen),
            Some(seen) if self.rests_on.is_some_and(|(to, hash)| to == seen.number && hash != seen.hash) => {
                broken(seen.number, Fault::NotSeen)
            }
            Some(_) | None => Ok(Verdict { entries: self.entries, head: self.last }),
        }
    }
}
