//! One person: what is left, the rules, the devices and the way into the Wi-Fi.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hotshare_api::{
    Amount, Every, Gift, Invite, Key, KeyRotation, Person, PersonChange, Secret, Status, WishAnswer, path,
};
use jiff::tz::TimeZone;
use qrcode::QrCode;
use qrcode::render::svg;

use super::fields::{AMOUNT, Fields, Unclear, amount_text, windows_text};
use super::live::{self, left, share};
use super::{Asked, Changed, Desk, Frame, Sorry, Why, done, place, shown};
use crate::api::ApiError;
use crate::reply;
use crate::show::{self, safe};

#[derive(Template)]
#[template(path = "admin/person.html")]
struct Page {
    f: Frame,
    stamp: String,
    /// Not escaped: as it is in paths and in `data-live`, by which the script finds the person's numbers.
    raw: String,
    name: String,
    place: String,
    left: String,
    share: u64,
    up: String,
    down: String,
    used: String,
    verdict: String,
    paused: bool,
    open: bool,
    renews: Option<String>,
    safe: Option<String>,
    wish: Option<String>,
    wish_amount: (String, &'static str),
    kind: &'static str,
    amount: (String, &'static str),
    every: Every,
    weight: u16,
    then_kbit: String,
    bed_times: String,
    until: String,
    device_limit: String,
    /// Until when the Wi-Fi key holds, in words; `None`: there is none.
    key: Option<String>,
    has_wifi: bool,
    devices: Vec<Owned>,
    others: Vec<String>,
}

struct Owned {
    mac: String,
    name: Option<String>,
    address: Option<String>,
    place: String,
}

pub(super) async fn show(State(desk): State<Desk>, Path(name): Path<String>, asked: Asked) -> Response {
    let why = match desk.live.look().await {
        Ok(look) => match look.status.people.iter().find(|person| person.name == name) {
            Some(person) => {
                let rate = look.rate(&name);
                return shown(&page(asked, &look.status, person, rate));
            }
            None => Why::Unclear(Unclear { what: "fail-no-such-person" }),
        },
        Err(error) => Why::Api(error),
    };
    Sorry { asked, why, back: "/admin/people".into() }.into_response()
}

fn page(asked: Asked, status: &Status, person: &Person, (up, down): (u64, u64)) -> Page {
    let t = asked.t;
    let zone = show::zone(&status.plan.zone);
    let mine = status.devices.iter().filter(|device| device.person.as_ref() == Some(&person.name));
    let key = |key: hotshare_api::PersonKey| match key.until {
        Some(until) => t.one("key-until", "time", show::time(until, &zone)),
        None => t.say("key-for-ever"),
    };
    Page {
        stamp: live::stamp(status),
        raw: person.name.clone(),
        name: safe(&person.name),
        place: place(&path::person(&person.name)),
        left: left(t, person),
        share: share(person),
        up: show::rate(up),
        down: show::rate(down),
        used: show::bytes(person.up.saturating_add(person.down)),
        verdict: t.why(person.verdict),
        paused: person.verdict == hotshare_api::Verdict::Paused,
        open: person.verdict == hotshare_api::Verdict::Open,
        renews: person.renews.map(|at| show::time(at, &zone)),
        safe: person.outlook.as_ref().and_then(|outlook| outlook.safe).map(|safe| show::bytes(safe.rest)),
        wish: person.wish.map(|wish| show::bytes(wish.bytes)),
        wish_amount: amount_text(person.wish.map_or(0, |wish| wish.bytes)),
        kind: match (person.fair, person.allowance) {
            (true, _) => "fair",
            (false, None) => "free",
            (false, Some(_)) => "limit",
        },
        amount: person.allowance.map_or((String::new(), "GB"), amount_text),
        every: person.allowance_every.unwrap_or(Every::Month),
        weight: person.weight,
        then_kbit: person
            .then_rate
            .map(|rate| (rate.saturating_mul(8) / 1000).to_string())
            .unwrap_or_default(),
        bed_times: windows_text(&person.bed_times),
        until: person.until.map(|at| moment(at, &zone)).unwrap_or_default(),
        device_limit: person.device_limit.map(|limit| limit.to_string()).unwrap_or_default(),
        key: person.key.map(key),
        has_wifi: status.wifi.is_some(),
        devices: mine
            .map(|device| Owned {
                mac: device.mac.clone(),
                name: device.host_name.as_deref().map(safe),
                address: device.address.clone(),
                place: place(&path::device(&device.mac)),
            })
            .collect(),
        others: status
            .people
            .iter()
            .map(|other| other.name.clone())
            .filter(|other| *other != person.name)
            .collect(),
        f: asked.frame("/admin/people"),
    }
}

/// As a browser's field for a date and time takes it.
fn moment(at: i64, zone: &TimeZone) -> String {
    show::civil(at, zone).strftime("%Y-%m-%dT%H:%M").to_string()
}

pub(super) async fn change(
    State(desk): State<Desk>,
    Path((name, action)): Path<(String, String)>,
    asked: Asked,
    Form(fields): Form<Fields>,
) -> Response {
    let here = place(&path::person(&name));
    let result = match action.as_str() {
        "invite" | "rotate" => return key(&desk, asked, &name, &action, &fields).await,
        "remove" => {
            let gone: Changed = desk.api.send(Method::DELETE, &path::person(&name), &()).await;
            return done(asked, "/admin/people", gone.map_err(Why::Api));
        }
        _ => send(&desk, &name, &action, &fields).await,
    };
    done(asked, &here, result)
}

async fn send(desk: &Desk, name: &str, action: &str, fields: &Fields) -> Result<(), Why> {
    let person = path::person(name);
    let amount = || Ok::<_, Unclear>(Amount { bytes: fields.bytes("amount")?.ok_or(AMOUNT)? });
    let changed: Changed = match action {
        "top-up" => desk.api.send(Method::POST, &path::top_up(name), &amount()?).await,
        "give" => {
            let gift = Gift { to: fields.text("to").to_owned(), bytes: amount()?.bytes };
            desk.api.send(Method::POST, &path::give(name), &gift).await
        }
        "answer" => {
            let yes = fields.is_set("yes");
            let bytes = if yes { fields.bytes("amount")? } else { None };
            desk.api.send(Method::POST, &path::wish_answer(name), &WishAnswer { yes, bytes }).await
        }
        "revoke" => desk.api.send(Method::DELETE, &path::key(name), &()).await,
        _ => {
            for change in changes(desk, action, fields).await? {
                let _done: hotshare_api::Done = desk.api.send(Method::PATCH, &person, &change).await?;
            }
            return Ok(());
        }
    };
    changed.map(|_| ()).map_err(Why::Api)
}

/// What is changed of the person.
async fn changes(desk: &Desk, action: &str, fields: &Fields) -> Result<Vec<PersonChange>, Why> {
    let none = PersonChange::default();
    Ok(vec![match action {
        "pause" => PersonChange { paused: Some(true), ..none },
        "resume" => PersonChange { paused: Some(false), ..none },
        "limit" => PersonChange { device_limit: Some(fields.number("device-limit")?), ..none },
        "allowance" => match fields.text("kind") {
            "fair" => PersonChange { fair: true, ..none },
            "free" => PersonChange { allowance: Some(None), ..none },
            _ => PersonChange {
                allowance: Some(Some(fields.bytes("allowance")?.ok_or(AMOUNT)?)),
                allowance_every: Some(fields.every("every")),
                ..none
            },
        },
        "rules" => {
            let status = desk.status().await?;
            PersonChange {
                weight: fields.number("weight")?,
                then_rate: Some(fields.rate("then")?),
                bed_times: Some(fields.windows("bed-times")?),
                until: Some(fields.until("until", &show::zone(&status.plan.zone))?),
                ..none
            }
        }
        _ => return Err(Why::Unclear(Unclear { what: "fail-no-such-path" })),
    }])
}

#[derive(Template)]
#[template(path = "admin/invite.html")]
struct InvitePage {
    f: Frame,
    name: String,
    back: String,
    network: String,
    passphrase: Option<String>,
    until: Option<String>,
    /// SVG.
    code: String,
}

/// Shows the way into the Wi-Fi; it is in this reply alone, and no cache keeps it.
async fn key(desk: &Desk, asked: Asked, name: &str, action: &str, fields: &Fields) -> Response {
    let back = place(&path::person(name));
    let made = async {
        let zone = show::zone(&desk.status().await?.plan.zone);
        let expires = match fields.filled("expires") {
            Some(_) => Some(fields.until("expires", &zone)?),
            None if fields.is_set("no-end") => Some(None),
            None => None,
        };
        let passphrase = fields.filled("passphrase").map(Secret::from);
        let key: Result<Key, ApiError> = if action == "invite" {
            desk.api.send(Method::POST, &path::invite(name), &Invite { expires, passphrase }).await
        } else {
            desk.api.send(Method::POST, &path::key_rotate(name), &KeyRotation { expires, passphrase }).await
        };
        Ok::<_, Why>((key?, zone))
    };
    match made.await {
        Ok((key, zone)) => invited(asked, "/admin/people", name, back, &key, &zone),
        Err(why) => Sorry { asked, why, back }.into_response(),
    }
}

/// How to join, as a code and in words.
pub(super) fn invited(
    asked: Asked,
    here: &'static str,
    name: &str,
    back: String,
    key: &Key,
    zone: &TimeZone,
) -> Response {
    let Some(code) = code(&key.join.0) else {
        return reply::plain(StatusCode::INTERNAL_SERVER_ERROR, "The code is too long to be drawn.\n");
    };
    shown(&InvitePage {
        name: safe(name),
        back,
        network: safe(&key.name),
        passphrase: key.passphrase.as_ref().map(|secret| secret.0.clone()),
        until: key.until.map(|until| show::time(until, zone)),
        code,
        f: asked.frame(here),
    })
}

/// Black on white whatever the theme: phones read nothing else as well.
fn code(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(240, 240).quiet_zone(true).build();
    // Without the XML head it can stand in a page.
    svg.find("<svg").map(|at| svg[at..].to_owned())
}
