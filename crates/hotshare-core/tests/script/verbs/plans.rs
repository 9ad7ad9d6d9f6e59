//! Plans of several parts: one line each, such as `fast 20 GB unused next period` or `slow 1 Mbit/s`.

use std::collections::BTreeSet;

use hotshare_core::ask::{Ask, PlanChange};
use hotshare_core::money::Price;
use hotshare_core::people::Hours;
use hotshare_core::plan::{Bucket, Pay, Period, Unused, Window};
use hotshare_core::units::PersonName;

use super::name;
use super::owner::bytes;
use crate::script::run::Run;
use crate::script::words::{Calendar, money, rate};

/// `parts`, and below it the parts in their order.
pub(super) fn parts(run: &mut Run<'_>, lines: &[String]) -> Result<(), String> {
    let parts: Result<Vec<Bucket>, String> = lines.iter().map(|line| part(line)).collect();
    let change = PlanChange { buckets: Some(parts?), ..PlanChange::default() };
    run.done(Ask::PlanSet(change))
}

fn part(line: &str) -> Result<Bucket, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((called, mut rest)) = words.split_first() else { return Err("a part has a name".into()) };
    let mut part = Bucket { name: (*called).to_owned(), ..Bucket::main(None) };
    while !rest.is_empty() {
        rest = more(&mut part, rest).map_err(|why| format!("{line}: {why}"))?;
    }
    Ok(part)
}

/// Takes what the next words say of a part, and gives those that follow.
fn more<'a>(part: &mut Bucket, words: &'a [&'a str]) -> Result<&'a [&'a str], String> {
    match words {
        ["hours", rest @ ..] => {
            let (hours, rest) = hours(rest)?;
            part.hours = Some(hours);
            Ok(rest)
        }
        ["for", people @ ..] => {
            let names: Result<BTreeSet<PersonName>, String> =
                people.iter().map(|who| name(who.trim_end_matches(','))).collect();
            part.only.people = Some(names?);
            Ok(&[])
        }
        ["unused", "lost", rest @ ..] => {
            part.unused = Unused::Lost;
            Ok(rest)
        }
        ["unused", "next", "period", rest @ ..] => {
            part.unused = Unused::NextPeriod;
            Ok(rest)
        }
        ["unused", "kept", "up", "to", n, unit, rest @ ..] => {
            part.unused = Unused::Kept { most: bytes(n, unit)? };
            Ok(rest)
        }
        [price, "per", n, unit, "limit", limit, "step", step, rest @ ..] => {
            let price = Price { money: money(price)?, unit: bytes(n, unit)? };
            part.pay = Some(Pay { price, limit: money(limit)?, step: money(step)? });
            Ok(rest)
        }
        [n, unit, rest @ ..] if unit.ends_with("bit/s") => {
            part.rate = Some(rate(n, unit)?);
            Ok(rest)
        }
        _ => {
            if let Some((period, rest)) = period(words)? {
                part.period = Some(period);
                return Ok(rest);
            }
            match words {
                [n, unit, rest @ ..] => {
                    part.cap = Some(bytes(n, unit)?);
                    Ok(rest)
                }
                _ => Err(format!("“{}” is not understood", words.join(" "))),
            }
        }
    }
}

/// When a plan or a part renews, if the next words say so.
pub(super) fn period<'a>(words: &'a [&'a str]) -> Result<Option<(Period, &'a [&'a str])>, String> {
    let number = |text: &str| text.parse::<u16>().map_err(|_| format!("“{text}” is not a number"));
    let found = match words {
        ["daily", rest @ ..] => (Period::EveryDays { days: 1, from: Calendar::date("1970-01-01")? }, rest),
        ["monthly", "on", day, rest @ ..] => {
            (Period::Monthly { day: u8::try_from(number(day)?).map_err(|e| e.to_string())? }, rest)
        }
        ["every", days, "days", "from", from, rest @ ..] => {
            (Period::EveryDays { days: number(days)?, from: Calendar::date(from)? }, rest)
        }
        ["once", from, "to", until, rest @ ..] => {
            (Period::Once { from: Calendar::date(from)?, until: Calendar::date(until)? }, rest)
        }
        _ => return Ok(None),
    };
    Ok(Some(found))
}

/// `sun-thu 21:00-07:00`, more of them after `and`.
pub(super) fn hours<'a>(words: &'a [&'a str]) -> Result<(Hours, &'a [&'a str]), String> {
    let mut windows = Vec::new();
    let mut rest = words;
    loop {
        let [days, times, more @ ..] = rest else {
            return Err("write hours such as `mon-fri 23:00-05:00`".into());
        };
        windows.push(window(days, times)?);
        let ["and", more @ ..] = more else { return Ok((Hours(windows), more)) };
        rest = more;
    }
}

fn window(days: &str, times: &str) -> Result<Window, String> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        Some(hour.parse::<u16>().ok()? % 24 * 60 + minute.parse::<u16>().ok()?)
    };
    let wrong = || format!("“{days} {times}” is not a window: write such as `mon-fri 23:00-05:00`");
    let (from, until) = times.split_once('-').ok_or_else(wrong)?;
    let (from, until) = (minute(from).ok_or_else(wrong)?, minute(until).ok_or_else(wrong)?);
    let place = |day: &str| ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().position(|d| *d == day);
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let (first, last) = (place(first).ok_or_else(wrong)?, place(last).ok_or_else(wrong)?);
    let length = (last + 7 - first) % 7;
    let days = (0..=length).fold(0, |bits, n| bits | 1 << ((first + n) % 7));
    Ok(Window { days, from, until })
}
