//! Which tariff, or which several, would be the cheapest for a year of days.
//!
//! The rules, within which [`advise`] finds the cheapest of all ways and not just a good one:
//!
//! - Whoever changes tariffs does it at midnight. What is bought serves from the day on which it is bought until it ends,
//!   or until something else is used in its place; it is paid in full either way. Only the last period of the year is
//!   counted by days, its fee and its amounts alike.
//! - What is no pack (see below) binds until it ends: in its place there may be packs only, and it goes on, if it does, at
//!   its end.
//! - What serves one day only and has no price for more ([`Tariff::is_pass`]) may be bought for a day beside the tariff that
//!   runs: that day then takes nothing from it. Of the days that a tariff serves these are the ones with the most use.
//!   Beside what lasts longer than 31 days passes are not weighed, but for days that it does not serve at all.
//! - A pack that can be bought [`Tariff::again`] is bought as often as its days need; all end with the first of them.
//! - Each trip is served either by the tariffs of home, as far as they are good abroad, or by tariffs for trips, which form
//!   a line of their own.
//! - Everything must be served. If nothing can, as little as possible is left unserved, and only then money counts.
//!
//! Everything is known beforehand: a cheapest year is a bound for what can be saved, not a promise. [`Advice::best`] comes
//! with what the same tariffs would have cost in other years made of the same weeks.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::money::{Money, Vat};
use crate::plan::{Bucket, Period, Plan};
use crate::units::{Bytes, Rate};

mod charge;
mod choose;
mod front;
mod line;
mod risk;
mod year;

pub use choose::advise;
pub use risk::Risk;
pub use year::{LEAST_DAYS, length, year};

/// As many trips are weighed one by one.
pub const MOST_TRIPS: usize = 8;

/// A tariff as it is sold. Amounts of money are what is paid in the end: see [`Tariff::with`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    pub name: String,
    pub lasts: Lasts,
    /// Serves from the first until the last of these days only. `None`: at any time.
    pub dates: Option<(Date, Date)>,
    pub place: Place,
    /// Each time it is bought.
    pub fee: Money,
    /// Once, when it does not follow itself without a gap.
    pub joining: Money,
    /// A pack: it binds nobody, and can be bought another time while it lasts. The latter is of no effect with a part that has no end, costs money or rolls over.
    pub again: bool,
    /// In the order in which they are used. What is kept for some people or some hours is not counted, nor are parts with
    /// a period of their own, but for daily ones at the beginning: see [`Tariff::not_counted`].
    pub parts: Vec<Bucket>,
}

/// Until when it serves once it is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lasts {
    /// So many days; 0 is read as 1.
    Days(u16),
    /// Until the same day of the next month, or the last day of one that is too short.
    Month,
    /// Until the next such day of a month, or the last day of one that is too short.
    MonthDay(u8),
}

/// Where a tariff serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Home,
    Abroad,
    Everywhere,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The first of `days`.
    pub first: Date,
    /// What is needed on each day.
    pub days: &'a [Bytes],
    /// First and last days abroad; at most [`MOST_TRIPS`] that do not touch, more of them are served by tariffs for trips.
    pub trips: &'a [(Date, Date)],
    pub tariffs: &'a [Tariff],
    /// What there is now, to compare with; used at home only.
    pub present: Option<&'a Tariff>,
    /// A slow part of at least this speed serves; a slower one does not.
    pub fast_enough: Rate,
    /// Past days that other years are made of, for [`Risk`]; without any, nothing is said of it.
    pub history: &'a [Bytes],
}

/// Unserved first, because no price makes up for it; then money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost {
    pub short: Bytes,
    pub money: Money,
}

impl std::ops::Add for Cost {
    type Output = Cost;
    fn add(self, other: Cost) -> Cost {
        Cost { short: self.short + other.short, money: Money(self.money.0.saturating_add(other.money.0)) }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    pub best: Choice,
    /// The cheapest with other tariffs, cheapest first: each tariff alone, and what is best without one of `best`'s while the
    /// same trips are served by tariffs for trips.
    pub others: Vec<Choice>,
    /// With [`Question::present`] at home.
    pub present: Option<Choice>,
}

/// A way through the year.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub cost: Cost,
    /// In the order of days; days on which nothing is needed, or nothing serves, have none.
    pub bought: Vec<Purchase>,
    /// Of the best and of what there is now.
    pub risk: Option<Risk>,
}

