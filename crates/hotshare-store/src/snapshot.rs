//! Rows to everything the brain needs at start.

use hotshare_core::alert::AlertId;
use hotshare_core::keys::{Key, KeyId, KeyOwner, Passphrase};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::meter::{Reading, Usage};
use hotshare_core::people::{Allowance, AtEnd, Claim, Device, Person};
use hotshare_core::reconcile::{FIGURES, Figure};
use hotshare_core::record::{Granted, Leased, Snapshot, Tally, Wish};
use hotshare_core::units::{Bytes, CardId, PersonId, Rate, Slot, UnixTime};
use rusqlite::{Connection, Row};

use crate::columns::{self, strange};
use crate::error::StoreError;
use crate::open::Store;
use crate::outbox;
use crate::plans;

/// Sums of so many days are given one by one; those of older ones together.
const DAYS: i64 = 400;

impl Store {
    /// Everything that is kept and that decisions need. Totals are complete, whatever their age: a plan may
    /// run for years, and a clock that was wrong must not hide any.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.read().map_err(|e| self.error("read", e))
    }

    fn read(&self) -> rusqlite::Result<Snapshot> {
        // One transaction: all of it from one moment.
        let tx = self.conn.unchecked_transaction()?;
        let (clock, generation, last_person, last_key, last_alert) = tx.query_row(
            "SELECT clock, generation, (SELECT coalesce(max(id), 0) FROM people),
                 (SELECT coalesce(max(id), 0) FROM keys), last_alert FROM kept",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )?;
        let generation: Option<i64> = generation;
        let plans = plans::plans(&tx)?;
        let (cards, card) = plans::cards(&tx)?;
        Ok(Snapshot {
            plan: plans.present,
            cards,
            card,
            other_plans: plans.others,
            last_card: tx.query_row("SELECT coalesce(max(id), 0) FROM cards", [], |row| row.get(0))?,
            people: all(&tx, PEOPLE, person)?,
            devices: all(&tx, DEVICES, device)?,
            totals: all(&tx, TOTALS, |row| {
                Ok((columns::account(row, 0)?, PeriodKey(row.get(1)?), row.get(2)?))
            })?,
            spent: spent(&tx, clock)?,
            leases: all(&tx, LEASES, lease)?,
            clock: clock.map(UnixTime),
            generation: generation.map(i64::cast_unsigned),
            granted: all(&tx, GRANTED, |row| {
                let granted = Granted {
                    total: columns::counter(row, 1)?,
                    account: columns::account(row, 2)?,
                    period: PeriodKey(row.get(3)?),
                };
                Ok((Slot(row.get(0)?), granted))
            })?,
            settled: all(&tx, SETTLED, |row| Ok((Slot(row.get(0)?), reading(row)?)))?,
            last_person,
            keys: all(&tx, KEYS, key)?,
            last_key,
            wishes: all(&tx, "SELECT person, bytes, at FROM wishes ORDER BY person", |row| {
                let person = PersonId(row.get(0)?);
                Ok(Wish { person, bytes: columns::counter(row, 1)?, at: UnixTime(row.get(2)?) })
            })?,
            last_bucket: tx.query_row("SELECT coalesce(max(id), 0) FROM buckets", [], |row| row.get(0))?,
            figures: figures(&tx)?,
            marks: outbox::told(&tx)?,
            last_alert: AlertId(i64::cast_unsigned(last_alert)),
        })
    }
}

const PEOPLE: &str = "
    SELECT id, name, allowance, every, paused, slot, since, device_limit, fair, weight, slow_rate, bed_times, until
    FROM people WHERE NOT gone ORDER BY id";
const KEYS: &str = "SELECT id, person, passphrase, since, until FROM keys WHERE NOT gone ORDER BY id";
const DEVICES: &str =
    "SELECT mac, person, blocked, slot, host_name, first_seen, wireless, claim FROM devices ORDER BY mac";
const TOTALS: &str = "SELECT account, period, bytes FROM totals ORDER BY account, period";
const LEASES: &str = "SELECT mac, ip, client_id, host_name, expires FROM leases ORDER BY mac";
const GRANTED: &str = "SELECT slot, granted, granted_account, granted_period FROM slots
     WHERE granted IS NOT NULL AND granted_account IS NOT NULL ORDER BY slot";
const SETTLED: &str = "
    SELECT slot, read_granted, read_spent, up, down, refused_up, refused_down
    FROM slots WHERE settled ORDER BY slot";

