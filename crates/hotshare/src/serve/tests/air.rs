//! Wi-Fi: keys, and who is on the air.
#![allow(clippy::wildcard_enum_match_arm, reason = "a fake brain answers everything else alike")]

use std::collections::BTreeMap;

use hotshare_core::ask::{
    Admission, DeniedStatus, DeviceStatus, KeyStatus, KeyTold, StationStatus, WhyDenied, WifiStatus,
};
use hotshare_core::keys::{KeyId, Passphrase};
use hotshare_core::radio::{Band, Cost, Join, Mode, Reason, Source, Why};
use hotshare_core::units::Mac;
use hotshare_linux::radio::{AccessPoint, Signal};

use super::*;

fn mac(n: u8) -> Mac {
    format!("02:00:5e:10:00:{n:02x}").parse().expect("an address")
}

fn view() -> RadioView {
    let signal =
        Signal { dbm: Some(-52), tx_kbit: Some(866_700), rx_kbit: Some(86_600), heard_ms: Some(340) };
    RadioView {
        state: AccessPoint::On,
        bssid: Some(mac(0xfe)),
        ssid: "Hotshare; 3F2A".into(),
        mode: Mode::People,
        country: "DE".parse().ok(),
        channel: 36,
        mhz: 5180,
        width_mhz: 80,
        band: Some(Band::Five),
        interface: "wlan0".into(),
        station_ports: true,
        why: vec![Reason::Country {
            country: "DE".parse().expect("a country"),
            source: Source::Configuration,
        }],
        signals: BTreeMap::from([(mac(1), signal)]),
    }
}

fn air(mode: Mode) -> WifiStatus {
    let station = |n, admission| StationStatus {
        mac: mac(n),
        key: Some(KeyId(17)),
        person: "anna".parse().ok(),
        since: UnixTime(1_795_454_000),
        admission,
    };
    WifiStatus {
        mode,
        cost: Cost::NearLimit,
        stations: vec![
            station(1, Admission::Admitted),
            station(2, Admission::TooManyDevices { limit: 1 }),
            station(3, Admission::KeyGone),
            StationStatus { person: None, ..station(4, Admission::Waiting) },
        ],
        denied: vec![
            DeniedStatus { mac: mac(5), seconds_left: 250, why: WhyDenied::WrongKey { attempts: 10 } },
            DeniedStatus { mac: mac(2), seconds_left: 50, why: WhyDenied::TooManyDevices { limit: 3 } },
        ],
        wrong_keys: 14,
    }
}

/// A brain whose keys are those that it is given, and a status with anna's device.
fn answer(mode: Mode) -> impl Fn(&Ask) -> Option<Answer> + Send + 'static {
    move |ask| {
        let told = |fresh: &Passphrase, until: Option<UnixTime>| {
            Answer::Key(KeyTold { passphrase: fresh.clone(), since: UnixTime(1_795_455_000), until })
        };
        Some(match ask {
            Ask::Status => {
                let mut status = status();
                status.people[0].key =
                    Some(KeyStatus { since: UnixTime(7), until: Some(UnixTime(1_795_999_999)) });
                let mut bo = status.people[0].clone();
                (bo.name, bo.key) = ("bo".parse().expect("a name"), None);
                status.people.push(bo);
                status.devices = vec![DeviceStatus {
                    mac: mac(1),
                    person: "anna".parse().ok(),
                    blocked: false,
                    host_name: Some("Pixel\u{7}".into()),
                    address: Some([10, 77, 0, 12].into()),
                    up: Bytes(0),
                    down: Bytes(0),
                    first_seen: UnixTime(0),
                    claim: None,
                }];
                Answer::Status(Box::new(status))
            }
            Ask::Wifi => Answer::Wifi(Box::new(air(mode))),
            Ask::Invite { fresh, until, .. } => told(fresh, until.flatten()),
            Ask::KeyRotate { fresh, until, .. } => told(fresh, *until),
            Ask::NetworkKey { fresh, .. } => told(fresh, None),
            _ => Answer::Done,
        })
    }
}

fn fake(mode: Mode) -> Fake {
    Fake::with_radio(answer(mode), Some(view()))
}

