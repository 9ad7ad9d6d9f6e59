//! What a plan can be.

use super::{BadPeriod, Bucket, Hours, Only, Plan, Unused};
use crate::units::Bytes;

/// A plan that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    #[error("a plan has 1 to 16 parts; this one has {0}")]
    Parts(usize),
    #[error("“{}” is not a name for a part of a plan: write 1 to 32 characters that can be seen", .0.escape_debug())]
    Name(String),
    #[error("two parts of the plan are named “{0}”: give each a name of its own")]
    SameName(String),
    #[error("the period of “{name}”: {why}")]
    Period { name: String, why: BadPeriod },
    #[error("“{0}” has a speed of nothing: leave it out to stop there")]
    NoSpeed(String),
    #[error("“{0}” has hours that cannot be: write 1 to 32 windows of days and times")]
    Hours(String),
    #[error(
        "“{0}” costs money and needs a price, a unit and a step above 0, and a limit that is not below the step"
    )]
    Money(String),
    #[error("“{0}” costs money, so it has no cap of its own: the money limit is its cap")]
    CapAndPrice(String),
    #[error("“{0}” has no cap, so nothing of it can be left over")]
    LeftOverOfNothing(String),
    #[error(
        "“{after}” is faster than “{before}”, which is used first: a part that is used later is never faster, so that more left is never worse; change the order"
    )]
    Faster { before: String, after: String },
    #[error(
        "“{after}” is for people for whom “{before}” is not, though that is used first: what is used later is for the same people or fewer; change the order"
    )]
    Wider { before: String, after: String },
    #[error("“{0}” is kept for more sites than a part can be: name 32 at most")]
    Sites(String),
    #[error(
        "with “{after}” sites can be reached that cannot be with “{before}”, though that is used first: what is used later reaches the same sites or fewer; change the order"
    )]
    Farther { before: String, after: String },
    #[error(
        "nothing after “{0}” would ever be used: it has no cap and is always there; change the order, or give it a cap or hours"
    )]
    Unreachable(String),
}

impl Plan {
    /// Whether there can be such a plan.
    pub fn check(&self) -> Result<(), BadPlan> {
        if !(1..=Plan::MOST_BUCKETS).contains(&self.buckets.len()) {
            return Err(BadPlan::Parts(self.buckets.len()));
        }
        for (place, bucket) in self.buckets.iter().enumerate() {
            bucket.check()?;
            let before = self.buckets.iter().take(place);
            if before.clone().any(|other| other.name == bucket.name) {
                return Err(BadPlan::SameName(bucket.name.clone()));
            }
            for other in before {
                let names = || (other.name.clone(), bucket.name.clone());
                let slower = match (other.rate, bucket.rate) {
                    (None, _) => true,
                    (Some(before), Some(after)) => after <= before,
                    (Some(_), None) => false,
                };
                if !slower {
                    let (before, after) = names();
                    return Err(BadPlan::Faster { before, after });
                }
                let narrower = match (&other.only.people, &bucket.only.people) {
                    (None, _) => true,
                    (Some(before), Some(after)) => after.is_subset(before),
                    (Some(_), None) => false,
                };
                if !narrower {
                    let (before, after) = names();
                    return Err(BadPlan::Wider { before, after });
                }
                if !bucket.only.reaches_no_more_than(&other.only) {
                    let (before, after) = names();
                    return Err(BadPlan::Farther { before, after });
                }
                if other.cap.is_none()
                    && other.pay.is_none()
                    && other.hours.is_none()
                    && other.period.is_none()
                {
                    return Err(BadPlan::Unreachable(other.name.clone()));
                }
            }
        }
        Ok(())
    }
}

impl Bucket {
    fn check(&self) -> Result<(), BadPlan> {
        let name = || self.name.clone();
        let seen = self.name.trim() == self.name && !self.name.chars().any(char::is_control);
        if !seen || !(1..=32).contains(&self.name.chars().count()) {
            return Err(BadPlan::Name(name()));
        }
        if let Some(period) = self.period {
            period.check().map_err(|why| BadPlan::Period { name: name(), why })?;
        }
        if self.rate.is_some_and(|rate| rate.0 == 0) {
            return Err(BadPlan::NoSpeed(name()));
        }
        if self.hours.as_ref().is_some_and(|hours| !hours.can_be()) {
            return Err(BadPlan::Hours(name()));
        }
        if self.only.sites.len() > Only::MOST_SITES {
            return Err(BadPlan::Sites(name()));
        }
        if let Some(pay) = &self.pay {
            let priced = pay.price.money.0 > 0 && pay.price.unit > Bytes::ZERO;
            if !priced || pay.step < pay.price.money || pay.limit < pay.step {
                return Err(BadPlan::Money(name()));
            }
            if self.cap.is_some() || self.unused != Unused::Lost {
                return Err(BadPlan::CapAndPrice(name()));
            }
        } else if self.cap.is_none() && self.unused != Unused::Lost {
            return Err(BadPlan::LeftOverOfNothing(name()));
        }
        Ok(())
    }
}

impl Hours {
    /// Whether there can be such hours.
    #[must_use]
    pub fn can_be(&self) -> bool {
        let good = |w: &super::Window| (1..128).contains(&w.days) && w.from < 1440 && w.until < 1440;
        self.0.len() <= Hours::MOST && !self.0.is_empty() && self.0.iter().all(good)
    }
}
