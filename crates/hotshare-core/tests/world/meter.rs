//! The kernel's meter: who passes, what is taken from which grant, and what it reports.

use std::collections::BTreeMap;

use hotshare_core::brain::Event;
use hotshare_core::meter::AccountOrder;
use hotshare_core::units::{Bytes, Mac, Slot};

use super::{Fate, World, mac};

/// What waits in front of the meter may pass so much, by person and direction (up).
pub(super) type Queue = BTreeMap<(Slot, bool), u64>;

/// Somebody who sends or gets, in one direction, in a slice of time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) bytes: u64,
    pub(crate) packet: u64,
}

impl World {
    pub(super) fn open(&self, slot: Slot) -> Option<AccountOrder> {
        let order = self.cells.get(&slot)?.order?;
        (order.open && order.expiry.0 > self.boot).then_some(order)
    }

    /// Its own interface is a port of the LAN.
    fn passes_port(&self, mac: Mac) -> bool {
        self.air.get(&mac).is_some_and(|(port, _)| self.radio.admitted.get(&mac) == Some(port))
    }

    /// One packet of a device; `up`, or down.
    pub(crate) fn packet(&mut self, device: u8, up: bool, bytes: u64) -> Fate {
        if !up {
            self.bill(bytes);
        }
        let fate = self.charge(device, up, bytes);
        if fate != Fate::Forwarded && !up {
            // Whoever it was for, if anybody: the carrier billed it.
            let slot = self.map.get(&mac(device)).copied();
            let person = slot.and_then(|slot| self.cells.get(&slot)?.order).map(|order| order.parent);
            for slot in slot.into_iter().chain(person).chain([Slot::PLAN]) {
                self.cell(slot).reading.refused_down.0 += bytes;
            }
        }
        fate
    }

    fn bill(&mut self, bytes: u64) {
        self.truth.billed += bytes;
        let cell = self.cell(Slot::PLAN);
        let before = cell.reading.spent.0;
        cell.reading.spent.0 += bytes;
        cell.reading.down.0 += bytes;
        self.low(Slot::PLAN, before);
        let reading = self.cell(Slot::PLAN).reading;
        if reading.spent > reading.granted {
            self.refuse(Slot::PLAN);
        }
    }

    fn low(&mut self, slot: Slot, before: u64) {
        let cell = self.cell(slot);
        let (Some(order), after) = (cell.order, cell.reading.spent.0) else { return };
        if before < order.low.0 && order.low.0 <= after {
            self.tell(Event::Low(slot));
        }
    }

    fn refuse(&mut self, slot: Slot) -> Fate {
        if !std::mem::replace(&mut self.cell(slot).told, true) {
            self.reports += 1;
            let last = self.cell(slot).order.is_some_and(|order| order.later == Bytes::ZERO);
            self.tell(Event::Refused { slot, last });
        }
        Fate::Refused
    }

    fn charge(&mut self, device: u8, up: bool, bytes: u64) -> Fate {
        let Some(slot) = self.map.get(&mac(device)).copied() else { return Fate::Closed };
        let Some(order) = self.open(slot) else { return Fate::Closed };
        let person = order.parent;
        if self.wifi.is_some() && !self.passes_port(mac(device)) {
            return Fate::Closed;
        }
        let (Some(purse), Some(plan)) = (self.open(person), self.open(Slot::PLAN)) else {
            return Fate::Closed;
        };
        let at = self.cell(person).reading.spent.0;
        if at + bytes > purse.granted.0 {
            return self.refuse(person);
        }
        let reserve = if plan.later == Bytes::ZERO { plan.reserve.0 } else { 0 };
        let plan_spent = self.cell(Slot::PLAN).reading.spent.0;
        let needs = if up { bytes } else { 0 };
        if plan_spent + needs + reserve > plan.granted.0 {
            return self.refuse(Slot::PLAN);
        }
        for slot in [slot, person] {
            let reading = &mut self.cell(slot).reading;
            let counter = if up { &mut reading.up } else { &mut reading.down };
            counter.0 += bytes;
        }
        self.cell(person).reading.spent.0 += bytes;
        let owner = self.book.people.values().find(|p| p.slot == person).map(|p| p.id);
        if let (Some(id), Some((_, whose))) = (owner, self.air.get(&mac(device))) {
            assert_eq!(id, *whose, "one pays for another's key");
        }
        if let Some(id) = owner {
            *self.truth.forwarded.entry(id).or_default() += bytes;
            *self.truth.by_device.entry((mac(device), id)).or_default() += bytes;
        }
        if up {
            self.truth.billed += bytes;
            let reading = &mut self.cell(Slot::PLAN).reading;
            reading.spent.0 += bytes;
            reading.up.0 += bytes;
            self.low(Slot::PLAN, plan_spent);
        }
        self.low(person, at);
        Fate::Forwarded
    }

    /// Who pays for what this device sends and gets.
    pub(crate) fn payer(&self, device: u8) -> Option<Slot> {
        let slot = self.map.get(&mac(device))?;
        Some(self.cells.get(slot)?.order?.parent)
    }

    /// A tenth of a second, for those who send or get: so much may pass of each who is slowed. What one leaves of the
    /// plan's rate goes to the others, by weight.
    pub(crate) fn let_through(&mut self, wishes: &BTreeMap<(Slot, bool), Wish>) {
        let plan = self.open(Slot::PLAN).and_then(|order| order.rate).map(|rate| rate.0 / 10);
        self.queue.retain(|who, _| wishes.contains_key(who));
        for up in [false, true] {
            let mut asking: Vec<(Slot, Wish, u64, u64)> = Vec::new();
            for ((slot, _), wish) in wishes.iter().filter(|((_, way), _)| *way == up) {
                let Some(order) = self.open(*slot) else { continue };
                let own = order.rate.map(|rate| rate.0.max(10) / 10);
                if own.is_none() && plan.is_none() {
                    self.queue.remove(&(*slot, up));
                    continue;
                }
                let most = own.unwrap_or(u64::MAX).min(wish.bytes);
                asking.push((*slot, *wish, most, u64::from(order.weight.max(1))));
            }
            let mut left = plan.unwrap_or(u64::MAX);
            // Who wants least for their weight is served first, so that what they leave is there for the rest.
            asking.sort_by_key(|(_, _, most, weight)| most / weight);
            let mut weights: u64 = asking.iter().map(|(_, _, _, weight)| weight).sum();
            for (slot, wish, most, weight) in asking {
                let share = u64::try_from(u128::from(left) * u128::from(weight) / u128::from(weights));
                let part = most.min(share.unwrap_or(u64::MAX));
                (left, weights) = (left - part, weights - weight);
                let tokens = self.queue.entry((slot, up)).or_default();
                *tokens = (*tokens + part).min(part + wish.packet);
            }
        }
    }

    /// Whether the queue lets this packet go on to the meter now.
    pub(crate) fn is_let_through(&mut self, device: u8, up: bool, bytes: u64) -> bool {
        let Some(slot) = self.payer(device) else { return true };
        match self.queue.get_mut(&(slot, up)) {
            None => true,
            Some(tokens) if *tokens >= bytes => {
                *tokens -= bytes;
                true
            }
            Some(_) => false,
        }
    }
}
