//! A random walk through everything that moves data between parts, people and money: nobody and nothing passes more
//! than it may, whatever is done, and wherever the daemon is killed or the power is cut.
#![allow(
    clippy::expect_used,
    clippy::cast_possible_wrap,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic; its numbers are small; it looks for what it is about"
)]

mod parts;
#[allow(dead_code, reason = "other tests use other parts of the world")]
mod world;

use std::collections::BTreeMap;

use hotshare_core::ask::{Ask, PersonRules, PlanChange};
use hotshare_core::brain::Event;
use hotshare_core::ledger::{EntryKind, PeriodKey};
use hotshare_core::money::Money;
use hotshare_core::people::{Allowance, AtEnd, Every};
use hotshare_core::plan::{Plan, Unused};
use hotshare_core::policy::Verdict;
use hotshare_core::record::Change;
use hotshare_core::units::{Account, Bytes, PersonId, PersonName, Rate};
use proptest::prelude::*;
use world::{Fate, World, mac, name};

const NAMES: [&str; 4] = ["anna", "bo", "cy", "di"];
/// What the first two may use in all, to begin with.
const TOTAL: [u64; 2] = [30 << 20, 20 << 20];
/// A step of money for a part that costs it, as `parts` draws them.
const STEP: Money = Money(100_000);

#[derive(Clone, Debug)]
enum Op {
    Traffic { device: u8, up: bool, packets: u16, size: u16 },
    Pass(u32),
    Night(u8),
    Commit(bool),
    Patient(bool),
    Kill(bool),
    Cut(bool),
    Stop,
    Fuse(u32, bool),
    Give(u8, u8, u32),
    TopUp(u8, u32),
    Consent,
    Wish(u8, u32),
    Answer(u8, Option<u32>),
    Weight(u8, u16),
    Slow(u8, bool),
    Swap,
    Leave(u8),
    Arrive(u8),
    Back(u16),
}

fn op() -> impl Strategy<Value = Op> {
    let who = || 0u8..4;
    prop_oneof![
        10 => (1u8..5, any::<bool>(), 1u16..900, 40u16..40_000)
            .prop_map(|(device, up, packets, size)| Op::Traffic { device, up, packets, size }),
        3 => (1u32..40_000).prop_map(Op::Pass),
        1 => (1u8..60).prop_map(Op::Night),
        2 => prop::bool::weighted(0.7).prop_map(Op::Commit),
        1 => any::<bool>().prop_map(Op::Patient),
        1 => any::<bool>().prop_map(Op::Kill),
        1 => any::<bool>().prop_map(Op::Cut),
        1 => Just(Op::Stop),
        2 => (1u32..40, any::<bool>()).prop_map(|(after, reached)| Op::Fuse(after, reached)),
        4 => (who(), who(), 1u32..30 << 20).prop_map(|(from, to, bytes)| Op::Give(from, to, bytes)),
        1 => (who(), 1u32..10 << 20).prop_map(|(who, bytes)| Op::TopUp(who, bytes)),
        3 => Just(Op::Consent),
        1 => (who(), 1u32..10 << 20).prop_map(|(who, bytes)| Op::Wish(who, bytes)),
        1 => (who(), prop::option::of(0u32..5 << 20)).prop_map(|(who, bytes)| Op::Answer(who, bytes)),
        1 => (who(), 1u16..10).prop_map(|(who, weight)| Op::Weight(who, weight)),
        1 => (2u8..4, any::<bool>()).prop_map(|(who, slow)| Op::Slow(who, slow)),
        1 => Just(Op::Swap),
        1 => (1u8..5).prop_map(Op::Leave),
        2 => (1u8..5).prop_map(Op::Arrive),
        1 => (1u16..60).prop_map(Op::Back),
    ]
}

fn who(number: u8) -> PersonName {
    name(NAMES[usize::from(number)])
}

fn id(number: u8) -> PersonId {
    PersonId(u32::from(number) + 1)
}

/// Sums of entries by account and period, of those kinds.
fn sums(world: &World, kinds: &[EntryKind]) -> BTreeMap<(Account, PeriodKey), i64> {
    let mut sums = BTreeMap::new();
    for change in &world.log {
        if let Change::Entry(entry) = change
            && kinds.contains(&entry.kind)
        {
            *sums.entry((entry.account, entry.period)).or_default() += entry.bytes;
        }
    }
    sums
}

