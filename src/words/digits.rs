//! What people key and dial.

use std::fmt;
use std::str::FromStr;

use super::Both;
use super::personal::Mask;

/// One key of a telephone (RFC 4733 section 3.2, events 0 to 15). What a caller keys is never logged:
/// `Debug` hides which key it was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(u8);

impl Digit {
    /// The star key.
    pub const STAR: Self = Self(10);
    /// The pound (hash) key.
    pub const POUND: Self = Self(11);

    /// From the event code of RFC 4733: 0–9 are digits, 10 is `*`, 11 is `#`, 12–15 are A–D.
    pub const fn from_event(event: u8) -> Option<Self> {
        if event <= 15 { Some(Self(event)) } else { None }
    }

    /// From the character on the key.
    pub fn from_char(key: char) -> Option<Self> {
        Some(Self(match key {
            '*' => 10,
            '#' => 11,
            'A'..='D' => u8::try_from(u32::from(key) - u32::from('A')).ok()? + 12,
            'a'..='d' => u8::try_from(u32::from(key) - u32::from('a')).ok()? + 12,
            _ => u8::try_from(key.to_digit(10)?).ok()?,
        }))
    }

    /// The event code of RFC 4733.
    pub const fn event(self) -> u8 {
        self.0
    }

    /// The character on the key.
    pub const fn as_char(self) -> char {
        match self.0 {
            10 => '*',
            11 => '#',
            0..=9 => (b'0' + self.0) as char,
            _ => (b'A' + self.0 - 12) as char,
        }
    }

    /// The value of a decimal digit, `None` for `*`, `#` and A–D.
    pub const fn value(self) -> Option<u8> {
        if self.0 < 10 { Some(self.0) } else { None }
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
}

/// A telephone number: E.164 with its `+`, or an extension without one. 1 to 20 digits (15 by E.164,
/// more for extensions behind a main number).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

/// Not a telephone number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a telephone number: 1 to 20 digits are needed, with a + before an international one")]
pub struct InvalidNumber;

impl From<InvalidNumber> for Both {
    fn from(why: InvalidNumber) -> Self {
        Self::new(
            "Keine Telefonnummer: Es müssen 1 bis 20 Ziffern sein, vor einer internationalen ein +",
            why.to_string(),
        )
    }
}

impl PhoneNumber {
    /// The number with its `+`, if it has one, and no separators.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is written internationally.
    pub fn is_international(&self) -> bool {
        self.0.starts_with('+')
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidNumber;

    /// Takes a number with the visual separators of RFC 3966 section 5.1.1 (and spaces), drops those.
    fn from_str(written: &str) -> Result<Self, InvalidNumber> {
        let plain: String =
            written.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}')).collect();
        let digits = plain.strip_prefix('+').unwrap_or(&plain);
        let sound = (1..=20).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
        if sound { Ok(Self(plain)) } else { Err(InvalidNumber) }
    }
}

impl Mask for PhoneNumber {
    /// `+49 30 ···42`: the first digits tell where from, the last two tell callers apart.
    /// A number of fewer than seven digits shows nothing but its length class.
    fn mask(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.strip_prefix('+').unwrap_or(&self.0);
        let plus = if self.is_international() { "+" } else { "" };
        let (Some(a), Some(b), Some(end)) =
            (digits.get(..2), digits.get(2..4), digits.len().checked_sub(2).and_then(|at| digits.get(at..)))
        else {
            return f.write_str("···");
        };
        if digits.len() < 7 {
            return f.write_str("···");
        }
        write!(f, "{plus}{a} {b} ···{end}")
    }
}

/// The number that a caller keys to say which conference is meant: 4 to 12 digits.
/// Not a secret by itself, but never logged as keyed: `Debug` hides it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConferenceId(String);

/// Not a conference ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a conference ID: 4 to 12 digits are needed")]
pub struct InvalidConferenceId;

impl From<InvalidConferenceId> for Both {
    fn from(why: InvalidConferenceId) -> Self {
        Self::new("Keine Konferenznummer: Es müssen 4 bis 12 Ziffern sein", why.to_string())
    }
}

impl ConferenceId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConferenceId {
    type Err = InvalidConferenceId;
    fn from_str(digits: &str) -> Result<Self, InvalidConferenceId> {
        let sound = (4..=12).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
        if sound { Ok(Self(digits.to_owned())) } else { Err(InvalidConferenceId) }
    }
}

impl TryFrom<String> for ConferenceId {
    type Error = InvalidConferenceId;
    fn try_from(digits: String) -> Result<Self, InvalidConferenceId> {
        digits.parse()
    }
}

impl From<ConferenceId> for String {
    fn from(id: ConferenceId) -> Self {
        id.0
    }
}

impl fmt::Debug for ConferenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a conference ID")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_keeps_its_name_through_its_event_code() {
        for key in "0123456789*#ABCD".chars() {
            let digit = Digit::from_char(key).expect("a key");
            assert_eq!(digit.as_char(), key);
            assert_eq!(Digit::from_event(digit.event()), Some(digit));
        }
        assert_eq!(Digit::from_char('x'), None);
        assert_eq!(Digit::from_event(16), None);
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        let number: PhoneNumber = "+49 (30) 9018-2000".parse().expect("a number");
        assert_eq!(number.as_str(), "+493090182000");
        for bad in ["", "+", "anonymous", "12a4", &"1".repeat(21)] {
            assert!(bad.parse::<PhoneNumber>().is_err(), "{bad:?} was taken");
        }
    }
}
