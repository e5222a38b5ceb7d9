//! Tables: a number leads to what its row says. In: a CSV file with a heading. Out: rows, found in constant time, and every
//! mistake with its line.

use std::collections::HashMap;
use std::ops::Range;

use super::Decision;
use super::file::File;
use super::foreign::of_table;
use super::number::{Dialled, plain};
use crate::words::{Both, both};

/// Rows by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    rows: HashMap<String, Row>,
}

/// What a row says, and where it stands in its file.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) decision: Decision,
    pub(super) span: Range<usize>,
}

/// A mistake: where it stands in the file, what it is, and what to do.
pub(super) type Mistake = (Range<usize>, Both, Both);

impl Table {
    /// Reads `number` and one of `room`, `redirect`, `menu`, by the names in the heading. `read` makes a decision of a word and
    /// its value, or tells what would be one.
    pub(super) fn read(source: &File, read: impl Fn(&str, &str) -> Result<Decision, Both>) -> (Self, Vec<Mistake>) {
        let (mut table, mut mistakes) = (Self::default(), Vec::new());
        let mut lines: HashMap<String, u64> = HashMap::new();
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source.text.as_bytes());
        let Ok(heading) = reader.headers().cloned() else { return (table, mistakes) };
        let Some(at) = heading.iter().position(|word| word == "number") else {
            let help = Both::new(
                "Die erste Zeile nennt die Spalten: number,room",
                "the first line names the columns: number,room",
            );
            let message = Both::new("Die Spalte number fehlt", "there is no column number");
            return (table, vec![(0..1, message, help)]);
        };
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let place = error.position().map_or(0, |place| place.byte());
                    let help = Both::new(
                        "Jede Zeile hat so viele Spalten wie die erste",
                        "every line has as many columns as the first",
                    );
                    mistakes.push((line_at(source, place), of_table(&error), help));
                    continue;
                }
            };
            let place = record.position();
            let span = line_at(source, place.map_or(0, csv::Position::byte));
            let number = plain(record.get(at).unwrap_or_default());
            let digits = number.strip_prefix('+').unwrap_or(&number);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                let number = record.get(at).unwrap_or_default();
                let help = Both::new(
                    "Schreiben Sie Ziffern, mit oder ohne + davor",
                    "write digits, with or without a + before them",
                );
                mistakes.push((span, both!("{:?} ist keine Nummer", "{:?} is no number", number), help));
                continue;
            }
            let mut words = heading
                .iter()
                .zip(record.iter())
                .filter(|(word, value)| !value.is_empty() && !matches!(*word, "number" | "comment"));
            match words.next().map(|(word, value)| read(word, value)) {
                Some(Ok(decision)) => {
                    let line = place.map_or(0, csv::Position::line);
                    if let Some(first) = lines.insert(number.clone(), line) {
                        let message = both!(
                            "{} steht hier zum zweiten Mal, zuerst in Zeile {}",
                            "{} stands here a second time; the other is in line {}",
                            number,
                            first
                        );
                        let help = Both::new("Lassen Sie eine der beiden Zeilen weg", "leave one of them out");
                        mistakes.push((span.clone(), message, help));
                    }
                    table.rows.insert(number, Row { decision, span });
                }
                Some(Err(help)) => {
                    let message = both!("Die Zeile zu {} ist nicht brauchbar", "the row of {} cannot be used", number);
                    mistakes.push((span, message, help));
                }
                None => {
                    let help = Both::new(
                        "Tragen Sie einen Raum ein, oder lassen Sie die Zeile weg",
                        "fill in a room, or leave the line out",
                    );
                    mistakes.push((span, both!("{} führt nirgendwohin", "{} leads nowhere", number), help));
                }
            }
        }
        (table, mistakes)
    }

    /// What the row of a number says, in whichever form it stands there.
    pub(super) fn get(&self, dialled: &Dialled) -> Option<&Decision> {
        let as_dialled = self.rows.get(&dialled.as_dialled);
        let row = as_dialled.or_else(|| self.rows.get(&format!("+{}", dialled.international.as_deref()?)));
        row.map(|row| &row.decision)
    }

    /// Each number as it stands there, and what its row says.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Decision)> {
        self.rows.iter().map(|(number, row)| (number.as_str(), &row.decision))
    }

    /// Each number as it stands there, and where.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, &Range<usize>)> {
        self.rows.iter().map(|(number, row)| (number.as_str(), &row.span))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }
}

/// The line at a place.
fn line_at(source: &File, place: u64) -> Range<usize> {
    let start = usize::try_from(place).unwrap_or_default().min(source.text.len());
    let start =
        start + source.text.get(start..).map_or(0, |rest| rest.len() - rest.trim_start_matches(['\r', '\n']).len());
    let length = source.text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    start..start + length
}
