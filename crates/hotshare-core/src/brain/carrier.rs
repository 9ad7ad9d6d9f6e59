//! What the carrier counts otherwise than we do: its figures, and what is kept back of the plan for it.

use super::Brain;
use super::turn::{InUse, Stand};
use crate::ask::CarrierStatus;
use crate::ledger::PeriodKey;
use crate::plan::PeriodSpan;
use crate::reconcile::{self, Figure, Kept};
use crate::record::{Change, Tally};
use crate::units::{Bytes, Slot};

impl Brain {
    /// All that we ever counted as billed.
    fn counted(&self) -> Bytes {
        self.book.billed + self.live(Slot::PLAN, PeriodKey::ALWAYS).total()
    }

    /// Of it, that of the period that began on `key`.
    fn counted_in(&self, key: PeriodKey) -> Bytes {
        self.book.spent_since(Tally::Billed(self.book.card), key).total() + self.live(Slot::PLAN, key).total()
    }

    /// The figure that the owner tells now; none while no plan runs.
    pub(super) fn figure(&self, told: Bytes) -> Option<Change> {
        let (span, true) = self.plan_span() else { return None };
        // Whoever counted on a day before it counted all of it.
        let billed = Tally::Billed(self.book.card);
        let first = self.book.spent.range((billed, PeriodKey::ALWAYS)..).next();
        let whole = first.is_some_and(|((tally, day), _)| *tally == billed && *day < span.key);
        Some(Change::Figure(Figure {
            card: self.book.card,
            at: self.at,
            period: span.key,
            told,
            counted: self.counted(),
            in_period: whole.then(|| self.counted_in(span.key)),
        }))
    }

    /// What we counted since the carrier's last figure, or since the period began: the carrier has counted more of it
    /// by now, without our knowing.
    pub(super) fn since_figure(&self) -> Bytes {
        let (PeriodSpan { key, .. }, true) = self.plan_span() else { return Bytes::ZERO };
        match self.book.last_figure().filter(|last| last.period == key) {
            Some(last) => self.counted().saturating_sub(last.counted),
            None => self.counted_in(key),
        }
    }

    /// Kept back of so much that is left of the plan.
    pub(super) fn kept_of(&self, left: i64) -> Bytes {
        self.kept(Bytes::ZERO, Bytes::from_signed(left), Bytes::ZERO).all
    }

    fn kept(&self, before: Bytes, left: Bytes, beyond: Bytes) -> Kept {
        // So it is on most machines, and this is asked often.
        if self.book.correction.factor <= 1000 {
            return Kept::default();
        }
        self.book.correction.kept(self.since_figure(), before, left, beyond)
    }

    /// The part in use and those after it, without what is kept back; `left` of it, and the running parts `before` it.
    /// Where the plan has no end, nothing is kept.
    pub(super) fn less_what_is_kept<'a>(
        &self,
        in_use: InUse,
        left: Option<i64>,
        before: impl Iterator<Item = &'a Stand<'a>>,
    ) -> InUse {
        let (Some(limit), Some(left), Some(beyond)) = (in_use.limit, left, in_use.beyond) else {
            return in_use;
        };
        let before = before.filter(|stand| stand.turn.in_hours).filter_map(|stand| stand.left);
        let before = before.map(Bytes::from_signed).sum();
        let kept = self.kept(before, Bytes::from_signed(left), Bytes::from_signed(beyond));
        InUse {
            limit: Some(limit.saturating_sub(kept.of_left)),
            beyond: Some(beyond.saturating_sub(kept.of_beyond.signed())),
            kept,
            ..in_use
        }
    }

    /// How the carrier counts, as far as is known.
    pub(super) fn carrier_status(&self, kept: Bytes) -> CarrierStatus {
        let mut compared = self.book.comparisons();
        compared.drain(..compared.len().saturating_sub(reconcile::LATEST));
        CarrierStatus {
            correction: self.book.correction,
            kept,
            since_figure: self.since_figure(),
            figure: self.book.last_figure().copied(),
            compared,
        }
    }
}
