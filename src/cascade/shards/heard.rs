//! What peers say, and whether they may: a peer speaks for its own people, and the home institution for everybody.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::civil::Time;
use serde_json::value::RawValue;

use super::super::message::{Line, Message, Shared, State, Who, Why};
use super::shard::{LEAST, Shard, Way};
use super::{Cascade, Effect, Noted, Offence, Tie};
use crate::meeting::{Book, Share};
use crate::room::{Action, Command, Role};
use crate::words::{Bucket, ConferenceId, Domain, LegId, RoomId, Typed};

/// People of one peer in one room whom we remember, whatever it says.
const MOST_ELSEWHERE: usize = 2_000;

/// Rooms of one peer that we remember.
const MOST_ROOMS: usize = 4_096;

/// So many messages that cost us more than the peer may come at once, and so many a second after that.
const PATIENCE: (f64, f64) = (400.0, 20.0);

impl Cascade {
    /// A peer said something, now, which is this time by the institution's clock.
    pub fn heard(&mut self, peer: &Domain, what: &RawValue, book: &Book, (now, time): (Instant, Time)) {
        match Message::read(what) {
            Ok(message) if !self.has_patience(peer, &message, now) => self.offends(peer, Offence::TooMuch),
            Ok(message) => self.on_message(peer, message, (book, time)),
            Err(why) => {
                tracing::debug!(%peer, why, "a message that cannot be read is ignored");
                self.offends(peer, Offence::Garbled);
            }
        }
    }

    /// Who enters is told everybody, who asks has a PIN looked at, who leads is passed on and stands in the audit, who offers
    /// gets another media connection: each is a small message, and nobody needs thousands of them.
    fn has_patience(&mut self, peer: &Domain, message: &Message, now: Instant) -> bool {
        let Some(known) = self.peers.get_mut(peer) else { return true };
        let is_costly = match message {
            Message::Ask { .. } | Message::Enter { .. } | Message::Act { .. } | Message::Meet { .. } => true,
            Message::Offer(_) | Message::Answered(_) => true,
            Message::Rooms { .. }
            | Message::Answer { .. }
            | Message::Shard { .. }
            | Message::Close { .. }
            | Message::Leave { .. }
            | Message::Put { .. }
            | Message::Gone { .. }
            | Message::AllTold { .. }
            | Message::Refuse { .. }
            | Message::Speaking { .. }
            | Message::Text { .. }
            | Message::Erase { .. }
            | Message::Erased { .. }
            | Message::Unknown => false,
        };
        !is_costly || known.patience.get_or_insert_with(|| Bucket::new(PATIENCE.0, PATIENCE.1, now)).take(now)
    }

    fn are_told_rooms(&mut self, peer: &Domain, mut rooms: Vec<Shared>) {
        rooms.retain(|shared| shared.room.home().as_ref() == Some(peer));
        rooms.truncate(MOST_ROOMS);
        let others: BTreeSet<&ConferenceId> =
            self.rooms().filter(|(of, _)| *of != peer).map(|(_, shared)| &shared.id).collect();
        let is_taken = rooms.iter().any(|shared| others.contains(&shared.id));
        if let Some(known) = self.peers.get_mut(peer) {
            known.rooms = rooms;
        }
        if is_taken {
            self.offends(peer, Offence::SameId);
        }
    }

    fn on_message(&mut self, peer: &Domain, message: Message, (book, time): (&Book, Time)) {
        match message {
            Message::Rooms { rooms } => self.are_told_rooms(peer, rooms),
            Message::Ask { ticket, room, pin } => self.is_asked(peer, ticket, &room, pin, (book, time)),
            Message::Answer { ticket, verdict, hold } => {
                self.is_answered(peer, ticket, verdict, Duration::from_millis(hold.min(60_000)));
            }
            Message::Enter { room } => self.is_entered(peer, &room, book),
            Message::Shard { room, state } => self.is_told_state(peer, &room, state),
            Message::Close { room, .. } => self.is_closed(peer, &room),
            Message::Leave { room } => self.is_left(peer, &room),
            Message::Meet { room } => self.is_met(peer, &room),
            Message::Put { room, line } => self.is_put(peer, &room, *line, (book, time)),
            Message::Gone { room, who } => self.is_gone(peer, &room, &who),
            Message::AllTold { room } => self.has_told_all(peer, &room),
            Message::Refuse { room, who, why } => self.is_refused(peer, &room, &who, why),
            Message::Act { room, by, whom, action, event } => self.on_act(peer, &room, by, whom, action, event),
            Message::Speaking { room, who } => self.is_told_speakers(peer, &room, &who),
            Message::Text { room, who, text } => self.is_told_text(peer, &room, who, text),
            Message::Erase { room, who, event } => self.is_to_erase(peer, &room, who, event),
            Message::Erased { room, who, event, .. } => self.has_erased(peer, &room, who, event),
            Message::Offer(media) => {
                self.out.push_back(Effect::Media { peer: peer.clone(), media: Box::new(media), answers: false });
            }
            Message::Answered(media) => {
                self.out.push_back(Effect::Media { peer: peer.clone(), media: Box::new(media), answers: true });
            }
            Message::Unknown => {}
        }
    }

