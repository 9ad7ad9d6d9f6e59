//! The book: what is durably written, as the brain remembers it. It changes only by the same
//! [`Change`]s that the store commits, after the store has committed them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::alert::{AlertId, Marks, Subject};
use crate::keys::{Key, KeyId, KeyOwner};
use crate::ledger::{PeriodKey, Totals};
use crate::meter::{Reading, Usage};
use crate::people::{Device, Person, PersonName};
use crate::plan::{Period, Plan, Zone};
use crate::reconcile::{self, Correction, FIGURES, Figure};
use crate::record::{Change, Granted, Leased, Snapshot, Tally, Wish};
use crate::units::{Bytes, Mac, PersonId, Slot, UnixTime};

/// People have the slots below, devices those from here on, and never the other way round: what a device
/// counts is not taken from grants, so that a person in its slot could spend it once more.
pub const FIRST_DEVICE: u32 = Slot::COUNT / 2;

/// A mirror of the store.
#[derive(Clone, Debug)]
pub struct Book {
    pub plan: Plan,
    pub people: BTreeMap<PersonId, Person>,
    pub devices: BTreeMap<Mac, Device>,
    pub totals: Totals,
    pub spent: BTreeMap<(Tally, PeriodKey), Usage>,
    pub leases: BTreeMap<Mac, Leased>,
    pub clock: Option<UnixTime>,
    pub generation: Option<u64>,
    pub granted: BTreeMap<Slot, Granted>,
    pub settled: BTreeMap<Slot, Reading>,
    pub last_person: u32,
    pub keys: BTreeMap<KeyId, Key>,
    pub last_key: u32,
    pub wishes: BTreeMap<PersonId, Wish>,
    pub last_bucket: u32,
    /// All that was ever counted as billed, however long ago.
    pub billed: Bytes,
    /// The carrier's latest figures, oldest first.
    pub figures: Vec<Figure>,
    /// What they teach.
    pub correction: Correction,
    /// What was told already.
    pub marks: Marks,
    pub last_alert: AlertId,
}

