//! Crash points between post, grant and settle, one by one and at random; and what people are promised
//! whatever happens.
#![allow(
    clippy::expect_used,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic; its numbers are small; it looks for what it is about"
)]

mod cases;
#[allow(dead_code, reason = "other tests use other parts of the world")]
mod world;

use hotshare_core::ask::{Answer, Ask, PlanChange};
use hotshare_core::brain::Event;
use hotshare_core::people::{Allowance, Every};
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::units::{Account, Bytes, PersonId};
use proptest::prelude::*;
use world::{Fate, PLAN, World, mac, name};

pub(crate) const MIB: u64 = 1 << 20;

pub(crate) fn month(mib: u64) -> Allowance {
    Allowance::Limited { bytes: Bytes::mib(mib), every: Every::Month }
}

/// Downloads in 1500-byte packets until one is refused; what came through.
pub(crate) fn download(world: &mut World, device: u8, most: u64) -> u64 {
    let mut got = 0;
    while got < most {
        match world.packet(device, false, 1500) {
            Fate::Forwarded => got += 1500,
            Fate::Refused | Fate::Closed => break,
        }
    }
    got
}

#[test]
fn a_person_gets_the_allowance_to_the_packet_and_is_closed() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    let got = download(&mut world, 1, 1 << 40);
    assert!(got <= 100 * MIB && got + 1500 > 100 * MIB, "{got}");
    let anna = &world.status().people[0];
    assert_eq!(anna.verdict, Verdict::Closed(Why::AllowanceUsed));
    assert_eq!(anna.down.0, got);
    assert!(world.closed.contains(&world::ip(1)));
}

#[test]
fn a_top_up_opens_at_once_and_holds_exactly() {
    let mut world = World::new();
    world.person("anna", month(10), 1);
    let first = download(&mut world, 1, 1 << 40);
    let done = world.ask(Ask::PersonSet { name: name("anna"), allowance: month(15) });
    assert_eq!(done, Answer::Done);
    assert!(world.closed.is_empty());
    let more = download(&mut world, 1, 1 << 40);
    assert!(first + more <= 15 * MIB && first + more + 1500 > 15 * MIB, "{first} + {more}");
}

#[test]
fn a_lowered_allowance_holds_at_once() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    download(&mut world, 1, 50 * MIB);
    world.ask(Ask::PersonSet { name: name("anna"), allowance: month(51) });
    let more = download(&mut world, 1, 1 << 40);
    assert!(more < MIB + 1500, "{more}");
    assert_eq!(world.status().people[0].verdict, Verdict::Closed(Why::AllowanceUsed));
}

#[test]
fn a_pause_and_a_block_close_at_once_and_resuming_loses_nothing() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    download(&mut world, 1, 5 * MIB);
    world.ask(Ask::PersonPause { name: name("anna"), paused: true });
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    world.ask(Ask::PersonPause { name: name("anna"), paused: false });
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
    world.ask(Ask::DeviceBlock { mac: mac(1), blocked: true });
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    world.ask(Ask::DeviceBlock { mac: mac(1), blocked: false });
    let rest = download(&mut world, 1, 1 << 40);
    assert!(rest + 5 * MIB + 100 + 3000 > 100 * MIB, "{rest}");
}

#[test]
fn the_plan_closes_before_its_reserve_and_says_so() {
    let mut world = World::new();
    world.ask(Ask::PlanSet(PlanChange { cap: Some(Some(Bytes::mib(200))), ..PlanChange::default() }));
    world.person("anna", Allowance::Unlimited, 1);
    let got = download(&mut world, 1, 1 << 40);
    assert!(got <= 198 * MIB && got + 3000 > 198 * MIB, "{got}");
    let status = world.status();
    assert_eq!(status.closed, Some(Verdict::Closed(Why::PlanUsed)));
    assert_eq!(status.plan.billed.0, world.truth.billed);
    // What nobody can stop is billed, and delivered to nobody.
    for _ in 0..4000 {
        assert_ne!(world.packet(1, false, 1500), Fate::Forwarded);
    }
    world.pass(120_000);
    let status = world.status();
    assert_eq!(status.plan.billed.0, world.truth.billed);
    assert_eq!(status.plan.delivered.0, got);
    assert!(world.recorded(PLAN) >= world.truth.billed as i64);
}

