//! The carrier counts otherwise than we do: by how much, as far as the owner's corrections tell.
//!
//! Every `plan correct` compares the carrier's count of some days with ours of the same days. The middle of these
//! ratios, held within bounds, is the [`Correction`]. It changes no entry of the ledger: it makes the forecast speak
//! of the carrier's bytes, and the reserve large enough that the carrier's count does not pass the cap.

use crate::forecast::{middle, weighted_middle};
use crate::units::{Bytes, UnixTime};

mod figure;

pub use figure::{FIGURES, Figure, comparisons};

/// Bounds of the correction, in thousandths. Layer-2 headers, rounding up and radio retransmissions make a carrier count a
/// few per cent more than layer 3; what lies beyond these bounds is a mistake, or use that did not pass this machine.
pub const LEAST: u16 = 900;
pub const MOST: u16 = 1250;

/// Intervals in which we counted less than this say nothing: carriers round, and report late.
pub const TINY: Bytes = Bytes::mib(100);

/// So many of the latest comparisons make the correction, so that it follows a carrier that changes its ways.
pub const LATEST: usize = 8;

/// Comparisons that a drift is read from: the latest ones, and at least so many. With five, one mistyped figure is in 4
/// of 10 slopes and cannot be their middle.
const DRIFT_LATEST: usize = 26;
const DRIFT_LEAST: usize = 5;
const DRIFT_LEAST_WEEKS: f64 = 3.0;

/// What the carrier and we counted from one figure to the next, or from the begin of the period to its first figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// When the carrier's figure was told.
    pub at: UnixTime,
    /// Our count of the interval: billed bytes, corrections not included.
    pub ours: Bytes,
    /// The carrier's count of the same.
    pub carriers: Bytes,
}

impl Comparison {
    /// The carrier's count as a multiple of ours, within the bounds.
    fn ratio(&self) -> f64 {
        let ratio = self.carriers.0 as f64 / self.ours.0 as f64;
        ratio.clamp(f64::from(LEAST) / 1000.0, f64::from(MOST) / 1000.0)
    }

    /// Less than half or more than twice our count: mistyped, another period, or not our use alone.
    fn is_strange(&self) -> bool {
        self.carriers.0 < self.ours.0 / 2 || self.carriers.0 / 2 > self.ours.0
    }
}

/// How far a correction can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Nothing was compared: the carrier is taken to count as we do.
    Nothing,
    /// One or two comparisons, or such that contradict each other.
    Low,
    Fair,
    /// Five or more, which agree within 1.5 %.
    Good,
}

/// What was learnt from the comparisons. All shares are thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The carrier's bytes for 1000 of ours; [`LEAST`] to [`MOST`].
    pub factor: u16,
    /// How many comparisons it rests on.
    pub based_on: usize,
    /// How many of them are less than half or more than twice our count. The owner should look at them again.
    pub strange: usize,
    /// How far a comparison usually is from the middle of all.
    pub spread: u16,
    /// By how much the carrier's bytes for 1000 of ours change in a week, when they clearly do.
    pub drift: Option<i16>,
    pub confidence: Confidence,
}

impl Default for Correction {
    /// Nothing is known: the carrier counts as we do.
    fn default() -> Correction {
        let confidence = Confidence::Nothing;
        Correction { factor: 1000, based_on: 0, strange: 0, spread: 0, drift: None, confidence }
    }
}

/// The correction that these comparisons teach, in any order.
///
/// The factor is the middle of the ratios, weighted by bytes, but none counts more than twice another: so of three or
/// more, one mistyped figure cannot move it beyond what the others say. It is drawn towards 1 while there are few: by half
/// with one comparison, by a third with two, by a ninth with eight.
#[must_use]
pub fn learn(comparisons: &[Comparison]) -> Correction {
    let mut told: Vec<&Comparison> = comparisons.iter().filter(|c| c.ours >= TINY).collect();
    told.sort_by_key(|c| (c.at, c.ours, c.carriers));
    let latest = &told[told.len().saturating_sub(LATEST)..];
    if latest.is_empty() {
        return Correction::default();
    }
    let sizes: Vec<f64> = latest.iter().map(|c| c.ours.0 as f64).collect();
    let usual = middle(sizes);
    let weighted = latest.iter().map(|c| (c.ratio(), (c.ours.0 as f64 / usual).clamp(2.0 / 3.0, 4.0 / 3.0)));
    let ratio = weighted_middle(weighted.collect());
    let spread = middle(latest.iter().map(|c| (c.ratio() - ratio).abs()).collect());
    let n = latest.len();
    let spread = thousandths(spread);
    let confidence = match n {
        0..3 => Confidence::Low,
        _ if spread > 50 => Confidence::Low,
        5.. if spread <= 15 => Confidence::Good,
        _ => Confidence::Fair,
    };
    Correction {
        factor: thousandths(1.0 + (ratio - 1.0) * n as f64 / (n as f64 + 1.0)).clamp(LEAST, MOST),
        based_on: n,
        strange: latest.iter().filter(|c| c.is_strange()).count(),
        spread,
        drift: drift(&told[told.len().saturating_sub(DRIFT_LATEST)..]),
        confidence,
    }
}

