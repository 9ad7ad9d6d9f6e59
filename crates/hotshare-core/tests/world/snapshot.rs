//! What the store gives back at start.

use hotshare_core::book::Book;
use hotshare_core::record::Snapshot;

pub(super) fn of(book: &Book) -> Snapshot {
    Snapshot {
        plan: Some(book.plan.clone()),
        people: book.people.values().cloned().collect(),
        devices: book.devices.values().cloned().collect(),
        totals: book.totals.iter().collect(),
        spent: book.spent.iter().map(|((tally, day), usage)| (*tally, *day, *usage)).collect(),
        leases: book.leases.values().cloned().collect(),
        clock: book.clock,
        generation: book.generation,
        granted: book.granted.iter().map(|(slot, granted)| (*slot, *granted)).collect(),
        settled: book.settled.iter().map(|(slot, reading)| (*slot, *reading)).collect(),
        last_person: book.last_person,
        keys: book.keys.values().cloned().collect(),
        last_key: book.last_key,
        wishes: book.wishes.values().copied().collect(),
        last_bucket: book.last_bucket,
        marks: book.marks.iter().copied().collect(),
        last_alert: book.last_alert,
    }
}
