//! One call from INVITE to its answer: what the gateway decides of it becomes responses. Then [`Watch`] follows it to its end.

use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver};
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Header, Request};
use rsipstack::transaction::transaction::Transaction;
use tokio::sync::oneshot;

use super::facts::Source;
use super::members::Members;
use super::places::Place;
use super::session_timer::SessionTimer;
use super::watch::Watch;
use super::{Event, Facts, Reply, Shared, answer as answers, clock, contact};
use crate::call::Refusal;
use crate::call::ladder::Side;
use crate::dialplan::is_emergency;
use crate::words::CallId;

/// The gateway answers in milliseconds; if it has not by then it is overwhelmed.
const VERDICT: Duration = Duration::from_secs(4);

/// So often a caller who waits is told again that it rings.
const RING_AGAIN: Duration = Duration::from_secs(60);

/// Longer than a transaction lasts (64 T1 are 32 s, RFC 3261 section 17.2.1). One whose connection broke would never end.
pub(super) const LONGEST_TRANSACTION: Duration = Duration::from_secs(40);

/// Sees a call through.
pub(super) async fn invited(
    shared: &Arc<Shared>,
    layer: &Arc<DialogLayer>,
    mut transaction: Transaction,
    members: Option<&Members>,
) {
    // Without a connection nobody could be answered.
    let Some(source) = Source::of(&transaction) else { return };
    let call = shared.next_call();
    // Where members' systems call nobody is a trunk.
    let trunk = members.is_none().then(|| shared.config.trunks.at(source.address)).flatten();
    let facts = match members {
        None => Facts::read(&transaction.original, source, trunk.map(|trunk| trunk.name.clone())),
        Some(members) => {
            // Its connection has ended, or it is none any more.
            let Some((member, shown)) = contact::peer_of(&transaction).and_then(|peer| members.whose(peer)) else {
                return refuse(shared, call, transaction, &Refusal::NoMember).await;
            };
            Facts::of_member(&transaction.original, source, member, shown)
        }
    };
    // An emergency is never one call too many.
    let is_rescue = is_emergency(&facts.called) && trunk.is_some_and(|trunk| trunk.may_use(source.transport));
    let place = if is_rescue { Ok(shared.places.beyond(trunk)) } else { shared.admit(trunk, source) };
    let admitted = place.and_then(|place| {
        let timer = SessionTimer::of(&transaction.original, shared.config.least_interval)?;
        Ok((place, timer))
    });
    match admitted {
        Err(refusal) => {
            answers::log(call, &facts, &refusal);
            refuse(shared, call, transaction, &refusal).await;
        }
        Ok((place, timer)) => {
            shared.ladders.begin(call, Side::Caller, transaction.original.to_string().as_bytes());
            if let Err(error) = transaction.send_trying().await {
                tracing::debug!(%call, %error, "100 could not be sent");
            }
            let offer = body(&transaction.original);
            let (verdict, reply) = oneshot::channel();
            match ask(shared, Event::Invited { call, facts: Box::new(facts), offer, verdict }, reply).await {
                Err(refusal) => refuse(shared, call, transaction, &refusal).await,
                Ok(reply) => take(shared, layer, Taken { call, place, timer, reply }, transaction).await,
            }
        }
    }
}

async fn refuse(shared: &Shared, call: CallId, mut transaction: Transaction, refusal: &Refusal) {
    shared.observed.refused(refusal);
    match answers::refuse(&mut transaction, refusal).await {
        Ok(()) => answers::until_acknowledged(&mut transaction).await,
        Err(error) => tracing::debug!(%call, %error, "a refusal could not be sent"),
    }
}

/// A call that is to be answered.
struct Taken {
    call: CallId,
    place: Place,
    timer: Option<SessionTimer>,
    reply: Reply,
}

