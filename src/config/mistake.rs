//! What is wrong in a configuration although each line of it can be read. All of it is told at once.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::{Config, mail, oidc, processors, trunks, turn};
use crate::residency::Residency;
use crate::tls;

/// One mistake, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    message: String,
    help: String,
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    /// The certificate of an authority cannot be used: `of` which part of the configuration it is, and for whom it vouches.
    pub(super) fn of_ca(ca: Option<&Path>, of: &str, whom: &str) -> Option<Self> {
        let error = tls::client(Some(ca?)).err()?;
        let help = format!("name the PEM file with the certificate of the authority that vouches for {whom}");
        Some(Self::new(format!("the ca of {of} cannot be used: {error}"), help))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\nhelp: {}", self.message, self.help)
    }
}

impl Config {
    /// Every mistake.
    #[cfg(test)]
    pub(super) fn mistakes(&self) -> Vec<Mistake> {
        self.examined().1
    }

    /// Who may get data, if it can be told, and every mistake: a file that both are about is read once.
    pub fn examined(&self) -> (Option<Residency>, Vec<Mistake>) {
        let mut found = trunks::mistakes(&self.trunks);
        let residency = processors::examined(self, &mut found);
        found.extend(self.doors_at_one_place());
        found.extend(oidc::mistakes(self));
        found.extend(mail::mistakes(self));
        found.extend(turn::mistakes(self));
        found.extend(self.federation.joined().err().into_iter().flatten());
        let addresses = self.media.address.all();
        let of_family = |v4: bool| addresses.iter().filter(|address| address.is_ipv4() == v4).count();
        if addresses.is_empty() || of_family(true) > 1 || of_family(false) > 1 {
            let help = "write one IPv4 address, one IPv6 address, or one of each: address = [\"192.0.2.10\", \"2001:db8::10\"]";
            found.push(Mistake::new("media.address is neither one address nor one of each family", help));
        }
        if addresses.iter().any(IpAddr::is_unspecified) {
            let help = "name the address that telephones reach: it is written into every answer";
            found.push(Mistake::new("media.address stands for every address of this machine", help));
        }
        if self.media.codecs.is_empty() {
            let help = "leave media.codecs out, or name at least PCMA: every telephone has it";
            found.push(Mistake::new("media.codecs is empty: no call could be answered", help));
        }
        if self.dialplan.approval && self.dialplan.folder.is_some() {
            let help =
                "who may write into the folder publishes: let people agree there (git), or leave dialplan.folder out";
            found.push(Mistake::new("dialplan.approval does not go together with dialplan.folder", help));
        }
        if let Ok(home) = self.zone() {
            found.extend(self.book(&home).err().into_iter().flatten());
        }
        (residency, found)
    }

    /// Two keys that name the same place: TCP gives it to the first alone.
    fn doors_at_one_place(&self) -> Vec<Mistake> {
        let tls = self.sip.tls();
        let doors: [(&str, &[SocketAddr]); 7] = [
            ("sip.listen", &self.sip.listen),
            ("sip.tls_listen", &tls),
            ("web.listen", &self.web.listen),
            ("browsers.listen", &self.browsers.listen),
            ("observe.listen", &self.observe.listen),
            ("federation.listen", &self.federation.listen),
            ("federation.sip", &self.federation.sip),
        ];
        let mut found = Vec::new();
        for (number, (key, places)) in doors.iter().enumerate() {
            for (earlier, taken) in doors.iter().take(number) {
                let at = places.iter().find(|place| taken.iter().any(|other| collide(**place, *other)));
                found.extend(at.map(|at| {
                    let help = "give one of them another port; left out, sip.tls_listen is port 5061 once there is a certificate for SIP";
                    Mistake::new(format!("{key} and {earlier} both listen at {at}"), help)
                }));
            }
        }
        found
    }
}

