//! Around the interface where it is reached by a door for browsers: with a token, or an owner's session.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use hotshare_api::{Code, Failure};

use super::guard::{looks, same, session_of};
use super::{Permit, Porter, Ticket, from_here};
use crate::reply::Visitor;

/// The interface with its door. Each request needs its [`Visitor`].
pub fn guard_api<P: Porter>(porter: P, interface: Router) -> Router {
    Router::new().fallback_service(interface).layer(from_fn_with_state(porter, permitted::<P>))
}

async fn permitted<P: Porter>(State(porter): State<P>, request: Request, next: Next) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>().copied() else {
        return no(Code::Broken, "it is not known where this request came in");
    };
    if !porter.lets_in(visitor, false).await {
        return no(
            Code::NotAllowed,
            "the owner does not let the interface be reached from here; see [web] admin_from, and `hotshare access owner`",
        );
    }
    let headers = request.headers();
    let (method, path) = (request.method(), request.uri().path());
    let permit = match headers.get(AUTHORIZATION) {
        Some(sent) => match bearer(sent) {
            Some(token) => porter.permits(Ticket::Token(token), method, path),
            None => Permit::Unknown,
        },
        None => match session_of(&porter, visitor, headers).await {
            None => Permit::Unknown,
            Some(who) if looks(method) || is_own_change(&request, visitor, &who.csrf) => {
                porter.permits(Ticket::Session(who.role), method, path)
            }
            Some(_) => {
                let why = "a change by a session needs the page's `x-csrf`, and must come from a page of the dashboard";
                return no(Code::NotAllowed, why);
            }
        },
    };
    match permit {
        Permit::Yes => {
            let mut reply = next.run(request).await;
            reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            reply.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
            reply
        }
        Permit::NotForThis => no(Code::NotAllowed, "this token or session is not for that"),
        Permit::Unknown => no(
            Code::NotLoggedIn,
            "send `Authorization: Bearer TOKEN`; `hotshare access tokens add` makes a token",
        ),
    }
}

fn is_own_change(request: &Request, visitor: Visitor, csrf: &str) -> bool {
    let sent = request.headers().get("x-csrf").and_then(|token| token.to_str().ok()).unwrap_or_default();
    from_here::is_own(request.headers(), visitor.door) && same(sent, csrf)
}

fn bearer(sent: &HeaderValue) -> Option<&str> {
    let (scheme, token) = sent.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn no(code: Code, why: &str) -> Response {
    let status = if code == Code::NotLoggedIn {
        StatusCode::UNAUTHORIZED
    } else if code == Code::NotAllowed {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let mut reply = (status, Json(Failure::new(code, why))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    reply
}
