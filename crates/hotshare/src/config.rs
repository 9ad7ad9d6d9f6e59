//! The configuration file, read strictly: what is not known, or makes no sense, is refused with the line and
//! column where it stands. Everything that is wrong is told at once.
//!
//! Only what the machine needs before anybody can ask it is here. The plan and the people are in the ledger,
//! and are changed with `hotshare plan` and `hotshare people`.

mod alerts;
mod document;
mod problem;
mod values;
mod web;
mod wifi;

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use hotshare_core::people::PersonName;
use hotshare_core::radio::{Band, Country, Mode, Ssid};
use hotshare_core::uplink::Subnet;

pub(crate) use self::alerts::AlertsConfig;
pub(crate) use self::problem::ConfigError;
pub(crate) use self::values::interface_name;
pub(crate) use self::web::{WebAcme, WebConfig, WebTls};

/// A file that says everything that can be said, with the values that hold when nothing is said.
pub(crate) const EXAMPLE: &str = include_str!("config/example.toml");

/// What the machine's owner configured: every value is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) uplink: UplinkConfig,
    pub(crate) lan: LanConfig,
    /// `None`: nothing is said of Wi-Fi. Then there is one if no wired port is named either.
    pub(crate) wifi: Option<WifiConfig>,
    pub(crate) grants: GrantsConfig,
    pub(crate) people: PeopleConfig,
    pub(crate) alerts: AlertsConfig,
    pub(crate) hotspot: HotspotConfig,
    pub(crate) web: WebConfig,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UplinkConfig {
    /// `None`: the interface of the default route.
    pub(crate) interface: Option<String>,
    /// Asked instead of those that the uplink offers. Empty: those that it offers.
    pub(crate) resolvers: Vec<Ipv4Addr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LanConfig {
    /// Valid names, each once, none of them the uplink's. May be empty: then people are on the Wi-Fi only.
    pub(crate) interfaces: Vec<String>,
    /// `None`: one that collides with nothing the host routes.
    pub(crate) subnet: Option<Subnet>,
    /// Two minutes to seven days.
    pub(crate) lease_time: Duration,
}

impl Default for LanConfig {
    fn default() -> LanConfig {
        LanConfig { interfaces: Vec::new(), subnet: None, lease_time: Duration::from_secs(3600) }
    }
}

/// What is not said is chosen, and the choice explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WifiConfig {
    /// `None`: made of the card's address.
    pub(crate) name: Option<Ssid>,
    pub(crate) mode: Mode,
    /// `None`: the uplink's, or the locale's.
    pub(crate) country: Option<Country>,
    pub(crate) band: Option<Band>,
    pub(crate) channel: Option<u32>,
    /// An interface of the card. It may be the uplink: some cards can be both.
    pub(crate) interface: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantsConfig {
    /// So long after the daemon's last sign of life the gate closes by itself. 5 to 300 s.
    pub(crate) expiry: Duration,
}

impl Default for GrantsConfig {
    fn default() -> GrantsConfig {
        GrantsConfig { expiry: Duration::from_secs(30) }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PeopleConfig {
    /// Whose a device is that nobody knows. `None`: it is closed and waits for the owner.
    pub(crate) default: Option<PersonName>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HotspotConfig {
    /// So long after the last device has left it stops. `None`: never. 30 seconds to 7 days.
    pub(crate) off_when_idle: Option<Duration>,
}

impl Config {
    /// Reads and checks a file.
    pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Config::parse(&file, &text),
            Err(source) => Err(ConfigError::Unreadable { file, source }),
        }
    }

    /// Checks the text of a file; `file` is what errors call it.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
        let mut document = document::Document::read(text);
        let config = values::take(&mut document);
        match document.problems() {
            problems if problems.is_empty() => Ok(config),
            problems => Err(ConfigError::Wrong { file: file.to_owned(), problems }),
        }
    }
}

#[cfg(test)]
mod tests;
