//! What comes on top of caps and allowances: rolled over, bought, topped up, given, lent. Each is an entry.

use super::Brain;
use super::diary::readable;
use crate::ask::{Answer, Refusal};
use crate::ledger::{Entry, EntryKind, PeriodKey};
use crate::money::Money;
use crate::people::{Allowance, Person, PersonName};
use crate::plan::{Bucket, Phase, Unused};
use crate::record::{Change, Wish};
use crate::share;
use crate::units::{Account, Bytes, UnixTime};

/// The least that is borrowed at once, so that loans are few.
const LOAN: Bytes = Bytes::MIB;

impl Brain {
    fn credit(&self, account: Account, period: PeriodKey, kind: EntryKind, bytes: i64) -> Change {
        Change::Entry(Entry { at: self.at, account, period, kind, bytes })
    }

    /// What was not used of a part in the period before this one; once for each period.
    pub(super) fn roll_over(&self, changes: &mut Vec<Change>) {
        let plan = &self.book.plan;
        for turn in plan.running(self.at) {
            let Some(bucket) = plan.buckets.get(turn.at) else { continue };
            let credit = Account::BucketCredit(bucket.id);
            let is_new = bucket.since >= turn.span.begins;
            if bucket.unused == Unused::Lost || is_new || self.book.totals.has(credit, turn.span.key) {
                continue;
            }
            let before = UnixTime(turn.span.begins.0 - 1);
            let Phase::Running(last) = plan.period_of(bucket).at(&plan.zone, before) else { continue };
            // What is granted and not spent still counts as used there; it is given back first.
            let account = Account::Bucket(bucket.id);
            if self.book.granted.values().any(|g| (g.account, g.period) == (account, last.key)) {
                continue;
            }
            let used = Bytes::from_signed(self.book.totals.used(account, last.key));
            let brought = Bytes::from_signed(self.book.totals.used(credit, last.key));
            let bytes = bucket.rolls_over(used, brought).signed();
            changes.push(self.credit(credit, turn.span.key, EntryKind::RollOver, bytes));
        }
    }

    /// What was bought of a part in a period, as the carrier asks for it.
    pub(super) fn bought(&self, bucket: &Bucket, key: PeriodKey) -> Money {
        let bytes = self.book.totals.used(Account::BucketCredit(bucket.id), key);
        let price = bucket.pay.as_ref().map(|pay| pay.price);
        price.and_then(|price| price.of(Bytes::from_signed(bytes))).unwrap_or_default()
    }

    /// The owner agrees to another step of money.
    pub(super) fn consent(&self, money: Money) -> Result<Vec<Change>, Refusal> {
        let plan = &self.book.plan;
        let running = plan.running(self.at).filter_map(|turn| Some((turn, plan.buckets.get(turn.at)?)));
        let costly = running.filter_map(|(turn, bucket)| Some((turn, bucket, bucket.pay.as_ref()?)));
        let Some((turn, bucket, pay)) = costly.take(1).next() else { return Err(Refusal::NothingToBuy) };
        if money != pay.step {
            return Err(Refusal::NotTheStep { step: pay.step });
        }
        let bought = self.bought(bucket, turn.span.key);
        let step = Money(pay.step.0.min(pay.limit.0.saturating_sub(bought.0)));
        let bytes = pay.price.bytes_for(step);
        if step.0 <= 0 || bytes == Bytes::ZERO || bytes.0 > i64::MAX.unsigned_abs() {
            return Err(Refusal::MoneyLimit { limit: pay.limit, bought });
        }
        let account = Account::BucketCredit(bucket.id);
        Ok(vec![self.credit(account, turn.span.key, EntryKind::Bought, bytes.signed())])
    }

    pub(super) fn top_up(&self, name: &PersonName, bytes: Bytes) -> Result<Vec<Change>, Refusal> {
        let person = self.named(name)?;
        if person.allowance == Allowance::Unlimited {
            return Err(Refusal::HasNoAllowance(name.clone()));
        }
        let (account, key) = (Account::PersonCredit(person.id), self.person_span(person).key);
        let mut changes = vec![self.credit(account, key, EntryKind::TopUp, bytes.signed())];
        if self.book.wishes.contains_key(&person.id) {
            changes.push(Change::WishGone(person.id));
        }
        Ok(changes)
    }

    /// A person asks for more; a second wish takes the place of the first.
    pub(super) fn wish(&mut self, name: &PersonName, bytes: Bytes) -> Result<Vec<Change>, Refusal> {
        let person = self.named(name)?;
        if person.allowance == Allowance::Unlimited {
            return Err(Refusal::HasNoAllowance(name.clone()));
        }
        if bytes == Bytes::ZERO {
            return Err(Refusal::Nothing);
        }
        let wish = Wish { person: person.id, bytes, at: self.at };
        self.note("asked", format!("{name} asks for {}", readable(bytes)));
        Ok(vec![Change::Wish(wish)])
    }

