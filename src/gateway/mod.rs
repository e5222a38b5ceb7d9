//! Wires everything: what the doors and the media thread tell goes through the pure rooms, and what those want is done here,
//! in one place. One task owns all state: nothing is locked, and everything happens in one order.
//!
//! A page: [`web::Event::Arrived`] → `browser` (offer and answer) → `workers` (a private leg) → `room` (join) → `workers`.
//!
//! A call: [`sip::Event::Invited`] → `call` (offer and answer) → `workers` (a private leg) → `ivr` (keys to admission) →
//! `room` (join) → `workers` (the leg enters).

mod access;
mod accounts;
mod around;
mod at_rest;
mod audit;
mod audit_page;
mod callbacks;
mod calls;
mod caller;
mod chance;
mod clock;
mod config;
mod erasures;
mod federation;
mod health;
mod invitations;
mod jobs;
mod keeping;
mod ledger;
mod live;
mod meetings;
mod menus;
mod oidc;
mod protection;
mod publishing;
mod quality;
mod queues;
mod relays;
mod residing;
mod rooms;
mod routing;
mod running;
mod settings;
mod sign_in;
mod slow;
mod stop;
mod survey;
mod switchboard;
mod transfer;
mod trunks;
mod typing;
mod visitors;
mod watching;

#[cfg(test)]
mod canaries;
#[cfg(test)]
mod canary_tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};

use crate::connection::{Candidate, Identity};
use crate::ivr::{self, Guard, GuardConfig};
use crate::links;
use crate::meeting::Book;
use crate::names::Names;
use crate::observe::{BEAT, Observed};
use crate::records::Audit;
use crate::records::calls::Calls;
use crate::room::{Command, Room};
use crate::sip::{self, Door};
use crate::store::{self, Folder, Store};
use crate::web;
use crate::words::{LegId, Personal, RoomId};
use crate::workers::{self, Pool};

use access::Access;
pub use accounts::Change;
pub use at_rest::{AtRest, Cannot};
use callbacks::Callbacks;
use caller::Caller;
use calls::leg_of;
use chance::random;
pub use clock::{local as local_time, moment};
pub use config::{CannotStart, Config};
use erasures::Erasures;
pub use federation::{Config as FederationConfig, kept_registry, look_at_registry, own_key};
use federation::{Federation, Shards};
use health::Health;
pub use invitations::Config as MailConfig;
use invitations::{Invitations, Mailed};
pub use keeping::Place;
use ledger::Ledger;
use meetings::Desk;
pub use oidc::Config as OidcConfig;
pub use publishing::Config as PlanConfig;
use publishing::{Publishing, Worked};
use queues::Queues;
use relays::Relays;
use routing::Routing;
pub use running::Running;
pub use settings::Unfit;
pub use stop::Stop;
use switchboard::Switchboard;
use trunks::Trunks;
use visitors::Visitors;

/// Events that may wait. A door that finds its queue full refuses the call with 503.
const QUEUE: usize = 1_024;

/// So often it is looked whether the time of entries in the audit is over.
const DAY: Duration = Duration::from_secs(24 * 3_600);

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
    /// Nobody new is taken.
    draining: bool,
    visitors: Visitors,
    book: Book,
    desk: Desk,
    access: Access,
    relays: Option<Relays>,
    invitations: Option<Invitations>,
    mailed: mpsc::Receiver<Mailed>,
    watch: live::Watch,
    /// Turns for those who read the audit.
    audits: Arc<tokio::sync::Semaphore>,
    store: Store,
    audit: Audit,
    calls: Calls,
    ledger: Ledger,
    next_day: Instant,
    /// Questions about plans that may be worked on at once.
    surveys: Arc<Semaphore>,
    callers: BTreeMap<LegId, Caller>,
    switchboard: Switchboard,
    queues: Queues,
    callbacks: Callbacks,
    erasures: Erasures,
    trunks: Trunks,
    federation: Option<Federation>,
    shards: Option<Shards>,
    /// Of the links to other members.
    linked: mpsc::Receiver<links::Event>,
    /// Of the registry.
    offered: mpsc::Receiver<federation::Offered>,
    rooms: BTreeMap<RoomId, Room>,
    signalling: mpsc::Receiver<sip::Event>,
    visits: mpsc::Receiver<web::Event>,
    media: mpsc::Receiver<workers::Event>,
    stored: mpsc::Receiver<store::Event>,
    proofs: mpsc::Receiver<slow::Proof>,
    publishing: Publishing,
    worked: mpsc::Receiver<Worked>,
    /// Locked while we live; the last to go.
    _folder: Option<Folder>,
}

