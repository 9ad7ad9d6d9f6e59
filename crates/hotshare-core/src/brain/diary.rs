//! The owner's diary: a line when something happened, not while it lasts.

use super::Brain;
use crate::alert::Kind;
use crate::policy::{PlanState, Verdict, Why};
use crate::record::{Change, Noted};

/// More lines than this wait for the diary only when the ledger is stuck; then the oldest are dropped.
const NOTES: usize = 256;

impl Brain {
    pub(super) fn note(&mut self, kind: &'static str, text: String) {
        let at = self.at;
        self.keep_note(Noted { at, kind, text });
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
            match rate {
                Some(_) => {
                    self.note("plan-slow", format!("everybody is slow: {}", Why::PlanSlow.words()));
                }
                None => self.note("plan-fast", "the plan is fast again".into()),
            }
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
                Verdict::Open => self.note("open", format!("{name} is open again")),
                Verdict::Slow(_, why) => self.note("slow", format!("{name} is slow: {}", why.words())),
                Verdict::Closed(why) => self.note(why.word(), format!("{name} is closed: {}", why.words())),
            }
        }
    }

    fn note_all(&mut self, before: Option<Why>, closed: Option<Why>) {
        let text = match (before, closed) {
            (_, Some(Why::LedgerStuck)) => {
                let reason = self.stuck.as_ref().map_or("the disk does not answer", |(reason, _)| reason);
                format!("the ledger cannot be written, and nothing more is granted until it can: {reason}")
            }
            (_, Some(why)) => format!("everybody is closed: {}", why.words()),
            (Some(Why::LedgerStuck), None) => "the ledger can be written again".into(),
            (_, None) => "the plan is open again".into(),
        };
        self.note(closed.map_or("open", Why::word), text);
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
