//! The radio: which card, band and channel, how stations prove who they are, and what hostapd is to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::keys::{KeyId, Passphrase};
use crate::units::Mac;

mod card;
mod channel;
mod choice;
mod choose;
mod cost;
mod country;
mod join;
mod reason;
mod supervise;
mod words;

pub use card::{Beside, CardInterface, CardSeen, ChannelSeen, HostapdSeen, InterfaceKind, RadioSeen};
pub use choice::{Choice, RadioWish};
pub use choose::{choose, country};
pub use cost::{cost_element, read_cost_element};
pub use country::country_name;
pub use join::{Join, NotAJoinText, join_text};
pub use reason::{Because, Job, Ports, Reason, Source};
pub use supervise::{HUNG_MS, Observed, Station, Step, Supervision, Why};
pub use words::{NoRadio, Obstacle, Place, Rules};

/// How stations join, and what that says about who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// WPA2-PSK-SHA256, PMF required, a passphrase for each person: the key is the person.
    #[default]
    People,
    /// The same with PMF optional and PSK with SHA-1 allowed, for devices that know no PMF.
    PeopleOld,
    /// WPA3-SAE with hash-to-element only, PMF required, one passphrase; the owner says who is who.
    Sealed,
    /// OWE: encrypted without a passphrase. Only devices that know OWE can join.
    Open,
}

impl Mode {
    pub const ALL: [Mode; 4] = [Mode::People, Mode::PeopleOld, Mode::Sealed, Mode::Open];

    /// The passphrase says who it is.
    #[must_use]
    pub fn is_personal(self) -> bool {
        matches!(self, Mode::People | Mode::PeopleOld)
    }

    /// The word in the configuration file, the API and the CLI.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Mode::People => "people",
            Mode::PeopleOld => "people-old",
            Mode::Sealed => "sealed",
            Mode::Open => "open",
        }
    }
}

/// The name of the network as stations see it: 1 to 32 bytes of UTF-8 (IEEE 802.11-2020, 9.4.2.2), no control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ssid(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{}” cannot be the name of a Wi-Fi network: it has 1 to 32 bytes and no control characters", .0.escape_debug())]
pub struct NotAnSsid(pub String);

impl Ssid {
    /// # Errors
    /// When stations could not be shown such a name.
    pub fn new(text: &str) -> Result<Ssid, NotAnSsid> {
        let good = (1..=32).contains(&text.len()) && !text.chars().any(char::is_control);
        if good { Ok(Ssid(text.to_owned())) } else { Err(NotAnSsid(text.to_owned())) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ssid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A country by ISO 3166-1 alpha-2, two upper-case letters: whose radio rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{}” is not a country: write the two letters of ISO 3166, such as DE, SE or CN", .0.escape_debug())]
pub struct NotACountry(pub String);

impl std::str::FromStr for Country {
    type Err = NotACountry;
    fn from_str(text: &str) -> Result<Country, NotACountry> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Country([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(NotACountry(text.to_owned())),
        }
    }
}

impl Country {
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("00")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// 2.4 GHz.
    Two,
    /// 5 GHz.
    Five,
    /// 6 GHz.
    Six,
}

/// What beacons say of the cost of using this network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cost {
    /// There is a price or a limit.
    #[default]
    Metered,
    /// The plan is nearly used.
    NearLimit,
    /// The plan is used.
    OverLimit,
}

/// A station that has proven its key, as hostapd tells it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StationSeen {
    pub mac: Mac,
    /// The personal key that it joined with; `None` in a network without personal keys.
    pub key: Option<KeyId>,
    /// The index of the interface that carries this station alone. A station that joins again gets another one.
    /// `None`: the card cannot do that, and the station is on the LAN already.
    pub port: Option<u32>,
}

/// All that the access point is told while it runs. The hand makes it so, also after hostapd was started anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RadioOrders {
    /// Personal keys in force.
    pub keys: BTreeMap<KeyId, Passphrase>,
    /// The key of a network without personal keys.
    pub network_key: Option<Passphrase>,
    /// Stations whose interface (by index) is to be a port of the LAN. The others' stay outside.
    pub admitted: BTreeMap<Mac, u32>,
    /// These may not associate.
    pub denied: BTreeSet<Mac>,
    pub cost: Cost,
}