impl Gateway {
    /// Opens the doors.
    ///
    /// # Errors
    /// An address is taken, or the store belongs to somebody else.
    pub async fn start(mut config: Config) -> Result<Self, CannotStart> {
        let mut kept = config.place.open()?;
        let (jobs, worked) = jobs::Jobs::new();
        let (publishing, running) = Publishing::begin(&config.dialplan, &mut kept.entries, jobs);
        let (to_media, media) = mpsc::channel(QUEUE);
        let pool = Pool::start(&config.media, to_media)?;
        let observed = Observed::new(pool.figures(), clock::unix());
        config.residency = config.residency.counted(observed.clone());
        let health = Health::new(&observed, &pool);
        let (to_signalling, signalling) = mpsc::channel(QUEUE);
        let mut door =
            Door::open(config.sip.clone(), config.residency.clone(), observed.clone(), to_signalling).await?;
        let (to_visits, visits) = mpsc::channel(QUEUE);
        let pages = web::Door::open(&config.web, &observed, to_visits)?;
        let (slow, proofs) = slow::Slow::new();
        let names = || Names::new(&config.sip.dns, config.residency.clone());
        let sign_in = config.oidc.clone().map(|oidc| oidc::Oidc::new(oidc, names(), slow.beside())).transpose()?;
        let (to_mailed, mailed) = mpsc::channel(QUEUE);
        let invitations = config.mail.clone().map(|mail| Invitations::new(mail, names(), to_mailed)).transpose()?;
        let relays = config.relays.clone().map(|relays| Relays::new(relays, names()));
        let (to_linked, linked) = mpsc::channel(QUEUE);
        let (to_offered, offered) = mpsc::channel(1);
        let federation = match &config.federation {
            None => None,
            Some(of) => {
                let around =
                    federation::Around { residency: &config.residency, observed: &observed, place: &config.place };
                Some(Federation::begin(of, &around, &kept.entries, to_linked, to_offered)?)
            }
        };
        let listens = config.federation.as_ref().map(|of| of.joined.sip.clone()).filter(|sip| !sip.is_empty());
        if let Some((federation, listen)) = federation.as_ref().zip(listens) {
            door.join(federation.joining(listen)).await?;
        }
        let chance = u64::from_be_bytes(random().map_err(|error| std::io::Error::other(error.to_string()))?);
        let shards = federation.as_ref().map(|federation| federation.shards(chance));
        let mut gateway = Self {
            page_guard: Guard::new(GuardConfig::default()),
            routing: Routing { running: Arc::new(running), zone: config.zone.clone() },
            identity: Identity::generate()?,
            candidates: visitors::candidates(&config.media.browsers, &config.public),
            pages,
            observed,
            health,
            draining: false,
            visitors: Visitors::default(),
            visits,
            book: config.book.clone(),
            desk: Desk::default(),
            watch: live::Watch::default(),
            audits: Arc::new(tokio::sync::Semaphore::new(audit_page::MOST)),
            access: Access::new(&config.accounts, slow, sign_in),
            proofs,
            relays,
            invitations,
            mailed,
            store: kept.store,
            audit: kept.audit,
            calls: kept.calls,
            ledger: Ledger::default(),
            next_day: clock::now(),
            surveys: Arc::new(Semaphore::new(survey::MOST)),
            stored: kept.stored,
            publishing,
            worked,
            _folder: kept.folder,
            guard: Guard::new(GuardConfig::default()),
            callers: BTreeMap::new(),
            switchboard: Switchboard::default(),
            queues: Queues::default(),
            callbacks: Callbacks::default(),
            erasures: Erasures::default(),
            trunks: Trunks::default(),
            shards,
            federation,
            linked,
            offered,
            rooms: BTreeMap::new(),
            config,
            door,
            pool,
            signalling,
            media,
        };
        gateway.take_in(kept.entries);
        gateway.note_start();
        Ok(gateway)
    }

    /// Serves until it is asked to stop.
    pub async fn serve(mut self, stop: Stop) {
        let mut beats = tokio::time::interval(BEAT);
        let mut end: Option<Instant> = None;
        while end.is_none_or(|end| clock::now() < end && !self.is_empty()) {
            let deadline = self.next_deadline().into_iter().chain(end).min();
            tokio::select! {
                () = stop.now.cancelled() => break,
                () = stop.drain.cancelled(), if end.is_none() => end = Some(self.drain()),
                Some(event) = self.signalling.recv() => self.on_signalling(event),
                Some(event) = self.visits.recv() => self.on_page(event),
                Some(event) = self.media.recv() => self.on_media(event),
                Some(event) = self.stored.recv() => self.on_stored(event),
                Some(proof) = self.proofs.recv() => self.on_proof(proof),
                Some(mailed) = self.mailed.recv() => self.on_mailed(mailed),
                Some(worked) = self.worked.recv() => self.on_worked(worked),
                Some(event) = self.linked.recv() => self.on_link(event),
                Some(offered) = self.offered.recv() => self.on_offered(offered),
                () = until(deadline) => self.on_time(),
                _ = beats.tick() => self.on_beat(),
            }
        }
        self.end().await;
    }

