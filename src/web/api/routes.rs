//! The API's addresses. In: requests. Out: calls to the gateway, and what it answered, as HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde::Deserialize;

use super::body::{MeetingBody, Meetings, Shown};
use super::problem::{Problem, Refusal};
use super::reading::{answer, expected, from_to, json, language, named, query, unreadable};
use super::{
    Done, Wish, accounts, audit, callbacks, calls, dialplan, document, erasures, federation, invitations, live, oidc,
    residency, session, site, trunks,
};
use crate::meeting::{Draft, Fault};
use crate::web::Shared;
use crate::words::{Language, both};

/// Meetings in one answer, at most and if nothing is said.
const MOST: usize = 500;
const USUAL: usize = 100;

pub(super) type Shares = State<Arc<Shared>>;
pub(super) type From = ConnectInfo<SocketAddr>;

pub(in crate::web) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/meetings", get(list).post(create))
        .route("/api/v1/meetings/{room}", get(show).patch(change).delete(delete))
        .merge(invitations::routes())
        .merge(session::routes())
        .merge(oidc::routes())
        .merge(accounts::routes())
        .merge(audit::routes())
        .merge(live::routes())
        .merge(callbacks::routes())
        .merge(erasures::routes())
        .merge(super::survey::routes())
        .merge(dialplan::routes())
        .merge(calls::routes())
        .merge(trunks::routes())
        .merge(federation::routes())
        .merge(residency::routes())
        .route("/api/openapi.json", get(|| async { Json(document::document()) }))
        .route("/api/{*rest}", any(|headers| refused(Refusal::NoAddress, headers)))
        .method_not_allowed_fallback(|headers| refused(Refusal::NoMethod, headers))
        .layer(axum::middleware::from_fn(site::own_pages_only))
        .layer(axum::middleware::map_response(keep_nothing))
}

async fn refused(why: Refusal, headers: HeaderMap) -> Response {
    why.respond(language(&headers))
}

/// What a token may see stays in no cache.
async fn keep_nothing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Deserialize)]
pub(super) struct Part {
    after: Option<String>,
    limit: Option<usize>,
}

