//! A list of extensions, as a spreadsheet writes it (CSV). In: the file. Out: a table of ours with the rule that looks into it, and what
//! became of each line.
//!
//! What separates the columns, what they are called and whether they are is found out. A list that says of no number where it leads is
//! one of telephones: each number rings at the trunk.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::Ledger;
use super::quote::{key, named, quoted};
use super::reason::Reason;
use super::{File, Needs, Options};
use crate::dialplan::{Source, is_callee};
use crate::words::{Language, RoomId, TrunkName};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Number,
    Room,
    Ring,
    Menu,
    Redirect,
    Comment,
    Unknown,
}

/// How people call them, in small letters and without signs.
const CALLED: [(Column, &[&str]); 6] = [
    (
        Column::Number,
        &[
            "number",
            "nummer",
            "nr",
            "rufnummer",
            "durchwahl",
            "dw",
            "extension",
            "ext",
            "did",
            "telefon",
            "telefonnummer",
            "telefonnr",
            "tel",
            "phone",
            "phonenumber",
            "rufnr",
        ],
    ),
    (Column::Room, &["room", "raum", "konferenz", "konferenzraum", "conference", "saal", "sitzung", "meeting"]),
    (Column::Ring, &["ring", "ziel", "target", "nebenstelle", "apparat", "endgeraet", "geraet", "device", "klingelt"]),
    (Column::Menu, &["menu", "menue", "sprache", "language"]),
    (Column::Redirect, &["redirect", "weiterleitung", "umleitung", "sip", "sipadresse", "adresse", "address", "uri"]),
    (
        Column::Comment,
        &[
            "comment",
            "kommentar",
            "bemerkung",
            "name",
            "beschreibung",
            "description",
            "inhaber",
            "owner",
            "amt",
            "abteilung",
            "department",
            "office",
            "vorname",
            "nachname",
            "notiz",
            "note",
        ],
    ),
];

/// Reads a list; its tables get names that no other has.
pub(super) fn import(
    file: &File,
    options: &Options,
    names: &mut BTreeSet<String>,
    ledger: &mut Ledger,
    needs: &mut Needs,
) -> Vec<Source> {
    let (first, text) = ledger.open(file);
    let records = records(&text);
    let mut list = List { options, ledger, needs, first, rows: BTreeMap::new(), written: Vec::new() };
    let Some((columns, has_heading)) = columns(&records) else {
        records.iter().for_each(|record| list.say(record, &Reason::NoNumbers));
        return Vec::new();
    };
    let bare = named(file.name.rsplit_once('.').map_or(file.name.as_str(), |(name, _)| name));
    let numbered = (2_u32..).map(|number| format!("{bare}-{number}"));
    let name = std::iter::once(bare.clone()).chain(numbered).find(|name| !names.contains(name)).unwrap_or(bare);
    names.insert(name.clone());
    let table = format!("[tables.{name}]");
    let mut records = records.iter();
    if has_heading && let Some(heading) = records.next() {
        list.heading(heading, &columns);
    }
    let leads = columns.iter().any(|column| !matches!(column, Column::Number | Column::Comment | Column::Unknown));
    for record in records {
        list.record(record, &columns, leads, &table);
    }
    let comment = match options.language {
        Language::De => "# Aus einer Liste übernommen: jede Nummer führt dorthin, wo ihre Zeile es sagt.",
        Language::En => "# Imported from a list: each number leads where its row says.",
    };
    let plan = format!(
        "{comment}\n\n[tables.{}]\nfile = \"{name}.csv\"\n\n[[rule]]\nname = {}\ncalled = \"*\"\ntable = {}\n",
        key(&name),
        quoted(&name),
        quoted(&name)
    );
    let table = format!("number,room,ring,menu,redirect,comment\n{}", list.written.concat());
    vec![Source { name: format!("20-{name}.toml"), text: plan }, Source { name: format!("{name}.csv"), text: table }]
}

/// A row, and the lines that it stands in.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    lines: std::ops::Range<usize>,
    cells: Vec<String>,
}

struct List<'a> {
    options: &'a Options,
    ledger: &'a mut Ledger,
    needs: &'a mut Needs,
    /// The number of the file's first line, over all files.
    first: usize,
    /// Where a number stands, and where it leads.
    rows: BTreeMap<String, (usize, String)>,
    written: Vec<String>,
}

