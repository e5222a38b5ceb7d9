//! One call from INVITE to BYE: what the stack tells of its dialog becomes [`Event`]s, what is decided becomes answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver, TransactionHandle};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::prelude::HeadersExt as _;
use rsipstack::sip::{Header, Request, StatusCode};
use rsipstack::transaction::transaction::Transaction;
use tokio::sync::oneshot;

use super::{Event, Facts, Shared, Verdict, answer as answers};
use crate::call::Refusal;
use crate::words::{CallId, Digit};

/// The gateway answers in milliseconds; if it has not by then it is overwhelmed.
const VERDICT: Duration = Duration::from_secs(4);

/// Sees a call through.
pub(super) async fn invited(shared: &Arc<Shared>, mut transaction: Transaction) {
    let call = CallId(shared.next.fetch_add(1, Ordering::Relaxed));
    let refreshed = session_interval(&transaction.original);
    let outcome = match shared.obstacle().or_else(|| too_short(refreshed, shared.config.least_interval)) {
        Some(refusal) => Err(refusal),
        None => {
            let facts = Box::new(Facts::read(&transaction.original));
            let offer = body(&transaction.original);
            let (verdict, reply) = oneshot::channel();
            ask(shared, Event::Invited { call, facts, offer, verdict }, reply).await
        }
    };
    match outcome {
        Err(refusal) => {
            shared.observed.refused(&refusal);
            if let Err(error) = answers::refuse(&mut transaction, &refusal).await {
                tracing::debug!(%call, %error, "a refusal could not be sent");
            }
        }
        Ok(sdp) => take(shared, call, transaction, sdp, refreshed).await,
    }
}

async fn take(
    shared: &Arc<Shared>,
    call: CallId,
    mut transaction: Transaction,
    sdp: String,
    refreshed: Option<Duration>,
) {
    let (states, news) = shared.layer.new_dialog_state_channel();
    let offered = body(&transaction.original).is_some();
    match shared.layer.get_or_create_server_invite(&transaction, states, None, None) {
        Ok(mut dialog) => {
            shared.observed.answered(200);
            shared.calls.insert(call, dialog.clone());
            let watching = tokio::spawn(watch(shared.clone(), call, news, offered, refreshed));
            let handled = match answer(&dialog, sdp, refreshed) {
                Ok(()) => dialog.handle(&mut transaction).await,
                Err(error) => Err(error),
            };
            if let Err(error) = handled {
                tracing::debug!(%call, %error, "the call did not come about");
            }
            let _ = watching.await;
            shared.layer.remove_dialog(&dialog.id());
        }
        Err(error) => tracing::info!(%call, %error, "an INVITE without what makes a dialog"),
    }
    shared.calls.remove(&call);
    let _ = shared.events.send(Event::Ended { call }).await;
}

/// 180, then 200 at once: the menu answers.
#[allow(clippy::result_large_err, reason = "the stack's own error, passed on")]
fn answer(dialog: &InviteDialog, sdp: String, refreshed: Option<Duration>) -> rsipstack::Result<()> {
    dialog.ringing(None, None)?;
    dialog.accept(Some(take_headers(refreshed)), Some(sdp.into_bytes()))
}

/// Follows the dialog to its end.
async fn watch(
    shared: Arc<Shared>,
    call: CallId,
    mut news: DialogStateReceiver,
    offered: bool,
    refreshed: Option<Duration>,
) {
    let mut acknowledged = false;
    loop {
        let next = match refreshed {
            Some(interval) => tokio::time::timeout(interval, news.recv()).await,
            None => Ok(news.recv().await),
        };
        let Ok(next) = next else {
            tracing::info!(%call, "the peer no longer refreshes its session");
            shared.hang_up(call).await;
            continue;
        };
        match next {
            None | Some(DialogState::Terminated(..)) => return,
            Some(DialogState::Confirmed(..)) if !acknowledged => {
                acknowledged = true;
                let ack = shared.calls.get(&call).and_then(|dialog| dialog.last_remote_ack());
                let answer = if offered { None } else { ack.as_ref().and_then(body) };
                let _ = shared.events.send(Event::Acknowledged { call, answer }).await;
            }
            Some(DialogState::Updated(_, request, handle)) => {
                updated(&shared, call, &request, &handle, refreshed).await
            }
            Some(DialogState::Info(_, request, handle)) => info(&shared, call, &request, &handle).await,
            Some(DialogState::Options(_, _, handle)) => {
                reply(&handle, StatusCode::OK, answers::abilities(), None).await
            }
            Some(
                DialogState::Publish(_, _, handle)
                | DialogState::Notify(_, _, handle)
                | DialogState::Refer(_, _, handle)
                | DialogState::Message(_, _, handle),
            ) => reply(&handle, StatusCode::MethodNotAllowed, answers::abilities(), None).await,
            Some(
                DialogState::Calling(_)
                | DialogState::Trying(_)
                | DialogState::Early(..)
                | DialogState::WaitAck(..)
                | DialogState::Confirmed(..),
            ) => {}
        }
    }
}