#[test]
fn a_correction_is_the_carriers_figure() {
    let mut world = World::new();
    world.ask(Ask::PlanSet(PlanChange { cap: Some(Some(Bytes::mib(1000))), ..PlanChange::default() }));
    world.person("anna", Allowance::Unlimited, 1);
    download(&mut world, 1, 30 * MIB);
    world.ask(Ask::PlanCorrect { used: Bytes::mib(400) });
    let plan = world.status().plan;
    assert_eq!((plan.billed, plan.balance), (Bytes::mib(400), Some(Bytes::mib(600))));
}

#[test]
fn without_a_crash_a_stop_records_exactly_what_was_used() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    let got = download(&mut world, 1, 33 * MIB);
    world.tell(Event::Stop);
    assert!(world.stopped);
    assert_eq!(world.recorded(Account::Person(PersonId(1))), got as i64);
    assert_eq!(world.recorded(PLAN), got as i64);
}

/// The posting of a grant reaches the disk or not, the kernel is given it or not: each point once.
#[test]
fn each_crash_point_of_a_grant_costs_nothing_when_the_kernel_runs_on() {
    for reached in [false, true] {
        for told in [false, true] {
            let mut world = World::new();
            world.person("anna", month(100), 1);
            world.patient = true;
            let mut got = download(&mut world, 1, 4 * MIB);
            if told {
                world.commit(reached);
            }
            world.kill(reached);
            got += download(&mut world, 1, MIB);
            world.patient = false;
            world.start();
            assert!(world.recorded(Account::Person(PersonId(1))) >= got as i64);
            got += download(&mut world, 1, 1 << 40);
            assert!(got <= 100 * MIB && got + 1500 > 100 * MIB, "reached {reached} told {told}: {got}");
            assert_eq!(world.status().people[0].down.0, got);
        }
    }
}

#[test]
fn a_power_cut_costs_at_most_a_grant() {
    for reached in [false, true] {
        let mut world = World::new();
        world.person("anna", month(100), 1);
        world.patient = true;
        let mut got = download(&mut world, 1, 4 * MIB);
        world.cut_power(reached);
        world.patient = false;
        world.start();
        let recorded = world.recorded(Account::Person(PersonId(1)));
        assert!(recorded >= got as i64 && recorded - got as i64 <= 2 * world.largest_grant());
        got += download(&mut world, 1, 1 << 40);
        assert!(got <= 100 * MIB, "{got}");
    }
}

#[test]
fn a_full_disk_closes_when_the_grant_is_spent_and_opens_when_there_is_space() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    world.patient = true;
    let mut got = download(&mut world, 1, 1 << 40);
    world.commit(false);
    assert_eq!(world.status().people[0].verdict, Verdict::Closed(Why::LedgerStuck));
    got += download(&mut world, 1, 1 << 40);
    assert!(got <= 7 * MIB);
    world.pass(2000);
    world.commit(true);
    assert_eq!(world.packet(1, false, 1500), Fate::Forwarded);
}

