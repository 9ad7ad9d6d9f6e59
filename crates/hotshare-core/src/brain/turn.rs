//! Where the plan stands: which of its parts is used now, and what people may use of it.

use std::collections::BTreeMap;

use super::Brain;
use crate::ledger::PeriodKey;
use crate::money::Money;
use crate::people::{Allowance, Person};
use crate::plan::{self, Bucket, Pay, PeriodSpan, Plan, Turn};
use crate::policy::PlanState;
use crate::reconcile::Kept;
use crate::share::{self, Sharer};
use crate::units::{Account, BucketId, Bytes, PersonId, Slot};

/// Less than this for each who shares fairly is not divided.
const CRUMB: i64 = 64 << 10;

/// The part of the plan that is used now; when there is none, the one in which is booked what nobody can stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct InUse {
    /// Its place in the plan; `None`: nothing is left, or nothing runs.
    pub(super) place: Option<usize>,
    pub(super) account: Account,
    pub(super) key: PeriodKey,
    /// What may be used of it, without what is kept back because the carrier counts more than we do.
    pub(super) limit: Option<Bytes>,
    /// What the parts after it have, likewise; `None`: no end.
    pub(super) beyond: Option<i64>,
    /// What is kept back so.
    pub(super) kept: Kept,
    pub(super) state: PlanState,
}

/// A part whose period runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand<'a> {
    pub(super) turn: Turn,
    pub(super) bucket: &'a Bucket,
    /// Not granted, or granted and not spent; `None`: no end.
    pub(super) left: Option<i64>,
    pub(super) limit: Option<Bytes>,
    /// What the parts after it have that can be used now; `None`: no end.
    pub(super) beyond: Option<i64>,
    /// It may be used now, and something is left of it.
    pub(super) usable: bool,
}

/// A step of money that the owner could agree to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) bucket: BucketId,
    pub(super) pay: &'a Pay,
    pub(super) key: PeriodKey,
    /// Agreed to already in this period.
    pub(super) bought: Money,
    /// As much as a step, or what the limit leaves.
    pub(super) money: Money,
}

/// Kept back so that what is in flight when the plan closes does not pass its end: only of the last part.
fn kept_back(limit: Option<Bytes>, beyond: Option<i64>) -> Bytes {
    match (limit, beyond) {
        (Some(limit), Some(0)) => plan::reserve(limit),
        _ => Bytes::ZERO,
    }
}

impl InUse {
    pub(super) fn reserve(&self) -> Bytes {
        kept_back(self.limit, self.beyond)
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

    /// The parts that run now, in their order.
    fn running(&self) -> Vec<(Turn, &Bucket)> {
        let plan = &self.book.plan;
        plan.running(self.at).filter_map(|turn| Some((turn, plan.buckets.get(turn.at)?))).collect()
    }

    /// Where each of them stands.
    pub(super) fn stands(&self) -> Vec<Stand<'_>> {
        let mut beyond = Some(0i64);
        let mut stands = Vec::new();
        for (turn, bucket) in self.running().into_iter().rev() {
            let (left, limit) = (self.left_of(bucket, turn.span.key), self.limit_of(bucket, turn.span.key));
            let kept = kept_back(limit, beyond);
            // Something that fits a packet is left of it.
            let dry = self.dry.get(&(Account::Bucket(bucket.id), turn.span.key));
            let fits = |left: i64| dry.is_none_or(|dry| left.saturating_sub(kept.signed()) > *dry);
            let usable = turn.in_hours && left.is_none_or(|left| left > 0 && fits(left));
            stands.push(Stand { turn, bucket, left, limit, beyond, usable });
            if usable {
                beyond = beyond.zip(left).map(|(sum, left)| sum.saturating_add(left));
            }
        }
        stands.reverse();
        stands
    }

    pub(super) fn plan_in_use(&self) -> InUse {
        let running = self.stands();
        if let Some(stand) = running.iter().find(|stand| stand.usable) {
            let in_use = InUse {
                place: Some(stand.turn.at),
                account: Account::Bucket(stand.bucket.id),
                key: stand.turn.span.key,
                limit: stand.limit,
                beyond: stand.beyond,
                kept: Kept::default(),
                state: match stand.bucket.sites() {
                    None => PlanState::InUse(stand.bucket.rate),
                    Some(_) => PlanState::OnlySites(stand.bucket.rate),
                },
            };
            let before = running.iter().take_while(|before| before.turn.at != stand.turn.at);
            return self.less_what_is_kept(in_use, stand.left, before);
        }
        let state = if running.is_empty() { PlanState::Over } else { self.at_its_end() };
        // What nobody can stop goes to the last part that costs nothing more, or that was paid for.
        let paid =
            |stand: &&Stand<'_>| stand.bucket.pay.is_none() || stand.limit.is_some_and(|l| l > Bytes::ZERO);
        let last = running.iter().rev().find(paid).or(running.last());
        let (account, key, limit) = match last {
            Some(stand) => (Account::Bucket(stand.bucket.id), stand.turn.span.key, stand.limit),
            None => {
                let id = self.book.plan.main().map_or_else(Default::default, |bucket| bucket.id);
                (Account::Bucket(id), PeriodKey::ALWAYS, None)
            }
        };
        let left = running.iter().filter(|stand| stand.turn.in_hours).filter_map(|stand| stand.left);
        let left = left.fold(0i64, |sum, left| sum.saturating_add(left.max(0)));
        let kept = Kept { all: self.kept_of(left), ..Kept::default() };
        InUse { place: None, account, key, limit, beyond: Some(0), kept, state }
    }

