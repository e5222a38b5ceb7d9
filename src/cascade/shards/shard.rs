//! One room that spans gateways: who of it is here, who elsewhere and told by whom.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::super::message::{Line, Message, State, Who};
use super::{Cascade, Effect, FIRST_ELSEWHERE, waiting};
use crate::meeting::Book;
use crate::room::{self, Action, Command, Elsewhere, Participant, Role, Told};
use crate::words::{Domain, LegId, ParticipantId, RoomId};

/// See the module.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) home: Domain,
    /// What its home said last; at home, what was said to the others.
    pub(super) state: Option<State>,
    pub(super) ours: BTreeMap<ParticipantId, Ours>,
    pub(super) others: BTreeMap<Who, Other>,
    /// Those who are told of it: at home the other shards; elsewhere those met while the home is away.
    pub(super) ties: BTreeMap<Domain, Tie>,
}

/// One of ours.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) line: Line,
    pub(super) leg: Option<LegId>,
    /// Those who were told of them, also if they are gone.
    pub(super) told: BTreeSet<Domain>,
}

/// Somebody elsewhere.
#[derive(Debug)]
pub(super) struct Other {
    /// Their line in the roster here.
    pub(super) id: ParticipantId,
    pub(super) leg: LegId,
    /// Who tells of them, and what.
    pub(super) ways: BTreeMap<Domain, Way>,
    /// By this SSRC they are passed on to other peers.
    pub(super) ssrc: u32,
    /// Where they are heard.
    pub(super) heard: Option<(Domain, u32)>,
    /// A moderator has let them in.
    pub(super) admitted: bool,
    /// As the room here was told.
    pub(super) shown: Option<Participant>,
}

/// What one peer told of somebody.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) line: Line,
    /// It has to be told again until then, or counts no longer.
    pub(super) until: Option<Instant>,
    /// Who tells it was silent for too long: it counts again once they are back, who do not tell it twice.
    pub(super) hidden: bool,
}

/// A peer who is told of a room.
#[derive(Debug, Default)]
pub(super) struct Tie {
    /// It is sent sound.
    pub(super) related: bool,
    /// It has entered, and is told of everybody as soon as the room here was looked at.
    pub(super) untold: bool,
    /// It has to say until then that it is still there.
    pub(super) until: Option<Instant>,
}

impl Shard {
    pub(super) fn new(home: Domain) -> Self {
        let (ours, others, ties) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { home, state: None, ours, others, ties }
    }

    /// How the room here is, as far as its home has said.
    pub(super) fn config(&self) -> room::Config {
        self.state.as_ref().map_or_else(|| waiting("", true), |state| waiting(&state.title, state.lobby))
    }

    pub(super) fn institutions(&self) -> Vec<&Domain> {
        let all: BTreeSet<&Domain> =
            self.others.keys().map(|who| &who.of).chain(self.ties.keys()).chain([&self.home]).collect();
        all.into_iter().collect()
    }

    /// The institutions that are told of our people there: those we tell, and those whom the home tells.
    pub(super) fn audience<'a>(&'a self, us: &'a Domain) -> impl Iterator<Item = Domain> + 'a {
        let named = self.state.iter().flat_map(|state| &state.shards);
        self.ties.keys().chain([&self.home]).chain(named).filter(move |peer| *peer != us).cloned()
    }

    /// Who has this number here, among those elsewhere.
    pub(super) fn who(&self, id: ParticipantId) -> Option<Who> {
        self.others.iter().find(|(_, other)| other.id == id).map(|(who, _)| who.clone())
    }

    /// The leg on which somebody is heard here.
    pub(super) fn leg_of(&self, who: &Who, us: &Domain) -> Option<LegId> {
        if who.of == *us { self.ours.get(&who.id)?.leg } else { self.others.get(who).map(|other| other.leg) }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let ways = self.others.values().flat_map(|other| other.ways.values()).filter_map(|way| way.until);
        ways.chain(self.ties.values().filter_map(|tie| tie.until)).min()
    }

    /// Forgets what was told of somebody; gives whom that concerns.
    pub(super) fn drop_ways(&mut self, mut is_over: impl FnMut(&Domain, &Way) -> bool) -> Vec<Who> {
        let mut concerned = Vec::new();
        for (who, other) in &mut self.others {
            let before = other.ways.len();
            other.ways.retain(|via, way| !is_over(via, way));
            if other.ways.len() != before {
                concerned.push(who.clone());
            }
        }
        concerned
    }

    /// What a peer told counts until then, unless it is told again.
    pub(super) fn doubt(&mut self, via: &Domain, until: Option<Instant>) -> Vec<Who> {
        let mut concerned = Vec::new();
        for (who, other) in &mut self.others {
            if let Some(way) = other.ways.get_mut(via) {
                (way.until, way.hidden) = (until, false);
                concerned.push(who.clone());
            }
        }
        concerned
    }

    /// Everybody whom a peer is told of: at home all but its own, elsewhere ours.
    pub(super) fn lines_for(&self, peer: &Domain, at_home: bool) -> Vec<Line> {
        let ours = self.ours.values().map(|ours| ours.line.clone());
        let passed_on = self.others.iter().filter(|(who, _)| at_home && who.of != *peer);
        ours.chain(passed_on.filter_map(|(who, other)| other.passed_on(who))).collect()
    }
}