#[derive(Clone, Debug)]
enum Op {
    Traffic { device: u8, up: bool, packets: u16, size: u16 },
    Pass(u32),
    Commit(bool),
    Patient(bool),
    Kill(bool),
    Cut(bool),
    Raise(u8),
    Pause(bool),
    Leave(u8),
    Arrive(u8),
    Jump(i32),
    Remove,
    Add,
    Assign(u8, bool),
    Block(u8, bool),
    Cap(u16),
    Rhythm(bool),
    Uplink(u8),
    Tick,
    Flush,
    Fuse(u32, bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (1u8..4, any::<bool>(), 1u16..3000, 40u16..u16::MAX)
            .prop_map(|(device, up, packets, size)| Op::Traffic { device, up, packets, size }),
        3 => (1u32..90_000).prop_map(Op::Pass),
        4 => prop::bool::weighted(0.9).prop_map(Op::Commit),
        2 => any::<bool>().prop_map(Op::Patient),
        2 => any::<bool>().prop_map(Op::Kill),
        1 => any::<bool>().prop_map(Op::Cut),
        1 => (0u8..30).prop_map(Op::Raise),
        1 => any::<bool>().prop_map(Op::Pause),
        1 => (1u8..4).prop_map(Op::Leave),
        1 => (1u8..4).prop_map(Op::Arrive),
        1 => (-200_000i32..200_000).prop_map(Op::Jump),
        1 => Just(Op::Remove),
        1 => Just(Op::Add),
        2 => (1u8..4, any::<bool>()).prop_map(|(device, ben)| Op::Assign(device, ben)),
        1 => (1u8..4, any::<bool>()).prop_map(|(device, blocked)| Op::Block(device, blocked)),
        1 => (0u16..300).prop_map(Op::Cap),
        1 => any::<bool>().prop_map(Op::Rhythm),
        1 => (0u8..4).prop_map(Op::Uplink),
        2 => Just(Op::Tick),
        1 => Just(Op::Flush),
        2 => (1u32..40, any::<bool>()).prop_map(|(after, reached)| Op::Fuse(after, reached)),
    ]
}

/// What the owner is shown adds up.
fn sums_are_right(world: &mut World) {
    let fuse = world.fuse.take();
    let status = world.status();
    world.fuse = fuse;
    let plan = status.plan;
    let parts = plan.delivered.signed() + plan.refused.signed() + plan.own.signed() + plan.corrected;
    assert_eq!(plan.billed.signed(), parts, "{plan:?}");
    assert!(plan.recorded >= plan.billed && plan.billed < Bytes(100 << 30));
    for person in status.people {
        assert!(person.up + person.down <= person.recorded, "{person:?}");
        if let (Some(left), Allowance::Limited { bytes, .. }) = (person.balance, person.allowance) {
            assert!(left <= bytes && left <= bytes.saturating_sub(person.up + person.down), "{person:?}");
        }
    }
}

/// The log says the same whoever reads it, and no device's bytes are anybody else's.
fn the_log_is_right(world: &World) {
    cases::alerts::each_is_there_once(world);
    let (kept, replayed) = (&world.book, world.replayed());
    assert_eq!(kept.totals, replayed.totals);
    assert_eq!(
        (&kept.people, &kept.devices, &kept.leases),
        (&replayed.people, &replayed.devices, &replayed.leases)
    );
    assert_eq!(
        (&kept.granted, &kept.settled, &kept.spent),
        (&replayed.granted, &replayed.settled, &replayed.spent)
    );
    for ((device, person), passed) in &world.truth.by_device {
        let booked = world.booked(*device, *person);
        assert!(booked <= *passed, "{device} {person:?}: {booked} booked of {passed}");
    }
}

