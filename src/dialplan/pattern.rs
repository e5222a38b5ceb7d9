//! Patterns of numbers. In: what an admin wrote. Out: what fits, and what can fit nothing else.
//!
//! `0`–`9` themselves, `X` any digit, `Z` 1–9, `N` 2–9, `[2-57]` one of those; at the end `.` one or more further digits,
//! `!` none or more. A `+` at the beginning: the international form. Separators do not count. A word in small letters is a
//! SIP user name. `*` alone is everything but 110 and 112.

use std::str::FromStr;

use super::number::Dialled;

/// Which numbers fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Everything but emergency numbers.
    Everything,
    /// A SIP user name.
    Name(String),
    /// Digits.
    Digits {
        /// In the international form.
        international: bool,
        /// One set for each digit: bit *n* for the digit *n*.
        sets: Vec<u16>,
        /// What may follow.
        tail: Tail,
    },
}

/// What may follow the digits of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    End,
    /// At least one digit.
    Some,
    /// Any digits or none.
    Any,
}

/// Not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct InvalidPattern {
    /// What is wrong.
    pub what: String,
    /// Where, in bytes from the beginning of the pattern.
    pub at: usize,
}

const ANY: u16 = 0x3ff;

/// The numbers that only an emergency rule takes.
pub(super) const EMERGENCY: [&str; 2] = ["110", "112"];

impl Pattern {
    /// Whether a number fits.
    pub(super) fn fits(&self, dialled: &Dialled) -> bool {
        match self {
            Self::Everything => !EMERGENCY.contains(&dialled.as_dialled.as_str()),
            Self::Name(name) => dialled.as_dialled.eq_ignore_ascii_case(name),
            Self::Digits { international: false, .. } => self.fits_digits(&dialled.as_dialled),
            Self::Digits { international: true, .. } => {
                dialled.international.as_deref().is_some_and(|digits| self.fits_digits(digits))
            }
        }
    }

    /// Whether digits without a plus fit.
    pub(super) fn fits_digits(&self, digits: &str) -> bool {
        let Self::Digits { sets, tail, .. } = self else { return false };
        let long_enough = match tail {
            Tail::End => digits.len() == sets.len(),
            Tail::Some => digits.len() > sets.len(),
            Tail::Any => digits.len() >= sets.len(),
        };
        let values = digits.bytes().map(|byte| byte.wrapping_sub(b'0'));
        long_enough
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && values.zip(sets).all(|(digit, set)| set & (1 << digit) != 0)
    }

    /// Whether everything that fits `other` fits this, too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) => true,
            (_, Self::Everything) => false,
            (Self::Name(one), Self::Name(two)) => one == two,
            (Self::Name(_), Self::Digits { .. }) | (Self::Digits { .. }, Self::Name(_)) => false,
            (
                Self::Digits { international, sets, tail },
                Self::Digits { international: other_international, sets: other_sets, tail: other_tail },
            ) => {
                let at = |sets: &[u16], place: usize| sets.get(place).copied().unwrap_or(ANY);
                let lengths = match (tail, other_tail) {
                    (Tail::End, Tail::End) => sets.len() == other_sets.len(),
                    (Tail::End, Tail::Some | Tail::Any) => false,
                    (_, Tail::End) => other_sets.len() >= least(sets, *tail),
                    (_, Tail::Some | Tail::Any) => least(other_sets, *other_tail) >= least(sets, *tail),
                };
                international == other_international
                    && lengths
                    && (0..sets.len()).all(|place| at(other_sets, place) & !at(sets, place) == 0)
            }
        }
    }
}

