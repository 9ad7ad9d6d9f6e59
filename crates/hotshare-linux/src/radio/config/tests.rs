#![allow(clippy::unwrap_used, reason = "a test may panic")]

use hotshare_core::radio::Ssid;
use hotshare_core::units::Mac;

use super::*;

/// People, 2.4 GHz, an interface for each station.
pub(in super::super) fn choice() -> Choice {
    Choice {
        phy: 0,
        card: "wlan0".into(),
        card_mac: Mac([2, 0, 0, 0, 0, 0]),
        own_interface: None,
        mhz: 2412,
        channel: 1,
        band: Band::Two,
        width_mhz: 20,
        radar: false,
        ht: true,
        vht: false,
        he: false,
        country: "SE".parse().unwrap(),
        mode: Mode::People,
        ssid: Ssid::new("Zelt 7").unwrap(),
        station_ports: true,
        follows: None,
        why: Vec::new(),
    }
}
