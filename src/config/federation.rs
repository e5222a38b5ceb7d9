//! Of which federation we are a member, and how. Without a domain, of none.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::mistake::Mistake;
use super::trunks::Srtp;
use crate::https::{Address, NoAddress};
use crate::meeting::Terms;
use crate::member::{Domain, Operators, PublicKey};
use crate::tls;

/// Other institutions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Federation {
    /// By which domain the registry knows us. Without one, there is no federation.
    pub domain: Option<Domain>,
    /// Which federation.
    pub federation: Option<Domain>,
    /// The keys of its operators, for the first registry; later ones say themselves who signs the next.
    pub operators: Vec<PublicKey>,
    /// So many of them have to have signed it.
    pub threshold: usize,
    /// The file of the registry, which is read again when it changes; or its address (`https://…`), where it is asked for.
    pub registry: Option<String>,
    /// The authorities that vouch for that address, as a PEM file; those of this machine, if none is named.
    pub registry_ca: Option<PathBuf>,
    /// Seconds between two questions there, a tenth more or less.
    pub registry_every: NonZeroU32,
    /// Where links are taken; nowhere, and they are only opened from here.
    pub listen: Vec<SocketAddr>,
    /// Where other institutions' own systems may call by SIP over mutual TLS; nowhere, and none of them may.
    pub sip: Vec<SocketAddr>,
    /// Whether their sound has to be protected: `required` (SRTP; the default) or `possible`.
    pub srtp: Srtp,
    /// Our certificate for it, a PEM file; without one, a key is made and kept, and `einwahl federation pin` prints its pin.
    pub certificate: Option<PathBuf>,
    /// Its key, a PEM file.
    pub key: Option<PathBuf>,
    /// What holds for single members in all meetings.
    pub terms: Vec<Terms>,
}

impl Default for Federation {
    fn default() -> Self {
        Self {
            domain: None,
            federation: None,
            operators: Vec::new(),
            threshold: 1,
            registry: None,
            registry_ca: None,
            registry_every: NonZeroU32::MIN.saturating_add(299),
            listen: Vec::new(),
            sip: Vec::new(),
            srtp: Srtp::Required,
            certificate: None,
            key: None,
            terms: Vec::new(),
        }
    }
}

/// A federation that we belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Who we are.
    pub us: Domain,
    /// Which it is.
    pub federation: Domain,
    /// Who signs its first registry.
    pub operators: Operators,
    /// Where the registry comes from.
    pub registry: Source,
    /// Where links are taken.
    pub listen: Vec<SocketAddr>,
    /// Where other institutions' own systems may call.
    pub sip: Vec<SocketAddr>,
    /// Their sound is protected (SRTP), or there is no call.
    pub needs_srtp: bool,
    /// Certificate and key, if there are some of ours.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// What holds for single members in all meetings.
    pub terms: Vec<Terms>,
}

/// Where a registry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, in which somebody else puts it.
    File(PathBuf),
    /// Another server, which is asked.
    Https {
        /// For what.
        address: Address,
        /// Who vouches for it, if that is said.
        ca: Option<PathBuf>,
        /// So often.
        every: Duration,
    },
}

impl Federation {
    /// Where the registry comes from, if that is said.
    ///
    /// # Errors
    /// It can come from nowhere like that.
    pub(super) fn source(&self) -> Result<Option<Source>, NoAddress> {
        let Some(named) = &self.registry else { return Ok(None) };
        if !named.contains("://") {
            return Ok(Some(Source::File(named.into())));
        }
        let every = Duration::from_secs(u64::from(self.registry_every.get()));
        Ok(Some(Source::Https { address: named.parse()?, ca: self.registry_ca.clone(), every }))
    }

