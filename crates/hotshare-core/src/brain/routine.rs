//! What is written without anybody asking: grants, returns, overruns, the roll of periods, and each
//! minute's usage. And which posting comes next.

use std::collections::BTreeSet;

use super::diary::readable;
use super::posting::Purpose;
use super::{Brain, minute_of};
use crate::grant::{Position, Purse};
use crate::ledger::{Entry, EntryKind, PeriodKey};
use crate::people::{Allowance, Person};
use crate::plan::{Every, PeriodSpan, Phase};
use crate::record::Change;
use crate::units::{Account, Bytes, Slot};

/// What nobody can stop is written this often at most, a little of it by the minute.
const OVERRUN_SECS: u64 = 10;
/// The clock is written down this often when there is nothing else to write.
const CLOCK_SECS: u64 = 600;

/// An account with grants, where it stands, and the period that runs.
struct Standing {
    slot: Slot,
    account: Account,
    key: PeriodKey,
    at: Position,
}

impl Brain {
    /// Makes the book fit the kernel's maps as they were found.
    pub(super) fn begin(&mut self) {
        if self.book.generation != Some(self.generation) {
            let lost: Bytes = self
                .book
                .granted
                .iter()
                .filter(|(slot, _)| **slot != Slot::PLAN)
                .map(|(slot, (total, _))| total.saturating_sub(self.settled(*slot).used()))
                .sum();
            if lost > Bytes::ZERO {
                let lost = readable(lost);
                let text = format!(
                    "the power failed or the kernel was restarted: up to {lost} that were granted count as used"
                );
                self.note("grants-lost", text);
            }
            // What was granted for other maps is nothing to these, even before that is written.
            self.book.granted.clear();
            self.book.settled = self.readings.clone();
            // But the carrier billed all that they counted, as when the disk was full at their first start.
            self.book.settled.remove(&Slot::PLAN);
        }
        // Whoever is in the kernel and not in the book is closed with the first orders.
        for slot in self.readings.keys().filter(|slot| **slot != Slot::PLAN) {
            self.given.found(*slot);
        }
        self.decide();
    }

    /// The book is to speak of the kernel's maps before anything is written about them.
    fn generation_changes(&mut self) -> Vec<Change> {
        let settled = &self.book.settled;
        let settled =
            settled.iter().map(|(slot, reading)| Change::Settled { slot: *slot, reading: *reading });
        let mut changes: Vec<Change> =
            std::iter::once(Change::Generation(self.generation)).chain(settled).collect();
        // Each account begins with what it used before: what comes on top is somebody's, granted or not.
        changes.extend(self.standings().iter().map(|Standing { slot, key, .. }| {
            let (total, period) = self.posted_total(*slot, *key);
            Change::Granted { slot: *slot, total, period }
        }));
        changes.extend(self.notes.drain(..).map(Change::Noted));
        changes
    }

    /// The span of the plan's period; entries made while the plan does not run belong to no period.
    pub(super) fn plan_span(&self) -> (PeriodSpan, bool) {
        match self.book.plan.at(self.at) {
            Phase::Running(span) => (span, true),
            Phase::NotBegun(begins) => {
                (PeriodSpan { key: PeriodKey::ALWAYS, begins: self.at, ends: Some(begins) }, false)
            }
            Phase::Over(ended) => (PeriodSpan { key: PeriodKey::ALWAYS, begins: ended, ends: None }, false),
        }
    }

    /// Unlimited use is kept by the month.
    pub(super) fn person_span(&self, person: &Person) -> PeriodSpan {
        let every = match person.allowance {
            Allowance::Limited { every, .. } => every,
            Allowance::Unlimited => Every::Month,
        };
        every.at(&self.book.plan.zone, self.at)
    }

    /// What was durably posted for a slot, and the period in which its unspent part counts.
    pub(super) fn posted_total(&self, slot: Slot, key: PeriodKey) -> (Bytes, PeriodKey) {
        match self.book.granted.get(&slot) {
            Some(posted) => *posted,
            None => (self.settled(slot).used(), key),
        }
    }

