//! A meeting: join, lobby, floor, moderation. In: commands and the time. Out: effects and numbered events.
//! Pure: the same commands at the same times give the same meeting.
//!
//! What always holds, whatever happens (`model.rs` plays it at random):
//! - a leg is entered only while its owner is inside, so nobody who waits hears one sample of the room;
//! - somebody is heard only if they want to and may; a moderator cannot switch on the microphone of somebody who
//!   muted themselves, unless that hand is up;
//! - nobody stays muted without anybody who could unmute them;
//! - who follows the events sees what the room is.

mod command;
mod config;
mod effect;
mod elsewhere;
mod event;
mod member;
mod moderation;
mod name;
mod typing;

#[cfg(any(test, fuzzing))]
#[allow(clippy::expect_used, clippy::indexing_slicing, reason = "the reference of tests: one that goes wrong may stop")]
pub(crate) mod model;
#[cfg(test)]
mod stories;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

pub use crate::ivr::{Key, Lead, Notice};
pub use crate::words::Role;
pub use command::{Action, Command, Elsewhere, Guest, Kind, Newcomer, Timer, Told};
pub use config::{Announce, Config, Opening};
pub use effect::{Announcement, Effect, Refusal, Why};
pub use event::{Event, Numbered, Participant, Snapshot};
pub use name::Name;

use crate::words::{LegId, ParticipantId};
use elsewhere::Others;
use event::History;
use member::{Link, Member, Place};
use typing::Pace;

/// One meeting.
#[derive(Clone, Debug)]
pub struct Room {
    config: Config,
    phase: Phase,
    locked: bool,
    members: BTreeMap<ParticipantId, Member>,
    elsewhere: Others,
    speaking: BTreeSet<ParticipantId>,
    paces: BTreeMap<ParticipantId, Pace>,
    last_id: u64,
    history: History,
}

/// How far the meeting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    NotOpen,
    Open,
    Ended,
}

