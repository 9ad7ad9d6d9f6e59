//! The parts of a plan, each with a balance of its own, used in a stated order. What happens at the end of a plan
//! is its last parts: a slow one without a cap, one that costs money, one that is only for some.

use std::collections::BTreeSet;

use super::{Hours, Period, SiteName};
use crate::money::{Money, Price};
use crate::units::{BucketId, Bytes, PersonName, Rate, UnixTime};

/// A part of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its account in the ledger; never given to another.
    pub id: BucketId,
    /// What people call it: “daily”, “fast”, “top-up”. At most 32 characters.
    pub name: String,
    /// `None`: no end.
    pub cap: Option<Bytes>,
    /// When it renews; `None`: with the plan.
    pub period: Option<Period>,
    pub unused: Unused,
    /// Used only at these hours of the week; `None`: always.
    pub hours: Option<Hours>,
    /// As fast as the carrier (or the owner) lets it be, each direction; `None`: as fast as it goes.
    pub rate: Option<Rate>,
    /// It costs money as it is used: nothing passes but what the owner consented to.
    pub pay: Option<Pay>,
    pub only: Only,
    /// Since when it is part of the plan: nothing rolls over from before.
    pub since: UnixTime,
}

/// What becomes of what is not used in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unused {
    /// It is lost.
    #[default]
    Lost,
    /// It can be used in the next period, before that one's own, and is lost then.
    NextPeriod,
    /// It is kept, all together at most this much.
    Kept { most: Bytes },
}

/// Use that costs money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pay {
    pub price: Price,
    /// Never more than this in a period.
    pub limit: Money,
    /// Asked for in steps of this much.
    pub step: Money,
}

/// What a part is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// `None`: everybody.
    pub people: Option<BTreeSet<PersonName>>,
    /// Nothing but these can be reached with it. Empty: everything.
    pub sites: BTreeSet<SiteName>,
}

impl Only {
    /// As many sites may be named.
    pub const MOST_SITES: usize = 32;

    /// Everybody, and everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.people.is_none() && self.sites.is_empty()
    }

    /// Whether every site that can be reached with this can be reached with `other`.
    #[must_use]
    pub fn reaches_no_more_than(&self, other: &Only) -> bool {
        let within = |site: &SiteName| other.sites.iter().any(|wider| wider.covers(site));
        other.sites.is_empty() || (!self.sites.is_empty() && self.sites.iter().all(within))
    }

    #[must_use]
    pub fn admits(&self, name: &PersonName) -> bool {
        self.people.as_ref().is_none_or(|people| people.contains(name))
    }
}

impl Bucket {
    /// A part for everybody and always, that renews with the plan.
    #[must_use]
    pub fn main(cap: Option<Bytes>) -> Bucket {
        Bucket {
            id: BucketId::FIRST,
            name: "plan".to_owned(),
            cap,
            period: None,
            unused: Unused::Lost,
            hours: None,
            rate: None,
            pay: None,
            only: Only::default(),
            since: UnixTime::default(),
        }
    }

    /// The only sites that can be reached with it; `None`: all.
    #[must_use]
    pub fn sites(&self) -> Option<&BTreeSet<SiteName>> {
        Some(&self.only.sites).filter(|sites| !sites.is_empty())
    }

    /// What rolls over into the period after one in which `used` of `cap` and of `brought` was used: what was
    /// brought from before is used first.
    #[must_use]
    pub fn rolls_over(&self, used: Bytes, brought: Bytes) -> Bytes {
        let Some(cap) = self.cap else { return Bytes::ZERO };
        match self.unused {
            Unused::Lost => Bytes::ZERO,
            Unused::NextPeriod => cap.saturating_sub(used.saturating_sub(brought)),
            Unused::Kept { most } => (cap + brought).saturating_sub(used).min(most),
        }
    }
}
