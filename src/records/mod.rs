//! The audit: who did what to meetings, who seemed to guess, what was loaded. In: deeds with their time, through a bounded
//! queue to one thread. Out: numbered entries in `audit.db`, each with a hash over the one before ([`chain`]), so that an
//! entry which is changed, taken out or put in is found by `einwahl audit verify`.
//!
//! Append-only. Nothing that belongs to a person is in it but masked forms, and nothing that a caller keyed. Nobody waits
//! for it: what cannot be written is counted, and the next entry says how many are missing.

pub mod calls;
mod chain;
mod database;
mod deed;
mod form;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use jiff::Timestamp;

pub use chain::{Broken, Fault, Hash, InvalidHead, Seen, Verdict};
pub use database::Wanted;
pub use deed::{Deed, Door, Entry};

use database::Database;

/// The key under which the head of the chain is kept.
pub type HeadKey = [u8; 32];

/// What that key is derived for.
pub const HEAD_PURPOSE: &str = "einwahl audit: head";

/// The audit does not open.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct CannotOpen {
    /// The database.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// Entries that may wait.
const QUEUE: usize = 1_024;

enum Task {
    Note(Timestamp, Box<Deed>),
    Prune { now: Timestamp, before: Timestamp },
}

/// The way to the audit.
#[derive(Debug)]
pub struct Audit {
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
    missed: Arc<AtomicU64>,
}

impl Audit {
    /// Opens the file; makes it, if there is none.
    ///
    /// # Errors
    /// It is damaged, from a newer version, or cannot be written.
    pub fn open(file: &Path, key: HeadKey) -> Result<Self, CannotOpen> {
        Ok(Self::start(Database::open(file, key)?))
    }

    /// An audit in memory, for as long as the process lives.
    ///
    /// # Errors
    /// There is no memory.
    pub fn in_memory() -> Result<Self, CannotOpen> {
        Ok(Self::start(Database::in_memory()?))
    }

    /// An audit that cannot be written: what happens is counted, and said in the log.
    pub fn out() -> Self {
        Self { tasks: None, thread: None, missed: Arc::new(AtomicU64::new(0)) }
    }

    fn start(database: Database) -> Self {
        let (tasks, queue) = bounded(QUEUE);
        let missed = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&missed);
        let work = move || keep(database, &queue, &counted);
        match std::thread::Builder::new().name(String::from("audit")).spawn(work) {
            Ok(thread) => Self { tasks: Some(tasks), thread: Some(thread), missed },
            Err(error) => {
                tracing::error!(%error, "the audit's thread did not start");
                Self::out()
            }
        }
    }

    /// Something was done.
    pub fn note(&self, at: Timestamp, deed: Deed) {
        self.hand_over(Task::Note(at, Box::new(deed)));
    }

    /// Deletes what is older than `before`, if the chain is sound.
    pub fn prune(&self, now: Timestamp, before: Timestamp) {
        self.hand_over(Task::Prune { now, before });
    }

    fn hand_over(&self, task: Task) {
        let sent = self.tasks.as_ref().map(|tasks| tasks.try_send(task));
        if !matches!(sent, Some(Ok(()))) {
            // Said once when it begins; the next entry that can be written says how many.
            if self.missed.fetch_add(1, Ordering::Relaxed) == 0 {
                let why =
                    if matches!(sent, Some(Err(TrySendError::Full(_)))) { "too much at once" } else { "it is out" };
                tracing::error!(why, "the audit cannot be written");
            }
        }
    }
}

impl Drop for Audit {
    /// What was noted is written before the end.
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the audit's thread came to a bad end");
        }
    }
}

fn keep(mut database: Database, tasks: &Receiver<Task>, missed: &AtomicU64) {
    for task in tasks {
        let done = match task {
            Task::Note(at, deed) => note(&mut database, at, *deed, missed),
            Task::Prune { now, before } => database.prune(now, before),
        };
        if let Err(why) = done
            && missed.fetch_add(1, Ordering::Relaxed) == 0
        {
            tracing::error!(%why, "the audit cannot be written");
        }
    }
}

fn note(database: &mut Database, at: Timestamp, deed: Deed, missed: &AtomicU64) -> Result<(), String> {
    let lost = missed.load(Ordering::Relaxed);
    if lost > 0 {
        database.append(at, &Deed::Missing { entries: lost })?;
        missed.fetch_sub(lost, Ordering::Relaxed);
    }
    database.append(at, &deed)
}

/// Reads the whole chain of a file that somebody else may be writing, and tells whether it is sound.
///
/// # Errors
/// The file cannot be read.
pub fn verify(file: &Path, key: &HeadKey, seen: Option<&Seen>) -> Result<Result<Verdict, Broken>, CannotOpen> {
    Database::look(file)?.verify(key, seen).map_err(|why| CannotOpen { file: file.to_owned(), why })
}

/// Every entry, from the first, as the JSON object that was hashed.
///
/// # Errors
/// The file cannot be read.
pub fn list(file: &Path, mut each: impl FnMut(&str)) -> Result<(), CannotOpen> {
    Database::look(file)?.each(|_, text, _| each(text)).map_err(|why| CannotOpen { file: file.to_owned(), why })
}

/// Some entries, as the JSON objects that were hashed.
///
/// # Errors
/// The file cannot be read.
pub fn page(file: &Path, wanted: &Wanted) -> Result<Vec<String>, CannotOpen> {
    Database::look(file)?.page(wanted).map_err(|why| CannotOpen { file: file.to_owned(), why })
}

#[cfg(test)]
mod stories;
