//! A plan of several parts as it is written in a file, and as it is shown.

use hotshare_api::{Day, Part, PartStatus, Pay, Period, Plan, PlanChange, Terms, Unused, Window};
use serde::Deserialize;

use super::size::{bytes, pretty, rate};
use super::text::escaped;
use super::when::{date, days};
use crate::money;

/// As in a file; see docs/plans.md.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    period: Option<String>,
    zone: Option<String>,
    currency: Option<String>,
    vat: Option<String>,
    fee: Option<String>,
    part: Vec<PartFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartFile {
    pub(super) name: String,
    data: Option<String>,
    period: Option<String>,
    unused: Option<String>,
    hours: Option<Vec<String>>,
    speed: Option<String>,
    price: Option<String>,
    limit: Option<String>,
    step: Option<String>,
    people: Option<Vec<String>>,
    #[serde(default)]
    sites: Vec<String>,
}

/// Reads a plan from the text of a file.
pub(super) fn plan_file(text: &str) -> Result<PlanChange, String> {
    let file: PlanFile = toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
    let (vat_permille, vat_included) = file.vat.as_deref().map(vat).transpose()?.unzip();
    if let Some(fee) = &file.fee {
        money::amount(fee).map_err(|why| format!("fee: {why}"))?;
    }
    let parts = file
        .part
        .iter()
        .map(|part| part_of(part).map_err(|why| format!("part “{}”: {why}", escaped(&part.name))));
    Ok(PlanChange {
        period: file.period.as_deref().map(period).transpose().map_err(|why| format!("period: {why}"))?,
        zone: file.zone,
        parts: Some(parts.collect::<Result<_, _>>()?),
        terms: Some(Terms {
            currency: file.currency,
            vat_permille,
            vat_included: vat_included.unwrap_or(false),
            fee: file.fee,
        }),
        ..PlanChange::default()
    })
}

pub(super) fn part_of(part: &PartFile) -> Result<Part, String> {
    let pay = match (&part.price, &part.limit, &part.step) {
        (None, None, None) => None,
        (Some(price), Some(limit), Some(step)) => {
            let (money, unit) = price.split_once(" per ").ok_or("price: write it as \"0.01 per 1MB\"")?;
            Some(Pay {
                price: money.to_owned(),
                unit: bytes(unit).map_err(|why| format!("price: {why}"))?,
                limit: limit.clone(),
                step: step.clone(),
            })
        }
        _ => return Err("price, limit and step go together: write all three".to_owned()),
    };
    for money in pay.iter().flat_map(|pay| [&pay.price, &pay.limit, &pay.step]) {
        money::amount(money).map_err(|why| format!("“{}”: {why}", escaped(money)))?;
    }
    Ok(Part {
        name: part.name.clone(),
        cap: part.data.as_deref().map(bytes).transpose().map_err(|why| format!("data: {why}"))?,
        period: part.period.as_deref().map(period).transpose().map_err(|why| format!("period: {why}"))?,
        unused: part.unused.as_deref().map_or(Ok(Unused::Lost {}), unused)?,
        hours: part
            .hours
            .as_ref()
            .map(|lines| lines.iter().map(|line| window(line)).collect())
            .transpose()?,
        rate: part.speed.as_deref().map(|text| rate(text).map(|bits| bits / 8)).transpose()?,
        pay,
        people: part.people.clone(),
        sites: part.sites.clone(),
    })
}

/// `19% included` or `19%`.
pub(super) fn vat(text: &str) -> Result<(u16, bool), String> {
    let (number, included) = match text.strip_suffix(" included") {
        Some(number) => (number, true),
        None => (text, false),
    };
    let permille =
        number.strip_suffix('%').and_then(|n| money::amount(n).ok()).map(|money| money.0 / 100_000);
    let permille = permille.and_then(|n| u16::try_from(n).ok()).filter(|n| *n <= 1000);
    permille.map(|n| (n, included)).ok_or_else(|| "vat: write it as \"19% included\" or \"19%\"".to_owned())
}

/// `monthly 5`, `every 28d from 2026-11-01`, `daily from DATE`, `weekly from DATE` or `once FROM to UNTIL`.
pub(super) fn period(text: &str) -> Result<Period, String> {
    const ALLOWED: &str = "write \"monthly 5\", \"every 28d from 2026-11-01\", \"daily\", \"weekly\" or \"once 2026-11-01 to 2026-11-30\"";
    // 2024-01-01 is a Monday.
    let every = |days| Period::EveryDays { days, from: "2024-01-01".to_owned() };
    let words: Vec<&str> = text.split(' ').collect();
    match &words[..] {
        ["daily"] => Ok(every(1)),
        ["weekly"] => Ok(every(7)),
        ["monthly", day] => day
            .parse()
            .ok()
            .filter(|d| (1..=31).contains(d))
            .map(|day| Period::Monthly { day })
            .ok_or_else(|| ALLOWED.into()),
        ["every", count, "from", from] => {
            Ok(Period::EveryDays { days: days(count)?, from: date(from)?.to_string() })
        }
        ["once", from, "to", until] => {
            Ok(Period::Once { from: date(from)?.to_string(), until: date(until)?.to_string() })
        }
        _ => Err(ALLOWED.to_owned()),
    }
}

