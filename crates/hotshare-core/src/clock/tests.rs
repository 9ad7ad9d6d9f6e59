#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::plan::{Every, Zone};

const DAY: u64 = 86_400;

fn civil(text: &str) -> UnixTime {
    UnixTime(format!("{text}Z").parse::<Timestamp>().unwrap().as_second())
}

fn now(boot_secs: u64, wall: UnixTime, synced: bool) -> Now {
    Now { boot: BootTime(boot_secs * 1_000_000_000), wall, synced }
}

fn later(at: UnixTime, secs: u64) -> UnixTime {
    UnixTime(at.0 + i64::try_from(secs).unwrap())
}

#[test]
fn a_clock_that_was_never_told_anything_believes_the_wall() {
    let noon = civil("2026-11-23T12:00:00");
    let mut clock = Clock::new(None, now(100, noon, false));
    assert_eq!(clock.believe(now(160, later(noon, 60), false)), later(noon, 60));
    assert!(!clock.held());
}

#[test]
fn set_back_two_days_by_hand_time_goes_on_by_the_boot_clock() {
    let noon = civil("2026-11-23T12:00:00");
    let mut clock = Clock::new(None, now(100, noon, false));
    let back = UnixTime(noon.0 - 2 * 86_400);
    assert_eq!(clock.believe(now(110, later(back, 10), false)), later(noon, 10));
    assert!(clock.held());
    // Three days later the wall clock shows yesterday, and time has gone on.
    assert_eq!(
        clock.believe(now(110 + 3 * DAY, later(back, 10 + 3 * DAY), false)),
        later(noon, 10 + 3 * DAY)
    );
    assert!(clock.held());
}

#[test]
fn held_until_the_wall_clock_is_set_right() {
    let noon = civil("2026-11-23T12:00:00");
    let mut clock = Clock::new(Some(noon), now(5, civil("1970-01-01T00:00:05"), false));
    assert!(clock.held());
    assert_eq!(clock.at(BootTime(65 * 1_000_000_000)), later(noon, 60));
    // Somebody sets it, ahead of what is believed.
    let set = civil("2026-11-23T12:30:00");
    assert_eq!(clock.believe(now(100, set, false)), set);
    assert!(!clock.held());
}

#[test]
fn without_a_clock_chip_months_roll_through_a_year_of_restarts() {
    let utc = Zone::utc();
    let mut written = civil("2026-11-23T12:00:00");
    let mut months = Vec::new();
    for _ in 0..73 {
        // Every boot is in 1970, and lasts five days.
        let wall = civil("1970-01-01T00:00:10");
        let mut clock = Clock::new(Some(written), now(10, wall, false));
        for hour in 0..=5 * 24 {
            let at = clock.believe(now(10 + hour * 3600, later(wall, hour * 3600), false));
            assert!(clock.held());
            assert!(at >= written);
            written = at;
            months.push(Every::Month.at(&utc, at).key);
        }
    }
    assert_eq!(written, later(civil("2026-11-23T12:00:00"), 365 * DAY));
    months.dedup();
    assert_eq!(months.len(), 13, "each month came once, in order");
    assert!(months.is_sorted());
}

#[test]
fn after_the_network_gives_the_time_it_is_believed_forward_and_back() {
    let written = civil("2026-11-23T12:00:00");
    let mut clock = Clock::new(Some(written), now(10, civil("1970-01-01T00:00:10"), false));
    let truth = civil("2026-11-26T08:00:00");
    assert_eq!(clock.believe(now(20, truth, true)), truth);
    assert!(!clock.held());
    let smaller = civil("2026-11-25T08:00:00");
    assert_eq!(clock.believe(now(30, smaller, true)), smaller);
}

#[test]
fn a_jump_ahead_is_believed_and_taken_back_only_by_a_synchronised_clock() {
    let noon = civil("2026-11-23T12:00:00");
    let ahead = civil("2040-01-01T00:00:00");
    let mut clock = Clock::new(None, now(0, noon, false));
    assert_eq!(clock.believe(now(10, ahead, false)), ahead);
    assert_eq!(clock.believe(now(20, later(noon, 20), false)), later(ahead, 10));
    assert!(clock.held());
    assert_eq!(clock.believe(now(30, later(noon, 30), true)), later(noon, 30));
    assert!(!clock.held());
    // Once back, it goes on from there even if the synchronisation is lost.
    assert_eq!(clock.believe(now(40, later(noon, 40), false)), later(noon, 40));
    assert!(!clock.held());
}

