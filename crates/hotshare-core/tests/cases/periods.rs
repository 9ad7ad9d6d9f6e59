//! Months end, clocks jump, owners change their minds.

use hotshare_core::ask::{Answer, Ask, PlanChange};
use hotshare_core::people::{Allowance, Every};
use hotshare_core::plan::{Date, Period};
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::units::{Account, Bytes, PersonId};

use crate::world::{Fate, PLAN, START, World, name};
use crate::{MIB, download, month};

const DAY: i64 = 86_400;
/// Two seconds before the midnight that follows [`START`].
const LATE: i64 = START + DAY / 2 - 2;

fn every(mib: u64, every: Every) -> Allowance {
    Allowance::Limited { bytes: Bytes::mib(mib), every }
}

fn set(world: &mut World, allowance: Allowance) {
    assert_eq!(world.ask(Ask::PersonSet { name: name("anna"), allowance }), Answer::Done);
}

fn plan(world: &mut World, change: PlanChange) {
    assert_eq!(world.ask(Ask::PlanSet(change)), Answer::Done);
}

fn cap(mib: Option<u64>) -> PlanChange {
    PlanChange { cap: Some(mib.map(Bytes::mib)), ..PlanChange::default() }
}

fn exactly(got: u64, mib: u64) {
    assert!(got <= mib * MIB && got + 3000 > mib * MIB, "{got} of {mib} MiB");
}

#[test]
fn midnight_under_load_gives_each_day_its_own() {
    let mut world = World::new();
    world.wall = LATE;
    world.person("anna", every(10, Every::Day), 1);
    let first = download(&mut world, 1, 4 * MIB);
    world.pass(3000);
    let second = download(&mut world, 1, 1 << 40);
    exactly(second, 10);
    let recorded = world.recorded(Account::Person(PersonId(1)));
    assert!(recorded >= (first + second) as i64 && recorded < (first + second + 1500) as i64);
    assert_eq!(world.status().people[0].down.0, second);
}

#[test]
fn midnight_while_a_grant_is_being_written() {
    for reached in [false, true] {
        let mut world = World::new();
        world.wall = LATE;
        world.person("anna", every(10, Every::Day), 1);
        world.patient = true;
        let first = download(&mut world, 1, 1 << 40);
        world.pass(3000);
        let between = download(&mut world, 1, 1 << 40);
        world.patient = false;
        world.commit(reached);
        world.pass(2000);
        let rest = download(&mut world, 1, 1 << 40);
        assert!(first + between + rest <= 20 * MIB, "{first} {between} {rest}");
        exactly(rest, 10);
    }
}

#[test]
fn a_kill_across_midnight_loses_no_day_and_gives_none_twice() {
    for reached in [false, true] {
        let mut world = World::new();
        world.wall = LATE;
        world.person("anna", every(10, Every::Day), 1);
        let first = download(&mut world, 1, 3 * MIB);
        world.patient = true;
        world.kill(reached);
        world.wall += 4;
        let between = download(&mut world, 1, 1 << 40);
        world.patient = false;
        world.start();
        let rest = download(&mut world, 1, 1 << 40);
        exactly(rest, 10);
        assert!(first + between <= 10 * MIB, "{first} {between}");
    }
}

#[test]
fn another_rhythm_gives_nothing_twice_and_loses_nothing() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    download(&mut world, 1, 50 * MIB);
    set(&mut world, every(60, Every::Week));
    exactly(download(&mut world, 1, 1 << 40), 10);
    set(&mut world, month(100));
    exactly(download(&mut world, 1, 1 << 40), 40);
    set(&mut world, Allowance::Unlimited);
    assert_eq!(download(&mut world, 1, 15_000_000), 15_000_000);
    set(&mut world, every(90, Every::Day));
    assert_eq!(world.packet(1, false, 1500), Fate::Closed);
    set(&mut world, month(130));
    exactly(download(&mut world, 1, 1 << 40) + 15_000_000, 30);
}

