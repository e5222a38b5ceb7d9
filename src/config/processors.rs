//! Who gets data, and what of the configuration sends some: everything that leaves this machine is named here.

use std::path::PathBuf;

use serde::Deserialize;

use super::mistake::Mistake;
use super::{Config, Source};
use crate::connection::Relay;
use crate::names::servers_of_this_machine;
use crate::oidc::Issuer;
use crate::residency::{Basis, Caller, Countries, Destination, Purpose, Report, Residency, Verdict};

/// What is asked about processors and members, beside what they declare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Residing {
    /// A file that tells the country of addresses, in MaxMind's format (`GeoLite2-Country.mmdb`). It is read at the start.
    pub countries: Option<PathBuf>,
}

impl Residing {
    /// The file, read.
    fn countries(&self) -> Result<Option<Countries>, Mistake> {
        let Some(file) = &self.countries else { return Ok(None) };
        Countries::open(file).map(Some).map_err(|why| {
            let help =
                "name a file in MaxMind's format that tells countries, as GeoLite2-Country.mmdb does, or leave it out";
            Mistake::new(format!("residency.countries {} cannot be used: {why}", file.display()), help)
        })
    }
}

impl Config {
    /// Who may get data, and what is asked about it.
    ///
    /// # Errors
    /// What is to be asked cannot be used.
    pub fn residency(&self) -> Result<Residency, Mistake> {
        Ok(Residency::new(self.processors.clone()).seconded(self.residency.countries()?))
    }

    /// Where this configuration sends something.
    fn destinations(&self) -> Vec<Destination> {
        let trunk = |trunk: &super::Trunk| {
            let host = trunk.dial.as_ref()?.0.host.to_string();
            Some(Destination { purpose: Purpose::Trunk, host, named_by: format!("trunk {}", trunk.name) })
        };
        let dns = |server: &std::net::SocketAddr| Destination {
            purpose: Purpose::Dns,
            host: server.ip().to_string(),
            named_by: String::from("sip.dns"),
        };
        let issuer = self.oidc.as_ref().and_then(|oidc| oidc.issuer.parse::<Issuer>().ok());
        let oidc = issuer.map(|issuer| Destination {
            purpose: Purpose::Oidc,
            host: issuer.host().to_owned(),
            named_by: String::from("oidc"),
        });
        let mail = self.mail.as_ref().map(|mail| Destination {
            purpose: Purpose::Smtp,
            host: mail.server.clone(),
            named_by: String::from("mail"),
        });
        let relay = |server: &String| {
            let host = server.parse::<Relay>().ok()?.host().to_string();
            Some(Destination { purpose: Purpose::Turn, host, named_by: String::from("turn") })
        };
        let relays = self.turn.iter().flat_map(|turn| turn.servers.iter().filter_map(relay));
        let registry = match self.federation.source() {
            Ok(Some(Source::Https { address, .. })) => Some(Destination {
                purpose: Purpose::Registry,
                host: address.host().trim_matches(['[', ']']).to_owned(),
                named_by: String::from("federation.registry"),
            }),
            Ok(Some(Source::File(_)) | None) | Err(_) => None,
        };
        self.trunks
            .iter()
            .filter_map(trunk)
            .chain(self.sip.dns.iter().map(dns))
            .chain(oidc)
            .chain(relays)
            .chain(mail)
            .chain(registry)
            .collect()
    }

    /// What the record of processing is made of, beside the processors.
    pub fn basis(&self) -> Basis {
        let caller = |trunk: &super::Trunk| Caller { trunk: trunk.name.to_string(), networks: trunk.networks.clone() };
        let callers = self.trunks.iter().map(caller).collect();
        let dns = if self.sip.dns.is_empty() { servers_of_this_machine() } else { Vec::new() };
        Basis { destinations: self.destinations(), dns, callers, kept: self.kept() }
    }

    /// How long personal data is kept, in days, by what it is.
    fn kept(&self) -> Vec<(String, u32)> {
        let (audit, calls) = (self.records.keep_days.get(), self.records.calls_keep_days.get());
        vec![(String::from("audit (masked)"), audit), (String::from("records of calls"), calls)]
    }
}

