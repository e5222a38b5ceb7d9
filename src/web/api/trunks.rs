//! Trunks by API: how they stand, and an examination of one. In: HTTP requests. Out: wishes to the gateway, and what it answered.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::Wish;
use super::problem::{Problem, Refusal};
use super::reading::{Asked, Sent, answer, answer_in_time, json, named};
use super::routes::{From, Shares};
use crate::meeting::Fault;
use crate::trunk::is_user;
use crate::trunk::report::Report;
use crate::web::Shared;
use crate::words::{Right, TrunkName, both};

/// What somebody wants of the trunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrunkWish {
    /// To see how all stand.
    List,
    /// To have one examined.
    Check {
        /// Which.
        name: TrunkName,
        /// Whom to call; the trunk's own number for tests, if this is left out.
        number: Option<String>,
    },
}

impl TrunkWish {
    pub(super) const fn needs(&self) -> Right {
        match self {
            Self::List => Right::Calls,
            Self::Check { .. } => Right::Operate,
        }
    }
}

/// How a trunk stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownTrunk {
    /// Its name.
    #[schema(example = "rathaus")]
    pub name: String,
    /// Where calls to it go; none, if it only calls here.
    #[schema(example = "sip:pbx.stadt.example;transport=tls")]
    pub dial: Option<String>,
    /// `up`, `degraded`, `down`; `unknown` before it was asked, and for one that only calls here.
    #[schema(example = "up")]
    pub state: String,
    /// Why it is not up.
    pub why: Option<String>,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Whether it has to be told where we are.
    pub registers: bool,
    /// Until when it knows.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub registered_until: Option<Timestamp>,
    /// Its calls now, both ways.
    pub calls: usize,
    /// The most that it may have.
    pub most_calls: Option<usize>,
    /// Whether it has a number of its own for test calls.
    pub has_test: bool,
    /// What went wrong last, the newest first.
    pub last_errors: Vec<TrunkTrouble>,
}

/// A moment at which a trunk got worse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrunkTrouble {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `degraded` or `down`.
    pub state: String,
    /// Why.
    pub why: String,
}

/// All of them.
#[derive(Serialize, ToSchema)]
struct Trunks {
    /// In the order of the configuration.
    trunks: Vec<ShownTrunk>,
}

/// Whom to call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CheckBody {
    /// A number that answers by itself; the trunk's own, if this is left out, or nobody.
    #[schema(example = "+493090181899", max_length = 128)]
    call: Option<String>,
}

/// The addresses, described.
#[derive(OpenApi)]
#[openapi(paths(list, check))]
pub(super) struct Api;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/v1/trunks", get(list)).route("/api/v1/trunks/{name}/check", post(check))
}

pub(super) fn all(trunks: Vec<ShownTrunk>) -> Response {
    Json(Trunks { trunks }).into_response()
}

/// An examination takes less than a minute.
const LONGEST: Duration = Duration::from_secs(90);

/// How the trunks stand
///
/// Whether they answer, whether they know us, and what went wrong last.
#[utoipa::path(
    get,
    path = "/api/v1/trunks",
    operation_id = "listTrunks",
    responses((status = 200, description = "All of them", body = Trunks), Asked),
    security(("token" = []), ("cookie" = []))
)]
async fn list(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(Wish::Trunk(TrunkWish::List))).await
}

/// Examine a trunk
///
/// Asks it from a socket of its own, and calls a number if there is one, on your bill. The answer comes when it is done.
#[utoipa::path(
    post,
    path = "/api/v1/trunks/{name}/check",
    operation_id = "checkTrunk",
    params(("name" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    request_body = CheckBody,
    responses(
        (status = 200, description = "What is wrong, if anything, with every message", body = Report),
        (status = 404, description = "No such trunk", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The trunk only calls here", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The number cannot be called", body = Problem, content_type = "application/problem+json"),
        Asked,
        Sent,
    ),
    security(("token" = []), ("cookie" = []))
)]
async fn check(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
    body: Body,
) -> Response {
    let sent = json::<CheckBody>(&headers, body).await;
    let name = named(name).ok_or(Refusal::NoTrunk);
    let wish = name.and_then(|name| {
        let number = sent?.call;
        if number.as_deref().is_some_and(|number| !is_user(number)) {
            let message = both!(
                "Schreiben Sie eine Nummer oder Durchwahl, wie man sie dort wählt, ohne Leerzeichen",
                "write a number or an extension as it is dialled there, without spaces"
            );
            return Err(Refusal::Faults(vec![Fault::new("call", message)]));
        }
        Ok(Wish::Trunk(TrunkWish::Check { name, number }))
    });
    answer_in_time(&shared, from, &headers, wish, LONGEST).await
}