    /// What it comes to; nothing, if nothing is said of it.
    ///
    /// # Errors
    /// Every mistake.
    pub fn joined(&self) -> Result<Option<Joined>, Vec<Mistake>> {
        if *self == Self::default() {
            return Ok(None);
        }
        let mut found = Vec::new();
        let mut say = |what: &str, help: &str| found.push(Mistake::new(format!("federation.{what}"), help));
        if self.domain.is_none() {
            say(
                "domain is missing: nobody would know us",
                "name our domain as the registry has it: \"stadt-a.example\"",
            );
        }
        if self.federation.is_none() {
            say("federation is missing", "name the federation as its registry does: \"kommunal.example\"");
        }
        let keys: std::collections::BTreeSet<_> = self.operators.iter().collect();
        if keys.is_empty() {
            let help = "write the public keys that the operators have given you on another way: \"ed25519:…\"";
            say("operators is empty: no registry would be believed", help);
        } else if keys.len() != self.operators.len() {
            say("operators has a key twice", "each counts once: take one of them out");
        } else if self.threshold == 0 || self.threshold > keys.len() {
            let what = format!("threshold is {}", self.threshold);
            say(&what, &format!("write a number from 1 to {}, the number of operators", keys.len()));
        }
        let source = self.source();
        match &source {
            Ok(None) => {
                say("registry is missing", "name the file in which the registry is, or its address: \"https://…\"")
            }
            Err(why) => say(
                &format!("registry {why}"),
                "write \"https://register.kommunal.example/registry.json\", or name a file",
            ),
            Ok(Some(Source::Https { ca: Some(ca), .. })) => {
                if let Err(why) = tls::client(Some(ca)) {
                    let help = "name the PEM file with the certificate of the authority that vouches for that server";
                    say(&format!("registry_ca cannot be used: {why}"), help);
                }
            }
            Ok(Some(_)) => {}
        }
        let named: std::collections::BTreeSet<_> = self.terms.iter().map(|terms| &terms.with).collect();
        if named.len() != self.terms.len() {
            say("terms has a member twice", "write all that holds for one into one entry");
        }
        if self.terms.iter().any(|terms| terms.kbits == Some(0)) {
            say("terms has kbits = 0", "one who speaks takes 64; to share nothing with a member write rooms = []");
        }
        let certificate = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                say("certificate and federation.key belong together", "name both, or none");
                None
            }
        };
        match (&self.domain, &self.federation, source) {
            (Some(us), Some(federation), Ok(Some(registry))) if found.is_empty() => Ok(Some(Joined {
                us: us.clone(),
                federation: federation.clone(),
                operators: Operators { threshold: self.threshold, keys: self.operators.clone() },
                registry,
                listen: self.listen.clone(),
                sip: self.sip.clone(),
                needs_srtp: self.srtp == Srtp::Required,
                certificate,
                terms: self.terms.clone(),
            })),
            _ => Err(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn told(text: &str) -> String {
        let config = Config::from_toml(text).expect("readable");
        config.mistakes().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    const KEY: &str = "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn who_says_nothing_of_a_federation_belongs_to_none_and_who_says_all_belongs_to_it() {
        assert_eq!(Federation::default().joined(), Ok(None));
        let text = format!(
            "[federation]\ndomain = \"stadt-a.example\"\nfederation = \"kommunal.example\"\noperators = [\"{KEY}\"]\n\
             registry = \"/etc/einwahl/registry.json\"\nlisten = [\"127.0.0.1:8448\"]\n"
        );
        let joined = Config::from_toml(&text).expect("readable").federation.joined().expect("right").expect("joined");
        assert_eq!((joined.us.as_str(), joined.operators.threshold), ("stadt-a.example", 1));
        assert_eq!(told(&text), "");
    }

    #[test]
    fn a_registry_that_is_asked_for_is_asked_of_a_declared_processor() {
        let text = format!(
            "[federation]\ndomain = \"stadt-a.example\"\nfederation = \"kommunal.example\"\noperators = [\"{KEY}\"]\n\
             registry = \"https://register.kommunal.example/registry.json\"\n"
        );
        let expected = "federation.registry cannot be reached at register.kommunal.example: no processor in the EEA";
        assert!(told(&text).contains(expected), "{}", told(&text));
        let processor = "[[processors]]\nname = \"Register\"\npurposes = [\"registry\"]\ncountry = \"DE\"\nnetworks = [\"198.51.100.0/24\"]\n";
        let text = format!("{text}{processor}");
        assert_eq!(told(&text), "");
        let joined = Config::from_toml(&text).expect("readable").federation.joined().expect("right").expect("joined");
        let Source::Https { address, ca: None, every } = joined.registry else { panic!("{:?}", joined.registry) };
        assert_eq!((address.host(), every.as_secs()), ("register.kommunal.example", 300));
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let text = format!(
            "[federation]\noperators = [\"{KEY}\"]\nthreshold = 2\nkey = \"k\"\nregistry = \"http://a.example/r\"\n\
             [[federation.terms]]\nwith = \"stadt-b.example\"\nkbits = 0\nhours = \"08:00-20:00\"\n\
             [[federation.terms]]\nwith = \"stadt-b.example\"\nrooms = [\"rat\"]\nnames = \"none\"\n"
        );
        let told = told(&text);
        for expected in [
            "federation.domain is missing",
            "federation.federation is missing",
            "federation.threshold is 2\nhelp: write a number from 1 to 1",
            "federation.registry is no address that can be asked",
            "federation.certificate and federation.key belong together",
            "federation.terms has a member twice",
            "federation.terms has kbits = 0",
        ] {
            assert!(told.contains(expected), "{expected} in\n{told}");
        }
        let bad = Config::from_toml("[federation]\ndomain = \"Stadt\"").expect_err("refused").to_string();
        assert!(bad.contains("stadt-a.example"), "{bad}");
    }
}
