//! Alerts on their way: written with the posting that raised them, marked when a channel is done with them.

use hotshare_core::alert::{Alert, AlertId, Channel, Kind, Mark, PERIODS, Raise, Subject, Topic};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::record::Noted;
use hotshare_core::units::{Bytes, Mac, PersonId, UnixTime};
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use crate::columns::{self, strange};
use crate::commit::run;
use crate::diary::note;
use crate::error::StoreError;
use crate::open::Store;
use crate::reader::Reader;

/// As many alerts are kept, whatever became of them.
const ALERTS: u64 = 1000;
/// As many characters of an error.
const ERROR_CHARS: usize = 300;

/// What became of an attempt to deliver an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// It is tried again at `next`.
    Later {
        next: UnixTime,
        why: String,
    },
    /// It is not tried any more.
    Failed {
        why: String,
    },
}

/// An alert that a channel has not got yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub alert: Alert,
    /// How many attempts have failed.
    pub attempts: u32,
    pub next_try: UnixTime,
}

/// How far an alert is on its way through one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub channel: Channel,
    pub state: DeliveryState,
    /// Attempts so far; of one that was delivered, the last was the good one.
    pub attempts: u32,
    /// Why the last attempt that failed did.
    pub error: Option<String>,
}

/// See [`Delivery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    Pending { next_try: UnixTime },
    Delivered { at: UnixTime },
    Failed { at: UnixTime },
}

impl Store {
    /// Writes down what became of an attempt, durably, with a line for the diary if there is one. Of a delivery that
    /// is over already, or whose alert is not kept any more, nothing changes.
    pub fn mark(
        &mut self,
        alert: AlertId,
        channel: Channel,
        at: UnixTime,
        outcome: &Outcome,
        noted: Option<&Noted>,
    ) -> Result<(), StoreError> {
        const MARK: &str = "
            UPDATE deliveries SET state = ?3, attempts = attempts + 1, settled = ?4, next_try = coalesce(?5, next_try),
                error = coalesce(?6, error)
            WHERE alert = ?1 AND channel = ?2 AND state = 0";
        let (state, settled, next, why) = match outcome {
            Outcome::Delivered => (1, Some(at.0), None, None),
            Outcome::Later { next, why } => (0, None, Some(next.0), Some(why)),
            Outcome::Failed { why } => (2, Some(at.0), None, Some(why)),
        };
        let why: Option<String> = why.map(|why| why.chars().take(ERROR_CHARS).collect());
        let mut mark = || -> rusqlite::Result<()> {
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let params = params![id(alert), channel.word(), state, settled, next, why];
            let changed = tx.prepare_cached(MARK)?.execute(params)?;
            if let Some(noted) = noted.filter(|_| changed == 1) {
                note(&tx, noted)?;
            }
            tx.commit()
        };
        mark().map_err(|e| StoreError::from_sqlite("mark a delivery", &self.path, e))
    }
}

impl Reader {
    /// What a channel has not got yet, oldest first.
    pub fn pending(&self, channel: Channel, limit: u32) -> Result<Vec<Pending>, StoreError> {
        const PENDING: &str = "
            SELECT id, at, kind, about, percent, used, amount, title, text, attempts, next_try
            FROM deliveries JOIN alerts ON id = alert WHERE channel = ?1 AND state = 0 ORDER BY id LIMIT ?2";
        self.rows(PENDING, &[&channel.word(), &limit], |row| {
            Ok(Pending { alert: alert(row)?, attempts: row.get(9)?, next_try: UnixTime(row.get(10)?) })
        })
    }

    /// The newest `limit` alerts, newest first, and how far each is on its way.
    pub fn alerts(&self, limit: u32) -> Result<Vec<(Alert, Vec<Delivery>)>, StoreError> {
        const ALERTS: &str = "
            SELECT id, at, kind, about, percent, used, amount, title, text FROM alerts ORDER BY id DESC LIMIT ?1";
        const DELIVERIES: &str = "
            SELECT alert, channel, state, attempts, next_try, settled, error FROM deliveries
            WHERE alert >= ?1 ORDER BY alert, channel";
        let mut alerts: Vec<(Alert, Vec<Delivery>)> =
            self.rows(ALERTS, &[&limit], |row| Ok((alert(row)?, Vec::new())))?;
        let Some(oldest) = alerts.last().map(|(alert, _)| id(alert.id)) else { return Ok(alerts) };
        let deliveries =
            self.rows(DELIVERIES, &[&oldest], |row| Ok((AlertId(number(row, 0)?), delivery(row)?)))?;
        for (of, delivery) in deliveries {
            if let Some((_, list)) = alerts.iter_mut().find(|(alert, _)| alert.id == of) {
                list.push(delivery);
            }
        }
        Ok(alerts)
    }
}

