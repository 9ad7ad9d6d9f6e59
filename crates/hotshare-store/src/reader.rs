//! Reports. A connection of their own: a long report never holds a commit up, and sees one moment.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use hotshare_core::ledger::{Entry, PeriodKey};
use hotshare_core::meter::Usage;
use hotshare_core::plan::{Every, Zone};
use hotshare_core::units::{Account, Mac, PersonId, UnixTime};
use rusqlite::{Connection, OpenFlags, Row, ToSql};

use crate::columns;
use crate::error::StoreError;
use crate::open::connect;

/// The store, open for reports only.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    path: PathBuf,
}

/// What a report of usage has a row for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Person,
    Device,
    /// Civil days of the zone.
    Day,
    /// Civil hours of the zone. What is older than [`crate::HOURS_KEPT_DAYS`] days comes by day.
    Hour,
    /// What is older than [`crate::MINUTES_KEPT_DAYS`] days comes by hour, and then by day.
    Minute,
}

/// Whose usage a row is. The plan's is what was billed on the uplink; all others' is what was delivered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    Plan,
    Everyone,
    Person {
        id: PersonId,
        name: String,
    },
    /// A device, while it belonged to this person.
    Device {
        mac: Mac,
        id: PersonId,
        name: String,
    },
}

/// A row of a report of usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// When the day, hour or minute begins. `None` in reports by person and device.
    pub begins: Option<UnixTime>,
    pub whose: Whose,
    pub usage: Usage,
}

/// An entry, and its number in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub id: i64,
    pub entry: Entry,
}

const USAGE: &str = "
    SELECT begins, mac, person, up, down, refused_up, refused_down FROM usage_minutes
    WHERE begins >= ?1 AND begins < ?2
    UNION ALL SELECT * FROM usage_hours WHERE begins >= ?1 AND begins < ?2
    UNION ALL SELECT * FROM usage_days WHERE begins >= ?1 AND begins < ?2";

impl Reader {
    /// Opens a store that a [`crate::Store`] has made.
    pub fn open(path: &Path) -> Result<Reader, StoreError> {
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let reader = Reader { conn, path: path.to_owned() };
        // A quarter of a megabyte of cache: reports read each page once.
        reader.conn.pragma_update(None, "cache_size", -256).map_err(|e| reader.error("open", e))?;
        Ok(reader)
    }

    /// Usage from `since` until `until` (exclusive), in the order of time, people and devices. A row that was
    /// summed into an hour or a day counts with the instant at which that begins.
    pub fn usage(
        &self,
        by: By,
        since: UnixTime,
        until: UnixTime,
        zone: &Zone,
    ) -> Result<Vec<UsageRow>, StoreError> {
        match by {
            By::Person => self.by_person(since, until),
            By::Device => self.by_device(since, until),
            By::Day => self.by_time(since, until, |at| Every::Day.at(zone, at).begins),
            By::Hour => self.by_time(since, until, |at| zone.hour_begins(at)),
            By::Minute => self.by_time(since, until, |at| at),
        }
    }

    fn by_person(&self, since: UnixTime, until: UnixTime) -> Result<Vec<UsageRow>, StoreError> {
        let sql = format!(
            "SELECT person, coalesce(name, 'person ' || person), sum(up), sum(down), sum(refused_up), sum(refused_down)
             FROM ({USAGE}) LEFT JOIN people ON id = person GROUP BY person ORDER BY person"
        );
        self.rows(&sql, &[&since.0, &until.0], |row| {
            let whose = match columns::person(row, 0)? {
                None => Whose::Plan,
                Some(id) => Whose::Person { id, name: row.get(1)? },
            };
            Ok(UsageRow { begins: None, whose, usage: columns::usage(row, 2)? })
        })
    }

    fn by_device(&self, since: UnixTime, until: UnixTime) -> Result<Vec<UsageRow>, StoreError> {
        let sql = format!(
            "SELECT person, coalesce(name, 'person ' || person), mac,
                 sum(up), sum(down), sum(refused_up), sum(refused_down)
             FROM ({USAGE}) LEFT JOIN people ON id = person GROUP BY person, mac ORDER BY person, mac"
        );
        self.rows(&sql, &[&since.0, &until.0], |row| {
            let whose = match columns::person(row, 0)? {
                None => Whose::Plan,
                Some(id) => Whose::Device { mac: columns::mac(row, 2)?, id, name: row.get(1)? },
            };
            Ok(UsageRow { begins: None, whose, usage: columns::usage(row, 3)? })
        })
    }

    fn by_time(
        &self,
        since: UnixTime,
        until: UnixTime,
        floor: impl Fn(UnixTime) -> UnixTime,
    ) -> Result<Vec<UsageRow>, StoreError> {
        let sql = format!(
            "SELECT begins, person = -1, sum(up), sum(down), sum(refused_up), sum(refused_down)
             FROM ({USAGE}) GROUP BY 1, 2"
        );
        let mut sums: BTreeMap<(UnixTime, Whose), Usage> = BTreeMap::new();
        let rows = self.rows(&sql, &[&since.0, &until.0], |row| {
            let whose = if row.get(1)? { Whose::Plan } else { Whose::Everyone };
            Ok((floor(UnixTime(row.get(0)?)), whose, columns::usage(row, 2)?))
        })?;
        for (begins, whose, usage) in rows {
            *sums.entry((begins, whose)).or_default() += usage;
        }
        Ok(sums
            .into_iter()
            .map(|((begins, whose), usage)| UsageRow { begins: Some(begins), whose, usage })
            .collect())
    }

    /// The newest `limit` entries since an instant, newest first; of one account, or of all.
    pub fn entries(
        &self,
        since: UnixTime,
        account: Option<Account>,
        limit: u32,
    ) -> Result<Vec<Posted>, StoreError> {
        const ENTRIES: &str = "
            SELECT id, at, account, period, kind, bytes FROM entries
            WHERE at >= ?1 AND account = coalesce(?2, account) ORDER BY id DESC LIMIT ?3";
        self.rows(ENTRIES, &[&since.0, &account.map(columns::from_account), &limit], posted)
    }

    /// Σ entry bytes by account and period.
    pub fn totals(&self) -> Result<Vec<(Account, PeriodKey, i64)>, StoreError> {
        self.rows("SELECT account, period, bytes FROM totals ORDER BY account, period", &[], |row| {
            Ok((columns::account(row, 0)?, PeriodKey(row.get(1)?), row.get(2)?))
        })
    }

    /// The first address that is leased, if any is: it says which subnet was used last.
    pub fn an_address(&self) -> Result<Option<Ipv4Addr>, StoreError> {
        let found =
            self.rows("SELECT ip FROM leases ORDER BY mac LIMIT 1", &[], |row| row.get::<_, String>(0))?;
        Ok(found.into_iter().find_map(|ip| ip.parse().ok()))
    }

    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
        value: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let read = || -> rusqlite::Result<Vec<T>> {
            self.conn.prepare_cached(sql)?.query_map(params, value)?.collect()
        };
        read().map_err(|e| self.error("report", e))
    }

    fn error(&self, attempt: &'static str, source: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(attempt, &self.path, source)
    }
}

/// From id, time, account, period, kind and bytes.
pub(crate) fn posted(row: &Row<'_>) -> rusqlite::Result<Posted> {
    let entry = Entry {
        at: UnixTime(row.get(1)?),
        account: columns::account(row, 2)?,
        period: PeriodKey(row.get(3)?),
        kind: columns::kind(row, 4)?,
        bytes: row.get(5)?,
    };
    Ok(Posted { id: row.get(0)?, entry })
}
