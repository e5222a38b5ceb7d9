//! The record of processing (GDPR article 30) and the map of where data goes, from the configuration. In: processors, and the
//! destinations that the configuration names. Out: a document as text, Markdown or JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use serde::Serialize;

use super::permit::permit;
use super::processor::{Processor, Purpose};

/// A place to which the configuration sends something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Destination {
    /// For which purpose.
    pub purpose: Purpose,
    /// A name, or an address.
    pub host: String,
    /// What of the configuration names it: `trunk pbx`.
    pub named_by: String,
}

/// Whether it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It goes to this processor.
    To(String),
    /// It stays on this machine.
    Here,
    /// A name: may go to these processors, if it leads to their addresses.
    Perhaps(Vec<String>),
    /// It is refused.
    Refused(String),
}

/// The whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Those who get data.
    pub processors: Vec<Processor>,
    /// Where the configuration sends something, and whether it may.
    pub destinations: Vec<(Destination, Verdict)>,
    /// Days after which personal data is deleted, by what it is.
    pub kept: Vec<(String, u32)>,
}

impl Report {
    /// Of these.
    pub fn new(processors: &[Processor], destinations: Vec<Destination>, kept: Vec<(String, u32)>) -> Self {
        let judged = destinations.into_iter().map(|destination| {
            let verdict = judge(processors, &destination);
            (destination, verdict)
        });
        Self { destinations: judged.collect(), processors: processors.to_vec(), kept }
    }

    /// Whether everything that the configuration names may be reached, and nobody gets data outside of the EEA.
    pub fn is_sound(&self) -> bool {
        let refused = |(_, verdict): &(Destination, Verdict)| matches!(verdict, Verdict::Refused(_));
        !self.destinations.iter().any(refused) && self.processors.iter().all(|processor| processor.country.is_in_eea())
    }

    /// As plain lines.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for processor in &self.processors {
            let outside = if processor.country.is_in_eea() { "" } else { " — OUTSIDE of the EEA: gets nothing" };
            let purposes = joined(processor.purposes.iter());
            line(&mut text, format_args!("{} ({}){outside}: {purposes}", processor.name, processor.country));
            line(&mut text, format_args!("  networks: {}", joined(processor.networks.iter())));
            if !processor.hosts.is_empty() {
                line(&mut text, format_args!("  names: {}", processor.hosts.join(", ")));
            }
            line(&mut text, format_args!("  contract: {}", or(&processor.contract, "none is named")));
        }
        for (destination, verdict) in &self.destinations {
            line(&mut text, format_args!("{}: {} → {}", destination.named_by, destination.host, told(verdict)));
        }
        for (what, days) in &self.kept {
            line(&mut text, format_args!("{what}: deleted after {days} days"));
        }
        text
    }

    /// As Markdown, with a map that many tools draw (Mermaid).
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("# Record of processing activities (GDPR article 30)\n\n## Recipients\n\n");
        text.push_str("| recipient | country | in the EEA | purposes | data | networks | contract |\n|---|---|---|---|---|---|---|\n");
        for processor in &self.processors {
            let data: BTreeSet<&str> = processor.purposes.iter().map(|purpose| purpose.data()).collect();
            let eea = if processor.country.is_in_eea() { "yes" } else { "**no: gets nothing**" };
            line(
                &mut text,
                format_args!(
                    "| {} | {} | {eea} | {} | {} | {} | {} |",
                    cell(&processor.name),
                    processor.country,
                    joined(processor.purposes.iter()),
                    data.into_iter().collect::<Vec<_>>().join("; "),
                    joined(processor.networks.iter()),
                    cell(or(&processor.contract, "none is named"))
                ),
            );
        }
        text.push_str("\n## Destinations of the configuration\n\n| named by | purpose | destination | may it |\n|---|---|---|---|\n");
        for (destination, verdict) in &self.destinations {
            let (named, host) = (cell(&destination.named_by), cell(&destination.host));
            line(&mut text, format_args!("| {named} | {} | {host} | {} |", destination.purpose, cell(&told(verdict))));
        }
        text.push_str("\n## Time limits\n\n| data | days |\n|---|---|\n");
        self.kept.iter().for_each(|(what, days)| line(&mut text, format_args!("| {what} | {days} |")));
        text.push_str("\n## Where data goes\n\n```mermaid\nflowchart LR\n  einwahl[Einwahl]\n");
        for (number, processor) in self.processors.iter().enumerate().filter(|(_, one)| one.country.is_in_eea()) {
            let name = processor.name.replace(['"', '[', ']'], "'");
            let purposes = joined(processor.purposes.iter());
            line(&mut text, format_args!("  einwahl -->|{purposes}| p{number}[\"{name} ({})\"]", processor.country));
        }
        text.push_str("```\n");
        text
    }
}

fn judge(processors: &[Processor], destination: &Destination) -> Verdict {
    if let Ok(address) = destination.host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return match permit(processors, destination.purpose, None, address) {
            Ok(permit) => permit.processor.map_or(Verdict::Here, Verdict::To),
            Err(refused) => Verdict::Refused(refused.to_string()),
        };
    }
    if destination.host == "localhost" {
        return Verdict::Here;
    }
    let fits = |processor: &&Processor| {
        processor.purposes.contains(&destination.purpose)
            && processor.answers_to(&destination.host)
            && processor.country.is_in_eea()
    };
    let names: Vec<String> = processors.iter().filter(fits).map(|processor| processor.name.clone()).collect();
    if names.is_empty() {
        let purpose = destination.purpose;
        return Verdict::Refused(format!("no processor in the EEA is declared for {purpose} under this name"));
    }
    Verdict::Perhaps(names)
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::To(name) => format!("to {name}"),
        Verdict::Here => String::from("stays on this machine"),
        Verdict::Perhaps(names) => format!("to {}, if the name leads to its addresses", names.join(" or ")),
        Verdict::Refused(why) => format!("REFUSED: {why}"),
    }
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(text, "{what}");
}

fn joined(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// Text that breaks no table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
