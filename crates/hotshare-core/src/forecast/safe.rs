//! What may be used today so that it lasts.

use super::Standing;
use super::pattern::weekday;
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

/// `week` is how much of a usual day each weekday has, in thousandths; `days` are those until the end, today included.
pub(super) fn safe(week: &[u16; 7], now: &Standing, balance: Bytes, days: usize) -> Safe {
    let first = weekday(now.today);
    let share = |day: usize| u128::from(week[(first + day) % 7]);
    let whole_weeks = (days / 7) as u128 * week.iter().map(|share| u128::from(*share)).sum::<u128>();
    let all = whole_weeks + (0..days % 7).map(share).sum::<u128>();
    let left = balance + now.used_today;
    let today = u128::from(left.0) * share(0) / all.max(1);
    let today = Bytes(u64::try_from(today).unwrap_or(u64::MAX)).min(left);
    Safe { today, rest: today.saturating_sub(now.used_today).min(balance) }
}
