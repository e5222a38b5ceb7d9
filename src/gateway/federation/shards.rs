//! Meetings that span institutions: from what links bring to the cascade, and from what the cascade wants to rooms, sound, links and
//! the audit.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{Gateway, clock};
use super::between::Between;
use super::quiet::Quiet;
use crate::cascade::{Cascade, Effect, Erasure, Full, Message, Noted};
use crate::ivr::{self, Admission, Guard, GuardConfig, Obstacle, Target};
use crate::links;
use crate::member::Domain;
use crate::records::calls::Crossed;
use crate::records::{Deed, Door};
use crate::room::{self, Action, Command};
use crate::words::{Bucket, CallId, LegId, ParticipantId, Pin, RoomId, Typed};
use crate::workers;

/// Legs of those on other gateways are numbered far from those of calls and of browsers.
pub(super) const FIRST_DISTANT: u64 = 1 << 61;

/// What of meetings goes beyond this node.
pub(in crate::gateway) struct Shards {
    pub(super) cascade: Cascade,
    pub(super) between: Between,
    pub(super) quiet: Quiet,
    /// Which members' people guess PINs.
    pub(super) guard: Guard<Domain>,
    /// How many calls members' own systems may still begin.
    pub(super) paces: BTreeMap<Domain, Bucket>,
}

/// A member speaks for many people, who may mistype; it gives no name for any of them, and an answer that it is asked to hold back it
/// has all the same: so it is not answered while somebody of it seems to guess.
pub(super) const fn guard() -> Guard<Domain> {
    let (first_delay, forget_one) = (Duration::from_secs(1), Duration::from_secs(30));
    let longest = Duration::from_secs(8);
    let (longest_for_caller, longest_for_room) = (longest, longest);
    Guard::new(GuardConfig { free: 20, first_delay, longest_for_caller, longest_for_room, forget_one, most: 10_000 })
}

impl Shards {
    /// When [`Gateway::on_time_of_shards`] is due.
    pub(in crate::gateway) fn next_timeout(&self) -> Option<std::time::Instant> {
        self.cascade.next_timeout()
    }
}

impl Gateway {
    /// A member's gateway is there, is gone, or says something.
    pub(super) fn on_peer(&mut self, event: &links::Event) {
        let (now, time) = (clock::now(), clock::local(&self.config.zone).time());
        let Some(Shards { cascade, .. }) = self.shards.as_mut() else { return };
        match event {
            links::Event::Up { peer } => cascade.up(peer),
            links::Event::Down { peer, .. } => cascade.down(peer, now),
            links::Event::Heard { peer, what } => cascade.heard(peer, what, &self.book, (now, time)),
            links::Event::Anew { peer } => cascade.anew(peer, now),
            links::Event::TellAnew { peer, .. } => cascade.tell_anew(peer, &self.book),
            links::Event::Refused(_) | links::Event::RoundTrip { .. } => {}
        }
        match event {
            links::Event::Up { peer } => self.meets(peer),
            links::Event::Anew { peer } => self.meets_anew(peer),
            links::Event::Down { .. }
            | links::Event::Heard { .. }
            | links::Event::TellAnew { .. }
            | links::Event::Refused(_)
            | links::Event::RoundTrip { .. } => {}
        }
        self.perform_cascade();
    }

    /// Somebody here wants into a room of another institution: true if that is asked there.
    pub(in crate::gateway) fn ask_elsewhere(&mut self, leg: LegId, target: &Target, pin: Option<&Pin>) -> bool {
        let Some(Shards { cascade, .. }) = self.shards.as_mut() else { return false };
        let room = match target {
            Target::Conference(_) if self.book.find(target).is_some() => None,
            Target::Conference(id) => cascade.find(id),
            Target::Room(room) => Some(room.clone()).filter(|room| room.home().is_some()),
        };
        let Some(room) = room else { return false };
        cascade.ask(leg, &room, pin, clock::now());
        self.perform_cascade();
        true
    }

    /// How a room of another institution begins here.
    pub(in crate::gateway) fn begin_elsewhere(&mut self, room: &RoomId) -> Option<room::Config> {
        room.home()?;
        let config = self.shards.as_mut()?.cascade.begin(room);
        self.perform_cascade();
        Some(config)
    }

    /// A moderator here wants something done elsewhere.
    pub(in crate::gateway) fn asks_elsewhere(&mut self, room: &RoomId, by: Option<ParticipantId>, action: Action) {
        if let Some(Shards { cascade, .. }) = self.shards.as_mut() {
            cascade.asks(room, by, action);
        }
    }

