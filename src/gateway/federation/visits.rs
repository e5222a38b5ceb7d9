//! Those whom another institution's own system brings to a meeting here, by SIP over mutual TLS (docs/federation.md). In: its calls. Out:
//! the same that a member's people may by its gateway, in the one room that was called. Nothing else: no such call sees the dialplan.

use super::super::caller::{Brief, Caller};
use super::super::ledger::Asked;
use super::super::residing::Whose;
use super::super::routing::{Beginning, asked};
use super::super::{Gateway, clock, leg_of};
use crate::call::Refusal;
use crate::ivr::{self, Admission, Obstacle, Target};
use crate::meeting::Terms;
use crate::member::{Domain, Registry};
use crate::records::Deed;
use crate::room::{Guest, Kind, Name, Newcomer};
use crate::sip::{self, MemberRefused, Visitor};
use crate::words::{Bucket, CallId, LegId, Pin, Role, RoomId, both};

/// A member begins so many calls at once, and so many a second after that: an institution's council comes within a minute.
const AT_ONCE: f64 = 30.0;
const A_SECOND: f64 = 5.0;

/// What stands in From of somebody who withholds who they are (RFC 3323 section 4.1.1.3).
const WITHHELD: &str = "anonymous.invalid";

impl Gateway {
    /// A member's own system calls.
    pub(in crate::gateway) fn visited(
        &mut self,
        call: CallId,
        facts: &sip::Facts,
        visitor: &Visitor,
        offer: Option<&str>,
    ) -> Result<sip::Reply, Refusal> {
        let (leg, member) = (leg_of(call), &visitor.member);
        let room = self.room_for(visitor, &facts.called);
        // Whatever else was called may be a person's number, and is nobody's business here.
        let called = room.as_ref().map_or_else(|_| facts.called_masked(), ToString::to_string);
        let decision = match &room {
            Ok(room) => both!("Raum {}, für {} über SIP", "room {}, for {} by SIP", room, member),
            Err(why) => why.told(),
        };
        let facts = sip::Facts { called, ..facts.clone() };
        let under = self.routing.running.clone();
        self.ledger.begin(call, Asked { facts: asked(&facts), under: under.clone(), rule: None, decision });
        let brief = Brief { facts, under };
        let answer = room.and_then(|room| {
            let beginning = Beginning::Menu { door: ivr::Door::Room(room), language: self.config.language };
            let whose = Whose::of(&brief.facts, &beginning);
            self.take(leg, brief, beginning, whose, offer)
        });
        match &answer {
            Ok(_) => tracing::info!(%call, %member, "a member's system calls"),
            Err(why) => {
                self.ledger.refused(call, why);
                tracing::info!(%call, %member, status = why.on_the_wire().status, %why, "refused");
                self.visit_refused(member, why);
            }
        }
        answer.map(sip::Reply::Answer)
    }

    /// The room that a member's system calls, if it may.
    fn room_for(&mut self, visitor: &Visitor, called: &str) -> Result<RoomId, Refusal> {
        let member = &visitor.member;
        let (now, time) = (clock::now(), clock::local(&self.config.zone).time());
        let fresh = || Bucket::new(AT_ONCE, A_SECOND, now);
        let paces = self.shards.as_mut().map(|shards| &mut shards.paces).ok_or(Refusal::NoMember)?;
        if !paces.entry(member.clone()).or_insert_with(fresh).take(now) {
            return Err(Refusal::Flood);
        }
        let (Some(federation), Some(shards)) = (self.federation.as_ref(), self.shards.as_ref()) else {
            return Err(Refusal::NoMember);
        };
        if visitor.claims != member.as_str() && visitor.claims != WITHHELD {
            return Err(Refusal::NotTheirs);
        }
        // What is no room of ours, what is not shared, and what is so at another hour: from outside all are the same.
        let room = called.parse::<RoomId>().ok().filter(|room| room.home().is_none());
        let room = room.filter(|_| visitor.calls == federation.us.as_str()).ok_or(Refusal::NotShared)?;
        let share = shards.cascade.may_come(member, &room, (&self.book, time)).map_err(|_| Refusal::NotShared)?;
        let most_at_all = federation.terms_of(member).and_then(Terms::speakers);
        let here = self.visits_of(member).filter(|(_, caller)| is_in(caller, &room)).count();
        let there = shards.cascade.count_elsewhere(member, &room);
        let is_full = most_at_all.is_some_and(|most| self.visits_of(member).count() >= most);
        if is_full || here + there >= share.most { Err(Refusal::Busy) } else { Ok(room) }
    }

