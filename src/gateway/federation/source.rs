//! Reads the registry from its file. In: the file, whenever it has changed and stayed the same for a look. Out: a registry that comes
//! after the one that is held, or why it does not count. Works beside the gateway: signatures take their time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::super::clock;
use crate::member::{Registry, Trust};

/// What the source brought.
pub(in crate::gateway) enum Offered {
    /// Another registry counts; with its bytes, to be kept.
    Taken(Arc<Registry>, Vec<u8>),
    /// It does not count, or cannot be read.
    Refused(String),
}

/// So often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What tells a change: length, time and identity of the file.
type Stamp = (u64, Option<SystemTime>, u64);

struct Watched {
    file: PathBuf,
    trust: Trust,
    /// As it was at the last look.
    last: Option<Stamp>,
    /// As it was when it was last read.
    read: Option<Stamp>,
    /// What was last told to be wrong.
    told: Option<String>,
}

/// Looks until nobody wants to know any more.
pub(super) async fn watch(file: PathBuf, trust: Trust, offered: mpsc::Sender<Offered>) {
    let mut watched = Watched { file, trust, last: None, read: None, told: None };
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let looked = tokio::task::spawn_blocking(move || {
            let found = watched.look();
            (watched, found)
        });
        // Only a panic there ends it.
        let Ok((back, found)) = looked.await else { return };
        watched = back;
        if let Some(found) = found
            && offered.send(found).await.is_err()
        {
            return;
        }
    }
}

impl Watched {
    fn look(&mut self) -> Option<Offered> {
        match self.news() {
            Ok(None) => None,
            Ok(Some(bytes)) => match self.trust.accept(&bytes, clock::moment()) {
                Ok(registry) => {
                    self.told = None;
                    let is_held = self.trust.held.as_ref() == Some(&registry);
                    self.trust.held = Some(registry.clone());
                    (!is_held).then(|| Offered::Taken(Arc::new(registry), bytes))
                }
                Err(refusal) => self.tell(refusal.to_string()),
            },
            Err(error) => self.tell(error.to_string()),
        }
    }

    /// What the file holds, if it has changed since it was read and stayed the same since the last look.
    fn news(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let now = stamp(&self.file)?;
        let before = self.last.replace(now);
        if before != Some(now) || self.read == Some(now) {
            return Ok(None);
        }
        let bytes = std::fs::read(&self.file)?;
        if stamp(&self.file)? != now {
            return Ok(None);
        }
        self.read = Some(now);
        Ok(Some(bytes))
    }

    /// Once, until something else is wrong.
    fn tell(&mut self, why: String) -> Option<Offered> {
        let why = format!("{}: {why}", self.file.display());
        let is_news = self.told.as_ref() != Some(&why);
        self.told = Some(why.clone());
        is_news.then_some(Offered::Refused(why))
    }
}

fn stamp(file: &Path) -> std::io::Result<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let about = std::fs::metadata(file)?;
    Ok((about.len(), about.modified().ok(), about.ino()))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use zeroize::Zeroizing;

    use super::*;
    use crate::member::{Document, Envelope, Operators, SigningKey};

    fn key(seed: u8) -> SigningKey {
        SigningKey::new(Zeroizing::new([seed; 32])).expect("a key")
    }

    fn registry(serial: u64, by: u8) -> String {
        let now = clock::moment();
        let document = Document {
            format: String::from("einwahl-registry-1"),
            federation: "kommunal.example".parse().expect("a domain"),
            serial,
            issued: now,
            expires: now + SignedDuration::from_hours(24),
            operators: Operators { threshold: 1, keys: vec![key(1).public()] },
            members: Vec::new(),
        };
        let mut envelope = Envelope::read(&serde_json::to_vec(&document).expect("JSON")).expect("a document");
        envelope.sign(&key(by)).expect("signed");
        envelope.to_json()
    }

    #[test]
    fn a_registry_counts_once_it_has_stayed_the_same_and_what_is_refused_is_told_once() {
        let file = std::env::temp_dir().join(format!("einwahl-registry-{}.json", std::process::id()));
        let federation: crate::member::Domain = "kommunal.example".parse().expect("a domain");
        let operators = Operators { threshold: 1, keys: vec![key(1).public()] };
        let trust = Trust { federation: federation.clone(), operators, held: None };
        let mut watched = Watched { file: file.clone(), trust, last: None, read: None, told: None };
        assert!(matches!(watched.look(), Some(Offered::Refused(why)) if why.starts_with("/")));
        assert!(watched.look().is_none(), "said once");
        let write = |text: &str| {
            let new = file.with_extension("new");
            std::fs::write(&new, text).expect("written");
            std::fs::rename(&new, &file).expect("renamed");
        };
        write(&registry(7, 1));
        assert!(watched.look().is_none(), "it may still be written");
        let Some(Offered::Taken(taken, bytes)) = watched.look() else { panic!("not taken") };
        assert_eq!(taken.document().serial, 7);
        assert_eq!(*taken, Registry::kept(&bytes, &federation).expect("kept"));
        assert!(watched.look().is_none());
        for (text, why) in [(registry(8, 2), "0 of 1 signatures"), (registry(6, 1), "rolls the registry back")] {
            write(&text);
            assert!(watched.look().is_none());
            assert!(matches!(watched.look(), Some(Offered::Refused(told)) if told.contains(why)), "{why}");
            assert!(watched.look().is_none());
        }
        write(&registry(8, 1));
        assert!(watched.look().is_none());
        assert!(matches!(watched.look(), Some(Offered::Taken(taken, _)) if taken.document().serial == 8));
        std::fs::remove_file(&file).expect("removed");
    }
}
