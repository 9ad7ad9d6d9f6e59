//! What the interface offers about access: by the Unix socket, and for an owner who is logged in.

use axum::Json;
use axum::extract::State;
use hotshare_api as api;
use hotshare_api::{Code, Secret};
use hotshare_core::access::{AccessBook, AccessChange, NoPasskey, NoToken, Passkey, Role, Scope, Token};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::porter::NoPassword;
use super::{NotWritten, secret};
use crate::serve::failure::No;
use crate::serve::routes::{Body, Place, Reply};
use crate::serve::{AppState, translate};

pub(in crate::serve) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(link))
        .routes(routes!(password))
        .routes(routes!(passkeys))
        .routes(routes!(passkey_remove))
        .routes(routes!(tokens, token_add))
        .routes(routes!(token_remove))
        .routes(routes!(owner))
        .routes(routes!(sessions_end))
}

/// Which token is meant.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what [`Place`] reads")]
struct OfToken {
    /// The token's name, percent-encoded as UTF-8.
    #[param(example = "home assistant")]
    name: String,
}

/// Which passkey is meant.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what [`Place`] reads")]
struct OfPasskey {
    /// The passkey's name, percent-encoded as UTF-8.
    #[param(example = "phone")]
    name: String,
}

impl From<NoPasskey> for No {
    fn from(error: NoPasskey) -> No {
        let code = match error {
            NoPasskey::NoSuchName(_) => Code::NoSuchPasskey,
            NoPasskey::LastWay(_) => Code::LastWayIn,
            NoPasskey::BadName | NoPasskey::NameTaken(_) | NoPasskey::There(_) | NoPasskey::Full => {
                Code::BadRequest
            }
        };
        No::new(code, error.to_string())
    }
}

impl From<NotWritten> for No {
    fn from(error: NotWritten) -> No {
        No::new(Code::NotWritten, error.to_string())
    }
}

impl From<NoToken> for No {
    fn from(error: NoToken) -> No {
        let code = match error {
            NoToken::BadName => Code::BadRequest,
            NoToken::NameTaken(_) | NoToken::Full => Code::TokenTaken,
            NoToken::NoSuchName(_) => Code::NoSuchToken,
        };
        No::new(code, error.to_string())
    }
}

fn done() -> Json<api::Done> {
    Json(api::Done { schema: api::SCHEMA, done: true })
}

/// Who may come in.
#[utoipa::path(
    get, path = api::path::ACCESS, operation_id = "access", tag = "access",
    responses((status = 200, body = api::Access))
)]
async fn show(State(state): State<AppState>) -> Json<api::Access> {
    let desk = state.access;
    let now = desk.now().wall;
    let book = desk.book();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Json(api::Access {
        schema: api::SCHEMA,
        admin_from: desk.0.settings.admin_from.word().into(),
        machine: desk.machine_place().map(|place| format!("{place}/admin")),
        lan: desk.lan_place().map(|place| format!("{place}/admin")),
        password: book.passwords.contains_key(&Role::Owner),
        viewer_password: book.passwords.contains_key(&Role::Viewer),
        passkeys: known(&book),
        sessions: count(book.sessions.values().filter(|session| !session.is_over(now)).count()),
        links: count(book.links.values().filter(|link| link.is_good(now)).count()),
        owners: book.people.iter().map(ToString::to_string).collect(),
        devices: book
            .devices
            .iter()
            .map(|(mac, since)| api::OwnerDevice { mac: mac.to_string(), since: since.0 })
            .collect(),
        tokens: told(&book),
    })
}

fn known(book: &AccessBook) -> Vec<api::AccessPasskey> {
    let mut passkeys: Vec<&Passkey> = book.passkeys.values().collect();
    passkeys.sort_by(|a, b| a.name.cmp(&b.name));
    let passkey = |p: &Passkey| api::AccessPasskey {
        name: p.name.clone(),
        host: p.host.clone(),
        since: p.since.0,
        used: p.used.map(|used| used.0),
    };
    passkeys.into_iter().map(passkey).collect()
}

fn told(book: &AccessBook) -> Vec<api::AccessToken> {
    let mut tokens: Vec<&Token> = book.tokens.values().collect();
    tokens.sort_by(|a, b| a.name.cmp(&b.name));
    let token =
        |t: &Token| api::AccessToken { name: t.name.clone(), scope: t.scope.word().into(), since: t.since.0 };
    tokens.into_iter().map(token).collect()
}

/// Makes a link that lets a browser in once.
#[utoipa::path(
    post, path = api::path::ACCESS_LINK, operation_id = "access_link", tag = "access", request_body = api::AccessLinkNew,
    responses((status = 200, body = api::AccessLink))
)]
async fn link(State(state): State<AppState>, body: Body<api::AccessLinkNew>) -> Reply<api::AccessLink> {
    let role = if body.0.viewer { Role::Viewer } else { Role::Owner };
    let link = state.access.make_link(role).await?;
    Ok(Json(api::AccessLink {
        schema: api::SCHEMA,
        until: link.until,
        machine: link.machine.map(Secret),
        lan: link.lan.map(Secret),
    }))
}

