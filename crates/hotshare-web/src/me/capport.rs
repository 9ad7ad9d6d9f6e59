//! The interface that systems ask instead of guessing (RFC 8908).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use hotshare_api::{Status, Verdict};
use serde::Serialize;

use super::desk::Desk;
use super::who::{Asker, is_open};
use crate::reply::{Visitor, plain};

/// Its keys are the standard's (section 5). What is not limited is left out.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Captive {
    captive: bool,
    user_portal_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_remaining: Option<u64>,
    can_extend_session: bool,
}

pub(super) async fn api(
    State(desk): State<Arc<Desk>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    let Some(status) = desk.status().await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "The hotspot is busy.\n");
    };
    // The door has seen that it is a name of ours.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let captive = captive(&status, visitor, format!("{}://{host}/", visitor.door.scheme()));
    match serde_json::to_vec(&captive) {
        Ok(text) => {
            let headers = [
                (CONTENT_TYPE, "application/captive+json"),
                (CACHE_CONTROL, "private, no-store"),
                (HeaderName::from_static("x-content-type-options"), "nosniff"),
            ];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the portal's interface cannot answer");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "It cannot be told.\n")
        }
    }
}

fn captive(status: &Status, visitor: Visitor, user_portal_url: String) -> Captive {
    let closed = |can_extend_session| Captive {
        captive: true,
        user_portal_url: user_portal_url.clone(),
        seconds_remaining: None,
        bytes_remaining: None,
        can_extend_session,
    };
    let Asker::Person { person, .. } = Asker::of(status, visitor.peer) else { return closed(false) };
    let can_ask = person.fair || person.allowance.is_some();
    // To reach some sites only is not the Internet.
    if !is_open(status, person) || person.verdict == Verdict::OnlySites {
        return closed(can_ask);
    }
    Captive {
        captive: false,
        seconds_remaining: person
            .closes
            .map(|closes| u64::try_from(closes.saturating_sub(status.at)).unwrap_or(0)),
        bytes_remaining: person.bytes_remaining,
        can_extend_session: can_ask,
        user_portal_url,
    }
}

#[cfg(test)]
pub(super) fn told(status: &Status, visitor: Visitor, host: &str) -> serde_json::Value {
    let captive = captive(status, visitor, format!("{}://{host}/", visitor.door.scheme()));
    serde_json::to_value(captive).unwrap_or_default()
}
