//! Patterns of numbers. In: what an admin wrote. Out: what fits, and what can fit nothing else.
//!
//! `0`–`9` themselves, `X` any digit, `Z` 1–9, `N` 2–9, `[2-57]` one of those; at the end `.` one or more further digits,
//! `!` or `…` none or more. `2000-2499` at the end: a range. A `+` at the beginning: the international form. Separators do not
//! count. A word in small letters is a SIP user name. `*` alone is everything but 110 and 112. `/…/` is a regular expression.

use std::str::FromStr;

use super::expression::Expression;
use super::number::Dialled;
use crate::words::{Both, Language};

/// Which numbers fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Everything but emergency numbers.
    Everything,
    /// A SIP user name.
    Name(String),
    /// A regular expression.
    Expression(Expression),
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
#[error("{}", what.said(Language::En))]
pub struct InvalidPattern {
    /// What is wrong.
    pub what: Both,
    /// Where, in bytes from the beginning of the pattern.
    pub at: usize,
}

/// Every digit.
pub(super) const ANY: u16 = 0x3ff;

/// The numbers that only an emergency rule takes.
pub(super) const EMERGENCY: [&str; 2] = ["110", "112"];

/// Whether somebody calls for help.
pub fn is_emergency(called: &str) -> bool {
    EMERGENCY.contains(&called)
}

impl Pattern {
    /// Whether a number fits.
    pub(super) fn fits(&self, dialled: &Dialled) -> bool {
        match self {
            Self::Everything => !EMERGENCY.contains(&dialled.as_dialled.as_str()),
            Self::Name(name) => dialled.as_dialled.eq_ignore_ascii_case(name),
            Self::Expression(expression) => expression.fits(dialled),
            Self::Digits { international: false, .. } => self.fits_digits(&dialled.as_dialled),
            Self::Digits { international: true, .. } => {
                dialled.international.as_deref().is_some_and(|digits| self.fits_digits(digits))
            }
        }
    }

    /// Whether digits without a plus fit.
    pub fn fits_digits(&self, digits: &str) -> bool {
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

    /// Reads what an admin wrote: one pattern, or those that a range is made of.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(text: &str) -> Result<Vec<Self>, InvalidPattern> {
        if let Some(expression) = Expression::read(text.trim()) {
            return Ok(vec![Self::Expression(expression?)]);
        }
        let Some((lead, first, last)) = range(text) else { return Ok(vec![text.parse()?]) };
        let lead: Self = if lead.trim().is_empty() {
            Self::Digits { international: false, sets: Vec::new(), tail: Tail::End }
        } else if lead.trim() == "+" {
            Self::Digits { international: true, sets: Vec::new(), tail: Tail::End }
        } else {
            lead.parse()?
        };
        let Self::Digits { international, sets: before, tail: Tail::End } = lead else {
            return Ok(vec![text.parse()?]);
        };
        let digits = |text: &str| -> Vec<u16> { text.bytes().map(|byte| u16::from(byte - b'0')).collect() };
        Ok(between(&digits(first), &digits(last))
            .into_iter()
            .map(|sets| Self::Digits { international, sets: [before.clone(), sets].concat(), tail: Tail::End })
            .collect())
    }
}

/// `+49 30 9018 2000-2499` as what stands before the range, and its ends: one hyphen, between two numbers of one length, of
/// which the second is the higher and the first does not begin with a zero (030-901 is a number).
fn range(text: &str) -> Option<(&str, &str, &str)> {
    let (before, last) = text.trim().split_once('-').filter(|(_, last)| !last.contains('-'))?;
    let at = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    let (lead, first) = before.split_at_checked(at)?;
    let fits = first.len() >= 2 && first.len() == last.len() && first < last && !first.starts_with('0');
    (fits && last.bytes().all(|byte| byte.is_ascii_digit())).then_some((lead, first, last))
}

