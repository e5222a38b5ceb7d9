//! What stands in files beside the plan: `[tables.NAME]` of numbers (CSV), and `[calendars.NAME]` (iCalendar).

use std::sync::Arc;

use toml::de::DeTable;

use super::super::file::File;
use super::super::placing::Ring;
use super::super::problem::there_are;
use super::super::table::{Mistake, Table};
use super::super::vocabulary::{CALENDAR, TABLE, Word};
use super::super::{Calendar, Decision, Named, Placed};
use super::action::{ADDRESS, LANGUAGES, ROOM, is_uri};
use super::placing::{MOST, read_callee};
use super::{ANOTHER_NAME, Reader, Value, ends_with, on_its_own, or_another};
use crate::call::hunt::Way;
use crate::words::{Both, both};

impl Reader<'_> {
    pub(super) fn table_of_numbers(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, on_its_own("tables")) else { return };
        let Some((file, span)) = self.file_beside(&name, table, TABLE, ".csv") else { return };
        let (value, mistakes) = self.read_beside(file, |file| Table::read(file, decision));
        self.tell(file, mistakes);
        self.tables.push(Named { name, value: Placed { value, file, span }, used: false });
    }

    pub(super) fn calendar(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, on_its_own("calendars")) else { return };
        let Some((file, _)) = self.file_beside(&name, table, CALENDAR, ".ics") else { return };
        let (value, mistakes) = self.read_beside(file, Calendar::read);
        self.tell(file, mistakes);
        if self.calendars.iter().any(|calendar| calendar.name.value == name.value) {
            let message = both!("Den Kalender {:?} gibt es zweimal", "there are two calendars {:?}", name.value);
            return self.wrong(name.span, message, ANOTHER_NAME);
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
                let message = both!("Den Kalender {:?} gibt es nicht", "there is no calendar {:?}", name.value);
                self.wrong(name.span.clone(), message, help);
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
            let help = both!("Ergänzen Sie file = \"NAME{}\"", "add file = \"NAME{}\"", end);
            let message = both!("{:?} nennt keine Datei", "{:?} names no file", name.value);
            self.wrong(name.span.clone(), message, help);
            return None;
        };
        let Placed { value: file, span, .. } = self.text(file)?;
        let bare = |file: &File| file.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let found = self.files.iter().position(|other| ends_with(other, end) && bare(other) == file);
        if found.is_none() {
            let known: Vec<String> = self.files.iter().filter(|file| ends_with(file, end)).map(bare).collect();
            let beside = both!(
                "Legen Sie sie neben diese Datei; ihr Name endet mit {}",
                "put it beside this file; its name ends with {}",
                end
            );
            let message = both!("Die Datei {} gibt es nicht", "there is no file {}", file);
            self.wrong(span.clone(), message, there_are(&known, beside));
        }
        found.map(|found| (found, span))
    }

    fn read_beside<T: Default>(&self, file: usize, read: impl Fn(&File) -> (T, Vec<Mistake>)) -> (T, Vec<Mistake>) {
        self.files.get(file).map(read).unwrap_or_default()
    }

    fn tell(&mut self, file: usize, mistakes: Vec<Mistake>) {
        for (span, message, help) in mistakes {
            self.wrong_in(file, span, message, help);
        }
    }
}

/// What a row's word and value say.
fn decision(word: &str, value: &str) -> Result<Decision, Both> {
    match word {
        "room" => value.parse().map(|room| Decision::Room { room }).map_err(|_| Both::from(ROOM)),
        "menu" => value.parse().map(|language| Decision::Menu { language }).map_err(|_| Both::from(LANGUAGES)),
        "ring" => {
            let to = value.split([' ', ',']).filter(|text| !text.is_empty()).map(|text| read_callee(text, None));
            let to = to.collect::<Result<Vec<_>, _>>().map_err(|(message, help)| message.then(": ", &help.into()))?;
            if to.len() > MOST {
                return Err(both!(
                    "Höchstens {} Telefone können klingeln, das sind {}",
                    "{} telephones can be rung, these are {}",
                    MOST,
                    to.len()
                ));
            }
            Ok(Decision::Ring(Ring { to, way: Way::InOrder, patience: Ring::PATIENCE, otherwise: None }))
        }
        "redirect" if is_uri(value) => Ok(Decision::Redirect { to: value.to_owned() }),
        "redirect" => Err(Both::from(ADDRESS)),
        _ => Err(both!(
            "Die Spalte {} bedeutet nichts; bekannt sind: number, room, ring, menu, redirect, comment",
            "column {} means nothing; known: number, room, ring, menu, redirect, comment",
            word
        )),
    }
}
