//! The door for browsers: HTTPS, the pages, and one WebSocket for each page that takes part. In: requests. Out: events to
//! the gateway through a bounded queue; a page that is too slow for its own queue is closed.
//!
//! The door only translates: it does not know who may come in.

mod api;
mod files;
mod protocol;
mod socket;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum_server::Handle;
use tokio::sync::{Semaphore, mpsc};

use crate::words::SessionId;

pub use api::{Call, Done, Refusal, Secret, Wish};
pub use protocol::{Answer, Code, End, Hello, Plan, Request};
pub use socket::Link;
pub use tls::CannotServe;

/// How the door works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen, with HTTPS.
    pub listen: Vec<SocketAddr>,
    /// The certificate and its key, as PEM files; without them one is made at each start.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// So many pages at once.
    pub most_pages: usize,
    /// The institution's time, for times without a zone.
    pub home: jiff::tz::TimeZone,
}

/// What happens at the door.
#[derive(Debug)]
pub enum Event {
    /// A page wants to take part, or is back.
    Arrived {
        /// Its connection.
        session: SessionId,
        /// Everything it says first.
        hello: Box<Hello>,
        /// For what it is told. The connection ends when this is dropped.
        link: Link,
    },
    /// A page says something.
    Said {
        /// Its connection.
        session: SessionId,
        /// What.
        request: Request,
    },
    /// A request to the API.
    Called(Box<Call>),
    /// A connection is over.
    Gone {
        /// Which.
        session: SessionId,
    },
}

/// Requests to the API that may be under way at once.
const MOST_CALLS: usize = 64;

/// The open door.
pub struct Door {
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
}

/// What all connections share.
struct Shared {
    events: mpsc::Sender<Event>,
    most_pages: usize,
    pages: AtomicUsize,
    last_session: AtomicU64,
    draining: AtomicBool,
    calls: Semaphore,
    home: jiff::tz::TimeZone,
}

impl Door {
    /// Opens the door.
    ///
    /// # Errors
    /// An address is taken, or the certificate cannot be used.
    pub fn open(config: &Config, events: mpsc::Sender<Event>) -> Result<Self, CannotServe> {
        let shared = Arc::new(Shared {
            events,
            most_pages: config.most_pages,
            pages: AtomicUsize::new(0),
            last_session: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            calls: Semaphore::new(MOST_CALLS),
            home: config.home.clone(),
        });
        let keys = tls::keys(config)?;
        let handle = Handle::new();
        for address in &config.listen {
            let listener = bind(*address).map_err(|why| CannotServe::Address { address: *address, why })?;
            let server = axum_server::from_tcp_rustls(listener, keys.clone())
                .map_err(|why| CannotServe::Address { address: *address, why })?;
            let service = router(Arc::clone(&shared)).into_make_service_with_connect_info::<SocketAddr>();
            let server = server.handle(handle.clone());
            tokio::spawn(async move {
                if let Err(error) = server.serve(service).await {
                    tracing::error!(%error, "the door for browsers is shut");
                }
            });
        }
        Ok(Self { shared, handle })
    }

    /// Takes no further page.
    pub fn drain(&self) {
        self.shared.draining.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Shuts the door.
    pub fn close(&self) {
        self.handle.graceful_shutdown(Some(Duration::from_secs(1)));
    }
}

#[allow(clippy::disallowed_methods, reason = "a door listens")]
fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/api/v1/rooms/{room}/ws", get(socket::upgrade))
        .merge(api::routes())
        .fallback(files::serve)
        .layer(axum::middleware::map_response(files::guard))
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    if shared.draining.load(std::sync::atomic::Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}