/// The patterns that together are all numbers from `first` to `last`, which are of one length.
fn between(first: &[u16], last: &[u16]) -> Vec<Vec<u16>> {
    let one = |digit: u16| 1_u16 << digit;
    let span = |low: u16, high: u16| (low..=high).map(one).sum::<u16>();
    let (Some((low, lows)), Some((high, highs))) = (first.split_first(), last.split_first()) else {
        return vec![Vec::new()];
    };
    let led = |set: u16, rest: Vec<Vec<u16>>| rest.into_iter().map(move |rest| [vec![set], rest].concat());
    if low == high {
        return led(one(*low), between(lows, highs)).collect();
    }
    let whole = |digits: &[u16], end: u16| digits.iter().all(|digit| *digit == end);
    let (mut from, mut to, mut found) = (*low, *high, Vec::new());
    if !whole(lows, 0) {
        found.extend(led(one(from), between(lows, &vec![9; lows.len()])));
        from += 1;
    }
    let upper = !whole(highs, 9);
    if upper {
        to -= 1;
    }
    if from <= to {
        found.push([vec![span(from, to)], vec![ANY; lows.len()]].concat());
    }
    if upper {
        found.extend(led(one(*high), between(&vec![0; highs.len()], highs)));
    }
    found
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let wrong = |at: usize, what: (&str, &str)| InvalidPattern { what: what.into(), at };
        let whole = text.trim();
        if whole == "*" {
            return Ok(Self::Everything);
        }
        if let Some(expression) = Expression::read(whole) {
            return expression.map(Self::Expression);
        }
        if whole.starts_with(|c: char| c.is_ascii_lowercase()) {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
            let odd = whole.find(|c| !legal(c));
            return odd.map_or_else(|| Ok(Self::Name(whole.to_owned())), |at| Err(wrong(at, NAME)));
        }
        let mut sets = Vec::new();
        let mut tail = Tail::End;
        let mut international = false;
        let mut letters = text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            if tail != Tail::End && !letter.is_whitespace() {
                return Err(wrong(at, REST));
            }
            match letter {
                ' ' | '-' | '/' | '(' | ')' => {}
                '+' if sets.is_empty() && !international => international = true,
                '0'..='9' => sets.push(bit(letter)),
                'X' => sets.push(ANY),
                'Z' => sets.push(ANY & !1),
                'N' => sets.push(ANY & !3),
                '.' => tail = Tail::Some,
                '!' | '…' => tail = Tail::Any,
                '[' => {
                    let inside: String = letters.by_ref().map(|(_, c)| c).take_while(|c| *c != ']').collect();
                    let closed = text.get(at + 1 + inside.len()..).is_some_and(|rest| rest.starts_with(']'));
                    let set = class(&inside).filter(|set| closed && *set != 0);
                    sets.push(set.ok_or_else(|| wrong(at, CLASS))?);
                }
                'x' | 'z' | 'n' => return Err(wrong(at, CAPITALS)),
                _ => return Err(wrong(at, KNOWN)),
            }
        }
        if sets.is_empty() && tail != Tail::Some {
            return Err(wrong(0, NO_DIGIT));
        }
        Ok(Self::Digits { international, sets, tail })
    }
}

const NAME: (&str, &str) = (
    "Ein Name besteht nur aus kleinen Buchstaben, Ziffern, '-', '_' und '.'",
    "a name has small letters, digits, '-', '_' and '.' only",
);
const REST: (&str, &str) = (
    "Hinter '.', '!' oder '…' kann nichts stehen: sie bedeuten den Rest der Nummer",
    "nothing can follow '.', '!' or '…': they stand for the rest of the number",
);
const CLASS: (&str, &str) = (
    "Eine Klasse hat die Form [2-57]: Ziffern und Bereiche, die steigen",
    "a class is written like [2-57]: digits and ranges that rise",
);
const CAPITALS: (&str, &str) = ("X, Z und N schreibt man groß", "write X, Z and N as capitals");
const KNOWN: (&str, &str) = (
    "Bekannt sind nur Ziffern, X, Z, N, [Klassen], Trennzeichen, und '.' oder '!' am Ende",
    "only digits, X, Z, N, [classes], separators, and '.' or '!' at the end are known",
);
const NO_DIGIT: (&str, &str) =
    ("Das Muster hat keine Ziffer; * ist jede Nummer", "the pattern has no digit; write * for every number");

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

    #[test]
    fn a_range_is_all_its_numbers_and_no_other() {
        for (text, first, last) in
            [("2000-2499", 2000, 2499), ("17-83", 17, 83), ("1234-4321", 1234, 4321), ("199-200", 199, 200)]
        {
            let patterns = Pattern::read(text).expect("a range");
            for number in 0..10_000 {
                let fits = patterns.iter().any(|pattern| pattern.fits_digits(&number.to_string()));
                assert_eq!(fits, (first..=last).contains(&number), "{text} {number}");
            }
        }
        let patterns = Pattern::read("+49 30 9018 2000-2499").expect("a range");
        assert!(patterns.iter().all(|pattern| matches!(pattern, Pattern::Digits { international: true, .. })));
        assert!(patterns.iter().any(|pattern| pattern.fits_digits("493090182311")));
        let number = Pattern::read("030-901").expect("a number");
        assert!(number.len() == 1 && number[0].fits_digits("030901"));
    }

    proptest! {
        #[test]
        fn no_text_stops_the_reader(text in ".{0,24}") {
            let _ = text.parse::<Pattern>();
        }
    }
}
