//! Opens the sockets of the door. In: the addresses. Out: sockets, or which of them cannot be opened.

use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

/// Connections that wait until they are taken.
const BACKLOG: i32 = 256;

/// A socket for datagrams.
pub(super) fn datagrams(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = open(address, Type::DGRAM, Protocol::UDP)?;
    UdpSocket::from_std(socket.into())
}

/// A socket for streams.
pub(super) fn streams(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = open(address, Type::STREAM, Protocol::TCP)?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn open(address: SocketAddr, kind: Type, protocol: Protocol) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // 0.0.0.0 and [::] are two listeners: each answers with addresses of its own kind.
        socket.set_only_v6(true)?;
    }
    if kind == Type::STREAM {
        // A restart does not wait for the connections of before.
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
