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

impl Why {
    /// The same for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Why::Paused => "paused by the owner",
            Why::AllowanceUsed => "the allowance is used up",
            Why::PlanUsed => "the plan is used up",
            Why::PlanOver => "the plan has not begun, or is over",
            Why::NoUplink => "there is no uplink",
            Why::LedgerStuck => "the ledger cannot be written",
        }
    }
}

/// Everything a verdict depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub paused: bool,
    /// Less than a packet of the person's allowance is left.
    pub allowance_used: bool,
    /// Less than a packet of the plan, beside its reserve, is left.
    pub plan_used: bool,
    /// The plan is running: it has begun, and is not over.
    pub plan_runs: bool,
    pub uplink: bool,
    /// The ledger cannot be written, and what was granted before is spent.
    pub stuck: bool,
}

/// May this person's devices use the uplink? What happens at the cap of a plan is decided here: today it
/// is always *stop*.
#[must_use]
pub fn verdict(facts: &Facts) -> Verdict {
    let reasons = [
        (facts.paused, Why::Paused),
        (facts.allowance_used, Why::AllowanceUsed),
        (facts.plan_used, Why::PlanUsed),
        (!facts.plan_runs, Why::PlanOver),
        (!facts.uplink, Why::NoUplink),
        (facts.stuck, Why::LedgerStuck),
    ];
    match reasons.iter().find(|(holds, _)| *holds) {
        Some((_, why)) => Verdict::Closed(*why),
        None => Verdict::Open,
    }
}

/// What is left, when something limits it.
pub type Balance = Option<Bytes>;
