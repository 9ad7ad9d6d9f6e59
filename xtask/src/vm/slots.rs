//! No more guests at a time on this machine than it has processors, whoever runs them: a guest that waits for
//! a processor misses its deadlines.

use std::fs::{self, File};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// How often to look for a free place.
const LOOK: Duration = Duration::from_millis(200);

/// The places of this machine.
#[derive(Debug)]
pub(super) struct Slots {
    folder: PathBuf,
    count: usize,
}

impl Slots {
    pub(super) fn in_folder(folder: &Path) -> Result<Slots> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Slots { folder: folder.to_path_buf(), count })
    }

    /// Waits for a place; it is free again when what is returned is dropped, or its process is gone.
    pub(super) fn take(&self) -> Result<Flock<File>> {
        loop {
            for number in 0..self.count {
                let path = self.folder.join(number.to_string());
                let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
                match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                    Ok(held) => return Ok(held),
                    Err((_, Errno::EWOULDBLOCK)) => {}
                    Err((_, error)) => {
                        return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                    }
                }
            }
            #[allow(clippy::disallowed_methods, reason = "there is no runtime here, only this thread")]
            thread::sleep(LOOK);
        }
    }
}
