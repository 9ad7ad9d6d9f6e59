//! The Wi-Fi cards: what they can, how one is made ready for the access point, and how it is given back.

mod air;
mod combination;
mod country;
mod holder;
mod journal;
mod phy;
mod prepare;
mod restore;
mod rfkill;
mod signal;
mod survey;
mod watch;

use std::io;
use std::path::{Path, PathBuf};

use hotshare_core::radio::Country;

use journal::Before;

pub use signal::{Signal, signals};
pub use survey::{interfaces, survey};
pub use watch::AirWatch;

/// What went wrong with a card.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    #[error(
        "looked for Wi-Fi cards: this kernel has no Wi-Fi (cfg80211) loaded; plug a card in, or load its driver with modprobe"
    )]
    NoWifi,
    #[error("could not open a netlink socket; are we root?")]
    Open(#[source] nlink::Error),
    /// With what was tried: "could not …".
    #[error("could not {0}")]
    Kernel(String, #[source] nlink::Error),
    #[error("the Wi-Fi card {0} is gone; plug it in again, or name another one")]
    Gone(String),
    #[error("a switch or key of this machine turned {0} off (rfkill, hard block); turn Wi-Fi on there")]
    HardBlocked(String),
    #[error(
        "{0} is turned off (rfkill, soft block), and that could not be changed; try “rfkill unblock wifi”"
    )]
    SoftBlocked(String, #[source] io::Error),
    #[error(
        "the kernel did not take {wanted} as the country, and still goes by the rules of {now}; check the two letters, and install the package wireless-regdb"
    )]
    Country { wanted: Country, now: String },
    #[error("{program} uses {card}, and two cannot steer one card: {advice}")]
    Held { card: String, program: &'static str, advice: String },
    #[error("could not {verb} {}, where it is kept how the card was before", path.display())]
    Journal { verb: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is damaged; see by hand that the Wi-Fi card is as you want it, then remove this file", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("could not {verb} {}, which tells NetworkManager to leave the access point alone", path.display())]
    DropIn { verb: &'static str, path: PathBuf, source: io::Error },
    /// With what was tried: "could not …".
    #[error("could not {0}")]
    Bus(String, #[source] Box<zbus::Error>),
    #[error(
        "NetworkManager keeps {0}, though it was told to leave it alone; try “nmcli device set {0} managed no”"
    )]
    StillManaged(String),
    /// Each with its causes.
    #[error("the Wi-Fi card is not as it was before: {}", .0.join("; "))]
    NotRestored(Vec<String>),
}

/// The card of the access point. Before anything about it is changed, it is on disk how it was.
#[derive(Debug)]
pub struct Card {
    journal: PathBuf,
    before: Before,
}

impl Card {
    /// Reads what an earlier run has left in the file `journal`. Changes nothing.
    ///
    /// # Errors
    /// When the file is there and cannot be understood.
    pub fn open(journal: &Path) -> Result<Card, CardError> {
        Ok(Card { before: Before::read(journal)?, journal: journal.to_owned() })
    }

    /// An earlier run, or this one, changed something that is not restored yet.
    #[must_use]
    pub fn has_leftovers(&self) -> bool {
        self.before != Before::default()
    }

    /// Durable when it returns.
    fn write(&self) -> Result<(), CardError> {
        self.before.write(&self.journal)
    }
}
