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
    /// What has to be seen to.
    pub warnings: Vec<ShownWarning>,
}

/// Something that has to be seen to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownWarning {
    /// `noRegistry`; `registryEndsSoon`, `registryExpired` (with `at`); `registryRefused`: a newer one was offered and does not count (with `at`
    /// and `why`); `notNamed`: the registry does not name us; `keyNotNamed`: or not our key; `keyEnds`: our key, or that of a `member`, counts
    /// no longer from `at` on; `leftOut`: who stands in the registry and cannot be a `member` (with `why`).
    #[schema(example = "registryEndsSoon")]
    pub kind: String,
    /// Whose it is.
    pub member: Option<String>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Why.
    pub why: Option<String>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownTrouble {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What.
    pub why: String,
}

/// A room that people of another institution may join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(title = "Shared room")]
pub struct ShownRoom {
    /// Its address.
    #[schema(example = "ratssitzung@stadt-a.example")]
    pub room: String,
    /// What it is called.
    pub title: String,
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
    /// `up` or `down`; `none`, if it takes no links and joins by SIP alone.
    #[schema(example = "up")]
    pub state: String,
    /// Why it is not up.
    pub why: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// How long a word takes there and back, in milliseconds.
    pub round_trip_ms: Option<u64>,
    /// Whether sound passes.
    pub sound: bool,
    /// Whether its own systems may join by SIP.
    pub sip: bool,
    /// So many calls of them are up.
    pub sip_calls: usize,
    /// Where it takes links; none, if it opens them itself.
    pub links: Vec<String>,
    /// Where its links and its sound come from and go to.
    pub networks: Vec<String>,
    /// Whom to write to.
    pub contact: String,
    /// From when on its key counts no longer, if that is said.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub key_ends: Option<Timestamp>,
    /// Rooms here that its people may join.
    pub ours: Vec<ShownRoom>,
    /// Rooms there that our people may join.
    pub theirs: Vec<ShownRoom>,
    /// What went wrong last, since this gateway was started.
    pub last_error: Option<ShownTrouble>,
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
/// Who is in it, how their links stand, what is shared with them, and until when registry and keys count.
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
