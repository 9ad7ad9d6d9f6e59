//! How it will go on: when the balance runs out, whether it lasts, and what is safe to use today.
//!
//! [`forecast`] looks for the habits in the sums of past days (level, weekdays, growth, and how sure each of them is),
//! puts together some hundred ways in which it may go on from pieces of that history, and says between which
//! bounds four of five of them end. The same history always gives the same forecast. How often it is right is
//! measured in `docs/forecast.md`. All amounts are as the history counts them; for the carrier's bytes see
//! [`crate::reconcile`].

use crate::ledger::PeriodKey;
use crate::units::Bytes;

mod draw;
pub mod history;
mod middle;
mod paths;
mod pattern;
mod safe;
mod tuning;
mod unusual;

pub(crate) use draw::Draw;
pub(crate) use middle::{middle, weighted_middle};
pub use safe::Safe;
pub use unusual::{Rule, Unusual, unusual};

use paths::Paths;
use pattern::Pattern;
use tuning::{TUNED, Tuning};

/// With fewer known days than this nothing is foretold.
pub const LEAST_DAYS: usize = 3;

/// Nothing is foretold beyond so many days from today.
pub const LOOK_AHEAD: usize = 400;

/// What was used on a past civil day. The first day told is the first that counts: tell it even when nothing was used on
/// it (the day a person was added, say). A day between the first one told and today that is not told is a day without
/// use, whether the box was off or nobody wanted anything: that happens again as often as it did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970-01-01 in the plan's zone.
    pub day: PeriodKey,
    pub used: Bytes,
    /// False when the day does not show what would have been used: the plan or the person was closed, the box was set up
    /// in the middle of it, the ledger was not kept. The day is then passed over.
    pub known: bool,
}

/// Where things stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub today: PeriodKey,
    /// The part of a usual day's use that is over by this time of the day, 0 to 1; by the clock if nothing better is
    /// known.
    pub gone: f64,
    pub used_today: Bytes,
    /// Used in the period so far, today included.
    pub used: Bytes,
    /// What may still be used. `None`: nothing limits it.
    pub balance: Option<Bytes>,
    /// The first day of the next period. `None`: the period has no end.
    pub end: Option<PeriodKey>,
}

/// What is foretold, and on what it rests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    pub basis: Basis,
    /// What the whole period will have used at its end if nothing stops it. `None`: too little is known, or it has no end
    /// within [`LOOK_AHEAD`].
    pub total: Option<Spread>,
    /// When the balance is used up. `None`: too little is known, nothing limits it, or it is not expected to (see
    /// `lasts`).
    pub runs_out: Option<RunOut>,
    /// In how many of 1000 cases the balance lasts until the period's end, or for [`LOOK_AHEAD`] days if that is
    /// nearer. `None`: too little is known, or nothing limits it.
    pub lasts: Option<u16>,
    /// What may be used today so that as much can be used every day. `None`: nothing limits it, or the period
    /// has no end.
    pub safe: Option<Safe>,
}

/// What a forecast rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Known days that were looked at; half a year at most.
    pub days: usize,
    /// Weekdays were seen to differ.
    pub weekly: bool,
    /// How much of a usual day each weekday has, from Monday, in thousandths: what `safe` is divided by.
    pub week: [u16; 7],
    /// There are [`LEAST_DAYS`]. Without, only `safe` is said, with all weekdays alike.
    pub is_enough: bool,
    /// Less than four weeks: the range is right as often, but wide, and weekdays are not told apart well.
    pub is_thin: bool,
}

/// An amount is below `low` in one of ten cases, above `high` in one of ten; above and below `likely` equally often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    pub low: Bytes,
    pub likely: Bytes,
    pub high: Bytes,
}

