//! Opens what outlives a restart: the store, the audit and the call records. What an admin can put right stops the start, with a sentence; a
//! disk that fails does not: the file's meetings go on without.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::QUEUE;
use crate::records::calls::{CALLER_PURPOSE, Calls};
use crate::records::{self, Audit};
use crate::store::{self, Folder, Key, Seal, Store};

/// Where it is kept what has to outlive a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In memory: it does not outlive one.
    Memory,
    /// In this folder.
    Folder(PathBuf),
}

/// What is kept, and the ways to keep more.
pub(super) struct Kept {
    pub(super) store: Store,
    pub(super) entries: Vec<store::Entry>,
    pub(super) stored: mpsc::Receiver<store::Event>,
    pub(super) audit: Audit,
    pub(super) calls: Calls,
    /// Ours as long as we live.
    pub(super) folder: Option<Folder>,
}

impl Place {
    pub(super) fn open(&self) -> Result<Kept, store::CannotOpen> {
        let (events, stored) = mpsc::channel(QUEUE);
        match self {
            Self::Memory => {
                let audit = Audit::in_memory().unwrap_or_else(|error| without_audit(&error));
                let calls = Calls::in_memory(Seal::new(&Key::generate(), CALLER_PURPOSE));
                let calls = calls.unwrap_or_else(|error| without_calls(&error));
                let store = Store::in_memory(events)?;
                Ok(Kept { store, entries: Vec::new(), stored, audit, calls, folder: None })
            }
            Self::Folder(path) => {
                let folder = Folder::open(path)?;
                let (store, entries) = open_store(&folder, events)?;
                let audit = open_audit(&folder);
                let calls = open_calls(&folder);
                Ok(Kept { store, entries, stored, audit, calls, folder: Some(folder) })
            }
        }
    }
}

fn open_store(
    folder: &Folder,
    events: mpsc::Sender<store::Event>,
) -> Result<(Store, Vec<store::Entry>), store::CannotOpen> {
    match Store::open(folder, events) {
        Err(error @ store::CannotOpen::Damaged { .. }) => {
            tracing::error!(%error, "the store is out: meetings made by API are not served, those of the file are");
            Ok((Store::out(&error), Vec::new()))
        }
        opened => opened,
    }
}

fn open_audit(folder: &Folder) -> Audit {
    let file = folder.file("audit.db");
    let fails = |why: String| records::CannotOpen { file: file.clone(), why };
    let opened = folder
        .key()
        .map_err(|error| fails(error.to_string()))
        .and_then(|key| Audit::open(&file, key.derive(records::HEAD_PURPOSE)));
    opened.unwrap_or_else(|error| without_audit(&error))
}

fn open_calls(folder: &Folder) -> Calls {
    let file = folder.file("calls.db");
    let fails = |why: String| records::CannotOpen { file: file.clone(), why };
    let opened = folder
        .key()
        .map_err(|error| fails(error.to_string()))
        .and_then(|key| Calls::open(&file, Seal::new(&key, CALLER_PURPOSE)));
    opened.unwrap_or_else(|error| without_calls(&error))
}

fn without_calls(error: &records::CannotOpen) -> Calls {
    tracing::error!(%error, "the call records are out: no call is recorded until the gateway is started with some that work");
    Calls::out()
}

fn without_audit(error: &records::CannotOpen) -> Audit {
    tracing::error!(%error, "the audit is out: nothing is noted until the gateway is started with one that works");
    Audit::out()
}
