//! Calls that are connected with others. In: whom the plan wants rung for a caller, and what becomes of each of them. Out: the
//! caller hears it ringing, is answered when somebody is there, and both hear each other in a room of their own.
//!
//! A caller is not answered before anybody else is: until then nobody pays, and a refusal is one that their telephone understands.

use std::collections::BTreeMap;
use std::time::Instant;

use tokio::sync::oneshot;

use super::callbacks::Side;
use super::caller::{Brief, Caller};
use super::chance::random;
use super::queues::Line;
use super::residing::Whose;
use super::routing::{Beginning, Errand, Routed};
use super::{Gateway, clock, leg_of};
use crate::call::hunt::{Effect, Hunt, Input};
use crate::call::sdp::Keys;
use crate::call::{Refusal, sdp};
use crate::dialplan::{Callee, Onward};
use crate::ivr::{Menu, Prompt};
use crate::media::Clip;
use crate::media::tone::{Player, Tone};
use crate::sip::{self, Reply, Shown};
use crate::words::{CallId, Codec, Digit, Direction, Family, Language, LegId, Personal, RoomId};
use crate::workers::{self, PortPair};

/// What is kept until people are connected.
#[derive(Default)]
pub(super) struct Switchboard {
    /// Callers whose calls are not answered yet.
    waiting: BTreeMap<LegId, Waiting>,
    /// Whom to ring for a caller.
    seeking: BTreeMap<LegId, Seeking>,
    /// Whose telephone rings.
    rung: BTreeMap<LegId, Rung>,
    /// How many calls a rule has rung for: where its rotation goes on.
    turns: BTreeMap<String, usize>,
}

struct Waiting {
    brief: Brief,
    offer: Option<String>,
    answer: oneshot::Sender<sip::Verdict>,
}

struct Seeking {
    hunt: Hunt,
    errand: Errand,
    /// By their place in the list.
    rung: BTreeMap<usize, LegId>,
}

/// For whom somebody is rung, and their place in the list.
#[derive(Clone)]
pub(super) enum For {
    Caller {
        leg: LegId,
        which: usize,
    },
    Office {
        line: Line,
        agent: usize,
        leg: LegId,
    },
    /// `leg` is the agent's, once they have answered.
    Callback {
        number: u64,
        side: Side,
        leg: Option<LegId>,
    },
}

struct Rung {
    whom: For,
    callee: Callee,
    whose: Whose,
    ports: PortPair,
    ours: sdp::Ours,
    codecs: Vec<Codec>,
}

/// Nobody could be rung: the log says why.
pub(super) struct NotRung;

impl Switchboard {
    /// Callers whose calls are not answered yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Everybody who is rung now.
    pub(super) fn rung(&self) -> impl Iterator<Item = LegId> {
        self.rung.keys().copied()
    }

    /// Whether somebody is rung now.
    pub(super) fn rings(&self, callee: &Callee) -> bool {
        self.rung.values().any(|rung| rung.callee == *callee)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.seeking.values().filter_map(|seeking| seeking.hunt.next_timeout()).min()
    }

    /// Where the rotation of a rule stands; the next call gets the next place.
    fn turn(&mut self, rule: &str) -> usize {
        let turn = self.turns.entry(rule.to_owned()).or_default();
        let now = *turn;
        *turn = now.wrapping_add(1);
        now
    }
}

impl Gateway {
    /// A caller hears it ringing while somebody is looked for.
    pub(super) fn keep_ringing(
        &mut self,
        leg: LegId,
        brief: Brief,
        beginning: Beginning,
        offer: Option<&str>,
    ) -> Result<Reply, Refusal> {
        // What could not be answered later is refused now.
        self.family_for(&brief.facts, offer)?;
        let (answer, later) = oneshot::channel();
        self.switchboard.waiting.insert(leg, Waiting { brief, offer: offer.map(ToOwned::to_owned), answer });
        self.go_on_with(leg, beginning);
        Ok(Reply::Ring(later))
    }

