//! “My data”: what a device finds at the gateway's address, without login and without a script.
//!
//! **Who is spoken of.** The person whose device is at the asking address, and nobody else: that person's own devices by
//! the names they give themselves, and what those used. Of others only names, to choose from whom to give something to;
//! of those only such as can be given anything. What the shared plan has left is everybody's and is told to who is
//! somebody; a device of nobody is told its own address and no more.
//!
//! **What can be done.** Ask the owner for more, once until the answer; give away of what is left; and, where nobody
//! knows the device, say who one is. Forms are taken from this page only.
//!
//! The page does not load itself again: that would take the reader's place away (WCAG 2.2.1), and a link does it.

mod capport;
mod desk;
mod forms;
mod outlook;
mod page;
mod usage;
mod who;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use self::desk::Desk;
use self::page::{Busy, Notice};
use self::who::Asker;
use crate::reply::{Policy, Visitor, not_found, page, style};
use crate::{Api, Language, Text};

/// The portal's interface for systems (RFC 8908). It is told to devices (RFC 8910) where it can be had over TLS.
pub const CAPPORT_PATH: &str = "/captive-portal/api";
/// More than any form of the page sends.
const LARGEST_FORM: usize = 2048;

/// The page with all that belongs to it. Whoever accepts connections has looked at the host that is asked for, and says
/// with a [`Visitor`] who asks.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/style.css", get(async || style()))
        .route("/ask", post(forms::ask))
        .route("/give", post(forms::give))
        .route("/claim", post(forms::claim))
        .route(CAPPORT_PATH, get(capport::api))
        .fallback(async || not_found())
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .with_state(Arc::new(Desk::new(api)))
}

/// For so many seconds it is said that something was given: nothing else on the page shows that, and a page that is
/// loaded again later must not say it once more.
const SAID_FOR: i64 = 10;

/// What was done just before: something was given, and when.
#[derive(Debug, Deserialize)]
struct Done {
    given: Option<i64>,
}

async fn home(
    State(desk): State<Arc<Desk>>,
    Extension(visitor): Extension<Visitor>,
    language: Language,
    done: Result<Query<Done>, QueryRejection>,
) -> Response {
    let notice = match done.ok().and_then(|Query(done)| done.given) {
        Some(given) => {
            let now = desk.status().await.map(|status| status.at);
            let is_new = now.is_some_and(|now| (0..SAID_FOR).contains(&now.saturating_sub(given)));
            is_new.then(|| Notice::given(Text(language)))
        }
        None => None,
    };
    shown(&desk, visitor, language, StatusCode::OK, notice).await
}

/// The page for who asks, with what there is to say beside.
async fn shown(
    desk: &Desk,
    visitor: Visitor,
    language: Language,
    code: StatusCode,
    notice: Option<Notice>,
) -> Response {
    let text = Text(language);
    let Some(status) = desk.status().await else {
        return page(StatusCode::SERVICE_UNAVAILABLE, Policy::NoScript, &Busy { t: text });
    };
    let asker = Asker::of(&status, visitor.peer);
    let used = match asker {
        Asker::Person { .. } => desk.used(&status).await,
        Asker::Stranger | Asker::Nobodys(_) | Asker::Blocked(_) => None,
    };
    let used = used.as_ref().map(|[today, earlier]| [&**today, &**earlier]);
    page(code, Policy::NoScript, &page::Page::new(text, &status, asker, used, notice))
}
