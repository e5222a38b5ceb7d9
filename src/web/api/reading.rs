//! What every address does: read what is sent, ask the gateway, and tell what it answered.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use tokio::sync::oneshot;
use tokio::time::timeout;
use utoipa::{IntoParams, IntoResponses};
use zeroize::Zeroizing;

use super::body::read;
use super::problem::{Problem, Refusal};
use super::{Call, Done, Wish, site};
use crate::meeting::Fault;
use crate::web::{Event, Shared};
use crate::words::{Both, Language, Personal, Right, both, preferred};

/// A body comes at once, and an answer, too: the store's own patience is shorter.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What has to look at all calls of a week takes longer.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// The longest body, in bytes.
const LONGEST: usize = 16 * 1_024;

/// The longest plan: one of 10,000 rules and 100,000 numbers, written as JSON, has a third of it.
const LONGEST_PLAN: usize = 32 * 1_024 * 1_024;

/// What is answered to whoever may not ask.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "only described")]
pub(super) enum Asked {
    /// No valid token, and nobody signed in
    #[response(status = 401, content_type = "application/problem+json")]
    NoToken(#[to_schema] Problem),
    /// The right is missing, or the request is not a page's own
    #[response(status = 403, content_type = "application/problem+json")]
    NoRight(#[to_schema] Problem),
    /// Too many wrong tokens
    #[response(status = 429, content_type = "application/problem+json")]
    SlowDown(#[to_schema] Problem),
    /// Nothing can be written, or too much at once
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(#[to_schema] Problem),
}

/// What is answered to a body that cannot be read.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "only described")]
pub(super) enum Sent {
    /// The body cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Unreadable(#[to_schema] Problem),
    /// The body did not come in time
    #[response(status = 408, content_type = "application/problem+json")]
    TooSlow(#[to_schema] Problem),
    /// The body is too long
    #[response(status = 413, content_type = "application/problem+json")]
    TooLong(#[to_schema] Problem),
    /// The body is not JSON
    #[response(status = 415, content_type = "application/problem+json")]
    NotJson(#[to_schema] Problem),
}

/// Asks the gateway, and tells what it answered.
pub(super) async fn answer(
    shared: &Shared,
    from: SocketAddr,
    headers: &HeaderMap,
    wish: Result<Wish, Refusal>,
) -> Response {
    answer_in_time(shared, from, headers, wish, PATIENCE).await
}

/// The same, of what may take longer.
pub(super) async fn answer_in_time(
    shared: &Shared,
    from: SocketAddr,
    headers: &HeaderMap,
    wish: Result<Wish, Refusal>,
    patience: Duration,
) -> Response {
    let language = language(headers);
    match ask(shared, from, headers, wish, patience).await {
        Ok(done) => done.respond(language),
        Err(refusal) => refusal.respond(language),
    }
}

/// In which language sentences are told of what is no refusal: these follow it everywhere.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only described")]
pub(super) struct Reads {
    /// In which language what is said of a plan or of a call is told: `de` or `en`; English, if nothing is said
    #[param(rename = "Accept-Language", example = "de")]
    accept_language: Option<String>,
}

/// The language that whoever asks reads: of ours the one that they like best. Programs that say nothing are told in English.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|languages| languages.to_str().ok());
    asked.and_then(preferred).unwrap_or(Language::En)
}

async fn ask(
    shared: &Shared,
    from: SocketAddr,
    headers: &HeaderMap,
    wish: Result<Wish, Refusal>,
    patience: Duration,
) -> Result<Done, Refusal> {
    let (from, shown) = (Personal::new(from.ip().to_canonical()), site::shown(headers));
    hand_over(shared, patience, |reply| Event::Called(Box::new(Call { from, shown, wish, reply }))).await
}

/// Hands the gateway an event with a place for its answer, and waits for that.
pub(super) async fn hand_over<T>(
    shared: &Shared,
    patience: Duration,
    event: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Event,
) -> Result<T, Refusal> {
    let _turn = shared.calls.try_acquire().map_err(|_| Refusal::Busy)?;
    let (reply, answer) = oneshot::channel();
    shared.events.try_send(event(reply)).map_err(|_| Refusal::Busy)?;
    match timeout(patience, answer).await {
        Ok(Ok(answer)) => answer,
        // The gateway stops, or the store takes longer than it may.
        Ok(Err(_)) | Err(_) => Err(Refusal::Out),
    }
}

/// The name in the address; what is no name names nothing that there is.
pub(super) fn named<T: FromStr>(name: Result<Path<String>, PathRejection>) -> Option<T> {
    name.ok().and_then(|Path(name)| name.parse().ok())
}

/// A body that may be long: it is read only if whoever sends it may do what it asks for, and few at once.
pub(super) async fn long_json<T: for<'de> serde::Deserialize<'de>>(
    shared: &Shared,
    from: SocketAddr,
    headers: &HeaderMap,
    body: Body,
    right: Right,
) -> Result<T, Refusal> {
    ask(shared, from, headers, Ok(Wish::May(right)), PATIENCE).await?;
    let _turn = shared.long_bodies.try_acquire().map_err(|_| Refusal::Busy)?;
    read(&bytes(headers, body, LONGEST_PLAN).await?)
}

/// The body, which is one JSON object.
pub(super) async fn json<T: for<'de> serde::Deserialize<'de>>(headers: &HeaderMap, body: Body) -> Result<T, Refusal> {
    read(&bytes(headers, body, LONGEST).await?)
}

/// A body of JSON, by its own word. It may hold a password.
async fn bytes(headers: &HeaderMap, body: Body, longest: usize) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    if !is_json(headers) {
        return Err(Refusal::NotJson);
    }
    let bytes = timeout(PATIENCE, axum::body::to_bytes(body, longest)).await.map_err(|_| Refusal::TooSlow)?;
    Ok(Zeroizing::new(Vec::from(bytes.map_err(|_| Refusal::TooLong(longest))?)))
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/merge-patch+json"].iter().any(|json| kind.eq_ignore_ascii_case(json))
}

pub(super) fn unreadable(field: &'static str, message: impl Into<Both>) -> Refusal {
    Refusal::Unreadable(Fault::new(field, message))
}

/// The query cannot be read. What the reader says stands behind a colon, with the word that is wrong in front of it.
pub(super) fn query(why: &QueryRejection) -> Refusal {
    let said = why.body_text();
    let said = said.split_once(": ").map_or(said.as_str(), |(_, said)| said);
    let german = match said.split_once(": ") {
        Some((word, _)) => format!("Der Wert von {word:?} kann nicht gelesen werden"),
        None => String::from("Die Abfrage kann nicht gelesen werden"),
    };
    unreadable("the query", Both::new(german, said))
}

/// A number that is to lie between two.
pub(super) fn from_to(least: usize, most: usize) -> Both {
    both!("Schreiben Sie eine Zahl von {} bis {}", "write a number from {} to {}", least, most)
}

/// The revision of `If-Match` (RFC 9110 section 13.1.1). `*` is any; a tag that is none of ours fits nothing.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(tag) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let tag = tag.to_str().unwrap_or_default().trim();
    if tag == "*" {
        return Ok(None);
    }
    let number = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|number| number.parse().ok());
    number.map(Some).ok_or(Refusal::Stale)
}