/// Whether both cannot be listened at. Port 0 is whichever is free.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    let reached = one.ip() == other.ip() || everywhere && one.is_ipv4() == other.is_ipv4();
    one.port() != 0 && one.port() == other.port() && reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let config = Config::from_toml(text).expect("readable");
        config.mistakes().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn two_doors_at_one_place_are_told_with_both_keys() {
        let sip = "[federation]\nsip = [\"192.0.2.10:5061\"]\n";
        let both = "error: federation.sip and sip.tls_listen both listen at 192.0.2.10:5061\nhelp: give one of them another port";
        let named = format!("[sip]\ntls_listen = [\"192.0.2.10:5061\"]\n{sip}");
        assert!(told(&named).contains(both), "{}", told(&named));
        assert!(told(&named.replace("[\"192.0.2.10:5061\"]\n[", "[\"0.0.0.0:5061\"]\n[")).contains(both));
        // Nobody has written this port: it comes with the certificate.
        let beside = format!("[sip]\nlisten = [\"192.0.2.10:5060\"]\ncertificate = \"c\"\nkey = \"k\"\n{sip}");
        assert!(told(&beside).contains(both), "{}", told(&beside));
        for apart in [
            beside.replace("key = \"k\"\n", "key = \"k\"\ntls_listen = []\n"),
            named.replace("10:5061\"]\n[", "11:5061\"]\n["),
            named.replace("5061", "0"),
            named.replace("192.0.2.10:5061\"]\n[", "[::]:5061\"]\n["),
        ] {
            assert!(!told(&apart).contains("both listen"), "{}", told(&apart));
        }
        let plain = told("[web]\nlisten = [\"127.0.0.1:5060\"]\n");
        assert!(plain.contains("web.listen and sip.listen both listen at 127.0.0.1:5060"), "{plain}");
    }

    #[test]
    fn trunks_that_share_a_name_or_an_address_are_told_with_what_to_do() {
        let told = told(
            "[[trunks]]\nname = \"a\"\nnetworks = [\"10.0.0.0/8\"]\n[[trunks]]\nname = \"b\"\nnetworks = [\"10.1.2.3\"]\n\
             [[trunks]]\nname = \"a\"\nnetworks = []\nmost_calls = 0\n",
        );
        for expected in [
            "10.1.2.3/32 of trunk b and 10.0.0.0/8 of trunk a overlap\nhelp: an address belongs to one trunk",
            "there are two trunks a",
            "trunk a has no network",
            "trunk a may have no call",
        ] {
            assert!(told.contains(expected), "{expected}\n\nin\n{told}");
        }
    }

    #[test]
    fn a_network_is_read_as_admins_write_it_and_refused_with_the_right_one() {
        let read = |network: &str| {
            Config::from_toml(&format!("[[trunks]]\nname = \"a\"\nnetworks = [\"{network}\"]\n"))
                .map_err(|error| error.to_string())
        };
        assert!(read("192.0.2.7").is_ok() && read("2001:db8::/32").is_ok());
        let error = read("192.0.2.7/24").expect_err("refused");
        assert!(error.contains("write 192.0.2.0/24"), "{error}");
        assert!(read("rathaus").expect_err("refused").contains("2001:db8::/32"));
        let error =
            Config::from_toml("[[trunks]]\nname = \"a\"\nnetworks = []\ncodecs = [\"g729\"]\n").expect_err("refused");
        assert!(error.to_string().contains("PCMA"), "{error}");
    }

    #[test]
    fn a_folder_asks_nobody_for_approval() {
        assert_eq!(told("[dialplan]\napproval = true\n"), "");
        assert!(told("[dialplan]\napproval = true\nfolder = \"plan\"\n").contains("let people agree there"));
    }

    #[test]
    fn media_has_one_address_of_each_family_at_most() {
        assert_eq!(told("[media]\naddress = \"192.0.2.10\"\n"), "");
        assert_eq!(told("[media]\naddress = [\"192.0.2.10\", \"2001:db8::10\"]\n"), "");
        assert!(told("[media]\naddress = [\"192.0.2.10\", \"192.0.2.11\"]\n").contains("one of each"));
        assert!(told("[media]\naddress = \"0.0.0.0\"\n").contains("telephones reach"));
    }
}
