//! Where the plan stands: which of its parts is used now, and what people may use of it.

use std::collections::BTreeMap;

use super::Brain;
use crate::ledger::PeriodKey;
use crate::people::{Allowance, Person};
use crate::plan::{self, Bucket, PeriodSpan, Plan, Turn};
use crate::policy::PlanState;
use crate::share::{self, Sharer};
use crate::units::{Account, Bytes, PersonId, Slot};

/// The part of the plan that is used now; when there is none, the one in which is booked what nobody can stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct InUse {
    /// Its place in the plan; `None`: nothing is left, or nothing runs.
    pub(super) place: Option<usize>,
    pub(super) account: Account,
    pub(super) key: PeriodKey,
    pub(super) limit: Option<Bytes>,
    /// What the parts after it have; `None`: no end.
    pub(super) beyond: Option<i64>,
    pub(super) state: PlanState,
}

impl InUse {
    /// Kept back so that what is in flight when the plan closes does not pass its end: only of the last part.
    pub(super) fn reserve(&self) -> Bytes {
        match (self.limit, self.beyond) {
            (Some(limit), Some(0)) => plan::reserve(limit),
            _ => Bytes::ZERO,
        }
    }
}

impl Brain {
    /// What is left of a part in a period: not granted, or granted and not spent; `None`: no end.
    pub(super) fn left_of(&self, bucket: &Bucket, key: PeriodKey) -> Option<i64> {
        let account = Account::Bucket(bucket.id);
        let limit = self.limit_of(bucket, key)?;
        Some(limit.signed().saturating_sub(self.used_in(Slot::PLAN, account, key)))
    }

    /// What may be used of a part in a period.
    pub(super) fn limit_of(&self, bucket: &Bucket, key: PeriodKey) -> Option<Bytes> {
        Plan::limit_of(bucket, self.book.totals.used(Account::BucketCredit(bucket.id), key))
    }

    /// Something that fits a packet is left of it.
    fn has_some(&self, bucket: &Bucket, key: PeriodKey) -> bool {
        let dry = self.dry.get(&(Account::Bucket(bucket.id), key));
        self.left_of(bucket, key).is_none_or(|left| left > 0 && dry.is_none_or(|dry| left > *dry))
    }

    pub(super) fn plan_in_use(&self) -> InUse {
        let plan = &self.book.plan;
        let running: Vec<(Turn, &Bucket)> =
            plan.running(self.at).filter_map(|turn| Some((turn, plan.buckets.get(turn.at)?))).collect();
        let usable =
            |(turn, bucket): &&(Turn, &Bucket)| turn.in_hours && self.has_some(bucket, turn.span.key);
        let mut usable = running.iter().filter(usable);
        if let Some((turn, bucket)) = usable.next() {
            let mut beyond = usable.map(|(turn, bucket)| self.left_of(bucket, turn.span.key));
            let beyond = beyond.try_fold(0i64, |sum, left| Some(sum.saturating_add(left?)));
            return InUse {
                place: Some(turn.at),
                account: Account::Bucket(bucket.id),
                key: turn.span.key,
                limit: self.limit_of(bucket, turn.span.key),
                beyond,
                state: match bucket.sites() {
                    None => PlanState::InUse(bucket.rate),
                    Some(_) => PlanState::OnlySites(bucket.rate),
                },
            };
        }
        let state = match running.iter().any(|(turn, bucket)| self.could_buy(bucket, turn)) {
            _ if running.is_empty() => PlanState::Over,
            true => PlanState::AsksForMoney,
            false => PlanState::Used,
        };
        // What nobody can stop goes to the last part that costs nothing more, or that was paid for.
        let paid = |(turn, bucket): &&(Turn, &Bucket)| {
            bucket.pay.is_none() || self.limit_of(bucket, turn.span.key).is_some_and(|l| l > Bytes::ZERO)
        };
        let last = running.iter().rev().find(paid).or(running.last());
        let (account, key, limit) = match last {
            Some((turn, bucket)) => {
                (Account::Bucket(bucket.id), turn.span.key, self.limit_of(bucket, turn.span.key))
            }
            None => {
                let id = plan.main().map_or_else(Default::default, |bucket| bucket.id);
                (Account::Bucket(id), PeriodKey::ALWAYS, None)
            }
        };
        InUse { place: None, account, key, limit, beyond: Some(0), state }
    }

    /// The owner could agree to another step.
    fn could_buy(&self, bucket: &Bucket, turn: &Turn) -> bool {
        bucket.pay.as_ref().is_some_and(|pay| {
            turn.in_hours
                && self.bought(bucket, turn.span.key).0.saturating_add(pay.price.money.0) <= pay.limit.0
        })
    }

