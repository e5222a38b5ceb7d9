//! What became of each line. In: the files, and what is found out of their lines. Out: a report in which every line stands once.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::encoding::{Encoding, decode};
use super::reason::{Class, Reason};
use super::{File, Needs};
use crate::words::Language;

/// A line, by its number over all files, from 0.
pub(super) type At = usize;

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    files: Vec<(String, Encoding)>,
    lines: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    file: usize,
    number: usize,
    text: String,
    rules: Vec<String>,
    reasons: BTreeSet<Reason>,
}

impl Ledger {
    /// Takes the lines of a file up; the first of them, and its text.
    pub(super) fn open(&mut self, file: &File) -> (At, String) {
        let (text, encoding) = decode(&file.bytes);
        let (first, number) = (self.lines.len(), self.files.len());
        self.files.push((file.name.clone(), encoding));
        let lines = text.lines().enumerate().map(|(at, line)| Entry {
            file: number,
            number: at + 1,
            text: line.to_owned(),
            rules: Vec::new(),
            reasons: BTreeSet::new(),
        });
        self.lines.extend(lines);
        (first, text)
    }

    /// The line is in this rule, or in this part of the plan.
    pub(super) fn carried(&mut self, line: At, rule: &str) {
        if let Some(line) = self.lines.get_mut(line).filter(|line| line.rules.iter().all(|known| known != rule)) {
            line.rules.push(rule.to_owned());
        }
    }

    pub(super) fn say(&mut self, line: At, reason: Reason) {
        if let Some(line) = self.lines.get_mut(line) {
            line.reasons.insert(reason);
        }
    }

    /// Whether anything is known of the line.
    pub(super) fn is_settled(&self, line: At) -> bool {
        self.lines.get(line).is_some_and(|line| !line.rules.is_empty() || !line.reasons.is_empty())
    }

    /// The number of a line in its file.
    pub(super) fn number(&self, line: At) -> usize {
        self.lines.get(line).map_or(0, |line| line.number)
    }

    /// What became of all. A line of which nothing was found out concerns no call.
    pub(super) fn close(self, needs: Needs) -> Report {
        let names: Vec<String> = self.files.iter().map(|(name, _)| name.clone()).collect();
        let lines = self.lines.into_iter().map(|mut entry| {
            if entry.rules.is_empty() && entry.reasons.is_empty() {
                let blank = if entry.text.trim().is_empty() { Reason::Blank } else { Reason::Unreached };
                entry.reasons.insert(blank);
            }
            let left = entry.reasons.iter().any(|reason| reason.class() == Class::Left);
            let fate = match (left, entry.rules.is_empty()) {
                (true, _) => Fate::NotCarried,
                (false, false) => Fate::Carried,
                (false, true) => Fate::NotNeeded,
            };
            Line {
                file: names.get(entry.file).cloned().unwrap_or_default(),
                number: entry.number,
                text: entry.text,
                fate,
                rules: entry.rules,
                reasons: entry.reasons.into_iter().filter(|reason| reason.class().tells_in(fate)).collect(),
            }
        });
        Report { lines: lines.collect(), files: self.files, needs }
    }
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The plan does it.
    Carried,
    /// Nothing has to.
    NotNeeded,
    /// The plan does not, or not all of it.
    NotCarried,
}

impl Fate {
    const fn code(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::NotNeeded => "notNeeded",
            Self::NotCarried => "notCarried",
        }
    }
}

/// A line of a source, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its file.
    pub file: String,
    /// Its number there, from 1.
    pub number: usize,
    /// What stands there.
    pub text: String,
    /// What became of it.
    pub fate: Fate,
    /// The rules, or other parts of the plan, that do it.
    pub rules: Vec<String>,
    /// Why it was not carried over, or in what the plan differs.
    pub reasons: Vec<Reason>,
}

/// Every line of the sources, once and in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The lines.
    pub lines: Vec<Line>,
    /// The files, and how each was read.
    pub files: Vec<(String, Encoding)>,
    /// What the configuration has to have for the plan.
    pub needs: Needs,
}

impl Report {
    /// How many lines have met this fate.
    pub fn count(&self, fate: Fate) -> usize {
        self.lines.iter().filter(|line| line.fate == fate).count()
    }

    /// As a page for people: what was not carried over first, for that is what is left to do.
    pub fn to_text(&self, language: Language) -> String {
        let say = |german: &'static str, english: &'static str| match language {
            Language::De => german,
            Language::En => english,
        };
        let mut page = String::new();
        // Writing to a string cannot fail.
        for (fate, title) in [
            (Fate::NotCarried, say("Nicht übernommen", "Not carried over")),
            (Fate::Carried, say("Übernommen", "Carried over")),
            (Fate::NotNeeded, say("Nicht nötig", "Not needed")),
        ] {
            let _ = writeln!(page, "{title}: {}", self.count(fate));
            for line in self.lines.iter().filter(|line| line.fate == fate) {
                line.tell(&mut page, language);
            }
            page.push('\n');
        }
        let files = self.files.iter().map(|(name, encoding)| format!("{name} ({})", encoding.name()));
        let read = say("gelesen als", "read as");
        let _ = writeln!(page, "{read}: {}", files.collect::<Vec<_>>().join(", "));
        let needs = self.needs.to_toml();
        if !needs.is_empty() {
            let _ = writeln!(page, "\n{}\n", say("Das braucht die Konfiguration:", "The configuration needs:"));
            page.push_str(&needs);
        }
        page
    }

    /// The same for programs.
    pub fn to_json(&self, language: Language) -> Value {
        let reason = |reason: &Reason| {
            let (why, help) = reason.tell(language);
            json!({ "code": reason.code(), "message": why, "help": help })
        };
        let line = |line: &Line| {
            json!({
                "file": line.file, "line": line.number, "text": line.text, "fate": line.fate.code(), "rules": line.rules,
                "reasons": line.reasons.iter().map(reason).collect::<Vec<_>>(),
            })
        };
        json!({
            "files": self.files.iter().map(|(name, encoding)| json!({ "name": name, "encoding": encoding })).collect::<Vec<_>>(),
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
            "carried": self.count(Fate::Carried),
            "notNeeded": self.count(Fate::NotNeeded),
            "notCarried": self.count(Fate::NotCarried),
            "needs": self.needs,
        })
    }
}

impl Line {
    fn tell(&self, page: &mut String, language: Language) {
        // Those are many, and say nothing.
        if self.reasons.iter().all(|reason| *reason == Reason::Blank) && self.rules.is_empty() {
            return;
        }
        let _ = write!(page, "  {}:{}  {}", self.file, self.number, self.text.trim());
        if !self.rules.is_empty() {
            let _ = write!(page, "  → {}", self.rules.join("; "));
        }
        page.push('\n');
        for reason in &self.reasons {
            let (why, help) = reason.tell(language);
            let _ = writeln!(page, "      {why}{}{help}", if help.is_empty() { "" } else { ". " });
        }
    }
}
