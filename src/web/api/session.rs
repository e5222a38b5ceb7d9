//! Signing in and out. In: names, passwords and codes from our own pages. Out: [`Knock`]s to the gateway, each with a place
//! for its answer; cookies, and what a page has to know of its session.
//!
//! The cookie is set and taken away here and nowhere else. Each step of signing in sets a new one.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::body::no_null;
use super::problem::{Problem, Refusal};
use super::reading::{PATIENCE, hand_over, json, language, unreadable};
use super::routes::{From, Shares};
use super::{Secret, Shown, site};
use crate::account::oidc::{Callback, Garbled, OwnPath};
use crate::account::{Role, Token, Unfit};
use crate::meeting::Fault;
use crate::web::{Event, Shared};
use crate::words::{Personal, Right, both};

/// One request about a session.
#[derive(Debug)]
pub struct Knock {
    /// Where it comes from, to slow down those who guess.
    pub from: Personal<std::net::IpAddr>,
    /// What it shows.
    pub shown: Shown,
    /// What it wants, or why that makes no sense.
    pub wish: Result<Wish, Refusal>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Done, Refusal>>,
}

/// What somebody wants of a session.
#[derive(Debug)]
pub enum Wish {
    /// To sign in.
    SignIn {
        /// As whom; what is no name is nobody's.
        name: String,
        /// With which password.
        password: Secret,
    },
    /// To show the code of an app.
    Code(Secret),
    /// To show a recovery code in its place.
    Recovery(Secret),
    /// To make an app known.
    Enrol,
    /// To have another password.
    Password {
        /// The one of now; not asked for where it was shown in this very sign-in.
        old: Option<Secret>,
        /// The one from now on.
        new: Secret,
    },
    /// To see who is signed in.
    Look,
    /// To sign out.
    SignOut {
        /// On every other device, too.
        everywhere: bool,
    },
    /// To sign in by the institution's own system.
    Depart {
        /// And to go there then.
        to: OwnPath,
    },
    /// To be back from there.
    Return(Result<Callback, Garbled>),
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// A session as it is, and the cookie under which it goes on, if that is new.
    Session(Box<About>, Option<Token>),
    /// What an app has to know.
    Enrolment {
        /// To be typed.
        secret: Zeroizing<String>,
        /// To be scanned.
        uri: Zeroizing<String>,
    },
    /// Nobody is signed in any more.
    Over {
        /// Where the institution's own system is told so.
        elsewhere: Option<String>,
    },
    /// The browser goes to the institution's own system.
    Departs {
        /// There.
        to: String,
        /// By this it is known when it is back.
        browser: Token,
        /// In so long.
        lasts: Duration,
    },
    /// Somebody is signed in.
    Arrived {
        /// The cookie of their session.
        id: Token,
        /// Where they wanted to go.
        to: OwnPath,
    },
    /// Nobody is signed in, and this is why: see [`Stopped::name`](crate::account::oidc::Stopped::name).
    Stopped(&'static str),
}

/// What a page has to know of its session.
#[derive(Debug)]
pub struct About {
    /// Which step is next.
    pub next: Next,
    /// Who it is.
    pub name: String,
    /// What they are; once they are signed in.
    pub role: Option<Role>,
    /// Whether they have an account here, and so a password that can be changed.
    pub has_account: bool,
    /// What every request that changes something has to show.
    pub csrf: Token,
    /// It ends after so long, however much it is used.
    pub ends_in: Duration,
    /// It ends when it is not used for so long.
    pub idle: Duration,
    /// To be kept in a safe place; told once, when an app has been made known.
    pub recovery: Vec<Zeroizing<String>>,
}

/// Which step of signing in is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Next {
    /// The code of the app, or a recovery code.
    Code,
    /// Make an app known: ask for its secret, then show its code.
    Enrol,
    /// Choose a password.
    NewPassword,
    /// None: somebody is signed in.
    Nothing,
}

/// A name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    /// The name of the account.
    #[schema(max_length = 256, example = "erika")]
    name: String,
    /// Its password.
    #[schema(value_type = String, max_length = 1024)]
    password: Secret,
}

/// The second factor; one of both.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CodeBody {
    /// Six digits of the app. Each code counts once.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(value_type = Option<String>, nullable = false, example = "287082")]
    code: Option<Secret>,
    /// One of the codes that were told when the app was made known. It counts once.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(value_type = Option<String>, nullable = false, example = "abcd-efgh-ijkl-mnop")]
    recovery_code: Option<Secret>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    /// The password of now; not needed in the step `newPassword`.
    #[serde(default, deserialize_with = "no_null")]
    #[schema(value_type = Option<String>, nullable = false, max_length = 1024)]
    old: Option<Secret>,
    /// The password from now on: at least 12 characters.
    #[schema(value_type = String, min_length = 12, max_length = 256)]
    new: Secret,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "Session")]
