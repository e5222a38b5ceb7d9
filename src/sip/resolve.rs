//! Asks DNS where a trunk is (RFC 3263). In: its target, how calls may travel, and the networks that are its own. Out: the hops
//! to try, the best first. What the names mean is `trunk::hops`; here is only the asking.
//!
//! The stack is given addresses. An answer that leads outside of the trunk's networks, or to where `residency` lets nothing go,
//! is never followed, whoever gave it.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::Trunk;
use crate::names::{self, Name, Names, RData, RecordType};
use crate::residency::{Purpose, Residency};
use crate::trunk::hops::{self, Hop, Hops, Pointer, Service};
use crate::words::{Domain, Host, Target, Transport};

/// Asks DNS servers.
#[derive(Clone)]
pub struct Resolver(Names);

/// A target leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// See [`names::Unresolved`].
    #[error(transparent)]
    Name(#[from] names::Unresolved),
    /// No address may be called.
    #[error("{name} leads to {}, outside of the trunk's networks or of those of a declared processor", list(.addresses))]
    Outside {
        /// Which name was asked for.
        name: String,
        /// The addresses.
        addresses: Vec<IpAddr>,
    },
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Resolver {
    /// Asks these servers; those of this machine, if none is named.
    pub fn new(servers: &[SocketAddr], residency: Residency) -> Self {
        Self(Names::new(servers, residency))
    }

    /// Where to try a trunk, the best first.
    ///
    /// # Errors
    /// There is no address that may be called.
    pub async fn hops(&self, trunk: &Trunk, target: &Target) -> Result<Hops, Unresolved> {
        self.within(target, &trunk.transports, &trunk.networks).await
    }

    /// Where other institutions' systems find this domain by SIP over TLS. Nothing is sent there.
    ///
    /// # Errors
    /// DNS leads nowhere.
    pub async fn published(&self, domain: &Domain) -> Result<Vec<Hop>, Unresolved> {
        let unreadable = |_| names::Unresolved::NoAddress(domain.to_string());
        let target: Target = format!("sip:{domain};transport=tls").parse().map_err(unreadable)?;
        self.found(&target, &[Transport::Tls]).await
    }

    async fn within(&self, target: &Target, allowed: &[Transport], networks: &[IpNet]) -> Result<Hops, Unresolved> {
        let host = match &target.host {
            Host::Name(name) => Some(name.as_str()),
            Host::Address(_) => None,
        };
        let may = |hop: &Hop| self.0.residency().permit(Purpose::Trunk, host, hop.address.ip()).is_ok();
        // First, so that it is noted, too, where nobody is declared: whoever changes a name is no other trunk of ours.
        let (permitted, refused): (Vec<Hop>, Vec<Hop>) = self.found(target, allowed).await?.into_iter().partition(may);
        let mut hops = Hops::within(permitted, networks);
        hops.outside.extend(refused.iter().map(|hop| hop.address.ip().to_canonical()));
        if !hops.to_try.is_empty() {
            return Ok(hops);
        }
        let name = target.host.to_string();
        Err(if hops.outside.is_empty() {
            names::Unresolved::NoAddress(name).into()
        } else {
            Unresolved::Outside { name, addresses: hops.outside }
        })
    }

    /// RFC 3263 sections 4.1 and 4.2.
    async fn found(&self, target: &Target, allowed: &[Transport]) -> Result<Vec<Hop>, Unresolved> {
        if let Some(hop) = Hops::of_address(target) {
            return Ok(vec![hop]);
        }
        let Host::Name(host) = &target.host else { return Ok(Vec::new()) };
        let ways = hops::ways(target, allowed);
        if let Some(port) = target.port {
            let transport = target.transport.unwrap_or_else(|| hops::plain_way(&ways));
            return self.addresses(host, port, transport).await;
        }
        let mut found = Vec::new();
        let mut was_there = false;
        for (transport, name) in self.services_of(host, target, &ways).await? {
            let services = self.services(&name).await?;
            was_there |= !services.is_empty();
            for service in hops::in_order(services, chance) {
                // A host of a service that is not there leaves the others.
                found.extend(self.addresses(&service.host, service.port, transport).await.unwrap_or_default());
            }
        }
        if was_there {
            return if found.is_empty() { Err(names::Unresolved::NoAddress(host.clone()).into()) } else { Ok(found) };
        }
        let transport = target.transport.unwrap_or_else(|| hops::plain_way(&ways));
        self.addresses(host, hops::usual_port(transport), transport).await
    }

    /// Which services to ask for: those that NAPTR names, or the usual ones.
    async fn services_of(
        &self,
        host: &str,
        target: &Target,
        ways: &[Transport],
    ) -> Result<Vec<(Transport, String)>, Unresolved> {
        if target.transport.is_none() {
            let pointed = hops::pointed(self.pointers(host).await?, ways);
            if !pointed.is_empty() {
                return Ok(pointed);
            }
        }
        Ok(ways.iter().map(|way| (*way, hops::service_name(*way, host))).collect())
    }

    async fn pointers(&self, host: &str) -> Result<Vec<Pointer>, Unresolved> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pointer = |data: &RData| {
            let RData::NAPTR(it) = data else { return None };
            it.flags.eq_ignore_ascii_case(b"s").then(|| Pointer {
                order: it.order,
                preference: it.preference,
                service: text(&it.services),
                replacement: plain(&it.replacement),
            })
        };
        Ok(self.0.records(host, RecordType::NAPTR, pointer).await?)
    }

    async fn services(&self, name: &str) -> Result<Vec<Service>, Unresolved> {
        let service = |data: &RData| {
            let RData::SRV(it) = data else { return None };
            Some(Service {
                priority: it.priority,
                weight: it.weight,
                port: it.port,
                host: if it.target.is_root() { String::from(".") } else { plain(&it.target) },
            })
        };
        Ok(self.0.records(name, RecordType::SRV, service).await?)
    }

    async fn addresses(&self, host: &str, port: u16, transport: Transport) -> Result<Vec<Hop>, Unresolved> {
        let hop = |address| Hop { address: SocketAddr::new(address, port), transport };
        Ok(self.0.addresses(host).await?.into_iter().map(hop).collect())
    }
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

/// A number below `end`, by chance; without randomness the first.
fn chance(end: u32) -> u32 {
    let mut bytes = [0; 4];
    if getrandom::fill(&mut bytes).is_err() || end == 0 {
        return 0;
    }
    u32::from_be_bytes(bytes) % end
}
