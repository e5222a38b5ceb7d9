//! All meetings, from the file and by the API. Those of the file are what the file says, and nobody changes them elsewhere.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Meeting;
use crate::ivr::{Admission, Target};
use crate::words::{Both, ConferenceId, Language, Pin, RoomId};

/// A meeting, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The meeting.
    pub meeting: Meeting,
    /// Where from.
    pub source: Source,
}

/// Where a meeting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration's file.
    File,
    /// The API.
    Api {
        /// When it was last written, as the store counts.
        revision: u64,
        /// The name of the token that made it.
        by: String,
    },
}

/// A name or an ID that another meeting has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// The name.
    #[error("another meeting has this name")]
    Room,
    /// The ID.
    #[error("another meeting has this ID")]
    Id,
}

impl From<Taken> for Both {
    fn from(taken: Taken) -> Self {
        let german = match taken {
            Taken::Room => "Eine andere Konferenz hat diesen Namen",
            Taken::Id => "Eine andere Konferenz hat diese Nummer",
        };
        Self::new(german, taken.to_string())
    }
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Book {
    by_room: BTreeMap<RoomId, Listed>,
    by_id: BTreeMap<ConferenceId, RoomId>,
}

impl Book {
    /// The meetings of the file.
    ///
    /// # Errors
    /// One sentence for each that clashes with another, or cannot be as it is.
    pub fn of_file(meetings: Vec<Meeting>) -> Result<Self, Vec<String>> {
        let mut book = Self { by_room: BTreeMap::new(), by_id: BTreeMap::new() };
        let mut wrong = Vec::new();
        for meeting in meetings {
            let room = meeting.room.clone();
            wrong.extend(
                meeting
                    .faults()
                    .into_iter()
                    .map(|fault| format!("meeting {room}: {}: {}", fault.field, fault.message.said(Language::En))),
            );
            if let Err(taken) = book.put(Listed { meeting, source: Source::File }) {
                wrong.push(format!("meeting {room}: {taken}"));
            }
        }
        if wrong.is_empty() { Ok(book) } else { Err(wrong) }
    }

    /// Takes a meeting in, in the place of its former self.
    ///
    /// # Errors
    /// Another has its name or its ID: it is left out.
    pub fn put(&mut self, listed: Listed) -> Result<(), Taken> {
        let Meeting { room, id, .. } = &listed.meeting;
        let is_anew = |known: &Listed| known.source == Source::File || listed.source == Source::File;
        if self.by_room.get(room).is_some_and(is_anew) {
            return Err(Taken::Room);
        }
        if self.by_id.get(id).is_some_and(|owner| owner != room) {
            return Err(Taken::Id);
        }
        self.remove(&room.clone());
        self.by_id.insert(listed.meeting.id.clone(), listed.meeting.room.clone());
        self.by_room.insert(listed.meeting.room.clone(), listed);
        Ok(())
    }

    /// Forgets a meeting.
    pub fn remove(&mut self, room: &RoomId) -> Option<Listed> {
        let listed = self.by_room.remove(room)?;
        self.by_id.remove(&listed.meeting.id);
        Some(listed)
    }

    /// The meeting in a room.
    pub fn get(&self, room: &RoomId) -> Option<&Listed> {
        self.by_room.get(room)
    }

    /// Whether a meeting has this ID, another than the one in that room.
    pub fn is_id_taken(&self, id: &ConferenceId, besides: &RoomId) -> bool {
        self.by_id.get(id).is_some_and(|owner| owner != besides)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_room.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_room.is_empty()
    }

    /// Those after a name, in the order of their names.
    pub fn after(&self, room: Option<&RoomId>) -> impl Iterator<Item = &Listed> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = room.map_or(Unbounded, Excluded);
        self.by_room.range::<RoomId, _>((from, Unbounded)).map(|(_, listed)| listed)
    }

    /// Whether somebody gets in. A meeting that is not there costs what one costs that is.
    pub fn admission(&self, target: &Target, pin: Option<&Pin>, now: Timestamp) -> Admission {
        match self.find(target) {
            Some(listed) => listed.meeting.admission(pin, now),
            None => {
                // The same work, for nothing: PINs are compared with themselves.
                let _ = pin.map(|pin| (std::hint::black_box(pin) == pin, std::hint::black_box(pin) == pin));
                Admission::Refused
            }
        }
    }