    /// Where the plan stands for one person.
    pub(super) fn plan_state_for(&self, person: &Person) -> PlanState {
        let now = self.plan_in_use();
        if self.plan_is_used() && now.state.is_in_use() {
            return PlanState::Used;
        }
        let bucket = now.place.and_then(|place| self.book.plan.buckets.get(place));
        match bucket {
            Some(bucket) if !bucket.only.admits(&person.name) => PlanState::KeptForOthers,
            Some(_) | None => now.state,
        }
    }

    /// The period of the main part, by which the plan's figures are told; false when it does not run.
    pub(super) fn plan_span(&self) -> (PeriodSpan, bool) {
        use crate::plan::Phase;
        match self.book.plan.at(self.at) {
            Phase::Running(span) => (span, true),
            Phase::NotBegun(begins) => {
                (PeriodSpan { key: PeriodKey::ALWAYS, begins: self.at, ends: Some(begins) }, false)
            }
            Phase::Over(ended) => (PeriodSpan { key: PeriodKey::ALWAYS, begins: ended, ends: None }, false),
        }
    }

    /// What is over of the plan's period, in millionths.
    pub(super) fn plan_gone(&self) -> u32 {
        let (span, runs) = self.plan_span();
        let Some(ends) = span.ends.filter(|_| runs) else { return 0 };
        let (gone, length) =
            (self.at.0.saturating_sub(span.begins.0).max(0), ends.0.saturating_sub(span.begins.0));
        let parts = i128::from(gone) * 1_000_000 / i128::from(length.max(1));
        u32::try_from(parts).unwrap_or(0).min(1_000_000)
    }

    /// The parts of those who share fairly; nobody has one while something without an end is left.
    pub(super) fn fair_parts(&self) -> BTreeMap<PersonId, Bytes> {
        let fair: Vec<&Person> =
            self.book.people.values().filter(|p| p.allowance == Allowance::Fair).collect();
        if fair.is_empty() {
            return BTreeMap::new();
        }
        let plan = &self.book.plan;
        let mut left = 0i64;
        let mut last = None;
        for turn in plan.running(self.at) {
            let Some(bucket) = plan.buckets.get(turn.at) else { continue };
            if bucket.pay.is_some() || !bucket.only.is_all() || !turn.in_hours {
                continue;
            }
            match self.left_of(bucket, turn.span.key) {
                None => {
                    // A slow rest without an end is not what people share; a fast one is.
                    if bucket.rate.is_none() {
                        return BTreeMap::new();
                    }
                }
                Some(some) => {
                    left = left.saturating_add(some.max(0));
                    last = self.limit_of(bucket, turn.span.key);
                }
            }
        }
        let in_use = self.plan_in_use();
        let now = in_use.place.and_then(|place| plan.buckets.get(place));
        // What is kept for some sites is everybody's who needs them.
        let endless = |bucket: &Bucket| bucket.cap.is_none() && bucket.pay.is_none();
        if now.is_some_and(|bucket| endless(bucket) || bucket.sites().is_some()) {
            return BTreeMap::new();
        }
        // What is kept for what is in flight, and what was promised to others, is not shared.
        let kept = last.map_or(0, |limit| plan::reserve(limit).signed());
        let promised = self.book.people.values().filter_map(|person| match person.allowance {
            Allowance::Limited { .. } => self.person_left(person),
            Allowance::Fair | Allowance::Unlimited => None,
        });
        let promised = promised.fold(0i64, |sum, left| sum.saturating_add(left.max(0)));
        let left = Bytes::from_signed(left.saturating_sub(kept).saturating_sub(promised));
        let key = self.plan_span().0.key;
        let sharers: Vec<Sharer> = fair
            .iter()
            .map(|person| Sharer {
                weight: person.weight,
                used: Bytes::from_signed(self.used_in(person.slot, Account::Person(person.id), key)),
                credit: self.book.totals.used(Account::PersonCredit(person.id), key),
            })
            .collect();
        fair.iter().map(|person| person.id).zip(share::parts(left, &sharers)).collect()
    }

    /// What a person may use in the period of the allowance; `None`: no limit.
    pub(super) fn person_limit(&self, person: &Person) -> Option<Bytes> {
        match person.allowance {
            Allowance::Unlimited => None,
            Allowance::Limited { bytes, .. } => {
                let key = self.person_span(person).key;
                let credit = self.book.totals.used(Account::PersonCredit(person.id), key);
                Some(Bytes::from_signed(bytes.signed().saturating_add(credit)))
            }
            Allowance::Fair => self.fair.get(&person.id).copied(),
        }
    }

    /// What is left of it.
    pub(super) fn person_left(&self, person: &Person) -> Option<i64> {
        let key = self.person_span(person).key;
        let used = self.used_in(person.slot, Account::Person(person.id), key);
        self.person_limit(person).map(|limit| limit.signed().saturating_sub(used))
    }
}
