//! What somebody wants of a meeting: what is left out stays as it is.

use std::borrow::Cow;

use jiff::{Timestamp, ZonedDateTime};

use super::{Meeting, Share, share};
use crate::room::Announce;
use crate::words::{Both, ConferenceId, Language, Pin, RoomId, both};

/// The longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// What is to be changed. `Some(None)` takes something away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// See [`Meeting::room`]. Only for a new meeting.
    pub room: Option<RoomId>,
    /// See [`Meeting::id`].
    pub id: Option<ConferenceId>,
    /// See [`Meeting::title`].
    pub title: Option<String>,
    /// See [`Meeting::pin`].
    pub pin: Option<Option<Pin>>,
    /// See [`Meeting::moderator_pin`].
    pub moderator_pin: Option<Option<Pin>>,
    /// See [`Meeting::opens_at`].
    pub opens_at: Option<Option<ZonedDateTime>>,
    /// See [`Meeting::ends_at`].
    pub ends_at: Option<Option<ZonedDateTime>>,
    /// See [`Meeting::moderator_opens`].
    pub moderator_opens: Option<bool>,
    /// See [`Meeting::lobby`].
    pub lobby: Option<bool>,
    /// See [`Meeting::announce`].
    pub announce: Option<Announce>,
    /// See [`Meeting::language`].
    pub language: Option<Option<Language>>,
    /// See [`Meeting::shares`].
    pub shares: Option<Vec<Share>>,
    /// See [`Meeting::goes_on_alone`].
    pub goes_on_alone: Option<bool>,
}

/// Something that cannot be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which word of the request is wrong.
    pub field: Cow<'static, str>,
    /// What is wrong with it, and what to do. Without what was given, which may be a PIN.
    pub message: Both,
}

impl Fault {
    /// A fault of one field.
    pub fn new(field: &'static str, message: impl Into<Both>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Draft {
    /// The meeting with these changes.
    ///
    /// # Errors
    /// Everything that cannot be so.
    pub fn over(self, base: Meeting, now: Timestamp) -> Result<Meeting, Vec<Fault>> {
        let ends_anew = self.ends_at.is_some();
        let meeting = Meeting {
            room: self.room.unwrap_or(base.room),
            id: self.id.unwrap_or(base.id),
            title: self.title.unwrap_or(base.title),
            pin: self.pin.unwrap_or(base.pin),
            moderator_pin: self.moderator_pin.unwrap_or(base.moderator_pin),
            opens_at: self.opens_at.unwrap_or(base.opens_at),
            ends_at: self.ends_at.unwrap_or(base.ends_at),
            moderator_opens: self.moderator_opens.unwrap_or(base.moderator_opens),
            lobby: self.lobby.unwrap_or(base.lobby),
            announce: self.announce.unwrap_or(base.announce),
            language: self.language.unwrap_or(base.language),
            shares: self.shares.unwrap_or(base.shares),
            goes_on_alone: self.goes_on_alone.unwrap_or(base.goes_on_alone),
        };
        let mut faults = meeting.faults();
        if ends_anew && meeting.ends_at.as_ref().is_some_and(|end| end.timestamp() <= now) {
            let message = both!(
                "Diese Zeit ist vorbei: Nennen Sie eine spätere oder keine",
                "this time is over: name a later one, or none"
            );
            faults.push(Fault::new("endsAt", message));
        }
        if faults.is_empty() { Ok(meeting) } else { Err(faults) }
    }

    /// The names of what is to be changed.
    pub fn fields(&self) -> Vec<&'static str> {
        let Self {
            room,
            id,
            title,
            pin,
            moderator_pin,
            opens_at,
            ends_at,
            moderator_opens,
            lobby,
            announce,
            language,
            shares,
            goes_on_alone,
        } = self;
        let all = [
            ("room", room.is_some()),
            ("id", id.is_some()),
            ("title", title.is_some()),
            ("pin", pin.is_some()),
            ("moderatorPin", moderator_pin.is_some()),
            ("opensAt", opens_at.is_some()),
            ("endsAt", ends_at.is_some()),
            ("moderatorOpens", moderator_opens.is_some()),
            ("lobby", lobby.is_some()),
            ("announce", announce.is_some()),
            ("language", language.is_some()),
            ("shares", shares.is_some()),
            ("goesOnAlone", goes_on_alone.is_some()),
        ];
        all.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect()
    }
}