    /// The conference that a target means, for the guard.
    pub fn conference(&self, target: &Target) -> Option<ConferenceId> {
        match target {
            Target::Conference(id) => Some(id.clone()),
            Target::Room(room) => self.get(room).map(|listed| listed.meeting.id.clone()),
        }
    }

    /// The meeting that a target means, if there is one.
    pub fn find(&self, target: &Target) -> Option<&Listed> {
        match target {
            Target::Conference(id) => self.by_id.get(id).and_then(|room| self.by_room.get(room)),
            Target::Room(room) => self.by_room.get(room),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Role;

    fn meeting(room: &str, id: &str) -> Meeting {
        let mut meeting = Meeting::new(room.parse().expect("a room"), id.parse().expect("an ID"));
        meeting.pin = "4711".parse().ok();
        meeting
    }

    fn by_api(room: &str, id: &str, revision: u64) -> Listed {
        Listed { meeting: meeting(room, id), source: Source::Api { revision, by: String::from("t") } }
    }

    fn room(name: &str) -> RoomId {
        name.parse().expect("a room")
    }

    #[test]
    fn a_wrong_pin_is_answered_like_an_id_that_does_not_exist() {
        let book = Book::of_file(vec![meeting("rat", "123456")]).expect("fits");
        let answer = |id: &str, pin: &str| {
            let target = Target::Conference(id.parse().expect("an ID"));
            book.admission(&target, pin.parse().ok().as_ref(), Timestamp::UNIX_EPOCH)
        };
        assert!(matches!(answer("123456", "4711"), Admission::Admitted { role: Role::Participant, .. }));
        assert_eq!(answer("123456", "9999"), answer("999999", "4711"));
    }

    #[test]
    fn the_files_meetings_stay_whatever_the_store_has() {
        let mut book = Book::of_file(vec![meeting("rat", "123456")]).expect("fits");
        assert_eq!(book.put(by_api("rat", "999999", 1)), Err(Taken::Room));
        assert_eq!(book.put(by_api("amt", "123456", 1)), Err(Taken::Id));
        assert_eq!(book.put(by_api("amt", "222222", 1)), Ok(()));
        assert_eq!(book.put(by_api("amt", "333333", 2)), Ok(()), "its new self");
        assert!(!book.is_id_taken(&"222222".parse().expect("an ID"), &room("rat")), "the old ID is free");
        assert!(book.is_id_taken(&"333333".parse().expect("an ID"), &room("rat")));
        book.remove(&room("amt"));
        assert!(!book.is_id_taken(&"333333".parse().expect("an ID"), &room("rat")));
        assert_eq!(book.len(), 1);
    }

    #[test]
    fn clashes_and_faults_in_the_file_are_told_all_at_once() {
        let odd = Meeting { moderator_pin: "4711".parse().ok(), ..meeting("amt", "222222") };
        let file = vec![meeting("rat", "123456"), meeting("rat", "111111"), meeting("bau", "123456"), odd];
        let wrong = Book::of_file(file).expect_err("refused").join("\n");
        for told in [
            "meeting rat: another meeting has this name",
            "meeting bau: another meeting has this ID",
            "meeting amt: moderatorPin",
        ] {
            assert!(wrong.contains(told), "no {told:?} in\n{wrong}");
        }
    }

    #[test]
    fn pages_of_the_book_go_on_after_a_name() {
        let names = ["a", "b", "c", "d"];
        let file = names.iter().enumerate().map(|(at, name)| meeting(name, &format!("10000{at}"))).collect();
        let book = Book::of_file(file).expect("fits");
        let after = |name: Option<&str>| {
            let name = name.map(room);
            book.after(name.as_ref()).take(2).map(|listed| listed.meeting.room.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(after(None), ["a", "b"]);
        assert_eq!(after(Some("b")), ["c", "d"]);
        assert_eq!(after(Some("bb")), ["c", "d"], "a name that is gone");
        assert_eq!(after(Some("d")), [] as [&str; 0]);
    }
}
