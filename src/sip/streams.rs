//! SIP over TCP and TLS (RFC 3261 section 18.3, RFC 5922). In: connections, those that come and those that we open to a trunk.
//! Out: their messages, through the [`Gate`]; and what the stack sends, on the same connection (RFC 5923).
//!
//! A peer that begins and does not go on, or does not read, is left after a time; so many connections are open at once.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use rsipstack::sip::Transport;
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transport::channel::ChannelConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;

use super::clock;
use super::facts::Source;
use super::gate::{Gate, Sentry, named};
use super::members::{Members, Visit, Why};
use crate::wire::{Fault, Frame, Frames, Origin};

/// To agree on keys, and to finish a message that has begun.
const BEGUN: Duration = Duration::from_secs(20);

/// To open a connection, and again to agree on keys: whoever waits is a caller.
const OPENING: Duration = Duration::from_secs(5);

/// Without a word; a call may last that long.
const SILENT: Duration = Duration::from_secs(4 * 3600);

/// A peer that does not read for so long is left.
const UNREAD: Duration = Duration::from_secs(10);

/// Messages that wait until the peer reads; then the stack waits too.
const OUTGOING: usize = 64;

/// Answers of the gate that wait; further ones are dropped.
const REPLIES: usize = 16;

/// The connections that are open: the peer's address, and ours.
#[derive(Clone, Default)]
pub(super) struct Open(Arc<DashMap<SocketAddr, SocketAddr>>);

impl Open {
    /// Our own address on the connection with that peer.
    pub fn local(&self, peer: SocketAddr) -> Option<SocketAddr> {
        self.0.get(&peer).map(|local| *local)
    }
}

/// What connections pass.
#[derive(Clone)]
pub(super) struct Ways {
    pub gate: Arc<Gate>,
    pub sentry: Arc<Sentry>,
    pub open: Open,
    /// Only other institutions' systems are taken, if there is something here.
    pub members: Option<Members>,
}

/// Takes connections until the door closes; with an acceptor, by TLS.
pub(super) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, ways: Ways, closing: CancellationToken) {
    let Ways { gate, sentry, open, members } = ways;
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // A peer that was gone before it was taken; or no more file handles, and the next attempt is as good.
        let Ok((stream, peer)) = accepted else {
            tokio::task::yield_now().await;
            continue;
        };
        let Ok(local) = stream.local_addr() else { continue };
        let transport = if tls.is_some() { Transport::Tls } else { Transport::Tcp };
        let source = Source { address: peer.ip().to_canonical(), transport: named(transport) };
        if let Some(members) = members.as_ref().filter(|members| !members.is_listed(source.address)) {
            members.refuse(source.address, None, Why::UnlistedAddress);
            continue;
        }
        let of_its_own = open.0.iter().filter(|entry| entry.key().ip() == peer.ip()).count();
        if !sentry.lets_connect(source, of_its_own, open.0.len()) {
            continue;
        }
        let _ = stream.set_nodelay(true);
        open.0.insert(peer, local);
        let (gate, sentry) = (gate.clone(), sentry.clone());
        let (members, visit) = (members.clone(), None);
        let connection = Connection { peer, source, gate, sentry, members, visit, closing: closing.child_token() };
        let (tls, open) = (tls.clone(), open.clone());
        tokio::spawn(async move {
            connection.hold(stream, tls).await;
            open.0.remove(&peer);
        });
    }
}

/// What a connection that we open is encrypted with.
pub(super) struct Encryption {
    pub config: Arc<ClientConfig>,
    pub name: ServerName<'static>,
}

/// Opens a connection to a trunk. The stack sends by it as long as it is open, and what the trunk begins comes by it, too.
pub(super) async fn call(
    peer: SocketAddr,
    tls: Option<Encryption>,
    ways: Ways,
    stack: &EndpointInnerRef,
    closing: &CancellationToken,
) -> Result<(), String> {
    let Ways { gate, sentry, open, members } = ways;
    let stream = match timeout(OPENING, connect(peer)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err(String::from("it does not answer")),
    };
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().map_err(|error| error.to_string())?;
    let transport = if tls.is_some() { Transport::Tls } else { Transport::Tcp };
    let source = Source { address: peer.ip().to_canonical(), transport: named(transport) };
    let connection = Connection { peer, source, gate, sentry, members, visit: None, closing: closing.child_token() };
    let (known, is_known) = oneshot::channel();
    let ours = Some((stack.clone(), known));
    let held: Pin<Box<dyn Future<Output = ()> + Send>> = match tls {
        None => Box::pin(connection.talk(stream, transport, ours)),
        Some(Encryption { config, name }) => {
            let agreeing = timeout(OPENING, TlsConnector::from(config).connect(name, stream)).await;
            let stream = agreeing.map_err(|_| String::from("it does not agree on TLS in time"))?;
            Box::pin(connection.talk(stream.map_err(|error| error.to_string())?, transport, ours))
        }
    };
    open.0.insert(peer, local);
    tokio::spawn(async move {
        held.await;
        open.0.remove(&peer);
    });
    is_known.await.map_err(|_| String::from("the SIP stack does not take the connection"))
}

#[allow(clippy::disallowed_methods, reason = "to a trunk, at an address that its networks allow")]
async fn connect(peer: SocketAddr) -> std::io::Result<TcpStream> {
    TcpStream::connect(peer).await
}

/// A connection of ours that the stack is told of, and who waits until it is.
type Ours = Option<(EndpointInnerRef, oneshot::Sender<()>)>;

