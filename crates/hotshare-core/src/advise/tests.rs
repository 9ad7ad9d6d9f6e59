mod brute;

use proptest::prelude::*;

use super::*;
use crate::money::Price;
use crate::plan::{Only, Pay, Unused};
use crate::units::PersonName;

const GB: u64 = 1_000_000_000;

fn date(text: &str) -> Date {
    text.parse().expect("a date")
}

fn part(cap: Option<u64>) -> Bucket {
    Bucket::main(cap.map(Bytes))
}

fn pays(price: i64, unit: u64, limit: i64) -> Bucket {
    let price = Price { money: Money(price), unit: Bytes(unit) };
    Bucket { pay: Some(Pay { price, limit: Money(limit), step: Money(limit) }), ..part(None) }
}

fn tariff(name: &str, lasts: Lasts, fee: i64, parts: Vec<Bucket>) -> Tariff {
    Tariff {
        name: name.to_owned(),
        lasts,
        dates: None,
        place: Place::Home,
        fee: Money(fee),
        joining: Money(0),
        again: false,
        parts,
    }
}

fn pack(name: &str, days: u16, euro: i64, gb: u64) -> Tariff {
    Tariff { again: true, ..tariff(name, Lasts::Days(days), euro * 1_000_000, vec![part(Some(gb * GB))]) }
}

fn ask<'a>(first: &str, days: &'a [Bytes], trips: &'a [(Date, Date)], tariffs: &'a [Tariff]) -> Question<'a> {
    let fast_enough = Rate::bits(2_000_000);
    Question { first: date(first), days, trips, tariffs, present: None, fast_enough, history: &[] }
}

/// Who, from, until, times, money in whole units.
fn told(choice: &Choice, tariffs: &[Tariff]) -> Vec<String> {
    let line = |p: &Purchase| {
        let name = p.tariff.map_or("present", |at| tariffs[at].name.as_str());
        format!("{} {} {name} x{} {} GB {}", p.from, p.until, p.times, p.used.0 / GB, p.cost.money)
    };
    choice.bought.iter().map(line).collect()
}

#[test]
fn two_small_packs_against_one_large_one() {
    let days = [Bytes(GB / 2); 28];
    for (small, want) in [(5, "10.00"), (8, "15.00")] {
        let tariffs = [pack("small", 28, small, 7), pack("large", 28, 15, 20)];
        let best = advise(&ask("2026-11-01", &days, &[], &tariffs)).best;
        assert_eq!(best.cost.money.to_string(), want);
        assert_eq!(best.bought.len(), 1, "{:?}", told(&best, &tariffs));
    }
}

#[test]
fn a_trip_is_served_by_an_esim_while_the_plan_at_home_runs() {
    let days = [Bytes(GB); 30];
    let trips = [(date("2026-11-25"), date("2026-11-28"))];
    let tariffs = [
        tariff("home", Lasts::MonthDay(1), 20_000_000, vec![part(None)]),
        Tariff {
            place: Place::Everywhere,
            ..tariff("both", Lasts::MonthDay(1), 40_000_000, vec![part(None)])
        },
        Tariff { place: Place::Abroad, ..pack("esim", 7, 3, 2) },
        Tariff { place: Place::Abroad, ..pack("day", 1, 2, 1) },
    ];
    let advice = advise(&ask("2026-11-01", &days, &trips, &tariffs));
    assert_eq!(
        told(&advice.best, &tariffs),
        ["2026-11-01 2026-11-30 home x1 26 GB 20.00", "2026-11-25 2026-11-28 esim x2 4 GB 6.00",]
    );
    // Without the eSIM, the day tariff; one tariff for all of it; without “home”, “both” at home and the eSIM abroad.
    let others: Vec<String> = advice.others.iter().map(|choice| choice.cost.money.to_string()).collect();
    assert_eq!(others, ["28.00", "40.00", "46.00"]);
}

#[test]
fn a_heavy_day_is_taken_off_the_plan_by_a_pass() {
    let mut days = [Bytes(GB / 10); 30];
    days[7] = Bytes(5 * GB);
    let tariffs = [
        tariff("small", Lasts::Month, 8_000_000, vec![part(Some(3 * GB))]),
        tariff("large", Lasts::Month, 15_000_000, vec![part(Some(20 * GB))]),
        tariff("day", Lasts::Days(1), 4_000_000, vec![part(None)]),
    ];
    let best = advise(&ask("2026-11-01", &days, &[], &tariffs)).best;
    assert_eq!(
        told(&best, &tariffs),
        ["2026-11-01 2026-11-30 small x1 2 GB 8.00", "2026-11-08 2026-11-08 day x1 5 GB 4.00"]
    );
}

#[test]
fn more_than_the_data_costs_by_the_unit_begun() {
    // 2.6 GB in all; 2 GB are in, 600 MB are two units of 500 MB.
    let days = [Bytes(GB / 10); 26];
    let metered = vec![part(Some(2 * GB)), pays(3_000_000, GB / 2, 9_000_000)];
    let tariffs = [tariff("metered", Lasts::Month, 5_000_000, metered)];
    let question = ask("2026-11-05", &days, &[], &tariffs);
    // 26 of the 30 days count: of the fee and of the data.
    let best = advise(&question).best;
    assert_eq!(best.cost, Cost { short: Bytes(0), money: Money(4_333_334 + 2 * 3_000_000) });
}

