//! Changes to rows: all of a posting or none, and on the disk before the brain hears of it.

use hotshare_core::alert::Subject;
use hotshare_core::keys::{Key, KeyId, KeyOwner};
use hotshare_core::ledger::{Entry, PeriodKey};
use hotshare_core::meter::{Reading, Usage};
use hotshare_core::people::{Allowance, AtEnd, Claim, Device, Person};
use hotshare_core::record::{Change, Leased, Tally};
use hotshare_core::units::{Account, Bytes, CardId, PersonId, Slot};
use rusqlite::{Params, Transaction, TransactionBehavior, params};

use crate::columns;
use crate::diary;
use crate::error::StoreError;
use crate::open::Store;
use crate::outbox;
use crate::plans;

impl Store {
    /// Commits `changes`, all or none. When this returns `Ok`, they survive a power cut. After an error the
    /// store can be used as before, and the same changes tried again.
    pub fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write(changes).map_err(|e| self.error("commit", e))
    }

    fn write(&mut self, changes: &[Change]) -> rusqlite::Result<()> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for change in changes {
            apply(&tx, change)?;
        }
        tx.commit()
    }
}

fn apply(tx: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Entry(entry) => append(tx, entry),
        Change::Granted { slot, total, account, period } => granted(tx, *slot, *total, (*account, *period)),
        Change::Settled { slot, reading } => settled(tx, *slot, reading),
        Change::Usage { minute, who, usage } => {
            let (mac, person) = columns::from_who(*who);
            let keys = [minute.saturating_mul(60), mac, person];
            add(tx, ADD_USAGE, &keys, usage)
        }
        Change::Spent { tally, day, usage } => {
            add(tx, ADD_SPENT, &[columns::from_tally(*tally), i64::from(day.0)], usage)
        }
        Change::Person(person) => put_person(tx, person),
        Change::PersonGone(PersonId(id)) => {
            run(tx, "DELETE FROM wishes WHERE person = ?", [id])?;
            outbox::forget(tx, Subject::Person(PersonId(*id)))?;
            run(tx, "UPDATE people SET gone = 1 WHERE id = ?", [id])
        }
        Change::Device(device) => put_device(tx, device),
        Change::DeviceGone(mac) => {
            outbox::forget(tx, Subject::Device(*mac))?;
            run(tx, "DELETE FROM spent WHERE tally = ?", [columns::from_tally(Tally::Device(*mac))])?;
            run(tx, "DELETE FROM devices WHERE mac = ?", [columns::from_mac(*mac)])
        }
        Change::Key(key) => put_key(tx, key),
        Change::KeyGone(KeyId(id)) => {
            run(tx, "UPDATE keys SET gone = 1, passphrase = NULL WHERE id = ?", [id])
        }
        Change::Plan(plan) => plans::put(tx, plan),
        Change::Card(card) => plans::put_card(tx, card),
        Change::CardGone(id) => plans::forget_card(tx, *id),
        Change::CardIn(CardId(id)) => run(tx, "UPDATE kept SET card = ?", [id]),
        Change::Wish(wish) => run(
            tx,
            "INSERT OR REPLACE INTO wishes (person, bytes, at) VALUES (?, ?, ?)",
            params![wish.person.0, columns::from_counter(wish.bytes), wish.at.0],
        ),
        Change::WishGone(PersonId(id)) => run(tx, "DELETE FROM wishes WHERE person = ?", [id]),
        Change::Figure(figure) => run(
            tx,
            "INSERT INTO figures (card, at, period, told, counted, in_period) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                figure.card.0,
                figure.at.0,
                figure.period.0,
                columns::from_counter(figure.told),
                columns::from_counter(figure.counted),
                figure.in_period.map(columns::from_counter),
            ],
        ),
        Change::Lease(lease) => put_lease(tx, lease),
        Change::LeaseGone(mac) => run(tx, "DELETE FROM leases WHERE mac = ?", [columns::from_mac(*mac)]),
        Change::Clock(at) => run(tx, "UPDATE kept SET clock = ?", [at.0]),
        Change::Generation(generation) => {
            run(tx, "DELETE FROM slots", [])?;
            run(tx, "UPDATE kept SET generation = ?", [generation.cast_signed()])
        }
        Change::Noted(noted) => diary::note(tx, noted),
        Change::Alert(raise) => outbox::raise(tx, raise),
    }
}

/// Runs a statement that is prepared only once.
pub(crate) fn run(tx: &Transaction<'_>, sql: &str, params: impl Params) -> rusqlite::Result<()> {
    tx.prepare_cached(sql)?.execute(params).map(drop)
}

fn append(tx: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    run(
        tx,
        "INSERT INTO entries (at, account, period, kind, bytes) VALUES (?, ?, ?, ?, ?)",
        params![
            entry.at.0,
            columns::from_account(entry.account),
            entry.period.0,
            columns::from_kind(entry.kind),
            entry.bytes,
        ],
    )
}

fn granted(
    tx: &Transaction<'_>,
    slot: Slot,
    total: Bytes,
    (account, period): (Account, PeriodKey),
) -> rusqlite::Result<()> {
    run(
        tx,
        "INSERT INTO slots (slot, granted, granted_account, granted_period) VALUES (?, ?, ?, ?)
         ON CONFLICT (slot) DO UPDATE SET granted = excluded.granted, granted_account = excluded.granted_account,
             granted_period = excluded.granted_period",
        params![slot.0, columns::from_counter(total), columns::from_account(account), period.0],
    )
}

