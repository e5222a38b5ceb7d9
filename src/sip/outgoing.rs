//! A call that we place. In: a [`Wish`]: which trunk, whom, shown as whom, our offer. Out: [`Event`]s: it rings, somebody has
//! answered, or nobody will; then [`Watch`] follows it to its end like any other.
//!
//! It goes out by the door's own sockets, so that the far side sees the address that it knows. A challenge is answered with the
//! trunk's account (RFC 3261 section 22), of several who answer the first stays (section 13.2.2.4; the stack sees to both), and
//! nobody is followed elsewhere: a 3xx is a refusal, for what it names would be called on our bill.

use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::authenticate::Credential;
use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver};
use rsipstack::dialog::invitation::InviteOption;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Auth, Header, Response, StatusCodeKind, Uri};
use rsipstack::transaction::make_uuid_v4;
use tokio_util::sync::CancellationToken;

use super::places::Place;
use super::session_timer::SessionTimer;
use super::trunks::{Account, Outbound, Trunk};
use super::watch::Watch;
use super::ways::Way;
use super::{Event, Shared, proof};
use crate::call::Refusal;
use crate::call::ladder::Side;
use crate::wire;
use crate::words::{CallId, Personal, PhoneNumber, Purpose, TrunkName};

/// A call that is to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Over which trunk.
    pub trunk: TrunkName,
    /// Whom: the user part of the address.
    pub to: Personal<String>,
    /// As whom.
    pub from: Shown,
    /// Our SDP.
    pub offer: String,
    /// It has a place whatever else there is.
    pub emergency: bool,
    /// So many may still hand it on (RFC 3261 section 8.1.1.6).
    pub forwards: u8,
}

/// Who is shown to be calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// This number.
    Number(Personal<PhoneNumber>),
    /// The number of the trunk.
    Trunk,
    /// Nobody: the caller does not want to be known (RFC 3323).
    Nobody,
}

/// Why nobody is called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCall {
    /// There is no such trunk, or it does not say where calls go.
    #[error("by trunk {0} nobody can be called: it has no `dial`")]
    NoDial(TrunkName),
    /// As many calls are up as may be.
    #[error("{0}")]
    Full(Refusal),
}

impl Shared {
    /// Begins to place a call: what becomes of it is told in events.
    pub(super) fn dial(self: &Arc<Self>, wish: Wish) -> Result<CallId, NoCall> {
        let trunk = self.config.trunks.named(&wish.trunk).filter(|trunk| trunk.outbound.is_some());
        let trunk = trunk.cloned().ok_or_else(|| NoCall::NoDial(wish.trunk.clone()))?;
        let place = if wish.emergency {
            self.places.beyond(Some(&trunk))
        } else {
            self.places.take(Some(&trunk)).map_err(NoCall::Full)?
        };
        let call = self.next_call();
        self.wanted.insert(call, CancellationToken::new());
        tokio::spawn(placed(Arc::clone(self), call, trunk, wish, place));
        Ok(call)
    }
}

impl Shared {
    /// Nobody wants this call any more, which has not been answered.
    fn is_given_up(&self, call: CallId) -> bool {
        self.wanted.get(&call).is_some_and(|token| token.is_cancelled())
    }
}

async fn placed(shared: Arc<Shared>, call: CallId, trunk: Trunk, wish: Wish, place: Place) {
    match tried(&shared, call, &trunk, &wish).await {
        Ok((_, dialog, ..)) if shared.is_given_up(call) => {
            // Somebody has answered in the very moment.
            shared.wanted.remove(&call);
            let _ = dialog.bye().await;
            failed(&shared, call, GIVEN_UP).await;
        }
        Ok((way, dialog, response, news)) => {
            shared.wanted.remove(&call);
            follow(&shared, call, &wish, dialog, &response, news, &way).await;
        }
        Err(status) => {
            shared.wanted.remove(&call);
            failed(&shared, call, status).await;
        }
    }
    drop(place);
}

type Answered = (Way, InviteDialog, Response, DialogStateReceiver);

/// One address after the other, until one answers or the call is given up.
async fn tried(shared: &Shared, call: CallId, trunk: &Trunk, wish: &Wish) -> Result<Answered, u16> {
    let Some(outbound) = &trunk.outbound else { return Err(NO_WAY) };
    let hops = shared.hops(trunk, outbound).await.map_err(|why| {
        tracing::warn!(%call, trunk = %trunk.name, %why, "nobody is called");
        NO_WAY
    })?;
    // One call, whichever address takes it.
    let call_id = make_uuid_v4();
    shared.ladders.expect(call, Side::Called, &call_id);
    let mut status = NO_WAY;
    let last = hops.len().saturating_sub(1);
    for (at, hop) in hops.iter().enumerate() {
        let way = match shared.way(outbound, hop).await {
            Ok(way) => way,
            Err(why) => {
                tracing::warn!(%call, trunk = %trunk.name, %why, "an address is not called");
                continue;
            }
        };
        if shared.is_given_up(call) {
            return Err(GIVEN_UP);
        }
        let patience = (at < last).then_some(NEXT);
        match try_at(shared, call, outbound, &way, wish, &call_id, patience).await {
            Ok((dialog, response, news)) => return Ok((way, dialog, response, news)),
            Err(Tried { status: told, is_final, .. }) => {
                status = told;
                if is_final || shared.is_given_up(call) {
                    break;
                }
            }
        }
    }
    Err(status)
}

