//! Entries and their sums. A grant is written as if it were already used; what is not spent is returned
//! by another entry. Nothing is ever changed or deleted.

use std::collections::BTreeMap;

use crate::units::{Account, UnixTime};

/// Which period of its account an entry belongs to: the civil date on which the period began, as days
/// since 1970-01-01 in the account's zone. `PeriodKey::ALWAYS` for an allowance that never renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeriodKey(pub i32);

impl PeriodKey {
    pub const ALWAYS: PeriodKey = PeriodKey(i32::MIN);
}

/// Why an entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// The kernel may spend this: counted as used from now on (+).
    Grant,
    /// A part of a grant that was not spent (−).
    Return,
    /// Spent without a grant: what the carrier billed after the plan was closed, and nobody could stop (+). On top of an
    /// allowance: used slowly after its end, so that it does not count against what comes on top later (credit, +).
    Overrun,
    /// The owner says so, such as by the carrier's own figure (+ or −).
    Correction,
    /// On top of an allowance, by the owner (credit, + or −).
    TopUp,
    /// From one person to another: two entries (credit, + and −).
    Gift,
    /// Borrowed of a fair share that was left unused: two entries (credit, + and −).
    Loan,
    /// Not used in the period before (credit, +; − when it was used there after all, because the clock had gone back).
    RollOver,
    /// Bought with the owner's consent (credit, +).
    Bought,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: UnixTime,
    pub account: Account,
    pub period: PeriodKey,
    pub kind: EntryKind,
    /// Used: positive is used, negative is given back. Credit: positive may be used on top.
    pub bytes: i64,
}

/// The sums of all entries, by account and period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<(Account, PeriodKey), i64>);

impl Totals {
    pub fn add(&mut self, account: Account, period: PeriodKey, bytes: i64) {
        let sum = self.0.entry((account, period)).or_default();
        *sum = sum.saturating_add(bytes);
    }

    /// What is written down as used, or as credit.
    #[must_use]
    pub fn used(&self, account: Account, period: PeriodKey) -> i64 {
        self.0.get(&(account, period)).copied().unwrap_or(0)
    }

    /// There is an entry, even one of nothing.
    #[must_use]
    pub fn has(&self, account: Account, period: PeriodKey) -> bool {
        self.0.contains_key(&(account, period))
    }

    /// The sum over all periods of an account that began on `from` or later.
    #[must_use]
    pub fn since(&self, account: Account, from: PeriodKey) -> i64 {
        let periods = self.0.range((account, from)..=(account, PeriodKey(i32::MAX)));
        periods.fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    pub fn iter(&self) -> impl Iterator<Item = (Account, PeriodKey, i64)> {
        self.0.iter().map(|((account, period), sum)| (*account, *period, *sum))
    }
}
