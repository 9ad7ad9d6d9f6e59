//! What may be used today so that it lasts.

use super::pattern::{Pattern, weekday};
use super::{Standing, whole};
use crate::units::Bytes;

/// The day's part of what is left: whoever uses no more each day has something until the period ends, and nothing left
/// then. A weekday that usually needs more has a larger part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safe {
    /// For the whole of today, what is used already included.
    pub today: Bytes,
    /// Of it, what is left for the rest of today.
    pub rest: Bytes,
}

/// `days` are those until the end, today included.
pub(super) fn safe(pattern: &Pattern, now: &Standing, balance: Bytes, days: usize) -> Safe {
    let first = weekday(now.today);
    let share = |day: usize| pattern.week[(first + day) % 7];
    // Whole weeks weigh 7, and periods can be long.
    let all = (days / 7 * 7) as f64 + (0..days % 7).map(share).sum::<f64>();
    let left = balance + now.used_today;
    let today = if days == 1 { left } else { whole(left.0 as f64 * share(0) / all).min(left) };
    Safe { today, rest: today.saturating_sub(now.used_today).min(balance) }
}