    pub(super) fn plan_position(&self) -> Position {
        let (span, runs) = self.plan_span();
        let active = runs && self.ready.is_some() && !self.stopping;
        let limit = if runs { self.book.plan.cap } else { None };
        self.position(Slot::PLAN, Account::Plan, span.key, limit, active)
    }

    pub(super) fn person_position(&self, person: &Person) -> Position {
        let limit = match person.allowance {
            Allowance::Unlimited => None,
            Allowance::Limited { bytes, .. } => Some(bytes),
        };
        let here = self.present.contains(&person.id);
        let active = here && !person.paused && !self.stopping && !self.leaving.contains(&person.id);
        let key = self.person_span(person).key;
        self.position(person.slot, Account::Person(person.id), key, limit, active)
    }

    fn position(
        &self,
        slot: Slot,
        account: Account,
        key: PeriodKey,
        limit: Option<Bytes>,
        active: bool,
    ) -> Position {
        let (posted, period) = self.posted_total(slot, key);
        let used = self.reading(slot).used();
        // A roll that is not written yet: what is outstanding still counts in the old period.
        let rolling = if period == key { 0 } else { posted.signed().saturating_sub(used.signed()) };
        let free = limit.map(|limit| {
            let written = self.book.totals.used(account, key);
            limit.signed().saturating_sub(written).saturating_sub(rolling)
        });
        Position { posted, used, free, limit, active }
    }

    /// Keeps one posting under way while there is anything to write.
    pub(super) fn next_posting(&mut self) {
        if self.stopped || self.posting.is_some() || self.looking || self.tighten() {
            return;
        }
        let stuck =
            self.stuck.as_ref().filter(|(_, retry)| self.now.boot < *retry).map(|(why, _)| why.clone());
        if self.book.generation != Some(self.generation) {
            match stuck {
                Some(why) => self.refuse_all(&why),
                None => {
                    self.refills.clear();
                    let changes = self.generation_changes();
                    self.post(changes, Purpose::Upkeep);
                }
            }
            return;
        }
        // In turn, so that grants do not keep people waiting; but a period's end comes first.
        if self.upkept && !self.at_boundary() && self.next_request() {
            return;
        }
        if stuck.is_none() {
            let (changes, rolled) = self.upkeep();
            if !changes.is_empty() {
                let last = self.stopping && !rolled;
                self.post(changes, if last { Purpose::LastWords } else { Purpose::Upkeep });
                return;
            }
        }
        // Nothing more has to be written for what was promised: it is in force with this turn's orders.
        self.said.append(&mut self.after);
        self.next_request();
    }

    /// A minute is over, or the period of an account.
    fn at_boundary(&self) -> bool {
        let rolls = |s: &Standing| self.posted_total(s.slot, s.key).1 != s.key;
        minute_of(&self.book, self.at) != self.minute || self.standings().iter().any(rolls)
    }

    /// The plan, and everybody who is not just being removed.
    fn standings(&self) -> Vec<Standing> {
        let plan = Standing {
            slot: Slot::PLAN,
            account: Account::Plan,
            key: self.plan_span().0.key,
            at: self.plan_position(),
        };
        let stay = self.book.people.values().filter(|person| !self.leaving.contains(&person.id));
        let people = stay.map(|person| Standing {
            slot: person.slot,
            account: Account::Person(person.id),
            key: self.person_span(person).key,
            at: self.person_position(person),
        });
        std::iter::once(plan).chain(people).collect()
    }

    /// Puts in force what is to be given back. It is written when the meter was read after that: true, if
    /// that has to come first.
    pub(super) fn tighten(&mut self) -> bool {
        let leaving = self.book.people.values().filter(|person| self.leaving.contains(&person.id));
        let leaving: Vec<Standing> = leaving
            .map(|person| Standing {
                slot: person.slot,
                account: Account::Person(person.id),
                key: self.person_span(person).key,
                at: self.person_position(person),
            })
            .collect();
        let mut narrowed = false;
        for Standing { slot, key, at, .. } in self.standings().into_iter().chain(leaving) {
            let (posted, period) = self.posted_total(slot, key);
            let boot = self.now.boot;
            let keep = self.purse(slot).keep(boot, &at);
            if keep >= posted {
                self.tightened.remove(&slot);
            } else if self.tightened.get(&slot).is_none_or(|before| keep < *before) && period == key {
                self.tightened.insert(slot, keep);
                narrowed = true;
            }
        }
        if narrowed {
            self.read_first();
        }
        narrowed
    }

