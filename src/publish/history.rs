//! All versions and drafts that are kept, in memory. In: what the store tells. Out: the current version, the next number, and
//! which are too old to be kept.

use std::collections::BTreeMap;

use super::{Draft, Version};

/// So many drafts at once; each author has one.
pub const MOST_DRAFTS: usize = 100;

/// So many versions are kept at most, and no more than fit into so many bytes of texts that differ.
const MOST_VERSIONS: usize = 1_000;
const MOST_BYTES: usize = 256 * 1_024 * 1_024;

/// Versions and drafts.
#[derive(Clone, Debug, Default)]
pub struct History {
    versions: BTreeMap<u64, Version>,
    drafts: BTreeMap<String, (u64, Draft)>,
}

impl History {
    /// Takes in a version. Texts that the one before has too are shared with it.
    pub fn add(&mut self, mut version: Version) {
        if let Some((_, before)) = self.versions.range(..version.number).next_back() {
            version.files.share_with(&before.files);
        }
        self.versions.insert(version.number, version);
    }

    /// A version is no longer kept.
    pub fn remove(&mut self, number: u64) {
        self.versions.remove(&number);
    }

    /// A version.
    pub fn get(&self, number: u64) -> Option<&Version> {
        self.versions.get(&number)
    }

    /// The last that was published.
    pub fn current(&self) -> Option<&Version> {
        self.versions.values().next_back()
    }

    /// Its number; 0 if there is none.
    pub fn current_number(&self) -> u64 {
        self.current().map_or(0, |version| version.number)
    }

    /// Versions before one, the newest first.
    pub fn before(&self, number: Option<u64>) -> impl Iterator<Item = &Version> {
        self.versions.range(..number.unwrap_or(u64::MAX)).rev().map(|(_, version)| version)
    }

    /// The oldest versions, of those that are more than are kept. Never the current one.
    pub fn too_old(&self) -> Vec<u64> {
        self.beyond(MOST_VERSIONS, MOST_BYTES)
    }

    fn beyond(&self, most: usize, most_bytes: usize) -> Vec<u64> {
        let mut bytes = 0_usize;
        let mut before: Option<&Version> = None;
        for (kept, version) in self.versions.values().rev().enumerate() {
            bytes = bytes.saturating_add(own_bytes(version, before));
            if kept > 0 && (kept >= most || bytes > most_bytes) {
                return self.versions.range(..=version.number).map(|(number, _)| *number).collect();
            }
            before = Some(version);
        }
        Vec::new()
    }

    /// Takes in a draft, and the revision at which it was written.
    pub fn put_draft(&mut self, revision: u64, draft: Draft) {
        self.drafts.insert(draft.author.clone(), (revision, draft));
    }

    /// A draft is no more.
    pub fn remove_draft(&mut self, author: &str) {
        self.drafts.remove(author);
    }

    /// The draft of an author, and its revision.
    pub fn draft(&self, author: &str) -> Option<(u64, &Draft)> {
        self.drafts.get(author).map(|(revision, draft)| (*revision, draft))
    }

    /// All drafts with their revisions, in the order of their authors.
    pub fn drafts(&self) -> impl Iterator<Item = (u64, &Draft)> {
        self.drafts.values().map(|(revision, draft)| (*revision, draft))
    }
}

/// The length of those texts that the next newer version has not.
fn own_bytes(version: &Version, newer: Option<&Version>) -> usize {
    let is_own = |name: &str, text: &str| newer.and_then(|newer| newer.files.get(name)) != Some(text);
    version.files.iter().filter(|(name, text)| is_own(name, text)).map(|(_, text)| text.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::version::tests::version;

    #[test]
    fn the_last_is_current_and_the_newest_come_first() {
        let mut history = History::default();
        assert_eq!(history.current_number(), 0);
        for number in [2, 1, 3] {
            history.add(version(number, &number.to_string()));
        }
        assert_eq!(history.current_number(), 3);
        let numbers = |before| history.before(before).map(|version| version.number).collect::<Vec<_>>();
        assert_eq!((numbers(None), numbers(Some(3))), (vec![3, 2, 1], vec![2, 1]));
        assert!(history.too_old().is_empty());
    }

    #[test]
    fn what_is_too_much_is_the_oldest_and_a_text_that_stays_the_same_counts_once() {
        let mut history = History::default();
        for number in 1..=10 {
            history.add(version(number, "a text of 20 letters"));
        }
        assert!(history.beyond(10, 20).is_empty(), "all share one text");
        history.add(version(11, "another, as long one"));
        assert_eq!(history.beyond(11, 39), (1..=10).collect::<Vec<_>>());
        assert_eq!(history.beyond(9, 40), [1, 2]);
        assert_eq!(history.beyond(11, 1), (1..=10).collect::<Vec<_>>(), "never the last");
    }
}
