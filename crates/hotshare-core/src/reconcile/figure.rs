//! What the owner tells of the carrier's count, and the comparisons that follow from it.

use super::{Comparison, TINY};
use crate::ledger::PeriodKey;
use crate::units::{Bytes, CardId, UnixTime};

/// So many of the latest figures are kept in mind: more than a drift is read from.
pub const FIGURES: usize = 64;

/// The carrier's figure for a period of the plan, and what we had counted when it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The data card that it is of.
    pub card: CardId,
    pub at: UnixTime,
    /// The plan's period that it is of.
    pub period: PeriodKey,
    /// What the carrier says was used in the period so far.
    pub told: Bytes,
    /// All that we ever counted as billed until then; corrections not included.
    pub counted: Bytes,
    /// Of it, the part of the period so far. `None`: the ledger does not go back to the begin of the period, so that
    /// the carrier counted what we did not.
    pub in_period: Option<Bytes>,
}

impl Figure {
    /// What the carrier and we counted since an earlier figure of the same period.
    fn since(&self, before: &Figure) -> Comparison {
        Comparison {
            at: self.at,
            ours: self.counted.saturating_sub(before.counted),
            carriers: self.told.saturating_sub(before.told),
        }
    }
}

/// What the figures say, oldest first. The first one of a period is compared with its begin, each other with the one
/// before it in the period.
///
/// A figure that is followed by another before we counted [`TINY`] more is replaced by that one: so a mistyped figure
/// is put right by telling the right one.
#[must_use]
pub fn comparisons(figures: &[Figure]) -> Vec<Comparison> {
    let mut standing: Vec<&Figure> = Vec::new();
    for figure in figures {
        let replaces = |last: &&Figure| {
            last.period == figure.period && figure.counted.saturating_sub(last.counted) < TINY
        };
        if standing.last().is_some_and(replaces) {
            standing.pop();
        }
        standing.push(figure);
    }
    let before = std::iter::once(None).chain(standing.iter().copied().map(Some));
    let compared = |(figure, before): (&&Figure, Option<&Figure>)| match before {
        Some(before) if before.period == figure.period => Some(figure.since(before)),
        Some(_) | None => {
            figure.in_period.map(|ours| Comparison { at: figure.at, ours, carriers: figure.told })
        }
    };
    standing.iter().zip(before).filter_map(compared).collect()
}
