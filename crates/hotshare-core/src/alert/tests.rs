use proptest::prelude::*;

use super::*;
use crate::ledger::PeriodKey;
use crate::plan::{PeriodSpan, Zone};

const GB: u64 = 1_000_000_000;
const DAY: i64 = 86_400;

fn span() -> PeriodSpan {
    PeriodSpan { key: PeriodKey(20_000), begins: UnixTime(20_000 * DAY), ends: Some(UnixTime(20_030 * DAY)) }
}

fn plan(used: u64, limit: u64) -> Facts {
    let (used, limit) = (Bytes(used), Bytes(limit));
    Facts {
        at: UnixTime(20_010 * DAY),
        day: PeriodKey(20_010),
        plan: Some(PlanFacts {
            span: span(),
            again: true,
            used,
            limited: Some(Limited { used, limit, used_up: used >= limit }),
            price: None,
        }),
        people: Vec::new(),
        devices: Vec::new(),
        waiting: Vec::new(),
        certificate: None,
    }
}

#[test]
fn the_end_of_each_certificate_is_told_once_and_renewed_ones_are_not() {
    let mut owner = Owner::default();
    let mut facts = Facts { plan: None, ..plan(0, GB) };
    for (ends, told) in [(20_030, 0), (20_020, 1), (20_020, 0), (20_100, 0), (20_015, 1)] {
        let (warning, day) = (UnixTime((ends - 10) * DAY), PeriodKey(i32::try_from(ends).expect("a day")));
        facts.certificate = Some(CertificateFacts { warning, ends: UnixTime(ends * DAY), day });
        assert_eq!(owner.hears(&facts).len(), told, "{ends}");
    }
}

/// What an owner would be told, with what was told kept as the book keeps it.
#[derive(Default)]
struct Owner {
    rules: Rules,
    marks: Marks,
    last: AlertId,
}

impl Owner {
    fn hears(&mut self, facts: &Facts) -> Vec<What> {
        let due = due(&self.rules, facts, &self.marks, self.last);
        due.into_iter()
            .map(|(what, mark)| {
                assert!(mark.alert > self.last);
                self.last = mark.alert;
                self.marks.put(mark);
                what
            })
            .collect()
    }

    fn percents(&mut self, facts: &Facts) -> Vec<u8> {
        let percent = |what| {
            if let What::PlanLevel { percent, .. } | What::AllowanceLevel { percent, .. } = what {
                return Some(percent);
            }
            None
        };
        self.hears(facts).into_iter().filter_map(percent).collect()
    }
}

#[test]
fn each_level_is_told_once_and_a_jump_tells_the_highest_only() {
    let mut owner = Owner::default();
    let mut told = |used| owner.percents(&plan(used * GB / 100, GB));
    assert_eq!(told(49), []);
    assert_eq!(told(50), [50]);
    assert_eq!(told(79), []);
    assert_eq!(told(96), [95]);
    assert_eq!(told(99), []);
    assert_eq!(told(100), [100]);
    assert_eq!(told(120), []);
}

#[test]
fn what_is_left_behind_the_reserve_is_the_whole_of_it() {
    let mut owner = Owner::default();
    let mut facts = plan(997 * GB / 1000, GB);
    if let Some(limited) = facts.plan.as_mut().and_then(|plan| plan.limited.as_mut()) {
        limited.used_up = true;
    }
    assert_eq!(owner.percents(&facts), [100]);
    assert_eq!(owner.percents(&facts), []);
}

#[test]
fn a_larger_cap_begins_anew_above_what_was_used_and_a_smaller_one_tells_what_is_new() {
    let mut owner = Owner::default();
    assert_eq!(owner.percents(&plan(1_920_000_000, 2 * GB)), [95]);
    // A little more: it is still the same news.
    assert_eq!(owner.percents(&plan(1_920_000_000, 2 * GB + 1)), []);
    assert_eq!(owner.percents(&plan(1_920_000_000, 4 * GB)), []);
    assert_eq!(owner.percents(&plan(2_000_000_000, 4 * GB)), [50]);
    assert_eq!(owner.percents(&plan(3_300_000_000, 4 * GB)), [80]);
    assert_eq!(owner.percents(&plan(3_300_000_000, 3 * GB)), [100]);
    assert_eq!(owner.percents(&plan(3_300_000_000, 4 * GB)), []);
}