    /// Looks for somebody who takes a caller's call.
    pub(super) fn seek(&mut self, leg: LegId, errand: Errand) {
        let turn = self.switchboard.turn(&errand.rule);
        let ring = &errand.ring;
        let (hunt, effects) = Hunt::new(ring.to.len(), ring.way, turn, ring.patience, clock::now());
        self.switchboard.seeking.insert(leg, Seeking { hunt, errand, rung: BTreeMap::new() });
        if self.callers.contains_key(&leg) {
            self.tell_media(workers::Command::Play { leg, clips: vec![ringback()], repeat: true, id: RINGBACK });
        }
        self.perform_hunt(leg, effects);
    }

    fn tell_hunt(&mut self, leg: LegId, input: Input) {
        let Some(mut seeking) = self.switchboard.seeking.remove(&leg) else { return };
        let (hunt, effects) = seeking.hunt.on(input, clock::now());
        seeking.hunt = hunt;
        self.switchboard.seeking.insert(leg, seeking);
        self.perform_hunt(leg, effects);
    }

    fn perform_hunt(&mut self, leg: LegId, effects: Vec<Effect>) {
        let mut connected = None;
        for effect in effects {
            match effect {
                Effect::Ring(which) => match self.ring(leg, which) {
                    Ok(rung) => {
                        if let Some(seeking) = self.switchboard.seeking.get_mut(&leg) {
                            seeking.rung.insert(which, rung);
                        }
                    }
                    Err(NotRung) => self.tell_hunt(leg, Input::Refused(which)),
                },
                Effect::Leave(which) => {
                    if let Some(rung) = self.who_is(leg, which) {
                        self.no_longer_rung(rung);
                    }
                }
                Effect::Connect(which) => connected = self.who_is(leg, which),
                Effect::GiveUp { busy } => return self.nobody_answers(leg, busy),
            }
        }
        if let Some(other) = connected {
            self.switchboard.seeking.remove(&leg);
            self.bring_together(leg, other);
        }
    }

    fn who_is(&mut self, leg: LegId, which: usize) -> Option<LegId> {
        self.switchboard.seeking.get_mut(&leg)?.rung.remove(&which)
    }

    /// Rings one telephone.
    fn ring(&mut self, leg: LegId, which: usize) -> Result<LegId, NotRung> {
        let seeking = self.switchboard.seeking.get(&leg).ok_or(NotRung)?;
        let callee = seeking.errand.ring.to.get(which).cloned().ok_or(NotRung)?;
        let (emergency, shown) = (seeking.errand.emergency, seeking.errand.shown.clone());
        let brief = self.brief_of(leg).ok_or(NotRung)?;
        let from = shown.or_else(|| brief.facts.caller.clone()).map_or(Shown::Nobody, Shown::Number);
        let forwards = brief.facts.forwards.checked_sub(1).ok_or(NotRung)?;
        self.place_call(&callee, from, forwards, emergency, For::Caller { leg, which })
    }

    /// Places a call, and keeps for whom.
    pub(super) fn place_call(
        &mut self,
        callee: &Callee,
        from: Shown,
        forwards: u8,
        emergency: bool,
        whom: For,
    ) -> Result<LegId, NotRung> {
        let codecs = self.codecs_of(Some(&callee.trunk));
        let trunk = self.config.sip.trunks.named(&callee.trunk);
        let family = trunk.and_then(|trunk| trunk.outbound.as_ref()?.target.family());
        let family = family.unwrap_or(if self.pool.has(Family::V4) { Family::V4 } else { Family::V6 });
        let ports = self.pool.reserve_ports(family).map_err(|error| {
            tracing::warn!(to = sip::masked(&callee.user), %error, "is not rung");
            NotRung
        })?;
        let mut ours = sdp::Ours::from(ports.address());
        if let Some(trunk) = trunk {
            ours.protection = trunk.protection(Keys::fresh(random).map_err(|_| NotRung)?, emergency);
        }
        let to = Personal::new(callee.user.clone());
        let offer = sdp::offer(ours.clone(), &codecs, 1);
        let wish = sip::Wish { trunk: callee.trunk.clone(), to, from, offer, emergency, forwards };
        let call = self.door.dial(wish).map_err(|why| {
            tracing::warn!(to = sip::masked(&callee.user), %why, "is not rung");
            NotRung
        })?;
        let leg = whom.leg();
        tracing::info!(leg = leg.map(|leg| leg.0), %call, to = sip::masked(&callee.user), trunk = %callee.trunk, "rings");
        if let Some(leg) = leg {
            self.ledger.rang(CallId(leg.0), call);
        }
        let whose = if emergency { Whose::Anybody } else { Whose::Trunk(callee.trunk.clone()) };
        let callee = callee.clone();
        self.switchboard.rung.insert(leg_of(call), Rung { whom, callee, whose, ports, ours, codecs });
        Ok(leg_of(call))
    }

