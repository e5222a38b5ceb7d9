//! Answers that need no dialog.

use rsipstack::sip::{Header, Method, SipMessage, StatusCode};
use rsipstack::transaction::TransactionState;
use rsipstack::transaction::transaction::Transaction;

use super::Facts;
use crate::call::Refusal;
use crate::wire;
use crate::words::CallId;

/// What the door understands (RFC 3261 section 11.2).
pub(super) fn abilities() -> Vec<Header> {
    vec![
        Header::Other("Allow".into(), wire::METHODS.into()),
        Header::Other("Accept".into(), wire::BODIES.into()),
        Header::Other("Supported".into(), wire::EXTENSIONS.into()),
    ]
}

/// The headers of a refusal.
pub(super) fn headers(refusal: &Refusal) -> Vec<Header> {
    let wire = refusal.on_the_wire();
    let mut headers = vec![Header::Other("Reason".into(), format!("Q.850;cause={}", wire.cause))];
    headers.extend(wire.retry_after.map(|wait| Header::Other("Retry-After".into(), wait.as_secs().to_string())));
    headers.extend(
        wire.warning.map(|(code, text)| Header::Other("Warning".into(), format!("{} einwahl \"{text}\"", code.code()))),
    );
    headers.extend(refusal.contact().map(|to| Header::Other("Contact".into(), format!("<{to}>"))));
    headers.extend(wire.min_se.map(|least| Header::Other("Min-SE".into(), least.as_secs().to_string())));
    headers
}

/// The status of a refusal.
pub(super) fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from(refusal.on_the_wire().status)
}

/// Refuses.
pub(super) async fn refuse(transaction: &mut Transaction, refusal: &Refusal) -> rsipstack::Result<()> {
    transaction.reply_with(status(refusal), headers(refusal), None).await
}

/// Waits until a refusal is acknowledged, and sends it again until then (RFC 3261 section 17.2.1): after our 100 the peer does
/// not repeat its INVITE.
pub(super) async fn until_acknowledged(transaction: &mut Transaction) {
    while transaction.state == TransactionState::Completed {
        match transaction.receive().await {
            Some(SipMessage::Request(request)) if request.method == Method::Ack => return,
            Some(SipMessage::Request(_) | SipMessage::Response(_)) => {}
            None => return,
        }
    }
}

/// The one line of the log that says why the door refuses a call.
pub(super) fn log(call: CallId, facts: &Facts, refusal: &Refusal) {
    tracing::info!(
        %call,
        status = refusal.on_the_wire().status,
        caller = ?facts.caller,
        called = facts.called_masked(),
        trunk = facts.trunk_named(),
        why = %refusal,
        "refused"
    );
}