/// No part was granted more than it has, and none that costs money more than was agreed to.
fn parts_hold(world: &World, consents: i64) {
    let plans: Vec<&Plan> = world
        .log
        .iter()
        .filter_map(|change| match change {
            Change::Plan(plan) => Some(plan),
            _ => None,
        })
        .collect();
    let granted = sums(world, &[EntryKind::Grant, EntryKind::Return]);
    let bought = sums(world, &[EntryKind::Bought]);
    let rolled = sums(world, &[EntryKind::RollOver]);
    for ((account, period), granted) in granted {
        let Account::Bucket(part) = account else { continue };
        let most = |plan: &&Plan| {
            let part = plan.buckets.iter().find(|bucket| bucket.id == part)?;
            let credit = (Account::BucketCredit(part.id), period);
            let on_top =
                bought.get(&credit).copied().unwrap_or(0) + rolled.get(&credit).copied().unwrap_or(0);
            // What rolls over is told a moment after it may be used.
            let untold = part.unused != Unused::Lost && !rolled.contains_key(&credit);
            Some(match (part.pay, part.cap) {
                (Some(_), _) => on_top,
                (None, None) => i64::MAX,
                (None, Some(cap)) => cap.signed() * if untold { 3 } else { 1 } + on_top,
            })
        };
        // Before there was a plan, there was one without an end.
        let Some(most) = plans.iter().filter_map(most).max() else { continue };
        assert!(granted <= most, "{account:?} {period:?}: {granted} granted of {most}");
    }
    for ((account, period), bytes) in bought {
        let Account::BucketCredit(part) = account else { continue };
        let pay = plans.iter().flat_map(|plan| &plan.buckets).filter(|b| b.id == part).find_map(|b| b.pay);
        let pay = pay.expect("only what costs money is bought");
        let cost = pay.price.of(Bytes::from_signed(bytes)).expect("little");
        assert!(cost <= pay.limit, "{part:?} {period:?}: {cost} of {}", pay.limit);
    }
    let spent: i64 = sums(world, &[EntryKind::Bought]).values().sum();
    assert!(spent <= consents * 10_000_000, "{spent} B bought with {consents} steps");
}

/// Nobody passes more than was theirs, topped up, and given to them, less what they gave away.
fn people_hold(world: &World) {
    let credits = sums(world, &[EntryKind::TopUp, EntryKind::Gift, EntryKind::Overrun]);
    for number in 0..2u8 {
        let forwarded = world.truth.forwarded.get(&id(number)).copied().unwrap_or(0) as i64;
        let credit =
            credits.get(&(Account::PersonCredit(id(number)), PeriodKey::ALWAYS)).copied().unwrap_or(0);
        let most = TOTAL[usize::from(number)] as i64 + credit;
        assert!(forwarded <= most, "{}: {forwarded} of {most}", who(number));
    }
    for number in 0..4u8 {
        let forwarded = world.truth.forwarded.get(&id(number)).copied().unwrap_or(0) as i64;
        let recorded = world.recorded(Account::Person(id(number)));
        assert!(recorded >= forwarded, "{}: {recorded} recorded, {forwarded} passed", who(number));
    }
    // What one gave another got.
    let gifts: i64 = sums(world, &[EntryKind::Gift, EntryKind::Loan]).values().sum();
    assert_eq!(gifts, 0, "gifts and loans");
}

/// What is shown adds up, and is what the entries say.
fn figures_hold(world: &mut World) {
    if world.brain.is_none() {
        return;
    }
    let fuse = world.fuse.take();
    let status = world.status();
    world.fuse = fuse;
    let plan = &status.plan;
    let parts = plan.delivered.signed() + plan.refused.signed() + plan.own.signed() + plan.corrected;
    assert_eq!(plan.billed.signed(), parts, "{plan:?}");
    for person in &status.people {
        assert!(person.up + person.down <= person.recorded, "{person:?}");
        if let (Some(left), Some(limit)) = (person.balance, person.limit) {
            assert!(left <= limit, "{person:?}");
        }
    }
    let (book, replayed) = (&world.book, world.replayed());
    assert_eq!(book.totals, replayed.totals);
    assert_eq!(
        (&book.granted, &book.settled, &book.wishes),
        (&replayed.granted, &replayed.settled, &replayed.wishes)
    );
}