impl Shard {
    /// So many of an institution are there, as far as this node knows: on its own gateway, and brought here by its own system.
    pub(super) fn count_of(&self, institution: &Domain) -> usize {
        let here = self.ours.values().filter(|ours| ours.line.through.as_ref() == Some(institution)).count();
        here + self.others.keys().filter(|who| who.of == *institution).count()
    }
}

impl Other {
    /// As it is told to other peers: with our SSRC, and without what is between them and us.
    fn passed_on(&self, who: &Who) -> Option<Line> {
        let shown = self.shown.as_ref()?;
        Some(line_of(who.clone(), shown, self.ssrc, (None, None)))
    }
}

impl Cascade {
    /// Somebody elsewhere may not be as before: the room, the sound and those to whom we pass it on are told.
    pub(super) fn refresh(&mut self, address: &RoomId, shard: &mut Shard, who: &Who) {
        let here = self.here(address);
        let Some(other) = shard.others.get_mut(who) else { return };
        if other.ways.is_empty() {
            let gone = shard.others.remove(who);
            return gone.into_iter().for_each(|mut other| self.hide(address, shard, who, &mut other));
        }
        let is_up = |via: &&Domain| self.peers.get(*via).is_some_and(|peer| peer.up);
        // The home institution's word first; then whoever can be heard.
        let shown = || other.ways.iter().filter(|(_, way)| !way.hidden);
        let best = shown().filter(|(via, _)| is_up(via)).max_by_key(|(via, _)| **via == shard.home);
        let Some((via, way)) = best.or_else(|| shown().next()) else {
            let Some(mut other) = shard.others.remove(who) else { return };
            self.hide(address, shard, who, &mut other);
            shard.others.insert(who.clone(), other);
            return;
        };
        let (via, alive) = (via.clone(), is_up(&via));
        // Whose system brings them, the home institution alone can say, of its own people.
        let through = way.line.through.as_ref().filter(|_| who.of == shard.home && via == shard.home);
        let institution = self.called(through.unwrap_or(&who.of));
        let participant = participant_of(&way.line, other.id, institution, alive);
        let (is_inside, muted, ssrc) = (!participant.lobby, participant.muted, way.line.ssrc);
        // Also while the link is broken: sound has its own way, and ends by itself.
        let source = is_inside.then(|| (via.clone(), ssrc));
        let was_muted = other.shown.as_ref().is_some_and(|shown| shown.muted);
        if source != other.heard || (source.is_some() && muted != was_muted) {
            self.out.push_back(match &source {
                Some((peer, ssrc)) => {
                    let (peer, ssrc, room) = (peer.clone(), *ssrc, here.clone());
                    Effect::Hear { leg: other.leg, peer, ssrc, room, muted }
                }
                None => Effect::Unhear { leg: other.leg },
            });
            if source.is_some() && shard.home == self.us {
                self.out.push_back(Effect::Stream { leg: other.leg, ssrc: other.ssrc });
            }
            other.heard = source;
        }
        if other.shown.as_ref() != Some(&participant) {
            other.shown = Some(participant.clone());
            let line = (shard.home == self.us).then(|| other.passed_on(who)).flatten();
            let elsewhere = Elsewhere { participant, leg: other.leg };
            self.out.push_back(Effect::Tell { room: here, command: Command::Put(Box::new(elsewhere)) });
            if let Some(line) = line {
                self.say_to_all(shard, Some(&who.of), &Message::Put { room: address.clone(), line: Box::new(line) });
            }
        }
        self.relate(address, shard);
    }

    /// Forgets what had to be told again and was not.
    pub(super) fn drop_overdue(&mut self, address: &RoomId, shard: &mut Shard, now: Instant) {
        let is_over = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        let mut hidden = Vec::new();
        for (who, other) in &mut shard.others {
            for (_, way) in other.ways.iter_mut().filter(|(via, way)| is_over(way.until) && !self.is_up(via)) {
                (way.until, way.hidden) = (None, true);
                hidden.push(who.clone());
            }
        }
        let stale = shard.drop_ways(|_, way| is_over(way.until));
        hidden.iter().chain(&stale).for_each(|who| self.refresh(address, shard, who));
        let gone: Vec<Domain> =
            shard.ties.iter().filter(|(_, tie)| is_over(tie.until)).map(|(peer, _)| peer.clone()).collect();
        gone.iter().for_each(|peer| self.untie(address, shard, peer));
    }

    /// A peer has no part in a room any more, and is told nothing of it.
    pub(super) fn untie(&mut self, address: &RoomId, shard: &mut Shard, peer: &Domain) {
        if shard.ties.remove(peer).is_some_and(|tie| tie.related) {
            self.out.push_back(Effect::Unrelate { peer: peer.clone(), room: self.here(address) });
        }
        let stale = shard.drop_ways(|via, _| via == peer);
        stale.iter().for_each(|who| self.refresh(address, shard, who));
    }

