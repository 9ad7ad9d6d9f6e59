//! A year made of what was used before.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::forecast::Draw;
use crate::units::Bytes;

/// Of fewer days no year can be made.
pub const LEAST_DAYS: usize = 7;

/// `count` days from `first` on that go on as `history` did; it ends on the day before `first`, or some days earlier, and
/// its last day is `last`. Each day is as the one a year (52 weeks) before it was, or as many weeks as there are in a shorter
/// history: weekdays stay weekdays. Less than [`LEAST_DAYS`]: nothing.
#[must_use]
pub fn year(history: &[Bytes], last: Date, first: Date, count: usize) -> Vec<Bytes> {
    let turn = history.len().min(364) / 7 * 7;
    if turn == 0 {
        return Vec::new();
    }
    let ahead = usize::try_from(last.duration_until(first).as_hours() / 24).unwrap_or(1).max(1);
    // The place in the history of the day that is `ahead` days after its last one, so many turns back.
    let like = |day: usize| {
        let after = (ahead + day - 1) % turn;
        history.get(history.len() - turn + after).copied().unwrap_or_default()
    };
    (0..count).map(like).collect()
}

/// Another year of weeks that were, drawn by chance; the same `draw` gives the same year.
pub(super) fn another(history: &[Bytes], count: usize, draw: &mut Draw) -> Vec<Bytes> {
    let weeks = history.len() / 7;
    let start = history.len() - weeks * 7;
    let mut days = Vec::with_capacity(count + 7);
    while days.len() < count && weeks > 0 {
        let week = start + draw.below(weeks) * 7;
        days.extend(history.iter().skip(week).take(7).copied());
    }
    days.truncate(count);
    days
}

/// As many days from `first` as there are until the same day of the next year.
#[must_use]
pub fn length(first: Date) -> usize {
    let next = first.checked_add(1.year()).unwrap_or(Date::MAX);
    usize::try_from(first.duration_until(next).as_hours() / 24).unwrap_or(365)
}