async fn take(shared: &Arc<Shared>, layer: &Arc<DialogLayer>, taken: Taken, transaction: Transaction) {
    let Taken { call, place, timer, reply } = taken;
    let (states, mut news) = layer.new_dialog_state_channel();
    match layer.get_or_create_server_invite(&transaction, states, None, contact::of(&transaction, &shared.streams)) {
        Ok(dialog) => {
            if let Err(error) = dialog.ringing(None, None) {
                tracing::debug!(%call, %error, "180 could not be sent");
            }
            let invite = transaction.original.clone();
            let mut answering = tokio::spawn(see_answered(call, dialog.clone(), transaction));
            if let Some(sdp) = answer_to(shared, call, &dialog, reply, &mut news).await {
                shared.observed.answered(200);
                shared.calls.insert(call, dialog.clone());
                if let Err(error) = dialog.accept(Some(headers_of_200(timer)), Some(sdp.clone().into_bytes())) {
                    tracing::debug!(%call, %error, "the call could not be answered");
                }
                Watch::new(shared, call, &dialog, &invite, sdp, timer).follow(news).await;
            }
            layer.remove_dialog(&dialog.id());
            is_over(shared, call, place).await;
            if tokio::time::timeout(LONGEST_TRANSACTION, &mut answering).await.is_err() {
                answering.abort();
            }
        }
        Err(error) => {
            tracing::info!(%call, %error, why = %Refusal::NoContact, "refused");
            is_over(shared, call, place).await;
            refuse(shared, call, transaction, &Refusal::NoContact).await;
        }
    }
}

async fn is_over(shared: &Shared, call: CallId, place: Place) {
    shared.calls.remove(&call);
    drop(place);
    let _ = shared.events.send(Event::Ended { call }).await;
}

/// Our SDP, once somebody answers; none, if the caller gives up before, or nobody does, which they are told.
async fn answer_to(
    shared: &Shared,
    call: CallId,
    dialog: &InviteDialog,
    reply: Reply,
    news: &mut DialogStateReceiver,
) -> Option<String> {
    let mut later = match reply {
        Reply::Answer(sdp) => return Some(sdp),
        Reply::Ring(later) => later,
    };
    let mut again = tokio::time::interval_at((clock::now() + RING_AGAIN).into(), RING_AGAIN);
    loop {
        tokio::select! {
            state = news.recv() => match state {
                None | Some(DialogState::Terminated(..)) => return None,
                Some(_) => {}
            },
            verdict = &mut later => {
                let refusal = match verdict {
                    Ok(Ok(sdp)) => return Some(sdp),
                    Ok(Err(refusal)) => refusal,
                    Err(_) => Refusal::Full,
                };
                shared.observed.refused(&refusal);
                let reason = format!("Q.850;cause={}", refusal.on_the_wire().cause);
                if let Err(error) = dialog.reject(Some(answers::status(&refusal)), Some(reason)) {
                    tracing::debug!(%call, %error, "a refusal could not be sent");
                }
                return None;
            }
            // RFC 3261 section 13.3.1.1: else a proxy on the way gives the call up after three minutes.
            _ = again.tick() => drop(dialog.ringing(None, None)),
        }
    }
}

/// Carries the answer out: repeats it until the peer acknowledges it, and hangs up if it never does.
async fn see_answered(call: CallId, mut dialog: InviteDialog, mut transaction: Transaction) {
    if let Err(error) = dialog.handle(&mut transaction).await {
        tracing::debug!(%call, %error, "the call did not come about");
    }
    // The 487 of a call that was cancelled.
    answers::until_acknowledged(&mut transaction).await;
}

pub(super) async fn ask<T>(
    shared: &Shared,
    event: Event,
    reply: oneshot::Receiver<Result<T, Refusal>>,
) -> Result<T, Refusal> {
    if shared.events.try_send(event).is_ok()
        && let Ok(Ok(verdict)) = tokio::time::timeout(VERDICT, reply).await
    {
        return verdict;
    }
    tracing::error!("the gateway does not keep up with its calls: one is refused with 503");
    Err(Refusal::Full)
}

/// With our 200: what the door understands, what we send, and who refreshes the session.
pub(super) fn headers_of_200(timer: Option<SessionTimer>) -> Vec<Header> {
    let mut headers = answers::abilities();
    headers.push(content_type());
    headers.extend(timer.map(SessionTimer::headers).into_iter().flatten());
    headers
}

pub(super) fn content_type() -> Header {
    Header::ContentType("application/sdp".into())
}

pub(super) fn body(request: &Request) -> Option<String> {
    (!request.body.is_empty()).then(|| String::from_utf8_lossy(&request.body).into_owned())
}
