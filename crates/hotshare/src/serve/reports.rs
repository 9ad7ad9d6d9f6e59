//! What was: read from the store on a connection of its own, so that a long report holds nothing up.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use hotshare_api::{self as api, Code};
use hotshare_core::ask::Ask;
use hotshare_core::diary::Facts;
use hotshare_core::meter::Usage;
use hotshare_core::units::{Bytes, UnixTime};
use hotshare_store::{By, Reader, StoreError, UsageRow, Whose};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::failure::No;
use super::routes::Reply;
use super::{AppState, translate};
use crate::zone;

/// The diary's lines that one reply holds at most: all that are kept.
const MOST_EVENTS: u32 = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageQuery {
    /// What there is a row for; when not given, people.
    by: Option<api::By>,
    /// Unix time; when not given, the beginning of the plan's present period.
    since: Option<i64>,
    /// Unix time, exclusive; when not given, now.
    until: Option<i64>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Unix time; when not given, everything.
    since: Option<i64>,
    /// The newest so many; when not given, all that are kept.
    #[param(maximum = 10_000)]
    limit: Option<u32>,
}

pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;

/// What was used, by person, device or day.
#[utoipa::path(
    get, path = api::path::USAGE, tag = "reports", params(UsageQuery),
    responses((status = 200, body = api::UsageReport), (status = 500, description = "`not-read`"))
)]
pub(super) async fn usage(
    State(state): State<AppState>,
    query: Asked<UsageQuery>,
) -> Reply<api::UsageReport> {
    let Query(query) = query.map_err(unclear)?;
    state.flush().await?;
    let status = state.status().await?;
    let by = query.by.unwrap_or(api::By::Person);
    let since = query.since.unwrap_or(status.plan.begins.0);
    // The present second belongs to it.
    let until = query.until.unwrap_or(status.at.0.saturating_add(1));
    if since >= until {
        return Err(No::new(Code::BadRequest, "`since` must be before `until`"));
    }
    let zone = status.plan.plan.zone.clone();
    let rules = zone::rules(zone.name());
    let read_by = match by {
        api::By::Person => By::Person,
        api::By::Device => By::Device,
        api::By::Day => By::Day,
        api::By::Hour => By::Hour,
    };
    let rows =
        state.read(move |reader| reader.usage(read_by, UnixTime(since), UnixTime(until), &zone)).await?;
    let (rows, total) = report(by, rows, &rules);
    Ok(Json(api::UsageReport { schema: api::SCHEMA, by, since, until, rows, total }))
}

/// The diary, oldest first.
#[utoipa::path(
    get, path = api::path::EVENTS, tag = "reports", params(EventsQuery),
    responses(
        (status = 200, body = api::Events),
        (status = 400, description = "`bad-request`, also of a limit above what one reply holds"),
        (status = 500, description = "`not-read`"),
    )
)]
pub(super) async fn events(State(state): State<AppState>, query: Asked<EventsQuery>) -> Reply<api::Events> {
    let Query(query) = query.map_err(unclear)?;
    let limit = limited(query.limit, MOST_EVENTS, MOST_EVENTS)?;
    state.flush().await?;
    let since = UnixTime(query.since.unwrap_or(i64::MIN));
    let mut events = state.read(move |reader| reader.events(since, limit)).await?;
    events.reverse();
    let events = events
        .into_iter()
        .map(|event| api::Event {
            at: event.at.0,
            kind: event.kind,
            text: event.text,
            facts: facts_told(event.facts),
        })
        .collect();
    Ok(Json(api::Events { schema: api::SCHEMA, events }))
}

/// How many rows a reply is to hold. Whoever asks for more than it can would take a part for the whole.
pub(super) fn limited(asked: Option<u32>, usual: u32, most: u32) -> Result<u32, No> {
    match asked {
        Some(asked) if asked > most => Err(No::new(
            Code::BadRequest,
            format!(
                "`limit` is {asked}, and one reply holds at most {most}: write a smaller one, or leave it out"
            ),
        )),
        asked => Ok(asked.unwrap_or(usual)),
    }
}