#[test]
fn what_no_tariff_serves_is_told() {
    let days = [Bytes(GB); 3];
    let trips = [(date("2026-11-02"), date("2026-11-02"))];
    let tariffs = [pack("home", 3, 5, 1)];
    let best = advise(&ask("2026-11-01", &days, &trips, &tariffs)).best;
    assert_eq!(best.cost, Cost { short: Bytes(GB), money: Money(10_000_000) });
    assert_eq!(advise(&ask("2026-11-01", &days, &[], &[])).best.cost.short, Bytes(3 * GB));
}

#[test]
fn a_slow_part_serves_when_it_is_fast_enough() {
    let days = [Bytes(GB); 30];
    let slow = Bucket { rate: Some(Rate::bits(1_000_000)), ..part(None) };
    let tariffs = [tariff("slow", Lasts::Month, 5_000_000, vec![part(Some(10 * GB)), slow])];
    let question = ask("2026-11-01", &days, &[], &tariffs);
    assert_eq!(advise(&question).best.cost.short, Bytes(20 * GB));
    let patient = Question { fast_enough: Rate::bits(1_000_000), ..question };
    assert_eq!(advise(&patient).best.cost.short, Bytes(0));
}

#[test]
fn joining_is_paid_once_unless_one_leaves() {
    let days = [Bytes(GB); 90];
    let new = Tariff { joining: Money(10_000_000), ..pack("new", 30, 5, 30) };
    let tariffs = [new, pack("old", 30, 8, 30)];
    let best = advise(&ask("2026-11-01", &days, &[], &tariffs)).best;
    assert_eq!(best.cost.money.to_string(), "24.00");
    let days = [Bytes(GB); 120];
    let best = advise(&ask("2026-11-01", &days, &[], &tariffs)).best;
    assert_eq!(best.cost.money.to_string(), "30.00");
    assert_eq!(best.bought[0].cost.money.to_string(), "15.00");
}

#[test]
fn what_is_kept_for_some_hours_or_people_is_not_counted() {
    let people = Some(std::iter::once("anna".parse::<PersonName>().expect("a name")).collect());
    let only = Only { people, ..Only::default() };
    let kept = Bucket { name: "kept".into(), only, ..part(Some(GB)) };
    let weekly = Period::EveryDays { days: 7, from: date("2024-01-01") };
    let own = Bucket { name: "own".into(), period: Some(weekly), ..part(Some(GB)) };
    let all = tariff("x", Lasts::Month, 1, vec![kept, own, part(Some(GB))]);
    assert_eq!(all.not_counted().collect::<Vec<_>>(), ["kept", "own"]);
}

#[test]
fn ends_by_the_calendar() {
    for (lasts, from, end) in [
        (Lasts::Days(28), "2026-02-01", "2026-03-01"),
        (Lasts::Days(0), "2026-02-01", "2026-02-02"),
        (Lasts::Month, "2026-01-31", "2026-02-28"),
        (Lasts::Month, "2026-12-05", "2027-01-05"),
        (Lasts::MonthDay(5), "2026-02-04", "2026-02-05"),
        (Lasts::MonthDay(5), "2026-02-05", "2026-03-05"),
        (Lasts::MonthDay(31), "2026-01-31", "2026-02-28"),
        (Lasts::MonthDay(31), "2026-02-28", "2026-03-31"),
    ] {
        assert_eq!(lasts.end(date(from)), date(end), "{lasts:?} {from}");
    }
}

#[test]
fn tax_is_added_when_prices_are_without() {
    let plain = tariff("x", Lasts::Month, 10_000_000, vec![pays(1_000_000, GB, 3_000_000)]);
    let vat = |included| Some(Vat { permille: 190, included });
    assert_eq!(plain.clone().with(vat(true)), plain);
    let more = plain.with(vat(false));
    assert_eq!(more.fee, Money(11_900_000));
    assert_eq!(more.parts[0].pay.expect("paid").price.money, Money(1_190_000));
}

#[test]
fn a_year_goes_on_as_the_history_did() {
    // Three weeks and two days, the last of them a Tuesday.
    let history: Vec<Bytes> = (0..23).map(Bytes).collect();
    let days = year(&history, date("2026-11-24"), date("2026-11-25"), 25);
    assert_eq!(days[..3], [Bytes(2), Bytes(3), Bytes(4)]);
    assert_eq!(days[21], Bytes(2));
    // Two days later: Friday is like Friday.
    assert_eq!(year(&history, date("2026-11-24"), date("2026-11-27"), 1), [Bytes(4)]);
    assert_eq!(year(&history[..6], date("2026-11-24"), date("2026-11-25"), 9), []);
    assert_eq!((length(date("2026-11-25")), length(date("2027-11-25"))), (365, 366));
}