    /// These speak in a room here.
    pub(in crate::gateway) fn tell_speakers_elsewhere(&mut self, room: &RoomId, participants: &[ParticipantId]) {
        if let Some(Shards { cascade, .. }) = self.shards.as_mut() {
            cascade.speaking(room, participants);
        }
    }

    /// Somebody types in a room here.
    pub(in crate::gateway) fn tell_typed_elsewhere(&mut self, room: &RoomId, by: ParticipantId, text: &Typed) {
        if let Some(Shards { cascade, .. }) = self.shards.as_mut() {
            cascade.types(room, by, text);
        }
    }

    /// A room here is not as it was.
    pub(in crate::gateway) fn look_elsewhere(&mut self, name: &RoomId, room: &room::Room) {
        if let Some(Shards { cascade, .. }) = self.shards.as_mut() {
            cascade.look(name, room, &self.book);
        }
    }

    /// Somebody here who asked, or was about to come, is gone.
    pub(in crate::gateway) fn forget_elsewhere(&mut self, leg: LegId) {
        if let Some(Shards { cascade, .. }) = self.shards.as_mut() {
            cascade.forget_leg(leg);
        }
    }

    /// The meetings here are others, or shared otherwise.
    pub(in crate::gateway) fn share_anew(&mut self) {
        let Some(Shards { cascade, .. }) = self.shards.as_mut() else { return };
        for peer in cascade.linked() {
            cascade.say_rooms(&peer, &self.book);
        }
        self.perform_cascade();
    }

    /// Those who were told of somebody here are to forget them. So many are asked.
    pub(in crate::gateway) fn erase_elsewhere(&mut self, crossed: &Crossed) -> Result<usize, Full> {
        let Some(Shards { cascade, .. }) = self.shards.as_mut() else { return Ok(0) };
        let asked = cascade.erase(&crossed.room, crossed.id, &crossed.told);
        self.perform_cascade();
        asked
    }

    /// Wishes to forget somebody whose receipts are waited for.
    pub(in crate::gateway) fn waiting_erasures(&self) -> Vec<Erasure> {
        self.shards.iter().flat_map(|shards| shards.cascade.waiting_erasures()).cloned().collect()
    }

    /// A wish that was kept over a restart.
    pub(in crate::gateway) fn await_receipt(&mut self, erasure: Erasure) {
        if let Some(Shards { cascade, .. }) = self.shards.as_mut() {
            cascade.kept_erasure(erasure);
        }
    }

    /// A wait is over.
    pub(in crate::gateway) fn on_time_of_shards(&mut self, now: std::time::Instant) {
        if let Some(Shards { cascade, .. }) = self.shards.as_mut() {
            cascade.on_time(now);
        }
        self.perform_cascade();
    }

    /// Another registry counts.
    pub(super) fn members_are(&mut self, members: Vec<(Domain, String)>) {
        if let Some(Shards { cascade, quiet, paces, .. }) = self.shards.as_mut() {
            paces.retain(|member, _| members.iter().any(|(domain, _)| domain == member));
            quiet.keep(|member| members.iter().any(|(domain, _)| domain == member));
            cascade.members(members);
        }
        self.perform_cascade();
    }

    /// Does what the cascade wants, until it wants nothing. What is done may be something new to it.
    pub(in crate::gateway) fn perform_cascade(&mut self) {
        while let Some(effect) = self.shards.as_mut().and_then(|shards| shards.cascade.poll()) {
            self.perform_between(effect);
        }
    }