pub(super) fn facts_told(facts: Facts) -> api::EventFacts {
    api::EventFacts {
        person: facts.person,
        other: facts.other,
        device: facts.device.map(|mac| mac.to_string()),
        claim: facts.claim,
        interface: facts.interface,
        card: facts.card.map(|card| card.0),
        bytes: facts.bytes.map(|bytes| bytes.0),
        limit: facts.limit.map(|bytes| bytes.0),
        percent: facts.percent,
        count: facts.count,
        seconds: facts.seconds,
        ends: facts.ends.map(|ends| ends.0),
        sites: facts.sites,
        passkey: facts.passkey,
        money: facts.money,
        channel: facts.channel.map(|channel| channel.word().to_owned()),
        why: facts.why.map(translate::why_told),
        reason: facts.reason,
        alert: facts.alert.map(|alert| alert.0),
    }
}

pub(super) fn unclear(rejection: QueryRejection) -> No {
    No::new(Code::BadRequest, format!("the query cannot be used: {}", rejection.body_text()))
}

impl AppState {
    /// What was counted up to now is in the store afterwards. If the store cannot take it, the report says
    /// what is there: the status tells that the ledger is stuck.
    pub(super) async fn flush(&self) -> Result<(), No> {
        match self.ask(Ask::Flush).await {
            Err(no) if no.is(Code::NotWritten) => Ok(()),
            answered => answered.map(|_| ()),
        }
    }

    /// Reads a report beside the runtime's thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        report: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, No> {
        let path = self.ledger_path.clone();
        let read = tokio::task::spawn_blocking(move || report(&Reader::open(&path)?));
        match tokio::time::timeout(self.limits.report_time, read).await {
            Ok(Ok(Ok(report))) => Ok(report),
            Ok(Ok(Err(e))) => Err(No::new(Code::NotRead, e.to_string())),
            Ok(Err(_)) => Err(No::new(Code::NotRead, "the report was given up; the daemon's log tells why")),
            Err(_) => Err(No::new(Code::Busy, "the report took too long; ask for a shorter time")),
        }
    }
}

/// Rows and sums. The plan's rows are no rows of their own: they are what was billed.
fn report(by: api::By, read: Vec<UsageRow>, zone: &TimeZone) -> (Vec<api::UsageRow>, api::Totals) {
    let mut billed = Usage::default();
    let mut delivered = Bytes::ZERO;
    let mut rows: Vec<api::UsageRow> = Vec::new();
    let mut of_time = std::collections::BTreeMap::new();
    for UsageRow { begins, whose, usage } in read {
        let (key, person) = match whose {
            Whose::Plan => {
                billed += usage;
                if let Some(begins) = begins {
                    of_time.insert(time(by, begins, zone), usage.total());
                }
                continue;
            }
            Whose::Everyone => (begins.map_or_else(String::new, |at| time(by, at, zone)), None),
            Whose::Person { name, .. } => (name, None),
            Whose::Device { mac, name, .. } => (mac.to_string(), Some(name)),
        };
        delivered += usage.total();
        rows.push(row(key, person, &usage));
    }
    match by {
        api::By::Day | api::By::Hour => {
            for row in &mut rows {
                row.billed = Some(of_time.remove(&row.key).map_or(0, |billed| billed.0));
            }
            // A day on which only the hotspot itself used something is a day too.
            for (then, billed) in of_time {
                rows.push(api::UsageRow { billed: Some(billed.0), ..row(then, None, &Usage::default()) });
            }
            rows.sort_by(|a, b| a.key.cmp(&b.key));
        }
        api::By::Person | api::By::Device => {
            rows.sort_by_key(|row| std::cmp::Reverse(row.up.saturating_add(row.down)));
        }
    }
    let own = billed.total().saturating_sub(delivered).saturating_sub(billed.refused_down);
    let total = api::Totals {
        billed_up: billed.up.0,
        billed_down: billed.down.0,
        delivered: delivered.0,
        refused: billed.refused_down.0,
        own: own.0,
    };
    (rows, total)
}

fn row(key: String, person: Option<String>, usage: &Usage) -> api::UsageRow {
    api::UsageRow {
        key,
        person,
        up: usage.up.0,
        down: usage.down.0,
        refused_up: usage.refused_up.0,
        refused_down: usage.refused_down.0,
        billed: None,
    }
}

/// A day, or an hour with its distance from UTC: in autumn one comes twice.
fn time(by: api::By, at: UnixTime, zone: &TimeZone) -> String {
    let at = Timestamp::from_second(at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    if by == api::By::Hour { at.strftime("%Y-%m-%dT%H:%M%:z").to_string() } else { at.date().to_string() }
}
