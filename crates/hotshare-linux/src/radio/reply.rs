//! What hostapd's control socket says, as values. Pure, and total: some of it was put there by strangers.
//!
//! Only lines with a known name are read, each at most once: a name that is said twice with different values is
//! as good as not said.

use std::str::FromStr;

use hotshare_core::keys::KeyId;
use hotshare_core::units::Mac;

/// One station of the list, as `STA` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Station {
    pub mac: Mac,
    /// It has proven its key. Half-open and refused stations are listed too.
    pub is_authorized: bool,
    /// The name of the line of the passphrase file that it joined with, if that names one of our keys.
    pub key: Option<KeyId>,
    /// The number that its own interface's name ends in.
    pub vlan_id: Option<u32>,
}

/// What `STATUS` says of the access point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    pub bssid: Option<Mac>,
    pub mhz: Option<u32>,
    pub channel: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Stations can join, as far as hostapd knows: it says so of a card that was pulled, too.
    Enabled,
    Disabled,
    /// On the way: the country is being set, the channel is listened to for radar.
    #[default]
    Underway,
}

/// What hostapd tells by itself. Hints: the list of stations is the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Joined(Mac),
    Left(Mac),
    /// A station's first message does not fit any passphrase. hostapd says so up to four times per attempt.
    WrongKey(Mac),
    /// The access point is on.
    On,
    /// The access point, or its interface, is off.
    Off,
    /// It is on another channel now.
    ChannelChanged,
    /// hostapd is about to end.
    Ending,
    /// Anything else.
    Other,
}

/// The four-way handshake is over (hostapd's `WPA_PTK_PTKINITDONE`).
const PTK_DONE: u32 = 11;

/// Reads the reply to `STA`, `STA-FIRST` and `STA-NEXT`. `None`: there is no such station.
#[must_use]
pub fn station(reply: &str) -> Option<Station> {
    let mut lines = reply.lines();
    let mac = lines.next().and_then(|line| Mac::from_str(line).ok())?;
    let lines: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('=')).collect();
    let flags = only(&lines, "flags").unwrap_or_default();
    // Until a station that joins again has proven its key, hostapd 2.10 still calls it authorised and names the
    // first key of its list as its own (wpa_auth.c, INITPSK).
    let is_through =
        only(&lines, "hostapdWPAPTKState").and_then(number).is_none_or(|state| state == PTK_DONE);
    Some(Station {
        mac,
        is_authorized: flags.contains("[AUTHORIZED]") && is_through,
        key: only(&lines, "keyid").and_then(|key| key.parse().ok()),
        vlan_id: only(&lines, "vlan_id").and_then(number).filter(|id| *id > 0),
    })
}

/// Reads the reply to `STATUS`.
#[must_use]
pub fn status(reply: &str) -> Status {
    let lines: Vec<(&str, &str)> = reply.lines().filter_map(|line| line.split_once('=')).collect();
    let state = match only(&lines, "state") {
        Some("ENABLED") => State::Enabled,
        Some("DISABLED") => State::Disabled,
        Some(_) | None => State::Underway,
    };
    Status {
        state,
        bssid: only(&lines, "bssid[0]").and_then(|mac| mac.parse().ok()),
        mhz: only(&lines, "freq").and_then(number),
        channel: only(&lines, "channel").and_then(number),
    }
}

/// Reads what came on the attached socket: `<3>AP-STA-CONNECTED 02:00:5e:10:00:01 keyid=k17`.
#[must_use]
pub fn event(text: &str) -> Event {
    let text = match text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((level, rest)) if number(level).is_some() => rest,
        Some(_) | None => text,
    };
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let mut mac = || words.next().and_then(|word| Mac::from_str(word).ok());
    match name {
        "AP-STA-CONNECTED" => mac().map_or(Event::Other, Event::Joined),
        "AP-STA-DISCONNECTED" => mac().map_or(Event::Other, Event::Left),
        "AP-STA-POSSIBLE-PSK-MISMATCH" => mac().map_or(Event::Other, Event::WrongKey),
        "AP-ENABLED" | "INTERFACE-ENABLED" => Event::On,
        "AP-DISABLED" | "INTERFACE-DISABLED" => Event::Off,
        "AP-CSA-FINISHED" | "DFS-NEW-CHANNEL" => Event::ChannelChanged,
        "CTRL-EVENT-TERMINATING" => Event::Ending,
        _ => Event::Other,
    }
}