impl Room {
    /// A meeting in which nobody is yet.
    pub fn new(config: Config, now: Instant) -> Self {
        let is_open = config.opening == Opening::AtOnce || config.opening.time().is_some_and(|time| time <= now);
        Self {
            phase: if is_open { Phase::Open } else { Phase::NotOpen },
            history: History::new(config.history),
            config,
            locked: false,
            members: BTreeMap::new(),
            elsewhere: Others::default(),
            speaking: BTreeSet::new(),
            paces: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// Something happens.
    #[must_use]
    pub fn apply(mut self, command: Command, now: Instant) -> (Self, Vec<Effect>) {
        let mut out = Vec::new();
        match command {
            Command::Join(newcomer) => self.join(newcomer, &mut out),
            Command::Leave { leg } => {
                if let Some(id) = self.owner(leg) {
                    self.take_out(id, &mut out);
                }
            }
            Command::Act { by, action } => self.act(by, action, &mut out),
            Command::Key { leg, key } => self.key(leg, key, &mut out),
            Command::Gone { leg } => self.gone(leg, now, &mut out),
            Command::Returned { participant, leg } => self.returned(participant, leg, &mut out),
            Command::Speaking(legs) => self.hear(&legs, &mut out),
            Command::Type { leg, text } => self.types(leg, text, now, &mut out),
            Command::TypeElsewhere { participant, text } => self.types_elsewhere(participant, text, now, &mut out),
            Command::Mute { participant, on } => self.mute_from_outside(participant, on, &mut out),
            Command::Open => self.open(&mut out),
            Command::End => self.end(&mut out),
            Command::Change(config) => self.change(*config, now, &mut out),
            Command::Put(other) => self.put(*other, &mut out),
            Command::Take { participant } => self.take(participant, &mut out),
            Command::Lead(action) => self.carry_out(action, &mut out),
            Command::Told(told) => self.told(told, &mut out),
            Command::Timeout(timer) => self.time_has_come(timer, now, &mut out),
        }
        (self, out)
    }

    /// What the room waits for next.
    pub fn next_timeout(&self) -> Option<(Instant, Timer)> {
        let opening = match self.phase {
            Phase::NotOpen => self.config.opening.time().map(|time| (time, Timer::Opening)),
            Phase::Open | Phase::Ended => None,
        };
        let end = self.config.end.filter(|_| self.phase != Phase::Ended).map(|time| (time, Timer::End));
        let graces = self.members.values().filter_map(|member| match member.link {
            Link::Away { until, .. } => Some((until, Timer::Grace(member.id))),
            Link::Here(_) => None,
        });
        graces.chain(opening).chain(end).min()
    }

    /// The room as somebody with that role may see it.
    pub fn snapshot(&self, viewer: Role) -> Snapshot {
        let sees = |member: &&Member| member.is_inside() || viewer == Role::Moderator;
        Snapshot {
            revision: self.history.revision(),
            title: self.config.title.clone(),
            open: self.phase == Phase::Open,
            locked: self.locked,
            ended: self.phase == Phase::Ended,
            participants: self
                .members
                .values()
                .filter(sees)
                .map(|member| self.shown(member))
                .chain(self.elsewhere.shown(viewer).map(|participant| self.shown_elsewhere(participant)))
                .collect(),
        }
    }

    /// What somebody with that role missed since `revision`; `None` if that is too long ago: take a snapshot.
    pub fn events_since(&self, revision: u64, viewer: Role) -> Option<Vec<Numbered>> {
        let missed = self.history.since(revision)?;
        Some(missed.filter(|numbered| numbered.event.is_for(viewer)).cloned().collect())
    }

    /// The number of the last event.
    pub const fn revision(&self) -> u64 {
        self.history.revision()
    }

    /// Those to whom events go: inside, and connected.
    pub fn viewers(&self) -> impl Iterator<Item = (LegId, ParticipantId, Role)> {
        self.members.values().filter(|member| member.is_inside()).filter_map(|m| Some((m.leg()?, m.id, m.role)))
    }

    /// Who is speaking now.
    pub fn speaking(&self) -> impl Iterator<Item = ParticipantId> {
        self.speaking.iter().copied()
    }

    /// Whether somebody takes part on another gateway, in a meeting of which this one is not the home: others moderate them.
    pub fn is_led_elsewhere(&self, participant: ParticipantId) -> bool {
        !self.config.at_home && self.elsewhere.has(participant)
    }

    /// Whose leg that is.
    pub fn owner(&self, leg: LegId) -> Option<ParticipantId> {
        self.members.values().find(|member| member.owns(leg)).map(|member| member.id)
    }

    /// How many are in the meeting, those who wait not counted.
    pub fn count(&self) -> u32 {
        let ours = self.members.values().filter(|member| member.is_inside()).count();
        u32::try_from(ours + self.elsewhere.inside().count()).unwrap_or(u32::MAX)
    }

    /// What everybody here uses, and whether they are in the meeting or wait in front of it.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, bool)> {
        self.members.values().map(|member| (member.kind, member.is_inside()))
    }

    /// Whether nobody is here, waiting or inside, for whom this room has to be kept: at its home it is kept for all.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && (!self.config.at_home || self.elsewhere.is_empty())
    }

    /// Those who take part on this gateway, inside or waiting.
    pub fn ours(&self) -> impl Iterator<Item = (Option<LegId>, Participant)> {
        self.members.values().map(|member| (member.leg(), self.shown(member)))
    }

    /// How it is, for those to whom its home has to tell it.
    pub fn told_of(&self) -> Told {
        Told { title: self.config.title.clone(), open: self.phase == Phase::Open, locked: self.locked }
    }

