//! Callers with their menus and a browser in one room, wired as the gateway wires them, on a virtual clock.
//! What is told here spans two rooms of the house; what concerns one alone is told beside it.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test that goes wrong may stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use einwahl::ivr::{self, Admission, HangUp, Input, Menu, Obstacle, Prompt, Target};
use einwahl::room::{self, Action, Command, Config, Kind, Name, Newcomer, Opening, Role, Room};
use einwahl::words::{Digit, Language, LegId, ParticipantId, RoomId};

/// One meeting with the ID 123456, the PIN 4711 for participants and 0815 for moderators.
struct Town {
    now: Instant,
    room: Room,
    menus: BTreeMap<LegId, Menu>,
    /// What each caller heard, in order.
    heard: BTreeMap<LegId, Vec<Prompt>>,
    /// Whose sound is in the room.
    inside: BTreeSet<LegId>,
    muted: BTreeMap<LegId, bool>,
    hung_up: BTreeMap<LegId, HangUp>,
}

impl Town {
    fn with(config: Config) -> Self {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        let now = Instant::now();
        Self {
            room: Room::new(config, now),
            now,
            menus: BTreeMap::new(),
            heard: BTreeMap::new(),
            inside: BTreeSet::new(),
            muted: BTreeMap::new(),
            hung_up: BTreeMap::new(),
        }
    }

    fn call(&mut self, leg: u64) -> LegId {
        let leg = LegId(leg);
        let (menu, effects) = Menu::new(ivr::Config::default(), Language::De, self.now);
        self.menus.insert(leg, menu);
        self.perform_menu(leg, effects);
        leg
    }

    fn browser(&mut self, leg: u64, role: Role) -> (LegId, ParticipantId) {
        let leg = LegId(leg);
        self.tells_room(Command::Join(Newcomer { leg, kind: Kind::Browser, name: Name::chosen("Erika"), role }));
        (leg, self.room.owner(leg).expect("in the roster"))
    }

    fn tells_menu(&mut self, leg: LegId, input: Input) {
        if let Some(menu) = self.menus.remove(&leg) {
            let (menu, effects) = menu.on(input, self.now);
            if !menu.is_over() {
                self.menus.insert(leg, menu);
            }
            self.perform_menu(leg, effects);
        }
    }

    fn tells_room(&mut self, command: Command) {
        let (room, effects) = self.room.clone().apply(command, self.now);
        self.room = room;
        effects.into_iter().for_each(|effect| self.perform_room(effect));
    }

    fn perform_menu(&mut self, leg: LegId, effects: Vec<ivr::Effect>) {
        for effect in effects {
            match effect {
                ivr::Effect::Play { prompts, .. } => {
                    self.heard.entry(leg).or_default().extend(prompts.iter().map(|spoken| spoken.prompt));
                }
                ivr::Effect::LookUp { target, pin } => {
                    let pin = pin.as_ref().map(einwahl::words::Pin::expose);
                    let admission = answer(&target, pin);
                    self.tells_menu(leg, Input::Answered { admission, hold: Duration::ZERO });
                }
                ivr::Effect::Join { role, .. } => {
                    self.tells_room(Command::Join(Newcomer {
                        leg,
                        kind: Kind::Phone,
                        name: Name::of_caller(None),
                        role,
                    }));
                }
                ivr::Effect::Press(key) => self.tells_room(Command::Key { leg, key }),
                ivr::Effect::HangUp(why) => {
                    self.hung_up.insert(leg, why);
                    self.tells_room(Command::Leave { leg });
                }
                ivr::Effect::StopPlaying | ivr::Effect::Failed { .. } | ivr::Effect::Language(_) => {}
            }
        }
    }

    fn perform_room(&mut self, effect: room::Effect) {
        match effect {
            room::Effect::Enter { leg } => drop(self.inside.insert(leg)),
            room::Effect::Exit { leg } => drop(self.inside.remove(&leg)),
            room::Effect::SetMuted { leg, on } => drop(self.muted.insert(leg, on)),
            room::Effect::Notice { leg, notice } => self.tells_menu(leg, Input::Notice(notice)),
            room::Effect::Disconnect { leg, why } => {
                if let Some(notice) = why.notice() {
                    self.tells_menu(leg, Input::Notice(notice));
                }
            }
            room::Effect::Refused { leg, why } => self.tells_menu(leg, Input::NotTaken(why.obstacle())),
            room::Effect::Seated { .. }
            | room::Effect::Announce(_)
            | room::Effect::Published(_)
            | room::Effect::Speaking(_) => {}
        }
    }

    fn keys(&mut self, leg: LegId, keys: &str) {
        for key in keys.chars() {
            self.tells_menu(leg, Input::Digit(Digit::from_char(key).expect("a key")));
        }
    }

