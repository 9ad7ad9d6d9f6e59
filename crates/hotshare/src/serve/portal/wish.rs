//! A person asks the owner for more, on the page.

use axum::body::Body;
use axum::http::header::{LOCATION, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hotshare_core::ask::{Answer, Ask};
use hotshare_core::people::PersonName;
use hotshare_core::units::Bytes;
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::page::{AMOUNTS, Asker};
use super::{Portal, Visit, is_here, not_found, shown};

/// More than the form ever sends.
const LARGEST: usize = 256;

/// Takes the form that the page shows, from the page itself only.
pub(super) async fn take(visit: &Visit, headers: &HeaderMap, body: Body) -> Response {
    // Another page, in the same browser, must not ask in somebody's name.
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    if !origin.strip_prefix("http://").is_some_and(|host| is_here(host, visit.here)) {
        return refused("This form is taken from its own page only.\n");
    }
    let body = timeout(visit.portal.limits.body_time, Limited::new(body, LARGEST).collect()).await;
    let Ok(Ok(body)) = body else { return refused("The form did not arrive.\n") };
    let Some(bytes) = amount(&body.to_bytes()) else {
        return refused("The form says no amount that is offered.\n");
    };
    let Some(status) = visit.portal.status().await else { return busy() };
    // Once until the owner has answered: asking is not a way to fill the owner's screen.
    let name = match Asker::of(&status, visit.peer) {
        Asker::Person { person, .. } if person.wish.is_none() => person.name.clone(),
        Asker::Person { .. } => return back(),
        Asker::Stranger | Asker::Nobodys(_) | Asker::Blocked(_) => return not_found(),
    };
    match visit.portal.wish(name, bytes).await {
        Some(Answer::Refused(refusal)) => refused(&format!("{refusal}\n")),
        Some(_) => back(),
        None => busy(),
    }
}

/// `mb=200`, and nothing else.
fn amount(form: &[u8]) -> Option<Bytes> {
    let mb = std::str::from_utf8(form).ok()?.strip_prefix("mb=")?.parse().ok()?;
    AMOUNTS.contains(&mb).then(|| Bytes(mb * 1_000_000))
}

impl Portal {
    async fn wish(&self, name: PersonName, bytes: Bytes) -> Option<Answer> {
        let asked = async {
            let (reply, answer) = oneshot::channel();
            self.brain.send((Ask::Wish { name, bytes }, reply)).await.ok()?;
            let answer = answer.await.ok();
            // The page that follows shows it.
            *self.latest.lock().await = None;
            answer
        };
        timeout(self.limits.answer_time, asked).await.ok().flatten()
    }
}

/// To the page; a reload does not ask again.
fn back() -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response()
}

fn refused(text: &str) -> Response {
    shown(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", text.to_owned())
}

fn busy() -> Response {
    shown(
        StatusCode::SERVICE_UNAVAILABLE,
        "text/plain; charset=utf-8",
        "The hotspot is busy. Try again in a moment.\n".to_owned(),
    )
}
