//! A meeting as it is kept in the store: one JSON object with the number of its form.

use serde::{Deserialize, Serialize};

use super::{Meeting, Share};
use crate::room::Announce;
use crate::words::{ConferenceId, Language, RoomId, read_kept};

/// The form that we write.
const FORM: u32 = 1;

/// What is kept cannot be read. Says nothing of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is stored of this meeting cannot be read: {0}")]
pub struct Unreadable(String);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    form: u32,
    room: RoomId,
    id: ConferenceId,
    title: String,
    pin: Option<String>,
    moderator_pin: Option<String>,
    opens_at: Option<String>,
    ends_at: Option<String>,
    moderator_opens: bool,
    lobby: bool,
    announce: Announce,
    language: Option<Language>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shares: Vec<Share>,
    #[serde(default)]
    goes_on_alone: bool,
    by: String,
}

impl Meeting {
    /// As it is kept, with the name of who made it. Contains the PINs: to be sealed.
    pub fn to_kept(&self, by: &str) -> Vec<u8> {
        let text = |pin: &Option<crate::words::Pin>| pin.as_ref().map(|pin| pin.expose().to_owned());
        let kept = Kept {
            form: FORM,
            room: self.room.clone(),
            id: self.id.clone(),
            title: self.title.clone(),
            pin: text(&self.pin),
            moderator_pin: text(&self.moderator_pin),
            opens_at: self.opens_at.as_ref().map(ToString::to_string),
            ends_at: self.ends_at.as_ref().map(ToString::to_string),
            moderator_opens: self.moderator_opens,
            lobby: self.lobby,
            announce: self.announce,
            language: self.language,
            shares: self.shares.clone(),
            goes_on_alone: self.goes_on_alone,
            by: by.to_owned(),
        };
        // Only text and numbers: there is nothing that could not be written.
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// From what is kept: the meeting, and who made it.
    ///
    /// # Errors
    /// It is damaged, or of a newer form.
    pub fn from_kept(kept: &[u8]) -> Result<(Self, String), Unreadable> {
        let kept = read_kept(kept, FORM, |kept: &Kept| kept.form).map_err(Unreadable)?;
        let pin = |text: Option<String>| {
            text.map(|text| text.parse()).transpose().map_err(|_| Unreadable(String::from("a PIN is none")))
        };
        let time = |text: Option<String>| {
            text.map(|text| text.parse()).transpose().map_err(|_| Unreadable(String::from("a time is none")))
        };
        let meeting = Self {
            room: kept.room,
            id: kept.id,
            title: kept.title,
            pin: pin(kept.pin)?,
            moderator_pin: pin(kept.moderator_pin)?,
            opens_at: time(kept.opens_at)?,
            ends_at: time(kept.ends_at)?,
            moderator_opens: kept.moderator_opens,
            lobby: kept.lobby,
            announce: kept.announce,
            language: kept.language,
            shares: kept.shares,
            goes_on_alone: kept.goes_on_alone,
        };
        Ok((meeting, kept.by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_whole() {
        let mut meeting = Meeting::new("rat".parse().expect("a room"), "123456".parse().expect("an ID"));
        meeting.title = String::from("Ratssitzung");
        meeting.pin = "4711".parse().ok();
        meeting.opens_at = "2026-11-25T18:00[Europe/Berlin]".parse().ok();
        meeting.language = Some(Language::En);
        let kept = meeting.to_kept("ratsinfo");
        assert_eq!(Meeting::from_kept(&kept), Ok((meeting, String::from("ratsinfo"))));
    }

    #[test]
    fn what_is_damaged_or_newer_is_told_without_what_is_in_it() {
        let kept = String::from_utf8(
            Meeting::new("rat".parse().expect("a room"), "123456".parse().expect("an ID")).to_kept("x"),
        )
        .expect("text");
        let newer = kept.replace("\"form\":1", "\"form\":2");
        assert!(Meeting::from_kept(newer.as_bytes()).expect_err("refused").to_string().contains("newer"));
        let damaged = kept.replace("\"123456\"", "\"12345x\"");
        let error = Meeting::from_kept(damaged.as_bytes()).expect_err("refused").to_string();
        assert!(error.contains("Data at") && !error.contains("12345x"), "{error}");
    }
}
