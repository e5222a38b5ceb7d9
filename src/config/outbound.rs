//! How a trunk is called: where, as whom, and with which password.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::Deserialize;

use super::mistake::Mistake;
use super::trunks::Trunk;
use crate::trunk::is_user;
use crate::words::{Host, InvalidTarget, Personal, PhoneNumber, Secret, Target};

/// Where calls go: `sip:pbx.stadt.example:5060;transport=tcp`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Peer(pub Target);

impl TryFrom<String> for Peer {
    type Error = InvalidTarget;
    fn try_from(text: String) -> Result<Self, InvalidTarget> {
        text.parse().map(Self)
    }
}

/// A number of our own, to be shown to whom we call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Identity(pub Personal<PhoneNumber>);

/// Not a number that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no number that can be shown to others: write it with its country, +49 30 9018 0")]
pub struct InvalidIdentity(String);

impl TryFrom<String> for Identity {
    type Error = InvalidIdentity;
    fn try_from(text: String) -> Result<Self, InvalidIdentity> {
        let number = text.parse::<PhoneNumber>().ok().filter(PhoneNumber::is_international);
        number.map(|number| Self(Personal::new(number))).ok_or(InvalidIdentity(text))
    }
}

/// A password is shorter.
const LONGEST: u64 = 1_024;

impl Trunk {
    /// Our password there, if there is one.
    ///
    /// # Errors
    /// Its file cannot be read, or others can read it too.
    pub fn password(&self) -> Result<Option<Secret>, Mistake> {
        let Some(file) = &self.password_file else { return Ok(None) };
        read_secret(file).map(Some).map_err(|(why, help)| {
            Mistake::new(format!("the password_file {} of trunk {} {why}", file.display(), self.name), help)
        })
    }
}

/// The first line of a file that only its owner and its group can read; or what is wrong with it, and what to do.
pub(super) fn read_secret(path: &Path) -> Result<Secret, (String, String)> {
    let unreadable = |error: std::io::Error| {
        let help = "make it with the password as its only line; who runs einwahl has to be able to read it";
        (format!("cannot be read: {error}"), String::from(help))
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.mode() & OTHERS != 0 {
        let help = format!("chmod 600 {} and give it to the user who runs einwahl", path.display());
        return Err((String::from("is open to everybody on this machine"), help));
    }
    // Read in one piece: a buffer that grows would leave pieces of the password behind.
    let mut content = String::with_capacity(usize::try_from(LONGEST).unwrap_or_default());
    file.take(LONGEST).read_to_string(&mut content).map_err(unreadable)?;
    let content = Secret::new(content);
    match content.expose().lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
        Some(_) | None => {
            Err((String::from("is empty"), String::from("write the password into it, as its first line")))
        }
    }
}

/// Read and write for all others.
const OTHERS: u32 = 0o006;

/// What is wrong with how a trunk is called.
pub(super) fn mistakes(trunk: &Trunk) -> Vec<Mistake> {
    let name = &trunk.name;
    let mut found = Vec::new();
    match &trunk.dial {
        Some(Peer(target)) => found.extend(mistakes_of_target(trunk, target)),
        None => {
            let given = [
                ("user", trunk.user.is_some()),
                ("password_file", trunk.password_file.is_some()),
                ("register", trunk.register),
                ("identity", trunk.identity.is_some()),
                ("ca", trunk.ca.is_some()),
                ("test", trunk.test.is_some()),
            ];
            for (word, _) in given.iter().filter(|(_, is_given)| *is_given) {
                let help = "name where calls to it go: dial = \"sip:pbx.stadt.example\"; or take the word out";
                found.push(Mistake::new(format!("trunk {name} has {word}, but no dial"), help));
            }
        }
    }
    if trunk.register && trunk.user.is_none() {
        let help = "name who registers: user = \"…\"; or leave register out, for a trunk that knows us by our address";
        found.push(Mistake::new(format!("trunk {name} has to register, but has no user"), help));
    }
    if trunk.user.is_some() && trunk.password_file.is_none() {
        let help = "name the file with its password: password_file = \"/etc/einwahl/…\"";
        found.push(Mistake::new(format!("trunk {name} has a user, but no password_file"), help));
    }
    if trunk.user.is_none() && trunk.password_file.is_some() {
        let help = "name whose password it is: user = \"…\"";
        found.push(Mistake::new(format!("trunk {name} has a password_file, but no user"), help));
    }
    if trunk.user.as_ref().is_some_and(|user| !is_user(user)) {
        let help = "write the name as the carrier gave it: letters, digits and - _ . ! ~ * ' ( ) & = + $ , / without spaces or @";
        found.push(Mistake::new(format!("the user of trunk {name} cannot stand in a SIP URI"), help));
    }
    if trunk.test.as_ref().is_some_and(|number| !is_user(number)) {
        let help = "write a number or an extension as it is dialled there, without spaces: test = \"+49301234567\"";
        found.push(Mistake::new(format!("the test of trunk {name} cannot be called"), help));
    }
    found.extend(trunk.password().err());
    found.extend(Mistake::of_ca(trunk.ca.as_deref(), &format!("trunk {name}"), "the trunk"));
    found
}

