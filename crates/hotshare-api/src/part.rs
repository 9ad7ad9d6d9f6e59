//! The parts of a plan, and rules of the week.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::object::only_objects;
use crate::words::Period;

/// What is bought as one part of a plan. Parts are used in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Part {
    /// What people call it; two parts of a plan never have the same name.
    pub name: String,
    /// Bytes in a period; `null`: no end.
    #[serde(default)]
    pub cap: Option<u64>,
    /// When it renews; `null`: with the plan.
    #[serde(default)]
    pub period: Option<Period>,
    #[serde(default)]
    pub unused: Unused,
    /// Used only at these hours of the week, by the plan's civil time; `null`: always.
    #[serde(default)]
    pub hours: Option<Vec<Window>>,
    /// No faster than so many bytes a second in each direction; `null`: as fast as it goes.
    #[serde(default)]
    pub rate: Option<u64>,
    /// It costs money as it is used; `null`: it does not.
    #[serde(default)]
    pub pay: Option<Pay>,
    /// Only these people may use it; `null`: everybody.
    #[serde(default)]
    pub people: Option<Vec<String>>,
    /// Only these sites, and what is under their names, can be reached with it; empty: everything.
    #[serde(default)]
    pub sites: Vec<String>,
}

/// What becomes of what is left over at the end of a period.
// Without a field of their own, the first two would still take any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields, remote = "Self")]
pub enum Unused {
    Lost {},
    /// It can be used in the next period, before that one's own.
    NextPeriod {},
    /// It is kept, all together at most `most` bytes.
    Kept {
        /// Bytes.
        most: u64,
    },
}

impl Default for Unused {
    fn default() -> Unused {
        Unused::Lost {}
    }
}

/// A part that costs money. Amounts of money are decimal numbers in quotes, such as "2.50", in the plan's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Pay {
    /// For each `unit` begun.
    pub price: String,
    /// Bytes.
    pub unit: u64,
    /// Never more than this in a period.
    pub limit: String,
    /// The owner is asked for so much at a time.
    pub step: String,
}

/// From one time of day until another (exclusive), by civil time; past midnight when `until` is not after `from`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Window {
    /// The days on which it begins: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`.
    pub days: Vec<Day>,
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`.
    pub until: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    pub const ALL: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
}

/// Where a part of the plan stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartStatus {
    pub part: Part,
    /// It is the one that is used now.
    pub in_use: bool,
    /// The hours are such that it may be used.
    pub in_hours: bool,
    /// When its present period began and ends (exclusive); `null` when none runs, or for no end.
    pub begins: Option<i64>,
    /// Exclusive; `null` when none runs, or for no end.
    pub ends: Option<i64>,
    /// Bytes, in that period.
    pub used: u64,
    /// On top of the cap: rolled over, or bought.
    pub credit: i64,
    /// `null`: no end.
    pub balance: Option<u64>,
    /// Money that was agreed to in this period.
    pub bought: String,
}

/// What is said about money. VAT in thousandths: 190 is 19 %.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Terms {
    /// ISO 4217, such as `EUR`.
    #[serde(default)]
    pub currency: Option<String>,
    /// 0 to 1000.
    #[serde(default)]
    #[schema(maximum = 1000)]
    pub vat_permille: Option<u16>,
    /// Prices are stated with VAT.
    #[serde(default)]
    pub vat_included: bool,
    /// What the plan costs in each period.
    #[serde(default)]
    pub fee: Option<String>,
}

only_objects!(Part, Unused, Pay, Window, Terms);