fn all<T>(
    conn: &Connection,
    sql: &str,
    value: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    conn.prepare(sql)?.query_map([], value)?.collect()
}

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    let name: String = row.get(1)?;
    Ok(Person {
        id: PersonId(row.get(0)?),
        name: name.parse().map_err(|e| strange(1, "name", e))?,
        allowance: if row.get(8)? { Allowance::Fair } else { columns::allowance(row, 2)? },
        paused: row.get(4)?,
        slot: Slot(row.get(5)?),
        since: UnixTime(row.get(6)?),
        device_limit: row.get(7)?,
        weight: row.get(9)?,
        at_end: match row.get::<_, Option<i64>>(10)? {
            Some(rate) => AtEnd::Slow(Rate(rate.cast_unsigned())),
            None => AtEnd::Stop,
        },
        bed_times: plans::hours(row, 11)?.unwrap_or_default(),
        until: row.get::<_, Option<i64>>(12)?.map(UnixTime),
    })
}

fn device(row: &Row<'_>) -> rusqlite::Result<Device> {
    let (person, slot): (Option<u32>, Option<u32>) = (row.get(1)?, row.get(3)?);
    Ok(Device {
        mac: columns::mac(row, 0)?,
        person: person.map(PersonId),
        blocked: row.get(2)?,
        slot: slot.map(Slot),
        host_name: row.get(4)?,
        first_seen: UnixTime(row.get(5)?),
        wireless: row.get(6)?,
        // One that could not be a claim is none.
        claim: row.get::<_, Option<String>>(7)?.and_then(|text| Claim::new(&text).ok()),
    })
}

fn figures(conn: &Connection) -> rusqlite::Result<Vec<Figure>> {
    const LATEST: &str = "
        SELECT at, period, told, counted, in_period, card FROM (
            SELECT *, row_number() OVER (PARTITION BY card ORDER BY id DESC) AS place FROM figures
        ) WHERE place <= ? ORDER BY id";
    let figure = |row: &Row<'_>| {
        Ok(Figure {
            card: CardId(row.get(5)?),
            at: UnixTime(row.get(0)?),
            period: PeriodKey(row.get(1)?),
            told: columns::counter(row, 2)?,
            counted: columns::counter(row, 3)?,
            in_period: row.get::<_, Option<i64>>(4)?.map(|n| Bytes(n.cast_unsigned())),
        })
    };
    conn.prepare(LATEST)?.query_map([i64::try_from(FIGURES).unwrap_or(i64::MAX)], figure)?.collect()
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    let (person, text): (Option<u32>, String) = (row.get(1)?, row.get(2)?);
    let until: Option<i64> = row.get(4)?;
    Ok(Key {
        id: KeyId(row.get(0)?),
        owner: person.map_or(KeyOwner::Network, |id| KeyOwner::Person(PersonId(id))),
        // What is wrong with it must not bring it into a log.
        passphrase: Passphrase::new(&text).map_err(|e| strange(2, "passphrase", e))?,
        since: UnixTime(row.get(3)?),
        until: until.map(UnixTime),
    })
}

fn lease(row: &Row<'_>) -> rusqlite::Result<Leased> {
    let ip: String = row.get(1)?;
    Ok(Leased {
        mac: columns::mac(row, 0)?,
        ip: ip.parse().map_err(|_| strange(1, "address", ip))?,
        client_id: row.get(2)?,
        host_name: row.get(3)?,
        expires: UnixTime(row.get(4)?),
    })
}

fn reading(row: &Row<'_>) -> rusqlite::Result<Reading> {
    Ok(Reading {
        granted: columns::counter(row, 1)?,
        spent: columns::counter(row, 2)?,
        up: columns::counter(row, 3)?,
        down: columns::counter(row, 4)?,
        refused_up: columns::counter(row, 5)?,
        refused_down: columns::counter(row, 6)?,
    })
}

fn spent(conn: &Connection, clock: Option<i64>) -> rusqlite::Result<Vec<(Tally, PeriodKey, Usage)>> {
    const SPENT: &str = "
        SELECT tally, max(day, ?1) AS since, sum(up), sum(down), sum(refused_up), sum(refused_down)
        FROM spent GROUP BY tally, since ORDER BY tally, since";
    let oldest = clock.map_or(i64::from(PeriodKey::ALWAYS.0), |clock| clock.div_euclid(86_400) - DAYS);
    let mut statement = conn.prepare(SPENT)?;
    let rows = statement.query_map([oldest], |row| {
        let day: i64 = row.get(1)?;
        let key = if day <= oldest { PeriodKey::ALWAYS } else { PeriodKey(row.get(1)?) };
        Ok((columns::tally(row, 0)?, key, columns::usage(row, 2)?))
    })?;
    rows.collect()
}
