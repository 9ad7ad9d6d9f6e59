//! The plan and its parts as rows.

use std::collections::BTreeSet;

use hotshare_core::card::Card;
use hotshare_core::money::{Currency, Money, Price, Vat};
use hotshare_core::plan::{
    Bucket, Date, Hours, Only, Pay, Period, Plan, SiteName, Terms, Unused, Window, Zone,
};
use hotshare_core::sim::Sim;
use hotshare_core::units::{BucketId, Bytes, CardId, PersonName, Rate, UnixTime};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::columns::{self, strange};
use crate::commit::run;

/// Kind, days, from and until.
type PeriodColumns = (&'static str, Option<u16>, Option<String>, Option<String>);

fn from_period(period: Period) -> PeriodColumns {
    match period {
        Period::Monthly { day } => ("monthly", Some(u16::from(day)), None, None),
        Period::EveryDays { days, from } => ("every-days", Some(days), Some(from.to_string()), None),
        Period::Once { from, until } => ("once", None, Some(from.to_string()), Some(until.to_string())),
    }
}

/// From four columns.
fn period(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Period>> {
    let kind: Option<String> = row.get(column)?;
    Ok(match kind.as_deref() {
        None => None,
        Some("monthly") => Some(Period::Monthly { day: row.get(column + 1)? }),
        Some("every-days") => {
            Some(Period::EveryDays { days: row.get(column + 1)?, from: date(row, column + 2)? })
        }
        Some("once") => Some(Period::Once { from: date(row, column + 2)?, until: date(row, column + 3)? }),
        Some(other) => return Err(strange(column, "period", other)),
    })
}

fn date(row: &Row<'_>, column: usize) -> rusqlite::Result<Date> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| strange(column, "date", text))
}

pub(crate) fn from_hours(hours: &Hours) -> String {
    let lines: Vec<String> = hours.0.iter().map(|w| format!("{} {} {}", w.days, w.from, w.until)).collect();
    lines.join("\n")
}

/// `None` is none.
pub(crate) fn hours(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Hours>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    let window = |line: &str| {
        let numbers: Vec<u16> = line.split(' ').map_while(|number| number.parse().ok()).collect();
        let &[days, from, until] = &numbers[..] else { return Err(strange(column, "window", line)) };
        let days = u8::try_from(days).map_err(|_| strange(column, "window", line))?;
        Ok(Window { days, from, until })
    };
    text.lines().map(window).collect::<Result<_, _>>().map(|windows| Some(Hours(windows)))
}

/// The card that is in.
fn card_in(conn: &Connection) -> rusqlite::Result<u32> {
    conn.query_row("SELECT card FROM kept", [], |row| row.get(0))
}

pub(crate) fn put_card(tx: &Transaction<'_>, card: &Card) -> rusqlite::Result<()> {
    let Card { id, interface, network, sim, agreed, since } = card;
    let (number, roaming) = sim.as_ref().map(|sim| (&sim.number, sim.roaming)).unzip();
    run(
        tx,
        "INSERT OR REPLACE INTO cards (id, interface, network, sim, roaming, agreed, since)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![id.0, interface, network, number, roaming.flatten(), agreed, since.0],
    )
}

pub(crate) fn forget_card(tx: &Transaction<'_>, CardId(id): CardId) -> rusqlite::Result<()> {
    run(tx, "UPDATE buckets SET place = NULL WHERE card = ?", [id])?;
    run(tx, "DELETE FROM plan WHERE id = ?", [id])?;
    run(tx, "UPDATE cards SET gone = 1 WHERE id = ?", [id])
}

/// All cards, and which of them is in; `None`: the first, of which nothing is known yet.
pub(crate) fn cards(conn: &Connection) -> rusqlite::Result<(Vec<Card>, Option<CardId>)> {
    const CARDS: &str =
        "SELECT id, interface, network, agreed, since, sim, roaming FROM cards WHERE NOT gone ORDER BY id";
    let card = |row: &Row<'_>| {
        Ok(Card {
            id: CardId(row.get(0)?),
            interface: row.get(1)?,
            network: row.get(2)?,
            sim: match row.get(5)? {
                Some(number) => Some(Sim { number, roaming: row.get(6)? }),
                None => None,
            },
            agreed: row.get(3)?,
            since: UnixTime(row.get(4)?),
        })
    };
    let cards: Vec<Card> = conn.prepare(CARDS)?.query_map([], card)?.collect::<Result<_, _>>()?;
    let card = CardId(card_in(conn)?);
    let is_known = card != CardId::FIRST || cards.iter().any(|known| known.id == card);
    Ok((cards, is_known.then_some(card)))
}

/// Writes the plan of the card that is in.
pub(crate) fn put(tx: &Transaction<'_>, plan: &Plan) -> rusqlite::Result<()> {
    let card = card_in(tx)?;
    let (period, days, from, until) = from_period(plan.period);
    let Terms { currency, vat, fee } = plan.terms;
    tx.prepare_cached(
        "INSERT INTO plan (id, cap, period, days, from_date, until_date, zone, zone_rules, at_cap, currency, vat,
             vat_included, fee)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'stop', ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET cap = excluded.cap, period = excluded.period, days = excluded.days,
             from_date = excluded.from_date, until_date = excluded.until_date,
             zone = excluded.zone, zone_rules = excluded.zone_rules, currency = excluded.currency,
             vat = excluded.vat, vat_included = excluded.vat_included, fee = excluded.fee",
    )?
    .execute(params![
        card,
        plan.cap().map(columns::from_counter),
        period,
        days,
        from,
        until,
        plan.zone.name(),
        plan.zone.tzif(),
        currency.map(|currency| String::from_utf8_lossy(&currency.0).into_owned()),
        vat.map(|vat| vat.permille),
        vat.map(|vat| vat.included),
        fee.map(|fee| fee.0),
    ])?;
    run(tx, "UPDATE buckets SET place = NULL WHERE card = ?", [card])?;
    plan.buckets.iter().enumerate().try_for_each(|(place, bucket)| put_bucket(tx, card, place, bucket))
}

