//! Between the promised formats and the brain's own words.

use hotshare_api as api;
use hotshare_core::ask::{CardStatus, DeviceStatus, PersonStatus, PlanChange, PlanStatus, Status};
use hotshare_core::people::{Allowance, AtEnd, Every, PersonName};
use hotshare_core::plan::Period;
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::units::{Bytes, CardId, Mac};
use jiff::civil::Date;

use super::failure::No;
use super::{outlook, rules};
use crate::zone;

pub(super) fn bad(message: impl Into<String>) -> No {
    No::new(api::Code::BadRequest, message)
}

pub(super) fn name(text: &str) -> Result<PersonName, No> {
    text.parse::<PersonName>().map_err(|e| bad(e.to_string()))
}

pub(super) fn mac(text: &str) -> Result<Mac, No> {
    text.parse::<Mac>().map_err(|e| bad(e.to_string()))
}

/// An amount that somebody sent, or a rate: no larger than sums of it can be.
pub(super) fn bytes(sent: u64) -> Result<Bytes, No> {
    if sent <= api::MOST_BYTES {
        return Ok(Bytes(sent));
    }
    Err(bad(format!("{sent} is too large an amount: write at most {}", api::MOST_BYTES)))
}

pub(super) fn allowance(sent: Option<u64>, every: Option<api::Every>) -> Result<Allowance, No> {
    match (sent, every) {
        (None, None) => Ok(Allowance::Unlimited),
        (Some(sent), Some(every)) => {
            let every = match every {
                api::Every::Day => Every::Day,
                api::Every::Week => Every::Week,
                api::Every::Month => Every::Month,
                api::Every::Total => Every::Total,
            };
            Ok(Allowance::Limited { bytes: bytes(sent)?, every })
        }
        (Some(_), None) => {
            Err(bad("an allowance in bytes needs `allowance_every`: day, week, month or total"))
        }
        (None, Some(_)) => {
            Err(bad("`allowance_every` needs an allowance in bytes; without it the person is unlimited"))
        }
    }
}

pub(super) fn plan_change(change: api::PlanChange) -> Result<PlanChange, No> {
    Ok(PlanChange {
        cap: change.cap.map(|cap| cap.map(bytes).transpose()).transpose()?,
        period: change.period.as_ref().map(period).transpose()?,
        buckets: match &change.parts {
            Some(parts) => Some(parts.iter().map(rules::bucket).collect::<Result<_, _>>()?),
            None => None,
        },
        terms: change.terms.as_ref().map(rules::terms).transpose()?,
        zone: change.zone.map(|name| zone::named(&name)).transpose().map_err(|e| bad(e.to_string()))?,
    })
}

pub(super) fn period(period: &api::Period) -> Result<Period, No> {
    Ok(match period {
        api::Period::Monthly { day: day @ 1..=31 } => Period::Monthly { day: *day },
        api::Period::Monthly { day } => {
            let text = format!(
                "a month has no day {day}; choose the day of the month on which the plan renews, 1 to 31"
            );
            return Err(No::new(api::Code::BadPeriod, text));
        }
        api::Period::EveryDays { days, from } => Period::EveryDays { days: *days, from: date(from)? },
        api::Period::Once { from, until } => Period::Once { from: date(from)?, until: date(until)? },
    })
}

fn date(text: &str) -> Result<Date, No> {
    // The parser would take a date with a time of day too, and forget the time.
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let date = if plain { text.parse::<Date>().ok() } else { None };
    date.ok_or_else(|| bad(format!("“{}” is not a date; write one such as 2026-11-01", text.escape_debug())))
}

pub(super) fn status(status: &Status) -> api::Status {
    api::Status {
        schema: api::SCHEMA,
        at: status.at.0,
        daemon: api::Daemon { pid: std::process::id(), version: env!("CARGO_PKG_VERSION").to_owned() },
        clock_held: status.clock_held,
        uplink: status
            .uplink
            .as_ref()
            .map(|uplink| api::Uplink { name: uplink.name.clone(), address: uplink.address.to_string() }),
        wifi: None,
        certificate: None,
        cards: status.cards.iter().map(card_told).collect(),
        closed: status.closed.map(verdict).filter(|v| *v != api::Verdict::Open),
        plan: plan(&status.plan),
        people: status.people.iter().map(person).collect(),
        devices: status.devices.iter().map(device).collect(),
    }
}