/// What passes of a transfer, if the part in use is not for this person: nothing.
fn transfer(world: &mut World, device: u8, up: bool, packets: u16, size: u16) {
    let fuse = world.fuse.take();
    let kept_from = if world.brain.is_some() {
        let status = world.status();
        let person = status.devices.iter().find(|d| d.mac == mac(device)).and_then(|d| d.person.clone());
        status.people.iter().find(|p| Some(&p.name) == person.as_ref()).map(|p| p.verdict)
    } else {
        None
    };
    world.fuse = fuse;
    for _ in 0..packets {
        let fate = world.packet(device, up, u64::from(size));
        if matches!(kept_from, Some(Verdict::Closed(_))) && up && !world.patient {
            assert_ne!(fate, Fate::Forwarded, "{kept_from:?}");
        }
    }
}

fn begin(plan: &Plan) -> World {
    let mut world = World::new();
    let total = |n: usize| Allowance::Limited { bytes: Bytes(TOTAL[n]), every: Every::Total };
    set(&mut world, plan);
    world.person("anna", total(0), 1);
    world.person("bo", total(1), 2);
    world.person("cy", Allowance::Fair, 3);
    world.person("di", Allowance::Fair, 4);
    world
}

fn set(world: &mut World, plan: &Plan) {
    let (period, buckets) = (Some(plan.period), Some(plan.buckets.clone()));
    world.ask_later(Ask::PlanSet(PlanChange { period, buckets, ..PlanChange::default() }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nobody_and_no_part_passes_more_than_it_may(
        plan in parts::plan(), other in parts::plan(), ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut world = begin(&plan);
        let (mut consents, mut swapped, mut cuts) = (0i64, false, 0);
        for op in ops {
            match op {
                Op::Traffic { device, up, packets, size } => transfer(&mut world, device, up, packets, size),
                Op::Pass(ms) => world.pass(u64::from(ms)),
                Op::Night(hours) => {
                    world.boot_on(u64::from(hours) * 3_600_000);
                    world.pass(2000);
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
                    cuts += 1;
                    world.cut_power(reached);
                    world.start();
                }
                Op::Stop => {
                    if !world.patient {
                        world.stop();
                        world.start();
                    }
                }
                Op::Fuse(after, reached) => world.fuse = Some((after, reached)),
                Op::Give(from, to, bytes) => {
                    let bytes = Bytes(u64::from(bytes));
                    world.ask_later(Ask::Give { from: who(from), to: who(to), bytes });
                }
                Op::TopUp(number, bytes) => {
                    world.ask_later(Ask::TopUp { name: who(number), bytes: Bytes(u64::from(bytes)) });
                }
                Op::Consent => {
                    consents += 1;
                    world.ask_later(Ask::Consent { money: STEP });
                }
                Op::Wish(number, bytes) => {
                    world.ask_later(Ask::Wish { name: who(number), bytes: Bytes(u64::from(bytes)) });
                }
                Op::Answer(number, bytes) => {
                    let bytes = bytes.map(|bytes| Bytes(u64::from(bytes)));
                    world.ask_later(Ask::WishAnswer { name: who(number), bytes });
                }
                Op::Weight(number, weight) => {
                    let rules = PersonRules { weight: Some(weight), ..PersonRules::default() };
                    world.ask_later(Ask::PersonRules { name: who(number), rules });
                }
                Op::Slow(number, slow) => {
                    let at_end = Some(if slow { AtEnd::Slow(Rate(20_000)) } else { AtEnd::Stop });
                    let rules = PersonRules { at_end, ..PersonRules::default() };
                    world.ask_later(Ask::PersonRules { name: who(number), rules });
                }
                Op::Swap => {
                    swapped = !swapped;
                    set(&mut world, if swapped { &other } else { &plan });
                }
                Op::Leave(device) => world.tell(Event::LeaseEnded(mac(device))),
                Op::Arrive(device) => world.arrive(device),
                Op::Back(hours) => world.wall -= i64::from(hours) * 3600,
            }
            if world.brain.is_none() {
                // Killed between two orders: the kernel goes on with what it was told.
                for n in 0..100u8 {
                    for device in 1..5 {
                        world.packet(device, n % 2 == 0, 9000);
                    }
                }
                people_hold(&world);
                world.start();
            }
            parts_hold(&world, consents);
            people_hold(&world);
            figures_hold(&mut world);
        }
        // Nothing more is under way: what is recorded is not less than what the carrier billed.
        (world.patient, world.fuse) = (false, None);
        world.commit(true);
        world.pass(130_000);
        parts_hold(&world, consents);
        people_hold(&world);
        let (recorded, billed) = (world.recorded_of_plan(), world.truth.billed as i64);
        prop_assert!(cuts > 0 || recorded >= billed, "{recorded} recorded, {billed} billed");
    }
}