#[test]
fn a_correction_downwards_repeats_nothing() {
    let mut owner = Owner::default();
    assert_eq!(owner.percents(&plan(85 * GB / 100, GB)), [80]);
    assert_eq!(owner.percents(&plan(60 * GB / 100, GB)), []);
    assert_eq!(owner.percents(&plan(81 * GB / 100, GB)), []);
    assert_eq!(owner.percents(&plan(95 * GB / 100, GB)), [95]);
}

#[test]
fn a_new_period_tells_again_and_a_clock_that_jumps_back_does_not() {
    let mut owner = Owner::default();
    let in_period = |key: i32| {
        let mut facts = plan(GB / 2, GB);
        if let Some(plan) = &mut facts.plan {
            plan.span.key = PeriodKey(key);
        }
        facts
    };
    for (key, told) in [(20_000, 1), (20_030, 1), (20_000, 0), (20_030, 0), (30_000, 1), (20_030, 0)] {
        assert_eq!(owner.percents(&in_period(key)).len(), told, "{key}");
    }
    // A clock that ran years ahead for a while: the present is told, and only once.
    for key in [40_000, 50_000, 60_000, 70_000] {
        assert_eq!(owner.percents(&in_period(key)).len(), 1);
    }
    assert_eq!(owner.percents(&in_period(20_060)).len(), 1);
    assert_eq!(owner.percents(&in_period(20_060)).len(), 0);
    assert_eq!(owner.marks.iter().count(), PERIODS as usize);
}

#[test]
fn the_roll_is_told_before_it_comes_but_not_for_short_periods() {
    let mut owner = Owner::default();
    let mut facts = plan(0, GB);
    facts.at = UnixTime(20_028 * DAY - 1);
    assert_eq!(owner.hears(&facts), []);
    facts.at = UnixTime(20_028 * DAY);
    assert_eq!(owner.hears(&facts).len(), 1);
    assert_eq!(owner.hears(&facts), []);
    let mut short = facts.clone();
    if let Some(plan) = &mut short.plan {
        plan.span = PeriodSpan { key: PeriodKey(20_027), begins: UnixTime(20_027 * DAY), ..plan.span };
    }
    assert_eq!(owner.hears(&short), []);
}

fn person(today: u64, usual: Option<u64>) -> PersonFacts {
    PersonFacts {
        id: PersonId(1),
        name: "anna".parse().expect("a name"),
        limited: None,
        today: usual.map(|usual| (Bytes(today), Bytes(usual))),
    }
}

#[test]
fn unusual_is_ten_times_the_median_and_above_the_floor_once_a_day() {
    assert_eq!(usual([0, 30, 0, 10].map(Bytes)), None);
    assert_eq!(usual([30, 10, 0, 20].map(Bytes)), Some(Bytes(20)));
    assert_eq!(usual([30, 10, 900, 20].map(Bytes)), Some(Bytes(25)));
    let mut owner = Owner::default();
    let mut facts = Facts { plan: None, ..plan(0, GB) };
    for (today, usual, told) in [
        (200_000_000, Some(1_000), 0),
        (300_000_000, Some(30_000_000), 0),
        (300_000_001, None, 0),
        (300_000_001, Some(30_000_000), 1),
        (900_000_000, Some(30_000_000), 0),
    ] {
        facts.people = vec![person(today, usual)];
        assert_eq!(owner.hears(&facts).len(), told, "{today} {usual:?}");
    }
    facts.day = PeriodKey(20_011);
    assert_eq!(owner.hears(&facts).len(), 1);
}