    /// Somebody has answered whom we rang.
    pub(super) fn picked_up(&mut self, call: CallId, answer: &str) {
        let other = leg_of(call);
        let Some(rung) = self.switchboard.rung.remove(&other) else { return self.hang_up(other) };
        let Rung { whom, callee, whose, ports, ours, codecs } = rung;
        let session = sdp::accept(answer, ours.clone(), &codecs);
        let protected = session.as_ref().is_ok_and(|session| session.keying.is_some());
        self.watch.begins(other, session.as_ref().ok().map(|session| session.codec));
        let added = session.and_then(|session| self.add_phone(other, ports, session, &whose));
        let mut caller = Caller::called(ours, codecs, callee, whose);
        caller.protected = protected;
        self.callers.insert(other, caller);
        match added {
            Ok(()) => match whom {
                For::Caller { leg, which } => self.tell_hunt(leg, Input::Answered(which)),
                For::Office { line, agent, .. } => self.agent_answers(&line, agent),
                For::Callback { number, side, .. } => self.callback_answered(number, side, other),
            },
            Err(why) => {
                tracing::info!(leg = %other, %why, "an answer cannot be used: hung up");
                self.hang_up(other);
                self.does_not_answer(&whom, false);
            }
        }
    }

    /// Somebody whom we rang does not answer.
    pub(super) fn declined(&mut self, call: CallId, status: u16) {
        let Some(rung) = self.switchboard.rung.remove(&leg_of(call)) else { return };
        tracing::info!(%call, status, "does not answer");
        self.does_not_answer(&rung.whom, matches!(status, BUSY_HERE | BUSY_EVERYWHERE));
    }

    fn does_not_answer(&mut self, whom: &For, busy: bool) {
        match whom {
            For::Caller { leg, which } if busy => self.tell_hunt(*leg, Input::Busy(*which)),
            For::Caller { leg, which } => self.tell_hunt(*leg, Input::Refused(*which)),
            For::Office { line, agent, .. } => self.agent_refuses(line, *agent),
            For::Callback { number, side, .. } => self.callback_refused(*number, *side),
        }
    }

    /// Somebody is rung no longer, or has answered for nothing.
    pub(super) fn no_longer_rung(&mut self, rung: LegId) {
        self.switchboard.rung.remove(&rung);
        self.hang_up(rung);
    }

    /// Two hear each other from now on.
    pub(super) fn bring_together(&mut self, leg: LegId, other: LegId) {
        if let Some(waiting) = self.switchboard.waiting.remove(&leg) {
            // In an emergency that of the caller, too, is anybody's.
            let helper = self.callers.get(&other).map(|helper| &helper.whose).filter(|whose| **whose == Whose::Anybody);
            let whose = helper.cloned().unwrap_or_else(|| Whose::of(&waiting.brief.facts, &Beginning::Talk));
            let answer = self.take(leg, waiting.brief, Beginning::Talk, whose, waiting.offer.as_deref());
            let taken = self.is_taken(leg, &answer);
            if !(waiting.answer.send(answer).is_ok() && taken) {
                self.ended(leg);
                return self.hang_up(other);
            }
        }
        for (one, two) in [(leg, other), (other, leg)] {
            if let Some(caller) = self.callers.get_mut(&one) {
                caller.peer = Some(two);
            }
        }
        tracing::info!(%leg, %other, "connected");
        self.enter_bridge(other);
        self.enter_bridge(leg);
    }

    /// Lets a leg into the room that it has with another; one whose offer we await comes later.
    pub(super) fn enter_bridge(&mut self, leg: LegId) {
        let Some(caller) = self.callers.get(&leg) else { return };
        let Some(peer) = caller.peer.filter(|_| caller.is_open()) else { return };
        self.tell_media(workers::Command::StopPlaying { leg });
        self.tell_media(workers::Command::Enter { leg, room: RoomId::of_bridge(leg.min(peer)) });
    }