fn mistakes_of_target<'a>(trunk: &'a Trunk, target: &'a Target) -> impl Iterator<Item = Mistake> + 'a {
    let transport = target.known_transport().filter(|_| !trunk.transports.is_empty());
    let transport = transport.filter(|transport| !trunk.transports.contains(transport)).map(|transport| {
        let message = format!("trunk {} is dialled over {transport}, which is not among its transports", trunk.name);
        let word = transport.to_string().to_ascii_lowercase();
        Mistake::new(
            message,
            format!("add {word:?} to transports, or name another in dial: {};transport=…", target.host),
        )
    });
    let address = match &target.host {
        Host::Address(address) => Some(*address),
        Host::Name(_) => None,
    };
    let outside = address.filter(|address| !trunk.networks.iter().any(|network| network.0.contains(address)));
    let outside = outside.map(|address| {
        let message = format!("trunk {} is dialled at {address}, which is in none of its networks", trunk.name);
        Mistake::new(message, format!("add \"{address}\" to networks: what is not in them is never called"))
    });
    transport.into_iter().chain(outside)
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Config;

    /// A file with a password, in a folder of its own.
    pub(in crate::config) fn password_file(name: &str, content: &str, mode: u32) -> String {
        let path = std::env::temp_dir().join(format!("einwahl-password-{}-{name}", std::process::id()));
        std::fs::write(&path, content).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its rights");
        path.display().to_string()
    }

    fn trunk(lines: &str) -> Trunk {
        let text = format!("[[trunks]]\nname = \"netz\"\nnetworks = [\"192.0.2.0/24\"]\n{lines}");
        Config::from_toml(&text).expect("readable").trunks.remove(0)
    }

    fn told(lines: &str) -> String {
        mistakes(&trunk(lines)).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_trunk_with_an_account_has_its_password_and_nobody_sees_it() {
        let file = password_file("good", "geheim\n", 0o600);
        let lines = format!(
            "dial = \"sip:192.0.2.10:5060;transport=tcp\"\nuser = \"4930901820\"\npassword_file = {file:?}\nregister = true\n\
             identity = \"+49 30 9018 0\"\ntest = \"+4930901899\"\n"
        );
        assert_eq!(told(&lines), "");
        let trunk = trunk(&lines);
        let password = trunk.password().expect("readable").expect("a password");
        assert_eq!(password.expose(), "geheim");
        let identity = trunk.identity.as_ref().expect("an identity").0.reveal(crate::words::Purpose::Signalling);
        assert_eq!(identity.as_str(), "+493090180");
        assert!(!format!("{trunk:?}{password:?}").contains("geheim"));
    }

    #[test]
    fn every_mistake_is_told_at_once_with_what_to_do() {
        let told = told(
            "transports = [\"tls\"]\ndial = \"sip:198.51.100.1:5060;transport=tcp\"\nregister = true\npassword_file = \"/nowhere/x\"\n\
             test = \"030 12\"\n",
        );
        for expected in [
            "trunk netz is dialled over TCP, which is not among its transports\nhelp: add \"tcp\" to transports",
            "trunk netz is dialled at 198.51.100.1, which is in none of its networks\nhelp: add \"198.51.100.1\"",
            "trunk netz has to register, but has no user",
            "trunk netz has a password_file, but no user",
            "the password_file /nowhere/x of trunk netz cannot be read",
            "the test of trunk netz cannot be called",
        ] {
            assert!(told.contains(expected), "{expected}\n\nin\n{told}");
        }
    }

    #[test]
    fn an_outbound_word_without_dial_and_a_user_without_password_are_told() {
        let told = told("user = \"a b\"\nregister = true\nidentity = \"+49309018\"\n");
        for expected in [
            "trunk netz has user, but no dial",
            "trunk netz has register, but no dial",
            "trunk netz has identity, but no dial",
            "trunk netz has a user, but no password_file",
            "the user of trunk netz cannot stand in a SIP URI",
        ] {
            assert!(told.contains(expected), "{expected}\n\nin\n{told}");
        }
    }

    #[test]
    fn a_password_that_everybody_can_read_or_that_is_not_there_is_refused() {
        let with = |file: &str| told(&format!("dial = \"sip:a.example\"\nuser = \"u\"\npassword_file = {file:?}\n"));
        let open = with(&password_file("open", "geheim", 0o644));
        assert!(open.contains("open to everybody") && open.contains("chmod 600"), "{open}");
        let empty = with(&password_file("empty", "\n", 0o600));
        assert!(empty.contains("is empty") && empty.contains("first line"), "{empty}");
    }

    #[test]
    fn a_dial_that_is_no_uri_and_a_number_without_its_country_are_refused_with_their_form() {
        let read = |lines: &str| {
            let text = format!("[[trunks]]\nname = \"netz\"\nnetworks = []\n{lines}");
            Config::from_toml(&text).expect_err("refused").to_string()
        };
        assert!(read("dial = \"pbx.stadt.example\"").contains("write sip:pbx.stadt.example"));
        assert!(read("identity = \"030 9018\"").contains("+49 30 9018 0"));
    }
}
