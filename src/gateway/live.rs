//! What is under way, for operators: calls with their sound, meetings with who is in them. In: wishes from the door; calls as
//! they come and go. Out: what they see; what they do, which is noted; and changes, once a second, to those who follow them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::access::Bearer;
use super::meetings::Reply;
use super::{Gateway, clock, leg_of};
use crate::media::Quality;
use crate::records::Deed;
use crate::room::{Command, Room};
use crate::sip;
use crate::web::live::{Done, Live, LiveCall, LiveParticipant, LiveQuality, LiveRoom, News, PlanNow, Way, Wish};
use crate::web::{Refusal, Secret, ShownFederation};
use crate::words::{CallId, Codec, LegId, ParticipantId, Personal, Right, Role, RoomId};

/// Readers at once, and what may wait for each: who lags by half a minute is closed.
const MOST_READERS: usize = 64;
const LAG: usize = 32;

/// What is known of calls beside what their menus and meetings know, and who follows.
#[derive(Default)]
pub(super) struct Watch {
    calls: BTreeMap<LegId, Known>,
    readers: Vec<Reader>,
    told: Live,
    told_federation: Option<ShownFederation>,
    told_refusals: u64,
}

struct Known {
    since: jiff::Timestamp,
    codec: Option<Codec>,
    quality: Option<LiveQuality>,
}

struct Reader {
    /// Who has signed in follows as long as that lasts.
    cookie: Option<Secret>,
    to: mpsc::Sender<News>,
}

impl Watch {
    pub(super) fn begins(&mut self, leg: LegId, codec: Option<Codec>) {
        self.calls.insert(leg, Known { since: clock::moment(), codec, quality: None });
    }

    pub(super) fn sounds(&mut self, leg: LegId, quality: &Quality) {
        if let Some(known) = self.calls.get_mut(&leg) {
            let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            known.codec = Some(quality.codec);
            known.quality = Some(LiveQuality {
                loss_in: quality.loss_in.in_ten_thousand(),
                loss_out: quality.out.map(|told| told.loss.in_ten_thousand()),
                jitter_in: millis(quality.jitter_in),
                round_trip: quality.round_trip.map(millis),
                concealed: quality.concealed,
            });
        }
    }

    pub(super) fn ends(&mut self, leg: LegId) {
        self.calls.remove(&leg);
    }
}

impl Gateway {
    pub(super) fn on_live(&mut self, wish: Wish, by: &Bearer, reply: Reply) {
        let done = match wish {
            Wish::Look => Ok(Done::Now(Box::new(self.live()))),
            Wish::Follow => self.follow(by.cookie.clone()),
            Wish::HangUp { call } => self.hang_up_for(call, by),
            Wish::Transfer { call, to } => self.transfer_for(call, &to, by),
            Wish::MuteCall { call, on } => self.mute_call(call, on, by),
            Wish::Mute { room, participant, on } => self.mute_for(&room, participant, on, by),
            Wish::End { room } => self.end_for(&room, by),
        };
        drop(reply.send(done.map(crate::web::Done::Live)));
    }

    /// What is under way.
    fn live(&self) -> Live {
        let running = &self.routing.running;
        Live {
            calls: self.watch.calls.iter().map(|(leg, known)| self.live_call(*leg, known)).collect(),
            rooms: self.rooms.iter().map(|(name, room)| live_room(name, room)).collect(),
            plan: PlanNow { version: running.version, fingerprint: running.about.fingerprint.clone() },
        }
    }

    fn live_call(&self, leg: LegId, known: &Known) -> LiveCall {
        let caller = self.callers.get(&leg);
        // Somebody whom we called was called for a caller; what is known of the call is theirs.
        let brief = caller.and_then(|caller| caller.brief.as_ref());
        let peer = caller.and_then(|caller| caller.peer);
        let facts = brief.or_else(|| self.callers.get(&peer?)?.brief.as_ref()).map(|brief| &brief.facts);
        let name = caller.and_then(|caller| caller.room.as_ref());
        let participant = name.and_then(|name| self.rooms.get(name)?.owner(leg));
        LiveCall {
            id: leg.0,
            direction: if brief.is_some() { Way::In } else { Way::Out },
            trunk: brief.and_then(|brief| brief.facts.trunk.as_ref()).map(ToString::to_string),
            caller: facts.and_then(|facts| facts.caller.as_ref()).map(ToString::to_string),
            called: match (brief, caller.and_then(|caller| caller.callee.as_ref())) {
                // Whom we called for nobody who called us.
                (None, Some(callee)) if facts.is_none() => sip::masked(&callee.user),
                _ => facts.map(sip::Facts::called_masked).unwrap_or_default(),
            },
            with: peer.map(|peer| peer.0),
            since: format!("{:.0}", known.since),
            codec: known.codec,
            encrypted: caller.is_some_and(|caller| caller.protected),
            quality: known.quality,
            room: name.map(ToString::to_string),
            participant: participant.map(|participant| participant.0),
        }
    }

    fn follow(&mut self, cookie: Option<Secret>) -> Result<Done, Refusal> {
        if self.watch.readers.len() >= MOST_READERS {
            return Err(Refusal::Busy);
        }
        // Whoever follows already is told what has changed until now, so that all follow from the same.
        self.tell_readers();
        let (to, news) = mpsc::channel(LAG);
        let now = self.live();
        to.try_send(("live", written(&now))).map_err(|_| Refusal::Busy)?;
        self.watch.told = now;
        self.watch.readers.push(Reader { cookie, to });
        Ok(Done::Changes(news))
    }

