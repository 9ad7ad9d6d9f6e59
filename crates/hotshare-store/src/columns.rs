//! How the core's values stand in columns.

use hotshare_core::ledger::EntryKind;
use hotshare_core::meter::Usage;
use hotshare_core::people::{Allowance, Every};
use hotshare_core::record::{Tally, Who};
use hotshare_core::units::{Account, BucketId, Bytes, CardId, Mac, PersonId};
use rusqlite::Row;
use rusqlite::types::Type;

/// A stored value that nothing in this program writes.
#[derive(Debug, thiserror::Error)]
#[error("“{value}” is not a {what}")]
struct Strange {
    what: &'static str,
    value: String,
}

pub(crate) fn strange(column: usize, what: &'static str, value: impl ToString) -> rusqlite::Error {
    let strange = Strange { what, value: value.to_string() };
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, Box::new(strange))
}

const PLAN: i64 = -1;
/// Above all people and all addresses: a device's sums.
const DEVICE: i64 = 1 << 49;
/// From here on both ways: what comes on top.
const CREDIT: i64 = 1 << 33;

pub(crate) fn from_account(account: Account) -> i64 {
    match account {
        Account::Bucket(BucketId(id)) => PLAN - i64::from(id),
        Account::Person(PersonId(id)) => i64::from(id),
        Account::BucketCredit(BucketId(id)) => -CREDIT - i64::from(id),
        Account::PersonCredit(PersonId(id)) => CREDIT + i64::from(id),
    }
}

pub(crate) fn account(row: &Row<'_>, column: usize) -> rusqlite::Result<Account> {
    let number: i64 = row.get(column)?;
    let id = |number: i64| u32::try_from(number).map_err(|_| strange(column, "account", number));
    Ok(match number {
        CREDIT.. => Account::PersonCredit(PersonId(id(number - CREDIT)?)),
        0.. => Account::Person(PersonId(id(number)?)),
        _ if number > -CREDIT => Account::Bucket(BucketId(id(PLAN - number)?)),
        _ => Account::BucketCredit(BucketId(id(-CREDIT - number)?)),
    })
}

/// Whose usage: the plan's is nobody's.
pub(crate) fn person(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PersonId>> {
    match row.get(column)? {
        PLAN => Ok(None),
        _ => Ok(Some(PersonId(row.get(column)?))),
    }
}

pub(crate) fn from_tally(tally: Tally) -> i64 {
    match tally {
        Tally::Billed(CardId(card)) => 1 - 2 * i64::from(card),
        Tally::Delivered(CardId(card)) => -2 * i64::from(card),
        Tally::Person(PersonId(id)) => i64::from(id),
        Tally::Device(mac) => DEVICE + from_mac(mac),
    }
}

pub(crate) fn tally(row: &Row<'_>, column: usize) -> rusqlite::Result<Tally> {
    let number: i64 = row.get(column)?;
    let id = |number: i64| u32::try_from(number).map_err(|_| strange(column, "tally", number));
    Ok(match number {
        DEVICE.. => {
            let [_, _, a, b, c, d, e, f] = (number - DEVICE).to_be_bytes();
            Tally::Device(Mac([a, b, c, d, e, f]))
        }
        0.. => Tally::Person(PersonId(id(number)?)),
        _ if number % 2 == 0 => Tally::Delivered(CardId(id(number / -2)?)),
        _ => Tally::Billed(CardId(id((1 - number) / 2)?)),
    })
}

/// MAC and person.
pub(crate) fn from_who(who: Who) -> (i64, i64) {
    match who {
        Who::Plan => (0, PLAN),
        Who::Device(mac, PersonId(person)) => (from_mac(mac), i64::from(person)),
    }
}

/// From two columns.
pub(crate) fn who(row: &Row<'_>, column: usize) -> rusqlite::Result<Who> {
    match row.get(column + 1)? {
        PLAN => Ok(Who::Plan),
        _ => Ok(Who::Device(mac(row, column)?, PersonId(row.get(column + 1)?))),
    }
}

pub(crate) fn from_mac(Mac([a, b, c, d, e, f]): Mac) -> i64 {
    i64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

pub(crate) fn mac(row: &Row<'_>, column: usize) -> rusqlite::Result<Mac> {
    let number: i64 = row.get(column)?;
    match number.to_be_bytes() {
        [0, 0, a, b, c, d, e, f] => Ok(Mac([a, b, c, d, e, f])),
        _ => Err(strange(column, "MAC", number)),
    }
}

pub(crate) fn from_kind(kind: EntryKind) -> i64 {
    match kind {
        EntryKind::Grant => 1,
        EntryKind::Return => 2,
        EntryKind::Overrun => 3,
        EntryKind::Correction => 4,
        EntryKind::TopUp => 5,
        EntryKind::Gift => 6,
        EntryKind::Loan => 7,
        EntryKind::RollOver => 8,
        EntryKind::Bought => 9,
    }
}

pub(crate) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<EntryKind> {
    match row.get(column)? {
        1 => Ok(EntryKind::Grant),
        2 => Ok(EntryKind::Return),
        3 => Ok(EntryKind::Overrun),
        4 => Ok(EntryKind::Correction),
        5 => Ok(EntryKind::TopUp),
        6 => Ok(EntryKind::Gift),
        7 => Ok(EntryKind::Loan),
        8 => Ok(EntryKind::RollOver),
        9 => Ok(EntryKind::Bought),
        other => Err(strange(column, "kind of entry", other)),
    }
}

/// Counters and limits keep all 64 bits.
pub(crate) fn from_counter(bytes: Bytes) -> i64 {
    bytes.0.cast_signed()
}

pub(crate) fn counter(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    row.get(column).map(|n: i64| Bytes(n.cast_unsigned()))
}

/// From four columns.
pub(crate) fn usage(row: &Row<'_>, column: usize) -> rusqlite::Result<Usage> {
    let bytes = |column| row.get(column).map(Bytes::from_signed);
    Ok(Usage {
        up: bytes(column)?,
        down: bytes(column + 1)?,
        refused_up: bytes(column + 2)?,
        refused_down: bytes(column + 3)?,
    })
}

/// Bytes and every.
pub(crate) fn from_allowance(allowance: Allowance) -> (Option<i64>, Option<&'static str>) {
    match allowance {
        Allowance::Unlimited | Allowance::Fair => (None, None),
        Allowance::Limited { bytes, every } => {
            let every = match every {
                Every::Day => "day",
                Every::Week => "week",
                Every::Month => "month",
                Every::Total => "total",
            };
            (Some(from_counter(bytes)), Some(every))
        }
    }
}

/// From two columns.
pub(crate) fn allowance(row: &Row<'_>, column: usize) -> rusqlite::Result<Allowance> {
    let every: Option<String> = row.get(column + 1)?;
    let every = match every.as_deref() {
        None => return Ok(Allowance::Unlimited),
        Some("day") => Every::Day,
        Some("week") => Every::Week,
        Some("month") => Every::Month,
        Some("total") => Every::Total,
        Some(other) => return Err(strange(column + 1, "rhythm of an allowance", other)),
    };
    Ok(Allowance::Limited { bytes: counter(row, column)?, every })
}
