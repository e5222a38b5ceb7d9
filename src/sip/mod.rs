//! The door for telephones: SIP over UDP, TCP and TLS (RFC 3261). In: messages, through a gate and `rsipstack`. Out:
//! [`Event`]s, each with the means to answer it. The door decides nothing but what concerns the door: how full it is, and
//! who floods it.
//!
//! A message walks: `datagrams` or `streams` → `gate` (`wire`: guarded, repaired or refused) → the stack → `dialog`.

mod answer;
mod clock;
mod contact;
mod datagrams;
mod dialog;
mod diversion;
mod facts;
mod gate;
mod homeward;
mod keeper;
mod ladders;
mod listen;
mod members;
mod open;
mod outgoing;
mod places;
mod proof;
mod refer;
mod resolve;
mod session_timer;
mod streams;
mod trunks;
mod watch;
mod ways;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rsipstack::dialog::dialog::{Dialog, DialogState, TerminatedReason};
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Method, StatusCode};
use rsipstack::transaction::key::TransactionRole;
use rsipstack::transaction::transaction::Transaction;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::call::Refusal;
use crate::call::ladder::Ladder;
use crate::observe::Observed;
use crate::residency::Residency;
use crate::tls::{self, Certificate};
use crate::trunk::hops::Hop;
use crate::wire::Limits;
use crate::words::{CallId, Digit, TrunkName};

pub use facts::{Facts, Source, Visitor, masked};
pub use keeper::TrunkNews;
use members::Members;
pub use members::{Joining, Refused as MemberRefused, Why as MemberWhy};
pub use outgoing::{NoCall, Shown, Wish};
use places::{Place, Places};
pub use resolve::{Resolver, Unresolved};
pub use trunks::{Account, Outbound, Trunk, Trunks};

/// How the door works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where it listens, with UDP and with TCP.
    pub listen: Vec<SocketAddr>,
    /// Where it listens with TLS, and whose certificate it shows there.
    pub tls: Option<Tls>,
    /// What an address may do that belongs to no trunk.
    pub limits: Limits,
    /// So many calls at once; the next gets 503.
    pub most_calls: usize,
    /// How long a peer may take to refresh its session (RFC 4028), if it refreshes at all.
    pub least_interval: Duration,
    /// Who calls here, and is called.
    pub trunks: Trunks,
    /// The DNS servers that are asked where trunks are; those of this machine, if none is named.
    pub dns: Vec<SocketAddr>,
}

/// SIP over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Where.
    pub listen: Vec<SocketAddr>,
    /// Whose certificate.
    pub certificate: Certificate,
}

/// Where a door listens: with the ports that it got, if it asked for any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// With UDP and with TCP.
    pub plain: Vec<SocketAddr>,
    /// With TLS.
    pub tls: Vec<SocketAddr>,
    /// With mutual TLS, for other institutions' systems.
    pub members: Vec<SocketAddr>,
}

/// What happens at the door.
#[derive(Debug)]
pub enum Event {
    /// Somebody calls.
    Invited {
        /// The call, from now on.
        call: CallId,
        /// Who, and whom.
        facts: Box<Facts>,
        /// Their SDP, if they sent one.
        offer: Option<String>,
        /// Whether to take the call.
        verdict: oneshot::Sender<Result<Reply, Refusal>>,
    },
    /// Our answer has arrived.
    Acknowledged {
        /// Which call.
        call: CallId,
        /// Their SDP, if the offer was ours.
        answer: Option<String>,
    },
    /// Something about the running call is to be changed.
    Reoffered {
        /// Which call.
        call: CallId,
        /// Their SDP; without one they want ours.
        offer: Option<String>,
        /// Whether to do so.
        verdict: oneshot::Sender<Verdict>,
    },
    /// They have answered the offer that they wanted in the running call.
    Answered {
        /// Which call.
        call: CallId,
        /// Their SDP.
        answer: String,
    },
    /// It rings where we call.
    Ringing {
        /// Which call.
        call: CallId,
    },
    /// Somebody has answered where we call.
    PickedUp {
        /// Which call.
        call: CallId,
        /// Their SDP.
        answer: String,
    },
    /// Nobody answers where we call.
    Declined {
        /// Which call.
        call: CallId,
        /// Why, as a SIP status.
        status: u16,
    },
    /// The trunk was asked to call somebody else in our place.
    Referred {
        /// In which call.
        call: CallId,
        /// Whether it has.
        taken: bool,
    },
    /// How a trunk stands, when that is new or its registration is.
    Trunk {
        /// Which.
        trunk: TrunkName,
        /// How.
        news: Box<TrunkNews>,
    },
    /// Another institution's system was refused, or somebody who passed for one.
    MemberRefused(Box<MemberRefused>),
    /// A key, sent as SIP INFO.
    Digit {
        /// In which call.
        call: CallId,
        /// Which.
        digit: Digit,
    },
    /// The call is over: they hung up, cancelled, or are gone.
    Ended {
        /// Which call.
        call: CallId,
    },
}

