//! Random meetings against a small naive model, a naive media plane, and copies of the roster that follow the events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::words::Typed;

const GRACE: Duration = Duration::from_secs(30);
const HISTORY: usize = 12;

/// One line of the naive roster: plain fields, no types that help.
#[derive(Clone, Debug)]
struct Line {
    leg: u64,
    here: bool,
    away_since: u64,
    role: Role,
    inside: bool,
    wants: bool,
    may: bool,
    hand: bool,
}

/// What a meeting is, said as simply as possible.
#[derive(Clone, Debug, Default)]
struct Model {
    open: bool,
    ended: bool,
    locked: bool,
    lobby: bool,
    moderator_opens: bool,
    opens_at: Option<u64>,
    most: usize,
    ids: u64,
    lines: BTreeMap<u64, Line>,
    clock: u64,
}

impl Model {
    fn id_of(&self, leg: u64) -> Option<u64> {
        self.lines.iter().find(|(_, line)| line.leg == leg).map(|(id, _)| *id)
    }

    fn has_moderator(&self) -> bool {
        self.lines.values().any(|line| line.role == Role::Moderator)
    }

    fn join(&mut self, leg: u64, role: Role) {
        if let Some(id) = self.id_of(leg) {
            return self.back(id, leg);
        }
        let moderator = role == Role::Moderator;
        if self.ended || (self.locked && !moderator) || self.lines.len() >= self.most {
            return;
        }
        self.ids += 1;
        let inside = self.open && (moderator || !self.lobby);
        let may = role != Role::Listener;
        let line = Line { leg, here: true, away_since: 0, role, inside, wants: true, may, hand: false };
        self.lines.insert(self.ids, line);
        if moderator && self.moderator_opens {
            self.open_now();
        }
    }

    fn open_now(&mut self) {
        if self.ended || self.open {
            return;
        }
        self.open = true;
        let lobby = self.lobby;
        for line in self.lines.values_mut() {
            line.inside = line.role == Role::Moderator || !lobby;
        }
    }

    fn back(&mut self, id: u64, leg: u64) {
        if self.id_of(leg).is_some_and(|owner| owner != id) {
            return;
        }
        if let Some(line) = self.lines.get_mut(&id) {
            line.leg = leg;
            line.here = true;
        }
    }

