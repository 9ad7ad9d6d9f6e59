//! What browsers load beside the pages. It tells nothing, and the log-in page needs it too.

use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

const STYLE: &str = concat!(include_str!("../../static/style.css"), include_str!("../../static/admin.css"));
const SCRIPT: &str = include_str!("../../static/page.js");
const PASSKEYS: &str = include_str!("../../static/passkey.js");

pub(super) async fn style() -> impl IntoResponse {
    (headers("text/css; charset=utf-8"), STYLE)
}

pub(super) async fn script() -> impl IntoResponse {
    (headers("text/javascript; charset=utf-8"), SCRIPT)
}

pub(super) async fn passkeys() -> impl IntoResponse {
    (headers("text/javascript; charset=utf-8"), PASSKEYS)
}

/// Another release may have others under the same name, so they are asked for again after an hour.
fn headers(kind: &'static str) -> [(HeaderName, &'static str); 3] {
    [
        (CONTENT_TYPE, kind),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (CACHE_CONTROL, "private, max-age=3600"),
    ]
}
