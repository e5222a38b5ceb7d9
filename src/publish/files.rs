//! The files of a plan: names and texts. In: what somebody sends. Out: files that can stand in one folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dialplan::Source;
use crate::words::Both;

/// Files by name. A copy shares the texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Files(BTreeMap<String, Arc<str>>);

/// Files that cannot be those of a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is none.
    #[error("a plan has at least one file, such as 10-einwahl.toml")]
    Empty,
    /// There are too many.
    #[error("a plan has at most {MOST_FILES} files, not {0}")]
    TooMany(usize),
    /// They are too long together.
    #[error("a plan has at most {MOST_BYTES} bytes, not {0}")]
    TooLong(usize),
    /// A name that no file of a plan has.
    #[error(
        "{0:?} is no name for a file of a plan: use a–z, A–Z, 0–9, '.', '-' and '_', and end with .toml, .csv or .ics"
    )]
    Name(String),
}

impl From<Unfit> for Both {
    fn from(why: Unfit) -> Self {
        let german = match &why {
            Unfit::Empty => "Ein Plan hat mindestens eine Datei, etwa 10-einwahl.toml".into(),
            Unfit::TooMany(files) => format!("Ein Plan hat höchstens {MOST_FILES} Dateien, nicht {files}"),
            Unfit::TooLong(bytes) => format!("Ein Plan hat höchstens {MOST_BYTES} Bytes, nicht {bytes}"),
            Unfit::Name(name) => format!(
                "{name:?} ist kein Name für eine Datei eines Plans: a–z, A–Z, 0–9, '.', '-' und '_', am Ende .toml, .csv oder .ics"
            ),
        };
        Self::new(german, why.to_string())
    }
}

const MOST_FILES: usize = 200;

/// A plan of 10,000 rules and 100,000 numbers has a third of it.
const MOST_BYTES: usize = 16 * 1_024 * 1_024;

const LONGEST_NAME: usize = 100;
const ENDS: [&str; 3] = [".toml", ".csv", ".ics"];

impl Files {
    /// Files under these names.
    ///
    /// # Errors
    /// A name that cannot be, or more than a plan has.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, Unfit> {
        let files: BTreeMap<String, Arc<str>> = files.into_iter().map(|(name, text)| (name, text.into())).collect();
        let bytes = files.values().map(|text| text.len()).sum();
        match files.keys().find(|name| !is_name(name)) {
            _ if files.is_empty() => Err(Unfit::Empty),
            _ if files.len() > MOST_FILES => Err(Unfit::TooMany(files.len())),
            _ if bytes > MOST_BYTES => Err(Unfit::TooLong(bytes)),
            Some(name) => Err(Unfit::Name(name.chars().take(LONGEST_NAME).collect())),
            None => Ok(Self(files)),
        }
    }

    /// Names and texts, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_ref()))
    }

    /// The text of a file.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long they are together.
    pub fn bytes(&self) -> usize {
        self.0.values().map(|text| text.len()).sum()
    }

    /// As the dialplan reads them.
    pub fn sources(&self) -> Vec<Source> {
        self.iter().map(|(name, text)| Source { name: name.to_owned(), text: text.to_owned() }).collect()
    }

    /// Keeps each text that others have too only once.
    pub(super) fn share_with(&mut self, others: &Self) {
        for (name, text) in &mut self.0 {
            if let Some(same) = others.0.get(name).filter(|other| *other == text) {
                *text = Arc::clone(same);
            }
        }
    }
}

impl From<Vec<Source>> for Files {
    /// Files of ours, or of a folder: their names are what they are.
    fn from(sources: Vec<Source>) -> Self {
        Self(sources.into_iter().map(|source| (source.name, source.text.into())).collect())
    }
}

impl From<BTreeMap<String, String>> for Files {
    /// What was kept was judged before.
    fn from(files: BTreeMap<String, String>) -> Self {
        Self(files.into_iter().map(|(name, text)| (name, text.into())).collect())
    }
}

impl From<Files> for BTreeMap<String, String> {
    fn from(files: Files) -> Self {
        files.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }
}

fn is_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let ends = |end: &&str| name.len() > end.len() && name.to_ascii_lowercase().ends_with(*end);
    name.len() <= LONGEST_NAME && !name.starts_with('.') && name.chars().all(legal) && ENDS.iter().any(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Result<Files, Unfit> {
        Files::new(names.iter().map(|name| ((*name).to_owned(), String::from("x"))))
    }

    #[test]
    fn a_name_that_would_leave_the_folder_or_be_read_by_nobody_is_refused() {
        assert!(files(&["10-amt.toml", "durchwahl.csv", "Ferien_2026.ICS"]).is_ok());
        for bad in ["", "../a.toml", "a/b.toml", ".toml", ".a.toml", "a.txt", "a\u{0}.toml", "ä.toml"] {
            assert_eq!(files(&["ok.toml", bad]), Err(Unfit::Name(bad.to_owned())), "{bad:?}");
        }
    }

    #[test]
    fn a_plan_has_bounds() {
        assert_eq!(files(&[]), Err(Unfit::Empty));
        let many: Vec<String> = (0..201).map(|number| format!("{number}.toml")).collect();
        assert_eq!(files(&many.iter().map(String::as_str).collect::<Vec<_>>()), Err(Unfit::TooMany(201)));
        let long = Files::new([(String::from("a.toml"), "x".repeat(MOST_BYTES + 1))]);
        assert_eq!(long, Err(Unfit::TooLong(MOST_BYTES + 1)));
    }
}