fn settled(tx: &Transaction<'_>, slot: Slot, reading: &Reading) -> rusqlite::Result<()> {
    let [granted, spent, up, down, refused_up, refused_down] =
        [reading.granted, reading.spent, reading.up, reading.down, reading.refused_up, reading.refused_down]
            .map(columns::from_counter);
    run(
        tx,
        "INSERT INTO slots (slot, settled, read_granted, read_spent, up, down, refused_up, refused_down)
         VALUES (?, 1, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (slot) DO UPDATE SET settled = 1,
             read_granted = excluded.read_granted, read_spent = excluded.read_spent,
             up = excluded.up, down = excluded.down,
             refused_up = excluded.refused_up, refused_down = excluded.refused_down",
        params![slot.0, granted, spent, up, down, refused_up, refused_down],
    )
}

const ADD_USAGE: &str = "
    INSERT INTO usage_minutes (begins, mac, person, up, down, refused_up, refused_down)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (begins, mac, person) DO UPDATE SET up = up + excluded.up, down = down + excluded.down,
        refused_up = refused_up + excluded.refused_up, refused_down = refused_down + excluded.refused_down";
const ADD_SPENT: &str = "
    INSERT INTO spent (tally, day, up, down, refused_up, refused_down)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (tally, day) DO UPDATE SET up = up + excluded.up, down = down + excluded.down,
        refused_up = refused_up + excluded.refused_up, refused_down = refused_down + excluded.refused_down";

/// Adds to the row with these keys.
fn add(tx: &Transaction<'_>, sql: &str, keys: &[i64], usage: &Usage) -> rusqlite::Result<()> {
    if usage.is_zero() {
        return Ok(());
    }
    let amounts = [usage.up, usage.down, usage.refused_up, usage.refused_down].map(Bytes::signed);
    run(tx, sql, rusqlite::params_from_iter(keys.iter().copied().chain(amounts)))
}

fn put_person(tx: &Transaction<'_>, person: &Person) -> rusqlite::Result<()> {
    let (allowance, every) = columns::from_allowance(person.allowance);
    let slow_rate = match person.at_end {
        AtEnd::Stop => None,
        AtEnd::Slow(rate) => Some(columns::from_counter(Bytes(rate.0))),
    };
    run(
        tx,
        "INSERT INTO people (id, name, allowance, every, paused, slot, since, device_limit, fair, weight, slow_rate,
             bed_times, until)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, allowance = excluded.allowance,
             every = excluded.every, paused = excluded.paused, slot = excluded.slot, since = excluded.since,
             device_limit = excluded.device_limit, fair = excluded.fair, weight = excluded.weight,
             slow_rate = excluded.slow_rate, bed_times = excluded.bed_times, until = excluded.until, gone = 0",
        params![
            person.id.0,
            person.name.as_str(),
            allowance,
            every,
            person.paused,
            person.slot.0,
            person.since.0,
            person.device_limit,
            person.allowance == Allowance::Fair,
            person.weight,
            slow_rate,
            (!person.bed_times.0.is_empty()).then(|| plans::from_hours(&person.bed_times)),
            person.until.map(|until| until.0),
        ],
    )
}

fn put_device(tx: &Transaction<'_>, device: &Device) -> rusqlite::Result<()> {
    run(
        tx,
        "INSERT INTO devices (mac, person, blocked, slot, host_name, first_seen, wireless, claim)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (mac) DO UPDATE SET person = excluded.person, blocked = excluded.blocked,
             slot = excluded.slot, host_name = excluded.host_name, first_seen = excluded.first_seen,
             wireless = excluded.wireless, claim = excluded.claim",
        params![
            columns::from_mac(device.mac),
            device.person.map(|id| id.0),
            device.blocked,
            device.slot.map(|slot| slot.0),
            device.host_name,
            device.first_seen.0,
            device.wireless,
            device.claim.as_ref().map(Claim::as_str),
        ],
    )
}

fn put_key(tx: &Transaction<'_>, key: &Key) -> rusqlite::Result<()> {
    let person = match key.owner {
        KeyOwner::Person(id) => Some(id.0),
        KeyOwner::Network => None,
    };
    run(
        tx,
        "INSERT INTO keys (id, person, passphrase, since, until) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET person = excluded.person, passphrase = excluded.passphrase,
             since = excluded.since, until = excluded.until, gone = 0",
        params![key.id.0, person, key.passphrase.secret(), key.since.0, key.until.map(|until| until.0)],
    )
}

fn put_lease(tx: &Transaction<'_>, lease: &Leased) -> rusqlite::Result<()> {
    run(
        tx,
        "INSERT INTO leases (mac, ip, client_id, host_name, expires) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (mac) DO UPDATE SET ip = excluded.ip, client_id = excluded.client_id,
             host_name = excluded.host_name, expires = excluded.expires",
        params![
            columns::from_mac(lease.mac),
            lease.ip.to_string(),
            lease.client_id,
            lease.host_name,
            lease.expires.0,
        ],
    )
}
