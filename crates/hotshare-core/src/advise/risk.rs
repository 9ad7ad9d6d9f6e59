//! How sure it is: other years made of the same weeks.

use super::choose::World;
use super::year::another;
use super::{Choice, Question};
use crate::forecast::Draw;
use crate::money::Money;
use crate::units::Bytes;

/// So many other years are looked at.
const YEARS: usize = 50;

/// What the same tariffs would have come to in other years, bought as wisely as in the one that was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// In so many of 1000 years something would have been left unserved.
    pub short: u16,
    /// In those years, so much of a year's use on average.
    pub missing: Bytes,
    /// Of ten years, one costs less than `low` and one more than `high`; as many less as more than `likely`.
    pub low: Money,
    pub likely: Money,
    pub high: Money,
}

pub(super) fn of(question: &Question<'_>, choice: &Choice) -> Option<Risk> {
    if question.history.len() < super::LEAST_DAYS || choice.bought.is_empty() {
        return None;
    }
    let world = World::of(question);
    let mut draw = Draw::seeded(0x6164_7669_7365);
    let mut costs: Vec<_> = (0..YEARS)
        .map(|_| {
            let days = another(question.history, question.days.len(), &mut draw);
            world.with_days(&days).again(choice)
        })
        .collect();
    let short: Vec<u64> = costs.iter().map(|cost| cost.short.0).filter(|short| *short > 0).collect();
    costs.sort_by_key(|cost| cost.money);
    let at = |tenth: usize| costs.get((YEARS - 1) * tenth / 10).map_or(Money(0), |cost| cost.money);
    let count = u64::try_from(short.len()).unwrap_or(0);
    let missing: u128 = short.iter().map(|short| u128::from(*short)).sum();
    let missing = missing.checked_div(u128::from(count)).unwrap_or(0);
    Some(Risk {
        short: u16::try_from(short.len() * 1000 / YEARS).unwrap_or(u16::MAX),
        missing: Bytes(u64::try_from(missing).unwrap_or(u64::MAX)),
        low: at(1),
        likely: at(5),
        high: at(9),
    })
}
