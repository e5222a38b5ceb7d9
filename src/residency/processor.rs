//! Who may get data, and for what.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::member::Member;
use crate::words::{Country, Network};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Calls to a telephone system or a carrier.
    Trunk,
    /// Meetings with another institution.
    Member,
    /// The registry of members.
    Registry,
    /// Relays for browsers' media.
    Turn,
    /// Mail.
    Smtp,
    /// Sign-in by another system.
    Oidc,
    /// Looking up names.
    Dns,
    /// The time.
    Ntp,
    /// Figures and traces that are pushed.
    Telemetry,
    /// Calls to other systems' web addresses.
    Webhook,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Trunk,
        Self::Member,
        Self::Registry,
        Self::Turn,
        Self::Smtp,
        Self::Oidc,
        Self::Dns,
        Self::Ntp,
        Self::Telemetry,
        Self::Webhook,
    ];

    /// As the configuration writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trunk => "trunk",
            Self::Member => "member",
            Self::Registry => "registry",
            Self::Turn => "turn",
            Self::Smtp => "smtp",
            Self::Oidc => "oidc",
            Self::Dns => "dns",
            Self::Ntp => "ntp",
            Self::Telemetry => "telemetry",
            Self::Webhook => "webhook",
        }
    }

    /// Whose data, and which (GDPR article 30 paragraph 1 c).
    pub const fn data(self) -> &'static str {
        match self {
            Self::Trunk => "callers: number and voice",
            Self::Member => "participants: chosen name or masked number, voice, text",
            Self::Registry => "none of persons",
            Self::Turn => "participants: address, encrypted voice",
            Self::Smtp => "invited persons: mail address, time and access of the meeting",
            Self::Oidc => "admins: name, groups",
            Self::Dns => "none of persons: names of the institution's partners",
            Self::Ntp => "none of persons",
            Self::Telemetry => "none of persons: figures",
            Self::Webhook => "as the receiver is configured",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Anyone who gets data, as the configuration declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Processor {
    /// Its name, for people.
    pub name: String,
    /// What it gets data for.
    pub purposes: Vec<Purpose>,
    /// Where it is.
    pub country: Country,
    /// Its addresses.
    pub networks: Vec<Network>,
    /// The names by which it may be found; by any that leads into its networks, if none is named. `*.stadt.example` stands for
    /// every name below that one.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Where the contract about it is found (GDPR article 28).
    #[serde(default)]
    pub contract: String,
}

impl Processor {
    /// A member of the federation, as its registry declares it.
    pub(super) fn of_member(member: &Member) -> Self {
        Self {
            name: member.domain.to_string(),
            purposes: vec![Purpose::Member],
            country: member.country,
            networks: member.media.clone(),
            hosts: member.links.iter().map(|link| link.host.to_string()).collect(),
            contract: String::new(),
        }
    }

    /// Whether it may be found by this name.
    pub(super) fn answers_to(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is = |name: &String| match name.strip_prefix("*.") {
            Some(above) => host.strip_suffix(above).is_some_and(|below| below.len() > 1 && below.ends_with('.')),
            None => host == *name,
        };
        self.hosts.is_empty() || self.hosts.iter().any(is)
    }

    /// Whether this is one of its addresses.
    pub(super) fn is_at(&self, address: std::net::IpAddr) -> bool {
        self.networks.iter().any(|network| network.0.contains(&address))
    }
}
