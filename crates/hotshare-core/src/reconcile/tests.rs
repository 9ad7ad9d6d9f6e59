use proptest::prelude::*;

use super::*;

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

#[test]
fn the_entry_of_a_correction_says_what_the_carrier_counted() {
    let c = Comparison::of_entry(UnixTime(5), Bytes(1_000_000_000), 30_000_000);
    assert_eq!(c.carriers, Bytes(1_030_000_000));
    assert_eq!(Comparison::of_entry(UnixTime(5), Bytes(10), -30).carriers, Bytes::ZERO);
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
}
