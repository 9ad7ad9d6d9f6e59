//! What comes on top of caps and allowances: rolled over, bought, topped up, given, lent. Each is an entry.

use std::collections::BTreeMap;

use super::Brain;
use crate::ask::Refusal;
use crate::diary::Happening;
use crate::grant::Position;
use crate::ledger::{Entry, EntryKind, PeriodKey};
use crate::money::Money;
use crate::people::{Allowance, Person, PersonName};
use crate::plan::{Bucket, Phase, Turn, Unused};
use crate::record::{Change, Wish};
use crate::share::{self, Lender};
use crate::units::{Account, Bytes, UnixTime};

/// The least that is borrowed at once, so that loans are few.
const LOAN: Bytes = Bytes::MIB;
/// Of a machine that was off, so many periods at most are told one by one.
const MOST_ROLLED: usize = 64;
/// A person's credit: far from where sums of the ledger end, with any allowance below it.
const MOST_ON_TOP: i64 = 1 << 62;

impl Brain {
    fn credit(&self, account: Account, period: PeriodKey, kind: EntryKind, bytes: i64) -> Change {
        Change::Entry(Entry { at: self.at, account, period, kind, bytes })
    }

    /// What was not used of parts in the periods before the one that runs. Also of those in which the machine was
    /// off; and once more when the clock had gone back, and what rolled over was used after all. True: something
    /// cannot be told yet.
    pub(super) fn roll_over(&self, changes: &mut Vec<Change>) -> bool {
        let plan = &self.book.plan;
        let mut waits = false;
        for turn in plan.running(self.at) {
            let Some(bucket) = plan.buckets.get(turn.at).filter(|b| b.unused != Unused::Lost) else {
                continue;
            };
            // What is granted and not spent still counts as used there; it is given back first.
            let account = Account::Bucket(bucket.id);
            if self.book.granted.values().any(|g| g.account == account && g.period != turn.span.key) {
                waits = true;
                continue;
            }
            let credit = Account::BucketCredit(bucket.id);
            let mut rolled: BTreeMap<PeriodKey, i64> = BTreeMap::new();
            for (last, key) in self.to_roll(bucket, &turn).into_iter().rev() {
                let brought =
                    rolled.get(&last).copied().unwrap_or_else(|| self.book.totals.used(credit, last));
                let used = Bytes::from_signed(self.book.totals.used(account, last));
                let bytes = bucket.rolls_over(used, Bytes::from_signed(brought)).signed();
                rolled.insert(key, bytes);
                let more = bytes.saturating_sub(self.book.totals.used(credit, key));
                if more != 0 || !self.book.totals.has(credit, key) {
                    changes.push(self.credit(credit, key, EntryKind::RollOver, more));
                }
            }
        }
        waits
    }

    /// From which period into which something rolls over, latest first: all of those since time was last written
    /// down.
    fn to_roll(&self, bucket: &Bucket, turn: &Turn) -> Vec<(PeriodKey, PeriodKey)> {
        let (plan, credit) = (&self.book.plan, Account::BucketCredit(bucket.id));
        let period = plan.period_of(bucket);
        let at = |at| match period.at(&plan.zone, at) {
            Phase::Running(span) => Some(span),
            Phase::NotBegun(_) | Phase::Over(_) => None,
        };
        let kept = self.book.clock.and_then(at).map(|span| span.key);
        let mut steps = Vec::new();
        let mut span = turn.span;
        while bucket.since < span.begins && steps.len() < MOST_ROLLED {
            let is_done = kept.is_some_and(|kept| kept >= span.key) && self.book.totals.has(credit, span.key);
            let Some(last) = at(UnixTime(span.begins.0 - 1)).filter(|_| !is_done) else { break };
            steps.push((last.key, span.key));
            span = last;
        }
        steps
    }

    /// What was bought of a part in a period, as the carrier asks for it.
    pub(super) fn bought(&self, bucket: &Bucket, key: PeriodKey) -> Money {
        let bytes = self.book.totals.used(Account::BucketCredit(bucket.id), key);
        let price = bucket.pay.as_ref().map(|pay| pay.price);
        price.and_then(|price| price.of(Bytes::from_signed(bytes))).unwrap_or_default()
    }

    /// The owner agrees to another step of money.
    pub(super) fn consent(&self, money: Money) -> Result<Vec<Change>, Refusal> {
        let Some(step) = self.next_step() else { return Err(self.nothing_to_buy()) };
        if money != step.money {
            return Err(Refusal::NotTheStep { step: step.money });
        }
        let bytes = step.pay.price.bytes_for(step.money);
        if bytes.0 > i64::MAX.unsigned_abs() {
            return Err(Refusal::MoneyLimit { limit: step.pay.limit, bought: step.bought });
        }
        let account = Account::BucketCredit(step.bucket);
        Ok(vec![self.credit(account, step.key, EntryKind::Bought, bytes.signed())])
    }

    fn nothing_to_buy(&self) -> Refusal {
        let plan = &self.book.plan;
        let costly = plan.running(self.at).filter(|turn| turn.in_hours).find_map(|turn| {
            let bucket = plan.buckets.get(turn.at)?;
            let (limit, bought) = (bucket.pay?.limit, self.bought(bucket, turn.span.key));
            Some(Refusal::MoneyLimit { limit, bought })
        });
        costly.unwrap_or(Refusal::NothingToBuy)
    }

