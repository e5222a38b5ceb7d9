//! The pages, which are inside the binary. In: a path. Out: a file, and the headers that keep a page to itself.

use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Files;

/// A page may load what this server serves, and nothing else from anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
    connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("microphone=(self), camera=(self), geolocation=(), payment=()"),
    ),
];

/// Puts the headers on every answer.
pub(super) async fn guard(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A file by its path. One page is at `/` and at each room's address, another, for who administers, at `/admin` and below it.
pub(super) async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let page = page(path);
    let (is_page, name) = (page.is_some(), page.unwrap_or(path));
    let Some(file) = Files::get(name) else {
        return match is_page {
            true => (StatusCode::NOT_FOUND, "The pages are not in this binary: build with `make`.\n").into_response(),
            false => (StatusCode::NOT_FOUND, "Not found.\n").into_response(),
        };
    };
    // Assets have their content's hash in their names: they never change. The page does.
    let keep = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = mime_guess::from_path(name).first_or_octet_stream().to_string();
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep.to_owned())], file.data).into_response()
}

fn page(path: &str) -> Option<&'static str> {
    match path {
        "" => Some("index.html"),
        "admin" => Some("admin.html"),
        _ if path.starts_with("r/") => Some("index.html"),
        _ if path.starts_with("admin/") => Some("admin.html"),
        _ => None,
    }
}
