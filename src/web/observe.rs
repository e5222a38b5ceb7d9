//! For those who watch this node: `/healthz` (it is alive), `/readyz` (send people here, or not and why), `/metrics` (figures).
//! In: GET requests. Out: text.
//!
//! That a node lives and whether it is ready anybody may know: that is what a load balancer asks. Why it is not ready, and the
//! figures, are for those whom the administrator lets read: by default this machine alone. A request that a proxy has passed
//! on is not from this machine, whatever its address.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::observe::{CONTENT_TYPE, Observed};

/// Who may read figures and reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Everybody who gets to this listener.
    All,
    /// This machine, and these addresses.
    Here(Vec<IpAddr>),
    /// Nobody: there is another listener for that.
    Nobody,
}

/// What a request is answered by.
#[derive(Clone)]
struct Watched {
    observed: Observed,
    readers: Readers,
}

/// The three paths.
pub(super) fn router(observed: Observed, readers: Readers) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Watched { observed, readers })
}

async fn ready(
    State(watched): State<Watched>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    let obstacles = watched.observed.obstacles();
    if obstacles.is_empty() {
        return (StatusCode::OK, String::from("ready\n"));
    }
    let told = match watched.readers.may(from.ip(), &headers) {
        true => obstacles.iter().map(|(part, why)| format!("{}: {why}\n", part.name())).collect(),
        false => String::from("not ready\n"),
    };
    (StatusCode::SERVICE_UNAVAILABLE, told)
}

async fn metrics(
    State(watched): State<Watched>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if !watched.readers.may(from.ip(), &headers) {
        return (StatusCode::FORBIDDEN, "The figures are not for this address: see [observe] in einwahl.toml.\n")
            .into_response();
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")], watched.observed.text())
        .into_response()
}

/// What a proxy adds to a request that it passes on (RFC 7239, RFC 9110 section 7.6.3).
const PASSED_ON: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

impl Readers {
    fn may(&self, from: IpAddr, headers: &HeaderMap) -> bool {
        match self {
            Self::All => true,
            Self::Here(others) => {
                let from = from.to_canonical();
                let is_here = from.is_loopback() && !PASSED_ON.iter().any(|name| headers.contains_key(*name));
                is_here || others.contains(&from)
            }
            Self::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn figures_are_for_this_machine_and_for_whom_the_administrator_names() {
        let readers = Readers::Here(vec![address("192.0.2.7")]);
        let plain = HeaderMap::new();
        for from in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "192.0.2.7", "::ffff:192.0.2.7"] {
            assert!(readers.may(address(from), &plain), "{from}");
        }
        for from in ["192.0.2.8", "2001:db8::1", "10.0.0.1"] {
            assert!(!readers.may(address(from), &plain), "{from}");
        }
        assert!(Readers::All.may(address("192.0.2.8"), &plain));
        assert!(!Readers::Nobody.may(address("127.0.0.1"), &plain));
    }

    #[test]
    fn what_a_proxy_on_this_machine_passes_on_is_not_from_this_machine() {
        for name in PASSED_ON {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static("192.0.2.8"));
            assert!(!Readers::Here(vec![]).may(address("127.0.0.1"), &headers), "{name}");
        }
    }
}
