use proptest::prelude::*;

use super::*;
use crate::ledger::PeriodKey;

const DAY: i64 = 86_400;

fn told(day: u32, ours: u64, permille: u64) -> Comparison {
    let ours = Bytes::mib(ours);
    Comparison { at: UnixTime(i64::from(day) * DAY), ours, carriers: Bytes(ours.0 / 1000 * permille) }
}

#[test]
fn without_comparisons_the_carrier_counts_as_we_do() {
    let nothing = learn(&[]);
    assert_eq!(nothing, Correction::default());
    assert_eq!(nothing.factor, 1000);
    assert_eq!(nothing.as_carrier_counts(Bytes(12_345)), Bytes(12_345));
    assert_eq!(nothing.reserve(Bytes::GIB, Bytes::GIB), Bytes::ZERO);
}

#[test]
fn tiny_intervals_teach_nothing() {
    assert_eq!(learn(&[told(3, 99, 1200), told(4, 10, 1200)]), Correction::default());
    assert_eq!(learn(&[told(3, 99, 1200), told(4, 2_000, 1020)]).based_on, 1);
}

#[test]
fn one_comparison_is_believed_by_half_and_many_nearly_wholly() {
    let one = learn(&[told(7, 3_000, 1040)]);
    assert_eq!((one.factor, one.confidence), (1020, Confidence::Low));
    let many: Vec<_> = (1..9).map(|week| told(week * 7, 3_000, 1035 + u64::from(week) % 3)).collect();
    let many = learn(&many);
    assert_eq!((many.factor, many.confidence, many.based_on), (1032, Confidence::Good, 8));
}

#[test]
fn a_mistyped_figure_is_pointed_out_and_changes_little() {
    let mut figures: Vec<_> = (1..7).map(|week| told(week * 7, 3_000, 1030)).collect();
    let before = learn(&figures);
    // A digit too many.
    figures[4].carriers = Bytes(figures[4].carriers.0 * 10);
    let after = learn(&figures);
    assert_eq!((before.strange, after.strange), (0, 1));
    assert_eq!(before.factor, after.factor);
}

#[test]
fn a_carrier_that_counts_more_each_week_is_reported() {
    let rising: Vec<_> = (0..8).map(|week| told(week * 7, 2_000, 1010 + 5 * u64::from(week))).collect();
    assert_eq!(learn(&rising).drift, Some(5));
    let mut mistyped = rising.clone();
    mistyped[7].carriers = Bytes(0);
    assert!(learn(&mistyped).drift.is_some_and(|drift| (3..=6).contains(&drift)));
    let falling: Vec<_> = (0..8).map(|week| told(week * 7, 2_000, 1060 - 5 * u64::from(week))).collect();
    assert_eq!(learn(&falling).drift, Some(-5));
    let level: Vec<_> =
        (0..8).map(|week| told(week * 7, 2_000, if week % 2 == 0 { 1010 } else { 1030 })).collect();
    assert_eq!(learn(&level).drift, None);
}

fn figure(day: u32, period: i32, told: u64, counted: u64, in_period: Option<u64>) -> Figure {
    Figure {
        card: crate::units::CardId::FIRST,
        at: UnixTime(i64::from(day) * DAY),
        period: PeriodKey(period),
        told: Bytes::mib(told),
        counted: Bytes::mib(counted),
        in_period: in_period.map(Bytes::mib),
    }
}

fn pairs(figures: &[Figure]) -> Vec<(u64, u64)> {
    comparisons(figures).iter().map(|c| (c.ours.0 >> 20, c.carriers.0 >> 20)).collect()
}

#[test]
fn figures_are_compared_with_those_before_them_in_the_period() {
    let figures = [
        // Set up in the middle of this period.
        figure(5, 0, 9_000, 1_000, None),
        figure(10, 0, 10_030, 2_000, None),
        // The next one, from its begin; 500 of the last one were never compared.
        figure(20, 15, 2_060, 4_500, Some(2_000)),
        figure(25, 15, 2_160, 4_600, Some(2_100)),
    ];
    assert_eq!(pairs(&figures), [(1_000, 1_030), (2_000, 2_060), (100, 100)]);
    assert_eq!(comparisons(&figures)[1].at, UnixTime(20 * DAY));
    assert_eq!(pairs(&figures[..1]), []);
}

#[test]
fn a_figure_told_again_at_once_replaces_the_one_before() {
    let right = [figure(5, 0, 1_000, 1_000, Some(1_000)), figure(12, 0, 2_030, 2_050, Some(2_050))];
    let mistyped =
        [right[0], figure(11, 0, 20_300, 2_000, Some(2_000)), figure(11, 0, 2_300, 2_000, None), right[1]];
    assert_eq!(pairs(&mistyped), [(1_000, 1_000), (1_050, 1_030)]);
    assert_eq!(pairs(&mistyped), pairs(&right));
    // In another period nothing is replaced.
    let other = figure(12, 1, 10, 2_050, Some(10));
    assert_eq!(pairs(&[right[0], right[1], other]), [(1_000, 1_000), (1_050, 1_030), (10, 10)]);
}

#[test]
fn a_figure_below_the_one_before_is_no_use() {
    let down = [figure(5, 0, 3_000, 1_000, Some(1_000)), figure(12, 0, 2_000, 2_000, Some(2_000))];
    assert_eq!(pairs(&down), [(1_000, 3_000), (1_000, 0)]);
}

