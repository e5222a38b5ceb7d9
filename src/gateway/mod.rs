//! Wires everything: what the doors and the media thread tell goes through the pure rooms, and what those want is done here,
//! in one place. One task owns all state: nothing is locked, and everything happens in one order.
//!
//! A page: [`web::Event::Arrived`] → `browser` (offer and answer) → `workers` (a private leg) → `room` (join) → `workers`.
//!
//! A call: [`sip::Event::Invited`] → `call` (offer and answer) → `workers` (a private leg) → `ivr` (keys to admission) →
//! `room` (join) → `workers` (the leg enters).

mod caller;
mod chance;
mod clock;
mod health;
mod meetings;
mod routing;
mod settings;
mod visitors;

#[cfg(test)]
mod canaries;
#[cfg(test)]
mod canary_tests;

use std::collections::BTreeMap;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::browser::{Candidate, Identity};
use crate::call::{Refusal, sdp};
use crate::dialplan::Plan;
use crate::ivr::{self, Guard, GuardConfig, Library, Prompt, Spoken};
use crate::media::Clip;
use crate::observe::{BEAT, Observed, Who};
use crate::room::{self, Announcement, Command, Kind, Name, Newcomer, Room};
use crate::sip::{self, Door};
use crate::web;
use crate::words::{CallId, Codec, Language, LegId, Personal, RoomId};
use crate::workers::{self, Pool};

use caller::{Caller, Line};
use chance::random;
pub use clock::local as local_time;
use health::Health;
pub use meetings::Meeting;
use meetings::Meetings;
use routing::Routing;
pub use settings::Unfit;
use visitors::Visitors;

/// How the gateway works.
#[derive(Clone, Debug)]
pub struct Config {
    /// The door for telephones.
    pub sip: sip::Config,
    /// The door for browsers.
    pub web: web::Config,
    /// Where browsers' media reaches us, if that is not where we listen for it.
    pub public: Vec<std::net::IpAddr>,
    /// The media thread.
    pub media: workers::Config,
    /// The codecs, the best first.
    pub codecs: Vec<Codec>,
    /// The language of the menu.
    pub language: Language,
    /// The menu.
    pub menu: ivr::Config,
    /// What callers hear.
    pub library: Library,
    /// What calls are for.
    pub plan: Plan,
    /// The institution's time.
    pub zone: jiff::tz::TimeZone,
    /// The meetings.
    pub meetings: Vec<Meeting>,
}

