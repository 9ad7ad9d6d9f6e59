//! More left, of the plan or of one's own, never leads to a harsher verdict: over the whole way from the book to what
//! the brain says.
#![allow(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, and looks for what it is about"
)]

mod parts;
#[allow(dead_code, reason = "other tests use other parts of the world")]
mod world;

use std::net::Ipv4Addr;

use hotshare_core::alert::Rules;
use hotshare_core::ask::{Answer, Ask};
use hotshare_core::book::Book;
use hotshare_core::brain::{AskId, Brain, Command, Event, Settings};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::people::{Allowance, AtEnd, Device, Every, Person};
use hotshare_core::plan::{Phase, Plan, Zone};
use hotshare_core::policy::Verdict;
use hotshare_core::record::{Leased, Snapshot};
use hotshare_core::units::{Account, BootTime, Bytes, Now, PersonId, Rate, Slot, UnixTime};
use proptest::prelude::*;
use world::{START, ip, mac, name, uplink};

const NAMES: [&str; 3] = ["anna", "bo", "cy"];

/// What is in the book about somebody.
#[derive(Clone, Debug)]
struct Somebody {
    allowance: Allowance,
    used: u64,
    credit: i64,
    at_end: AtEnd,
}

/// What is in the book.
#[derive(Clone, Debug)]
struct Case {
    plan: Plan,
    /// Of each part in the period that runs: used, and on top.
    parts: Vec<(u64, i64)>,
    people: Vec<Somebody>,
    hours: i64,
}

/// What there is more of.
#[derive(Clone, Copy, Debug)]
enum More {
    UsedLess(usize),
    OnTop(usize),
    Cap(usize),
    PersonUsedLess(usize),
    PersonOnTop(usize),
}

fn mib(n: u64) -> u64 {
    n << 20
}

fn somebody() -> impl Strategy<Value = Somebody> {
    let at_end = prop_oneof![Just(AtEnd::Stop), (1u64..8).prop_map(|n| AtEnd::Slow(Rate(n * 50_000)))];
    let limited = |n| Allowance::Limited { bytes: Bytes::mib(n), every: Every::Total };
    let allowance = prop_oneof![
        1 => Just(Allowance::Unlimited),
        1 => Just(Allowance::Fair),
        3 => (0u64..40).prop_map(limited),
    ];
    (allowance, 0u64..40, -10i64..20, at_end).prop_map(|(allowance, used, credit, at_end)| Somebody {
        allowance,
        used: mib(used),
        credit: credit << 20,
        at_end,
    })
}

fn case() -> impl Strategy<Value = Case> {
    let used = prop::collection::vec((0u64..40, 0i64..20), Plan::MOST_BUCKETS);
    (parts::plan(), used, prop::collection::vec(somebody(), 3), 0i64..24 * 40).prop_map(
        |(plan, used, people, hours)| {
            let parts = used.into_iter().map(|(used, credit)| (mib(used), credit << 20)).collect();
            Case { plan, parts, people, hours }
        },
    )
}

fn more() -> impl Strategy<Value = More> {
    prop_oneof![
        (0usize..5).prop_map(More::UsedLess),
        (0usize..5).prop_map(More::OnTop),
        (0usize..5).prop_map(More::Cap),
        (0usize..3).prop_map(More::PersonUsedLess),
        (0usize..3).prop_map(More::PersonOnTop),
    ]
}

/// The case with so much more of something; what cannot be more stays.
fn with(case: &Case, more: More, bytes: u64) -> Case {
    let mut new = case.clone();
    let signed = bytes.cast_signed();
    match more {
        More::UsedLess(n) => {
            let part = &mut new.parts[n];
            part.0 = part.0.saturating_sub(bytes);
        }
        More::OnTop(n) => new.parts[n].1 += signed,
        More::Cap(n) => {
            if let Some(cap) = new.plan.buckets.get_mut(n).and_then(|part| part.cap.as_mut()) {
                cap.0 += bytes;
            }
        }
        More::PersonUsedLess(n) => new.people[n].used = new.people[n].used.saturating_sub(bytes),
        More::PersonOnTop(n) => new.people[n].credit += signed,
    }
    new
}

