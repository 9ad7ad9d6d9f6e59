//! From what is in force to what the kernel, the rules and the name server must hold. Only differences
//! are ordered.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::turn::InUse;
use super::{Brain, Command};
use crate::grant::{Position, Purse};
use crate::meter::AccountOrder;
use crate::people::Person;
use crate::plan::reserve;
use crate::policy::{AtEnd, Facts, PlanState, Verdict, Why, verdict};
use crate::units::{BootTime, Bytes, Mac, Rate, Slot};

/// More than any balance: without a limit, there is always more.
const NO_LIMIT: Bytes = Bytes(1 << 62);
/// Less of a grant is as good as nothing.
const SPENT: Bytes = Bytes(64 << 10);
const NEVER: Bytes = Bytes(u64::MAX);

/// Unlike any order that is given.
const UNKNOWN: AccountOrder = AccountOrder {
    granted: NEVER,
    low: NEVER,
    later: NEVER,
    reserve: NEVER,
    expiry: BootTime(u64::MAX),
    open: true,
    count_only: false,
    glide: false,
    parent: Slot(0),
    rate: None,
    weight: 1,
};

/// What was ordered last.
#[derive(Debug, Default)]
pub(super) struct Given {
    accounts: BTreeMap<Slot, AccountOrder>,
    mapped: BTreeMap<Mac, (Slot, Ipv4Addr)>,
    resting: BTreeSet<Mac>,
    neighbours: Option<(BTreeMap<Ipv4Addr, Mac>, BTreeSet<Mac>)>,
    radio: Option<crate::radio::RadioOrders>,
    closed: Option<BTreeSet<Ipv4Addr>>,
    names: Option<BTreeSet<Ipv4Addr>>,
}

impl Given {
    /// The kernel may hold anything for this account.
    pub(super) fn found(&mut self, slot: Slot) {
        self.accounts.insert(slot, UNKNOWN);
    }

    /// Order this account again, even if nothing changed.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.accounts.remove(&slot);
    }
}

/// Whether flows are to be reset, or may wait: an uplink comes back, a SIM is read, and a disk is given space.
fn ends_flows(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Open
        | Verdict::Slow(..)
        | Verdict::OnlySites(_)
        | Verdict::Closed(Why::NoUplink | Why::CardUnknown | Why::LedgerStuck) => false,
        Verdict::Closed(_) => true,
    }
}

impl Brain {
    pub(super) fn verdict_on(&self, person: &Person) -> Verdict {
        let at = self.allowance_position(person);
        let stuck = self.is_stuck() && at.outstanding() < SPENT;
        verdict(&Facts {
            paused: person.paused,
            ended: person.until.is_some_and(|until| until <= self.at),
            bed_time: person.bed_times.hold(&self.book.plan.zone, self.at),
            allowance_used: self.is_dry(person.slot, &at),
            at_end: person.at_end,
            plan: self.plan_state_for(person),
            card_known: !self.waits_for_sim(),
            card_agreed: self.card_agreed() || !self.card_fits(),
            uplink: self.ready.is_some() && self.card_fits(),
            stuck,
        })
    }

    /// How fast somebody goes on whose allowance is used up.
    fn own_rate(&self, person: &Person) -> Option<Rate> {
        match person.at_end {
            AtEnd::Slow(rate) => self.is_dry(person.slot, &self.allowance_position(person)).then_some(rate),
            AtEnd::Stop => None,
        }
    }

    /// What is left of the plan is less than a packet, beside the reserve.
    pub(super) fn plan_is_used(&self, now: &InUse) -> bool {
        match now.state {
            PlanState::InUse(_) | PlanState::OnlySites(_) => {
                let reserve = now.reserve().signed();
                let left = self.plan_position(now).balance();
                now.beyond == Some(0) && left.is_some_and(|left| left <= reserve)
            }
            PlanState::Used | PlanState::AsksForMoney => true,
            PlanState::Over | PlanState::KeptForOthers => false,
        }
    }

