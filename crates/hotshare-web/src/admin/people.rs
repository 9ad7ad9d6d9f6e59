//! Everybody, and somebody new.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hotshare_api::{PersonNew, path};

use super::fields::Fields;
use super::live::{self, left, share};
use super::{Asked, Changed, Desk, Frame, Sorry, Why, done, place, shown};
use crate::show::{self, safe};

#[derive(Template)]
#[template(path = "admin/people.html")]
struct Page {
    f: Frame,
    stamp: String,
    people: Vec<Row>,
}

struct Row {
    name: String,
    place: String,
    left: String,
    share: u64,
    used: String,
    verdict: String,
    open: bool,
    devices: u32,
    wish: Option<String>,
}

pub(super) async fn show(State(desk): State<Desk>, asked: Asked) -> Response {
    let status = match desk.status().await {
        Ok(status) => status,
        Err(error) => return Sorry { asked, why: Why::Api(error), back: "/admin".into() }.into_response(),
    };
    let t = asked.t;
    let row = |person: &hotshare_api::Person| Row {
        name: safe(&person.name),
        place: place(&path::person(&person.name)),
        left: left(t, person),
        share: share(person),
        used: show::bytes(person.up.saturating_add(person.down)),
        verdict: t.why(person.verdict),
        open: person.verdict == hotshare_api::Verdict::Open,
        devices: person.devices,
        wish: person.wish.map(|wish| show::bytes(wish.bytes)),
    };
    let people = status.people.iter().map(row).collect();
    shown(&Page { f: asked.frame("/admin/people"), stamp: live::stamp(&status), people })
}

pub(super) async fn add(State(desk): State<Desk>, asked: Asked, Form(fields): Form<Fields>) -> Response {
    let made = async {
        let kind = fields.text("kind");
        let bytes = if kind == "limit" {
            Some(fields.bytes("allowance")?.ok_or(super::fields::AMOUNT)?)
        } else {
            None
        };
        let new = PersonNew {
            name: fields.text("name").to_owned(),
            allowance: bytes,
            allowance_every: bytes.map(|_| fields.every("every")),
            fair: kind == "fair",
        };
        let changed: Changed = desk.api.send(Method::POST, path::PEOPLE, &new).await;
        changed.map_err(Why::Api)
    };
    let made = made.await;
    done(asked, "/admin/people", made)
}
