//! What happened, numbered, and how a copy of the roster follows it. Whoever has a [`Snapshot`] of revision *n* and
//! applies every later event has the snapshot of the last one; somebody who reconnects asks for what came since.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::command::Kind;
use super::name::Name;
use crate::words::{ParticipantId, Role};

/// Somebody, as the roster shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// Which line of the roster.
    pub id: ParticipantId,
    /// What they are called.
    pub name: Name,
    /// The institution by which they take part, if it is not this one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub institution: Option<String>,
    /// What they use.
    pub kind: Kind,
    /// What they may do.
    pub role: Role,
    /// Nobody hears them, by their own will or not.
    pub muted: bool,
    /// They cannot unmute themselves: a moderator muted them, or they are listeners without the floor.
    pub muted_by_moderator: bool,
    /// The hand is up.
    pub hand: bool,
    /// The revision at which the hand went up: who asked first has the lowest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hand_since: Option<u64>,
    /// Speaking when the snapshot was taken; kept up to date by the unnumbered list of speakers.
    #[serde(default)]
    pub speaking: bool,
    /// Waiting in front of the door. Only moderators see those.
    pub lobby: bool,
    /// The connection broke; the place is kept for a while.
    #[serde(default)]
    pub away: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase")]
pub enum Event {
    /// Somebody is in the meeting now.
    Joined {
        /// Who.
        participant: Participant,
    },
    /// Something about somebody in the meeting changed.
    Changed {
        /// How they are now.
        participant: Participant,
    },
    /// Somebody is no longer in the meeting.
    Left {
        /// Who.
        id: ParticipantId,
    },
    /// Somebody waits in front of the door, or changed while waiting.
    Waiting {
        /// Who.
        participant: Participant,
    },
    /// Somebody no longer waits: admitted, gone or sent away.
    WaitingNoLonger {
        /// Who.
        id: ParticipantId,
    },
    /// The meeting has begun.
    Opened,
    /// Whether others can come in.
    Locked {
        /// They cannot.
        on: bool,
    },
    /// The meeting is called something else.
    Retitled {
        /// What.
        title: String,
    },
    /// The meeting is over.
    Ended,
}

impl Event {
    /// Whether somebody in the meeting with that role is told. Who waits concerns those who admit, and nobody else.
    pub const fn is_for(&self, role: Role) -> bool {
        match self {
            Self::Waiting { .. } | Self::WaitingNoLonger { .. } => matches!(role, Role::Moderator),
            Self::Joined { .. }
            | Self::Changed { .. }
            | Self::Left { .. }
            | Self::Opened
            | Self::Locked { .. }
            | Self::Retitled { .. }
            | Self::Ended => true,
        }
    }
}

/// An event and its number. Numbers rise by one; somebody who is not told everything sees gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Numbered {
    /// Its number.
    pub revision: u64,
    /// What happened.
    pub event: Event,
}

/// A room at one revision, as one role may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The number of the last event in it.
    pub revision: u64,
    /// What the meeting is called.
    pub title: String,
    /// Whether it has begun and is not over.
    pub open: bool,
    /// Whether nobody else can come in.
    pub locked: bool,
    /// Whether it is over.
    pub ended: bool,
    /// Who is here, by number.
    pub participants: Vec<Participant>,
}

impl Snapshot {
    /// Brings this copy to the state after `numbered`. This is what a page does, too.
    pub fn follow(&mut self, numbered: &Numbered) {
        self.revision = numbered.revision;
        match &numbered.event {
            Event::Joined { participant } | Event::Changed { participant } | Event::Waiting { participant } => {
                self.put(participant.clone());
            }
            Event::Left { id } | Event::WaitingNoLonger { id } => self.participants.retain(|other| other.id != *id),
            Event::Opened => self.open = true,
            Event::Locked { on } => self.locked = *on,
            Event::Retitled { title } => self.title.clone_from(title),
            Event::Ended => {
                self.open = false;
                self.ended = true;
                self.participants.clear();
            }
        }
    }

    fn put(&mut self, participant: Participant) {
        match self.participants.binary_search_by_key(&participant.id, |other| other.id) {
            Ok(at) => {
                if let Some(place) = self.participants.get_mut(at) {
                    *place = participant;
                }
            }
            Err(at) => self.participants.insert(at, participant),
        }
    }
}

/// The last events.
#[derive(Clone, Debug)]
pub(super) struct History {
    events: VecDeque<Numbered>,
    most: usize,
    revision: u64,
}

impl History {
    pub(super) const fn new(most: usize) -> Self {
        Self { events: VecDeque::new(), most, revision: 0 }
    }

    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn write(&mut self, event: Event) -> Numbered {
        self.revision += 1;
        let numbered = Numbered { revision: self.revision, event };
        self.events.push_back(numbered.clone());
        while self.events.len() > self.most {
            self.events.pop_front();
        }
        numbered
    }

    /// What came after `revision`, if all of it is still here.
    pub(super) fn since(&self, revision: u64) -> Option<impl Iterator<Item = &Numbered>> {
        let missed = usize::try_from(self.revision.checked_sub(revision)?).ok()?;
        let from = self.events.len().checked_sub(missed)?;
        Some(self.events.iter().skip(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_gives_what_came_since_or_says_that_it_forgot() {
        let mut history = History::new(3);
        for _ in 0..5 {
            history.write(Event::Opened);
        }
        let since = |revision| history.since(revision).map(|events| events.map(|e| e.revision).collect::<Vec<_>>());
        assert_eq!(since(5), Some(vec![]));
        assert_eq!(since(2), Some(vec![3, 4, 5]));
        assert_eq!(since(1), None, "event 2 is forgotten");
        assert_eq!(since(6), None, "a revision of another life of this room");
    }
}