impl List<'_> {
    fn say(&mut self, record: &Record, reason: &Reason) {
        record.lines.clone().for_each(|line| self.ledger.say(self.first + line, reason.clone()));
    }

    fn heading(&mut self, heading: &Record, columns: &[Column]) {
        self.say(heading, &Reason::Heading);
        let unknown = heading.cells.iter().zip(columns).filter(|(_, column)| **column == Column::Unknown);
        let unknown: Vec<&str> = unknown.map(|(cell, _)| cell.as_str()).filter(|cell| !cell.is_empty()).collect();
        if !unknown.is_empty() {
            self.say(heading, &Reason::Columns(unknown.join(", ")));
        }
    }

    fn record(&mut self, record: &Record, columns: &[Column], leads: bool, table: &str) {
        if record.cells.iter().all(|cell| cell.is_empty()) {
            return self.say(record, &Reason::Blank);
        }
        let cell = |wanted: Column| {
            let found =
                record.cells.iter().zip(columns).filter(|(cell, column)| **column == wanted && !cell.is_empty());
            found.map(|(cell, _)| cell.as_str()).collect::<Vec<_>>()
        };
        let told = cell(Column::Number).first().copied().unwrap_or_default().to_owned();
        let Some(number) = number(&told, self.options) else {
            return self.say(record, &Reason::NoNumber(told));
        };
        let comment = cell(Column::Comment).join(" ").replace(['\n', '\r'], " ");
        let targets = [Column::Room, Column::Ring, Column::Menu, Column::Redirect];
        let target = targets.into_iter().find_map(|column| Some((column, cell(column).first().copied()?.to_owned())));
        let target = match target {
            Some((column, text)) => match self.target(column, &text) {
                Some(target) => (column, target),
                None => return self.say(record, &Reason::NoName(text)),
            },
            None if leads => return self.say(record, &Reason::NoTarget(told)),
            None => match self.target(Column::Ring, &number) {
                Some(target) => (Column::Ring, target),
                None => return self.say(record, &Reason::NoName(told)),
            },
        };
        let line = self.first + record.lines.start;
        let leads_to = format!("{target:?}");
        if let Some((first, other)) = self.rows.get(&number) {
            let shown = self.ledger.number(*first);
            let same = *other == leads_to;
            let reason = if same { Reason::Twice(shown) } else { Reason::Again { number, line: shown } };
            return self.say(record, &reason);
        }
        record.lines.clone().for_each(|line| self.ledger.carried(self.first + line, table));
        let mut cells = vec![number.clone()];
        cells.extend(targets.map(|column| if column == target.0 { target.1.clone() } else { String::new() }));
        cells.push(comment);
        self.written.push(format!("{}\n", cells.iter().map(|cell| field(cell)).collect::<Vec<_>>().join(",")));
        self.rows.insert(number, (line, leads_to));
    }

    /// Where a cell leads, in words of ours.
    fn target(&mut self, column: Column, text: &str) -> Option<String> {
        match column {
            Column::Room => {
                let room: RoomId = named(text).parse().ok()?;
                self.needs.rooms.insert(room.clone());
                Some(room.to_string())
            }
            Column::Menu => Some(language(text)?.code().to_owned()),
            Column::Ring => {
                let (user, trunk) = text.split_once('@').map_or((text, None), |(user, trunk)| (user, Some(trunk)));
                let user: String = user.chars().filter(|c| !matches!(c, ' ' | '-' | '/' | '(' | ')')).collect();
                let trunk: TrunkName = match trunk {
                    None => self.options.trunk.clone(),
                    Some(trunk) => self.options.peers.get(trunk).cloned().or_else(|| named(trunk).parse().ok())?,
                };
                let is_help = crate::dialplan::is_emergency(&user) || user.contains('{');
                (is_callee(&user) && !is_help).then(|| {
                    self.needs.trunks.insert(trunk.clone());
                    format!("{user}@{trunk}")
                })
            }
            Column::Redirect => {
                let is_address = ["sip:", "sips:", "tel:"].iter().any(|scheme| text.starts_with(scheme));
                let told = if is_address || !text.contains('@') { text.to_owned() } else { format!("sip:{text}") };
                let is_one = ["sip:", "sips:", "tel:"]
                    .iter()
                    .any(|scheme| told.starts_with(scheme) && told.len() > scheme.len());
                let is_sound = |c: char| !c.is_whitespace() && !c.is_control() && c != '<' && c != '>';
                (is_one && told.chars().all(is_sound)).then_some(told)
            }
            Column::Number | Column::Comment | Column::Unknown => None,
        }
    }
}

