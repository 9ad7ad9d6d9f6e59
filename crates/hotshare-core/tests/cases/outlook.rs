//! What is foretold, from days that went by.

use hotshare_core::ask::{Answer, Ask, Outlook, PlanChange};
use hotshare_core::forecast::{Day, forecast};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::people::{Allowance, AtEnd, Every};
use hotshare_core::plan::{Bucket, Date, Period};
use hotshare_core::units::{Bytes, PersonId, Rate};

use crate::MIB;
use crate::world::{Fate, START, World, name};

const DAY: i64 = 86_400;
/// The day of [`START`].
const FIRST: i32 = 20_759;

fn download(world: &mut World, device: u8, most: u64) -> u64 {
    let mut got = 0;
    while got < most && world.packet(device, false, 60_000) == Fate::Forwarded {
        got += 60_000;
    }
    got
}

/// The next day at noon.
fn next_day(world: &mut World) {
    world.pass(1000);
    world.wall += DAY - 1;
    world.pass(1000);
}

fn plan_of(cap: u64) -> World {
    let mut world = World::new();
    let period = Period::EveryDays { days: 60, from: Date::constant(2026, 11, 1) };
    let change =
        PlanChange { cap: Some(Some(Bytes::mib(cap))), period: Some(period), ..PlanChange::default() };
    assert_eq!(world.ask(Ask::PlanSet(change)), Answer::Done);
    world
}

fn plan(world: &mut World) -> Outlook {
    world.status().plan.outlook.expect("a plan that runs")
}

#[test]
fn it_is_foretold_what_the_days_of_the_book_say() {
    let mut world = plan_of(2_000);
    world.person("anna", Allowance::Unlimited, 1);
    let mut days = Vec::new();
    for n in 0..20 {
        let used = download(&mut world, 1, (20 + 10 * (n % 3)) * MIB);
        let day = PeriodKey(FIRST + i32::try_from(n).expect("few"));
        // The first one is that of the set-up.
        days.push(Day { day, used: Bytes(used), known: n > 0 });
        next_day(&mut world);
    }
    let today = download(&mut world, 1, 7 * MIB);
    let said = plan(&mut world);
    let now = said.standing;
    assert_eq!((now.today.0, now.end), (FIRST + 20, Some(PeriodKey(FIRST - 1 + 60))));
    assert_eq!((now.used_today, now.used), (Bytes(today), Bytes(world.truth.billed)));
    assert_eq!(now.balance, Some(Bytes::mib(2_000).saturating_sub(Bytes(world.truth.billed))));
    assert!((now.gone - 0.5).abs() < 0.001, "{}", now.gone);
    assert_eq!((said.factor, said.forecast.basis.days), (1000, 19));
    assert_eq!(said.forecast, forecast(&days, &now));
    assert!(said.forecast.total.is_some() && said.forecast.safe.is_some());

    // Anna has no allowance: only what the month will come to is said.
    let anna = world.status().people[0].outlook.expect("anna");
    assert_eq!((anna.standing.balance, anna.forecast.runs_out), (None, None));
    assert_eq!(anna.standing.end, Some(PeriodKey(FIRST - 1 + 30)));
    assert_eq!(anna.forecast, forecast(&days, &anna.standing));
    let before = world.status();
    world.kill(true);
    world.start();
    let after = world.status();
    assert_eq!(after.plan.outlook.map(|o| o.forecast), before.plan.outlook.map(|o| o.forecast));
    assert_eq!(after.people[0].outlook.map(|o| o.forecast), before.people[0].outlook.map(|o| o.forecast));
}

#[test]
fn it_is_foretold_anew_when_things_have_moved_and_not_before() {
    let mut world = plan_of(1_000);
    world.person("anna", Allowance::Unlimited, 1);
    for _ in 0..4 {
        download(&mut world, 1, 20 * MIB);
        next_day(&mut world);
    }
    let first = plan(&mut world);
    download(&mut world, 1, MIB);
    world.pass(2000);
    assert_eq!(plan(&mut world), first);
    download(&mut world, 1, 20 * MIB);
    let second = plan(&mut world);
    assert_ne!(second, first);
    world.boot_on(601_000);
    world.pass(1000);
    let third = plan(&mut world);
    assert_eq!((third.standing.balance, second.at.0 + 600 < third.at.0), (second.standing.balance, true));
    next_day(&mut world);
    assert_eq!(plan(&mut world).forecast.basis.days, third.forecast.basis.days + 1);
}

#[test]
fn days_on_which_somebody_was_closed_say_nothing() {
    let mut world = plan_of(100_000);
    let daily = Allowance::Limited { bytes: Bytes::mib(30), every: Every::Day };
    world.person("anna", daily, 1);
    world.person("bo", daily, 2);
    world.person("cleo", daily, 3);
    let slow = AtEnd::Slow(Rate::bits(1_000_000));
    let rules = hotshare_core::ask::PersonRules { at_end: Some(slow), ..Default::default() };
    world.ask(Ask::PersonRules { name: name("cleo"), rules });
    for n in 0..10 {
        // Anna uses hers up on two days; cleo goes on slowly on one; bo is paused after six.
        assert!(download(&mut world, 1, if n == 3 || n == 7 { 1 << 40 } else { 20 * MIB }) >= 20 * MIB);
        download(&mut world, 2, if n < 6 { 10 * MIB } else { 0 });
        download(&mut world, 3, if n == 5 { 50 * MIB } else { 10 * MIB });
        if n == 5 {
            world.ask(Ask::PersonPause { name: name("bo"), paused: true });
        }
        next_day(&mut world);
    }
    let days = |world: &mut World| {
        let people = world.status().people;
        people.iter().map(|p| p.outlook.expect("each").forecast.basis.days).collect::<Vec<_>>()
    };
    assert_eq!(days(&mut world), [7, 5, 8]);
    download(&mut world, 1, 1 << 40);
    let anna = world.status().people[0].outlook.expect("anna").standing;
    assert_eq!((anna.balance, anna.used_today > Bytes::mib(29)), (Some(Bytes::ZERO), true));
    world.ask(Ask::PersonPause { name: name("bo"), paused: false });
    world.boot_on(601_000);
    world.pass(1000);
    assert_eq!(days(&mut world), [7, 9, 8]);
}

