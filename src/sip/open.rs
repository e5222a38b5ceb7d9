//! Opens one address, with a stack of its own: a stack sends what it begins itself, such as a BYE, by its first socket, and a
//! peer expects it from the address that it called.
//!
//! The sockets are ours. The stack is told of them, so that it names and uses them, but reads none: what comes from the network
//! passes the gate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Waker};

use rsipstack::EndpointBuilder;
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::Transport;
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transport::{
    SipAddr, SipConnection, TcpListenerConnection, TlsConfig, TlsListenerConnection, TransportLayer,
};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::gate::Gate;
use super::homeward::{NoNames, Unmarked};
use super::members::Members;
use super::ways::Stack;
use super::{CannotOpen, Shared, datagrams, listen, serve, streams};

/// UDP and TCP, on one port. Gives the address, with its port.
pub(super) async fn plain(shared: &Arc<Shared>, address: SocketAddr) -> Result<SocketAddr, CannotOpen> {
    let failed = |why: std::io::Error| CannotOpen::Listen { address, why: why.to_string() };
    let socket = listen::datagrams(address).map_err(failed)?;
    let opened = socket.local_addr().map_err(failed)?;
    let listener = listen::streams(opened).map_err(failed)?;
    let (stack, gate) = start(shared, opened, false, None)?;
    let datagrams = datagrams::serve(socket, &gate, &shared.closing).await.map_err(failed)?;
    stack.transport_layer.add_transport(datagrams);
    accept(shared, listener, None, gate, None);
    name(&stack, TcpListenerConnection::new(opened, None).await);
    Ok(opened)
}

/// TLS; for other institutions' systems alone, if `members` says who they are. Gives the address, with its port.
pub(super) async fn tls(
    shared: &Arc<Shared>,
    address: SocketAddr,
    keys: &Arc<ServerConfig>,
    members: Option<&Members>,
) -> Result<SocketAddr, CannotOpen> {
    let failed = |why: std::io::Error| CannotOpen::Listen { address, why: why.to_string() };
    let listener = listen::streams(address).map_err(failed)?;
    let opened = listener.local_addr().map_err(failed)?;
    let (stack, gate) = start(shared, opened, true, members)?;
    accept(shared, listener, Some(TlsAcceptor::from(keys.clone())), gate, members);
    name(&stack, TlsListenerConnection::new(opened, None, TlsConfig::default()).await);
    Ok(opened)
}

/// No listener leads there.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// A stack, and the gate before it.
fn start(
    shared: &Arc<Shared>,
    at: SocketAddr,
    tls: bool,
    members: Option<&Members>,
) -> Result<(EndpointInnerRef, Arc<Gate>), CannotOpen> {
    let closing = shared.closing.clone();
    let mut transports = TransportLayer::new_with_domain_resolver(closing.clone(), Box::new(NoNames));
    if members.is_some() {
        // A member whose connection has ended is not called: the stack would open one to wherever its INVITE said.
        transports.outbound = Some(SipAddr { r#type: Some(Transport::Udp), addr: NOWHERE.into() });
    }
    let endpoint = EndpointBuilder::new()
        .with_user_agent("Einwahl")
        .with_transport_layer(transports)
        .with_inspector(Box::new(Unmarked))
        .with_cancel_token(closing)
        .build();
    let requests = endpoint.incoming_transactions().map_err(|error| CannotOpen::Stack(error.to_string()))?;
    let stack = endpoint.inner.clone();
    let layer = Arc::new(DialogLayer::new(stack.clone()));
    run(async move { endpoint.serve().await });
    let gate = Arc::new(Gate::new(stack.clone(), shared.sentry.clone(), shared.ladders.clone()));
    // Nobody is called from where members' systems call.
    if members.is_none() {
        shared.stacks.add(Stack { layer: Arc::clone(&layer), gate: Arc::clone(&gate), at, tls });
    }
    tokio::spawn(serve(Arc::clone(shared), layer, requests, members.cloned()));
    Ok((stack, gate))
}

/// Runs the stack. Its first step opens the listeners that it knows of: it is made while there are none.
fn run(serving: impl Future<Output = ()> + Send + 'static) {
    let mut serving = Box::pin(serving);
    let _ = serving.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    tokio::spawn(serving);
}

fn accept(
    shared: &Shared,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    gate: Arc<Gate>,
    members: Option<&Members>,
) {
    let ways =
        streams::Ways { gate, sentry: shared.sentry.clone(), open: shared.streams.clone(), members: members.cloned() };
    tokio::spawn(streams::serve(listener, tls, ways, shared.closing.clone()));
}

/// What the stack calls a listener of ours.
fn name(stack: &EndpointInnerRef, listener: rsipstack::Result<impl Into<SipConnection>>) {
    match listener {
        Ok(listener) => stack.transport_layer.add_transport(listener.into()),
        Err(error) => tracing::error!(%error, "the SIP stack does not know one of its listeners"),
    }
}