struct Connection {
    peer: SocketAddr,
    source: Source,
    gate: Arc<Gate>,
    sentry: Arc<Sentry>,
    members: Option<Members>,
    /// Whose system it is, where only members' are taken.
    visit: Option<Visit>,
    /// Of this connection alone.
    closing: CancellationToken,
}

impl Connection {
    async fn hold(mut self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        match tls {
            None => self.talk(stream, Transport::Tcp, None).await,
            Some(tls) => match tokio::time::timeout(BEGUN, tls.accept(stream)).await {
                Ok(Ok(stream)) => {
                    if let Some(members) = &self.members {
                        let visit = members.takes(self.peer, stream.get_ref().1);
                        let Some(visit) = visit else { return };
                        self.visit = Some(visit);
                    }
                    self.talk(stream, Transport::Tls, None).await;
                }
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a peer does not agree on TLS");
                    match &self.members {
                        Some(members) => members.agrees_not(self.source.address, &error),
                        None => self.sentry.cannot_read(self.source, &Fault::NoTls),
                    }
                }
                Err(_) => self.sentry.cannot_read(self.source, &Fault::NoTls),
            },
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Send + 'static>(self, stream: S, transport: Transport, ours: Ours) {
        let (reading, writing) = tokio::io::split(stream);
        let (to_peer, outgoing) = mpsc::channel(OUTGOING);
        let (to_reply, replies) = mpsc::channel(REPLIES);
        #[allow(
            clippy::disallowed_methods,
            reason = "the stack wants one; nothing is ever put into it: the gate takes its place"
        )]
        let (open, unused) = mpsc::unbounded_channel();
        let peer = SipAddr { r#type: Some(transport), addr: self.peer.into() };
        let made =
            ChannelConnection::create_connection_bounded(unused, to_peer, peer, Some(self.closing.clone())).await;
        let Ok(connection) = made else { return };
        let connection = SipConnection::from(connection);
        let writer =
            tokio::spawn(write(writing, outgoing, replies, self.gate.clone(), self.peer, self.closing.clone()));
        if let Some((stack, known)) = ours {
            stack.transport_layer.add_connection(connection.clone());
            let _ = known.send(());
        }
        self.read(reading, transport, &connection, &to_reply).await;
        // Then the stack sends nothing by it any more.
        drop(open);
        // What was answered last still goes out.
        drop(to_reply);
        self.closing.cancel();
        let _ = writer.await;
    }

    /// Of who has to be a member that is asked again each time.
    fn lets_in(&self, message: &[u8]) -> bool {
        self.visit.as_ref().is_none_or(|visit| visit.lets_in(message))
    }

    /// Until the peer has no more to say, or says what cannot be read.
    async fn read<R: AsyncRead + Unpin>(
        &self,
        mut reading: R,
        transport: Transport,
        connection: &SipConnection,
        to_reply: &mpsc::Sender<Vec<u8>>,
    ) {
        let origin = Origin { address: self.peer, stream: true };
        let mut frames = Frames::default();
        let mut buffer = vec![0; 4096];
        let mut deadline = clock::now() + BEGUN;
        loop {
            let read = tokio::select! {
                () = self.closing.cancelled() => return,
                read = tokio::time::timeout_at(deadline.into(), reading.read(&mut buffer)) => read,
            };
            let Ok(Ok(length @ 1..)) = read else { return };
            let was_amid = frames.is_amid();
            frames.push(buffer.get(..length).unwrap_or_default());
            let mut whole = false;
            while let Some(frame) = frames.next_frame() {
                whole = true;
                let reply = match frame {
                    Frame::Message(message) if !self.lets_in(&message) => return,
                    Frame::Ping => Some(b"\r\n".to_vec()),
                    Frame::Message(message) => self.gate.receive(&message, &origin, transport, connection).await,
                    Frame::Broken(head, _) => {
                        let reply = self.gate.receive(&head, &origin, transport, connection).await;
                        reply.into_iter().for_each(|reply| drop(to_reply.try_send(reply)));
                        return;
                    }
                    Frame::Hopeless(fault) => {
                        self.sentry.cannot_read(self.source, &fault);
                        return;
                    }
                };
                // Full: the peer asks and does not read what it is told.
                reply.into_iter().for_each(|reply| drop(to_reply.try_send(reply)));
            }
            if !frames.is_amid() {
                deadline = clock::now() + SILENT;
            } else if whole || !was_amid {
                deadline = clock::now() + BEGUN;
            }
        }
    }
}

/// Until the door or the connection closes, or the peer does not read; then what waits is still written.
async fn write<W: AsyncWrite + Unpin>(
    mut writing: W,
    mut outgoing: mpsc::Receiver<TransportEvent>,
    mut replies: mpsc::Receiver<Vec<u8>>,
    gate: Arc<Gate>,
    peer: SocketAddr,
    closing: CancellationToken,
) {
    loop {
        let message = tokio::select! {
            biased;
            Some(reply) = replies.recv() => reply,
            Some(event) = outgoing.recv() => match event {
                TransportEvent::Incoming(message, ..) => {
                    let message = message.to_bytes();
                    gate.sent(&message, peer.ip());
                    message
                }
                TransportEvent::New(_) | TransportEvent::Closed(_) => continue,
            },
            () = closing.cancelled() => break,
            else => break,
        };
        let written = async {
            writing.write_all(&message).await?;
            writing.flush().await
        };
        if !matches!(tokio::time::timeout(UNREAD, written).await, Ok(Ok(()))) {
            break;
        }
    }
    closing.cancel();
    let _ = tokio::time::timeout(UNREAD, writing.shutdown()).await;
}
