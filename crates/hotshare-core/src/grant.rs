//! How much to grant, and when: small enough to be a small loss in a power cut, large enough for few
//! commits.
//!
//! All totals here are cumulative, counted like the kernel's `granted`: since the maps were made.

use crate::units::{BootTime, Bytes};

/// The smallest first grant, and the largest: two seconds at 16 Gbit/s.
const SMALLEST: Bytes = Bytes(256 << 10);
const USUAL: Bytes = Bytes(8 << 20);
const LARGEST: Bytes = Bytes(4 << 30);
/// A grant that lasts less than this was too small: at 6.5 kB a commit (docs/measurements-ledger.md), one every
/// three seconds round the clock stays under 200 MB a day…
const SHORT_MS: u64 = 3_000;
/// …and one that lasts longer than this was larger than it need be.
const LONG_MS: u64 = 12_000;
/// A merged packet is at most 64 KiB of payload, and each of its pieces carries headers.
const LARGEST_PACKET: Bytes = Bytes(256 << 10);
/// Unused for this long, a large grant is cut back to a usual one.
const IDLE_MS: u64 = 20_000;

/// The volatile side of an account with grants: how large the next one should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse {
    size: Bytes,
    refilled: BootTime,
    last_used: Bytes,
    last_used_at: BootTime,
    /// The balance with which the kernel refused a packet though all was granted: what is left is less
    /// than a packet. Holds until the balance grows.
    dry_at: Option<i64>,
}

/// An account's position, everything from the ledger and the meter that a grant depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Durably posted, cumulative.
    pub posted: Bytes,
    /// Forwarded (billed, for the plan), cumulative.
    pub used: Bytes,
    /// Of the limit, what no entry counts as used; negative when the limit was lowered or passed.
    /// `None`: no limit.
    pub free: Option<i64>,
    /// The limit itself.
    pub limit: Option<Bytes>,
    /// Somebody can spend it now.
    pub active: bool,
}

impl Position {
    /// Granted and not yet spent.
    #[must_use]
    pub fn outstanding(&self) -> Bytes {
        self.posted.saturating_sub(self.used)
    }

    /// What is left of the limit: not granted, or granted and not spent.
    #[must_use]
    pub fn balance(&self) -> Option<i64> {
        let held = self.posted.signed().saturating_sub(self.used.signed());
        self.free.map(|free| free.saturating_add(held))
    }

    /// The usual size of a grant: a sixteenth of the limit, within bounds.
    #[must_use]
    pub fn usual(&self) -> Bytes {
        match self.limit {
            Some(limit) => Bytes((limit.0 / 16).clamp(SMALLEST.0, USUAL.0)),
            None => USUAL,
        }
    }
}

impl Purse {
    #[must_use]
    pub fn new(now: BootTime) -> Purse {
        Purse { size: Bytes::ZERO, refilled: now, last_used: Bytes::ZERO, last_used_at: now, dry_at: None }
    }

    /// The kernel refused a packet of this account when nothing more was to be granted. News may be late: by
    /// now there can be much left again.
    pub fn refused(&mut self, at: &Position, reserve: Bytes) {
        let left = at.balance().map(|left| left.saturating_sub(reserve.signed()));
        if at.free.is_some_and(|free| free <= 0) && left.is_some_and(|left| left < LARGEST_PACKET.signed()) {
            self.dry_at = at.balance();
        }
    }

    /// Whether nothing that fits a packet is left.
    #[must_use]
    pub fn is_dry(&self, at: &Position) -> bool {
        at.balance().is_some_and(|left| left <= 0 || self.dry_at.is_some_and(|dry| left <= dry))
    }

    /// The most that may stay posted. Less than what is: the rest is to be given back.
    pub fn keep(&mut self, now: BootTime, at: &Position) -> Bytes {
        if at.used != self.last_used {
            self.last_used = at.used;
            self.last_used_at = now;
        }
        if self.dry_at.is_some_and(|dry| at.balance().is_some_and(|left| left > dry)) {
            self.dry_at = None;
        }
        if !at.active {
            return at.posted.min(at.used);
        }
        let owed = at.free.map_or(0, |free| free.min(0).unsigned_abs());
        let most = at.posted.saturating_sub(Bytes(owed).min(at.outstanding()));
        let usual = at.usual();
        let idle = now.millis_since(self.last_used_at) > IDLE_MS;
        if idle && at.outstanding().0 > usual.0.saturating_mul(2) {
            self.size = usual;
            return at.used.saturating_add(usual).min(most);
        }
        most
    }

    /// The total that should be posted now: more than `posted` when a grant is due. `along`: there will be a
    /// commit anyway, so a grant that is due soon comes along.
    pub fn want(&mut self, now: BootTime, at: &Position, along: bool) -> Bytes {
        let free = Bytes::from_signed(at.free.unwrap_or(i64::MAX));
        if !at.active || free == Bytes::ZERO {
            return at.posted;
        }
        let usual = at.usual();
        let size = self.size.max(usual);
        let outstanding = at.outstanding();
        let due = if along { Bytes(size.0 / 4 * 3) } else { self.low(at) };
        if outstanding > due {
            return at.posted;
        }
        let lasted = now.millis_since(self.refilled);
        self.size = match lasted {
            _ if self.size == Bytes::ZERO => usual,
            0..SHORT_MS => Bytes(size.0.saturating_mul(4)).min(LARGEST),
            SHORT_MS..=LONG_MS => size,
            _ => Bytes(size.0 / 2).max(usual),
        };
        self.refilled = now;
        // What the carrier billed beyond the grant comes on top.
        let over = at.used.saturating_sub(at.posted);
        let fresh = self.size.saturating_sub(outstanding).saturating_add(over);
        // A rest smaller than half a grant is not worth a commit of its own.
        let fresh = if free.saturating_sub(fresh).0 < self.size.0 / 2 { free } else { fresh };
        at.posted.saturating_add(fresh)
    }

