//! A meeting on a virtual clock: callers with their menus, browsers and one room, wired as the gateway wires them.
#![allow(dead_code, clippy::expect_used, reason = "each test uses a part; one that goes wrong may stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use einwahl::ivr::{self, Admission, HangUp, Input, Menu, Prompt, Target};
use einwahl::room::{self, Command, Config, Kind, Name, Newcomer, Role, Room};
use einwahl::words::{Digit, Language, LegId, ParticipantId, Personal, PhoneNumber, RoomId};

/// One meeting with the ID 123456, the PIN 4711 for participants (or another) and 0815 for moderators.
pub struct Town {
    pub pin: String,
    pub now: Instant,
    pub room: Room,
    pub menus: BTreeMap<LegId, Menu>,
    /// Who calls, where the number is not withheld.
    pub numbers: BTreeMap<LegId, Personal<PhoneNumber>>,
    /// What each caller heard, in order.
    pub heard: BTreeMap<LegId, Vec<Prompt>>,
    /// Whose sound is in the room.
    pub inside: BTreeSet<LegId>,
    pub muted: BTreeMap<LegId, bool>,
    pub hung_up: BTreeMap<LegId, HangUp>,
}

impl Town {
    pub fn with(config: Config) -> Self {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        let now = Instant::now();
        Self {
            pin: String::from("4711"),
            room: Room::new(config, now),
            now,
            menus: BTreeMap::new(),
            numbers: BTreeMap::new(),
            heard: BTreeMap::new(),
            inside: BTreeSet::new(),
            muted: BTreeMap::new(),
            hung_up: BTreeMap::new(),
        }
    }

    pub fn call(&mut self, leg: u64) -> LegId {
        let leg = LegId(leg);
        let (menu, effects) = Menu::new(ivr::Config::default(), Language::De, self.now);
        self.menus.insert(leg, menu);
        self.perform_menu(leg, effects);
        leg
    }

    pub fn browser(&mut self, leg: u64, role: Role) -> (LegId, ParticipantId) {
        let leg = LegId(leg);
        self.tells_room(Command::Join(Newcomer {
            leg,
            kind: Kind::Browser,
            name: Name::chosen("Erika"),
            role,
            guest: None,
        }));
        (leg, self.room.owner(leg).expect("in the roster"))
    }

    pub fn tells_menu(&mut self, leg: LegId, input: Input) {
        if let Some(menu) = self.menus.remove(&leg) {
            let (menu, effects) = menu.on(input, self.now);
            if !menu.is_over() {
                self.menus.insert(leg, menu);
            }
            self.perform_menu(leg, effects);
        }
    }

    pub fn tells_room(&mut self, command: Command) {
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
                    let admission = answer(&target, pin, &self.pin);
                    self.tells_menu(leg, Input::Answered { admission, hold: Duration::ZERO });
                }
                ivr::Effect::Join { role, .. } => {
                    self.tells_room(Command::Join(Newcomer {
                        leg,
                        kind: Kind::Phone,
                        name: Name::of_caller(self.numbers.get(&leg)),
                        role,
                        guest: None,
                    }));
                }
                ivr::Effect::Press(key) => self.tells_room(Command::Key { leg, key }),
                ivr::Effect::HangUp(why) => {
                    self.hung_up.insert(leg, why);
                    self.tells_room(Command::Leave { leg });
                }
                ivr::Effect::StopPlaying | ivr::Effect::Failed { .. } | ivr::Effect::Language(_) => {}
                // Nobody in this town asks to be called back.
                ivr::Effect::Examine(_) | ivr::Effect::CallBack(_) => {}
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
            | room::Effect::Ask { .. }
            | room::Effect::Published(_)
            | room::Effect::Typed { .. }
            | room::Effect::TypedTooFast { .. }
            | room::Effect::Speaking(_) => {}
        }
    }

    pub fn keys(&mut self, leg: LegId, keys: &str) {
        for key in keys.chars() {
            self.tells_menu(leg, Input::Digit(Digit::from_char(key).expect("a key")));
        }
    }

    /// Time passes; prompts come to their ends.
    pub fn after(&mut self, seconds: u64) {
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
    pub fn dials_in(&mut self, leg: u64, pin: &str) -> LegId {
        let leg = self.call(leg);
        self.keys(leg, "123456#");
        self.after(1);
        self.keys(leg, pin);
        self.keys(leg, "#");
        leg
    }

    pub fn last_heard(&self, leg: LegId) -> Option<Prompt> {
        self.heard.get(&leg).and_then(|heard| heard.last()).copied()
    }

    pub fn has_heard(&self, leg: LegId, prompt: Prompt) -> bool {
        self.heard.get(&leg).is_some_and(|heard| heard.contains(&prompt))
    }
}

fn answer(target: &Target, pin: Option<&str>, participants: &str) -> Admission {
    let room: RoomId = "rat".parse().expect("a room");
    let exists = matches!(target, Target::Conference(id) if id.as_str() == "123456");
    match pin {
        None if exists => Admission::PinNeeded,
        Some(given) if exists && given == participants => Admission::Admitted { room, role: Role::Participant },
        Some("0815") if exists => Admission::Admitted { room, role: Role::Moderator },
        None | Some(_) => Admission::Refused,
    }
}
