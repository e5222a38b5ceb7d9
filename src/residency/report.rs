//! The record of processing (GDPR article 30) and the map of where data goes, from the configuration and the registry of members. In:
//! processors, members, and what the configuration names. Out: a document as text, Markdown or JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use serde::Serialize;

use super::permit::{HERE, permit};
use super::processor::{Processor, Purpose};
use crate::member::{self, Member, Registry};
use crate::words::{Country, Domain, Network};

/// A place to which the configuration, or a member's entry in the registry, sends something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Destination {
    /// For which purpose.
    pub purpose: Purpose,
    /// A name, or an address.
    pub host: String,
    /// What names it: `trunk pbx`.
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

/// Who calls us. Their calls are answered, with sound, at their own networks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// Which trunk.
    pub trunk: String,
    /// Where its calls come from.
    pub networks: Vec<Network>,
}

/// Another member of the federation, as the signed registry declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Partner {
    /// Its domain.
    pub domain: Domain,
    /// Its name, for people.
    pub name: String,
    /// Where it is.
    pub country: Country,
    /// Where its gateway takes links.
    pub links: Vec<String>,
    /// Where its links and its sound come from and go to.
    pub networks: Vec<Network>,
    /// Who processes data for it.
    pub processors: Vec<member::Processor>,
    /// Whom to write to.
    pub contact: String,
    #[serde(skip)]
    declared: Processor,
}

/// Where something may go at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permitted {
    /// To whom.
    pub whom: String,
    /// For which purposes.
    pub purposes: Vec<Purpose>,
    /// At which addresses.
    pub networks: Vec<Network>,
}

/// What a report is made of, beside processors and members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// Where the configuration sends something.
    pub destinations: Vec<Destination>,
    /// The DNS servers of this machine, if the configuration names none: they are asked once something has a name.
    pub dns: Vec<IpAddr>,
    /// Who calls us.
    pub callers: Vec<Caller>,
    /// Days after which personal data is deleted, by what it is.
    pub kept: Vec<(String, u32)>,
}

/// The whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Those who get data by a contract with us.
    pub processors: Vec<Processor>,
    /// The other members of the federation.
    pub members: Vec<Partner>,
    /// Whose calls are answered.
    pub callers: Vec<Caller>,
    /// Where something is sent, and whether it may.
    pub destinations: Vec<(Destination, Verdict)>,
    /// Where anything may go: this, and nowhere else. Beside it whoever takes part by browser or telephone is answered where they are.
    pub permitted: Vec<Permitted>,
    /// Days after which personal data is deleted, by what it is.
    pub kept: Vec<(String, u32)>,
}

impl Partner {
    /// The members of a registry, without ourselves.
    pub fn all(registry: &Registry, us: &Domain, now: jiff::Timestamp) -> Vec<Self> {
        registry.members(now).filter(|member| member.domain != *us).map(Self::of).collect()
    }

    fn of(member: &Member) -> Self {
        Self {
            domain: member.domain.clone(),
            name: member.name.clone(),
            country: member.country,
            links: member.links.iter().map(ToString::to_string).collect(),
            networks: member.media.clone(),
            processors: member.processors.clone(),
            contact: member.contact.clone(),
            declared: Processor::of_member(member),
        }
    }

    fn destinations(&self) -> impl Iterator<Item = (Destination, Verdict)> {
        self.declared.hosts.iter().map(|host| {
            let named_by = format!("member {}", self.domain);
            let destination = Destination { purpose: Purpose::Member, host: host.clone(), named_by };
            let verdict = judge(std::slice::from_ref(&self.declared), &destination);
            (destination, verdict)
        })
    }
}

impl Report {
    /// Of these.
    pub fn new(processors: &[Processor], members: Vec<Partner>, basis: Basis) -> Self {
        let Basis { mut destinations, dns, callers, kept } = basis;
        let has_name = |destination: &Destination| address_of(destination).is_none() && destination.host != LOCALHOST;
        if destinations.iter().any(has_name) || members.iter().any(|member| !member.links.is_empty()) {
            destinations.extend(dns.iter().map(|server| Destination {
                purpose: Purpose::Dns,
                host: server.to_string(),
                named_by: String::from("/etc/resolv.conf"),
            }));
        }
        let judged = destinations.into_iter().map(|destination| {
            let verdict = judge(processors, &destination);
            (destination, verdict)
        });
        let destinations = judged.chain(members.iter().flat_map(Partner::destinations)).collect();
        let permitted = permitted(processors, &members, &callers);
        Self { processors: processors.to_vec(), members, callers, destinations, permitted, kept }
    }

    /// Whether everything that is named may be reached, and nobody gets data outside of the EEA.
    pub fn is_sound(&self) -> bool {
        self.faults().next().is_none() && self.processors.iter().all(|processor| processor.country.is_in_eea())
    }

    /// What is named and may not be reached, and why.
    pub fn faults(&self) -> impl Iterator<Item = (&Destination, &str)> {
        self.destinations.iter().filter_map(|(destination, verdict)| match verdict {
            Verdict::Refused(why) => Some((destination, why.as_str())),
            Verdict::To(_) | Verdict::Here | Verdict::Perhaps(_) => None,
        })
    }

