//! hostapd's configuration as text, from what was chosen. Pure.
//!
//! Nothing that people type is in it as it is: the name of the network is in hex, personal passphrases are in
//! another file, and the passphrase of the whole network has no line breaks by construction and stands last in
//! its line.

use std::fmt::Write as _;
use std::path::Path;

use hotshare_core::keys::Passphrase;
use hotshare_core::radio::{Band, Choice, Cost, Mode, cost_element};

use super::features::Extras;
use super::files::RunDir;

/// Lines that may differ without another hostapd being needed: they are set while it runs.
const CHANGE_WHILE_RUNNING: [&str; 2] = ["vendor_elements=", "wpa_passphrase="];

/// All that the text depends on.
#[derive(Clone, Copy)]
pub(super) struct Setup<'a> {
    pub(super) choice: &'a Choice,
    /// The LAN bridge.
    pub(super) bridge: &'a str,
    pub(super) dir: &'a RunDir,
    pub(super) extras: Extras,
    pub(super) cost: Cost,
    /// The passphrase of a sealed network.
    pub(super) network_key: Option<&'a Passphrase>,
}

/// The text of `hostapd.conf`. It can hold a passphrase.
pub(super) fn text(setup: &Setup) -> String {
    let mut lines = Lines::default();
    lines.item("interface", setup.choice.interface());
    // The kernel's own interface to cards, since 2008. Drivers without it are not supported.
    lines.item("driver", "nl80211");
    // No group: only root reaches the sockets.
    lines.path("ctrl_interface", &setup.dir.control());
    // MAC addresses are not for the system's log; what hostapd prints is read by us.
    lines.item("logger_syslog", 0);
    lines.item("logger_stdout", -1);
    lines.item("logger_stdout_level", 2);
    radio(&mut lines, setup.choice);
    network(&mut lines, setup);
    security(&mut lines, setup);
    extras(&mut lines, setup.extras, setup.choice.mode);
    // Last, because they change while it runs.
    lines.item("vendor_elements", hex(&cost_element(setup.cost)));
    if let (Mode::Sealed, Some(key)) = (setup.choice.mode, setup.network_key) {
        // Not `sae_password`, which takes `|mac=` and the like within the passphrase for options.
        lines.item("wpa_passphrase", key.secret());
    }
    lines.0
}

/// A hostapd that runs with the one can be made to run as with the other.
pub(super) fn is_alike(one: &str, other: &str) -> bool {
    let fixed = |line: &&str| !CHANGE_WHILE_RUNNING.iter().any(|item| line.starts_with(item));
    one.lines().filter(fixed).eq(other.lines().filter(fixed))
}

/// The passphrase of the whole network that a configuration holds.
pub(super) fn network_key(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("wpa_passphrase="))
}

/// Country, band, channel, width.
fn radio(lines: &mut Lines, choice: &Choice) {
    lines.item("country_code", choice.country);
    // The country is in the beacon, so that stations keep its rules.
    lines.item("ieee80211d", 1);
    let mode = match choice.band {
        Band::Two => "g",
        Band::Five | Band::Six => "a",
    };
    lines.item("hw_mode", mode);
    lines.item("channel", choice.channel);
    if choice.band == Band::Five {
        // Radar and power constraint; without it no channel that wants them can be used.
        lines.item("ieee80211h", 1);
    }
    if choice.band == Band::Six {
        // A channel number of 6 GHz says nothing without its class (IEEE 802.11-2020, annex E).
        let class = match choice.width_mhz {
            ..40 => 131,
            40..80 => 132,
            80.. => 133,
        };
        lines.item("op_class", class);
    }
    // 6 GHz knows only Wi-Fi 6 and later.
    if choice.ht && choice.band != Band::Six {
        lines.item("ieee80211n", 1);
        match choice.pair_above() {
            Some(true) => lines.item("ht_capab", "[HT40+]"),
            Some(false) => lines.item("ht_capab", "[HT40-]"),
            None => {}
        }
    }
    let wide = u8::from(choice.width_mhz >= 80);
    if choice.vht && choice.band == Band::Five {
        lines.item("ieee80211ac", 1);
        lines.item("vht_oper_chwidth", wide);
        if choice.width_mhz >= 80 {
            lines.item("vht_oper_centr_freq_seg0_idx", choice.middle());
        }
    }
    if choice.he {
        lines.item("ieee80211ax", 1);
        if choice.band != Band::Two {
            lines.item("he_oper_chwidth", wide);
            if choice.width_mhz >= 40 {
                lines.item("he_oper_centr_freq_seg0_idx", choice.middle());
            }
        }
    }
    // Wi-Fi 4 and later are refused by stations without it.
    lines.item("wmm_enabled", 1);
}

