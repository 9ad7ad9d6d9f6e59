//! What can be done on the page. Each form is taken from the page itself only, and only for who asks.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use hotshare_api::{Amount, Claim, Code, Done, Gift, path};
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::page::{AMOUNTS, MB, Notice};
use super::shown;
use super::who::Asker;
use crate::reply::{Visitor, not_found, see};
use crate::{ApiError, Language, Text};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskForm {
    mb: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GiveForm {
    to: String,
    mb: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimForm {
    name: String,
}

/// Where a form came from, and who sent it.
pub(super) struct Sender {
    desk: Arc<Desk>,
    visitor: Visitor,
    language: Language,
    is_own: bool,
}

impl axum::extract::FromRequestParts<Arc<Desk>> for Sender {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        desk: &Arc<Desk>,
    ) -> Result<Sender, Response> {
        let Ok(Extension(visitor)) = Extension::<Visitor>::from_request_parts(parts, desk).await else {
            return Err(not_found());
        };
        let Ok(State(desk)) = State::<Arc<Desk>>::from_request_parts(parts, desk).await;
        let Ok(language) = Language::from_request_parts(parts, &desk).await;
        let is_own = is_own(&parts.headers, visitor);
        Ok(Sender { desk, visitor, language, is_own })
    }
}

/// Another page, in the same browser, must not ask in somebody's name: a browser says where a form comes from.
fn is_own(headers: &HeaderMap, visitor: Visitor) -> bool {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let origin = said(ORIGIN).strip_prefix(visitor.door.scheme()).and_then(|rest| rest.strip_prefix("://"));
    origin.is_some_and(|origin| !origin.is_empty() && origin.eq_ignore_ascii_case(said(HOST)))
}

type Sent<T> = Result<Form<T>, FormRejection>;

/// More is asked for, once until the owner has answered: asking is not a way to fill the owner's screen.
pub(super) async fn ask(sender: Sender, form: Sent<AskForm>) -> Response {
    let Some(mb) = sender.form(form).map(|form| form.mb) else { return sender.no("me-no-form").await };
    if !AMOUNTS.contains(&mb) {
        return sender.no("me-no-amount").await;
    }
    let Some(status) = sender.desk.status().await else { return sender.no("me-busy").await };
    match Asker::of(&status, sender.visitor.peer) {
        Asker::Person { person, .. } if person.wish.is_none() => {
            let amount = Amount { bytes: mb * MB };
            sender.send(&path::wish(&person.name), &amount, "/", "me-no-amount").await
        }
        Asker::Person { .. } => see("/"),
        Asker::Stranger | Asker::Nobodys(_) | Asker::Blocked(_) => not_found(),
    }
}

pub(super) async fn give(sender: Sender, form: Sent<GiveForm>) -> Response {
    let Some(GiveForm { to, mb }) = sender.form(form) else { return sender.no("me-no-form").await };
    let Some(bytes) = mb.checked_mul(MB).filter(|bytes| *bytes > 0) else {
        return sender.no("me-no-amount").await;
    };
    let Some(status) = sender.desk.status().await else { return sender.no("me-busy").await };
    match Asker::of(&status, sender.visitor.peer) {
        Asker::Person { person, .. } => {
            // The brain looks again when it takes it out: never more than is left then.
            if person.balance.is_none_or(|left| left < bytes) {
                return sender.no("me-no-enough").await;
            }
            let place = format!("/?given={}", status.at);
            sender.send(&path::give(&person.name), &Gift { to, bytes }, &place, "me-no-person").await
        }
        Asker::Stranger | Asker::Nobodys(_) | Asker::Blocked(_) => not_found(),
    }
}

pub(super) async fn claim(sender: Sender, form: Sent<ClaimForm>) -> Response {
    let Some(ClaimForm { name }) = sender.form(form) else { return sender.no("me-no-form").await };
    let Some(status) = sender.desk.status().await else { return sender.no("me-busy").await };
    match Asker::of(&status, sender.visitor.peer) {
        Asker::Nobodys(device) => {
            sender.send(&path::device_claim(&device.mac), &Claim { name }, "/", "me-no-name").await
        }
        Asker::Person { .. } => see("/"),
        Asker::Stranger | Asker::Blocked(_) => not_found(),
    }
}

impl Sender {
    fn form<T>(&self, form: Sent<T>) -> Option<T> {
        form.ok().filter(|_| self.is_own).map(|Form(form)| form)
    }

    /// Sends a change, and leads to the page at `place`, or says why not; `bad`: what was written makes no sense. What
    /// waits for the owner, the page shows by itself, as long as it waits.
    async fn send(
        &self,
        path: &str,
        change: &(impl Serialize + Sync),
        place: &str,
        bad: &'static str,
    ) -> Response {
        let sent = self.desk.api.send::<Done>(Method::POST, path, change).await;
        self.desk.forget().await;
        match sent {
            Ok(_) => see(place),
            Err(error) => self.no(refusal(&error).unwrap_or(bad)).await,
        }
    }

    /// The page again, and why not.
    async fn no(&self, key: &'static str) -> Response {
        let notice = Notice::no(Text(self.language), key);
        shown(&self.desk, self.visitor, self.language, StatusCode::BAD_REQUEST, Some(notice)).await
    }
}

/// In the page's own words; the interface's are the owner's, in English. `None`: what was written makes no sense.
fn refusal(error: &ApiError) -> Option<&'static str> {
    Some(match error.code() {
        Some(Code::NotEnough) => "me-no-enough",
        Some(Code::NoSuchPerson | Code::NoAllowance) => "me-no-person",
        Some(Code::BadRequest) => return None,
        Some(Code::TooOften) => "me-no-often",
        Some(_) => "me-no-other",
        None => {
            tracing::warn!(%error, "a form could not be passed on");
            "me-busy"
        }
    })
}
