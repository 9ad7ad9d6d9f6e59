//! Stations that come and go: a new one becomes a device, and waits for the owner or goes to the default
//! person.

use std::collections::BTreeSet;

use super::posting::Purpose;
use super::settle::Owner;
use super::{Brain, Command, LeaseId, WAITING};
use crate::diary::Happening;
use crate::grant::Purse;
use crate::people::Device;
use crate::record::{Change, Leased};
use crate::units::{BootTime, Bytes, Mac, PersonId, Slot};

/// Devices remembered, whatever stations send; beyond it those of nobody that are away are forgotten.
const DEVICES: usize = 1024;
/// Leases in one posting.
const BATCH: usize = 32;
/// How long a slot rests before it is somebody else's.
const REST_SECS: u64 = 2;

/// Since when a slot rests, and whose device it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    since: BootTime,
    pub(super) was: Option<(Mac, PersonId)>,
}

impl Brain {
    pub(super) fn lease(&mut self, id: LeaseId, leased: Leased) {
        if self.stopping || self.leased.len() == WAITING {
            self.out.push_back(Command::Lease(id, false));
            return;
        }
        self.ended.remove(&leased.mac);
        self.leased.push_back((id, leased));
    }

    pub(super) fn lease_ended(&mut self, mac: Mac) {
        let (over, waiting) = std::mem::take(&mut self.leased).into_iter().partition(|(_, l)| l.mac == mac);
        self.leased = waiting;
        self.turn_away(over);
        // Also when no lease is known: one may be in the posting under way.
        if self.posting.is_some() || self.book.leases.contains_key(&mac) {
            self.ended.insert(mac);
        }
    }

    /// Says that these leases are not taken.
    pub(super) fn turn_away(&mut self, leases: std::collections::VecDeque<(LeaseId, Leased)>) {
        self.out.extend(leases.into_iter().map(|(id, _)| Command::Lease(id, false)));
    }

    pub(super) fn rest(&mut self, slot: Slot, was: Option<(Mac, PersonId)>) {
        self.resting.insert(slot, Rest { since: self.now.boot, was });
    }

    /// Slots that have rested are free, once what was counted at the very end is booked.
    pub(super) fn end_rests(&mut self, changes: &mut Vec<Change>) {
        let now = self.now.boot;
        let rested = self.resting.iter().filter(|(_, rest)| rest.since.plus_secs(REST_SECS) <= now);
        for (slot, rest) in rested.map(|(slot, rest)| (*slot, *rest)).collect::<Vec<_>>() {
            let before = changes.len();
            if let Some((mac, person)) = rest.was {
                self.settle(slot, Owner::Device(mac, person), changes);
            }
            if changes.len() == before {
                self.resting.remove(&slot);
            }
        }
    }

    /// Posts what became of leases; false if there is nothing.
    pub(super) fn next_lease(&mut self) -> bool {
        let mut changes = Vec::new();
        let ended = std::mem::take(&mut self.ended);
        for mac in &ended {
            self.lease_goes(*mac, &mut changes);
        }
        let mut batch: Vec<(LeaseId, Leased)> = Vec::new();
        while batch.len() < BATCH {
            // Twice the same station, or one that was given another's address: in the next posting.
            let same = |l: &Leased| batch.iter().any(|(_, b)| b.mac == l.mac || b.ip == l.ip);
            if self.leased.front().is_none_or(|(_, leased)| same(leased)) {
                break;
            }
            batch.extend(self.leased.pop_front());
        }
        let mut taken = BTreeSet::new();
        for (_, leased) in &batch {
            // An address is never two stations', whatever order the news comes in.
            let others = self.book.leases.values().filter(|l| l.ip == leased.ip && l.mac != leased.mac);
            let moves = |mac: &Mac| batch.iter().any(|(_, l)| l.mac == *mac) || ended.contains(mac);
            for mac in others.map(|l| l.mac).filter(|mac| !moves(mac)).collect::<Vec<_>>() {
                self.lease_goes(mac, &mut changes);
            }
        }
        for (_, leased) in &batch {
            if let Some(change) = self.device_for(leased, &mut taken, &mut changes) {
                changes.push(change);
            }
            changes.push(Change::Lease(leased.clone()));
        }
        if changes.is_empty() {
            return false;
        }
        let comes = |mac: &Mac| batch.iter().any(|(_, leased)| leased.mac == *mac);
        self.forget_strangers(batch.len(), &comes, &mut changes);
        let ids = batch.into_iter().map(|(id, _)| id).collect();
        self.post(changes, Purpose::Leases(ids, ended));
        true
    }

