//! The Wi-Fi network: how it does, who is on it, and the keys to it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::secret::Secret;

/// Reply to `GET /v1/wifi`: everything that `hotshare wifi` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wifi {
    pub schema: u32,
    /// The time that the daemon believes.
    pub at: i64,
    pub state: AirState,
    /// Why it is off, in plain English; `null` when it is not.
    pub off_because: Option<String>,
    /// The same as a word; `null` when it is not off.
    #[serde(default)]
    pub off_code: Option<OffCode>,
    /// The name of the network as phones show it (the SSID).
    pub name: String,
    pub mode: Mode,
    /// The interface of the access point.
    pub interface: Option<String>,
    /// The access point's hardware address.
    pub bssid: Option<String>,
    /// ISO 3166: whose radio rules hold.
    pub country: Option<String>,
    /// `null` while nothing was chosen, as with the three below.
    pub band: Option<Band>,
    /// The primary channel's number.
    pub channel: Option<u32>,
    /// The middle of the primary channel, in MHz.
    pub mhz: Option<u32>,
    /// How wide it is.
    pub width_mhz: Option<u32>,
    /// Each station has a port of its own, which is closed until it is known whose it is. Without, stations
    /// share a group key.
    pub station_ports: bool,
    /// Why this card, band and channel: a sentence each, in plain English.
    pub why: Vec<String>,
    /// The same for whoever says it in words of their own.
    #[serde(default)]
    pub reasons: Vec<WifiReason>,
    /// What beacons say of the cost of using this network.
    pub cost: Cost,
    /// On the air, by hardware address.
    pub stations: Vec<Station>,
    /// May not associate for a while.
    pub denied: Vec<Denied>,
    /// Attempts with a wrong passphrase since the daemon started.
    pub wrong_keys: u64,
}

/// Why the access point is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OffCode {
    /// hostapd ended.
    Died,
    /// hostapd does not answer.
    Hung,
    CardGone,
    /// The card stopped sending.
    Silent,
    /// The uplink, on the same card, moved to another channel.
    UplinkMoved,
    /// The uplink, on the same card, looks for its network on all channels.
    UplinkLost,
    /// It could not be started.
    Failed,
    /// It was told to stop.
    Stopped,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// A reason for the choice of country, card or channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WifiReason {
    pub code: WifiReasonCode,
    /// ISO 3166: of a reason for the country.
    pub country: Option<String>,
    /// The card's interface: of a reason for the card.
    pub card: Option<String>,
    /// The interface of it that stays the uplink's, or leaves its network.
    pub interface: Option<String>,
    /// The configuration says so.
    pub configured: bool,
    /// Of a reason for the channel, as with the two below.
    pub band: Option<Band>,
    /// The primary channel's number.
    pub channel: Option<u32>,
    /// How wide it is.
    pub width_mhz: Option<u32>,
    /// What stands against a better one, in plain English.
    pub detail: Option<String>,
}

/// What kind of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WifiReasonCode {
    /// The configuration names the country.
    CountryConfigured,
    /// The uplink's network says so.
    CountryOfUplink,
    /// The machine's language settings say so.
    CountryOfLocale,
    /// The card stays the uplink's as well.
    CardIsUplinks,
    /// The network that the card is joined to is left.
    CardLeaves,
    /// The card is used for nothing else.
    CardFree,
    /// The uplink is on this channel, and the card can be on one only.
    ChannelOnlyUplinks,
    /// The uplink is on this channel.
    ChannelUplinks,
    /// The configuration names the channel.
    ChannelConfigured,
    /// The same; radar has to be listened for first.
    ChannelRadar,
    /// The first channel of the band that is allowed.
    ChannelFirst,
    /// Each station has an interface of its own.
    PortsOwn,
    /// The driver has no interfaces for single stations.
    PortsShared,
    /// hostapd has none.
    PortsNotBuilt,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// A device on the air.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Station {
    /// Six pairs of lower-case hex digits, with colons.
    pub mac: String,
    /// `null`: nobody's.
    pub person: Option<String>,
    /// What the device calls itself. It may call itself anything: escape it before showing it.
    pub host_name: Option<String>,
    /// IPv4, while it has a lease.
    pub address: Option<String>,
    /// Since it is on the air, as far as this daemon knows.
    pub since: i64,
    pub admission: Admission,
    /// Why it is not admitted, in plain English; `null` when it is.
    pub reason: Option<String>,
    /// How many devices of its person may be on the air at once, where it is one too many.
    #[serde(default)]
    pub limit: Option<u32>,
    /// How loud the access point hears it.
    pub signal_dbm: Option<i32>,
    /// The present rates on the air, in kbit/s, as the device sees them.
    pub up_kbit_s: Option<u64>,
    /// The same, down.
    pub down_kbit_s: Option<u64>,
    /// So long ago it was last heard.
    pub heard_ms: Option<u64>,
}

