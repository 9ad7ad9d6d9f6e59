//! What can go wrong with the file, said so that its owner knows what to do.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ffi::{ErrorCode, SQLITE_IOERR_SHMSIZE};

/// Why the store could not do what was asked. Nothing of what was asked has been kept, unless the variant
/// says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path} is being used by another program: if that is another hotshare, `hotshare down` stops it")]
    Held { path: PathBuf },
    #[error(
        "{path} was written by a newer hotshare (its format is {found}, this program knows formats up to {known}): \
         install the newer program again, or move the file away to begin with an empty ledger"
    )]
    Newer { path: PathBuf, found: i64, known: usize },
    #[error(
        "{path} is a database, but not one of hotshare's; nothing in it was changed: choose another path"
    )]
    NotOurs { path: PathBuf },
    #[error(
        "{path} is damaged; nothing in it was changed: bring back a copy, or move it and its “-wal” file away to \
         begin with an empty ledger"
    )]
    Damaged { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error(
        "the disk that holds {path} is full: free some space; the ledger goes on by itself when there is any"
    )]
    Full { path: PathBuf, source: rusqlite::Error },
    /// The file may hold the change after all, when the power is cut before the next one succeeds.
    #[error("the disk that holds {path} does not work: look into the kernel's log, and save the file")]
    Disk { path: PathBuf, source: rusqlite::Error },
    #[error(
        "cannot write to {path}: it, its folder or its file system is read-only, or belongs to somebody else"
    )]
    ReadOnly { path: PathBuf, source: rusqlite::Error },
    #[error("cannot {attempt} {path}")]
    File { attempt: &'static str, path: PathBuf, source: io::Error },
    /// A mistake in this program.
    #[error("cannot {attempt} in {path}: this is a mistake in hotshare, please report it")]
    Query { attempt: &'static str, path: PathBuf, source: rusqlite::Error },
}

impl StoreError {
    /// What SQLite said about `path` while attempting something.
    pub(crate) fn from_sqlite(attempt: &'static str, path: &Path, source: rusqlite::Error) -> StoreError {
        let path = path.to_owned();
        let Some(&code) = source.sqlite_error() else {
            // A stored value that no version of this program writes; all else is misuse of the library.
            return if matches!(
                source,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::InvalidColumnType(..)
            ) {
                StoreError::Damaged { path, source: source.into() }
            } else {
                StoreError::Query { attempt, path, source }
            };
        };
        #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list is open")]
        match code.code {
            ErrorCode::DiskFull => StoreError::Full { path, source },
            ErrorCode::SystemIoFailure if code.extended_code == SQLITE_IOERR_SHMSIZE => {
                StoreError::Full { path, source }
            }
            ErrorCode::SystemIoFailure => StoreError::Disk { path, source },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                StoreError::Damaged { path, source: source.into() }
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                StoreError::Held { path }
            }
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                StoreError::ReadOnly { path, source }
            }
            _ => StoreError::Query { attempt, path, source },
        }
    }

    /// Space on the disk would help.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            StoreError::Full { .. } => true,
            StoreError::File { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            StoreError::Held { .. }
            | StoreError::Newer { .. }
            | StoreError::NotOurs { .. }
            | StoreError::Damaged { .. }
            | StoreError::Disk { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Query { .. } => false,
        }
    }
}
