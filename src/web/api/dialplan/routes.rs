//! The addresses of the dialplan.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use utoipa::OpenApi;

use super::body::{
    ApproveBody, DraftBody, DraftInfo, Drafts, FileDiff, PlanDiff, PlanReplay, PublishBody, PublishedVersion,
    ReplayBody, RollbackBody, RunningPlan, VersionInfo, Versions, What, WholeDraft, WholeVersion, problems, texts,
};
use super::{LAST, PlanDone, PlanRefusal, PlanWish};
use crate::web::Shared;
use crate::web::api::problem::{PlanTrouble, Problem, Refusal};
use crate::web::api::reading::{
    Asked, LONG_PATIENCE, Reads, Sent, answer, answer_in_time, expected, from_to, long_json, query, unreadable,
};
use crate::web::api::routes::{From, Shares};
use crate::web::api::{Done, Wish};
use crate::words::{Language, Right, both};

/// Versions in one answer, at most and if nothing is said.
const MOST: usize = 500;
const USUAL: usize = 50;

#[derive(OpenApi)]
#[openapi(paths(running, versions, version, diff, drafts, draft, save, discard, approve, publish, rollback, replay))]
pub(in crate::web::api) struct Api;

pub(in crate::web::api) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/dialplan", get(running))
        .route("/api/v1/dialplan/versions", get(versions))
        .route("/api/v1/dialplan/versions/{version}", get(version))
        .route("/api/v1/dialplan/versions/{version}/diff", get(diff))
        .route("/api/v1/dialplan/drafts", get(drafts))
        .route("/api/v1/dialplan/draft", get(draft).put(save).delete(discard))
        .route("/api/v1/dialplan/draft/approve", post(approve))
        .route("/api/v1/dialplan/publish", post(publish))
        .route("/api/v1/dialplan/rollback", post(rollback))
        .route("/api/v1/dialplan/replay", post(replay))
}

/// The plan that runs
///
/// With its files, and with the last edit that was refused.
#[utoipa::path(
    get,
    path = "/api/v1/dialplan",
    operation_id = "readDialplan",
    params(Reads),
    responses((status = 200, description = "It", body = RunningPlan), Asked),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn running(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(Wish::Plan(PlanWish::Running))).await
}

#[derive(Deserialize)]
pub(super) struct Part {
    before: Option<u64>,
    limit: Option<usize>,
}

