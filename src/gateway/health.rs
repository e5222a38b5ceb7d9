//! What the gateway tells those who watch it: how many are here, and whether the doors take more.

use tokio_util::sync::CancellationToken;

use super::Gateway;
use crate::observe::{Latch, Now, Observed, Obstacle, Part};
use crate::room::Kind;
use crate::workers::Pool;

/// The latches of the doors, and the watch over the rest. Ends with the gateway.
pub(super) struct Health {
    telephones: Latch,
    browsers: Latch,
    _watching: tokio_util::task::AbortOnDropHandle<()>,
}

impl Health {
    pub(super) fn new(observed: &Observed, pool: &Pool) -> Self {
        let watch = observed.clone().watch(pool.figures().clone());
        Self {
            telephones: observed.latch(Part::Telephones),
            browsers: observed.latch(Part::Browsers),
            _watching: tokio_util::task::AbortOnDropHandle::new(tokio::spawn(watch)),
        }
    }
}

impl Gateway {
    /// Once a second.
    pub(super) fn beat(&self) {
        let mut now = Now {
            calls: self.door.calls() as u64,
            pages: self.pages.pages() as u64,
            rooms: self.rooms.len() as u64,
            ..Now::default()
        };
        for (kind, is_inside) in self.rooms.values().flat_map(|room| room.kinds()) {
            let of = if is_inside { &mut now.inside } else { &mut now.waiting };
            match kind {
                Kind::Phone => of.phones += 1,
                Kind::Browser => of.browsers += 1,
            }
        }
        self.observed.beat(&now);
        self.tell_readiness(&now);
    }

    fn tell_readiness(&self, now: &Now) {
        let (calls, pages) = (self.config.sip.most_calls as u64, self.config.web.most_pages as u64);
        let of_door = |here: u64, most: u64| match self.draining.is_cancelled() {
            true => Some(Obstacle::Draining),
            false => (here >= most).then_some(Obstacle::Full),
        };
        self.health.telephones.set(of_door(now.calls, calls));
        self.health.browsers.set(of_door(now.pages, pages));
    }

    /// Cancel it to empty this node: nobody new is taken, calls and pages that are here go on.
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    pub(super) fn take_nobody_new(&self) {
        tracing::info!("draining: nobody new is taken");
        self.draining.cancel();
        self.door.drain();
        self.pages.drain();
        self.beat();
    }
}
