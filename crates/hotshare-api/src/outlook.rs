//! What lies ahead, and how the carrier counts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How it will go on, and from what it was foretold. Ranges are such that four of five cases are within: one in ten is
/// below, one in ten above. It is worked out anew when what it rests on has moved by a hundredth, and at least every
/// ten minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outlook {
    /// When it was worked out.
    pub at: i64,
    /// The day that it was then.
    pub today: String,
    /// The first day of the next period; `null`: no end.
    pub ends: Option<String>,
    /// Used in the period until then, and of it today.
    pub used: u64,
    /// Of it today.
    pub used_today: u64,
    /// What might still be used then; `null`: nothing limits it.
    pub balance: Option<u64>,
    /// So many thousandths of what was counted are taken as used, for what the carrier counts otherwise; 1000 for people.
    pub factor: u16,
    /// It rests on so many days.
    pub days: u32,
    /// That is enough to foretell more than `safe`.
    pub enough: bool,
    /// That is less than four weeks: ranges are wide.
    pub thin: bool,
    /// Weekdays differ.
    pub weekly: bool,
    /// How much of a usual day each weekday has, from Monday, in thousandths.
    pub week: [u16; 7],
    /// What the whole period will have used at its end if nothing stops it.
    pub total: Option<Spread>,
    /// When the balance is used up; `null` with `lasts`: it is not expected to be.
    pub runs_out: Option<RunOut>,
    /// In so many of 1000 cases the balance lasts until the end (or for 400 days).
    pub lasts: Option<u16>,
    /// `null`: nothing limits it, or there is no end.
    pub safe: Option<Safe>,
}

/// A range of bytes: in four of five cases it is within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// One case in ten is below.
    pub low: u64,
    /// As many cases are below as above.
    pub likely: u64,
    /// One case in ten is above.
    pub high: u64,
}

/// The days between which the balance is used up, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunOut {
    /// One case in ten is before it.
    pub earliest: String,
    /// `null`: not before the period ends.
    pub likely: Option<String>,
    /// `null`: not before the period ends.
    pub latest: Option<String>,
    /// In so many of 1000 cases it is within these days.
    pub within: u16,
}

/// What may be used today so that it lasts: the part of `balance` and `used_today` together that this weekday has of all
/// days until the period ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Safe {
    /// In the whole of today.
    pub today: u64,
    /// Of it, what is left.
    pub rest: u64,
}

/// How the carrier counts, as far as the figures tell that the owner told with `plan correct`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Carrier {
    /// The carrier's bytes for 1000 of ours, 900 to 1250.
    pub factor: u16,
    pub confidence: Confidence,
    /// How many comparisons it rests on: the latest, eight at most, of 100 MiB and more.
    pub based_on: u32,
    /// How many of them are less than half or more than twice our count: most likely mistyped.
    pub strange: u32,
    /// How far one is usually from the middle of all, in thousandths.
    pub spread: u16,
    /// By how much the carrier's bytes for 1000 of ours change in a week, when they clearly do.
    pub drift: Option<i16>,
    /// Kept back of the plan for what the carrier counts more, beside `reserve`.
    pub kept: u64,
    /// What we counted since the last figure, or since the period began.
    pub since_figure: u64,
    /// The last figure.
    pub figure: Option<CarrierFigure>,
    /// What it was learnt from, oldest first.
    pub compared: Vec<Compared>,
}

/// A figure of the carrier's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CarrierFigure {
    /// When it was told.
    pub at: i64,
    /// What the carrier said was used in the period.
    pub told: u64,
}

/// From one figure to the next, or from the begin of a period to its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// When the figure was told.
    pub at: i64,
    /// What we counted, and what the carrier did.
    pub ours: u64,
    /// What the carrier counted.
    pub carriers: u64,
}

/// How far the factor can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Nothing was compared.
    Nothing,
    /// One or two comparisons, or such that contradict each other.
    Low,
    Fair,
    /// Five or more that agree.
    Good,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// Reply to `POST /v1/plan/correct`: it is durable and in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Corrected {
    pub schema: u32,
    /// Always true: what cannot be done is a failure.
    pub done: bool,
    /// What is known of how the carrier counts now.
    #[serde(default)]
    pub carrier: Option<Carrier>,
}
