//! A meeting of the file.

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{Config, Mistake};
use crate::meeting::{self, Book, Share};
use crate::room::Announce;
use crate::words::{ConferenceId, InvalidPin, Language, Pin, RoomId};

/// One meeting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meeting {
    /// Its name: a–z, 0–9, '-', '_'.
    pub room: RoomId,
    /// What people see.
    #[serde(default)]
    pub title: String,
    /// What callers key: 4 to 12 digits.
    pub id: ConferenceId,
    /// 4 to 12 digits; without one nobody is asked.
    #[serde(default)]
    pub pin: Option<PinText>,
    /// 4 to 12 digits.
    #[serde(default)]
    pub moderator_pin: Option<PinText>,
    /// When it opens, like 2026-11-25T18:00; before that everybody waits with music.
    #[serde(default)]
    pub opens_at: Option<String>,
    /// When it is over for all.
    #[serde(default)]
    pub ends_at: Option<String>,
    /// It opens when a moderator arrives.
    #[serde(default)]
    pub moderator_opens: bool,
    /// Callers wait until they are admitted.
    #[serde(default)]
    pub lobby: bool,
    /// What the room hears when somebody comes or goes: chime, count, nothing; as `menu.announce` says, if it is left out.
    #[serde(default)]
    pub announce: Option<Announce>,
    /// The language of what the room hears; that of the menu, if it is left out.
    #[serde(default)]
    pub language: Option<Language>,
    /// The institutions of the federation whose people may come by their own gateways.
    #[serde(default)]
    pub shares: Vec<Share>,
    /// These may go on with each other while our gateway is away.
    #[serde(default)]
    pub goes_on_alone: bool,
}

/// A PIN in a file: checked, and not printed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PinText(pub Pin);

impl TryFrom<String> for PinText {
    type Error = InvalidPin;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl Meeting {
    /// What the file says, in the time of `home`. `announce`: what meetings hear that do not say themselves.
    ///
    /// # Errors
    /// One sentence for each time that is none.
    pub fn read(self, home: &TimeZone, announce: Announce) -> Result<meeting::Meeting, Vec<String>> {
        let mut wrong = Vec::new();
        let mut time = |word: &str, text: Option<String>| -> Option<ZonedDateTime> {
            let read = text.map(|text| meeting::read_time(&text, home)).transpose();
            read.map_err(|why| wrong.push(format!("meeting {}: {word}: {why}", self.room))).ok().flatten()
        };
        let (opens_at, ends_at) = (time("opens_at", self.opens_at), time("ends_at", self.ends_at));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(meeting::Meeting {
            room: self.room,
            id: self.id,
            title: self.title,
            pin: self.pin.map(|pin| pin.0),
            moderator_pin: self.moderator_pin.map(|pin| pin.0),
            opens_at,
            ends_at,
            moderator_opens: self.moderator_opens,
            lobby: self.lobby,
            announce: self.announce.unwrap_or(announce),
            language: self.language,
            shares: self.shares,
            goes_on_alone: self.goes_on_alone,
        })
    }
}

impl Config {
    /// The meetings of the file.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn book(&self, home: &TimeZone) -> Result<Book, Vec<Mistake>> {
        let (mut meetings, mut wrong) = (Vec::new(), Vec::new());
        for meeting in self.meetings.clone() {
            match meeting.read(home, self.menu.announce) {
                Ok(meeting) => meetings.push(meeting),
                Err(sentences) => wrong.extend(sentences),
            }
        }
        let book = Book::of_file(meetings).map_err(|sentences| wrong.extend(sentences)).ok();
        let help = "correct it in [[meetings]]: each has a name and an ID of its own";
        let mistakes = || wrong.iter().map(|sentence| Mistake::new(sentence, help)).collect();
        book.filter(|_| wrong.is_empty()).ok_or_else(mistakes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_by_the_institutions_clock_and_every_mistake_is_told() {
        let text =
            "[[meetings]]\nroom = \"rat\"\nid = \"123456\"\nopens_at = \"2026-11-25T18:00\"\nannounce = \"count\"\n";
        let home = TimeZone::get("Europe/Berlin").expect("a zone");
        let config = Config::from_toml(text).expect("usable");
        let book = config.book(&home).expect("fits");
        let listed = book.get(&"rat".parse().expect("a room")).expect("there");
        let opens = listed.meeting.opens_at.as_ref().map(|time| time.timestamp().to_string());
        assert_eq!(opens.as_deref(), Some("2026-11-25T17:00:00Z"));
        let twice =
            Config::from_toml(&format!("{}{text}", text.replace("2026-11-25T18:00", "bald"))).expect("readable");
        let wrong = twice.book(&home).expect_err("refused");
        let wrong = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(wrong.contains("meeting rat: opens_at: \"bald\" is no time"), "{wrong}");
    }
}
