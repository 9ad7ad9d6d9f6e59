//! Who may come here, and the end of it all: passwords, passkeys, links, owners, tokens, and stopping the hotspot.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hotshare_api::{
    Access, AccessLink, AccessLinkNew, AccessOwner, AccessPassword, AccessTokenMade, AccessTokenNew,
    Certificate, CertificateWait, Done, Secret, path,
};
use jiff::tz::TimeZone;

use super::fields::{Fields, Unclear};
use super::{Asked, Changed, Desk, Frame, Sorry, Why, done, shown};
use crate::access::Offer;
use crate::messages::Text;
use crate::show::{self, safe};

const HERE: &str = "/admin/access";

#[derive(Template)]
#[template(path = "admin/settings.html")]
struct Page {
    f: Frame,
    access: Access,
    from: String,
    devices: Vec<(String, String)>,
    passkeys: Vec<PasskeyRow>,
    /// Whether one can be added here.
    offer: Offer,
    tokens: Vec<TokenRow>,
    people: Vec<String>,
    version: String,
    certificate: Option<CertificateRows>,
}

/// The certificate that the pages are served with.
struct CertificateRows {
    until: String,
    next: Option<String>,
    failed: Option<String>,
}

fn certificate(t: Text, told: &Certificate, zone: &TimeZone) -> CertificateRows {
    let name = safe(&told.name);
    let next = match (told.waits_for, told.next_try) {
        (Some(CertificateWait::Uplink), _) => Some(t.say("certificate-waits-uplink")),
        (Some(CertificateWait::Clock), _) => Some(t.say("certificate-waits-clock")),
        (Some(CertificateWait::Unknown), _) => Some(t.say("certificate-waits")),
        (None, next) => next.map(|next| t.one("certificate-next", "time", show::time(next, zone))),
    };
    CertificateRows {
        until: match told.until {
            Some(until) => t.with(
                "certificate-until",
                &[("name", name.into()), ("time", show::time(until, zone).into())],
            ),
            None => t.one("certificate-none", "name", name),
        },
        next,
        failed: told.failed.as_ref().map(|failed| t.one("certificate-failed", "why", safe(&failed.why))),
    }
}

struct PasskeyRow {
    name: String,
    place: String,
    host: String,
    since: String,
    used: Option<String>,
}

struct TokenRow {
    name: String,
    place: String,
    scope: String,
    since: String,
}

pub(super) async fn show(State(desk): State<Desk>, offer: Offer, asked: Asked) -> Response {
    let read = async {
        let access: Access = desk.api.get(path::ACCESS).await?;
        Ok::<_, Why>((access, desk.status().await?))
    };
    match read.await {
        Ok((access, status)) => {
            let zone = show::zone(&status.plan.zone);
            let t = asked.t;
            let token = |token: &hotshare_api::AccessToken| TokenRow {
                name: safe(&token.name),
                place: super::place(&path::access_token(&token.name)),
                scope: t.say(match token.scope.as_str() {
                    "read" => "scope-read",
                    "metrics" => "scope-metrics",
                    _ => "scope-write",
                }),
                since: show::time(token.since, &zone),
            };
            let passkey = |passkey: &hotshare_api::AccessPasskey| PasskeyRow {
                name: safe(&passkey.name),
                place: super::place(&path::access_passkey(&passkey.name)),
                host: safe(&passkey.host),
                since: show::time(passkey.since, &zone),
                used: passkey.used.map(|used| show::time(used, &zone)),
            };
            shown(&Page {
                from: t.say(match access.admin_from.as_str() {
                    "lan" => "from-lan",
                    "machine" => "from-machine",
                    _ => "from-owner-devices",
                }),
                devices: access
                    .devices
                    .iter()
                    .map(|device| (device.mac.clone(), show::time(device.since, &zone)))
                    .collect(),
                passkeys: access.passkeys.iter().map(passkey).collect(),
                offer,
                tokens: access.tokens.iter().map(token).collect(),
                people: status.people.iter().map(|person| person.name.clone()).collect(),
                version: status.daemon.version,
                certificate: status.certificate.as_ref().map(|told| certificate(t, told, &zone)),
                access,
                f: asked.frame(HERE),
            })
        }
        Err(why) => Sorry { asked, why, back: "/admin".into() }.into_response(),
    }
}

