//! What the kernel says of the Wi-Fi cards: all that [`choose`](fn@super::choose) decides from.

use super::{Band, Country, Mode};
use crate::units::Mac;

/// Everything that a choice depends on, read at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RadioSeen {
    pub cards: Vec<CardSeen>,
    /// Whose rules the kernel applies now (`NL80211_CMD_GET_REG`). `None`: nobody's ("00", the world).
    pub regulatory: Option<Country>,
    /// What the access point that the uplink is joined to says in its beacon (IEEE 802.11-2020, 9.4.2.8), or the
    /// modem's network.
    pub uplink_country: Option<Country>,
    /// From the machine's locale, such as `sv_SE`.
    pub locale: Option<Country>,
    /// What the installed hostapd was built with.
    pub hostapd: HostapdSeen,
}

/// What hostapd itself can do, whatever the card can. The default is all of it: what Debian and Fedora ship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostapdSeen {
    pub sae: bool,
    pub owe: bool,
    /// Wi-Fi 6 (802.11ax).
    pub he: bool,
}

impl Default for HostapdSeen {
    fn default() -> HostapdSeen {
        HostapdSeen { sae: true, owe: true, he: true }
    }
}

/// A Wi-Fi card: a wiphy of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardSeen {
    pub phy: u32,
    pub phy_name: String,
    pub interfaces: Vec<CardInterface>,
    /// It can be an access point (`NL80211_ATTR_SUPPORTED_IFTYPES` has `AP`).
    pub access_point: bool,
    /// It can give each station an interface of its own (`AP_VLAN` likewise).
    pub station_ports: bool,
    /// What its interface combinations allow.
    pub beside_station: Beside,
    /// Under the rules that the kernel applied when this was read.
    pub channels: Vec<ChannelSeen>,
    /// Wi-Fi 4 (802.11n).
    pub ht: bool,
    /// Its Wi-Fi 4 can use 40 MHz in 5 GHz (bit 1 of `NL80211_BAND_ATTR_HT_CAPA`).
    pub ht40: bool,
    /// Wi-Fi 5 (802.11ac) in 5 GHz, which always can use 80 MHz.
    pub vht: bool,
    /// Wi-Fi 6 (802.11ax) as an access point.
    pub he: bool,
    /// Management frames can be protected (cipher suite `00-0f-ac:6`).
    pub pmf: bool,
    pub sae: bool,
    pub owe: bool,
    /// As an access point it can watch for radar (`NL80211_IFACE_COMB_RADAR_DETECT_WIDTHS` not 0).
    pub radar_watch: bool,
}

impl CardSeen {
    /// How people call it: by its first interface, else by its phy.
    #[must_use]
    pub fn name(&self) -> &str {
        self.interfaces.iter().find(|i| i.is_the_cards()).map_or(&self.phy_name, |i| &i.name)
    }

    #[must_use]
    pub fn interface(&self, name: &str) -> Option<&CardInterface> {
        self.interfaces.iter().find(|i| i.name == name)
    }

    /// The modes that this card with this hostapd can do.
    #[must_use]
    pub fn modes(&self, hostapd: HostapdSeen) -> Vec<Mode> {
        let can = |mode: &Mode| match mode {
            Mode::People => self.pmf,
            Mode::PeopleOld => true,
            Mode::Sealed => self.pmf && self.sae && hostapd.sae,
            Mode::Open => self.pmf && self.owe && hostapd.owe,
        };
        Mode::ALL.into_iter().filter(can).collect()
    }
}

/// One interface of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardInterface {
    pub name: String,
    pub ifindex: u32,
    pub mac: Mac,
    pub kind: InterfaceKind,
    pub up: bool,
    /// The middle of the 20 MHz channel in use, in MHz (`NL80211_ATTR_WIPHY_FREQ`).
    pub mhz: Option<u32>,
}

impl CardInterface {
    /// The interface that an access point beside a station gets.
    pub const OWN: &str = "hotshare-ap";

    /// It was there without Hotshare, and can become an access point.
    #[must_use]
    pub fn is_the_cards(&self) -> bool {
        matches!(self.kind, InterfaceKind::Station | InterfaceKind::AccessPoint)
            && self.name != CardInterface::OWN
    }
}

/// `NL80211_ATTR_IFTYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterfaceKind {
    Station,
    AccessPoint,
    /// Of one station of an access point (`AP_VLAN`).
    StationPort,
    /// Monitor, P2P device, mesh and so on.
    Other,
}

/// Whether a card can be an access point while it is a station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beside {
    #[default]
    Never,
    /// Only on the channel of the station (one channel in `NL80211_IFACE_COMB_NUM_CHANNELS`).
    SameChannel,
    AnyChannel,
}

/// A channel of 20 MHz, under the rules that the kernel applied when this was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSeen {
    /// Its middle.
    pub mhz: u32,
    /// By IEEE 802.11-2020, annex E: [`Band::number`].
    pub number: u32,
    pub band: Band,
    pub disabled: bool,
    /// No initiating radiation: stations may answer there, access points may not begin.
    pub no_ir: bool,
    /// An access point must watch for radar before and while it sends.
    pub radar: bool,
    /// The strongest that may be sent, in dBm.
    pub max_dbm: i32,
    /// 40 MHz may be used with the 20 MHz above (no `NL80211_FREQUENCY_ATTR_NO_HT40_PLUS`).
    pub ht40_plus: bool,
    /// … with the 20 MHz below.
    pub ht40_minus: bool,
    /// It may be a part of 80 MHz (no `NL80211_FREQUENCY_ATTR_NO_80MHZ`).
    pub vht80: bool,
}

impl Band {
    /// The band and number of the channel with this middle, as the kernel's `ieee80211_freq_khz_to_channel` has it.
    #[must_use]
    pub fn number(mhz: u32) -> Option<(Band, u32)> {
        match mhz {
            2484 => Some((Band::Two, 14)),
            2412..2484 => Some((Band::Two, (mhz - 2407) / 5)),
            5005..5925 => Some((Band::Five, (mhz - 5000) / 5)),
            5935 => Some((Band::Six, 2)),
            5955..=7115 => Some((Band::Six, (mhz - 5950) / 5)),
            _ => None,
        }
    }

    /// As in the configuration file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Band::Two => "2.4",
            Band::Five => "5",
            Band::Six => "6",
        }
    }
}
