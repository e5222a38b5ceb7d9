//! The folder in which everything is kept: `store.db`, `audit.db` and their key. Locked while somebody uses it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{CannotOpen, Key};

/// A folder that is ours as long as this lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if there is none, and locks it.
    ///
    /// # Errors
    /// It cannot be made or written, or somebody else uses it.
    pub fn open(path: &Path) -> Result<Self, CannotOpen> {
        let fails = |why| CannotOpen::Folder { folder: path.to_owned(), why };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fails)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(fails)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(CannotOpen::InUse { folder: path.to_owned() }),
            Err(TryLockError::Error(why)) => Err(fails(why)),
        }
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The file of the key.
    pub fn key_file(&self) -> PathBuf {
        key_file(&self.path)
    }

    /// The key, which must be there.
    ///
    /// # Errors
    /// It is not, or others can read it.
    pub fn key(&self) -> Result<Key, CannotOpen> {
        key_of(&self.path)
    }

    /// The key; where nothing has been written yet it is made.
    ///
    /// # Errors
    /// It can be neither read nor made.
    pub fn key_or_new(&self) -> Result<Key, CannotOpen> {
        if self.key_file().exists() { self.key() } else { Key::make(&self.key_file()) }
    }
}

fn key_file(folder: &Path) -> PathBuf {
    folder.join("store.key")
}

/// The key of a folder that somebody else may be using.
///
/// # Errors
/// There is none, or others can read it.
pub fn key_of(folder: &Path) -> Result<Key, CannotOpen> {
    Key::read(&key_file(folder))
}
