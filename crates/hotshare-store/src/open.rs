//! Opening the file: one process at a time, its own schema only, and nothing overwritten when in doubt.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use crate::error::StoreError;

const STEPS: &[M<'_>] = &[
    M::up(include_str!("../migrations/0001-first.sql")),
    M::up(include_str!("../migrations/0002-wifi.sql")),
    M::up(include_str!("../migrations/0003-plans.sql")),
    M::up(include_str!("../migrations/0004-alerts.sql")),
    M::up(include_str!("../migrations/0005-figures.sql")),
    M::up(include_str!("../migrations/0006-cards.sql")),
    M::up(include_str!("../migrations/0007-sites.sql")),
    M::up(include_str!("../migrations/0008-sims.sql")),
    M::up(include_str!("../migrations/0009-claims.sql")),
    M::up(include_str!("../migrations/0010-access.sql")),
    M::up(include_str!("../migrations/0011-facts.sql")),
    M::up(include_str!("../migrations/0012-passkeys.sql")),
];
const MIGRATIONS: Migrations<'_> = Migrations::from_slice(STEPS);

/// “Hots”, in the header of our files; the first migration writes it.
const APPLICATION_ID: i32 = 0x486f_7473;
/// A commit touches four or five pages and writes each to the log: small pages make small writes.
const PAGE_SIZE: i32 = 512;
/// The log is copied into the file after so many pages.
const CHECKPOINT_PAGES: i32 = 4000;
/// A bigger file is not read through at every start.
const CHECKED_UP_TO: u64 = 4 << 20;

/// Everything that is kept, open for changes.
#[derive(Debug)]
pub struct Store {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    /// Held as long as the store is open. SQLite's own locks are held only during a commit.
    _lock: File,
}

impl Store {
    /// Opens the store, and makes it (mode 0600) and its folder (0700) if they are not there.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| file("make the folder", folder, source))?;
        let lock = lock(path)?;
        make(path, folder)?;
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut store = Store { conn, path: path.to_owned(), _lock: lock };
        store.recognise()?;
        store.prepare().map_err(|e| store.error("prepare the file", e))?;
        store.migrate()?;
        store.check()?;
        Ok(store)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Recomputes every total from the entries; `Damaged` if one differs.
    pub fn verify(&self) -> Result<(), StoreError> {
        const DIFFERENCES: &str = "
            SELECT count(*) FROM
            (SELECT account, period, sum(bytes) AS bytes FROM entries GROUP BY account, period) AS sums
            FULL JOIN totals USING (account, period)
            WHERE sums.bytes IS NOT totals.bytes";
        let differ: i64 = self
            .conn
            .query_row(DIFFERENCES, [], |row| row.get(0))
            .map_err(|e| self.error("sum the entries", e))?;
        if differ == 0 {
            return Ok(());
        }
        let source = format!("{differ} totals are not the sum of their entries").into();
        Err(StoreError::Damaged { path: self.path.clone(), source })
    }

    pub(crate) fn error(&self, attempt: &'static str, source: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(attempt, &self.path, source)
    }

    /// Looks whose file this is, before anything is written to it.
    fn recognise(&self) -> Result<(), StoreError> {
        let read = |e| self.error("read the header", e);
        let application: i32 =
            self.conn.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(read)?;
        let found: i64 =
            self.conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(read)?;
        let tables: i64 =
            self.conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(read)?;
        let empty = tables == 0 && found == 0;
        if !empty && application != APPLICATION_ID {
            return Err(StoreError::NotOurs { path: self.path.clone() });
        }
        if usize::try_from(found).is_ok_and(|found| found <= STEPS.len()) {
            Ok(())
        } else {
            Err(StoreError::Newer { path: self.path.clone(), found, known: STEPS.len() })
        }
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        let conn = &self.conn;
        conn.pragma_update(None, "page_size", PAGE_SIZE)?;
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
        conn.pragma_update_and_check(None, "journal_size_limit", 2 * CHECKPOINT_PAGES * PAGE_SIZE, |_| {
            Ok(())
        })?;
        conn.pragma_update(None, "foreign_keys", true)?;
        // A revoked passphrase is not left in the free pages.
        conn.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        // So that no INSERT OR REPLACE gets round the triggers that guard the entries.
        conn.pragma_update(None, "recursive_triggers", true)?;
        conn.set_prepared_statement_cache_capacity(64);
        Ok(())
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let result = MIGRATIONS.to_latest(&mut self.conn);
        result.map_err(|e| {
            if let rusqlite_migration::Error::RusqliteError { err, .. } = e {
                self.error("bring the format up to date", err)
            } else {
                StoreError::Damaged { path: self.path.clone(), source: e.into() }
            }
        })
    }

    /// Reads the whole file, if it is small enough to do so at every start.
    fn check(&self) -> Result<(), StoreError> {
        if fs::metadata(&self.path).is_ok_and(|m| m.len() > CHECKED_UP_TO) {
            return Ok(());
        }
        let verdict: String = self
            .conn
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|e| self.error("check the file", e))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(StoreError::Damaged { path: self.path.clone(), source: verdict.into() })
    }
}

/// A connection that waits for a moment when another one commits.
pub(crate) fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, StoreError> {
    let wrong = |e| StoreError::from_sqlite("open the file", path, e);
    let conn = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(wrong)?;
    conn.busy_timeout(Duration::from_secs(5)).map_err(wrong)?;
    conn.pragma_update(None, "trusted_schema", false).map_err(wrong)?;
    // A full disk must not stop a sort.
    conn.pragma_update(None, "temp_store", "MEMORY").map_err(wrong)?;
    Ok(conn)
}

/// A lock of our own, in a file of its own: SQLite's locks on the database would be lost if we opened and
/// closed that ourselves.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.to_owned().into_os_string();
    name.push("-lock");
    let name = PathBuf::from(name);
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(|source| file("open", &name, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Held { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(file("lock", &name, source)),
    }
}

/// Makes an empty file with the right mode, durably; corrects the mode of one that is there.
fn make(path: &Path, folder: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(|source| file("sync the folder", folder, source)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))
                .map_err(|source| file("set the mode of", path, source))
        }
        Err(source) => Err(file("make", path, source)),
    }
}

fn file(attempt: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File { attempt, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_can_be_made_in_order() {
        MIGRATIONS.validate().expect("each step is valid SQL");
        assert_eq!(
            MIGRATIONS.pending_migrations(&Connection::open_in_memory().expect("memory")).ok(),
            i32::try_from(STEPS.len()).ok()
        );
    }
}
