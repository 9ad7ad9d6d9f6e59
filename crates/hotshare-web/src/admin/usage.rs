//! Who used what, and when; and what a period came to.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use hotshare_api::{By, Statement, Status, Sums, UsageReport, UsageRow, path};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::fields::Unclear;
use super::live::thousandths;
use super::{Asked, Desk, Frame, Sorry, Why, shown};
use crate::chart;
use crate::show::{self, safe};

/// Which usage. Dates are the plan's civil ones, both included.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Wished {
    by: Option<By>,
    since: Option<String>,
    until: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/usage.html")]
struct Page {
    f: Frame,
    by: &'static str,
    since: String,
    until: String,
    /// The query of the same as CSV.
    query: String,
    chart: Option<String>,
    rows: Vec<Row>,
    billed: String,
    delivered: String,
    refused: String,
    own: String,
}

struct Row {
    key: String,
    person: Option<String>,
    total: String,
    up: String,
    down: String,
    refused: String,
    billed: Option<String>,
    /// Of the largest, in thousandths.
    share: u64,
}

pub(super) async fn show(State(desk): State<Desk>, asked: Asked, Query(wished): Query<Wished>) -> Response {
    match read(&desk, &wished).await {
        Ok((report, status)) => shown(&page(asked, &report, &status)),
        Err(why) => Sorry { asked, why, back: "/admin/usage".into() }.into_response(),
    }
}

/// The same, for a spreadsheet.
pub(super) async fn csv(State(desk): State<Desk>, asked: Asked, Query(wished): Query<Wished>) -> Response {
    match read(&desk, &wished).await {
        Ok((report, _)) => {
            let name = format!("attachment; filename=\"hotshare-{}.csv\"", word(report.by));
            let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
            (headers, report.csv()).into_response()
        }
        Err(why) => Sorry { asked, why, back: "/admin/usage".into() }.into_response(),
    }
}

fn word(by: By) -> &'static str {
    match by {
        By::Person => "person",
        By::Device => "device",
        By::Day => "day",
        By::Hour => "hour",
    }
}

async fn read(desk: &Desk, wished: &Wished) -> Result<(UsageReport, Status), Why> {
    const DATE: Unclear = Unclear { what: "unclear-date" };
    let status = desk.status().await?;
    let zone = show::zone(&status.plan.zone);
    let date = |text: &Option<String>| match text.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => text.parse::<Date>().map(Some).map_err(|_| DATE),
        None => Ok(None),
    };
    let begins =
        |date: Date| date.to_zoned(zone.clone()).map(|then| then.timestamp().as_second()).map_err(|_| DATE);
    let by = wished.by.unwrap_or(By::Person);
    let mut asked = format!("{}?by={}", path::USAGE, word(by));
    // Hours of a whole period are too many to look at: of the last two days, if nothing else is asked for.
    let since = match (date(&wished.since)?, by) {
        (Some(date), _) => begins(date)?,
        (None, By::Hour) => status.at - 2 * 86_400,
        (None, By::Person | By::Device | By::Day) => status.plan.begins.min(status.at),
    };
    asked += &format!("&since={since}");
    if let Some(until) = date(&wished.until)? {
        asked += &format!("&until={}", begins(until.tomorrow().map_err(|_| DATE)?)?);
    }
    Ok((desk.api.get(&asked).await?, status))
}

fn page(asked: Asked, report: &UsageReport, status: &Status) -> Page {
    let zone = show::zone(&status.plan.zone);
    let day = |at: i64| show::civil(at, &zone).date().to_string();
    let (since, until) = (day(report.since), day(report.until.saturating_sub(1)));
    let most = report.rows.iter().map(total).max().unwrap_or(0);
    let t = asked.t;
    let name = |row: &UsageRow| match report.by {
        By::Person => safe(&row.key),
        By::Device => status
            .devices
            .iter()
            .find(|device| device.mac == row.key)
            .and_then(|device| device.host_name.as_deref())
            .map_or_else(|| row.key.clone(), |name| format!("{} ({})", safe(name), row.key)),
        By::Day => row.key.clone(),
        By::Hour => row.key.replace('T', " ").chars().take(16).collect(),
    };
    let row = |row: &UsageRow| Row {
        key: name(row),
        person: row.person.as_deref().map(safe),
        total: show::bytes(total(row)),
        up: show::bytes(row.up),
        down: show::bytes(row.down),
        refused: show::bytes(row.refused_up.saturating_add(row.refused_down)),
        billed: row.billed.map(show::bytes),
        share: thousandths(total(row), most),
    };
    let bars: Vec<_> = report.rows.iter().map(|row| (short(report.by, &row.key), row.down, row.up)).collect();
    let chart = match report.by {
        By::Day | By::Hour => chart::bars(
            &t.with("chart-usage", &[("since", since.clone().into()), ("until", until.clone().into())]),
            &bars,
        ),
        By::Person | By::Device => None,
    };
    Page {
        by: word(report.by),
        query: format!("by={}&since={since}&until={until}", word(report.by)),
        since,
        until,
        chart,
        rows: report.rows.iter().map(row).collect(),
        billed: show::bytes(report.total.billed_up.saturating_add(report.total.billed_down)),
        delivered: show::bytes(report.total.delivered),
        refused: show::bytes(report.total.refused),
        own: show::bytes(report.total.own),
        f: asked.frame("/admin/usage"),
    }
}

