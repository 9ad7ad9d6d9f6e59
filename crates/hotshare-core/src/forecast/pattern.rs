//! What is typical: how much, on which weekdays, whether it grows, and how sure that is.

use super::tuning::Tuning;
use super::{Day, middle};
use crate::ledger::PeriodKey;

/// So many days are looked back at most: half a year. Older habits say little about next week.
pub(super) const LOOK_BACK: usize = 182;
/// Of how many lots a day of the history is drawn.
const LOTS: usize = 1024;
/// Among fewer days nobody knows what is wild.
const LEAST_TO_TAME: usize = 14;

/// The habits in a history. Amounts are bytes as fractions, so that shares can be worked with.
pub(super) struct Pattern {
    /// Weekday of `pool[0]`, Monday is 0.
    first: usize,
    /// Consecutive days up to yesterday, as they would be today: growth taken out, weekdays left in. `None`: unknown.
    pub(super) pool: Vec<Option<f64>>,
    /// How much of a usual day each weekday has, from Monday; their mean is 1.
    pub(super) week: [f64; 7],
    /// How sure it is that weekdays differ, 0 to 1.
    pub(super) weekly: f64,
    /// The use of a usual day.
    pub(super) level: f64,
    /// Growth per day, as a logarithm.
    pub(super) growth: f64,
    /// How unsure that is: standard deviation.
    pub(super) growth_doubt: f64,
    /// How unsure the level is: standard deviation of its logarithm.
    pub(super) doubt: f64,
    /// How far it moves in a month: the same.
    pub(super) drift: f64,
    /// Known days that it rests on.
    pub(super) days: usize,
    /// Places in `pool` of known days, the more often the younger.
    pub(super) lots: Vec<usize>,
    /// For each place in `pool`, and the one after its end: what the three days before it were like.
    pub(super) before: Vec<f64>,
}

/// Monday is 0. 1970-01-01, day 0, was a Thursday.
pub(super) fn weekday(day: PeriodKey) -> usize {
    usize::try_from((i64::from(day.0) + 3).rem_euclid(7)).unwrap_or(0)
}

impl Pattern {
    pub(super) fn of(history: &[Day], today: PeriodKey, tuning: &Tuning) -> Pattern {
        let mut pool = laid_out(history, today);
        let days = pool.iter().flatten().count();
        if days >= LEAST_TO_TAME {
            tame(&mut pool, tuning.tame);
        }
        let first = weekday(PeriodKey(today.0.saturating_sub(i32::try_from(pool.len()).unwrap_or(0))));
        let mut pattern = Pattern {
            first,
            pool,
            week: [1.0; 7],
            weekly: 0.0,
            level: 0.0,
            growth: 0.0,
            growth_doubt: 0.0,
            doubt: 1.0,
            drift: 0.0,
            days,
            lots: Vec::new(),
            before: Vec::new(),
        };
        let mean = pattern.mean(tuning.half_life);
        if mean > 0.0 {
            pattern.find_week(mean, tuning);
            pattern.find_growth(tuning);
            pattern.find_level(tuning);
        }
        pattern.lots = pattern.draw_lots(tuning.half_life);
        pattern.before = (0..=pattern.pool.len()).map(|at| pattern.before(at)).collect();
        pattern
    }

    pub(super) fn weekday_at(&self, index: usize) -> usize {
        (self.first + index) % 7
    }

    /// Index, weight by age, amount.
    fn weighted(&self, half_life: f64) -> impl Iterator<Item = (usize, f64, f64)> {
        let n = self.pool.len();
        let known = self.pool.iter().enumerate().filter_map(|(i, amount)| Some((i, (*amount)?)));
        known.map(move |(i, amount)| (i, (-((n - i) as f64) / half_life).exp2(), amount))
    }

    fn mean(&self, half_life: f64) -> f64 {
        let (sum, weights) =
            self.weighted(half_life).fold((0.0, 0.0), |(s, ws), (_, w, y)| (s + w * y, ws + w));
        if weights > 0.0 { sum / weights } else { 0.0 }
    }

