//! The digits that a caller is keying. Wiped when dropped, never shown.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::words::Digit;

/// More digits than any ID, PIN or telephone number has are one mistake, however many follow.
const MOST: usize = 21;

/// Digits keyed so far, without the closing `#`.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub(super) struct Entry(String);

/// What a key did to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyed {
    /// Not complete yet.
    More,
    /// Complete.
    Done,
}

impl Entry {
    /// One more key. `#` completes what is there; alone it does nothing, so that somebody who presses it out of habit
    /// after an entry that was complete by its length has not answered the next question. `*` begins anew.
    pub(super) fn key(&mut self, digit: Digit, complete_at: Option<usize>) -> Keyed {
        if digit == Digit::POUND {
            return if self.0.is_empty() { Keyed::More } else { Keyed::Done };
        }
        if digit == Digit::STAR {
            self.0.zeroize();
        } else if digit.value().is_some() && self.0.len() < MOST {
            self.0.push(digit.as_char());
        }
        if complete_at == Some(self.0.len()) { Keyed::Done } else { Keyed::More }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was keyed, as what was asked for.
    pub(super) fn read<T: std::str::FromStr>(&self) -> Option<T> {
        self.0.parse().ok()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }
}

/// Keys that came before their question, as a telephone sends them that dials number, ID and PIN from its memory.
/// Bounded: what is over is dropped.
#[derive(Clone, Default, Debug)]
pub(super) struct Ahead(Vec<Digit>);

impl Ahead {
    pub(super) fn key(&mut self, digit: Digit) {
        if self.0.len() < 2 * MOST {
            self.0.push(digit);
        }
    }

    pub(super) fn take(&mut self) -> Vec<Digit> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Pin;

    fn keys(text: &str, complete_at: Option<usize>) -> (Entry, Keyed) {
        let mut entry = Entry::default();
        let mut last = Keyed::More;
        for key in text.chars() {
            last = entry.key(Digit::from_char(key).expect("a key"), complete_at);
        }
        (entry, last)
    }

    #[test]
    fn an_entry_ends_with_the_pound_key_or_at_its_length() {
        assert_eq!(keys("4711#", None).1, Keyed::Done);
        assert_eq!(keys("4711", Some(4)).1, Keyed::Done);
        assert_eq!(keys("471", Some(4)).1, Keyed::More);
        assert_eq!(keys("#", None).1, Keyed::More);
    }

    #[test]
    fn the_star_key_begins_anew() {
        let (entry, _) = keys("99*4711#", None);
        assert_eq!(entry.read::<Pin>(), Some("4711".parse().expect("a PIN")));
    }

    #[test]
    fn endless_keying_is_bounded_and_wrong() {
        let (entry, _) = keys(&"1".repeat(10_000), None);
        assert_eq!(entry.0.len(), MOST);
        assert_eq!(entry.read::<Pin>(), None);
    }

    #[test]
    fn what_is_keyed_is_not_printed() {
        let (entry, _) = keys("4711", None);
        assert_eq!(format!("{entry:?}"), "an entry");
        let mut ahead = Ahead::default();
        ahead.key(Digit::STAR);
        assert_eq!(format!("{ahead:?}"), "Ahead([a key])");
    }
}