#[test]
fn a_device_is_told_of_unless_its_person_is() {
    let mut owner = Owner::default();
    let mut facts = Facts { plan: None, ..plan(0, GB) };
    let device = |n, today| DeviceFacts {
        mac: Mac([2, 0, 0, 0, 0, n]),
        host_name: None,
        person: PersonId(1),
        owner: "anna".parse().expect("a name"),
        today: (Bytes(today), Bytes(30_000_000)),
    };
    facts.people = vec![person(300_000_001, Some(90_000_000))];
    facts.devices = vec![device(1, 300_000_001), device(2, 300_000_000)];
    let told = owner.hears(&facts);
    assert!(matches!(&told[..], [What::UnusualDevice { mac, .. }] if mac.0[5] == 1), "{told:?}");
    assert_eq!(owner.hears(&facts), [], "once a day");
    facts.day = PeriodKey(20_011);
    facts.people = vec![person(900_000_001, Some(90_000_000))];
    let told = owner.hears(&facts);
    assert!(matches!(&told[..], [What::UnusualUse { .. }]), "{told:?}");
    assert_eq!(owner.hears(&facts), [], "not of the device as well");
}

#[test]
fn waiting_devices_are_told_once_each_and_a_flood_of_them_by_the_day() {
    let mut owner = Owner::default();
    let mut facts = Facts { plan: None, ..plan(0, GB) };
    let waiting = |n| Waiting { mac: Mac([2, 0, 0, 0, 0, n]), host_name: None, claim: None };
    facts.waiting = vec![waiting(1)];
    assert_eq!(owner.hears(&facts).len(), 1);
    assert_eq!(owner.hears(&facts).len(), 0);
    facts.waiting = (1..=20).map(waiting).collect();
    assert_eq!(owner.hears(&facts).len(), 4);
    assert_eq!(owner.hears(&facts).len(), 0);
    facts.day = PeriodKey(20_011);
    assert_eq!(owner.hears(&facts).len(), 5);
    owner.marks.forget(Subject::Device(Mac([2, 0, 0, 0, 0, 1])));
    facts.day = PeriodKey(20_012);
    facts.waiting = vec![waiting(1)];
    assert_eq!(owner.hears(&facts).len(), 1, "forgotten, and new again");
}

#[test]
fn who_says_who_they_are_is_told_once_more_and_no_more() {
    let mut owner = Owner::default();
    let mut facts = Facts { plan: None, ..plan(0, GB) };
    let waiting =
        |n, claim| Waiting { mac: Mac([2, 0, 0, 0, 0, n]), host_name: None, claim: Claim::new(claim).ok() };
    facts.waiting = (1..=5).map(|n| waiting(n, "")).collect();
    assert_eq!(owner.hears(&facts).len(), 5);
    facts.waiting = vec![waiting(1, "Bo")];
    let told = owner.hears(&facts);
    let bo = Claim::new("Bo").ok();
    assert!(matches!(&told[..], [What::DeviceWaiting { claim, .. }] if *claim == bo), "{told:?}");
    for (day, claim) in [(20_010, "Bo"), (20_010, "Anna"), (20_011, "Ben")] {
        facts.day = PeriodKey(day);
        facts.waiting = vec![waiting(1, claim)];
        assert_eq!(owner.hears(&facts).len(), 0, "{claim}");
    }
    // One that says it at once is told once; and the day's bound holds for these, too.
    facts.waiting = (11..=20).map(|n| waiting(n, "Bo")).collect();
    assert_eq!(owner.hears(&facts).len(), 5);
    assert_eq!(owner.hears(&facts).len(), 0);
}

#[test]
fn each_step_of_price_is_told_once() {
    let mut owner = Owner::default();
    let mut facts = plan(0, GB);
    for (step, told) in [(1, 1), (1, 0), (3, 1), (2, 0), (4, 1)] {
        if let Some(plan) = &mut facts.plan {
            plan.price = Some(PriceStep { step, cost: "4.00 EUR".into() });
        }
        assert_eq!(owner.hears(&facts).len(), told, "{step}");
    }
}

