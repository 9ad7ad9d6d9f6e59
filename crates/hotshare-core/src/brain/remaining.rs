//! How long somebody may go on if nothing is changed: what people see, and what their devices are told (RFC 8908, 5:
//! `bytes-remaining` and `seconds-remaining`). Never more than the truth.

use super::Brain;
use super::turn::Stand;
use crate::ask::Remaining;
use crate::people::Person;
use crate::plan::{Bucket, Period};
use crate::policy::{AtEnd, Balance, Verdict};
use crate::units::{Bytes, UnixTime};

impl Brain {
    /// `own` is what is left of the person's allowance.
    pub(super) fn remaining(&self, person: &Person, own: Balance, verdict: Verdict) -> Remaining {
        let stands = self.stands();
        let theirs = |bucket: &Bucket| bucket.only.admits(&person.name) && bucket.sites().is_none();
        let of_plan = self.rest_of(&stands, &mut stands.iter().filter(|stand| theirs(stand.bucket)));
        if !matches!(verdict, Verdict::Open | Verdict::Slow(..)) {
            return Remaining { of_plan, bytes: Some(Bytes::ZERO), until: None };
        }
        // A part that is not theirs closes them, whatever comes after it.
        let usable = stands.iter().filter(|stand| stand.usable);
        let next: Vec<&Stand<'_>> = usable.take_while(|stand| theirs(stand.bucket)).collect();
        let plan = self.rest_of(&stands, &mut next.iter().copied());
        let own = own.filter(|_| person.at_end == AtEnd::Stop);
        let bytes = own.into_iter().chain(plan).min();
        Remaining { of_plan, bytes, until: self.closes(person, &next) }
    }

    /// When the person is closed, whatever is left then; `None`: nothing says so.
    fn closes(&self, person: &Person, parts: &[&Stand<'_>]) -> Option<UnixTime> {
        let key = self.book.key_of(crate::keys::KeyOwner::Person(person.id)).and_then(|key| key.until);
        let bed_time = person.bed_times.changes(&self.book.plan.zone, self.at);
        // The one that goes on for longest counts, and one may have no end.
        let ends: Option<Vec<UnixTime>> = parts.iter().map(|stand| self.part_ends(stand)).collect();
        let plan = ends.and_then(|ends| ends.into_iter().max());
        let ends = [key, person.until, bed_time, plan];
        ends.into_iter().flatten().filter(|end| *end > self.at).min()
    }

    /// When its hours are over, or it is over for good.
    fn part_ends(&self, stand: &Stand<'_>) -> Option<UnixTime> {
        let plan = &self.book.plan;
        let hours = stand.bucket.hours.as_ref().and_then(|hours| hours.changes(&plan.zone, self.at));
        let over = match stand.bucket.period.unwrap_or(plan.period) {
            Period::Once { .. } => stand.turn.span.ends,
            Period::Monthly { .. } | Period::EveryDays { .. } => None,
        };
        hours.into_iter().chain(over).min()
    }
}
