//! How often forecasts were right, and how far off.

use std::fmt;

use hotshare_core::forecast::{Standing, forecast};

use super::cases::Case;
use super::families::Family;

/// Of one family. Shares are in per cent, errors in days: of usual use for totals, of time for the run-out.
pub(crate) struct Score {
    pub(crate) name: String,
    pub(crate) cases: usize,
    pub(crate) total: Hits,
    pub(crate) total_error: f64,
    pub(crate) straight_total_error: f64,
    pub(crate) run_out: Hits,
    /// What the forecasts said of their run-out ranges, on average.
    pub(crate) promised: f64,
    pub(crate) width: f64,
    pub(crate) run_out_error: f64,
    pub(crate) straight_run_out_error: f64,
    /// Mean square error of “it lasts”, and that of a straight line's yes or no.
    pub(crate) lasts: f64,
    pub(crate) straight_lasts: f64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hits {
    below: usize,
    inside: usize,
    above: usize,
}

impl Hits {
    fn count(&mut self, below: bool, above: bool) {
        match (below, above) {
            (true, _) => self.below += 1,
            (false, true) => self.above += 1,
            (false, false) => self.inside += 1,
        }
    }

    pub(crate) fn coverage(&self) -> f64 {
        100.0 * self.inside as f64 / (self.below + self.inside + self.above) as f64
    }

    fn add(&mut self, other: Hits) {
        self.below += other.below;
        self.inside += other.inside;
        self.above += other.above;
    }
}

/// One forecast in the middle of a period, and one without an end, of each case.
pub(crate) fn score(family: Family, cases: usize, seed: u64) -> Score {
    let (mut total, mut run_out) = (Hits::default(), Hits::default());
    let mut off: [Vec<f64>; 4] = Default::default();
    let (mut promised, mut width, mut lasts, mut straight_lasts) = (0.0, 0.0, 0.0, 0.0);
    for number in 0..cases {
        let case = Case::of(family, number as u64, seed);
        let said = forecast(&case.history, &case.now);
        let ran_out = case.ran_out();
        let (spread, rest) = (said.total.expect("the history is long enough"), case.rest());
        let so_far = case.now.used.0 as f64;
        let [low, likely, high] = [spread.low, spread.likely, spread.high].map(|b| b.0 as f64 - so_far);
        // Bytes are whole.
        total.count(rest < low - 1.0, rest > high + 1.0);
        off[0].push((likely - rest).abs() / case.usual);
        off[1].push((case.straight_rest() - rest).abs() / case.usual);
        let did_last = if ran_out < case.days { 0.0 } else { 1.0 };
        let straight = if case.straight_run_out() < case.days { 0.0 } else { 1.0 };
        lasts += (f64::from(said.lasts.expect("there is a balance")) / 1000.0 - did_last).powi(2);
        straight_lasts += (straight - did_last).powi(2);

        let open = forecast(&case.history, &Standing { end: None, ..case.now });
        let day = |key: hotshare_core::ledger::PeriodKey| (key.0 - case.now.today.0) as usize;
        let never = 400;
        let (first, likely, last, within) = match open.runs_out {
            Some(r) => (day(r.earliest), r.likely.map_or(never, day), r.latest.map_or(never, day), r.within),
            None => (never, never, never, 1000 - open.lasts.unwrap_or(0)),
        };
        run_out.count(ran_out < first, ran_out > last);
        promised += f64::from(within) / 10.0;
        width += (last - first + 1) as f64;
        // What is known ends after 120 days.
        off[2].push((likely.min(120) as f64 - ran_out as f64).abs());
        off[3].push((case.straight_run_out() as f64 - ran_out as f64).abs());
    }
    let n = cases as f64;
    let [total_error, straight_total_error, _, _] = off.each_mut().map(|v| median(v));
    let [_, _, run_out_error, straight_run_out_error] = off.map(|v| v.iter().sum::<f64>() / n);
    Score {
        name: format!("{family:?}").to_lowercase(),
        cases,
        total,
        total_error,
        straight_total_error,
        run_out,
        promised: promised / n,
        width: width / n,
        run_out_error,
        straight_run_out_error,
        lasts: lasts / n,
        straight_lasts: straight_lasts / n,
    }
}

/// All families as one, each as heavy as it has cases.
pub(crate) fn overall(scores: &[Score]) -> Score {
    let (mut total, mut run_out) = (Hits::default(), Hits::default());
    for score in scores {
        total.add(score.total);
        run_out.add(score.run_out);
    }
    let mean = |of: fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
    Score {
        name: "all".to_owned(),
        cases: scores.iter().map(|s| s.cases).sum(),
        total,
        total_error: mean(|s| s.total_error),
        straight_total_error: mean(|s| s.straight_total_error),
        run_out,
        promised: mean(|s| s.promised),
        width: mean(|s| s.width),
        run_out_error: mean(|s| s.run_out_error),
        straight_run_out_error: mean(|s| s.straight_run_out_error),
        lasts: mean(|s| s.lasts),
        straight_lasts: mean(|s| s.straight_lasts),
    }
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

pub(crate) const HEAD: &str = "\
| family | in the range | below, above | off by | straight | run-out in the range | promised | days wide | off by | straight | lasts | straight |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |n: usize| 100.0 * n as f64 / self.cases as f64;
        write!(
            f,
            "| {} | {:.1} % | {:.1}, {:.1} | {:.2} | {:.2} | {:.1} % | {:.1} % | {:.1} | {:.2} | {:.2} | {:.3} | {:.3} |",
            self.name,
            self.total.coverage(),
            part(self.total.below),
            part(self.total.above),
            self.total_error,
            self.straight_total_error,
            self.run_out.coverage(),
            self.promised,
            self.width,
            self.run_out_error,
            self.straight_run_out_error,
            self.lasts,
            self.straight_lasts,
        )
    }
}
