//! Statements: sums of the ledger's entries by account and kind, beside what was counted.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use hotshare_api::{self as api, Code, StatementEntry, StatementPart, StatementPerson, Sums};
use hotshare_core::ask::Status;
use hotshare_core::ledger::{Entry, EntryKind, PeriodKey};
use hotshare_core::meter::Usage;
use hotshare_core::money::Money;
use hotshare_core::plan::{PeriodSpan, Phase};
use hotshare_core::units::{Account, BucketId, Bytes, PersonId, UnixTime};
use hotshare_store::{By, Names, Posted, UsageRow, Whose};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;

use super::AppState;
use super::failure::No;
use super::reports::{Asked, unclear};
use super::routes::Reply;
use super::{rules, translate};

/// The ledger's rows that one statement can be made of.
const MOST_ENTRIES: u32 = 200_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatementQuery {
    /// Unix time; when not given, now.
    at: Option<i64>,
    /// With all entries.
    entries: Option<bool>,
}

/// What a period of the plan came to, from the ledger's entries.
#[utoipa::path(
    get, path = api::path::STATEMENT, tag = "reports", params(StatementQuery),
    responses((status = 200, body = api::Statement), (status = 500, description = "`not-read`"))
)]
pub(super) async fn statement(
    State(state): State<AppState>,
    query: Asked<StatementQuery>,
) -> Reply<api::Statement> {
    let query = query.map_err(unclear)?.0;
    state.flush().await?;
    let status = state.status().await?;
    let plan = &status.plan.plan;
    let at = UnixTime(query.at.unwrap_or(status.at.0));
    let Phase::Running(span) = plan.at(at) else {
        return Err(No::new(Code::BadRequest, "no period of the plan runs at that time; choose another day"));
    };
    let until = span.ends.unwrap_or(UnixTime(i64::MAX));
    let end = span.ends.map_or(PeriodKey(i32::MAX), |ends| plan.zone.day(ends));
    let zone = plan.zone.clone();
    let (entries, names, usage) = state
        .read(move |reader| {
            let entries = reader.entries_of(span.key..end, span.begins..until, MOST_ENTRIES + 1)?;
            Ok((entries, reader.names()?, reader.usage(By::Person, span.begins, until, &zone)?))
        })
        .await?;
    if entries.len() > usize::try_from(MOST_ENTRIES).unwrap_or(usize::MAX) {
        return Err(No::new(Code::Busy, "this period has too many entries for one statement"));
    }
    let rows = query.entries.unwrap_or(false).then(|| entries.iter().map(|row| told(row, &names)).collect());
    Ok(Json(api::Statement { entries: rows, ..whole(&status, span, &entries, &names, usage) }))
}

fn whole(
    status: &Status,
    span: PeriodSpan,
    entries: &[Posted],
    names: &Names,
    usage: Vec<UsageRow>,
) -> api::Statement {
    let (mut parts, mut people) = (BTreeMap::<BucketId, Sums>::new(), BTreeMap::<PersonId, Sums>::new());
    for Posted { entry, .. } in entries {
        let sums = match entry.account {
            Account::Bucket(id) | Account::BucketCredit(id) => parts.entry(id).or_default(),
            Account::Person(id) | Account::PersonCredit(id) => people.entry(id).or_default(),
        };
        add(sums, entry);
    }
    let mut billed = Usage::default();
    let mut used = BTreeMap::<PersonId, Usage>::new();
    for row in usage {
        match row.whose {
            Whose::Plan => billed += row.usage,
            Whose::Person { id, .. } | Whose::Device { id, .. } => *used.entry(id).or_default() += row.usage,
            Whose::Everyone => {}
        }
    }
    let delivered: Bytes = used.values().map(Usage::total).sum();
    for id in used.keys() {
        people.entry(*id).or_default();
    }
    let parts: Vec<StatementPart> =
        parts.into_iter().map(|(id, sums)| part(status, id, sums, names)).collect();
    let terms = rules::terms_told(&status.plan.plan.terms);
    api::Statement {
        schema: api::SCHEMA,
        at: status.at.0,
        begins: span.begins.0,
        ends: span.ends.map(|ends| ends.0),
        zone: status.plan.plan.zone.name().to_owned(),
        money: money(status, &parts),
        terms,
        billed_up: billed.up.0,
        billed_down: billed.down.0,
        delivered: delivered.0,
        refused: billed.refused_down.0,
        own: billed.total().saturating_sub(delivered).saturating_sub(billed.refused_down).0,
        parts,
        people: people
            .into_iter()
            .map(|(id, sums)| person(status, id, sums, used.get(&id).copied().unwrap_or_default(), names))
            .collect(),
        entries: None,
    }
}

