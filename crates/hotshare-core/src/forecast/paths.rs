//! Many ways in which it may go on, put together from pieces of the history.

use super::draw::Draw;
use super::pattern::{Pattern, weekday};
use super::tuning::Tuning;
use super::{Standing, whole};
use crate::units::Bytes;

/// Every way costs time for each of its days; together no more than so many days.
const MOST_DAYS: usize = 100_000;
const MOST_PATHS: usize = 500;
const LEAST_PATHS: usize = 250;

/// Where the ways lead to.
pub(super) struct Paths {
    /// Further use until the end of the last day looked at, least first.
    pub(super) totals: Vec<f64>,
    /// How many ways run out on the n-th day from today.
    pub(super) run_out: Vec<usize>,
}

impl Paths {
    /// The further use that this part of the ways stay below.
    pub(super) fn quantile(&self, part: f64) -> Bytes {
        let last = self.totals.len().saturating_sub(1);
        let place = whole(part * last as f64).0;
        whole(self.totals[usize::try_from(place).unwrap_or(last).min(last)])
    }
}

/// `days` are those looked at, today included. `balance` is what may still be used.
pub(super) fn walk(pattern: &Pattern, now: &Standing, days: usize, tuning: &Tuning) -> Paths {
    let count = (MOST_DAYS / days.max(1)).clamp(LEAST_PATHS, MOST_PATHS);
    let balance = now.balance.map_or(f64::INFINITY, |b| b.0 as f64);
    let mut paths = Paths { totals: Vec::with_capacity(count), run_out: vec![0; days] };
    let mut draw = Draw::seeded(0x686f_7473_6861_7265);
    let today = weekday(now.today);
    let rest = 1.0 - now.gone.clamp(0.0, 1.0);
    if pattern.lots.is_empty() {
        paths.totals = vec![0.0; count];
        return paths;
    }
    let ahead = |day: usize| day as f64;
    let growth: Vec<f64> =
        (0..days).map(|d| (pattern.growth * ahead(d).min(tuning.growth_days)).exp()).collect();
    let far: Vec<f64> = (0..days).map(|d| (ahead(d) / 30.0).sqrt()).collect();
    for n in 0..count {
        // Doubt about the level is spread evenly over the ways instead of drawn: less noise.
        let place = (n as f64 + 0.5) / count as f64;
        let off = logistic(place);
        let level = (off * pattern.doubt * if off > 0.0 { tuning.above } else { 1.0 }).exp();
        let drift = pattern.drift * draw.bell();
        let turn = pattern.growth_doubt * draw.bell();
        let mut piece = Piece::start(pattern, tuning);
        let (mut total, mut is_out) = (0.0, false);
        for day in 0..days {
            let moved = drift * far[day] + turn * ahead(day).min(tuning.growth_days);
            let changed = growth[day] * (1.0 + moved).max(0.1);
            let amount = piece.next((today + day) % 7, &mut draw) * changed * level;
            total += if day == 0 { amount * rest } else { amount };
            if !is_out && (total > balance || balance < 1.0) {
                paths.run_out[day] += 1;
                is_out = true;
                // Without an end nobody asks for the total.
                if now.end.is_none() {
                    break;
                }
            }
        }
        paths.totals.push(total);
    }
    paths.totals.sort_unstable_by(f64::total_cmp);
    paths
}

/// The place-th quantile of a logistic distribution with variance 1: like a normal one, with somewhat longer tails.
fn logistic(place: f64) -> f64 {
    (place / (1.0 - place)).ln() * 3.0_f64.sqrt() / std::f64::consts::PI
}

/// A stretch of the history that is being copied.
struct Piece<'a> {
    pattern: &'a Pattern,
    tuning: &'a Tuning,
    at: usize,
    /// The stretch goes on.
    goes_on: bool,
    /// What the last days were like, so that the next stretch follows days of that kind.
    recent: f64,
    tries: usize,
}

impl<'a> Piece<'a> {
    fn start(pattern: &'a Pattern, tuning: &'a Tuning) -> Piece<'a> {
        let recent = pattern.before.last().copied().unwrap_or(0.0);
        Piece { pattern, tuning, at: 0, goes_on: false, recent, tries: tuning.tries }
    }

    /// The use of the next day, which has this weekday.
    fn next(&mut self, weekday: usize, draw: &mut Draw) -> f64 {
        if !self.goes_on || self.at >= self.pattern.pool.len() {
            self.jump(weekday, draw);
        }
        let amount = self.pattern.pool[self.at].unwrap_or(self.pattern.level);
        let share = self.pattern.week[weekday] / self.pattern.week[self.pattern.weekday_at(self.at)];
        self.at += 1;
        self.goes_on = draw.unit() * self.tuning.stretch > 1.0;
        self.recent = (self.recent * 2.0 + amount) / 3.0;
        amount * share
    }

    /// To another stretch: of several that are drawn, the one that follows days most like the last ones.
    fn jump(&mut self, weekday: usize, draw: &mut Draw) {
        let (lots, pool) = (&self.pattern.lots, &self.pattern.pool);
        let is_aligned = draw.unit() < self.pattern.weekly;
        let mut best = f64::INFINITY;
        for _ in 0..self.tries {
            let lot = lots[draw.below(lots.len())];
            let mut at = lot;
            if is_aligned {
                let off = (self.pattern.weekday_at(at) + 7 - weekday) % 7;
                at = if at >= off { at - off } else { at + 7 - off };
            }
            if pool.get(at).is_none_or(Option::is_none) {
                at = lot;
            }
            let unlike = (self.pattern.before[at] - self.recent).abs();
            if unlike < best {
                (best, self.at) = (unlike, at);
            }
        }
        self.tries = 1;
    }
}
