//! Around the dashboard: who is not logged in sees the pages for that, and nothing else.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest as _, Request, State};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;

use super::{Porter, Role, Who, cookie, from_here, pages, passkeys};
use crate::language::Language;
use crate::reply::{Visitor, plain, see};

/// Bytes of a form.
const LARGEST: usize = 64 << 10;
/// For a form to arrive.
const PATIENCE: Duration = Duration::from_secs(5);
/// For everybody who may come as far as the pages for logging in.
const STATIC: [&str; 3] = ["/admin/style.css", "/admin/page.js", "/admin/passkey.js"];
pub(super) const LOGIN: &str = "/admin/login";
pub(super) const LINK: &str = "/admin/link/";

/// The dashboard with its door: `dashboard` answers paths under `/admin`, and finds [`Who`] and the [`Visitor`] in the
/// extensions of each request. The [`Visitor`] must be there when a request comes here.
pub fn guard<P: Porter>(porter: P, dashboard: Router) -> Router {
    let new_passkey = post(passkeys::ask_by_session::<P>).put(passkeys::keep_by_session::<P>);
    let inside = dashboard
        .route("/admin/logout", post(log_out::<P>).with_state(porter.clone()))
        .route("/admin/passkey", new_passkey.with_state(porter.clone()));
    let inside = Router::new().fallback_service(inside).layer(from_fn_with_state(porter.clone(), known::<P>));
    let outside = Router::new()
        .route(LOGIN, get(pages::login::<P>).post(pages::log_in::<P>))
        .route("/admin/login/passkey", post(passkeys::ask::<P>).put(passkeys::log_in::<P>))
        .route("/admin/link/{link}", get(pages::link::<P>).post(pages::use_link::<P>))
        .route(
            "/admin/link/{link}/passkey",
            post(passkeys::ask_by_link::<P>).put(passkeys::keep_by_link::<P>),
        )
        .with_state(porter.clone());
    outside.fallback_service(inside).layer(from_fn_with_state(porter, reached::<P>))
}

/// Only from where the owner lets it be reached.
async fn reached<P: Porter>(
    State(porter): State<P>,
    visitor: Visitor,
    language: Language,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let by_link = path.starts_with(LINK) || STATIC.contains(&path);
    if porter.lets_in(visitor, by_link).await {
        return next.run(request).await;
    }
    pages::refused(language, "access-not-from-here")
}

/// Only with a session, and changes only by an owner from a page of ours.
async fn known<P: Porter>(
    State(porter): State<P>,
    visitor: Visitor,
    language: Language,
    request: Request,
    next: Next,
) -> Response {
    let looks = looks(request.method());
    if looks && STATIC.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let session = cookie::session(request.headers(), visitor.door);
    let who = match &session {
        Some(session) => porter.who(visitor, session).await,
        None => None,
    };
    let Some(who) = who else { return not_in(&request) };
    let mut request = if looks {
        request
    } else {
        if !from_here::is_own(request.headers(), visitor.door) {
            return pages::refused(language, "access-not-own-page");
        }
        let leaves = request.uri().path() == "/admin/logout";
        let (csrf, request) = match read(request).await {
            Ok(read) => read,
            Err(no) => return no,
        };
        if !same(&csrf, &who.csrf) {
            return pages::refused(language, "access-old-form");
        }
        if who.role != Role::Owner && !leaves {
            return pages::refused(language, "access-only-owner");
        }
        request
    };
    request.extensions_mut().insert(who);
    next.run(request).await
}

pub(super) fn looks(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// A browser that wants a page is sent to log in; a script or a form is told.
fn not_in(request: &Request) -> Response {
    let page = request.headers().get("accept").and_then(|wants| wants.to_str().ok());
    let page = page.is_none_or(|wants| wants.contains("text/html") || wants.contains("*/*"));
    let script = request.headers().get("sec-fetch-dest").is_some_and(|dest| dest == "empty");
    if looks(request.method()) && page && !script {
        return see(LOGIN);
    }
    plain(StatusCode::UNAUTHORIZED, "Log in first: /admin/login\n")
}

/// The whole body of a change, and the token that came with it.
async fn read(request: Request) -> Result<(String, Request), Response> {
    let (parts, body) = request.into_parts();
    let bytes = whole(body).await?;
    let sent = parts.headers.get("x-csrf").and_then(|token| token.to_str().ok()).map(str::to_owned);
    let token = match sent {
        Some(token) => token,
        None => field(&parts.headers, bytes.clone(), "csrf").await,
    };
    Ok((token, Request::from_parts(parts, Body::from(bytes))))
}

/// A body that is not too large and arrives in time.
pub(super) async fn whole(body: Body) -> Result<Bytes, Response> {
    match timeout(PATIENCE, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(plain(StatusCode::PAYLOAD_TOO_LARGE, "This form is too large.\n")),
        Err(_) => Err(plain(StatusCode::REQUEST_TIMEOUT, "This form did not arrive.\n")),
    }
}

/// A field of a form that is there once; empty if it is not.
async fn field(headers: &HeaderMap, bytes: Bytes, name: &str) -> String {
    let mut request = Request::new(Body::from(bytes));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers.clone();
    request.headers_mut().remove(COOKIE);
    let Ok(Form(fields)) = Form::<Vec<(String, String)>>::from_request(request, &()).await else {
        return String::new();
    };
    let mut found = fields.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    found.next().filter(|_| found.next().is_none()).unwrap_or_default()
}

/// Compares without telling by its time how much is right.
pub(super) fn same(sent: &str, own: &str) -> bool {
    let differs = sent.bytes().zip(own.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    sent.len() == own.len() && !own.is_empty() && std::hint::black_box(differs) == 0
}

async fn log_out<P: Porter>(State(porter): State<P>, visitor: Visitor, headers: HeaderMap) -> Response {
    if let Some(session) = cookie::session(&headers, visitor.door) {
        porter.log_out(&session).await;
    }
    let mut reply = see(LOGIN).into_response();
    reply
        .headers_mut()
        .extend(cookie::forget(visitor.door).map(|value| (axum::http::header::SET_COOKIE, value)));
    reply
}

/// For handlers that are not in the dashboard: who is logged in.
pub(super) async fn session_of<P: Porter>(porter: &P, visitor: Visitor, headers: &HeaderMap) -> Option<Who> {
    porter.who(visitor, &cookie::session(headers, visitor.door)?).await
}
