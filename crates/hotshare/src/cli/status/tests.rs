use hotshare_api::{AtCap, Daemon, Device, Every, Period, Person, Plan, Uplink};

use super::*;

/// 2026-11-23 18:30 in Berlin.
const NOW: i64 = 1_795_455_000;

fn plan() -> Plan {
    Plan {
        cap: Some(20_000_000_000),
        billed: 5_300_000_000,
        balance: Some(14_700_000_000),
        usable: None,
        recorded: 5_304_000_000,
        reserve: 16_777_216,
        delivered: 5_000_000_000,
        refused: 100_000_000,
        own: 200_000_000,
        corrected: 0,
        period: Period::Monthly { day: 5 },
        zone: "Europe/Berlin".into(),
        at_cap: AtCap::Stop,
        begins: 1_793_833_200,
        ends: Some(1_796_425_200),
        parts: Vec::new(),
        asks_for: None,
        terms: api::Terms::default(),
        carrier: None,
        outlook: None,
    }
}

fn person(name: &str, allowance: Option<u64>, used: u64, verdict: Verdict) -> Person {
    Person {
        name: name.into(),
        allowance,
        allowance_every: allowance.map(|_| Every::Month),
        up: used / 10,
        down: used - used / 10,
        recorded: used,
        balance: allowance.map(|allowance| allowance.saturating_sub(used)),
        renews: None,
        verdict,
        plan_left: None,
        bytes_remaining: None,
        closes: None,
        slow: None,
        slow_because: None,
        fair: false,
        limit: allowance,
        credit: 0,
        weight: 1,
        then_rate: None,
        bed_times: Vec::new(),
        until: None,
        wish: None,
        devices: 1,
        device_limit: None,
        key: None,
        outlook: None,
    }
}

fn waiting(n: u8, host_name: Option<&str>) -> Device {
    Device {
        mac: format!("02:00:5e:10:00:{n:02x}"),
        person: None,
        blocked: false,
        host_name: host_name.map(Into::into),
        address: None,
        up: 0,
        down: 0,
        first_seen: NOW,
        claim: None,
    }
}

fn status() -> api::Status {
    api::Status {
        schema: api::SCHEMA,
        at: NOW,
        daemon: Daemon { pid: 4711, version: "0.1.0".into() },
        clock_held: false,
        uplink: Some(Uplink { name: "wwan0".into(), address: "100.64.0.2".into() }),
        wifi: None,
        certificate: None,
        closed: None,
        cards: Vec::new(),
        plan: plan(),
        people: vec![
            person("anna", Some(2_000_000_000), 1_200_000_000, Verdict::Open),
            person("小明", Some(500_000_000), 500_000_000, Verdict::AllowanceUsed),
            person("bo", None, 3_300_000_000, Verdict::Paused),
        ],
        devices: Vec::new(),
    }
}

/// As it looks, without colours; every line fits.
fn shown(status: &api::Status, width: usize) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let screen = anstream::adapter::strip_str(&screen(status, width, "hotshare")).to_string();
    for line in screen.lines() {
        // What is to be copied and typed is never cut.
        let typed = line.trim_start().starts_with("hotshare ");
        assert!(typed || line.width() <= width, "“{line}” is wider than {width}");
        assert!(line.chars().all(|c| !super::super::text::is_treacherous(c)), "{line:?}");
    }
    screen
}

#[test]
fn usual() {
    insta::assert_snapshot!(shown(&status(), 80));
}

#[test]
fn what_lies_ahead_and_what_the_carrier_counts() {
    let example: api::Status =
        serde_json::from_str(include_str!("../../../../hotshare-api/src/status.json")).expect("a status");
    let mut status = status();
    (status.plan.outlook, status.plan.carrier) = (example.plan.outlook, example.plan.carrier);
    insta::assert_snapshot!([80, 40].map(|width| shown(&status, width)).join("---\n"));
}