    /// As plain lines.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for processor in &self.processors {
            let outside = if processor.country.is_in_eea() { "" } else { " — OUTSIDE of the EEA: gets nothing" };
            let purposes = joined(&processor.purposes);
            line(&mut text, format_args!("{} ({}){outside}: {purposes}", processor.name, processor.country));
            line(&mut text, format_args!("  networks: {}", joined(&processor.networks)));
            if !processor.hosts.is_empty() {
                line(&mut text, format_args!("  names: {}", processor.hosts.join(", ")));
            }
            line(&mut text, format_args!("  contract: {}", or(&processor.contract, "none is named")));
        }
        for member in &self.members {
            line(&mut text, format_args!("{} ({}): member {}", member.name, member.country, member.domain));
            line(&mut text, format_args!("  networks: {}", joined(&member.networks)));
            line(&mut text, format_args!("  links: {}", or(&member.links.join(", "), "opened from there")));
            line(&mut text, format_args!("  its processors: {}", or(&processors_of(member), "none are named")));
            line(&mut text, format_args!("  contact: {}", member.contact));
        }
        for caller in &self.callers {
            line(&mut text, format_args!("trunk {}: its calls are answered", caller.trunk));
            line(&mut text, format_args!("  networks: {}", joined(&caller.networks)));
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
                    joined(&processor.purposes),
                    data.into_iter().collect::<Vec<_>>().join("; "),
                    joined(&processor.networks),
                    cell(or(&processor.contract, "none is named"))
                ),
            );
        }
        self.members_as_markdown(&mut text);
        text.push_str("\n## Destinations\n\n| named by | purpose | destination | may it |\n|---|---|---|---|\n");
        for (destination, verdict) in &self.destinations {
            let (named, host) = (cell(&destination.named_by), cell(&destination.host));
            line(&mut text, format_args!("| {named} | {} | {host} | {} |", destination.purpose, cell(&told(verdict))));
        }
        text.push_str("\n## Where anything may go\n\n| to | purposes | networks |\n|---|---|---|\n");
        for one in &self.permitted {
            let (purposes, networks) = (joined(&one.purposes), joined(&one.networks));
            line(&mut text, format_args!("| {} | {purposes} | {networks} |", cell(&one.whom)));
        }
        text.push_str("\nWhoever takes part by browser or telephone is answered where they are.\n");
        text.push_str("\n## Time limits\n\n| data | days |\n|---|---|\n");
        self.kept.iter().for_each(|(what, days)| line(&mut text, format_args!("| {what} | {days} |")));
        text.push_str("\n## Where data goes\n\n```mermaid\nflowchart LR\n  einwahl[Einwahl]\n");
        let members = self.members.iter().map(|member| (&member.name, member.country, String::from("member")));
        let processors = self.processors.iter().map(|one| (&one.name, one.country, joined(&one.purposes)));
        for (number, (name, country, purposes)) in
            processors.chain(members).filter(|(_, country, _)| country.is_in_eea()).enumerate()
        {
            let name = name.replace(['"', '[', ']'], "'");
            line(&mut text, format_args!("  einwahl -->|{purposes}| p{number}[\"{name} ({country})\"]"));
        }
        text.push_str("```\n");
        text
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        // Only text and numbers: there is nothing that could not be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    fn members_as_markdown(&self, text: &mut String) {
        if self.members.is_empty() {
            return;
        }
        text.push_str("\n## Members of the federation\n\n");
        text.push_str("| member | domain | country | data | networks | links | its processors | contact |\n|---|---|---|---|---|---|---|---|\n");
        for member in &self.members {
            line(
                text,
                format_args!(
                    "| {} | {} | {} | {} | {} | {} | {} | {} |",
                    cell(&member.name),
                    member.domain,
                    member.country,
                    Purpose::Member.data(),
                    joined(&member.networks),
                    or(&member.links.join(", "), "opened from there"),
                    cell(or(&processors_of(member), "none are named")),
                    cell(&member.contact)
                ),
            );
        }
    }
}

/// Where anything may go.
fn permitted(processors: &[Processor], members: &[Partner], callers: &[Caller]) -> Vec<Permitted> {
    let here = String::from("this machine");
    let here = Permitted { whom: here, purposes: Purpose::ALL.to_vec(), networks: HERE.to_vec() };
    let of = |one: &Processor| Permitted {
        whom: one.name.clone(),
        purposes: one.purposes.clone(),
        networks: one.networks.clone(),
    };
    let declared = members.iter().map(|member| &member.declared);
    let all = processors.iter().chain(declared).filter(|one| one.country.is_in_eea()).map(of);
    let callers = callers.iter().map(|caller| Permitted {
        whom: format!("trunk {}, whose calls are answered", caller.trunk),
        purposes: vec![Purpose::Trunk],
        networks: caller.networks.clone(),
    });
    std::iter::once(here).chain(all).chain(callers).collect()
}

const LOCALHOST: &str = "localhost";

fn address_of(destination: &Destination) -> Option<IpAddr> {
    destination.host.trim_matches(['[', ']']).parse().ok()
}

fn judge(processors: &[Processor], destination: &Destination) -> Verdict {
    if let Some(address) = address_of(destination) {
        return match permit(processors, destination.purpose, None, address) {
            Ok(permit) => permit.processor.map_or(Verdict::Here, Verdict::To),
            Err(refused) => Verdict::Refused(refused.to_string()),
        };
    }
    if destination.host == LOCALHOST {
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

fn processors_of(member: &Partner) -> String {
    let one = |one: &member::Processor| format!("{} ({}): {}", one.name, one.country, one.purpose);
    member.processors.iter().map(one).collect::<Vec<_>>().join(", ")
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

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// Text that breaks no table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