/// The versions, the newest first
#[utoipa::path(
    get,
    path = "/api/v1/dialplan/versions",
    operation_id = "listVersions",
    params(
        ("before" = Option<u64>, Query, description = "Those before this one", minimum = 0),
        ("limit" = Option<u32>, Query, description = "At most so many; 50, if nothing is said", minimum = 1, maximum = 500),
    ),
    responses(
        (status = 200, description = "Some or all of them", body = Versions),
        (status = 400, description = "The query cannot be read", body = Problem, content_type = "application/problem+json"),
        Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn versions(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    part: Result<Query<Part>, QueryRejection>,
) -> Response {
    let wish = part.map_err(|why| query(&why)).and_then(|Query(part)| match part.limit.unwrap_or(USUAL) {
        _ if part.before.is_some_and(|before| before > LAST) => {
            Err(unreadable("before", both!("Eine solche Version gibt es nicht", "there is no such version")))
        }
        most @ 1..=MOST => Ok(Wish::Plan(PlanWish::Versions { before: part.before, most })),
        _ => Err(unreadable("limit", from_to(1, MOST))),
    });
    answer(&shared, from, &headers, wish).await
}

/// One version, with its files
#[utoipa::path(
    get,
    path = "/api/v1/dialplan/versions/{version}",
    operation_id = "readVersion",
    params(("version" = u64, Path, description = "Its number; 0 is the plan that is shipped", minimum = 0)),
    responses(
        (status = 200, description = "It", body = WholeVersion),
        (status = 404, description = "No such version", body = Problem, content_type = "application/problem+json"),
        Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn version(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    number: Result<Path<u64>, PathRejection>,
) -> Response {
    let wish = numbered(number).map(|number| Wish::Plan(PlanWish::Version { number }));
    answer(&shared, from, &headers, wish).await
}

#[derive(Deserialize)]
pub(super) struct To {
    to: Option<u64>,
}

/// What changed from one version to another
#[utoipa::path(
    get,
    path = "/api/v1/dialplan/versions/{version}/diff",
    operation_id = "diffVersions",
    params(
        ("version" = u64, Path, description = "From this one", minimum = 0),
        ("to" = Option<u64>, Query, description = "To this one; the one that runs, if nothing is said", minimum = 0),
    ),
    responses(
        (status = 200, description = "File by file", body = PlanDiff),
        (status = 400, description = "The query cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such version", body = Problem, content_type = "application/problem+json"),
        Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn diff(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    number: Result<Path<u64>, PathRejection>,
    to: Result<Query<To>, QueryRejection>,
) -> Response {
    let wish = numbered(number).and_then(|from| {
        let Query(To { to }) = to.map_err(|why| query(&why))?;
        if to.is_some_and(|to| to > LAST) {
            return Err(unreadable("to", both!("Eine solche Version gibt es nicht", "there is no such version")));
        }
        Ok(Wish::Plan(PlanWish::Diff { from, to }))
    });
    answer(&shared, from, &headers, wish).await
}

/// All drafts
///
/// What is said of them, without their files.
#[utoipa::path(
    get,
    path = "/api/v1/dialplan/drafts",
    operation_id = "listDrafts",
    responses((status = 200, description = "All of them", body = Drafts), Asked),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn drafts(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(Wish::Plan(PlanWish::Drafts))).await
}

#[derive(Deserialize)]
pub(super) struct Whose {
    author: Option<String>,
}

/// A draft, with its files
#[utoipa::path(
    get,
    path = "/api/v1/dialplan/draft",
    operation_id = "readDraft",
    params(("author" = Option<String>, Query, description = "Whose; your own, if nothing is said")),
    responses(
        (status = 200, description = "It", body = WholeDraft, headers(("ETag" = String, description = "Its revision"))),
        (status = 400, description = "The query cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such draft", body = Problem, content_type = "application/problem+json"),
        Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn draft(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Response {
    let whose = whose.map_err(|why| query(&why));
    let wish = whose.map(|Query(Whose { author })| Wish::Plan(PlanWish::Draft { author }));
    answer(&shared, from, &headers, wish).await
}

/// Keep your draft
///
/// In place of the one that you had. Who had agreed to that one has to agree again.
#[utoipa::path(
    put,
    path = "/api/v1/dialplan/draft",
    operation_id = "saveDraft",
    params(("If-Match" = Option<String>, Header, description = "The ETag of what you read")),
    request_body = DraftBody,
    responses(
        (status = 200, description = "It is kept", body = WholeDraft, headers(("ETag" = String, description = "Its revision"))),
        (status = 409, description = "There are too many", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "These are not the files of a plan", body = Problem, content_type = "application/problem+json"),
        Asked,
        Sent,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn save(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap, body: Body) -> Response {
    let wish = long_json::<DraftBody>(&shared, from, &headers, body, Right::Edit).await.and_then(|body| {
        let edit = Box::new(body.edit()?);
        Ok(Wish::Plan(PlanWish::Save { edit, expects: expected(&headers)? }))
    });
    answer(&shared, from, &headers, wish).await
}

/// Throw your draft away
#[utoipa::path(
    delete,
    path = "/api/v1/dialplan/draft",
    operation_id = "discardDraft",
    responses(
        (status = 204, description = "It is no more"),
        (status = 404, description = "You have none", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
        Asked,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn discard(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(Wish::Plan(PlanWish::Discard))).await
}

/// Agree to somebody else's draft
///
/// As it is: when its author changes it, somebody has to agree again.
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/draft/approve",
    operation_id = "approveDraft",
    request_body = ApproveBody,
    responses(
        (status = 200, description = "It may be published", body = WholeDraft, headers(("ETag" = String, description = "Its revision"))),
        (status = 404, description = "No such draft", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is your own", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It is not what you have seen", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body makes no sense", body = Problem, content_type = "application/problem+json"),
        Asked,
        Sent,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn approve(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let wish = long_json::<ApproveBody>(&shared, from, &headers, body, Right::Publish)
        .await
        .map(|ApproveBody { author, fingerprint }| Wish::Plan(PlanWish::Approve { author, fingerprint }));
    answer(&shared, from, &headers, wish).await
}

/// Publish
///
/// Files with the version that they were made from, or a draft. They are checked, with their examples; calls that begin from
/// then on follow them, calls that are up keep the plan that they began with.
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/publish",
    operation_id = "publishDialplan",
    params(Reads),
    request_body = PublishBody,
    responses(
        (status = 201, description = "It runs", body = PublishedVersion),
        (status = 404, description = "No such draft", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else published meanwhile (`conflict`), nothing is changed, a second person has to agree, or the plan is in a folder",
            body = PlanTrouble, content_type = "application/problem+json"),
        (status = 422, description = "It has errors (`problems`), or the body makes no sense", body = PlanTrouble, content_type = "application/problem+json"),
        Asked,
        Sent,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn publish(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let wish = long_json::<PublishBody>(&shared, from, &headers, body, Right::Publish).await.and_then(|body| {
        Ok(Wish::Plan(match body.what()? {
            What::Files(edit) => PlanWish::Publish(Box::new(edit)),
            What::Draft { author, comment } => PlanWish::PublishDraft { author, comment },
        }))
    });
    answer(&shared, from, &headers, wish).await
}

/// Go back
///
/// The files of an earlier version are published again, as a new one. Needs nobody else to agree.
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/rollback",
    operation_id = "rollBackDialplan",
    params(Reads),
    request_body = RollbackBody,
    responses(
        (status = 201, description = "It runs", body = PublishedVersion),
        (status = 404, description = "No such version", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody published at the same time, nothing is changed, or the plan is in a folder",
            body = PlanTrouble, content_type = "application/problem+json"),
        (status = 422, description = "It has errors by now, or the body makes no sense", body = PlanTrouble, content_type = "application/problem+json"),
        Asked,
        Sent,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn rollback(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let wish = long_json::<RollbackBody>(&shared, from, &headers, body, Right::Publish)
        .await
        .and_then(|body| Ok(Wish::Plan(body.wish()?)));
    answer(&shared, from, &headers, wish).await
}

/// Try a draft with the calls of the last days
///
/// Each call is decided by the plan that runs and by the draft, at the time at which it came: which would go elsewhere? Nothing is
/// published.
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/replay",
    operation_id = "replayCalls",
    params(Reads),
    request_body = ReplayBody,
    responses(
        (status = 200, description = "What would go elsewhere", body = PlanReplay),
        (status = 404, description = "No such draft", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The draft has errors (`problems`), or the body makes no sense", body = PlanTrouble, content_type = "application/problem+json"),
        Asked,
        Sent,
    ),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn replay(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap, body: Body) -> Response {
    let wish = long_json::<ReplayBody>(&shared, from, &headers, body, Right::Calls).await;
    let wish = wish.and_then(|body| Ok(Wish::Plan(body.wish()?)));
    answer_in_time(&shared, from, &headers, wish, LONG_PATIENCE).await
}

/// What is no number is no version's.
fn numbered(number: Result<Path<u64>, PathRejection>) -> Result<u64, Refusal> {
    number.map(|Path(number)| number).map_err(|_| Refusal::Plan(Box::new(PlanRefusal::NoVersion)))
}

impl PlanDone {
    /// As JSON, with sentences in this language.
    pub(in crate::web::api) fn respond(self, language: Language) -> Response {
        match self {
            Self::Running(runs) => Json(RunningPlan::of(*runs, language)).into_response(),
            Self::Versions { versions, next } => {
                let versions = versions.into_iter().map(VersionInfo::from).collect();
                Json(Versions { versions, next }).into_response()
            }
            Self::Version { listed, files } => {
                Json(WholeVersion { version: (*listed).into(), files: texts(&files) }).into_response()
            }
            Self::Diff { from, to, changes } => {
                Json(PlanDiff { from, to, files: changes.into_iter().map(FileDiff::from).collect() }).into_response()
            }
            Self::Drafts(drafts) => {
                Json(Drafts { drafts: drafts.into_iter().map(DraftInfo::from).collect() }).into_response()
            }
            Self::Draft(kept) => {
                let tag = HeaderValue::try_from(format!("\"{}\"", kept.revision)).ok();
                let mut response = Json(WholeDraft::from(*kept)).into_response();
                response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
                response
            }
            Self::Replayed(replayed) => Json(PlanReplay::of(*replayed, language)).into_response(),
            Self::Discarded => StatusCode::NO_CONTENT.into_response(),
            Self::Published { listed, warnings } => {
                let published = PublishedVersion { version: (*listed).into(), warnings: problems(&warnings, language) };
                (StatusCode::CREATED, Json(published)).into_response()
            }
        }
    }
}

impl std::convert::From<PlanDone> for Done {
    fn from(done: PlanDone) -> Self {
        Self::Plan(Box::new(done))
    }
}
