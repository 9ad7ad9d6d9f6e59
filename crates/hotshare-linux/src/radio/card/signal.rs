//! How well stations are heard.

use std::collections::BTreeMap;

use hotshare_core::units::Mac;
use nlink::netlink::genl::nl80211::{BitrateInfo, StationInfo};

use super::CardError;
use super::air::{failed, wifi};

/// How well a station is heard, as far as the card's driver tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// The strength of the frames heard last, in dBm.
    pub dbm: Option<i32>,
    /// The rates on air to and from the station, in kbit/s: much above what gets through.
    pub tx_kbit: Option<u32>,
    pub rx_kbit: Option<u32>,
    /// Since the last frame from it, in milliseconds.
    pub heard_ms: Option<u32>,
}

/// Of every station of the interfaces with these indices: the access point's own, and those of single stations.
/// Interfaces that are gone have none.
///
/// # Errors
/// When the kernel does not tell.
pub async fn signals(interfaces: &[u32]) -> Result<BTreeMap<Mac, Signal>, CardError> {
    let wifi = wifi().await?;
    let mut signals = BTreeMap::new();
    for interface in interfaces {
        match wifi.get_stations_by_index(*interface).await {
            Ok(stations) => {
                signals.extend(stations.iter().map(|station| (Mac(station.mac), signal(station))))
            }
            Err(error) if error.is_no_device() || error.is_not_found() => {}
            // Stations came or went meanwhile: the next look finds them.
            Err(error) if error.is_dump_interrupted() => {}
            Err(error) => return Err(failed("read the stations' signals")(error)),
        }
    }
    Ok(signals)
}

fn signal(station: &StationInfo) -> Signal {
    let kbit = |rate: &Option<BitrateInfo>| Some(rate.as_ref()?.bitrate_100kbps?.saturating_mul(100));
    Signal {
        dbm: station.signal_dbm.or(station.signal_avg_dbm).map(i32::from),
        tx_kbit: kbit(&station.tx_bitrate),
        rx_kbit: kbit(&station.rx_bitrate),
        heard_ms: station.inactive_time_ms,
    }
}