pub(super) struct SessionShown {
    /// Which step of signing in is next; `nothing`: somebody is signed in.
    next: Next,
    /// Who.
    name: String,
    /// What they are for the institution.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, value_type = RoleName)]
    role: Option<Role>,
    /// What they may do.
    #[schema(value_type = Vec<String>)]
    rights: Vec<Right>,
    /// Whether they have an account here, with a password that can be changed.
    has_account: bool,
    /// What each request that changes something has to show, in the header `X-CSRF-Token`. A new one with each step.
    csrf: String,
    /// Seconds after which it ends, however much it is used.
    ends_in: u64,
    /// Seconds after which it ends if it is not used.
    idle: u64,
    /// Told once, when an app has been made known: each signs in once in its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    recovery_codes: Vec<String>,
}

/// How a role is written.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "only described")]
pub(super) enum RoleName {
    Viewer,
    Editor,
    Operator,
    Auditor,
    Administrator,
}

/// What an app has to know.
#[derive(Serialize, ToSchema)]
pub(super) struct Enrolment {
    /// To be typed: base32.
    secret: String,
    /// The same for a program: `otpauth://totp/…`.
    uri: String,
    /// The same to be scanned: an SVG picture.
    qr: String,
}

pub(super) fn routes() -> Router<std::sync::Arc<Shared>> {
    Router::new()
        .route("/api/v1/session", get(look).post(sign_in).delete(sign_out))
        .route("/api/v1/session/totp", post(totp))
        .route("/api/v1/session/enrolment", post(enrol))
        .route("/api/v1/session/password", post(password))
}

/// Sign in
///
/// The first step. The answer sets the cookie, and says which step is next.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    operation_id = "signIn",
    request_body = SignInBody,
    responses(
        (status = 200, description = "The password is right; the next step", body = SessionShown),
        (status = 400, description = "The body cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Name or password is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not from a page of this server", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong passwords", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
pub(super) async fn sign_in(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match json::<SignInBody>(&headers, body).await {
        Ok(SignInBody { name, password }) => knock(&shared, from, &headers, Ok(Wish::SignIn { name, password })).await,
        // There is nobody yet from whom it would be kept.
        Err(refusal) => refusal.respond(language(&headers)),
    }
}

/// Show the second factor
///
/// A code of the app, or a recovery code. In the step `enrol` a code of the app that has just been made known.
#[utoipa::path(
    post,
    path = "/api/v1/session/totp",
    operation_id = "showCode",
    request_body = CodeBody,
    responses(
        (status = 200, description = "It is right; the next step", body = SessionShown),
        (status = 400, description = "The body cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "It is wrong, or nobody is signing in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not from a page of this session", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "This is not the next step", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Neither code is there, or both", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong codes", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be written, or too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("cookie" = []))
)]
pub(super) async fn totp(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap, body: Body) -> Response {
    let wish = json::<CodeBody>(&headers, body).await.and_then(|body| match (body.code, body.recovery_code) {
        (Some(code), None) => Ok(Wish::Code(code)),
        (None, Some(code)) => Ok(Wish::Recovery(code)),
        (None, None) | (Some(_), Some(_)) => {
            let message = both!("Entweder `code` oder `recoveryCode`", "write either `code` or `recoveryCode`");
            Err(Refusal::Faults(vec![Fault::new("code", message)]))
        }
    });
    knock(&shared, from, &headers, wish).await
}

/// Make an app known
///
/// In the step `enrol`: what the app has to know. Asked again, the same is told again. It counts once its code was shown.
#[utoipa::path(
    post,
    path = "/api/v1/session/enrolment",
    operation_id = "enrolApp",
    responses(
        (status = 200, description = "What the app has to know", body = Enrolment),
        (status = 401, description = "Nobody is signing in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not from a page of this session", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "This is not the next step", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong codes", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("cookie" = []))
)]
pub(super) async fn enrol(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    knock(&shared, from, &headers, Ok(Wish::Enrol)).await
}

/// Choose a password
///
/// Other sessions of the account end.
#[utoipa::path(
    post,
    path = "/api/v1/session/password",
    operation_id = "choosePassword",
    request_body = PasswordBody,
    responses(
        (status = 200, description = "It counts from now on", body = SessionShown),
        (status = 400, description = "The body cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The old one is wrong, or nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not from a page of this session", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "This is not the next step, or there is no account", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The account was changed meanwhile", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is too easy", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong passwords", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be written, or too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("cookie" = []))
)]
pub(super) async fn password(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let wish = json::<PasswordBody>(&headers, body).await;
    let wish = wish.map(|body| Wish::Password { old: body.old, new: body.new });
    knock(&shared, from, &headers, wish).await
}

/// Who is signed in
#[utoipa::path(
    get,
    path = "/api/v1/session",
    operation_id = "readSession",
    responses(
        (status = 200, description = "The session of the cookie", body = SessionShown),
        (status = 401, description = "Nobody", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not from a page of this server", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong passwords", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("cookie" = []))
)]
pub(super) async fn look(State(shared): Shares, ConnectInfo(from): From, headers: HeaderMap) -> Response {
    knock(&shared, from, &headers, Ok(Wish::Look)).await
}

#[derive(Deserialize)]
pub(super) struct Where {
    #[serde(default)]
    everywhere: bool,
}

/// Sign out
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    operation_id = "signOut",
    params(("everywhere" = Option<bool>, Query, description = "On every other device, too")),
    responses(
        (status = 200, description = "The same, and the institution's own sign-in is still to be told", body = SignedOut),
        (status = 204, description = "Nobody is signed in any more"),
        (status = 400, description = "The query cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody was", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not from a page of this session", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong passwords", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too much at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("cookie" = []))
)]
pub(super) async fn sign_out(
    State(shared): Shares,
    ConnectInfo(from): From,
    headers: HeaderMap,
    query: Result<Query<Where>, QueryRejection>,
) -> Response {
    let wish = query.map(|Query(query)| Wish::SignOut { everywhere: query.everywhere }).map_err(|_| {
        let message = both!("Schreiben Sie true oder false, oder nichts davon", "write true or false, or leave it out");
        unreadable("everywhere", message)
    });
    knock(&shared, from, &headers, wish).await
}

