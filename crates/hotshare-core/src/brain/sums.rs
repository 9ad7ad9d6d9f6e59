//! What is used, by the book and by what the meter says of the grants that are out; and how the owner puts it right.

use super::Brain;
use crate::ledger::{Entry, EntryKind, PeriodKey};
use crate::meter::Usage;
use crate::plan::{Bucket, Plan};
use crate::record::{Change, Tally};
use crate::units::{Account, Slot};

impl Brain {
    /// What the plan's period counts as used of all its parts, without what of grants is not spent.
    pub(super) fn plan_used(&self) -> i64 {
        let key = self.plan_span().0.key;
        let written = self.plan_written(key);
        let now = self.plan_in_use();
        let (posted, (_, period)) = self.posted_total(Slot::PLAN, (now.account, now.key));
        let held = posted.signed().saturating_sub(self.reading(Slot::PLAN).used().signed());
        if period >= key { written.saturating_sub(held) } else { written }
    }

    /// What is written down as used of all parts in the plan's period; of those with periods of their own, since it began.
    pub(super) fn plan_written(&self, key: PeriodKey) -> i64 {
        let totals = &self.book.totals;
        let used = |bucket: &Bucket| match bucket.period {
            None => totals.used(Account::Bucket(bucket.id), key),
            Some(_) => totals.since(Account::Bucket(bucket.id), key),
        };
        self.book.plan.buckets.iter().fold(0, |sum, bucket| sum.saturating_add(used(bucket)))
    }

    /// What an account's period counts as used, without the part of the grant that is not spent.
    pub(super) fn used_in(&self, slot: Slot, account: Account, key: PeriodKey) -> i64 {
        let (posted, drawn) = self.posted_total(slot, (account, key));
        let held = posted.signed().saturating_sub(self.reading(slot).used().signed());
        let written = self.book.totals.used(account, key);
        if drawn == (account, key) { written.saturating_sub(held) } else { written }
    }

    /// A period that begins on another day than the one that ran so far: what was used since then is used in it,
    /// unless entries say so already.
    pub(super) fn carried(&self, account: Account, period: PeriodKey, used: i64) -> Option<Change> {
        let bytes = used.saturating_sub(self.book.totals.used(account, period));
        let (at, kind) = (self.at, EntryKind::Correction);
        (bytes > 0).then_some(Change::Entry(Entry { at, account, period, kind, bytes }))
    }

    /// What the days from `from` on say, and what is not booked yet.
    pub(super) fn spent_and(&self, tally: Tally, from: PeriodKey, live: Usage) -> i64 {
        (self.book.spent_since(tally, from).total() + live.total()).signed()
    }

    /// What was used since then of those parts of a plan that have periods of their own.
    pub(super) fn used_apart(&self, plan: &Plan, from: PeriodKey) -> i64 {
        let apart = plan.buckets.iter().filter(|bucket| bucket.period.is_some());
        let used = |bucket: &Bucket| {
            let account = Account::Bucket(bucket.id);
            let (posted, drawn) = self.posted_total(Slot::PLAN, (account, from));
            let held = posted.signed().saturating_sub(self.reading(Slot::PLAN).used().signed());
            let written = self.book.totals.since(account, from);
            if drawn.0 == account && drawn.1 >= from { written.saturating_sub(held) } else { written }
        };
        apart.fold(0, |sum, bucket| sum.saturating_add(used(bucket)))
    }

    /// So many bytes more (or fewer) were used of the plan than was counted: of its parts in the order in which they are
    /// used, and back in that order.
    pub(super) fn correct(&self, bytes: i64) -> Vec<Change> {
        let (stands, now) = (self.stands(), self.plan_in_use());
        let mut rest = bytes;
        let mut last = (now.account, now.key);
        let mut parts: Vec<(Account, PeriodKey, i64)> = Vec::new();
        let at = |stand: &super::turn::Stand<'_>| (Account::Bucket(stand.bucket.id), stand.turn.span.key);
        if bytes > 0 {
            for stand in stands.iter().filter(|stand| stand.usable) {
                let part = stand.left.map_or(rest, |left| left.min(rest));
                last = at(stand);
                parts.push((last.0, last.1, part));
                rest = rest.saturating_sub(part);
            }
        } else {
            let place = stands.iter().position(|stand| at(stand) == (now.account, now.key)).unwrap_or(0);
            let (before, after) = stands.split_at((place + 1).min(stands.len()));
            for stand in before.iter().rev().chain(after) {
                let (account, key) = at(stand);
                let part = self.used_in(Slot::PLAN, account, key).max(0).saturating_neg().max(rest);
                parts.push((account, key, part));
                rest = rest.saturating_sub(part);
            }
        }
        parts.push((last.0, last.1, rest));
        let entry = |(account, period, bytes)| {
            Change::Entry(Entry { at: self.at, account, period, kind: EntryKind::Correction, bytes })
        };
        parts.into_iter().filter(|(_, _, bytes)| *bytes != 0).map(entry).collect()
    }
}
