//! The door for browsers: HTTPS, the pages, and one WebSocket for each page that takes part. In: requests. Out: events to
//! the gateway through a bounded queue; a page that is too slow for its own queue is closed.
//!
//! The door only translates: it does not know who may come in.

mod api;
mod files;
mod observe;
mod socket;
mod tls;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum_server::Handle;
use tokio::sync::{Semaphore, mpsc};

use crate::observe::Observed;
use crate::words::SessionId;

pub use crate::page::{Answer, Code, End, Hello, Plan, Request};
pub use api::{
    Call, CallsDone, CallsWish, Done, Edit, KeptDraft, PlanDone, PlanRefusal, PlanVersion, PlanWish, Refusal,
    RefusedEdit, Runs, Secret, Shown, ShownFederation, ShownMember, ShownRegistry, ShownRoom, ShownTrouble, ShownTrunk,
    ShownWarning, Tried, TrunkTrouble, TrunkWish, Wish, accounts, audit, callbacks, erasures, invitations, live,
    residency, session, survey,
};
use observe::Readers;
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
    /// What the institution calls its own sign-in, if the console has one.
    pub sign_in_by: Option<String>,
    /// The institution's time, for times without a zone.
    pub home: jiff::tz::TimeZone,
    /// Where else to listen, without TLS, for those who watch this node; then figures are nowhere else.
    pub watch: Vec<SocketAddr>,
    /// Who may read figures beside this machine.
    pub watchers: Vec<IpAddr>,
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
    /// Somebody signs in or out.
    Knocked(Box<session::Knock>),
    /// A connection is over.
    Gone {
        /// Which.
        session: SessionId,
    },
}

/// Requests to the API that may be under way at once.
const MOST_CALLS: usize = 64;

/// Long bodies that may be read at once.
const MOST_LONG_BODIES: usize = 4;

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
    long_bodies: Semaphore,
    sign_in_by: Option<String>,
    home: jiff::tz::TimeZone,
}

impl Door {
    /// Opens the door.
    ///
    /// # Errors
    /// An address is taken, or the certificate cannot be used.
    pub fn open(config: &Config, observed: &Observed, events: mpsc::Sender<Event>) -> Result<Self, CannotServe> {
        let shared = Arc::new(Shared {
            events,
            most_pages: config.most_pages,
            pages: AtomicUsize::new(0),
            last_session: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            calls: Semaphore::new(MOST_CALLS),
            long_bodies: Semaphore::new(MOST_LONG_BODIES),
            sign_in_by: config.sign_in_by.clone(),
            home: config.home.clone(),
        });
        let keys = tls::keys(config)?;
        let handle = Handle::new();
        let (here, there) = readers(config);
        for address in &config.watch {
            let listener = bind(*address).map_err(|why| CannotServe::Address { address: *address, why })?;
            let server = axum_server::from_tcp(listener)
                .map_err(|why| CannotServe::Address { address: *address, why })?
                .handle(handle.clone());
            let service =
                observe::router(observed.clone(), there.clone()).into_make_service_with_connect_info::<SocketAddr>();
            tokio::spawn(async move {
                if let Err(error) = server.serve(service).await {
                    tracing::error!(%error, "the door for those who watch is shut");
                }
            });
        }
        for address in &config.listen {
            let listener = bind(*address).map_err(|why| CannotServe::Address { address: *address, why })?;
            let server = axum_server::from_tcp_rustls(listener, keys.clone())
                .map_err(|why| CannotServe::Address { address: *address, why })?;
            let watched = observe::router(observed.clone(), here.clone());
            let service = router(Arc::clone(&shared), watched).into_make_service_with_connect_info::<SocketAddr>();
            let server = server.handle(handle.clone());
            tokio::spawn(async move {
                if let Err(error) = server.serve(service).await {
                    tracing::error!(%error, "the door for browsers is shut");
                }
            });
        }
        Ok(Self { shared, handle })
    }

    /// Pages now.
    pub fn pages(&self) -> usize {
        self.shared.pages.load(std::sync::atomic::Ordering::Relaxed)
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

/// Who may read figures at the door for browsers, and at that for those who watch.
fn readers(config: &Config) -> (Readers, Readers) {
    let named = || Readers::Here(config.watchers.clone());
    if config.watch.is_empty() {
        (named(), Readers::Nobody)
    } else {
        (Readers::Nobody, if config.watchers.is_empty() { Readers::All } else { named() })
    }
}

fn router(shared: Arc<Shared>, watched: Router) -> Router {
    Router::new()
        .route("/api/v1/rooms/{room}/ws", get(socket::upgrade))
        .merge(api::routes())
        .fallback(files::serve)
        .with_state(shared)
        .merge(watched)
        .layer(axum::middleware::map_response(files::guard))
}