/// The middle of the slopes between all pairs, if it explains more than what the ratios differ by anyway.
fn drift(told: &[&Comparison]) -> Option<i16> {
    const WEEK: f64 = 7.0 * 86_400.0;
    let first = told.first()?.at;
    let points: Vec<(f64, f64)> =
        told.iter().map(|c| ((c.at.0.saturating_sub(first.0)) as f64 / WEEK, c.ratio())).collect();
    let weeks = points.last()?.0;
    if points.len() < DRIFT_LEAST || weeks < DRIFT_LEAST_WEEKS {
        return None;
    }
    let mut slopes = Vec::new();
    for (i, (at, ratio)) in points.iter().enumerate() {
        let later = points[i + 1..].iter().filter(|(t, _)| t - at > 0.1);
        slopes.extend(later.map(|(t, r)| (r - ratio) / (t - at)));
    }
    let slope = middle(slopes);
    let offset = middle(points.iter().map(|(t, r)| r - slope * t).collect());
    let off = middle(points.iter().map(|(t, r)| (r - offset - slope * t).abs()).collect());
    let moved = (slope * weeks).abs();
    let is_clear = moved > 4.0 * off && moved >= 0.01;
    let slope =
        i16::try_from(thousandths(slope.abs())).unwrap_or(i16::MAX) * if slope < 0.0 { -1 } else { 1 };
    (is_clear && slope != 0).then_some(slope)
}

impl Correction {
    /// What the carrier will count when we count so much. For the forecast: its history and today's use are ours, its
    /// balance is the carrier's.
    #[must_use]
    pub fn as_carrier_counts(&self, ours: Bytes) -> Bytes {
        rounded_up(ours, u64::from(self.factor), 1000)
    }

    /// To be kept back of the cap beside [`crate::plan::reserve`], so that the carrier's count does not pass it either.
    ///
    /// `since` is what we counted after the last correction (or the begin of the period), `left` the cap less what is
    /// written as used. The carrier will have counted more of both. What is spent moves from `left` to `since`, so this
    /// stays the same from one correction to the next. It allows for the spread too; it is never more than a fifth of
    /// the two together, nor than `left`; and it is nothing when the carrier counts less than we do, because a reserve is
    /// not for being optimistic.
    #[must_use]
    pub fn reserve(&self, since: Bytes, left: Bytes) -> Bytes {
        let spread = if self.factor > 1000 { self.spread } else { 0 };
        let factor = u64::from(self.factor.saturating_add(spread).min(MOST));
        rounded_up(since + left, factor.saturating_sub(1000), factor).min(left)
    }

    /// The same for a plan of parts that are used one after the other: `before` is left of those before the one in use
    /// and cannot be had, `left` of the one in use, `beyond` of those after it.
    #[must_use]
    pub fn kept(&self, since: Bytes, before: Bytes, left: Bytes, beyond: Bytes) -> Kept {
        let all = self.reserve(since, before + left + beyond);
        let spendable = all.saturating_sub(before);
        let of_beyond = spendable.min(beyond);
        Kept { all, of_beyond, of_left: spendable.saturating_sub(of_beyond).min(left) }
    }
}

/// What is kept back of a plan for what the carrier counts more: the last bytes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Of everything that is left.
    pub all: Bytes,
    /// Of the parts after the one in use.
    pub of_beyond: Bytes,
    /// Of the one in use.
    pub of_left: Bytes,
}

fn rounded_up(bytes: Bytes, times: u64, of: u64) -> Bytes {
    let wide = (u128::from(bytes.0) * u128::from(times)).div_ceil(u128::from(of.max(1)));
    Bytes(u64::try_from(wide).unwrap_or(u64::MAX))
}

fn thousandths(share: f64) -> u16 {
    let rounded = (share * 1000.0).round().clamp(0.0, f64::from(u16::MAX));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within the bounds of u16"
    )]
    let whole = rounded as u16;
    whole
}

#[cfg(test)]
mod tests;