fn add(sums: &mut Sums, entry: &Entry) {
    let bytes = entry.bytes;
    let (kind, all) = match entry.kind {
        EntryKind::Grant => (&mut sums.granted, &mut sums.used),
        EntryKind::Return => (&mut sums.returned, &mut sums.used),
        EntryKind::Overrun => (&mut sums.overrun, &mut sums.used),
        EntryKind::Correction => (&mut sums.corrected, &mut sums.used),
        EntryKind::TopUp => (&mut sums.top_ups, &mut sums.on_top),
        EntryKind::Gift if bytes < 0 => (&mut sums.gifts_out, &mut sums.on_top),
        EntryKind::Gift => (&mut sums.gifts_in, &mut sums.on_top),
        EntryKind::Loan if bytes < 0 => (&mut sums.loans_out, &mut sums.on_top),
        EntryKind::Loan => (&mut sums.loans_in, &mut sums.on_top),
        EntryKind::RollOver => (&mut sums.rolled_over, &mut sums.on_top),
        EntryKind::Bought => (&mut sums.bought, &mut sums.on_top),
    };
    *kind = kind.saturating_add(bytes);
    *all = all.saturating_add(bytes);
}

fn part(status: &Status, id: BucketId, sums: Sums, names: &Names) -> StatementPart {
    let bucket = status.plan.plan.buckets.iter().find(|bucket| bucket.id == id);
    let price = bucket.and_then(|bucket| bucket.pay).map(|pay| pay.price);
    StatementPart {
        name: part_name(id, names),
        cap: bucket.and_then(|bucket| bucket.cap).map(|cap| cap.0),
        bought: price
            .and_then(|price| price.of(Bytes::from_signed(sums.bought)))
            .map(|money| money.to_string()),
        sums,
    }
}

fn person(status: &Status, id: PersonId, sums: Sums, usage: Usage, names: &Names) -> StatementPerson {
    let name = person_name(id, names);
    let now = status.people.iter().find(|person| person.name.as_str() == name).map(translate::person);
    StatementPerson {
        allowance: now.as_ref().and_then(|now| now.allowance),
        allowance_every: now.as_ref().and_then(|now| now.allowance_every),
        fair: now.is_some_and(|now| now.fair),
        name,
        sums,
        up: usage.up.0,
        down: usage.down.0,
        refused_up: usage.refused_up.0,
        refused_down: usage.refused_down.0,
    }
}

/// The fee, and what was bought.
fn money(status: &Status, parts: &[StatementPart]) -> Option<String> {
    let fee = status.plan.plan.terms.fee;
    let bought =
        parts.iter().filter_map(|part| part.bought.as_deref()).filter_map(|m| crate::money::amount(m).ok());
    let all: Vec<Money> = fee.into_iter().chain(bought).collect();
    (!all.is_empty()).then(|| Money(all.iter().fold(0, |sum, m| m.0.saturating_add(sum))).to_string())
}

fn part_name(id: BucketId, names: &Names) -> String {
    let found = names.parts.iter().find(|(other, _)| *other == id);
    found.map_or_else(|| format!("part {}", id.0), |(_, name)| name.clone())
}

fn person_name(id: PersonId, names: &Names) -> String {
    let found = names.people.iter().find(|(other, _)| *other == id);
    found.map_or_else(|| format!("person {}", id.0), |(_, name)| name.clone())
}

fn told(Posted { id, entry }: &Posted, names: &Names) -> StatementEntry {
    let (part, person, on_top) = match entry.account {
        Account::Bucket(id) => (Some(part_name(id, names)), None, false),
        Account::BucketCredit(id) => (Some(part_name(id, names)), None, true),
        Account::Person(id) => (None, Some(person_name(id, names)), false),
        Account::PersonCredit(id) => (None, Some(person_name(id, names)), true),
    };
    let kind = match entry.kind {
        EntryKind::Grant => "grant",
        EntryKind::Return => "return",
        EntryKind::Overrun => "overrun",
        EntryKind::Correction => "correction",
        EntryKind::TopUp => "top-up",
        EntryKind::Gift => "gift",
        EntryKind::Loan => "loan",
        EntryKind::RollOver => "roll-over",
        EntryKind::Bought => "bought",
    };
    let day = |key: PeriodKey| Date::constant(1970, 1, 1).checked_add(i64::from(key.0).days()).ok();
    StatementEntry {
        id: *id,
        at: entry.at.0,
        part,
        person,
        on_top,
        period: (entry.period != PeriodKey::ALWAYS)
            .then(|| day(entry.period))
            .flatten()
            .map(|day| day.to_string()),
        kind: kind.to_owned(),
        bytes: entry.bytes,
    }
}
