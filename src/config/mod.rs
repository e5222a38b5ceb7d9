//! The configuration: `einwahl.toml`, then the environment (`EINWAHL_SIP__MOST_CALLS=50`). An empty file is a whole
//! configuration; a word that means nothing is refused with its place, and what would be understood.

mod accounts;
mod api;
mod federation;
mod keeping;
mod mail;
mod meeting;
mod mistake;
mod oidc;
mod outbound;
mod plan;
mod processors;
mod prompts;
mod trunks;
mod turn;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use serde::Deserialize;

use crate::residency::Processor;
use crate::room::Announce;
use crate::wire::Limits;
use crate::words::{Codec, Country, Language};

pub use accounts::Accounts;
pub use api::{Api, InvalidHash, Token, TokenHash};
pub use federation::{Federation, Joined, Source};
pub use keeping::{Records, Store};
pub use mail::Mail;
pub use meeting::{Meeting, PinText};
pub use mistake::Mistake;
pub use oidc::{GroupRole, Oidc};
pub use outbound::{Identity, InvalidIdentity, Peer};
pub use plan::{NoOwnNumbers, NoZone, OwnNumbers, Unreadable, fingerprint, plan_files, read_folder, shipped};
pub use processors::Residing;
pub use prompts::PromptProblem;
pub use trunks::{Srtp, Trunk};
pub use turn::Turn;

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The door for telephones.
    pub sip: Sip,
    /// Telephone systems and carriers: who calls here, and who is called.
    pub trunks: Vec<Trunk>,
    /// Who gets data, beside this machine.
    pub processors: Vec<Processor>,
    /// What is asked about them, beside what they declare.
    pub residency: Residing,
    /// The sound of telephones.
    pub media: Media,
    /// The door for browsers.
    pub web: Web,
    /// The sound of browsers.
    pub browsers: Browsers,
    /// Their relays; without this, none.
    pub turn: Option<Turn>,
    /// What can be seen from outside.
    pub observe: Observe,
    /// What callers hear first.
    pub menu: Menu,
    /// What calls are for.
    pub dialplan: Dialplan,
    /// The meetings.
    pub meetings: Vec<Meeting>,
    /// Meetings by API.
    pub api: Api,
    /// Who may sign in.
    pub accounts: Accounts,
    /// Who else may, by the institution's own system.
    pub oidc: Option<Oidc>,
    /// Invitations by mail; without this, none.
    pub mail: Option<Mail>,
    /// Other institutions.
    pub federation: Federation,
    /// Where it is kept what has to outlive a restart.
    pub store: Store,
    /// The audit.
    pub records: Records,
}

/// The door for telephones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sip {
    /// Where to listen, with UDP and with TCP.
    pub listen: Vec<SocketAddr>,
    /// Where to listen with TLS; without this, on port 5061 of the same addresses if there is a certificate for it.
    pub tls_listen: Option<Vec<SocketAddr>>,
    /// The certificate for TLS with its chain, a PEM file; without one, that of the web.
    pub certificate: Option<PathBuf>,
    /// Its key, a PEM file.
    pub key: Option<PathBuf>,
    /// The DNS servers that are asked where trunks are; those of this machine, if none is named.
    pub dns: Vec<SocketAddr>,
    /// So many calls at once.
    pub most_calls: usize,
    /// Seconds; a shorter session interval is refused (RFC 4028).
    pub least_interval: u64,
    /// Seconds that calls have to come to their end after the first SIGTERM.
    pub grace: u64,
    /// So many new requests a second from one address that belongs to no trunk, and twice as many at once.
    pub requests: u32,
    /// So often such an address may ask for what it is refused, before it gets slow.
    pub patience: u32,
    /// So many requests in work at once at one listener.
    pub in_work: usize,
    /// So many connections (TCP, TLS) at once; an address of no trunk may have a tenth of them.
    pub streams: usize,
}

impl Sip {
    /// Where TLS is served: where it is asked for, or beside everything else once there is a certificate for SIP.
    pub fn tls(&self) -> Vec<SocketAddr> {
        let beside =
            self.listen.iter().filter(|_| self.certificate.is_some()).map(|at| SocketAddr::new(at.ip(), SIP_TLS));
        self.tls_listen.clone().unwrap_or_else(|| beside.collect())
    }
}

/// RFC 3261 section 19.1.2.
const SIP_TLS: u16 = 5061;

impl Default for Sip {
    fn default() -> Self {
        let Limits { requests, patience, in_work, streams } = Limits::default();
        Self {
            listen: vec![(Ipv4Addr::LOCALHOST, 5060).into()],
            tls_listen: None,
            certificate: None,
            key: None,
            dns: Vec::new(),
            most_calls: 400,
            least_interval: 90,
            grace: 60,
            requests,
            patience,
            in_work,
            streams,
        }
    }
}

/// The sound of telephones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// Where it is received: an address that the telephones reach; or two, one of each family.
    pub address: Addresses,
    /// The first port for it.
    pub first_port: u16,
    /// The last port for it.
    pub last_port: u16,
    /// Seconds without sound after which a call ends; a tone warns at the half.
    pub silence: u64,
    /// The codecs, the best first.
    pub codecs: Vec<Codec>,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            address: Addresses::One(Ipv4Addr::LOCALHOST.into()),
            first_port: 20_000,
            last_port: 29_999,
            silence: 60,
            codecs: vec![Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu],
        }
    }
}

