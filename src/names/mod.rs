//! Asks DNS. In: names. Out: their records and addresses; or those addresses alone to which something may be sent.
//!
//! This is the one place that resolves names for what we open ourselves: who opens a connection is given addresses.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
pub use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;

use crate::residency::{Purpose, Refused, Residency};

/// Asks DNS servers; set up when the first name is asked for, so that who asks for none needs none.
#[derive(Clone)]
pub struct Names {
    named: Arc<[SocketAddr]>,
    dns: Arc<OnceLock<Result<Servers, Unresolved>>>,
    residency: Residency,
}

/// Those who are asked.
#[derive(Clone)]
struct Servers {
    resolver: TokioResolver,
    addresses: Vec<IpAddr>,
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
    /// Asks those of these servers that may be asked; of those of this machine, if none is named. Addresses stand for themselves, whatever
    /// becomes of that.
    pub fn new(servers: &[SocketAddr], residency: Residency) -> Self {
        Self { named: servers.into(), dns: Arc::default(), residency }
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
        match self.servers()?.lookup_ip(whole(host)).await {
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
        match self.servers()?.lookup(whole(name), kind).await {
            Ok(lookup) => Ok(lookup.answers().iter().filter_map(|record| read(&record.data)).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(Unresolved::NoAnswer { name: name.to_owned(), why: error.to_string() }),
        }
    }

    fn dns(&self) -> Result<&Servers, Unresolved> {
        let set_up = || found(&self.named).and_then(|(config, options)| Servers::new(config, options, &self.residency));
        self.dns.get_or_init(set_up).as_ref().map_err(Clone::clone)
    }

    /// Who is asked. Each question is one more reason to send something there.
    fn servers(&self) -> Result<&TokioResolver, Unresolved> {
        let Servers { resolver, addresses } = self.dns()?;
        for address in addresses {
            self.residency.permit(Purpose::Dns, None, *address).map_err(setup)?;
        }
        Ok(resolver)
    }
}

impl Servers {
    fn new(config: ResolverConfig, options: ResolverOpts, residency: &Residency) -> Result<Self, Unresolved> {
        let mut why = None;
        let mut permitted = Vec::new();
        for server in config.name_servers() {
            match residency.permit(Purpose::Dns, None, server.ip) {
                Ok(_) => permitted.push(server.clone()),
                Err(refused) => why = Some(refused),
            }
        }
        if let Some(refused) = why.filter(|_| permitted.is_empty()) {
            return Err(setup(refused));
        }
        let addresses = permitted.iter().map(|server| server.ip).collect();
        let config = ResolverConfig::from_name_servers(permitted);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        builder.options_mut().timeout = PATIENCE;
        builder.options_mut().attempts = 1;
        Ok(Self { resolver: builder.build().map_err(setup)?, addresses })
    }
}

/// The DNS servers of this machine (`/etc/resolv.conf`).
pub fn servers_of_this_machine() -> Vec<IpAddr> {
    let servers = |(config, _): (ResolverConfig, _)| config.name_servers().iter().map(|server| server.ip).collect();
    read_system_conf().map(servers).unwrap_or_default()
}

fn found(servers: &[SocketAddr]) -> Result<(ResolverConfig, ResolverOpts), Unresolved> {
    if servers.is_empty() {
        return read_system_conf().map_err(setup);
    }
    let server = |at: &SocketAddr| {
        let ports = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = at.port();
            connection
        });
        NameServerConfig::new(at.ip(), true, ports.to_vec())
    };
    let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
    Ok((config, ResolverOpts::default()))
}

fn setup(why: impl std::fmt::Display) -> Unresolved {
    Unresolved::Setup(why.to_string())
}

/// A name as it is asked for: whole, without the search domains of this machine.
fn whole(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::residency::Processor;

    fn processor(network: &str) -> Processor {
        Processor {
            name: String::from("Rechenzentrum"),
            purposes: vec![Purpose::Dns],
            country: "DE".parse().expect("a country"),
            networks: vec![network.parse().expect("a network")],
            hosts: Vec::new(),
            contract: String::new(),
        }
    }

    fn asked(addresses: &[&str], residency: &Residency) -> Result<Vec<IpAddr>, Unresolved> {
        let at = |address: &&str| SocketAddr::new(address.parse().expect("an address"), 53);
        let named: Vec<SocketAddr> = addresses.iter().map(at).collect();
        Names::new(&named, residency.clone()).dns().map(|servers| servers.addresses.clone())
    }

    #[tokio::test]
    async fn servers_that_may_not_be_asked_are_left_out_and_if_none_may_names_lead_nowhere() {
        let residency = Residency::new(vec![processor("192.0.2.0/24")]);
        assert_eq!(asked(&["192.0.2.1", "8.8.8.8"], &residency), Ok(vec![[192, 0, 2, 1].into()]));
        let refused = residency.decisions().into_iter().find(|one| one.verdict.is_err()).expect("remembered");
        assert_eq!((refused.purpose, refused.address), (Purpose::Dns, [8, 8, 8, 8].into()));
        let names = Names::new(&[([8, 8, 8, 8], 53).into()], residency);
        let why = names.addresses("stadt-b.example").await.expect_err("nobody may be asked").to_string();
        assert!(why.contains("8.8.8.8"), "{why}");
        let addresses = names.permitted(Purpose::Dns, "192.0.2.1").await;
        assert_eq!(addresses, Ok(vec![[192, 0, 2, 1].into()]), "an address needs no DNS");
    }
}
