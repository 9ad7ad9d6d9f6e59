//! How it will go on: when the balance runs out, whether it lasts, and what is safe to use today.

use crate::ledger::PeriodKey;
use crate::units::Bytes;

mod draw;
mod paths;
mod pattern;

use pattern::Pattern;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub day: PeriodKey,
    pub used: Bytes,
    pub known: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub today: PeriodKey,
    pub gone: f64,
    pub used_today: Bytes,
    pub used: Bytes,
    pub balance: Option<Bytes>,
    pub end: Option<PeriodKey>,
}

#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Tuning {
    pub tame: f64,
    pub half_life: f64,
    pub week_half_life: f64,
    pub pool_half_life: f64,
    pub week_proof: f64,
    pub growth_weeks: usize,
    pub growth_proof: f64,
    pub growth_days: f64,
    pub usual_variance: f64,
    pub usual_days: f64,
    pub doubt: f64,
    pub drift: f64,
    pub blur: f64,
    pub tries: usize,
    pub stretch: f64,
}

pub const TUNING: Tuning = Tuning {
    tame: 1.5, half_life: 28.0, week_half_life: 42.0, pool_half_life: 42.0, week_proof: 1.0, growth_weeks: 12,
    growth_proof: 1.0, growth_days: 30.0, usual_variance: 1.0, usual_days: 4.0, doubt: 1.0, drift: 0.1, blur: 0.15,
    tries: 3, stretch: 5.0,
};

pub struct Raw {
    pub totals: Vec<f64>,
    pub run_out: Vec<usize>,
    pub debug: String,
}

pub fn raw(history: &[Day], now: &Standing, days: usize, tuning: &Tuning) -> Raw {
    let pattern = Pattern::of(history, now.today, tuning);
    let p = paths::walk(&pattern, now, days, tuning);
    Raw { totals: p.totals, run_out: p.run_out, debug: format!("level {} growth {} doubt {} weekly {} week {:?}", pattern.level, pattern.growth, pattern.doubt, pattern.weekly, pattern.week) }
}
