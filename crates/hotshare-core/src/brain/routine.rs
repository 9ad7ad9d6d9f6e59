//! What is written without anybody asking: grants, returns, overruns, the roll of periods, and each
//! minute's usage. And which posting comes next.

use std::collections::BTreeSet;

use super::{Brain, Posting};
use crate::grant::{Position, Purse};
use crate::ledger::{Entry, EntryKind, PeriodKey};
use crate::people::{Allowance, Person};
use crate::plan::{Every, PeriodSpan, Phase};
use crate::record::Change;
use crate::units::{Account, Bytes, Slot};

impl Brain {
    /// Makes the book fit the kernel's maps as they were found.
    pub(super) fn begin(&mut self, generation: u64) {
        if self.book.generation != Some(generation) {
            let lost: Bytes = self
                .book
                .granted
                .iter()
                .filter(|(slot, _)| **slot != Slot::PLAN)
                .map(|(slot, (total, _))| {
                    let settled = self.book.settled.get(slot).copied().unwrap_or_default();
                    total.saturating_sub(settled.used())
                })
                .sum();
            if lost > Bytes::ZERO {
                let text = format!(
                    "the power failed or the kernel was restarted: up to {lost} that were granted count as used"
                );
                self.note("grants-lost", text);
            }
            let mut changes = vec![Change::Generation(generation)];
            changes.extend(
                self.readings
                    .iter()
                    .map(|(slot, reading)| Change::Settled { slot: *slot, reading: *reading }),
            );
            // What was granted for other maps is nothing to these, even before that is written.
            self.book.granted.clear();
            self.book.settled = self.readings.clone();
            self.post(changes, Posting::Routine);
        }
        self.decide();
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
            None => (self.reading(slot).used(), key),
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
        let here = self
            .book
            .devices
            .values()
            .any(|d| d.person == Some(person.id) && !d.blocked && self.book.leases.contains_key(&d.mac));
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
        if self.stopped || self.posting.is_some() || self.looking {
            return;
        }
        let waiting = self.stuck.as_ref().is_some_and(|(_, retry)| self.now.boot < *retry);
        if !waiting {
            let (changes, rolled) = self.routine();
            if !changes.is_empty() {
                let last = self.stopping && !rolled;
                let why = if last { Posting::LastWords } else { Posting::Routine };
                self.post(changes, why);
                return;
            }
        }
        // Nothing more has to be written for what was promised: it is in force with this turn's orders.
        self.said.append(&mut self.after);
        self.next_ask();
    }

    /// The changes, and whether an account was rolled into its new period (and has more to write then).
    fn routine(&mut self) -> (Vec<Change>, bool) {
        let mut changes = Vec::new();
        let minute = self.at.0.div_euclid(60);
        let day = Every::Day.at(&self.book.plan.zone, self.at).key;
        if minute != self.minute || day != self.day || self.flush || self.stopping {
            self.settle_all(&mut changes);
            (self.minute, self.day) = (minute, day);
            self.flush = false;
        }
        let rolled = self.draw_all(&mut changes);
        changes.extend(self.notes.drain(..).map(Change::Noted));
        // The clock alone is no reason to write, and a minute of it may be forgotten.
        let stale = self.book.clock.is_none_or(|kept| self.at.0.abs_diff(kept.0) >= 60);
        if (!changes.is_empty() && stale) || self.stopping {
            changes.push(Change::Clock(self.at));
        }
        (changes, rolled)
    }

    /// Every account once; when any has to be written, those that are due soon come along.
    fn draw_all(&mut self, changes: &mut Vec<Change>) -> bool {
        let people: Vec<Person> = self.book.people.values().cloned().collect();
        let mut rolled = false;
        let mut drawn = BTreeSet::new();
        for along in [false, true] {
            if along && changes.is_empty() {
                break;
            }
            let before = changes.len();
            if !drawn.contains(&Slot::PLAN) {
                let (span, at) = (self.plan_span().0, self.plan_position());
                rolled |= self.draw(Slot::PLAN, Account::Plan, span.key, at, along, changes);
            }
            if changes.len() > before {
                drawn.insert(Slot::PLAN);
            }
            for person in people.iter().filter(|p| !drawn.contains(&p.slot)).collect::<Vec<_>>() {
                let before = changes.len();
                let (key, at) = (self.person_span(person).key, self.person_position(person));
                rolled |= self.draw(person.slot, Account::Person(person.id), key, at, along, changes);
                if changes.len() > before {
                    drawn.insert(person.slot);
                }
            }
        }
        rolled
    }

    /// Writes what one account needs: roll (then it says so), overrun, grant or return.
    fn draw(
        &mut self,
        slot: Slot,
        account: Account,
        key: PeriodKey,
        at: Position,
        along: bool,
        changes: &mut Vec<Change>,
    ) -> bool {
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
            // Nothing may be granted, yet the carrier bills: written by the minute, or when it is much.
            let much = over > Bytes::MIB || self.stopping || !changes.is_empty();
            if much {
                changes.push(entry(EntryKind::Overrun, key, over.signed()));
                changes.push(Change::Granted { slot, total: at.used, period: key });
            }
            return false;
        }
        let boot = self.now.boot;
        let purse = self.purses.entry(slot).or_insert_with(|| Purse::new(boot));
        let want = purse.want(boot, &at, along);
        if want > posted {
            changes.push(entry(EntryKind::Grant, key, want.saturating_sub(posted).signed()));
            changes.push(Change::Granted { slot, total: want, period: key });
        } else if want < posted {
            self.tightened.insert(slot, want);
            let back = posted.saturating_sub(want).signed();
            changes.push(entry(EntryKind::Return, key, back.saturating_neg()));
            changes.push(Change::Granted { slot, total: want, period: key });
        }
        false
    }
}
