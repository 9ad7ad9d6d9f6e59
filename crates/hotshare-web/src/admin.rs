//! The owner's dashboard, `/admin`: everything that the command line can do, for people who look rather than type.
//!
//! Whoever gets here has passed the guard, which put [`Who`] into the request and has checked changes for forgery and
//! for the role. Pages work without a script: a change is a form, its reply leads back. With the script, the same reply's
//! `main` takes the page's place.

mod assets;
mod devices;
mod diary;
mod fields;
mod live;
mod overview;
mod people;
mod person;
mod plan;
mod settings;
mod told;
mod usage;
mod wifi;

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use hotshare_api::{Done, Status, path};
use serde::{Deserialize, Serialize};

use self::fields::Unclear;
use self::live::Live;
use crate::access::{Role, Who};
use crate::api::{Api, ApiError};
use crate::language::Language;
use crate::messages::Text;
use crate::reply::{self, Policy, see};

/// What the pages need.
#[derive(Clone, Debug)]
struct Desk {
    api: Api,
    live: Arc<Live>,
}

/// The dashboard. It expects the guard around it.
pub fn router(api: Api) -> Router {
    let live = Arc::new(Live::new(api.clone()));
    // What was just changed is to be seen at once.
    let looks_again = from_fn_with_state(Arc::clone(&live), live::look_again);
    Router::new()
        .route("/admin", get(overview::show))
        .route("/admin/live", get(live::stream))
        .route("/admin/people", get(people::show).post(people::add))
        .route("/admin/people/{name}", get(person::show))
        .route("/admin/people/{name}/{action}", post(person::change))
        .route("/admin/devices", get(devices::show))
        .route("/admin/devices/{mac}/{action}", post(devices::change))
        .route("/admin/wifi", get(wifi::show))
        .route("/admin/wifi/key", post(wifi::key))
        .route("/admin/usage", get(usage::show))
        .route("/admin/usage.csv", get(usage::csv))
        .route("/admin/statement", get(usage::statement))
        .route("/admin/plan", get(plan::show).post(plan::change))
        .route("/admin/plan/correct", post(plan::correct))
        .route("/admin/plan/agree", post(plan::agree))
        .route("/admin/cards/{number}/{action}", post(plan::card))
        .route("/admin/diary", get(diary::show))
        .route("/admin/diary/test", post(diary::test))
        .route("/admin/access", get(settings::show))
        .route("/admin/access/{action}", post(settings::change))
        .route("/admin/access/passkeys/{name}", post(settings::passkey_remove))
        .route("/admin/access/tokens/{name}", post(settings::token_remove))
        .route("/admin/page.js", get(assets::script))
        .route("/admin/passkey.js", get(assets::passkeys))
        .route("/admin/style.css", get(assets::style))
        .with_state(Desk { api, live })
        .layer(looks_again)
}

impl Desk {
    async fn status(&self) -> Result<Status, ApiError> {
        self.api.get(path::STATUS).await
    }
}

/// What every page has around it.
#[derive(Debug)]
struct Frame {
    t: Text,
    who: Who,
    /// The page's place, as the links at the top name it.
    here: &'static str,
    /// A change was made just now.
    done: bool,
}

impl Frame {
    fn is_owner(&self) -> bool {
        self.who.role == Role::Owner
    }
}

/// Who asks, and in which language.
struct Asked {
    who: Who,
    t: Text,
    done: bool,
    /// Something is to be changed, and not only shown.
    changes: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Marks {
    done: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asked, Response> {
        let Ok(language) = Language::from_request_parts(parts, state).await;
        let who = Extension::<Who>::from_request_parts(parts, state).await;
        // Without a guard around it, nothing is shown: closed, not open.
        let Extension(who) = who.map_err(|_| reply::plain(StatusCode::FORBIDDEN, "Log in first.\n"))?;
        let marks = Query::<Marks>::from_request_parts(parts, state).await.map(|Query(marks)| marks);
        let done = marks.unwrap_or_default().done.is_some();
        Ok(Asked { who, t: Text(language), done, changes: !parts.method.is_safe() })
    }
}

impl Asked {
    fn frame(self, here: &'static str) -> Frame {
        Frame { t: self.t, who: self.who, here, done: self.done }
    }
}

fn shown(template: &impl Template) -> Response {
    reply::page(StatusCode::OK, Policy::Script, template)
}

/// Why a page cannot be shown or a change was not made, with the language to say it in.
struct Sorry {
    asked: Asked,
    why: Why,
    back: String,
}

enum Why {
    Api(ApiError),
    Unclear(Unclear),
}

impl From<ApiError> for Why {
    fn from(error: ApiError) -> Why {
        Why::Api(error)
    }
}

impl From<Unclear> for Why {
    fn from(unclear: Unclear) -> Why {
        Why::Unclear(unclear)
    }
}

#[derive(Template)]
#[template(path = "admin/sorry.html")]
struct SorryPage {
    f: Frame,
    title: String,
    text: String,
    /// In the interface's own words, in English.
    detail: Option<String>,
    back: String,
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        let t = self.asked.t;
        let (status, text, detail) = match self.why {
            Why::Api(ApiError::Refused { status, failure }) => {
                let text = t.say(&format!("fail-{}", word(failure.error.code)));
                (status, text, Some(hotshare_api::escaped(&failure.error.message)))
            }
            Why::Api(error @ ApiError::Broken { .. }) => {
                tracing::error!(%error, "the dashboard cannot ask the daemon");
                (StatusCode::BAD_GATEWAY, t.say("fail-broken"), None)
            }
            Why::Unclear(unclear) => (StatusCode::UNPROCESSABLE_ENTITY, unclear.say(t), None),
        };
        let title = t.say(if self.asked.changes { "sorry" } else { "sorry-page" });
        let page = SorryPage { title, f: self.asked.frame(""), text, detail, back: self.back };
        reply::page(status, Policy::Script, &page)
    }
}

/// The code as the interface spells it.
fn word(code: impl Serialize) -> String {
    serde_json::to_value(code).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A change's reply: back to `place`, which says that it is done, or why not.
fn done<T>(asked: Asked, place: &str, result: Result<T, Why>) -> Response {
    match result {
        Ok(_) => see(&format!("{place}?done=1")),
        Err(why) => Sorry { asked, why, back: place.to_owned() }.into_response(),
    }
}

/// A page's place in the dashboard from its path in the interface: `/v1/people/anna` is `/admin/people/anna`.
fn place(path: &str) -> String {
    format!("/admin{}", path.strip_prefix("/v1").unwrap_or(path))
}

/// The reply to most changes.
type Changed = Result<Done, ApiError>;

#[cfg(test)]
mod tests;