    /// A peer has somebody in a room of ours.
    fn is_entered(&mut self, peer: &Domain, address: &RoomId, book: &Book) {
        if self.share_of(peer, address, book).is_none() {
            return self.refuses(peer, address, None, Why::NotShared);
        }
        let us = self.us.clone();
        let shard = self.shards.entry(address.clone()).or_insert_with(|| Shard::new(us));
        shard.ties.insert(peer.clone(), Tie { untold: true, ..Tie::default() });
        // What it is goes to all its shards, this one included.
        shard.state = None;
        // Whoever of them was there is told again.
        self.with(address, |cascade, shard| {
            let stale = shard.drop_ways(|via, _| via == peer);
            stale.iter().for_each(|who| cascade.refresh(address, shard, who));
        });
        self.note(peer, address, "entered", None);
        self.out.push_back(Effect::Open { room: self.here(address) });
    }

    /// The home institution says how a meeting is.
    fn is_told_state(&mut self, peer: &Domain, address: &RoomId, state: State) {
        if address.home().as_ref() != Some(peer) {
            return self.is_not_theirs(peer, address, None);
        }
        self.with(address, |cascade, shard| {
            let told = state.told();
            cascade.nameless.retain(|(_, room)| room != address);
            cascade.nameless.extend(state.nameless.iter().map(|peer| (peer.clone(), address.clone())));
            shard.state = Some(state);
            let room = cascade.here(address);
            let change = Command::Change(Box::new(shard.config()));
            cascade.out.push_back(Effect::Tell { room: room.clone(), command: change });
            cascade.out.push_back(Effect::Tell { room, command: Command::Told(told) });
        });
    }

    fn is_closed(&mut self, peer: &Domain, address: &RoomId) {
        if address.home().as_ref() != Some(peer) {
            return self.is_not_theirs(peer, address, None);
        }
        if self.shards.contains_key(address) {
            self.out.push_back(Effect::Tell { room: self.here(address), command: Command::End });
        }
    }

    /// A peer has nobody there any more, or does not need us any more.
    fn is_left(&mut self, peer: &Domain, address: &RoomId) {
        self.with(address, |cascade, shard| {
            if shard.home != *peer {
                cascade.untie(address, shard, peer);
            }
        });
        self.forget_empty(address);
    }

    /// At home a shard without others is none.
    pub(super) fn forget_empty(&mut self, address: &RoomId) {
        if self.shards.get(address).is_some_and(|shard| shard.home == self.us && shard.ties.is_empty()) {
            self.shards.remove(address);
        }
    }

    fn is_put(&mut self, peer: &Domain, address: &RoomId, mut line: Line, (book, time): (&Book, Time)) {
        let home = address.home();
        let who = line.who.clone();
        let Some(shard) = self.shards.get(address) else { return };
        let is_known = shard.others.contains_key(&who);
        // A peer speaks for its own; the home institution for everybody but us.
        let may_say = if home.as_ref() == Some(peer) { who.of != self.us } else { who.of == *peer };
        if !may_say {
            return self.is_not_theirs(peer, address, Some(who));
        }
        if home.as_ref() == Some(&self.us) {
            if !shard.ties.contains_key(peer) {
                return;
            }
            let Some(share) = self.share_of(peer, address, book).cloned() else {
                return self.refuses(peer, address, Some(who), Why::NotShared);
            };
            if let Err(why) = self.fit(peer, address, (&share, time), &mut line) {
                return self.refuses(peer, address, Some(who), why);
            }
        } else if home.as_ref() != Some(peer) {
            let allowed = shard.state.as_ref().is_some_and(|state| state.alone && state.shards.contains(peer));
            if !allowed {
                return self.is_not_theirs(peer, address, Some(who));
            }
            // Whatever they say of themselves: not more than the home institution said of them.
            let known = shard.others.get(&who).and_then(|other| other.ways.get(&shard.home)).map(|way| way.line.role);
            line.role = line.role.min(known.unwrap_or(LEAST));
        }
        if !is_known && shard.others.len() >= MOST_ELSEWHERE {
            return self.refuses(peer, address, Some(who), Why::Full);
        }
        self.with(address, |cascade, shard| {
            let other = shard.others.entry(who.clone()).or_insert_with(|| cascade.newcomer());
            other.ways.insert(peer.clone(), Way { line, until: None, hidden: false });
            cascade.refresh(address, shard, &who);
        });
    }

