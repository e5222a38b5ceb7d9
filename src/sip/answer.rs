//! Answers that need no dialog.

use rsipstack::sip::{Header, StatusCode};
use rsipstack::transaction::transaction::Transaction;

use crate::call::Refusal;

/// What the door understands (RFC 3261 section 11.2).
pub(super) fn abilities() -> Vec<Header> {
    vec![
        Header::Other("Allow".into(), "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE".into()),
        Header::Other("Accept".into(), "application/sdp, application/dtmf-relay".into()),
        Header::Other("Supported".into(), "timer".into()),
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

/// Refuses, and says why in one line of the log.
pub(super) async fn refuse(transaction: &mut Transaction, refusal: &Refusal) -> rsipstack::Result<()> {
    tracing::info!(status = refusal.on_the_wire().status, why = %refusal, "refused");
    transaction.reply_with(status(refusal), headers(refusal), None).await
}