#[test]
fn a_cap_below_what_is_used_closes_and_a_higher_one_opens() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    download(&mut world, 1, 50 * MIB);
    plan(&mut world, cap(Some(20)));
    assert_eq!(world.status().closed, Some(Verdict::Closed(Why::PlanUsed)));
    assert_eq!(world.packet(1, true, 1500), Fate::Closed);
    plan(&mut world, cap(Some(100)));
    exactly(download(&mut world, 1, 1 << 40) + 50 * MIB, 99);
    plan(&mut world, cap(None));
    assert_eq!(download(&mut world, 1, 30 * 1500), 30 * 1500);
    assert_eq!(world.status().plan.billed.0, world.truth.billed);
}

#[test]
fn a_plan_that_has_not_begun_or_is_over_is_closed_and_counts_all_the_same() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    download(&mut world, 1, 5 * MIB);
    let date = |day| Date::constant(2026, 11, day);
    let once = Period::Once { from: date(3), until: date(4) };
    plan(&mut world, PlanChange { period: Some(once), ..cap(Some(30)) });
    assert_eq!(world.status().closed, Some(Verdict::Closed(Why::PlanOver)));
    for _ in 0..100 {
        assert_eq!(world.packet(1, false, 1500), Fate::Closed);
    }
    world.wall += DAY;
    world.pass(1000);
    let status = world.status().plan;
    assert_eq!((status.billed, status.corrected), (Bytes(0), 0));
    let got = download(&mut world, 1, 20 * MIB);
    world.wall += 2 * DAY;
    world.pass(1000);
    assert_eq!(world.packet(1, false, 1500), Fate::Closed);
    let status = world.status().plan;
    assert_eq!(status.corrected, 0);
    world.pass(61_000);
    assert_eq!(world.recorded(PLAN), world.truth.billed as i64);
    assert!(got >= 20 * MIB);
}

#[test]
fn a_plan_that_begins_earlier_counts_what_was_used_since() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    download(&mut world, 1, 50 * MIB);
    world.wall += 5 * DAY;
    world.pass(1000);
    download(&mut world, 1, 10 * MIB);
    plan(&mut world, PlanChange { period: Some(Period::Monthly { day: 6 }), ..cap(Some(100)) });
    let status = world.status().plan;
    assert_eq!((status.billed.0, status.corrected), (status.delivered.0, 0));
    assert!(status.billed >= Bytes::mib(10) && status.billed < Bytes::mib(11), "{status:?}");
    plan(&mut world, PlanChange { period: Some(Period::Monthly { day: 1 }), ..PlanChange::default() });
    assert_eq!(world.status().plan.billed.0, world.truth.billed);
}

#[test]
fn a_clock_that_goes_back_gives_no_day_twice() {
    for synced in [false, true] {
        let mut world = World::new();
        world.wall = LATE;
        world.person("anna", every(10, Every::Day), 1);
        exactly(download(&mut world, 1, 1 << 40), 10);
        world.pass(4000);
        exactly(download(&mut world, 1, 1 << 40), 10);
        world.synced = synced;
        world.wall -= 10;
        world.pass(1000);
        assert_ne!(world.packet(1, false, 1500), Fate::Forwarded, "synced: {synced}");
        assert_eq!(world.status().clock_held, !synced);
        world.wall -= 2 * DAY;
        world.pass(1000);
        world.wall += 2 * DAY + 20;
        world.pass(1000);
        assert_ne!(world.packet(1, false, 1500), Fate::Forwarded, "synced: {synced}");
    }
}

#[test]
fn a_machine_that_always_wakes_up_in_1970_has_days_and_months() {
    let mut world = World::new();
    world.person("anna", every(10, Every::Day), 1);
    world.synced = false;
    let mut got = 0;
    for _ in 0..96 {
        world.cut_power(true);
        world.wall = 1000;
        world.start();
        world.arrive(1);
        got += download(&mut world, 1, MIB);
        world.pass(3_600_000);
    }
    // Four days of uptime are about as many civil days, each with its allowance; the cuts cost grants.
    assert!((12 * MIB..=50 * MIB).contains(&got), "{got}");
}
