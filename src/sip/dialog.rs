//! One call from INVITE to its answer: what the gateway decides of it becomes responses. Then [`Watch`] follows it to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Header, Request};
use rsipstack::transaction::transaction::Transaction;
use tokio::sync::oneshot;

use super::facts::Source;
use super::places::Place;
use super::session_timer::SessionTimer;
use super::watch::Watch;
use super::{Event, Facts, Shared, Verdict, answer as answers, contact};
use crate::call::Refusal;
use crate::words::CallId;

/// The gateway answers in milliseconds; if it has not by then it is overwhelmed.
const VERDICT: Duration = Duration::from_secs(4);

/// Longer than a transaction lasts (64 T1 are 32 s, RFC 3261 section 17.2.1). One whose connection broke would never end.
pub(super) const LONGEST_TRANSACTION: Duration = Duration::from_secs(40);

/// Sees a call through.
pub(super) async fn invited(shared: &Arc<Shared>, layer: &Arc<DialogLayer>, mut transaction: Transaction) {
    // Without a connection nobody could be answered.
    let Some(source) = Source::of(&transaction) else { return };
    let call = CallId(shared.next.fetch_add(1, Ordering::Relaxed));
    let trunk = shared.config.trunks.at(source.address);
    let facts = Facts::read(&transaction.original, source, trunk.map(|trunk| trunk.name.clone()));
    let admitted = shared.admit(trunk, source).and_then(|place| {
        let timer = SessionTimer::of(&transaction.original, shared.config.least_interval)?;
        Ok((place, timer))
    });
    match admitted {
        Err(refusal) => {
            answers::log(call, &facts, &refusal);
            refuse(shared, call, transaction, &refusal).await;
        }
        Ok((place, timer)) => {
            if let Err(error) = transaction.send_trying().await {
                tracing::debug!(%call, %error, "100 could not be sent");
            }
            let offer = body(&transaction.original);
            let (verdict, reply) = oneshot::channel();
            match ask(shared, Event::Invited { call, facts: Box::new(facts), offer, verdict }, reply).await {
                Err(refusal) => refuse(shared, call, transaction, &refusal).await,
                Ok(sdp) => take(shared, layer, Taken { call, place, timer, sdp }, transaction).await,
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
    sdp: String,
}

async fn take(shared: &Arc<Shared>, layer: &Arc<DialogLayer>, taken: Taken, transaction: Transaction) {
    let Taken { call, place, timer, sdp } = taken;
    let (states, news) = layer.new_dialog_state_channel();
    match layer.get_or_create_server_invite(&transaction, states, None, contact::of(&transaction, &shared.streams)) {
        Ok(dialog) => {
            shared.observed.answered(200);
            shared.calls.insert(call, dialog.clone());
            if let Err(error) = answer(&dialog, sdp.clone(), timer) {
                tracing::debug!(%call, %error, "the call could not be answered");
            }
            let watch = Watch::new(shared, call, &dialog, &transaction.original, sdp, timer);
            let mut answering = tokio::spawn(see_answered(call, dialog.clone(), transaction));
            watch.follow(news).await;
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

/// 180, then 200 at once: the menu answers.
#[allow(clippy::result_large_err, reason = "the stack's own error, passed on")]
fn answer(dialog: &InviteDialog, sdp: String, timer: Option<SessionTimer>) -> rsipstack::Result<()> {
    dialog.ringing(None, None)?;
    dialog.accept(Some(headers_of_200(timer)), Some(sdp.into_bytes()))
}

/// Carries the answer out: repeats it until the peer acknowledges it, and hangs up if it never does.
async fn see_answered(call: CallId, mut dialog: InviteDialog, mut transaction: Transaction) {
    if let Err(error) = dialog.handle(&mut transaction).await {
        tracing::debug!(%call, %error, "the call did not come about");
    }
    // The 487 of a call that was cancelled.
    answers::until_acknowledged(&mut transaction).await;
}

pub(super) async fn ask(shared: &Shared, event: Event, reply: oneshot::Receiver<Verdict>) -> Verdict {
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