/// A card's number, from a path.
pub(super) fn card(text: &str) -> Result<CardId, No> {
    let number =
        text.parse().map_err(|_| bad(format!("“{}” is not a data card's number", text.escape_debug())));
    number.map(CardId)
}

fn card_told(status: &CardStatus) -> api::Card {
    let CardStatus { card, is_in } = status;
    api::Card {
        number: card.id.0,
        interface: card.interface.clone(),
        network: card.network.clone(),
        sim: card.sim.as_ref().map(|sim| sim.number.clone()),
        roaming: card.sim.as_ref().and_then(|sim| sim.roaming),
        agreed: card.agreed,
        is_in: *is_in,
        since: card.since.0,
    }
}

fn plan(status: &PlanStatus) -> api::Plan {
    api::Plan {
        cap: status.plan.cap().map(|cap| cap.0),
        billed: status.billed.0,
        balance: status.balance.map(|balance| balance.0),
        usable: status.usable.map(|usable| usable.0),
        recorded: status.recorded.0,
        reserve: status.reserve.0,
        delivered: status.delivered.0,
        refused: status.refused.0,
        own: status.own.0,
        corrected: status.corrected,
        period: period_told(status.plan.period),
        zone: status.plan.zone.name().to_owned(),
        at_cap: api::AtCap::Stop,
        begins: status.begins.0,
        ends: status.ends.map(|ends| ends.0),
        parts: rules::parts(status),
        asks_for: status.asks_for.map(|money| money.to_string()),
        terms: rules::terms_told(&status.plan.terms),
        carrier: Some(outlook::carrier(&status.carrier)),
        outlook: status.outlook.as_ref().map(outlook::outlook),
    }
}

pub(super) fn period_told(period: Period) -> api::Period {
    match period {
        Period::Monthly { day } => api::Period::Monthly { day },
        Period::EveryDays { days, from } => api::Period::EveryDays { days, from: from.to_string() },
        Period::Once { from, until } => {
            api::Period::Once { from: from.to_string(), until: until.to_string() }
        }
    }
}

pub(super) fn person(status: &PersonStatus) -> api::Person {
    let (allowance, allowance_every) = match status.allowance {
        Allowance::Unlimited | Allowance::Fair => (None, None),
        Allowance::Limited { bytes, every } => (
            Some(bytes.0),
            Some(match every {
                Every::Day => api::Every::Day,
                Every::Week => api::Every::Week,
                Every::Month => api::Every::Month,
                Every::Total => api::Every::Total,
            }),
        ),
    };
    api::Person {
        name: status.name.as_str().to_owned(),
        allowance,
        allowance_every,
        up: status.up.0,
        down: status.down.0,
        recorded: status.recorded.0,
        balance: status.balance.map(|balance| balance.0),
        renews: status.renews.map(|renews| renews.0),
        verdict: verdict(status.verdict),
        plan_left: status.remaining.of_plan.map(|left| left.0),
        bytes_remaining: status.remaining.bytes.map(|bytes| bytes.0),
        closes: status.remaining.until.map(|until| until.0),
        slow: status.verdict.rate().map(|rate| rate.0),
        slow_because: match status.verdict {
            Verdict::Slow(_, why) => Some(why_told(why)),
            Verdict::Open | Verdict::OnlySites(_) | Verdict::Closed(_) => None,
        },
        fair: status.allowance == Allowance::Fair,
        limit: status.limit.map(|limit| limit.0),
        credit: status.credit,
        weight: status.weight,
        then_rate: match status.at_end {
            AtEnd::Slow(rate) => Some(rate.0),
            AtEnd::Stop => None,
        },
        bed_times: rules::windows(&status.bed_times),
        until: status.until.map(|until| until.0),
        wish: status.wish.map(|wish| api::Wish { bytes: wish.bytes.0, at: wish.at.0 }),
        devices: status.devices,
        device_limit: status.device_limit,
        key: status
            .key
            .map(|key| api::PersonKey { since: key.since.0, until: key.until.map(|until| until.0) }),
        outlook: status.outlook.as_ref().map(outlook::outlook),
    }
}

