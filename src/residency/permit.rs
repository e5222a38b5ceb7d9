//! Whether data may go somewhere. Pure: in are the processors, a purpose, a name and the address that it led to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::processor::{Processor, Purpose};
use crate::member::Member;
use crate::words::{Country, Network};

/// Data may go there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// To whom; `None` is this machine itself.
    pub processor: Option<String>,
    /// The address, and no other.
    pub address: IpAddr,
}

/// Data may not go there. The sentences name hosts and networks of institutions, no person's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody is declared for that.
    #[error(
        "no processor is declared for {purpose}: add [[processors]] with purposes = [\"{purpose}\"], its country and networks = [\"{address}\"]"
    )]
    Undeclared {
        /// For which purpose.
        purpose: Purpose,
        /// Where it was to go.
        address: IpAddr,
    },
    /// The address is nobody's who may get data for this.
    #[error("{address}{} is in the networks of no processor for {purpose}", told(.host.as_deref()))]
    Elsewhere {
        /// For which purpose.
        purpose: Purpose,
        /// The name that led there.
        host: Option<String>,
        /// Where it was to go.
        address: IpAddr,
    },
    /// It is not to be found by this name.
    #[error("{host} is no name by which processor {processor} may be found: add it to its hosts, or use one of them")]
    OtherName {
        /// The name.
        host: String,
        /// Whose address it led to.
        processor: String,
    },
    /// Outside of the EEA.
    #[error("processor {processor} is in {country}, outside of the European Economic Area")]
    Abroad {
        /// Whose address it is.
        processor: String,
        /// Where it is.
        country: Country,
    },
    /// Declared as inside, and outside by the file of countries.
    #[error("{address} of {processor} is in {country} by the file of countries, outside of the European Economic Area")]
    Found {
        /// Where it was to go.
        address: IpAddr,
        /// Whose address it is, as it is declared.
        processor: String,
        /// Where it is, as the file writes it.
        country: String,
    },
}

fn told(host: Option<&str>) -> String {
    host.map_or_else(String::new, |host| format!(" ({host})"))
}

pub(super) fn permit(
    processors: &[Processor],
    purpose: Purpose,
    host: Option<&str>,
    address: IpAddr,
) -> Result<Permit, Refused> {
    // An IPv4 address inside of an IPv6 one (RFC 4291 section 2.5.5.2) is that IPv4 address.
    let address = address.to_canonical();
    if address.is_loopback() {
        return Ok(Permit { processor: None, address });
    }
    let mut for_this = processors.iter().filter(|processor| processor.purposes.contains(&purpose)).peekable();
    if for_this.peek().is_none() {
        return Err(Refused::Undeclared { purpose, address });
    }
    let mut why = Refused::Elsewhere { purpose, host: host.map(str::to_owned), address };
    for processor in for_this.filter(|processor| processor.is_at(address)) {
        match host.filter(|host| !processor.answers_to(host)) {
            _ if !processor.country.is_in_eea() => {
                why = Refused::Abroad { processor: processor.name.clone(), country: processor.country };
            }
            Some(host) => why = Refused::OtherName { host: host.to_owned(), processor: processor.name.clone() },
            None => return Ok(Permit { processor: Some(processor.name.clone()), address }),
        }
    }
    Err(why)
}

/// To a member, as the registry declares it.
pub(super) fn to_member(member: &Member, host: Option<&str>, address: IpAddr) -> Result<Permit, Refused> {
    let (purpose, declared) = (Purpose::Member, Processor::of_member(member));
    let address = address.to_canonical();
    if !declared.is_at(address) {
        return Err(Refused::Elsewhere { purpose, host: host.map(str::to_owned), address });
    }
    permit(std::slice::from_ref(&declared), purpose, host, address)
        .map(|permit| Permit { processor: Some(declared.name), ..permit })
}

/// The institution's own networks, in which telephones are: addresses that nobody outside can have (RFC 1918, RFC 4193, RFC 3927, RFC 4291).
const WITHIN: [IpNet; 6] = [
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([169, 254, 0, 0], 16),
    v6(0xfc00, 7),
    v6(0xfe80, 10),
];

/// This machine.
pub(super) const HERE: [Network; 2] =
    [Network(v4([127, 0, 0, 0], 8)), Network(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)))];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(begin: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(begin, 0, 0, 0, 0, 0, 0, 0), length))
}

