//! The pages for logging in.

use askama::Template;
use axum::body::Body;
use axum::extract::{self, FromRequest, FromRequestParts as _, Path, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::passkeys::{self, Offer};
use super::{NotIn, Porter, Role, Ways, Weak, cookie, from_here, guard};
use crate::language::Language;
use crate::messages::Text;
use crate::reply::{Policy, Visitor, page, see};

#[derive(Template)]
#[template(path = "access/login.html")]
struct Login {
    t: Text,
    ways: Ways,
    passkeys: Offer,
    as_viewer: bool,
    error: Option<String>,
}

impl Login {
    fn new<P: Porter>(porter: &P, language: Language, visitor: Visitor, headers: &HeaderMap) -> Login {
        let offer = Offer::of(visitor, headers, guard::LOGIN);
        // At the machine's own door they are all at one host, whichever of its names the browser says.
        let host = passkeys::site(visitor, headers).map_or_else(|| "localhost".to_owned(), |site| site.host);
        let passkeys = if porter.has_passkey(&host) { offer } else { Offer::No };
        Login { t: Text(language), ways: porter.ways(), passkeys, as_viewer: false, error: None }
    }

    fn page(&self, status: StatusCode) -> Response {
        page(status, policy(&self.passkeys), self)
    }
}

/// A script runs only where there is something for it to do.
fn policy(passkeys: &Offer) -> Policy {
    if *passkeys == Offer::Here { Policy::Script } else { Policy::NoScript }
}

#[derive(Template)]
#[template(path = "access/link.html")]
struct Link {
    t: Text,
    role: Role,
    /// Nothing lets the owner in yet: a password or a passkey must be chosen.
    first: bool,
    passkeys: Offer,
    /// Where the link leads.
    place: String,
    error: Option<String>,
}

impl Link {
    fn new<P: Porter>(
        porter: &P,
        language: Language,
        (link, role): (&str, Role),
        visitor: Visitor,
        headers: &HeaderMap,
    ) -> Link {
        let place = format!("{}{link}", guard::LINK);
        let passkeys = match role {
            Role::Owner => Offer::of(visitor, headers, &place),
            Role::Viewer => Offer::No,
        };
        let ways = porter.ways();
        Link { t: Text(language), role, first: !ways.owner && !ways.passkey, passkeys, place, error: None }
    }

    fn page(&self, status: StatusCode) -> Response {
        page(status, policy(&self.passkeys), self)
    }
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
    visitor: Visitor,
    language: Language,
    headers: HeaderMap,
) -> Response {
    if guard::session_of(&porter, visitor, &headers).await.is_some() {
        return see("/admin");
    }
    Login::new(&porter, language, visitor, &headers).page(StatusCode::OK)
}

pub(super) async fn log_in<P: Porter>(
    State(porter): State<P>,
    visitor: Visitor,
    language: Language,
    Form { headers, old, mut fields }: Form,
) -> Response {
    let role = if fields.take("role") == "viewer" { Role::Viewer } else { Role::Owner };
    match porter.log_in(visitor, role, fields.take("password"), old).await {
        Ok(session) => entered(visitor, &session),
        Err(not) => {
            let (status, error) = words(Text(language), &not);
            let login = Login::new(&porter, language, visitor, &headers);
            let login = Login { as_viewer: role == Role::Viewer, error: Some(error), ..login };
            waiting(login.page(status), &not)
        }
    }
}

pub(super) async fn link<P: Porter>(
    State(porter): State<P>,
    Path(link): Path<String>,
    visitor: Visitor,
    language: Language,
    headers: HeaderMap,
) -> Response {
    let Some(role) = porter.link(&link) else { return no_link(language) };
    Link::new(&porter, language, (&link, role), visitor, &headers).page(StatusCode::OK)
}

pub(super) async fn use_link<P: Porter>(
    State(porter): State<P>,
    Path(link): Path<String>,
    visitor: Visitor,
    language: Language,
    Form { headers, old, mut fields }: Form,
) -> Response {
    let Some(role) = porter.link(&link) else { return no_link(language) };
    let t = Text(language);
    let page = Link::new(&porter, language, (&link, role), visitor, &headers);
    let again = |status, error| Link { error: Some(error), ..page }.page(status);
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
pub(super) struct Form {
    headers: HeaderMap,
    old: Option<String>,
    fields: Fields,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Form, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let Ok(language) = Language::from_request_parts(&mut parts, state).await;
        let headers = parts.headers;
        // Nobody is logged in yet, so there is no token of a session. That the page is ours the browser says; without
        // that somebody could be logged in as somebody else without noticing.
        if !from_here::is_own(&headers, visitor.door) {
            return Err(refused(language, "access-not-own-page"));
        }
        let kind = headers.get(CONTENT_TYPE).cloned();
        let mut whole = Request::new(Body::from(guard::whole(body).await?));
        *whole.method_mut() = Method::POST;
        whole.headers_mut().extend(kind.map(|kind| (CONTENT_TYPE, kind)));
        let fields = extract::Form::<Vec<(String, String)>>::from_request(whole, &()).await;
        let fields = fields.map(|extract::Form(fields)| Fields(fields)).unwrap_or_default();
        Ok(Form { old: cookie::session(&headers, visitor.door), headers, fields })
    }
}

fn entered(visitor: Visitor, session: &str) -> Response {
    let mut reply = see("/admin");
    reply.headers_mut().extend(cookie::set(visitor.door, session).map(|value| (SET_COOKIE, value)));
    reply
}

pub(super) fn words(t: Text, not: &NotIn) -> (StatusCode, String) {
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
        NotIn::WrongPasskey { wait: 0 } => (StatusCode::FORBIDDEN, t.say("passkey-wrong")),
        NotIn::WrongPasskey { wait } => (StatusCode::FORBIDDEN, t.one("passkey-wrong-wait", "secs", *wait)),
        NotIn::Stale => (StatusCode::GONE, t.say("passkey-stale")),
        NotIn::PasskeyName { is_taken: false } => {
            (StatusCode::UNPROCESSABLE_ENTITY, t.say("passkey-bad-name"))
        }
        NotIn::PasskeyName { is_taken: true } => (StatusCode::CONFLICT, t.say("passkey-name-taken")),
        NotIn::PasskeyThere => (StatusCode::CONFLICT, t.say("passkey-there")),
        NotIn::TooManyPasskeys => (StatusCode::CONFLICT, t.say("passkey-too-many")),
        NotIn::Unclear => (StatusCode::BAD_REQUEST, t.say("passkey-unclear")),
        NotIn::NoRight => (StatusCode::FORBIDDEN, t.say("access-only-owner")),
        NotIn::Busy => (StatusCode::SERVICE_UNAVAILABLE, t.say("access-busy")),
    }
}

pub(super) fn waiting(mut reply: Response, not: &NotIn) -> Response {
    if let NotIn::TooEarly { wait }
    | NotIn::Wrong { wait: wait @ 1.. }
    | NotIn::WrongPasskey { wait: wait @ 1.. } = not
    {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*wait));
    }
    reply
}