    fn drop_line(&mut self, id: u64) {
        let Some(line) = self.lines.remove(&id) else { return };
        if line.role == Role::Moderator && !self.has_moderator() {
            for other in self.lines.values_mut().filter(|other| other.role == Role::Participant && !other.may) {
                other.may = true;
                other.wants = false;
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.open = false;
        self.lines.clear();
    }

    fn unblock(&mut self, id: u64) {
        if let Some(line) = self.lines.get_mut(&id).filter(|line| line.inside && !(line.wants && line.may)) {
            line.may = true;
            line.wants |= line.hand;
        }
    }

    fn mute_self(&mut self, id: u64, on: bool) {
        if let Some(line) = self.lines.get_mut(&id) {
            if on {
                line.wants = false;
            } else if line.may || line.role == Role::Moderator {
                line.wants = true;
                line.may = true;
            }
        }
    }

    fn act(&mut self, by: u64, action: Action) {
        let Some(actor) = self.lines.get(&by).cloned() else { return };
        let moderates = actor.role == Role::Moderator;
        if moderates && matches!(action, Action::Open) {
            return self.open_now();
        }
        if moderates && matches!(action, Action::End) {
            return self.end();
        }
        if !actor.inside {
            return;
        }
        if !moderates && !matches!(action, Action::MuteSelf { .. } | Action::Hand { .. }) {
            return;
        }
        match action {
            Action::Admit { participant } => {
                if let Some(line) = self.lines.get_mut(&participant.0) {
                    line.inside = true;
                }
            }
            Action::AdmitAll => self.lines.values_mut().for_each(|line| line.inside = true),
            Action::Mute { participant, on: true } => {
                if let Some(line) = self.lines.get_mut(&participant.0).filter(|line| line.inside) {
                    line.may = false;
                }
            }
            Action::Mute { participant, on: false } => self.unblock(participant.0),
            Action::GiveFloor { participant } => {
                self.unblock(participant.0);
                if let Some(line) = self.lines.get_mut(&participant.0) {
                    line.hand = false;
                }
            }
            Action::MuteAll { on } => {
                let ids: Vec<u64> = self.lines.keys().copied().collect();
                for id in ids {
                    let line = self.lines[&id].clone();
                    if on && line.inside && line.role != Role::Moderator {
                        self.lines.get_mut(&id).expect("its line").may = false;
                    } else if !on && line.role == Role::Participant && !line.may {
                        self.unblock(id);
                    }
                }
            }
            Action::LowerHand { participant } => {
                if let Some(line) = self.lines.get_mut(&participant.0) {
                    line.hand = false;
                }
            }
            Action::Remove { participant } => self.drop_line(participant.0),
            Action::Lock { on } => self.locked = on,
            Action::MuteSelf { on } => self.mute_self(by, on),
            Action::Hand { on } => {
                if let Some(line) = self.lines.get_mut(&by) {
                    line.hand = on;
                }
            }
            Action::Open | Action::End => {}
        }
    }

    fn key(&mut self, leg: u64, key: Key) {
        let Some(id) = self.id_of(leg) else { return };
        let line = self.lines[&id].clone();
        if !line.inside || !line.here {
            return;
        }
        match key {
            Key::Mute => self.mute_self(id, line.wants && line.may),
            Key::Hand => self.lines.get_mut(&id).expect("its line").hand = !line.hand,
            Key::Count => {}
            Key::Lead(lead) => self.lead(id, lead),
        }
    }

    fn lead(&mut self, by: u64, lead: Lead) {
        let speaks = |line: &Line| line.inside && line.role == Role::Participant && line.may;
        let on = self.lines.values().any(speaks);
        match lead {
            Lead::AdmitAll => self.act(by, Action::AdmitAll),
            Lead::MuteAll => self.act(by, Action::MuteAll { on }),
            Lead::Lock => self.act(by, Action::Lock { on: !self.locked }),
            Lead::End { sure: true } => self.act(by, Action::End),
            Lead::End { sure: false } => {}
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.clock += seconds;
        let gone = |line: &Line| !line.here && line.away_since + GRACE.as_secs() <= self.clock;
        let mut over: Vec<(u64, u64)> =
            self.lines.iter().filter(|(_, line)| gone(line)).map(|(id, line)| (line.away_since, *id)).collect();
        over.sort_unstable();
        for (_, id) in over {
            self.drop_line(id);
        }
        if self.opens_at.is_some_and(|at| at <= self.clock) {
            self.open_now();
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Wait(seconds) => self.wait(*seconds),
            Step::Do(command) => match command {
                Command::Join(newcomer) => self.join(newcomer.leg.0, newcomer.role),
                Command::Leave { leg } => {
                    if let Some(id) = self.id_of(leg.0) {
                        self.drop_line(id);
                    }
                }
                Command::Act { by, action } => self.act(by.0, *action),
                Command::Key { leg, key } => self.key(leg.0, *key),
                Command::Gone { leg } => {
                    let now = self.clock;
                    if let Some(line) = self.lines.values_mut().find(|line| line.leg == leg.0 && line.here) {
                        line.here = false;
                        line.away_since = now;
                    }
                }
                Command::Returned { participant, leg } => self.back(participant.0, leg.0),
                // Those on other gateways are played where several gateways are: `cascade/shards/stories.rs`.
                Command::Put(_) | Command::Take { .. } | Command::Lead(_) | Command::Told(_) => {}
                Command::TypeElsewhere { .. } => {}
                Command::Speaking(_) | Command::Type { .. } | Command::Timeout(_) => {}
                Command::Mute { participant, on: true } => {
                    if let Some(line) = self.lines.get_mut(&participant.0).filter(|line| line.inside) {
                        line.wants = false;
                    }
                }
                Command::Mute { participant, on: false } => self.unblock(participant.0),
                Command::Open => self.open_now(),
                Command::End => self.end(),
                Command::Change(config) => {
                    self.lobby = config.lobby;
                    self.moderator_opens = config.opening == Opening::WithModerator;
                    self.opens_at = None;
                    if !self.moderator_opens || self.has_moderator() {
                        self.open_now();
                    }
                }
            },
        }
    }
}

/// What the media plane would do with the effects.
#[derive(Default)]
struct Ears {
    entered: BTreeSet<LegId>,
    muted: BTreeMap<LegId, bool>,
    /// Who was read last.
    read: Option<ParticipantId>,
}

impl Ears {
    fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Enter { leg } => {
                assert!(self.muted.contains_key(leg), "{leg} is entered before it is known whether it is muted");
                assert!(self.entered.insert(*leg), "{leg} is entered twice");
            }
            Effect::Exit { leg } => assert!(self.entered.remove(leg), "{leg} is taken out but was not in"),
            Effect::SetMuted { leg, on } => {
                self.muted.insert(*leg, *on);
            }
            Effect::Disconnect { leg, .. } => assert!(!self.entered.contains(leg), "{leg} is still in the room"),
            Effect::Seated { .. }
            | Effect::Refused { .. }
            | Effect::Notice { .. }
            | Effect::Announce(_)
            | Effect::Ask { .. }
            | Effect::Published(_)
            | Effect::TypedTooFast { .. }
            | Effect::Speaking(_) => {}
            Effect::Typed { by, .. } => self.read = Some(*by),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Do(Command),
    Wait(u64),
}

fn any_role() -> impl Strategy<Value = Role> {
    prop_oneof![2 => Just(Role::Moderator), 4 => Just(Role::Participant), 1 => Just(Role::Listener)]
}

fn any_action() -> impl Strategy<Value = Action> {
    let participant = || (1..12_u64).prop_map(ParticipantId);
    prop_oneof![
        4 => any::<bool>().prop_map(|on| Action::MuteSelf { on }),
        4 => any::<bool>().prop_map(|on| Action::Hand { on }),
        4 => participant().prop_map(|participant| Action::Admit { participant }),
        1 => Just(Action::AdmitAll),
        6 => (participant(), any::<bool>()).prop_map(|(participant, on)| Action::Mute { participant, on }),
        2 => any::<bool>().prop_map(|on| Action::MuteAll { on }),
        3 => participant().prop_map(|participant| Action::GiveFloor { participant }),
        2 => participant().prop_map(|participant| Action::LowerHand { participant }),
        2 => participant().prop_map(|participant| Action::Remove { participant }),
        2 => any::<bool>().prop_map(|on| Action::Lock { on }),
        1 => Just(Action::Open),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let leg = || (1..9_u64).prop_map(LegId);
    let participant = || (1..12_u64).prop_map(ParticipantId);
    let lead = prop_oneof![
        4 => Just(Lead::AdmitAll),
        4 => Just(Lead::MuteAll),
        4 => Just(Lead::Lock),
        3 => Just(Lead::End { sure: false }),
        1 => Just(Lead::End { sure: true }),
    ];
    let key = prop_oneof![
        2 => Just(Key::Mute),
        2 => Just(Key::Hand),
        1 => Just(Key::Count),
        1 => lead.prop_map(Key::Lead),
    ];
    let newcomer = (leg(), any_role()).prop_map(|(leg, role)| Newcomer {
        leg,
        kind: Kind::Phone,
        name: Name::of_caller(None),
        role,
        guest: None,
    });
    prop_oneof![
        12 => newcomer.prop_map(|newcomer| Step::Do(Command::Join(newcomer))),
        2 => leg().prop_map(|leg| Step::Do(Command::Leave { leg })),
        24 => (participant(), any_action()).prop_map(|(by, action)| Step::Do(Command::Act { by, action })),
        8 => (leg(), key).prop_map(|(leg, key)| Step::Do(Command::Key { leg, key })),
        4 => leg().prop_map(|leg| Step::Do(Command::Gone { leg })),
        4 => (participant(), leg()).prop_map(|(participant, leg)| Step::Do(Command::Returned { participant, leg })),
        4 => leg().prop_map(|leg| Step::Do(Command::Type { leg, text: Typed::read("x") })),
        4 => prop::collection::vec(leg(), 0..4).prop_map(|legs| Step::Do(Command::Speaking(legs))),
        2 => (participant(), any::<bool>()).prop_map(|(participant, on)| Step::Do(Command::Mute { participant, on })),
        1 => Just(Step::Do(Command::Open)),
        1 => ("[a-c]", any::<bool>(), any::<bool>()).prop_map(|(title, lobby, waits)| {
            let opening = if waits { Opening::WithModerator } else { Opening::AtOnce };
            let config = Config { title, opening, lobby, grace: GRACE, most: 6, history: HISTORY, ..Config::default() };
            Step::Do(Command::Change(Box::new(config)))
        }),
        4 => (1..40_u64).prop_map(Step::Wait),
        1 => prop::bool::weighted(0.1).prop_map(|ends| if ends { Step::Do(Command::End) } else { Step::Wait(1) }),
    ]
}

/// The room, the model, the ears and the copies, side by side.
struct Trial {
    room: Room,
    model: Model,
    ears: Ears,
    copies: BTreeMap<Role, Snapshot>,
    now: Instant,
}

const VIEWERS: [Role; 2] = [Role::Moderator, Role::Participant];

impl Trial {
    fn new(opening: u8, lobby: bool) -> Self {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        let now = Instant::now();
        let at = now + Duration::from_secs(60);
        let opening = [Opening::AtOnce, Opening::At(at), Opening::WithModerator, Opening::AtOrWithModerator(at)]
            [usize::from(opening)];
        let config = Config { opening, lobby, grace: GRACE, most: 6, history: HISTORY, ..Config::default() };
        let room = Room::new(config, now);
        let model = Model {
            open: opening == Opening::AtOnce,
            lobby,
            moderator_opens: opening.by_moderator(),
            opens_at: opening.time().map(|_| 60),
            most: 6,
            ..Model::default()
        };
        let copies = VIEWERS.map(|role| (role, room.snapshot(role))).into();
        Self { room, model, ears: Ears::default(), copies, now }
    }

    fn plays(&mut self, step: &Step) {
        self.model.apply(step);
        self.ears.read = None;
        self.follows(step);
        if let Step::Do(Command::Type { leg, .. }) = step {
            let may = |line: &&Line| {
                line.leg == leg.0 && line.inside && line.here && (line.role != Role::Listener || line.may)
            };
            let by = self.model.lines.iter().find(|(_, line)| may(line)).map(|(id, _)| ParticipantId(*id));
            assert_eq!(self.ears.read, by, "who is read");
        }
    }

    fn follows(&mut self, step: &Step) {
        match step {
            Step::Do(command) => self.does(command.clone()),
            Step::Wait(seconds) => {
                self.now += Duration::from_secs(*seconds);
                while let Some((_, timer)) = self.room.next_timeout().filter(|(at, _)| *at <= self.now) {
                    self.does(Command::Timeout(timer));
                }
            }
        }
    }

    fn does(&mut self, command: Command) {
        let before = self.room.revision();
        let (room, effects) = self.room.clone().apply(command, self.now);
        self.room = room;
        let mut number = before;
        for effect in &effects {
            self.ears.perform(effect);
            if let Effect::Published(numbered) = effect {
                number += 1;
                assert_eq!(numbered.revision, number, "numbers rise by one");
                for (role, copy) in self.copies.iter_mut().filter(|(role, _)| numbered.event.is_for(**role)) {
                    copy.follow(numbered);
                    assert!(*role == Role::Moderator || copy.participants.iter().all(|p| !p.lobby));
                }
            }
        }
        assert_eq!(number, self.room.revision());
        self.catches_up(before);
    }

    /// Somebody who was away since `before` gets the same from the history, or is told to take a snapshot.
    fn catches_up(&self, before: u64) {
        let missed = self.room.events_since(before, Role::Moderator);
        let many = self.room.revision() - before > HISTORY as u64;
        assert_eq!(missed.is_none(), many);
    }

    fn agrees(&self) {
        let seen = self.room.snapshot(Role::Moderator);
        assert_eq!((seen.open, seen.locked, seen.ended), (self.model.open, self.model.locked, self.model.ended));
        let rows: Vec<_> = seen
            .participants
            .iter()
            .map(|p| (p.id.0, p.role, p.muted, p.muted_by_moderator, p.hand, p.lobby, p.away))
            .collect();
        let expected: Vec<_> = self
            .model
            .lines
            .iter()
            .map(|(id, l)| (*id, l.role, !(l.wants && l.may), !l.may, l.hand, !l.inside, !l.here))
            .collect();
        assert_eq!(rows, expected);
        self.sounds_right();
        for (role, copy) in &self.copies {
            let mut copy = copy.clone();
            let truth = self.room.snapshot(*role);
            copy.revision = truth.revision;
            assert_eq!(quiet(copy), quiet(truth), "what a {role:?} follows");
        }
    }

    fn sounds_right(&self) {
        let inside = self.model.lines.values().filter(|line| line.inside && line.here);
        let heard: BTreeMap<LegId, bool> = inside.map(|l| (LegId(l.leg), !(l.wants && l.may))).collect();
        assert_eq!(self.ears.entered, heard.keys().copied().collect());
        for (leg, muted) in heard {
            assert_eq!(self.ears.muted.get(&leg), Some(&muted), "the mute of {leg}");
        }
        for id in self.room.speaking() {
            let line = &self.model.lines[&id.0];
            assert!(line.inside && line.here && line.wants && line.may, "{id} cannot be speaking");
        }
    }
}

/// Without who is speaking, which is not numbered.
fn quiet(mut snapshot: Snapshot) -> Snapshot {
    snapshot.participants.iter_mut().for_each(|participant| participant.speaking = false);
    snapshot
}

/// A way for a meeting to go: how it opens, whether it has a lobby, and what happens.
fn any_course() -> impl Strategy<Value = (u8, bool, Vec<Step>)> {
    (0_u8..4, any::<bool>(), prop::collection::vec(any_step(), 1..60))
}

fn agree_throughout((opening, lobby, steps): &(u8, bool, Vec<Step>)) {
    let mut trial = Trial::new(*opening, *lobby);
    for step in steps {
        trial.plays(step);
        trial.agrees();
    }
}

/// Plays the meeting that these bytes draw. They are a seed: draws from the bytes themselves would come to their end, and some
/// are repeated until they fit.
pub(crate) fn play(bytes: &[u8]) {
    let mut seed = [0_u8; 32];
    for (place, byte) in (0..seed.len()).cycle().zip(bytes) {
        seed[place] = seed[place].rotate_left(3) ^ byte;
    }
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), chance);
    if let Ok(course) = any_course().new_tree(&mut runner) {
        agree_throughout(&course.current());
    }
}

#[cfg(test)]
proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_meeting_is_what_the_model_says(course in any_course()) {
        agree_throughout(&course);
    }
}
