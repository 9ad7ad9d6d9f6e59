//! The pages for logging in.

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Form, FromRequest as _, Path, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::{NotIn, Passwords, Porter, Role, Weak, cookie, from_here, guard};
use crate::language::Language;
use crate::messages::Text;
use crate::reply::{Policy, Visitor, page, see};

#[derive(Template)]
#[template(path = "access/login.html")]
struct Login {
    t: Text,
    passwords: Passwords,
    as_viewer: bool,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "access/link.html")]
struct Link {
    t: Text,
    role: Role,
    /// A password must be chosen: there is none.
    first: bool,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "access/said.html")]
struct Said {
    t: Text,
    title: String,
    text: String,
    /// The dashboard can be reached from here.
    has_back: bool,
}

/// What the forms bring.
#[derive(Debug, Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    fn take(&mut self, name: &str) -> String {
        let found = self.0.iter_mut().find(|(key, _)| key == name);
        found.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }
}

/// Refuses with a page.
pub(super) fn refused(language: Language, key: &str) -> Response {
    said(language, StatusCode::FORBIDDEN, "access-refused", key)
}

fn said(language: Language, status: StatusCode, title: &str, text: &str) -> Response {
    let t = Text(language);
    page(
        status,
        Policy::NoScript,
        &Said { t, title: t.say(title), text: t.say(text), has_back: text != "access-not-from-here" },
    )
}

pub(super) async fn login<P: Porter>(
    State(porter): State<P>,
    Extension(visitor): Extension<Visitor>,
    language: Language,
    headers: HeaderMap,
) -> Response {
    if guard::session_of(&porter, visitor, &headers).await.is_some() {
        return see("/admin");
    }
    let login = Login { t: Text(language), passwords: porter.passwords(), as_viewer: false, error: None };
    page(StatusCode::OK, Policy::NoScript, &login)
}

pub(super) async fn log_in<P: Porter>(
    State(porter): State<P>,
    Extension(visitor): Extension<Visitor>,
    language: Language,
    request: Request,
) -> Response {
    let (old, mut fields) = match form(visitor, language, request).await {
        Ok(read) => read,
        Err(no) => return no,
    };
    let role = if fields.take("role") == "viewer" { Role::Viewer } else { Role::Owner };
    match porter.log_in(visitor, role, fields.take("password"), old).await {
        Ok(session) => entered(visitor, &session),
        Err(not) => {
            let t = Text(language);
            let (status, error) = words(t, &not);
            let login = Login {
                t,
                passwords: porter.passwords(),
                as_viewer: role == Role::Viewer,
                error: Some(error),
            };
            waiting(page(status, Policy::NoScript, &login), &not)
        }
    }
}

pub(super) async fn link<P: Porter>(
    State(porter): State<P>,
    Path(link): Path<String>,
    language: Language,
) -> Response {
    let Some(role) = porter.link(&link) else { return no_link(language) };
    let link = Link { t: Text(language), role, first: !porter.passwords().owner, error: None };
    page(StatusCode::OK, Policy::NoScript, &link)
}

pub(super) async fn use_link<P: Porter>(
    State(porter): State<P>,
    Path(link): Path<String>,
    Extension(visitor): Extension<Visitor>,
    language: Language,
    request: Request,
) -> Response {
    let (old, mut fields) = match form(visitor, language, request).await {
        Ok(read) => read,
        Err(no) => return no,
    };
    let Some(role) = porter.link(&link) else { return no_link(language) };
    let t = Text(language);
    let again = |status, error| {
        let again = Link { t, role, first: !porter.passwords().owner, error: Some(error) };
        page(status, Policy::NoScript, &again)
    };
    let (password, repeated) = (fields.take("password"), fields.take("repeated"));
    if password != repeated {
        return again(StatusCode::UNPROCESSABLE_ENTITY, t.say("access-not-the-same"));
    }
    let password = Some(password).filter(|password| !password.is_empty());
    match porter.use_link(visitor, link, password, old).await {
        Ok(session) => entered(visitor, &session),
        Err(NotIn::NoLink) => no_link(language),
        Err(not) => {
            let (status, error) = words(t, &not);
            waiting(again(status, error), &not)
        }
    }
}

fn no_link(language: Language) -> Response {
    said(language, StatusCode::GONE, "access-link-gone", "access-link-gone-why")
}

/// A form from a page of ours, and the session that the browser is in.
async fn form(
    visitor: Visitor,
    language: Language,
    request: Request,
) -> Result<(Option<String>, Fields), Response> {
    // Nobody is logged in yet, so there is no token of a session. That the page is ours the browser says; without that
    // somebody could be logged in as somebody else without noticing.
    if !from_here::is_own(request.headers(), visitor.door) {
        return Err(refused(language, "access-not-own-page"));
    }
    let old = cookie::session(request.headers(), visitor.door);
    let kind = request.headers().get(CONTENT_TYPE).cloned();
    let mut whole = Request::new(Body::from(guard::whole(request.into_body()).await?));
    *whole.method_mut() = Method::POST;
    whole.headers_mut().extend(kind.map(|kind| (CONTENT_TYPE, kind)));
    let fields = Form::<Vec<(String, String)>>::from_request(whole, &()).await;
    Ok((old, fields.map(|Form(fields)| Fields(fields)).unwrap_or_default()))
}

fn entered(visitor: Visitor, session: &str) -> Response {
    let mut reply = see("/admin");
    reply.headers_mut().extend(cookie::set(visitor.door, session).map(|value| (SET_COOKIE, value)));
    reply
}

fn words(t: Text, not: &NotIn) -> (StatusCode, String) {
    match not {
        NotIn::Wrong { wait: 0 } => (StatusCode::FORBIDDEN, t.say("access-wrong")),
        NotIn::Wrong { wait } => (StatusCode::FORBIDDEN, t.one("access-wrong-wait", "secs", *wait)),
        NotIn::TooEarly { wait } => (StatusCode::TOO_MANY_REQUESTS, t.one("access-too-early", "secs", *wait)),
        NotIn::NoLink => (StatusCode::GONE, t.say("access-link-gone-why")),
        NotIn::Weak(weak) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            t.say(match weak {
                Weak::Length => "access-weak-length",
                Weak::Character => "access-weak-character",
                Weak::Guessable => "access-weak-guessable",
                Weak::Missing => "access-weak-missing",
            }),
        ),
        NotIn::Busy => (StatusCode::SERVICE_UNAVAILABLE, t.say("access-busy")),
    }
}

fn waiting(mut reply: Response, not: &NotIn) -> Response {
    if let NotIn::TooEarly { wait } | NotIn::Wrong { wait: wait @ 1.. } = not {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*wait));
    }
    reply
}
