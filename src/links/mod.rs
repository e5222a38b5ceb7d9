//! The door for other members' gateways (docs/federation.md): one link to each of them, on mutual TLS 1.3. In: the registry in force,
//! and what is to be said. Out: events to the gateway through a bounded queue; whoever says more than the gateway takes has to wait.
//!
//! The door only translates: who is a member says the registry (`member`), what arrived and what did not knows `cascade::Link`, and
//! what is said is for the gateway to read.

mod clock;
mod keeper;
mod members;
mod open;
mod refused;
mod socket;
mod steward;

#[cfg(test)]
mod stories;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cascade::{Closing, LONGEST};
use crate::member::{Domain, Registry};
use crate::names::Names;
use crate::observe::Observed;
use crate::residency::Residency;
use crate::tls::{self, Own};
use crate::words::{Personal, Sieve};

use members::Members;
pub use refused::{Refused, Why};
use socket::Connection;
use steward::Peer;

/// How the door works.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are.
    pub us: Domain,
    /// Where to listen; nowhere, and links are only opened from here.
    pub listen: Vec<SocketAddr>,
    /// The DNS servers that are asked where members are; those of this machine, if none is named.
    pub dns: Vec<SocketAddr>,
    /// Our certificate.
    pub own: Own,
    /// What a peer may do.
    pub limits: Limits,
}

/// What a peer may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// So many handshakes at once.
    pub handshakes: usize,
    /// Of these, so many of one address.
    pub handshakes_of_one: usize,
    /// So long for one, from TLS to the WebSocket.
    pub handshake: Duration,
    /// So many frames of one member at once, which is what it may repeat after a break, and so many a second.
    pub frames: (f64, f64),
    /// So many bytes.
    pub bytes: (f64, f64),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshakes: 64,
            handshakes_of_one: 4,
            handshake: Duration::from_secs(5),
            frames: (10_000.0, 1_000.0),
            bytes: (8.0 * 1_024.0 * 1_024.0, 1_024.0 * 1_024.0),
        }
    }
}

/// What happens at the door.
#[derive(Debug)]
pub enum Event {
    /// What is said to a member arrives from now on.
    Up {
        /// Who.
        peer: Domain,
    },
    /// It does not any more. What is said meanwhile arrives later, or [`Event::TellAnew`] comes.
    Down {
        /// Who.
        peer: Domain,
        /// Why.
        why: Ended,
    },
    /// They said something.
    Heard {
        /// Who.
        peer: Domain,
        /// What.
        what: Box<RawValue>,
    },
    /// What they said before counts no longer: they tell it anew.
    Anew {
        /// Who.
        peer: Domain,
    },
    /// They know nothing of what we said: [`Door::begin`], then everything that counts.
    TellAnew {
        /// Who.
        peer: Domain,
        /// For [`Door::begin`].
        turn: Turn,
    },
    /// Somebody was refused, or we went no further.
    Refused(Refused),
    /// So long a word takes to a member and back.
    RoundTrip {
        /// Who.
        peer: Domain,
        /// How long.
        took: Duration,
    },
}

/// Counts how often everything was told anew to a peer: what was said in an earlier turn is not sent any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn(u64);

/// Why nothing arrives any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Lost(String),
    /// They closed it.
    #[error("they closed it: {}", told(*.0))]
    TheyClosed(Closing),
    /// We closed it.
    #[error("we closed it: {}", told(*.0))]
    WeClosed(Closing),
    /// No member any more.
    #[error("it is no member any more")]
    NoMember,
    /// The registry does not hold any more.
    #[error("the registry has expired")]
    Expired,
    /// Its key does not count any more.
    #[error("the registry does not name its key any more")]
    KeyRetired,
    /// The address does not count any more.
    #[error("its address is not in its networks any more")]
    OtherNetwork,
    /// We stop.
    #[error("this gateway stops")]
    Stopping,
}

const fn told(why: Closing) -> &'static str {
    match why {
        Closing::NoCommonVersion => "there is no version that both speak",
        Closing::Broken => "the protocol was broken",
        Closing::Silent => "nothing was heard for too long",
        Closing::TwoConnections => "another connection stays",
        Closing::Stopping => "that gateway stops",
        Closing::TooMuch => "too much came at once",
        Closing::NoMember => "the registry there names no such member, key or address",
        Closing::Other => "for a reason that is not known here",
    }
}

/// How a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// What is said arrives.
    Up {
        /// Since when.
        since: Timestamp,
        /// Whether we have opened the connection.
        by_us: bool,
        /// How long a word takes there and back, once that is known.
        round_trip: Option<Duration>,
    },
    /// It does not.
    Down {
        /// Since when.
        since: Timestamp,
        /// Why, as far as that is known.
        why: String,
    },
}

/// Nothing was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSaid {
    /// To nobody.
    #[error("there is no such member")]
    NoMember,
    /// It does not fit.
    #[error("at most {MOST_SAID} bytes are said at once")]
    TooLong,
}

