//! What is written without anybody asking: grants, returns, overruns, the roll of periods, and each
//! minute's usage. And which posting comes next.

use std::collections::BTreeSet;

use super::posting::Purpose;
use super::turn::InUse;
use super::{Brain, minute_of};
use crate::diary::Happening;
use crate::grant::{Position, Purse};
use crate::ledger::{Entry, EntryKind, PeriodKey};
use crate::people::{Allowance, AtEnd, Person};
use crate::plan::{Bucket, Every, PeriodSpan};
use crate::record::Change;
use crate::units::{Account, Bytes, Slot};

/// What nobody can stop is written this often at most, a little of it by the minute.
const OVERRUN_SECS: u64 = 10;
/// The clock is written down this often when there is nothing else to write.
const CLOCK_SECS: u64 = 600;

/// Where a slot's use is booked: an account, and the period of it that runs.
pub(super) type Drawn = (Account, PeriodKey);

/// A slot with grants, where it is booked now, and where it stands.
struct Standing {
    slot: Slot,
    now: Drawn,
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
                .map(|(slot, granted)| granted.total.saturating_sub(self.settled(*slot).used()))
                .sum();
            if lost > Bytes::ZERO {
                self.note(Happening::GrantsLost { bytes: lost });
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
        changes.extend(self.standings().iter().map(|Standing { slot, now, .. }| {
            let (total, (account, period)) = self.posted_total(*slot, *now);
            Change::Granted { slot: *slot, total, account, period }
        }));
        changes.extend(self.notes.drain(..).map(Change::Noted));
        changes
    }

    /// Unlimited use is kept by the month, fair use by the plan's period.
    pub(super) fn person_span(&self, person: &Person) -> PeriodSpan {
        let every = match person.allowance {
            Allowance::Limited { every, .. } => every,
            Allowance::Unlimited => Every::Month,
            Allowance::Fair => match self.plan_span() {
                (span, true) => return span,
                (_, false) => Every::Month,
            },
        };
        every.at(&self.book.plan.zone, self.at)
    }

    /// What was durably posted for a slot, and where its unspent part counts: `now`, when nothing was.
    pub(super) fn posted_total(&self, slot: Slot, now: Drawn) -> (Bytes, Drawn) {
        match self.book.granted.get(&slot) {
            Some(posted) => (posted.total, (posted.account, posted.period)),
            None => (self.settled(slot).used(), now),
        }
    }

    pub(super) fn plan_position(&self, now: &InUse) -> Position {
        let active = now.place.is_some() && self.may_use_uplink() && !self.stopping;
        self.position(Slot::PLAN, (now.account, now.key), now.limit, active)
    }

    /// Somebody whose allowance is used up and who goes on slowly has no limit then; but gives nothing away that could
    /// be spent meanwhile.
    pub(super) fn person_position(&self, person: &Person) -> Position {
        let at = self.allowance_position(person);
        let gives = self.giving.is_some_and(|(id, _)| id == person.id);
        if !gives && matches!(person.at_end, AtEnd::Slow(_)) && self.is_dry(person.slot, &at) {
            return Position { free: None, limit: None, ..at };
        }
        at
    }

    /// The same by the allowance alone.
    pub(super) fn allowance_position(&self, person: &Person) -> Position {
        let here = self.present.contains(&person.id);
        let active = here && !person.paused && !self.stopping && !self.leaving.contains(&person.id);
        let drawn = (Account::Person(person.id), self.person_span(person).key);
        let at = self.position(person.slot, drawn, self.person_limit(person), active);
        let given = self.giving.filter(|(id, _)| *id == person.id).map_or(0, |(_, bytes)| bytes.signed());
        Position { free: at.free.map(|free| free.saturating_sub(given)), ..at }
    }