/// Re-INVITE or UPDATE: with SDP a new offer, without one a refresh (RFC 4028 section 7.4).
async fn updated(
    shared: &Shared,
    call: CallId,
    request: &Request,
    handle: &TransactionHandle,
    refreshed: Option<Duration>,
) {
    let Some(offer) = body(request) else {
        reply(handle, StatusCode::OK, take_headers(refreshed), None).await;
        return;
    };
    let (verdict, answered) = oneshot::channel();
    match ask(shared, Event::Reoffered { call, offer, verdict }, answered).await {
        Ok(sdp) => reply(handle, StatusCode::OK, take_headers(refreshed), Some(sdp)).await,
        Err(refusal) => reply(handle, answers::status(&refusal), answers::headers(&refusal), None).await,
    }
}

/// A key as `application/dtmf-relay` (`Signal=5`) or `application/dtmf` (`5`).
async fn info(shared: &Shared, call: CallId, request: &Request, handle: &TransactionHandle) {
    if let Some(digit) = body(request).as_deref().and_then(key_in) {
        let _ = shared.events.send(Event::Digit { call, digit }).await;
    }
    reply(handle, StatusCode::OK, Vec::new(), None).await;
}

fn key_in(body: &str) -> Option<Digit> {
    let signal = body.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
    });
    let key = signal.unwrap_or_else(|| body.trim());
    let mut keys = key.chars();
    match (keys.next(), keys.next(), keys.next()) {
        (Some(key), None, None) => Digit::from_char(key),
        // Some phones write the event code: 10 is the star, 11 the pound key.
        (Some(_), Some(_), None) => Digit::from_event(key.parse().ok()?),
        (None, _, _) | (Some(_), _, _) => None,
    }
}

async fn ask(shared: &Shared, event: Event, reply: oneshot::Receiver<Verdict>) -> Verdict {
    if shared.events.try_send(event).is_err() {
        return Err(Refusal::Full);
    }
    match tokio::time::timeout(VERDICT, reply).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(_)) | Err(_) => Err(Refusal::Full),
    }
}

async fn reply(handle: &TransactionHandle, status: StatusCode, mut headers: Vec<Header>, sdp: Option<String>) {
    if sdp.is_some() {
        headers.push(content_type());
    }
    if handle.respond(status, Some(headers), sdp.map(String::into_bytes)).await.is_err() {
        tracing::debug!("the transaction was over before its answer");
    }
}

fn content_type() -> Header {
    Header::ContentType("application/sdp".into())
}

/// With our 200: what we send, and who refreshes the session. We leave that to the caller.
fn take_headers(refreshed: Option<Duration>) -> Vec<Header> {
    let mut headers = answers::abilities();
    headers.push(content_type());
    if let Some(interval) = refreshed {
        headers.push(Header::Other("Session-Expires".into(), format!("{};refresher=uac", interval.as_secs())));
        headers.push(Header::Other("Require".into(), "timer".into()));
    }
    headers
}

/// `Session-Expires`, or `x` in its compact form (RFC 4028 section 4).
fn session_interval(request: &Request) -> Option<Duration> {
    ["Session-Expires", "x"].into_iter().find_map(|name| {
        let value = request.header_value(name)?;
        value.split(';').next()?.trim().parse().ok().map(Duration::from_secs)
    })
}

fn too_short(interval: Option<Duration>, least: Duration) -> Option<Refusal> {
    interval.filter(|interval| *interval < least).map(|_| Refusal::IntervalTooSmall { least })
}

fn body(request: &Request) -> Option<String> {
    (!request.body.is_empty()).then(|| String::from_utf8_lossy(&request.body).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_every_phone_sends_it() {
        for (body, key) in [
            ("Signal=5\r\nDuration=160\r\n", '5'),
            ("Signal= *\r\n", '*'),
            ("signal=11\r\n", '#'),
            ("7", '7'),
            ("Duration=1\r\nSignal=A", 'A'),
        ] {
            assert_eq!(key_in(body).map(Digit::as_char), Some(key), "{body}");
        }
        for bad in ["", "Signal=", "Signal=123", "hello", "Signal=99"] {
            assert!(key_in(bad).is_none(), "{bad}");
        }
    }
}
