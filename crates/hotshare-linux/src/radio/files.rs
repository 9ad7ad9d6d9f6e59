//! The files that hostapd reads, in the run-time folder. Nobody else can read them, and each appears whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use hotshare_core::keys::{KeyId, Passphrase};
use hotshare_core::units::Mac;

/// What the name of each station's own interface begins with. The ruleset closes this pattern before any exists.
pub const PORT_PREFIX: &str = "hotshare.";

/// Where everything of one access point is.
#[derive(Clone, Debug)]
pub(super) struct RunDir(PathBuf);

impl RunDir {
    pub(super) fn new(path: &Path) -> RunDir {
        RunDir(path.to_owned())
    }

    pub(super) fn config(&self) -> PathBuf {
        self.0.join("hostapd.conf")
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.0.join("hostapd.psk")
    }

    pub(super) fn ports(&self) -> PathBuf {
        self.0.join("hostapd.vlan")
    }

    pub(super) fn denied(&self) -> PathBuf {
        self.0.join("hostapd.deny")
    }

    pub(super) fn pid(&self) -> PathBuf {
        self.0.join("hostapd.pid")
    }

    /// The folder of hostapd's control sockets, one for each interface.
    pub(super) fn control(&self) -> PathBuf {
        self.0.join("hostapd")
    }

    /// The folder of our ends of them.
    pub(super) fn own_ends(&self) -> PathBuf {
        self.0.join("hostapd-asks")
    }

    /// Makes the folders that must not be open to others.
    pub(super) fn prepare(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(&self.0)?;
        for folder in [self.control(), self.own_ends()] {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// Removes what only a running access point needs. What is gone already is well.
    pub(super) fn clear(&self) {
        for file in [self.config(), self.keys(), self.ports(), self.denied(), self.pid()] {
            gone(fs::remove_file(&file), &file);
        }
        for folder in [self.control(), self.own_ends()] {
            gone(fs::remove_dir_all(&folder), &folder);
        }
    }
}

fn gone(removed: io::Result<()>, path: &Path) {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "a run-time file stays behind");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Puts a file in place that only root can read: written aside, then renamed.
pub(super) fn put(path: &Path, text: &str) -> io::Result<()> {
    let aside = path.with_added_extension("new");
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&aside, path)
}

/// hostapd's `wpa_psk_file`: any station (all zero) that proves this passphrase is known by this key's name.
/// A passphrase goes to the end of its line, so it may hold spaces.
pub(super) fn keys_text(keys: &BTreeMap<KeyId, Passphrase>) -> String {
    let mut text = String::new();
    for (id, passphrase) in keys {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "keyid={id} 00:00:00:00:00:00 {}", passphrase.secret());
    }
    text
}

/// hostapd's `vlan_file`: the pattern of the names of the stations' own interfaces.
pub(super) fn ports_text() -> String {
    format!("* {PORT_PREFIX}#\n")
}

/// hostapd's `deny_mac_file`.
pub(super) fn denied_text(denied: &BTreeSet<Mac>) -> String {
    denied.iter().map(|mac| format!("{mac}\n")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_key_is_one_line_whatever_is_in_it() {
        let keys = BTreeMap::from([
            (KeyId(2), Passphrase::new("vlanid=7 wps=1 keyid=k1").unwrap()),
            (KeyId(17), Passphrase::new("# four plain words").unwrap()),
        ]);
        assert_eq!(
            keys_text(&keys),
            "keyid=k2 00:00:00:00:00:00 vlanid=7 wps=1 keyid=k1\n\
             keyid=k17 00:00:00:00:00:00 # four plain words\n"
        );
    }

    #[test]
    fn the_longest_key_fits_hostapds_line() {
        // `hostapd_config_read_wpa_psk` reads lines of 127 bytes at most.
        let keys = BTreeMap::from([(KeyId(u32::MAX), Passphrase::new(&"x".repeat(63)).unwrap())]);
        assert!(keys_text(&keys).len() < 127);
    }

    #[test]
    fn names_of_station_interfaces_fit_the_kernel() {
        // From 4096 on, one for each station that is on; the kernel takes 15 characters.
        assert!(format!("{PORT_PREFIX}{}", 4096 + 2007).len() <= 15);
    }

    #[test]
    fn files_are_for_root_only_and_are_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostapd.psk");
        put(&path, "one\n").unwrap();
        put(&path, "two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
