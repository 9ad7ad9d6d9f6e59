//! The plan: what was bought, the carrier's own figure, money, and the data cards.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hotshare_api::{
    Agreement, Card, Confidence, Corrected, Done, Part, PartStatus, Pay, Period, PlanChange, PlanCorrection,
    Status, Terms, Unused, path,
};

use super::fields::{AMOUNT, Fields, Unclear, amount_text, windows_text};
use super::live::thousandths;
use super::{Asked, Changed, Desk, Frame, Sorry, Why, done, shown};
use crate::api::ApiError;
use crate::messages::Text;
use crate::show::{self, safe};

/// So many parts a form can have; the interface refuses more in its own words.
const MOST_PARTS: usize = 16;

#[derive(Template)]
#[template(path = "admin/plan.html")]
struct Page {
    f: Frame,
    used: String,
    left: Option<String>,
    share: u64,
    until: Option<String>,
    asks_for: Option<String>,
    currency: String,
    vat: String,
    vat_included: bool,
    fee: String,
    zone: String,
    period: PeriodFields,
    parts: Vec<PartFields>,
    /// How the carrier counts, in words.
    carrier: Option<String>,
    cards: Vec<CardRow>,
}

/// A period as a form has it.
#[derive(Default)]
struct PeriodFields {
    kind: &'static str,
    day: String,
    days: String,
    from: String,
    until: String,
}

