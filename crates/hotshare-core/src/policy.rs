//! The verdict on a person: open, slow and why, or closed and why.

use crate::units::{Bytes, Rate};

/// Policy's answer for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Open,
    /// Open, but no faster than this in each direction: the person's own rate, or that of all together.
    Slow(Rate, Why),
    Closed(Why),
}

impl Verdict {
    /// Packets may pass.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Verdict::Open | Verdict::Slow(..))
    }
}

/// Why somebody is closed or slow. The order is the order in which reasons are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The owner paused the person.
    Paused,
    /// The person's time is over: a guest until Sunday 18:00.
    Ended,
    /// It is one of the person's bed times.
    BedTime,
    /// The data card is new, and the owner has not agreed to use it.
    NewCard,
    /// The person's allowance is used up.
    AllowanceUsed,
    /// What is left of the plan is kept for others.
    KeptForOthers,
    /// More costs money, and the owner has not agreed to it.
    AsksForMoney,
    /// The plan is used up.
    PlanUsed,
    /// The plan has not begun, or is over.
    PlanOver,
    /// There is no uplink.
    NoUplink,
    /// The ledger cannot be written (disk full, file damaged): no grant may be given.
    LedgerStuck,
    /// This part of the plan is slow.
    PlanSlow,
}

impl Why {
    /// A short stable word, for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Why::Paused => "paused",
            Why::Ended => "ended",
            Why::BedTime => "bed-time",
            Why::NewCard => "new-card",
            Why::AllowanceUsed => "allowance-used",
            Why::KeptForOthers => "kept-for-others",
            Why::AsksForMoney => "asks-for-money",
            Why::PlanUsed => "plan-used",
            Why::PlanOver => "plan-over",
            Why::NoUplink => "no-uplink",
            Why::LedgerStuck => "ledger-stuck",
            Why::PlanSlow => "plan-slow",
        }
    }

    /// The same for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Why::Paused => "paused by the owner",
            Why::Ended => "the time that was given is over",
            Why::BedTime => "it is bed time",
            Why::NewCard => "the data card is new, and the owner has not agreed to use it",
            Why::AllowanceUsed => "the allowance is used up",
            Why::KeptForOthers => "what is left of the plan is kept for others",
            Why::AsksForMoney => "more costs money, and the owner has not agreed to it",
            Why::PlanUsed => "the plan is used up",
            Why::PlanOver => "the plan has not begun, or is over",
            Why::NoUplink => "there is no uplink",
            Why::LedgerStuck => "the ledger cannot be written",
            Why::PlanSlow => "this part of the plan is slow",
        }
    }
}

/// What happens when a person's allowance is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AtEnd {
    #[default]
    Stop,
    /// Goes on, no faster than this in each direction; the plan still pays for it.
    Slow(Rate),
}

/// Where the plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// A part of it is in use; as fast as this.
    InUse(Option<Rate>),
    /// What is left is not for this person.
    KeptForOthers,
    /// There would be more, for money.
    AsksForMoney,
    /// Less than a packet is left, beside the reserve.
    Used,
    /// It has not begun, or is over.
    Over,
}

/// Everything a verdict depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub paused: bool,
    pub ended: bool,
    pub bed_time: bool,
    /// Less than a packet of the person's allowance is left.
    pub allowance_used: bool,
    pub at_end: AtEnd,
    pub plan: PlanState,
    /// The owner agreed to use the data card.
    pub card_agreed: bool,
    pub uplink: bool,
    /// The ledger cannot be written, and what was granted before is spent.
    pub stuck: bool,
}

/// May this person's devices use the uplink, and how fast?
#[must_use]
pub fn verdict(facts: &Facts) -> Verdict {
    let closed_by_allowance = facts.allowance_used && facts.at_end == AtEnd::Stop;
    let reasons = [
        (facts.paused, Why::Paused),
        (facts.ended, Why::Ended),
        (facts.bed_time, Why::BedTime),
        (!facts.card_agreed, Why::NewCard),
        (closed_by_allowance, Why::AllowanceUsed),
        (facts.plan == PlanState::KeptForOthers, Why::KeptForOthers),
        (facts.plan == PlanState::AsksForMoney, Why::AsksForMoney),
        (facts.plan == PlanState::Used, Why::PlanUsed),
        (facts.plan == PlanState::Over, Why::PlanOver),
        (!facts.uplink, Why::NoUplink),
        (facts.stuck, Why::LedgerStuck),
    ];
    if let Some((_, why)) = reasons.iter().find(|(holds, _)| *holds) {
        return Verdict::Closed(*why);
    }
    let own = match facts.at_end {
        AtEnd::Slow(rate) if facts.allowance_used => Some((rate, Why::AllowanceUsed)),
        AtEnd::Slow(_) | AtEnd::Stop => None,
    };
    let all = match facts.plan {
        PlanState::InUse(Some(rate)) => Some((rate, Why::PlanSlow)),
        PlanState::InUse(None)
        | PlanState::KeptForOthers
        | PlanState::AsksForMoney
        | PlanState::Used
        | PlanState::Over => None,
    };
    match own.into_iter().chain(all).min_by_key(|(rate, _)| *rate) {
        Some((rate, why)) => Verdict::Slow(rate, why),
        None => Verdict::Open,
    }
}

/// What is left, when something limits it.
pub type Balance = Option<Bytes>;
