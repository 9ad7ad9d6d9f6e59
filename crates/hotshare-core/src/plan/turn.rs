//! Whose turn it is: which part of a plan is used now.

use super::{Bucket, PeriodSpan, Phase, Plan};
use crate::units::{Bytes, UnixTime};

/// Where a part of a plan stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its place in the plan.
    pub at: usize,
    /// The period of it that runs.
    pub span: PeriodSpan,
    /// The hours are such that it may be used.
    pub in_hours: bool,
}

impl Plan {
    /// The parts whose period runs, in their order.
    pub fn running(&self, at: UnixTime) -> impl Iterator<Item = Turn> + '_ {
        self.buckets.iter().enumerate().filter_map(move |(place, bucket)| {
            let Phase::Running(span) = self.period_of(bucket).at(&self.zone, at) else { return None };
            let in_hours = bucket.hours.as_ref().is_none_or(|hours| hours.hold(&self.zone, at));
            Some(Turn { at: place, span, in_hours })
        })
    }

    /// What may be used of a part in a period, with `credit` on top of its cap; `None`: no end. What costs money
    /// has nothing but what was bought.
    #[must_use]
    pub fn limit_of(bucket: &Bucket, credit: i64) -> Option<Bytes> {
        let own = if bucket.pay.is_some() { Some(Bytes::ZERO) } else { bucket.cap };
        own.map(|cap| Bytes::from_signed(cap.signed().saturating_add(credit)))
    }
}