/// How a call is taken.
#[derive(Debug)]
pub enum Reply {
    /// Answered at once, with our SDP.
    Answer(String),
    /// The caller hears it ringing until this says more.
    Ring(oneshot::Receiver<Verdict>),
}

/// What to answer: 200 with our SDP, or why not.
pub type Verdict = Result<String, Refusal>;

/// The open door. Closes when dropped.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
    listening: Listening,
}

pub(crate) struct Shared {
    config: Config,
    sentry: Arc<gate::Sentry>,
    ladders: Arc<ladders::Ladders>,
    streams: streams::Open,
    observed: Observed,
    events: mpsc::Sender<Event>,
    /// The calls that were taken.
    calls: dashmap::DashMap<CallId, InviteDialog>,
    /// The calls that are to be placed, until they are answered; cancelled once nobody wants them any more.
    wanted: dashmap::DashMap<CallId, CancellationToken>,
    /// Of these, those that are under way.
    placed: dashmap::DashMap<CallId, InviteDialog>,
    /// The calls whose trunk was asked to call somebody else, until it has said whether it did.
    referring: dashmap::DashMap<CallId, oneshot::Sender<bool>>,
    stacks: ways::Stacks,
    resolver: Resolver,
    /// Those who keep the trunks.
    keepers: TaskTracker,
    /// The trunks are to be told that we go.
    leaving: CancellationToken,
    places: Arc<Places>,
    /// The systems of other institutions, where they may call.
    members: std::sync::OnceLock<Members>,
    next: AtomicU64,
    draining: std::sync::atomic::AtomicBool,
    closing: CancellationToken,
}

/// The door does not open.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// An address is taken, or not ours.
    #[error("cannot listen for SIP at {address}: {why}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the operating system says.
        why: String,
    },
    /// See [`tls::Unusable`].
    #[error("SIP over TLS: {0}")]
    Certificate(#[from] tls::Unusable),
    /// The stack gives no requests.
    #[error("the SIP stack did not start: {0}")]
    Stack(String),
}

