//! What is wished for, and what was chosen.

use super::reason::Reason;
use super::{Band, Country, Mode, Ssid};
use crate::units::Mac;

/// What the owner asks of the radio. `None`: Hotshare chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RadioWish {
    pub ssid: Option<Ssid>,
    pub mode: Mode,
    pub country: Option<Country>,
    pub band: Option<Band>,
    /// By number, in `band` if that is given.
    pub channel: Option<u32>,
    /// An interface of the card, or its phy.
    pub card: Option<String>,
}

/// Where and how the access point goes on air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub phy: u32,
    /// The card's own interface; the phy's name if it has none.
    pub card: String,
    /// Of `card`; all zero if it has no interface.
    pub card_mac: Mac,
    /// Make this interface with this address for the access point. `None`: the card's own interface becomes it.
    pub own_interface: Option<(String, Mac)>,
    /// The middle of the first 20 MHz.
    pub mhz: u32,
    pub channel: u32,
    pub band: Band,
    /// 20, 40 or 80.
    pub width_mhz: u32,
    /// Radar has to be watched for: hostapd first listens for a minute, or ten.
    pub radar: bool,
    /// Use Wi-Fi 4, 5, 6.
    pub ht: bool,
    pub vht: bool,
    pub he: bool,
    pub country: Country,
    pub mode: Mode,
    pub ssid: Ssid,
    /// Each station gets an interface of its own.
    pub station_ports: bool,
    /// The station interface whose channel the access point must be on.
    pub follows: Option<String>,
    pub why: Vec<Reason>,
}

impl Choice {
    /// The interface that becomes the access point.
    #[must_use]
    pub fn interface(&self) -> &str {
        self.own_interface.as_ref().map_or(&self.card, |(name, _)| name)
    }

    /// The first channel of the block of `width_mhz` that the channel is in: blocks of 40 and 80 MHz are fixed
    /// (IEEE 802.11-2020, annex E).
    #[must_use]
    pub fn block(&self) -> u32 {
        block(self.band, self.channel, self.width_mhz)
    }

    /// The number of the block's middle: `vht_oper_centr_freq_seg0_idx` of hostapd.
    #[must_use]
    pub fn middle(&self) -> u32 {
        self.block() + self.width_mhz / 10 - 2
    }

    /// With 40 MHz or more: the other 20 MHz of the pair is above (`[HT40+]`), not below (`[HT40-]`).
    #[must_use]
    pub fn pair_above(&self) -> Option<bool> {
        (self.width_mhz >= 40).then(|| block(self.band, self.channel, 40) == self.channel)
    }
}

/// The first channel number of the block of `width` MHz around `channel`, where such blocks are fixed.
pub(super) fn block(band: Band, channel: u32, width: u32) -> u32 {
    let first = match (band, channel) {
        (Band::Two, _) => return channel,
        (Band::Five, 149..) => 149,
        (Band::Five, _) => 36,
        (Band::Six, _) => 1,
    };
    let step = width / 5;
    if channel < first || step == 0 { channel } else { first + (channel - first) / step * step }
}
