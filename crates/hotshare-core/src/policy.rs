//! The verdict on a person: open, slow and why, or closed and why.

use crate::units::{Bytes, Rate};

/// Policy's answer for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Open,
    /// Open, but no faster than this in each direction: the person's own rate, or that of all together.
    Slow(Rate, Why),
    /// Open towards the sites that a part of the plan is kept for, and nothing else; no faster than this.
    OnlySites(Option<Rate>),
    Closed(Why),
}

impl Verdict {
    /// Packets may pass.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Verdict::Open | Verdict::Slow(..) | Verdict::OnlySites(_))
    }

    /// Why it is not simply open.
    #[must_use]
    pub const fn why(self) -> Option<Why> {
        match self {
            Verdict::Open => None,
            Verdict::Slow(_, why) | Verdict::Closed(why) => Some(why),
            Verdict::OnlySites(_) => Some(Why::OnlySites),
        }
    }

    /// No faster than this, where it is open.
    #[must_use]
    pub const fn rate(self) -> Option<Rate> {
        match self {
            Verdict::Slow(rate, _) => Some(rate),
            Verdict::OnlySites(rate) => rate,
            Verdict::Open | Verdict::Closed(_) => None,
        }
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
    /// It is not known yet which SIM is in the modem, or whether it roams.
    CardUnknown,
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
    /// This part of the plan is kept for some sites.
    OnlySites,
}

impl Why {
    pub const ALL: [Why; 14] = [
        Why::Paused,
        Why::Ended,
        Why::BedTime,
        Why::CardUnknown,
        Why::NewCard,
        Why::AllowanceUsed,
        Why::KeptForOthers,
        Why::AsksForMoney,
        Why::PlanUsed,
        Why::PlanOver,
        Why::NoUplink,
        Why::LedgerStuck,
        Why::PlanSlow,
        Why::OnlySites,
    ];

    /// A short stable word, for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Why::Paused => "paused",
            Why::Ended => "ended",
            Why::BedTime => "bed-time",
            Why::CardUnknown => "card-unknown",
            Why::NewCard => "new-card",
            Why::AllowanceUsed => "allowance-used",
            Why::KeptForOthers => "kept-for-others",
            Why::AsksForMoney => "asks-for-money",
            Why::PlanUsed => "plan-used",
            Why::PlanOver => "plan-over",
            Why::NoUplink => "no-uplink",
            Why::LedgerStuck => "ledger-stuck",
            Why::PlanSlow => "plan-slow",
            Why::OnlySites => "only-sites",
        }
    }

    /// The reason of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Why> {
        Why::ALL.into_iter().find(|why| why.word() == word)
    }

    /// The same for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Why::Paused => "paused by the owner",
            Why::Ended => "the time that was given is over",
            Why::BedTime => "it is bed time",
            Why::CardUnknown => "it is not known yet which SIM is in the modem, or whether it roams",
            Why::NewCard => "the data card is new, and the owner has not agreed to use it",
            Why::AllowanceUsed => "the allowance is used up",
            Why::KeptForOthers => "what is left of the plan is kept for others",
            Why::AsksForMoney => "more costs money, and the owner has not agreed to it",
            Why::PlanUsed => "the plan is used up",
            Why::PlanOver => "the plan has not begun, or is over",
            Why::NoUplink => "there is no uplink",
            Why::LedgerStuck => "the ledger cannot be written",
            Why::PlanSlow => "this part of the plan is slow",
            Why::OnlySites => "what is left of the plan is kept for some sites",
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
    /// The same, and it is kept for some sites.
    OnlySites(Option<Rate>),
    /// What is left is not for this person.
    KeptForOthers,
    /// There would be more, for money.
    AsksForMoney,
    /// Less than a packet is left, beside the reserve.
    Used,
    /// It has not begun, or is over.
    Over,
}

impl PlanState {
    /// A part of it is in use.
    #[must_use]
    pub const fn is_in_use(self) -> bool {
        matches!(self, PlanState::InUse(_) | PlanState::OnlySites(_))
    }

    /// As fast as this, each direction, for all people together.
    #[must_use]
    pub const fn rate(self) -> Option<Rate> {
        match self {
            PlanState::InUse(rate) | PlanState::OnlySites(rate) => rate,
            PlanState::KeptForOthers | PlanState::AsksForMoney | PlanState::Used | PlanState::Over => None,
        }
    }
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
    /// It is known which data card the uplink leads to.
    pub card_known: bool,
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
        (!facts.card_known, Why::CardUnknown),
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
    let all = facts.plan.rate().map(|rate| (rate, Why::PlanSlow));
    let slowest = own.into_iter().chain(all).min_by_key(|(rate, _)| *rate);
    match (facts.plan, slowest) {
        (PlanState::OnlySites(_), slowest) => Verdict::OnlySites(slowest.map(|(rate, _)| rate)),
        (_, Some((rate, why))) => Verdict::Slow(rate, why),
        (_, None) => Verdict::Open,
    }
}

/// What is left, when something limits it.
pub type Balance = Option<Bytes>;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_WELL: Facts = Facts {
        paused: false,
        ended: false,
        bed_time: false,
        allowance_used: false,
        at_end: AtEnd::Stop,
        plan: PlanState::InUse(None),
        card_known: true,
        card_agreed: true,
        uplink: true,
        stuck: false,
    };

    #[test]
    fn a_part_for_sites_is_open_and_says_so() {
        let sites = Facts { plan: PlanState::OnlySites(None), ..ALL_WELL };
        assert_eq!(verdict(&sites), Verdict::OnlySites(None));
        assert!(verdict(&sites).is_open());
        let slow = Facts { plan: PlanState::OnlySites(Some(Rate(9))), ..sites };
        assert_eq!(verdict(&slow), Verdict::OnlySites(Some(Rate(9))));
        let own = Facts { allowance_used: true, at_end: AtEnd::Slow(Rate(5)), ..slow };
        assert_eq!(verdict(&own), Verdict::OnlySites(Some(Rate(5))));
        let used = Facts { allowance_used: true, ..slow };
        assert_eq!(verdict(&used), Verdict::Closed(Why::AllowanceUsed));
        assert_eq!(verdict(&Facts { paused: true, ..slow }), Verdict::Closed(Why::Paused));
    }

    /// From the first part of a plan to none: each is harsher than the one before.
    #[test]
    fn the_order_of_verdicts_is_that_of_harshness() {
        let states = [
            PlanState::InUse(None),
            PlanState::InUse(Some(Rate(9))),
            PlanState::OnlySites(None),
            PlanState::OnlySites(Some(Rate(9))),
            PlanState::Used,
        ];
        let verdicts = states.map(|plan| verdict(&Facts { plan, ..ALL_WELL }));
        assert!(verdicts.is_sorted(), "{verdicts:?}");
    }
}
