//! The numbers that were chosen by back-testing; `docs/forecast.md` says how and what came of it.

/// All of them in one place, so that they can be tried out together.
pub(super) struct Tuning {
    /// The largest day is passed over when it is more than so many times the second largest.
    pub(super) tame: f64,
    /// A day so many days ago counts half.
    pub(super) half_life: f64,
    /// Weekdays are believed to differ only by what exceeds so many times what chance explains.
    pub(super) week_proof: f64,
    /// Growth is read from so many weeks at most.
    pub(super) growth_weeks: usize,
    /// How much use grows or shrinks in a day in most histories: standard deviation of its logarithm.
    pub(super) usual_growth: f64,
    /// How many times the error that the weeks show is assumed for their slope.
    pub(super) growth_proof: f64,
    /// Growth is not carried further than so many days ahead.
    pub(super) growth_days: f64,
    /// How much days vary in most histories (square of their relative deviation), for those too short to tell.
    pub(super) usual_variance: f64,
    /// That counts as much as so many days.
    pub(super) usual_days: f64,
    /// How many times the variance of a mean is assumed for the level.
    pub(super) doubt: f64,
    /// Doubt upwards is so many times the doubt downwards: what was never seen is more often much than little.
    pub(super) above: f64,
    /// How far levels move in a month in most histories.
    pub(super) drift: f64,
    /// That counts as much as so many months.
    pub(super) drift_proof: f64,
    /// How readily the level of the last fortnight is followed.
    pub(super) follow: f64,
    /// So many places are tried for the first stretch, to find days like the last ones.
    pub(super) tries: usize,
    /// So many days of the history are copied at a stretch, on average.
    pub(super) stretch: f64,
}

pub(super) const TUNED: Tuning = Tuning {
    tame: 2.0,
    half_life: 45.0,
    week_proof: 3.0,
    growth_weeks: 20,
    usual_growth: 0.0015,
    growth_proof: 1.5,
    growth_days: 60.0,
    usual_variance: 0.25,
    usual_days: 3.0,
    doubt: 2.5,
    above: 1.4,
    drift: 0.13,
    drift_proof: 4.0,
    follow: 1.0,
    tries: 2,
    stretch: 12.0,
};
