//! Minutes into hours, hours into days: the file stays small, and no byte is lost on the way.

use std::collections::BTreeMap;

use hotshare_core::meter::Usage;
use hotshare_core::plan::{Every, Zone};
use hotshare_core::record::Who;
use hotshare_core::units::{Bytes, UnixTime};
use rusqlite::{TransactionBehavior, params};

use crate::columns;
use crate::error::StoreError;
use crate::open::Store;

/// Usage is kept by minute for so many days…
pub const MINUTES_KEPT_DAYS: i64 = 3;
/// …by hour for so many, and by day for ever.
pub const HOURS_KEPT_DAYS: i64 = 100;

const DAY: i64 = 86_400;

impl Store {
    /// Sums what is old. To be called every hour or so; each hour's minutes, and each day's hours, are one
    /// short transaction, so a power cut on the way leaves a part for the next call.
    ///
    /// Hours and days begin where the civil clock of `zone` begins them; rows that were summed by another
    /// zone's clock stay where they are.
    pub fn roll_up(&mut self, now: UnixTime, zone: &Zone) -> Result<(), StoreError> {
        let day_begins = |at| Every::Day.at(zone, at).begins;
        let minutes_until = zone.hour_begins(UnixTime(now.0.saturating_sub(MINUTES_KEPT_DAYS * DAY)));
        let hours_until = day_begins(UnixTime(now.0.saturating_sub(HOURS_KEPT_DAYS * DAY)));
        self.sum("usage_minutes", "usage_hours", 3600, minutes_until, |at| zone.hour_begins(at))
            .and_then(|()| self.sum("usage_hours", "usage_days", DAY, hours_until, day_begins))
            .map_err(|e| self.error("sum old usage", e))
    }

    /// Moves rows that begin before `until` to the coarser table, `width` seconds of them at a time.
    fn sum(
        &mut self,
        fine: &str,
        coarse: &str,
        width: i64,
        until: UnixTime,
        floor: impl Fn(UnixTime) -> UnixTime,
    ) -> rusqlite::Result<()> {
        let first = format!("SELECT min(begins) FROM {fine} WHERE begins < ?");
        let read = format!(
            "SELECT mac, person, begins, up, down, refused_up, refused_down FROM {fine} WHERE begins >= ? AND begins < ?"
        );
        let delete = format!("DELETE FROM {fine} WHERE begins >= ? AND begins < ?");
        let add = format!(
            "INSERT INTO {coarse} (begins, mac, person, up, down, refused_up, refused_down)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (begins, mac, person) DO UPDATE SET up = up + excluded.up, down = down + excluded.down,
                 refused_up = refused_up + excluded.refused_up, refused_down = refused_down + excluded.refused_down"
        );
        loop {
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let oldest: Option<i64> = tx.prepare_cached(&first)?.query_row([until.0], |row| row.get(0))?;
            let Some(oldest) = oldest else { return Ok(()) };
            let range =
                [oldest, until.0.min(floor(UnixTime(oldest)).0.saturating_add(width)).max(oldest + 1)];
            let mut sums: BTreeMap<(UnixTime, Who), Usage> = BTreeMap::new();
            {
                let mut statement = tx.prepare_cached(&read)?;
                let mut rows = statement.query(range)?;
                while let Some(row) = rows.next()? {
                    let begins = floor(UnixTime(row.get(2)?));
                    *sums.entry((begins, columns::who(row, 0)?)).or_default() += columns::usage(row, 3)?;
                }
            }
            for ((begins, who), usage) in sums {
                let (mac, person) = columns::from_who(who);
                let [up, down, refused_up, refused_down] =
                    [usage.up, usage.down, usage.refused_up, usage.refused_down].map(Bytes::signed);
                tx.prepare_cached(&add)?.execute(params![
                    begins.0,
                    mac,
                    person,
                    up,
                    down,
                    refused_up,
                    refused_down
                ])?;
            }
            tx.prepare_cached(&delete)?.execute(range)?;
            tx.commit()?;
        }
    }
}
