//! Sign-in by the institution's own system (OpenID Connect). In: browsers that set out, and those that are back. Out: [`Knock`]s
//! to the gateway, and where the browser goes on to. A person looks at these addresses: who does not come in gets a page that says why.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::reading::{LONG_PATIENCE, hand_over, language, query};
use super::routes::{From, Shares};
use super::session::{Knock, Wish, stopped};
use super::site;
use crate::account::oidc::{CALLBACK, Callback, OwnPath, Stopped};
use crate::web::{Event, Shared};
use crate::words::Personal;

/// How one may sign in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ways {
    /// What the institution calls its own sign-in, if there is one; `/api/v1/session/oidc` leads there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, example = "Stadt-Login")]
    oidc: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Then {
    #[serde(default)]
    to: String,
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/session/ways", get(ways))
        .route("/api/v1/session/oidc", get(depart))
        .route(CALLBACK, get(back))
}

/// How one may sign in
///
/// Beside a name and a password.
#[utoipa::path(
    get,
    path = "/api/v1/session/ways",
    operation_id = "readWays",
    responses(
        (status = 200, description = "These", body = Ways),
        (status = 403, description = "Not from a page of this server", body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
pub(super) async fn ways(State(shared): Shares) -> Json<Ways> {
    Json(Ways { oidc: shared.sign_in_by.clone() })
}

/// Sign in by the institution's own system
///
/// For browsers: leads to the provider, or to a page that says why not.
#[utoipa::path(
    get,
    path = "/api/v1/session/oidc",
    operation_id = "departToProvider",
    params(("to" = Option<String>, Query, description = "The page of the console to which to go then", example = "/admin/audit")),
    responses(
        (status = 303, description = "There", headers(("Location" = String, description = "Where"))),
        (status = 400, description = "The query cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not from a page of this server", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such provider", body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
pub(super) async fn depart(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    then: Result<Query<Then>, QueryRejection>,
) -> Response {
    match then {
        Ok(Query(Then { to })) => knock(&shared, from, &headers, Wish::Depart { to: OwnPath::read(&to) }).await,
        Err(why) => query(&why).respond(language(&headers)),
    }
}

/// Be back from the institution's own system
///
/// For browsers: the provider sends them here. Leads to the console, signed in or told why not.
#[utoipa::path(
    get,
    path = "/api/v1/session/oidc/callback",
    operation_id = "returnFromProvider",
    params(
        ("state" = Option<String>, Query, description = "Which journey it was"),
        ("code" = Option<String>, Query, description = "What the provider answered"),
        ("error" = Option<String>, Query, description = "Why it did not"),
        ("iss" = Option<String>, Query, description = "Who it says it is"),
    ),
    responses(
        (status = 303, description = "There", headers(("Location" = String, description = "Where"))),
        (status = 404, description = "There is no such provider", body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
pub(super) async fn back(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let callback = Callback::read(query.as_deref().unwrap_or_default());
    knock(&shared, from, &headers, Wish::Return(callback)).await
}

async fn knock(shared: &Shared, from: SocketAddr, headers: &HeaderMap, wish: Wish) -> Response {
    let (from, shown) = (Personal::new(from.ip().to_canonical()), site::shown(headers));
    let knock = |reply| Event::Knocked(Box::new(Knock { from, shown, wish: Ok(wish), reply }));
    match hand_over(shared, LONG_PATIENCE, knock).await {
        Ok(done) => done.into_response(),
        // Problem documents are for programs.
        Err(Refusal::Busy | Refusal::Out) => stopped(Stopped::Busy.name()),
        Err(refusal) => refusal.respond(language(headers)),
    }
}
