//! The dialplan of a configuration. In: the folder it names. Out: a plan and its problems.

use std::path::Path;

use super::Config;
use crate::dialplan::{Home, Plan, Problem, Source, Surroundings};

/// The folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the dialplan cannot be read: {}: {why}", place.display())]
pub struct Unreadable {
    /// The folder, or a file in it.
    pub place: std::path::PathBuf,
    /// What the system says.
    pub why: std::io::Error,
}

/// Not the name of a time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("dialplan.zone: {0:?} is no time zone: write one like Europe/Berlin")]
pub struct NoZone(String);

/// What everybody gets who has not written a plan.
const SHIPPED: &str = include_str!("../../dialplans/10-einwahl.toml");

impl Config {
    /// The plan that the configuration names, and all that is wrong with it.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn plan(&self) -> Result<(Plan, Vec<Problem>), Unreadable> {
        let sources = match &self.dialplan.folder {
            Some(folder) => sources(folder)?,
            None => vec![Source { name: String::from("10-einwahl.toml (shipped)"), text: SHIPPED.to_owned() }],
        };
        Ok(Plan::check(sources, &self.surroundings()))
    }

    /// SHA-256 of the plan's files: the same plan has the same.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn plan_fingerprint(&self) -> Result<String, Unreadable> {
        let mut sources = match &self.dialplan.folder {
            Some(folder) => sources(folder)?,
            None => vec![Source { name: String::new(), text: SHIPPED.to_owned() }],
        };
        sources.sort_by(|one, other| one.name.cmp(&other.name));
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        sources.iter().for_each(|source| context.update(source.text.as_bytes()));
        Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
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
            // A zone that is none is told of elsewhere.
            zone: self.zone().unwrap_or(jiff::tz::TimeZone::UTC),
        }
    }
}

/// The files of a plan: every `.toml` in the folder, and every `.csv` that these may speak of.
fn sources(folder: &Path) -> Result<Vec<Source>, Unreadable> {
    let fails = |place: &Path| {
        let place = place.to_owned();
        move |why| Unreadable { place, why }
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fails(folder))? {
        let path = entry.map_err(fails(folder))?.path();
        if path.extension().is_some_and(|end| end == "toml" || end == "csv") {
            let text = std::fs::read_to_string(&path).map_err(fails(&path))?;
            found.push(Source { name: path.display().to_string(), text });
        }
    }
    Ok(found)
}
