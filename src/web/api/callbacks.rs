//! Who wants to be called back. In: HTTP requests. Out: wishes to the gateway, and what it answered. Numbers are masked: who
//! operates a gateway needs to know which request it is, not whose.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::problem::{NotDone, Refusal};
use super::reading::{Asked, answer, named};
use super::routes::{From, Shares};
use crate::web::Shared;
use crate::words::CallbackId;

/// What somebody wants of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To see all.
    List,
    /// To drop one.
    Drop {
        /// Which.
        id: CallbackId,
    },
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// All, the first who asked first.
    List(Vec<ShownCallback>),
    /// It is no more.
    Dropped,
}

/// Somebody who wants to be called back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownCallback {
    /// By this it is known.
    #[schema(example = "k7m2p9qw4xza6bcd")]
    pub id: String,
    /// By which office: as the dialplan calls it.
    #[schema(example = "standesamt")]
    pub office: String,
    /// At which number, masked.
    #[schema(example = "+49 30 ···42")]
    pub number: String,
    /// When they asked.
    #[schema(value_type = String, format = DateTime)]
    pub asked: Timestamp,
    /// How often they were called and did not answer.
    pub tries: u32,
    /// They are called when the office is open and somebody is free, but not before this.
    #[schema(value_type = String, format = DateTime)]
    pub next: Timestamp,
    /// The request is erased then.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// They are being called.
    pub under_way: bool,
}

/// All of them.
#[derive(Serialize, ToSchema)]
struct Callbacks {
    /// The first who asked first.
    callbacks: Vec<ShownCallback>,
}

/// The addresses, described.
#[derive(OpenApi)]
#[openapi(paths(list, delete))]
pub(super) struct Api;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/v1/callbacks", get(list)).route("/api/v1/callbacks/{id}", axum::routing::delete(delete))
}

/// Who wants to be called back
///
/// In the order in which they asked, of all offices.
#[utoipa::path(
    get,
    path = "/api/v1/callbacks",
    operation_id = "listCallbacks",
    responses((status = 200, description = "All of them", body = Callbacks), Asked),
    security(("token" = []), ("cookie" = []))
)]
async fn list(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(super::Wish::Callbacks(Wish::List))).await
}

/// Drop a request
///
/// Nobody is called back for it any more. One that is being called goes on.
#[utoipa::path(
    delete,
    path = "/api/v1/callbacks/{id}",
    operation_id = "dropCallback",
    params(("id" = String, Path, description = "Which", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 204, description = "It is no more"), NotDone, Asked),
    security(("token" = []), ("cookie" = []))
)]
async fn delete(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let wish = named(id).ok_or(Refusal::NotFound).map(|id| super::Wish::Callbacks(Wish::Drop { id }));
    answer(&shared, from, &headers, wish).await
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        match self {
            Self::List(callbacks) => Json(Callbacks { callbacks }).into_response(),
            Self::Dropped => StatusCode::NO_CONTENT.into_response(),
        }
    }
}