/// Nobody is signed in here any more.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedOut {
    /// Where the browser goes to be signed out of the institution's own system, too.
    elsewhere: String,
}

async fn knock(shared: &Shared, from: SocketAddr, headers: &HeaderMap, wish: Result<Wish, Refusal>) -> Response {
    let (from, shown) = (Personal::new(from.ip().to_canonical()), site::shown(headers));
    let knock = |reply| Event::Knocked(Box::new(Knock { from, shown, wish, reply }));
    match hand_over(shared, PATIENCE, knock).await {
        Ok(done) => done.into_response(),
        Err(refusal) => refusal.respond(language(headers)),
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        match self {
            Self::Session(about, cookie) => {
                let mut response = Json(SessionShown::of(&about)).into_response();
                if let Some(cookie) = cookie {
                    set_session(&mut response, cookie.expose());
                }
                response
            }
            Self::Enrolment { secret, uri } => {
                let qr = QrCode::new(uri.as_bytes())
                    .map(|code| code.render::<svg::Color<'_>>().min_dimensions(240, 240).build());
                let (secret, uri) = (secret.to_string(), uri.to_string());
                Json(Enrolment { secret, uri, qr: qr.unwrap_or_default() }).into_response()
            }
            Self::Over { elsewhere } => {
                let mut response = match elsewhere {
                    Some(elsewhere) => Json(SignedOut { elsewhere }).into_response(),
                    None => StatusCode::NO_CONTENT.into_response(),
                };
                set_cookie(&mut response, site::COOKIE, "", "Strict", Some(Duration::ZERO));
                response
            }
            Self::Departs { to, browser, lasts } => {
                let mut response = see_other(&to);
                set_cookie(&mut response, site::JOURNEY, browser.expose(), "Lax", Some(lasts));
                response
            }
            Self::Arrived { id, to } => {
                let mut response = see_other(to.as_str());
                set_cookie(&mut response, site::JOURNEY, "", "Lax", Some(Duration::ZERO));
                set_session(&mut response, id.expose());
                response
            }
            Self::Stopped(why) => stopped(why),
        }
    }
}

/// A page says why nobody is signed in.
pub(super) fn stopped(why: &str) -> Response {
    see_other(&format!("/admin?oidc={why}"))
}

/// A browser goes on there (RFC 9110 section 15.4.4).
fn see_other(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(to) = HeaderValue::try_from(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn set_session(response: &mut Response, id: &str) {
    set_cookie(response, site::COOKIE, id, "Strict", None);
}

fn set_cookie(response: &mut Response, name: &str, value: &str, same_site: &str, age: Option<Duration>) {
    let age = age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
    let line = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}{age}");
    if let Ok(mut line) = HeaderValue::try_from(line) {
        line.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, line);
    }
}

impl SessionShown {
    fn of(about: &About) -> Self {
        let role = about.role.filter(|_| about.next == Next::Nothing);
        Self {
            next: about.next,
            name: about.name.clone(),
            role,
            rights: role.map(|role| role.rights().to_vec()).unwrap_or_default(),
            has_account: about.has_account,
            csrf: about.csrf.expose().to_owned(),
            ends_in: about.ends_in.as_secs(),
            idle: about.idle.as_secs(),
            recovery_codes: about.recovery.iter().map(|code| code.to_string()).collect(),
        }
    }
}

/// A password that is too easy is a fault of the body.
impl std::convert::From<Unfit> for Refusal {
    fn from(why: Unfit) -> Self {
        Self::Faults(vec![Fault::new("new", why)])
    }
}
