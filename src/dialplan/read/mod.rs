//! From TOML to rules. In: files. Out: rules and examples, and every mistake with its place. Nothing is guessed: a word
//! that means nothing is a mistake, with the words that would mean something.
//!
//! What others speak of is read first, over all files: variables, then contexts, calendars, hours and tables, then rules and
//! examples.

mod action;
mod beside;
pub(super) mod callback;
mod office;
pub(super) mod placing;
pub(super) mod queue;
mod rule;

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::File;
use super::foreign::of_toml;
use super::placing::Queue;
use super::problem::there_are;
use super::problem::{Problem, Severity};
use super::table::Table;
use super::vocabulary::{CONTEXT, FILE, Word, names};
use super::{Calendar, Callback, Context, Example, Hours, Named, Placed};
use crate::words::{Both, TrunkName, both};

/// Where calls begin that have no other context.
const MAIN: &str = "main";

type Value<'a> = Spanned<DeValue<'a>>;

/// What the files hold.
pub(super) struct Read {
    pub(super) contexts: Vec<Context>,
    pub(super) entries: BTreeMap<TrunkName, usize>,
    pub(super) offices: Vec<Named<Hours>>,
    pub(super) calendars: Vec<Named<Arc<Calendar>>>,
    pub(super) tables: Vec<Named<Placed<Table>>>,
    pub(super) queues: Vec<Named<Queue>>,
    pub(super) callbacks: Vec<Named<Callback>>,
    pub(super) variables: BTreeMap<String, Named<String>>,
    pub(super) examples: Vec<Example>,
    pub(super) problems: Vec<Problem>,
}

/// Reads all files, in their order.
pub(super) fn read(files: &[File]) -> Read {
    let mut reader = Reader {
        files,
        file: 0,
        contexts: vec![context(MAIN, None)],
        entries: BTreeMap::new(),
        offices: Vec::new(),
        calendars: Vec::new(),
        tables: Vec::new(),
        queues: Vec::new(),
        callbacks: Vec::new(),
        variables: BTreeMap::new(),
        examples: Vec::new(),
        problems: Vec::new(),
    };
    reader.read();
    let Reader { contexts, entries, offices, calendars, tables, queues, callbacks, .. } = reader;
    let (variables, examples, problems) = (reader.variables, reader.examples, reader.problems);
    Read { contexts, entries, offices, calendars, tables, queues, callbacks, variables, examples, problems }
}

fn context(name: &str, told: Option<Placed<()>>) -> Context {
    Context {
        name: name.to_owned(),
        told,
        rules: Vec::new(),
        include: Vec::new(),
        index: super::index::Index::default(),
    }
}

