use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;
const PATIENCE: Patience = Patience { first: 300, longest: 21_600, all: 0 };

fn facts(at: i64) -> Facts {
    Facts { at: UnixTime(at), clock_held: false, closed: None, life: None, tries: Tries::default() }
}

fn life(begins: i64, ends: i64) -> Life {
    Life { begins: UnixTime(begins), ends: UnixTime(ends) }
}

fn at(next: Next) -> i64 {
    match next {
        Next::At(at) => at.0,
        Next::Try | Next::Held(_) => panic!("{next:?} is no time"),
    }
}

#[test]
fn the_first_is_got_at_once_and_renewed_when_a_third_is_left() {
    assert_eq!(next(&facts(1000), &PATIENCE), Next::Try);
    let ninety = life(1000, 1000 + 90 * DAY);
    let begun = Tries::default().begin(UnixTime(1000));
    let had = Facts { life: Some(ninety), tries: begun.succeeded(ninety, UnixTime(1010)), ..facts(1010) };
    assert_eq!(next(&had, &PATIENCE), Next::At(UnixTime(1000 + 60 * DAY)));
    assert_eq!(next(&Facts { at: UnixTime(1000 + 60 * DAY), ..had }, &PATIENCE), Next::Try);
    assert_eq!(next(&Facts { at: UnixTime(1000 + 400 * DAY), ..had }, &PATIENCE), Next::Try, "long over");
    assert_eq!(ninety.warning(), UnixTime(1000 + 80 * DAY));
    assert_eq!(life(0, 365 * DAY).warning(), UnixTime(355 * DAY));
    assert_eq!(life(0, 9 * DAY).warning(), UnixTime(8 * DAY));
}

/// What a day of failures amounts to, with a daemon that is killed during every second try.
#[test]
fn failures_wait_longer_each_and_a_kill_in_the_middle_is_one() {
    let (mut tries, mut now, mut begun) = (Tries::default(), 0, Vec::new());
    while now < DAY {
        tries = tries.begin(UnixTime(now));
        begun.push(now);
        if begun.len().is_multiple_of(2) {
            tries = tries.failed(UnixTime(now + 20), None);
        }
        now = at(next(&Facts { tries, ..facts(now + 30) }, &PATIENCE));
        assert_eq!(next(&Facts { tries, ..facts(now) }, &PATIENCE), Next::Try);
    }
    let minutes: Vec<i64> = begun.iter().map(|at| at / 60).collect();
    assert_eq!(minutes, [0, 5, 15, 35, 75, 155, 315, 635, 995, 1355]);
}

#[test]
fn who_gives_certificates_is_heeded_for_a_week_at_most() {
    let tries = Tries::default().begin(UnixTime(0)).failed(UnixTime(10), Some(3600));
    assert_eq!(next(&Facts { tries, ..facts(20) }, &PATIENCE), Next::At(UnixTime(3610)));
    assert_eq!(next(&Facts { tries, ..facts(3610) }, &PATIENCE), Next::Try);
    let soon = Tries::default().begin(UnixTime(0)).failed(UnixTime(10), Some(1));
    assert_eq!(next(&Facts { tries: soon, ..facts(20) }, &PATIENCE), Next::At(UnixTime(300)));
    let never = Tries::default().begin(UnixTime(0)).failed(UnixTime(10), Some(u64::MAX));
    assert_eq!(next(&Facts { tries: never, ..facts(400) }, &PATIENCE), Next::At(UnixTime(10 + 7 * DAY)));
}

#[test]
fn the_uplink_is_used_only_while_it_may_be() {
    for why in [
        Why::NoUplink,
        Why::CardUnknown,
        Why::NewCard,
        Why::PlanUsed,
        Why::PlanOver,
        Why::AsksForMoney,
        Why::LedgerStuck,
    ] {
        let closed = Facts { closed: Some(Verdict::Closed(why)), ..facts(5) };
        assert_eq!(next(&closed, &PATIENCE), Next::Held(Held::Closed(why)));
    }
    assert_eq!(next(&Facts { clock_held: true, ..facts(5) }, &PATIENCE), Next::Held(Held::Clock));
}

