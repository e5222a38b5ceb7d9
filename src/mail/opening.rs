//! How a connection to the mail server comes to be: looked up, permitted, opened, and protected before anything is said that
//! matters.
//!
//! STARTTLS (RFC 3207) is spoken here: what the server has sent before TLS counts for nothing after it, and if anything follows its
//! go-ahead in the clear, somebody may be between us. The go-ahead is kept back and read again as the greeting, which a server with
//! STARTTLS does not repeat, so that what follows is the same in both ways.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Config, Security};
use crate::names::{Names, NotReached};
use crate::post::{Tried, Trouble, offers, read_reply};
use crate::residency::Purpose;

/// A protected connection.
#[derive(Debug)]
pub(super) struct Opened {
    stream: TlsStream<TcpStream>,
    /// What is read first.
    first: Vec<u8>,
    local: IpAddr,
    peer: SocketAddr,
}

/// Addresses that are tried.
const MOST_ADDRESSES: usize = 4;

/// The connection to the server of the configuration.
pub(super) async fn open(config: &Config, names: &Names, tls: &TlsConnector) -> Result<Opened, Tried> {
    let found = names.permitted(Purpose::Smtp, &config.server).await.map_err(|why| match why {
        NotReached::Refused(refused) => Tried::Never(Trouble::NotPermitted(refused.to_string())),
        NotReached::Unresolved(unresolved) => Tried::Later(Trouble::Unreachable(unresolved.to_string())),
    })?;
    let mut last = String::from("it has no address");
    for address in found.into_iter().take(MOST_ADDRESSES) {
        match connect(SocketAddr::new(address, config.port)).await {
            Ok(stream) => return protect(stream, config, tls).await,
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(Tried::Later(Trouble::Unreachable(last)))
}

#[allow(clippy::disallowed_methods, reason = "with a permit of residency for this address")]
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}

async fn protect(mut stream: TcpStream, config: &Config, tls: &TlsConnector) -> Result<Opened, Tried> {
    let (local, peer) = match (stream.local_addr(), stream.peer_addr()) {
        (Ok(local), Ok(peer)) => (local.ip(), peer),
        (Err(error), _) | (_, Err(error)) => return Err(broken(&error)),
    };
    let first = match config.security {
        Security::Tls => Vec::new(),
        Security::StartTls => ask_for_tls(&mut stream, local).await?,
    };
    let name =
        ServerName::try_from(config.server.clone()).map_err(|why| Tried::Never(Trouble::Untrusted(why.to_string())))?;
    let stream = tls.connect(name, stream).await.map_err(|error| of_tls(&error))?;
    Ok(Opened { stream, first, local, peer })
}

/// Says who we are, and asks for TLS. The go-ahead as it was said.
async fn ask_for_tls(stream: &mut TcpStream, local: IpAddr) -> Result<Vec<u8>, Tried> {
    expect(stream, 220).await?;
    say(stream, &format!("EHLO {}\r\n", hello(local))).await?;
    if !offers(&expect(stream, 250).await?, "STARTTLS") {
        return Err(Tried::Never(Trouble::Unprotected(String::from("it offers no STARTTLS"))));
    }
    say(stream, "STARTTLS\r\n").await?;
    expect(stream, 220).await
}

async fn say(stream: &mut TcpStream, line: &str) -> Result<(), Tried> {
    stream.write_all(line.as_bytes()).await.map_err(|error| broken(&error))
}

/// Reads one answer, which has to have this code, and with which the server stops talking.
async fn expect(stream: &mut TcpStream, code: u16) -> Result<Vec<u8>, Tried> {
    let unprotected = |why: String| Tried::Never(Trouble::Unprotected(why));
    let mut read = Vec::new();
    loop {
        if stream.read_buf(&mut read).await.map_err(|error| broken(&error))? == 0 {
            return Err(Tried::Later(Trouble::Unreachable(String::from("it has broken off before TLS"))));
        }
        let Some(reply) = read_reply(&read).map_err(|why| unprotected(why.to_string()))? else { continue };
        return match reply.code {
            got if got == code && reply.length == read.len() => Ok(read),
            got if got == code => {
                Err(unprotected(String::from("something follows in the clear where TLS should begin")))
            }
            // RFC 5321 section 4.2.1.
            got if (400..500).contains(&got) => {
                Err(Tried::Later(Trouble::Declined { code: got, told: String::from("before TLS") }))
            }
            got => Err(unprotected(format!("it answers {got} where STARTTLS is asked for"))),
        };
    }
}

fn broken(error: &io::Error) -> Tried {
    Tried::Later(Trouble::Unreachable(error.to_string()))
}

/// A name that does not fit is not the server that is meant; anything else that TLS says is no TLS of ours.
fn of_tls(error: &io::Error) -> Tried {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => Tried::Never(Trouble::Untrusted(error.to_string())),
        Some(_) => Tried::Never(Trouble::Unprotected(error.to_string())),
        None => broken(error),
    }
}

/// Who we are: the address that it sees (RFC 5321 section 4.1.4), which gives away no name of the house.
fn hello(local: IpAddr) -> ClientId {
    match local {
        IpAddr::V4(address) => ClientId::Ipv4(address),
        IpAddr::V6(address) => ClientId::Ipv6(address),
    }
}

impl Opened {
    pub(super) fn hello(&self) -> ClientId {
        hello(self.local)
    }
}

impl AsyncTokioStream for Opened {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Opened {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let fits = into.remaining().min(self.first.len());
        let first: Vec<u8> = self.first.drain(..fits).collect();
        into.put_slice(&first);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Opened {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