#[test]
fn words_have_the_amounts() {
    let renews = Some(UnixTime(20_030 * DAY));
    let (used, limit) = (Bytes(1_600_000_000), Bytes(2 * GB));
    let name: PersonName = "小明".parse().expect("a name");
    let all = [
        What::PlanLevel { percent: 80, used, limit, renews },
        What::PlanLevel { percent: 100, used: limit, limit, renews: None },
        What::AllowanceLevel { name: name.clone(), percent: 80, used, limit, renews },
        What::AllowanceLevel { name: name.clone(), percent: 100, used: limit, limit, renews },
        What::UnusualUse { name: name.clone(), today: used, usual: Bytes(95_000_000) },
        What::UnusualDevice {
            mac: Mac([2, 0, 0x5e, 0x10, 0, 1]),
            host_name: Some("Pixel\u{202e}\r\n<b>8".into()),
            owner: name,
            today: used,
            usual: Bytes(95_000_000),
        },
        What::PlanRolls { ends: UnixTime(20_030 * DAY), again: true, used, limit: Some(limit) },
        What::PlanRolls { ends: UnixTime(20_030 * DAY), again: false, used, limit: None },
        What::DeviceWaiting {
            mac: Mac([2, 0, 0x5e, 0x10, 0, 1]),
            host_name: Some("Pixel\u{202e}\r\n<b>8".into()),
            claim: None,
        },
        What::DeviceWaiting {
            mac: Mac([2, 0, 0x5e, 0x10, 0, 1]),
            host_name: None,
            claim: Claim::new("Bo <Müller>").ok(),
        },
        What::PriceStep { step: 2, cost: "4.00 EUR".into() },
        What::CertificateEnds { ends: UnixTime(20_030 * DAY) },
        What::Test,
    ];
    let mut said = String::new();
    for what in &all {
        for language in [Language::English, Language::Chinese] {
            let (title, text) = words(what, language, &Zone::utc());
            said += &format!("{title} | {text}\n");
        }
    }
    assert_eq!(said.trim_end(), include_str!("words.txt").trim_end());
}

#[test]
fn waits_grow_to_an_end() {
    let patience = Patience::default();
    let waits: Vec<u64> = (1..).map_while(|attempts| patience.next_try(attempts)).collect();
    assert_eq!(waits.get(..8), Some(&[60, 120, 240, 480, 960, 1920, 3600, 3600][..]));
    let all: u64 = waits.iter().sum();
    assert!(all <= patience.all && all + 3600 > patience.all, "{all}");
    assert_eq!(patience.next_try(u32::MAX), None);
    let now = UnixTime(1_000_000);
    assert!(is_due(now, now, &patience));
    assert!(!is_due(UnixTime(now.0 + 3600), now, &patience));
    assert!(is_due(UnixTime(now.0 + 3601), now, &patience), "the clock was put back");
}

proptest! {
    /// Whatever is used, with one limit and one period: no level twice, each only when it is passed, and never
    /// behind.
    #[test]
    fn levels_only_rise(uses in prop::collection::vec(0..130u64, 1..40), levels in prop::collection::btree_set(1..=100u8, 0..6)) {
        let mut owner = Owner { rules: Rules { levels: levels.iter().copied().collect(), ..Rules::default() }, ..Owner::default() };
        let mut highest = 0;
        let mut told_until = None;
        for used in uses {
            let told = owner.percents(&plan(used * GB / 100, GB));
            highest = highest.max(used);
            prop_assert!(told.len() <= 1);
            for level in told {
                prop_assert!(u64::from(level) <= used);
                prop_assert!(told_until.is_none_or(|before| before < level));
                told_until = Some(level);
            }
            let passed = levels.iter().copied().filter(|level| u64::from(*level) <= highest).max();
            prop_assert_eq!(told_until, passed);
        }
    }

    /// Limits that go up and down tell no more than once for each amount that is used.
    #[test]
    fn nothing_is_repeated_while_nothing_is_used(used in 1..1000u64, limits in prop::collection::vec(1..2000u64, 1..60)) {
        let mut owner = Owner::default();
        let told: Vec<u8> = limits.iter().flat_map(|limit| owner.percents(&plan(used, *limit))).collect();
        prop_assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", told);
    }

    /// The waits never end late, whatever was set.
    #[test]
    fn any_patience_ends(first in 0..100_000u64, longest in 0..100_000u64, all in 0..1_000_000u64) {
        let patience = Patience { first, longest, all };
        let mut waited = 0;
        for attempts in 1..2_000_000 {
            match patience.next_try(attempts) {
                Some(wait) => waited += wait,
                None => break,
            }
            prop_assert!(waited <= all);
            if attempts > 300 { break; }
        }
    }
}