    /// The owner's answer: all of it, another amount, or nothing.
    pub(super) fn answer_wish(
        &mut self,
        name: &PersonName,
        bytes: Option<Bytes>,
    ) -> Result<Vec<Change>, Refusal> {
        let id = self.named(name)?.id;
        let wish = self.book.wishes.get(&id).copied().ok_or_else(|| Refusal::NoWish(name.clone()))?;
        match bytes.map(|bytes| if bytes == Bytes::ZERO { wish.bytes } else { bytes }) {
            Some(bytes) => {
                self.note("granted", format!("{name} gets {} more", readable(bytes)));
                self.top_up(name, bytes)
            }
            None => {
                self.note("denied", format!("{name} does not get {} more", readable(wish.bytes)));
                Ok(vec![Change::WishGone(id)])
            }
        }
    }

    /// From one to another. What the giver's devices could still spend of it was taken out of the kernel before.
    pub(super) fn gift(
        &mut self,
        from: &PersonName,
        to: &PersonName,
        bytes: Bytes,
    ) -> Result<(Vec<Change>, Answer), Refusal> {
        let (giver, taker) = (self.named(from)?.clone(), self.named(to)?.clone());
        if giver.id == taker.id || bytes == Bytes::ZERO {
            return Err(Refusal::Nothing);
        }
        for person in [&giver, &taker] {
            if person.allowance == Allowance::Unlimited {
                return Err(Refusal::HasNoAllowance(person.name.clone()));
            }
        }
        let spare = self.spare(&giver).unwrap_or(0);
        if spare < bytes.signed() {
            return Err(Refusal::NotEnough { name: from.clone(), left: Bytes::from_signed(spare) });
        }
        self.note("gift", format!("{from} gives {} to {to}", readable(bytes)));
        let move_ = |person: &Person, bytes| {
            let key = self.person_span(person).key;
            self.credit(Account::PersonCredit(person.id), key, EntryKind::Gift, bytes)
        };
        Ok((
            vec![move_(&giver, bytes.signed().saturating_neg()), move_(&taker, bytes.signed())],
            Answer::Done,
        ))
    }

    /// What a person has that the kernel cannot spend: not granted, or taken back from it already.
    fn spare(&self, person: &Person) -> Option<i64> {
        let key = self.person_span(person).key;
        let limit = self.person_limit(person)?;
        let (posted, drawn) = self.posted_total(person.slot, (Account::Person(person.id), key));
        let written = self.book.totals.used(Account::Person(person.id), key);
        let back = match self.tightened.get(&person.slot) {
            Some(kept) if drawn.1 == key => posted.saturating_sub(*kept).signed(),
            Some(_) | None => 0,
        };
        Some(limit.signed().saturating_sub(written).saturating_add(back))
    }

    /// Those who have used up their fair share borrow of what others have left unused.
    pub(super) fn lend(&self, changes: &mut Vec<Change>) {
        let key = self.plan_span().0.key;
        let gone = self.plan_gone();
        // One at a time: the next one's loan is worked out from what is left then.
        for person in self.book.people.values().filter(|p| self.fair.contains_key(&p.id)) {
            let at = self.person_position(person);
            let wanted = at.usual().max(LOAN);
            if !at.active
                || self.leaving.contains(&person.id)
                || at.free.is_none_or(|free| free.saturating_mul(2) >= wanted.signed())
            {
                continue;
            }
            let lenders: Vec<&Person> = self
                .book
                .people
                .values()
                .filter(|p| {
                    p.id != person.id && self.fair.contains_key(&p.id) && !self.leaving.contains(&p.id)
                })
                .collect();
            let positions: Vec<(Bytes, Bytes)> = lenders
                .iter()
                .map(|p| {
                    let written = self.book.totals.used(Account::Person(p.id), key);
                    (self.fair.get(&p.id).copied().unwrap_or_default(), Bytes::from_signed(written))
                })
                .collect();
            let loans = share::loans(wanted, gone, &positions);
            let sum: Bytes = loans.iter().copied().sum();
            if sum < Bytes(LOAN.0 / 4) {
                continue;
            }
            for (lender, loan) in lenders.iter().zip(loans).filter(|(_, loan)| *loan > Bytes::ZERO) {
                let account = Account::PersonCredit(lender.id);
                changes.push(self.credit(account, key, EntryKind::Loan, loan.signed().saturating_neg()));
            }
            changes.push(self.credit(Account::PersonCredit(person.id), key, EntryKind::Loan, sum.signed()));
            return;
        }
    }
}