    /// The calls that a member's own system has here.
    pub(super) fn visits_of<'a>(&'a self, member: &'a Domain) -> impl Iterator<Item = (LegId, &'a Caller)> {
        let of = |caller: &Caller| caller.visitor().is_some_and(|visitor| visitor.member == *member);
        self.callers.iter().filter(move |(_, caller)| of(caller)).map(|(leg, caller)| (*leg, caller))
    }

    fn visitor(&self, leg: LegId) -> Option<&Visitor> {
        self.callers.get(&leg)?.visitor()
    }

    /// Whether this was asked for somebody whom a member's system brings: then it is answered as it is by a link.
    pub(in crate::gateway) fn looks_up_for_visitor(&mut self, leg: LegId, target: &Target, pin: Option<&Pin>) -> bool {
        let Some(member) = self.visitor(leg).map(|visitor| visitor.member.clone()) else { return false };
        let time = clock::local(&self.config.zone).time();
        let (mut admission, mut hold) = (Admission::Refused, std::time::Duration::ZERO);
        if let Target::Room(room) = target {
            (admission, hold) = self.judge_peer(&member, room, pin);
            let share = self.shards.as_ref().map(|shards| shards.cascade.may_come(&member, room, (&self.book, time)));
            if let Admission::Admitted { role, .. } = &mut admission {
                match share {
                    Some(Ok(share)) => *role = share.role(*role),
                    Some(Err(_)) | None => admission = Admission::Refused,
                }
            }
        }
        self.tell_menu(leg, ivr::Input::Answered { admission, hold });
        true
    }

    /// Whether a leg is that of somebody whom a member's system brings.
    pub(in crate::gateway) fn is_visitor(&self, leg: LegId) -> bool {
        self.visitor(leg).is_some()
    }

    /// Somebody whom a member's system brings goes into a room. Nothing, if it is somebody else.
    pub(in crate::gateway) fn brought(
        &mut self,
        leg: LegId,
        room: &RoomId,
        role: Role,
    ) -> Option<Result<Newcomer, Obstacle>> {
        let (member, name) = self.visitor(leg).map(|visitor| (visitor.member.clone(), visitor.name.clone()))?;
        let time = clock::local(&self.config.zone).time();
        let institution = self.member_of(&member).map(|member| member.name.clone());
        let inside = self.visits_of(&member).filter(|(_, caller)| caller.room.as_ref() == Some(room)).count();
        let Some(shards) = self.shards.as_mut() else { return Some(Err(Obstacle::Fault)) };
        let share = shards.cascade.may_come(&member, room, (&self.book, time));
        let (Some(institution), Ok(share)) = (institution, share) else { return Some(Err(Obstacle::Fault)) };
        if inside + shards.cascade.count_elsewhere(&member, room) >= share.most {
            return Some(Err(Obstacle::Full));
        }
        let guest = Some(Guest { institution, lobby: share.lobby });
        let newcomer = Newcomer { leg, kind: Kind::Phone, name, role: share.role(role), guest };
        shards.cascade.brings(&member, leg);
        tracing::info!(%leg, %room, %member, "somebody comes by a member's own system");
        self.note(Deed::Visited { member, room: room.clone() });
        Some(Ok(newcomer))
    }

    /// What somebody who reads is told of whose text it is: nothing, if their institution is told no names in that room.
    pub(in crate::gateway) fn name_for(&self, reader: LegId, room: &RoomId, name: &Name) -> Name {
        let hides = |visitor: &Visitor| {
            let shards = self.shards.as_ref();
            shards.is_none_or(|shards| shards.cascade.tells_no_names(&visitor.member, room, &self.book))
        };
        if self.visitor(reader).is_some_and(hides) { Name::untold(Kind::Browser) } else { name.clone() }
    }

    /// Another registry counts, or a second is over: whose calls are none of a member any more, or of one that is elsewhere now, end.
    pub(in crate::gateway) fn look_at_visits(&mut self, former: Option<&Registry>) {
        let Some(federation) = self.federation.as_ref() else { return };
        let now = clock::moment();
        let ends = |caller: &Caller| {
            let visitor = caller.visitor()?;
            let address = caller.brief.as_ref()?.facts.source.address;
            let Some(held) = federation.held.as_ref() else { return Some(Refusal::NoMember.to_string()) };
            let before = former.and_then(|former| former.member(&visitor.member, now));
            match held.calls_from(&visitor.shown, address, now) {
                Err(unfit) => Some(unfit.to_string()),
                Ok(member) if before.is_some_and(|before| before.media != member.media) => {
                    Some(Refusal::MediaElsewhere.to_string())
                }
                Ok(_) => None,
            }
        };
        let over = self.callers.iter().filter_map(|(leg, caller)| {
            let why = ends(caller)?;
            Some((*leg, caller.visitor()?.member.clone(), why))
        });
        for (leg, member, why) in over.collect::<Vec<_>>() {
            tracing::warn!(%leg, %member, why, "the call of a member's system ends");
            self.note(Deed::VisitEnded { member, why });
            // The room first: the farewell may find nobody who answers it.
            self.ended(leg);
            self.hang_up(leg);
        }
    }

    /// Another institution's system was refused before it could call, or wants more than a call.
    pub(in crate::gateway) fn member_refused(&self, refused: &MemberRefused) {
        let MemberRefused { address, member, why, untold } = refused;
        tracing::warn!(?address, member = ?member.as_ref().map(Domain::as_str), %why, untold, "a member's system is refused");
        self.note(Deed::VisitRefused {
            member: member.clone(),
            address: Some(address.to_string()),
            reason: why.word().to_owned(),
            why: why.to_string(),
            untold: *untold,
        });
    }

    /// The sound of a call is to be elsewhere from now on, and may not.
    pub(in crate::gateway) fn visitor_sounds_elsewhere(&mut self, leg: LegId, why: &Refusal) {
        if let Some(member) = self.visitor(leg).map(|visitor| visitor.member.clone()) {
            self.visit_refused(&member, why);
        }
    }

    /// Its call was refused.
    pub(in crate::gateway) fn visit_refused(&mut self, member: &Domain, why: &Refusal) {
        let reason = why.reason();
        let Some(untold) = self.untold(member, reason) else { return };
        let (member, reason, why) = (Some(member.clone()), reason.to_owned(), why.to_string());
        self.note(Deed::VisitRefused { member, address: None, reason, why, untold });
    }
}

/// Whether a call is for that room.
fn is_in(caller: &Caller, room: &RoomId) -> bool {
    matches!(&caller.beginning, Beginning::Menu { door: ivr::Door::Room(of), .. } if of == room)
}