    /// A key for the other side; true if there is one.
    pub(super) fn pass_key(&mut self, leg: LegId, digit: Digit) -> bool {
        let Some(peer) = self.callers.get(&leg).and_then(|caller| caller.peer) else { return false };
        self.tell_media(workers::Command::Press { leg: peer, digit });
        true
    }

    /// One side puts the other on hold (RFC 3264 section 8.4), or takes them back. Who sends music themselves is heard; who sends nothing,
    /// be it that they say `sendonly`, would leave the other side in silence, which sounds like a call that broke off.
    pub(super) fn holds(&self, leg: LegId, direction: Direction) {
        let Some(peer) = self.callers.get(&leg).and_then(|caller| caller.peer) else { return };
        match direction {
            Direction::Inactive | Direction::RecvOnly => {
                tracing::info!(%leg, %peer, "puts the other side on hold");
                let music = Prompt::HoldMusic.in_language(self.config.language);
                let clips = self.clip(music).into_iter().collect();
                self.tell_media(workers::Command::PlayInSilence { leg: peer, clips });
            }
            Direction::SendRecv | Direction::SendOnly => {
                self.tell_media(workers::Command::StopPlaying { leg: peer });
            }
        }
    }

    /// A call is over for which somebody was rung, or who was connected.
    pub(super) fn lets_go(&mut self, leg: LegId, peer: Option<LegId>) {
        self.tell_hunt(leg, Input::Abandoned);
        self.switchboard.seeking.remove(&leg);
        if let Some(peer) = peer {
            if let Some(other) = self.callers.get_mut(&peer) {
                other.peer = None;
            }
            self.hang_up(peer);
        }
    }

    /// A caller who hears it ringing gives up; true if it was one.
    pub(super) fn gives_up(&mut self, leg: LegId) -> bool {
        let waited = self.switchboard.waiting.remove(&leg).is_some();
        if waited {
            tracing::info!(%leg, "the caller gives up");
            self.lets_go(leg, None);
        }
        waited
    }

    fn nobody_answers(&mut self, leg: LegId, busy: bool) {
        let Some(seeking) = self.switchboard.seeking.remove(&leg) else { return };
        let refusal = match (seeking.errand.emergency, busy) {
            (true, _) => Refusal::Emergency,
            (false, true) => Refusal::AllBusy,
            (false, false) => Refusal::NobodyAnswers,
        };
        if refusal == Refusal::Emergency {
            tracing::error!(%leg, "an emergency call did not get through");
        }
        match seeking.errand.ring.otherwise {
            Some(onward) => self.lead_on(leg, onward),
            None => self.turn_away(leg, refusal),
        }
    }

    /// Another context decides.
    pub(super) fn lead_on(&mut self, leg: LegId, onward: Onward) {
        let Some(brief) = self.brief_of(leg) else { return };
        let Routed { rule, decided, told, outcome, .. } = self.routing.onward(&brief, onward, self.config.language);
        tracing::info!(%leg, rule, decided, "led on");
        self.ledger.led_on(CallId(leg.0), &told);
        match outcome {
            Err(refusal) => self.turn_away(leg, refusal),
            Ok(beginning) => self.go_on_with(leg, beginning),
        }
    }

    pub(super) fn go_on_with(&mut self, leg: LegId, beginning: Beginning) {
        match beginning {
            Beginning::Ring(errand) => self.seek(leg, errand),
            Beginning::Queue(queue) => self.enqueue(leg, queue),
            Beginning::Callback(callback) => self.offer_callback(leg, callback),
            Beginning::Menu { .. } | Beginning::Announcement { .. } | Beginning::Transfer(_) | Beginning::Talk => {
                self.answer_now(leg, beginning);
            }
        }
    }

