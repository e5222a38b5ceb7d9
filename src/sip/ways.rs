//! By which of our sockets a trunk is reached. In: a trunk that can be called, and one of its addresses. Out: the stack that leads
//! there, with our address and theirs as each reads it; over TCP and TLS with a connection that is open.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::{Host, HostWithPort, Param, Scheme, Transport, Uri};
use rsipstack::transport::SipAddr;
use rustls::pki_types::ServerName;

use super::gate::Gate;
use super::streams::{self, Encryption};
use super::trunks::Outbound;
use super::{SIP, Shared};
use crate::tls;
use crate::trunk::hops::Hop;
use crate::words::{self, Family};

/// The stacks of the door, one for each address that it listens at.
#[derive(Default)]
pub(super) struct Stacks(Mutex<Vec<Stack>>);

#[derive(Clone)]
pub(super) struct Stack {
    pub layer: Arc<DialogLayer>,
    /// What its messages pass.
    pub gate: Arc<Gate>,
    /// Where it listens.
    pub at: SocketAddr,
    /// With TLS, and nothing else.
    pub tls: bool,
}

/// How a trunk is reached.
pub(super) struct Way {
    pub layer: Arc<DialogLayer>,
    /// Where requests are sent.
    pub destination: SipAddr,
    /// Its address in a URI, without a user.
    pub them: Uri,
    /// Ours.
    pub us: Uri,
}

/// A trunk is not reached.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoWay {
    /// No socket of ours leads there.
    #[error("nothing listens here that could call {address} by {transport}: see [sip] listen and tls_listen")]
    NoSocket {
        /// Its address.
        address: SocketAddr,
        /// How it would be reached.
        transport: words::Transport,
    },
    /// No connection is to be had.
    #[error("{address} is not reached by {transport}: {why}")]
    NoConnection {
        /// Its address.
        address: SocketAddr,
        /// How it would be reached.
        transport: words::Transport,
        /// What is known of it.
        why: String,
    },
}

impl Stacks {
    pub fn add(&self, stack: Stack) {
        self.lock().push(stack);
    }

    fn to(&self, hop: &Hop) -> Result<Stack, NoWay> {
        let (is_tls, family) = (hop.transport == words::Transport::Tls, Family::of(hop.address.ip().to_canonical()));
        let fits = |stack: &&Stack| stack.tls == is_tls && family == Family::of(stack.at.ip());
        let stack = self.lock().iter().find(fits).cloned();
        stack.ok_or(NoWay::NoSocket { address: hop.address, transport: hop.transport })
    }

    /// A list is whole even if somebody panicked beside it.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Stack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The way to a trunk by one of its addresses. Over TCP and TLS it is opened, unless it is open already.
    pub(super) async fn way(&self, outbound: &Outbound, hop: &Hop) -> Result<Way, NoWay> {
        let stack = self.stacks.to(hop)?;
        let address = hop.address;
        if hop.transport != words::Transport::Udp && self.streams.local(address).is_none() {
            let connected = match encryption(outbound, hop) {
                Ok(tls) => {
                    let ways = streams::Ways {
                        gate: stack.gate,
                        sentry: self.sentry.clone(),
                        open: self.streams.clone(),
                        members: None,
                    };
                    streams::call(address, tls, ways, &stack.layer.endpoint, &self.closing).await
                }
                Err(why) => Err(why),
            };
            connected.map_err(|why| NoWay::NoConnection { address, transport: hop.transport, why })?;
        }
        let kind = named(hop.transport);
        let destination = SipAddr { r#type: Some(kind), addr: address.into() };
        let us = of(outbound, hop.transport, reachable(stack.at, address.ip()).into());
        Ok(Way { layer: stack.layer, destination, them: them(outbound, hop.transport), us })
    }
}

/// A trunk's address in a URI, without a user.
pub(super) fn them(outbound: &Outbound, transport: words::Transport) -> Uri {
    let target = &outbound.target;
    let host = match &target.host {
        words::Host::Address(address) => Host::IpAddr(*address),
        words::Host::Name(name) => Host::Domain(name.clone().into()),
    };
    of(outbound, transport, HostWithPort { host, port: target.port.map(Into::into) })
}

fn of(outbound: &Outbound, transport: words::Transport, host_with_port: HostWithPort) -> Uri {
    let kind = named(transport);
    let scheme = if outbound.target.is_secure() { Scheme::Sips } else { Scheme::Sip };
    let params = if kind == Transport::Udp { Vec::new() } else { vec![Param::Transport(kind)] };
    Uri { scheme: Some(scheme), host_with_port, params, ..Uri::default() }
}

const fn named(transport: words::Transport) -> Transport {
    match transport {
        words::Transport::Udp => Transport::Udp,
        words::Transport::Tcp => Transport::Tcp,
        words::Transport::Tls => Transport::Tls,
    }
}

/// What a connection is encrypted with: the certificate has to be for the name that is dialled (RFC 5922 section 7.1).
fn encryption(outbound: &Outbound, hop: &Hop) -> Result<Option<Encryption>, String> {
    if hop.transport != words::Transport::Tls {
        return Ok(None);
    }
    let config = Arc::new(tls::client(outbound.ca.as_deref()).map_err(|error| error.to_string())?);
    let name = match &outbound.target.host {
        words::Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| error.to_string())?,
        words::Host::Address(address) => ServerName::from(*address),
    };
    Ok(Some(Encryption { config, name }))
}

/// Our address as they can reach it; for one who listens everywhere, that from which the system would send there.
fn reachable(at: SocketAddr, them: IpAddr) -> SocketAddr {
    if !at.ip().is_unspecified() {
        return at;
    }
    let first = || rsipstack::transport::SipConnection::resolve_bind_address(at).ip();
    SocketAddr::new(local_towards(them).unwrap_or_else(first), at.port())
}

/// Nothing is sent: the system only says which address it would take.
#[allow(clippy::disallowed_methods, reason = "a socket that is asked for its address, and sends nothing")]
fn local_towards(address: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = std::net::UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(address, SIP)).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}
