//! What is on disk.

use std::collections::BTreeSet;

use hotshare_core::book::Book;
use hotshare_core::keys::{KeyId, KeyOwner};
use hotshare_core::ledger::EntryKind;
use hotshare_core::record::{Change, Snapshot, Who};
use hotshare_core::units::{Account, Mac, PersonId};

use super::World;

impl World {
    /// Whose key it was, from all that was ever written.
    pub(crate) fn owner_of(&self, id: KeyId) -> Option<PersonId> {
        self.log.iter().find_map(|change| match change {
            Change::Key(key) if key.id == id => match key.owner {
                KeyOwner::Person(person) => Some(person),
                KeyOwner::Network => None,
            },
            _ => None,
        })
    }

    /// Σ usage rows on disk of a device while it was somebody's.
    pub(crate) fn booked(&self, device: Mac, person: PersonId) -> u64 {
        let who = Who::Device(device, person);
        let rows = self.log.iter().filter_map(|change| match change {
            Change::Usage { who: whose, usage, .. } if *whose == who => Some(usage.total().0),
            _ => None,
        });
        rows.sum()
    }

    /// The lines of the diary on disk.
    pub(crate) fn diary(&self) -> Vec<&'static str> {
        let lines = self.log.iter().filter_map(|change| match change {
            Change::Noted(noted) => Some(noted.kind),
            _ => None,
        });
        lines.collect()
    }

    /// Σ entries of an account on disk, all periods; corrections left out.
    pub(crate) fn recorded(&self, account: Account) -> i64 {
        self.log
            .iter()
            .filter_map(|change| match change {
                Change::Entry(e) if e.account == account && e.kind != EntryKind::Correction => Some(e.bytes),
                _ => None,
            })
            .sum()
    }

    /// The same of all parts of the plan.
    pub(crate) fn recorded_of_plan(&self) -> i64 {
        let parts: BTreeSet<Account> = self
            .log
            .iter()
            .filter_map(|change| match change {
                Change::Entry(e) if matches!(e.account, Account::Bucket(_)) => Some(e.account),
                _ => None,
            })
            .collect();
        parts.into_iter().map(|account| self.recorded(account)).sum()
    }

    pub(crate) fn largest_grant(&self) -> i64 {
        let grants = self.log.iter().filter_map(|change| match change {
            Change::Entry(e) if e.kind == EntryKind::Grant => Some(e.bytes),
            _ => None,
        });
        grants.max().unwrap_or(0)
    }
}

pub(super) fn snapshot(book: &Book) -> Snapshot {
    Snapshot {
        plan: Some(book.plan.clone()),
        cards: book.cards.values().cloned().collect(),
        card: Some(book.card),
        other_plans: book.other_plans.iter().map(|(id, plan)| (*id, plan.clone())).collect(),
        last_card: book.last_card,
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
        figures: book.figures.clone(),
        marks: book.marks.iter().copied().collect(),
        last_alert: book.last_alert,
    }
}
