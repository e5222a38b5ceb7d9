//! What is wrong in a plan, where, and what to do. For an admin at eight in the morning.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::file::File;
use crate::words::{Both, Language, both};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The plan cannot be used.
    Error,
    /// It can, but probably does not do what was meant.
    Warning,
}

impl Severity {
    /// What stands before the message of such a problem, and before what to do.
    pub const fn headings(self, language: Language) -> (&'static str, &'static str) {
        match (language, self) {
            (Language::De, Self::Error) => ("Fehler", "Abhilfe"),
            (Language::De, Self::Warning) => ("Hinweis", "Abhilfe"),
            (Language::En, Self::Error) => ("error", "help"),
            (Language::En, Self::Warning) => ("warning", "help"),
        }
    }
}

/// One problem, in every language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    message: Both,
    help: Both,
    excerpt: String,
    width: usize,
}

/// The same in one language. `Display` shows the line and marks the place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub file: &'a str,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: &'a str,
    /// What to do.
    pub help: &'a str,
    #[serde(skip)]
    excerpt: &'a str,
    #[serde(skip)]
    width: usize,
    #[serde(skip)]
    language: Language,
}

impl Problem {
    /// In this language.
    pub fn told(&self, language: Language) -> Told<'_> {
        let Self { severity, file, line, column, message, help, excerpt, width } = self;
        let (message, help) = (message.said(language), help.said(language));
        Told {
            severity: *severity,
            file,
            line: *line,
            column: *column,
            message,
            help,
            excerpt,
            width: *width,
            language,
        }
    }

    /// Whether the plan cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// How many characters it concerns, in its line.
    pub const fn length(&self) -> usize {
        self.width
    }

    pub(super) fn new(file: &File, span: Range<usize>, severity: Severity, message: Both, help: Both) -> Self {
        let (line, begin) = file.line(span.start);
        let before = file.text.get(begin..span.start).or_else(|| file.text.get(begin..));
        let column = before.unwrap_or_default().chars().count() + 1;
        let excerpt = file.text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default().to_owned();
        let marked = file.text.get(span).and_then(|text| text.lines().next()).map_or(1, |text| text.chars().count());
        Self { severity, file: file.name.clone(), line, column, message, help, excerpt, width: marked.max(1) }
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (severity, help) = self.severity.headings(self.language);
        let margin = " ".repeat(self.line.to_string().len());
        writeln!(f, "{severity}: {}", self.message)?;
        writeln!(f, "{margin} ┌─ {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{} │ {}", self.line, self.excerpt)?;
        writeln!(f, "{margin} │ {}{}", " ".repeat(self.column - 1), "^".repeat(self.width))?;
        write!(f, "{help}: {}", self.help)
    }
}

/// In English, as logs and the audit have it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.told(Language::En).fmt(f)
    }
}

/// The names that there are; or else, what to do.
pub(super) fn there_are(names: &[impl ToString], none: impl Into<Both>) -> Both {
    if names.is_empty() {
        return none.into();
    }
    both!("Vorhanden: {}", "there are: {}", names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}
