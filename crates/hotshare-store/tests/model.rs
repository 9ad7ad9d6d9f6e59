//! Any sequence of changes, against a model in memory.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod changes;

use std::collections::BTreeMap;

use changes::{change, with_owners};
use hotshare_core::alert::{Channel, Marks, Raise, Subject};
use hotshare_core::card::Card;
use hotshare_core::keys::{Key, KeyId};
use hotshare_core::ledger::{Entry, PeriodKey};
use hotshare_core::meter::{Reading, Usage};
use hotshare_core::people::{Device, Person};
use hotshare_core::plan::{Plan, Zone};
use hotshare_core::reconcile::{FIGURES, Figure};
use hotshare_core::record::{Change, Granted, Leased, Noted, Snapshot, Tally, Who, Wish};
use hotshare_core::units::{Account, BucketId, CardId, Mac, PersonId, Slot, UnixTime};
use hotshare_store::{By, Reader, Store, Whose};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a store should hold, in the plainest way.
#[derive(Clone, Default)]
struct Model {
    entries: Vec<Entry>,
    plan: Option<Plan>,
    cards: BTreeMap<CardId, Card>,
    card: Option<CardId>,
    other_plans: BTreeMap<CardId, Plan>,
    last_card: u32,
    people: BTreeMap<PersonId, Person>,
    names: BTreeMap<PersonId, String>,
    devices: BTreeMap<Mac, Device>,
    keys: BTreeMap<KeyId, Key>,
    last_key: u32,
    leases: BTreeMap<Mac, Leased>,
    clock: Option<UnixTime>,
    generation: Option<u64>,
    granted: BTreeMap<Slot, Granted>,
    wishes: BTreeMap<PersonId, Wish>,
    last_bucket: u32,
    figures: Vec<Figure>,
    settled: BTreeMap<Slot, Reading>,
    usage: BTreeMap<(i64, Who), Usage>,
    spent: BTreeMap<(Tally, PeriodKey), Usage>,
    diary: Vec<Noted>,
    alerts: Vec<Raise>,
    marks: Marks,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Entry(entry) => self.entries.push(entry),
            Change::Granted { slot, total, account, period } => {
                self.granted.insert(slot, Granted { total, account, period });
            }
            Change::Settled { slot, reading } => drop(self.settled.insert(slot, reading)),
            Change::Usage { minute, who, usage } => *self.usage.entry((minute, who)).or_default() += usage,
            Change::Spent { tally, day, usage } => *self.spent.entry((tally, day)).or_default() += usage,
            Change::Person(person) => {
                self.names.insert(person.id, person.name.to_string());
                self.people.insert(person.id, person);
            }
            Change::PersonGone(id) => {
                self.marks.forget(Subject::Person(id));
                self.wishes.remove(&id);
                self.people.remove(&id);
            }
            Change::Device(device) => drop(self.devices.insert(device.mac, device)),
            Change::DeviceGone(mac) => {
                self.marks.forget(Subject::Device(mac));
                self.devices.remove(&mac);
                self.spent.retain(|(tally, _), _| *tally != Tally::Device(mac));
            }
            Change::Key(key) => {
                self.last_key = self.last_key.max(key.id.0);
                self.keys.insert(key.id, key);
            }
            Change::KeyGone(id) => drop(self.keys.remove(&id)),
            Change::Plan(plan) => {
                let last = plan.buckets.iter().map(|bucket| bucket.id.0).max().unwrap_or(0);
                self.last_bucket = self.last_bucket.max(last);
                self.plan = Some(plan);
            }
            Change::Card(card) => {
                self.last_card = self.last_card.max(card.id.0);
                self.cards.insert(card.id, card);
            }
            Change::CardGone(id) => {
                self.cards.remove(&id);
                self.other_plans.remove(&id);
            }
            Change::CardIn(id) => {
                let before = self.card.unwrap_or(CardId::FIRST);
                let plan = self.other_plans.remove(&id);
                // The one that is in may be taken in again.
                let plan = if before == id { self.plan.take() } else { plan };
                if let Some(old) = std::mem::replace(&mut self.plan, plan) {
                    self.other_plans.insert(before, old);
                }
                self.card = Some(id);
            }
            Change::Wish(wish) => drop(self.wishes.insert(wish.person, wish)),
            Change::WishGone(id) => drop(self.wishes.remove(&id)),
            Change::Figure(figure) => self.figures.push(figure),
            Change::Lease(lease) => drop(self.leases.insert(lease.mac, lease)),
            Change::LeaseGone(mac) => drop(self.leases.remove(&mac)),
            Change::Clock(at) => self.clock = Some(at),
            Change::Generation(generation) => {
                self.generation = Some(generation);
                self.granted.clear();
                self.settled.clear();
            }
            Change::Noted(noted) => self.diary.push(noted),
            Change::Alert(raise) => {
                self.marks.put(raise.mark);
                self.alerts.push(*raise);
            }
        }
    }

    fn totals(&self) -> Vec<(Account, PeriodKey, i64)> {
        let mut sums = BTreeMap::new();
        for entry in &self.entries {
            *sums.entry((entry.account, entry.period)).or_insert(0) += entry.bytes;
        }
        sums.into_iter().map(|((account, period), bytes)| (account, period, bytes)).collect()
    }

    /// Days of the last 400, by the clock that is kept; older ones together.
    fn spent(&self) -> BTreeMap<(Tally, PeriodKey), Usage> {
        let oldest = self.clock.map_or(i64::MIN, |at| at.0.div_euclid(86_400) - 400);
        let mut sums: BTreeMap<_, Usage> = BTreeMap::new();
        for (&(tally, day), &usage) in self.spent.iter().filter(|(_, usage)| !usage.is_zero()) {
            let day = if i64::from(day.0) <= oldest { PeriodKey::ALWAYS } else { day };
            *sums.entry((tally, day)).or_default() += usage;
        }
        sums
    }

    fn assert_is(&self, got: &Snapshot) {
        assert_eq!(got.plan, self.plan);
        assert_eq!(got.cards, self.cards.values().cloned().collect::<Vec<_>>());
        let card = self.card.unwrap_or(CardId::FIRST);
        let is_known = card != CardId::FIRST || self.cards.contains_key(&card);
        assert_eq!(got.card, is_known.then_some(card));
        assert_eq!(got.other_plans.iter().cloned().collect::<BTreeMap<_, _>>(), self.other_plans);
        assert_eq!(got.last_card, self.last_card);
        assert_eq!(got.people, self.people.values().cloned().collect::<Vec<_>>());
        assert_eq!(got.devices, self.devices.values().cloned().collect::<Vec<_>>());
        assert_eq!(got.keys, self.keys.values().cloned().collect::<Vec<_>>());
        assert_eq!(got.last_key, self.last_key);
        let mut totals = got.totals.clone();
        totals.sort();
        assert_eq!(totals, self.totals());
        assert_eq!(got.wishes, self.wishes.values().copied().collect::<Vec<_>>());
        assert_eq!(got.last_bucket, self.last_bucket);
        let latest = |n: &usize| {
            let later = self.figures[n + 1..].iter().filter(|other| other.card == self.figures[*n].card);
            later.count() < FIGURES
        };
        let latest: Vec<Figure> = (0..self.figures.len()).filter(latest).map(|n| self.figures[n]).collect();
        assert_eq!(got.figures, latest);
        let spent: BTreeMap<_, _> =
            got.spent.iter().map(|&(tally, day, usage)| ((tally, day), usage)).collect();
        assert_eq!(spent.len(), got.spent.len());
        assert_eq!(spent, self.spent());
        assert_eq!(got.leases, self.leases.values().cloned().collect::<Vec<_>>());
        assert_eq!((got.clock, got.generation), (self.clock, self.generation));
        assert_eq!(got.granted, self.granted.iter().map(|(&s, &g)| (s, g)).collect::<Vec<_>>());
        assert_eq!(got.settled, self.settled.iter().map(|(&s, &r)| (s, r)).collect::<Vec<_>>());
        let mut marks = Marks::default();
        got.marks.iter().for_each(|mark| marks.put(*mark));
        assert_eq!((&marks, got.marks.len()), (&self.marks, self.marks.iter().count()));
        assert_eq!(got.last_alert, self.alerts.last().map(|raise| raise.alert.id).unwrap_or_default());
        assert_eq!(got.last_person, self.names.keys().last().map_or(0, |id| id.0));
    }

    fn assert_reports(&self, reader: &Reader) {
        let posted: Vec<_> = reader.entries(UnixTime(i64::MIN), None, u32::MAX).unwrap();
        assert_eq!(posted.into_iter().rev().map(|p| p.entry).collect::<Vec<_>>(), self.entries);
        let plan = reader.entries(UnixTime(0), Some(Account::Bucket(BucketId::FIRST)), 3).unwrap();
        let newest: Vec<_> = self
            .entries
            .iter()
            .rev()
            .filter(|e| e.account == Account::Bucket(BucketId::FIRST) && e.at.0 >= 0)
            .take(3)
            .collect();
        assert_eq!(plan.iter().map(|p| &p.entry).collect::<Vec<_>>(), newest);
        let mut totals = reader.totals().unwrap();
        totals.sort();
        assert_eq!(totals, self.totals());
        let events = reader.events(UnixTime(i64::MIN), u32::MAX).unwrap();
        assert_eq!(
            events
                .iter()
                .rev()
                .map(|e| (e.at, e.kind.as_str(), e.text.as_str(), &e.facts))
                .collect::<Vec<_>>(),
            self.diary.iter().map(|n| (n.at, n.kind, n.text.as_str(), &*n.facts)).collect::<Vec<_>>()
        );
        for channel in Channel::ALL {
            let pending = reader.pending(channel, u32::MAX).unwrap();
            let want: Vec<_> =
                self.alerts.iter().filter(|r| r.channels.contains(&channel)).map(|r| &r.alert).collect();
            assert_eq!(pending.iter().map(|p| &p.alert).collect::<Vec<_>>(), want);
            assert!(pending.iter().all(|p| p.attempts == 0 && p.next_try == p.alert.at));
        }
        let mut billed = Usage::default();
        let mut people: BTreeMap<PersonId, Usage> = BTreeMap::new();
        for (&(_, who), &usage) in self.usage.iter().filter(|(_, usage)| !usage.is_zero()) {
            match who {
                Who::Plan => billed += usage,
                Who::Device(_, id) => *people.entry(id).or_default() += usage,
            }
        }
        let rows = reader.usage(By::Person, UnixTime(i64::MIN), UnixTime(i64::MAX), &Zone::utc()).unwrap();
        let mut want: Vec<_> = people
            .into_iter()
            .map(|(id, usage)| {
                let name = self.names.get(&id).cloned().unwrap_or(format!("person {}", id.0));
                (Whose::Person { id, name }, usage)
            })
            .collect();
        if !billed.is_zero() {
            want.insert(0, (Whose::Plan, billed));
        }
        assert_eq!(rows.into_iter().map(|row| (row.whose, row.usage)).collect::<Vec<_>>(), want);
    }
}

