//! What the doctor tells: for people as lines, for programs as one document.

use std::fmt::Write as _;

use serde::Serialize;
use utoipa::ToSchema;

use super::Examination;
use crate::trunk::diagnosis::{Certainty, Finding};
use crate::words::Language;

/// What an examination has found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The trunk's name.
    #[schema(example = "rathaus")]
    pub trunk: String,
    /// Nothing is wrong, as far as was looked.
    pub healthy: bool,
    /// Whether a number was called: without, nothing is known of sound, keys, hold and session timer.
    pub called: bool,
    /// How long it took.
    pub milliseconds: u64,
    /// The addresses that were tried, in order.
    pub tried: Vec<String>,
    /// What is wrong, the surest first.
    pub findings: Vec<Told>,
    /// Every message, in order.
    #[schema(value_type = Vec<Object>)]
    pub ladder: Vec<super::Rung>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Its name for programs.
    #[schema(example = "wrong-password")]
    pub fault: &'static str,
    /// `certain`, `likely` or `possible`.
    #[schema(value_type = String, example = "certain")]
    pub certainty: Certainty,
    /// What was seen.
    pub says: InBoth,
    /// What to do.
    pub help: InBoth,
}

/// A sentence in both languages.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InBoth {
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

impl From<&Finding> for Told {
    fn from(finding: &Finding) -> Self {
        let both = |text: &dyn Fn(Language) -> String| InBoth { de: text(Language::De), en: text(Language::En) };
        Self {
            fault: finding.fault.word(),
            certainty: finding.certainty,
            says: both(&|language| finding.fault.says(language)),
            help: both(&|language| finding.fault.help(language).to_owned()),
        }
    }
}

impl From<Examination> for Report {
    fn from(done: Examination) -> Self {
        let tried = done.seen.attempts.iter().map(|it| format!("{} over {}", it.hop.address, it.hop.transport));
        Self {
            trunk: done.trunk.to_string(),
            healthy: done.findings.is_empty(),
            called: done.seen.call.is_some(),
            milliseconds: done.ms,
            tried: tried.collect(),
            findings: done.findings.iter().map(Told::from).collect(),
            ladder: done.ladder,
        }
    }
}

impl Report {
    /// As people read it.
    pub fn text(&self, language: Language) -> String {
        let in_it = |both: &InBoth| match language {
            Language::De => both.de.clone(),
            Language::En => both.en.clone(),
        };
        let mut text = String::new();
        // Writing to a String cannot fail.
        for rung in &self.ladder {
            let arrow = if rung.ours { "──▶" } else { "◀──" };
            let _ = writeln!(text, "{:>6} ms {arrow} {}", rung.ms, rung.line);
        }
        let _ = writeln!(text);
        for told in &self.findings {
            let _ = writeln!(text, "{} ({}): {}", told.fault, certainty(told.certainty, language), in_it(&told.says));
            let _ = writeln!(text, "  {}", in_it(&told.help));
        }
        let (sound, no_call) = match language {
            Language::De => (
                "Am Trunk ist nichts auszusetzen.",
                "Ohne Probeanruf (`--call NUMMER`) ist über Ton, Tasten, Halten und Sitzungsdauer nichts bekannt.",
            ),
            Language::En => (
                "Nothing is wrong with the trunk.",
                "Without a test call (`--call NUMBER`) nothing is known of sound, keys, hold and session timer.",
            ),
        };
        if self.healthy {
            let _ = writeln!(text, "{sound}");
        }
        if !self.called && self.healthy {
            let _ = writeln!(text, "{no_call}");
        }
        text
    }
}

const fn certainty(certainty: Certainty, language: Language) -> &'static str {
    match (certainty, language) {
        (Certainty::Certain, Language::De) => "sicher",
        (Certainty::Likely, Language::De) => "wahrscheinlich",
        (Certainty::Possible, Language::De) => "möglich",
        (Certainty::Certain, Language::En) => "certain",
        (Certainty::Likely, Language::En) => "likely",
        (Certainty::Possible, Language::En) => "possible",
    }
}
