//! How a connection comes to be: taken at our addresses, or opened to a member's. In: addresses. Out: connections whose peer has
//! shown a key that the registry names, at an address that is its own; or why there is none.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ServerConfig};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use tokio_tungstenite::tungstenite::handshake::server::{Callback, ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::{self, ClientRequestBuilder};
use tokio_tungstenite::{accept_hdr_async_with_config, client_async_with_config};

use super::refused::Why;
use super::socket::{ALPN, Connection, PATH, PROTOCOL, limits};
use super::{CannotOpen, Shared};
use crate::member::{Link, Member, Spki};
use crate::residency::Permit;
use crate::tls::{self, Own, UnknownKey};

/// To open a connection; and again for all that follows until it is a link.
const OPENING: Duration = Duration::from_secs(5);

/// What both sides of TLS agree on here.
pub(super) fn taker(own: &Own, known: tls::Known) -> Result<TlsAcceptor, CannotOpen> {
    let mut config: ServerConfig = tls::taker(own, known)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn caller(own: &Own, known: tls::Known) -> Result<TlsConnector, tls::Unusable> {
    let mut config: ClientConfig = tls::caller(own, known)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

#[allow(clippy::disallowed_methods, reason = "a door listens")]
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, CannotOpen> {
    let fails = |why| CannotOpen::Address { address, why };
    let listener = std::net::TcpListener::bind(address).map_err(fails)?;
    listener.set_nonblocking(true).map_err(fails)?;
    TcpListener::from_std(listener).map_err(fails)
}

/// Handshakes that are under way, by address.
#[derive(Clone, Debug, Default)]
pub(super) struct Handshakes(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One of them; given back when it is dropped.
struct Turn {
    address: IpAddr,
    all: Handshakes,
}

impl Handshakes {
    fn turn(&self, address: IpAddr, most: usize, of_one: usize) -> Option<Turn> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.entry(address).or_default();
        if all >= most || *own >= of_one {
            return None;
        }
        *own += 1;
        Some(Turn { address, all: self.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut open = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Takes connections until the door closes.
pub(super) async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            () = shared.closing.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // A peer that was gone before it was taken; or no more file handles, and the next attempt is as good.
        let Ok((stream, peer)) = accepted else {
            tokio::task::yield_now().await;
            continue;
        };
        let address = peer.ip().to_canonical();
        if !shared.members.is_listed(address) {
            shared.refuse(Some(address), None, Why::UnlistedAddress);
            continue;
        }
        let limits = &shared.config.limits;
        let Some(turn) = shared.handshakes.turn(address, limits.handshakes, limits.handshakes_of_one) else {
            shared.refuse(Some(address), None, Why::TooMany);
            continue;
        };
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let taken = timeout(shared.config.limits.handshake, take(stream, peer, &acceptor, &shared)).await;
            drop(turn);
            match taken.unwrap_or(Err((None, Why::TooSlow))) {
                Ok((member, connection)) => shared.hand_over(&member.domain, connection),
                Err((member, why)) => shared.refuse(Some(address), member.map(|member| member.domain), why),
            }
        });
    }
}

type NotTaken = (Option<Member>, Why);

async fn take(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: &TlsAcceptor,
    shared: &Shared,
) -> Result<(Member, Connection), NotTaken> {
    let nobody = |why| (None, why);
    drop(stream.set_nodelay(true));
    let stream = acceptor.accept(stream).await.map_err(|error| nobody(of_tls(&error)))?;
    let stream = TlsStream::Server(stream);
    let key = shown(&stream).map_err(nobody)?;
    let member = shared.members.whose(key).ok_or_else(|| nobody(Why::UnknownKey(key)))?;
    if member.domain == *shared.members.us() {
        return Err(nobody(Why::Ourselves));
    }
    if !member.is_at(address.ip()) {
        return Err((Some(member), Why::OtherNetwork));
    }
    match accept_hdr_async_with_config(stream, Asks, Some(limits())).await {
        Ok(socket) => Ok((member, Connection { socket, by_us: false, key, address })),
        Err(error) => Err((Some(member), Why::NoLink(error.to_string()))),
    }
}

/// The key that the peer has shown.
fn shown(stream: &TlsStream<TcpStream>) -> Result<Spki, Why> {
    let (_, session) = stream.get_ref();
    let first = session.peer_certificates().and_then(|chain| chain.first());
    let first = first.ok_or_else(|| Why::NoTls(String::from("it shows no certificate")))?;
    tls::pin_of(first).map_err(|error| Why::NoTls(error.to_string()))
}

/// What TLS says of a handshake that failed.
fn of_tls(error: &std::io::Error) -> Why {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) = inner
        && let Some(UnknownKey(key)) = other.0.downcast_ref::<UnknownKey>()
    {
        return Why::UnknownKey(*key);
    }
    Why::NoTls(error.to_string())
}

/// Looks whether a link is asked for.
struct Asks;

impl Callback for Asks {
    fn on_request(self, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        let asked = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let mut asked = asked.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let status = if request.uri().path() != PATH {
            StatusCode::NOT_FOUND
        } else if asked.any(|name| name.trim() == PROTOCOL) {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
            return Ok(response);
        } else {
            StatusCode::BAD_REQUEST
        };
        let mut refused = ErrorResponse::new(None);
        *refused.status_mut() = status;
        Err(refused)
    }
}

/// Opens a connection to a member: by each of its links, at each address to which that leads, until one works.
pub(super) async fn dial(member: Arc<Member>, shared: Arc<Shared>) -> Result<Connection, String> {
    let mut troubles = Vec::new();
    for link in &member.links {
        match shared.names.addresses(link.host.as_str()).await {
            Ok(addresses) => {
                for address in addresses {
                    match to(address, link, &member, &shared).await {
                        Ok(connection) => return Ok(connection),
                        Err(why) => troubles.push(format!("{link} at {address}: {why}")),
                    }
                }
            }
            Err(error) => troubles.push(format!("{link}: {error}")),
        }
    }
    if troubles.is_empty() {
        troubles.push(String::from("the registry names no place where it takes links"));
    }
    Err(troubles.join("; "))
}

async fn to(address: IpAddr, link: &Link, member: &Arc<Member>, shared: &Arc<Shared>) -> Result<Connection, String> {
    let permit =
        shared.names.residency().permit_member(member, Some(link.host.as_str()), address).map_err(|refused| {
            shared.refuse(Some(address), Some(member.domain.clone()), Why::Outside(refused.clone()));
            refused.to_string()
        })?;
    let opened = timeout(OPENING, connect(&permit, link.port, &shared.config.listen)).await;
    let stream = match opened {
        Ok(stream) => stream.map_err(|error| error.to_string())?,
        Err(_) => return Err(String::from("it does not answer")),
    };
    let begun = timeout(OPENING, begin(stream, link, member, shared)).await;
    begun.unwrap_or_else(|_| Err(Why::TooSlow)).map_err(|why| {
        let told = why.to_string();
        // What it is that answers there is worth a line; that nothing does is not.
        if matches!(why, Why::UnknownKey(_) | Why::NoLink(_)) {
            shared.refuse(Some(permit.address), Some(member.domain.clone()), why);
        }
        told
    })
}

/// From the address at which we take links ourselves, so that we come from where the registry says.
#[allow(clippy::disallowed_methods, reason = "with a permit of residency")]
async fn connect(permit: &Permit, port: u16, ours: &[SocketAddr]) -> std::io::Result<TcpStream> {
    let address = SocketAddr::new(permit.address, port);
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    let fits = |own: &&SocketAddr| own.is_ipv4() == address.is_ipv4() && !own.ip().is_unspecified();
    if let Some(own) = ours.iter().find(fits) {
        socket.bind(SocketAddr::new(own.ip(), 0))?;
    }
    let stream = socket.connect(address).await?;
    drop(stream.set_nodelay(true));
    Ok(stream)
}

async fn begin(stream: TcpStream, link: &Link, member: &Arc<Member>, shared: &Arc<Shared>) -> Result<Connection, Why> {
    let no_tls = |error: String| Why::NoTls(error);
    let address = stream.peer_addr().map_err(|error| no_tls(error.to_string()))?;
    let (members, domain) = (shared.members.clone(), member.domain.clone());
    let known: tls::Known = Arc::new(move |key| members.is_key_of(&domain, key));
    let connector = caller(&shared.config.own, known).map_err(|error| no_tls(error.to_string()))?;
    let name = ServerName::try_from(link.host.to_string()).map_err(|error| no_tls(error.to_string()))?;
    let stream = connector.connect(name, stream).await.map_err(|error| of_tls(&error))?;
    let stream = TlsStream::Client(stream);
    let key = shown(&stream)?;
    let no_link = |error: String| Why::NoLink(error);
    let place = format!("wss://{link}{PATH}").parse().map_err(|_| no_link(String::from("its name is no host")))?;
    let request = ClientRequestBuilder::new(place).with_sub_protocol(PROTOCOL);
    let (socket, _) = client_async_with_config(request, stream, Some(limits())).await.map_err(|error| {
        // Who does not know our key says so only now (RFC 8446 section 4.4.2.4).
        if let tungstenite::Error::Io(error) = &error { of_tls(error) } else { no_link(error.to_string()) }
    })?;
    Ok(Connection { socket, by_us: true, key, address })
}