/// In memory where that can be had: hundreds of stores that need not survive.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_changes_are_kept_as_in_the_model(commits in vec(vec(change(), 0..8), 1..25)) {
        let commits = with_owners(commits);
        let dir = folder();
        let path = dir.path().join("ledger.sqlite");
        let mut model = Model::default();
        let mut store = Store::open(&path).unwrap();
        for (n, changes) in commits.iter().enumerate() {
            if n % 10 == 9 {
                drop(store);
                store = Store::open(&path).unwrap();
            }
            store.commit(changes).unwrap();
            changes.iter().for_each(|change| model.apply(change));
        }
        model.assert_is(&store.snapshot().unwrap());
        model.assert_reports(&Reader::open(&path).unwrap());
        store.verify().unwrap();

        // The same again, in a new store and in other portions: the same ledger.
        let path = dir.path().join("again.sqlite");
        let mut again = Store::open(&path).unwrap();
        again.commit(&commits.concat()).unwrap();
        model.assert_is(&again.snapshot().unwrap());
    }

    /// A change that cannot be kept takes all of its posting with it.
    #[test]
    fn a_posting_that_fails_leaves_nothing(before in vec(change(), 0..10), failed in vec(change(), 0..10)) {
        let dir = folder();
        let mut store = Store::open(&dir.path().join("ledger.sqlite")).unwrap();
        let mut model = Model::default();
        let before = with_owners(vec![before]).concat();
        store.commit(&before).unwrap();
        before.iter().for_each(|change| model.apply(change));
        let nobody = Device {
            mac: Mac([2, 9, 9, 9, 9, 9]),
            person: Some(PersonId(77)),
            blocked: false,
            wireless: false,
            slot: None,
            host_name: None,
            first_seen: UnixTime(0),
            claim: None,
        };
        let mut failed = failed;
        failed.retain(|change| !matches!(change, Change::Alert(_)));
        failed.insert(failed.len() / 2, Change::Device(nobody));
        store.commit(&failed).unwrap_err();
        model.assert_is(&store.snapshot().unwrap());
        store.verify().unwrap();
    }
}
