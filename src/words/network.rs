//! Networks, as people write them.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A network: `192.0.2.0/24`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(pub IpNet);

/// Not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// It cannot be read.
    #[error("{0:?} is no network: write 192.0.2.0/24, 2001:db8::/32, or one address")]
    Unreadable(String),
    /// It names an address inside of it.
    #[error("{0} is an address inside of a network: write {1} for the network, or the address alone")]
    Inside(IpNet, IpNet),
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        if let Ok(address) = text.parse::<std::net::IpAddr>() {
            return Ok(Self(IpNet::from(address)));
        }
        let unreadable = || InvalidNetwork::Unreadable(text.chars().take(80).collect());
        let network: IpNet = text.parse().map_err(|_| unreadable())?;
        let whole = network.trunc();
        if network == whole { Ok(Self(network)) } else { Err(InvalidNetwork::Inside(network, whole)) }
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;
    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