    pub(super) fn answer_now(&mut self, leg: LegId, beginning: Beginning) {
        if let Some(waiting) = self.switchboard.waiting.remove(&leg) {
            let whose = Whose::of(&waiting.brief.facts, &beginning);
            let answer = self.take(leg, waiting.brief, beginning, whose, waiting.offer.as_deref());
            let taken = self.is_taken(leg, &answer);
            if !(waiting.answer.send(answer).is_ok() && taken) {
                self.ended(leg);
            }
            return;
        }
        if let Some(caller) = self.callers.get_mut(&leg) {
            caller.beginning = beginning;
        }
        self.tell_media(workers::Command::StopPlaying { leg });
        self.begin(leg);
    }

    /// Whether a caller can be answered; if not, that is how their call ends.
    fn is_taken(&mut self, leg: LegId, answer: &sip::Verdict) -> bool {
        if let Err(refusal) = answer {
            self.ledger.refused(CallId(leg.0), refusal);
        }
        answer.is_ok()
    }

    /// Who is not answered yet is refused; who is hears goodbye.
    pub(super) fn turn_away(&mut self, leg: LegId, refusal: Refusal) {
        if let Some(waiting) = self.switchboard.waiting.remove(&leg) {
            tracing::info!(%leg, why = %refusal, "refused");
            self.ledger.refused(CallId(leg.0), &refusal);
            // Who has hung up meanwhile needs no answer.
            let _ = waiting.answer.send(Err(refusal));
            return;
        }
        let prompt = match refusal {
            Refusal::NobodyAnswers | Refusal::AllBusy | Refusal::Busy => Prompt::NobodyAnswers,
            Refusal::Closed => Prompt::Closed,
            Refusal::NoRule | Refusal::NotFound => Prompt::NotInService,
            Refusal::Forbidden
            | Refusal::RoomLocked
            | Refusal::NoCommonCodec { .. }
            | Refusal::BadOffer
            | Refusal::NoCommonAddress
            | Refusal::NoCommonTransport
            | Refusal::Unprotected
            | Refusal::IntervalTooSmall { .. }
            | Refusal::Draining
            | Refusal::Full
            | Refusal::TrunkFull { .. }
            | Refusal::WrongTransport { .. }
            | Refusal::NoContact
            | Refusal::Flood
            | Refusal::Elsewhere { .. }
            | Refusal::NoMember
            | Refusal::NotTheirs
            | Refusal::NotShared
            | Refusal::MediaElsewhere
            | Refusal::Emergency => Prompt::Goodbye,
        };
        self.say_goodbye(leg, prompt, self.config.language);
    }

    /// Says a last word to somebody whose call is answered, and hangs up.
    pub(super) fn say_goodbye(&mut self, leg: LegId, prompt: Prompt, language: Language) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let (menu, effects) = Menu::announcement(prompt, language, clock::now());
        caller.menu = Some(menu);
        // Nothing else goes on after that.
        caller.beginning = Beginning::Talk;
        self.perform_menu(leg, effects);
    }

    pub(super) fn on_time_of_hunts(&mut self, now: Instant) {
        let due = |(leg, seeking): (&LegId, &Seeking)| {
            seeking.hunt.next_timeout().is_some_and(|at| at <= now).then_some(*leg)
        };
        let legs: Vec<LegId> = self.switchboard.seeking.iter().filter_map(due).collect();
        for leg in legs {
            self.tell_hunt(leg, Input::Timeout);
        }
    }

    pub(super) fn brief_of(&self, leg: LegId) -> Option<Brief> {
        let waiting = self.switchboard.waiting.get(&leg).map(|waiting| &waiting.brief);
        waiting.or_else(|| self.callers.get(&leg)?.brief.as_ref()).cloned()
    }
}

impl For {
    /// The caller.
    const fn leg(&self) -> Option<LegId> {
        match self {
            Self::Caller { leg, .. } | Self::Office { leg, .. } => Some(*leg),
            Self::Callback { leg, .. } => *leg,
        }
    }
}

/// 486 and 600.
const BUSY_HERE: u16 = 486;
const BUSY_EVERYWHERE: u16 = 600;

/// No menu counts its plays so far.
const RINGBACK: u64 = u64::MAX;

/// What a caller hears whose call we have answered, while somebody else is rung.
pub(super) fn ringback() -> Clip {
    let mut sound = vec![0; Clip::RATE.frame() * 250];
    Player::new(Tone::Ringing, Clip::RATE).fill(&mut sound);
    Clip::new(sound.into())
}
