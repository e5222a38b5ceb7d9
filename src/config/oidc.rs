//! Sign-in to the console by the institution's own system.

use std::path::PathBuf;

use serde::Deserialize;

use super::Config;
use super::mistake::Mistake;
use super::outbound::read_secret;
use crate::account::Role;
use crate::account::oidc::Roles;
use crate::oidc::{self, Issuer, Origin};
use crate::words::Secret;

/// An OpenID provider, and who may do what here for what it says of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oidc {
    /// Its address: `https://login.stadt.example/realms/rathaus`.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// The file with what proves that, as its only line.
    pub client_secret_file: Option<PathBuf>,
    /// The address by which browsers reach the console: `https://einwahl.stadt.example`.
    pub console: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim in which somebody's groups or roles are; `realm_access.roles` lies one step inside.
    pub claim: String,
    /// The claim by which somebody is called in the console and in the audit.
    pub name: String,
    /// Which group has which role. The first that fits counts.
    pub roles: Vec<GroupRole>,
    /// What the institution calls its sign-in, for the button.
    pub button: String,
    /// The authorities that vouch for the provider, as a PEM file; those of this machine, if none is named.
    pub ca: Option<PathBuf>,
}

/// A group, and what those in it may do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRole {
    /// As the provider writes it.
    pub group: String,
    /// What they may do here.
    pub role: Role,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: None,
            console: String::new(),
            scopes: vec![String::from("profile")],
            claim: String::from("groups"),
            name: String::from("preferred_username"),
            roles: Vec::new(),
            button: String::new(),
            ca: None,
        }
    }
}

/// The longest text of a button, in characters.
const LONGEST: usize = 40;

impl Oidc {
    /// What the provider has to be asked with.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn provider(&self) -> Result<oidc::Config, Vec<Mistake>> {
        let help = "write the address under which the provider publishes /.well-known/openid-configuration";
        let issuer = self.issuer.parse::<Issuer>().map_err(|why| Mistake::new(format!("oidc.issuer {why}"), help));
        let help = "write the address that people type for the console, without /admin: console = \"https://einwahl.stadt.example\"";
        let console = self.console.parse::<Origin>().map_err(|why| Mistake::new(format!("oidc.console {why}"), help));
        match (issuer, console, self.secret()) {
            (Ok(issuer), Ok(console), Ok(client_secret)) => Ok(oidc::Config {
                issuer,
                client_id: self.client_id.clone(),
                client_secret,
                scopes: self.scopes.iter().filter(|scope| *scope != "openid").cloned().collect(),
                console,
                ca: self.ca.clone(),
            }),
            (issuer, console, secret) => {
                Err(issuer.err().into_iter().chain(console.err()).chain(secret.err()).collect())
            }
        }
    }

    /// Which group has which role.
    pub fn roles(&self) -> Roles {
        Roles(self.roles.iter().map(|it| (it.group.clone(), it.role)).collect())
    }

    fn secret(&self) -> Result<Secret, Mistake> {
        let Some(file) = &self.client_secret_file else {
            let help = "name the file with what the provider gave: client_secret_file = \"/etc/einwahl/oidc-secret\"";
            return Err(Mistake::new("oidc has no client_secret_file", help));
        };
        let told = |(why, help)| Mistake::new(format!("the client_secret_file {} of oidc {why}", file.display()), help);
        read_secret(file).map_err(told)
    }
}