/// An address that says nothing for so long leaves the call to the next, if there is one (RFC 3263 section 4.3).
const NEXT: Duration = Duration::from_secs(4);

/// What came of one address.
struct Tried {
    status: u16,
    /// The next one would say the same.
    is_final: bool,
    /// What more there is to it.
    more: More,
}

/// What more there is to a call that was not taken.
enum More {
    /// Nothing.
    Nothing,
    /// The stack could not read what was answered.
    Unread,
    /// It is asked who we are, and the stack was not to answer.
    Challenged(Box<Response>),
}

impl Tried {
    const fn new(status: u16, is_final: bool) -> Self {
        Self { status, is_final, more: More::Nothing }
    }
}

/// How it is proven who we are.
enum Proof {
    /// The stack does it, also in what follows in the call.
    ByStack,
    /// Not yet.
    None,
    /// By this field: its name and value.
    Field(&'static str, String),
}

/// Calls one address. The stack's own digest knows MD5; where it cannot read the challenge (RFC 8760), ours answers.
async fn try_at(
    shared: &Shared,
    call: CallId,
    outbound: &Outbound,
    way: &Way,
    wish: &Wish,
    call_id: &str,
    patience: Option<Duration>,
) -> Result<(InviteDialog, Response, DialogStateReceiver), Tried> {
    let option = |proof: Proof| {
        let option = option(outbound, way, wish, proof).ok_or(Tried::new(NO_WAY, true))?;
        Ok(InviteOption { call_id: Some(call_id.to_owned()), ..option })
    };
    let first = invite(shared, call, way, option(Proof::ByStack)?, patience).await;
    let Err(Tried { more: More::Unread, .. }) = &first else { return first };
    let asked = invite(shared, call, way, option(Proof::None)?, patience).await;
    let Err(Tried { more: More::Challenged(response), .. }) = &asked else { return asked };
    let called = option(Proof::None)?.callee.to_string();
    match outbound.account.as_ref().and_then(|account| proof::of(account, response, "INVITE", &called, false)) {
        Some((field, value)) => invite(shared, call, way, option(Proof::Field(field, value))?, patience).await,
        None => asked,
    }
}

async fn invite(
    shared: &Shared,
    call: CallId,
    way: &Way,
    option: InviteOption,
    patience: Option<Duration>,
) -> Result<(InviteDialog, Response, DialogStateReceiver), Tried> {
    let (states, news) = way.layer.new_dialog_state_channel();
    let (dialog, answered) = way.layer.do_invite_async(option, states).map_err(|error| {
        tracing::warn!(%call, %error, "an address is not called");
        Tried::new(NO_WAY, false)
    })?;
    shared.placed.insert(call, dialog.clone());
    if shared.is_given_up(call) {
        let _ = dialog.cancel().await;
    }
    let outcome = until_answered(shared, call, news, answered, patience).await;
    if outcome.as_ref().is_err_and(|tried| tried.status == NO_ANSWER && matches!(tried.more, More::Nothing)) {
        // If it speaks after all, it hears that it is too late.
        let _ = dialog.cancel().await;
    }
    shared.placed.remove(&call);
    outcome.map(|(response, news)| (dialog, response, news))
}

/// Whoever wanted it is gone: 487, as the network would say.
const GIVEN_UP: u16 = 487;
/// As if the network had said so: 503.
const NO_WAY: u16 = 503;
/// Nobody said anything: 408.
const NO_ANSWER: u16 = 408;

async fn failed(shared: &Shared, call: CallId, status: u16) {
    let _ = shared.events.send(Event::Declined { call, status }).await;
}

type Answering = rsipstack::platform::JoinHandle<rsipstack::dialog::invitation::InviteAsyncResult>;

/// Tells that it rings; gives the answer, or the status of the refusal. With patience it ends when nothing was said until then.
async fn until_answered(
    shared: &Shared,
    call: CallId,
    mut news: DialogStateReceiver,
    mut answered: Answering,
    mut patience: Option<Duration>,
) -> Result<(Response, DialogStateReceiver), Tried> {
    let mut rings = false;
    loop {
        let silent = async {
            match patience {
                Some(patience) => drop(tokio::time::timeout(patience, std::future::pending::<()>()).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            done = &mut answered => {
                let response = match done {
                    Ok(Ok((_, Some(response)))) => response,
                    Ok(Err(_)) => return Err(Tried { more: More::Unread, ..Tried::new(NO_ANSWER, rings) }),
                    Ok(Ok((_, None))) | Err(_) => return Err(Tried::new(NO_ANSWER, rings)),
                };
                return match response.status_code.kind() {
                    StatusCodeKind::Successful => Ok((response, news)),
                    StatusCodeKind::Provisional
                    | StatusCodeKind::Redirection
                    | StatusCodeKind::RequestFailure
                    | StatusCodeKind::ServerFailure
                    | StatusCodeKind::GlobalFailure
                    | StatusCodeKind::Other => {
                        let status = response.status_code.code();
                        let is_asked = matches!(status, 401 | 407);
                        let more = if is_asked { More::Challenged(Box::new(response)) } else { More::Nothing };
                        Err(Tried { more, ..Tried::new(status, status != NO_WAY) })
                    }
                };
            }
            () = silent => return Err(Tried::new(NO_ANSWER, false)),
            Some(state) = news.recv() => {
                if matches!(state, DialogState::Trying(_) | DialogState::Early(..)) {
                    patience = None;
                }
                if matches!(state, DialogState::Early(..)) && !rings {
                    rings = true;
                    let _ = shared.events.send(Event::Ringing { call }).await;
                }
            }
        }
    }
}

async fn follow(
    shared: &Arc<Shared>,
    call: CallId,
    wish: &Wish,
    dialog: InviteDialog,
    response: &Response,
    news: DialogStateReceiver,
    way: &Way,
) {
    shared.calls.insert(call, dialog.clone());
    let answer = String::from_utf8_lossy(&response.body).into_owned();
    let _ = shared.events.send(Event::PickedUp { call, answer }).await;
    let timer = SessionTimer::of_answer(response);
    Watch::of_placed(shared, call, &dialog, response, wish.offer.clone(), timer).follow(news).await;
    way.layer.remove_dialog(&dialog.id());
    shared.calls.remove(&call);
    let _ = shared.events.send(Event::Ended { call }).await;
}

/// What the INVITE says.
fn option(outbound: &Outbound, way: &Way, wish: &Wish, proof: Proof) -> Option<InviteOption> {
    let account = outbound.account.as_ref();
    let own = account.map_or("einwahl", |account| account.user.as_str());
    let identity = outbound.identity.as_ref().map(|number| number.reveal(Purpose::Signalling).as_str());
    let shown = match &wish.from {
        Shown::Number(number) => Some(number.reveal(Purpose::Signalling).as_str()),
        Shown::Trunk => Some(identity.unwrap_or(own)),
        Shown::Nobody => None,
    };
    // RFC 3325: whose line it is, for a trunk that trusts us. An emergency service has to know whom to call back.
    let asserted = if wish.emergency { shown.or(identity) } else { identity };
    let mut headers = vec![
        Header::MaxForwards(u32::from(wish.forwards).into()),
        Header::Other("Allow".into(), wire::METHODS.into()),
        Header::Other("Supported".into(), wire::EXTENSIONS.into()),
    ];
    headers.extend(SessionTimer::headers_of_offer());
    headers.extend(
        asserted.map(|number| Header::Other("P-Asserted-Identity".into(), format!("<{}>", at(number, &way.us)))),
    );
    if wish.from == Shown::Nobody {
        headers.push(Header::Other("Privacy".into(), "id".into()));
    }
    let credential = match proof {
        Proof::ByStack => account.map(credential),
        Proof::None => None,
        Proof::Field(field, value) => {
            headers.push(Header::Other(field.into(), value));
            None
        }
    };
    let caller = match shown {
        // With an account the trunk knows us by its own name (RFC 3261 section 22.3).
        Some(shown) => at(shown, if account.is_some() { &way.them } else { &way.us }),
        // RFC 3323 section 4.1.1.3.
        None => Uri::try_from("sip:anonymous@anonymous.invalid").ok()?,
    };
    Some(InviteOption {
        caller_display_name: shown.is_none().then(|| String::from("Anonymous")),
        caller: Uri { params: Vec::new(), ..caller },
        callee: at(wish.to.reveal(Purpose::Signalling), &way.them),
        destination: Some(way.destination.clone()),
        contact: at(own, &way.us),
        content_type: Some(String::from("application/sdp")),
        offer: Some(wish.offer.clone().into_bytes()),
        credential,
        headers: Some(headers),
        ..InviteOption::default()
    })
}

fn at(user: &str, host: &Uri) -> Uri {
    Uri { auth: Some(Auth { user: user.to_owned(), password: None }), ..host.clone() }
}

fn credential(account: &Account) -> Credential {
    let password = account.password.expose().to_owned();
    Credential { username: account.user.clone(), password, realm: None, auth_username: None }
}