#[test]
fn days_on_which_the_plan_was_used_up_say_nothing_about_anybody() {
    let mut world = plan_of(200);
    world.person("anna", Allowance::Unlimited, 1);
    for _ in 0..8 {
        download(&mut world, 1, 40 * MIB);
        next_day(&mut world);
    }
    // Set up on the first day, used up on the fifth.
    let status = world.status();
    assert!(status.closed.is_some());
    assert_eq!(status.plan.outlook.expect("runs").standing.balance, Some(Bytes::ZERO));
    assert_eq!(status.plan.outlook.expect("runs").forecast.basis.days, 3);
    assert_eq!(status.people[0].outlook.expect("anna").forecast.basis.days, 3);
    // The same seen from the next period, in which there is plenty again.
    world.wall = START + 59 * DAY;
    world.pass(2000);
    for _ in 0..5 {
        download(&mut world, 1, 30 * MIB);
        next_day(&mut world);
    }
    assert_eq!(plan(&mut world).forecast.basis.days, 3 + 5);
}

#[test]
fn the_carriers_bytes_are_foretold_once_they_are_known() {
    let mut world = plan_of(4_000);
    world.person("anna", Allowance::Unlimited, 1);
    let mut ours = Vec::new();
    for _ in 0..6 {
        ours.push(download(&mut world, 1, 110 * MIB));
        next_day(&mut world);
        let used = Bytes(world.truth.billed / 100 * 105);
        assert_eq!(world.ask(Ask::PlanCorrect { used }), Answer::Done);
    }
    let today = download(&mut world, 1, 50 * MIB);
    let said = plan(&mut world);
    // Five figures: 1 + 0.05 × 5/6.
    assert_eq!(said.factor, 1042);
    let carriers = |bytes: u64| Bytes((bytes * 1042).div_ceil(1000));
    assert_eq!(said.standing.used_today, carriers(today));
    let told = (world.truth.billed - today) / 100 * 105;
    assert_eq!(said.standing.used, Bytes(told) + carriers(today));
    assert_eq!(said.standing.balance, Some(Bytes::mib(4_000).saturating_sub(said.standing.used)));
    let days: Vec<Day> = (FIRST..)
        .zip(&ours)
        .map(|(day, used)| Day { day: PeriodKey(day), used: carriers(*used), known: day > FIRST })
        .collect();
    assert_eq!(said.forecast, forecast(&days, &said.standing));
}

#[test]
fn of_several_parts_those_that_are_fast_and_free_are_told() {
    let mut world = plan_of(1);
    world.person("anna", Allowance::Unlimited, 1);
    let named = |n: &str, cap| Bucket { name: n.into(), ..Bucket::main(cap) };
    let every = |days| Some(Period::EveryDays { days, from: Date::constant(2026, 11, 1) });
    let parts = |slow: Bucket| {
        vec![
            Bucket { period: every(1), ..named("daily", Some(Bytes::mib(10))) },
            named("fast", Some(Bytes::mib(1_000))),
            named("more", Some(Bytes::mib(500))),
            slow,
        ]
    };
    let slow = Bucket { rate: Some(Rate::bits(1_000_000)), ..named("slow", None) };
    let set = |world: &mut World, buckets| {
        let change = PlanChange { buckets: Some(buckets), ..PlanChange::default() };
        assert_eq!(world.ask(Ask::PlanSet(change)), Answer::Done);
    };
    set(&mut world, parts(slow));
    let mut ours = Vec::new();
    for _ in 0..6 {
        ours.push(download(&mut world, 1, 25 * MIB));
        next_day(&mut world);
    }
    let said = plan(&mut world);
    // What came on top of the daily part.
    let days: Vec<Day> = (FIRST..)
        .zip(&ours)
        .map(|(day, used)| Day { day: PeriodKey(day), used: Bytes(used - 10 * MIB), known: day > FIRST })
        .collect();
    assert_eq!(said.forecast, forecast(&days, &said.standing));
    let balance = said.standing.balance.expect("both have an end").0;
    // Each part ends with a packet that did not fit.
    assert!(
        balance.abs_diff(1_500 * MIB - days.iter().map(|d| d.used.0).sum::<u64>()) < 7 * 60_000,
        "{balance}"
    );

    // Nothing but a part that renews every day: until it does.
    set(&mut world, parts(named("slow", None)).drain(..1).collect());
    assert_eq!(plan(&mut world).standing.end, Some(PeriodKey(FIRST + 7)));
    assert_eq!(world.status().people[0].name, name("anna"));
    assert_eq!(world.truth.forwarded[&PersonId(1)], world.truth.billed);
}
