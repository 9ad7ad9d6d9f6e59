use hotshare_core::diary::Happening;
use hotshare_core::meter::Usage;
use hotshare_core::people::{Device, Person};
use hotshare_core::record::{Change, Noted, Who};
use hotshare_core::units::{Mac, PersonId, Slot};
use hotshare_store::Store;

use super::*;

/// 2026-11-22 12:00 in Berlin, and a day later.
const SUNDAY: i64 = 1_795_345_200;
const MONDAY: i64 = SUNDAY + 86_400;

fn usage(up: u64, down: u64, refused_down: u64) -> Usage {
    Usage { up: Bytes(up), down: Bytes(down), refused_up: Bytes(0), refused_down: Bytes(refused_down) }
}

fn person(id: u32, name: &str) -> Change {
    let (id, slot) = (PersonId(id), Slot(id + 1));
    Change::Person(Person::new(
        id,
        name.parse().expect("a name"),
        Allowance::Unlimited,
        slot,
        UnixTime(SUNDAY),
    ))
}

fn device(mac: Mac, id: u32) -> Change {
    Change::Device(Device {
        mac,
        person: Some(PersonId(id)),
        blocked: false,
        wireless: false,
        slot: None,
        host_name: None,
        first_seen: UnixTime(SUNDAY),
        claim: None,
    })
}

fn fill(fake: &Fake) -> Store {
    let mut store = Store::open(&fake.folder.path().join("ledger.sqlite")).expect("a store");
    let (one, two) = (Mac([2, 0, 0x5e, 0x10, 0, 1]), Mac([2, 0, 0x5e, 0x10, 0, 2]));
    let spent = |at: i64, who, usage| Change::Usage { minute: at / 60, who, usage };
    store
        .commit(&[
            person(1, "anna"),
            person(2, "bo"),
            device(one, 1),
            device(two, 2),
            spent(SUNDAY, Who::Device(one, PersonId(1)), usage(10, 100, 0)),
            spent(SUNDAY, Who::Plan, usage(15, 120, 5)),
            spent(MONDAY, Who::Device(one, PersonId(1)), usage(1, 2, 0)),
            spent(MONDAY, Who::Device(two, PersonId(2)), usage(1000, 2000, 7)),
            spent(MONDAY, Who::Plan, usage(1001, 2010, 7)),
            // As an older release wrote it.
            Change::Noted(Noted {
                at: UnixTime(SUNDAY),
                kind: "device-new",
                text: "a device came".into(),
                facts: Box::default(),
            }),
            Change::Noted(
                Happening::Asked { name: "anna".parse().expect("a name"), bytes: Bytes(5) }
                    .noted(UnixTime(MONDAY)),
            ),
        ])
        .expect("committed");
    store
}

#[tokio::test]
async fn usage_by_person_device_and_day() {
    let mut fake = Fake::obedient();
    let _store = fill(&fake);
    let mut told = String::new();
    let span = format!("since={}&until={}", SUNDAY - 60, MONDAY + 3600);
    for by in ["person", "device", "day"] {
        let (status, report) = fake.send("GET", &format!("/v1/usage?by={by}&{span}"), "").await;
        assert_eq!(status, 200, "{report}");
        let flushed = matches!(fake.asked.try_recv(), Ok(Ask::Flush));
        assert!(flushed, "what was counted was not written first");
        while fake.asked.try_recv().is_ok() {}
        told += &format!("{}\n", serde_json::to_string(&report["total"]).expect("plain"));
        for row in report["rows"].as_array().expect("rows") {
            told += &format!("    {row}\n");
        }
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_report_is_of_its_time_only() {
    let fake = Fake::obedient();
    let _store = fill(&fake);
    let asked = format!("/v1/usage?since={}&until={}", MONDAY, MONDAY + 60);
    let (status, report) = fake.send("GET", &asked, "").await;
    assert_eq!((status, report["rows"].as_array().map(Vec::len)), (200, Some(2)));
    assert_eq!(report["rows"][0]["key"], "bo", "most used first: {report}");
    assert_eq!(report["total"]["delivered"], 3003);
    let (status, reply) = fake.send("GET", "/v1/usage?since=5&until=5", "").await;
    assert_eq!((status, code(&reply)), (400, "bad-request"));
}

#[tokio::test]
async fn events_oldest_first() {
    let fake = Fake::obedient();
    let _store = fill(&fake);
    let (status, all) = fake.send("GET", "/v1/events", "").await;
    assert_eq!(status, 200, "{all}");
    assert_eq!(
        all["events"],
        serde_json::json!([
            {"at": SUNDAY, "kind": "device-new", "text": "a device came", "facts": {}},
            {"at": MONDAY, "kind": "asked", "text": "anna asks for 5 B", "facts": {"person": "anna", "bytes": 5}},
        ])
    );
    let (_, late) = fake.send("GET", &format!("/v1/events?since={MONDAY}"), "").await;
    assert_eq!(late["events"].as_array().map(Vec::len), Some(1));
    let (_, newest) = fake.send("GET", "/v1/events?limit=1", "").await;
    assert_eq!(newest["events"][0]["kind"], "asked");
}

/// A part is never taken for the whole.
#[tokio::test]
async fn more_than_one_reply_holds_is_refused() {
    let fake = Fake::obedient();
    let _store = fill(&fake);
    for (path, most) in [("/v1/events", 10_000), ("/v1/alerts", 1000)] {
        let (status, reply) = fake.send("GET", &format!("{path}?limit={most}"), "").await;
        assert_eq!(status, 200, "{reply}");
        let (status, reply) = fake.send("GET", &format!("{path}?limit={}", most + 1), "").await;
        assert_eq!((status, code(&reply)), (400, "bad-request"));
        let message = reply["error"]["message"].as_str().expect("a message");
        assert!(message.contains(&format!("at most {most}")), "{message}");
    }
}

/// The interface has a word for each line of the diary.
#[test]
fn the_words_of_the_diary_are_cores() {
    let mut words: Vec<&str> = hotshare_core::diary::words().collect();
    words.sort_unstable();
    let told = words.iter().filter(|word| {
        let kind: hotshare_api::EventKind = serde_json::from_value((**word).into()).expect("a word");
        kind != hotshare_api::EventKind::Unknown
    });
    assert_eq!(told.copied().collect::<Vec<_>>(), words);
    words.dedup();
    assert_eq!(words.len(), hotshare_core::diary::words().count(), "a word twice");
}

#[tokio::test]
async fn no_store_is_told() {
    let fake = Fake::obedient();
    let (status, reply) = fake.send("GET", "/v1/events", "").await;
    assert_eq!((status, code(&reply)), (500, "not-read"), "{reply}");
}

#[tokio::test]
async fn a_stuck_ledger_still_reports_what_it_has() {
    let fake = Fake::start(|ask| {
        Some(if *ask == Ask::Flush {
            Answer::Refused(Refusal::NotWritten("disk full".into()))
        } else {
            Answer::Status(Box::new(status()))
        })
    });
    let _store = fill(&fake);
    let (status, _) = fake.send("GET", "/v1/events", "").await;
    assert_eq!(status, 200);
}
