//! The plan that was bought: cap, period, what happens at the cap; and every calendar rule.
//!
//! Knows no present time: every question comes with the instant it is asked about.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::ledger::PeriodKey;
use crate::money::{Currency, Money, Vat};
use crate::units::{Bytes, UnixTime};

pub use bucket::{Bucket, Only, Pay, Unused};
pub use check::BadPlan;
pub use hours::{Hours, Window};
pub use jiff::civil::Date;
pub use site::{NotASite, SiteName};
pub use turn::Turn;

mod bucket;
mod calendar;
mod check;
pub mod hours;
pub mod site;
mod turn;

/// A time zone by its IANA name, with its rules. The rules are handed in: this crate reads no files.
#[derive(Clone)]
pub struct Zone {
    name: String,
    tzif: Arc<[u8]>,
    rules: TimeZone,
}

/// The zone's data could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data for time zone “{name}” is unusable: {why}")]
pub struct BadZone {
    pub name: String,
    pub why: String,
}

impl Zone {
    #[must_use]
    pub fn utc() -> Zone {
        Zone { name: "UTC".to_owned(), tzif: Arc::new([]), rules: TimeZone::UTC }
    }

    /// `tzif` is the zone's compiled data, in the format of RFC 9636. Empty data is accepted for “UTC” only.
    pub fn from_tzif(name: &str, tzif: &[u8]) -> Result<Zone, BadZone> {
        if tzif.is_empty() && name == "UTC" {
            return Ok(Zone::utc());
        }
        match TimeZone::tzif(name, tzif) {
            Ok(rules) => Ok(Zone { name: name.to_owned(), tzif: tzif.into(), rules }),
            Err(e) => Err(BadZone { name: name.to_owned(), why: e.to_string() }),
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The data that [`Zone::from_tzif`] was given, so that the rules a plan was bought under can be kept with it.
    #[must_use]
    pub fn tzif(&self) -> &[u8] {
        &self.tzif
    }
}

/// The same name and the same rules.
impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name && self.tzif == other.tzif
    }
}
impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

/// When a plan renews. A period begins at the first instant of its civil date in the plan's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Each month on this day, 1 to 31; in a month that is too short, on its last day.
    Monthly { day: u8 },
    /// Every `days` days, counted from `from`. Before `from` the plan has not begun.
    EveryDays { days: u16, from: Date },
    /// Once: from `from` until the end of `until`. Closed before and afterwards.
    Once { from: Date, until: Date },
}

/// How often a person's allowance renews, by civil time in the plan's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Every {
    Day,
    /// Weeks begin on Monday.
    Week,
    /// Months begin on the 1st.
    Month,
    /// Never: the allowance is a total.
    Total,
}

/// One period: its key in the ledger, and the instants from which and until which (exclusive) it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodSpan {
    pub key: PeriodKey,
    pub begins: UnixTime,
    /// `None`: it never ends.
    pub ends: Option<UnixTime>,
}

/// Where an instant falls in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Running(PeriodSpan),
    /// The plan begins then.
    NotBegun(UnixTime),
    /// The plan ended then.
    Over(UnixTime),
}

/// A period that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPeriod {
    #[error(
        "a plan cannot renew on day {0} of the month: choose a day from 1 to 31 (a short month uses its last day)"
    )]
    Day(u8),
    #[error("a plan cannot renew every 0 days: choose 1 day or more")]
    NoDays,
    #[error("a plan cannot end on {until}, before it begins on {from}: swap the dates")]
    Backwards { from: Date, until: Date },
    #[error("{0} is outside the years 1970 to 9000, which is all that plans can use")]
    Year(Date),
}

/// What was bought.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// When it renews.
    pub period: Period,
    pub zone: Zone,
    /// In the order in which they are used, 1 to [`Plan::MOST_BUCKETS`]. At the end of the last one the plan is closed.
    pub buckets: Vec<Bucket>,
    pub terms: Terms,
}

/// What is said about money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    pub currency: Option<Currency>,
    pub vat: Option<Vat>,
    /// What the plan costs in each of its periods.
    pub fee: Option<Money>,
}

impl Plan {
    /// As many parts may a plan have.
    pub const MOST_BUCKETS: usize = 16;

    /// A plan of one part.
    #[must_use]
    pub fn simple(cap: Option<Bytes>, period: Period, zone: Zone) -> Plan {
        Plan { period, zone, buckets: vec![Bucket::main(cap)], terms: Terms::default() }
    }

    /// Where `at` falls in this plan.
    #[must_use]
    pub fn at(&self, at: UnixTime) -> Phase {
        self.period.at(&self.zone, at)
    }

    /// The part that people mean by “the plan”: the first one that is for everybody and always, renews with the
    /// plan and costs nothing more; the first of all if there is none such.
    #[must_use]
    pub fn main(&self) -> Option<&Bucket> {
        self.main_at().and_then(|at| self.buckets.get(at))
    }

    /// Its place.
    #[must_use]
    pub fn main_at(&self) -> Option<usize> {
        let plain =
            |b: &Bucket| b.period.is_none() && b.hours.is_none() && b.pay.is_none() && b.only.is_all();
        self.buckets.iter().position(plain).or((!self.buckets.is_empty()).then_some(0))
    }

    /// The cap of the main part; `None`: counted, but never closed.
    #[must_use]
    pub fn cap(&self) -> Option<Bytes> {
        self.main().and_then(|bucket| bucket.cap)
    }

    /// When this part renews.
    #[must_use]
    pub fn period_of(&self, bucket: &Bucket) -> Period {
        bucket.period.unwrap_or(self.period)
    }
}

/// Kept back of a cap, so that what is still in flight when the plan closes does not pass the cap:
/// 1 % of it, at most 16 MiB.
#[must_use]
pub fn reserve(cap: Bytes) -> Bytes {
    Bytes(cap.0 / 100).min(Bytes::mib(16))
}

#[cfg(test)]
mod tests;
