//! By which of our sockets a trunk is reached. In: a trunk that can be called. Out: the stack that leads there, with our address
//! and theirs as each reads it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::{Host, HostWithPort, Param, Scheme, Transport, Uri};
use rsipstack::transport::SipAddr;

use super::trunks::Outbound;
use crate::words::{self, Family};

/// The stacks of the door, one for each address that it listens at.
#[derive(Default)]
pub(super) struct Stacks(Mutex<Vec<Stack>>);

#[derive(Clone)]
pub(super) struct Stack {
    pub layer: Arc<DialogLayer>,
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

/// No socket of ours leads there.
#[derive(Debug, thiserror::Error)]
#[error("nothing listens here that could call {target} by {transport}: see [sip] listen and tls_listen")]
pub(super) struct NoWay {
    target: words::Target,
    transport: words::Transport,
}

impl Stacks {
    pub fn add(&self, stack: Stack) {
        self.lock().push(stack);
    }

    /// The way to a trunk.
    pub fn to(&self, outbound: &Outbound) -> Result<Way, NoWay> {
        let target = &outbound.target;
        let transport = target.known_transport().unwrap_or(words::Transport::Udp);
        let is_tls = transport == words::Transport::Tls;
        let family = match target.host {
            words::Host::Address(address) => Some(Family::of(address)),
            words::Host::Name(_) => None,
        };
        let fits =
            |stack: &&Stack| stack.tls == is_tls && family.is_none_or(|family| family == Family::of(stack.at.ip()));
        let stack = self.lock().iter().find(fits).cloned();
        let stack = stack.ok_or_else(|| NoWay { target: target.clone(), transport })?;
        let kind = match transport {
            words::Transport::Udp => Transport::Udp,
            words::Transport::Tcp => Transport::Tcp,
            words::Transport::Tls => Transport::Tls,
        };
        let host = match &target.host {
            words::Host::Address(address) => Host::IpAddr(*address),
            words::Host::Name(name) => Host::Domain(name.clone().into()),
        };
        let port = target.port.unwrap_or(if is_tls { SIP_TLS } else { SIP });
        let destination = SipAddr { r#type: Some(kind), addr: HostWithPort { host, port: Some(port.into()) } };
        let params = if kind == Transport::Udp { Vec::new() } else { vec![Param::Transport(kind)] };
        let uri = |host_with_port: HostWithPort| Uri {
            scheme: Some(if target.is_secure() { Scheme::Sips } else { Scheme::Sip }),
            host_with_port,
            params: params.clone(),
            ..Uri::default()
        };
        let them = uri(HostWithPort { port: target.port.map(Into::into), ..destination.addr.clone() });
        let us = uri(reachable(stack.at, &target.host).into());
        Ok(Way { layer: stack.layer, destination, them, us })
    }

    /// A list is whole even if somebody panicked beside it.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Stack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// RFC 3261 section 19.1.2.
const SIP: u16 = 5060;
const SIP_TLS: u16 = 5061;

/// Our address as they can reach it; for one who listens everywhere, that from which the system would send there.
fn reachable(at: SocketAddr, host: &words::Host) -> SocketAddr {
    if !at.ip().is_unspecified() {
        return at;
    }
    let towards = match host {
        words::Host::Address(address) => local_towards(*address),
        words::Host::Name(_) => None,
    };
    let first = || rsipstack::transport::SipConnection::resolve_bind_address(at).ip();
    SocketAddr::new(towards.unwrap_or_else(first), at.port())
}

/// Nothing is sent: the system only says which address it would take.
#[allow(clippy::disallowed_methods, reason = "a socket that is asked for its address, and sends nothing")]
fn local_towards(address: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = std::net::UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(address, SIP)).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}
