//! The right to be forgotten (GDPR article 17). In: HTTP requests. Out: wishes to the gateway, and what is gone.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::problem::{NotDone, Refusal};
use super::reading::{Asked, LONG_PATIENCE, Sent, answer, answer_in_time, json};
use super::routes::{From, Shares};
use crate::cascade::Erasure;
use crate::meeting::Fault;
use crate::records::calls::Whose;
use crate::web::Shared;
use crate::words::{Both, Personal, PhoneNumber, both};

/// What somebody wants of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To see which institutions have not answered yet.
    List,
    /// To have somebody forgotten.
    Erase(Whose),
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// Those that are waited for.
    List(Vec<ShownErasure>),
    /// Somebody is forgotten.
    Erased(Erased),
}

/// Whom to forget: one of both.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ErasureBody {
    /// Everybody who has called with this number, as calls show it to us: in most cases with its country.
    #[serde(default)]
    #[schema(example = "+49 30 1234542")]
    number: Option<String>,
    /// Whoever made the call with this record.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    record: Option<u64>,
}

/// What is gone, and who else is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erased {
    /// So many call records are gone.
    pub records: u64,
    /// So many requests to be called back.
    pub callbacks: usize,
    /// So many calls with this number are up, or have ended in this moment: ask again when they are over.
    pub under_way: usize,
    /// So many institutions that were told of them are asked to forget them, too.
    pub asked: usize,
    /// So many could not be asked: too many receipts are waited for.
    pub not_asked: usize,
}

/// An institution that has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownErasure {
    /// Stands in its audit, too.
    pub event: String,
    /// Which.
    #[schema(example = "stadt-a.example")]
    pub member: String,
    /// In which meeting it was told of somebody.
    #[schema(example = "ratssitzung@stadt-a.example")]
    pub room: String,
    /// Which line of its roster.
    pub participant: u64,
}

impl ShownErasure {
    /// As the API shows it.
    pub fn of(erasure: Erasure) -> Self {
        let Erasure { event, to, room, who } = erasure;
        Self { event, member: to.to_string(), room: room.to_string(), participant: who.id.0 }
    }
}

/// All of them.
#[derive(Serialize, ToSchema)]
struct Waiting {
    /// Those that have not answered yet.
    waiting: Vec<ShownErasure>,
}

/// The addresses, described.
#[derive(OpenApi)]
#[openapi(paths(list, erase))]
pub(super) struct Api;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/v1/erasures", get(list).post(erase))
}

/// Which institutions have not yet said that they have forgotten somebody
#[utoipa::path(
    get,
    path = "/api/v1/erasures",
    operation_id = "listErasures",
    responses((status = 200, description = "All of them", body = Waiting), Asked),
    security(("token" = []), ("cookie" = []))
)]
async fn list(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(super::Wish::Erasures(Wish::List))).await
}

/// Have somebody forgotten
///
/// Their call records and requests to be called back are erased, and the institutions that were told of them in meetings are asked to
/// forget them; what these answer stands in the audit. The audit itself names nobody.
#[utoipa::path(
    post,
    path = "/api/v1/erasures",
    operation_id = "erase",
    request_body = ErasureBody,
    responses((status = 200, description = "What is gone", body = Erased), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
async fn erase(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap, body: Body) -> Response {
    let wish = json::<ErasureBody>(&headers, body).await.and_then(whose);
    let wish = wish.map(|whose| super::Wish::Erasures(Wish::Erase(whose)));
    answer_in_time(&shared, from, &headers, wish, LONG_PATIENCE).await
}

fn whose(body: ErasureBody) -> Result<Whose, Refusal> {
    let fault = |field, message: Both| Refusal::Faults(vec![Fault::new(field, message)]);
    match (body.number, body.record) {
        (Some(number), None) => match number.parse::<PhoneNumber>() {
            Ok(number) => Ok(Whose::Number(Personal::new(number))),
            Err(why) => Err(fault("number", why.into())),
        },
        (None, Some(record)) if (1..=u64::MAX >> 1).contains(&record) => Ok(Whose::Record(record)),
        (None, Some(_)) => {
            Err(fault("record", both!("Keine Aufzeichnung hat diese Nummer", "no record has this number")))
        }
        (None, None) | (Some(_), Some(_)) => {
            let message = both!(
                "Nennen Sie eine Nummer oder eine Aufzeichnung, nicht beides",
                "name a number, or a record, and not both"
            );
            Err(fault("number", message))
        }
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        match self {
            Self::List(waiting) => Json(Waiting { waiting }).into_response(),
            Self::Erased(erased) => Json(erased).into_response(),
        }
    }
}