/// Sets the owner's password or the viewers', or takes it away.
#[utoipa::path(
    post, path = api::path::ACCESS_PASSWORD, operation_id = "access_password", tag = "access", request_body = api::AccessPassword,
    responses((status = 200, body = api::Done), (status = 422, description = "`bad-passphrase`"))
)]
async fn password(State(state): State<AppState>, body: Body<api::AccessPassword>) -> Reply<api::Done> {
    let Body(api::AccessPassword { password, viewer }) = body;
    let hash = match password {
        None => None,
        Some(Secret(password)) => match state.access.hashed(password).await {
            Some(Ok(hash)) => Some(hash),
            Some(Err(NoPassword::Weak(weak))) => return Err(No::new(Code::BadPassphrase, weak.to_string())),
            Some(Err(NoPassword::Broken)) | None => {
                return Err(No::new(
                    Code::Busy,
                    "the password could not be worked on now; try again in a moment",
                ));
            }
        },
    };
    let role = if viewer { Role::Viewer } else { Role::Owner };
    state.access.change(|book| Ok::<_, No>(book.set_password(role, hash))).await?;
    Ok(done())
}

/// The passkeys, which are added in a browser.
#[utoipa::path(
    get, path = api::path::ACCESS_PASSKEYS, operation_id = "access_passkeys", tag = "access",
    responses((status = 200, body = api::AccessPasskeys))
)]
async fn passkeys(State(state): State<AppState>) -> Json<api::AccessPasskeys> {
    Json(api::AccessPasskeys { schema: api::SCHEMA, passkeys: known(&state.access.book()) })
}

/// Takes a passkey away, and logs out who came in by it.
#[utoipa::path(
    delete, path = api::path::ACCESS_PASSKEY, operation_id = "access_passkey_remove", tag = "access", params(OfPasskey),
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-passkey`"),
        (status = 409, description = "`last-way-in`"),
    )
)]
async fn passkey_remove(State(state): State<AppState>, Place(name): Place) -> Reply<api::Done> {
    let now = state.access.now().wall;
    state.access.change(|book| Ok::<_, No>(book.remove_passkey(&name, now)?)).await?;
    Ok(done())
}

/// The tokens, without their secrets.
#[utoipa::path(
    get, path = api::path::ACCESS_TOKENS, operation_id = "access_tokens", tag = "access",
    responses((status = 200, body = api::AccessTokens))
)]
async fn tokens(State(state): State<AppState>) -> Json<api::AccessTokens> {
    Json(api::AccessTokens { schema: api::SCHEMA, tokens: told(&state.access.book()) })
}

/// Makes a token; its secret is told this once.
#[utoipa::path(
    post, path = api::path::ACCESS_TOKENS, operation_id = "access_token_add", tag = "access", request_body = api::AccessTokenNew,
    responses(
        (status = 200, body = api::AccessTokenMade),
        (status = 409, description = "`token-taken`"),
        (status = 500, description = "`broken`"),
    )
)]
async fn token_add(
    State(state): State<AppState>,
    body: Body<api::AccessTokenNew>,
) -> Reply<api::AccessTokenMade> {
    let Body(api::AccessTokenNew { name, scope }) = body;
    let scope = Scope::from_word(&scope)
        .ok_or_else(|| No::new(Code::BadRequest, "`scope` is \"read\", \"write\" or \"metrics\""))?;
    let drawn =
        secret::draw().map_err(|e| No::new(Code::Broken, format!("there are no random numbers: {e}")))?;
    // So that a program that looks for leaked secrets knows it.
    let text = format!("hotshare-{drawn}");
    let since = state.access.now().wall;
    let token = Token { digest: secret::digest(&text), name: name.clone(), scope, since };
    state.access.change(|book| Ok::<_, No>(vec![book.add_token(token)?])).await?;
    let scope = scope.word().into();
    Ok(Json(api::AccessTokenMade { schema: api::SCHEMA, name, scope, token: Secret(text) }))
}

/// Takes a token away.
#[utoipa::path(
    delete, path = api::path::ACCESS_TOKEN, operation_id = "access_token_remove", tag = "access", params(OfToken),
    responses((status = 200, body = api::Done), (status = 404, description = "`no-such-token`"))
)]
async fn token_remove(State(state): State<AppState>, Place(name): Place) -> Reply<api::Done> {
    state.access.change(|book| Ok::<_, No>(vec![book.remove_token(&name)?])).await?;
    Ok(done())
}

/// Lets the dashboard be reached from a person's devices.
#[utoipa::path(
    post, path = api::path::ACCESS_OWNER, operation_id = "access_owner", tag = "access", request_body = api::AccessOwner,
    responses((status = 200, body = api::Done), (status = 404, description = "`no-such-person`"))
)]
async fn owner(State(state): State<AppState>, body: Body<api::AccessOwner>) -> Reply<api::Done> {
    let Some(name) = body.0.person else {
        let none = |book: &AccessBook| {
            let people = book.people.iter().cloned().map(AccessChange::OwnerPersonGone);
            let devices = book.devices.keys().copied().map(AccessChange::OwnerDeviceGone);
            Ok::<_, No>(people.chain(devices).collect())
        };
        state.access.change(none).await?;
        return Ok(done());
    };
    let name = translate::name(&name)?;
    if !state.status().await?.people.iter().any(|person| person.name == name) {
        return Err(hotshare_core::ask::Refusal::NoSuchPerson(name).into());
    }
    state.access.change(|_| Ok::<_, No>(vec![AccessChange::OwnerPerson(name)])).await?;
    Ok(done())
}

/// Logs everybody out.
#[utoipa::path(
    delete, path = api::path::ACCESS_SESSIONS, operation_id = "access_sessions_end", tag = "access",
    responses((status = 200, body = api::Done))
)]
async fn sessions_end(State(state): State<AppState>) -> Reply<api::Done> {
    state.access.change(|_| Ok::<_, No>(vec![AccessChange::SessionsGone])).await?;
    Ok(done())
}
