//! The owner's diary in rows.

use hotshare_core::alert::{AlertId, Channel};
use hotshare_core::diary::{Facts, Noted};
use hotshare_core::policy::Why;
use hotshare_core::units::{CardId, UnixTime};
use rusqlite::{Row, Transaction, params};

use crate::columns::{self, strange};
use crate::commit::run;
use crate::error::StoreError;
use crate::reader::Reader;

/// So many lines are kept.
const LINES: i64 = 10_000;
/// As many characters of a text: stations choose parts of them.
const CHARS: usize = 500;

/// A line of the diary, and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: i64,
    pub at: UnixTime,
    pub kind: String,
    pub text: String,
    /// Empty where an older release wrote it.
    pub facts: Facts,
}

const FACTS: &str = "person, other, device, claim, interface, card, bytes, amount, percent, count, seconds, ends, \
                     sites, passkey, money, channel, why, reason, alert";

pub(crate) fn note(tx: &Transaction<'_>, noted: &Noted) -> rusqlite::Result<()> {
    let Noted { at, kind, text, facts } = noted;
    let facts = facts.as_ref();
    let Facts { person, other, device, claim, interface, card, bytes, limit, percent, .. } = facts;
    let Facts { count, seconds, ends, sites, passkey, money, channel, why, reason, alert, .. } = facts;
    let short = |text: &Option<String>| text.as_deref().map(cut).map(str::to_owned);
    let insert = format!(
        "INSERT INTO diary (at, kind, text, {FACTS})
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    run(
        tx,
        &insert,
        params![
            at.0,
            kind,
            cut(text),
            person,
            other,
            device.map(columns::from_mac),
            claim,
            interface,
            card.map(|CardId(card)| card),
            bytes.map(columns::from_counter),
            limit.map(columns::from_counter),
            percent,
            count,
            seconds.map(u64::cast_signed),
            ends.map(|UnixTime(ends)| ends),
            short(sites),
            passkey,
            money,
            channel.map(Channel::word),
            why.map(Why::word),
            short(reason),
            alert.map(|AlertId(alert)| alert.cast_signed()),
        ],
    )?;
    let newest = tx.last_insert_rowid();
    run(tx, "DELETE FROM diary WHERE id <= ?", [newest - LINES])
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(CHARS).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}

impl Reader {
    /// The newest `limit` lines of the diary since an instant, newest first.
    pub fn events(&self, since: UnixTime, limit: u32) -> Result<Vec<Event>, StoreError> {
        let diary =
            format!("SELECT id, at, kind, text, {FACTS} FROM diary WHERE at >= ?1 ORDER BY id DESC LIMIT ?2");
        self.rows(&diary, &[&since.0, &limit], |row| {
            Ok(Event {
                id: row.get(0)?,
                at: UnixTime(row.get(1)?),
                kind: row.get(2)?,
                text: row.get(3)?,
                facts: facts(row, 4)?,
            })
        })
    }

    /// The facts of alerts from this number on. Those of older releases have none.
    pub fn alert_facts(&self, from: AlertId) -> Result<Vec<(AlertId, Facts)>, StoreError> {
        let told = format!("SELECT {FACTS} FROM diary WHERE alert >= ?1");
        let facts = self.rows(&told, &[&from.0.cast_signed()], |row| facts(row, 0))?;
        Ok(facts.into_iter().filter_map(|facts| Some((facts.alert?, facts))).collect())
    }
}

/// From the columns of [`FACTS`].
fn facts(row: &Row<'_>, at: usize) -> rusqlite::Result<Facts> {
    let bytes =
        |column| row.get::<_, Option<i64>>(column)?.map(|_| columns::counter(row, column)).transpose();
    let word = |column| row.get::<_, Option<String>>(column);
    let device: Option<i64> = row.get(at + 2)?;
    let channel = word(at + 15)?
        .map(|word| Channel::from_word(&word).ok_or_else(|| strange(at + 15, "channel", word)))
        .transpose()?;
    let why = word(at + 16)?
        .map(|word| Why::from_word(&word).ok_or_else(|| strange(at + 16, "reason", word)))
        .transpose()?;
    Ok(Facts {
        person: row.get(at)?,
        other: row.get(at + 1)?,
        device: device.map(|_| columns::mac(row, at + 2)).transpose()?,
        claim: row.get(at + 3)?,
        interface: row.get(at + 4)?,
        card: row.get::<_, Option<u32>>(at + 5)?.map(CardId),
        bytes: bytes(at + 6)?,
        limit: bytes(at + 7)?,
        percent: row.get(at + 8)?,
        count: row.get(at + 9)?,
        seconds: row.get::<_, Option<i64>>(at + 10)?.map(i64::cast_unsigned),
        ends: row.get::<_, Option<i64>>(at + 11)?.map(UnixTime),
        sites: row.get(at + 12)?,
        passkey: row.get(at + 13)?,
        money: row.get(at + 14)?,
        channel,
        why,
        reason: row.get(at + 17)?,
        alert: row.get::<_, Option<i64>>(at + 18)?.map(|alert| AlertId(alert.cast_unsigned())),
    })
}
