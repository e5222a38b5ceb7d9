//! Invitations by mail.

use std::path::PathBuf;

use serde::Deserialize;

use super::Config;
use super::mistake::Mistake;
use super::outbound::read_secret;
use crate::mail::{self, Security, Sender};
use crate::meeting::{MOST_NUMBERS, is_number};
use crate::oidc::Origin;
use crate::words::{Host, Secret};

/// The institution's mail server, and what an invitation says beside the meeting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// Its name or address: `mail.stadt.example`.
    pub server: String,
    /// Its port; without one, 465, or 587 with `security = "starttls"`.
    pub port: Option<u16>,
    /// `tls` from the first byte, or `starttls`. Without TLS nothing is sent.
    pub security: Security,
    /// By which name we are known there, if it asks for one.
    pub user: Option<String>,
    /// The file with our password there, as its only line.
    pub password_file: Option<PathBuf>,
    /// Who sends: `Stadt A <einwahl@stadt-a.example>`.
    pub from: String,
    /// The address by which browsers reach the pages: `https://einwahl.stadt-a.example`.
    pub page: String,
    /// The numbers that people dial, as people write them.
    pub numbers: Vec<String>,
    /// The authorities that vouch for it, as a PEM file; those of this machine, if none is named.
    pub ca: Option<PathBuf>,
}

impl Mail {
    /// Whom to hand mail to, and as whom.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn mailer(&self) -> Result<mail::Config, Vec<Mistake>> {
        let help = "write who sends: from = \"Stadt A <einwahl@stadt-a.example>\"";
        let from = self.from.parse::<Sender>().map_err(|why| Mistake::new(format!("mail.from {why}"), help));
        match (from, self.account()) {
            (Ok(from), Ok(account)) => Ok(mail::Config {
                server: self.server.clone(),
                port: self.port.unwrap_or_else(|| self.security.port()),
                security: self.security,
                account,
                from,
                ca: self.ca.clone(),
            }),
            (from, account) => Err(from.err().into_iter().chain(account.err()).collect()),
        }
    }

    /// Where the pages are.
    ///
    /// # Errors
    /// It is no such address.
    pub fn origin(&self) -> Result<Origin, Mistake> {
        let help = "write the address that people type, without a path: page = \"https://einwahl.stadt-a.example\"";
        self.page.parse::<Origin>().map_err(|why| Mistake::new(format!("mail.page {why}"), help))
    }

    fn account(&self) -> Result<Option<(String, Secret)>, Mistake> {
        match (&self.user, &self.password_file) {
            (None, None) => Ok(None),
            (Some(user), Some(file)) => {
                let told =
                    |(why, help)| Mistake::new(format!("the password_file {} of mail {why}", file.display()), help);
                read_secret(file).map_err(told).map(|password| Some((user.clone(), password)))
            }
            (Some(_), None) | (None, Some(_)) => {
                let help = "name both, or neither: a server that knows us by our address asks for no password";
                Err(Mistake::new("mail.user and mail.password_file belong together", help))
            }
        }
    }
}

/// What is wrong with it.
pub(super) fn mistakes(config: &Config) -> Vec<Mistake> {
    let Some(mail) = &config.mail else { return Vec::new() };
    let mut found = mail.mailer().err().unwrap_or_default();
    found.extend(mail.origin().err());
    let mut say = |is_so: bool, message: &str, help: &str| {
        if is_so {
            found.push(Mistake::new(message, help));
        }
    };
    let is_host = mail.server.parse::<std::net::IpAddr>().is_ok()
        || format!("sip:{}", mail.server).parse::<crate::words::Target>().is_ok_and(|target| {
            matches!(&target.host, Host::Name(name) if *name == mail.server) && target.port.is_none()
        });
    say(!is_host, "mail.server is no name and no address", "name the server: server = \"mail.stadt-a.example\"");
    say(mail.port == Some(0), "mail.port is 0", "leave it out: it follows from security");
    say(
        mail.numbers.len() > MOST_NUMBERS || !mail.numbers.iter().all(|number| is_number(number)),
        "mail.numbers has more than ten numbers, or one that is no line of 1 to 60 characters",
        "write each as people dial it: numbers = [\"030 9018 4000\"]",
    );
    found.extend(Mistake::of_ca(mail.ca.as_deref(), "mail", "the mail server"));
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

    const POST: &str = "[[processors]]\nname = \"Rechenzentrum\"\npurposes = [\"smtp\"]\ncountry = \"DE\"\nnetworks = [\"198.51.100.0/24\"]\n";

    fn good(server: &str) -> String {
        let file = password_file("mail", "geheim\n", 0o600);
        format!(
            "[mail]\nserver = \"{server}\"\nsecurity = \"starttls\"\nuser = \"einwahl\"\npassword_file = {file:?}\nfrom = \"Stadt A <einwahl@stadt-a.example>\"\n\
             page = \"https://einwahl.stadt-a.example\"\nnumbers = [\"030 9018 4000\"]\n"
        )
    }

    #[test]
    fn a_server_with_a_processor_is_fit_and_its_password_is_not_shown() {
        let text = format!("{}{POST}", good("mail.stadt-a.example"));
        assert_eq!(told(&text), "");
        let config = Config::from_toml(&text).expect("readable");
        let mailer = config.mail.as_ref().expect("there").mailer().expect("fit");
        assert_eq!((mailer.port, mailer.from.address().domain()), (587, "stadt-a.example"));
        assert!(!format!("{config:?}{mailer:?}").contains("geheim"));
    }

    #[test]
    fn a_server_that_is_no_declared_processor_is_told() {
        let without = told(&good("mail.stadt-a.example"));
        let expected = "mail cannot be reached at mail.stadt-a.example: no processor in the EEA is declared for smtp";
        assert!(without.contains(expected), "{without}");
        assert!(told(&format!("{}{POST}", good("192.0.2.9"))).contains("mail cannot be reached at 192.0.2.9"));
        assert_eq!(told(&good("127.0.0.1")), "", "this machine needs no declaration");
    }

    #[test]
    fn every_mistake_is_told_at_once_with_what_to_do() {
        let told = told(
            "[mail]\nserver = \"mail.stadt-a.example:25\"\nport = 0\nuser = \"a\"\nfrom = \"Stadt A\"\npage = \"http://a.example\"\n\
             numbers = [\"\"]\nca = \"/nowhere/ca.pem\"\n",
        );
        for expected in [
            "mail.server is no name and no address",
            "mail.port is 0",
            "mail.user and mail.password_file belong together",
            "mail.from is no sender",
            "mail.page is not protected",
            "mail.numbers has more than ten numbers",
            "the ca of mail cannot be used: /nowhere/ca.pem",
        ] {
            assert!(told.contains(expected), "{expected}\n\nin\n{told}");
        }
        let error = Config::from_toml("[mail]\nsecurity = \"none\"\n").expect_err("refused").to_string();
        assert!(error.contains("starttls"), "{error}");
    }
}
