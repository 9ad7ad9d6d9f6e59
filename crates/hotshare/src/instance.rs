//! Where a daemon keeps its things. There are two of each: one for the machine, one for the lab.

use std::path::{Path, PathBuf};

/// The paths of one daemon. Nothing else says where anything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    run_dir: PathBuf,
    state_dir: PathBuf,
    pin_dir: PathBuf,
    lab: bool,
}

impl Instance {
    /// The machine's own daemon.
    pub(crate) fn normal() -> Instance {
        Instance {
            run_dir: "/run/hotshare".into(),
            state_dir: "/var/lib/hotshare".into(),
            pin_dir: "/sys/fs/bpf/hotshare/v2".into(),
            lab: false,
        }
    }

    /// The daemon inside `hotshare lab`. What it keeps is gone with the next boot at the latest.
    pub(crate) fn lab() -> Instance {
        Instance {
            run_dir: "/run/hotshare-lab".into(),
            state_dir: "/run/hotshare-lab/state".into(),
            pin_dir: "/sys/fs/bpf/hotshare-lab/v2".into(),
            lab: true,
        }
    }

    pub(crate) fn is_lab(&self) -> bool {
        self.lab
    }
    /// Gone after a restart of the machine.
    pub(crate) fn run_dir(&self) -> &Path {
        &self.run_dir
    }
    /// Kept for ever.
    pub(crate) fn state_dir(&self) -> &Path {
        &self.state_dir
    }
    /// The meter's pinned maps and links.
    pub(crate) fn pin_dir(&self) -> &Path {
        &self.pin_dir
    }
    /// The API's socket.
    pub(crate) fn socket_path(&self) -> PathBuf {
        self.run_dir.join("api.sock")
    }
    /// Held by the one daemon that runs.
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.run_dir.join("lock")
    }
    /// What the host's network was like before: needed to put it back.
    pub(crate) fn before_path(&self) -> PathBuf {
        self.run_dir.join("before.json")
    }
    /// The ledger's database.
    pub(crate) fn ledger_path(&self) -> PathBuf {
        self.state_dir.join("ledger.sqlite")
    }
    /// The certificate of the pages, when it is got by itself, and what belongs to it.
    pub(crate) fn acme_dir(&self) -> PathBuf {
        self.state_dir.join("acme")
    }
    /// What to type before a verb to reach this daemon.
    pub(crate) fn command(&self) -> &'static str {
        if self.lab { "hotshare --lab" } else { "hotshare" }
    }
}