    /// Once a second.
    fn on_beat(&mut self) {
        self.beat();
        self.tell_readers();
        self.watch_folder();
        self.write_records();
        self.look_at_offices();
        self.look_at_registry();
        self.look_at_visits(None);
        self.look_at_callbacks();
        self.note_refused_connections();
    }

    fn on_signalling(&mut self, event: sip::Event) {
        match event {
            sip::Event::Invited { call, facts, offer, verdict } => {
                let answer = match &facts.visitor {
                    None => self.invited(call, &facts, offer.as_deref()),
                    Some(visitor) => self.visited(call, &facts, visitor, offer.as_deref()),
                };
                if verdict.send(answer).is_err() {
                    // The door has given up waiting.
                    self.ended(leg_of(call));
                }
            }
            sip::Event::Acknowledged { call, answer } => self.acknowledged(leg_of(call), answer.as_deref()),
            sip::Event::Reoffered { call, offer, verdict } => {
                let answer = self.reoffered(leg_of(call), offer.as_deref());
                drop(verdict.send(answer));
            }
            sip::Event::Answered { call, answer } => self.answered(leg_of(call), &answer),
            sip::Event::Ringing { call } => tracing::debug!(%call, "it rings there"),
            sip::Event::PickedUp { call, answer } => self.picked_up(call, &answer),
            sip::Event::Declined { call, status } => self.declined(call, status),
            sip::Event::Referred { call, taken } => self.referred(leg_of(call), taken),
            sip::Event::Trunk { trunk, news } => self.trunk_stands(&trunk, *news),
            sip::Event::MemberRefused(refused) => self.member_refused(&refused),
            sip::Event::Digit { call, digit } => self.on_key(leg_of(call), digit),
            sip::Event::Ended { call } => self.ended(leg_of(call)),
        }
    }

    fn on_media(&mut self, event: workers::Event) {
        match event {
            workers::Event::Digit { leg, digit } => self.on_key(leg, digit),
            workers::Event::Typed { leg, text, beyond } => self.on_typed(leg, text, beyond),
            workers::Event::Played { leg, .. } if self.plays_on(leg) || self.told_agent(leg) => {}
            workers::Event::Played { leg, id } => self.tell_menu(leg, ivr::Input::Played(ivr::PlayId(id))),
            workers::Event::Speaking { room, legs } => self.tell_room(&room, Command::Speaking(legs)),
            workers::Event::Quality { leg, quality } => {
                quality::tell_of_now(leg, &quality);
                self.watch.sounds(leg, &quality);
            }
            workers::Event::Over { leg, quality } => self.sounded(leg, &quality),
            workers::Event::Connected { leg } => tracing::info!(%leg, "sound passes to and from a browser"),
            workers::Event::PeerConnected { peer } => self.peer_connected(peer),
            workers::Event::PeerElsewhere { peer, address } => self.peer_is_elsewhere(peer, address),
            workers::Event::PeerLost { peer } => self.peer_lost(peer),
            workers::Event::PeerQuality { peer, quality } => quality::tell_of_peer(peer, &quality),
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

    fn tell_media(&self, command: workers::Command) {
        if let Err(error) = self.pool.send(command) {
            tracing::error!(%error, "a command to the media thread is lost");
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let menus = self.callers.values().filter_map(|caller| caller.menu.as_ref()?.next_timeout());
        let rooms = self.rooms.values().filter_map(|room| room.next_timeout());
        let hunts = self.switchboard.next_timeout().into_iter().chain(self.queues.next_timeout());
        let hunts = hunts.chain(self.callbacks.next_timeout());
        let hunts = hunts.chain(self.invitations.as_ref().and_then(Invitations::next_timeout));
        let shards = self.shards.as_ref().and_then(Shards::next_timeout);
        menus.map(|(at, _)| at).chain(shards).chain(rooms.map(|(at, _)| at)).chain(hunts).chain([self.next_day]).min()
    }

    fn on_time(&mut self) {
        let now = clock::now();
        if self.next_day <= now {
            self.next_day = now + DAY;
            self.audit.prune(clock::moment(), clock::days_ago(self.config.keep_days));
            self.delete_old_records();
        }
        self.on_time_of_shards(now);
        self.on_time_of_hunts(now);
        self.on_time_of_queues(now);
        self.on_time_of_callbacks(now);
        self.on_time_of_mail(now);
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

/// Waits for a deadline; for ever, if there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
