//! What somebody types, letter by letter (ITU-T T.140): letters, and what takes one back, begins a line or rings.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::personal::{Personal, Purpose};

/// A piece of it: some letters, or a single one. `Debug` shows how many; it is kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(Personal<String>);

impl Typed {
    /// The letters of one piece at most; what is beyond is cut.
    pub const MOST: usize = 300;

    /// Takes the last letter back.
    pub const BACKSPACE: char = '\u{8}';

    /// Begins a line.
    pub const NEW_LINE: char = '\u{2028}';

    /// Stands for what was lost.
    pub const LOST: char = '\u{fffd}';

    /// Wants attention.
    const BELL: char = '\u{7}';

    /// Takes over letters and what T.140 says beside them, and nothing else that would change a reader's screen.
    pub fn read(text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        Self(Personal::new(text.chars().filter_map(clean).take(Self::MOST).collect()))
    }

    /// As it goes to those in the same meeting.
    pub fn reveal(&self) -> &str {
        self.0.reveal(Purpose::Conversation)
    }

    /// How many letters it has.
    pub fn len(&self) -> usize {
        self.reveal().chars().count()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.reveal().is_empty()
    }

    /// Its first letters, and a mark for the rest.
    #[must_use]
    pub fn cut_after(&self, letters: usize) -> Self {
        Self(Personal::new(self.reveal().chars().take(letters).chain([Self::LOST]).collect()))
    }
}

fn clean(letter: char) -> Option<char> {
    match letter {
        '\n' | '\r' | '\u{2029}' => Some(Typed::NEW_LINE),
        // Some keyboards send what deletes for what takes back.
        '\u{7f}' => Some(Typed::BACKSPACE),
        Typed::NEW_LINE | Typed::BACKSPACE | Typed::BELL => Some(letter),
        // Marks the order of bytes, and says nothing.
        '\u{feff}' => None,
        // Would turn round what others wrote.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\t' => Some(' '),
        _ if letter.is_control() => None,
        _ => Some(letter),
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Typed({})", self.len())
    }
}

/// To pages and to other gateways.
impl Serialize for Typed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.reveal())
    }
}

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::read(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stay_and_what_would_disturb_a_reader_goes() {
        let read = |text| Typed::read(text).reveal().to_owned();
        assert_eq!(read("Grüße 🙂\u{8}"), "Grüße 🙂\u{8}");
        assert_eq!(read("a\r\nb\nc\rd"), "a\u{2028}b\u{2028}c\u{2028}d");
        assert_eq!(read("\u{feff}a\u{0}\u{1b}b\u{202e}\u{9b}\u{7f}"), "ab\u{8}");
        assert!(Typed::read("\u{feff}\u{0}").is_empty());
        assert_eq!(Typed::read(&"ä".repeat(1_000)).len(), Typed::MOST);
    }

    #[test]
    fn no_letter_is_printed_by_accident() {
        let typed = Typed::read("x");
        assert_eq!(format!("{typed:?}"), "Typed(1)");
        assert_eq!(typed.cut_after(0).reveal(), "\u{fffd}");
    }
}