/// As in docs/forecast.md and docs/api.md.
#[test]
fn the_worked_example() {
    let (ours, carriers) = (Bytes(1_000_000_000), Bytes(1_030_000_000));
    let four = [1, 2, 3, 4].map(|day| Comparison { at: UnixTime(day * DAY), ours, carriers });
    let learnt = learn(&four);
    assert_eq!((learnt.factor, learnt.spread, learnt.confidence), (1024, 0, Confidence::Fair));
    let (since, left) = (Bytes(2_000_000_000), Bytes(14_700_000_000));
    assert_eq!(learnt.as_carrier_counts(since), Bytes(2_048_000_000));
    assert_eq!(learnt.reserve(since, left), Bytes(391_406_250));
}

fn comparison() -> impl Strategy<Value = Comparison> {
    let ours = prop_oneof![4 => 100..20_000_u64, 1 => 0..200_u64];
    (0..400_u32, ours, 0..3_000_u64).prop_map(|(day, ours, permille)| told(day, ours, permille))
}

/// Such as are believed: not tiny, near what carriers count.
fn honest() -> impl Strategy<Value = Comparison> {
    (0..400_u32, 100..20_000_u64, 950..1_100_u64).prop_map(|(day, ours, permille)| told(day, ours, permille))
}

proptest! {
    #[test]
    fn the_factor_is_bounded_whatever_is_told(all in proptest::collection::vec(comparison(), 0..40)) {
        let learnt = learn(&all);
        prop_assert!((LEAST..=MOST).contains(&learnt.factor));
        prop_assert!(learnt.based_on <= LATEST);
    }

    #[test]
    fn a_higher_figure_never_lowers_the_factor(
        all in proptest::collection::vec(comparison(), 1..20),
        which in any::<proptest::sample::Index>(),
        more in 0..u64::from(u32::MAX),
    ) {
        let before = learn(&all);
        let mut raised = all.clone();
        raised[which.index(all.len())].carriers += Bytes(more);
        prop_assert!(learn(&raised).factor >= before.factor);
    }

    #[test]
    fn one_wrong_figure_does_not_move_it_beyond_what_the_others_say(
        all in proptest::collection::vec(honest(), 3..=LATEST),
        which in any::<proptest::sample::Index>(),
        wrong in any::<u64>(),
    ) {
        let which = which.index(all.len());
        let mut mistyped = all.clone();
        mistyped[which].carriers = Bytes(wrong);
        let others = all.iter().enumerate().filter(|(i, _)| *i != which).map(|(_, c)| c.ratio() * 1000.0);
        let (low, high) = others.fold((1000.0_f64, 1000.0_f64), |(l, h), r| (l.min(r), h.max(r)));
        let factor = f64::from(learn(&mistyped).factor);
        prop_assert!(factor >= low - 1.0 && factor <= high + 1.0, "{factor} not in {low}..{high}");
    }

    #[test]
    fn the_order_does_not_matter(all in proptest::collection::vec(comparison(), 0..20)) {
        let mut backwards = all.clone();
        backwards.reverse();
        prop_assert_eq!(learn(&all), learn(&backwards));
    }

    /// Whoever spends all but the reserve stays below the cap by the carrier's count, if it counts by the factor.
    #[test]
    fn the_reserve_keeps_the_carriers_count_below_the_cap(
        all in proptest::collection::vec(honest(), 1..=LATEST),
        since in 0..50_000_u64,
        left in 0..50_000_u64,
        part in 0..=100_u64,
    ) {
        let learnt = learn(&all);
        let (since, left) = (Bytes::mib(since), Bytes::mib(left));
        let reserve = learnt.reserve(since, left);
        let spend = left.saturating_sub(reserve);
        let more = |ours: Bytes| learnt.as_carrier_counts(ours).saturating_sub(ours);
        if spend > Bytes::ZERO {
            prop_assert!(spend + more(since) + more(spend) <= left + Bytes(2));
        }
        prop_assert!(reserve.0 <= (since + left).0 / 5 + 1 && reserve <= left);
        // It stays the same while the rest is spent, as long as enough is left.
        let spent = Bytes(spend.0 / 100 * part);
        let later = learnt.reserve(since + spent, left.saturating_sub(spent));
        prop_assert_eq!(later, reserve);
    }

    /// Through all parts of a plan: the carrier's count stays within what was bought, and more of any part never
    /// means that less may be spent.
    #[test]
    fn parts_keep_back_as_one_and_more_is_never_less(
        all in proptest::collection::vec(honest(), 1..=LATEST),
        since in 0..1_u64 << 36, before in 0..1_u64 << 28, left in 0..1_u64 << 36, beyond in 0..1_u64 << 36,
        more in 0..1_u64 << 20,
    ) {
        let learnt = learn(&all);
        let (since, before, left, beyond) = (Bytes(since), Bytes(before), Bytes(left), Bytes(beyond));
        let spendable = |before, left: Bytes, beyond: Bytes| {
            let kept = learnt.kept(since, before, left, beyond);
            (left.saturating_sub(kept.of_left), beyond.saturating_sub(kept.of_beyond))
        };
        let (now, then) = spendable(before, left, beyond);
        if now + then > Bytes::ZERO {
            let spent = since + now + then;
            let counts = learnt.as_carrier_counts(spent);
            prop_assert!(counts <= since + before + left + beyond + Bytes(2));
        }
        // Nothing is kept of a part while those after it can give it.
        prop_assert!(now == left || then == Bytes::ZERO);
        for (before, left, beyond) in [
            (before + Bytes(more), left, beyond),
            (before, left + Bytes(more), beyond),
            (before, left, beyond + Bytes(more)),
        ] {
            let (a, b) = spendable(before, left, beyond);
            prop_assert!(a >= now && a + b >= now + then, "{a} {b} of {now} {then}");
        }
    }
}
