//! How the card was before, on disk before the first change.

use std::fs;
use std::io;
use std::path::Path;

use hotshare_core::radio::{CardInterface, InterfaceKind};
use hotshare_core::units::Mac;
use serde::{Deserialize, Serialize};

use super::CardError;
use crate::host::journal::{boot_id, network, write_durably};

/// The format's number; another one is refused as damaged.
const VERSION: u32 = 1;

/// All that was changed, as it was. Nothing: nothing was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    pub(super) card: Option<CardBefore>,
    pub(super) country: Option<CountryBefore>,
    pub(super) managed: Option<ManagedBefore>,
}

/// Names, indices and addresses may be others when the card was pulled and put back: it is known by the first of
/// `address` and `device` that fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CardBefore {
    pub(super) phy: String,
    /// What it was made with.
    pub(super) address: Option<String>,
    /// Where it is plugged in: a path below /sys/devices.
    pub(super) device: Option<String>,
    /// The interface that becomes the access point; `None` when only one of our own is made beside it.
    pub(super) interface: Option<InterfaceBefore>,
    /// The interface of our own.
    pub(super) own: Option<String>,
    /// It was turned off (rfkill, soft block), and we turned it on.
    pub(super) blocked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InterfaceBefore {
    pub(super) name: String,
    pub(super) kind: KindBefore,
    pub(super) mac: String,
    pub(super) up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KindBefore {
    Station,
    AccessPoint,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountryBefore {
    /// Two letters, `00` for the world.
    pub(super) before: String,
    pub(super) ours: String,
}

/// NetworkManager was told to leave our interfaces alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManagedBefore {
    /// The card's interface, when it managed it.
    pub(super) interface: Option<String>,
    /// The file was not enough: it was also told directly.
    pub(super) told: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalFile {
    version: u32,
    boot_id: String,
    network: u64,
    before: Before,
}

impl Before {
    /// What an earlier run wrote; nothing when it is from another boot or another network namespace, for then what
    /// it describes is gone.
    pub(super) fn read(path: &Path) -> Result<Before, CardError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Before::default()),
            Err(source) => return Err(CardError::Journal { verb: "read", path: path.to_owned(), source }),
        };
        let damaged = |source| CardError::Damaged { path: path.to_owned(), source };
        let file: JournalFile = serde_json::from_slice(&text).map_err(damaged)?;
        if file.version != VERSION {
            let of = format!("its version is {}, and this program writes {VERSION}", file.version);
            return Err(damaged(serde::de::Error::custom(of)));
        }
        if file.boot_id != boot_id() || file.network != network() {
            tracing::info!("the radio's journal of an earlier run is from another boot or network: ignored");
            return Ok(Before::default());
        }
        Ok(file.before)
    }

    /// Durable when it returns. Nothing to restore: no file.
    pub(super) fn write(&self, path: &Path) -> Result<(), CardError> {
        let failed = |verb| move |source| CardError::Journal { verb, path: path.to_owned(), source };
        if *self == Before::default() {
            return match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove")(error)),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let file =
            JournalFile { version: VERSION, boot_id: boot_id(), network: network(), before: self.clone() };
        let text = serde_json::to_vec_pretty(&file).map_err(|error| failed("write")(error.into()))?;
        write_durably(path, &text).map_err(failed("write"))
    }
}

impl InterfaceBefore {
    pub(super) fn of(seen: &CardInterface, mac: Mac) -> InterfaceBefore {
        let kind = match seen.kind {
            InterfaceKind::AccessPoint => KindBefore::AccessPoint,
            InterfaceKind::Station | InterfaceKind::StationPort | InterfaceKind::Other => KindBefore::Station,
        };
        InterfaceBefore { name: seen.name.clone(), kind, mac: mac.to_string(), up: seen.up }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn before() -> Before {
        Before {
            card: Some(CardBefore {
                phy: "phy0".into(),
                address: Some("02:00:00:00:00:00".into()),
                device: Some("/sys/devices/virtual/mac80211_hwsim/hwsim0".into()),
                interface: Some(InterfaceBefore {
                    name: "wlan0".into(),
                    kind: KindBefore::Station,
                    mac: "02:00:00:00:00:00".into(),
                    up: true,
                }),
                own: None,
                blocked: false,
            }),
            country: Some(CountryBefore { before: "00".into(), ours: "SE".into() }),
            managed: Some(ManagedBefore { interface: Some("wlan0".into()), told: true }),
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/radio.json");
        assert_eq!(Before::read(&path).unwrap(), Before::default());
        before().write(&path).unwrap();
        assert_eq!(Before::read(&path).unwrap(), before());
        Before::default().write(&path).unwrap();
        assert!(!path.exists());
        Before::default().write(&path).unwrap();
    }

    #[test]
    fn another_boot_or_network_leaves_nothing_to_restore() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("radio.json");
        before().write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(&boot_id(), "another")).unwrap();
        assert_eq!(Before::read(&path).unwrap(), Before::default());
    }

    #[test]
    fn a_damaged_journal_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("radio.json");
        before().write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for wrong in [&text[..text.len() / 2], &text.replace("\"version\": 1", "\"version\": 2"), "[]"] {
            fs::write(&path, wrong).unwrap();
            assert!(matches!(Before::read(&path), Err(CardError::Damaged { .. })), "{wrong}");
        }
    }
}
