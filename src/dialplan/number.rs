//! Numbers as people dial them, and in the international form (E.164). In: what was dialled. Out: both.

use std::str::FromStr as _;

use phonenumber::Mode;
use phonenumber::country::Id;

use crate::words::Country;

/// Where the institution is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Its country.
    pub country: Country,
    /// Its area code without the leading zero, for numbers that are dialled without one. Empty where there are none.
    pub area: String,
}

/// A number in both forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialled {
    /// Digits without a plus, or a name.
    pub(super) as_dialled: String,
    /// E.164 without the plus, if it is one.
    pub(super) international: Option<String>,
}

/// Shorter numbers are extensions: they have no international form.
const SHORTEST_LOCAL: usize = 5;

impl Home {
    /// The international form of a number, with its plus; none of an extension, or of what is no number.
    pub fn international(&self, text: &str) -> Option<String> {
        self.dialled(text).international.map(|digits| format!("+{digits}"))
    }

    pub(super) fn dialled(&self, text: &str) -> Dialled {
        let plain = plain(text);
        let digits = plain.strip_prefix('+').unwrap_or(&plain);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Dialled { as_dialled: plain, international: None };
        }
        let international = if plain.starts_with('+') {
            Some(digits.to_owned())
        } else if digits.starts_with('0') {
            self.e164(digits)
        } else if digits.len() >= SHORTEST_LOCAL && !self.area.is_empty() {
            self.e164(&format!("0{}{digits}", self.area))
        } else {
            None
        };
        Dialled { as_dialled: digits.to_owned(), international }
    }

    fn e164(&self, digits: &str) -> Option<String> {
        let country = Id::from_str(self.country.code()).ok();
        let number = phonenumber::parse(country, digits).ok()?;
        let text = number.format().mode(Mode::E164).to_string();
        Some(text.strip_prefix('+').unwrap_or(&text).to_owned())
    }
}

/// A number without what people write between its digits.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-' | '/' | '(' | ')')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_is_dialled() {
        let home = Home { country: "DE".parse().expect("a country"), area: String::from("30") };
        for text in ["+49 30 90181234", "0049 30 90181234", "030 90181234", "90181234"] {
            assert_eq!(home.dialled(text).international.as_deref(), Some("493090181234"), "{text}");
        }
        assert_eq!(home.dialled("1234").international, None);
        assert_eq!(home.dialled("einwahl").international, None);
    }
}