#[test]
fn other_years_show_what_a_tight_plan_risks() {
    // Every fourth week needs five times as much.
    let history: Vec<Bytes> = (0..112).map(|day| Bytes(if day / 7 % 4 == 3 { GB } else { GB / 5 })).collect();
    let days = year(&history, date("2026-11-24"), date("2026-11-25"), 364);
    let tight = tariff("tight", Lasts::Days(28), 10_000_000, vec![part(Some(12 * GB))]);
    let wide = tariff("wide", Lasts::Days(28), 12_000_000, vec![part(Some(40 * GB))]);
    let risk = |tariff: &Tariff| {
        let tariffs = [tariff.clone()];
        let question = Question { history: &history, ..ask("2026-11-25", &days, &[], &tariffs) };
        let advice = advise(&question);
        assert_eq!(advice.best.cost.short, Bytes(0));
        assert_eq!(advice, advise(&question), "the same question has the same answer");
        advice.best.risk.expect("a history")
    };
    let tight = risk(&tight);
    assert!(tight.short > 900 && tight.missing > Bytes(GB), "{tight:?}");
    let wide = risk(&wide);
    assert_eq!((wide.short, wide.likely.to_string().as_str()), (0, "156.00"));
}

fn any_part() -> impl Strategy<Value = Bucket> {
    let cap = 0_u64..7;
    let daily = Period::EveryDays { days: 1, from: date("2024-01-01") };
    prop_oneof![
        4 => cap.clone().prop_map(|cap| part(Some(cap))),
        1 => Just(part(None)),
        2 => (1_i64..4, 1_u64..4, 3_i64..12).prop_map(|(price, unit, limit)| pays(price, unit, limit)),
        1 => cap.clone().prop_map(move |cap| Bucket { period: Some(daily), ..part(Some(cap)) }),
        1 => (cap.clone(), any::<bool>()).prop_map(|(cap, next)| {
            let unused = if next { Unused::NextPeriod } else { Unused::Kept { most: Bytes(cap + 2) } };
            Bucket { unused, ..part(Some(cap)) }
        }),
        1 => cap.prop_map(|cap| Bucket { rate: Some(Rate(1)), ..part(Some(cap)) }),
    ]
}

fn any_tariff() -> impl Strategy<Value = Tariff> {
    let lasts = prop_oneof![
        4 => (1_u16..5).prop_map(Lasts::Days),
        1 => Just(Lasts::Days(40)),
        1 => Just(Lasts::Month),
        1 => (1_u8..32).prop_map(Lasts::MonthDay),
    ];
    let place = prop_oneof![3 => Just(Place::Home), 1 => Just(Place::Abroad), 1 => Just(Place::Everywhere)];
    let dates = proptest::option::weighted(0.2, (0_i64..5, 0_i64..4));
    let parts = proptest::collection::vec(any_part(), 1..3);
    (lasts, place, dates, 0_i64..16, prop_oneof![2 => Just(0_i64), 1 => 1_i64..5], any::<bool>(), parts)
        .prop_map(|(lasts, place, dates, fee, joining, again, parts)| {
            let on = |n: i64| date("2026-01-29").checked_add(n.days()).expect("a date");
            let dates = dates.map(|(from, days)| (on(from), on(from + days)));
            let joining = Money(joining);
            Tariff { dates, place, joining, again, ..tariff("any", lasts, fee, parts) }
        })
}

fn any_question() -> impl Strategy<Value = (Vec<Bytes>, Vec<(Date, Date)>, Vec<Tariff>)> {
    let day = prop_oneof![1 => Just(0_u64), 3 => 1_u64..7].prop_map(Bytes);
    let trip = (0_i64..5, 0_i64..2).prop_map(|(from, days)| {
        let on = |n: i64| date("2026-01-29").checked_add(n.days()).expect("a date");
        (on(from), on(from + days))
    });
    let trips = proptest::collection::vec(trip, 0..3);
    prop_oneof![
        (
            proptest::collection::vec(day.clone(), 1..7),
            trips.clone(),
            proptest::collection::vec(any_tariff(), 1..4)
        ),
        (proptest::collection::vec(day, 5..10), trips, proptest::collection::vec(any_tariff(), 1..3)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Nothing that the rules allow is cheaper: every way is tried, with another reckoning, unit by unit.
    #[test]
    fn nothing_is_cheaper((days, trips, tariffs) in any_question()) {
        let fast_enough = Rate::bits(2_000_000);
        let question = Question { fast_enough, ..ask("2026-01-29", &days, &trips, &tariffs) };
        let best = advise(&question).best;
        prop_assert_eq!(best.cost, brute::cheapest(&question));
        // What is bought comes to what is said, and together it serves all but what is short.
        let paid: i64 = best.bought.iter().map(|p| p.cost.money.0).sum();
        prop_assert_eq!(paid, best.cost.money.0);
        let served: u64 = best.bought.iter().map(|p| p.used.0).sum();
        let needed: u64 = days.iter().map(|day| day.0).sum();
        prop_assert_eq!(served + best.cost.short.0, needed);
    }
}
