//! The verdict on a person: open, or closed and why.

use crate::units::Bytes;

/// Policy's answer for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Open,
    Closed(Why),
}

/// Why somebody is closed. The order is the order in which reasons are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The owner paused the person.
    Paused,
    /// The person's allowance is used up.
    AllowanceUsed,
    /// The plan is used up.
    PlanUsed,
    /// The plan has not begun, or is over.
    PlanOver,
    /// There is no uplink.
    NoUplink,
    /// The ledger cannot be written (disk full, file damaged): no grant may be given.
    LedgerStuck,
}

impl Why {
    /// A short stable word, for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Why::Paused => "paused",
            Why::AllowanceUsed => "allowance-used",
            Why::PlanUsed => "plan-used",
            Why::PlanOver => "plan-over",
            Why::NoUplink => "no-uplink",
            Why::LedgerStuck => "ledger-stuck",
        }
    }
}

/// What is left, when something limits it.
pub type Balance = Option<Bytes>;
