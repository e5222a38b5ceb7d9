//! What others wrote, as a dialplan of ours: Asterisk's `extensions.conf` (with `queues.conf`), and lists of extensions as
//! spreadsheets write them (CSV). In: files, and what the admin says of the house. Out: files of a plan, and a report in which
//! every line of the source stands once: where it is now, why it is not needed, or why it was not carried over and what to do.
//!
//! Nothing is guessed in silence: what cannot be said in a plan is told.

mod asterisk;
mod encoding;
mod ledger;
mod list;
mod quote;
mod reason;

#[cfg(test)]
mod stories;

pub use encoding::Encoding;
pub use ledger::{Fate, Line, Report};
pub use reason::Reason;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::dialplan::{Home, Source};
use crate::words::{Language, RoomId, TrunkName};

/// A file that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What the files do not say.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the institution is: for its numbers.
    pub home: Home,
    /// The trunk that leads to telephones of which no other is told.
    pub trunk: TrunkName,
    /// The trunks that stand for peers of the source, where the name is another.
    pub peers: BTreeMap<String, TrunkName>,
    /// Contexts in which calls begin: those of a trunk, or those of all others. Without one, the likeliest.
    pub entries: Vec<(String, Option<TrunkName>)>,
    /// In which callers are told things.
    pub language: Language,
    /// What can be said.
    pub prompts: Vec<String>,
    /// The prompts that stand for sounds of the source.
    pub sounds: BTreeMap<String, String>,
}

/// What the configuration has to have for a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Trunks, by which calls can be placed.
    pub trunks: BTreeSet<TrunkName>,
    /// Rooms.
    pub rooms: BTreeSet<RoomId>,
}

impl Needs {
    /// What to add to it, with places to fill in.
    pub fn to_toml(&self) -> String {
        let trunk =
            |trunk: &TrunkName| format!("[[trunks]]\nname = \"{trunk}\"\nnetworks = [\"…\"]\ndial = \"sip:…\"\n\n");
        let room = |room: &RoomId| format!("[[meetings]]\nroom = \"{room}\"\nid = \"…\"\n\n");
        self.trunks.iter().map(trunk).chain(self.rooms.iter().map(room)).collect()
    }
}

/// A plan, and what became of each line.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The files of the plan.
    pub files: Vec<Source>,
    /// What became of the lines.
    pub report: Report,
}

/// No file that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// Its name does not say what it is.
    #[error("{0}: only .csv files and Asterisk's .conf files can be imported")]
    Kind(String),
    /// It is larger than any that somebody wrote.
    #[error("{0}: this file is larger than 10 MB")]
    Large(String),
}

/// Larger files are not read.
const LARGEST: usize = 10_000_000;

/// Reads all files: those of Asterisk together, each list of extensions by itself.
///
/// # Errors
/// One of them is nothing of that.
pub fn import(files: &[File], options: &Options) -> Result<Imported, Unknown> {
    let (mut conf, mut lists) = (Vec::new(), Vec::new());
    for file in files {
        if file.bytes.len() > LARGEST {
            return Err(Unknown::Large(file.name.clone()));
        }
        match file.name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).as_deref() {
            Some("conf") => conf.push(file),
            Some("csv") => lists.push(file),
            Some(_) | None => return Err(Unknown::Kind(file.name.clone())),
        }
    }
    let (mut ledger, mut needs, mut written) = (ledger::Ledger::default(), Needs::default(), Vec::new());
    if !conf.is_empty() {
        written.push(asterisk::import(&conf, options, &mut ledger, &mut needs));
    }
    let mut names = BTreeSet::new();
    for file in lists {
        written.extend(list::import(file, options, &mut names, &mut ledger, &mut needs));
    }
    Ok(Imported { files: written, report: ledger.close(needs) })
}
