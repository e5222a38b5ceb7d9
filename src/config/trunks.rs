//! The trunks of a configuration, and what can be wrong with them although each line of it can be read.

use std::path::PathBuf;

use serde::Deserialize;

use super::mistake::Mistake;
use super::outbound::{self, Identity, Peer};
use crate::words::{Codec, Network, Transport, TrunkName};

/// A telephone system or a carrier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// What rules and the log call it.
    pub name: TrunkName,
    /// Where its calls come from: networks or single addresses.
    pub networks: Vec<Network>,
    /// How its calls may travel: udp, tcp, tls; in any way, if this is left out.
    #[serde(default)]
    pub transports: Vec<Transport>,
    /// The codecs for its calls, the best first; those of `[media]`, if this is left out.
    #[serde(default)]
    pub codecs: Vec<Codec>,
    /// Whether its calls have to have protected media: `possible` (SRTP if the other side can; the default) or `required`.
    #[serde(default)]
    pub srtp: Srtp,
    /// So many of its calls at once; as many as `[sip]` allows, if this is left out.
    #[serde(default)]
    pub most_calls: Option<usize>,
    /// Where calls to it go; nobody is called there, if this is left out.
    #[serde(default)]
    pub dial: Option<Peer>,
    /// By which name we are known there, if it asks for one.
    #[serde(default)]
    pub user: Option<String>,
    /// The file with our password there, which nobody else may read.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Whether it has to be told where we are (RFC 3261 section 10), as carriers for small lines want it.
    #[serde(default)]
    pub register: bool,
    /// The number that is shown there, unless a call has another.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// The authorities that vouch for its certificate (PEM), where they are not those of this machine.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// A number there that may be called to test the trunk.
    #[serde(default)]
    pub test: Option<String>,
}

/// Whether media have to be protected (SRTP, RFC 3711).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Srtp {
    /// If the other side can.
    #[default]
    Possible,
    /// Else there is no call; an emergency goes through all the same.
    Required,
}

/// What is wrong with them.
pub(super) fn mistakes(trunks: &[Trunk]) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (number, trunk) in trunks.iter().enumerate() {
        let name = &trunk.name;
        let before = trunks.get(..number).unwrap_or_default();
        if before.iter().any(|other| other.name == *name) {
            found.push(Mistake::new(format!("there are two trunks {name}"), "give one of them another name"));
        }
        if trunk.networks.is_empty() {
            let help = "name where its calls come from: networks = [\"192.0.2.0/24\"]";
            found.push(Mistake::new(format!("trunk {name} has no network: no call can come from it"), help));
        }
        if trunk.most_calls == Some(0) {
            let help = "leave most_calls out, or take the trunk out";
            found.push(Mistake::new(format!("trunk {name} may have no call"), help));
        }
        found.extend(outbound::mistakes(trunk));
        for other in before.iter().filter(|other| other.name != *name) {
            found.extend(overlaps(trunk, other));
        }
    }
    found
}

fn overlaps<'a>(trunk: &'a Trunk, other: &'a Trunk) -> impl Iterator<Item = Mistake> + 'a {
    let pairs = trunk.networks.iter().flat_map(|Network(one)| other.networks.iter().map(move |two| (one, &two.0)));
    pairs.filter(|(one, two)| one.contains(*two) || two.contains(*one)).map(|(one, two)| {
        let message = format!("{one} of trunk {} and {two} of trunk {} overlap", trunk.name, other.name);
        Mistake::new(message, "an address belongs to one trunk: narrow one of the two networks")
    })
}
