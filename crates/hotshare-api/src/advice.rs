//! What `hotshare advise --json` prints. It asks the daemon for usage only.

use serde::{Deserialize, Serialize};

/// The cheapest year. Amounts of money are decimal numbers in quotes, in `currency`, with the tax as it was stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    pub schema: u32,
    /// The first and the last day of the year that is asked about.
    pub first: String,
    pub last: String,
    /// Bytes, in all.
    pub need: u64,
    /// Days of history that the year is made of.
    pub basis_days: u32,
    pub currency: Option<String>,
    pub best: AdviceChoice,
    /// Cheapest first.
    pub others: Vec<AdviceChoice>,
    /// With the present plan at home; `null`: there is none to compare with.
    pub present: Option<AdviceChoice>,
    /// What the best costs less than the present plan; negative: more. `null`: there is nothing to compare with.
    pub saves: Option<String>,
    /// What was left out of account, in plain English.
    pub notes: Vec<String>,
}

/// A way through the year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceChoice {
    pub tariffs: Vec<String>,
    pub cost: String,
    /// Bytes that would not have been served.
    pub short: u64,
    pub bought: Vec<AdviceBought>,
    pub risk: Option<AdviceRisk>,
}

/// Bought once, or several times on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceBought {
    /// `null`: the present plan.
    pub tariff: Option<String>,
    pub from: String,
    /// The last day on which it is used.
    pub until: String,
    pub times: u32,
    pub used: u64,
    pub short: u64,
    pub cost: String,
}

/// What the same tariffs come to in other years that are made of the same weeks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceRisk {
    /// Thousandths of these years in which something would have been left unserved.
    pub short_permille: u16,
    /// Bytes, in such a year on average.
    pub missing: u64,
    /// One year in ten costs less, one in ten more.
    pub low: String,
    pub likely: String,
    pub high: String,
}