/// What is shown once: a link or a token.
#[derive(Template)]
#[template(path = "admin/once.html")]
struct Once {
    f: Frame,
    title: String,
    secrets: Vec<(String, String)>,
}

pub(super) async fn change(
    State(desk): State<Desk>,
    Path(action): Path<String>,
    asked: Asked,
    Form(fields): Form<Fields>,
) -> Response {
    let t = asked.t;
    let result: Result<(), Why> = match action.as_str() {
        "password" => password(&desk, &fields).await,
        "owner" => {
            let person = fields.filled("person").map(str::to_owned);
            let changed: Changed =
                desk.api.send(Method::POST, path::ACCESS_OWNER, &AccessOwner { person }).await;
            changed.map(|_| ()).map_err(Why::Api)
        }
        "sessions" => {
            let changed: Changed = desk.api.send(Method::DELETE, path::ACCESS_SESSIONS, &()).await;
            changed.map(|_| ()).map_err(Why::Api)
        }
        "link" => {
            let new = AccessLinkNew { viewer: fields.is_set("viewer") };
            match desk.api.send::<AccessLink>(Method::POST, path::ACCESS_LINK, &new).await {
                Ok(link) => {
                    let secrets = [("link-machine", link.machine), ("link-lan", link.lan)];
                    let secrets = secrets.into_iter().filter_map(|(key, link)| Some((t.say(key), link?.0)));
                    let secrets = secrets.collect();
                    return shown(&Once { title: t.say("link-made"), secrets, f: asked.frame(HERE) });
                }
                Err(error) => Err(Why::Api(error)),
            }
        }
        "token" => {
            let new = AccessTokenNew {
                name: fields.text("name").to_owned(),
                scope: fields.text("scope").to_owned(),
            };
            match desk.api.send::<AccessTokenMade>(Method::POST, path::ACCESS_TOKENS, &new).await {
                Ok(made) => {
                    let secrets = vec![(safe(&made.name), made.token.0)];
                    return shown(&Once { title: t.say("token-made"), secrets, f: asked.frame(HERE) });
                }
                Err(error) => Err(Why::Api(error)),
            }
        }
        "down" => {
            let done: Result<Done, _> = desk.api.send(Method::POST, path::DOWN, &()).await;
            match done {
                Ok(_) => {
                    return shown(&Once {
                        title: t.say("going-down"),
                        secrets: Vec::new(),
                        f: asked.frame(HERE),
                    });
                }
                Err(error) => Err(Why::Api(error)),
            }
        }
        _ => Err(Why::Unclear(Unclear { what: "fail-no-such-path" })),
    };
    done(asked, HERE, result)
}

pub(super) async fn passkey_remove(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    asked: Asked,
) -> Response {
    let gone: Changed = desk.api.send(Method::DELETE, &path::access_passkey(&name), &()).await;
    done(asked, HERE, gone.map_err(Why::Api))
}

pub(super) async fn token_remove(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    asked: Asked,
) -> Response {
    let gone: Changed = desk.api.send(Method::DELETE, &path::access_token(&name), &()).await;
    done(asked, HERE, gone.map_err(Why::Api))
}

async fn password(desk: &Desk, fields: &Fields) -> Result<(), Why> {
    let (password, repeated) = (fields.raw("password"), fields.raw("repeated"));
    if password != repeated {
        return Err(Why::Unclear(Unclear { what: "access-not-the-same" }));
    }
    let viewer = fields.is_set("viewer");
    // An empty one takes the viewers' password away. The owner's stays: nobody shuts themselves out by a slip.
    if password.is_empty() && !viewer {
        return Err(Why::Unclear(Unclear { what: "access-weak-length" }));
    }
    let password = Some(password).filter(|text| !text.is_empty()).map(Secret::from);
    let changed: Changed =
        desk.api.send(Method::POST, path::ACCESS_PASSWORD, &AccessPassword { password, viewer }).await;
    changed.map(|_| ()).map_err(Why::Api)
}
