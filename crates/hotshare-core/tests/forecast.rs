//! Forecasts of thousands of histories whose future is known: as often right as they say, and nearer than a straight
//! line. The larger run, and what it said, is in `docs/forecast.md`.

mod backtest;

use backtest::families::ALL;
use backtest::score::{HEAD, Score, overall, score};

const CASES: usize = 500;
/// The tuning was done with seeds 1 to 4.
const SEED: u64 = 2_000;

#[test]
fn four_of_five_are_within_the_range_in_every_family_and_overall() {
    let mut scores: Vec<Score> = ALL.iter().map(|family| score(*family, CASES, SEED)).collect();
    scores.push(overall(&scores));
    let page: String = scores.iter().map(|score| format!("{score}\n")).collect();
    for score in &scores {
        for coverage in [score.total.coverage(), score.run_out.coverage()] {
            assert!((75.0..=85.0).contains(&coverage), "{}: {coverage} %\n{HEAD}\n{page}", score.name);
        }
        assert!((score.promised - score.run_out.coverage()).abs() < 6.0, "{}\n{page}", score.name);
    }
    let all = scores.last().expect("it was pushed");
    assert!(all.total_error < 0.85 * all.straight_total_error, "{page}");
    assert!(all.run_out_error < 0.8 * all.straight_run_out_error, "{page}");
    assert!(all.lasts < 0.7 * all.straight_lasts, "{page}");
}
