//! How the gateway comes to its end: first no new calls, and those that are up have a while to come to theirs; then at once.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{Gateway, clock, ledger, quality};
use crate::records::Deed;
use crate::words::CallId;
use crate::workers;

/// How the gateway is asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// No new calls; those that are up may come to their end.
    pub drain: CancellationToken,
    /// Everything ends at once.
    pub now: CancellationToken,
}

/// Peers have so long to answer our last BYE.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Gateway {
    /// Takes no new calls and pages from now on; says until when those that are up may last.
    pub(super) fn drain(&mut self) -> Instant {
        let grace = self.config.grace;
        self.take_nobody_new();
        let (calls, pages) = (self.callers.len(), self.visitors.count());
        tracing::info!(calls, pages, grace_s = grace.as_secs(), "draining: no new calls; asked again, I stop at once");
        clock::now() + grace
    }

    /// Nobody is here any more.
    pub(super) fn is_empty(&self) -> bool {
        self.callers.is_empty() && self.switchboard.waiting() == 0 && self.visitors.count() == 0
    }

    /// Hangs up every call and shuts the doors.
    pub(super) async fn end(mut self) {
        self.take_nobody_new();
        let (calls, pages) = (self.callers.len(), self.visitors.count());
        tracing::info!(calls, pages, "stopping");
        let hang_ups: Vec<_> = self
            .callers
            .keys()
            .copied()
            .chain(self.switchboard.rung())
            .map(|leg| {
                let (door, call) = (self.door.clone(), CallId(leg.0));
                tokio::spawn(async move { door.hang_up(call).await })
            })
            .collect();
        let all = async {
            for hang_up in hang_ups {
                let _ = hang_up.await;
            }
        };
        if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
            tracing::info!("a peer does not answer our last BYE");
        }
        if tokio::time::timeout(LAST_WORDS, self.door.signed_off()).await.is_err() {
            tracing::info!("a registrar does not answer that we go");
        }
        if let Some(federation) = self.federation.take() {
            federation.end().await;
        }
        self.door.close();
        self.pages.close();
        for leg in self.callers.keys().copied().chain(self.visitors.legs()) {
            self.tell_media(workers::Command::Remove { leg });
        }
        self.end_mail();
        self.note(Deed::Stopped);
        self.pool.stop();
        // The store writes what it was told, and needs nobody who listens.
        self.stored.close();
        while let Ok(event) = self.media.try_recv() {
            if let workers::Event::Over { leg, quality } = event {
                quality::tell_of_all(leg, &quality);
                self.ledger.sounded(CallId(leg.0), &quality);
            }
        }
        ledger::write(self.ledger.all(), &self.door, &self.calls, &self.routing.zone);
    }

    fn take_nobody_new(&mut self) {
        self.draining = true;
        self.door.drain();
        self.pages.drain();
        self.beat();
    }
}