/// The days between which the balance is used up, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOut {
    pub earliest: PeriodKey,
    /// Equally often before and after this day. `None`: not before the period ends.
    pub likely: Option<PeriodKey>,
    /// `None`: not before the period ends.
    pub latest: Option<PeriodKey>,
    /// In how many of 1000 cases it is within these days. They are chosen so that this is as near to 800 as whole days
    /// allow; where one day is all but certain, it is more.
    pub within: u16,
}

/// How it will go on. `history` may be in any order; only days before `now.today` count.
#[must_use]
pub fn forecast(history: &[Day], now: &Standing) -> Forecast {
    ahead(history, now, &TUNED)
}

fn ahead(history: &[Day], now: &Standing, tuning: &Tuning) -> Forecast {
    let pattern = Pattern::of(history, now.today, tuning);
    let is_enough = pattern.days >= LEAST_DAYS;
    let basis = Basis {
        days: pattern.days,
        weekly: is_enough && pattern.weekly > 0.2,
        week: pattern.week.map(|share| u16::try_from(whole(share * 1000.0 + 0.5).0).unwrap_or(u16::MAX)),
        is_enough,
        is_thin: pattern.days < 28,
    };
    let until_end =
        now.end.map(|end| usize::try_from(i64::from(end.0) - i64::from(now.today.0)).unwrap_or(0));
    let safe = match (now.balance, until_end) {
        (Some(balance), Some(days)) if days > 0 => Some(safe::safe(&basis.week, now, balance, days)),
        _ => None,
    };
    let mut said = Forecast { basis, total: None, runs_out: None, lasts: None, safe };
    let days = until_end.unwrap_or(LOOK_AHEAD).min(LOOK_AHEAD);
    if !is_enough || days == 0 || (now.balance, now.end) == (None, None) {
        return said;
    }
    let paths = paths::walk(&pattern, now, days, tuning);
    said.total = until_end.filter(|all| *all == days).map(|_| Spread {
        low: now.used + paths.quantile(0.1),
        likely: now.used + paths.quantile(0.5),
        high: now.used + paths.quantile(0.9),
    });
    if now.balance.is_some() {
        let out: usize = paths.run_out.iter().sum();
        said.lasts = Some(thousandths(paths.totals.len() - out, paths.totals.len()));
        said.runs_out = run_out(&paths, now);
    }
    said
}

/// The range whose ends are nearest to one case in ten before and one after it.
fn run_out(paths: &Paths, now: &Standing) -> Option<RunOut> {
    let all = paths.totals.len();
    let on = |day: usize| PeriodKey(now.today.0.saturating_add(i32::try_from(day).unwrap_or(i32::MAX)));
    // What is before a day; the last place is what is before the end.
    let mut before = vec![0];
    for count in &paths.run_out {
        before.push(before.last().copied().unwrap_or(0) + count);
    }
    let nearest_to_tenth = |cases: usize| (10 * cases).abs_diff(all);
    let end = paths.run_out.len();
    let first = (0..=end).rev().min_by_key(|day| nearest_to_tenth(before[*day]))?;
    if first == end {
        return None;
    }
    let behind = |day: usize| all - before[day + 1];
    let last = (0..end).min_by_key(|day| nearest_to_tenth(behind(*day)))?;
    // Or no last day at all, with nobody behind, when that is nearer.
    let last = (nearest_to_tenth(behind(last)) <= nearest_to_tenth(0)).then_some(last);
    let likely = (0..end).find(|day| 2 * before[*day + 1] >= all);
    let inside = last.map_or(all, |last| before[last + 1]) - before[first];
    Some(RunOut {
        earliest: on(first),
        likely: likely.map(on),
        latest: last.map(on),
        within: thousandths(inside, all),
    })
}

fn thousandths(part: usize, of: usize) -> u16 {
    u16::try_from(part * 1000 / of.max(1)).unwrap_or(u16::MAX)
}

/// From a share of bytes that arithmetic made.
fn whole(amount: f64) -> Bytes {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` holds it within u64")]
    let whole = amount.max(0.0) as u64;
    Bytes(whole)
}

#[cfg(test)]
mod tests;
