//! Asks other servers over HTTPS (RFC 9110). In: a request. Out: its answer, or why there is none. It blocks: to be called where
//! nobody waits.
//!
//! A name is looked up here, and only an address that `residency` permits for the purpose is connected to, whatever the name says
//! the next time. No proxy and no redirection is followed: the answer comes from whom was asked, or there is none.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use tokio::runtime::Handle;
use ureq::http::{Request, Response, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::names::{Names, NotReached};
use crate::residency::{Purpose, Refused};
use crate::tls::{self, Unusable};

/// Asks for one purpose.
#[derive(Clone, Debug)]
pub struct Https {
    agent: ureq::Agent,
    longest: u64,
}

/// How much of an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The longest answer that is read, in bytes.
    pub longest: u64,
    /// For the whole of a question, looking up and answer included.
    pub patience: Duration,
}

/// For answers of a few keys and names.
impl Default for Bounds {
    fn default() -> Self {
        Self { longest: 256 * 1_024, patience: Duration::from_secs(8) }
    }
}

/// Where something is asked for: `https://register.kommunal.example/registry.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Uri);

/// Not such an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no address that can be asked: write https://, a name and a path, without a user before the name")]
pub struct NoAddress;

impl Address {
    /// Its host: a name, or an address in brackets if it is one of IPv6.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let uri: Uri = text.parse().map_err(|_| NoAddress)?;
        let sound = uri.scheme_str() == Some("https")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if sound { Ok(Self(uri)) } else { Err(NoAddress) }
    }
}

impl From<Address> for Uri {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nothing may be sent there.
    #[error("{host} is not asked: {why}")]
    Refused {
        /// Who.
        host: String,
        /// Why.
        why: Refused,
    },
    /// It cannot be reached, is not whom we trust, or says nothing that can be read.
    #[error("{host} does not answer: {why}")]
    Silent {
        /// Who.
        host: String,
        /// What is known of it.
        why: String,
    },
}

/// Addresses that are tried.
const MOST_ADDRESSES: usize = 8;

impl Https {
    /// Asks for a purpose those for whom the authorities in `ca` vouch, or those of this machine. Must be made inside of the
    /// runtime that looks names up.
    ///
    /// # Errors
    /// The authorities cannot be used.
    pub fn new(purpose: Purpose, ca: Option<&Path>, names: Names, bounds: Bounds) -> Result<Self, Unusable> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .https_only(true)
            .proxy(None)
            .max_redirects(0)
            .max_idle_connections(0)
            .timeout_global(Some(bounds.patience))
            .user_agent("einwahl")
            .tls_config(tls::asking(ca)?)
            .build();
        let looking = Permitted { purpose, names, runtime: Handle::current() };
        let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), looking);
        Ok(Self { agent, longest: bounds.longest })
    }

    /// Asks.
    ///
    /// # Errors
    /// Nothing may be sent there, or nobody answers.
    pub fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Trouble> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let trouble = |why: ureq::Error| why_not(&host, why);
        let (head, mut body) = self.agent.run(request).map_err(trouble)?.into_parts();
        let bytes = body.with_config().limit(self.longest).read_to_vec().map_err(trouble)?;
        Ok(Response::from_parts(head, bytes))
    }
}

fn why_not(host: &str, error: ureq::Error) -> Trouble {
    let host = host.to_owned();
    if let ureq::Error::Other(inner) = &error
        && let Some(NotReached::Refused(why)) = inner.downcast_ref::<NotReached>()
    {
        return Trouble::Refused { host, why: why.clone() };
    }
    // What ureq adds of its own says nothing to an administrator.
    let why = if let ureq::Error::Other(inner) = &error { inner.to_string() } else { error.to_string() };
    Trouble::Silent { host, why }
}

/// Looks names up, and gives no address that may not be reached.
struct Permitted {
    purpose: Purpose,
    names: Names,
    runtime: Handle,
}

impl fmt::Debug for Permitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "names for {}", self.purpose)
    }
}

/// RFC 9110 section 4.2.2.
const PORT: u16 = 443;

impl Resolver for Permitted {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &ureq::config::Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let found = self.runtime.block_on(self.names.permitted(self.purpose, host));
        let found = found.map_err(|why| ureq::Error::Other(Box::new(why)))?;
        let mut all = self.empty();
        for address in found.into_iter().take(MOST_ADDRESSES) {
            all.push(SocketAddr::new(address, uri.port_u16().unwrap_or(PORT)));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_protected_and_names_nobody_before_its_host() {
        let address: Address = "https://register.kommunal.example:8443/registry.json".parse().expect("an address");
        assert_eq!(address.host(), "register.kommunal.example");
        assert_eq!(address.to_string(), "https://register.kommunal.example:8443/registry.json");
        for bad in
            ["", "registry.json", "http://a.example/r", "https:///r", "https://u:p@a.example/r", "ftp://a.example"]
        {
            assert_eq!(bad.parse::<Address>(), Err(NoAddress), "{bad}");
        }
    }
}
