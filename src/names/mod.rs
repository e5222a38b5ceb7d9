//! Asks DNS. In: names. Out: their records and addresses; or those addresses alone to which something may be sent.
//!
//! This is the one place that resolves names for what we open ourselves: who opens a connection is given addresses.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
pub use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::residency::{Purpose, Refused, Residency};

/// Asks DNS servers.
#[derive(Clone)]
pub struct Names {
    dns: TokioResolver,
    residency: Residency,
}

/// A name leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// The resolver cannot be set up.
    #[error("DNS cannot be asked: {0}")]
    Setup(String),
    /// There is no such name.
    #[error("DNS knows no name {0}")]
    NoSuchName(String),
    /// The name is there, but has no address; or the service that it names has none.
    #[error("DNS knows {0}, but no address for it")]
    NoAddress(String),
    /// No DNS server answers, or it fails.
    #[error("DNS does not answer for {name}: {why}")]
    NoAnswer {
        /// Which name was asked for.
        name: String,
        /// What is known of it.
        why: String,
    },
}

/// A name leads to nothing that may be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReached {
    /// See [`Unresolved`].
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// See [`Refused`].
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// One DNS server gets so long for an answer, twice.
const PATIENCE: Duration = Duration::from_secs(2);

impl Names {
    /// Asks these servers; those of this machine, if none is named.
    ///
    /// # Errors
    /// This machine names none, or one that is named may not be asked.
    pub fn new(servers: &[SocketAddr], residency: Residency) -> Result<Self, Unresolved> {
        for server in servers {
            let refused = |refused: Refused| Unresolved::Setup(refused.to_string());
            residency.permit(Purpose::Dns, None, server.ip()).map_err(refused)?;
        }
        let setup = |error: NetError| Unresolved::Setup(error.to_string());
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio().map_err(setup)?
        } else {
            let server = |at: &SocketAddr| {
                let ports = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = at.port();
                    connection
                });
                NameServerConfig::new(at.ip(), true, ports.to_vec())
            };
            let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        builder.options_mut().timeout = PATIENCE;
        builder.options_mut().attempts = 1;
        let dns = builder.build().map_err(setup)?;
        Ok(Self { dns, residency })
    }

    /// Where something may be sent, for who asks for more than an address.
    pub const fn residency(&self) -> &Residency {
        &self.residency
    }

    /// The addresses of a name to which something may be sent; an address stands for itself.
    ///
    /// # Errors
    /// There is none, or no processor is declared for any of them.
    pub async fn permitted(&self, purpose: Purpose, host: &str) -> Result<Vec<IpAddr>, NotReached> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let (name, found) = match literal {
            Some(address) => (None, vec![address]),
            None => (Some(host), self.addresses(host).await?),
        };
        let mut why = None;
        let mut permitted = Vec::new();
        for address in found {
            match self.residency.permit(purpose, name, address) {
                Ok(permit) => permitted.push(permit.address),
                Err(refused) => why = why.or(Some(refused)),
            }
        }
        match why {
            Some(refused) if permitted.is_empty() => Err(refused.into()),
            Some(_) | None if permitted.is_empty() => Err(Unresolved::NoAddress(host.to_owned()).into()),
            Some(_) | None => Ok(permitted),
        }
    }

    /// The addresses of a name.
    ///
    /// # Errors
    /// There is none.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Unresolved> {
        match self.dns.lookup_ip(whole(host)).await {
            Ok(lookup) => Ok(lookup.iter().collect()),
            Err(error) if error.is_nx_domain() => Err(Unresolved::NoSuchName(host.to_owned())),
            Err(error) if error.is_no_records_found() => Err(Unresolved::NoAddress(host.to_owned())),
            Err(error) => Err(Unresolved::NoAnswer { name: host.to_owned(), why: error.to_string() }),
        }
    }

    /// What stands at a name; nothing, if the name or that kind of record is not there.
    ///
    /// # Errors
    /// Nobody answers.
    pub async fn records<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Vec<T>, Unresolved> {
        match self.dns.lookup(whole(name), kind).await {
            Ok(lookup) => Ok(lookup.answers().iter().filter_map(|record| read(&record.data)).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(Unresolved::NoAnswer { name: name.to_owned(), why: error.to_string() }),
        }
    }
}

/// A name as it is asked for: whole, without the search domains of this machine.
fn whole(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}
