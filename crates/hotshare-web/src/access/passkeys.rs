//! Passkeys on the wire: a question to the browser, and its answer. What both hold is known to the browser and the
//! porter; here is where they come from and go to.
//!
//! Where one can be made or used, `POST` asks for a question, and `PUT` brings the answer to the same place.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{NotIn, Porter, Right, cookie, from_here, guard, pages};
use crate::language::Language;
use crate::messages::Text;
use crate::reply::{Door, Visitor, json};

/// The page that a browser is at, as `WebAuthn` names it. Only where browsers have passkeys at all: by TLS, or at
/// `localhost`; and never at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Passkeys are for this host (the RP ID).
    pub host: String,
    /// What the browser says it is at. By the port that the connection really came to: another program of the machine
    /// is another origin of the same host, and could hand an answer on.
    pub origin: String,
}

impl Site {
    /// `named`: the host that the request names, which is one of ours.
    pub(super) fn of(visitor: Visitor, named: &str) -> Option<Site> {
        let port = visitor.here.port();
        let name = from_here::without_port(named).trim_end_matches('.').to_ascii_lowercase();
        match visitor.door {
            Door::Machine if name == "localhost" => {
                Some(Site { origin: format!("http://localhost:{port}"), host: name })
            }
            Door::LanTls if name.contains('.') && name.parse::<std::net::IpAddr>().is_err() => {
                let port = if port == 443 { String::new() } else { format!(":{port}") };
                Some(Site { origin: format!("https://{name}{port}"), host: name })
            }
            Door::Machine | Door::LanTls | Door::Lan => None,
        }
    }
}

/// What a page says of passkeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// They work here.
    Here,
    /// They work at the same page by this address.
    At(String),
    No,
}

impl Offer {
    pub(super) fn of(visitor: Visitor, headers: &HeaderMap, path: &str) -> Offer {
        match (site(visitor, headers), visitor.door) {
            (Some(_), _) => Offer::Here,
            (None, Door::Machine) => Offer::At(format!("http://localhost:{}{path}", visitor.here.port())),
            (None, Door::Lan | Door::LanTls) => Offer::No,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Offer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Offer, Infallible> {
        let visitor = parts.extensions.get::<Visitor>();
        Ok(visitor.map_or(Offer::No, |visitor| Offer::of(*visitor, &parts.headers, parts.uri.path())))
    }
}

pub(super) fn site(visitor: Visitor, headers: &HeaderMap) -> Option<Site> {
    Site::of(visitor, headers.get(HOST)?.to_str().ok()?)
}

/// What a page brings that wants a new one.
#[derive(Debug, Deserialize)]
struct Wish {
    name: String,
}

/// Where to go on.
#[derive(Debug, Serialize)]
struct Entered {
    to: &'static str,
}

/// What to read instead.
#[derive(Debug, Serialize)]
struct Told {
    say: String,
}

/// What comes with a request, once it is known to be a page's of ours.
pub(super) struct Sent {
    visitor: Visitor,
    language: Language,
    site: Site,
    old: Option<String>,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Sent, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let Ok(language) = Language::from_request_parts(&mut parts, state).await;
        let no = |status, key| told(status, Text(language).say(key));
        if !from_here::is_own(&parts.headers, visitor.door) {
            return Err(no(StatusCode::FORBIDDEN, "access-not-own-page"));
        }
        let Some(site) = site(visitor, &parts.headers) else {
            return Err(no(StatusCode::FORBIDDEN, "passkey-not-here"));
        };
        // A page of another site can send text, but nothing of this kind without being asked about it first.
        if parts.headers.get(CONTENT_TYPE).is_none_or(|kind| kind != "application/json") {
            return Err(no(StatusCode::UNSUPPORTED_MEDIA_TYPE, "passkey-unclear"));
        }
        let old = cookie::session(&parts.headers, visitor.door);
        Ok(Sent { visitor, language, site, old, body: guard::whole(body).await? })
    }
}

fn told(status: StatusCode, say: String) -> Response {
    json(status, &Told { say })
}

/// A question for the browser, as the porter wrote it.
fn asked(language: Language, question: Result<String, NotIn>) -> Response {
    match question {
        Ok(question) => {
            let mut reply = json(StatusCode::OK, &());
            *reply.body_mut() = Body::from(question);
            reply
        }
        Err(not) => refused(language, &not),
    }
}

fn refused(language: Language, not: &NotIn) -> Response {
    let (status, say) = pages::words(Text(language), not);
    pages::waiting(told(status, say), not)
}

/// The answer was right: with a session, if one began.
fn entered(visitor: Visitor, to: &'static str, session: Option<&str>) -> Response {
    let mut reply = json(StatusCode::OK, &Entered { to });
    let cookie = session.and_then(|session| cookie::set(visitor.door, session));
    reply.headers_mut().extend(cookie.map(|value| (SET_COOKIE, value)));
    reply
}

pub(super) async fn ask<P: Porter>(State(porter): State<P>, sent: Sent) -> Response {
    asked(sent.language, porter.ask_passkey(sent.visitor, &sent.site).await)
}

pub(super) async fn log_in<P: Porter>(State(porter): State<P>, sent: Sent) -> Response {
    let Sent { visitor, language, site, old, body } = sent;
    match porter.log_in_by_passkey(visitor, &site, body, old).await {
        Ok(session) => entered(visitor, "/admin", Some(&session)),
        Err(not) => refused(language, &not),
    }
}

/// A new one, for whoever has a link.
pub(super) async fn ask_by_link<P: Porter>(
    State(porter): State<P>,
    Path(link): Path<String>,
    sent: Sent,
) -> Response {
    ask_new(porter, Right::Link(link), sent).await
}

pub(super) async fn keep_by_link<P: Porter>(
    State(porter): State<P>,
    Path(link): Path<String>,
    sent: Sent,
) -> Response {
    keep_new(porter, Right::Link(link), sent).await
}

/// A new one, for an owner who is logged in: the guard has looked at that, and at the page's token.
pub(super) async fn ask_by_session<P: Porter>(State(porter): State<P>, mut sent: Sent) -> Response {
    match sent.old.take() {
        Some(session) => ask_new(porter, Right::Session(session), sent).await,
        None => refused(sent.language, &NotIn::NoRight),
    }
}

pub(super) async fn keep_by_session<P: Porter>(State(porter): State<P>, mut sent: Sent) -> Response {
    match sent.old.take() {
        Some(session) => keep_new(porter, Right::Session(session), sent).await,
        None => refused(sent.language, &NotIn::NoRight),
    }
}

async fn ask_new<P: Porter>(porter: P, right: Right, sent: Sent) -> Response {
    let language = sent.language;
    let Ok(Wish { name }) = serde_json::from_slice(&sent.body) else {
        return refused(language, &NotIn::Unclear);
    };
    asked(language, porter.new_passkey(sent.visitor, &sent.site, right, name).await)
}

async fn keep_new<P: Porter>(porter: P, right: Right, sent: Sent) -> Response {
    let Sent { visitor, language, site, old, body } = sent;
    match porter.keep_passkey(visitor, &site, right, body, old).await {
        Ok(Some(session)) => entered(visitor, "/admin", Some(&session)),
        Ok(None) => entered(visitor, "/admin/access?done=1", None),
        Err(not) => refused(language, &not),
    }
}
