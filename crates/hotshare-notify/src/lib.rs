//! Hands that tell the owner: a notification on the desktop, a webhook, a mail, MQTT.
//!
//! Each sends one alert and says what became of it. When it is tried again is the core's to say, and what is still to
//! be sent is in the store. A crate of its own because of what it is built on: TLS and the protocols above it are half a
//! minute of compiling that nobody waits for who works on the meter.

pub mod desktop;
pub mod mail;
pub mod mqtt;
mod secret;
mod tls;
pub mod webhook;

use hotshare_core::alert::Alert;
use serde_json::{Value, json};

pub use secret::{SecretError, check as check_secret, read as read_secret};
pub use tls::{TlsError, client_config};

/// Why a channel cannot be used at all: something for the owner to mend before the daemon starts.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{0}")]
    Setting(String),
}

/// An alert that was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// What was tried and what is wrong, in plain English. It holds no secret.
    pub why: String,
    /// Trying again cannot help.
    pub for_good: bool,
}

impl NotSent {
    /// Trying again may help.
    pub fn yet(why: impl Into<String>) -> NotSent {
        NotSent { why: why.into(), for_good: false }
    }

    pub fn ever(why: impl Into<String>) -> NotSent {
        NotSent { why: why.into(), for_good: true }
    }
}

/// An alert as JSON: what webhooks and MQTT get. Fields are only added.
#[must_use]
pub fn body(alert: &Alert) -> Value {
    json!({
        "schema": 1,
        "id": alert.stamp(),
        "at": alert.at.0,
        "kind": alert.kind.word(),
        "about": alert.about,
        "percent": alert.percent,
        "used": alert.used.map(|bytes| bytes.0),
        "limit": alert.limit.map(|bytes| bytes.0),
        "title": alert.title,
        "text": alert.text,
    })
}

/// An error and its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
