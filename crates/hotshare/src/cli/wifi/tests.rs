use hotshare_api::{Denied, WhyDenied};

use super::*;

fn station(n: u8, person: Option<&str>, host_name: Option<&str>, dbm: i32) -> Station {
    Station {
        mac: format!("02:00:5e:10:00:{n:02x}"),
        person: person.map(Into::into),
        host_name: host_name.map(Into::into),
        address: Some("10.77.0.12".into()),
        since: 1_795_455_000,
        admission: Admission::Admitted,
        reason: None,
        limit: None,
        signal_dbm: Some(dbm),
        up_kbit_s: Some(6_000),
        down_kbit_s: Some(866_700),
        heard_ms: Some(340),
    }
}

fn air() -> Air {
    let full = Station {
        admission: Admission::TooManyDevices,
        reason: Some("anna has 3 devices on the air, and may have no more at once".into()),
        signal_dbm: None,
        up_kbit_s: None,
        down_kbit_s: None,
        heard_ms: None,
        ..station(3, Some("anna"), None, 0)
    };
    Air {
        schema: api::SCHEMA,
        at: 1_795_455_000,
        state: AirState::On,
        off_because: None,
        off_code: None,
        name: "Hotshare-3F2A".into(),
        mode: Mode::People,
        interface: Some("wlan0".into()),
        bssid: Some("02:00:5e:20:3f:2a".into()),
        country: Some("DE".into()),
        band: Some(Band::Five),
        channel: Some(36),
        mhz: Some(5180),
        width_mhz: Some(80),
        station_ports: true,
        why: vec!["The country is DE because you said so.".into()],
        reasons: Vec::new(),
        cost: Cost::Metered,
        stations: vec![
            station(1, Some("anna"), Some("Evil\u{1b}[2J\u{202e}phone"), -52),
            station(2, Some("小明"), Some("小明的手机"), -74),
            full,
        ],
        denied: vec![Denied {
            mac: "02:00:5e:10:00:66".into(),
            seconds_left: 250,
            why: WhyDenied::WrongKey,
            reason: "10 attempts with a wrong passphrase".into(),
        }],
        wrong_keys: 14,
    }
}

/// As it looks, without colours; every line fits and is harmless.
fn shown(air: &Air, width: usize) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let screen = anstream::adapter::strip_str(&screen(air, width, "hotshare")).to_string();
    for line in screen.lines() {
        assert!(line.width() <= width, "“{line}” is wider than {width}");
        assert!(line.chars().all(|c| !super::super::text::is_treacherous(c)), "{line:?}");
    }
    screen
}

#[test]
fn screens() {
    let told = [120, 80, 40].map(|width| format!("--- at {width}\n{}", shown(&air(), width)));
    insta::assert_snapshot!(told.concat());
}

#[test]
fn off_starting_and_alone() {
    let off = Air {
        state: AirState::Off,
        off_because: Some("hostapd is not installed; install the package hostapd".into()),
        name: String::new(),
        interface: None,
        bssid: None,
        band: None,
        channel: None,
        stations: Vec::new(),
        denied: Vec::new(),
        wrong_keys: 0,
        why: Vec::new(),
        ..air()
    };
    let starting = Air { state: AirState::Starting, stations: Vec::new(), wrong_keys: 1, ..air() };
    let waits = Station { person: None, admission: Admission::Waiting, ..station(1, None, None, -81) };
    let shared = Air {
        mode: Mode::Sealed,
        station_ports: false,
        cost: Cost::OverLimit,
        stations: vec![waits],
        ..air()
    };
    let told = [off, starting, shared].map(|air| format!("{}\n", shown(&air, 80)));
    insta::assert_snapshot!(told.concat());
}

#[test]
fn one_line_of_the_status() {
    let on = WifiLine {
        state: AirState::On,
        off_because: None,
        name: "Hotshare-3F2A".into(),
        band: Some(Band::Two),
        channel: Some(11),
        stations: 2,
    };
    assert_eq!(status_words(&on), "Hotshare-3F2A, 2.4 GHz, channel 11, 2 devices on the air");
    let off = WifiLine { state: AirState::Off, off_because: Some("the card\u{7} is gone".into()), ..on };
    assert_eq!(status_words(&off), "off: the card\\u{7} is gone");
}

#[test]
fn numbers_in_words() {
    assert_eq!(
        [-30, -60, -61, -75, -90].map(signal_words),
        ["good (−30 dBm)", "good (−60 dBm)", "fair (−61 dBm)", "weak (−75 dBm)", "very weak (−90 dBm)"]
    );
    assert_eq!(rate(Some(5_500)), "5.5");
    assert_eq!(rate(Some(1_201_000)), "1201");
    assert_eq!([40, 12_000, 700_000, 90_000_000].map(length), ["0.0 s", "12 s", "11 min", "25 h"]);
}