#[test]
fn a_clock_that_was_wrong_keeps_nobody_waiting_for_years() {
    let tries = Tries::default().begin(UnixTime(400 * DAY)).failed(UnixTime(400 * DAY), Some(9 * 86_400));
    assert_eq!(next(&Facts { tries, ..facts(1000) }, &PATIENCE), Next::Try);
    // A certificate that is over when it comes, by this clock: the next ones are asked for less and less often.
    let over = life(0, 90 * DAY);
    let tries = Tries::default().begin(UnixTime(800 * DAY)).succeeded(over, UnixTime(800 * DAY));
    let tries = tries.begin(UnixTime(801 * DAY)).succeeded(over, UnixTime(801 * DAY));
    let then = Facts { life: Some(over), tries, ..facts(801 * DAY) };
    assert_eq!(next(&then, &PATIENCE), Next::At(UnixTime(801 * DAY + 600)));
}

#[test]
fn all_servers_have_to_show_it_and_silent_ones_are_not_waited_for_to_the_end() {
    use Shows::{No, Nothing, Yes};
    for (servers, waited, judged) in [
        (&[Yes, Yes][..], 0, Spread::Everywhere),
        (&[Yes, No], 119, Spread::Wait),
        (&[Yes, No], 120, Spread::TooLong),
        (&[Yes, Nothing], 29, Spread::Wait),
        (&[Yes, Nothing], 30, Spread::Everywhere),
        (&[Nothing, Nothing], 60, Spread::Wait),
        (&[Nothing, Nothing], 120, Spread::TooLong),
        (&[], 120, Spread::TooLong),
    ] {
        assert_eq!(spread(servers, waited, 120), judged, "{servers:?} after {waited} s");
    }
}

fn any_tries() -> impl Strategy<Value = Tries> {
    let time = || proptest::option::of(any::<i64>().prop_map(UnixTime));
    (time(), any::<u32>(), time()).prop_map(|(last, failures, not_before)| Tries {
        last,
        failures,
        not_before,
    })
}

proptest! {
    /// Whatever was written down, by whatever clock: no try comes sooner after another than the first pause, none waits
    /// longer than a week, and none is made over an uplink that is closed.
    #[test]
    fn never_too_soon_never_for_ever(
        tries in any_tries(), now in -DAY * 40_000..DAY * 40_000, life in proptest::option::of((0..DAY * 40_000, 0..DAY * 400)),
        closed: bool, clock_held: bool, first in 1_u64..4000, longest in 1_u64..90_000, wait in proptest::option::of(any::<u64>()),
    ) {
        let patience = Patience { first, longest, all: 0 };
        let life = life.map(|(begins, length)| Life { begins: UnixTime(begins), ends: UnixTime(begins + length) });
        let closed = closed.then_some(Verdict::Closed(Why::PlanUsed));
        let facts = Facts { at: UnixTime(now), clock_held, closed, life, tries };
        match next(&facts, &patience) {
            Next::At(then) => {
                prop_assert!(then.0 > now, "{then:?} is over");
                prop_assert!(then.0 - now <= LONGEST_WAIT_SECS || life.is_some_and(|life| life.renewal() == then));
            }
            Next::Held(_) => prop_assert!(closed.is_some() || clock_held),
            Next::Try => prop_assert!(closed.is_none() && !clock_held),
        }
        let begun = tries.begin(UnixTime(now));
        for after in [begun, begun.failed(UnixTime(now), wait)] {
            let least = i64::try_from(first.min(longest)).unwrap_or(0);
            let soon = Facts { at: UnixTime(now + least - 1), life: None, tries: after, ..facts };
            prop_assert!(matches!(next(&soon, &patience), Next::At(_)), "sooner than the first pause");
        }
    }
}
