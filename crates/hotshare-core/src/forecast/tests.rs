use proptest::prelude::*;

use super::*;

/// A Monday.
const TODAY: i32 = 20_002;

fn days(used: &[u64]) -> Vec<Day> {
    let first = TODAY - i32::try_from(used.len()).expect("short");
    let days = (first..).zip(used);
    days.map(|(day, used)| Day { day: PeriodKey(day), used: Bytes::mib(*used), known: true }).collect()
}

fn standing(balance: u64, days: i32) -> Standing {
    Standing {
        today: PeriodKey(TODAY),
        gone: 0.0,
        used_today: Bytes::ZERO,
        used: Bytes::ZERO,
        balance: Some(Bytes::mib(balance)),
        end: Some(PeriodKey(TODAY + days)),
    }
}

/// 90 to 110 MiB a day, and three times that at week-ends.
fn weekly(n: usize) -> Vec<u64> {
    let first = 7 * 60 - n;
    let day = |i: usize| if (first + i) % 7 >= 5 { 3 } else { 1 } * (90 + (i as u64 * 7919) % 21);
    (0..n).map(day).collect()
}

#[test]
fn too_little_history_foretells_nothing_but_what_is_safe() {
    for n in 0..LEAST_DAYS {
        let said = forecast(&days(&vec![100; n]), &standing(1000, 10));
        assert_eq!((said.total, said.runs_out, said.lasts), (None, None, None));
        assert_eq!((said.basis.days, said.basis.is_enough, said.basis.is_thin), (n, false, true));
        assert_eq!(said.safe, Some(Safe { today: Bytes::mib(100), rest: Bytes::mib(100) }));
    }
    assert!(forecast(&days(&[100; LEAST_DAYS]), &standing(1000, 10)).total.is_some());
}

#[test]
fn an_even_use_is_continued() {
    let said = forecast(&days(&[100; 90]), &standing(1_000, 20));
    let out = said.runs_out.expect("10 days are left");
    assert!((8..=10).contains(&(out.earliest.0 - TODAY)), "{out:?}");
    assert!((9..=11).contains(&(out.likely.expect("before the end").0 - TODAY)), "{out:?}");
    assert!((10..=12).contains(&(out.latest.expect("before the end").0 - TODAY)), "{out:?}");
    assert_eq!(said.lasts, Some(0));
    let total = said.total.expect("the period ends");
    assert!(total.low > Bytes::mib(1_700) && total.high < Bytes::mib(2_400), "{total:?}");
}

#[test]
fn weekdays_are_told_apart() {
    let history = days(&weekly(84));
    // Monday to Friday, then the week-end.
    let five = forecast(&history, &standing(10_000, 5)).total.expect("ends").likely;
    let seven = forecast(&history, &standing(10_000, 7)).total.expect("ends").likely;
    assert!((450..560).contains(&(five.0 >> 20)), "{five}");
    assert!((1_000..1_200).contains(&(seven.0 >> 20)), "{seven}");
    let safe = forecast(&history, &standing(1_100, 7)).safe.expect("limited").today;
    assert!((90..115).contains(&(safe.0 >> 20)), "{safe}");
}

#[test]
fn one_wild_day_changes_little() {
    let quiet = weekly(60);
    let mut wild = quiet.clone();
    wild[40] *= 50;
    let likely = |history: &[u64]| {
        forecast(&days(history), &standing(10_000, 20)).total.expect("ends").likely.0 as f64
    };
    let mean = wild.iter().sum::<u64>() as f64 / quiet.iter().sum::<u64>() as f64;
    assert!(mean > 1.4, "the mean would be off by {mean}");
    let off = likely(&wild) / likely(&quiet);
    assert!((0.95..1.1).contains(&off), "{off}");
}

#[test]
fn days_that_are_not_known_are_passed_over() {
    let history = days(&[100; 60]);
    let mut closed = history.clone();
    for day in closed.iter_mut().skip(40).step_by(2) {
        (day.used, day.known) = (Bytes::ZERO, false);
    }
    let likely =
        |history: &[Day]| forecast(history, &standing(10_000, 20)).total.expect("ends").likely.0 as f64;
    let off = likely(&closed) / likely(&history);
    assert!((0.93..1.07).contains(&off), "{off}");
    // A day that is left out is one without use.
    let off: Vec<Day> = history.iter().copied().step_by(2).collect();
    let off = likely(&off) / likely(&history);
    assert!((0.4..0.6).contains(&off), "{off}");
}

#[test]
fn nothing_used_lasts() {
    let said = forecast(&days(&[0; 30]), &standing(100, 20));
    assert_eq!((said.lasts, said.runs_out), (Some(1000), None));
    assert_eq!(said.total.map(|t| t.high), Some(Bytes::ZERO));
}

#[test]
fn an_empty_balance_has_run_out_today() {
    let said = forecast(&days(&[100; 30]), &standing(0, 20));
    let today = PeriodKey(TODAY);
    let out = RunOut { earliest: today, likely: Some(today), latest: Some(today), within: 1000 };
    assert_eq!((said.runs_out, said.lasts), (Some(out), Some(0)));
    assert_eq!(said.safe, Some(Safe { today: Bytes::ZERO, rest: Bytes::ZERO }));
}

#[test]
fn what_has_no_limit_or_no_end_is_not_said() {
    let history = days(&[100; 30]);
    let open = forecast(&history, &Standing { balance: None, ..standing(0, 20) });
    assert_eq!((open.runs_out, open.lasts, open.safe), (None, None, None));
    assert!(open.total.is_some());
    let endless = forecast(&history, &Standing { end: None, ..standing(1_000, 0) });
    assert_eq!((endless.total, endless.safe), (None, None));
    assert!(endless.runs_out.is_some());
    let over = forecast(&history, &standing(1_000, 0));
    assert_eq!((over.total, over.safe, over.lasts), (None, None, None));
}