    fn lease_goes(&mut self, mac: Mac, changes: &mut Vec<Change>) {
        if !self.book.leases.contains_key(&mac) {
            return;
        }
        changes.push(Change::LeaseGone(mac));
        if let Some(device) = self.book.devices.get(&mac).filter(|d| d.slot.is_some()).cloned() {
            self.settle_device(&device, changes);
            changes.push(Change::Device(Device { slot: None, ..device }));
        }
    }

    fn device_for(
        &mut self,
        leased: &Leased,
        taken: &mut BTreeSet<Slot>,
        changes: &mut Vec<Change>,
    ) -> Option<Change> {
        let host_name = leased.host_name.as_ref().map(|name| name.chars().take(64).collect());
        let known = self.book.devices.get(&leased.mac);
        let mut device = match known {
            Some(device) => Device { host_name: host_name.or(device.host_name.clone()), ..device.clone() },
            None => Device { host_name, ..Device::new(leased.mac, self.at) },
        };
        device.person = device.person.or(self.default_person());
        if device.person.is_some() {
            device.claim = None;
        }
        if known.is_none() {
            let guest =
                device.person.and_then(|id| self.book.people.get(&id)).map(|guest| guest.name.clone());
            self.note(Happening::DeviceNew { mac: leased.mac, guest });
        }
        if device.person.is_some() && device.slot.is_none() {
            device.slot = self.slot_for_device(device.mac, taken, changes);
        }
        (self.book.devices.get(&leased.mac) != Some(&device)).then_some(Change::Device(device))
    }

    /// A slot that counts from now on. Without one a device stays closed; the diary says why.
    pub(super) fn slot_for_device(
        &mut self,
        mac: Mac,
        taken: &mut BTreeSet<Slot>,
        changes: &mut Vec<Change>,
    ) -> Option<Slot> {
        let unfree: BTreeSet<Slot> = self.resting.keys().chain(taken.iter()).copied().collect();
        let slot = self.book.free_device_slot(&unfree);
        match slot {
            Some(slot) => {
                taken.insert(slot);
                self.start_at_now(slot, changes);
            }
            None if !self.full_said => {
                self.full_said = true;
                self.note(Happening::AccountsFull { mac });
            }
            None => {}
        }
        slot
    }

    /// Who owns a device that nobody knows.
    pub(super) fn default_person(&self) -> Option<PersonId> {
        let default = self.settings.default_person.as_ref();
        default.and_then(|name| self.book.person_named(name)).map(|p| p.id)
    }

    /// Makes room for so many new devices. On the air the key says who it is, and addresses change by the day:
    /// nothing is lost with such a device either.
    pub(super) fn forget_strangers(
        &self,
        new: usize,
        comes: &dyn Fn(&Mac) -> bool,
        changes: &mut Vec<Change>,
    ) {
        let default = self.default_person();
        let surplus = (self.book.devices.len() + new).saturating_sub(DEVICES);
        let mut away: Vec<&Device> = self
            .book
            .devices
            .values()
            .filter(|d| (d.person.is_none() || d.person == default || d.wireless) && !d.blocked)
            .filter(|d| !self.book.leases.contains_key(&d.mac) && !comes(&d.mac) && !self.is_on_air(d.mac))
            .collect();
        away.sort_by_key(|d| d.first_seen);
        changes.extend(away.iter().take(surplus).map(|d| Change::DeviceGone(d.mac)));
    }

    pub(super) fn refused(&mut self, slot: Slot, last: bool) {
        self.refused.insert(slot);
        if slot == Slot::PLAN {
            // Of its present part; another may come after it.
            let now = self.plan_in_use();
            let at = self.plan_position(&now);
            let mut purse = Purse::new(self.now.boot);
            purse.refused(&at, now.reserve());
            if let Some(left) = at.balance().filter(|_| purse.is_dry(&at)) {
                self.dry.retain(|(account, key), _| *account != now.account || *key == now.key);
                let spare = left.saturating_sub(now.reserve().signed());
                let kept = now.kept.of_left.signed();
                self.dry.insert((now.account, now.key), spare.saturating_add(kept));
            }
            return;
        }
        if !last {
            return;
        }
        let person = self.book.people.values().find(|p| p.slot == slot);
        let boot = self.now.boot;
        if let Some(person) = person {
            let at = self.allowance_position(person);
            let purse = self.purses.entry(slot).or_insert_with(|| Purse::new(boot));
            purse.refused(&at, Bytes::ZERO);
        }
    }
}