    /// With this much or less of a grant left, the next one is due.
    #[must_use]
    pub fn low(&self, at: &Position) -> Bytes {
        Bytes(self.size.max(at.usual()).0 / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(n: u64) -> BootTime {
        BootTime::default().plus_millis(n)
    }

    fn position(posted: u64, used: u64, free: i64) -> Position {
        Position {
            posted: Bytes(posted),
            used: Bytes(used),
            free: Some(free),
            limit: Some(Bytes::mib(1600)),
            active: true,
        }
    }

    #[test]
    fn a_first_grant_is_the_usual_one() {
        let mut purse = Purse::new(ms(0));
        assert_eq!(purse.want(ms(0), &position(0, 0, 1600 << 20), false), Bytes::mib(8));
    }

    #[test]
    fn a_fast_line_gets_larger_grants_until_one_lasts() {
        let mut purse = Purse::new(ms(0));
        let (mut posted, mut commits, speed) = (0, 0, 125_000); // bytes a millisecond: 1 Gbit/s
        for t in 0..20_000 {
            let want = purse.want(ms(t), &position(posted, t * speed, 1 << 40), false);
            if want.0 != posted {
                commits += 1;
                posted = want.0;
            }
        }
        assert!(commits <= 20, "{commits} commits in 20 s");
    }

    #[test]
    fn the_last_grant_takes_the_rest() {
        let mut purse = Purse::new(ms(0));
        assert_eq!(purse.want(ms(0), &position(0, 0, 9 << 20), false), Bytes::mib(9));
    }

    #[test]
    fn a_lower_limit_takes_back_only_what_is_unspent() {
        let mut purse = Purse::new(ms(0));
        assert_eq!(purse.keep(ms(0), &position(100, 40, -20)), Bytes(80));
        assert_eq!(purse.keep(ms(0), &position(100, 40, -90)), Bytes(40));
    }

    #[test]
    fn who_is_gone_holds_no_grant() {
        let mut purse = Purse::new(ms(0));
        let at = Position { active: false, ..position(100, 40, 1 << 20) };
        assert_eq!(purse.keep(ms(0), &at), Bytes(40));
        assert_eq!(purse.want(ms(0), &at, false), Bytes(100));
    }

    #[test]
    fn refused_with_nothing_more_to_come_is_dry_until_the_balance_grows() {
        let mut purse = Purse::new(ms(0));
        purse.refused(&position(1000, 990, 0), Bytes::ZERO);
        assert!(purse.is_dry(&position(1000, 990, 0)));
        assert!(purse.is_dry(&position(1000, 1000, 0)));
        assert!(!purse.is_dry(&position(1000, 990, 5000)));
        let mut hurried = Purse::new(ms(0));
        hurried.refused(&position(1000, 990, 5000), Bytes::ZERO);
        assert!(!hurried.is_dry(&position(1000, 990, 5000)));
    }

    #[test]
    fn late_news_of_a_refusal_closes_nobody_who_has_much_left() {
        let mut purse = Purse::new(ms(0));
        let at = position(20 << 20, 8 << 20, 0);
        purse.refused(&at, Bytes::ZERO);
        assert!(!purse.is_dry(&at));
    }

    #[test]
    fn a_grant_that_is_not_given_does_not_grow() {
        let mut purse = Purse::new(ms(0));
        for t in 0..1000 {
            assert_eq!(purse.want(ms(t), &position(1000, 990, 0), false), Bytes(1000));
        }
        let want = purse.want(ms(1000), &position(1000, 990, 1 << 40), false);
        assert!(want <= Bytes::mib(9), "{want}");
    }

    #[test]
    fn what_was_billed_beyond_the_grant_is_caught_up_at_once() {
        let mut purse = Purse::new(ms(0));
        let want = purse.want(ms(0), &position(0, 500 << 20, 1 << 40), false);
        assert!(want >= Bytes::mib(508), "{want}");
    }

    proptest! {
        #[test]
        fn never_more_than_is_free_and_never_below_what_is_spent(
            posted in 0u64..1 << 40, spent in 0u64..1 << 20, free in -(1i64 << 40)..1i64 << 40,
            limit in 0u64..1 << 42, active: bool, t in 0u64..1 << 30,
        ) {
            let used = Bytes(posted.saturating_sub(spent));
            let at = Position {
                posted: Bytes(posted), used, free: Some(free), limit: Some(Bytes(limit)), active,
            };
            let want = Purse::new(ms(0)).want(ms(t), &at, false);
            prop_assert!(want >= at.posted);
            prop_assert!(want.0 <= posted.saturating_add(Bytes::from_signed(free).0));
            let keep = Purse::new(ms(0)).keep(ms(t), &at);
            prop_assert!(keep >= used && keep <= at.posted);
        }
    }
}
