//! What the roster shows for somebody.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::words::{Personal, PhoneNumber, Purpose};

/// A name as the roster shows it: short, on one line, and safe to show. `Debug` masks it; the roster's JSON has it plain.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(Personal<String>);

/// Longer names are cut.
const LONGEST: usize = 60;

impl Name {
    /// What a person chose to be called.
    pub fn chosen(text: &str) -> Self {
        let safe: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(is_safe).collect();
        let words: Vec<&str> = safe.split(' ').filter(|word| !word.is_empty()).collect();
        let short: String = words.join(" ").chars().take(LONGEST).collect();
        let name = if short.is_empty() { String::from("Gast") } else { short };
        Self(Personal::new(name.trim_end().to_owned()))
    }

    /// A caller: only the last two digits are shown to anybody, none if the number is withheld or very short.
    pub fn of_caller(number: Option<&Personal<PhoneNumber>>) -> Self {
        let digits = number.map(|number| number.reveal(Purpose::Roster).as_str()).filter(|digits| digits.len() >= 7);
        let end = digits.and_then(|digits| digits.get(digits.len().saturating_sub(2)..));
        Self(Personal::new(end.map_or_else(|| String::from("Telefon"), |end| format!("Telefon ···{end}"))))
    }

    /// In the place of a name that is not to be told.
    pub fn untold(kind: Kind) -> Self {
        match kind {
            Kind::Phone => Self::of_caller(None),
            Kind::Browser => Self::chosen(""),
        }
    }

    /// The name, for those who are in the same meeting.
    pub fn for_roster(&self) -> &str {
        self.0.reveal(Purpose::Roster)
    }

    /// This name, told apart from those already `taken`: nobody can pass for somebody else by taking the same name.
    pub(super) fn apart_from<'a>(self, taken: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let is_free = |name: &str| !taken.clone().any(|other| looks_like(other.for_roster(), name));
        if is_free(self.for_roster()) {
            return self;
        }
        let base = self.for_roster().to_owned();
        (2_u32..).map(|n| format!("{base} ({n})")).find(|name| is_free(name)).map_or(self, |name| Self(name.into()))
    }
}

/// Control characters, and those that turn the direction of writing or take no place, can fake another name.
fn is_safe(c: &char) -> bool {
    !c.is_control()
        && !matches!(*c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn looks_like(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.for_roster().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::chosen(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(number: &str) -> Name {
        Name::of_caller(Some(&Personal::new(number.parse().expect("a number"))))
    }

    #[test]
    fn a_caller_shows_two_digits_at_most() {
        assert_eq!(caller("+493012345642").for_roster(), "Telefon ···42");
        assert_eq!(caller("4242").for_roster(), "Telefon");
        assert_eq!(Name::of_caller(None).for_roster(), "Telefon");
    }

    #[test]
    fn a_name_cannot_break_the_roster() {
        assert_eq!(Name::chosen("  Erika \n\t Muster\u{202e}\u{0} ").for_roster(), "Erika Muster");
        assert_eq!(Name::chosen("\u{200b}").for_roster(), "Gast");
        assert_eq!(Name::chosen(&"ä".repeat(500)).for_roster().chars().count(), LONGEST);
        assert_eq!(format!("{:?}", Name::chosen("Erika Muster")), "E···");
    }

    #[test]
    fn nobody_passes_for_the_mayor() {
        let taken = [Name::chosen("Bürgermeisterin"), Name::chosen("bürgermeisterin (2)")];
        assert_eq!(Name::chosen("BÜRGERMEISTERIN").apart_from(taken.iter()).for_roster(), "BÜRGERMEISTERIN (3)");
        assert_eq!(Name::chosen("Rat").apart_from(taken.iter()).for_roster(), "Rat");
    }
}