    /// Each weekday's mean is drawn towards the mean of all by as much as chance alone could explain it.
    fn find_week(&mut self, mean: f64, tuning: &Tuning) {
        let (mut sums, mut squares, mut counts) = ([0.0; 7], [0.0; 7], [0.0; 7]);
        let recent = self.weighted(tuning.half_life);
        for (i, w, y) in recent {
            let (d, x) = (self.weekday_at(i), y / mean);
            sums[d] += w * x;
            squares[d] += w * x * x;
            counts[d] += w;
        }
        if counts.iter().any(|count| *count <= 0.0) || self.days < 14 {
            return;
        }
        let means: [f64; 7] = std::array::from_fn(|d| sums[d] / counts[d]);
        let within =
            (0..7).map(|d| squares[d] - sums[d] * means[d]).sum::<f64>() / counts.iter().sum::<f64>();
        // Seven means were taken out of the same days.
        let within = within.max(0.0) * self.days as f64 / (self.days as f64 - 7.0).max(1.0);
        let chance: [f64; 7] = std::array::from_fn(|d| within / counts[d]);
        let of_means = means.iter().sum::<f64>() / 7.0;
        let apart = means.iter().map(|m| (m - of_means).powi(2)).sum::<f64>() / 6.0;
        let by_chance = chance.iter().sum::<f64>() / 7.0;
        let real = (apart - by_chance * tuning.week_proof).max(0.0);
        self.weekly = if apart > 0.0 { real / apart } else { 0.0 };
        for d in 0..7 {
            let share = if real > 0.0 { real / (real + chance[d]) } else { 0.0 };
            self.week[d] = (of_means + (means[d] - of_means) * share).max(0.05 * of_means);
        }
        let scale = 7.0 / self.week.iter().sum::<f64>();
        self.week.iter_mut().for_each(|share| *share *= scale);
    }

    /// The middle of the slopes between all pairs of weeks, drawn towards 0 by as much as chance could explain it.
    fn find_growth(&mut self, tuning: &Tuning) {
        let weeks: Vec<(f64, f64)> = self
            .pool
            .rchunks(7)
            .take(tuning.growth_weeks)
            .enumerate()
            .filter_map(|(age, days)| {
                let (sum, n) = days.iter().flatten().fold((0.0, 0), |(s, n), y| (s + y, n + 1));
                (n == 7 && sum > 0.0).then(|| (-7.0 * age as f64, (sum / 7.0).ln()))
            })
            .collect();
        if weeks.len() < 5 {
            self.growth_doubt = tuning.usual_growth;
            return;
        }
        let mut slopes = Vec::new();
        for (i, (at, amount)) in weeks.iter().enumerate() {
            slopes.extend(weeks[i + 1..].iter().map(|(t, a)| (amount - a) / (at - t)));
        }
        let slope = middle(slopes);
        let at = weeks.iter().map(|w| w.0).sum::<f64>() / weeks.len() as f64;
        let offsets: Vec<f64> = weeks.iter().map(|(t, a)| a - slope * t).collect();
        let offset = middle(offsets);
        let (mut spread, mut room) = (0.0, 0.0);
        for (t, a) in &weeks {
            spread += (a - offset - slope * t).powi(2);
            room += (t - at).powi(2);
        }
        let error = spread / (weeks.len() as f64 - 2.0) / room;
        let usual = tuning.usual_growth * tuning.usual_growth;
        let share = usual / (usual + tuning.growth_proof * error);
        self.growth = (slope * share).clamp(-0.01, 0.01);
        self.growth_doubt = tuning.usual_growth * (1.0 - share).sqrt();
        let n = self.pool.len();
        let growth = self.growth;
        for (i, amount) in self.pool.iter_mut().enumerate() {
            // Growth is only known for the weeks it was read from.
            let age = ((n - i) as f64).min(7.0 * tuning.growth_weeks as f64);
            if let Some(amount) = amount {
                *amount *= (growth * age).exp();
            }
        }
    }

    fn find_level(&mut self, tuning: &Tuning) {
        self.level = self.mean(tuning.half_life);
        let (mut sum, mut weights, mut squares) = (0.0, 0.0, 0.0);
        for (i, w, y) in self.weighted(tuning.half_life) {
            let off = y / self.week[self.weekday_at(i)] / self.level - 1.0;
            sum += w * off * off;
            weights += w;
            squares += w * w;
        }
        let n = weights * weights / squares;
        // What few days show is no more to be believed than what is usual elsewhere.
        let varies =
            (sum / weights * n + tuning.usual_variance * tuning.usual_days) / (n + tuning.usual_days);
        let noise = varies * self.stickiness();
        self.doubt = (tuning.doubt * noise / n).ln_1p().sqrt();
        self.drift = self.find_drift(noise, tuning);
        self.follow(noise, tuning);
    }

    /// Where the level is now: drawn towards that of the last fortnight by as much as levels move here.
    fn follow(&mut self, noise: f64, tuning: &Tuning) {
        let from = self.pool.len().saturating_sub(14);
        let days =
            (from..self.pool.len()).filter_map(|i| Some(self.pool[i]? / self.week[self.weekday_at(i)]));
        let (sum, n) = days.fold((0.0, 0.0), |(s, n), y| (s + y, n + 1.0));
        if n < 7.0 || self.pool.len() < 28 {
            return;
        }
        let off = sum / n / self.level - 1.0;
        let moves = self.drift * self.drift * tuning.follow;
        let change = 1.0 + off * moves / (moves + noise / n);
        self.level *= change;
        self.pool.iter_mut().flatten().for_each(|amount| *amount *= change);
    }

