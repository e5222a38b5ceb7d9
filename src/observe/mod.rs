//! What can be seen from outside: is the gateway alive, is it ready, how does it fare. In: what the doors and the gateway
//! tell, and the figures of the media thread. Out: reasons not to send anybody here, and figures in Prometheus' text format
//! (version 0.0.4). The door for browsers serves both.
//!
//! No figure can hold personal data: every label is a word or a number that stands in this program, the name of a trunk as the
//! configuration gives it, or the domain of a member ([`figures`]).

mod figures;
mod ready;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use figures::{Now, PerKind, Who};
pub use ready::{Latch, Obstacle, Part, Readiness};

use crate::call::Refusal;
use crate::member::Domain;
use crate::trunk::standing::Standing;
use crate::wire::Why;
use crate::words::TrunkName;
use crate::workers;
use figures::Figures;
use watch::{Seen, Watch};

/// What a scraper is told of the form of the figures.
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// Given to all who have something to tell. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Observed {
    figures: Arc<Figures>,
    readiness: Readiness,
    beats: Arc<AtomicU64>,
}

/// So often the watch looks, and the gateway shows that it lives.
pub const BEAT: Duration = Duration::from_secs(1);

impl Observed {
    /// Nothing has happened yet, and nothing is ready. `started`: seconds since 1970.
    pub fn new(media: &workers::Figures, started: i64) -> Self {
        let readiness = Readiness::default();
        Self {
            figures: Arc::new(Figures::new(media.clone(), readiness.clone(), started)),
            readiness,
            beats: Arc::default(),
        }
    }

    /// An INVITE was answered with this final status.
    pub fn answered(&self, status: u16) {
        self.figures.answered(status);
    }

    /// A call was refused; also an answer.
    pub fn refused(&self, refusal: &Refusal) {
        self.figures.refused(refusal);
    }

    /// Something was turned away at the SIP door before it came to be a call.
    pub fn turned_away(&self, why: Why) {
        self.figures.turned_away(why);
    }

    /// DNS led a trunk's name out of its networks.
    pub fn led_outside(&self) {
        self.figures.led_outside();
    }

    /// How a trunk stands.
    pub fn trunk(&self, name: &TrunkName, standing: &Standing) {
        self.figures.trunk(name, standing);
    }

    /// The link to a member is up, or is not.
    pub fn link(&self, member: &Domain, is_up: bool) {
        self.figures.link(member, is_up);
    }

    /// It is no member any more.
    pub fn link_is_gone(&self, member: &Domain) {
        self.figures.link_is_gone(member);
    }

    /// For what another gateway may be refused: each is counted from the start.
    pub fn link_refusals(&self, words: &[&'static str]) {
        self.figures.link_refusals(words);
    }

    /// Another gateway was refused or given up.
    pub fn link_refused(&self, why: &'static str) {
        self.figures.link_refused(why);
    }

    /// For what another institution's own system may be refused: each is counted from the start.
    pub fn visit_refusals(&self, words: &[&'static str]) {
        self.figures.visit_refusals(words);
    }

    /// Another institution's own system was refused something.
    pub fn visit_refused(&self, why: &'static str) {
        self.figures.visit_refused(why);
    }

    /// For what connections are opened from here, and how that is decided: each is counted from the start.
    pub fn begin_outbound(&self, purpose: &'static str, verdicts: [&'static str; 2]) {
        self.figures.begin_outbound(purpose, verdicts);
    }

    /// A connection was to be opened.
    pub fn outbound(&self, purpose: &'static str, verdict: &'static str) {
        self.figures.outbound(purpose, verdict);
    }

    /// Until when the registry of members holds, in seconds since 1970.
    pub fn registry_expires(&self, at: i64) {
        self.figures.registry_expires(at);
    }

    /// Somebody seems to guess.
    pub fn suspected(&self, who: Who) {
        self.figures.suspected(who);
    }

    /// So many letters were typed too fast, and are left out.
    pub fn typed_too_fast(&self, letters: usize) {
        self.figures.typed_too_fast(letters);
    }

    /// The gateway lives, and this is how it is.
    pub fn beat(&self, now: &Now) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        self.figures.is_now(now);
    }

    /// What stands for one part's readiness: closed until that part opens it.
    pub fn latch(&self, part: Part) -> Latch {
        self.readiness.latch(part)
    }

    /// Why nobody should be sent here now; nothing, if the gateway is ready.
    pub fn obstacles(&self) -> Vec<(Part, Obstacle)> {
        self.readiness.obstacles()
    }

    /// Every figure.
    pub fn text(&self) -> String {
        self.figures.text()
    }

    /// Looks once a second whether the media thread keeps its time and the gateway lives; ends with the gateway.
    pub async fn watch(self, media: workers::Figures) {
        let (of_media, of_gateway) = (self.latch(Part::Media), self.latch(Part::Gateway));
        let mut watch = Watch::default();
        let mut looks = tokio::time::interval(BEAT);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
            let seen = Seen { ticks: read(&media.ticks), missed: read(&media.missed_ticks), beats: read(&self.beats) };
            let found = watch.look(seen);
            of_media.set(found.media);
            of_gateway.set(found.gateway);
        }
    }
}
