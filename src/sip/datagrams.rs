//! SIP over UDP (RFC 3261 section 18). In: datagrams. Out: the same, through the [`Gate`]; and what the stack sends.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use rsipstack::platform::net::UdpSocket as StackSocket;
use rsipstack::sip::Transport;
use rsipstack::transport::udp::{UdpConnection, UdpInner};
use rsipstack::transport::{SipAddr, SipConnection};
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use crate::wire::{LONGEST, Origin};

/// Reads the socket until the door closes; gives the stack's side of it.
pub(super) async fn serve(
    socket: UdpSocket,
    gate: &Arc<Gate>,
    closing: &CancellationToken,
) -> std::io::Result<SipConnection> {
    let address = socket.local_addr()?;
    let socket = Arc::new(socket);
    let tap = Tap { socket: socket.clone(), address, gate: Arc::downgrade(gate) };
    let named = SipConnection::resolve_bind_address(address);
    let inner = UdpInner { conn: Arc::new(tap), addr: SipAddr { r#type: Some(Transport::Udp), addr: named.into() } };
    let connection: SipConnection = UdpConnection::attach(inner, None, Some(closing.child_token())).await.into();
    tokio::spawn(read(socket, connection.clone(), gate.clone(), closing.clone()));
    Ok(connection)
}

async fn read(socket: Arc<UdpSocket>, connection: SipConnection, gate: Arc<Gate>, closing: CancellationToken) {
    // One byte more than is read: a longer message shows.
    let mut buffer = vec![0; LONGEST + 1];
    loop {
        let received = tokio::select! {
            () = closing.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        // On a UDP socket an error tells of an earlier datagram that did not arrive.
        let Ok((length, address)) = received else { continue };
        let Some(message) = buffer.get(..length) else { continue };
        let origin = Origin { address, stream: false };
        let answer = if message == b"\r\n\r\n" {
            Some(b"\r\n".to_vec())
        } else {
            gate.receive(message, &origin, Transport::Udp, &connection).await
        };
        if let Some(answer) = answer {
            // Where it came from: what its Via says may be forged.
            let _ = socket.try_send_to(&answer, address);
        }
    }
}

/// What the stack has for the socket: it only sends, and is heard doing so.
struct Tap {
    socket: Arc<UdpSocket>,
    address: SocketAddr,
    gate: Weak<Gate>,
}

#[async_trait::async_trait]
impl StackSocket for Tap {
    async fn recv_from(&self, _: &mut [u8]) -> rsipstack::Result<(usize, SocketAddr)> {
        std::future::pending().await
    }

    async fn send_to(&self, message: &[u8], to: SocketAddr) -> rsipstack::Result<usize> {
        if let Some(gate) = self.gate.upgrade() {
            gate.sent(message, to.ip());
        }
        Ok(self.socket.send_to(message, to).await?)
    }

    fn local_addr(&self) -> rsipstack::Result<SocketAddr> {
        Ok(self.address)
    }
}
