//! Accounts by API. In: JSON. Out: wishes to the gateway, and accounts without anything that could be used to sign in; a
//! one-time password is told once, to who asked for it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::body::no_null;
use super::problem::{NotDone, NotTold, Refusal};
use super::reading::{Asked, Sent, answer, json, named};
use super::routes::{From, Shares};
use super::session::RoleName;
use crate::account::{Account, Role};
use crate::meeting::Fault;
use crate::web::Shared;
use crate::words::AccountName;

/// What somebody wants with accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To see all of them.
    List,
    /// To make one.
    Make {
        /// Its name.
        name: AccountName,
        /// What its owner may do.
        role: Role,
    },
    /// To change one.
    Change {
        /// Which.
        name: AccountName,
        /// The role from now on.
        role: Option<Role>,
        /// Closed, or open.
        disabled: Option<bool>,
    },
    /// To give one a one-time password, and take its second factor away.
    Reset {
        /// Which.
        name: AccountName,
    },
    /// To take one away.
    Delete {
        /// Which.
        name: AccountName,
    },
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// All accounts.
    List(Vec<Account>),
    /// An account as it is now.
    Changed(Box<Account>),
    /// An account, and its one-time password.
    Made(Box<Account>, Zeroizing<String>),
    /// The same of one that there was.
    Reset(Box<Account>, Zeroizing<String>),
    /// It is no more.
    Deleted,
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    /// Its name: 1 to 64 of a–z, 0–9, '-' and '_', beginning with a letter or digit. It keeps it for good.
    #[schema(pattern = "^[a-z0-9][a-z0-9_-]{0,63}$", example = "erika")]
    name: String,
    /// What its owner may do.
    #[schema(value_type = RoleName)]
    role: Role,
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountChange {
    /// What its owner may do from now on.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(value_type = Option<RoleName>, nullable = false)]
    role: Option<Role>,
    /// Nobody can sign in with it, and who is signed in is signed out.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(nullable = false)]
    disabled: Option<bool>,
}

/// An account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "Account")]
pub(super) struct AccountShown {
    /// Its name.
    name: String,
    /// What its owner may do.
    #[schema(value_type = RoleName)]
    role: Role,
    /// What that is.
    #[schema(value_type = Vec<String>)]
    rights: Vec<crate::words::Right>,
    /// Nobody can sign in with it.
    disabled: bool,
    /// Its owner has made an app known.
    second_factor: bool,
    /// So long a one-time password holds, if its owner has not chosen one yet.
    once_until: Option<String>,
    /// When it was made or reset.
    made: String,
    /// When somebody last signed in with it.
    last_sign_in: Option<String>,
    /// Told once: it holds for seven days, and is replaced at the first sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    one_time_password: Option<String>,
}

/// All accounts.
#[derive(Serialize, ToSchema)]
pub(super) struct Accounts {
    accounts: Vec<AccountShown>,
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/accounts", get(list).post(make))
        .route("/api/v1/accounts/{name}", patch(change).delete(delete))
        .route("/api/v1/accounts/{name}/reset", post(reset))
}

/// The accounts
#[utoipa::path(
    get,
    path = "/api/v1/accounts",
    operation_id = "listAccounts",
    responses((status = 200, description = "All of them, by name", body = Accounts), NotTold, Asked),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn list(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    answer(&shared, from, &headers, Ok(super::Wish::Accounts(Wish::List))).await
}

/// A new account
#[utoipa::path(
    post,
    path = "/api/v1/accounts",
    operation_id = "makeAccount",
    request_body = NewAccount,
    responses((status = 201, description = "It is made; this answer alone tells its one-time password", body = AccountShown), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn make(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap, body: Body) -> Response {
    let wish = json::<NewAccount>(&headers, body).await.and_then(|NewAccount { name, role }| {
        let fault = |why: crate::words::InvalidName| Refusal::Faults(vec![Fault::new("name", why)]);
        Ok(super::Wish::Accounts(Wish::Make { name: name.parse().map_err(fault)?, role }))
    });
    answer(&shared, from, &headers, wish).await
}

/// Change an account
///
/// Holds at once. The last account that may administrate keeps its role, and stays open.
#[utoipa::path(
    patch,
    path = "/api/v1/accounts/{name}",
    operation_id = "changeAccount",
    params(("name" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    request_body = AccountChange,
    responses((status = 200, description = "As it is now", body = AccountShown), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn change(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
    body: Body,
) -> Response {
    let change = json::<AccountChange>(&headers, body).await;
    let wish = named(name).ok_or(Refusal::NotFound).and_then(|name| {
        let AccountChange { role, disabled } = change?;
        Ok(super::Wish::Accounts(Wish::Change { name, role, disabled }))
    });
    answer(&shared, from, &headers, wish).await
}

/// Reset an account
///
/// For who has forgotten the password or lost the telephone: a new one-time password, and an app is made known anew.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/{name}/reset",
    operation_id = "resetAccount",
    params(("name" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 200, description = "This answer alone tells its one-time password", body = AccountShown), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn reset(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let wish = named(name).ok_or(Refusal::NotFound).map(|name| super::Wish::Accounts(Wish::Reset { name }));
    answer(&shared, from, &headers, wish).await
}

/// Take an account away
#[utoipa::path(
    delete,
    path = "/api/v1/accounts/{name}",
    operation_id = "deleteAccount",
    params(("name" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 204, description = "It is no more"), NotDone, Asked, Sent),
    security(("token" = []), ("cookie" = []))
)]
pub(super) async fn delete(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let wish = named(name).ok_or(Refusal::NotFound).map(|name| super::Wish::Accounts(Wish::Delete { name }));
    answer(&shared, from, &headers, wish).await
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let shown = |account: &Account, password: Option<&str>| AccountShown {
            name: account.name.to_string(),
            role: account.role,
            rights: account.role.rights().to_vec(),
            disabled: account.disabled,
            second_factor: account.second.is_some(),
            once_until: account.once_until.map(|time| time.to_string()),
            made: account.made.to_string(),
            last_sign_in: account.seen.map(|time| time.to_string()),
            one_time_password: password.map(str::to_owned),
        };
        match self {
            Self::List(accounts) => {
                let accounts = accounts.iter().map(|account| shown(account, None)).collect();
                Json(Accounts { accounts }).into_response()
            }
            Self::Changed(account) => Json(shown(&account, None)).into_response(),
            Self::Made(account, password) => {
                (StatusCode::CREATED, Json(shown(&account, Some(&password)))).into_response()
            }
            Self::Reset(account, password) => Json(shown(&account, Some(&password))).into_response(),
            Self::Deleted => StatusCode::NO_CONTENT.into_response(),
        }
    }
}