fn put_bucket(tx: &Transaction<'_>, card: u32, place: usize, bucket: &Bucket) -> rusqlite::Result<()> {
    let (period, days, from, until) = bucket.period.map_or((None, None, None, None), |period| {
        let (kind, days, from, until) = from_period(period);
        (Some(kind), days, from, until)
    });
    let (unused, most) = match bucket.unused {
        Unused::Lost => ("lost", None),
        Unused::NextPeriod => ("next-period", None),
        Unused::Kept { most } => ("kept", Some(columns::from_counter(most))),
    };
    let people = bucket.only.people.as_ref().map(|people| {
        let names: Vec<&str> = people.iter().map(PersonName::as_str).collect();
        names.join("\n")
    });
    let sites = bucket.sites().map(|sites| {
        let names: Vec<&str> = sites.iter().map(SiteName::as_str).collect();
        names.join("\n")
    });
    tx.prepare_cached(
        "INSERT OR REPLACE INTO buckets (id, place, name, cap, period, days, from_date, until_date, unused,
             kept_most, hours, rate, price, unit, money_limit, money_step, people, since, card, sites)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        bucket.id.0,
        i64::try_from(place).unwrap_or(i64::MAX),
        bucket.name,
        bucket.cap.map(columns::from_counter),
        period,
        days,
        from,
        until,
        unused,
        most,
        bucket.hours.as_ref().map(from_hours),
        bucket.rate.map(|rate| columns::from_counter(Bytes(rate.0))),
        bucket.pay.map(|pay| pay.price.money.0),
        bucket.pay.map(|pay| columns::from_counter(pay.price.unit)),
        bucket.pay.map(|pay| pay.limit.0),
        bucket.pay.map(|pay| pay.step.0),
        people,
        bucket.since.0,
        card,
        sites,
    ])
    .map(drop)
}

/// The plan of the card that is in, and those of the others.
pub(crate) struct Plans {
    pub(crate) present: Option<Plan>,
    pub(crate) others: Vec<(CardId, Plan)>,
}

