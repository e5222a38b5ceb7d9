//! The meetings that are set up here. In: what a caller keyed. Out: whether that admits.

use std::collections::BTreeMap;

use crate::ivr::{Admission, Target};
use crate::room;
use crate::words::{ConferenceId, Pin, Role, RoomId};

/// One meeting.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// Its name in addresses.
    pub room: RoomId,
    /// What callers key.
    pub id: ConferenceId,
    /// With this PIN somebody takes part; without one nobody is asked.
    pub pin: Option<Pin>,
    /// With this PIN somebody leads.
    pub moderator_pin: Option<Pin>,
    /// How the room works.
    pub config: room::Config,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Meetings {
    by_room: BTreeMap<RoomId, Meeting>,
}

impl Meetings {
    pub(super) fn new(meetings: Vec<Meeting>) -> Self {
        Self { by_room: meetings.into_iter().map(|meeting| (meeting.room.clone(), meeting)).collect() }
    }

    pub(super) fn get(&self, room: &RoomId) -> Option<&Meeting> {
        self.by_room.get(room)
    }

    /// Whether this admits. Every meeting is looked at, found or not: an answer takes as long for an unknown ID.
    pub(super) fn admission(&self, target: &Target, pin: Option<&Pin>) -> Admission {
        let is_meant = |meeting: &Meeting| match target {
            Target::Conference(id) => meeting.id == *id,
            Target::Room(room) => meeting.room == *room,
        };
        let mut admission = Admission::Refused;
        for meeting in self.by_room.values() {
            let answer = meeting.admission(pin);
            if is_meant(meeting) {
                admission = answer;
            }
        }
        admission
    }

    /// The conference that a target means, for the guard.
    pub(super) fn conference(&self, target: &Target) -> Option<ConferenceId> {
        match target {
            Target::Conference(id) => Some(id.clone()),
            Target::Room(room) => self.get(room).map(|meeting| meeting.id.clone()),
        }
    }
}

impl Meeting {
    fn admission(&self, pin: Option<&Pin>) -> Admission {
        let admit = |role| Admission::Admitted { room: self.room.clone(), role };
        match pin {
            None if self.pin.is_some() || self.moderator_pin.is_some() => Admission::PinNeeded,
            None => admit(Role::Participant),
            Some(pin) if self.moderator_pin.as_ref() == Some(pin) => admit(Role::Moderator),
            Some(pin) if self.pin.as_ref() == Some(pin) => admit(Role::Participant),
            Some(_) => Admission::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_decides_the_role_and_a_wrong_one_sounds_like_a_wrong_id() {
        let meeting = Meeting {
            room: "rat".parse().expect("a room"),
            id: "123456".parse().expect("an ID"),
            pin: "4711".parse().ok(),
            moderator_pin: "0815".parse().ok(),
            config: room::Config::default(),
        };
        let meetings = Meetings::new(vec![meeting]);
        let target = |id: &str| Target::Conference(id.parse().expect("an ID"));
        let answer = |id: &str, pin: Option<&str>| {
            meetings.admission(&target(id), pin.map(|pin| pin.parse().expect("a PIN")).as_ref())
        };
        assert_eq!(answer("123456", None), Admission::PinNeeded);
        assert!(matches!(answer("123456", Some("4711")), Admission::Admitted { role: Role::Participant, .. }));
        assert!(matches!(answer("123456", Some("0815")), Admission::Admitted { role: Role::Moderator, .. }));
        assert_eq!(answer("123456", Some("9999")), answer("999999", Some("4711")));
    }
}