/// The value of a name that is said once, or always with the same value.
fn only<'a>(lines: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let mut values = lines.iter().filter(|(key, _)| *key == name).map(|(_, value)| *value);
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn number(text: &str) -> Option<u32> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// As hostapd 2.10 writes it.
    const STA: &str = "02:00:00:00:01:00\nflags=[AUTH][ASSOC][AUTHORIZED][SHORT_PREAMBLE][WMM][MFP][HT]\naid=1\n\
        capability=0x431\nlisten_interval=5\nsupported_rates=02 04 0b 16\ntimeout_next=NULLFUNC POLL\n\
        dot11RSNAStatsSTAAddress=02:00:00:00:01:00\nrx_packets=12\nsignal=-30\nvlan_id=4096\next_capab=0400\n\
        keyid=k17\n";

    #[test]
    fn a_station_with_its_key_and_its_interface() {
        let seen = station(STA).unwrap();
        assert_eq!(seen.mac, Mac([2, 0, 0, 0, 1, 0]));
        assert!(seen.is_authorized);
        assert_eq!(seen.key, Some(KeyId(17)));
        assert_eq!(seen.vlan_id, Some(4096));
    }

    #[test]
    fn half_open_stations_are_not_on() {
        let seen = station("02:00:00:00:01:00\nflags=[AUTH][ASSOC]\naid=1\n").unwrap();
        assert!(!seen.is_authorized);
        let seen = station("02:00:00:00:01:00\nflags=[NOT-AUTHORIZED]\n").unwrap();
        assert!(!seen.is_authorized);
    }

    #[test]
    fn no_station_is_no_station() {
        assert_eq!(station(""), None);
        assert_eq!(station("FAIL\n"), None);
        assert_eq!(station("UNKNOWN COMMAND\n"), None);
    }

    #[test]
    fn whoever_says_a_name_twice_says_nothing() {
        let seen = station("02:00:00:00:01:00\nkeyid=k1\nkeyid=k2\nvlan_id=7\nvlan_id=7\n").unwrap();
        assert_eq!(seen.key, None);
        assert_eq!(seen.vlan_id, Some(7));
    }

    #[test]
    fn a_key_counts_only_when_the_handshake_is_over() {
        let told = |state: u32| {
            let text = format!(
                "02:00:00:00:01:00\nflags=[AUTH][ASSOC][AUTHORIZED]\nkeyid=k4\nhostapdWPAPTKState={state}\n"
            );
            station(&text).unwrap().is_authorized
        };
        assert_eq!([6, 7, 10, 11].map(told), [false, false, false, true]);
    }

    #[test]
    fn numbers_are_plain() {
        for wrong in ["+17", "-1", "", " 17", "0x11", "99999999999"] {
            let seen = station(&format!("02:00:00:00:01:00\nvlan_id={wrong}\n")).unwrap();
            assert_eq!(seen.vlan_id, None, "{wrong}");
        }
    }

    #[test]
    fn the_status_of_an_access_point_that_is_on() {
        let reply = "state=ENABLED\nphy=phy0\nfreq=2412\nnum_sta_non_erp=0\nchannel=1\nbss[0]=wlan0\n\
            bssid[0]=02:00:00:00:00:00\nssid[0]=x\nnum_sta[0]=0\n";
        let status = status(reply);
        assert_eq!(status.state, State::Enabled);
        assert_eq!(status.bssid, Some(Mac([2, 0, 0, 0, 0, 0])));
        assert_eq!((status.mhz, status.channel), (Some(2412), Some(1)));
    }

    #[test]
    fn events_in_words() {
        let mac = Mac([2, 0, 0, 0, 1, 0]);
        assert_eq!(event("<3>AP-STA-CONNECTED 02:00:00:00:01:00 keyid=k17"), Event::Joined(mac));
        assert_eq!(event("<3>AP-STA-DISCONNECTED 02:00:00:00:01:00"), Event::Left(mac));
        assert_eq!(event("<3>AP-STA-POSSIBLE-PSK-MISMATCH 02:00:00:00:01:00"), Event::WrongKey(mac));
        assert_eq!(event("<3>INTERFACE-DISABLED "), Event::Off);
        assert_eq!(event("<3>AP-CSA-FINISHED freq=2437 dfs=0"), Event::ChannelChanged);
        assert_eq!(event("<3>AP-STA-CONNECTED nonsense"), Event::Other);
        assert_eq!(event("<"), Event::Other);
        assert_eq!(event(""), Event::Other);
    }
}
