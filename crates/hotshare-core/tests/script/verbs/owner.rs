//! What the owner asks for.

use hotshare_core::ask::{Ask, PersonRules, PlanChange};
use hotshare_core::certificate::{Life, News};
use hotshare_core::people::{Allowance, AtEnd, Every, Hours};
use hotshare_core::units::{Bytes, CardId};

use super::{Understood, name, plans};
use crate::script::run::Run;
use crate::script::words::{Calendar, amount, money, rate};

pub(super) fn verb(run: &mut Run<'_>, words: &[&str]) -> Understood {
    let ask = match words {
        ["plan", change @ ..] => Ask::PlanSet(plan(change)?),
        ["correct", "plan", "to", n, unit] => Ask::PlanCorrect { used: bytes(n, unit)? },
        ["person", who, what @ ..] => Ask::PersonAdd { name: name(who)?, allowance: allowance(what)? },
        ["allow", who, what @ ..] => Ask::PersonSet { name: name(who)?, allowance: allowance(what)? },
        ["pause", who] => Ask::PersonPause { name: name(who)?, paused: true },
        ["resume", who] => Ask::PersonPause { name: name(who)?, paused: false },
        ["remove", who] => Ask::PersonRemove { name: name(who)? },
        ["flush"] => Ask::Flush,
        ["top", "up", who, n, unit] => Ask::TopUp { name: name(who)?, bytes: bytes(n, unit)? },
        ["give", n, unit, "from", from, "to", to] => {
            Ask::Give { from: name(from)?, to: name(to)?, bytes: bytes(n, unit)? }
        }
        [who, "asks", "for", n, unit] => Ask::Wish { name: name(who)?, bytes: bytes(n, unit)? },
        ["answer", who, "yes"] => Ask::WishAnswer { name: name(who)?, bytes: Some(Bytes::ZERO) },
        ["answer", who, "no"] => Ask::WishAnswer { name: name(who)?, bytes: None },
        ["answer", who, n, unit] => Ask::WishAnswer { name: name(who)?, bytes: Some(bytes(n, unit)?) },
        ["agree", "to", "card", number] => Ask::CardAgree(card(number)?),
        ["forget", "card", number] => Ask::CardForget(card(number)?),
        ["agree", step] => Ask::Consent { money: money(step)? },
        ["rules", who, what @ ..] => {
            Ask::PersonRules { name: name(who)?, rules: rules(&run.calendar, what)? }
        }
        ["certificate", "fails", why @ ..] => Ask::Certificate(News::Failed(why.join(" "))),
        ["certificate", how, "from", begins, "until", ends] => {
            let life = Life { begins: run.calendar.day(begins)?, ends: run.calendar.day(ends)? };
            Ask::Certificate(if *how == "renewed" { News::Renewed(life) } else { News::Got(life) })
        }
        _ => return Ok(false),
    };
    run.done(ask)?;
    Ok(true)
}

pub(super) fn bytes(n: &str, unit: &str) -> Result<Bytes, String> {
    let signed = amount(n, unit)?;
    u64::try_from(signed).map(Bytes).map_err(|_| "less than nothing".into())
}

/// “2 GB a month”, “10 MB a day”, “5 GB in total”, “without limit”.
fn allowance(words: &[&str]) -> Result<Allowance, String> {
    let (n, unit, every) = match words {
        ["without", "limit"] => return Ok(Allowance::Unlimited),
        ["fair"] => return Ok(Allowance::Fair),
        [n, unit, "a", "day"] => (n, unit, Every::Day),
        [n, unit, "a", "week"] => (n, unit, Every::Week),
        [n, unit, "a", "month"] => (n, unit, Every::Month),
        [n, unit, "in", "total"] => (n, unit, Every::Total),
        _ => return Err("write an allowance such as `2 GB a month` or `without limit`".into()),
    };
    Ok(Allowance::Limited { bytes: bytes(n, unit)?, every })
}

/// “20 GB monthly on 31”; cap or period alone, too.
fn plan(words: &[&str]) -> Result<PlanChange, String> {
    let (cap, rest) = match words {
        ["no", "cap", rest @ ..] => (Some(None), rest),
        [n, unit, rest @ ..] if amount(n, unit).is_ok() => (Some(Some(bytes(n, unit)?)), rest),
        rest => (None, rest),
    };
    let period = match plans::period(rest)? {
        Some((period, [])) => Some(period),
        None if rest.is_empty() => None,
        _ => return Err("write a plan such as `plan 20 GB monthly on 31`".into()),
    };
    Ok(PlanChange { cap, period, ..PlanChange::default() })
}

/// “then 1 Mbit/s weight 2 bed time sun-thu 21:00-07:00 until 2026-12-06 18:00”, or some of it.
fn rules<'a>(calendar: &Calendar, mut words: &'a [&'a str]) -> Result<PersonRules, String> {
    let mut rules = PersonRules::default();
    while !words.is_empty() {
        words = match words {
            ["then", "stop", rest @ ..] => {
                rules.at_end = Some(AtEnd::Stop);
                rest
            }
            ["then", n, unit, rest @ ..] => {
                rules.at_end = Some(AtEnd::Slow(rate(n, unit)?));
                rest
            }
            ["weight", n, rest @ ..] => {
                rules.weight = Some(n.parse().map_err(|_| format!("“{n}” is not a weight"))?);
                rest
            }
            ["no", "bed", "time", rest @ ..] => {
                rules.bed_times = Some(Hours::default());
                rest
            }
            ["bed", "time", rest @ ..] => {
                let (hours, rest) = plans::hours(rest)?;
                rules.bed_times = Some(hours);
                rest
            }
            ["no", "end", rest @ ..] => {
                rules.until = Some(None);
                rest
            }
            ["until", date, time, rest @ ..] => {
                rules.until = Some(Some(calendar.instant(date, time)?));
                rest
            }
            _ => return Err(format!("“{}” is not a rule for a person", words.join(" "))),
        };
    }
    Ok(rules)
}

fn card(number: &str) -> Result<CardId, String> {
    number.parse().map(CardId).map_err(|_| format!("“{number}” is not a card's number"))
}