    pub(super) fn top_up(&self, name: &PersonName, bytes: Bytes) -> Result<Vec<Change>, Refusal> {
        let person = self.named(name)?;
        if person.allowance == Allowance::Unlimited {
            return Err(Refusal::HasNoAllowance(name.clone()));
        }
        if bytes == Bytes::ZERO {
            return Err(Refusal::Nothing);
        }
        let (account, key) = (Account::PersonCredit(person.id), self.person_span(person).key);
        if self.book.totals.used(account, key).saturating_add(bytes.signed()) > MOST_ON_TOP {
            return Err(Refusal::TooMuch(name.clone()));
        }
        let mut changes = self.on_top(person, EntryKind::TopUp, bytes);
        if self.book.wishes.contains_key(&person.id) {
            changes.push(Change::WishGone(person.id));
        }
        Ok(changes)
    }

    /// So much more than there is for a person; what was used slowly after the end does not count against it.
    fn on_top(&self, person: &Person, kind: EntryKind, bytes: Bytes) -> Vec<Change> {
        let (account, key) = (Account::PersonCredit(person.id), self.person_span(person).key);
        let mut changes = Vec::new();
        let over = self.person_left(person).map_or(0, |left| left.min(0).saturating_neg());
        if over > 0 && matches!(person.allowance, Allowance::Limited { .. }) {
            changes.push(self.credit(account, key, EntryKind::Overrun, over));
        }
        changes.push(self.credit(account, key, kind, bytes.signed()));
        changes
    }

    /// A line for the diary, written together with what it tells.
    fn noted(&self, happening: &Happening) -> Change {
        Change::Noted(happening.noted(self.at))
    }

    /// A person asks for more; a second wish takes the place of the first.
    pub(super) fn wish(&self, name: &PersonName, bytes: Bytes) -> Result<Vec<Change>, Refusal> {
        let person = self.named(name)?;
        if person.allowance == Allowance::Unlimited {
            return Err(Refusal::HasNoAllowance(name.clone()));
        }
        if bytes == Bytes::ZERO {
            return Err(Refusal::Nothing);
        }
        let wish = Wish { person: person.id, bytes, at: self.at };
        let line = self.noted(&Happening::Asked { name: name.clone(), bytes });
        Ok(vec![Change::Wish(wish), line])
    }

    /// The owner's answer: all of it, another amount, or nothing.
    pub(super) fn answer_wish(
        &self,
        name: &PersonName,
        bytes: Option<Bytes>,
    ) -> Result<Vec<Change>, Refusal> {
        let id = self.named(name)?.id;
        let wish = self.book.wishes.get(&id).copied().ok_or_else(|| Refusal::NoWish(name.clone()))?;
        match bytes.map(|bytes| if bytes == Bytes::ZERO { wish.bytes } else { bytes }) {
            Some(bytes) => {
                let mut changes = self.top_up(name, bytes)?;
                changes.push(self.noted(&Happening::Granted { name: name.clone(), bytes }));
                Ok(changes)
            }
            None => {
                let denied = Happening::Denied { name: name.clone(), bytes: wish.bytes };
                Ok(vec![Change::WishGone(id), self.noted(&denied)])
            }
        }
    }

    /// From one to another. What the giver's devices could still spend of it was taken out of the kernel before.
    pub(super) fn gift(
        &self,
        from: &PersonName,
        to: &PersonName,
        bytes: Bytes,
    ) -> Result<Vec<Change>, Refusal> {
        let (giver, taker) = (self.named(from)?, self.named(to)?);
        if giver.id == taker.id || bytes == Bytes::ZERO {
            return Err(Refusal::Nothing);
        }
        for person in [giver, taker] {
            if person.allowance == Allowance::Unlimited {
                return Err(Refusal::HasNoAllowance(person.name.clone()));
            }
        }
        let spare = self.spare(giver).unwrap_or(0);
        if spare < bytes.signed() {
            return Err(Refusal::NotEnough { name: from.clone(), left: Bytes::from_signed(spare) });
        }
        let (account, key) = (Account::PersonCredit(giver.id), self.person_span(giver).key);
        let mut changes = vec![self.credit(account, key, EntryKind::Gift, bytes.signed().saturating_neg())];
        changes.extend(self.on_top(taker, EntryKind::Gift, bytes));
        changes.push(self.noted(&Happening::Gift { from: from.clone(), to: to.clone(), bytes }));
        Ok(changes)
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
        let sharing = |p: &&Person| self.fair.contains_key(&p.id) && !self.leaving.contains(&p.id);
        // One at a time: the next one's loan is worked out from what is left then.
        for person in self.book.people.values().filter(sharing) {
            let at = self.allowance_position(person);
            let least = least_of(&at).signed();
            let Some(free) = at.free.filter(|free| at.active && free.saturating_mul(2) < least) else {
                continue;
            };
            // What was used slowly after the end is borrowed with it.
            let owed = free.min(0).saturating_neg();
            let lenders: Vec<&Person> =
                self.book.people.values().filter(sharing).filter(|p| p.id != person.id).collect();
            let positions: Vec<Lender> = lenders.iter().map(|p| self.lender(p, key)).collect();
            let wanted = Bytes::from_signed(least.saturating_add(owed));
            let loans = share::loans(wanted, gone, &positions);
            let sum: Bytes = loans.iter().copied().sum();
            if sum.signed() < owed.saturating_add(LOAN.signed() / 4) {
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

    fn lender(&self, person: &Person, key: PeriodKey) -> Lender {
        let credit = self.book.totals.used(Account::PersonCredit(person.id), key);
        Lender {
            part: self.fair.get(&person.id).copied().unwrap_or_default(),
            used: Bytes::from_signed(self.book.totals.used(Account::Person(person.id), key)),
            lent: Bytes::from_signed(credit.saturating_neg()),
            keeps: least_of(&self.allowance_position(person)),
        }
    }
}

/// Who has less than half of this borrows so much.
fn least_of(at: &Position) -> Bytes {
    at.usual().max(LOAN)
}
