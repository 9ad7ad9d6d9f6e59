//! Devices: whose they are, and those that wait.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hotshare_api::{Device, DeviceChange, path};

use super::fields::{Fields, Unclear};
use super::{Asked, Changed, Desk, Frame, Sorry, Why, done, live, place, shown};
use crate::show::{self, safe};

#[derive(Template)]
#[template(path = "admin/devices.html")]
struct Page {
    f: Frame,
    stamp: String,
    people: Vec<String>,
    devices: Vec<Row>,
}

struct Row {
    mac: String,
    name: Option<String>,
    claim: Option<String>,
    person: Option<String>,
    blocked: bool,
    address: Option<String>,
    used: String,
    since: String,
    place: String,
}

pub(super) async fn show(State(desk): State<Desk>, asked: Asked) -> Response {
    let status = match desk.status().await {
        Ok(status) => status,
        Err(error) => return Sorry { asked, why: Why::Api(error), back: "/admin".into() }.into_response(),
    };
    let zone = show::zone(&status.plan.zone);
    let row = |device: &Device| Row {
        mac: device.mac.clone(),
        name: device.host_name.as_deref().map(safe),
        claim: device.claim.as_deref().map(safe),
        person: device.person.clone(),
        blocked: device.blocked,
        address: device.address.clone(),
        used: show::bytes(device.up.saturating_add(device.down)),
        since: show::time(device.first_seen, &zone),
        place: place(&path::device(&device.mac)),
    };
    shown(&Page {
        stamp: live::stamp(&status),
        people: status.people.iter().map(|person| person.name.clone()).collect(),
        devices: status.devices.iter().map(row).collect(),
        f: asked.frame("/admin/devices"),
    })
}

pub(super) async fn change(
    State(desk): State<Desk>,
    Path((mac, action)): Path<(String, String)>,
    asked: Asked,
    Form(fields): Form<Fields>,
) -> Response {
    let device = path::device(&mac);
    let none = DeviceChange::default();
    let change = match action.as_str() {
        "assign" => DeviceChange { person: Some(fields.text("person").to_owned()), ..none },
        "block" => DeviceChange { blocked: Some(true), ..none },
        "unblock" => DeviceChange { blocked: Some(false), ..none },
        "forget" => {
            let gone: Changed = desk.api.send(Method::DELETE, &device, &()).await;
            return done(asked, "/admin/devices", gone.map_err(Why::Api));
        }
        _ => {
            let why = Why::Unclear(Unclear { what: "fail-no-such-path" });
            return Sorry { asked, why, back: "/admin/devices".into() }.into_response();
        }
    };
    let changed: Changed = desk.api.send(Method::PATCH, &device, &change).await;
    done(asked, "/admin/devices", changed.map_err(Why::Api))
}
