//! The owner's diary: a line when something happened, not while it lasts.

use super::Brain;
use crate::alert::Kind;
use crate::diary::Happening;
use crate::policy::{PlanState, Verdict, Why};
use crate::record::{Change, Noted};

/// More lines than this wait for the diary only when the ledger is stuck; then the oldest are dropped.
const NOTES: usize = 256;

impl Brain {
    pub(super) fn note(&mut self, happening: Happening) {
        let noted = happening.noted(self.at);
        self.keep_note(noted);
    }

    fn keep_note(&mut self, noted: Noted) {
        if self.notes.len() == NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back(noted);
    }

    /// Lines that could not be written are written later, before those that came since.
    pub(super) fn keep_notes(&mut self, changes: Vec<Change>) {
        let since = std::mem::take(&mut self.notes);
        for change in changes {
            // An alert that was not written is raised again, with a line of its own.
            if let Change::Noted(noted) = change
                && Kind::from_word(noted.kind).is_none()
            {
                self.keep_note(noted);
            }
        }
        for noted in since {
            self.keep_note(noted);
        }
    }

    /// Says what changed for everybody, and what changed for one person only.
    pub(super) fn judge(&mut self) {
        let closed = self.closed();
        // The uplink has lines of its own, and hides what else is so.
        if closed != Some(Why::NoUplink)
            && let Some(before) = self.closed.replace(closed)
            && before != closed
        {
            self.note_all(before, closed);
        }
        if let PlanState::InUse(rate) = self.plan_state()
            && let Some(before) = self.rate.replace(rate)
            && before != rate
        {
            self.note(if rate.is_some() { Happening::PlanSlow } else { Happening::PlanFast });
        }
        let now: Vec<_> =
            self.book.people.values().map(|p| (p.id, p.name.clone(), self.verdict_on(p))).collect();
        self.verdicts.retain(|id, _| self.book.people.contains_key(id));
        for (id, name, verdict) in now {
            // What closes everybody hides what is so for one: that has not changed.
            let own = match verdict {
                Verdict::Open => true,
                Verdict::Slow(_, why) | Verdict::Closed(why) => is_of_one(why),
                Verdict::OnlySites(_) => false,
            };
            if !own {
                continue;
            }
            let before = self.verdicts.insert(id, verdict);
            match verdict {
                _ if before.is_none_or(|before| before == verdict) => {}
                Verdict::OnlySites(_) => {}
                Verdict::Open => self.note(Happening::Open { name }),
                Verdict::Slow(_, why) => self.note(Happening::Slow { name, why }),
                Verdict::Closed(why) => self.note(Happening::Closed { name, why }),
            }
        }
    }

    fn note_all(&mut self, before: Option<Why>, closed: Option<Why>) {
        self.note(match closed {
            Some(Why::LedgerStuck) => {
                let reason = self.stuck.as_ref().map_or("the disk does not answer", |(reason, _)| reason);
                Happening::LedgerStuck { reason: reason.to_owned() }
            }
            Some(why) => Happening::AllClosed { why },
            None => Happening::AllOpen { before },
        });
    }
}

/// It is so for one person, not for everybody.
fn is_of_one(why: Why) -> bool {
    match why {
        Why::Paused | Why::Ended | Why::BedTime | Why::AllowanceUsed | Why::KeptForOthers => true,
        Why::CardUnknown
        | Why::NewCard
        | Why::AsksForMoney
        | Why::PlanUsed
        | Why::PlanOver
        | Why::NoUplink
        | Why::LedgerStuck
        | Why::PlanSlow
        | Why::OnlySites => false,
    }
}