fn unused(text: &str) -> Result<Unused, String> {
    match text {
        "lost" => Ok(Unused::Lost {}),
        "next period" => Ok(Unused::NextPeriod {}),
        _ => match text.strip_prefix("kept up to ") {
            Some(most) => Ok(Unused::Kept { most: bytes(most)? }),
            None => Err("unused: write \"lost\", \"next period\" or \"kept up to 40GB\"".to_owned()),
        },
    }
}

const WINDOW: &str =
    "write days and times such as \"mon-fri 22:00-06:00\", \"sat,sun 00:00-24:00\" or \"daily 1:00-5:00\"";

/// Reads `mon-fri 22:00-06:00`.
pub(super) fn window(text: &str) -> Result<Window, String> {
    let (days, times) = text.split_once(' ').ok_or(WINDOW)?;
    let (from, until) = times.split_once('-').ok_or(WINDOW)?;
    let days = match days {
        "daily" => Day::ALL.to_vec(),
        _ => {
            let lists: Option<Vec<Vec<Day>>> = days.split(',').map(span).collect();
            lists.ok_or(WINDOW)?.concat()
        }
    };
    Ok(Window { days, from: clock(from)?, until: clock(until)? })
}

fn span(text: &str) -> Option<Vec<Day>> {
    let place =
        |name: &str| ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().position(|d| *d == name);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (place(first)?, place(last)?);
    let count = (last + 7 - first) % 7 + 1;
    Some((first..first + count).map(|n| Day::ALL[n % 7]).collect())
}

fn clock(text: &str) -> Result<String, String> {
    let number =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    let parts = text.split_once(':').and_then(|(h, m)| number(h).zip(number(m).filter(|_| m.len() == 2)));
    match parts {
        Some((24, 0)) => Ok("00:00".to_owned()),
        Some((hour @ 0..24, minute @ 0..60)) => Ok(format!("{hour:02}:{minute:02}")),
        _ => Err(WINDOW.to_owned()),
    }
}

/// One line for each part, when there are several.
pub(super) fn part_lines(plan: &Plan) -> Vec<String> {
    if plan.parts.len() < 2 {
        return Vec::new();
    }
    plan.parts.iter().map(|part| line(part, plan.terms.currency.as_deref().unwrap_or(""))).collect()
}

fn line(status: &PartStatus, currency: &str) -> String {
    let part = &status.part;
    let mark = if status.in_use { "→ " } else { "  " };
    let mut text = format!("{mark}{}: ", escaped(&part.name));
    text += &match (status.balance, part.cap, &part.pay) {
        (Some(left), _, Some(pay)) => format!(
            "{} left of what was agreed to ({} {currency} of at most {}); {} for each {}",
            pretty(left),
            status.bought,
            pay.limit,
            pay.price,
            pretty(pay.unit)
        ),
        (Some(left), Some(cap), None) => {
            format!("{} used of {}, {} left", pretty(status.used), pretty(cap), pretty(left))
        }
        (Some(_), None, None) | (None, ..) => format!("{} used, no end", pretty(status.used)),
    };
    if status.credit > 0 && part.pay.is_none() {
        text += &format!(" ({} from before)", pretty(status.credit.unsigned_abs()));
    }
    if let Some(rate) = part.rate {
        text += &format!(", {} kbit/s", rate.saturating_mul(8) / 1000);
    }
    if let Some(people) = &part.people {
        text += &format!(", only for {}", people.iter().map(|p| escaped(p)).collect::<Vec<_>>().join(", "));
    }
    if !part.sites.is_empty() {
        text +=
            &format!(", only to {}", part.sites.iter().map(|s| escaped(s)).collect::<Vec<_>>().join(", "));
    }
    if !status.in_hours && part.hours.is_some() {
        text += ", not at this hour";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_with_everything() {
        let text = r#"
            period = "monthly 5"
            zone = "Europe/Berlin"
            currency = "EUR"
            vat = "19% included"
            fee = "14.99"
            [[part]]
            name = "night"
            hours = ["mon-fri 23:00-5:00", "sat,sun 00:00-24:00"]
            data = "10GB"
            [[part]]
            name = "fast"
            data = "20GB"
            unused = "kept up to 40GB"
            [[part]]
            name = "more"
            price = "0.01 per 1MB"
            limit = "10"
            step = "2.50"
            [[part]]
            name = "slow"
            speed = "1Mbit"
            data = "1GB"
            [[part]]
            name = "last"
            data = "20MB"
            sites = ["topup.carrier.example"]
            people = ["anna"]
        "#;
        let change = plan_file(text).expect("a plan");
        insta::assert_snapshot!(serde_json::to_string_pretty(&change).expect("plain"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let part = |line: &str| format!("[[part]]\nname = \"x\"\n{line}\n");
        let mut told = String::new();
        for text in [
            "period = \"monthly 32\"\n".to_owned() + &part(""),
            part("data = \"20gb\""),
            part("price = \"0.01\"\nlimit = \"1\"\nstep = \"1\""),
            part("price = \"0.01 per 1MB\""),
            part("hours = [\"monday 1:00-2:00\"]"),
            part("speed = \"fast\""),
            part("unused = \"kept\""),
            part("spede = \"1Mbit\""),
            "vat = \"190\"\n".to_owned() + &part(""),
            String::new(),
        ] {
            told += &format!("{}\n", plan_file(&text).expect_err(&text));
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn days_of_the_week() {
        assert_eq!(span("fri-mon"), Some(vec![Day::Fri, Day::Sat, Day::Sun, Day::Mon]));
        assert_eq!(span("wed"), Some(vec![Day::Wed]));
        assert_eq!(span("day"), None);
    }
}
