//! Stations that come and go: a new one becomes a device, and waits for the owner or goes to the default
//! person.

use super::{Brain, Command, LeaseId, Posting};
use crate::people::Device;
use crate::record::{Change, Leased};
use crate::units::{BootTime, Mac, Slot};

/// Devices remembered, whatever stations send; beyond it those of nobody that are away are forgotten.
const DEVICES: usize = 1024;
/// Leases in one posting.
const BATCH: usize = 32;
/// How long a slot rests before it is somebody else's.
const REST_SECS: u64 = 2;

impl Brain {
    pub(super) fn lease(&mut self, id: LeaseId, leased: Leased) {
        self.ended.remove(&leased.mac);
        self.leased.push_back((id, leased));
    }

    pub(super) fn lease_ended(&mut self, mac: Mac) {
        if self.book.leases.contains_key(&mac) {
            self.ended.insert(mac);
        }
    }

    /// Posts what became of leases; false if there is nothing.
    pub(super) fn next_lease(&mut self) -> bool {
        let now = self.now.boot;
        self.resting.retain(|_, since: &mut BootTime| now < since.plus_secs(REST_SECS));
        let mut changes = Vec::new();
        let mut ids = Vec::new();
        for mac in std::mem::take(&mut self.ended) {
            changes.push(Change::LeaseGone(mac));
            if let Some(device) = self.book.devices.get(&mac).filter(|d| d.slot.is_some()).cloned() {
                self.device_leaves_slot(&device, &mut changes);
                changes.push(Change::Device(Device { slot: None, ..device }));
            }
        }
        let mut slots = std::collections::BTreeSet::new();
        while ids.len() < BATCH {
            let Some((id, leased)) = self.leased.pop_front() else { break };
            if let Some(change) = self.device_for(&leased, &mut slots, &mut changes) {
                changes.push(change);
            }
            changes.push(Change::Lease(leased));
            ids.push(id);
        }
        if changes.is_empty() {
            return false;
        }
        self.forget_strangers(&mut changes);
        self.post(changes, Posting::Leases(ids));
        true
    }

    fn device_for(
        &mut self,
        leased: &Leased,
        taken: &mut std::collections::BTreeSet<Slot>,
        changes: &mut Vec<Change>,
    ) -> Option<Change> {
        let host_name = leased.host_name.as_ref().map(|name| name.chars().take(64).collect());
        let known = self.book.devices.get(&leased.mac);
        let mut device = match known {
            Some(device) => Device { host_name: host_name.or(device.host_name.clone()), ..device.clone() },
            None => {
                let default = self.settings.default_person.as_ref();
                let person = default.and_then(|name| self.book.person_named(name)).map(|p| p.id);
                let (mac, first_seen) = (leased.mac, self.at);
                Device { mac, person, blocked: false, slot: None, host_name, first_seen }
            }
        };
        if known.is_none() {
            let whose = if device.person.is_some() { "is a guest's" } else { "waits for its owner" };
            self.note("device-new", format!("{} is new, and {whose}", leased.mac));
        }
        if device.person.is_some() && device.slot.is_none() {
            let mut resting = self.resting.clone();
            resting.extend(taken.iter().map(|slot| (*slot, BootTime::default())));
            // Without a slot it stays closed; the diary says why.
            match self.book.free_slot(&resting) {
                Some(slot) => {
                    taken.insert(slot);
                    self.start_at_now(slot, changes);
                    device.slot = Some(slot);
                }
                None => self
                    .note("accounts-full", format!("{} stays closed: all accounts are in use", leased.mac)),
            }
        }
        (self.book.devices.get(&leased.mac) != Some(&device)).then_some(Change::Device(device))
    }

    fn forget_strangers(&self, changes: &mut Vec<Change>) {
        let surplus = self.book.devices.len().saturating_sub(DEVICES);
        let mut away: Vec<&Device> = self
            .book
            .devices
            .values()
            .filter(|d| d.person.is_none() && !d.blocked && !self.book.leases.contains_key(&d.mac))
            .collect();
        away.sort_by_key(|d| d.first_seen);
        changes.extend(away.iter().take(surplus).map(|d| Change::DeviceGone(d.mac)));
    }

    pub(super) fn refused(&mut self, slot: Slot) {
        let at = if slot == Slot::PLAN {
            self.plan_position()
        } else {
            let person = self.book.people.values().find(|p| p.slot == slot).cloned();
            let Some(person) = person else { return };
            self.person_position(&person)
        };
        let boot = self.now.boot;
        self.purses.entry(slot).or_insert_with(|| crate::grant::Purse::new(boot)).refused(&at);
        // The kernel reports the next refusal only after it was given an order.
        self.given.forget(slot);
    }

    /// Says that no more leases are taken.
    pub(super) fn turn_leases_away(&mut self) {
        let waiting = std::mem::take(&mut self.leased);
        self.out.extend(waiting.into_iter().map(|(id, _)| Command::Lease(id, false)));
    }
}
