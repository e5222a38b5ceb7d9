//! Watches the folder of a plan. In: a look once a second. Out: its files, once they have changed and then stayed the same for a
//! look: whoever writes a file, or puts another in its place, is let finish.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config;
use crate::publish::Files;

/// A folder.
pub(super) struct Watched {
    folder: PathBuf,
    is_looked_at: bool,
    /// As it was at the last look.
    last: Option<Stamp>,
    /// As it was when its files were last given.
    given: Option<Stamp>,
    /// What was last told to be wrong with it.
    told: Option<String>,
}

/// What tells a change: length, time and identity of each file.
type Stamp = BTreeMap<PathBuf, (u64, Option<SystemTime>, u64)>;

/// What a look brought.
pub(super) struct Looked(Result<(Stamp, Option<Files>), String>);

impl Watched {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder, is_looked_at: false, last: None, given: None, told: None }
    }

    pub(super) const fn is_being_looked_at(&self) -> bool {
        self.is_looked_at
    }

    /// What is to be done elsewhere: the files are read only if they are news, and stay the same meanwhile.
    pub(super) fn look(&mut self) -> impl FnOnce() -> Looked + Send + 'static {
        self.is_looked_at = true;
        let (folder, last, given) = (self.folder.clone(), self.last.clone(), self.given.clone());
        move || Looked(look(&folder, last.as_ref(), given.as_ref()))
    }

    /// The files, if they are news; what is wrong with the folder, once.
    pub(super) fn on_looked(&mut self, looked: Looked) -> Result<Option<Files>, String> {
        self.is_looked_at = false;
        match looked.0 {
            Ok((stamp, files)) => {
                self.told = None;
                if files.is_some() {
                    self.given = Some(stamp.clone());
                }
                self.last = Some(stamp);
                Ok(files)
            }
            Err(why) if self.told.as_ref() == Some(&why) => Ok(None),
            Err(why) => {
                self.told = Some(why.clone());
                Err(why)
            }
        }
    }

    /// What was given could not be used now.
    pub(super) fn look_again(&mut self) {
        self.given = None;
    }
}

fn look(folder: &Path, last: Option<&Stamp>, given: Option<&Stamp>) -> Result<(Stamp, Option<Files>), String> {
    let now = stamp(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    if last != Some(&now) || given == Some(&now) {
        return Ok((now, None));
    }
    let files = config::read_folder(folder).map_err(|error| error.to_string())?;
    // Somebody writes at this moment: at the next look it is news again.
    let is_steady = stamp(folder).is_ok_and(|after| after == now);
    Ok((now, is_steady.then_some(files)))
}

fn stamp(folder: &Path) -> std::io::Result<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let mut stamp = Stamp::new();
    for path in config::plan_files(folder)? {
        let about = std::fs::metadata(&path)?;
        stamp.insert(path, (about.len(), about.modified().ok(), about.ino()));
    }
    Ok(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(watched: &mut Watched) -> Result<Option<Files>, String> {
        let look = watched.look();
        let looked = look();
        watched.on_looked(looked)
    }

    #[test]
    fn an_edit_is_given_once_it_has_stayed_the_same_for_a_look() {
        let folder = std::env::temp_dir().join(format!("einwahl-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("10-amt.toml");
        std::fs::write(&file, "one").expect("written");
        let mut watched = Watched::new(folder.clone());
        assert_eq!(looked(&mut watched), Ok(None), "it may still be written");
        assert!(looked(&mut watched).expect("read").is_some());
        assert_eq!(looked(&mut watched), Ok(None), "no news");
        // As editors do it: another file is put in its place.
        std::fs::write(folder.join("10-amt.toml.new"), "two").expect("written");
        std::fs::rename(folder.join("10-amt.toml.new"), &file).expect("renamed");
        assert_eq!(looked(&mut watched), Ok(None));
        let files = looked(&mut watched).expect("read").expect("news");
        assert_eq!(files.iter().collect::<Vec<_>>(), [("10-amt.toml", "two")]);
        watched.look_again();
        assert!(looked(&mut watched).expect("read").is_some());
        std::fs::remove_dir_all(&folder).expect("removed");
        assert!(looked(&mut watched).is_err());
        assert_eq!(looked(&mut watched), Ok(None), "said once");
    }
}
