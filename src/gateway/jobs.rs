//! Work that would hold up the gateway's one task: checking a plan, comparing texts, reading a folder. In: closures. Out: what
//! came of them, through a bounded queue. A few at once; more are refused.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::publishing::Worked;

/// So many at once: an institution has not more people who publish at the same moment.
const MOST: usize = 4;

/// The way to those who work.
pub(super) struct Jobs {
    places: Arc<Semaphore>,
    worked: mpsc::Sender<Worked>,
}

/// A place to work at, until it is given back.
pub(super) struct Place(OwnedSemaphorePermit);

impl Jobs {
    pub(super) fn new() -> (Self, mpsc::Receiver<Worked>) {
        let (worked, done) = mpsc::channel(2 * MOST);
        (Self { places: Arc::new(Semaphore::new(MOST)), worked }, done)
    }

    /// For who else has something to tell.
    pub(super) fn teller(&self) -> mpsc::Sender<Worked> {
        self.worked.clone()
    }

    /// A place, if one is free.
    pub(super) fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Place)
    }

    /// Works at it on a thread of its own; the gateway hears what came of it, if it is for it to hear.
    pub(super) fn start(&self, place: Place, work: impl FnOnce() -> Option<Worked> + Send + 'static) {
        let worked = self.worked.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(done) = work() {
                // The gateway takes it as long as it lives.
                drop(worked.blocking_send(done));
            }
            drop(place.0);
        });
    }
}
