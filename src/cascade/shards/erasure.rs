//! The right to be forgotten (GDPR article 17, and article 19: whoever got the data is told). In: somebody of ours who took part in a
//! room, and the institutions that were told of them. Out: a wish to each, kept until its receipt is there, also over restarts and while
//! a member is away.
//!
//! Whose participant it was says it. A number in a room is given again when the room is made anew: a wish about one that somebody else
//! of ours has now is held back until they are gone.

use serde::{Deserialize, Serialize};

use super::super::message::{Message, Who};
use super::{Cascade, Effect, Noted};
use crate::words::{Domain, ParticipantId, RoomId};

/// One wish to one institution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Erasure {
    /// Names it in both audits.
    pub event: String,
    /// To whom.
    pub to: Domain,
    /// Where they took part, by its address.
    pub room: RoomId,
    /// Who.
    pub who: Who,
}

/// As many wishes wait for a receipt as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many erasures wait for the receipts of members")]
pub struct Full;

/// So many.
const MOST: usize = 10_000;

impl Cascade {
    /// Somebody of ours who took part there is to be forgotten by those who were told of them. How many were asked.
    ///
    /// # Errors
    /// Too many wait already; nobody was asked.
    pub fn erase(&mut self, room: &RoomId, id: ParticipantId, told: &[Domain]) -> Result<usize, Full> {
        let told: Vec<&Domain> = told.iter().filter(|peer| **peer != self.us).collect();
        if self.erasures.len() + told.len() > MOST {
            return Err(Full);
        }
        let address = self.address(room);
        let (who, event) = (self.one(id), self.event());
        for to in &told {
            let erasure = Erasure { event: event.clone(), to: (*to).clone(), room: address.clone(), who: who.clone() };
            self.out.push_back(Effect::Note(noted(&erasure, "erasureAsked")));
            self.out.push_back(Effect::Keep(Box::new(erasure.clone())));
            self.say_erasure(&erasure);
            self.erasures.insert(erasure);
        }
        Ok(told.len())
    }

    /// A wish that was kept over a restart.
    pub fn kept_erasure(&mut self, erasure: Erasure) {
        self.erasures.insert(erasure);
    }

    /// Wishes whose receipts are waited for.
    pub fn waiting_erasures(&self) -> impl Iterator<Item = &Erasure> {
        self.erasures.iter()
    }

    /// A peer knows nothing of what we said: the wishes are said again.
    pub(super) fn say_erasures_to(&mut self, peer: &Domain) {
        let all: Vec<Erasure> = self.erasures.iter().filter(|erasure| erasure.to == *peer).cloned().collect();
        all.iter().for_each(|erasure| self.say_erasure(erasure));
    }

    /// Nobody of ours has this number there any more: what was held back is said.
    pub(super) fn say_erasures_of(&mut self, address: &RoomId, id: ParticipantId) {
        let about = |erasure: &&Erasure| erasure.room == *address && erasure.who.id == id;
        let all: Vec<Erasure> = self.erasures.iter().filter(about).cloned().collect();
        all.iter().for_each(|erasure| self.say_erasure(erasure));
    }

    fn say_erasure(&mut self, erasure: &Erasure) {
        let is_there = |shard: &super::Shard| shard.ours.contains_key(&erasure.who.id);
        if !self.shards.get(&erasure.room).is_some_and(is_there) {
            let Erasure { event, to, room, who } = erasure.clone();
            self.say(&to, Message::Erase { room, who, event });
        }
    }

    /// A peer wants somebody to be forgotten.
    pub(super) fn is_to_erase(&mut self, peer: &Domain, address: &RoomId, who: Who, event: String) {
        if who.of != *peer {
            return self.is_not_theirs(peer, address, Some(who));
        }
        let mut had = false;
        self.with(address, |cascade, shard| {
            if let Some(other) = shard.others.get_mut(&who) {
                had = true;
                other.ways.clear();
                cascade.refresh(address, shard, &who);
            }
        });
        let (of, room) = (Some(who.clone()), address.clone());
        let noted = Noted { peer: peer.clone(), room: room.clone(), what: "erased", who: of, event: event.clone() };
        self.out.push_back(Effect::Note(noted));
        self.say(peer, Message::Erased { room, who, event, had });
    }

    /// A peer has forgotten somebody.
    pub(super) fn has_erased(&mut self, peer: &Domain, address: &RoomId, who: Who, event: String) {
        let erasure = Erasure { event, to: peer.clone(), room: address.clone(), who };
        // A receipt for what nobody waits for says nothing.
        if self.erasures.remove(&erasure) {
            self.out.push_back(Effect::Note(noted(&erasure, "erasureReceipt")));
            self.out.push_back(Effect::Forget(Box::new(erasure)));
        }
    }
}

fn noted(erasure: &Erasure, what: &'static str) -> Noted {
    let Erasure { event, to, room, who } = erasure.clone();
    Noted { peer: to, room, what, who: Some(who), event }
}