    fn purse(&mut self, slot: Slot) -> &mut Purse {
        let boot = self.now.boot;
        self.purses.entry(slot).or_insert_with(|| Purse::new(boot))
    }

    /// The changes, and whether an account was rolled into its new period (and has more to write then).
    fn upkeep(&mut self) -> (Vec<Change>, bool) {
        let mut changes = Vec::new();
        self.refills.clear();
        self.next_minute = minute_of(&self.book, self.at);
        if self.next_minute != self.minute || self.stopping {
            self.settle_all(&mut changes);
        } else {
            self.end_rests(&mut changes);
        }
        let rolled = self.draw_all(&mut changes);
        self.raise_alerts(&mut changes);
        changes.extend(self.notes.drain(..).map(Change::Noted));
        // The clock alone is seldom a reason to write, and a minute of it may be forgotten.
        let age = self.book.clock.map_or(u64::MAX, |kept| self.at.0.abs_diff(kept.0));
        if age >= if changes.is_empty() { CLOCK_SECS } else { 60 } || self.stopping {
            changes.push(Change::Clock(self.at));
        }
        if changes.is_empty() {
            self.minute = self.next_minute;
        }
        (changes, rolled)
    }

    /// Every account once; when any has to be written, those that are due soon come along.
    fn draw_all(&mut self, changes: &mut Vec<Change>) -> bool {
        let mut rolled = false;
        let mut drawn = BTreeSet::new();
        for along in [false, true] {
            if along && changes.is_empty() {
                break;
            }
            for standing in self.standings() {
                let before = changes.len();
                if !drawn.contains(&standing.slot) {
                    rolled |= self.draw(&standing, along, changes);
                }
                if changes.len() > before {
                    drawn.insert(standing.slot);
                }
            }
        }
        rolled
    }

    /// Writes what one account needs: roll (then it says so), overrun, grant or return.
    fn draw(&mut self, standing: &Standing, along: bool, changes: &mut Vec<Change>) -> bool {
        let Standing { slot, account, key, at } = *standing;
        let when = self.at;
        let entry = |kind, period, bytes| Change::Entry(Entry { at: when, account, period, kind, bytes });
        let (posted, period) = self.posted_total(slot, key);
        if period != key {
            let held = posted.signed().saturating_sub(at.used.signed());
            let total = posted.max(at.used);
            if held > 0 {
                changes.push(entry(EntryKind::Return, period, held.saturating_neg()));
                changes.push(entry(EntryKind::Grant, key, held));
            } else if held < 0 {
                changes.push(entry(EntryKind::Overrun, period, held.saturating_neg()));
            }
            changes.push(Change::Granted { slot, total, period: key });
            return true;
        }
        let over = at.used.saturating_sub(posted);
        let spare = at.free.is_none_or(|free| free > 0);
        if over > Bytes::ZERO && (!at.active || !spare) {
            // Nothing may be granted, yet the carrier bills: for days perhaps.
            let wait = if over > Bytes::MIB { OVERRUN_SECS } else { 60 };
            let due = self.now.boot >= self.overran.plus_secs(wait);
            if due || self.stopping || !changes.is_empty() {
                self.overran = self.now.boot;
                changes.push(entry(EntryKind::Overrun, key, over.signed()));
                changes.push(Change::Granted { slot, total: at.used, period: key });
            }
            return false;
        }
        let boot = self.now.boot;
        let purse = self.purse(slot);
        let before = *purse;
        let keep = purse.keep(boot, &at);
        if keep < posted {
            let back = posted.saturating_sub(keep).signed();
            changes.push(entry(EntryKind::Return, key, back.saturating_neg()));
            changes.push(Change::Granted { slot, total: keep, period: key });
            return false;
        }
        let want = purse.want(boot, &at, along);
        if want > posted {
            self.refills.push((slot, before));
            changes.push(entry(EntryKind::Grant, key, want.saturating_sub(posted).signed()));
            changes.push(Change::Granted { slot, total: want, period: key });
        }
        false
    }
}
