//! Where the peer of a call finds us: the address at which its INVITE arrived, by the same transport (RFC 3261 section 8.1.1.8).

use std::net::SocketAddr;

use rsipstack::sip::{Host, HostWithPort, Param, Scheme, Transport, Uri};
use rsipstack::transaction::transaction::Transaction;

use super::streams::Open;

/// Our own address for the caller of this INVITE.
pub(super) fn of(invite: &Transaction, open: &Open) -> Option<Uri> {
    let reached = invite.connection.as_ref()?.get_addr();
    let transport = reached.r#type.unwrap_or_default();
    let host_with_port = match transport {
        Transport::Udp => reached.addr.clone(),
        // What the stack has for a stream bears the peer's address.
        Transport::Tcp | Transport::Tls | Transport::TlsSctp | Transport::Sctp | Transport::Ws | Transport::Wss => {
            open.local(peer(&reached.addr)?)?.into()
        }
    };
    if matches!(host_with_port.host, Host::IpAddr(ip) if ip.is_unspecified()) {
        // The stack finds one.
        return None;
    }
    // Section 8.1.1.8: who is called by a sips URI answers with one.
    let secure = invite.original.uri.scheme == Some(Scheme::Sips);
    let scheme = if secure { Scheme::Sips } else { Scheme::Sip };
    let params = if transport == Transport::Udp { Vec::new() } else { vec![Param::Transport(transport)] };
    Some(Uri { scheme: Some(scheme), host_with_port, params, ..Uri::default() })
}

/// The other end of the stream by which a request came.
pub(super) fn peer_of(request: &Transaction) -> Option<SocketAddr> {
    peer(&request.connection.as_ref()?.get_addr().addr)
}

fn peer(address: &HostWithPort) -> Option<SocketAddr> {
    match address.host {
        Host::IpAddr(ip) => Some(SocketAddr::new(ip, address.port.as_ref()?.0)),
        Host::Domain(_) => None,
    }
}