impl Choice {
    /// Places in [`Question::tariffs`], each once, in their order; the present plan has none.
    #[must_use]
    pub fn tariffs(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.bought.iter().filter_map(|p| p.tariff).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Bought once, or several times on the same day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Its place in [`Question::tariffs`]; `None`: the present plan.
    pub tariff: Option<usize>,
    pub from: Date,
    /// The last day on which it is used.
    pub until: Date,
    pub times: u32,
    pub used: Bytes,
    /// With what joining and more than the included data cost.
    pub cost: Cost,
}

impl Tariff {
    /// What there is now as a tariff; `None`: it was bought once and does not renew.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Option<Tariff> {
        let lasts = match plan.period {
            Period::Monthly { day } => Lasts::MonthDay(day),
            Period::EveryDays { days, .. } => Lasts::Days(days),
            Period::Once { .. } => return None,
        };
        let tariff = Tariff {
            name: "plan".to_owned(),
            lasts,
            dates: None,
            place: Place::Home,
            fee: plan.terms.fee.unwrap_or_default(),
            joining: Money(0),
            again: false,
            parts: plan.buckets.clone(),
        };
        Some(tariff.with(plan.terms.vat))
    }

    /// With the tax on every amount, if it is stated without.
    #[must_use]
    pub fn with(mut self, vat: Option<Vat>) -> Tariff {
        let Some(Vat { permille, included: false }) = vat else { return self };
        let more = |money: Money| {
            let all = i128::from(money.0) * (1000 + i128::from(permille));
            Money(i64::try_from((all + 999).div_euclid(1000)).unwrap_or(i64::MAX))
        };
        self.fee = more(self.fee);
        self.joining = more(self.joining);
        for pay in self.parts.iter_mut().filter_map(|part| part.pay.as_mut()) {
            pay.price.money = more(pay.price.money);
            pay.limit = more(pay.limit);
            pay.step = more(pay.step);
        }
        self
    }

    /// Serves one day at a price known beforehand.
    #[must_use]
    pub fn is_pass(&self) -> bool {
        matches!(self.lasts, Lasts::Days(0..=1))
            && self.joining.0 == 0
            && self.parts.iter().all(|part| part.pay.is_none())
    }

    /// Names of parts that a history of whole days says nothing about; the tariff is weighed as if it had none of them.
    pub fn not_counted(&self) -> impl Iterator<Item = &str> {
        let counted = charge::counted(&self.parts);
        self.parts
            .iter()
            .zip(counted)
            .filter(|(_, as_what)| *as_what == charge::As::Nothing)
            .map(|(part, _)| part.name.as_str())
    }

    /// Whether it is for sale on a day.
    fn serves_on(&self, day: Date) -> bool {
        self.dates.is_none_or(|(from, until)| from <= day && day <= until)
    }
}

impl Lasts {
    /// A month at most.
    fn is_short(self) -> bool {
        !matches!(self, Lasts::Days(32..))
    }

    /// The first day that it does not serve when it is bought on `from`. Never earlier for a later `from`.
    #[must_use]
    pub fn end(self, from: Date) -> Date {
        let end = match self {
            Lasts::Days(days) => from.checked_add(i64::from(days.max(1)).days()),
            Lasts::Month => from.checked_add(1.month()),
            Lasts::MonthDay(day) => {
                let in_month = |month: Date| {
                    let day = i8::try_from(day.max(1)).unwrap_or(i8::MAX).min(month.days_in_month());
                    Date::new(month.year(), month.month(), day)
                };
                match in_month(from) {
                    Ok(end) if end > from => Ok(end),
                    _ => from.first_of_month().checked_add(1.month()).and_then(in_month),
                }
            }
        };
        end.unwrap_or(Date::MAX)
    }
}

#[cfg(test)]
mod tests;