#[test]
fn the_certificate_and_what_is_done_about_a_new_one() {
    let example: api::Status =
        serde_json::from_str(include_str!("../../../../hotshare-api/src/status.json")).expect("a status");
    let got = example.certificate.expect("it is in the example");
    let none = api::Certificate { until: None, next_try: None, failed: None, ..got.clone() };
    let waits = api::Certificate { waits_for: Some(api::CertificateWait::Uplink), ..none.clone() };
    let failed = |times, why: &str| Some(api::CertificateFailed { at: NOW, times, why: why.into() });
    let evil = api::Certificate { failed: failed(3, "it said \u{1b}[2J\u{202e}"), ..got.clone() };
    let mut told = String::new();
    for certificate in [got, none, waits, evil] {
        let status = api::Status { certificate: Some(certificate), ..status() };
        told += shown(&status, 80).split("Plan").next().unwrap_or_default();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn narrow() {
    let mut status = status();
    status.people.push(person(&"长".repeat(32), Some(1_000_000_000), 999_000_000, Verdict::Open));
    status.devices.push(waiting(1, Some("Pixel-8")));
    status.closed = Some(Verdict::NoUplink);
    status.uplink = None;
    insta::assert_snapshot!(shown(&status, 40));
}

#[test]
fn wide() {
    let mut status = status();
    status.people.push(person(&"长".repeat(32), Some(1_000_000_000), 999_000_000, Verdict::Open));
    insta::assert_snapshot!(shown(&status, 120));
}

#[test]
fn nobody_yet() {
    let mut status = status();
    status.people.clear();
    status.plan.cap = None;
    status.plan.balance = None;
    (status.plan.billed, status.plan.delivered, status.plan.refused, status.plan.own) = (0, 0, 0, 0);
    insta::assert_snapshot!(shown(&status, 80));
}

#[test]
fn over_the_cap_and_closed() {
    let mut status = status();
    status.plan.billed = 20_500_000_000;
    status.plan.balance = Some(0);
    status.plan.refused = 15_300_000_000;
    status.plan.corrected = -1_000_000;
    status.closed = Some(Verdict::PlanUsed);
    for person in &mut status.people {
        person.verdict = Verdict::PlanUsed;
    }
    insta::assert_snapshot!(shown(&status, 80));
}

#[test]
fn plan_over() {
    let mut status = status();
    status.plan.period = Period::Once { from: "2026-11-01".into(), until: "2026-11-20".into() };
    status.plan.ends = Some(NOW - 3 * 86_400);
    status.closed = Some(Verdict::PlanOver);
    status.clock_held = true;
    insta::assert_snapshot!(shown(&status, 80));
}

#[test]
fn ledger_stuck() {
    let mut status = status();
    status.closed = Some(Verdict::LedgerStuck);
    insta::assert_snapshot!(shown(&status, 80));
}

#[test]
fn devices_wait_and_lie() {
    let mut status = status();
    status.devices = vec![
        waiting(1, Some("Pixel-8")),
        waiting(2, None),
        waiting(3, Some("\u{1b}]0;pwned\u{7}\u{202e}enohp")),
        waiting(4, Some(&"长".repeat(64))),
    ];
    status.devices.push(Device { blocked: true, ..waiting(5, Some("blocked")) });
    status.devices.push(Device { person: Some("anna".into()), ..waiting(6, Some("annas")) });
    insta::assert_snapshot!(shown(&status, 80));
}

#[test]
fn a_flood_of_devices_stays_one_screen() {
    let mut status = status();
    status.devices = (0..200).map(|n| waiting(n, None)).collect();
    let screen = shown(&status, 80);
    assert!(screen.lines().count() < 40, "{screen}");
    assert!(screen.contains("200 devices wait") && screen.contains("and 192 more"), "{screen}");
}

#[test]
fn every_amount_and_width_is_shown_without_a_panic() {
    for width in [24, 25, 40, 63, 80, 120] {
        for (billed, cap) in [(0, 0), (1, 0), (0, 1), (u64::MAX, 1), (1, u64::MAX), (u64::MAX, u64::MAX)] {
            let mut status = status();
            status.plan.billed = billed;
            status.plan.cap = Some(cap);
            status.people.push(person("x", Some(cap), billed, Verdict::Open));
            let _screen = screen(&status, width, "hotshare");
        }
    }
}

#[test]
fn wifi_in_a_line() {
    let mut status = status();
    let on = api::WifiLine {
        state: api::AirState::On,
        off_because: None,
        name: "The\u{202e} Millers".into(),
        band: Some(api::Band::Five),
        channel: Some(36),
        stations: 3,
    };
    let off = api::WifiLine {
        state: api::AirState::Off,
        off_because: Some("the card wlan0 is gone; plug it in again".into()),
        ..on.clone()
    };
    let told = [on, off].map(|line| {
        status.wifi = Some(line);
        shown(&status, 80).lines().take(3).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(told.join("\n---\n"));
}