struct Reader<'a> {
    files: &'a [File],
    file: usize,
    contexts: Vec<Context>,
    entries: BTreeMap<TrunkName, usize>,
    offices: Vec<Named<Hours>>,
    calendars: Vec<Named<Arc<Calendar>>>,
    tables: Vec<Named<Placed<Table>>>,
    queues: Vec<Named<Queue>>,
    callbacks: Vec<Named<Callback>>,
    variables: BTreeMap<String, Named<String>>,
    examples: Vec<Example>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut files = Vec::new();
        for (number, file) in
            self.files.iter().enumerate().filter(|(_, file)| !ends_with(file, ".csv") && !ends_with(file, ".ics"))
        {
            self.file = number;
            let (table, errors) = DeTable::parse_recoverable(&file.text);
            for error in errors {
                let span = error.span().unwrap_or_default();
                self.wrong(span, of_toml(error.message()), TOML);
            }
            for key in table.get_ref().keys().filter(|key| FILE.iter().all(|word| word.name != key.get_ref())) {
                let message =
                    both!("{:?} bedeutet in einem Wählplan nichts", "{:?} means nothing in a dialplan", key.get_ref());
                self.wrong(key.span(), message, known_here(FILE));
            }
            files.push((number, table));
        }
        self.named(&files, "variables", Self::variable);
        self.named(&files, "contexts", Self::context);
        self.named(&files, "calendars", Self::calendar);
        self.named(&files, "hours", Self::office);
        self.named(&files, "tables", Self::table_of_numbers);
        self.named(&files, "contexts", Self::includes);
        self.named(&files, "callbacks", Self::callback);
        self.named(&files, "queues", Self::queue);
        self.each(&files, "rule", Self::rule);
        self.each(&files, "example", Self::example);
    }

    fn wrong(&mut self, span: Range<usize>, message: impl Into<Both>, help: impl Into<Both>) {
        self.wrong_in(self.file, span, message.into(), help.into());
    }

    fn wrong_in(&mut self, file: usize, span: Range<usize>, message: Both, help: Both) {
        if let Some(file) = self.files.get(file) {
            self.problems.push(Problem::new(file, span, Severity::Error, message, help));
        }
    }

    /// Reads `[word.NAME]` in each file.
    fn named(
        &mut self,
        files: &[(usize, Spanned<DeTable<'_>>)],
        word: &str,
        mut read: impl FnMut(&mut Self, Placed<String>, &Value<'_>),
    ) {
        for (file, table) in files {
            self.file = *file;
            let Some(value) = table.get_ref().get(word) else { continue };
            let help = both!(
                "Schreiben Sie [{0}] oder [{0}.NAME] in eine eigene Zeile",
                "write [{0}] or [{0}.NAME] on a line of its own",
                word
            );
            let Some(items) = self.table(value, help) else { continue };
            for (name, value) in items {
                let name = self.placed(name.get_ref().to_string(), name.span());
                read(self, name, value);
            }
        }
    }

    /// Reads `[[word]]` in each file.
    fn each(
        &mut self,
        files: &[(usize, Spanned<DeTable<'_>>)],
        word: &str,
        mut read: impl FnMut(&mut Self, &DeTable<'_>, Range<usize>),
    ) {
        for (file, table) in files {
            self.file = *file;
            let Some(value) = table.get_ref().get(word) else { continue };
            let Some(items) = value.get_ref().as_array() else {
                let help = both!("Schreiben Sie zwei Klammern: [[{}]]", "write it with two brackets: [[{}]]", word);
                let message =
                    ("Davon kann es mehrere geben, hier steht nur eines", "this is one table, and there may be many");
                self.wrong(value.span(), message, help);
                continue;
            };
            for item in items.iter() {
                match item.get_ref().as_table() {
                    Some(table) => read(self, table, item.span()),
                    None => {
                        let help = both!(
                            "Schreiben Sie [[{}]] in eine eigene Zeile",
                            "write [[{}]] on a line of its own",
                            word
                        );
                        self.wrong(item.span(), ("Hier fehlt eine Überschrift", "this is no table"), help);
                    }
                }
            }
        }
    }

    fn know(&mut self, table: &DeTable<'_>, words: &[Word]) {
        for key in table.keys() {
            if words.iter().all(|word| word.name != key.get_ref()) {
                let near = words.iter().map(|word| word.name).find(|word| is_near(word, key.get_ref()));
                let help = near
                    .map_or_else(|| known_here(words), |word| both!("Meinten Sie {:?}?", "did you mean {:?}?", word));
                self.wrong(key.span(), means_nothing(key.get_ref()), help);
            }
        }
    }

    fn variable(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(text) = self.text(value) else { return };
        let key = name.value.clone();
        if self.variables.insert(key, Named { value: text.value, used: false, name: name.clone() }).is_some() {
            let message = both!("Die Variable {:?} gibt es zweimal", "there are two variables {:?}", name.value);
            self.wrong(name.span, message, LEAVE_ONE);
        }
    }

    fn context(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = self.table(value, on_its_own("contexts")) else { return };
        self.know(table, CONTEXT);
        let number = self.context_called(&name.value).unwrap_or(self.contexts.len());
        if let Some(known) = self.contexts.get_mut(number) {
            if known.told.is_some() {
                let message = both!("Den Kontext {:?} gibt es zweimal", "context {:?} is told of twice", name.value);
                return self.wrong(
                    name.span,
                    message,
                    ("Schreiben Sie alles an eine Stelle", "put all of it in one place"),
                );
            }
            known.told = Some(Placed { value: (), file: self.file, span: name.span });
        } else {
            let told = Some(self.placed((), name.span));
            self.contexts.push(context(&name.value, told));
        }
        for trunk in list(table.get("trunks")) {
            let Some(trunk) = self.parsed::<TrunkName>(trunk, TRUNK) else {
                continue;
            };
            if let Some(other) = self.entries.insert(trunk.value.clone(), number).filter(|other| *other != number) {
                let other = self.contexts.get(other).map_or("", |context| &context.name).to_owned();
                let message = both!(
                    "Anrufe über {} beginnen schon in {:?}",
                    "calls by {} begin in {:?} already",
                    trunk.value,
                    other
                );
                let help = ("Nennen Sie jeden Anschluss in nur einem Kontext", "name each trunk in one context");
                self.wrong(trunk.span, message, help);
            }
        }
    }

    fn includes(&mut self, name: Placed<String>, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else { return };
        for other in list(table.get("include")) {
            let Some(Placed { value: other, span, .. }) = self.text(other) else { continue };
            let Some(number) = self.some_context(&other, span.clone()) else { continue };
            let included = self.placed(number, span);
            if let Some(context) = self.contexts.iter_mut().find(|context| context.name == name.value) {
                context.include.push(included);
            }
        }
    }

    fn context_called(&self, name: &str) -> Option<usize> {
        self.contexts.iter().position(|context| context.name == name)
    }

    /// The context of that name, or a mistake.
    fn some_context(&mut self, name: &str, span: Range<usize>) -> Option<usize> {
        let found = self.context_called(name);
        if found.is_none() {
            let known: Vec<&str> = self.contexts.iter().map(|context| context.name.as_str()).collect();
            let help = or_another(&known, "contexts", name);
            self.wrong(span, both!("Den Kontext {:?} gibt es nicht", "there is no context {:?}", name), help);
        }
        found
    }

    fn text(&mut self, value: &Value<'_>) -> Option<Placed<String>> {
        let Some(text) = value.get_ref().as_str() else {
            let kind = value.get_ref().type_str();
            let message = Both::new(
                format!("Hier gehört ein Text hin, das ist {}", kind_in_german(kind)),
                format!("a text is needed here, this is a {kind}"),
            );
            self.wrong(value.span(), message, ("Setzen Sie es in \"Anführungszeichen\"", "put it in \"quotes\""));
            return None;
        };
        let text = self.with_variables(text, value.span())?;
        Some(self.placed(text, value.span()))
    }

    /// What stands between `${` and `}` is replaced.
    fn with_variables(&mut self, text: &str, span: Range<usize>) -> Option<String> {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            whole.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                let message =
                    ("Eine Variable beginnt hier und endet nicht", "a variable begins here that does not end");
                self.wrong(span, message, ("Schreiben Sie ${name}", "write ${name}"));
                return None;
            };
            let Some(variable) = self.variables.get_mut(name) else {
                let known: Vec<String> = self.variables.keys().map(|name| format!("${{{name}}}")).collect();
                let help = there_are(&known, ("Ergänzen Sie sie unter [variables]", "add it to [variables]"));
                let message = both!("Die Variable {:?} gibt es nicht", "there is no variable {:?}", name);
                self.wrong(span, message, help);
                return None;
            };
            variable.used = true;
            whole.push_str(&variable.value);
            rest = after;
        }
        whole.push_str(rest);
        Some(whole)
    }

    fn placed<T>(&self, value: T, span: Range<usize>) -> Placed<T> {
        Placed { value, file: self.file, span }
    }

    fn parsed<T: FromStr>(&mut self, value: &Value<'_>, help: (&str, &str)) -> Option<Placed<T>> {
        let Placed { value: text, span, .. } = self.text(value)?;
        match text.parse() {
            Ok(value) => Some(self.placed(value, span)),
            Err(_) => {
                self.wrong(span, both!("{:?} geht hier nicht", "{:?} cannot be used here", text), help);
                None
            }
        }
    }

    fn flag(&mut self, value: &Value<'_>) -> Option<bool> {
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let help = ("Schreiben Sie es ohne Anführungszeichen", "write it without quotes");
            self.wrong(value.span(), ("Das ist true oder false", "this is true or false"), help);
        }
        flag
    }

    fn table<'v>(&mut self, value: &'v Value<'v>, help: impl Into<Both>) -> Option<&'v DeTable<'v>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(value.span(), ("Hier gehören mehrere Angaben hin", "this is a table"), help);
        }
        table
    }
}

