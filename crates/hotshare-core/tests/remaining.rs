//! What people and their devices are told to have left, against what then really passes, and when it really ends.
#![allow(
    clippy::expect_used,
    clippy::cast_possible_wrap,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic; its numbers are small; it looks for what it is about"
)]

mod parts;
#[allow(dead_code, reason = "other tests use other parts of the world")]
mod world;

use hotshare_core::ask::{Answer, Ask, PersonRules, PersonStatus, PlanChange, Remaining};
use hotshare_core::people::{Allowance, AtEnd, Every};
use hotshare_core::plan::{Bucket, Date, Hours, Period, Plan, Terms, Window, Zone};
use hotshare_core::policy::Verdict;
use hotshare_core::units::{Bytes, Rate, UnixTime};
use proptest::prelude::*;
use world::{Fate, START, World, name};

const MIB: u64 = 1 << 20;
const EVERY_DAY: u8 = 0b111_1111;
const PACKET: u64 = 9000;

fn begin(plan: &Plan, allowance: Allowance, rules: PersonRules) -> World {
    let mut world = World::new();
    world.person("anna", allowance, 1);
    world.person("di", Allowance::Fair, 2);
    assert_eq!(world.ask(Ask::PersonRules { name: name("anna"), rules }), Answer::Done);
    let (period, buckets) = (Some(plan.period), Some(plan.buckets.clone()));
    let set = Ask::PlanSet(PlanChange { period, buckets, ..PlanChange::default() });
    assert_eq!(world.ask(set), Answer::Done);
    world
}

/// The lease is renewed on the way.
fn later(world: &mut World, hours: u8) {
    world.boot_on(u64::from(hours) * 3_600_000);
    world.pass(2000);
    world.arrive(1);
    world.pass(2000);
}

fn anna(world: &mut World) -> PersonStatus {
    let found = world.status().people.into_iter().find(|person| person.name == name("anna"));
    found.expect("she is there")
}

fn reaches_everything(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Open | Verdict::Slow(..))
}

/// Sends until nothing more passes, or to some sites only, at most so much.
fn use_up(world: &mut World, most: u64) -> u64 {
    let mut passed = 0;
    while passed < most && world.only_sites.is_none() {
        if world.packet(1, true, PACKET) == Fate::Forwarded {
            passed += PACKET;
        } else if !reaches_everything(anna(world).verdict) {
            break;
        } else if world.packet(1, true, 40) == Fate::Forwarded {
            // A large one does not fit any more.
            passed += 40;
        } else if world.packet(1, true, 40) != Fate::Forwarded {
            break;
        }
    }
    passed
}

fn allowance() -> impl Strategy<Value = Allowance> {
    prop_oneof![
        Just(Allowance::Unlimited),
        Just(Allowance::Fair),
        (1..60 * MIB).prop_map(|bytes| Allowance::Limited { bytes: Bytes(bytes), every: Every::Total }),
    ]
}

fn at_end() -> impl Strategy<Value = AtEnd> {
    prop_oneof![3 => Just(AtEnd::Stop), 1 => Just(AtEnd::Slow(Rate(20_000)))]
}

