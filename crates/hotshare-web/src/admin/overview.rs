//! The first page: what is left, will it last, who uses it now, and what waits for the owner.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hotshare_api::{Device, Person, Status, UsageReport, path};
use jiff::civil::Date;

use super::live::{self, Look, left, share, thousandths};
use super::plan::card_words;
use super::{Asked, Desk, Frame, Sorry, Why, place, shown};
use crate::api::ApiError;
use crate::chart::{self, Forecast};
use crate::messages::Text;
use crate::show::{self, safe};

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct Page {
    f: Frame,
    stamp: String,
    up: String,
    down: String,
    closed: Option<String>,
    plan: PlanCard,
    new_cards: Vec<NewCard>,
    asks_for: Option<String>,
    people: Vec<Row>,
    waiting: Vec<Waiting>,
    wishes: Vec<Wished>,
    wifi: Option<String>,
}

/// The plan's balance, and how it goes on.
/// A data card that waits for the owner.
struct NewCard {
    number: u32,
    words: String,
}

fn new_cards(t: Text, status: &Status) -> Vec<NewCard> {
    let waits = status.cards.iter().filter(|card| !card.agreed && card.is_in);
    waits.map(|card| NewCard { number: card.number, words: card_words(t, card) }).collect()
}

struct PlanCard {
    left: Option<String>,
    usable: Option<String>,
    used: String,
    cap: Option<String>,
    share: u64,
    until: Option<String>,
    safe: Option<String>,
    /// When it runs out or that it lasts, in words.
    lasts: String,
    chart: Option<String>,
}

/// A person who may be using it now.
struct Row {
    name: String,
    place: String,
    left: String,
    share: u64,
    up: String,
    down: String,
    verdict: String,
    open: bool,
    devices: u32,
}

pub(super) struct Waiting {
    pub(super) mac: String,
    pub(super) name: Option<String>,
    /// Who its user says to be.
    pub(super) claim: Option<String>,
    pub(super) place: String,
}

struct Wished {
    name: String,
    amount: String,
    place: String,
}

pub(super) async fn show(State(desk): State<Desk>, asked: Asked) -> Response {
    let read = async {
        let look = desk.live.look().await?;
        let days = usage_by_day(&desk, &look.status).await?;
        Ok::<_, ApiError>((look, days))
    };
    match read.await {
        Ok((look, days)) => shown(&page(asked, &look, &days)),
        Err(error) => Sorry { asked, why: Why::Api(error), back: "/admin".into() }.into_response(),
    }
}

async fn usage_by_day(desk: &Desk, status: &Status) -> Result<UsageReport, ApiError> {
    desk.api.get(&format!("{}?by=day&since={}", path::USAGE, status.plan.begins.min(status.at))).await
}

fn page(asked: Asked, look: &Look, days: &UsageReport) -> Page {
    let (status, t) = (&*look.status, asked.t);
    let (up, down) = look.total();
    let waiting = status.devices.iter().filter(|device| device.person.is_none() && !device.blocked);
    let wished = |person: &Person| {
        let wish = person.wish?;
        let amount = show::bytes(wish.bytes);
        Some(Wished { name: safe(&person.name), amount, place: place(&path::person(&person.name)) })
    };
    Page {
        f: asked.frame("/admin"),
        stamp: live::stamp(status),
        up: show::rate(up),
        down: show::rate(down),
        closed: status.closed.map(|why| t.why(why)),
        plan: plan_card(t, status, days),
        new_cards: new_cards(t, status),
        asks_for: status.plan.asks_for.clone(),
        people: status.people.iter().map(|person| row(t, look, person)).collect(),
        waiting: waiting.map(waits).collect(),
        wishes: status.people.iter().filter_map(wished).collect(),
        wifi: status.wifi.as_ref().map(|wifi| safe(&wifi.name)),
    }
}

pub(super) fn waits(device: &Device) -> Waiting {
    Waiting {
        mac: device.mac.clone(),
        name: device.host_name.as_deref().map(safe),
        claim: device.claim.as_deref().map(safe),
        place: place(&path::device(&device.mac)),
    }
}

fn row(t: Text, look: &Look, person: &Person) -> Row {
    let (up, down) = look.rate(&person.name);
    Row {
        name: safe(&person.name),
        place: place(&path::person(&person.name)),
        left: left(t, person),
        share: share(person),
        up: show::rate(up),
        down: show::rate(down),
        verdict: t.why(person.verdict),
        open: person.verdict == hotshare_api::Verdict::Open,
        devices: person.devices,
    }
}

fn plan_card(t: Text, status: &Status, days: &UsageReport) -> PlanCard {
    let plan = &status.plan;
    let zone = show::zone(&plan.zone);
    let last = plan.ends.map(|ends| show::civil(ends.saturating_sub(1), &zone).date());
    PlanCard {
        left: plan.balance.map(show::bytes),
        usable: usable(status).map(show::bytes),
        used: show::bytes(plan.billed),
        cap: plan.cap.map(show::bytes),
        share: plan.cap.map_or(1000, |cap| thousandths(plan.balance.unwrap_or(0), cap)),
        until: last.map(|last| show::day(last, t.0)),
        safe: plan.outlook.as_ref().and_then(|outlook| outlook.safe).map(|safe| show::bytes(safe.rest)),
        lasts: lasts(t, status),
        chart: forecast(t, status, days),
    }
}

/// What can be used of what is left, where that is less: everybody's own page tells this.
pub(super) fn usable(status: &Status) -> Option<u64> {
    status.plan.usable.filter(|usable| Some(*usable) != status.plan.balance)
}

/// Will it last?
fn lasts(t: Text, status: &Status) -> String {
    let Some(outlook) = &status.plan.outlook else { return t.say("lasts-not-known") };
    let day = |text: &str| text.parse::<Date>().map_or_else(|_| text.to_owned(), |date| show::day(date, t.0));
    match (&outlook.runs_out, outlook.lasts) {
        _ if outlook.balance.is_none() => t.say("lasts-no-limit"),
        _ if !outlook.enough => t.say("lasts-not-known"),
        (Some(out), _) => match &out.likely {
            Some(likely) => t.one("lasts-until", "day", day(likely)),
            None => t.one("lasts-maybe-until", "day", day(&out.earliest)),
        },
        (None, Some(_)) => t.say("lasts-yes"),
        (None, None) => t.say("lasts-not-known"),
    }
}

fn forecast(t: Text, status: &Status, days: &UsageReport) -> Option<String> {
    let plan = &status.plan;
    let zone = show::zone(&plan.zone);
    let begins = show::civil(plan.begins, &zone).date();
    let ends = show::civil(plan.ends?.saturating_sub(1), &zone).date();
    let today = show::civil(status.at, &zone).date();
    let mut used = Vec::new();
    let mut sum = 0;
    let mut date = begins;
    while date <= today.min(ends) {
        let key = date.to_string();
        sum += days.rows.iter().find(|row| row.key == key).and_then(|row| row.billed).unwrap_or(0);
        used.push((date, sum));
        date = date.tomorrow().ok()?;
    }
    let total = plan.outlook.as_ref().filter(|outlook| outlook.enough).and_then(|outlook| outlook.total);
    let title = t.with(
        "chart-forecast",
        &[
            ("used", show::bytes(plan.billed).into()),
            ("begins", show::day(begins, t.0).into()),
            ("ends", show::day(ends, t.0).into()),
        ],
    );
    chart::forecast(&Forecast {
        language: t.0,
        title,
        begins,
        ends,
        used,
        total: total.map(|s| (s.low, s.likely, s.high)),
        cap: plan.cap,
    })
}
