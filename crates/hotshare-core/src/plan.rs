//! The plan that was bought: cap, period, what happens at the cap; and every calendar rule.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::units::Bytes;

/// A time zone by its IANA name, with its rules. The rules are handed in: this crate reads no files.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
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
        Zone { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// `tzif` is the zone's compiled data, in the format of RFC 9636.
    pub fn from_tzif(name: &str, tzif: &[u8]) -> Result<Zone, BadZone> {
        match TimeZone::tzif(name, tzif) {
            Ok(rules) => Ok(Zone { name: name.to_owned(), rules }),
            Err(e) => Err(BadZone { name: name.to_owned(), why: e.to_string() }),
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// When a plan renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Each month on this day, 1 to 31; in a month that is too short, on its last day.
    Monthly { day: u8 },
    /// Every `days` days, counted from `from`.
    EveryDays { days: u16, from: Date },
    /// Once: from `from` until the end of `until`. Closed before and afterwards.
    Once { from: Date, until: Date },
}

/// What happens when the plan is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtCap {
    #[default]
    Stop,
}

/// What was bought.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// `None`: counted, but never closed.
    pub cap: Option<Bytes>,
    pub period: Period,
    pub zone: Zone,
    pub at_cap: AtCap,
}
