//! Links that come up and go down: who is told what, and who meets whom while the home institution is away.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::super::message::{Message, Shared};
use super::shard::Shard;
use super::{Cascade, Effect, Peer, Tie};
use crate::meeting::{Book, Meeting, Names, Share};
use crate::words::{Domain, RoomId};

/// So long those whom a silent peer told of stay in the roster, as away.
const GRACE: Duration = Duration::from_secs(45);

/// A peer that has lost its memory tells within this time who is there.
const TO_TELL: Duration = Duration::from_secs(10);

impl Cascade {
    /// These institutions there are, with their names, and no others.
    pub fn members(&mut self, members: impl IntoIterator<Item = (Domain, String)>) {
        // Whoever is none any more: what they told counts no longer.
        let mut former = std::mem::take(&mut self.peers);
        for (domain, name) in members.into_iter().filter(|(domain, _)| *domain != self.us) {
            let known = former.remove(&domain).unwrap_or_default();
            self.peers.insert(domain, Peer { name, ..known });
        }
        for gone in former.keys() {
            self.each(|cascade, address, shard| cascade.untie(address, shard, gone));
        }
    }

    /// A link is up.
    pub fn up(&mut self, peer: &Domain) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        known.up = true;
        self.each(|cascade, address, shard| {
            let again = shard.doubt(peer, None);
            again.iter().for_each(|who| cascade.refresh(address, shard, who));
            if shard.home == *peer {
                cascade.part(address, shard);
            }
        });
    }

    /// A link is down.
    pub fn down(&mut self, peer: &Domain, now: Instant) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        known.up = false;
        self.ask_in_vain(peer);
        self.each(|cascade, address, shard| {
            let away = shard.doubt(peer, Some(now + GRACE));
            away.iter().for_each(|who| cascade.refresh(address, shard, who));
            if shard.home == *peer {
                cascade.out.push_back(Effect::Choose { room: cascade.here(address), chosen: None });
                cascade.meet_all(address, shard);
            }
        });
    }

    /// A peer tells everything anew: what it told before is in doubt.
    pub fn anew(&mut self, peer: &Domain, now: Instant) {
        let until = Some(now + TO_TELL);
        self.each(|_, _, shard| {
            shard.doubt(peer, until);
            if let Some(tie) = shard.ties.get_mut(peer) {
                tie.until = until;
            }
        });
    }

    /// A peer knows nothing of what we said: everything that counts is said again.
    pub fn tell_anew(&mut self, peer: &Domain, book: &Book) {
        self.say_rooms(peer, book);
        self.each(|cascade, address, shard| {
            if shard.home == *peer {
                let home = shard.home.clone();
                cascade.say(&home, Message::Enter { room: address.clone() });
                cascade.tell_all(address, shard, peer);
            } else if shard.ties.contains_key(peer) {
                cascade.say_state(address, shard, peer, book);
                if shard.home != cascade.us {
                    cascade.say(peer, Message::Meet { room: address.clone() });
                }
                cascade.tell_all(address, shard, peer);
            }
        });
        self.say_erasures_to(peer);
    }

    /// The meetings of ours are not as they were: a peer is told which it may join.
    pub fn say_rooms(&mut self, peer: &Domain, book: &Book) {
        let all = book.after(None).map(|listed| &listed.meeting);
        let shared = all.filter_map(|meeting| Some((meeting, self.share(peer, &meeting.room, book)?)));
        let shared: Vec<(&Meeting, &Share)> = shared.collect();
        let nameless = shared.iter().filter(|(_, share)| share.names == Names::None);
        let nameless: BTreeSet<RoomId> = nameless.map(|(meeting, _)| meeting.room.at(&self.us)).collect();
        let rooms = shared
            .into_iter()
            .map(|(meeting, _)| Shared {
                room: meeting.room.at(&self.us),
                id: meeting.id.clone(),
                title: meeting.title.clone(),
            })
            .collect();
        self.say(peer, Message::Rooms { rooms });
        self.hide_names(peer, nameless);
    }

    /// In these rooms of ours a peer is told no names. Where that is new, it is told again who is there.
    fn hide_names(&mut self, peer: &Domain, rooms: BTreeSet<RoomId>) {
        let us = Some(self.us.clone());
        let is_meant = |(of, room): &(Domain, RoomId)| of == peer && room.home() == us;
        let before: BTreeSet<RoomId> =
            self.nameless.iter().filter(|one| is_meant(one)).map(|(_, room)| room.clone()).collect();
        self.nameless.retain(|one| !is_meant(one));
        let changed: Vec<RoomId> = before.symmetric_difference(&rooms).cloned().collect();
        self.nameless.extend(rooms.into_iter().map(|room| (peer.clone(), room)));
        for address in changed {
            self.with(&address, |cascade, shard| {
                if shard.ties.contains_key(peer) {
                    cascade.tell_all(&address, shard, peer);
                }
            });
        }
    }

    /// All peers whose link is up.
    pub fn linked(&self) -> Vec<Domain> {
        self.peers.iter().filter(|(_, peer)| peer.up).map(|(domain, _)| domain.clone()).collect()
    }

    /// A new media connection with a peer is there: what is to pass on it is said once more.
    pub fn media_anew(&mut self, peer: &Domain) {
        self.each(|cascade, address, shard| {
            let (room, relay) = (cascade.here(address), shard.home == cascade.us);
            let is_home = shard.home == *peer;
            if is_home || shard.ties.get(peer).is_some_and(|tie| tie.related) {
                cascade.out.push_back(Effect::Relate { peer: peer.clone(), room: room.clone(), relay });
            }
            for other in shard.others.values() {
                if let Some((via, ssrc)) = other.heard.clone().filter(|(via, _)| via == peer) {
                    let muted = other.shown.as_ref().is_some_and(|shown| shown.muted);
                    cascade.out.push_back(Effect::Hear { leg: other.leg, peer: via, ssrc, room: room.clone(), muted });
                }
            }
        });
    }

    /// Somebody of ours is in a room whose home is elsewhere.
    pub(super) fn enter(&mut self, address: &RoomId, home: &Domain) {
        self.say(home, Message::Enter { room: address.clone() });
        self.say(home, Message::AllTold { room: address.clone() });
        let (peer, room) = (home.clone(), self.here(address));
        self.out.push_back(Effect::Relate { peer, room, relay: false });
    }

    /// Everybody of whom a peer is told in a room.
    pub(super) fn tell_all(&mut self, address: &RoomId, shard: &Shard, peer: &Domain) {
        for line in shard.lines_for(peer, shard.home == self.us) {
            self.say(peer, Message::Put { room: address.clone(), line: Box::new(line) });
        }
        self.say(peer, Message::AllTold { room: address.clone() });
    }

    /// Gateways that have entered are told of everybody: only now it is known who that is.
    pub(super) fn tell_newcomers(&mut self, address: &RoomId, shard: &mut Shard) {
        let untold = |(peer, tie): (&Domain, &mut Tie)| std::mem::take(&mut tie.untold).then(|| peer.clone());
        let peers: Vec<Domain> = shard.ties.iter_mut().filter_map(untold).collect();
        peers.iter().for_each(|peer| self.tell_all(address, shard, peer));
    }

    /// A peer says that the home of a room does not answer it.
    pub(super) fn is_met(&mut self, peer: &Domain, address: &RoomId) {
        self.with(address, |cascade, shard| {
            if !cascade.is_up(&shard.home.clone()) {
                cascade.meet(address, shard, peer);
            }
        });
    }

    /// The home of a room does not answer: the other shards, where the meeting allows it.
    fn meet_all(&mut self, address: &RoomId, shard: &mut Shard) {
        let Some(state) = &shard.state else { return };
        let others: Vec<Domain> = state.shards.iter().filter(|peer| self.is_up(peer)).cloned().collect();
        others.iter().for_each(|peer| self.meet(address, shard, peer));
    }

    fn meet(&mut self, address: &RoomId, shard: &mut Shard, peer: &Domain) {
        let allowed = shard.state.as_ref().is_some_and(|state| state.alone && state.shards.contains(peer));
        if allowed && *peer != self.us && !shard.ties.contains_key(peer) {
            shard.ties.insert(peer.clone(), Tie::default());
            self.say(peer, Message::Meet { room: address.clone() });
            self.tell_all(address, shard, peer);
            self.relate(address, shard);
        }
    }

    /// The home of a room answers again: the others are not needed any more.
    fn part(&mut self, address: &RoomId, shard: &mut Shard) {
        for (peer, tie) in std::mem::take(&mut shard.ties) {
            self.say(&peer, Message::Leave { room: address.clone() });
            if tie.related {
                self.out.push_back(Effect::Unrelate { peer, room: self.here(address) });
            }
        }
    }

    /// Does something with every shard.
    fn each(&mut self, mut work: impl FnMut(&mut Self, &RoomId, &mut Shard)) {
        let addresses: Vec<RoomId> = self.shards.keys().cloned().collect();
        for address in addresses {
            self.with(&address, |cascade, shard| work(cascade, &address, shard));
        }
    }
}
