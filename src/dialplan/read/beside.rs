//! What stands in files beside the plan: `[tables.NAME]` of numbers (CSV), and `[calendars.NAME]` (iCalendar).

use std::sync::Arc;

use toml::de::DeTable;

use super::super::file::File;
use super::super::placing::Ring;
use super::super::table::{Mistake, Table};
use super::super::vocabulary::{CALENDAR, TABLE, Word};
use super::super::{Calendar, Decision, Named, Placed};
use super::action::{ADDRESS, LANGUAGES, ROOM, is_uri};
use super::placing::{MOST, read_callee};
use super::{Reader, Value, ends_with, or_another};
use crate::call::hunt::Way;

impl Reader<'_> {
    pub(super) fn table_of_numbers(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, "write [tables.NAME] on a line of its own") else { return };
        let Some((file, span)) = self.file_beside(&name, table, TABLE, ".csv") else { return };
        let (value, mistakes) = self.read_beside(file, |file| Table::read(file, decision));
        self.tell(file, mistakes);
        self.tables.push(Named { name, value: Placed { value, file, span }, used: false });
    }

    pub(super) fn calendar(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, "write [calendars.NAME] on a line of its own") else { return };
        let Some((file, _)) = self.file_beside(&name, table, CALENDAR, ".ics") else { return };
        let (value, mistakes) = self.read_beside(file, Calendar::read);
        self.tell(file, mistakes);
        if self.calendars.iter().any(|calendar| calendar.name.value == name.value) {
            let message = format!("there are two calendars {:?}", name.value);
            return self.wrong(name.span, &message, "give one of them another name");
        }
        self.calendars.push(Named { name, value: Arc::new(value), used: false });
    }

    /// The calendar of that name, or a mistake.
    pub(super) fn some_calendar(&mut self, name: &Placed<String>) -> Option<usize> {
        let found = self.calendars.iter().position(|calendar| calendar.name.value == name.value);
        match found.and_then(|found| self.calendars.get_mut(found)) {
            Some(calendar) => calendar.used = true,
            None => {
                let known: Vec<&str> = self.calendars.iter().map(|calendar| calendar.name.value.as_str()).collect();
                let help = or_another(&known, "calendars", &name.value);
                self.wrong(name.span.clone(), &format!("there is no calendar {:?}", name.value), &help);
            }
        }
        found
    }

    /// The file that a table names, by its number.
    fn file_beside(
        &mut self,
        name: &Placed<String>,
        table: &DeTable<'_>,
        words: &[Word],
        end: &str,
    ) -> Option<(usize, std::ops::Range<usize>)> {
        self.know(table, words);
        let Some(file) = table.get("file") else {
            let help = format!("add file = \"NAME{end}\"");
            self.wrong(name.span.clone(), &format!("{:?} names no file", name.value), &help);
            return None;
        };
        let Placed { value: file, span, .. } = self.text(file)?;
        let bare = |file: &File| file.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let found = self.files.iter().position(|other| ends_with(other, end) && bare(other) == file);
        if found.is_none() {
            let known: Vec<String> = self.files.iter().filter(|file| ends_with(file, end)).map(bare).collect();
            let help = if known.is_empty() {
                format!("put it beside this file; its name ends with {end}")
            } else {
                format!("there are: {}", known.join(", "))
            };
            self.wrong(span.clone(), &format!("there is no file {file}"), &help);
        }
        found.map(|found| (found, span))
    }

    fn read_beside<T: Default>(&self, file: usize, read: impl Fn(&File) -> (T, Vec<Mistake>)) -> (T, Vec<Mistake>) {
        self.files.get(file).map(read).unwrap_or_default()
    }

    fn tell(&mut self, file: usize, mistakes: Vec<Mistake>) {
        for (span, message, help) in mistakes {
            self.wrong_in(file, span, &message, &help);
        }
    }
}

/// What a row's word and value say.
fn decision(word: &str, value: &str) -> Result<Decision, String> {
    match word {
        "room" => value.parse().map(|room| Decision::Room { room }).map_err(|_| String::from(ROOM)),
        "menu" => value.parse().map(|language| Decision::Menu { language }).map_err(|_| String::from(LANGUAGES)),
        "ring" => {
            let to = value.split([' ', ',']).filter(|text| !text.is_empty()).map(|text| read_callee(text, None));
            let to = to.collect::<Result<Vec<_>, _>>().map_err(|(message, help)| format!("{message}: {help}"))?;
            if to.len() > MOST {
                return Err(format!("{MOST} telephones can be rung, these are {}", to.len()));
            }
            Ok(Decision::Ring(Ring { to, way: Way::InOrder, patience: Ring::PATIENCE, otherwise: None }))
        }
        "redirect" if is_uri(value) => Ok(Decision::Redirect { to: value.to_owned() }),
        "redirect" => Err(String::from(ADDRESS)),
        _ => Err(format!("column {word} means nothing; known: number, room, ring, menu, redirect, comment")),
    }
}
