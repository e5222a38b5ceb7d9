//! Trunks: the telephone systems and carriers that call here, and are called. In: where a request comes from. Out: whose it is.
//!
//! Only the address counts: what a request says of itself can be said by anybody.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::call::sdp::{Keys, Protection};
use crate::words::{Codec, Personal, PhoneNumber, Secret, Target, Transport, TrunkName};

/// A telephone system or a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// What the dialplan and the log call it.
    pub name: TrunkName,
    /// Where its requests come from.
    pub networks: Vec<IpNet>,
    /// How they may travel; in any way, if none is named.
    pub transports: Vec<Transport>,
    /// The codecs for its calls, the best first; those of all calls, if none is named.
    pub codecs: Vec<Codec>,
    /// Its calls have protected media (SRTP), or there is none.
    pub needs_srtp: bool,
    /// So many of its calls at once; as many as the door takes, if it has no number.
    pub most_calls: Option<usize>,
    /// How it is called; nobody can be called there, if it has none.
    pub outbound: Option<Outbound>,
}

/// How a trunk is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Where calls to it go.
    pub target: Target,
    /// Who we are there, if it asks.
    pub account: Option<Account>,
    /// Whether it has to be told where we are.
    pub register: bool,
    /// The number that is shown there, unless a call has another.
    pub identity: Option<Personal<PhoneNumber>>,
    /// The authorities that vouch for its certificate, where they are not those of this machine.
    pub ca: Option<PathBuf>,
    /// A number there that may be called to test the trunk.
    pub test: Option<String>,
}

/// Who we are at a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Our name there.
    pub user: String,
    /// Our password there.
    pub password: Secret,
}

/// All of them. Their networks do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trunks(pub Vec<Trunk>);

impl Trunks {
    /// Whose address this is; an address of no trunk is a stranger's.
    pub fn at(&self, address: IpAddr) -> Option<&Trunk> {
        // A socket for both families shows IPv4 inside IPv6 (RFC 4291 section 2.5.5.2).
        let address = address.to_canonical();
        self.0.iter().find(|trunk| trunk.networks.iter().any(|network| network.contains(&address)))
    }

    /// The trunk of this name.
    pub fn named(&self, name: &TrunkName) -> Option<&Trunk> {
        self.0.iter().find(|trunk| trunk.name == *name)
    }
}

impl Trunk {
    /// Whether the media of calls to it are protected with these keys, which only TLS keeps secret; in an emergency any call will do.
    pub fn protection(&self, keys: Keys, emergency: bool) -> Protection {
        match (self.needs_srtp && !emergency, self.is_called_by_tls()) {
            (true, _) => Protection::Needed(keys),
            (false, true) => Protection::Possible(keys),
            (false, false) => Protection::None,
        }
    }

    /// Whether nobody can read what is said to it on the way.
    fn is_called_by_tls(&self) -> bool {
        let target = self.outbound.as_ref().map(|outbound| &outbound.target);
        target.is_some_and(|target| target.is_secure() || target.transport == Some(Transport::Tls))
            || self.transports == [Transport::Tls]
    }

    /// Whether its requests may come this way.
    pub fn may_use(&self, transport: Transport) -> bool {
        self.transports.is_empty() || self.transports.contains(&transport)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_trunk_of_its_network_also_inside_ipv6() {
        let networks = ["192.0.2.0/24", "2001:db8::/32"].map(|text| text.parse().expect("a network")).to_vec();
        let name: TrunkName = "rathaus".parse().expect("a name");
        let trunk = Trunk {
            name,
            networks,
            transports: vec![Transport::Tls],
            codecs: Vec::new(),
            needs_srtp: false,
            most_calls: None,
            outbound: None,
        };
        let trunks = Trunks(vec![trunk]);
        let at = |address: &str| trunks.at(address.parse().expect("an address")).map(|trunk| trunk.name.as_str());
        assert_eq!(at("192.0.2.7"), Some("rathaus"));
        assert_eq!(at("::ffff:192.0.2.7"), Some("rathaus"));
        assert_eq!(at("2001:db8:1::7"), Some("rathaus"));
        assert_eq!(at("192.0.3.7"), None);
        assert!(trunks.0[0].may_use(Transport::Tls) && !trunks.0[0].may_use(Transport::Udp));
    }
}