    /// Nothing is left of what may be used now.
    fn at_its_end(&self) -> PlanState {
        if self.next_step().is_some() { PlanState::AsksForMoney } else { PlanState::Used }
    }

    /// Where the plan stands for everybody.
    pub(super) fn plan_state(&self) -> PlanState {
        self.plan_state_of(&self.plan_in_use())
    }

    fn plan_state_of(&self, now: &InUse) -> PlanState {
        if now.state.is_in_use() && self.plan_is_used(now) { self.at_its_end() } else { now.state }
    }

    /// What the owner could agree to: the first part that costs money and has not reached its limit.
    pub(super) fn next_step(&self) -> Option<Step<'_>> {
        self.running().into_iter().find_map(|(turn, bucket)| self.step_of(&turn, bucket))
    }

    fn step_of<'a>(&self, turn: &Turn, bucket: &'a Bucket) -> Option<Step<'a>> {
        let (pay, key) = (bucket.pay.as_ref()?, turn.span.key);
        let bought = self.bought(bucket, key);
        let money = Money(pay.step.0.min(pay.limit.0.saturating_sub(bought.0)));
        let buys = turn.in_hours && money >= pay.price.money;
        buys.then_some(Step { bucket: bucket.id, pay, key, bought, money })
    }

    /// Where the plan stands for one person.
    pub(super) fn plan_state_for(&self, person: &Person) -> PlanState {
        let now = self.plan_in_use();
        let state = self.plan_state_of(&now);
        let place = now.place.filter(|_| state.is_in_use());
        match place.and_then(|place| self.book.plan.buckets.get(place)) {
            Some(bucket) if !bucket.only.admits(&person.name) => PlanState::KeptForOthers,
            Some(_) | None => state,
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
        let stands = self.stands();
        let in_use = stands.iter().find(|stand| stand.usable);
        let unshared = |stand: &Stand<'_>| stand.left.is_none() || !stand.bucket.only.is_all();
        // A slow rest without an end is not what people share; a fast one leaves nothing to share.
        let endless = |stand: &Stand<'_>| stand.usable && stand.left.is_none() && stand.bucket.rate.is_none();
        if in_use.is_some_and(unshared) || stands.iter().any(endless) {
            return BTreeMap::new();
        }
        let shared = stands.iter().filter(|stand| stand.usable && !unshared(stand));
        // What is kept for what is in flight, and what was promised to others, is not shared.
        let (left, kept) = shared.fold((0i64, 0i64), |(left, kept), stand| {
            let back = kept_back(stand.limit, stand.beyond).signed();
            (left.saturating_add(stand.left.unwrap_or(0)), kept.saturating_add(back))
        });
        let left = left.saturating_sub(kept).saturating_sub(self.kept_from(&stands, left));
        let promised = self.book.people.values().filter_map(|person| match person.allowance {
            Allowance::Limited { .. } => self.person_left(person),
            Allowance::Fair | Allowance::Unlimited => None,
        });
        let promised = promised.fold(0i64, |sum, left| sum.saturating_add(left.max(0)));
        // Crumbs are whose they are first, so that a plan can come to its end.
        let crumbs = i64::try_from(fair.len()).unwrap_or(i64::MAX).saturating_mul(CRUMB);
        if promised == 0 && left < crumbs {
            return BTreeMap::new();
        }
        let left = Bytes::from_signed(left.saturating_sub(promised));
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

    /// What is left for everybody whom it is for, when it is not divided; `None`: no end.
    pub(super) fn rest_for(&self, person: &Person) -> Option<Bytes> {
        let stands = self.stands();
        self.rest_of(&stands, &mut stands.iter().filter(|stand| stand.bucket.only.admits(&person.name)))
    }

    /// What is left of some of the parts, without what is kept back; `None`: no end.
    pub(super) fn rest_of<'a, 'b: 'a>(
        &self,
        stands: &[Stand<'b>],
        some: &mut dyn Iterator<Item = &'a Stand<'b>>,
    ) -> Option<Bytes> {
        let (left, kept) =
            some.filter(|stand| stand.usable).try_fold((0i64, 0i64), |(sum, kept), stand| {
                let left = stand.left?.max(0);
                let back = kept_back(stand.limit, stand.beyond).signed().min(left);
                Some((sum.saturating_add(left), kept.saturating_add(back)))
            })?;
        let kept = kept.saturating_add(self.kept_from(stands, left));
        Some(Bytes::from_signed(left.saturating_sub(kept)))
    }

    /// What is kept back of so much because the carrier counts more than we do: nothing where something has no end.
    fn kept_from(&self, stands: &[Stand<'_>], left: i64) -> i64 {
        let ends = stands.iter().all(|stand| !stand.usable || stand.left.is_some());
        if ends { self.kept_of(left).signed() } else { 0 }
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
