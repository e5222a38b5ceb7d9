//! Relays for browsers.

use std::path::PathBuf;

use serde::Deserialize;

use super::Config;
use super::mistake::Mistake;
use super::outbound::read_secret;
use crate::connection::{Relay, Relays};

/// The relays of the institution (TURN, RFC 8656), for browsers whose network lets them reach nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Turn {
    /// Which: `turns:turn.stadt.example:443?transport=tcp` (RFC 7065).
    pub servers: Vec<String>,
    /// The file with the secret that they share with us (`static-auth-secret` of coturn), as its only line.
    pub secret_file: PathBuf,
}

impl Turn {
    /// The relays, and what proves that we send somebody.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn relays(&self) -> Result<Relays, Vec<Mistake>> {
        let mut found = Vec::new();
        if self.servers.is_empty() {
            let help = "name one: servers = [\"turns:turn.stadt.example:443?transport=tcp\"], or leave [turn] out";
            found.push(Mistake::new("turn has no servers", help));
        }
        let mut servers = Vec::new();
        for server in &self.servers {
            match server.parse::<Relay>() {
                Ok(relay) => servers.push(relay),
                Err(why) => found.push(Mistake::new(format!("turn.servers: {why}"), "see RFC 7065 for more")),
            }
        }
        let secret = read_secret(&self.secret_file).map_err(|(why, help)| {
            found.push(Mistake::new(format!("the secret_file {} of turn {why}", self.secret_file.display()), help));
        });
        match (secret, found.is_empty()) {
            (Ok(secret), true) => Ok(Relays { servers, secret }),
            (Ok(_) | Err(()), _) => Err(found),
        }
    }
}

/// What is wrong with it.
pub(super) fn mistakes(config: &Config) -> Vec<Mistake> {
    config.turn.as_ref().and_then(|turn| turn.relays().err()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::outbound::tests::password_file;

    fn told(lines: &str) -> String {
        let config = Config::from_toml(lines).expect("readable");
        config.mistakes().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn turn(servers: &str) -> String {
        format!("[turn]\nservers = [{servers}]\nsecret_file = {:?}\n", password_file("turn", "geheim\n", 0o600))
    }

    #[test]
    fn a_relay_has_to_be_a_declared_processors() {
        const RELAY: &str = "[[processors]]\nname = \"Rechenzentrum\"\npurposes = [\"turn\"]\ncountry = \"DE\"\nnetworks = [\"198.51.100.0/24\"]\n";
        let outside = told(&turn("\"turn:203.0.113.7:3478\""));
        assert!(outside.contains("turn cannot be reached at 203.0.113.7"), "{outside}");
        assert_eq!(told(&format!("{}{RELAY}", turn("\"turn:198.51.100.7\", \"turns:turn.stadt.example:443\""))), "");
        let config = Config::from_toml(&turn("\"turn:198.51.100.7\"")).expect("readable");
        let relays = config.turn.as_ref().expect("there").relays().expect("fit");
        assert!(!format!("{config:?}{relays:?}").contains("geheim"));
    }

    #[test]
    fn every_mistake_is_told_at_once_with_what_to_do() {
        let told = told("[turn]\nservers = [\"stun:192.0.2.1\"]\nsecret_file = \"/nowhere/secret\"\n");
        assert!(told.contains("\"stun:192.0.2.1\" is no relay") && told.contains("/nowhere/secret"), "{told}");
        assert!(self::told(&turn("")).contains("turn has no servers"));
    }
}