impl Door {
    /// Opens the door; events go to `events`. When nobody takes them, callers get 503. Calls are placed where `residency` allows.
    ///
    /// # Errors
    /// An address cannot be listened at.
    pub async fn open(
        config: Config,
        residency: Residency,
        observed: Observed,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, CannotOpen> {
        let closing = CancellationToken::new();
        let resolver = Resolver::new(&config.dns, residency.clone());
        let shared = Arc::new(Shared {
            places: Places::new(config.most_calls),
            sentry: Arc::new(gate::Sentry::new(config.limits, config.trunks.clone(), residency, observed.clone())),
            streams: streams::Open::default(),
            ladders: Arc::default(),
            config,
            observed,
            events,
            calls: dashmap::DashMap::new(),
            wanted: dashmap::DashMap::new(),
            placed: dashmap::DashMap::new(),
            referring: dashmap::DashMap::new(),
            stacks: ways::Stacks::default(),
            resolver,
            keepers: TaskTracker::new(),
            leaving: closing.child_token(),
            members: std::sync::OnceLock::new(),
            next: AtomicU64::new(1),
            draining: std::sync::atomic::AtomicBool::new(false),
            closing,
        });
        let mut listening = Listening::default();
        for address in &shared.config.listen {
            listening.plain.push(open::plain(&shared, *address).await?);
        }
        if let Some(tls) = &shared.config.tls {
            let keys = Arc::new(tls::server(&tls.certificate)?);
            for address in &tls.listen {
                listening.tls.push(open::tls(&shared, *address, &keys, None).await?);
            }
        }
        keeper::keep(&shared);
        Ok(Self { shared, listening })
    }

    /// Lets the systems of other institutions call, too: once.
    ///
    /// # Errors
    /// An address cannot be listened at, or the certificate not be used.
    pub async fn join(&mut self, joining: Joining) -> Result<(), CannotOpen> {
        let Joining { listen, own, registry } = joining;
        let (observed, events) = (self.shared.observed.clone(), self.shared.events.clone());
        let members = self.shared.members.get_or_init(|| Members::new(registry, observed, events));
        let keys = Arc::new(members.encryption(&own)?);
        for address in listen {
            self.listening.members.push(open::tls(&self.shared, address, &keys, Some(members)).await?);
        }
        Ok(())
    }

    /// Another registry of members counts from now on.
    pub fn members_are(&self, registry: Arc<crate::member::Registry>) {
        if let Some(members) = self.shared.members.get() {
            members.replace(registry);
        }
    }

    /// Where the door listens.
    pub const fn listening(&self) -> &Listening {
        &self.listening
    }

    /// Places a call; what becomes of it is told in events.
    ///
    /// # Errors
    /// The trunk cannot be called, or no more calls may be up.
    pub fn dial(&self, wish: Wish) -> Result<CallId, NoCall> {
        self.shared.dial(wish)
    }

    /// Asks a trunk to call somebody else in our place; [`Event::Referred`] tells what came of it. False if it cannot be asked.
    pub fn refer(&self, call: CallId, trunk: &TrunkName, user: &str) -> bool {
        refer::ask(&self.shared, call, trunk, user)
    }

    /// Hangs up a call, or gives it up if it is one of ours that nobody has answered.
    pub async fn hang_up(&self, call: CallId) {
        self.shared.hang_up(call).await;
    }

    /// What was said in a call that is over, and in those that were placed for it. Told once.
    pub fn ladder(&self, call: CallId, placed: &[CallId]) -> Ladder {
        self.shared.ladders.take(call, placed)
    }

    /// From now on no new calls are taken, and registrars are told so.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
        self.shared.leaving.cancel();
    }

    /// Waits until every registrar knows that we go. Comes back only after [`Self::drain`].
    pub async fn signed_off(&self) {
        self.shared.keepers.close();
        self.shared.keepers.wait().await;
    }

    /// Calls of a trunk now.
    pub fn calls_of(&self, trunk: &TrunkName) -> usize {
        self.shared.places.of(trunk)
    }

    /// Calls now.
    pub fn calls(&self) -> usize {
        self.shared.places.all()
    }

    /// Closes the door.
    pub fn close(&self) {
        self.shared.closing.cancel();
    }
}

/// RFC 3261 section 19.1.2.
const SIP: u16 = 5060;

impl Shared {
    /// The addresses of a trunk, in the order in which they are tried.
    async fn hops(&self, trunk: &Trunk, outbound: &Outbound) -> Result<Vec<Hop>, Unresolved> {
        let hops = self.resolver.hops(trunk, &outbound.target).await;
        let outside = match &hops {
            Ok(hops) => !hops.outside.is_empty(),
            Err(Unresolved::Outside { .. }) => true,
            Err(_) => false,
        };
        if outside {
            self.observed.led_outside();
            tracing::warn!(trunk = %trunk.name, "it leads to addresses that may not be called");
        }
        hops.map(|hops| hops.to_try)
    }

    async fn hang_up(&self, call: CallId) {
        if let Some(wanted) = self.wanted.get(&call) {
            wanted.cancel();
        }
        let placed = self.placed.get(&call).map(|dialog| dialog.clone());
        if let Some(placed) = placed {
            if let Err(error) = placed.cancel().await {
                tracing::debug!(%call, %error, "a call of ours could not be given up");
            }
            return;
        }
        let dialog = self.calls.get(&call).map(|dialog| dialog.clone());
        if let Some(dialog) = dialog
            && let Err(error) = dialog.bye().await
        {
            tracing::debug!(%call, %error, "the peer did not answer our BYE");
        }
    }

    fn next_call(&self) -> CallId {
        CallId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// A place for a call of this trunk, or why it gets none.
    fn admit(&self, trunk: Option<&Trunk>, source: Source) -> Result<Place, Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        if let Some(trunk) = trunk.filter(|trunk| !trunk.may_use(source.transport)) {
            return Err(Refusal::WrongTransport { trunk: trunk.name.clone() });
        }
        self.places.take(trunk)
    }

