//! What is wrong in a plan, where, and what to do. For an admin at eight in the morning.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::file::File;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The plan cannot be used.
    Error,
    /// It can, but probably does not do what was meant.
    Warning,
}

/// One problem. `Display` shows the line and marks the place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    #[serde(skip)]
    excerpt: String,
    #[serde(skip)]
    width: usize,
}

impl Problem {
    /// Whether the plan cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// How many characters it concerns, in its line.
    pub const fn length(&self) -> usize {
        self.width
    }

    pub(super) fn new(file: &File, span: Range<usize>, severity: Severity, message: String, help: String) -> Self {
        let (line, begin) = file.line(span.start);
        let before = file.text.get(begin..span.start).or_else(|| file.text.get(begin..));
        let column = before.unwrap_or_default().chars().count() + 1;
        let excerpt = file.text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default().to_owned();
        let marked = file.text.get(span).and_then(|text| text.lines().next()).map_or(1, |text| text.chars().count());
        Self { severity, file: file.name.clone(), line, column, message, help, excerpt, width: marked.max(1) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let margin = " ".repeat(self.line.to_string().len());
        writeln!(f, "{severity}: {}", self.message)?;
        writeln!(f, "{margin} ┌─ {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{} │ {}", self.line, self.excerpt)?;
        writeln!(f, "{margin} │ {}{}", " ".repeat(self.column - 1), "^".repeat(self.width))?;
        write!(f, "help: {}", self.help)
    }
}