/// The gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// See [`sip::CannotOpen`].
    #[error(transparent)]
    Sip(#[from] sip::CannotOpen),
    /// See [`web::CannotServe`].
    #[error(transparent)]
    Web(#[from] web::CannotServe),
    /// See [`crate::browser::CannotBegin`].
    #[error(transparent)]
    Browsers(#[from] crate::browser::CannotBegin),
    /// No media thread.
    #[error("the media thread did not start: {0}")]
    Media(#[from] std::io::Error),
}

/// Events that may wait. A door that finds its queue full refuses the call with 503.
const QUEUE: usize = 1_024;

/// A gateway that has started: its doors are open.
pub struct Gateway {
    config: Config,
    routing: Routing,
    door: Door,
    pool: Pool,
    guard: Guard,
    page_guard: Guard<Personal<std::net::IpAddr>>,
    identity: Identity,
    candidates: Vec<Candidate>,
    pages: web::Door,
    observed: Observed,
    health: Health,
    draining: CancellationToken,
    visitors: Visitors,
    meetings: Meetings,
    callers: BTreeMap<LegId, Caller>,
    rooms: BTreeMap<RoomId, Room>,
    signalling: mpsc::Receiver<sip::Event>,
    visits: mpsc::Receiver<web::Event>,
    media: mpsc::Receiver<workers::Event>,
}

impl Gateway {
    /// Opens the doors.
    ///
    /// # Errors
    /// An address is taken.
    pub async fn start(mut config: Config) -> Result<Self, CannotStart> {
        let (to_media, media) = mpsc::channel(QUEUE);
        let pool = Pool::start(&config.media, to_media)?;
        let observed = Observed::new(pool.figures(), clock::unix());
        let health = Health::new(&observed, &pool);
        let (to_signalling, signalling) = mpsc::channel(QUEUE);
        let door = Door::open(config.sip.clone(), observed.clone(), to_signalling).await?;
        let (to_visits, visits) = mpsc::channel(QUEUE);
        let pages = web::Door::open(&config.web, &observed, to_visits)?;
        Ok(Self {
            page_guard: Guard::new(GuardConfig::default()),
            routing: Routing { plan: config.plan.clone(), zone: config.zone.clone() },
            identity: Identity::generate()?,
            candidates: visitors::candidates(&config.media.browsers, &config.public),
            pages,
            observed,
            health,
            draining: CancellationToken::new(),
            visitors: Visitors::default(),
            visits,
            meetings: Meetings::new(std::mem::take(&mut config.meetings)),
            guard: Guard::new(GuardConfig::default()),
            callers: BTreeMap::new(),
            rooms: BTreeMap::new(),
            config,
            door,
            pool,
            signalling,
            media,
        })
    }

    /// Serves until `closing`; then every call is hung up. Once [`Self::draining`] is cancelled nobody new is taken.
    pub async fn serve(mut self, closing: CancellationToken) {
        let mut beats = tokio::time::interval(BEAT);
        let draining = self.draining.clone();
        let mut drained = false;
        loop {
            let deadline = self.next_deadline();
            tokio::select! {
                () = closing.cancelled() => break,
                Some(event) = self.signalling.recv() => self.on_signalling(event),
                Some(event) = self.visits.recv() => self.on_page(event),
                Some(event) = self.media.recv() => self.on_media(event),
                () = until(deadline) => self.on_time(),
                _ = beats.tick() => self.beat(),
                () = draining.cancelled(), if !drained => {
                    self.take_nobody_new();
                    drained = true;
                }
            }
        }
        self.take_nobody_new();
        for leg in self.callers.keys() {
            self.door.hang_up(CallId(leg.0)).await;
        }
        self.door.close();
        self.pages.close();
        self.pool.stop();
    }

    fn on_signalling(&mut self, event: sip::Event) {
        match event {
            sip::Event::Invited { call, facts, offer, verdict } => {
                let answer = self.invited(call, &facts, offer.as_deref());
                // The door has given up waiting: it will tell that the call ended.
                drop(verdict.send(answer));
            }
            sip::Event::Acknowledged { call, answer } => self.acknowledged(leg_of(call), answer.as_deref()),
            sip::Event::Reoffered { call, offer, verdict } => {
                let answer = self.reoffered(leg_of(call), &offer);
                drop(verdict.send(answer));
            }
            sip::Event::Digit { call, digit } => self.tell_menu(leg_of(call), ivr::Input::Digit(digit)),
            sip::Event::Ended { call } => self.ended(leg_of(call)),
        }
    }

    fn on_media(&mut self, event: workers::Event) {
        match event {
            workers::Event::Digit { leg, digit } => self.tell_menu(leg, ivr::Input::Digit(digit)),
            workers::Event::Played { leg, id } => self.tell_menu(leg, ivr::Input::Played(ivr::PlayId(id))),
            workers::Event::Speaking { room, legs } => self.tell_room(&room, Command::Speaking(legs)),
            workers::Event::Connected { leg } => tracing::info!(%leg, "sound passes to and from a browser"),
            // The page notices too, and asks for a restart; its place is its own while it is connected.
            workers::Event::Lost { leg } if self.visitors.is_here(leg) => {
                tracing::info!(%leg, "no sound passes to or from a browser");
            }
            workers::Event::Lost { leg } => {
                tracing::info!(%leg, "no sound from this phone for too long: hung up");
                self.hang_up(leg);
            }
        }
    }

    /// A new call: its leg gets ports, and is made at once if we know what the peer wants.
    fn invited(&mut self, call: CallId, facts: &sip::Facts, offer: Option<&str>) -> Result<String, Refusal> {
        let leg = leg_of(call);
        let beginning = self.routing.of(call, facts, self.config.language)?;
        let ports = self.pool.reserve_ports().map_err(|_| Refusal::Full)?;
        let ours = ports.address();
        let codecs = &self.config.codecs;
        let (line, sdp) = match offer {
            Some(offer) => {
                let (session, sdp) = sdp::answer(offer, ours, codecs, 1)?;
                self.add_phone(leg, ports, session)?;
                (Line::Open, sdp)
            }
            None => (Line::Offered(ports), sdp::offer(ours, codecs, 1)),
        };
        self.callers.insert(leg, Caller::new(ours, line, facts.caller.clone(), beginning));
        Ok(sdp)
    }

    /// The call is up: the menu begins.
    fn acknowledged(&mut self, leg: LegId, answer: Option<&str>) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        if let Some(ports) = caller.take_offered() {
            let session = answer
                .ok_or(Refusal::BadOffer)
                .and_then(|answer| sdp::accept(answer, caller.ours, &self.config.codecs));
            let added = session.and_then(|session| self.add_phone(leg, ports, session));
            if let Err(refusal) = added {
                tracing::info!(%leg, why = %refusal, "the answer to our offer cannot be used: hung up");
                self.hang_up(leg);
                return;
            }
        }
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let (menu, effects) = caller.beginning.clone().begin(&self.config.menu);
        caller.menu = Some(menu);
        self.perform_menu(leg, effects);
    }

    fn add_phone(&self, leg: LegId, ports: workers::PortPair, session: crate::media::Session) -> Result<(), Refusal> {
        let chance = random().map_err(|_| Refusal::Full)?;
        self.pool.add_phone(leg, ports, session, chance).map_err(|_| Refusal::Full)
    }

    fn reoffered(&mut self, leg: LegId, offer: &str) -> Result<String, Refusal> {
        let caller = self.callers.get_mut(&leg).ok_or(Refusal::BadOffer)?;
        caller.version += 1;
        let (session, sdp) = sdp::answer(offer, caller.ours, &self.config.codecs, caller.version)?;
        self.tell_media(workers::Command::Renegotiate { leg, session });
        Ok(sdp)
    }

    fn ended(&mut self, leg: LegId) {
        let Some(caller) = self.callers.remove(&leg) else { return };
        self.tell_media(workers::Command::Remove { leg });
        if let Some(room) = caller.room {
            self.tell_room(&room, Command::Leave { leg });
        }
        tracing::info!(%leg, "the call is over");
    }

    fn hang_up(&self, leg: LegId) {
        let door = self.door.clone();
        tokio::spawn(async move { door.hang_up(CallId(leg.0)).await });
    }

    fn tell_media(&self, command: workers::Command) {
        if let Err(error) = self.pool.send(command) {
            tracing::error!(%error, "a command to the media thread is lost");
        }
    }

    fn tell_menu(&mut self, leg: LegId, input: ivr::Input) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let Some(menu) = caller.menu.take() else { return };
        let (menu, effects) = menu.on(input, clock::now());
        caller.menu = (!menu.is_over()).then_some(menu);
        self.perform_menu(leg, effects);
    }

    fn tell_room(&mut self, name: &RoomId, command: Command) {
        let Some(room) = self.rooms.remove(name) else { return };
        let (room, effects) = room.apply(command, clock::now());
        if !room.is_empty() {
            self.rooms.insert(name.clone(), room);
        }
        for effect in effects {
            self.perform_room(name, effect);
        }
        self.forget_the_lost(name);
    }

    fn perform_menu(&mut self, leg: LegId, effects: Vec<ivr::Effect>) {
        for effect in effects {
            match effect {
                ivr::Effect::Play { prompts, repeat, id } => {
                    let clips = prompts.into_iter().filter_map(|spoken| self.clip(spoken)).collect();
                    self.tell_media(workers::Command::Play { leg, clips, repeat, id: id.0 });
                }
                ivr::Effect::StopPlaying => self.tell_media(workers::Command::StopPlaying { leg }),
                ivr::Effect::LookUp { target, pin } => {
                    let admission = self.meetings.admission(&target, pin.as_ref());
                    let conference = self.meetings.conference(&target);
                    let caller = self.callers.get(&leg).and_then(|caller| caller.number.as_ref());
                    let hold = self.guard.hold(caller, conference.as_ref(), clock::now());
                    self.tell_menu(leg, ivr::Input::Answered { admission, hold });
                }
                ivr::Effect::Failed { target, incident } => {
                    let conference = self.meetings.conference(&target);
                    let caller = self.callers.get(&leg).and_then(|caller| caller.number.as_ref());
                    for suspicion in self.guard.failed(caller, conference.as_ref(), clock::now()) {
                        self.observed.suspected(Who::Phone);
                        tracing::warn!(%leg, ?incident, ?suspicion, "somebody seems to guess");
                    }
                }
                ivr::Effect::Join { room, role } => self.join(leg, &room, role),
                ivr::Effect::Press(key) => {
                    if let Some(room) = self.callers.get(&leg).and_then(|caller| caller.room.clone()) {
                        self.tell_room(&room, Command::Key { leg, key });
                    }
                }
                ivr::Effect::Language(_) => {}
                ivr::Effect::HangUp(why) => {
                    tracing::info!(%leg, ?why, "hung up");
                    self.hang_up(leg);
                }
            }
        }
    }

    fn join(&mut self, leg: LegId, room: &RoomId, role: room::Role) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let name = Name::of_caller(caller.number.as_ref());
        caller.room = Some(room.clone());
        self.open_room(room);
        self.tell_room(room, Command::Join(Newcomer { leg, kind: Kind::Phone, name, role }));
    }

    /// Makes the room of a meeting, if nobody is in it yet.
    fn open_room(&mut self, name: &RoomId) {
        if let Some(meeting) = self.meetings.get(name) {
            let config = &meeting.config;
            self.rooms.entry(name.clone()).or_insert_with(|| Room::new(config.clone(), clock::now()));
        }
    }

    fn perform_room(&mut self, name: &RoomId, effect: room::Effect) {
        match effect {
            room::Effect::Enter { leg } => {
                self.tell_media(workers::Command::Enter { leg, room: name.clone() });
                self.page_enters(leg);
            }
            room::Effect::Exit { leg } => self.tell_media(workers::Command::Exit { leg }),
            room::Effect::SetMuted { leg, on } => self.tell_media(workers::Command::Mute { leg, on }),
            room::Effect::Notice { leg, notice } if self.visitors.is_here(leg) => self.page_is_noticed(leg, notice),
            room::Effect::Notice { leg, notice } => self.tell_menu(leg, ivr::Input::Notice(notice)),
            room::Effect::Announce(announcement) => self.announce(name, announcement),
            room::Effect::Disconnect { leg, why } if self.visitors.is_here(leg) => self.page_is_disconnected(leg, why),
            room::Effect::Disconnect { leg, why } => match why.notice() {
                Some(notice) => self.tell_menu(leg, ivr::Input::Notice(notice)),
                None => self.hang_up(leg),
            },
            room::Effect::Refused { leg, why } if self.visitors.is_here(leg) => self.page_is_refused(leg, why),
            room::Effect::Refused { leg, why } => self.tell_menu(leg, ivr::Input::NotTaken(why.obstacle())),
            room::Effect::Seated { leg, participant } => self.page_is_seated(leg, participant),
            room::Effect::Published(event) => self.publish(name, &event),
            room::Effect::Speaking(participants) => self.show_speakers(name, &participants),
        }
    }

    fn announce(&self, room: &RoomId, announcement: Announcement) {
        let language = self.config.language;
        let sounds = match announcement {
            Announcement::Arrival => vec![Prompt::ChimeIn.in_language(language)],
            Announcement::Departure => vec![Prompt::ChimeOut.in_language(language)],
            Announcement::Count(count) => ivr::count_of(count, language),
        };
        let clips = sounds.into_iter().filter_map(|spoken| self.clip(spoken)).collect();
        self.tell_media(workers::Command::PlayInRoom { room: room.clone(), clips });
    }

    fn clip(&self, spoken: Spoken) -> Option<Clip> {
        self.config.library.sound(spoken).map(Clip::new)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let menus = self.callers.values().filter_map(|caller| caller.menu.as_ref()?.next_timeout());
        let rooms = self.rooms.values().filter_map(|room| room.next_timeout());
        menus.map(|(at, _)| at).chain(rooms.map(|(at, _)| at)).min()
    }

    fn on_time(&mut self) {
        let now = clock::now();
        let legs: Vec<_> = self
            .callers
            .iter()
            .filter_map(|(leg, caller)| Some((*leg, caller.menu.as_ref()?.next_timeout()?)))
            .filter(|(_, (at, _))| *at <= now)
            .collect();
        for (leg, (_, timer)) in legs {
            self.tell_menu(leg, ivr::Input::Timeout(timer));
        }
        let rooms: Vec<_> = self
            .rooms
            .iter()
            .filter_map(|(name, room)| Some((name.clone(), room.next_timeout()?)))
            .filter(|(_, (at, _))| *at <= now)
            .collect();
        for (name, (_, timer)) in rooms {
            self.tell_room(&name, Command::Timeout(timer));
        }
    }
}

/// A call and its leg bear the same number.
const fn leg_of(call: CallId) -> LegId {
    LegId(call.0)
}

/// Waits for a deadline; for ever, if there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
