//! How meetings are set up, and who gets in. In: what an admin wrote or asked for; what somebody keyed, and the time.
//! Out: a meeting or every mistake in it; an admission; how its room works. Pure: the same questions at the same time have
//! the same answers.

mod book;
mod draft;
mod invitation;
mod kept;
mod share;
mod when;

use std::time::{Duration, Instant};

use jiff::{Timestamp, ZonedDateTime};

use crate::ivr::{Admission, Obstacle};
use crate::room::{self, Announce, Opening};
use crate::words::{ConferenceId, Domain, Language, Pin, Role, RoomId};

pub use book::{Book, Listed, Source, Taken};
pub use draft::{Draft, Fault};
pub use invitation::{Invitation, MOST_NUMBERS, is_number};
pub use kept::Unreadable;
pub use share::{Names, Share, Terms};
pub use when::{InvalidTime, read as read_time};

/// One meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Its name in addresses.
    pub room: RoomId,
    /// What callers key.
    pub id: ConferenceId,
    /// What people see.
    pub title: String,
    /// With this PIN somebody takes part; without one nobody is asked.
    pub pin: Option<Pin>,
    /// With this PIN somebody leads.
    pub moderator_pin: Option<Pin>,
    /// When it opens; without a time it is open, or opens with a moderator.
    pub opens_at: Option<ZonedDateTime>,
    /// When it is over for all.
    pub ends_at: Option<ZonedDateTime>,
    /// Whether a moderator who arrives opens it, before its time too.
    pub moderator_opens: bool,
    /// Whether participants wait until a moderator admits them.
    pub lobby: bool,
    /// What the room hears when somebody comes or goes.
    pub announce: Announce,
    /// The language of what the room hears; without one it is that of the menu.
    pub language: Option<Language>,
    /// The institutions whose people may come by their own gateways.
    pub shares: Vec<Share>,
    /// Whether these may go on with each other while our gateway is away.
    pub goes_on_alone: bool,
}

impl Meeting {
    /// A meeting about which nothing else is said.
    pub const fn new(room: RoomId, id: ConferenceId) -> Self {
        Self {
            room,
            id,
            title: String::new(),
            pin: None,
            moderator_pin: None,
            opens_at: None,
            ends_at: None,
            moderator_opens: false,
            lobby: false,
            announce: Announce::Chime,
            language: None,
            shares: Vec::new(),
            goes_on_alone: false,
        }
    }

    /// Whether this PIN, or none, admits. That a meeting is over is told to those alone who would get in.
    pub fn admission(&self, pin: Option<&Pin>, now: Timestamp) -> Admission {
        let admit = |role| match &self.ends_at {
            Some(end) if end.timestamp() <= now => Admission::NotNow(Obstacle::Over),
            Some(_) | None => Admission::Admitted { room: self.room.clone(), role },
        };
        match pin {
            None if self.pin.is_some() || self.moderator_pin.is_some() => Admission::PinNeeded,
            None => admit(Role::Participant),
            Some(pin) if self.moderator_pin.as_ref() == Some(pin) => admit(Role::Moderator),
            Some(pin) if self.pin.as_ref() == Some(pin) => admit(Role::Participant),
            Some(_) => Admission::Refused,
        }
    }

    /// What the people of another institution may; nothing, if it is not shared with them.
    pub fn share(&self, with: &Domain) -> Option<&Share> {
        self.shares.iter().find(|share| share.with == *with)
    }

    /// How its room works. `now` and `instant` are the same moment on two clocks.
    pub fn room(&self, now: Timestamp, instant: Instant) -> room::Config {
        let at = |time: &ZonedDateTime| {
            let left = Duration::try_from(now.duration_until(time.timestamp())).unwrap_or(Duration::ZERO);
            instant.checked_add(left)
        };
        let opening = match (self.opens_at.as_ref().and_then(at), self.moderator_opens) {
            (None, false) => Opening::AtOnce,
            (None, true) => Opening::WithModerator,
            (Some(time), false) => Opening::At(time),
            (Some(time), true) => Opening::AtOrWithModerator(time),
        };
        room::Config {
            title: self.title.clone(),
            opening,
            end: self.ends_at.as_ref().and_then(at),
            lobby: self.lobby,
            announce: self.announce,
            ..room::Config::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn council() -> Meeting {
        let mut meeting = Meeting::new("rat".parse().expect("a room"), "123456".parse().expect("an ID"));
        meeting.pin = "4711".parse().ok();
        meeting.moderator_pin = "0815".parse().ok();
        meeting.opens_at = "2026-11-25T18:00[Europe/Berlin]".parse().ok();
        meeting.ends_at = "2026-11-25T20:00[Europe/Berlin]".parse().ok();
        meeting
    }

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn pin(text: &str) -> Option<Pin> {
        text.parse().ok()
    }

    #[test]
    fn the_pin_decides_the_role() {
        let now = time("2026-11-25T17:30:00Z");
        let role = |text: &str| match council().admission(pin(text).as_ref(), now) {
            Admission::Admitted { role, .. } => Some(role),
            Admission::PinNeeded | Admission::Refused | Admission::NotNow(_) => None,
        };
        assert_eq!(role("4711"), Some(Role::Participant));
        assert_eq!(role("0815"), Some(Role::Moderator));
        assert_eq!(council().admission(None, now), Admission::PinNeeded);
    }

    #[test]
    fn that_a_meeting_is_over_is_told_only_to_who_knows_the_pin() {
        let after = time("2026-11-25T19:00:00Z");
        assert_eq!(council().admission(pin("4711").as_ref(), after), Admission::NotNow(Obstacle::Over));
        assert_eq!(council().admission(None, after), Admission::PinNeeded);
        assert_eq!(council().admission(pin("9999").as_ref(), after), Admission::Refused);
    }

    #[test]
    fn a_room_opens_and_ends_by_the_clock_on_the_wall() {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        let instant = Instant::now();
        let config = council().room(time("2026-11-25T16:00:00Z"), instant);
        assert_eq!(config.opening, Opening::At(instant + Duration::from_secs(3_600)));
        assert_eq!(config.end, Some(instant + Duration::from_secs(3 * 3_600)));
        let late = Meeting { moderator_opens: true, ..council() }.room(time("2026-11-25T17:30:00Z"), instant);
        assert_eq!(late.opening, Opening::AtOrWithModerator(instant), "its time has come");
    }
}