/// What is wrong with it.
pub(super) fn mistakes(config: &Config) -> Vec<Mistake> {
    let Some(oidc) = &config.oidc else { return Vec::new() };
    let mut found = oidc.provider().err().unwrap_or_default();
    let mut say = |is_so: bool, message: &str, help: &str| {
        if is_so {
            found.push(Mistake::new(message, help));
        }
    };
    let is_blank = |text: &str| text.trim().is_empty() || text.contains(char::is_control);
    say(is_blank(&oidc.client_id), "oidc has no client_id", "write the name under which the provider knows einwahl");
    say(
        is_blank(&oidc.button) || oidc.button.chars().count() > LONGEST,
        "oidc.button is no text of 1 to 40 characters",
        "write what your people call their sign-in: button = \"Stadt-Login\" shows \"Mit Stadt-Login anmelden\"",
    );
    say(is_blank(&oidc.claim), "oidc.claim is empty", "name the claim with the groups: claim = \"groups\"");
    say(is_blank(&oidc.name), "oidc.name is empty", "name the claim with the name: name = \"preferred_username\"");
    say(
        oidc.roles.is_empty(),
        "oidc.roles is empty: nobody could sign in",
        "give a group a role: [[oidc.roles]] with group = \"telefonie\" and role = \"editor\"",
    );
    let is_double = |(at, it): (usize, &GroupRole)| oidc.roles.iter().take(at).any(|other| other.group == it.group);
    say(
        oidc.roles.iter().enumerate().any(is_double),
        "a group stands twice in oidc.roles",
        "leave the one that is meant: the first that fits counts",
    );
    // RFC 6749 section 3.3.
    let is_scope = |scope: &String| {
        !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
    };
    say(
        !oidc.scopes.iter().all(is_scope),
        "oidc.scopes has a word that is no scope",
        "write each word by itself: scopes = [\"profile\", \"groups\"]",
    );
    say(config.web.listen.is_empty(), "oidc is there, but no console: web.listen is empty", "leave out one of them");
    found.extend(Mistake::of_ca(oidc.ca.as_deref(), "oidc", "the provider"));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::outbound::tests::password_file;

    fn told(lines: &str) -> String {
        let config = Config::from_toml(lines).expect("readable");
        config.mistakes().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn good(issuer: &str) -> String {
        let file = password_file("oidc", "geheim\n", 0o600);
        format!(
            "[oidc]\nissuer = \"{issuer}\"\nclient_id = \"einwahl\"\nclient_secret_file = {file:?}\nconsole = \"https://einwahl.stadt.example\"\n\
             button = \"Stadt-Login\"\nscopes = [\"openid\", \"groups\"]\n[[oidc.roles]]\ngroup = \"telefonie\"\nrole = \"editor\"\n"
        )
    }

    const LOGIN: &str = "[[processors]]\nname = \"Rechenzentrum\"\npurposes = [\"oidc\"]\ncountry = \"DE\"\nnetworks = [\"198.51.100.0/24\"]\n";

    #[test]
    fn a_provider_with_a_processor_is_fit_and_its_secret_is_not_shown() {
        let text = format!("{}{LOGIN}", good("https://login.stadt.example/realms/a"));
        assert_eq!(told(&text), "");
        let config = Config::from_toml(&text).expect("readable");
        let provider = config.oidc.as_ref().expect("there").provider().expect("fit");
        assert_eq!((provider.client_secret.expose(), &provider.scopes[..]), ("geheim", &[String::from("groups")][..]));
        assert!(!format!("{config:?}{provider:?}").contains("geheim"));
        assert_eq!(config.oidc.expect("there").roles().of(&["telefonie"]), Some(Role::Editor));
    }

    #[test]
    fn a_provider_that_is_no_declared_processor_is_told() {
        let without = told(&good("https://login.stadt.example"));
        assert!(
            without.contains(
                "oidc cannot be reached at login.stadt.example: no processor in the EEA is declared for oidc"
            ),
            "{without}"
        );
        let elsewhere = told(&format!("{}{LOGIN}", good("https://192.0.2.9")));
        assert!(elsewhere.contains("oidc cannot be reached at 192.0.2.9"), "{elsewhere}");
        assert_eq!(told(&good("https://127.0.0.1:8443/oidc")), "", "this machine needs no declaration");
    }

    #[test]
    fn every_mistake_is_told_at_once_with_what_to_do() {
        let told = told(
            "[web]\nlisten = []\n[oidc]\nissuer = \"http://login.stadt.example\"\nconsole = \"https://einwahl.stadt.example/admin\"\nclaim = \" \"\n\
             name = \"\"\nscopes = [\"a b\"]\nca = \"/nowhere/ca.pem\"\nroles = [{ group = \"a\", role = \"viewer\" }, { group = \"a\", role = \"editor\" }]\n",
        );
        for expected in [
            "oidc.issuer is not protected: write https://…\nhelp: write the address under which",
            "oidc.console has a path",
            "oidc has no client_secret_file",
            "oidc has no client_id",
            "oidc.button is no text",
            "oidc.claim is empty",
            "oidc.name is empty",
            "a group stands twice",
            "oidc.scopes has a word that is no scope",
            "web.listen is empty",
            "the ca of oidc cannot be used: /nowhere/ca.pem",
        ] {
            assert!(told.contains(expected), "{expected}\n\nin\n{told}");
        }
        let empty = super::tests::told("[oidc]\n");
        assert!(empty.contains("oidc.issuer is no address") && empty.contains("oidc.roles is empty"), "{empty}");
        let error = Config::from_toml("[oidc]\nroles = [{ group = \"a\", role = \"root\" }]\n").expect_err("refused");
        assert!(error.to_string().contains("viewer"), "{error}");
    }
}