    pub(super) fn is_dry(&self, slot: Slot, at: &Position) -> bool {
        match self.purses.get(&slot) {
            Some(purse) => purse.is_dry(at),
            None => at.balance().is_some_and(|left| left <= 0),
        }
    }

    pub(super) fn give_orders(&mut self) {
        self.renew();
        let people: Vec<Person> = self.book.people.values().cloned().collect();
        let mut open = BTreeSet::new();
        let mut cut_off = BTreeSet::new();
        let mut wanted = BTreeMap::new();
        let now = self.plan_in_use();
        let plan_open =
            self.may_use_uplink() && now.place.is_some() && !self.plan_is_used(&now) && !self.stopping;
        let plan = self.plan_order(&now, plan_open && !self.is_shut_for_sites());
        for person in &people {
            let at = self.person_position(person);
            let verdict = self.verdict_on(person);
            // Without grants the kernel refuses by itself; a closed gate would also reset flows.
            let stuck = verdict == Verdict::Closed(Why::LedgerStuck);
            let is_open = (verdict.is_open() || stuck) && at.active;
            let order = self.order(person.slot, &at, is_open, Slot::PLAN);
            let rate = self.own_rate(person);
            wanted.insert(person.slot, AccountOrder { rate, weight: person.weight, ..order });
            if is_open && verdict.is_open() {
                open.insert(person.id);
            }
            if ends_flows(verdict) {
                cut_off.insert(person.id);
            }
        }
        let (mut mapped, mut resting) = (BTreeMap::new(), BTreeSet::new());
        let (mut closed, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (mac, leased) in &self.book.leases {
            let device = self.book.devices.get(mac);
            let person = device.and_then(|d| d.person);
            let unblocked = device.is_some_and(|d| !d.blocked);
            let there = device.is_some_and(|d| self.is_there(d));
            if unblocked && there && plan_open && person.is_some_and(|p| open.contains(&p)) {
                names.insert(leased.ip);
            }
            if !unblocked || person.is_none_or(|p| cut_off.contains(&p)) {
                closed.insert(leased.ip);
            }
            let owner = person.and_then(|id| self.book.people.get(&id));
            if let (Some(device), Some(owner)) = (device, owner)
                && let Some(slot) = device.slot
            {
                if there {
                    mapped.insert(*mac, (slot, leased.ip));
                } else {
                    resting.insert(*mac);
                }
                wanted.insert(slot, self.device_order(!device.blocked, owner.slot));
            }
        }
        // Packets of a device that moved to another slot may still name the old one.
        for (slot, rest) in &self.resting {
            if let Some((mac, person)) = rest.was
                && mapped.contains_key(&mac)
                && let Some(owner) = self.book.people.get(&person)
            {
                wanted.insert(*slot, self.device_order(true, owner.slot));
            }
        }
        self.order_accounts(plan, wanted);
        self.order_map(mapped, &resting);
        let addresses = self.book.leases.values().map(|leased| (leased.ip, leased.mac)).collect();
        let neighbours = (addresses, self.on_air());
        if self.given.neighbours.as_ref() != Some(&neighbours) {
            self.given.neighbours = Some(neighbours.clone());
            let (addresses, wireless) = neighbours;
            self.out.push_back(Command::Neighbours { addresses, wireless });
        }
        let radio = self.radio_orders();
        if self.given.radio != radio {
            self.given.radio.clone_from(&radio);
            self.out.extend(radio.map(|orders| Command::Radio(Box::new(orders))));
        }
        if self.given.closed.as_ref() != Some(&closed) {
            self.given.closed = Some(closed.clone());
            self.out.push_back(Command::Close(closed));
        }
        if self.given.names.as_ref() != Some(&names) {
            self.given.names = Some(names.clone());
            self.out.push_back(Command::Names(names));
        }
        self.order_sites();
        if self.stopping {
            let leases = std::mem::take(&mut self.leased);
            self.turn_away(leases);
        }
    }

    /// The kernel closes by itself unless it hears of us: renewed with two thirds of the time left.
    fn renew(&mut self) {
        let life = self.settings.grant_life_secs;
        if self.now.boot.plus_millis(life * 667) >= self.expiry {
            self.expiry = self.now.boot.plus_secs(life);
        }
    }

    fn order(&self, slot: Slot, at: &Position, open: bool, parent: Slot) -> AccountOrder {
        let granted = self.tightened.get(&slot).map_or(at.posted, |less| at.posted.min(*less));
        let later = match at.free {
            None => NO_LIMIT,
            Some(free) => Bytes::from_signed(free),
        };
        let low = match self.purses.get(&slot) {
            Some(purse) if later > Bytes::ZERO => granted.saturating_sub(Purse::low(purse, at)),
            _ => NEVER,
        };
        AccountOrder {
            granted,
            low,
            later,
            reserve: Bytes::ZERO,
            expiry: self.expiry,
            open,
            count_only: false,
            glide: false,
            parent,
            rate: None,
            weight: 1,
        }
    }

    fn plan_order(&self, now: &InUse, open: bool) -> AccountOrder {
        let at = self.plan_position(now);
        let order = self.order(Slot::PLAN, &at, open, Slot(0));
        // It glides and keeps a reserve only towards the very end, not from one part to the next.
        let later = match (at.free, now.beyond) {
            (Some(free), Some(beyond)) => Bytes::from_signed(free).saturating_add(Bytes::from_signed(beyond)),
            _ => NO_LIMIT,
        };
        let reserve = now.limit.map_or(Bytes::ZERO, reserve);
        AccountOrder { later, reserve, glide: later < NO_LIMIT, rate: now.state.rate(), ..order }
    }

    fn device_order(&self, open: bool, parent: Slot) -> AccountOrder {
        AccountOrder {
            granted: Bytes::ZERO,
            low: NEVER,
            later: Bytes::ZERO,
            reserve: Bytes::ZERO,
            expiry: self.expiry,
            open,
            count_only: true,
            glide: false,
            parent,
            rate: None,
            weight: 1,
        }
    }

    /// Whatever has no owner any more is closed; then parents before children.
    fn order_accounts(&mut self, plan: AccountOrder, wanted: BTreeMap<Slot, AccountOrder>) {
        let gone: Vec<Slot> = self
            .given
            .accounts
            .keys()
            .filter(|slot| **slot != Slot::PLAN && !wanted.contains_key(slot))
            .copied()
            .collect();
        for slot in gone {
            let order =
                AccountOrder { granted: self.reading(slot).used(), ..self.device_order(false, Slot(0)) };
            self.given.accounts.remove(&slot);
            self.out.push_back(Command::Account(slot, order));
        }
        for (slot, order) in std::iter::once((Slot::PLAN, plan)).chain(wanted) {
            if self.given.accounts.get(&slot) != Some(&order) {
                self.given.accounts.insert(slot, order);
                self.out.push_back(Command::Account(slot, order));
            }
        }
    }

    fn order_map(&mut self, mapped: BTreeMap<Mac, (Slot, Ipv4Addr)>, resting: &BTreeSet<Mac>) {
        for mac in self.given.mapped.keys().filter(|mac| !mapped.contains_key(mac)) {
            let rests = resting.contains(mac);
            self.out.push_back(if rests { Command::Rest(*mac) } else { Command::Unmap(*mac) });
        }
        for mac in self.given.resting.iter().filter(|mac| !mapped.contains_key(mac) && !resting.contains(mac))
        {
            self.out.push_back(Command::Unmap(*mac));
        }
        self.given.resting.clone_from(resting);
        for (mac, (slot, ip)) in &mapped {
            if self.given.mapped.get(mac) != Some(&(*slot, *ip)) {
                self.out.push_back(Command::Map(*mac, *slot, *ip));
            }
        }
        self.given.mapped = mapped;
    }
}