    fn perform_between(&mut self, effect: Effect) {
        match effect {
            Effect::Say { to, what } => self.say_to_peer(&to, &what),
            Effect::Open { room } => {
                self.open_room(&room);
                if let Some(open) = self.rooms.remove(&room) {
                    self.look_elsewhere(&room, &open);
                    self.rooms.insert(room, open);
                }
            }
            Effect::Tell { room, command } => {
                if matches!(command, Command::Put(_)) && room.home().is_none() {
                    self.open_room(&room);
                }
                self.tell_room(&room, command);
            }
            Effect::Asked { by, ticket, room, pin } => self.answer_peer(&by, ticket, &room, pin.as_ref()),
            Effect::Answered { leg, admission, hold } => self.is_answered(leg, admission, hold),
            Effect::Relate { peer, room, relay } => {
                if let Some(peer) = self.peer_id(&peer) {
                    self.tell_media(workers::Command::Relate { peer, room, relay });
                }
            }
            Effect::Unrelate { peer, room } => {
                if let Some(peer) = self.peer_id(&peer) {
                    self.tell_media(workers::Command::Unrelate { peer, room });
                }
            }
            Effect::Hear { leg, peer, ssrc, room, muted } => {
                if let Some(peer) = self.peer_id(&peer) {
                    self.tell_media(workers::Command::AddDistant { leg, peer, ssrc, room });
                    self.tell_media(workers::Command::Mute { leg, on: muted });
                }
            }
            Effect::Unhear { leg } => self.tell_media(workers::Command::Remove { leg }),
            Effect::Stream { leg, ssrc } => self.tell_media(workers::Command::Stream { leg, ssrc }),
            Effect::Choose { room, chosen } => self.tell_media(workers::Command::Choose { room, chosen }),
            Effect::Media { peer, media, answers } => self.on_media_told(&peer, *media, answers),
            Effect::Told { leg, room, id, institutions } => {
                self.ledger.crosses(CallId(leg.0), room, id, institutions);
            }
            Effect::Keep(erasure) => self.keep_erasure(&erasure),
            Effect::Forget(erasure) => self.forget_erasure(&erasure),
            Effect::Note(Noted { peer, room, what, who, event }) => {
                let Some(untold) = self.untold(&peer, what) else { return };
                let whom = who.map(|who| format!("{}@{}", who.id, who.of));
                tracing::info!(%peer, %room, what, event, untold, "between institutions");
                self.note(Deed::Federated { member: peer, room, act: what.to_owned(), whom, event, untold });
            }
            Effect::Offence { peer, what } => self.saying_refused(&peer, what.word(), what.to_string()),
        }
    }

    /// What a member said is refused.
    pub(super) fn saying_refused(&mut self, member: &Domain, kind: &'static str, why: String) {
        let Some(untold) = self.untold(member, kind) else { return };
        tracing::warn!(%member, why, untold, "what a member says is refused");
        self.note(Deed::SayingRefused { member: member.clone(), why, untold });
    }

    /// How many of the same were not noted, if it is time to note one.
    pub(super) fn untold(&mut self, member: &Domain, kind: &'static str) -> Option<u64> {
        self.shards.as_mut()?.quiet.lets_through(member, kind, clock::now())
    }

    pub(super) fn say_to_peer(&mut self, to: &Domain, what: &Message) {
        let Some(federation) = &self.federation else { return };
        let Some(json) = what.to_json() else { return };
        if let Err(why) = federation.door.say(to, json) {
            tracing::info!(peer = %to, %why, "something is not said");
        }
    }

    /// Somebody of a peer wants into a room of ours.
    fn answer_peer(&mut self, by: &Domain, ticket: u64, room: &RoomId, pin: Option<&Pin>) {
        let (admission, hold) = self.judge_peer(by, room, pin);
        let time = clock::local(&self.config.zone).time();
        if let Some(Shards { cascade, .. }) = self.shards.as_mut() {
            cascade.answer(by, ticket, room, &admission, hold, (&self.book, time));
        }
    }

    /// What our book says to somebody of a member, and for how long that is held back.
    pub(super) fn judge_peer(&mut self, by: &Domain, room: &RoomId, pin: Option<&Pin>) -> (Admission, Duration) {
        let target = Target::Room(room.clone());
        let later = (Admission::NotNow(Obstacle::Fault), Duration::ZERO);
        let Some(Shards { guard, .. }) = self.shards.as_mut() else { return later };
        let now = clock::now();
        if pin.is_some() && !guard.closed_for(Some(by), None, now).is_zero() {
            return later;
        }
        let admission = self.book.admission(&target, pin, clock::moment());
        let is_wrong = pin.is_some() && admission == Admission::Refused;
        let conference = self.book.conference(&target);
        let mut suspicions = Vec::new();
        if is_wrong {
            suspicions = guard.failed(Some(by), None, now);
            suspicions.extend(conference.as_ref().and_then(|conference| self.guard.failed_at(conference, now)));
        }
        let hold = self.guard.hold(None, conference.as_ref(), now);
        for suspicion in suspicions {
            tracing::warn!(peer = %by, %room, ?suspicion, "somebody of a member seems to guess");
            self.note_guess(Door::Member, Some(by.to_string()), Some(&target), suspicion);
        }
        (admission, hold)
    }

    /// A home institution has answered for somebody here.
    fn is_answered(&mut self, leg: LegId, admission: Admission, hold: Duration) {
        if self.callers.contains_key(&leg) {
            self.tell_menu(leg, ivr::Input::Answered { admission, hold });
        } else {
            self.page_is_answered(leg, &admission);
        }
    }
}