/// One address, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "an IP address in quotes, or a list of them")]
pub enum Addresses {
    /// `"192.0.2.10"`
    One(IpAddr),
    /// `["192.0.2.10", "2001:db8::10"]`
    Several(Vec<IpAddr>),
}

impl Addresses {
    /// All of them.
    pub fn all(&self) -> &[IpAddr] {
        match self {
            Self::One(address) => std::slice::from_ref(address),
            Self::Several(addresses) => addresses,
        }
    }
}

/// The door for browsers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Where to listen, with HTTPS; nowhere, and there are only telephones.
    pub listen: Vec<SocketAddr>,
    /// The certificate with its chain, a PEM file; without one, it is made anew at each start.
    pub certificate: Option<PathBuf>,
    /// Its key, a PEM file.
    pub key: Option<PathBuf>,
    /// So many pages at once.
    pub most_pages: usize,
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: vec![(Ipv4Addr::LOCALHOST, 8443).into()], certificate: None, key: None, most_pages: 1_000 }
    }
}

/// The sound of browsers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Browsers {
    /// Where it is received, with UDP and with TCP: one port for all.
    pub listen: Vec<SocketAddr>,
    /// The addresses by which browsers reach that port, where they are others (behind a NAT, or when listening everywhere).
    pub public: Vec<IpAddr>,
}

impl Default for Browsers {
    fn default() -> Self {
        Self { listen: vec![(Ipv4Addr::LOCALHOST, 3478).into()], public: Vec::new() }
    }
}

/// What can be seen from outside: `/healthz`, `/readyz`, `/metrics`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Observe {
    /// Where to listen for those who watch, with HTTP; nowhere, and `/metrics` is at the door for browsers.
    pub listen: Vec<SocketAddr>,
    /// Addresses that may read figures. At the door for browsers this machine may, too; at `listen` everybody, unless some
    /// are named.
    pub allow: Vec<IpAddr>,
}

/// What callers hear first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Menu {
    /// In which language, where the dialplan names none.
    pub language: Language,
    /// Let callers choose another by key first.
    pub ask_language: bool,
    /// The folder with the institution's own sounds: `de/welcome.wav` in it is heard in place of ours.
    pub prompts: Option<PathBuf>,
    /// What a meeting hears when somebody comes or goes, where it does not say itself.
    pub announce: Announce,
}

/// What calls are for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialplan {
    /// The folder with the files of the plan. Without one: what was last published by API, or else everybody gets the menu.
    pub folder: Option<PathBuf>,
    /// A second person has to agree to what is published.
    pub approval: bool,
    /// The institution's country, for numbers as people dial them.
    pub country: Country,
    /// Its area code without the leading zero.
    pub area: String,
    /// Its time, for opening hours (a name of the IANA time zone database).
    pub zone: String,
    /// The institution's own numbers, as patterns like `+49 30 9018 XXXX`; a rule for others is a likely mistake. Left out,
    /// nothing is said of them.
    pub blocks: Vec<OwnNumbers>,
}

impl Default for Dialplan {
    fn default() -> Self {
        Self {
            folder: None,
            approval: false,
            country: Country::DE,
            area: String::from("30"),
            zone: String::from("Europe/Berlin"),
            blocks: Vec::new(),
        }
    }
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(Box<figment::Error>);

impl Config {
    /// Reads the file, if one is named, and the environment.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(file: Option<&Path>) -> Result<Self, Unusable> {
        let file = file.map_or_else(Figment::new, |path| Figment::from(Toml::file_exact(path)));
        file.merge(Env::prefixed("EINWAHL_").ignore(&["log"]).split("__"))
            .extract()
            .map_err(|error| Unusable(Box::new(error)))
    }

    /// Reads a text, and no environment.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn from_toml(text: &str) -> Result<Self, Unusable> {
        Figment::from(Toml::string(text)).extract().map_err(|error| Unusable(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Unusable> {
        Config::from_toml(text)
    }

    #[test]
    fn nothing_is_a_whole_configuration() {
        assert_eq!(read("").expect("usable"), Config::default());
    }

    #[test]
    fn a_meeting_is_read_and_its_pin_is_not_printed() {
        let config = read("[[meetings]]\nroom = \"rat\"\nid = \"123456\"\npin = \"4711\"\n").expect("usable");
        assert_eq!(config.meetings[0].pin.as_ref().map(|pin| pin.0.expose()), Some("4711"));
        assert!(!format!("{config:?}").contains("4711"));
    }

    #[test]
    fn a_misspelt_word_and_a_bad_pin_are_named() {
        let error = read("[sip]\nmost_cals = 3\n").expect_err("refused").to_string();
        assert!(error.contains("most_cals") && error.contains("most_calls"), "{error}");
        let error =
            read("[[meetings]]\nroom = \"rat\"\nid = \"123456\"\npin = \"12\"\n").expect_err("refused").to_string();
        assert!(error.contains("pin") && error.contains("4 to 12 digits"), "{error}");
    }
}
