//! Replies of the pages, and who asks for them.

use std::net::{IpAddr, SocketAddr};

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

/// Which listener a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The gateway's address, from a device on the LAN, in the clear.
    Lan,
    /// The same with the owner's certificate.
    LanTls,
    /// The machine's own loopback address.
    Machine,
}

impl Door {
    /// How addresses begin that lead through it.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Door::Lan | Door::Machine => "http",
            Door::LanTls => "https",
        }
    }
}

/// The ends of the connection that a request came in by; put into its extensions by whoever accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub door: Door,
    /// Our end.
    pub here: SocketAddr,
    pub peer: IpAddr,
}

/// Whoever accepts connections says who it is; without that nothing is answered.
impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Visitor, Response> {
        parts.extensions.get::<Visitor>().copied().ok_or_else(|| {
            tracing::error!("a request came without its visitor");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "This request cannot be answered; the log says why.\n")
        })
    }
}

/// What the page may load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The style, and nothing else: nothing runs.
    NoScript,
    /// Our own scripts, too, and what they fetch here.
    Script,
}

impl Policy {
    /// Nothing from elsewhere, nothing sent elsewhere, and nobody may frame it (CSP level 3).
    fn header(self) -> &'static str {
        match self {
            Policy::NoScript => {
                "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            }
            Policy::Script => {
                "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            }
        }
    }
}

/// A page from a template.
pub fn page(status: StatusCode, policy: Policy, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, headers("text/html; charset=utf-8", policy), text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "This page cannot be shown; the log says why.\n")
        }
    }
}

/// A line of text.
pub fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    (status, headers("text/plain; charset=utf-8", Policy::NoScript), text.into()).into_response()
}

/// For a script of ours.
pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => (status, headers("application/json", Policy::NoScript), text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a reply cannot be written");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "This cannot be told; the log says why.\n")
        }
    }
}

/// The look of all pages.
pub fn style() -> Response {
    let mut headers = headers("text/css; charset=utf-8", Policy::NoScript);
    // The same for everybody, and another one only with another release.
    headers[5].1 = "max-age=600";
    (headers, include_str!("../static/style.css")).into_response()
}

pub fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "There is no such page.\n")
}

/// After a change: the page to look at, so that a reload does not change again.
pub fn see(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, place.to_owned())], headers("text/plain", Policy::NoScript))
        .into_response()
}

fn headers(kind: &'static str, policy: Policy) -> [(HeaderName, &'static str); 6] {
    [
        (CONTENT_TYPE, kind),
        (HeaderName::from_static("content-security-policy"), policy.header()),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        // A form of these pages says where it comes from; with `no-referrer` it would not.
        (HeaderName::from_static("referrer-policy"), "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ]
}
