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
mod caller;
mod chance;
mod clock;
mod erasures;
mod federation;
mod health;
mod invitations;
mod jobs;
mod keeping;
mod ledger;
mod live;
mod meetings;
mod oidc;
mod publishing;
mod quality;
mod queues;
mod relays;
mod residing;
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
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};

use crate::call::{Refusal, sdp};
use crate::connection::{Candidate, Identity};
use crate::ivr::{self, Guard, GuardConfig, Library, Menu, Prompt, Spoken};
use crate::links;
use crate::media::Clip;
use crate::meeting::Book;
use crate::names::Names;
use crate::observe::{BEAT, Observed, Who};
use crate::records::calls::Calls;
use crate::records::{self, Audit};
use crate::residency::{self, Residency};
use crate::room::{self, Announcement, Command, Kind, Name, Newcomer, Room};
use crate::sip::{self, Door};
use crate::store::{self, Folder, Store};
use crate::web;
use crate::words::{CallId, Codec, Digit, Family, Language, LegId, Personal, RoomId, TrunkName};
use crate::workers::{self, Pool};

use access::Access;
pub use accounts::Change;
pub use at_rest::{AtRest, Cannot};
use callbacks::Callbacks;
use caller::{Brief, Caller, Line};
use chance::random;
pub use clock::{local as local_time, moment};
use erasures::Erasures;
pub use federation::{Config as FederationConfig, kept_registry, look_at_registry, own_key};
use federation::{Federation, Shards};
use health::Health;
pub use invitations::Config as MailConfig;
use invitations::{Invitations, Mailed};
pub use keeping::Place;
use ledger::{Asked, Ledger};
use meetings::Desk;
pub use oidc::Config as OidcConfig;
pub use publishing::Config as PlanConfig;
use publishing::{Publishing, Worked};
use queues::Queues;
use relays::Relays;
use residing::Whose;
use routing::{Beginning, Routing};
pub use running::Running;
pub use settings::Unfit;
pub use stop::Stop;
use switchboard::Switchboard;
use trunks::Trunks;
use visitors::Visitors;

