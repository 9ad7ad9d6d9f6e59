//! Which civil time to believe.
//!
//! A wall clock may be wrong: a machine without a real-time clock wakes up in 1970 or at its last shutdown,
//! people set clocks by hand, batteries die. What has been believed once is written down, and:
//!
//! - a wall clock that is synchronised (NTP or equal) is believed, whatever it says;
//! - one that is not is believed when it is ahead of what has been believed so far;
//! - else the believed time goes on from there by the boot clock, until the wall clock has caught up or is
//!   synchronised. So months roll on a machine that never learns the time.
//!
//! Believed time therefore goes back only on the word of a synchronised clock. That gives nobody an allowance
//! twice: totals are kept under the civil date of their period, and a time that returns finds them again.

use crate::units::{BootTime, Now, UnixTime};

/// The believed time, and where it was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    believed: UnixTime,
    /// The moment at which `believed` was true.
    boot: BootTime,
    held: bool,
}

impl Clock {
    /// `latest` is the last believed time that was written down, if any ever was.
    #[must_use]
    pub fn new(latest: Option<UnixTime>, first: Now) -> Clock {
        let mut clock = Clock { believed: latest.unwrap_or(first.wall), boot: first.boot, held: false };
        clock.believe(first);
        clock
    }

    /// The civil time at `now`. Write it down from time to time, and before anything that is dated with it.
    pub fn believe(&mut self, now: Now) -> UnixTime {
        let expected = self.expected(now.boot);
        self.held = !now.synced && now.wall < expected;
        if !self.held {
            (self.believed, self.boot) = (now.wall, now.boot);
        }
        self.at(now.boot)
    }

    /// The civil time at a moment, by what was believed last.
    #[must_use]
    pub fn at(&self, boot: BootTime) -> UnixTime {
        self.expected(boot)
    }

    /// When `civil` will be, if nothing is learnt until then: for timers. A time that has come gives the moment
    /// that was believed last.
    #[must_use]
    pub fn when(&self, civil: UnixTime) -> BootTime {
        let secs = civil.0.saturating_sub(self.believed.0).max(0);
        self.boot.plus_secs(u64::try_from(secs).unwrap_or(u64::MAX))
    }

    /// The wall clock is behind what was believed before, and not synchronised: it is not believed.
    #[must_use]
    pub fn held(&self) -> bool {
        self.held
    }

    fn expected(&self, boot: BootTime) -> UnixTime {
        let secs = boot.millis_since(self.boot) / 1000;
        UnixTime(self.believed.0.saturating_add(i64::try_from(secs).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests;
