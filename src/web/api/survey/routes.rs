//! The addresses at which a plan is asked what it does.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use utoipa::{IntoResponses, OpenApi};

use super::super::Wish;
use super::super::problem::{Problem, Refusal};
use super::super::reading::{Asked, Reads, Sent, answer, language, long_json};
use super::super::routes::{From, Shares};
use super::Survey;
use super::body::{Checked, Coverage, CoverageBody, PlanBody, Tree, TreeBody, Tried, TryBody, Week, WeekBody};
use crate::web::Shared;
use crate::words::Right;

pub(in crate::web::api) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/dialplan/check", post(check))
        .route("/api/v1/dialplan/try", post(try_call))
        .route("/api/v1/dialplan/tree", post(tree))
        .route("/api/v1/dialplan/week", post(week))
        .route("/api/v1/dialplan/coverage", post(coverage))
}

/// The addresses, described.
#[derive(OpenApi)]
#[openapi(paths(check, try_call, tree, week, coverage))]
pub(in crate::web::api) struct Api;

/// A field cannot be like this.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "only described")]
enum Read {
    /// A field cannot be like this
    #[response(status = 422, content_type = "application/problem+json")]
    Faults(#[to_schema] Problem),
}

/// What is wrong with a plan
///
/// Every mistake with its place and what to do, as publishing it would tell. Nothing is published.
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/check",
    operation_id = "checkPlan",
    params(Reads),
    request_body = PlanBody,
    responses((status = 200, description = "What is wrong; nothing, if the list is empty", body = Checked), Read, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn check(state: Shares, from: From, headers: HeaderMap, body: Body) -> Response {
    asked(state, from, headers, body, PlanBody::survey).await
}

/// What becomes of a call
///
/// Every rule on its way, and what became of it. No call is made. A plan with errors is tried as far as it can be read.
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/try",
    operation_id = "tryCall",
    request_body = TryBody,
    responses((status = 200, description = "What becomes of it, and why", body = Tried), Read, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn try_call(state: Shares, from: From, headers: HeaderMap, body: Body) -> Response {
    asked(state, from, headers, body, TryBody::survey).await
}

/// A plan as sentences
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/tree",
    operation_id = "readPlanAsSentences",
    request_body = TreeBody,
    responses((status = 200, description = "Its contexts, and in each its rules in order", body = Tree), Read, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn tree(state: Shares, from: From, headers: HeaderMap, body: Body) -> Response {
    asked(state, from, headers, body, TreeBody::survey).await
}

/// What is open when
///
/// Seven days of each opening hours, and of each rule with times of its own, by the clock on the wall.
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/week",
    operation_id = "readWeekOfPlan",
    request_body = WeekBody,
    responses((status = 200, description = "The days", body = Week), Read, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn week(state: Shares, from: From, headers: HeaderMap, body: Body) -> Response {
    asked(state, from, headers, body, WeekBody::survey).await
}

/// Where numbers lead
///
/// Told exactly for every number of each block: neighbours that lead to the same place are one stretch.
#[utoipa::path(
    post,
    path = "/api/v1/dialplan/coverage",
    operation_id = "readCoverageOfPlan",
    request_body = CoverageBody,
    responses((status = 200, description = "The stretches", body = Coverage), Read, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn coverage(state: Shares, from: From, headers: HeaderMap, body: Body) -> Response {
    asked(state, from, headers, body, CoverageBody::survey).await
}

async fn asked<T: for<'de> Deserialize<'de>>(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    body: Body,
    survey: impl Fn(T) -> Result<Survey, Refusal>,
) -> Response {
    match long_json(&shared, from, &headers, body, Right::Plan).await.and_then(survey) {
        Ok(survey) => answer(&shared, from, &headers, Ok(Wish::Survey(Box::new(survey)))).await,
        Err(refusal) => refusal.respond(language(&headers)),
    }
}
