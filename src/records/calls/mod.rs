//! Call records: what each call was for, what became of it, how it sounded, and what was said on the wire. In: calls that are over,
//! through a bounded queue to one thread. Out: rows in `calls.db`, pages of them, and what a plan is tried with.
//!
//! The caller's number is sealed, and shown masked; a withheld one is not there at all. After `[records] calls_keep_days` a record
//! is deleted, and it is looked whether it is gone. Nobody waits for the disk: what cannot be written is counted, and said.

mod database;
mod end;
mod record;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use jiff::Timestamp;

pub use end::End;
pub use record::{Crossed, Erased, Filter, Finished, Page, Past, Quality, Record, Status, Whole, Whose};

use super::CannotOpen;
use crate::store::Seal;
use database::Database;

/// What the key is derived for under which callers are sealed.
pub const CALLER_PURPOSE: &str = "einwahl records: callers";

/// Before the name of an office: what was called, of a call back, which no rule decided.
pub const BACK: &str = "callback:";

/// Records and questions that may wait.
const QUEUE: usize = 1_024;

type Question = Box<dyn FnOnce(Result<&mut Database, CannotRead>) + Send>;

enum Task {
    Keep(Box<Finished>),
    Ask(Question),
}

/// The way to the records.
#[derive(Debug)]
pub struct Calls {
    tasks: Option<Arc<Sender<Task>>>,
    thread: Option<JoinHandle<()>>,
    missed: Arc<AtomicU64>,
}

/// For who reads the records; keeps nobody from ending.
#[derive(Clone, Debug)]
pub struct Reader {
    tasks: Weak<Sender<Task>>,
}

/// The records cannot be read now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotRead {
    /// Too much waits.
    #[error("too much is asked at once")]
    Busy,
    /// The database.
    #[error("the call records cannot be read: {0}")]
    Out(String),
}

impl Calls {
    /// Opens the file; makes it, if there is none.
    ///
    /// # Errors
    /// It is damaged, from a newer version, or cannot be written.
    pub fn open(file: &Path, seal: Seal) -> Result<Self, CannotOpen> {
        Ok(Self::start(Database::open(file, seal)?))
    }

    /// Records in memory, for as long as the process lives.
    ///
    /// # Errors
    /// There is no memory.
    pub fn in_memory(seal: Seal) -> Result<Self, CannotOpen> {
        Ok(Self::start(Database::in_memory(seal)?))
    }

    /// Records that cannot be written.
    pub fn out() -> Self {
        Self { tasks: None, thread: None, missed: Arc::new(AtomicU64::new(0)) }
    }

    fn start(database: Database) -> Self {
        let (tasks, queue) = bounded(QUEUE);
        let missed = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&missed);
        let work = move || keep(database, &queue, &counted);
        match std::thread::Builder::new().name(String::from("calls")).spawn(work) {
            Ok(thread) => Self { tasks: Some(Arc::new(tasks)), thread: Some(thread), missed },
            Err(error) => {
                tracing::error!(%error, "the thread of the call records did not start");
                Self::out()
            }
        }
    }

    /// A call is over.
    pub fn keep(&self, finished: Finished) {
        let sent = self.tasks.as_ref().map(|tasks| tasks.try_send(Task::Keep(Box::new(finished))));
        if !matches!(sent, Some(Ok(()))) && self.missed.fetch_add(1, Ordering::Relaxed) == 0 {
            let why =
                if matches!(sent, Some(Err(TrySendError::Full(_)))) { "too much at once" } else { "they are out" };
            tracing::error!(why, "call records cannot be written");
        }
    }

    /// Deletes what began before a time, and looks whether it is gone; `then` hears how many there were.
    pub fn prune(&self, before: Timestamp, then: impl FnOnce(u64) + Send + 'static) {
        self.reader().ask(
            move |database| database.prune(before),
            move |deleted| match deleted {
                Ok(0) => {}
                Ok(deleted) => then(deleted),
                Err(error) => tracing::error!(%error, "call records whose time is over are not deleted"),
            },
        );
    }

    /// For who reads.
    pub fn reader(&self) -> Reader {
        Reader { tasks: self.tasks.as_ref().map(Arc::downgrade).unwrap_or_default() }
    }
}

impl Reader {
    /// Some records, the newest first.
    pub fn page(&self, filter: Filter, then: impl FnOnce(Result<Page, CannotRead>) + Send + 'static) {
        self.ask(move |database| database.page(&filter), then);
    }

    /// One record, with its trace and its ladder; `None` if there is none.
    pub fn whole(&self, id: u64, then: impl FnOnce(Result<Option<Whole>, CannotRead>) + Send + 'static) {
        self.ask(move |database| database.whole(id), then);
    }

    /// Erases somebody's records, and looks whether they are gone.
    pub fn erase(&self, whose: Whose, then: impl FnOnce(Result<Erased, CannotRead>) + Send + 'static) {
        self.ask(move |database| database.erase(&whose), then);
    }

    /// Calls since a time, older than the one with this number, the newest first: what a plan is tried with. Waits for the answer.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn past(&self, since: Timestamp, before: Option<u64>, most: usize) -> Result<Vec<Past>, CannotRead> {
        let (answer, asked) = bounded(1);
        self.ask(move |database| database.past(since, before, most), move |past| drop(answer.send(past)));
        asked.recv().unwrap_or_else(|_| Err(CannotRead::Out(String::from("its thread has stopped"))))
    }

    fn ask<T: 'static>(
        &self,
        question: impl FnOnce(&mut Database) -> Result<T, String> + Send + 'static,
        then: impl FnOnce(Result<T, CannotRead>) + Send + 'static,
    ) {
        let whole: Question =
            Box::new(|database| then(database.and_then(|database| question(database).map_err(CannotRead::Out))));
        match self.tasks.upgrade() {
            Some(tasks) => put(&tasks, whole),
            None => whole(Err(CannotRead::Out(String::from("they were out at the start")))),
        }
    }
}

/// Whoever asks hears in any case.
fn put(tasks: &Sender<Task>, question: Question) {
    match tasks.try_send(Task::Ask(question)) {
        Ok(()) => {}
        Err(TrySendError::Full(Task::Ask(question))) => question(Err(CannotRead::Busy)),
        Err(TrySendError::Disconnected(Task::Ask(question))) => {
            question(Err(CannotRead::Out(String::from("its thread has stopped"))));
        }
        Err(TrySendError::Full(Task::Keep(_)) | TrySendError::Disconnected(Task::Keep(_))) => {}
    }
}

fn keep(mut database: Database, tasks: &Receiver<Task>, missed: &AtomicU64) {
    for task in tasks {
        match task {
            Task::Keep(finished) => match database.keep(*finished) {
                Ok(()) => {
                    let lost = missed.swap(0, Ordering::Relaxed);
                    if lost > 0 {
                        tracing::error!(lost, "call records are missing");
                    }
                }
                Err(why) => {
                    if missed.fetch_add(1, Ordering::Relaxed) == 0 {
                        tracing::error!(%why, "call records cannot be written");
                    }
                }
            },
            Task::Ask(question) => question(Ok(&mut database)),
        }
    }
}

impl Drop for Calls {
    /// What was handed over is written before the end.
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the call records came to a bad end");
        }
    }
}

#[cfg(test)]
mod stories;