/// What the brain was asked for, apart from how things are.
fn changes(fake: &mut Fake) -> Vec<Ask> {
    let mut changes = Vec::new();
    while let Ok(ask) = fake.asked.try_recv() {
        if !matches!(ask, Ask::Status | Ask::Wifi) {
            changes.push(ask);
        }
    }
    changes
}

#[tokio::test]
async fn who_is_on_the_air() {
    let fake = fake(Mode::People);
    let (code, body) = fake.send("GET", "/v1/wifi", "").await;
    assert_eq!(code, 200);
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).expect("plain"));
    let (_, status) = fake.send("GET", "/v1/status", "").await;
    let line = serde_json::json!({
        "state": "on", "off_because": null, "name": "Hotshare; 3F2A", "band": "5", "channel": 36, "stations": 4
    });
    assert_eq!(status["wifi"], line);
    assert_eq!(status["people"][0]["key"], serde_json::json!({"since": 7, "until": 1_795_999_999}));
}

#[tokio::test]
async fn a_radio_that_is_off_says_why_and_knows_little() {
    let view = RadioView {
        state: AccessPoint::Off { why: Some(Why::Failed), words: "hostapd is not installed".into() },
        ..RadioView::default()
    };
    let fake = Fake::with_radio(answer(Mode::People), Some(view));
    let (code, body) = fake.send("GET", "/v1/wifi", "").await;
    assert_eq!(
        (code, &body["state"], &body["off_because"]),
        (200, &"off".into(), &"hostapd is not installed".into())
    );
    for field in ["interface", "bssid", "country", "band", "channel", "mhz", "width_mhz"] {
        assert!(body[field].is_null(), "{field}: {body}");
    }
    let (status, body) = fake.send("POST", "/v1/people/bo/invite", "{}").await;
    assert_eq!((status, code_of(&body)), (503, "busy"), "{body}");
}