    /// Somebody of a peer in a room of ours: whether they may be there, and as what.
    fn fit(&self, peer: &Domain, address: &RoomId, (share, time): (&Share, Time), line: &mut Line) -> Result<(), Why> {
        let shard = self.shards.get(address).ok_or(Why::Fault)?;
        let granted =
            line.grant.as_deref().and_then(|grant| self.granted(grant, peer, address)).ok_or(Why::NotShared)?;
        let is_same = |(who, other): (&Who, &super::shard::Other)| {
            *who != line.who && other.ways.get(peer).is_some_and(|way| way.line.grant == line.grant)
        };
        if shard.others.iter().any(is_same) {
            // One grant is for one person.
            return Err(Why::NotShared);
        }
        // The grant may be older than what holds now.
        line.role = share.role(line.role.min(granted));
        let known = shard.others.get(&line.who);
        if known.is_none() {
            let theirs = shard.count_of(peer);
            let locked = shard.state.as_ref().is_some_and(|state| state.locked);
            if !self.is_open(peer, share, time) {
                return Err(Why::NotShared);
            }
            if theirs >= share.most {
                return Err(Why::Full);
            }
            if locked && line.role != Role::Moderator {
                return Err(Why::Locked);
            }
        }
        let admitted = known.is_some_and(|other| other.admitted);
        line.lobby |= share.lobby && !admitted && line.role != Role::Moderator;
        Ok(())
    }

    fn is_gone(&mut self, peer: &Domain, address: &RoomId, who: &Who) {
        if who.of != *peer && (address.home().as_ref() != Some(peer) || who.of == self.us) {
            return self.is_not_theirs(peer, address, Some(who.clone()));
        }
        self.with(address, |cascade, shard| {
            if let Some(other) = shard.others.get_mut(who)
                && other.ways.remove(peer).is_some()
            {
                // The home institution passes on what it knows: nobody is left out there who is still here.
                if shard.home == *peer || who.of == *peer {
                    other.ways.clear();
                }
                cascade.refresh(address, shard, who);
            }
        });
    }

    /// Whoever was not told again is gone.
    fn has_told_all(&mut self, peer: &Domain, address: &RoomId) {
        self.with(address, |cascade, shard| {
            let is_home = shard.home == *peer;
            let met: BTreeSet<Domain> = shard.ties.keys().cloned().collect();
            // What those told whom we met while the home institution was away is told by it now, or not so any more.
            let is_past = |via: &Domain| is_home && via != peer && !met.contains(via);
            let stale = shard.drop_ways(|via, way| (via == peer && way.until.is_some()) || is_past(via));
            stale.iter().for_each(|who| cascade.refresh(address, shard, who));
        });
    }

    /// Somebody of ours cannot be there.
    fn is_refused(&mut self, peer: &Domain, address: &RoomId, who: &Who, why: Why) {
        if address.home().as_ref() != Some(peer) || who.of != self.us {
            return self.is_not_theirs(peer, address, Some(who.clone()));
        }
        tracing::info!(%peer, room = %address, participant = %who.id, ?why, "the home institution does not take somebody of ours");
        let command = Command::Lead(Action::Remove { participant: who.id });
        self.out.push_back(Effect::Tell { room: self.here(address), command });
    }