impl Meeting {
    /// What cannot be so in this meeting, whatever the time is.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = share::faults(&self.shares);
        if self.room.home().is_some() {
            let message = both!(
                "Eine eigene Konferenz hat einen Namen ohne @: Lassen Sie weg, was dahinter steht",
                "a meeting of ours has a name without @: leave out what stands after it"
            );
            faults.push(Fault::new("room", message));
        }
        if self.title.chars().count() > LONGEST_TITLE || self.title.chars().any(char::is_control) {
            let message = both!(
                "Schreiben Sie eine Zeile von höchstens {} Zeichen",
                "write one line of at most {} characters",
                LONGEST_TITLE
            );
            faults.push(Fault::new("title", message));
        }
        match (&self.pin, &self.moderator_pin) {
            (Some(pin), Some(moderator)) if pin == moderator => {
                let message = both!(
                    "Wählen Sie eine andere als für Teilnehmende: An der PIN erkennt man, wer leitet",
                    "choose another than for participants: the PIN tells who leads"
                );
                faults.push(Fault::new("moderatorPin", message));
            }
            (None, Some(_)) => {
                let message = both!(
                    "Eine Konferenz mit einer PIN für die Leitung braucht auch eine für Teilnehmende: Sonst käme niemand hinein",
                    "a meeting with a PIN for moderators needs one for participants: nobody else could come in"
                );
                faults.push(Fault::new("pin", message));
            }
            (Some(_) | None, Some(_) | None) => {}
        }
        if let (Some(opens), Some(ends)) = (&self.opens_at, &self.ends_at)
            && opens.timestamp() >= ends.timestamp()
        {
            let message = both!("Das Ende muss nach dem Beginn liegen", "the end must be after the opening");
            faults.push(Fault::new("endsAt", message));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meeting() -> Meeting {
        Meeting::new("rat".parse().expect("a room"), "123456".parse().expect("an ID"))
    }

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().expect("a time")
    }

    fn berlin(text: &str) -> Option<Option<ZonedDateTime>> {
        Some(Some(format!("{text}[Europe/Berlin]").parse().expect("a time")))
    }

    #[test]
    fn what_is_left_out_stays_and_what_is_taken_away_is_gone() {
        let with_pin = Draft { pin: Some("4711".parse().ok()), lobby: Some(true), ..Draft::default() };
        assert_eq!(with_pin.fields(), ["pin", "lobby"]);
        let changed = with_pin.over(meeting(), now()).expect("fits");
        assert!(changed.pin.is_some() && changed.lobby && changed.title.is_empty());
        let without = Draft { pin: Some(None), ..Draft::default() }.over(changed, now()).expect("fits");
        assert!(without.pin.is_none() && without.lobby);
    }

    #[test]
    fn every_mistake_is_told_at_once_and_no_pin_is_in_the_message() {
        let draft = Draft {
            title: Some(String::from("Rat\nhaus")),
            pin: Some("4711".parse().ok()),
            moderator_pin: Some("4711".parse().ok()),
            opens_at: berlin("2026-11-24T18:00"),
            ends_at: berlin("2026-11-24T17:00"),
            ..Draft::default()
        };
        let faults = draft.over(meeting(), now()).expect_err("refused");
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_ref()).collect();
        assert_eq!(fields, ["title", "moderatorPin", "endsAt", "endsAt"]);
        assert!(!format!("{faults:?}").contains("4711"));
    }

    #[test]
    fn a_meeting_that_is_over_can_be_renamed() {
        let past = Meeting { ends_at: berlin("2026-11-24T17:00").flatten(), ..meeting() };
        let draft = Draft { title: Some(String::from("Protokoll")), ..Draft::default() };
        assert!(draft.over(past, now()).is_ok());
    }
}