#[test]
fn ten_times_the_norm_is_unusual_but_not_small_numbers_nor_habits() {
    let rule = Rule::default();
    let mib = |all: &[u64]| all.iter().map(|n| Bytes::mib(*n)).collect::<Vec<_>>();
    let usual = mib(&[40, 0, 60, 50, 0, 45, 55]);
    let found = unusual(&usual, Bytes::mib(600), &rule);
    assert_eq!(found, Some(Unusual { norm: Bytes::mib(50), times: 12 }));
    assert_eq!(unusual(&usual, Bytes::mib(499), &rule), None);
    // 19 MiB are 19 times the norm, and nothing.
    assert_eq!(unusual(&mib(&[1; 9]), Bytes::mib(19), &rule), None);
    // It was once before: still unusual. Twice: a habit.
    assert!(unusual(&mib(&[40, 50, 60, 50, 45, 900]), Bytes::mib(800), &rule).is_some());
    assert_eq!(unusual(&mib(&[40, 50, 60, 50, 45, 900, 950]), Bytes::mib(800), &rule), None);
    assert_eq!(unusual(&mib(&[50; 4]), Bytes::mib(5_000), &rule), None);
    assert!(unusual(&usual, Bytes::mib(260), &Rule { times: 5, ..rule }).is_some());
}

fn history() -> impl Strategy<Value = Vec<Day>> {
    let used = prop_oneof![3 => 0..5_000_u64, 1 => Just(0), 1 => 0..u64::MAX >> 20];
    proptest::collection::vec((used, proptest::bool::weighted(0.9)), 0..220).prop_map(|all| {
        let mut history = days(&all.iter().map(|(used, _)| *used).collect::<Vec<_>>());
        history.iter_mut().zip(&all).for_each(|(day, (_, known))| day.known = *known);
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_history_ranges_are_in_order(
        history in history(),
        balance in proptest::option::of(0..1_000_000_u64),
        end in proptest::option::of(-3..900_i32),
        gone in -0.5..1.5_f64,
        used_today in 0..10_000_u64,
    ) {
        let now = Standing {
            gone,
            balance: balance.map(Bytes::mib),
            end: end.map(|days| PeriodKey(TODAY + days)),
            used_today: Bytes::mib(used_today),
            used: Bytes::mib(used_today),
            ..standing(0, 0)
        };
        let said = forecast(&history, &now);
        prop_assert_eq!(said, forecast(&history, &now));
        if let Some(total) = said.total {
            prop_assert!(now.used <= total.low && total.low <= total.likely && total.likely <= total.high);
        }
        if let Some(out) = said.runs_out {
            let far = PeriodKey(i32::MAX);
            prop_assert!(now.today <= out.earliest);
            prop_assert!(out.earliest <= out.likely.unwrap_or(far));
            prop_assert!(out.likely.unwrap_or(far) <= out.latest.unwrap_or(far));
            prop_assert!(out.within <= 1000);
            if let (Some(end), Some(latest)) = (now.end, out.latest) {
                prop_assert!(latest < end);
            }
        }
        prop_assert!(said.lasts.is_none_or(|lasts| lasts <= 1000));
        if let (Some(safe), Some(balance)) = (said.safe, now.balance) {
            prop_assert!(safe.rest <= balance && safe.rest <= safe.today);
        }
    }

    #[test]
    fn more_balance_never_runs_out_earlier(history in history(), balance in 0..100_000_u64, more in 0..100_000_u64) {
        let with = |balance| forecast(&history, &standing(balance, 25));
        let (less, more) = (with(balance), with(balance + more));
        prop_assert!(less.lasts <= more.lasts);
        let far = PeriodKey(i32::MAX);
        let earliest = |said: Forecast| said.runs_out.map_or(far, |r| r.earliest);
        let likely = |said: Forecast| said.runs_out.and_then(|r| r.likely).unwrap_or(far);
        prop_assert!(earliest(less) <= earliest(more) && likely(less) <= likely(more));
        prop_assert!(less.safe.map(|s| s.rest) <= more.safe.map(|s| s.rest));
    }

    /// Whoever uses each day what is safe has something every day, and nothing left at the end.
    #[test]
    fn the_safe_amounts_use_up_the_balance_on_the_last_day(
        history in history(), balance in 1_000..100_000_u64, days in 1..40_i32,
    ) {
        let mut left = Bytes::mib(balance);
        for day in 0..days {
            let now = Standing { today: PeriodKey(TODAY + day), ..standing(0, days) };
            let safe = forecast(&history, &Standing { balance: Some(left), ..now }).safe.expect("limited, and ends");
            prop_assert!(safe.rest > Bytes::ZERO);
            left = left.saturating_sub(safe.rest);
        }
        prop_assert_eq!(left, Bytes::ZERO);
    }
}

/// As in docs/forecast.md and docs/api.md: Wednesday, 17 days until the period ends.
#[test]
fn the_worked_example() {
    let now = Standing { today: PeriodKey(TODAY + 2), used_today: Bytes(102_400_000), ..standing(0, 19) };
    let week = [900, 900, 900, 900, 900, 1250, 1250];
    let said = safe::safe(&week, &now, Bytes(14_652_000_000), 17);
    assert_eq!(said, Safe { today: Bytes(795_147_305), rest: Bytes(692_747_305) });
}