/// A language by its code or its name.
fn language(text: &str) -> Option<Language> {
    match text.trim().to_lowercase().as_str() {
        "deutsch" | "german" => Some(Language::De),
        "englisch" | "english" => Some(Language::En),
        code => code.parse().ok(),
    }
}

/// A number of ours: an extension as it is, others in the international form.
fn number(text: &str, options: &Options) -> Option<String> {
    let plain: String =
        text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '-' | '/' | '(' | ')' | '.' | '\'')).collect();
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    let is_number = !digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_help = crate::dialplan::is_emergency(digits);
    (is_number && !is_help).then(|| options.home.international(&plain).unwrap_or(plain))
}

/// A cell of ours, in quotes where it needs them.
fn field(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// What the columns are for, and whether the first row says so. None if no column has numbers.
fn columns(records: &[Record]) -> Option<(Vec<Column>, bool)> {
    let first = records.iter().find(|record| record.cells.iter().any(|cell| !cell.is_empty()))?;
    let said: Vec<Column> = first.cells.iter().map(|cell| column(cell)).collect();
    if said.contains(&Column::Number) && records.first() == Some(first) {
        return Some((said, true));
    }
    // Nothing is said: the column with the most numbers has them.
    let wide = records.iter().map(|record| record.cells.len()).max()?;
    let is_number = |cell: &String| {
        let digits = cell.chars().filter(char::is_ascii_digit).count();
        digits > 0 && cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '/' | '(' | ')'))
    };
    let count = |at: usize| records.iter().filter(|record| record.cells.get(at).is_some_and(is_number)).count();
    let most = (0..wide).map(|at| (count(at), wide - at)).max().filter(|(count, _)| *count > 0);
    let at = wide - most?.1;
    Some(((0..wide).map(|column| if column == at { Column::Number } else { Column::Comment }).collect(), false))
}

fn column(heading: &str) -> Column {
    let plain: String = named(heading).chars().filter(char::is_ascii_alphanumeric).collect();
    let known = CALLED.iter().find(|(_, names)| names.contains(&plain.as_str()));
    known.map_or(Column::Unknown, |(column, _)| *column)
}

/// The rows. What separates their cells is what does so most evenly.
fn records(text: &str) -> Vec<Record> {
    let even = |separator: u8| {
        let rows: Vec<usize> = cut(text, separator).iter().take(30).map(|record| record.cells.len()).collect();
        let width = rows.iter().copied().max().unwrap_or_default();
        let common =
            (2..=width).map(|width| rows.iter().filter(|row| **row == width).count()).max().unwrap_or_default();
        (common, width.min(20))
    };
    let separator = *b";,\t|".iter().rev().max_by_key(|separator| even(**separator)).unwrap_or(&b';');
    cut(text, separator)
}

/// Rows with their lines; a cell in quotes may go over several.
fn cut(text: &str, separator: u8) -> Vec<Record> {
    let separator = char::from(separator);
    let mut found: Vec<Record> = Vec::new();
    let mut open: Option<Record> = None;
    let mut quoted = false;
    for (number, line) in text.lines().enumerate() {
        let record = open.get_or_insert_with(|| Record { lines: number..number, cells: vec![String::new()] });
        record.lines.end = number + 1;
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            let Some(cell) = record.cells.last_mut() else { break };
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cell.push('"');
                }
                '"' if quoted || cell.trim().is_empty() => quoted = !quoted,
                letter if letter == separator && !quoted => record.cells.push(String::new()),
                letter => cell.push(letter),
            }
        }
        if quoted {
            if let Some(cell) = record.cells.last_mut() {
                cell.push('\n');
            }
        } else {
            found.extend(open.take());
        }
    }
    found.extend(open);
    for record in &mut found {
        record.cells.iter_mut().for_each(|cell| *cell = cell.trim().to_owned());
    }
    found
}
