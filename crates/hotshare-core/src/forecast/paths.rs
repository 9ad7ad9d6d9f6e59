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
        let mut piece = Piece::first(pattern, today, &mut draw, tuning);
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
    /// Days that a stretch has on average.
    length: f64,
    at: usize,
}

impl<'a> Piece<'a> {
    /// The first stretch is the one, of several that are drawn, that followed days most like the last ones.
    fn first(pattern: &'a Pattern, weekday: usize, draw: &mut Draw, tuning: &Tuning) -> Piece<'a> {
        let last = pattern.before[pattern.pool.len()];
        let unlike = |at: &usize| (pattern.before[*at] - last).abs();
        let drawn = (0..tuning.tries).map(|_| place(pattern, weekday, draw));
        let at = drawn.min_by(|a, b| unlike(a).total_cmp(&unlike(b))).unwrap_or(0);
        Piece { pattern, length: tuning.stretch, at }
    }

    /// The use of the next day, which has this weekday.
    fn next(&mut self, weekday: usize, draw: &mut Draw) -> f64 {
        let amount = match self.pattern.pool.get(self.at) {
            Some(Some(amount)) => *amount,
            // The end of the history, or a day that is not known.
            Some(None) | None => {
                self.at = place(self.pattern, weekday, draw);
                self.pattern.pool[self.at].unwrap_or(self.pattern.level)
            }
        };
        let share = self.pattern.week[weekday] / self.pattern.week[self.pattern.weekday_at(self.at)];
        self.at += 1;
        if draw.unit() * self.length < 1.0 {
            self.at = place(self.pattern, weekday + 1, draw);
        }
        amount * share
    }
}

/// Where a stretch begins: at a known day, a late one more often than an early one, and on the wanted weekday as often as
/// weekdays are sure to differ.
fn place(pattern: &Pattern, weekday: usize, draw: &mut Draw) -> usize {
    let lot = pattern.lots[draw.below(pattern.lots.len())];
    if draw.unit() >= pattern.weekly {
        return lot;
    }
    let off = (pattern.weekday_at(lot) + 7 - weekday % 7) % 7;
    let same = if lot >= off { lot - off } else { lot + 7 - off };
    if pattern.pool.get(same).is_some_and(Option::is_some) { same } else { lot }
}