impl Book {
    #[must_use]
    pub fn new(snapshot: Snapshot, zone: Zone) -> Book {
        let mut totals = Totals::default();
        for (account, period, bytes) in snapshot.totals {
            totals.add(account, period, bytes);
        }
        let mut marks = Marks::default();
        snapshot.marks.into_iter().for_each(|mark| marks.put(mark));
        let billed = snapshot.spent.iter().filter(|(tally, ..)| *tally == Tally::Billed);
        let billed = billed.map(|(_, _, usage)| usage.total()).sum();
        Book {
            plan: snapshot.plan.unwrap_or_else(|| Plan::simple(None, Period::Monthly { day: 1 }, zone)),
            people: snapshot.people.into_iter().map(|p| (p.id, p)).collect(),
            devices: snapshot.devices.into_iter().map(|d| (d.mac, d)).collect(),
            totals,
            spent: snapshot.spent.into_iter().map(|(t, d, u)| ((t, d), u)).collect(),
            leases: snapshot.leases.into_iter().map(|l| (l.mac, l)).collect(),
            clock: snapshot.clock,
            generation: snapshot.generation,
            granted: snapshot.granted.into_iter().collect(),
            settled: snapshot.settled.into_iter().collect(),
            last_person: snapshot.last_person,
            keys: snapshot.keys.into_iter().map(|key| (key.id, key)).collect(),
            last_key: snapshot.last_key,
            wishes: snapshot.wishes.into_iter().map(|wish| (wish.person, wish)).collect(),
            last_bucket: snapshot.last_bucket,
            billed,
            correction: reconcile::learn(&reconcile::comparisons(&snapshot.figures)),
            figures: snapshot.figures,
            marks,
            last_alert: snapshot.last_alert,
        }
    }

    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Entry(e) => self.totals.add(e.account, e.period, e.bytes),
            Change::Granted { slot, total, account, period } => {
                let granted = Granted { total: *total, account: *account, period: *period };
                self.granted.insert(*slot, granted);
            }
            Change::Settled { slot, reading } => {
                self.settled.insert(*slot, *reading);
            }
            Change::Spent { tally, day, usage } => {
                *self.spent.entry((*tally, *day)).or_default() += *usage;
                if *tally == Tally::Billed {
                    self.billed += usage.total();
                }
            }
            Change::Person(person) => {
                self.last_person = self.last_person.max(person.id.0);
                self.people.insert(person.id, person.clone());
            }
            Change::PersonGone(id) => {
                self.people.remove(id);
                self.wishes.remove(id);
                self.marks.forget(Subject::Person(*id));
            }
            Change::Device(device) => {
                self.devices.insert(device.mac, device.clone());
            }
            Change::DeviceGone(mac) => {
                self.devices.remove(mac);
                self.marks.forget(Subject::Device(*mac));
            }
            Change::Key(key) => {
                self.last_key = self.last_key.max(key.id.0);
                self.keys.insert(key.id, key.clone());
            }
            Change::KeyGone(id) => {
                self.keys.remove(id);
            }
            Change::Plan(plan) => {
                let last = plan.buckets.iter().map(|bucket| bucket.id.0).max().unwrap_or(0);
                self.last_bucket = self.last_bucket.max(last);
                self.plan = plan.clone();
            }
            Change::Wish(wish) => {
                self.wishes.insert(wish.person, *wish);
            }
            Change::WishGone(id) => {
                self.wishes.remove(id);
            }
            Change::Figure(figure) => {
                self.figures.push(*figure);
                let surplus = self.figures.len().saturating_sub(FIGURES);
                self.figures.drain(..surplus);
                self.correction = reconcile::learn(&reconcile::comparisons(&self.figures));
            }
            Change::Lease(leased) => {
                self.leases.insert(leased.mac, leased.clone());
            }
            Change::LeaseGone(mac) => {
                self.leases.remove(mac);
            }
            Change::Clock(at) => self.clock = Some(*at),
            Change::Generation(generation) => {
                self.generation = Some(*generation);
                self.granted.clear();
                self.settled.clear();
            }
            Change::Alert(raise) => {
                self.marks.put(raise.mark);
                self.last_alert = self.last_alert.max(raise.alert.id);
            }
            Change::Usage { .. } | Change::Noted(_) => {}
        }
    }

    #[must_use]
    pub fn person_named(&self, name: &PersonName) -> Option<&Person> {
        self.people.values().find(|p| p.name == *name)
    }

    /// The sums of the days from `from` on (all days ever with [`PeriodKey::ALWAYS`]).
    #[must_use]
    pub fn spent_since(&self, tally: Tally, from: PeriodKey) -> Usage {
        let mut sum = Usage::default();
        for usage in self.spent.range((tally, from)..=(tally, PeriodKey(i32::MAX))) {
            sum += *usage.1;
        }
        sum
    }

    /// The people with a device that has an address, is not blocked and is `there`.
    #[must_use]
    pub fn present(&self, there: impl Fn(&Device) -> bool) -> BTreeSet<PersonId> {
        let leased = self.leases.keys().filter_map(|mac| self.devices.get(mac));
        leased.filter(|d| !d.blocked && there(d)).filter_map(|d| d.person).collect()
    }

    /// The newest key of somebody, in force or ended.
    #[must_use]
    pub fn key_of(&self, owner: KeyOwner) -> Option<&Key> {
        self.keys.values().rev().find(|key| key.owner == owner)
    }

    /// The lowest slot for a person that nobody has and that is not in `unfree`.
    #[must_use]
    pub fn free_person_slot(&self, unfree: &BTreeSet<Slot>) -> Option<Slot> {
        let taken: BTreeSet<Slot> = self.people.values().map(|p| p.slot).collect();
        free(Slot::FIRST_FREE.0..FIRST_DEVICE, &taken, unfree)
    }

    /// The same for a device.
    #[must_use]
    pub fn free_device_slot(&self, unfree: &BTreeSet<Slot>) -> Option<Slot> {
        let taken: BTreeSet<Slot> = self.devices.values().filter_map(|d| d.slot).collect();
        free(FIRST_DEVICE..Slot::COUNT, &taken, unfree)
    }
}

fn free(slots: Range<u32>, taken: &BTreeSet<Slot>, unfree: &BTreeSet<Slot>) -> Option<Slot> {
    slots.map(Slot).find(|slot| !taken.contains(slot) && !unfree.contains(slot))
}
