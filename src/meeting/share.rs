//! With whom a meeting is shared: institutions of the federation, and what their people may. In: what an admin wrote of a meeting and of an
//! institution. Out: what holds for both together.

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::Fault;
use crate::dialplan::Span;
use crate::words::{Domain, Role, RoomId, both};

/// What the people of one other institution may in a meeting of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Which institution.
    pub with: Domain,
    /// So many of them may be there at once, those who wait included.
    #[serde(default = "most")]
    pub most: usize,
    /// What they are at most, whichever PIN they know.
    #[serde(default = "role")]
    pub role: Role,
    /// Whether they wait until one of our moderators admits them, also if ours do not.
    #[serde(default)]
    pub lobby: bool,
    /// What names of others they see.
    #[serde(default)]
    pub names: Names,
    /// They come in at these hours alone, by our clock; at any time, if nothing is said. Who is in may stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Span>,
}

/// What is told of somebody's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Names {
    /// What they chose to be called, or `Telefon ···42`.
    #[default]
    Chosen,
    /// Nothing: `Telefon` or `Gast`.
    None,
}

/// What holds for one other institution in all meetings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Which institution.
    pub with: Domain,
    /// It is told of these rooms of ours alone; of all that are shared with it, if nothing is said.
    #[serde(default)]
    pub rooms: Option<Vec<RoomId>>,
    /// Its people come in at these hours alone, by our clock.
    #[serde(default)]
    pub hours: Option<Span>,
    /// What it is told of names, also of our people in its own meetings.
    #[serde(default)]
    pub names: Names,
    /// So much sound goes there at once, in kilobits a second: one who speaks for each 64.
    #[serde(default)]
    pub kbits: Option<u32>,
}

const fn most() -> usize {
    100
}

const fn role() -> Role {
    Role::Participant
}

/// Institutions with which one meeting is shared.
const MOST_SHARES: usize = 64;

impl Share {
    /// What somebody is there who would be this with us.
    pub fn role(&self, role: Role) -> Role {
        role.min(self.role)
    }

    /// Whether somebody may come in at this time.
    pub fn is_open(&self, time: Time) -> bool {
        self.hours.is_none_or(|hours| hours.has(time))
    }
}

impl Terms {
    /// Whether the institution may know of a room of ours.
    pub fn shows(&self, room: &RoomId) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.contains(room))
    }

    /// Whether somebody may come in at this time.
    pub fn is_open(&self, time: Time) -> bool {
        self.hours.is_none_or(|hours| hours.has(time))
    }

    /// So many may speak there at once.
    pub fn speakers(&self) -> Option<usize> {
        let kbits = usize::try_from(self.kbits?).unwrap_or(usize::MAX);
        Some((kbits / KBITS_OF_ONE).max(1))
    }
}

/// Opus at 40 kbit/s, in packets of 20 ms with all that is around them.
const KBITS_OF_ONE: usize = 64;

/// What cannot be so.
pub(super) fn faults(shares: &[Share]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if shares.len() > MOST_SHARES {
        let message = both!(
            "Eine Konferenz wird mit höchstens {} Einrichtungen geteilt",
            "a meeting is shared with {} institutions at most",
            MOST_SHARES
        );
        faults.push(Fault::new("shares", message));
    }
    let twice =
        shares.iter().enumerate().any(|(at, share)| shares.iter().take(at).any(|other| other.with == share.with));
    if twice {
        let message = both!(
            "Eine Einrichtung steht zweimal da: Nennen Sie jede einmal",
            "an institution stands there twice: name each once"
        );
        faults.push(Fault::new("shares", message));
    }
    if shares.iter().any(|share| share.most == 0) {
        let message = both!(
            "most ist 0: Niemand könnte kommen; lassen Sie diese Einrichtung weg",
            "most is 0: nobody could come; leave that institution out"
        );
        faults.push(Fault::new("shares", message));
    }
    faults
}
