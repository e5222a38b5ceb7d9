//! The federation by API: who is in it, and how their links stand. In: HTTP requests. Out: wishes to the gateway, and what it answered.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::Wish;
use super::reading::{Asked, answer};
use super::routes::{From, Shares};
use crate::web::Shared;

/// The federation, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownFederation {
    /// Our domain.
    #[schema(example = "stadt-a.example")]
    pub domain: String,
    /// What recognises our TLS key in the registry.
    pub pin: String,
    /// The registry that is held; none, before there was one.
    pub registry: Option<ShownRegistry>,
    /// The other members, in the order of their domains.
    pub members: Vec<ShownMember>,
}

/// The registry that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownRegistry {
    /// Whose.
    #[schema(example = "kommunal.example")]
    pub federation: String,
    /// Its number.
    pub serial: u64,
    /// Until when it holds.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
    /// `holds`, `endsSoon` or `expired`.
    #[schema(example = "holds")]
    pub state: String,
}

/// A member and its link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownMember {
    /// Its domain.
    #[schema(example = "stadt-b.example")]
    pub domain: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    #[schema(example = "AT")]
    pub country: String,
    /// `up` or `down`.
    #[schema(example = "up")]
    pub state: String,
    /// Why it is not up.
    pub why: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// How long a word takes there and back, in milliseconds.
    pub round_trip_ms: Option<u64>,
}

/// The addresses, described.
#[derive(OpenApi)]
#[openapi(paths(look))]
pub(super) struct Api;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/v1/federation", get(look))
}

pub(super) fn shown(federation: Option<ShownFederation>) -> Response {
    Json(Federation { federation }).into_response()
}

/// What is known of it.
#[derive(Serialize, ToSchema)]
struct Federation {
    /// Nothing, if we belong to none.
    federation: Option<ShownFederation>,
}

/// The federation
///
/// Who is in it, how their links stand, and until when its registry holds.
#[utoipa::path(
    get,
    path = "/api/v1/federation",
    operation_id = "lookAtFederation",
    responses((status = 200, description = "The federation, or none", body = Federation), Asked),
    security(("token" = []), ("cookie" = []))
)]
async fn look(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(Wish::Federation)).await
}
