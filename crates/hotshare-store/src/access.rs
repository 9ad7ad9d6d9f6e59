//! Who may come to the dashboard: passwords, passkeys, sessions, links, tokens, owners.

use hotshare_core::access::{AccessBook, AccessChange, Digest, Link, Passkey, Role, Scope, Session, Token};
use hotshare_core::people::PersonName;
use hotshare_core::units::UnixTime;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use crate::columns::{self, strange};
use crate::commit::run;
use crate::diary::note;
use crate::error::StoreError;
use crate::open::Store;

impl Store {
    /// Everything that is written of access.
    pub fn access(&self) -> Result<AccessBook, StoreError> {
        read(&self.conn).map_err(|e| self.error("read who may come in", e))
    }

    /// Commits `changes`, all or none, and durably.
    pub fn commit_access(&mut self, changes: &[AccessChange]) -> Result<(), StoreError> {
        self.write_access(changes).map_err(|e| self.error("write who may come in", e))
    }

    fn write_access(&mut self, changes: &[AccessChange]) -> rusqlite::Result<()> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for change in changes {
            apply(&tx, change)?;
        }
        tx.commit()
    }
}

fn apply(tx: &Transaction<'_>, change: &AccessChange) -> rusqlite::Result<()> {
    match change {
        AccessChange::Password(role, Some(hash)) => {
            run(tx, "INSERT OR REPLACE INTO passwords (role, hash) VALUES (?, ?)", params![role.word(), hash])
        }
        AccessChange::Password(role, None) => run(tx, "DELETE FROM passwords WHERE role = ?", [role.word()]),
        AccessChange::Passkey(Passkey { digest, name, host, credential, user, key, state, since, used }) => {
            run(
                tx,
                "INSERT INTO passkeys (digest, name, host, credential, user, key, state, since, used)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (digest) DO UPDATE SET name = ?2, host = ?3, credential = ?4, user = ?5, key = ?6,
                     state = ?7, since = ?8, used = ?9",
                params![digest.0, name, host, credential, user, key, state, since.0, used.map(|at| at.0)],
            )
        }
        AccessChange::PasskeyGone(digest) => run(tx, "DELETE FROM passkeys WHERE digest = ?", [digest.0]),
        AccessChange::Session(Session { digest, role, at_machine, passkey, begun, used }) => run(
            tx,
            "INSERT OR REPLACE INTO sessions (digest, role, at_machine, passkey, begun, used)
             VALUES (?, ?, ?, ?, ?, ?)",
            params![digest.0, role.word(), at_machine, passkey.map(|digest| digest.0), begun.0, used.0],
        ),
        AccessChange::SessionGone(digest) => run(tx, "DELETE FROM sessions WHERE digest = ?", [digest.0]),
        AccessChange::SessionsGone => run(tx, "DELETE FROM sessions", []),
        AccessChange::Link(Link { digest, role, made }) => run(
            tx,
            "INSERT OR REPLACE INTO links (digest, role, made) VALUES (?, ?, ?)",
            params![digest.0, role.word(), made.0],
        ),
        AccessChange::LinkGone(digest) => run(tx, "DELETE FROM links WHERE digest = ?", [digest.0]),
        AccessChange::Token(Token { digest, name, scope, since }) => run(
            tx,
            "INSERT INTO tokens (digest, name, scope, since) VALUES (?, ?, ?, ?)",
            params![digest.0, name, scope.word(), since.0],
        ),
        AccessChange::TokenGone(digest) => run(tx, "DELETE FROM tokens WHERE digest = ?", [digest.0]),
        AccessChange::OwnerPerson(name) => run(
            tx,
            "INSERT OR IGNORE INTO owners (person) SELECT id FROM people WHERE name = ? AND gone = 0",
            [name.as_str()],
        ),
        AccessChange::OwnerPersonGone(name) => run(
            tx,
            "DELETE FROM owners WHERE person IN (SELECT id FROM people WHERE name = ?)",
            [name.as_str()],
        ),
        AccessChange::OwnerDevice(mac, since) => run(
            tx,
            "INSERT OR REPLACE INTO owner_devices (mac, since) VALUES (?, ?)",
            params![columns::from_mac(*mac), since.0],
        ),
        AccessChange::OwnerDeviceGone(mac) => {
            run(tx, "DELETE FROM owner_devices WHERE mac = ?", [columns::from_mac(*mac)])
        }
        AccessChange::Noted(noted) => note(tx, noted),
    }
}

fn read(conn: &Connection) -> rusqlite::Result<AccessBook> {
    let mut book = AccessBook::default();
    let mut take = |sql: &str, change: fn(&Row<'_>) -> rusqlite::Result<AccessChange>| {
        for change in conn.prepare(sql)?.query_map([], change)? {
            book.apply(&change?);
        }
        Ok::<(), rusqlite::Error>(())
    };
    take("SELECT role, hash FROM passwords", |row| Ok(AccessChange::Password(role(row, 0)?, row.get(1)?)))?;
    take("SELECT digest, name, host, credential, user, key, state, since, used FROM passkeys", |row| {
        let used: Option<i64> = row.get(8)?;
        Ok(AccessChange::Passkey(Passkey {
            digest: Digest(row.get(0)?),
            name: row.get(1)?,
            host: row.get(2)?,
            credential: row.get(3)?,
            user: row.get(4)?,
            key: row.get(5)?,
            state: row.get(6)?,
            since: UnixTime(row.get(7)?),
            used: used.map(UnixTime),
        }))
    })?;
    take("SELECT digest, role, at_machine, begun, used, passkey FROM sessions", |row| {
        let passkey: Option<[u8; 32]> = row.get(5)?;
        Ok(AccessChange::Session(Session {
            digest: Digest(row.get(0)?),
            role: role(row, 1)?,
            at_machine: row.get(2)?,
            passkey: passkey.map(Digest),
            begun: UnixTime(row.get(3)?),
            used: UnixTime(row.get(4)?),
        }))
    })?;
    take("SELECT digest, role, made FROM links", |row| {
        Ok(AccessChange::Link(Link {
            digest: Digest(row.get(0)?),
            role: role(row, 1)?,
            made: UnixTime(row.get(2)?),
        }))
    })?;
    take("SELECT digest, name, scope, since FROM tokens", |row| {
        let word: String = row.get(2)?;
        let scope = Scope::from_word(&word).ok_or_else(|| strange(2, "scope of a token", word))?;
        let since = UnixTime(row.get(3)?);
        Ok(AccessChange::Token(Token { digest: Digest(row.get(0)?), name: row.get(1)?, scope, since }))
    })?;
    take("SELECT name FROM owners JOIN people ON id = person WHERE gone = 0", |row| {
        let name: String = row.get(0)?;
        let name: PersonName = name.parse().map_err(|_| strange(0, "name", name))?;
        Ok(AccessChange::OwnerPerson(name))
    })?;
    take("SELECT mac, since FROM owner_devices", |row| {
        Ok(AccessChange::OwnerDevice(columns::mac(row, 0)?, UnixTime(row.get(1)?)))
    })?;
    Ok(book)
}

fn role(row: &Row<'_>, column: usize) -> rusqlite::Result<Role> {
    let word: String = row.get(column)?;
    Role::from_word(&word).ok_or_else(|| strange(column, "role", word))
}