/// The name of the network, and what becomes of its stations.
fn network(lines: &mut Lines, setup: &Setup) {
    lines.item("ssid2", hex(setup.choice.ssid.as_str().as_bytes()));
    lines.item("utf8_ssid", 1);
    // Open on the air; the key is proven afterwards (IEEE 802.11-2020, 12.6). SAE brings its own.
    lines.item("auth_algs", 1);
    // Frames from station to station are not passed on within the card.
    lines.item("ap_isolate", 1);
    if setup.choice.station_ports {
        // Each station has an interface and a group key of its own: no frame of one reaches another, and the
        // interface is born outside the bridge, that is, closed.
        lines.item("per_sta_vif", 1);
        lines.path("vlan_file", &setup.dir.ports());
    } else {
        lines.item("bridge", setup.bridge);
    }
    // Everybody with a key, but for those denied.
    lines.item("macaddr_acl", 0);
    lines.path("deny_mac_file", &setup.dir.denied());
    // Bounds what strangers can make us remember: half-open stations count.
    lines.item("max_num_sta", 255);
    // A station that is out of range is dropped after some frames without an answer, not after 5 minutes.
    lines.item("disassoc_low_ack", 1);
    lines.item("skip_inactivity_poll", 0);
}

/// How stations prove their key.
fn security(lines: &mut Lines, setup: &Setup) {
    lines.item("wpa", 2);
    // The group cipher follows from it. No TKIP, in no mode.
    lines.item("rsn_pairwise", "CCMP");
    let (proof, protected) = match setup.choice.mode {
        // Never together with SAE: a phone that knows SAE would choose it, fail, and not fall back.
        Mode::People => ("WPA-PSK-SHA256", 2),
        Mode::PeopleOld => ("WPA-PSK WPA-PSK-SHA256", 1),
        Mode::Sealed => ("SAE", 2),
        Mode::Open => ("OWE", 2),
    };
    lines.item("wpa_key_mgmt", proof);
    // 2: no station without protected management frames, which forged ones cannot disconnect.
    lines.item("ieee80211w", protected);
    match setup.choice.mode {
        Mode::People | Mode::PeopleOld => lines.path("wpa_psk_file", &setup.dir.keys()),
        Mode::Sealed => {
            // Hash-to-element only: hunting-and-pecking leaks by its timing (Dragonblood).
            lines.item("sae_pwe", 1);
            // One group, so that nobody can be talked down to a weaker one (advisory 2024-2).
            lines.item("sae_groups", 19);
            lines.item("sae_require_mfp", 1);
            // From the fifth half-open exchange on, strangers must show that their address is theirs.
            lines.item("sae_anti_clogging_threshold", 5);
        }
        Mode::Open => {}
    }
    // Who leaves does not keep the group key, where stations share one.
    lines.item("wpa_strict_rekey", 1);
    // Keys are not handed on to other access points: there are none.
    lines.item("okc", 0);
    lines.item("rsn_preauth", 0);
    // Retries stay on: without them a lost frame is a failed join, and stations that install a key twice have
    // been repaired since 2017.
    lines.item("wpa_disable_eapol_key_retries", 0);
}

/// What not every hostapd knows.
fn extras(lines: &mut Lines, extras: Extras, mode: Mode) {
    if extras.channel_validation && mode != Mode::PeopleOld {
        // The channel is part of the handshake, which ends attacks from between on another channel. 2: stations
        // that claim to know it and do not are let in.
        lines.item("ocv", 2);
    }
    if extras.name_protection {
        // The name is part of the handshake: a network cannot pass for another with the same key
        // (CVE-2023-52424).
        lines.item("ssid_protection", 1);
    }
    if extras.no_direct_links {
        // Stations are asked not to link up directly: what they send so is on nobody's account.
        lines.item("tdls_prohibit", 1);
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn item(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{name}={value}");
    }

    fn path(&mut self, name: &str, path: &Path) {
        self.item(name, path.display());
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
pub(super) mod tests;