#[test]
fn a_running_clock_is_not_held_for_the_fractions_that_seconds_leave_out() {
    let noon = civil("2026-11-23T12:00:00");
    let mut clock = Clock::new(None, Now { boot: BootTime(900_000_000), wall: noon, synced: false });
    for ms in 0..10_000_u64 {
        let wall = later(noon, (900 + ms) / 1000);
        clock.believe(Now { boot: BootTime((900 + ms) * 1_000_000), wall, synced: false });
        assert!(!clock.held(), "after {ms} ms");
    }
}

#[test]
fn timers_fire_when_the_believed_time_has_come() {
    let noon = civil("2026-11-23T12:00:00");
    let mut clock = Clock::new(Some(noon), now(50, civil("1970-01-01T00:00:50"), false));
    let midnight = civil("2026-11-24T00:00:00");
    let when = clock.when(midnight);
    assert_eq!(when, BootTime((50 + 12 * 3600) * 1_000_000_000));
    assert!(clock.at(BootTime(when.0 - 1)) < midnight);
    assert_eq!(clock.believe(Now { boot: when, ..now(0, civil("1970-01-01T12:00:50"), false) }), midnight);
    assert_eq!(clock.when(noon), BootTime(50 * 1_000_000_000));
}

#[test]
fn nonsense_does_not_panic() {
    for wall in [i64::MIN, -1, i64::MAX] {
        for boot in [0, u64::MAX] {
            let at = Now { boot: BootTime(boot), wall: UnixTime(wall), synced: false };
            let mut clock = Clock::new(Some(UnixTime(i64::MAX)), at);
            clock.believe(at);
            let _: BootTime = clock.when(UnixTime(i64::MAX));
            let mut clock = Clock::new(None, at);
            clock.believe(Now { boot: BootTime(u64::MAX), wall: UnixTime(i64::MIN), synced: true });
            let _: BootTime = clock.when(UnixTime(i64::MAX));
        }
    }
}

/// What happens to a machine between two looks at the clock.
#[derive(Clone, Copy, Debug)]
enum Life {
    Runs(u64),
    WallJumps(i64),
    Synced(bool),
    /// Off for so long, and the wall clock comes back at 1970 if it has no battery.
    Restarts {
        off: u64,
        battery: bool,
    },
}

fn any_life() -> impl Strategy<Value = Life> {
    prop_oneof![
        4 => (0_u64..3 * DAY).prop_map(Life::Runs),
        1 => (-40_000_000_i64..40_000_000).prop_map(Life::WallJumps),
        1 => any::<bool>().prop_map(Life::Synced),
        1 => (0_u64..30 * DAY, any::<bool>()).prop_map(|(off, battery)| Life::Restarts { off, battery }),
    ]
}

proptest! {
    /// Whatever happens to the clocks: believed time goes back only when synchronised, and by no path does a
    /// period pay out more than one allowance.
    #[test]
    fn no_clock_gives_an_allowance_twice(life in proptest::collection::vec(any_life(), 1..60)) {
        const ALLOWANCE: u64 = 100;
        let zone = Zone::utc();
        let mut seen = now(0, civil("2026-11-23T12:00:00"), false);
        let mut clock = Clock::new(None, seen);
        let mut last = clock.believe(seen);
        let mut totals = BTreeMap::new();
        for event in life {
            match event {
                Life::Runs(secs) => {
                    seen.boot = seen.boot.plus_secs(secs);
                    seen.wall = later(seen.wall, secs);
                }
                Life::WallJumps(secs) => seen = Now { wall: UnixTime((seen.wall.0 + secs).max(0)), synced: false, ..seen },
                Life::Synced(synced) => seen.synced = synced,
                Life::Restarts { off, battery } => {
                    let wall = if battery { later(seen.wall, off) } else { UnixTime(7) };
                    seen = now(7, wall, false);
                    clock = Clock::new(Some(last), seen);
                }
            }
            let at = clock.believe(seen);
            prop_assert!(at >= last || seen.synced, "{last:?} to {at:?}");
            prop_assert_eq!(clock.held(), at != seen.wall);
            prop_assert!(!(clock.held() && seen.synced));
            last = at;
            // Take all that is left of the period.
            let total = totals.entry(Every::Day.at(&zone, at).key).or_insert(0);
            let given = ALLOWANCE - *total;
            *total += given;
            prop_assert!(*total <= ALLOWANCE);
        }
    }
}
