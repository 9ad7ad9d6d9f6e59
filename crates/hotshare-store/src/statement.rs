//! The entries that a statement is made of.

use std::ops::Range;

use hotshare_core::ledger::PeriodKey;
use hotshare_core::units::{BucketId, PersonId, UnixTime};

use crate::error::StoreError;
use crate::reader::{Posted, Reader, posted};

/// Parts of plans and people by their numbers, those that are gone too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub parts: Vec<(BucketId, String)>,
    pub people: Vec<(PersonId, String)>,
}

impl Reader {
    /// Of a plan's parts: entries of the periods that began on these days. Of people: entries that were made in this time.
    /// In the order in which they were made, the first `limit`.
    pub fn entries_of(
        &self,
        days: Range<PeriodKey>,
        time: Range<UnixTime>,
        limit: u32,
    ) -> Result<Vec<Posted>, StoreError> {
        const ENTRIES: &str = "
            SELECT id, at, account, period, kind, bytes FROM entries
            WHERE (account < 0 AND period >= ?1 AND period < ?2) OR (account >= 0 AND at >= ?3 AND at < ?4)
            ORDER BY id LIMIT ?5";
        let params: [&dyn rusqlite::ToSql; 5] =
            [&days.start.0, &days.end.0, &time.start.0, &time.end.0, &limit];
        self.rows(ENTRIES, &params, posted)
    }

    /// Who and what accounts belong to.
    pub fn names(&self) -> Result<Names, StoreError> {
        Ok(Names {
            parts: self.rows("SELECT id, name FROM buckets ORDER BY id", &[], |row| {
                Ok((BucketId(row.get(0)?), row.get(1)?))
            })?,
            people: self.rows("SELECT id, name FROM people ORDER BY id", &[], |row| {
                Ok((PersonId(row.get(0)?), row.get(1)?))
            })?,
        })
    }
}
