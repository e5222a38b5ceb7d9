//! The thread that writes. In: wishes, through a bounded queue; when that is full a wish is refused at once. Out: events.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::mpsc;

use super::database::Database;
use super::seal::Seal;
use super::{Entry, Event, Failed, Wish};

/// Wishes that may wait: more than an institution changes in a minute.
const QUEUE: usize = 256;

/// The way to the thread. When it is dropped, what was wanted is still written.
#[derive(Debug)]
pub(super) struct Writer {
    wishes: Option<Sender<Wish>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(database: Database, seal: Seal, events: mpsc::Sender<Event>) -> Self {
        let (wishes, queue) = bounded(QUEUE);
        let work = move || write(database, &seal, &queue, &events);
        match std::thread::Builder::new().name(String::from("store")).spawn(work) {
            Ok(thread) => Self { wishes: Some(wishes), thread: Some(thread) },
            Err(error) => {
                tracing::error!(%error, "the store's thread did not start");
                Self { wishes: None, thread: None }
            }
        }
    }

    pub(super) fn want(&self, wish: Wish) -> Result<(), Failed> {
        let stopped = || Failed::Out(String::from("its thread has stopped"));
        self.wishes.as_ref().ok_or_else(stopped)?.try_send(wish).map_err(|error| match error {
            TrySendError::Full(_) => Failed::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.wishes = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread came to a bad end");
        }
    }
}

fn write(mut database: Database, seal: &Seal, wishes: &Receiver<Wish>, events: &mpsc::Sender<Event>) {
    for wish in wishes {
        let outcome = database.set(seal, &wish);
        if let Err(Failed::Out(why)) = &outcome {
            tracing::error!(%why, "the store cannot be written");
        }
        let Wish { ticket, key, value, .. } = wish;
        if let Ok(revision) = outcome {
            let change = match value {
                Some(value) => Event::Put(Entry { key, value, revision }),
                None => Event::Deleted { key },
            };
            tell(events, change);
        }
        tell(events, Event::Answered { ticket, outcome });
    }
}

/// The gateway takes events as long as it lives; what is still written after that concerns nobody.
fn tell(events: &mpsc::Sender<Event>, event: Event) {
    drop(events.blocking_send(event));
}