fn window() -> impl Strategy<Value = Window> {
    (1u8..128, 0u16..1440, 0u16..1440).prop_map(|(days, from, until)| Window { days, from, until })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    /// As long as nobody else uses the plan: no less than was told, and only what is kept back on top.
    #[test]
    fn so_much_passes_as_was_told(
        plan in parts::plan(), allowance in allowance(), at_end in at_end(), hours in 0u8..200, some in 0u64..20 * MIB,
    ) {
        let rules = PersonRules { at_end: Some(at_end), ..PersonRules::default() };
        let mut world = begin(&plan, allowance, rules);
        later(&mut world, hours);
        use_up(&mut world, some);
        let told = anna(&mut world);
        let Remaining { bytes, of_plan, .. } = told.remaining;
        let open = reaches_everything(told.verdict);
        prop_assert!(open || bytes.unwrap_or_default() == Bytes::ZERO, "{told:?}");
        if let (Some(bytes), Some(of_plan)) = (bytes, of_plan) {
            prop_assert!(bytes <= of_plan, "{told:?}");
        }
        let most = bytes.map_or(20 * MIB, |bytes| bytes.0 + 2 * MIB);
        let passed = use_up(&mut world, most);
        match bytes {
            None => prop_assert!(passed >= most, "{passed} passed of what has no end: {told:?}"),
            Some(bytes) => {
                // Less than a packet of each part may stay.
                let crumbs = plan.buckets.len() as u64 * PACKET;
                prop_assert!(passed + crumbs > bytes.0, "{passed} passed, and {bytes:?} were told: {told:?}");
                // Of a fair share there may be more: what the other does not use is lent.
                let reserve = world.status().plan.reserve.0;
                let fair = allowance == Allowance::Fair;
                prop_assert!(fair || passed <= bytes.0 + reserve, "{passed} passed, {bytes:?} were told: {told:?}");
            }
        }
    }

    /// Untouched, it is over when it was told to be, and not before.
    #[test]
    fn it_ends_when_it_was_told_to(
        plan in parts::plan(), hours in 0u8..200, bed in prop::option::of(window()),
        until in prop::option::of(1i64..200),
    ) {
        let rules = PersonRules {
            bed_times: bed.map(|window| Hours(vec![window])),
            until: until.map(|hours| Some(UnixTime(START + hours * 3600 + 17))),
            ..PersonRules::default()
        };
        let mut world = begin(&plan, Allowance::Unlimited, rules);
        later(&mut world, hours);
        let told = anna(&mut world);
        let Some(until) = told.remaining.until else { return Ok(()) };
        prop_assert!(until.0 > world.wall, "{told:?}");
        let before = u64::try_from(until.0 - world.wall - 1).expect("to come");
        world.boot_on(before * 1000);
        world.pass(10);
        let then = anna(&mut world);
        prop_assert!(reaches_everything(then.verdict), "before {until:?}: {told:?}\n{then:?}");
        world.boot_on(1000);
        world.pass(10);
        let then = anna(&mut world);
        // Meanwhile the hours of another part may have begun: that is not foretold.
        let foretold = plan.buckets.iter().all(|bucket| bucket.hours.is_none());
        prop_assert!(!foretold || !reaches_everything(then.verdict), "at {until:?}: {told:?}\n{then:?}");
    }
}

fn hours(days: u8, from: u16, until: u16) -> Hours {
    Hours(vec![Window { days, from: from * 60, until: until * 60 }])
}

fn monthly(buckets: Vec<Bucket>) -> Plan {
    Plan { period: Period::Monthly { day: 1 }, zone: Zone::utc(), buckets, terms: Terms::default() }
}

/// START is a Monday, 12:00 UTC.
#[test]
fn the_first_end_counts() {
    let main = || Bucket::main(Some(Bytes::mib(500)));
    let free =
        |hours| Bucket { name: "free".into(), hours: Some(hours), ..Bucket::main(Some(Bytes::mib(50))) };
    let until = |plan: &Plan, rules: PersonRules| {
        let left = anna(&mut begin(plan, Allowance::Unlimited, rules)).remaining.until;
        left.map(|until| (until.0 - START) / 60)
    };
    let plain = PersonRules::default;
    assert_eq!(until(&monthly(vec![main()]), plain()), None);
    // Hours that hold now, alone and before something for always.
    let day = hours(EVERY_DAY, 8, 18);
    assert_eq!(until(&monthly(vec![free(day.clone())]), plain()), Some(6 * 60));
    assert_eq!(until(&monthly(vec![free(day), main()]), plain()), None);
    // A night that began yesterday ends in the morning; one that begins today comes first.
    let bed = PersonRules { bed_times: Some(hours(EVERY_DAY, 21, 7)), ..plain() };
    assert_eq!(until(&monthly(vec![main()]), bed.clone()), Some(9 * 60));
    let guest = PersonRules { until: Some(Some(UnixTime(START + 7200))), ..bed };
    assert_eq!(until(&monthly(vec![main()]), guest), Some(2 * 60));
    let once = Period::Once { from: Date::constant(2026, 11, 1), until: Date::constant(2026, 11, 3) };
    let trip = Bucket { period: Some(once), ..main() };
    assert_eq!(until(&monthly(vec![trip]), plain()), Some(36 * 60));
}

#[test]
fn nothing_is_left_for_who_is_closed() {
    let plan = monthly(vec![Bucket::main(Some(Bytes::mib(500)))]);
    let bed = PersonRules { bed_times: Some(hours(EVERY_DAY, 10, 14)), ..PersonRules::default() };
    let told = anna(&mut begin(&plan, Allowance::Unlimited, bed)).remaining;
    assert_eq!((told.bytes, told.until), (Some(Bytes::ZERO), None));
    let left = told.of_plan.expect("a plan with an end");
    assert!(left < Bytes::mib(500) && left > Bytes::mib(450), "{left:?}");
}
