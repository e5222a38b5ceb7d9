//! What is told of an examination: for people as lines, for programs as one document.

use std::fmt::Write as _;

use serde::Serialize;

use super::diagnosis::{Certainty, Finding};
use super::seen::Seen;
use crate::words::{Language, TrunkName};

/// What an examination has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The trunk's name.
    #[cfg_attr(feature = "gateway", schema(example = "rathaus"))]
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
    pub ladder: Vec<Rung>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Its name for programs.
    #[cfg_attr(feature = "gateway", schema(example = "wrong-password"))]
    pub fault: &'static str,
    /// `certain`, `likely` or `possible`.
    #[cfg_attr(feature = "gateway", schema(value_type = String, example = "certain"))]
    pub certainty: Certainty,
    /// What was seen.
    pub says: InBoth,
    /// What to do.
    pub help: InBoth,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
pub struct Rung {
    /// Milliseconds since the probe began.
    pub ms: u64,
    /// We sent it; they did, if not.
    pub ours: bool,
    /// Its first line, or what happened in place of a message.
    pub line: String,
    /// The whole of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "gateway", schema(required = false))]
    pub message: String,
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "gateway", derive(utoipa::ToSchema))]
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

impl Report {
    /// What is told of it: what was seen, what that means, and the messages that show it.
    pub fn new(trunk: &TrunkName, seen: &Seen, findings: &[Finding], ladder: Vec<Rung>, milliseconds: u64) -> Self {
        let tried = seen.attempts.iter().map(|it| format!("{} over {}", it.hop.address, it.hop.transport));
        Self {
            trunk: trunk.to_string(),
            healthy: findings.is_empty(),
            called: seen.call.is_some(),
            milliseconds,
            tried: tried.collect(),
            findings: findings.iter().map(Told::from).collect(),
            ladder,
        }
    }

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