/// Where the sound of a trunk's calls may go: to the trunk itself, to the institution's own networks, and to its processors for trunks.
pub(super) fn call_networks(processors: &[Processor], trunk: &[IpNet]) -> Vec<Network> {
    let own = WITHIN.into_iter().map(Network).chain(HERE);
    let carries = |one: &&Processor| one.purposes.contains(&Purpose::Trunk) && one.country.is_in_eea();
    let declared = processors.iter().filter(carries).flat_map(|one| one.networks.iter().copied());
    own.chain(trunk.iter().copied().map(Network)).chain(declared).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn processor(name: &str, purpose: Purpose, country: &str, network: &str, hosts: &[&str]) -> Processor {
        Processor {
            name: name.to_owned(),
            purposes: vec![purpose],
            country: country.parse().expect("a country"),
            networks: vec![network.parse().expect("a network")],
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            contract: String::new(),
        }
    }

    fn town() -> Vec<Processor> {
        vec![
            processor("Telefonanlage", Purpose::Trunk, "DE", "192.0.2.0/24", &[]),
            processor(
                "Rechenzentrum",
                Purpose::Oidc,
                "AT",
                "198.51.100.0/24",
                &["login.rz.example", "*.id.rz.example"],
            ),
            processor("Mailer", Purpose::Smtp, "US", "203.0.113.0/24", &[]),
        ]
    }

    fn ask(purpose: Purpose, host: Option<&str>, address: &str) -> Result<Permit, Refused> {
        permit(&town(), purpose, host, address.parse().expect("an address"))
    }

    #[test]
    fn data_goes_to_a_declared_processor_at_its_own_address_for_its_own_purpose() {
        let to = ask(Purpose::Trunk, None, "192.0.2.7").expect("permitted");
        assert_eq!(to.processor.as_deref(), Some("Telefonanlage"));
        assert!(ask(Purpose::Trunk, None, "::ffff:192.0.2.7").is_ok());
        assert!(matches!(ask(Purpose::Oidc, None, "192.0.2.7"), Err(Refused::Elsewhere { .. })));
        assert!(matches!(ask(Purpose::Webhook, None, "192.0.2.7"), Err(Refused::Undeclared { .. })));
    }

    #[test]
    fn a_name_that_is_made_to_lead_elsewhere_leads_nowhere() {
        assert!(ask(Purpose::Oidc, Some("login.rz.example"), "198.51.100.4").is_ok());
        let rebound = ask(Purpose::Oidc, Some("login.rz.example"), "8.8.8.8").expect_err("refused");
        assert!(rebound.to_string().contains("8.8.8.8 (login.rz.example)"), "{rebound}");
        assert!(matches!(
            ask(Purpose::Oidc, Some("login.bad.example"), "198.51.100.4"),
            Err(Refused::OtherName { .. })
        ));
        assert!(ask(Purpose::Oidc, Some("A.ID.rz.example."), "198.51.100.4").is_ok());
        assert!(ask(Purpose::Oidc, Some("id.rz.example"), "198.51.100.4").is_err());
        assert!(ask(Purpose::Oidc, Some("badid.rz.example"), "198.51.100.4").is_err());
    }

    #[test]
    fn a_processor_abroad_gets_nothing_and_the_refusal_says_where_it_is() {
        let why = ask(Purpose::Smtp, None, "203.0.113.1").expect_err("refused").to_string();
        assert!(why.contains("Mailer") && why.contains("US"), "{why}");
    }

    #[test]
    fn this_machine_needs_no_declaration() {
        for address in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(ask(Purpose::Webhook, None, address).expect("permitted").processor, None, "{address}");
        }
    }

    #[test]
    fn a_member_gets_data_at_its_own_networks_only_and_by_its_own_names() {
        let member: Member = serde_json::from_value(serde_json::json!({
            "domain": "stadt-b.example",
            "name": "Stadt B",
            "country": "AT",
            "links": ["gw.stadt-b.example:8448"],
            "pins": [],
            "key": "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "media": ["192.0.2.0/24", "127.0.0.2"],
            "contact": "technik@stadt-b.example"
        }))
        .expect("a member");
        let ask = |host, address: &str| to_member(&member, host, address.parse().expect("an address"));
        let link = Some("gw.stadt-b.example");
        assert_eq!(ask(link, "192.0.2.7").expect("permitted").processor.as_deref(), Some("stadt-b.example"));
        assert!(ask(None, "192.0.2.7").is_ok(), "sound needs no name");
        assert_eq!(ask(None, "127.0.0.2").expect("permitted").processor.as_deref(), Some("stadt-b.example"));
        assert!(matches!(ask(link, "8.8.8.8"), Err(Refused::Elsewhere { .. })));
        assert!(
            matches!(ask(None, "127.0.0.1"), Err(Refused::Elsewhere { .. })),
            "also this machine has to be its own"
        );
        assert!(matches!(ask(Some("gw.stadt-c.example"), "192.0.2.7"), Err(Refused::OtherName { .. })));
    }

    #[test]
    fn the_sound_of_a_trunk_stays_with_it_with_us_and_with_who_is_declared_for_it() {
        let trunk: Vec<IpNet> = vec!["203.0.113.5/32".parse().expect("a network")];
        let networks = call_networks(&town(), &trunk);
        let may = |address: &str| {
            let address: IpAddr = address.parse().expect("an address");
            networks.iter().any(|network| network.0.contains(&address))
        };
        for address in ["203.0.113.5", "192.0.2.7", "10.1.2.3", "192.168.1.1", "fd00::1", "127.0.0.1"] {
            assert!(may(address), "{address}");
        }
        for address in ["203.0.113.6", "198.51.100.4", "8.8.8.8", "2001:db8::1", "172.32.0.1"] {
            assert!(!may(address), "{address}: another purpose, or nobody's");
        }
    }

    proptest! {
        #[test]
        fn what_is_permitted_is_in_the_networks_of_one_in_the_eea(bits in any::<u32>(), purpose in 0usize..10) {
            let (address, purpose) = (IpAddr::from(bits.to_be_bytes()), Purpose::ALL[purpose]);
            if let Ok(permit) = permit(&town(), purpose, None, address) {
                let sound = |one: &Processor| one.country.is_in_eea() && one.purposes.contains(&purpose) && one.is_at(address);
                prop_assert!(address.is_loopback() || town().iter().any(|one| Some(&one.name) == permit.processor.as_ref() && sound(one)));
            }
        }
    }
}
