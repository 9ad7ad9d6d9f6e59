//! A carrier that counts more than we do.

use hotshare_core::ask::{Answer, Ask, PlanChange};
use hotshare_core::money::{Money, Price};
use hotshare_core::people::Allowance;
use hotshare_core::plan::{Bucket, Pay, Period};
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::record::Change;
use hotshare_core::units::Bytes;

use crate::MIB;
use crate::world::{Fate, START, World, name};

const DAY: i64 = 86_400;
const CAP: u64 = 4000 * MIB;
/// Used in this period before the machine was set up.
const EARLIER: u64 = 500 * MIB;

/// What came through, in packets as large as merged ones are.
fn download(world: &mut World, most: u64) -> u64 {
    let mut got = 0;
    while got < most && world.packet(1, false, 60_000) == Fate::Forwarded {
        got += 60_000;
    }
    got
}

fn told(world: &mut World, used: u64) {
    assert_eq!(world.ask(Ask::PlanCorrect { used: Bytes(used) }), Answer::Done);
}

/// What a carrier says that counts so many thousandths of what is really billed.
fn carriers(world: &World, permille: u64) -> u64 {
    EARLIER + world.truth.billed / 1000 * permille
}

fn world(buckets: Option<Vec<Bucket>>) -> World {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    let cap = buckets.is_none().then_some(Some(Bytes(CAP)));
    let change = PlanChange { cap, buckets, ..PlanChange::default() };
    assert_eq!(world.ask(Ask::PlanSet(change)), Answer::Done);
    world
}

/// After a first figure that says nothing, so many more, a day apart.
fn learnt(world: &mut World, figures: u32, permille: u64) {
    for _ in 0..=figures {
        assert_eq!(download(world, 400 * MIB) / MIB, 400);
        world.wall += DAY;
        world.pass(1000);
        let used = carriers(world, permille);
        told(world, used);
    }
}

#[test]
fn the_plan_is_not_passed_by_the_carriers_count_either() {
    let mut world = world(None);
    learnt(&mut world, 4, 1040);
    let plan = world.status().plan;
    let learnt = plan.carrier.correction;
    // 1 + 0.04 × 4/5; the first figure told of what nobody counted here.
    assert_eq!((learnt.factor, learnt.based_on), (1032, 4));
    let (at_last, left) = (world.truth.billed, plan.balance.expect("a cap").0);
    assert_eq!(left, CAP - carriers(&world, 1040));
    assert_eq!(plan.carrier.kept, Bytes((left * 32).div_ceil(1032)));
    assert_eq!((plan.carrier.since_figure, plan.reserve), (Bytes::ZERO, Bytes::mib(16)));

    download(&mut world, 1 << 40);
    let since = world.truth.billed - at_last;
    // What the last packets in flight are is the usual reserve's concern.
    let count = CAP - left + since * 1032 / 1000;
    assert!(count <= CAP && count + 18 * MIB > CAP, "{} of {CAP}", count);
    let status = world.status();
    assert_eq!(status.closed, Some(Verdict::Closed(Why::PlanUsed)));
    // Our own count is nowhere near the cap.
    assert!(status.plan.balance.expect("a cap").0 > 50 * MIB);
    assert_eq!(world.recorded(crate::world::PLAN), Bytes(world.truth.billed).signed());
}

#[test]
fn what_was_learnt_outlives_a_restart_and_the_period() {
    let mut world = world(None);
    learnt(&mut world, 3, 1040);
    let before = world.status().plan.carrier;
    for stop in [false, true] {
        if stop {
            world.stop()
        } else {
            world.kill(true)
        }
        world.start();
        assert_eq!(world.status().plan.carrier, before);
    }
    world.wall = START + 30 * DAY;
    world.pass(2000);
    // A whole period from its begin: all of it is compared.
    let plan = world.status().plan;
    assert_eq!(plan.carrier.since_figure, Bytes::ZERO);
    assert_eq!(plan.carrier.kept, Bytes((CAP * 30).div_ceil(1030)));
    let at = world.truth.billed;
    download(&mut world, 300 * MIB);
    world.pass(2000);
    let ours = world.truth.billed - at;
    told(&mut world, ours / 1000 * 1040);
    let carrier = world.status().plan.carrier;
    assert_eq!(carrier.correction.based_on, 4);
    assert_eq!(carrier.compared.last().map(|c| c.ours), Some(Bytes(ours)));
}