    /// Somebody elsewhere who leads wants something done.
    fn on_act(&mut self, peer: &Domain, address: &RoomId, by: Who, whom: Option<Who>, action: Action, event: String) {
        let Some(mut shard) = self.shards.remove(address) else { return };
        let at_home = shard.home == self.us;
        let leads = |shard: &Shard| {
            let line = shard.others.get(&by).and_then(|other| other.shown.as_ref());
            line.is_some_and(|one| one.role == Role::Moderator && !one.lobby)
        };
        let allowed = if at_home { by.of == *peer && leads(&shard) } else { shard.home == *peer };
        let room = self.here(address);
        match (allowed, &whom) {
            (false, _) => self.is_not_theirs(peer, address, Some(by.clone())),
            (true, Some(whom)) if whom.of == self.us && shard.ours.contains_key(&whom.id) => {
                let command = if let (true, Action::Mute { on, .. }) = (by.is_institution(), action) {
                    Command::Mute { participant: whom.id, on }
                } else {
                    Command::Lead(action.to(whom.id))
                };
                self.out.push_back(Effect::Tell { room, command });
            }
            (true, Some(whom)) if at_home && whom.of != *peer && shard.others.contains_key(whom) => {
                self.admits(address, &mut shard, Some(whom), action);
                let (whom, event) = (Some(whom.clone()), event.clone());
                let to = whom.as_ref().map_or_else(|| peer.clone(), |whom| whom.of.clone());
                self.say(&to, Message::Act { room: address.clone(), by: by.clone(), whom, action, event });
            }
            (true, Some(_)) => {}
            (true, None) if action.is_for_all() || (at_home && action.is_for_home()) => {
                self.out.push_back(Effect::Tell { room, command: Command::Lead(action) });
                if at_home && action.is_for_all() {
                    self.admits(address, &mut shard, None, action);
                    let event = event.clone();
                    let act = Message::Act { room: address.clone(), by: by.clone(), whom: None, action, event };
                    self.say_to_all(&shard, Some(peer), &act);
                }
            }
            (true, None) => {}
        }
        if allowed {
            let noted =
                Noted { peer: peer.clone(), room: address.clone(), what: "acted", who: whom.or(Some(by)), event };
            self.out.push_back(Effect::Note(noted));
        }
        self.shards.insert(address.clone(), shard);
    }

    fn is_told_speakers(&mut self, peer: &Domain, address: &RoomId, who: &[Who]) {
        if address.home().as_ref() != Some(peer) {
            return self.is_not_theirs(peer, address, None);
        }
        let Some(shard) = self.shards.get(address) else { return };
        let chosen: Vec<LegId> = who.iter().filter_map(|who| shard.leg_of(who, &self.us)).collect();
        self.out.push_back(Effect::Choose { room: self.here(address), chosen: Some(chosen) });
    }

    /// Somebody elsewhere types: the room here says whether they may.
    fn is_told_text(&mut self, peer: &Domain, address: &RoomId, who: Who, text: Typed) {
        let Some(shard) = self.shards.get(address) else { return };
        let may_say = if shard.home == *peer { who.of != self.us } else { who.of == *peer };
        let other = shard.others.get(&who).filter(|_| may_say);
        let Some(other) = other.filter(|other| other.ways.contains_key(peer)) else {
            return self.is_not_theirs(peer, address, Some(who));
        };
        // Who is met while their home does not answer is heard directly, and not twice once it does.
        let by_home = other.ways.get(&shard.home).is_some_and(|way| !way.line.away) && self.is_up(&shard.home);
        if by_home && shard.home != *peer {
            return;
        }
        let command = Command::TypeElsewhere { participant: other.id, text };
        self.out.push_back(Effect::Tell { room: self.here(address), command });
    }

    // --- refusing ---

    fn share_of<'a>(&self, peer: &Domain, address: &RoomId, book: &'a Book) -> Option<&'a Share> {
        if address.home().as_ref() == Some(&self.us) { self.share(peer, &address.here(), book) } else { None }
    }

    fn refuses(&mut self, peer: &Domain, address: &RoomId, who: Option<Who>, why: Why) {
        self.note(peer, address, refusal(why), who.clone());
        let room = address.clone();
        self.say(
            peer,
            who.map_or(Message::Close { room: room.clone(), why }, |who| Message::Refuse { room, who, why }),
        );
    }

    /// A peer speaks for somebody, or of a room, that is not its own.
    pub(super) fn is_not_theirs(&mut self, peer: &Domain, address: &RoomId, who: Option<Who>) {
        self.note(peer, address, "notTheirs", who);
    }

    fn offends(&mut self, peer: &Domain, what: Offence) {
        self.out.push_back(Effect::Offence { peer: peer.clone(), what });
    }

    pub(super) fn note(&mut self, peer: &Domain, address: &RoomId, what: &'static str, who: Option<Who>) {
        let event = self.event();
        self.out.push_back(Effect::Note(Noted { peer: peer.clone(), room: address.clone(), what, who, event }));
    }
}

const fn refusal(why: Why) -> &'static str {
    match why {
        Why::Locked => "refusedLocked",
        Why::Full => "refusedFull",
        Why::Over => "refusedOver",
        Why::NotShared => "refusedNotShared",
        Why::Fault | Why::Other => "refusedFault",
    }
}