fn total(row: &UsageRow) -> u64 {
    row.up.saturating_add(row.down)
}

/// What fits below a bar: the day of the month, or the hour.
fn short(by: By, key: &str) -> String {
    let part = if by == By::Hour { key.get(11..16) } else { key.get(5..10) };
    part.unwrap_or(key).to_owned()
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Then {
    at: Option<i64>,
}

#[derive(Template)]
#[template(path = "admin/statement.html")]
struct StatementPage {
    f: Frame,
    begins: String,
    ends: Option<String>,
    money: Option<String>,
    billed: String,
    delivered: String,
    refused: String,
    own: String,
    parts: Vec<Line>,
    people: Vec<Line>,
    before: i64,
    after: Option<i64>,
}

struct Line {
    name: String,
    used: String,
    granted: String,
    returned: String,
    corrected: String,
    on_top: String,
    bought: Option<String>,
    delivered: Option<String>,
}

/// What a period came to; every sum is one of ledger entries.
pub(super) async fn statement(State(desk): State<Desk>, asked: Asked, Query(then): Query<Then>) -> Response {
    let at = then.at.map(|at| format!("?at={at}")).unwrap_or_default();
    match desk.api.get::<Statement>(&format!("{}{at}", path::STATEMENT)).await {
        Ok(statement) => shown(&statement_page(asked, &statement)),
        Err(error) => Sorry { asked, why: Why::Api(error), back: "/admin/usage".into() }.into_response(),
    }
}

fn statement_page(asked: Asked, statement: &Statement) -> StatementPage {
    let zone: TimeZone = show::zone(&statement.zone);
    let day = |at: i64| show::day(show::civil(at, &zone).date(), asked.t.0);
    let currency = statement.terms.currency.as_deref().unwrap_or_default();
    let money = |money: &String| format!("{money} {}", safe(currency)).trim_end().to_owned();
    let line = |name: &str, sums: &Sums, bought: Option<String>, delivered: Option<u64>| Line {
        name: safe(name),
        used: signed(sums.used),
        granted: signed(sums.granted),
        returned: signed(sums.returned),
        corrected: signed(sums.corrected.saturating_add(sums.overrun)),
        on_top: signed(sums.on_top),
        bought,
        delivered: delivered.map(show::bytes),
    };
    StatementPage {
        begins: day(statement.begins),
        ends: statement.ends.map(|ends| day(ends.saturating_sub(1))),
        money: statement.money.as_ref().map(money),
        billed: show::bytes(statement.billed_up.saturating_add(statement.billed_down)),
        delivered: show::bytes(statement.delivered),
        refused: show::bytes(statement.refused),
        own: show::bytes(statement.own),
        parts: statement
            .parts
            .iter()
            .map(|part| line(&part.name, &part.sums, part.bought.as_ref().map(money), None))
            .collect(),
        people: statement
            .people
            .iter()
            .map(|person| line(&person.name, &person.sums, None, Some(person.up.saturating_add(person.down))))
            .collect(),
        before: statement.begins.saturating_sub(1),
        after: statement.ends.filter(|ends| *ends <= statement.at),
        f: asked.frame("/admin/usage"),
    }
}

fn signed(bytes: i64) -> String {
    let sign = if bytes < 0 { "−" } else { "" };
    format!("{sign}{}", show::bytes(bytes.unsigned_abs()))
}
