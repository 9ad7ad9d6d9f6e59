//! A history, a moment in it, and what came after.

use hotshare_core::forecast::{Day, Standing};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::units::Bytes;

use super::chance::Chance;
use super::families::Family;

/// So many days after the moment are known.
const FUTURE: usize = 120;
/// 1970-01-05, the first day of every history.
const MONDAY: i32 = 4;

pub(crate) struct Case {
    pub(crate) history: Vec<Day>,
    /// In a period that ends in `days` days, today included.
    pub(crate) now: Standing,
    pub(crate) days: usize,
    /// What the rest of today and each day after it really used.
    pub(crate) future: Vec<f64>,
    /// What a straight line says: used so far in the period by the days so far.
    pub(crate) per_day: f64,
    /// The mean of the history: what errors are measured in.
    pub(crate) usual: f64,
}

impl Case {
    pub(crate) fn of(family: Family, number: u64, seed: u64) -> Case {
        let mut c = Chance::seeded(seed.wrapping_mul(1_000_003) ^ (number * 64 + family as u64 + 1));
        let (least, most) = family.known_days();
        let past = (least as f64 * (most as f64 / least as f64).powf(c.unit())) as usize;
        let made = family.days(past + FUTURE, past, &mut c);
        // A period of some 30 days.
        let elapsed = c.whole(3, 27).min(past);
        let days = c.whole(3, 30);
        let gone = if c.happens(0.4) { 0.0 } else { c.unit() };
        let used_today = made[past] * part_of_a_day(gone, &mut c);
        let mut future = made[past..].to_vec();
        future[0] -= used_today;
        let used = made[past - elapsed..past].iter().sum::<f64>() + used_today;
        let usual = made[..past].iter().sum::<f64>() / past as f64;
        let balance = usual * c.between(2.0, 25.0);
        let key = |day: usize| PeriodKey(MONDAY + day as i32);
        // The first day is told even when nothing was used on it.
        let told = |(d, used): &(usize, &f64)| *d == 0 || **used >= 1.0;
        let history = made[..past].iter().enumerate().filter(told);
        let history = history.map(|(d, used)| Day { day: key(d), used: Bytes(*used as u64), known: true });
        Case {
            history: history.collect(),
            now: Standing {
                today: key(past),
                gone,
                used_today: Bytes(used_today as u64),
                used: Bytes(used as u64),
                balance: Some(Bytes(balance as u64)),
                end: Some(key(past + days)),
            },
            days,
            future,
            per_day: used / (elapsed as f64 + gone),
            usual,
        }
    }

    /// How many days from today the balance really ran out.
    pub(crate) fn ran_out(&self) -> usize {
        let mut left = self.now.balance.map_or(0.0, |b| b.0 as f64);
        let out = self.future.iter().position(|used| {
            left -= used;
            left < 0.0
        });
        out.unwrap_or(FUTURE)
    }

    /// When a straight line says that it does.
    pub(crate) fn straight_run_out(&self) -> usize {
        let left = self.now.balance.map_or(0.0, |b| b.0 as f64);
        ((left / self.per_day + self.now.gone) as usize).min(FUTURE)
    }

    pub(crate) fn rest(&self) -> f64 {
        self.future[..self.days].iter().sum()
    }

    pub(crate) fn straight_rest(&self) -> f64 {
        self.per_day * (self.days as f64 - self.now.gone)
    }
}

/// How much of a day's use is over: it comes in some pieces at any time.
fn part_of_a_day(gone: f64, c: &mut Chance) -> f64 {
    if gone == 0.0 {
        return 0.0;
    }
    let pieces: Vec<(f64, f64)> = (0..c.whole(1, 8)).map(|_| (c.unit(), c.unit())).collect();
    let over: f64 = pieces.iter().filter(|(at, _)| *at < gone).map(|(_, size)| size).sum();
    over / pieces.iter().map(|(_, size)| size).sum::<f64>()
}