    fn position(&self, slot: Slot, now: Drawn, limit: Option<Bytes>, active: bool) -> Position {
        let (posted, drawn) = self.posted_total(slot, now);
        let used = self.reading(slot).used();
        // A roll that is not written yet: what is outstanding still counts where it was drawn.
        let rolling = if drawn == now { 0 } else { posted.signed().saturating_sub(used.signed()) };
        let free = limit.map(|limit| {
            let written = self.book.totals.used(now.0, now.1);
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
        if stuck.is_none() && self.change_card() {
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
        let rolls = |s: &Standing| self.posted_total(s.slot, s.now).1 != s.now;
        minute_of(&self.book, self.at) != self.minute || self.standings().iter().any(rolls)
    }

    /// The plan, and everybody who is not just being removed.
    fn standings(&self) -> Vec<Standing> {
        let now = self.plan_in_use();
        let plan = Standing { slot: Slot::PLAN, now: (now.account, now.key), at: self.plan_position(&now) };
        let stay = self.book.people.values().filter(|person| !self.leaving.contains(&person.id));
        std::iter::once(plan).chain(stay.map(|person| self.standing(person))).collect()
    }

    fn standing(&self, person: &Person) -> Standing {
        let now = (Account::Person(person.id), self.person_span(person).key);
        Standing { slot: person.slot, now, at: self.person_position(person) }
    }

    /// Puts in force what is to be given back: also of what was granted in the period before, or of another part of the
    /// plan, when the one that runs now has less. It is written when the meter was read after that: true, if
    /// that has to come first.
    pub(super) fn tighten(&mut self) -> bool {
        let leaving = self.book.people.values().filter(|person| self.leaving.contains(&person.id));
        let leaving: Vec<Standing> = leaving.map(|person| self.standing(person)).collect();
        let mut narrowed = false;
        for Standing { slot, now, at } in self.standings().into_iter().chain(leaving) {
            let (posted, _) = self.posted_total(slot, now);
            let boot = self.now.boot;
            let keep = self.purse(slot).keep(boot, &at);
            if keep >= posted {
                self.tightened.remove(&slot);
            } else if self.tightened.get(&slot).is_none_or(|before| keep < *before) {
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
        self.know_card(&mut changes);
        let waits = self.roll_over(&mut changes);
        self.lend(&mut changes);
        let rolled = self.draw_all(&mut changes);
        self.raise_alerts(&mut changes);
        changes.extend(self.notes.drain(..).map(Change::Noted));
        // The clock alone is seldom a reason to write, and a minute of it may be forgotten.
        let age = self.book.clock.map_or(u64::MAX, |kept| self.at.0.abs_diff(kept.0));
        // While something waits to roll over, it says from when on.
        if !waits && (age >= if changes.is_empty() { CLOCK_SECS } else { 60 } || self.stopping) {
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

    /// How much more may be booked to a part of the plan that another one comes after.
    fn room_of(&self, drawn: Drawn, now: Drawn) -> i64 {
        let is_it = |bucket: &&Bucket| Account::Bucket(bucket.id) == drawn.0;
        let part = self.book.plan.buckets.iter().find(is_it).filter(|_| drawn.0 != now.0);
        match part.and_then(|part| self.limit_of(part, drawn.1)) {
            Some(limit) => limit.signed().saturating_sub(self.book.totals.used(drawn.0, drawn.1)).max(0),
            None => i64::MAX,
        }
    }

    /// Writes what one account needs: roll (then it says so), overrun, grant or return.
    fn draw(&mut self, standing: &Standing, along: bool, changes: &mut Vec<Change>) -> bool {
        let Standing { slot, now: (account, key), at } = *standing;
        let when = self.at;
        let entry =
            |(account, period), kind, bytes| Change::Entry(Entry { at: when, account, period, kind, bytes });
        let (posted, drawn) = self.posted_total(slot, standing.now);
        if drawn != standing.now {
            let kept = self.tightened.get(&slot).copied().unwrap_or(posted).min(posted).max(at.used);
            let held = posted.signed().saturating_sub(at.used.signed());
            if held > 0 {
                let goes_on = kept.saturating_sub(at.used).signed();
                changes.push(entry(drawn, EntryKind::Return, held.saturating_neg()));
                if goes_on > 0 {
                    changes.push(entry(standing.now, EntryKind::Grant, goes_on));
                }
            } else if held < 0 {
                // What the carrier billed beyond the end of a part is of the next one.
                let over = held.saturating_neg();
                let own = over.min(self.room_of(drawn, standing.now));
                for (drawn, bytes) in [(drawn, own), (standing.now, over.saturating_sub(own))] {
                    if bytes > 0 {
                        changes.push(entry(drawn, EntryKind::Overrun, bytes));
                    }
                }
            }
            changes.push(Change::Granted { slot, total: kept, account, period: key });
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
                changes.push(entry(standing.now, EntryKind::Overrun, over.signed()));
                changes.push(Change::Granted { slot, total: at.used, account, period: key });
            }
            return false;
        }
        let boot = self.now.boot;
        let purse = self.purse(slot);
        let before = *purse;
        let keep = purse.keep(boot, &at);
        if keep < posted {
            let back = posted.saturating_sub(keep).signed();
            changes.push(entry(standing.now, EntryKind::Return, back.saturating_neg()));
            changes.push(Change::Granted { slot, total: keep, account, period: key });
            return false;
        }
        let want = purse.want(boot, &at, along);
        if want > posted {
            self.refills.push((slot, before));
            changes.push(entry(standing.now, EntryKind::Grant, want.saturating_sub(posted).signed()));
            changes.push(Change::Granted { slot, total: want, account, period: key });
        }
        false
    }
}
