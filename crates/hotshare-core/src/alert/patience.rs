//! When a delivery that failed is tried again, and when that ends.

use crate::units::UnixTime;

/// How long a delivery is tried, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The first wait; each further one is twice as long.
    pub first: u64,
    pub longest: u64,
    /// All waits together. What the machine slept through does not count.
    pub all: u64,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { first: 60, longest: 3600, all: 3 * 86_400 }
    }
}

impl Patience {
    /// How many seconds to wait after so many attempts that failed (1 or more); `None`: it has failed for good.
    #[must_use]
    pub fn next_try(&self, attempts: u32) -> Option<u64> {
        let mut waited = 0_u64;
        for attempt in 1..attempts {
            waited = waited.saturating_add(self.wait(attempt));
            if waited >= self.all {
                return None;
            }
        }
        let wait = self.wait(attempts.max(1));
        (waited.saturating_add(wait) <= self.all).then_some(wait)
    }

    fn wait(&self, attempt: u32) -> u64 {
        let doubled = self.first.max(1).checked_mul(1_u64.checked_shl(attempt - 1).unwrap_or(u64::MAX));
        doubled.unwrap_or(u64::MAX).min(self.longest.max(1))
    }
}

/// A delivery whose next try is at `next` is to be tried now. Further away than any wait is a clock that was put
/// back: then it is not waited for.
#[must_use]
pub fn is_due(next: UnixTime, now: UnixTime, patience: &Patience) -> bool {
    let longest = i64::try_from(patience.longest).unwrap_or(i64::MAX);
    next <= now || next.0.saturating_sub(now.0) > longest
}
