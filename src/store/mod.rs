//! What is kept over a restart: keys, each with a value and a revision. In: what is to be kept, once, at the opening; then
//! wishes, through a bounded queue to the one thread that writes. Out: events: what changed, and what became of each wish.
//!
//! Who needs the values keeps a copy in memory and follows the events. Nobody waits for a disk; when the store is out, what
//! was read goes on, and wishes are refused with a sentence. The verbs are those of etcd (list, compare-and-set by revision,
//! watch), which can stand here for a cluster. Values are sealed ([`Key`]): the file alone tells nobody a PIN or a title.

mod database;
mod folder;
mod key;
mod seal;
mod writer;

use std::fmt;
use std::path::PathBuf;

use tokio::sync::mpsc;
use zeroize::Zeroizing;

pub use folder::{Folder, key_of};
pub use key::Key;
pub use seal::Seal;

use database::Database;
use writer::Writer;

/// How often the store had been written to when something was written. Rises by one with each write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What is kept under a key. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Zeroizing<Vec<u8>>);

impl Value {
    /// A value.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of {} bytes", self.0.len())
    }
}

/// One key, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, such as `meetings/ratssitzung`.
    pub key: String,
    /// What it holds.
    pub value: Value,
    /// When it was written.
    pub revision: Revision,
}

/// Something is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// By this the answer is known.
    pub ticket: u64,
    /// Where.
    pub key: String,
    /// Only if the key was last written then; `None`: only if there is no such key.
    pub expects: Option<Revision>,
    /// What; `None` takes the key away.
    pub value: Option<Value>,
}

/// What the store tells, in the order in which it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key was written: bring the copy up to date.
    Put(Entry),
    /// A key was taken away.
    Deleted {
        /// Which.
        key: String,
    },
    /// What became of a wish. What it changed has been told before.
    Answered {
        /// Which.
        ticket: u64,
        /// The revision that it made, or why it made none.
        outcome: Result<Revision, Failed>,
    },
}

/// Why a wish was not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// The key was written since.
    #[error("somebody else wrote it meanwhile")]
    Conflict,
    /// More wishes wait than may.
    #[error("too much is to be written at once")]
    Busy,
    /// The store cannot be written.
    #[error("the store cannot be written: {0}")]
    Out(String),
}

/// The store does not open.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// It cannot be made or written.
    #[error(
        "{}: {why}: name a folder that einwahl may write in [store] folder, or give it this one (chown, chmod 700)",
        folder.display()
    )]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// It is locked.
    #[error("{}: another einwahl uses this folder: stop it, or name another folder in [store] folder", folder.display())]
    InUse {
        /// Which.
        folder: PathBuf,
    },
    /// The file of the key cannot be read, or holds no key.
    #[error("{}: {why}", file.display())]
    Key {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It was written with another key.
    #[error("{}: the key in {} is not the one that it was written with: put that key back from the backup", file.display(), key.display())]
    WrongKey {
        /// The database.
        file: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// A later version wrote it.
    #[error(
        "{}: a newer einwahl wrote this (form {found}, this one knows forms up to {known}): start that version, or put \
         the backup from before the upgrade back",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its form.
        found: u32,
        /// The newest form that we know.
        known: u32,
    },
    /// No database, a damaged one, or the disk fails.
    #[error("{}: {why}: put a backup in its place (docs/operator.md)", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What SQLite says.
        why: String,
    },
}

/// The store.
#[derive(Debug)]
pub struct Store {
    state: State,
}

#[derive(Debug)]
enum State {
    Open(Writer),
    /// Nothing can be written, for this reason.
    Out(String),
}

/// Its database, in a folder.
pub const FILE: &str = "store.db";

impl Store {
    /// Opens the store in a folder: gives all that is kept. `events` is where it tells what happens from then on.
    ///
    /// # Errors
    /// It cannot be opened. Who can do without it goes on with [`Store::out`].
    pub fn open(folder: &Folder, events: mpsc::Sender<Event>) -> Result<(Self, Vec<Entry>), CannotOpen> {
        let database = Database::open(&folder.file(FILE))?;
        let key = if database.is_new() { folder.key_or_new()? } else { folder.key()? };
        let wrong_key = || CannotOpen::WrongKey { file: folder.file(FILE), key: folder.key_file() };
        Self::begin(database, &key, events, wrong_key)
    }

    /// A store in memory, for as long as the process lives.
    ///
    /// # Errors
    /// There is no memory or no randomness.
    pub fn in_memory(events: mpsc::Sender<Event>) -> Result<Self, CannotOpen> {
        let wrong_key = || CannotOpen::WrongKey { file: PathBuf::new(), key: PathBuf::new() };
        let key = Key::generate();
        Self::begin(Database::in_memory()?, &key, events, wrong_key).map(|(store, _)| store)
    }

    /// A store that is out: it keeps nothing and says why.
    pub fn out(why: &CannotOpen) -> Self {
        Self { state: State::Out(why.to_string()) }
    }

    fn begin(
        mut database: Database,
        key: &Key,
        events: mpsc::Sender<Event>,
        wrong_key: impl Fn() -> CannotOpen,
    ) -> Result<(Self, Vec<Entry>), CannotOpen> {
        let seal = Seal::new(key, seal::VALUES);
        if !database.knows(&seal)? {
            return Err(wrong_key());
        }
        let entries = database.list(&seal)?;
        let state = match database.writable() {
            Ok(()) => State::Open(Writer::start(database, seal, events)),
            Err(why) => {
                tracing::error!(%why, "the store can be read but not written");
                State::Out(why)
            }
        };
        Ok((Self { state }, entries))
    }

    /// Wants something written; the answer is an [`Event::Answered`].
    ///
    /// # Errors
    /// It is known at once that nothing will be written.
    pub fn want(&self, wish: Wish) -> Result<(), Failed> {
        match &self.state {
            State::Open(writer) => writer.want(wish),
            State::Out(why) => Err(Failed::Out(why.clone())),
        }
    }
}

#[cfg(test)]
mod stories;