/// Into the outbox, and noted as told.
pub(crate) fn raise(tx: &Transaction<'_>, raise: &Raise) -> rusqlite::Result<()> {
    let Alert { id: number, at, kind, about, percent, used, limit, title, text } = &raise.alert;
    run(
        tx,
        "INSERT INTO alerts (id, at, kind, about, percent, used, amount, title, text)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id(*number),
            at.0,
            kind.word(),
            about,
            percent,
            used.map(columns::from_counter),
            limit.map(columns::from_counter),
            title,
            text,
        ],
    )?;
    for channel in &raise.channels {
        run(
            tx,
            "INSERT INTO deliveries (alert, channel, next_try) VALUES (?, ?, ?)",
            params![id(*number), channel.word(), at.0],
        )?;
    }
    run(tx, "DELETE FROM alerts WHERE id <= ?", [id(AlertId(number.0.saturating_sub(ALERTS)))])?;
    run(tx, "UPDATE kept SET last_alert = max(last_alert, ?)", [id(*number)])?;
    tell(tx, &raise.mark)
}

fn tell(tx: &Transaction<'_>, mark: &Mark) -> rusqlite::Result<()> {
    let (subject, mac) = from_subject(mark.topic.subject);
    let kind = mark.topic.kind.word();
    run(
        tx,
        "INSERT OR REPLACE INTO told (kind, subject, mac, period, level, used, alert) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            kind,
            subject,
            mac,
            mark.period.0,
            mark.level,
            columns::from_counter(mark.used),
            id(mark.alert)
        ],
    )?;
    run(
        tx,
        "DELETE FROM told WHERE kind = ?1 AND subject = ?2 AND mac = ?3 AND alert NOT IN
             (SELECT alert FROM told WHERE kind = ?1 AND subject = ?2 AND mac = ?3 ORDER BY alert DESC LIMIT ?4)",
        params![kind, subject, mac, PERIODS],
    )
}

/// The person or device is gone.
pub(crate) fn forget(tx: &Transaction<'_>, subject: Subject) -> rusqlite::Result<()> {
    run(tx, "DELETE FROM told WHERE subject = ? AND mac = ?", from_subject(subject))
}

/// What was told, for the snapshot.
pub(crate) fn told(conn: &Connection) -> rusqlite::Result<Vec<Mark>> {
    const TOLD: &str =
        "SELECT kind, subject, mac, period, level, used, alert FROM told ORDER BY kind, subject, mac, period";
    let mark = |row: &Row<'_>| {
        Ok(Mark {
            topic: Topic { kind: kind(row, 0)?, subject: subject(row, 1)? },
            period: PeriodKey(row.get(3)?),
            level: row.get(4)?,
            used: columns::counter(row, 5)?,
            alert: AlertId(number(row, 6)?),
        })
    };
    conn.prepare(TOLD)?.query_map([], mark)?.collect()
}

const PLAN: i64 = -1;
const DEVICE: i64 = -2;
const HOTSPOT: i64 = -3;

/// Subject and MAC.
fn from_subject(subject: Subject) -> (i64, i64) {
    match subject {
        Subject::Plan => (PLAN, 0),
        Subject::Hotspot => (HOTSPOT, 0),
        Subject::Person(PersonId(id)) => (i64::from(id), 0),
        Subject::Device(mac) => (DEVICE, columns::from_mac(mac)),
    }
}

/// From two columns.
fn subject(row: &Row<'_>, column: usize) -> rusqlite::Result<Subject> {
    let mac: Mac = columns::mac(row, column + 1)?;
    Ok(match row.get(column)? {
        PLAN => Subject::Plan,
        HOTSPOT => Subject::Hotspot,
        DEVICE => Subject::Device(mac),
        _ => Subject::Person(PersonId(row.get(column)?)),
    })
}

fn alert(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let amount = |column| -> rusqlite::Result<Option<Bytes>> {
        let stored: Option<i64> = row.get(column)?;
        Ok(stored.map(|n| Bytes(n.cast_unsigned())))
    };
    Ok(Alert {
        id: AlertId(number(row, 0)?),
        at: UnixTime(row.get(1)?),
        kind: kind(row, 2)?,
        about: row.get(3)?,
        percent: row.get(4)?,
        used: amount(5)?,
        limit: amount(6)?,
        title: row.get(7)?,
        text: row.get(8)?,
    })
}

/// From column 1 on.
fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let word: String = row.get(1)?;
    let settled = || -> rusqlite::Result<UnixTime> { Ok(UnixTime(row.get(5)?)) };
    Ok(Delivery {
        channel: Channel::from_word(&word).ok_or_else(|| strange(1, "channel", word))?,
        state: match row.get(2)? {
            0 => DeliveryState::Pending { next_try: UnixTime(row.get(4)?) },
            1 => DeliveryState::Delivered { at: settled()? },
            2 => DeliveryState::Failed { at: settled()? },
            other => return Err(strange(2, "state of a delivery", i64::from(other))),
        },
        attempts: row.get(3)?,
        error: row.get(6)?,
    })
}

fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    let word: String = row.get(column)?;
    Kind::from_word(&word).ok_or_else(|| strange(column, "kind of alert", word))
}

/// Numbers of alerts are small: from 1, by one.
pub(crate) fn id(AlertId(id): AlertId) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let id: i64 = row.get(column)?;
    u64::try_from(id).map_err(|_| strange(column, "number of an alert", id))
}
