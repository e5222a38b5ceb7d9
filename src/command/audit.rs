//! `einwahl audit verify` and `list`. Both only read, and may be used while the gateway runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use einwahl::records::{self, Entry, HEAD_PURPOSE, Seen};
use einwahl::store;

use super::{fails, say, with_config, wrong};

#[derive(Subcommand)]
pub enum Audit {
    /// Follow the chain of hashes; exit code 1 if an entry was changed, taken out or put in
    Verify {
        #[command(flatten)]
        place: Place,
        /// NUMBER:HASH as it was printed earlier and noted down: this entry must still be the same
        #[arg(long)]
        seen: Option<String>,
    },
    /// Show the entries, the oldest first
    List {
        #[command(flatten)]
        place: Place,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub struct Place {
    /// The configuration, for the folder
    #[arg(long)]
    config: Option<PathBuf>,
    /// The folder itself
    #[arg(long, conflicts_with = "config")]
    folder: Option<PathBuf>,
}

impl Place {
    /// The folder that is meant.
    pub fn with(self, then: impl FnOnce(PathBuf) -> ExitCode) -> ExitCode {
        match self.folder {
            Some(folder) => then(folder),
            None => with_config(self.config, |config| {
                then(config.store.folder(std::env::var("STATE_DIRECTORY").ok().as_deref()))
            }),
        }
    }
}

pub fn run(command: Audit) -> ExitCode {
    match command {
        Audit::Verify { place, seen } => match seen.map(|seen| seen.parse()).transpose() {
            Ok(seen) => place.with(|folder| verify(&folder, seen.as_ref())),
            Err(why) => {
                let why: records::InvalidHead = why;
                wrong(&why.to_string())
            }
        },
        Audit::List { place, json } => place.with(|folder| list(&folder, json)),
    }
}

fn verify(folder: &std::path::Path, seen: Option<&Seen>) -> ExitCode {
    let key = match store::key_of(folder) {
        Ok(key) => key.derive(HEAD_PURPOSE),
        Err(error) => return fails(&error.to_string()),
    };
    match records::verify(&folder.join("audit.db"), &key, seen) {
        Ok(Ok(verdict)) => {
            let head = verdict.head.map_or_else(|| String::from("none"), |head| head.to_string());
            say(&format!("{} entries, none changed, none missing\nlast: {head}", verdict.entries));
            ExitCode::SUCCESS
        }
        Ok(Err(broken)) => {
            say(&format!("the audit is broken: {broken}"));
            ExitCode::FAILURE
        }
        Err(error) => fails(&error.to_string()),
    }
}

fn list(folder: &std::path::Path, json: bool) -> ExitCode {
    let mut entries = Vec::new();
    if let Err(error) = records::list(&folder.join("audit.db"), |entry| entries.push(entry.to_owned())) {
        return fails(&error.to_string());
    }
    if json {
        // Each is a JSON object, as it was hashed.
        say(&format!("[{}]", entries.join(",\n ")));
    } else {
        entries.iter().for_each(|entry| say(&line(entry)));
    }
    ExitCode::SUCCESS
}

/// `7  2026-11-25T09:00:00.000Z  meetingDeleted  room=rat by=ratsinfo`
fn line(text: &str) -> String {
    let Ok(entry) = serde_json::from_str::<Entry>(text) else { return format!("cannot be read: {text}") };
    let Ok(serde_json::Value::Object(words)) = serde_json::to_value(&entry.deed) else { return text.to_owned() };
    let what = words.get("what").and_then(|what| what.as_str()).unwrap_or_default().to_owned();
    let rest = words.iter().filter(|(word, _)| *word != "what");
    let rest: Vec<String> = rest.map(|(word, value)| format!("{word}={}", plain(value))).collect();
    format!("{}  {}  {what}  {}", entry.number, entry.at, rest.join(" "))
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
