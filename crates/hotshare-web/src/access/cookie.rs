//! The one cookie: a session's secret.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::reply::Door;

/// With TLS the browser itself sees to it that nobody but this host has set it (RFC 6265bis, 4.1.3.2).
fn name(door: Door) -> &'static str {
    match door {
        Door::LanTls => "__Host-hotshare",
        Door::Lan | Door::Machine => "hotshare",
    }
}

/// The session that the browser says it is in. Two are none: one of them is somebody else's.
pub(super) fn session(headers: &HeaderMap, door: Door) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, value)| *key == name(door) && is_secret(value))
        .map(|(_, value)| value.to_owned());
    found.next().filter(|_| found.next().is_none())
}

/// What a porter gives out: nothing else is looked up.
fn is_secret(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Sets it, until the browser ends or the session does. Not for scripts, not along with requests from other sites.
pub(super) fn set(door: Door, session: &str) -> Option<HeaderValue> {
    cookie(door, session, "")
}

pub(super) fn forget(door: Door) -> Option<HeaderValue> {
    cookie(door, "", "; Max-Age=0")
}

fn cookie(door: Door, value: &str, more: &str) -> Option<HeaderValue> {
    let secure = if door == Door::LanTls { "; Secure" } else { "" };
    let text = format!("{}={value}; HttpOnly; SameSite=Strict; Path=/{secure}{more}", name(door));
    HeaderValue::from_str(&text).ok()
}