    /// Time passes; prompts come to their ends.
    fn after(&mut self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.now += Duration::from_millis(100);
            for leg in self.menus.keys().copied().collect::<Vec<_>>() {
                if let Some(id) = self.menus.get(&leg).and_then(Menu::playing) {
                    self.tells_menu(leg, Input::Played(id));
                }
                if let Some((_, timer)) =
                    self.menus.get(&leg).and_then(Menu::next_timeout).filter(|(at, _)| *at <= self.now)
                {
                    self.tells_menu(leg, Input::Timeout(timer));
                }
            }
            while let Some((_, timer)) = self.room.next_timeout().filter(|(at, _)| *at <= self.now) {
                self.tells_room(Command::Timeout(timer));
            }
        }
    }

    /// A caller who keys ID and PIN.
    fn dials_in(&mut self, leg: u64, pin: &str) -> LegId {
        let leg = self.call(leg);
        self.keys(leg, "123456#");
        self.after(1);
        self.keys(leg, pin);
        self.keys(leg, "#");
        leg
    }

    fn last_heard(&self, leg: LegId) -> Option<Prompt> {
        self.heard.get(&leg).and_then(|heard| heard.last()).copied()
    }

    fn has_heard(&self, leg: LegId, prompt: Prompt) -> bool {
        self.heard.get(&leg).is_some_and(|heard| heard.contains(&prompt))
    }
}

fn answer(target: &Target, pin: Option<&str>) -> Admission {
    let room: RoomId = "rat".parse().expect("a room");
    let exists = matches!(target, Target::Conference(id) if id.as_str() == "123456");
    match pin {
        None if exists => Admission::PinNeeded,
        Some("4711") if exists => Admission::Admitted { room, role: Role::Participant },
        Some("0815") if exists => Admission::Admitted { room, role: Role::Moderator },
        None | Some(_) => Admission::Refused,
    }
}

#[test]
fn a_citizen_dials_in_waits_in_the_lobby_with_music_and_is_admitted_from_a_browser() {
    let mut town = Town::with(Config { lobby: true, ..Config::default() });
    let (_, erika) = town.browser(100, Role::Moderator);
    let citizen = town.dials_in(1, "4711");
    town.after(5);
    assert_eq!(town.last_heard(citizen), Some(Prompt::HoldMusic));
    assert!(!town.inside.contains(&citizen), "not one sample of the room before admission");
    let waiting = town.room.owner(citizen).expect("in the lobby");
    town.tells_room(Command::Act { by: erika, action: Action::Admit { participant: waiting } });
    assert!(town.inside.contains(&citizen));
    assert!(town.has_heard(citizen, Prompt::Number(2)));
    town.after(200);
    assert_ne!(town.last_heard(citizen), Some(Prompt::HoldMusic), "and no music in the meeting");
}

#[test]
fn callers_wait_until_the_moderator_dials_in_by_telephone_too() {
    let mut town = Town::with(Config { opening: Opening::WithModerator, ..Config::default() });
    let citizen = town.dials_in(1, "4711");
    town.after(70);
    assert!(town.has_heard(citizen, Prompt::NotOpenYet) && town.has_heard(citizen, Prompt::StillWaiting));
    assert!(town.inside.is_empty());
    let mayor = town.dials_in(2, "0815");
    assert_eq!(town.inside, [citizen, mayor].into());
}

#[test]
fn a_caller_muted_by_a_moderator_hears_so_asks_for_the_floor_by_key_and_gets_it() {
    let mut town = Town::with(Config::default());
    let (_, erika) = town.browser(100, Role::Moderator);
    let caller = town.dials_in(1, "4711");
    let participant = town.room.owner(caller).expect("in the roster");
    town.tells_room(Command::Act { by: erika, action: Action::Mute { participant, on: true } });
    assert_eq!(town.last_heard(caller), Some(Prompt::MutedByModerator));
    town.keys(caller, "*6");
    assert_eq!((town.last_heard(caller), town.muted[&caller]), (Some(Prompt::MayNotSpeak), true));
    town.keys(caller, "*9");
    town.tells_room(Command::Act { by: erika, action: Action::GiveFloor { participant } });
    assert_eq!((town.last_heard(caller), town.muted[&caller]), (Some(Prompt::YouMaySpeak), false));
}

#[test]
fn the_end_for_all_is_heard_by_every_caller_before_the_call_ends() {
    let mut town = Town::with(Config { lobby: true, ..Config::default() });
    let (_, erika) = town.browser(100, Role::Moderator);
    let callers = [town.dials_in(1, "4711"), town.dials_in(2, "0815")];
    town.tells_room(Command::Act { by: erika, action: Action::End });
    for caller in callers {
        assert!(town.has_heard(caller, Prompt::Ended) && !town.hung_up.contains_key(&caller));
    }
    town.after(1);
    for caller in callers {
        assert_eq!(town.hung_up.get(&caller), Some(&HangUp::Ended));
    }
    assert!(town.inside.is_empty());
}

#[test]
fn a_late_caller_hears_that_the_meeting_is_locked() {
    let mut town = Town::with(Config::default());
    let (_, erika) = town.browser(100, Role::Moderator);
    town.tells_room(Command::Act { by: erika, action: Action::Lock { on: true } });
    let late = town.dials_in(1, "4711");
    town.after(1);
    assert!(town.has_heard(late, Prompt::Locked));
    assert_eq!(town.hung_up.get(&late), Some(&HangUp::NotNow(Obstacle::Locked)));
}

#[test]
fn dial_in_works_although_nobody_has_joined_by_browser() {
    let mut town = Town::with(Config::default());
    let first = town.dials_in(1, "4711");
    assert!(town.has_heard(first, Prompt::Alone));
    let second = town.dials_in(2, "4711");
    assert_eq!(town.inside, [first, second].into());
}
