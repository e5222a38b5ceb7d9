//! A socket of the doctor's own, to one address of a trunk. In: a hop that the trunk's networks allow. Out: messages there and
//! back, or exactly how far it went.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::clock;
use crate::trunk::hops::Hop;
use crate::trunk::seen::{Reached, TlsTrouble};
use crate::wire::{Frame, Frames};
use crate::words::{Host, Transport};

/// To open a connection, and again to agree on TLS.
const OPENING: Duration = Duration::from_secs(5);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

enum Way {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>, Frames),
}

/// One open line.
pub(super) struct Line {
    way: Way,
    pub transport: Transport,
    pub local: SocketAddr,
    pub peer: SocketAddr,
}

/// Nothing more comes by this line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nobody listens there.
    Refused,
    /// It broke, in the words of the operating system.
    Broken(String),
}

impl Line {
    /// Opens one. With UDP that sends nothing yet.
    pub(super) async fn open(hop: &Hop, host: &Host, tls: Option<&Arc<ClientConfig>>) -> Result<Self, Reached> {
        let peer = hop.address;
        match hop.transport {
            Transport::Udp => {
                let socket = datagrams(peer).await.map_err(|error| reached(&error))?;
                let local = socket.local_addr().map_err(|error| reached(&error))?;
                Ok(Self { way: Way::Datagrams(socket), transport: Transport::Udp, local, peer })
            }
            Transport::Tcp => {
                let stream = stream(peer).await?;
                let local = stream.local_addr().map_err(|error| reached(&error))?;
                Ok(Self {
                    way: Way::Stream(Box::new(stream), Frames::default()),
                    transport: Transport::Tcp,
                    local,
                    peer,
                })
            }
            Transport::Tls => {
                let Some(tls) = tls else {
                    return Err(Reached::NoTls(TlsTrouble::Other(String::from("there is no certificate authority"))));
                };
                let stream = stream(peer).await?;
                let local = stream.local_addr().map_err(|error| reached(&error))?;
                let name = server_name(host);
                let name =
                    name.ok_or_else(|| Reached::NoTls(TlsTrouble::Other(format!("{host} is no name for TLS"))))?;
                let agreeing = timeout(OPENING, TlsConnector::from(tls.clone()).connect(name, stream)).await;
                let stream = match agreeing {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(error)) => return Err(Reached::NoTls(trouble(&error))),
                    Err(_) => return Err(Reached::NoTls(TlsTrouble::NotTls)),
                };
                Ok(Self {
                    way: Way::Stream(Box::new(stream), Frames::default()),
                    transport: Transport::Tls,
                    local,
                    peer,
                })
            }
        }
    }

    /// Whether what is lost has to be sent again.
    pub(super) const fn repeats(&self) -> bool {
        matches!(self.way, Way::Datagrams(_))
    }

    pub(super) async fn send(&mut self, message: &[u8]) -> Result<(), Lost> {
        let sent = match &mut self.way {
            Way::Datagrams(socket) => socket.send(message).await.map(drop),
            Way::Stream(stream, _) => match timeout(OPENING, stream.write_all(message)).await {
                Ok(written) => written,
                Err(_) => Err(std::io::Error::from(ErrorKind::TimedOut)),
            },
        };
        sent.map_err(|error| lost(&error))
    }

    /// The next message; nothing, once `until` is over.
    pub(super) async fn receive(&mut self, until: Instant) -> Result<Option<Vec<u8>>, Lost> {
        let mut bytes = [0; 8_192];
        loop {
            if let Way::Stream(_, frames) = &mut self.way {
                match frames.next_frame() {
                    Some(Frame::Message(message) | Frame::Broken(message, _)) => return Ok(Some(message)),
                    Some(Frame::Hopeless(fault)) => return Err(Lost::Broken(fault.to_string())),
                    Some(Frame::Ping) => continue,
                    None => {}
                }
            }
            let left = until.saturating_duration_since(clock::now());
            let reading = async {
                match &mut self.way {
                    Way::Datagrams(socket) => socket.recv(&mut bytes).await,
                    Way::Stream(stream, _) => match stream.read(&mut bytes).await {
                        Ok(0) => Err(std::io::Error::from(ErrorKind::UnexpectedEof)),
                        read => read,
                    },
                }
            };
            let Ok(read) = timeout(left, reading).await else { return Ok(None) };
            let length = read.map_err(|error| lost(&error))?;
            let read = bytes.get(..length).unwrap_or_default();
            match &mut self.way {
                Way::Datagrams(_) if read.trim_ascii().is_empty() => {}
                Way::Datagrams(_) => return Ok(Some(read.to_vec())),
                Way::Stream(_, frames) => frames.push(read),
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the doctor's socket: only to addresses that the trunk's networks allow")]
async fn datagrams(peer: SocketAddr) -> std::io::Result<UdpSocket> {
    let any: IpAddr = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    // Then it has the address by which the peer is reached, and is told that nobody listens there.
    socket.connect(peer).await?;
    Ok(socket)
}

#[allow(clippy::disallowed_methods, reason = "the doctor's socket: only to addresses that the trunk's networks allow")]
async fn stream(peer: SocketAddr) -> Result<TcpStream, Reached> {
    match timeout(OPENING, TcpStream::connect(peer)).await {
        Ok(Ok(stream)) => {
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Ok(Err(error)) => Err(reached(&error)),
        Err(_) => Err(Reached::Silent),
    }
}

fn server_name(host: &Host) -> Option<ServerName<'static>> {
    match host {
        Host::Name(name) => ServerName::try_from(name.clone()).ok(),
        Host::Address(address) => Some(ServerName::from(*address)),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "what others count is not ours to complete")]
fn reached(error: &std::io::Error) -> Reached {
    match error.kind() {
        ErrorKind::ConnectionRefused => Reached::Refused,
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::AddrNotAvailable => Reached::NoRoute,
        ErrorKind::TimedOut => Reached::Silent,
        _ => Reached::Broken(error.to_string()),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "what others count is not ours to complete")]
fn lost(error: &std::io::Error) -> Lost {
    match error.kind() {
        ErrorKind::ConnectionRefused => Lost::Refused,
        ErrorKind::UnexpectedEof => Lost::Broken(String::from("the peer closed it")),
        _ => Lost::Broken(error.to_string()),
    }
}

/// What rustls says, in our words.
#[allow(clippy::wildcard_enum_match_arm, reason = "what others count is not ours to complete")]
fn trouble(error: &std::io::Error) -> TlsTrouble {
    use rustls::{AlertDescription, Error};
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => TlsTrouble::NotTls,
            _ => TlsTrouble::Other(error.to_string()),
        };
    };
    match inner {
        Error::InvalidCertificate(why) => of_certificate(why),
        Error::InvalidMessage(_) => TlsTrouble::NotTls,
        Error::PeerIncompatible(_)
        | Error::AlertReceived(
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity,
        ) => TlsTrouble::Version,
        Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::BadCertificate) => {
            TlsTrouble::WantsOurs
        }
        other => TlsTrouble::Other(other.to_string()),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "what others count is not ours to complete")]
fn of_certificate(why: &CertificateError) -> TlsTrouble {
    match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsTrouble::WrongName,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsTrouble::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsTrouble::NotYet,
        CertificateError::UnknownIssuer => TlsTrouble::UnknownIssuer,
        other => TlsTrouble::Other(other.to_string()),
    }
}
