//! The dialplan of a configuration. In: the folder it names. Out: its files, a plan and its problems.

use std::path::{Path, PathBuf};

use super::Config;
use serde::Deserialize;

use crate::dialplan::{Home, Pattern, Plan, Problem, Source, Surroundings};
use crate::ivr::Prompt;
use crate::publish::Files;

/// The folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the dialplan cannot be read: {}: {why}", place.display())]
pub struct Unreadable {
    /// The folder, or a file in it.
    pub place: PathBuf,
    /// What the system says.
    pub why: std::io::Error,
}

/// Not the name of a time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("dialplan.zone: {0:?} is no time zone: write one like Europe/Berlin")]
pub struct NoZone(String);

/// Numbers of the institution, as one writes them in a rule: `+49 30 9018 XXXX`, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct OwnNumbers {
    /// As they stand in the configuration.
    pub text: String,
    patterns: Vec<Pattern>,
}

/// Not numbers that can be one's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} are no numbers of one's own: write them with + and the area code, like \"+49 30 9018 XXXX\"")]
pub struct NoOwnNumbers(String);

impl TryFrom<String> for OwnNumbers {
    type Error = NoOwnNumbers;

    fn try_from(text: String) -> Result<Self, NoOwnNumbers> {
        let is_own = |pattern: &Pattern| matches!(pattern, Pattern::Digits { international: true, .. });
        match Pattern::read(&text) {
            Ok(patterns) if patterns.iter().all(is_own) => Ok(Self { text, patterns }),
            Ok(_) | Err(_) => Err(NoOwnNumbers(text)),
        }
    }
}

/// The only file of the plan that is shipped.
const SHIPPED: &str = include_str!("../../dialplans/10-einwahl.toml");

impl Config {
    /// The plan that the configuration names, and all that is wrong with it. Its files are named as an admin would type them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn plan(&self) -> Result<(Plan, Vec<Problem>), Unreadable> {
        let mut sources = self.files()?.sources();
        if let Some(folder) = &self.dialplan.folder {
            sources.iter_mut().for_each(|source| source.name = folder.join(&source.name).display().to_string());
        }
        Ok(Plan::check(sources, &self.surroundings()))
    }

    /// The files of that plan.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn files(&self) -> Result<Files, Unreadable> {
        self.dialplan.folder.as_deref().map_or_else(|| Ok(shipped()), read_folder)
    }

    /// The time by which the plan's hours are read.
    ///
    /// # Errors
    /// The configuration names no time zone.
    pub fn zone(&self) -> Result<jiff::tz::TimeZone, NoZone> {
        let name = &self.dialplan.zone;
        jiff::tz::TimeZone::get(name).map_err(|_| NoZone(name.clone()))
    }

    /// What a plan may speak of.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings {
            home: Home { country: self.dialplan.country, area: self.dialplan.area.clone() },
            rooms: self.meetings.iter().map(|meeting| meeting.room.clone()).collect(),
            trunks: self.trunks.iter().map(|trunk| trunk.name.clone()).collect(),
            dial: self.trunks.iter().filter(|trunk| trunk.dial.is_some()).map(|trunk| trunk.name.clone()).collect(),
            prompts: Prompt::all().map(|prompt| prompt.name().to_owned()).collect(),
            // A zone that is none is told of elsewhere.
            zone: self.zone().unwrap_or(jiff::tz::TimeZone::UTC),
            blocks: self.dialplan.blocks.iter().flat_map(|block| block.patterns.clone()).collect(),
            us: self.federation.domain.clone(),
            members: Vec::new(),
            by_sip: Vec::new(),
        }
    }
}

/// What everybody gets who has not written a plan.
pub fn shipped() -> Files {
    Files::from(vec![Source { name: String::from("10-einwahl.toml"), text: SHIPPED.to_owned() }])
}

/// SHA-256 of the names and texts of a plan: the same plan has the same.
pub fn fingerprint(files: &Files) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in files.iter().flat_map(|(name, text)| [name, text]) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of a plan that are in a folder: every `.toml`, and what these may speak of.
///
/// # Errors
/// The folder, or one of them, cannot be read.
pub fn read_folder(folder: &Path) -> Result<Files, Unreadable> {
    let fails = |place: &Path| {
        let place = place.to_owned();
        move |why| Unreadable { place, why }
    };
    let mut found = Vec::new();
    for path in plan_files(folder).map_err(fails(folder))? {
        let text = std::fs::read_to_string(&path).map_err(fails(&path))?;
        found.push(Source { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text });
    }
    Ok(Files::from(found))
}

/// Where these files are.
///
/// # Errors
/// The folder cannot be read.
pub fn plan_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| ENDS.iter().any(|known| end == *known)) {
            found.push(path);
        }
    }
    Ok(found)
}

const ENDS: [&str; 3] = ["toml", "csv", "ics"];
