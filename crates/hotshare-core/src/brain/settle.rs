//! Readings become usage: what was counted since the last settlement is booked to whom it belongs.

use super::Brain;
use crate::ledger::PeriodKey;
use crate::meter::{Reading, Usage};
use crate::people::Device;
use crate::record::{Change, Tally, Who};
use crate::units::{Mac, PersonId, Slot};

/// Whose counters a slot holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    Plan,
    Person(PersonId),
    Device(Mac, PersonId),
}

impl Brain {
    pub(super) fn reading(&self, slot: Slot) -> Reading {
        self.readings.get(&slot).copied().unwrap_or_default()
    }

    /// Every slot that counts for somebody.
    pub(super) fn owners(&self) -> Vec<(Slot, Owner)> {
        let people = self.book.people.values().map(|p| (p.slot, Owner::Person(p.id)));
        let devices =
            self.book.devices.values().filter_map(|d| Some((d.slot?, Owner::Device(d.mac, d.person?))));
        let rests = self.resting.iter().filter_map(|(slot, rest)| {
            let (mac, person) = rest.was?;
            Some((*slot, Owner::Device(mac, person)))
        });
        std::iter::once((Slot::PLAN, Owner::Plan)).chain(people).chain(devices).chain(rests).collect()
    }

    /// Books what `slot` counted since it was last settled.
    pub(super) fn settle(&self, slot: Slot, owner: Owner, changes: &mut Vec<Change>) {
        let reading = self.reading(slot);
        let usage = reading.since(&self.settled(slot));
        if usage.is_zero() {
            return;
        }
        let (minute, day) = self.minute;
        match owner {
            Owner::Plan => {
                changes.push(Change::Usage { minute, who: Who::Plan, usage });
                changes.push(Change::Spent { tally: Tally::Billed(self.book.card), day, usage });
            }
            Owner::Person(id) => {
                changes.push(Change::Spent { tally: Tally::Person(id), day, usage });
            }
            Owner::Device(mac, id) => {
                changes.push(Change::Usage { minute, who: Who::Device(mac, id), usage });
                changes.push(Change::Spent { tally: Tally::Delivered(self.book.card), day, usage });
                // What is usual for it is known only where it is kept.
                if self.book.devices.contains_key(&mac) {
                    changes.push(Change::Spent { tally: Tally::Device(mac), day, usage });
                }
            }
        }
        changes.push(Change::Settled { slot, reading });
    }

    /// Books what the device counted in the slot that it is about to leave.
    pub(super) fn settle_device(&self, device: &Device, changes: &mut Vec<Change>) {
        if let (Some(slot), Some(person)) = (device.slot, device.person) {
            self.settle(slot, Owner::Device(device.mac, person), changes);
        }
    }

    pub(super) fn settled(&self, slot: Slot) -> Reading {
        self.book.settled.get(&slot).copied().unwrap_or_default()
    }

    /// What was counted and is not booked yet, if it belongs to the period that began on `key`.
    pub(super) fn live(&self, slot: Slot, key: PeriodKey) -> Usage {
        if self.minute.1 < key { Usage::default() } else { self.reading(slot).since(&self.settled(slot)) }
    }

    pub(super) fn settle_all(&self, changes: &mut Vec<Change>) {
        for (slot, owner) in self.owners() {
            self.settle(slot, owner, changes);
        }
    }

    /// A slot changes hands: nothing that it counted before is the new owner's.
    pub(super) fn start_at_now(&self, slot: Slot, changes: &mut Vec<Change>) {
        changes.push(Change::Settled { slot, reading: self.reading(slot) });
    }
}
