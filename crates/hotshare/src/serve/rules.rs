//! Plans of several parts, and rules for people: between the promised formats and the brain's own words.

use std::collections::BTreeSet;

use hotshare_api as api;
use hotshare_core::ask::{BucketStatus, PersonRules, PlanStatus};
use hotshare_core::money::{Currency, Money, Price, Vat};
use hotshare_core::people::AtEnd;
use hotshare_core::plan::{Bucket, Hours, Only, Pay, SiteName, Terms, Unused, Window};
use hotshare_core::units::{BucketId, Rate, UnixTime};

use super::failure::No;
use super::translate::{bad, bytes, name, period, period_told};
use crate::money;

pub(super) fn person_rules(change: &api::PersonChange) -> Result<PersonRules, No> {
    Ok(PersonRules {
        weight: change.weight,
        at_end: match change.then_rate {
            None => None,
            Some(None) => Some(AtEnd::Stop),
            Some(Some(sent)) => Some(AtEnd::Slow(rate(sent)?)),
        },
        bed_times: change.bed_times.as_deref().map(hours).transpose()?,
        until: change.until.map(|until| until.map(UnixTime)),
    })
}

fn rate(sent: u64) -> Result<Rate, No> {
    bytes(sent).map(|bytes| Rate(bytes.0))
}

pub(super) fn hours(windows: &[api::Window]) -> Result<Hours, No> {
    windows.iter().map(window).collect::<Result<_, _>>().map(Hours)
}

fn window(window: &api::Window) -> Result<Window, No> {
    let days = window.days.iter().fold(0, |days, day| days | 1 << place(*day));
    Ok(Window { days, from: minute(&window.from)?, until: minute(&window.until)? })
}

fn place(day: api::Day) -> usize {
    api::Day::ALL.iter().position(|d| *d == day).unwrap_or(0)
}

fn minute(text: &str) -> Result<u16, No> {
    let digits = |text: &str| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())
            .flatten()
    };
    let parts = text.split_once(':').and_then(|(hour, minute)| digits(hour).zip(digits(minute)));
    match parts {
        Some((hour @ 0..24, minute @ 0..60)) => Ok(hour * 60 + minute),
        _ => Err(bad(format!("“{}” is not a time of day; write one such as 21:30", text.escape_debug()))),
    }
}

pub(super) fn windows(hours: &Hours) -> Vec<api::Window> {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let days = |days: u8| {
        let holds = |day: &api::Day| days >> place(*day) & 1 == 1;
        api::Day::ALL.into_iter().filter(holds).collect()
    };
    let told = |w: &Window| api::Window { days: days(w.days), from: time(w.from), until: time(w.until) };
    hours.0.iter().map(told).collect()
}

pub(super) fn money(text: &str) -> Result<Money, No> {
    money::amount(text).map_err(|why| bad(format!("“{}”: {why}", text.escape_debug())))
}

/// The id is given by the brain.
pub(super) fn bucket(part: &api::Part) -> Result<Bucket, No> {
    let people =
        part.people.as_ref().map(|names| names.iter().map(|n| name(n)).collect::<Result<BTreeSet<_>, _>>());
    let sites = part.sites.iter().map(|site| site.parse::<SiteName>()).collect::<Result<BTreeSet<_>, _>>();
    let pay = part.pay.as_ref().map(|pay| -> Result<Pay, No> {
        Ok(Pay {
            price: Price { money: money(&pay.price)?, unit: bytes(pay.unit)? },
            limit: money(&pay.limit)?,
            step: money(&pay.step)?,
        })
    });
    Ok(Bucket {
        id: BucketId::FIRST,
        name: part.name.clone(),
        cap: part.cap.map(bytes).transpose()?,
        period: part.period.as_ref().map(period).transpose()?,
        unused: match part.unused {
            api::Unused::Lost {} => Unused::Lost,
            api::Unused::NextPeriod {} => Unused::NextPeriod,
            api::Unused::Kept { most } => Unused::Kept { most: bytes(most)? },
        },
        hours: part.hours.as_deref().map(hours).transpose()?,
        rate: part.rate.map(rate).transpose()?,
        pay: pay.transpose()?,
        only: Only { people: people.transpose()?, sites: sites.map_err(|why| bad(why.to_string()))? },
        since: UnixTime::default(),
    })
}

/// Parts and what is said about money, for who has no daemon to ask; what is wrong is said in words.
pub(crate) fn read_plan(parts: &[api::Part], said: &api::Terms) -> Result<(Vec<Bucket>, Terms), String> {
    let parts = parts.iter().map(bucket).collect::<Result<_, _>>();
    parts.and_then(|parts| Ok((parts, terms(said)?))).map_err(No::into_message)
}

pub(super) fn terms(terms: &api::Terms) -> Result<Terms, No> {
    let currency = terms.currency.as_deref().map(|text| {
        let code =
            <[u8; 3]>::try_from(text.as_bytes()).ok().filter(|code| code.iter().all(u8::is_ascii_uppercase));
        code.map(Currency).ok_or_else(|| {
            bad(format!(
                "“{}” is not a currency; write three capital letters, such as EUR",
                text.escape_debug()
            ))
        })
    });
    if terms.vat_permille.is_some_and(|permille| permille > 1000) {
        return Err(bad("VAT is in thousandths, 0 to 1000: 190 is 19 %"));
    }
    Ok(Terms {
        currency: currency.transpose()?,
        vat: terms.vat_permille.map(|permille| Vat { permille, included: terms.vat_included }),
        fee: terms.fee.as_deref().map(money).transpose()?,
    })
}

pub(super) fn terms_told(terms: &Terms) -> api::Terms {
    api::Terms {
        currency: terms.currency.map(|currency| String::from_utf8_lossy(&currency.0).into_owned()),
        vat_permille: terms.vat.map(|vat| vat.permille),
        vat_included: terms.vat.is_some_and(|vat| vat.included),
        fee: terms.fee.map(|fee| fee.to_string()),
    }
}

fn part(bucket: &Bucket) -> api::Part {
    api::Part {
        name: bucket.name.clone(),
        cap: bucket.cap.map(|cap| cap.0),
        period: bucket.period.map(period_told),
        unused: match bucket.unused {
            Unused::Lost => api::Unused::Lost {},
            Unused::NextPeriod => api::Unused::NextPeriod {},
            Unused::Kept { most } => api::Unused::Kept { most: most.0 },
        },
        hours: bucket.hours.as_ref().map(windows),
        rate: bucket.rate.map(|rate| rate.0),
        pay: bucket.pay.map(|pay| api::Pay {
            price: pay.price.money.to_string(),
            unit: pay.price.unit.0,
            limit: pay.limit.to_string(),
            step: pay.step.to_string(),
        }),
        people: bucket.only.people.as_ref().map(|people| people.iter().map(ToString::to_string).collect()),
        sites: bucket.only.sites.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn parts(status: &PlanStatus) -> Vec<api::PartStatus> {
    let told = |(place, part_status): (usize, &BucketStatus)| api::PartStatus {
        part: part(&part_status.bucket),
        in_use: status.in_use == Some(place),
        in_hours: part_status.in_hours,
        begins: part_status.begins.map(|at| at.0),
        ends: part_status.ends.map(|at| at.0),
        used: part_status.used.0,
        credit: part_status.credit,
        balance: part_status.balance.map(|balance| balance.0),
        bought: part_status.bought.to_string(),
    };
    status.parts.iter().enumerate().map(told).collect()
}