    /// Somebody elsewhere is not in the meeting any more, as far as can be told here.
    fn hide(&mut self, address: &RoomId, shard: &mut Shard, who: &Who, other: &mut Other) {
        if other.heard.take().is_some() {
            self.out.push_back(Effect::Unhear { leg: other.leg });
        }
        if other.shown.take().is_none() {
            return;
        }
        self.out.push_back(Effect::Tell { room: self.here(address), command: Command::Take { participant: other.id } });
        if shard.home == self.us {
            self.say_to_all(shard, Some(&who.of), &Message::Gone { room: address.clone(), who: who.clone() });
        }
        self.relate(address, shard);
    }

    /// Who is sent the sound of a room: at home the institutions that have somebody inside, elsewhere all who are told of it.
    pub(super) fn relate(&mut self, address: &RoomId, shard: &mut Shard) {
        let at_home = shard.home == self.us;
        let room = self.here(address);
        for (peer, tie) in &mut shard.ties {
            let is_inside =
                |(who, other): (&Who, &Other)| who.of == *peer && other.shown.as_ref().is_some_and(|one| !one.lobby);
            let wanted = !at_home || shard.others.iter().any(is_inside);
            if wanted != tie.related {
                tie.related = wanted;
                let (peer, room) = (peer.clone(), room.clone());
                self.out.push_back(match wanted {
                    true => Effect::Relate { peer, room, relay: at_home },
                    false => Effect::Unrelate { peer, room },
                });
            }
        }
    }

    /// Our meeting is not as it was: the other shards are told.
    pub(super) fn tell_state(&mut self, address: &RoomId, shard: &mut Shard, told: Told, book: &Book) {
        let room = self.here(address);
        let Some(meeting) = book.get(&room).map(|listed| &listed.meeting) else { return };
        let shards: Vec<Domain> = shard.ties.keys().cloned().collect();
        let Told { title, open, locked } = told;
        let nameless = shards.iter().filter(|peer| self.hides_names(peer, address)).cloned().collect();
        let (lobby, alone) = (meeting.lobby, meeting.goes_on_alone);
        let state = State { title, open, locked, lobby, alone, shards, nameless };
        if shard.state.as_ref() == Some(&state) {
            return;
        }
        shard.state = Some(state);
        let peers: Vec<Domain> = shard.ties.keys().cloned().collect();
        peers.iter().for_each(|peer| self.say_state(address, shard, peer, book));
    }

    /// How our meeting is, to one shard of it.
    pub(super) fn say_state(&mut self, address: &RoomId, shard: &Shard, peer: &Domain, book: &Book) {
        let share = self.share(peer, &self.here(address), book);
        if let (Some(state), Some(share)) = (&shard.state, share) {
            let state = State { lobby: state.lobby || share.lobby, ..state.clone() };
            self.say(peer, Message::Shard { room: address.clone(), state });
        }
    }

    /// A moderator of ours lets somebody elsewhere in: from now on they are taken as inside when their gateway says so.
    pub(super) fn admits(&mut self, address: &RoomId, shard: &mut Shard, whom: Option<&Who>, action: Action) {
        if !matches!(action, Action::Admit { .. } | Action::AdmitAll) {
            return;
        }
        let meant: Vec<Who> = shard.others.keys().filter(|who| whom.is_none_or(|whom| whom == *who)).cloned().collect();
        for who in meant {
            if let Some(other) = shard.others.get_mut(&who) {
                other.admitted = true;
                self.refresh(address, shard, &who);
            }
        }
    }

    /// A place for somebody of whom nothing was told before.
    pub(super) fn newcomer(&mut self) -> Other {
        self.people += 1;
        let (id, leg) = (ParticipantId(FIRST_ELSEWHERE + self.people), LegId(self.first_leg + self.people));
        let ssrc = self.next_ssrc();
        Other { id, leg, ways: BTreeMap::new(), ssrc, heard: None, admitted: false, shown: None }
    }
}

/// As a roster here shows somebody elsewhere; `alive`: whether whoever tells of them can be reached.
fn participant_of(line: &Line, id: ParticipantId, institution: String, alive: bool) -> Participant {
    Participant {
        id,
        name: line.name.clone(),
        institution: Some(institution),
        kind: line.kind,
        role: line.role,
        muted: line.muted,
        muted_by_moderator: line.muted_by_moderator,
        hand: line.hand,
        hand_since: None,
        speaking: false,
        lobby: line.lobby,
        away: line.away || !alive,
    }
}

/// As somebody is told to peers.
pub(super) fn line_of(
    who: Who,
    participant: &Participant,
    ssrc: u32,
    (grant, through): (Option<String>, Option<Domain>),
) -> Line {
    Line {
        who,
        name: participant.name.clone(),
        kind: participant.kind,
        role: participant.role,
        muted: participant.muted,
        muted_by_moderator: participant.muted_by_moderator,
        hand: participant.hand,
        lobby: participant.lobby,
        away: participant.away,
        ssrc,
        grant,
        through,
    }
}

/// What somebody is at most, of whom nobody has said what they may.
pub(super) const LEAST: Role = Role::Participant;
