//! Keeps other sites' pages out. In: a request with its headers. Out: what it shows of who sends it; or a refusal, if it shows
//! a cookie and another site's page could have made the browser send it.
//!
//! Three walls, one behind the other: the cookie is `SameSite=Strict`; the browser's own word (`Sec-Fetch-Site`, `Origin`)
//! must say that the page is ours; and what changes anything shows a token that only our page has read. A page that knows none
//! can still not sign somebody in under another name: what signs in must come from our own page, too.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use super::reading::language;
use super::{Refusal, Secret, Shown};
use crate::account::oidc::CALLBACK;

/// `__Host-`: only over HTTPS, only from this very host, for all its paths (RFC 6265bis section 4.1.3.2).
pub(super) const COOKIE: &str = "__Host-einwahl";

/// The same of somebody who was sent to the institution's own sign-in. The provider's page sends them back: it is `SameSite=Lax`.
pub(super) const JOURNEY: &str = "__Host-einwahl-oidc";

/// What only our page knows.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request shows.
pub(super) fn shown(headers: &HeaderMap) -> Shown {
    let csrf = headers.get(CSRF).and_then(|token| token.to_str().ok()).map(Secret::new);
    Shown { token: bearer(headers), cookie: cookie(headers, COOKIE), csrf, journey: cookie(headers, JOURNEY) }
}

/// Refuses what may be another site's doing. A request with a token is a program's: no browser adds that by itself.
pub(super) async fn own_pages_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    // Over HTTP/2 the host stands in the address.
    let host = request.uri().authority().map(ToString::to_string);
    let host = host.as_deref().or_else(|| headers.get(header::HOST)?.to_str().ok()).unwrap_or_default();
    let shown = shown(headers);
    let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let foreign = if shown.token.is_some() || returns(&request) {
        false
    } else if shown.cookie.is_some() {
        is_foreign(headers, host)
            || changes && !(is_ours(headers, host) && (shown.csrf.is_some() || signs_in(&request)))
    } else {
        changes && is_foreign(headers, host)
    };
    if foreign { Refusal::Foreign.respond(language(headers)) } else { next.run(request).await }
}

/// With the old cookie of a session that is over, too, one can sign in anew.
fn signs_in(request: &Request) -> bool {
    request.uri().path() == "/api/v1/session" && request.method() == Method::POST
}

/// Another site sends them back, and is meant to: what they bring is looked at instead, with the cookie of their journey.
fn returns(request: &Request) -> bool {
    request.uri().path() == CALLBACK && request.method() == Method::GET
}

/// The browser says that a page of this very origin sends it.
fn is_ours(headers: &HeaderMap, host: &str) -> bool {
    !is_foreign(headers, host) && (headers.contains_key(FETCH_SITE) || headers.contains_key(header::ORIGIN))
}

/// The browser says that it is not. (A person who types an address: `none`; there is no page that could do it.)
fn is_foreign(headers: &HeaderMap, host: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let elsewhere = |site: &str| !["same-origin", "none"].contains(&site);
    let other = |origin: &str| host.is_empty() || origin.strip_prefix("https://") != Some(host);
    text(FETCH_SITE).is_some_and(elsewhere) || text(header::ORIGIN).is_some_and(other)
}

/// The token (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}

/// A cookie by its name; the first, if there are two.
pub(super) fn cookie(headers: &HeaderMap, wanted: &str) -> Option<Secret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == wanted).map(|(_, value)| Secret::new(value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), axum::http::HeaderValue::from_static(value))
        };
        lines.iter().map(header).collect()
    }

    #[test]
    fn ours_is_what_the_browser_says_is_ours_and_silence_is_not_enough() {
        for (lines, ours, foreign) in [
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://a:8443")][..], true, false),
            (&[("origin", "https://a:8443")], true, false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://a:8443")], false, true),
            (&[("sec-fetch-site", "same-site")], false, true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://a")], false, true),
            (&[("origin", "http://a:8443")], false, true),
            (&[("origin", "null")], false, true),
            (&[], false, false),
        ] {
            let headers = headers(lines);
            assert_eq!((is_ours(&headers, "a:8443"), is_foreign(&headers, "a:8443")), (ours, foreign), "{lines:?}");
        }
        assert!(is_foreign(&headers(&[("origin", "https://")]), ""), "a request without a host");
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let all = headers(&[("cookie", "x__Host-einwahl=no; a=b; __Host-einwahl=yes; __Host-einwahl=late")]);
        assert_eq!(cookie(&all, COOKIE).map(|value| value.expose().to_owned()).as_deref(), Some("yes"));
        assert!(cookie(&headers(&[("cookie", "einwahl=1")]), COOKIE).is_none());
        let token = bearer(&headers(&[("authorization", "bearer  ew_1 ")]));
        assert_eq!(token.map(|token| token.expose().to_owned()).as_deref(), Some("ew_1"));
    }
}