const fn least(sets: &[u16], tail: Tail) -> usize {
    match tail {
        Tail::End | Tail::Any => sets.len(),
        Tail::Some => sets.len() + 1,
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let wrong = |at: usize, what: &str| InvalidPattern { what: what.to_owned(), at };
        let whole = text.trim();
        if whole == "*" {
            return Ok(Self::Everything);
        }
        if whole.starts_with(|c: char| c.is_ascii_lowercase()) {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
            let odd = whole.find(|c| !legal(c));
            return odd.map_or_else(
                || Ok(Self::Name(whole.to_owned())),
                |at| Err(wrong(at, "a name has small letters, digits, '-', '_' and '.' only")),
            );
        }
        let mut sets = Vec::new();
        let mut tail = Tail::End;
        let mut international = false;
        let mut letters = text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            if tail != Tail::End && !letter.is_whitespace() {
                return Err(wrong(at, "nothing can follow '.' or '!': they stand for the rest of the number"));
            }
            match letter {
                ' ' | '-' | '/' | '(' | ')' => {}
                '+' if sets.is_empty() && !international => international = true,
                '0'..='9' => sets.push(bit(letter)),
                'X' => sets.push(ANY),
                'Z' => sets.push(ANY & !1),
                'N' => sets.push(ANY & !3),
                '.' => tail = Tail::Some,
                '!' => tail = Tail::Any,
                '[' => {
                    let inside: String = letters.by_ref().map(|(_, c)| c).take_while(|c| *c != ']').collect();
                    let closed = text.get(at + 1 + inside.len()..).is_some_and(|rest| rest.starts_with(']'));
                    let set = class(&inside).filter(|set| closed && *set != 0);
                    sets.push(
                        set.ok_or_else(|| wrong(at, "a class is written like [2-57]: digits and ranges that rise"))?,
                    );
                }
                'x' | 'z' | 'n' => return Err(wrong(at, "write X, Z and N as capitals")),
                _ => {
                    return Err(wrong(
                        at,
                        "only digits, X, Z, N, [classes], separators, and '.' or '!' at the end are known",
                    ));
                }
            }
        }
        if sets.is_empty() && tail != Tail::Some {
            return Err(wrong(0, "the pattern has no digit; write * for every number"));
        }
        Ok(Self::Digits { international, sets, tail })
    }
}

fn bit(digit: char) -> u16 {
    digit.to_digit(10).map_or(0, |digit| 1 << digit)
}

/// `2-57`
fn class(inside: &str) -> Option<u16> {
    let mut set = 0;
    let mut letters = inside.chars().peekable();
    while let Some(first) = letters.next() {
        let first = first.to_digit(10)?;
        let last = if letters.next_if_eq(&'-').is_some() { letters.next()?.to_digit(10)? } else { first };
        if last < first {
            return None;
        }
        (first..=last).for_each(|digit| set |= 1 << digit);
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn patterns_fit_as_documented() {
        for (text, fits, not) in [
            ("115", "115", "1150"),
            ("X.", "12", "1"),
            ("0!", "0", "1"),
            ("90 18-1XXX", "90181234", "90182234"),
            ("[2-57]N", "72", "61"),
            ("Z", "9", "0"),
        ] {
            assert!(pattern(text).fits_digits(fits), "{text} {fits}");
            assert!(!pattern(text).fits_digits(not), "{text} {not}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_where() {
        for (text, at) in [("", 0), ("12x", 2), ("1.2", 2), ("[3-1]", 0), ("1[23", 1), ("49#", 2), ("b!", 1), ("+", 0)]
        {
            assert_eq!(text.parse::<Pattern>().map_err(|error| error.at), Err(at), "{text:?}");
        }
    }

    fn any_pattern() -> impl Strategy<Value = Pattern> {
        let set = prop_oneof![Just(ANY), 1..=ANY];
        let tail = prop_oneof![Just(Tail::End), Just(Tail::Some), Just(Tail::Any)];
        (prop::collection::vec(set, 1..4), tail).prop_map(|(sets, tail)| Pattern::Digits {
            international: false,
            sets,
            tail,
        })
    }

    proptest! {
        /// Against every number of up to four digits.
        #[test]
        fn a_pattern_covers_another_just_when_every_number_says_so(one in any_pattern(), other in any_pattern()) {
            let numbers = (0..=4_u32).flat_map(|length| (0..10_u32.pow(length)).map(move |n| format!("{n:0width$}", width = length as usize)));
            let by_trying = numbers.filter(|n| !n.is_empty() && other.fits_digits(n)).all(|n| one.fits_digits(&n));
            prop_assert_eq!(one.covers(&other), by_trying);
        }

        #[test]
        fn no_text_stops_the_reader(text in ".{0,24}") {
            let _ = text.parse::<Pattern>();
        }
    }
}