    /// Whether the meeting is over.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Ended
    }

    // --- coming and going ---

    fn join(&mut self, newcomer: Newcomer, out: &mut Vec<Effect>) {
        let leg = newcomer.leg;
        if let Some(known) = self.owner(leg) {
            return self.returned(known, leg, out);
        }
        if let Some(why) = self.refusal(newcomer.role) {
            return out.push(Effect::Refused { leg, why });
        }
        self.last_id += 1;
        let id = ParticipantId(self.last_id);
        let name =
            newcomer.name.apart_from(self.members.values().map(|member| &member.name).chain(self.elsewhere.names()));
        let mut member = Member::new(id, Newcomer { name, ..newcomer }, Place::BeforeOpening);
        let place = self.place_for(&member);
        let opens = place == Place::BeforeOpening && member.is_moderator() && self.config.opening.by_moderator();
        member.place = place;
        self.members.insert(id, member);
        out.push(Effect::Seated { leg, participant: id });
        match place {
            Place::Inside => self.let_in(&[id], out),
            Place::BeforeOpening | Place::Lobby => {
                self.publish_change(id, out);
                if opens {
                    self.open(out)
                } else {
                    self.say_why_waiting(id, out)
                }
                if place == Place::Lobby {
                    self.tell_leading_phones(out);
                }
            }
        }
    }

    fn refusal(&self, role: Role) -> Option<Refusal> {
        if self.phase == Phase::Ended {
            Some(Refusal::Ended)
        } else if self.locked && role != Role::Moderator {
            Some(Refusal::Locked)
        } else if self.members.len() + self.elsewhere.len() >= self.config.most {
            Some(Refusal::Full)
        } else {
            None
        }
    }

    fn place_for(&self, member: &Member) -> Place {
        if self.phase == Phase::NotOpen {
            Place::BeforeOpening
        } else if member.waits(self.config.lobby) {
            Place::Lobby
        } else {
            Place::Inside
        }
    }

    /// Those who waited, or have just come, are in the meeting from now on.
    fn let_in(&mut self, ids: &[ParticipantId], out: &mut Vec<Effect>) {
        let ours = self.members.values().filter(|member| member.is_inside() && !ids.contains(&member.id)).count();
        let before = ours + self.elsewhere.inside().count();
        for id in ids {
            let Some(member) = self.members.get_mut(id) else { continue };
            if !member.is_inside() {
                member.place = Place::Inside;
                self.publish(Event::WaitingNoLonger { id: *id }, out);
            }
            self.connect(*id, out);
            if let Some(participant) = self.members.get(id).map(|member| self.shown(member)) {
                self.publish(Event::Joined { participant }, out);
            }
        }
        let count = self.count();
        for id in ids {
            if let Some(member) = self.members.get(id) {
                tell(member, Notice::Admitted { count, muted: member.is_muted() }, out);
            }
        }
        if before > 0 && !ids.is_empty() {
            self.announce(Announcement::Arrival, out);
        }
    }

    /// Brings the leg of somebody inside into the sound; first of all its mute, so that nothing slips through.
    fn connect(&self, id: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get(&id) else { return };
        if let Some(leg) = member.leg() {
            out.push(Effect::SetMuted { leg, on: member.is_muted() });
            out.push(Effect::Enter { leg });
        }
    }

    fn gone(&mut self, leg: LegId, now: Instant, out: &mut Vec<Effect>) {
        let until = now + self.config.grace;
        let Some(member) = self.members.values_mut().find(|member| member.leg() == Some(leg)) else { return };
        member.link = Link::Away { broken: leg, until };
        let id = member.id;
        if member.is_inside() {
            out.push(Effect::Exit { leg });
        }
        self.fall_silent(id, out);
        self.publish_change(id, out);
    }

    fn returned(&mut self, id: ParticipantId, leg: LegId, out: &mut Vec<Effect>) {
        let taken = self.owner(leg).is_some_and(|owner| owner != id);
        let Some(member) = self.members.get_mut(&id).filter(|_| !taken) else {
            let why = if self.phase == Phase::Ended { Refusal::Ended } else { Refusal::PlaceGone };
            return out.push(Effect::Refused { leg, why });
        };
        let before = std::mem::replace(&mut member.link, Link::Here(leg));
        let is_inside = member.is_inside();
        out.push(Effect::Seated { leg, participant: id });
        match before {
            Link::Here(old) if old == leg => return,
            Link::Here(old) => {
                if is_inside {
                    out.push(Effect::Exit { leg: old });
                }
                out.push(Effect::Disconnect { leg: old, why: Why::Replaced });
                self.fall_silent(id, out);
            }
            Link::Away { .. } => self.publish_change(id, out),
        }
        if is_inside { self.connect(id, out) } else { self.say_why_waiting(id, out) }
    }

    /// Somebody is no longer here, for whatever reason. Gives their leg, if they were connected.
    fn take_out(&mut self, id: ParticipantId, out: &mut Vec<Effect>) -> Option<LegId> {
        let member = self.members.remove(&id)?;
        self.paces.remove(&id);
        if member.is_inside() {
            if let Some(leg) = member.leg() {
                out.push(Effect::Exit { leg });
            }
            self.fall_silent(id, out);
            self.publish(Event::Left { id }, out);
            self.announce(Announcement::Departure, out);
        } else {
            self.publish(Event::WaitingNoLonger { id }, out);
        }
        if member.is_moderator() && !self.has_moderator() {
            self.free_the_muted(out);
        }
        member.leg()
    }

    fn open(&mut self, out: &mut Vec<Effect>) {
        if self.phase != Phase::NotOpen {
            return;
        }
        self.phase = Phase::Open;
        self.publish(Event::Opened, out);
        let (inside, lobby): (Vec<_>, Vec<_>) = self
            .members
            .values()
            .map(|member| member.id)
            .partition(|id| self.members.get(id).is_some_and(|member| !member.waits(self.config.lobby)));
        for id in lobby {
            if let Some(member) = self.members.get_mut(&id) {
                member.place = Place::Lobby;
                tell(member, Notice::InLobby, out);
            }
        }
        self.let_in(&inside, out);
    }

    fn end(&mut self, out: &mut Vec<Effect>) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Ended;
        self.publish(Event::Ended, out);
        self.speaking.clear();
        self.elsewhere.clear();
        self.paces.clear();
        for member in std::mem::take(&mut self.members).into_values() {
            let Some(leg) = member.leg() else { continue };
            if member.is_inside() {
                out.push(Effect::Exit { leg });
            }
            out.push(Effect::Disconnect { leg, why: Why::Ended });
        }
    }

    fn change(&mut self, config: Config, now: Instant, out: &mut Vec<Effect>) {
        let retitled = (config.title != self.config.title).then(|| config.title.clone());
        self.config = config;
        if let Some(title) = retitled {
            self.publish(Event::Retitled { title }, out);
        }
        let opening = self.config.opening;
        let is_moderated = opening.by_moderator() && self.has_moderator();
        if opening == Opening::AtOnce || opening.time().is_some_and(|time| time <= now) || is_moderated {
            self.open(out);
        }
    }

    fn time_has_come(&mut self, timer: Timer, now: Instant, out: &mut Vec<Effect>) {
        match timer {
            Timer::Opening => {
                if self.config.opening.time().is_some_and(|time| time <= now) {
                    self.open(out);
                }
            }
            Timer::End => {
                if self.config.end.is_some_and(|time| time <= now) {
                    self.end(out);
                }
            }
            Timer::Grace(id) => {
                let over = |member: &Member| matches!(member.link, Link::Away { until, .. } if until <= now);
                if self.members.get(&id).is_some_and(over) {
                    self.take_out(id, out);
                }
            }
        }
    }

    // --- telling ---

    fn say_why_waiting(&self, id: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get(&id) else { return };
        match member.place {
            Place::BeforeOpening => tell(member, Notice::NotOpenYet, out),
            Place::Lobby => tell(member, Notice::InLobby, out),
            Place::Inside => {}
        }
    }

    fn announce(&self, what: Announcement, out: &mut Vec<Effect>) {
        let count = self.count();
        if count == 0 {
            return;
        }
        match self.config.announce {
            Announce::Nothing => {}
            Announce::Chime => out.push(Effect::Announce(what)),
            Announce::Count => out.push(Effect::Announce(Announcement::Count(count))),
        }
    }

    fn publish(&mut self, event: Event, out: &mut Vec<Effect>) {
        out.push(Effect::Published(self.history.write(event)));
    }

    fn publish_change(&mut self, id: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get(&id) else { return };
        let participant = self.shown(member);
        let event = if member.is_inside() { Event::Changed { participant } } else { Event::Waiting { participant } };
        self.publish(event, out);
    }

    fn shown(&self, member: &Member) -> Participant {
        member.shown(self.speaking.contains(&member.id))
    }

    fn shown_elsewhere(&self, participant: &Participant) -> Participant {
        Participant { speaking: self.speaking.contains(&participant.id), ..participant.clone() }
    }

    fn has_moderator(&self) -> bool {
        self.members.values().any(Member::is_moderator) || self.elsewhere.leads()
    }

    fn hear(&mut self, legs: &[LegId], out: &mut Vec<Effect>) {
        let is_heard = |m: &&Member| m.is_inside() && !m.is_muted() && m.leg().is_some_and(|leg| legs.contains(&leg));
        let ours = self.members.values().filter(is_heard).map(|member| member.id);
        let speaking: BTreeSet<_> = ours.chain(self.elsewhere.heard(legs)).collect();
        if speaking != self.speaking {
            self.speaking = speaking;
            out.push(Effect::Speaking(self.speaking().collect()));
        }
    }

    fn fall_silent(&mut self, id: ParticipantId, out: &mut Vec<Effect>) {
        if self.speaking.remove(&id) {
            out.push(Effect::Speaking(self.speaking().collect()));
        }
    }
}

/// Tells somebody something, if they are connected.
fn tell(member: &Member, notice: Notice, out: &mut Vec<Effect>) {
    if let Some(leg) = member.leg() {
        out.push(Effect::Notice { leg, notice });
    }
}
