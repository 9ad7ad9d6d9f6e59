//! The book: what is durably written, as the brain remembers it. It changes only by the same
//! [`Change`]s that the store commits, after the store has committed them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::alert::{AlertId, Marks, Subject};
use crate::card::{self, Behind, Card};
use crate::keys::{Key, KeyId, KeyOwner};
use crate::ledger::{PeriodKey, Totals};
use crate::meter::{Reading, Usage};
use crate::people::{Device, Person, PersonName};
use crate::plan::{Period, Plan, Zone};
use crate::reconcile::{self, Comparison, Correction, FIGURES, Figure};
use crate::record::{Change, Granted, Leased, Snapshot, Tally, Wish};
use crate::units::{Bytes, CardId, Mac, PersonId, Slot, UnixTime};
use crate::uplink::Uplink;

/// People have the slots below, devices those from here on, and never the other way round: what a device
/// counts is not taken from grants, so that a person in its slot could spend it once more.
pub const FIRST_DEVICE: u32 = Slot::COUNT / 2;

/// A mirror of the store.
#[derive(Clone, Debug)]
pub struct Book {
    /// Of the card that is in.
    pub plan: Plan,
    /// By number; none until the first uplink was seen.
    pub cards: BTreeMap<CardId, Card>,
    /// The card that is in.
    pub card: CardId,
    /// The plans of the others.
    pub other_plans: BTreeMap<CardId, Plan>,
    pub last_card: u32,
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
    /// All that was ever counted as billed of the card that is in, however long ago.
    pub billed: Bytes,
    /// The latest figures of each card's carrier, oldest first.
    pub figures: Vec<Figure>,
    /// What those of the card that is in teach.
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
        let mut book = Book {
            plan: snapshot.plan.unwrap_or_else(|| Plan::simple(None, Period::Monthly { day: 1 }, zone)),
            cards: snapshot.cards.into_iter().map(|card| (card.id, card)).collect(),
            card: snapshot.card.unwrap_or(CardId::FIRST),
            other_plans: snapshot.other_plans.into_iter().collect(),
            last_card: snapshot.last_card,
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
            billed: Bytes::ZERO,
            correction: Correction::default(),
            figures: snapshot.figures,
            marks,
            last_alert: snapshot.last_alert,
        };
        book.look_at_carrier();
        book
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
                if *tally == Tally::Billed(self.card) {
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
                self.spent.retain(|(tally, _), _| *tally != Tally::Device(*mac));
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
            Change::Card(card) => {
                self.last_card = self.last_card.max(card.id.0);
                self.cards.insert(card.id, card.clone());
            }
            Change::CardGone(id) => {
                self.cards.remove(id);
                self.other_plans.remove(id);
            }
            Change::CardIn(id) if *id == self.card => {}
            Change::CardIn(id) => {
                let zone = self.plan.zone.clone();
                let plan = self.other_plans.remove(id);
                let plan = plan.unwrap_or_else(|| Plan::simple(None, Period::Monthly { day: 1 }, zone));
                self.other_plans.insert(self.card, std::mem::replace(&mut self.plan, plan));
                self.card = *id;
                self.look_at_carrier();
            }
            Change::Wish(wish) => {
                self.wishes.insert(wish.person, *wish);
            }
            Change::WishGone(id) => {
                self.wishes.remove(id);
            }
            Change::Figure(figure) => {
                self.figures.push(*figure);
                let own = self.figures.iter().filter(|other| other.card == figure.card).count();
                let mut surplus = own.saturating_sub(FIGURES);
                self.figures.retain(|other| {
                    let goes = other.card == figure.card && surplus > 0;
                    surplus -= usize::from(goes);
                    !goes
                });
                self.look_at_carrier();
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

    /// What is known of how the carrier of the card that is in counts.
    fn look_at_carrier(&mut self) {
        let billed = Tally::Billed(self.card);
        let days = self.spent.range((billed, PeriodKey::ALWAYS)..=(billed, PeriodKey(i32::MAX)));
        self.billed = days.map(|(_, usage)| usage.total()).sum();
        self.correction = reconcile::learn(&self.comparisons());
    }

    /// Of the carrier's count with ours, for the card that is in.
    #[must_use]
    pub fn comparisons(&self) -> Vec<Comparison> {
        let own: Vec<Figure> = self.figures.iter().filter(|f| f.card == self.card).copied().collect();
        reconcile::comparisons(&own)
    }

    /// The carrier's latest figure for the card that is in.
    #[must_use]
    pub fn last_figure(&self) -> Option<&Figure> {
        self.figures.iter().rev().find(|figure| figure.card == self.card)
    }

    /// The card that is in, once it is known.
    #[must_use]
    pub fn present_card(&self) -> Option<&Card> {
        self.cards.get(&self.card)
    }

    /// What lies behind this uplink; `waited`: long enough to be told of its SIM. The first uplink ever leads to the
    /// first card.
    #[must_use]
    pub fn behind(&self, uplink: &Uplink, waited: bool) -> Behind {
        card::behind(&self.cards, self.card, uplink, waited)
    }

    /// Another card than the one that is in may lie behind this uplink: nothing may pass before the brain has looked.
    #[must_use]
    pub fn may_be_other_card(&self, uplink: &Uplink) -> bool {
        let is_in = |behind| matches!(behind, Behind::Card(card) if card.id == self.card);
        self.present_card().is_some() && !is_in(self.behind(uplink, false))
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