    /// Once a second: tells what has changed to those who may still know it, and closes those who lag.
    pub(super) fn tell_readers(&mut self) {
        if self.watch.readers.is_empty() {
            return;
        }
        let readers = std::mem::take(&mut self.watch.readers);
        let (now, mut kept) = (self.live(), Vec::new());
        let news = now.since(&self.watch.told).map(|change| ("change", written(&change)));
        let news: Vec<News> = news.into_iter().chain(self.federation_news()).chain(self.refusal_news()).collect();
        for reader in readers {
            let told = news.iter().all(|news| reader.to.try_send(news.clone()).is_ok());
            if told && !reader.to.is_closed() && self.may_follow(&reader) {
                kept.push(reader);
            }
        }
        self.watch.readers = kept;
        self.watch.told = now;
    }

    /// How the federation stands, if that is otherwise than it was told last.
    fn federation_news(&mut self) -> Option<News> {
        let shown = self.shown_federation()?;
        if self.watch.told_federation.as_ref() == Some(&shown) {
            return None;
        }
        let news = written(&shown);
        self.watch.told_federation = Some(shown);
        Some(("federation", news))
    }

    /// That a connection was refused which was not before: whoever may look further is led to do so.
    fn refusal_news(&mut self) -> Option<News> {
        let refused = self.config.residency.refusals();
        (std::mem::replace(&mut self.watch.told_refusals, refused) != refused).then(|| ("refused", Arc::from("{}")))
    }

    /// Following is no use of a session: an open page does not keep somebody signed in.
    fn may_follow(&self, reader: &Reader) -> bool {
        let Some(cookie) = &reader.cookie else { return true };
        let who = self.access.sessions.who(cookie.expose(), clock::now());
        who.and_then(|who| self.access.role_of(who)).is_some_and(|role| role.rights().contains(&Right::Calls))
    }

    fn hang_up_for(&self, call: CallId, by: &Bearer) -> Result<Done, Refusal> {
        if !self.callers.contains_key(&leg_of(call)) {
            return Err(Refusal::NotFound);
        }
        self.note_operated("hangUp", Some(call), None, None, by);
        self.hang_up(leg_of(call));
        Ok(Done::Done)
    }

    fn mute_call(&mut self, call: CallId, on: bool, by: &Bearer) -> Result<Done, Refusal> {
        let caller = self.callers.get(&leg_of(call)).ok_or(Refusal::NotFound)?;
        let room = caller.room.clone().ok_or(Refusal::NotInside)?;
        let owner = self.rooms.get(&room).and_then(|room| room.owner(leg_of(call)));
        self.mute_for(&room, owner.ok_or(Refusal::NotInside)?, on, by)
    }

    fn mute_for(&mut self, room: &RoomId, whom: ParticipantId, on: bool, by: &Bearer) -> Result<Done, Refusal> {
        let known = |room: &Room| room.snapshot(Role::Moderator).participants.iter().any(|one| one.id == whom);
        let room_here = self.rooms.get(room).filter(|room| known(room)).ok_or(Refusal::NotFound)?;
        if room_here.is_led_elsewhere(whom) {
            return Err(Refusal::Elsewhere);
        }
        self.note_operated(if on { "mute" } else { "unmute" }, None, Some(room), Some(whom), by);
        self.tell_room(room, Command::Mute { participant: whom, on });
        Ok(Done::Done)
    }

    fn end_for(&mut self, room: &RoomId, by: &Bearer) -> Result<Done, Refusal> {
        if !self.rooms.contains_key(room) {
            return Err(Refusal::NotFound);
        }
        self.note_operated("end", None, Some(room), None, by);
        self.tell_room(room, Command::End);
        Ok(Done::Done)
    }

    pub(super) fn note_operated(
        &self,
        act: &str,
        call: Option<CallId>,
        room: Option<&RoomId>,
        whom: Option<ParticipantId>,
        by: &Bearer,
    ) {
        tracing::info!(act, call = call.map(|call| call.0), by = %by.name, "an operator acts");
        let (act, call, by) = (act.to_owned(), call.map(|call| call.0), by.name.clone());
        self.note(Deed::Operated { act, call, room: room.cloned(), whom, by });
    }
}

fn live_room(name: &RoomId, room: &Room) -> LiveRoom {
    let now = room.snapshot(Role::Moderator);
    let participant = |one: &crate::room::Participant| LiveParticipant {
        id: one.id.0,
        name: Personal::new(one.name.for_roster().to_owned()).to_string(),
        kind: one.kind,
        role: one.role,
        muted: one.muted,
        lobby: one.lobby,
        away: one.away,
        institution: one.institution.clone(),
    };
    LiveRoom {
        room: name.to_string(),
        participants: now.participants.iter().map(participant).collect(),
        title: now.title,
        open: now.open,
        locked: now.locked,
    }
}

fn written<T: serde::Serialize>(news: &T) -> Arc<str> {
    // Only text and numbers: there is nothing that could not be written.
    serde_json::to_string(news).unwrap_or_default().into()
}