/// A device that may not associate for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Denied {
    /// Six pairs of lower-case hex digits, with colons.
    pub mac: String,
    /// For so long.
    pub seconds_left: u64,
    pub why: WhyDenied,
    /// The same in plain English.
    pub reason: String,
}

/// Reply to all that shows or changes a key: how to join. For the eyes of whoever is invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    pub schema: u32,
    /// The name of the network (the SSID).
    pub name: String,
    pub mode: Mode,
    /// `null` in a network that needs none.
    pub passphrase: Option<Secret>,
    /// Since when it is in force; `null` without a passphrase.
    pub since: Option<i64>,
    /// When the key ends; `null`: never.
    pub until: Option<i64>,
    /// What a QR code holds, such as `WIFI:T:WPA;S:…;P:…;;`.
    pub join: Secret,
}

/// In [`crate::Person`]: a key, without what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonKey {
    /// Since when it is in force.
    pub since: i64,
    /// When it ends, or ended; `null`: never.
    pub until: Option<i64>,
}

/// In [`crate::Status`]: the network in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WifiLine {
    pub state: AirState,
    /// Why it is off, in plain English; `null` when it is not.
    pub off_because: Option<String>,
    /// The name of the network (the SSID).
    pub name: String,
    /// `null` while nothing was chosen.
    pub band: Option<Band>,
    /// `null` while nothing was chosen.
    pub channel: Option<u32>,
    /// How many devices are on the air.
    pub stations: u32,
}

/// In [`crate::Preview`]: what the radio would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WifiPreview {
    /// The access point's interface.
    pub interface: String,
    pub name: String,
    pub mode: Mode,
    pub country: String,
    pub band: Band,
    pub channel: u32,
    /// A sentence each, in plain English.
    pub why: Vec<String>,
}

/// How the access point does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AirState {
    Starting,
    On,
    Off,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// How devices join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// WPA2 with a passphrase for each person; protected management frames are required.
    People,
    /// The same for old devices too: protected management frames are optional.
    PeopleOld,
    /// WPA3 with one passphrase; the owner says who is who.
    Sealed,
    /// Encrypted without a passphrase (OWE).
    Open,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// In GHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Band {
    #[serde(rename = "2.4")]
    Two,
    #[serde(rename = "5")]
    Five,
    #[serde(rename = "6")]
    Six,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// What beacons say of the cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// There is a price or a limit.
    Metered,
    /// The plan is nearly used.
    NearLimit,
    /// The plan is used.
    OverLimit,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// How far a station has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Admission {
    /// It is being written down whose it is.
    Waiting,
    Admitted,
    /// The person has as many devices on the air as may be.
    TooManyDevices,
    /// The key that it joined with is not in force any more.
    KeyGone,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// Why a device may not associate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhyDenied {
    /// Too many attempts with a wrong passphrase.
    WrongKey,
    TooManyDevices,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling() {
        let text = |value: serde_json::Value| value.to_string();
        use serde_json::json;
        assert_eq!(
            text(json!([AirState::Starting, AirState::On, AirState::Off])),
            r#"["starting","on","off"]"#
        );
        assert_eq!(
            text(json!([Mode::People, Mode::PeopleOld, Mode::Sealed, Mode::Open])),
            r#"["people","people-old","sealed","open"]"#
        );
        assert_eq!(text(json!([Band::Two, Band::Five, Band::Six])), r#"["2.4","5","6"]"#);
        assert_eq!(
            text(json!([Cost::Metered, Cost::NearLimit, Cost::OverLimit])),
            r#"["metered","near-limit","over-limit"]"#
        );
        assert_eq!(
            text(json!([
                Admission::Waiting,
                Admission::Admitted,
                Admission::TooManyDevices,
                Admission::KeyGone
            ])),
            r#"["waiting","admitted","too-many-devices","key-gone"]"#
        );
        assert_eq!(
            text(json!([WhyDenied::WrongKey, WhyDenied::TooManyDevices])),
            r#"["wrong-key","too-many-devices"]"#
        );
        let later: Band = serde_json::from_str(r#""60""#).expect("an unknown word is no error");
        assert_eq!(later, Band::Unknown);
    }

    #[test]
    fn a_key_is_shown_to_nobody_by_accident() {
        let key = Key {
            schema: crate::SCHEMA,
            name: "Hotshare-0001".into(),
            mode: Mode::People,
            passphrase: Some("correct horse".into()),
            since: Some(1),
            until: None,
            join: "WIFI:T:WPA;S:Hotshare-0001;P:correct horse;;".into(),
        };
        assert!(!format!("{key:?}").contains("horse"), "{key:?}");
        assert_eq!(
            serde_json::to_string(&key).expect("plain"),
            concat!(
                r#"{"schema":1,"name":"Hotshare-0001","mode":"people","passphrase":"correct horse","since":1,"#,
                r#""until":null,"join":"WIFI:T:WPA;S:Hotshare-0001;P:correct horse;;"}"#
            )
        );
    }
}