pub(crate) fn plans(conn: &Connection) -> rusqlite::Result<Plans> {
    let card = card_in(conn)?;
    let ids: Vec<u32> = conn
        .prepare("SELECT id FROM plan ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let others = ids.into_iter().filter(|id| *id != card);
    let others = others.filter_map(|id| Some(plan(conn, id).transpose()?.map(|plan| (CardId(id), plan))));
    Ok(Plans { present: plan(conn, card)?, others: others.collect::<Result<_, _>>()? })
}

fn plan(conn: &Connection, card: u32) -> rusqlite::Result<Option<Plan>> {
    const PLAN: &str =
        "SELECT period, days, from_date, until_date, zone, zone_rules, currency, vat, vat_included, fee
        FROM plan WHERE id = ?";
    const BUCKETS: &str =
        "SELECT id, name, cap, unused, kept_most, hours, rate, price, unit, money_limit, money_step,
        people, since, period, days, from_date, until_date, sites FROM buckets
        WHERE card = ? AND place IS NOT NULL ORDER BY place";
    let mut buckets = conn.prepare(BUCKETS)?;
    let buckets: Vec<Bucket> = buckets.query_map([card], bucket)?.collect::<Result<_, _>>()?;
    let read = |row: &Row<'_>| {
        let (zone, rules): (String, Vec<u8>) = (row.get(4)?, row.get(5)?);
        Ok(Plan {
            period: period(row, 0)?.ok_or_else(|| strange(0, "period", "none"))?,
            zone: Zone::from_tzif(&zone, &rules).map_err(|e| strange(5, "time zone", e))?,
            buckets: buckets.clone(),
            terms: Terms {
                currency: currency(row, 6)?,
                vat: match row.get(7)? {
                    Some(permille) => Some(Vat { permille, included: row.get(8)? }),
                    None => None,
                },
                fee: row.get::<_, Option<i64>>(9)?.map(Money),
            },
        })
    };
    conn.query_row(PLAN, [card], read).optional()
}

fn currency(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Currency>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    let code = text.as_bytes().try_into().map_err(|_| strange(column, "currency", &text))?;
    Ok(Some(Currency(code)))
}

/// All 64 bits, or nothing.
fn counter(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Bytes>> {
    row.get(column).map(|n: Option<i64>| n.map(|n| Bytes(n.cast_unsigned())))
}

fn bucket(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    let unused: String = row.get(3)?;
    let most = counter(row, 4)?;
    let price: Option<i64> = row.get(7)?;
    let people: Option<String> = row.get(11)?;
    let name = |text: &str| text.parse::<PersonName>().map_err(|e| strange(11, "name", e));
    let people =
        people.map(|names| names.lines().map(name).collect::<Result<BTreeSet<_>, _>>()).transpose()?;
    let sites: Option<String> = row.get(17)?;
    let site = |text: &str| text.parse::<SiteName>().map_err(|e| strange(17, "site", e));
    let sites = sites.unwrap_or_default().lines().map(site).collect::<Result<BTreeSet<_>, _>>()?;
    Ok(Bucket {
        id: BucketId(row.get(0)?),
        name: row.get(1)?,
        cap: counter(row, 2)?,
        period: period(row, 13)?,
        unused: match (unused.as_str(), most) {
            ("lost", _) => Unused::Lost,
            ("next-period", _) => Unused::NextPeriod,
            ("kept", Some(most)) => Unused::Kept { most },
            (other, _) => return Err(strange(3, "rule for what is left over", other)),
        },
        hours: hours(row, 5)?,
        rate: counter(row, 6)?.map(|rate| Rate(rate.0)),
        pay: match price {
            Some(money) => Some(Pay {
                price: Price { money: Money(money), unit: counter(row, 8)?.unwrap_or_default() },
                limit: Money(row.get(9)?),
                step: Money(row.get(10)?),
            }),
            None => None,
        },
        only: Only { people, sites },
        since: UnixTime(row.get(12)?),
    })
}