/// A part as a form has it, and where it stands.
struct PartFields {
    n: usize,
    stands: Option<Stands>,
    name: String,
    cap: (String, &'static str),
    period: PeriodFields,
    unused: &'static str,
    most: (String, &'static str),
    hours: String,
    kbit: String,
    people: String,
    sites: String,
    price: String,
    unit: (String, &'static str),
    limit: String,
    step: String,
}

struct Stands {
    in_use: bool,
    used: String,
    left: Option<String>,
    share: u64,
}

struct CardRow {
    card: Card,
    words: String,
    since: String,
}

pub(super) async fn show(State(desk): State<Desk>, asked: Asked) -> Response {
    match desk.status().await {
        Ok(status) => shown(&page(asked, &status)),
        Err(error) => Sorry { asked, why: Why::Api(error), back: "/admin".into() }.into_response(),
    }
}

/// What a card is told from others by: “wlan0 (Harbour)”, or “wwan0, SIM …1234, roaming”.
pub(super) fn card_words(t: Text, card: &Card) -> String {
    let interface = safe(&card.interface);
    match (&card.sim, &card.network) {
        (Some(sim), _) => {
            let skipped = sim.chars().count().saturating_sub(4);
            let digits: String = sim.chars().skip(skipped).collect();
            let sim = t.one("card-sim", "digits", safe(&digits));
            let roaming = match card.roaming {
                Some(true) => format!(", {}", t.say("card-roaming")),
                Some(false) => String::new(),
                None => format!(", {}", t.say("card-roaming-unknown")),
            };
            format!("{interface}, {sim}{roaming}")
        }
        (None, Some(network)) => format!("{interface} ({})", safe(network)),
        (None, None) => interface,
    }
}

fn page(asked: Asked, status: &Status) -> Page {
    let (t, plan) = (asked.t, &status.plan);
    let zone = show::zone(&plan.zone);
    let mut parts: Vec<_> =
        plan.parts.iter().enumerate().map(|(n, part)| part_fields(n, &part.part, Some(part))).collect();
    let empty = Part { cap: None, ..Part::default() };
    parts.push(part_fields(parts.len(), &empty, None));
    let card = |card: &Card| CardRow {
        words: card_words(t, card),
        since: show::time(card.since, &zone),
        card: card.clone(),
    };
    Page {
        used: show::bytes(plan.billed),
        left: plan.balance.map(show::bytes),
        share: plan.cap.map_or(1000, |cap| thousandths(plan.balance.unwrap_or(0), cap)),
        until: plan.ends.map(|ends| show::day(show::civil(ends.saturating_sub(1), &zone).date(), t.0)),
        asks_for: plan.asks_for.clone(),
        currency: plan.terms.currency.clone().unwrap_or_default(),
        vat: plan.terms.vat_permille.map(|vat| format!("{}.{}", vat / 10, vat % 10)).unwrap_or_default(),
        vat_included: plan.terms.vat_included,
        fee: plan.terms.fee.clone().unwrap_or_default(),
        zone: plan.zone.clone(),
        period: period_fields(Some(&plan.period)),
        parts,
        carrier: plan.carrier.as_ref().and_then(|carrier| counts(t, carrier)),
        cards: status.cards.iter().map(card).collect(),
        f: asked.frame("/admin/plan"),
    }
}

/// By how much the carrier counts otherwise, and how sure that is.
fn counts(t: Text, carrier: &hotshare_api::Carrier) -> Option<String> {
    let sure = match carrier.confidence {
        Confidence::Nothing | Confidence::Unknown => return None,
        Confidence::Low => "sure-low",
        Confidence::Fair => "sure-fair",
        Confidence::Good => "sure-good",
    };
    let percent = i32::from(carrier.factor) - 1000;
    let sign = if percent < 0 { "−" } else { "+" };
    let percent = format!("{sign}{}.{}", percent.abs() / 10, percent.abs() % 10);
    Some(t.with(
        "carrier-counts",
        &[
            ("percent", percent.into()),
            ("sure", t.say(sure).into()),
            ("kept", show::bytes(carrier.kept).into()),
        ],
    ))
}

fn period_fields(period: Option<&Period>) -> PeriodFields {
    match period {
        None => PeriodFields { kind: "plan", day: "1".into(), ..PeriodFields::default() },
        Some(Period::Monthly { day }) => {
            PeriodFields { kind: "monthly", day: day.to_string(), ..PeriodFields::default() }
        }
        Some(Period::EveryDays { days, from }) => PeriodFields {
            kind: "every-days",
            days: days.to_string(),
            from: from.clone(),
            day: "1".into(),
            ..PeriodFields::default()
        },
        Some(Period::Once { from, until }) => PeriodFields {
            kind: "once",
            from: from.clone(),
            until: until.clone(),
            day: "1".into(),
            ..PeriodFields::default()
        },
    }
}

fn part_fields(n: usize, part: &Part, status: Option<&PartStatus>) -> PartFields {
    let (unused, most) = match part.unused {
        Unused::Lost {} => ("lost", None),
        Unused::NextPeriod {} => ("next-period", None),
        Unused::Kept { most } => ("kept", Some(most)),
    };
    let amount = |bytes: Option<u64>| bytes.map_or((String::new(), "GB"), amount_text);
    let pay = part.pay.as_ref();
    let stands = |status: &PartStatus| Stands {
        in_use: status.in_use,
        used: show::bytes(status.used),
        left: status.balance.map(show::bytes),
        share: part.cap.map_or(1000, |cap| thousandths(status.balance.unwrap_or(0), cap)),
    };
    PartFields {
        n,
        stands: status.map(stands),
        name: part.name.clone(),
        cap: amount(part.cap),
        period: period_fields(part.period.as_ref()),
        unused,
        most: amount(most),
        hours: windows_text(part.hours.as_deref().unwrap_or_default()),
        kbit: part.rate.map(|rate| (rate.saturating_mul(8) / 1000).to_string()).unwrap_or_default(),
        people: part.people.as_ref().map(|people| people.join(", ")).unwrap_or_default(),
        sites: part.sites.join(", "),
        price: pay.map(|pay| pay.price.clone()).unwrap_or_default(),
        unit: amount(pay.map(|pay| pay.unit)),
        limit: pay.map(|pay| pay.limit.clone()).unwrap_or_default(),
        step: pay.map(|pay| pay.step.clone()).unwrap_or_default(),
    }
}

pub(super) async fn change(State(desk): State<Desk>, asked: Asked, Form(fields): Form<Fields>) -> Response {
    let result = async {
        let _done: Done = desk.api.send(Method::PATCH, path::PLAN, &wanted(&fields)?).await?;
        Ok(())
    };
    let result = result.await;
    done(asked, "/admin/plan", result)
}

/// The whole of the form: the plan as it shall be.
fn wanted(fields: &Fields) -> Result<PlanChange, Unclear> {
    const VAT: Unclear = Unclear { what: "unclear-number" };
    let vat = fields
        .filled("vat")
        .map(|text| text.replace(',', ".").parse::<f64>().map_err(|_| VAT))
        .transpose()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
    let permille = |vat: f64| (0.0..=100.0).contains(&vat).then(|| (vat * 10.0).round() as u16).ok_or(VAT);
    let mut parts = Vec::new();
    for n in 0..MOST_PARTS {
        // A part without a name is taken away, or was never filled in.
        if fields.is_set(&format!("{n}.name")) {
            parts.push(part(fields, n)?);
        }
    }
    Ok(PlanChange {
        period: period(fields, "")?,
        zone: fields.filled("zone").map(str::to_owned),
        parts: Some(parts),
        terms: Some(Terms {
            currency: fields.filled("currency").map(str::to_owned),
            vat_permille: vat.map(permille).transpose()?,
            vat_included: fields.is_set("vat-included"),
            fee: fields.filled("fee").map(str::to_owned),
        }),
        ..PlanChange::default()
    })
}

fn part(fields: &Fields, n: usize) -> Result<Part, Unclear> {
    let at = |name: &str| format!("{n}.{name}");
    let text = |name: &str| fields.text(&at(name)).to_owned();
    let hours = fields.windows(&at("hours"))?;
    let people = fields.list(&at("people"));
    let pay = if fields.is_set(&at("price")) {
        let unit = fields.bytes(&at("unit"))?.ok_or(AMOUNT)?;
        Some(Pay { price: text("price"), unit, limit: text("limit"), step: text("step") })
    } else {
        None
    };
    Ok(Part {
        name: text("name"),
        cap: fields.bytes(&at("cap"))?,
        period: period(fields, &at(""))?,
        unused: match fields.text(&at("unused")) {
            "next-period" => Unused::NextPeriod {},
            "kept" => Unused::Kept { most: fields.bytes(&at("most"))?.ok_or(AMOUNT)? },
            _ => Unused::Lost {},
        },
        hours: Some(hours).filter(|hours| !hours.is_empty()),
        rate: fields.rate(&at("kbit"))?,
        pay,
        people: Some(people).filter(|people| !people.is_empty()),
        sites: fields.list(&at("sites")),
    })
}

/// `None`: with the plan.
fn period(fields: &Fields, at: &str) -> Result<Option<Period>, Unclear> {
    const NUMBER: Unclear = Unclear { what: "unclear-number" };
    const DATE: Unclear = Unclear { what: "unclear-date" };
    let field = |name: &str| format!("{at}{name}");
    let date = |name: &str| Ok::<_, Unclear>(fields.date(&field(name))?.ok_or(DATE)?.to_string());
    Ok(match fields.text(&field("period")) {
        "monthly" => Some(Period::Monthly { day: fields.number(&field("day"))?.ok_or(NUMBER)? }),
        "every-days" => Some(Period::EveryDays {
            days: fields.number(&field("days"))?.ok_or(NUMBER)?,
            from: date("from")?,
        }),
        "once" => Some(Period::Once { from: date("from")?, until: date("until")? }),
        _ => None,
    })
}

pub(super) async fn correct(State(desk): State<Desk>, asked: Asked, Form(fields): Form<Fields>) -> Response {
    let result = async {
        let used = fields.bytes("used")?.ok_or(AMOUNT)?;
        let corrected: Result<Corrected, ApiError> =
            desk.api.send(Method::POST, path::PLAN_CORRECT, &PlanCorrection { used }).await;
        corrected.map_err(Why::Api)
    };
    let result = result.await;
    done(asked, "/admin/plan", result)
}

pub(super) async fn agree(State(desk): State<Desk>, asked: Asked, Form(fields): Form<Fields>) -> Response {
    let money = fields.text("money").to_owned();
    let agreed: Changed = desk.api.send(Method::POST, path::PLAN_AGREE, &Agreement { money }).await;
    done(asked, "/admin/plan", agreed.map_err(Why::Api))
}

pub(super) async fn card(
    State(desk): State<Desk>,
    Path((number, action)): Path<(u32, String)>,
    asked: Asked,
) -> Response {
    let changed: Changed = match action.as_str() {
        "agree" => desk.api.send(Method::POST, &path::card_agree(number), &()).await,
        "forget" => desk.api.send(Method::DELETE, &path::card(number), &()).await,
        _ => {
            let why = Why::Unclear(Unclear { what: "fail-no-such-path" });
            return Sorry { asked, why, back: "/admin/plan".into() }.into_response();
        }
    };
    done(asked, "/admin/plan", changed.map_err(Why::Api))
}
