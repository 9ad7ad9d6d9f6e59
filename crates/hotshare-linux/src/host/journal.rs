//! How the host was before, on disk before the first change.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use hotshare_core::desired::HostState;
use serde::{Deserialize, Serialize};

use super::HostError;
use super::rows::HostRow;

/// The format's number; another one is refused as damaged.
const VERSION: u32 = 1;

/// What was before us, and what we have made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Journal {
    pub(super) before: HostState,
    pub(super) ours: HostState,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalFile {
    version: u32,
    boot_id: String,
    network: u64,
    before: HostRow,
    ours: HostRow,
}

impl Journal {
    pub(super) fn is_empty(&self) -> bool {
        *self == Journal::default()
    }

    /// What an earlier run wrote; nothing when it is from another boot or another network namespace, for then
    /// what it describes is gone.
    pub(super) fn read(path: &Path) -> Result<Journal, HostError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Journal::default()),
            Err(source) => return Err(HostError::Journal { verb: "read", path: path.to_owned(), source }),
        };
        let damaged = |source| HostError::Damaged { path: path.to_owned(), source };
        let file: JournalFile = serde_json::from_slice(&text).map_err(damaged)?;
        if file.version != VERSION {
            let of = format!("its version is {}, and this program writes {VERSION}", file.version);
            return Err(damaged(serde::de::Error::custom(of)));
        }
        if file.boot_id != boot_id() || file.network != network() {
            tracing::info!("the journal of an earlier run is from another boot or network: ignored");
            return Ok(Journal::default());
        }
        Ok(Journal {
            before: file.before.state().map_err(damaged)?,
            ours: file.ours.state().map_err(damaged)?,
        })
    }

    /// Durable when it returns: written aside, synced, and put in place.
    pub(super) fn write(&self, path: &Path) -> Result<(), HostError> {
        let file = JournalFile {
            version: VERSION,
            boot_id: boot_id(),
            network: network(),
            before: HostRow::of(&self.before),
            ours: HostRow::of(&self.ours),
        };
        let failed = |source| HostError::Journal { verb: "write", path: path.to_owned(), source };
        let text = serde_json::to_vec_pretty(&file).map_err(|error| failed(error.into()))?;
        write_durably(path, &text).map_err(failed)
    }

    pub(super) fn remove(path: &Path) -> Result<(), HostError> {
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(HostError::Journal { verb: "remove", path: path.to_owned(), source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Written aside, synced, and put in place: whole or not at all, and read by root alone.
pub fn write_durably(path: &Path, text: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o755).create(dir)?;
    let aside = path.with_extension("new");
    // A file that a kill left half written may be in the way.
    if let Err(error) = fs::remove_file(&aside)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    File::open(dir)?.sync_all()
}

/// Another one after each boot.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| String::new(), |id| id.trim().to_owned())
}

/// A number that no two network namespaces of one boot share (`SO_NETNS_COOKIE`); 0 when the kernel has none.
pub(crate) fn network() -> u64 {
    cookie::of_this_thread().unwrap_or(0)
}

mod cookie {
    #![allow(unsafe_code, reason = "neither nix nor socket2 knows SO_NETNS_COOKIE")]

    use std::mem::size_of;
    use std::os::fd::AsRawFd as _;

    pub(super) fn of_this_thread() -> Option<u64> {
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::DGRAM, None).ok()?;
        let mut cookie = 0_u64;
        let mut len = libc::socklen_t::try_from(size_of::<u64>()).ok()?;
        // SAFETY: the descriptor is open, the value is eight bytes long as `len` says, and both outlive the call.
        let result = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_NETNS_COOKIE,
                (&raw mut cookie).cast(),
                &raw mut len,
            )
        };
        (result == 0).then_some(cookie)
    }
}

#[cfg(test)]
mod tests;