    /// Why no call can be taken now.
    fn obstacle(&self) -> Option<Refusal> {
        if self.is_draining() { Some(Refusal::Draining) } else { self.places.is_full().then_some(Refusal::Full) }
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

async fn serve(
    shared: Arc<Shared>,
    layer: Arc<DialogLayer>,
    mut requests: rsipstack::transaction::TransactionReceiver,
    members: Option<Members>,
) {
    while let Some(transaction) = requests.recv().await {
        let (shared, layer, members) = (Arc::clone(&shared), Arc::clone(&layer), members.clone());
        tokio::spawn(async move { shared.receive(&layer, transaction, members.as_ref()).await });
    }
}

impl Shared {
    async fn receive(
        self: Arc<Self>,
        layer: &Arc<DialogLayer>,
        mut transaction: Transaction,
        members: Option<&Members>,
    ) {
        if let Some(dialog) = layer.match_dialog(&transaction).filter(|dialog| !has_hung_up(dialog)) {
            inside(dialog, transaction).await;
            return;
        }
        let done = match transaction.original.method {
            Method::Invite if has_to_tag(&transaction) => {
                transaction.reply(StatusCode::CallTransactionDoesNotExist).await
            }
            Method::Invite => {
                dialog::invited(&self, layer, transaction, members).await;
                return;
            }
            Method::Options => match self.obstacle() {
                None => transaction.reply_with(StatusCode::OK, answer::abilities(), None).await,
                Some(refusal) => answer::refuse(&mut transaction, &refusal).await,
            },
            Method::Ack => return,
            Method::Bye | Method::Cancel | Method::Info | Method::Update => {
                transaction.reply(StatusCode::CallTransactionDoesNotExist).await
            }
            Method::Message
            | Method::Notify
            | Method::PRack
            | Method::Publish
            | Method::Refer
            | Method::Register
            | Method::Subscribe => {
                transaction.reply_with(StatusCode::MethodNotAllowed, answer::abilities(), None).await
            }
        };
        if let Err(error) = done {
            tracing::debug!(%error, "an answer could not be sent");
        }
    }
}

/// Whether the peer has ended the call, which we have yet to forget: as if there were none any more.
fn has_hung_up(dialog: &Dialog) -> bool {
    let Dialog::Invite(invite) = dialog else { return false };
    let DialogState::Terminated(_, why) = invite.state() else { return false };
    match invite.role() {
        TransactionRole::Server => matches!(why, TerminatedReason::UacBye),
        TransactionRole::Client => matches!(why, TerminatedReason::UasBye),
    }
}

/// A request inside a call.
async fn inside(mut dialog: Dialog, mut transaction: Transaction) {
    if transaction.original.method != Method::Ack {
        acknowledged(&dialog).await;
    }
    let was_confirmed = matches!(&dialog, Dialog::Invite(invite) if invite.state().is_confirmed());
    if let Err(error) = dialog.handle(&mut transaction).await {
        tracing::debug!(%error, "a request inside a call came to nothing");
    }
    // The stack leaves one that is out of order without an answer; RFC 3261 section 12.2.2 has one.
    let is_answered = transaction.last_response.is_some() || transaction.original.method == Method::Ack;
    if was_confirmed && !is_answered && transaction.reply(StatusCode::ServerInternalError).await.is_err() {
        tracing::debug!("a request out of order could not be answered");
    }
}

/// Requests are handled side by side. One that comes right behind the ACK of our answer must not overtake that: the stack would take
/// the ACK for an old one, and the call for none. Waits for it, but not longer than for one that is lost.
async fn acknowledged(dialog: &Dialog) {
    let Dialog::Invite(invite) = dialog else { return };
    let is_there = async {
        let mut looks = tokio::time::interval(MOMENT);
        while invite.state().waiting_ack() {
            looks.tick().await;
        }
    };
    drop(tokio::time::timeout(T1, is_there).await);
}

/// RFC 3261 section 17.1.1.1: what is lost is repeated after this.
const T1: Duration = Duration::from_millis(500);

/// Between two looks.
const MOMENT: Duration = Duration::from_millis(2);

fn has_to_tag(transaction: &Transaction) -> bool {
    use rsipstack::sip::prelude::HeadersExt as _;
    let to = transaction.original.to_header();
    to.is_ok_and(|to| to.tag().is_ok_and(|tag| tag.is_some()))
}