fn code_of(body: &serde_json::Value) -> &str {
    body["error"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn an_invitation_holds_what_a_phone_needs() {
    let mut fake = fake(Mode::People);
    let (status, key) = fake.send("POST", "/v1/people/bo/invite", r#"{"expires":1795999000}"#).await;
    assert_eq!(status, 200, "{key}");
    let passphrase = key["passphrase"].as_str().expect("a passphrase");
    assert_eq!(passphrase.split('-').count(), 5, "{key}");
    assert_eq!((&key["name"], &key["mode"]), (&"Hotshare; 3F2A".into(), &"people".into()));
    assert_eq!((&key["since"], &key["until"]), (&1_795_455_000.into(), &1_795_999_000.into()));
    let join = Join::parse(key["join"].as_str().expect("text")).expect("what phones read");
    assert_eq!(join.ssid.as_str(), "Hotshare; 3F2A");
    assert_eq!(join.passphrase.as_ref().map(Passphrase::secret), Some(passphrase));
    let asked = changes(&mut fake);
    let [Ask::Invite { name, fresh, until }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((name.as_str(), fresh.secret()), ("bo", passphrase));
    assert_eq!(*until, Some(Some(UnixTime(1_795_999_000))));

    // What is not said stays, and null is “no end”.
    for (body, until) in [("{}", None), (r#"{"expires":null}"#, Some(None))] {
        fake.send("POST", "/v1/people/anna/invite", body).await;
        let asked = changes(&mut fake);
        assert!(matches!(&asked[..], [Ask::Invite { until: u, .. }] if *u == until), "{body}: {asked:?}");
    }
}

#[tokio::test]
async fn another_key_ends_when_the_old_one_would_have() {
    let mut fake = fake(Mode::People);
    for (body, until) in [
        ("{}", Some(UnixTime(1_795_999_999))),
        (r#"{"expires":null}"#, None),
        (r#"{"expires":9}"#, Some(UnixTime(9))),
    ] {
        let (status, key) = fake.send("POST", "/v1/people/anna/key/rotate", body).await;
        assert_eq!(
            (status, &key["until"]),
            (200, &serde_json::json!(until.map(|until| until.0))),
            "{body}: {key}"
        );
        let asked = changes(&mut fake);
        assert!(matches!(&asked[..], [Ask::KeyRotate { until: u, .. }] if *u == until), "{body}: {asked:?}");
    }
    let (status, done) = fake.send("DELETE", "/v1/people/anna/key", "").await;
    assert_eq!((status, done), (200, serde_json::json!({"schema": 1, "done": true})));
    let (status, _) = fake.send("PATCH", "/v1/people/anna", r#"{"device_limit":3}"#).await;
    assert_eq!(status, 200);
    let (anna, limit) = ("anna".parse().expect("a name"), Some(3));
    let asked = changes(&mut fake);
    assert_eq!(
        asked,
        [Ask::KeyRevoke { name: anna }, Ask::DeviceLimit { name: "anna".parse().expect("a name"), limit }]
    );
}

#[tokio::test]
async fn a_passphrase_of_ones_own_is_judged_and_takes_nobodys_place() {
    let mut fake = fake(Mode::People);
    let own = r#"{"passphrase":"seven purple otters juggling"}"#;
    for (path, body, status, word) in [
        ("/v1/people/bo/invite", r#"{"passphrase":"password1234"}"#, 422, "bad-passphrase"),
        ("/v1/people/bo/invite", r#"{"passphrase":"short"}"#, 422, "bad-passphrase"),
        ("/v1/people/anna/invite", own, 409, "has-key"),
        ("/v1/wifi/key/rotate", r#"{"passphrase":"qwertyuiop"}"#, 422, "bad-passphrase"),
        ("/v1/people/bo/invite", r#"{"passphrase":7}"#, 400, "bad-request"),
        ("/v1/people/bo/invite", r#"{"expiry":7}"#, 400, "bad-request"),
    ] {
        let (got, reply) = fake.send("POST", path, body).await;
        assert_eq!((got, code_of(&reply)), (status, word), "{path} {body}: {reply}");
    }
    assert_eq!(changes(&mut fake), [], "the brain was asked");
    let (status, key) = fake.send("POST", "/v1/people/bo/invite", own).await;
    assert_eq!((status, &key["passphrase"]), (200, &"seven purple otters juggling".into()));
}

#[tokio::test]
async fn a_network_without_personal_keys_has_one_or_none() {
    let mut sealed = fake(Mode::Sealed);
    let (status, key) = sealed.send("GET", "/v1/wifi/key", "").await;
    assert_eq!((status, &key["mode"], &key["until"]), (200, &"sealed".into(), &serde_json::Value::Null));
    let (status, _) = sealed.send("POST", "/v1/wifi/key/rotate", "{}").await;
    assert_eq!(status, 200);
    let rotate: Vec<bool> = changes(&mut sealed)
        .into_iter()
        .map(|ask| matches!(ask, Ask::NetworkKey { rotate: true, .. }))
        .collect();
    assert_eq!(rotate, [false, true]);

    let mut open = fake(Mode::Open);
    let (status, key) = open.send("GET", "/v1/wifi/key", "").await;
    assert_eq!(
        (status, &key["passphrase"], &key["since"]),
        (200, &serde_json::Value::Null, &serde_json::Value::Null)
    );
    let join = Join::parse(key["join"].as_str().expect("text")).expect("what phones read");
    assert_eq!((join.ssid.as_str(), join.passphrase), ("Hotshare; 3F2A", None));
    assert_eq!(changes(&mut open), [], "no key is needed");
}

#[tokio::test]
async fn without_wifi_it_is_refused() {
    let fake = Fake::start(|ask| {
        Some(match ask {
            Ask::Status => Answer::Status(Box::new(status())),
            _ => Answer::Refused(Refusal::NoWifi),
        })
    });
    for (method, path, body) in [
        ("GET", "/v1/wifi", ""),
        ("GET", "/v1/wifi/key", ""),
        ("POST", "/v1/wifi/key/rotate", "{}"),
        ("POST", "/v1/people/anna/invite", "{}"),
        ("POST", "/v1/people/anna/key/rotate", "{}"),
        ("DELETE", "/v1/people/anna/key", ""),
    ] {
        let (got, reply) = fake.send(method, path, body).await;
        assert_eq!((got, code_of(&reply)), (409, "no-wifi"), "{method} {path}: {reply}");
    }
    let (got, reply) = fake.send("GET", "/v1/status", "").await;
    assert_eq!((got, &reply["wifi"]), (200, &serde_json::Value::Null));
}