/// How the gateway works.
#[derive(Clone, Debug)]
pub struct Config {
    /// The door for telephones.
    pub sip: sip::Config,
    /// How long calls may last once we are asked to stop.
    pub grace: Duration,
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
    /// What calls are for, and how that changes.
    pub dialplan: PlanConfig,
    /// The institution's time.
    pub zone: jiff::tz::TimeZone,
    /// What meetings hear when somebody comes or goes, unless they say themselves.
    pub announce: room::Announce,
    /// The meetings of the file.
    pub book: Book,
    /// The federation that we belong to.
    pub federation: Option<federation::Config>,
    /// Where something may be sent.
    pub residency: Residency,
    /// What the configuration says of that beside the processors, for the record of processing.
    pub sends: residency::Basis,
    /// Where it is kept what has to outlive a restart.
    pub place: Place,
    /// Days after which an entry of the audit is deleted.
    pub keep_days: NonZeroU32,
    /// How long accounts and sessions last.
    pub accounts: crate::config::Accounts,
    /// The institution's own sign-in.
    pub oidc: Option<OidcConfig>,
    /// Relays for browsers.
    pub relays: Option<crate::connection::Relays>,
    /// Invitations by mail.
    pub mail: Option<MailConfig>,
    /// Days after which the record of a call is deleted.
    pub calls_keep_days: NonZeroU32,
    /// Who may use the API.
    pub tokens: Vec<crate::config::Token>,
    /// The most meetings for which more may be made by API.
    pub most_meetings: usize,
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
    /// See [`crate::connection::CannotBegin`].
    #[error(transparent)]
    Browsers(#[from] crate::connection::CannotBegin),
    /// See [`links::CannotOpen`].
    #[error(transparent)]
    Links(#[from] links::CannotOpen),
    /// See [`store::CannotOpen`].
    #[error(transparent)]
    Store(#[from] store::CannotOpen),
    /// See [`crate::oidc::CannotAsk`].
    #[error(transparent)]
    Oidc(#[from] crate::oidc::CannotAsk),
    /// See [`crate::tls::Unusable`].
    #[error(transparent)]
    Mail(#[from] crate::tls::Unusable),
    /// No media thread.
    #[error("the media thread did not start: {0}")]
    Media(#[from] std::io::Error),
}

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

    /// A new call. One line of the log says what becomes of it, and which rule says so.
    fn invited(&mut self, call: CallId, facts: &sip::Facts, offer: Option<&str>) -> Result<sip::Reply, Refusal> {
        let routed = self.routing.of(facts, self.config.language);
        let (rule, decided, version) = (routed.rule, routed.decided, routed.under.version);
        let (leg, brief) = (leg_of(call), Brief { facts: facts.clone(), under: routed.under.clone() });
        let asked = Asked { facts: routed.facts, under: routed.under, rule: rule.clone(), decision: decided.clone() };
        self.ledger.begin(call, asked);
        let answer = match routed.outcome {
            Err(refusal) => Err(refusal),
            Ok(beginning @ (Beginning::Ring(_) | Beginning::Queue(_) | Beginning::Callback(_))) => {
                self.keep_ringing(leg, brief, beginning, offer)
            }
            Ok(beginning) => self.take(leg, brief, beginning, offer).map(sip::Reply::Answer),
        };
        if let Err(refusal) = &answer {
            self.ledger.refused(call, refusal);
        }
        let rule = rule.unwrap_or_else(|| String::from("none"));
        let (called, trunk, caller) = (facts.called_masked(), facts.trunk_named(), &facts.caller);
        match &answer {
            Ok(_) => tracing::info!(%call, ?caller, called, trunk, rule, version, decided, "a call"),
            Err(Refusal::Emergency) => {
                tracing::error!(%call, status = 404, ?caller, called, trunk, rule, why = %Refusal::Emergency, "refused");
            }
            Err(why) => {
                let status = why.on_the_wire().status;
                tracing::info!(%call, status, ?caller, called, trunk, rule, %why, "refused");
            }
        }
        answer
    }

    /// The leg of a new call gets ports, and is made at once if we know what the peer wants.
    fn take(&mut self, leg: LegId, brief: Brief, beginning: Beginning, offer: Option<&str>) -> Result<String, Refusal> {
        let codecs = self.codecs_of(brief.facts.trunk.as_ref());
        let ports = self.pool.reserve_ports(self.family_for(&brief.facts, offer)?).map_err(|_| Refusal::Full)?;
        let ours = ports.address();
        let (mut text, mut reads) = (None, false);
        let (line, sdp, codec) = match offer {
            Some(offer) => {
                let ports_for_text = self.ports_for_text(offer, ours, &beginning);
                text = ports_for_text.as_ref().map(workers::PortPair::address);
                let (session, sdp) = sdp::answer(offer, sdp::Ours { audio: ours, text }, &codecs, 1)?;
                let codec = session.codec;
                reads = session.text.is_some();
                self.add_phone(leg, ports, session, &Whose::of(&brief.facts, &beginning))?;
                if let Some(ports) = ports_for_text {
                    self.tell_media(workers::Command::GiveText { leg, ports });
                }
                (Line::Open, sdp, Some(codec))
            }
            None => (Line::Offered(ports), sdp::offer(ours, &codecs, 1), None),
        };
        self.watch.begins(leg, codec);
        let mut caller = Caller::new(ours, line, codecs, brief, beginning);
        (caller.text, caller.reads) = (text, reads);
        self.callers.insert(leg, caller);
        Ok(sdp)
    }

    /// The family of addresses for a call's sound: that of the offer. If the offer is to be ours, that by which the call came.
    fn family_for(&self, facts: &sip::Facts, offer: Option<&str>) -> Result<Family, Refusal> {
        let family = match offer {
            Some(offer) => sdp::family(offer)?,
            None => Family::of(facts.source.address),
        };
        match offer {
            _ if self.pool.has(family) => Ok(family),
            Some(_) => Err(Refusal::NoCommonAddress),
            None => Ok(family.other()),
        }
    }

    /// The codecs for calls of a trunk, the best first.
    fn codecs_of(&self, trunk: Option<&TrunkName>) -> Vec<Codec> {
        let trunk = trunk.and_then(|name| self.config.sip.trunks.named(name));
        match trunk {
            Some(trunk) if !trunk.codecs.is_empty() => trunk.codecs.clone(),
            Some(_) | None => self.config.codecs.clone(),
        }
    }

    /// The call is up: the menu begins.
    fn acknowledged(&mut self, leg: LegId, answer: Option<&str>) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        self.ledger.answered(CallId(leg.0));
        if let Some(ports) = caller.take_offered() {
            let session =
                answer.ok_or(Refusal::BadOffer).and_then(|answer| sdp::accept(answer, caller.ours, &caller.codecs));
            let whose = caller.whose.clone();
            let added = session.and_then(|session| self.add_phone(leg, ports, session, &whose));
            if let Err(refusal) = added {
                tracing::info!(%leg, why = %refusal, "the answer to our offer cannot be used: hung up");
                self.visitor_sounds_elsewhere(leg, &refusal);
                self.hang_up(leg);
                return;
            }
        }
        self.begin(leg);
    }

    /// What the plan wants of a call that is up.
    fn begin(&mut self, leg: LegId) {
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let now = clock::now();
        let (menu, effects) = match caller.beginning.clone() {
            Beginning::Menu { door, language } => {
                Menu::new(ivr::Config { door, ..self.config.menu.clone() }, language, now)
            }
            Beginning::Announcement { prompt, language, .. } => Menu::announcement(prompt, language, now),
            Beginning::Ring(errand) => return self.seek(leg, errand),
            Beginning::Queue(queue) => return self.waits(leg, &queue),
            Beginning::Callback(callback) => return self.ask_for_callback(leg, &callback),
            Beginning::Transfer(transfer) => return self.transfer(leg, &transfer),
            Beginning::Talk if caller.peer.is_some() => return self.enter_bridge(leg),
            // The other side has hung up meanwhile.
            Beginning::Talk => return self.hang_up(leg),
        };
        caller.menu = Some(menu);
        self.perform_menu(leg, effects);
    }

    /// A key for the one with whom they are connected, for the queue in which they wait, or for the menu.
    fn on_key(&mut self, leg: LegId, digit: Digit) {
        if !self.pass_key(leg, digit) && !digit.value().is_some_and(|key| self.asks_in_queue(leg, key)) {
            self.tell_menu(leg, ivr::Input::Digit(digit));
        }
    }

    fn add_phone(
        &self,
        leg: LegId,
        ports: workers::PortPair,
        session: crate::media::Session,
        whose: &Whose,
    ) -> Result<(), Refusal> {
        let networks = self.networks_for(whose, &session)?;
        let chance = random().map_err(|_| Refusal::Full)?;
        self.pool.add_phone(leg, ports, session, networks, chance).map_err(|_| Refusal::Full)
    }

    /// A new offer in a running call, or the wish for one of ours.
    fn reoffered(&mut self, leg: LegId, offer: Option<&str>) -> Result<String, Refusal> {
        let text = offer.and_then(|offer| self.place_for_text(leg, offer));
        let caller = self.callers.get_mut(&leg).ok_or(Refusal::BadOffer)?;
        caller.version += 1;
        let Some(offer) = offer else {
            return Ok(sdp::offer(caller.hears_and_reads(), &caller.codecs, caller.version));
        };
        let ours = sdp::Ours { audio: caller.ours, text };
        let (session, sdp) = sdp::answer(offer, ours, &caller.codecs, caller.version)?;
        self.renegotiated(leg, session)?;
        Ok(sdp)
    }

    /// The media of a running call are agreed upon anew.
    fn renegotiated(&mut self, leg: LegId, session: crate::media::Session) -> Result<(), Refusal> {
        let whose = self.callers.get(&leg).map_or(&Whose::Anybody, |caller| &caller.whose);
        if let Err(why) = self.networks_for(whose, &session) {
            self.visitor_sounds_elsewhere(leg, &why);
            return Err(why);
        }
        if let Some(caller) = self.callers.get_mut(&leg) {
            caller.reads = session.text.is_some();
        }
        self.holds(leg, session.direction);
        self.tell_media(workers::Command::Renegotiate { leg, session });
        Ok(())
    }

    /// The answer to an offer of ours in a running call.
    fn answered(&mut self, leg: LegId, answer: &str) {
        let Some(caller) = self.callers.get(&leg) else { return };
        let session = sdp::accept(answer, caller.hears_and_reads(), &caller.codecs);
        match session.and_then(|session| self.renegotiated(leg, session)) {
            Ok(()) => {}
            Err(why) => {
                tracing::info!(%leg, %why, "the answer to our offer cannot be used; the call goes on as before")
            }
        }
    }

    fn ended(&mut self, leg: LegId) {
        self.ledger.ended(CallId(leg.0));
        if self.gives_up(leg) {
            return;
        }
        let Some(caller) = self.callers.remove(&leg) else { return };
        self.lets_go(leg, caller.peer);
        self.leaves_queues(leg);
        self.forget_elsewhere(leg);
        self.leaves_tries(leg, caller.callee);
        self.watch.ends(leg);
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
        self.look_elsewhere(name, &room);
        if !room.is_empty() {
            self.rooms.insert(name.clone(), room);
        }
        for effect in effects {
            self.perform_room(name, effect);
        }
        self.forget_the_lost(name);
        self.perform_cascade();
    }

    fn perform_menu(&mut self, leg: LegId, effects: Vec<ivr::Effect>) {
        for effect in effects {
            match effect {
                ivr::Effect::Play { prompts, repeat, id } => {
                    self.write_prompts(leg, &prompts);
                    let clips = prompts.into_iter().filter_map(|spoken| self.clip(spoken)).collect();
                    self.tell_media(workers::Command::Play { leg, clips, repeat, id: id.0 });
                }
                ivr::Effect::StopPlaying => {
                    self.tell_media(workers::Command::StopPlaying { leg });
                    self.stop_writing(leg);
                }
                ivr::Effect::LookUp { target, pin } if self.looks_up_for_visitor(leg, &target, pin.as_ref()) => {}
                ivr::Effect::LookUp { target, pin } if self.ask_elsewhere(leg, &target, pin.as_ref()) => {}
                ivr::Effect::LookUp { target, pin } => {
                    let admission = self.book.admission(&target, pin.as_ref(), clock::moment());
                    let conference = self.book.conference(&target);
                    let caller = self.callers.get(&leg).and_then(Caller::number);
                    let hold = self.guard.hold(caller, conference.as_ref(), clock::now());
                    self.tell_menu(leg, ivr::Input::Answered { admission, hold });
                }
                // It was counted where it was looked up.
                ivr::Effect::Failed { .. } if self.is_visitor(leg) => {}
                ivr::Effect::Failed { target, incident } => {
                    let conference = self.book.conference(&target);
                    let caller = self.callers.get(&leg).and_then(|caller| caller.number().cloned());
                    for suspicion in self.guard.failed(caller.as_ref(), conference.as_ref(), clock::now()) {
                        self.observed.suspected(Who::Phone);
                        tracing::warn!(%leg, ?incident, ?suspicion, "somebody seems to guess");
                        let caller = caller.as_ref().map(ToString::to_string);
                        self.note_guess(records::Door::Phone, caller, Some(&target), suspicion);
                    }
                }
                ivr::Effect::Join { room, role } => self.join(leg, &room, role),
                ivr::Effect::Press(key) => {
                    if let Some(room) = self.callers.get(&leg).and_then(|caller| caller.room.clone()) {
                        self.press(&room, leg, key);
                    }
                }
                ivr::Effect::Language(_) => {}
                ivr::Effect::Examine(number) => self.examine_number(leg, &number),
                ivr::Effect::CallBack(number) => self.note_callback(leg, number),
                ivr::Effect::HangUp(ivr::HangUp::Announced) if self.goes_on(leg) => {}
                ivr::Effect::HangUp(why) => {
                    tracing::info!(%leg, ?why, "hung up");
                    self.hang_up(leg);
                }
            }
        }
    }

    /// After an announcement another context may go on with the call; true if it does.
    fn goes_on(&mut self, leg: LegId) -> bool {
        let Some(caller) = self.callers.get_mut(&leg) else { return false };
        let Beginning::Announcement { then: Some(onward), .. } = caller.beginning else { return false };
        self.lead_on(leg, onward);
        true
    }

    fn join(&mut self, leg: LegId, room: &RoomId, role: room::Role) {
        let newcomer = match self.brought(leg, room, role) {
            Some(Ok(newcomer)) => newcomer,
            Some(Err(obstacle)) => return self.tell_menu(leg, ivr::Input::NotTaken(obstacle)),
            None => {
                let name = Name::of_caller(self.callers.get(&leg).and_then(Caller::number));
                Newcomer { leg, kind: Kind::Phone, name, role, guest: None }
            }
        };
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        caller.room = Some(room.clone());
        tracing::info!(%leg, %room, ?role, "a telephone joins");
        self.open_room(room);
        self.tell_room(room, Command::Join(newcomer));
    }

    /// Makes the room of a meeting, if nobody is in it yet.
    fn open_room(&mut self, name: &RoomId) {
        if let Some(listed) = self.book.get(name) {
            let now = clock::now();
            let config = listed.meeting.room(clock::moment(), now);
            self.rooms.entry(name.clone()).or_insert_with(|| Room::new(config, now));
        } else if !self.rooms.contains_key(name)
            && let Some(config) = self.begin_elsewhere(name)
        {
            self.rooms.insert(name.clone(), Room::new(config, clock::now()));
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
            room::Effect::Ask { by, action } => self.asks_elsewhere(name, by, action),
            room::Effect::Published(event) => self.publish(name, &event),
            room::Effect::Typed { by, name: author, text } => self.show_typed(name, by, &author, &text),
            room::Effect::TypedTooFast { letters } => self.observed.typed_too_fast(letters),
            room::Effect::Speaking(participants) => {
                self.show_speakers(name, &participants);
                self.tell_speakers_elsewhere(name, &participants);
            }
        }
    }

    fn announce(&self, room: &RoomId, announcement: Announcement) {
        let chosen = self.book.get(room).and_then(|listed| listed.meeting.language);
        let language = chosen.unwrap_or(self.config.language);
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