fn check(world: &World, cuts: u64) {
    for (person, forwarded) in &world.truth.forwarded {
        let recorded = world.recorded(Account::Person(*person));
        assert!(recorded >= *forwarded as i64, "{person:?}: recorded {recorded}, forwarded {forwarded}");
        let most = (cuts as i64 + 1) * 2 * world.largest_grant();
        assert!(recorded - *forwarded as i64 <= most, "{person:?}: {recorded} - {forwarded} > {most}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_recorded_is_never_below_forwarded_and_nobody_passes_a_total(
        ops in prop::collection::vec(op(), 1..60)
    ) {
        let mut world = World::new();
        let mut limit = 40u64;
        let total = |mib| Allowance::Limited { bytes: Bytes::mib(mib), every: Every::Total };
        world.person("anna", total(limit), 1);
        world.person("ben", Allowance::Unlimited, 2);
        world.arrive(3);
        world.ask(Ask::DeviceAssign { mac: mac(3), person: name("anna") });
        let (mut cuts, mut cut_off) = (0, 0);
        for op in ops {
            match op {
                Op::Traffic { device, up, packets, size } => {
                    for _ in 0..packets {
                        world.packet(device, up, u64::from(size));
                    }
                }
                Op::Pass(ms) => {
                    world.pass(u64::from(ms));
                    // What nobody could stop is written by the minute.
                    let recorded = world.recorded(PLAN) + cut_off;
                    let billed = world.truth.billed as i64;
                    let may_lag = world.patient || world.brain.is_none() || ms < 62_000;
                    prop_assert!(may_lag || recorded >= billed, "{} of {}", recorded, billed);
                }
                Op::Commit(works) => world.commit(works),
                Op::Patient(patient) => {
                    world.patient = patient;
                    if !patient {
                        world.commit(true);
                    }
                }
                Op::Kill(reached) => {
                    world.kill(reached);
                    world.start();
                }
                Op::Cut(reached) => {
                    world.cut_power(reached);
                    cut_off = cut_off.max(world.truth.billed as i64 - world.recorded(PLAN));
                    cuts += 1;
                    world.start();
                }
                Op::Raise(by) => {
                    limit += u64::from(by);
                    world.ask_later(Ask::PersonSet { name: name("anna"), allowance: total(limit) });
                }
                Op::Pause(paused) => {
                    world.ask_later(Ask::PersonPause { name: name("ben"), paused });
                }
                Op::Leave(device) => world.tell(Event::LeaseEnded(mac(device))),
                Op::Arrive(device) => world.arrive(device),
                Op::Jump(by) => {
                    world.wall += i64::from(by);
                    world.synced = by % 2 == 0;
                }
                Op::Remove => {
                    world.ask_later(Ask::PersonRemove { name: name("ben") });
                }
                Op::Add => {
                    world.ask_later(Ask::PersonAdd { name: name("ben"), allowance: month(30) });
                }
                Op::Assign(device, ben) => {
                    let person = name(if ben { "ben" } else { "anna" });
                    world.ask_later(Ask::DeviceAssign { mac: mac(device), person });
                }
                Op::Block(device, blocked) => {
                    world.ask_later(Ask::DeviceBlock { mac: mac(device), blocked });
                }
                Op::Cap(mib) => {
                    let cap = (mib < 250).then_some(Bytes::mib(u64::from(mib)));
                    world.ask_later(Ask::PlanSet(PlanChange { cap: Some(cap), ..PlanChange::default() }));
                }
                Op::Rhythm(week) => {
                    let every = if week { Every::Week } else { Every::Day };
                    let allowance = Allowance::Limited { bytes: Bytes::mib(20), every };
                    world.ask_later(Ask::PersonSet { name: name("ben"), allowance });
                }
                Op::Uplink(0) => world.tell(Event::Uplink(None)),
                Op::Uplink(n) => world.tell(Event::Uplink(Some(world::uplink(7 + u32::from(n / 3), n)))),
                Op::Tick => world.tell(Event::Tick),
                Op::Flush => {
                    world.ask_later(Ask::Flush);
                }
                Op::Fuse(after, reached) => world.fuse = Some((after, reached)),
            }
            if world.brain.is_none() {
                // Killed between two commands: the kernel goes on with what it was told.
                for n in 0..600u16 {
                    world.packet((n % 3 + 1) as u8, n % 2 == 0, 9000);
                }
                check(&world, cuts);
                world.start();
            }
            check(&world, cuts);
            sums_are_right(&mut world);
            let anna = world.truth.forwarded.get(&PersonId(1)).copied().unwrap_or(0);
            prop_assert!(anna <= limit * MIB, "anna got {} of {} MiB", anna, limit);
        }
        the_log_is_right(&world);
    }
}