/// The meetings
///
/// In the order of their names, those of the file and those made by API.
#[utoipa::path(
    get,
    path = "/api/v1/meetings",
    operation_id = "listMeetings",
    params(
        ("after" = Option<String>, Query, description = "Those after this one", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$"),
        ("limit" = Option<u32>, Query, description = "At most so many; 100, if nothing is said", minimum = 1, maximum = 500),
    ),
    responses(
        (status = 200, description = "Some or all of them", body = Meetings),
        (status = 400, description = "The query cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token needs the right `read`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn list(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    part: Result<Query<Part>, QueryRejection>,
) -> Response {
    let wish = part.map_err(|why| query(&why)).and_then(|Query(part)| {
        let unfit = |why: crate::words::InvalidName| unreadable("after", why);
        let after = part.after.map(|after| after.parse().map_err(unfit)).transpose()?;
        match part.limit.unwrap_or(USUAL) {
            most @ 1..=MOST => Ok(Wish::List { after, most }),
            _ => Err(unreadable("limit", from_to(1, MOST))),
        }
    });
    answer(&shared, from, &headers, wish).await
}

/// A new meeting
///
/// What is left out is made: name, ID and PINs. The answer is the only one that shows the PINs to a token without `pins`.
#[utoipa::path(
    post,
    path = "/api/v1/meetings",
    operation_id = "createMeeting",
    request_body = MeetingBody,
    responses(
        (status = 201, description = "It is made, and kept over a restart", body = Shown,
            headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its revision"))),
        (status = 400, description = "The body cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token needs the right `write`", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name or the ID is taken, or there are too many", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The meeting cannot be like this", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be written, or too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn create(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap, body: Body) -> Response {
    let draft = draft(&shared, &headers, body).await;
    answer(&shared, from, &headers, draft.map(|draft| Wish::Create(Box::new(draft)))).await
}

/// One meeting
#[utoipa::path(
    get,
    path = "/api/v1/meetings/{room}",
    operation_id = "readMeeting",
    params(("room" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses(
        (status = 200, description = "It", body = Shown, headers(("ETag" = String, description = "Its revision"))),
        (status = 401, description = "No valid token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token needs the right `read`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such meeting", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn show(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    room: Result<Path<String>, PathRejection>,
) -> Response {
    let wish = named(room).ok_or(Refusal::NotFound).map(|room| Wish::Read { room });
    answer(&shared, from, &headers, wish).await
}

/// Change a meeting
///
/// A merge patch (RFC 7396). With `If-Match` only if nobody changed it since. Holds at once: who waits for the opening is let
/// in when it is brought forward.
#[utoipa::path(
    patch,
    path = "/api/v1/meetings/{room}",
    operation_id = "changeMeeting",
    params(
        ("room" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you read"),
    ),
    request_body = MeetingBody,
    responses(
        (status = 200, description = "As it is now", body = Shown, headers(("ETag" = String, description = "Its revision"))),
        (status = 400, description = "The body cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token needs the right `write`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such meeting", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is in the file, or the ID is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The meeting cannot be like this", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be written, or too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn change(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    room: Result<Path<String>, PathRejection>,
    body: Body,
) -> Response {
    let draft = draft(&shared, &headers, body).await;
    let wish = named(room).ok_or(Refusal::NotFound).and_then(|room| {
        let draft = draft?;
        if draft.room.as_ref().is_some_and(|name| *name != room) {
            let message = both!(
                "Eine Konferenz behält ihren Namen: Legen Sie eine neue an, und löschen Sie diese",
                "a meeting keeps its name: make a new one, and delete this one"
            );
            return Err(Refusal::Faults(vec![Fault::new("room", message)]));
        }
        Ok(Wish::Change { room, draft: Box::new(draft), expects: expected(&headers)? })
    });
    answer(&shared, from, &headers, wish).await
}

/// Take a meeting away
///
/// If people are in it, it ends for all.
#[utoipa::path(
    delete,
    path = "/api/v1/meetings/{room}",
    operation_id = "deleteMeeting",
    params(
        ("room" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you read"),
    ),
    responses(
        (status = 204, description = "It is no more"),
        (status = 401, description = "No valid token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token needs the right `write`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such meeting", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is in the file", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be written, or too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn delete(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    room: Result<Path<String>, PathRejection>,
) -> Response {
    let wish =
        named(room).ok_or(Refusal::NotFound).and_then(|room| Ok(Wish::Delete { room, expects: expected(&headers)? }));
    answer(&shared, from, &headers, wish).await
}

async fn draft(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Draft, Refusal> {
    json::<MeetingBody>(headers, body).await?.draft(&shared.home)
}

impl Done {
    /// As HTTP, with sentences in this language.
    pub(super) fn respond(self, language: Language) -> Response {
        match self {
            Self::May => StatusCode::NO_CONTENT.into_response(),
            Self::Plan(done) => done.respond(language),
            Self::Calls(done) => done.respond(language),
            Self::Accounts(done) => done.into_response(),
            Self::Audit(done) => done.into_response(),
            Self::Live(done) => done.into_response(),
            Self::Callbacks(done) => done.into_response(),
            Self::Page { listed, next, pins } => {
                let meetings = listed.iter().map(|listed| Shown::of(listed, pins)).collect();
                Json(Meetings { meetings, next: next.map(String::from) }).into_response()
            }
            Self::Meeting { listed, pins } => tagged(Shown::of(&listed, pins)),
            Self::Created(listed) => {
                let place = format!("/api/v1/meetings/{}", listed.meeting.room);
                let mut response = tagged(Shown::of(&listed, true));
                *response.status_mut() = StatusCode::CREATED;
                if let Ok(place) = HeaderValue::try_from(place) {
                    response.headers_mut().insert(header::LOCATION, place);
                }
                response
            }
            Self::Erasures(done) => done.into_response(),
            Self::Invited(done) => done.into_response(),
            Self::Deleted => StatusCode::NO_CONTENT.into_response(),
            Self::Surveyed(surveyed) => surveyed.respond(language),
            Self::Federation(shown) => federation::shown(shown.map(|shown| *shown)),
            Self::Residency(done) => done.into_response(),
            Self::Trunks(trunks) => trunks::all(trunks),
            Self::TrunkChecked(report) => Json(report).into_response(),
        }
    }
}

/// A meeting with its ETag.
fn tagged(shown: Shown) -> Response {
    let tag = shown.revision.and_then(|revision| HeaderValue::try_from(format!("\"{revision}\"")).ok());
    let mut response = Json(shown).into_response();
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
