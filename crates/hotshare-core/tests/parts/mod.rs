//! Plans of several parts, as they may be.

use std::collections::BTreeSet;

use hotshare_core::money::{Money, Price};
use hotshare_core::plan::{Bucket, Date, Hours, Pay, Period, Plan, Terms, Unused, Window, Zone};
use hotshare_core::units::{BucketId, Bytes, Rate};
use proptest::prelude::*;

use crate::world::name;

/// What makes a part, before it is known where it stands.
#[derive(Clone, Debug)]
struct Draft {
    cap: u64,
    own_period: u8,
    hours: Option<Window>,
    rate: u64,
    pay: bool,
    unused: u8,
}

fn draft() -> impl Strategy<Value = Draft> {
    let window =
        (1u8..128, 0u16..1440, 0u16..1440).prop_map(|(days, from, until)| Window { days, from, until });
    let hours = prop_oneof![3 => Just(None), 1 => window.prop_map(Some)];
    (1u64..40, 0u8..8, hours, 0u64..12, prop::bool::weighted(0.25), 0u8..6).prop_map(
        |(cap, own_period, hours, rate, pay, unused)| Draft { cap, own_period, hours, rate, pay, unused },
    )
}

/// One to five parts: later ones never faster, never for more people or sites; perhaps a slow end without a cap.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let drafts = prop::collection::vec(draft(), 1..5);
    let places = (0usize..6, 0usize..8);
    (drafts, places, prop::option::of(1u64..8), 1u8..29).prop_map(|(drafts, (narrow, sited), end, day)| {
        let mut slowest: Option<Rate> = None;
        let mut buckets = Vec::new();
        for (place, draft) in drafts.into_iter().enumerate() {
            slowest = if draft.rate < 6 { slowest } else { at_most(slowest, Rate(draft.rate * 20_000)) };
            let mut part = drawn(&draft, place, slowest);
            part.only.people = (place > narrow).then(|| BTreeSet::from([name("anna"), name("bo")]));
            if place > sited {
                part.only.sites = BTreeSet::from(["topup.example".parse().expect("a name")]);
            }
            buckets.push(part);
        }
        if let Some(rate) = end {
            let place = buckets.len();
            let only = buckets.last().map_or_else(Default::default, |part: &Bucket| part.only.clone());
            let rate = at_most(slowest, Rate(rate * 10_000));
            let mut part =
                Bucket { id: id(place), name: format!("part {place}"), rate, ..Bucket::main(None) };
            part.only = only;
            buckets.push(part);
        }
        Plan { period: Period::Monthly { day }, zone: Zone::utc(), buckets, terms: Terms::default() }
    })
}

fn id(place: usize) -> BucketId {
    BucketId(u32::try_from(place).unwrap_or(0))
}

fn at_most(before: Option<Rate>, rate: Rate) -> Option<Rate> {
    Some(before.map_or(rate, |before| before.min(rate)))
}

fn drawn(draft: &Draft, place: usize, rate: Option<Rate>) -> Bucket {
    let from = Date::constant(2026, 11, 1);
    let part = Bucket {
        id: id(place),
        name: format!("part {place}"),
        period: match draft.own_period {
            0 => Some(Period::EveryDays { days: 1, from: Date::constant(1970, 1, 1) }),
            1 => Some(Period::EveryDays { days: 5, from }),
            2 => Some(Period::Once { from, until: Date::constant(2026, 11, 9) }),
            _ => None,
        },
        hours: draft.hours.map(|window| Hours(vec![window])),
        rate,
        ..Bucket::main(Some(Bytes::mib(draft.cap)))
    };
    if draft.pay {
        let price = Price { money: Money(10_000), unit: Bytes(1_000_000) };
        return Bucket {
            cap: None,
            pay: Some(Pay { price, limit: Money(300_000), step: Money(100_000) }),
            ..part
        };
    }
    let unused = match draft.unused {
        0 => Unused::NextPeriod,
        1 => Unused::Kept { most: Bytes::mib(draft.cap * 2) },
        _ => Unused::Lost,
    };
    Bucket { unused, ..part }
}
