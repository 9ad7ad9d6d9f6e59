//! How often somebody may ask: many token buckets in a fixed space.

use super::pool::scatter;
use crate::units::BootTime;

/// Token buckets, found by the hash of a key. Two keys may share a bucket; the space never grows,
/// whatever strangers send.
#[derive(Clone, Debug)]
pub struct Pace {
    /// When the bucket will be full again, in boot time (the theoretical arrival time of GCRA).
    full_at: Vec<BootTime>,
    interval_ms: u64,
    burst: u64,
}

impl Pace {
    /// `buckets` buckets, each for `burst` at once and then one every `interval_ms` milliseconds.
    #[must_use]
    pub fn new(buckets: usize, burst: u64, interval_ms: u64) -> Pace {
        Pace { full_at: vec![BootTime(0); buckets.max(1)], interval_ms, burst }
    }

    /// Takes one token; `false` if there is none.
    pub fn take(&mut self, key: &[u8], now: BootTime) -> bool {
        let buckets = u64::try_from(self.full_at.len()).unwrap_or(1);
        let place = usize::try_from(scatter(key) % buckets).unwrap_or(0);
        let Some(full_at) = self.full_at.get_mut(place) else { return false };
        let filled = (*full_at).max(now).plus_millis(self.interval_ms);
        let fits = filled.millis_since(now) <= self.interval_ms.saturating_mul(self.burst);
        if fits {
            *full_at = filled;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_one_per_interval() {
        let mut pace = Pace::new(8, 3, 1000);
        let now = BootTime(5_000_000_000);
        let passed = (0..10).filter(|_| pace.take(b"a", now)).count();
        assert_eq!(passed, 3);
        assert!(!pace.take(b"a", now.plus_millis(999)));
        assert!(pace.take(b"a", now.plus_millis(1000)));
        assert!(!pace.take(b"a", now.plus_millis(1001)));
        let later = now.plus_secs(3600);
        assert_eq!((0..10).filter(|_| pace.take(b"a", later)).count(), 3);
    }
}