/// One value, or those of an array.
fn list<'v>(value: Option<&'v Value<'v>>) -> Vec<&'v Value<'v>> {
    value.map_or_else(Vec::new, |value| {
        value.get_ref().as_array().map_or_else(|| vec![value], |array| array.iter().collect())
    })
}

const TOML: (&str, &str) = (
    "Jede Regel beginnt mit [[rule]]; Texte stehen in \"Anführungszeichen\"",
    "every rule begins with [[rule]]; texts stand in \"quotes\"",
);
const TRUNK: (&str, &str) =
    ("Der Name eines Anschlusses besteht aus a-z, 0-9, '-' und '_'", "a trunk's name has a-z, 0-9, '-' and '_'");
const LEAVE_ONE: (&str, &str) = ("Lassen Sie eine davon weg", "leave one of them out");
const ANOTHER_NAME: (&str, &str) = ("Geben Sie einem davon einen anderen Namen", "give one of them another name");

/// How a part of the plan is begun.
fn on_its_own(section: &str) -> Both {
    both!("Schreiben Sie [{}.NAME] in eine eigene Zeile", "write [{}.NAME] on a line of its own", section)
}

/// The names that there are, and how another is added.
fn or_another(known: &[&str], section: &str, name: &str) -> Both {
    if known.is_empty() {
        return both!("Ergänzen Sie [{}.{}]", "add [{}.{}]", section, name);
    }
    both!(
        "Vorhanden: {}; ergänzen Sie [{}.{}] für weitere",
        "there are: {}; add [{}.{}] for another",
        known.join(", "),
        section,
        name
    )
}

fn means_nothing(word: &str) -> Both {
    both!("{:?} bedeutet hier nichts", "{:?} means nothing here", word)
}

fn known_here(words: &[Word]) -> Both {
    both!("Bekannt sind hier: {}", "known here: {}", names(words))
}

/// What TOML calls a value, in German.
fn kind_in_german(kind: &str) -> &'static str {
    match kind {
        "integer" | "float" => "eine Zahl",
        "boolean" => "true oder false",
        "array" => "eine Liste",
        "datetime" => "ein Datum",
        "table" => "eine Gruppe von Angaben",
        _ => "etwas anderes",
    }
}

fn ends_with(file: &File, end: &str) -> bool {
    file.name.to_ascii_lowercase().ends_with(end)
}

/// One letter more, less or other, or two swapped.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let same_end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let longest = one.len().max(other.len());
    same + same_end + 1 >= longest || (one.len() == other.len() && same + same_end + 2 >= longest)
}