    /// How far the level moves in a month, as it did before: what fortnights differ from the four weeks before them by,
    /// beyond what days differ by anyway.
    fn find_drift(&self, noise: f64, tuning: &Tuning) -> f64 {
        let mean = |from: usize, until: usize| -> Option<f64> {
            let days = self.pool[from..until].iter().enumerate();
            let days = days.filter_map(|(i, y)| Some((*y)? / self.week[self.weekday_at(from + i)]));
            let (sum, n) = days.fold((0.0, 0.0), |(s, n), y| (s + y, n + 1.0));
            (n * 2.0 > (until - from) as f64).then_some(sum / n / self.level)
        };
        let (mut sum, mut count) = (0.0, 0.0);
        let mut at = self.pool.len();
        while at >= 42 {
            if let (Some(before), Some(after)) = (mean(at - 42, at - 14), mean(at - 14, at)) {
                let expected = noise * (1.0 / 28.0 + 1.0 / 14.0);
                sum += ((after - before).powi(2) - expected).clamp(-expected, 1.0);
                count += 0.5;
            }
            at -= 7;
        }
        let usual = tuning.drift * tuning.drift;
        let moved = (sum * 0.5 + usual * tuning.drift_proof) / (count + tuning.drift_proof);
        moved.clamp(usual * 0.1, 0.16).sqrt()
    }

    /// As many lots for each day as its age deserves.
    fn draw_lots(&self, half_life: f64) -> Vec<usize> {
        let weights: f64 = self.weighted(half_life).map(|(_, w, _)| w).sum();
        let mut lots = Vec::with_capacity(LOTS);
        let mut sum = 0.0;
        for (i, w, _) in self.weighted(half_life) {
            sum += w;
            while (lots.len() as f64 + 0.5) < sum / weights * LOTS as f64 {
                lots.push(i);
            }
        }
        lots
    }

    /// What the three days before a place were like.
    fn before(&self, at: usize) -> f64 {
        let days = self.pool[at.saturating_sub(3)..at].iter().flatten();
        let (sum, n) = days.fold((0.0, 0), |(s, n), y| (s + y, n + 1));
        if n == 0 { self.level } else { sum / f64::from(n) }
    }

    /// How much more the mean of a week varies than it would if each day were for itself; at least 1.
    fn stickiness(&self) -> f64 {
        let days: Vec<f64> = (0..self.pool.len())
            .filter_map(|i| Some(self.pool[i]? / self.week[self.weekday_at(i)] - self.level))
            .collect();
        let of = |lag: usize| -> f64 { days.iter().zip(&days[lag..]).map(|(a, b)| a * b).sum() };
        if days.len() < 21 {
            return 1.5;
        }
        let (own, mut factor) = (of(0), 1.0);
        let lags = (days.len() / 4).min(28);
        for lag in 1..lags {
            factor += 2.0 * (1.0 - lag as f64 / lags as f64) * of(lag) / own.max(f64::MIN_POSITIVE);
        }
        factor.clamp(1.0, 4.0)
    }
}

/// One place for each day up to yesterday. A day that the history does not name is one without use.
fn laid_out(history: &[Day], today: PeriodKey) -> Vec<Option<f64>> {
    let past = || history.iter().filter(|d| d.day < today);
    let ago = |day: PeriodKey| usize::try_from(i64::from(today.0) - i64::from(day.0)).unwrap_or(usize::MAX);
    let n = past().map(|d| ago(d.day)).filter(|ago| *ago <= LOOK_BACK).max().unwrap_or(0);
    let n = if past().any(|d| ago(d.day) > LOOK_BACK) { LOOK_BACK } else { n };
    let mut pool = vec![Some(0.0); n];
    for day in past().filter(|d| ago(d.day) <= n) {
        pool[n - ago(day.day)] = day.known.then_some(day.used.0 as f64);
    }
    pool
}

/// One wild day is an accident, two are a habit: a day far above all others is passed over.
fn tame(pool: &mut [Option<f64>], most: f64) {
    let (mut largest, mut second) = (0.0_f64, 0.0_f64);
    for amount in pool.iter().flatten() {
        second = second.max(amount.min(largest));
        largest = largest.max(*amount);
    }
    if second > 0.0 {
        let is_wild = |amount: &&mut Option<f64>| amount.is_some_and(|amount| amount > second * most);
        pool.iter_mut().filter(is_wild).for_each(|amount| *amount = None);
    }
}
