//! The registry in a file: it is read whenever it has changed and stayed the same for a look.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{Judge, Offered};
use crate::member::Trust;

/// So often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What tells a change: length, time and identity of the file.
type Stamp = (u64, Option<SystemTime>, u64);

struct Watched {
    file: PathBuf,
    judge: Judge,
    /// As it was at the last look.
    last: Option<Stamp>,
    /// As it was when it was last read.
    read: Option<Stamp>,
}

pub(super) async fn watch(file: PathBuf, trust: Trust, offered: mpsc::Sender<Offered>) {
    let mut watched = Watched::new(file, trust);
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
    fn new(file: PathBuf, trust: Trust) -> Self {
        let judge = Judge::new(trust, file.display().to_string());
        Self { file, judge, last: None, read: None }
    }

    fn look(&mut self) -> Option<Offered> {
        match self.news() {
            Ok(None) => None,
            Ok(Some(bytes)) => self.judge.judge(bytes).1,
            Err(error) => self.judge.tell(&error.to_string()),
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
}

fn stamp(file: &Path) -> std::io::Result<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let about = std::fs::metadata(file)?;
    Ok((about.len(), about.modified().ok(), about.ino()))
}

#[cfg(test)]
mod tests {
    use super::super::tests_only::{registry, trust};
    use super::*;
    use crate::member::Registry;

    #[test]
    fn a_registry_counts_once_it_has_stayed_the_same_and_what_is_refused_is_told_once() {
        let file = std::env::temp_dir().join(format!("einwahl-registry-{}.json", std::process::id()));
        let mut watched = Watched::new(file.clone(), trust());
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
        assert_eq!(*taken, Registry::kept(&bytes, &trust().federation).expect("kept"));
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