/// What is said is this long at most: with the words around it, it is a frame.
pub const MOST_SAID: usize = LONGEST - 128;

/// The door does not open.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// Somebody else listens there, or it is not an address of this machine.
    #[error("{address} (federation): {why}")]
    Address {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
    /// See [`tls::Unusable`].
    #[error(transparent)]
    Certificate(#[from] tls::Unusable),
}

/// What is said may wait here; then everything is told anew.
const SAYINGS: usize = 1_024;

/// When the door closes, the peers are told so; for so long at most.
const PARTING: Duration = Duration::from_secs(1);

/// The open door.
pub struct Door {
    shared: Arc<Shared>,
    listening: Vec<SocketAddr>,
    steward: JoinHandle<()>,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the door of {} for members", self.shared.members.us())
    }
}

/// What all connections share.
struct Shared {
    config: Config,
    members: Members,
    names: Names,
    events: mpsc::Sender<Event>,
    observed: Observed,
    peers: Mutex<BTreeMap<Domain, Arc<Peer>>>,
    handshakes: open::Handshakes,
    sieve: Mutex<Sieve>,
    closing: CancellationToken,
}

impl Door {
    /// Opens the door.
    ///
    /// # Errors
    /// An address is taken, or the certificate cannot be used.
    pub fn open(
        config: Config,
        registry: Option<Arc<Registry>>,
        residency: Residency,
        observed: Observed,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, CannotOpen> {
        let members = Members::new(config.us.clone(), registry);
        let known: tls::Known = {
            let members = members.clone();
            Arc::new(move |key| members.whose(key).is_some())
        };
        observed.link_refusals(&Why::WORDS);
        let acceptor = open::taker(&config.own, known)?;
        let listeners = config.listen.iter().map(|address| open::listen(*address)).collect::<Result<Vec<_>, _>>()?;
        let listening = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let shared = Arc::new(Shared {
            names: Names::new(&config.dns, residency),
            config,
            members,
            events,
            observed,
            peers: Mutex::default(),
            handshakes: open::Handshakes::default(),
            sieve: Mutex::new(Sieve::new(clock::now())),
            closing: CancellationToken::new(),
        });
        for listener in listeners {
            tokio::spawn(open::serve(listener, acceptor.clone(), Arc::clone(&shared)));
        }
        let steward = tokio::spawn(steward::run(Arc::clone(&shared)));
        Ok(Self { shared, listening, steward })
    }

    /// Where it listens.
    pub fn listening(&self) -> &[SocketAddr] {
        &self.listening
    }

    /// Another registry counts from now on: who is no member any more loses their link at once.
    pub fn registry(&self, registry: Arc<Registry>) {
        self.shared.members.replace(registry);
    }

    /// Says something to a member. It arrives once, after all that was said to them before; or [`Event::TellAnew`] comes.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn say(&self, peer: &Domain, what: Box<RawValue>) -> Result<(), NotSaid> {
        if what.get().len() > MOST_SAID {
            return Err(NotSaid::TooLong);
        }
        let peer = self.shared.peer(peer).ok_or(NotSaid::NoMember)?;
        peer.say(what);
        Ok(())
    }

    /// What is said to this member from now on is the new telling for which [`Event::TellAnew`] asked.
    pub fn begin(&self, peer: &Domain, turn: Turn) {
        if let Some(peer) = self.shared.peer(peer) {
            peer.turn.store(turn.0, Ordering::Relaxed);
        }
    }

    /// How each link stands, in the order of the domains.
    pub fn peers(&self) -> Vec<(Domain, State)> {
        let peers = self.shared.lock_peers();
        peers.iter().map(|(domain, peer)| (domain.clone(), peer.state())).collect()
    }

    /// Tells all peers that this gateway stops, and shuts the door.
    pub async fn close(self) {
        self.shared.closing.cancel();
        // Whoever does not listen any more need not be told.
        drop(timeout(PARTING, self.steward).await);
    }
}

impl Shared {
    fn peer(&self, domain: &Domain) -> Option<Arc<Peer>> {
        self.lock_peers().get(domain).cloned()
    }

    /// A table is whole even if somebody panicked beside it.
    fn lock_peers(&self) -> MutexGuard<'_, BTreeMap<Domain, Arc<Peer>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A peer has opened a connection.
    fn hand_over(&self, domain: &Domain, connection: Connection) {
        if let Some(peer) = self.peer(domain) {
            peer.hand_over(connection);
        }
    }

    /// Counts it, and tells the gateway now and then. Whoever is refused never makes anybody wait.
    fn refuse(&self, address: Option<IpAddr>, peer: Option<Domain>, why: Why) {
        self.observed.link_refused(why.word());
        let passes =
            self.sieve.lock().unwrap_or_else(PoisonError::into_inner).lets_through(why.word(), address, clock::now());
        if let Some(untold) = passes {
            let refused = Refused { address: address.map(Personal::new), peer, why, untold };
            drop(self.events.try_send(Event::Refused(refused)));
        }
    }
}
