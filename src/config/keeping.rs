//! Where it is kept what has to outlive a restart, and for how long.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where meetings made by API and the audit are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The folder. Without one: what the service manager names (`STATE_DIRECTORY`), else `/var/lib/einwahl`.
    pub folder: Option<PathBuf>,
}

impl Store {
    /// The folder that is meant. `named` is what the service manager names, the first of several.
    pub fn folder(&self, named: Option<&str>) -> PathBuf {
        let named = named.and_then(|folders| folders.split(':').next()).filter(|folder| !folder.is_empty());
        let usual = || named.map_or_else(|| Path::new("/var/lib/einwahl"), Path::new).to_owned();
        self.folder.clone().unwrap_or_else(usual)
    }
}

/// The audit, and the records of calls.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Records {
    /// Days after which an entry is deleted.
    pub keep_days: NonZeroU32,
    /// Days after which the record of a call is deleted.
    pub calls_keep_days: NonZeroU32,
}

impl Default for Records {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::MIN.saturating_add(364), calls_keep_days: NonZeroU32::MIN.saturating_add(29) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audit_is_kept_for_a_year_or_as_the_file_says_and_never_for_no_day() {
        assert_eq!(Records::default().keep_days.get(), 365);
        assert_eq!(Records::default().calls_keep_days.get(), 30);
        assert!(crate::config::Config::from_toml("[records]\nkeep_days = 0\n").is_err());
    }

    #[test]
    fn the_file_counts_before_the_service_manager_and_that_before_what_is_usual() {
        let none = Store::default();
        assert_eq!(none.folder(None), Path::new("/var/lib/einwahl"));
        assert_eq!(none.folder(Some("")), Path::new("/var/lib/einwahl"));
        assert_eq!(none.folder(Some("/var/lib/a:/var/lib/b")), Path::new("/var/lib/a"));
        let named = Store { folder: Some("/srv/einwahl".into()) };
        assert_eq!(named.folder(Some("/var/lib/a")), Path::new("/srv/einwahl"));
    }
}