/// Who may get data, unless what is to be asked cannot be; and what is wrong with them, and what may not be reached because of it.
pub(super) fn examined(config: &Config, found: &mut Vec<Mistake>) -> Option<Residency> {
    let residency = config.residency().map_err(|mistake| found.push(mistake)).ok();
    let countries = residency.as_ref().and_then(Residency::countries);
    let processors = &config.processors;
    for (number, processor) in processors.iter().enumerate() {
        let name = &processor.name;
        let mut say = |message: String, help: &str| found.push(Mistake::new(message, help));
        if processors.iter().take(number).any(|other| other.name == *name) {
            say(
                format!("there are two processors {name:?}"),
                "give one of them another name, or one entry both purposes",
            );
        }
        if !processor.country.is_in_eea() {
            let message =
                format!("processor {name:?} is in {}, outside of the European Economic Area", processor.country);
            say(message, "nothing is sent there: take it out, or name one inside");
        }
        if processor.purposes.is_empty() {
            say(format!("processor {name:?} has no purpose"), "say what it gets data for: purposes = [\"trunk\"]");
        }
        if processor.networks.is_empty() {
            let help = "name its addresses: networks = [\"192.0.2.0/24\"]";
            say(format!("processor {name:?} has no network: nothing can go to it"), help);
        }
        for (part, country) in processor.networks.iter().filter_map(|one| countries?.abroad_within(one)) {
            let message = format!(
                "{part} of processor {name:?} is in {country} by residency.countries, outside of the European Economic Area"
            );
            say(
                message,
                "nothing is sent there: name its networks inside of the EEA alone, or bring the file up to date",
            );
        }
        for network in processor.networks.iter().filter(|network| network.0.prefix_len() < 8) {
            let help = "name the networks that are its own: a wider one permits addresses of anybody";
            say(format!("{network} of processor {name:?} is no institution's network"), help);
        }
    }
    // What this machine's DNS servers are is no matter of the file.
    let named = Basis { destinations: config.destinations(), ..Basis::default() };
    for (destination, verdict) in Report::new(processors, Vec::new(), named).destinations {
        if let Verdict::Refused(why) = verdict {
            let help = "add who that is as [[processors]]: name, purposes, country, networks, contract";
            found.push(Mistake::new(
                format!("{} cannot be reached at {}: {why}", destination.named_by, destination.host),
                help,
            ));
        }
    }
    residency
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let config = Config::from_toml(text).expect("readable");
        config.mistakes().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    const TRUNK: &str = "[[trunks]]\nname = \"pbx\"\nnetworks = [\"192.0.2.0/24\"]\ndial = \"sip:192.0.2.5:5060\"\n";

    fn processor(country: &str, network: &str) -> String {
        format!(
            "[[processors]]\nname = \"Amt\"\npurposes = [\"trunk\"]\ncountry = \"{country}\"\nnetworks = [\"{network}\"]\n"
        )
    }

    #[test]
    fn a_trunk_that_is_called_needs_a_processor_in_the_eea_at_its_address() {
        assert!(told(TRUNK).contains("trunk pbx cannot be reached at 192.0.2.5"));
        assert_eq!(told(&format!("{TRUNK}{}", processor("DE", "192.0.2.0/24"))), "");
        assert!(told(&format!("{TRUNK}{}", processor("DE", "198.51.100.0/24"))).contains("cannot be reached"));
        let abroad = told(&format!("{TRUNK}{}", processor("US", "192.0.2.0/24")));
        assert!(abroad.contains("is in US") && abroad.contains("cannot be reached"), "{abroad}");
        assert_eq!(told(&TRUNK.replace("192.0.2.5", "127.0.0.1").replace("192.0.2.0/24", "127.0.0.0/8")), "");
    }

    #[test]
    fn what_a_file_of_countries_finds_outside_is_told_and_gets_nothing() {
        const FILE: &str = "[residency]\ncountries = \"src/residency/countries.mmdb\"\n";
        let text = |network| format!("{FILE}{}", processor("DE", network));
        assert_eq!(told(&text("192.0.2.0/24")), "");
        let abroad = told(&text("198.51.100.0/24"));
        assert!(abroad.contains("198.51.100.0/25 of processor \"Amt\" is in US by residency.countries"), "{abroad}");
        let residency = Config::from_toml(&text("198.51.100.0/24")).expect("readable").residency().expect("usable");
        let ask = |address: &str| residency.permit(Purpose::Trunk, None, address.parse().expect("an address"));
        let why = ask("198.51.100.7").expect_err("refused").to_string();
        assert!(why.contains("198.51.100.7 of Amt is in US"), "{why}");
        assert!(ask("198.51.100.200").is_ok() && ask("127.0.0.1").is_ok());
        let missing = told("[residency]\ncountries = \"/nowhere/countries.mmdb\"\n");
        assert!(missing.contains("residency.countries /nowhere/countries.mmdb cannot be used"), "{missing}");
    }

    #[test]
    fn a_network_that_is_everybodys_is_no_institutions() {
        assert!(told(&processor("DE", "0.0.0.0/0")).contains("no institution's network"));
        let error = Config::from_toml(&processor("DE", "192.0.2.1/24")).expect_err("refused").to_string();
        assert!(error.contains("192.0.2.0/24"), "{error}");
    }

    #[test]
    fn the_report_tells_who_gets_what_and_what_is_refused() {
        let config = Config::from_toml(&format!("{TRUNK}{}", processor("DE", "192.0.2.0/24"))).expect("readable");
        let report = Report::new(&config.processors, Vec::new(), config.basis());
        assert!(report.is_sound());
        let text = report.to_markdown();
        for expected in
            ["| Amt | DE | yes | trunk |", "| trunk pbx | trunk | 192.0.2.5 | to Amt |", "audit (masked) | 365"]
        {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
        let rules = crate::residency::nftables(&report, "einwahl");
        for whom in ["Amt: trunk", "trunk pbx whose calls are answered: trunk"] {
            let rule = format!("ip daddr 192.0.2.0/24 meta l4proto {{ tcp, udp }} accept comment \"{whom}\"");
            assert!(rules.contains(&rule), "{rule} in\n{rules}");
        }
        assert!(!rules.contains("127.0.0.0/8"), "this machine is free in any case: {rules}");
    }

    #[test]
    fn the_name_servers_of_this_machine_are_destinations_once_something_has_a_name() {
        let named = |dial: &str| {
            let text = format!("{}{}", TRUNK.replace("192.0.2.5", dial), processor("DE", "192.0.2.0/24"));
            let config = Config::from_toml(&text).expect("readable");
            let basis = Basis { dns: vec![[203, 0, 113, 53].into()], ..config.basis() };
            Report::new(&config.processors, Vec::new(), basis)
        };
        assert!(named("192.0.2.5").is_sound(), "nobody is asked");
        let report = named("pbx.stadt.example");
        assert!(report.to_text().contains("/etc/resolv.conf: 203.0.113.53 → REFUSED"), "{}", report.to_text());
    }
}