/// What the brain says of everybody, when it starts with this.
fn verdicts(case: &Case) -> Vec<Verdict> {
    let at = UnixTime(START + case.hours * 3600);
    let mut totals = Vec::new();
    for turn in case.plan.running(at) {
        let (part, (used, credit)) = (&case.plan.buckets[turn.at], case.parts[turn.at]);
        totals.push((Account::Bucket(part.id), turn.span.key, used.cast_signed()));
        totals.push((Account::BucketCredit(part.id), turn.span.key, credit));
    }
    let (mut people, mut devices, mut leases) = (Vec::new(), Vec::new(), Vec::new());
    for (n, somebody) in (0u8..).zip(&case.people) {
        let id = PersonId(u32::from(n) + 1);
        let key = match (somebody.allowance, case.plan.at(at)) {
            (Allowance::Limited { .. }, _) => PeriodKey::ALWAYS,
            (Allowance::Fair, Phase::Running(span)) => span.key,
            (_, _) => Every::Month.at(&Zone::utc(), at).key,
        };
        totals.push((Account::Person(id), key, somebody.used.cast_signed()));
        totals.push((Account::PersonCredit(id), key, somebody.credit));
        let slot = Slot(Slot::FIRST_FREE.0 + u32::from(n));
        let person = Person::new(id, name(NAMES[usize::from(n)]), somebody.allowance, slot, UnixTime(START));
        people.push(Person { at_end: somebody.at_end, ..person });
        devices.push(Device { person: Some(id), ..Device::new(mac(n + 1), UnixTime(START)) });
        let (mac, ip): (_, Ipv4Addr) = (mac(n + 1), ip(n + 1));
        leases.push(Leased { mac, ip, client_id: None, host_name: None, expires: UnixTime(at.0 + 3600) });
    }
    let snapshot =
        Snapshot { plan: Some(case.plan.clone()), people, devices, totals, leases, ..Snapshot::default() };
    let now = Now { boot: BootTime(1_000_000_000), wall: at, synced: true };
    let settings = Settings {
        default_person: None,
        grant_life_secs: 30,
        wifi: None,
        off_when_idle_secs: None,
        alerts: Rules::default(),
    };
    let book = Book::new(snapshot, Zone::utc());
    let mut brain = Brain::new(settings, book, now, 1, Vec::new(), Some(uplink(7, 2)));
    brain.handle(now, Event::Asked(AskId(1), Ask::Status));
    let answers = std::iter::from_fn(|| brain.next_command());
    let found = answers.filter_map(|command| match command {
        Command::Answer(_, Answer::Status(status)) => Some(status),
        _ => None,
    });
    let status = found.last().expect("the status is told at once");
    status.people.iter().map(|person| person.verdict).collect()
}

/// Larger is harsher.
fn harshness(verdict: Verdict) -> (u8, u64) {
    match verdict {
        Verdict::Open => (0, 0),
        Verdict::Slow(rate, _) => (1, u64::MAX - rate.0),
        Verdict::OnlySites(rate) => (2, rate.map_or(0, |rate| u64::MAX - rate.0)),
        Verdict::Closed(_) => (3, 0),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn more_left_never_leads_to_a_harsher_verdict(
        case in case(), more in more(), bytes in prop_oneof![1u64..3000, 1u64..1 << 26],
    ) {
        prop_assert!(case.plan.check().is_ok(), "{:?}", case.plan.check());
        let (before, after) = (verdicts(&case), verdicts(&with(&case, more, bytes)));
        for (n, (before, after)) in before.iter().zip(&after).enumerate() {
            // What belongs to one is not another's fair share. And of what the plan has, a fair share keeps for others
            // what they have not used yet, until the part is at its end: then a slower one may begin.
            let own = matches!(more, More::PersonUsedLess(who) | More::PersonOnTop(who) if who == n);
            let of_plan = matches!(more, More::UsedLess(_) | More::OnTop(_) | More::Cap(_));
            let counts = own || of_plan && case.people[n].allowance != Allowance::Fair;
            prop_assert!(
                !counts || harshness(*after) <= harshness(*before),
                "{}: {before:?}, and with more {after:?}", NAMES[n],
            );
        }
    }
}

/// The cases are not all alike: each verdict comes up.
#[test]
fn every_kind_of_verdict_comes_up() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut open, mut slow, mut sites, mut closed) = (0, 0, 0, 0);
    for _ in 0..500 {
        let case = case().new_tree(&mut runner).expect("a case").current();
        for verdict in verdicts(&case) {
            match verdict {
                Verdict::Open => open += 1,
                Verdict::Slow(..) => slow += 1,
                Verdict::OnlySites(_) => sites += 1,
                Verdict::Closed(_) => closed += 1,
            }
        }
    }
    let counts = [open, slow, sites, closed];
    assert!(counts.iter().all(|count| *count > 50), "open, slow, for sites, closed: {counts:?}");
}