fn device(status: &DeviceStatus) -> api::Device {
    api::Device {
        mac: status.mac.to_string(),
        person: status.person.as_ref().map(|name| name.as_str().to_owned()),
        blocked: status.blocked,
        host_name: status.host_name.clone(),
        address: status.address.map(|address| address.to_string()),
        up: status.up.0,
        down: status.down.0,
        first_seen: status.first_seen.0,
        claim: status.claim.as_ref().map(|claim| claim.as_str().to_owned()),
    }
}

fn verdict(verdict: Verdict) -> api::Verdict {
    match verdict {
        Verdict::Open => api::Verdict::Open,
        Verdict::Slow(..) => api::Verdict::Slow,
        Verdict::OnlySites(_) => api::Verdict::OnlySites,
        Verdict::Closed(why) => why_told(why),
    }
}

pub(super) fn why_told(why: Why) -> api::Verdict {
    match why {
        Why::Paused => api::Verdict::Paused,
        Why::Ended => api::Verdict::Ended,
        Why::BedTime => api::Verdict::BedTime,
        Why::AllowanceUsed => api::Verdict::AllowanceUsed,
        Why::KeptForOthers => api::Verdict::KeptForOthers,
        Why::AsksForMoney => api::Verdict::AsksForMoney,
        Why::PlanUsed => api::Verdict::PlanUsed,
        Why::PlanOver => api::Verdict::PlanOver,
        Why::NoUplink => api::Verdict::NoUplink,
        Why::LedgerStuck => api::Verdict::LedgerStuck,
        Why::PlanSlow => api::Verdict::PlanSlow,
        Why::CardUnknown => api::Verdict::CardUnknown,
        Why::NewCard => api::Verdict::NewCard,
        Why::OnlySites => api::Verdict::OnlySites,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The API's words are those of core, so that the diary, the log and the API agree.
    #[test]
    fn words_agree_with_core() {
        for why in [
            Why::Paused,
            Why::Ended,
            Why::BedTime,
            Why::AllowanceUsed,
            Why::KeptForOthers,
            Why::AsksForMoney,
            Why::PlanUsed,
            Why::PlanOver,
            Why::NoUplink,
            Why::LedgerStuck,
            Why::PlanSlow,
            Why::CardUnknown,
            Why::NewCard,
            Why::OnlySites,
        ] {
            let text = serde_json::to_string(&verdict(Verdict::Closed(why))).expect("plain");
            assert_eq!(text, format!("\"{}\"", why.word()));
        }
    }

    #[test]
    fn dates_are_dates_only() {
        assert!(date("2026-11-01").is_ok());
        for text in
            ["2026-11-31", "2026-11-01T00:00", "20261101", "+002026-11-01", "2026-1-1", "", "tomorrow"]
        {
            assert!(date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_end_where_sums_can_be_trusted() {
        assert_eq!(bytes(api::MOST_BYTES).ok(), Some(Bytes((1 << 53) - 1)));
        assert!(bytes(api::MOST_BYTES + 1).is_err() && bytes(u64::MAX).is_err());
        assert!(allowance(Some(u64::MAX), Some(api::Every::Day)).is_err());
        let cap = Some(Some(u64::MAX));
        assert!(plan_change(api::PlanChange { cap, ..api::PlanChange::default() }).is_err());
    }

    #[test]
    fn an_allowance_is_whole_or_nothing() {
        assert!(allowance(Some(1), None).is_err());
        assert!(allowance(None, Some(api::Every::Day)).is_err());
        assert_eq!(allowance(None, None).ok(), Some(Allowance::Unlimited));
    }
}