#[test]
fn a_figure_that_agrees_teaches_too() {
    let mut world = world(None);
    learnt(&mut world, 2, 1000);
    let used = world.status().plan.billed;
    let entries = |world: &World| world.log.iter().filter(|c| matches!(c, Change::Entry(_))).count();
    download(&mut world, 200 * MIB);
    world.pass(2000);
    let before = entries(&world);
    told(&mut world, used.0 + 200 * MIB / 60_000 * 60_000 + 60_000);
    assert_eq!(entries(&world), before, "nothing is corrected");
    let carrier = world.status().plan.carrier;
    assert_eq!((carrier.correction.factor, carrier.correction.based_on), (1000, 3));
    assert_eq!(carrier.kept, Bytes::ZERO);
}

#[test]
fn a_figure_while_no_plan_runs_says_nothing() {
    let mut world = world(None);
    let date = |text: &str| text.parse().expect("a date");
    let period = Some(Period::Once { from: date("2027-01-01"), until: date("2027-01-31") });
    world.ask(Ask::PlanSet(PlanChange { period, ..PlanChange::default() }));
    told(&mut world, 7);
    assert_eq!(world.status().plan.carrier.figure, None);
}

#[test]
fn more_money_is_asked_for_at_the_reserve_and_buys_what_it_says() {
    let main = Bucket::main(Some(Bytes(CAP)));
    let price = Price { money: Money(10_000), unit: Bytes::MIB };
    let pay = Pay { price, limit: Money(10_000_000), step: Money(2_000_000) };
    let more = Bucket { name: "more".into(), pay: Some(pay), ..Bucket::main(None) };
    let mut world = world(Some(vec![main, more]));
    learnt(&mut world, 4, 1040);
    download(&mut world, 1 << 40);
    world.pass(2000);
    let status = world.status();
    assert_eq!(status.closed, Some(Verdict::Closed(Why::AsksForMoney)));
    let (kept, free) = (status.plan.carrier.kept, world.truth.billed);
    assert!(kept > Bytes::mib(40), "{kept}");

    // 200 MiB for it: what is kept of the plan is not kept of the step once more.
    assert_eq!(world.ask(Ask::Consent { money: Money(2_000_000) }), Answer::Done);
    let got = download(&mut world, 1 << 40);
    let most = 200 * MIB * 1000 / 1032;
    assert!(got + MIB / 8 > most && got < most + 20 * MIB, "{} MiB", got / MIB);
    let told = world.status().plan.carrier.figure.expect("told").told.0;
    let since = world.status().plan.carrier.since_figure.0;
    assert!(told + since * 1032 / 1000 <= CAP + 200 * MIB, "more than was paid for");
    assert!(world.truth.billed > free);
    world.pass(2000);
    assert_eq!(world.status().closed, Some(Verdict::Closed(Why::AsksForMoney)));
}

#[test]
fn fair_shares_are_of_what_may_be_spent() {
    let mut world = world(None);
    assert_eq!(world.ask(Ask::PersonAdd { name: name("bo"), allowance: Allowance::Fair }), Answer::Done);
    let share = |world: &mut World| world.status().people[1].balance.expect("a share").0;
    let before = share(&mut world);
    assert_eq!(before, CAP - 16 * MIB);
    learnt(&mut world, 4, 1040);
    let plan = world.status().plan;
    let left = plan.balance.expect("a cap").0;
    assert_eq!(share(&mut world), left - 16 * MIB - plan.carrier.kept.0);
}
