//! `hotshare advise`

use std::path::{Path, PathBuf};

use clap::Args;
use hotshare_api::{self as api, AdviceBought, AdviceChoice, AdviceRisk, path};
use hotshare_core::advise::{Choice, LEAST_DAYS, MOST_TRIPS, Question, Tariff, advise, length, year};
use hotshare_core::money::Money;
use hotshare_core::plan::{Plan, Zone};
use hotshare_core::units::{Bytes, Rate};
use jiff::civil::Date;

use super::history::{History, from_daemon, from_text};
use super::screen::Screen;
use super::session::Session;
use super::size::{pretty, rate};
use super::stop::Stop;
use super::tariffs::{Catalogue, catalogue, trip};
use super::text::escaped;
use super::when::{self, date};
use crate::serve::read_plan;

/// Find the cheapest tariff, or the cheapest combination, for a year like the last; see docs/advice.md
#[derive(Debug, Args)]
pub(crate) struct Advise {
    /// A file of TOML with what is for sale
    #[arg(long, value_name = "FILE")]
    tariffs: PathBuf,
    /// What was used, as lines of day,bytes, instead of what the daemon counted
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Days of a trip, such as 2026-07-01..2026-07-14; may be given several times
    #[arg(long, value_name = "DAYS", value_parser = trip)]
    abroad: Vec<(Date, Date)>,
    /// The tariff of the file that you have now, instead of the daemon's plan
    #[arg(long, value_name = "NAME")]
    present: Option<String>,
    /// The first day of the year; when not given, the day after the last one that is known
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<Date>,
    /// A slow part of at least this speed will do
    #[arg(long, value_name = "SPEED", value_parser = rate, default_value = "2Mbit")]
    fast_enough: u64,
}

impl Advise {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        let catalogue = read(&self.tariffs, "cannot use the tariffs", catalogue)?;
        let mut notes = notes(&catalogue);
        if self.abroad.len() > MOST_TRIPS {
            return Err(Stop::refused(format!(
                "more than {MOST_TRIPS} trips are too many; join those that are near"
            )));
        }
        let (history, mut present) = match &self.history {
            Some(file) => (read(file, "cannot use the history", from_text)?, None),
            None => {
                let status: api::Status = session.get("cannot read what was used", path::STATUS)?;
                let present = present_of(&status.plan, &catalogue, &mut notes);
                (from_daemon(session, &status)?, present)
            }
        };
        if let Some(name) = &self.present {
            let at = catalogue.find(name).map_err(|why| {
                Stop::refused(format!(
                    "cannot use --present: {}: {why}",
                    escaped(&self.tariffs.display().to_string())
                ))
            })?;
            present = catalogue.tariffs.get(at).cloned();
        }
        if history.days.len() < LEAST_DAYS {
            return Err(Stop::refused(format!(
                "too little is known: {} whole days; from {LEAST_DAYS} on something can be said, and from 28 on something good",
                history.days.len()
            )));
        }
        if history.days.len() < 28 {
            notes.push(format!(
                "only {} days are known: ask again when there are four weeks",
                history.days.len()
            ));
        }
        let first = self
            .from
            .unwrap_or(history.last.tomorrow().unwrap_or(history.last))
            .max(history.last.tomorrow().unwrap_or(history.last));
        let advice = self.ask(&catalogue, &history, first, present.as_ref(), notes);
        session.show(&advice, |advice| text(advice, catalogue.tax.as_deref(), session.width))
    }

    fn ask(
        &self,
        catalogue: &Catalogue,
        history: &History,
        first: Date,
        present: Option<&Tariff>,
        notes: Vec<String>,
    ) -> api::Advice {
        let days = year(&history.days, history.last, first, length(first));
        let question = Question {
            first,
            days: &days,
            trips: &self.abroad,
            tariffs: &catalogue.tariffs,
            present,
            fast_enough: Rate::bits(self.fast_enough),
            history: &history.days,
        };
        let advice = advise(&question);
        let told = |choice: &Choice| choice_told(choice, catalogue);
        let now = advice.present.as_ref();
        api::Advice {
            schema: api::SCHEMA,
            first: first.to_string(),
            last: last_day(first, days.len()).to_string(),
            need: days.iter().copied().sum::<Bytes>().0,
            basis_days: u32::try_from(history.days.len()).unwrap_or(u32::MAX),
            currency: catalogue.currency.clone(),
            best: told(&advice.best),
            others: advice.others.iter().map(told).collect(),
            present: now.map(told),
            saves: now
                .map(|now| Money(now.cost.money.0.saturating_sub(advice.best.cost.money.0)).to_string()),
            notes,
        }
    }
}

fn last_day(first: Date, count: usize) -> Date {
    let days = i64::try_from(count).unwrap_or(0).saturating_sub(1);
    first.checked_add(jiff::Span::new().days(days)).unwrap_or(first)
}

/// A file, or what is wrong with it.
fn read<T>(file: &Path, tried: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Stop> {
    let shown = escaped(&file.display().to_string());
    let stop = |why: String| Stop::refused(format!("{tried}: {shown}: {why}"));
    let text = std::fs::read_to_string(file).map_err(|e| stop(e.to_string()))?;
    parse(&text).map_err(stop)
}

fn notes(catalogue: &Catalogue) -> Vec<String> {
    let mut notes = Vec::new();
    for tariff in &catalogue.tariffs {
        let parts: Vec<String> = tariff.not_counted().map(|name| format!("“{}”", escaped(name))).collect();
        if !parts.is_empty() {
            notes.push(format!(
                "“{}” is weighed without {}: whole days do not show who used it, or at what hour",
                escaped(&tariff.name),
                parts.join(", ")
            ));
        }
    }
    notes
}

/// The daemon's plan, if it can be compared.
fn present_of(plan: &api::Plan, catalogue: &Catalogue, notes: &mut Vec<String>) -> Option<Tariff> {
    let parts: Vec<api::Part> = plan.parts.iter().map(|status| status.part.clone()).collect();
    let mut refuse = |why: &str| {
        notes.push(format!("the present plan is not compared: {why}"));
        None
    };
    let (buckets, terms) = match read_plan(&parts, &plan.terms) {
        Ok(read) => read,
        Err(why) => return refuse(&why),
    };
    if terms.fee.is_none() && buckets.iter().all(|bucket| bucket.pay.is_none()) {
        return refuse("it has no price; say what it costs with fee = in a file for `hotshare plan file`");
    }
    if plan.terms.currency != catalogue.currency {
        return refuse("it is in another currency than the tariffs, and no rate of exchange is known here");
    }
    let period = match &plan.period {
        api::Period::Monthly { day } => hotshare_core::plan::Period::Monthly { day: *day },
        api::Period::EveryDays { days, from } => match date(from) {
            Ok(from) => hotshare_core::plan::Period::EveryDays { days: *days, from },
            Err(why) => return refuse(&why),
        },
        api::Period::Once { .. } => return refuse("it was bought once and does not renew"),
    };
    Tariff::of_plan(&Plan { period, zone: Zone::utc(), buckets, terms })
}

fn choice_told(choice: &Choice, catalogue: &Catalogue) -> AdviceChoice {
    let name = |at: usize| catalogue.tariffs.get(at).map(|tariff| tariff.name.clone());
    AdviceChoice {
        tariffs: choice.tariffs().into_iter().filter_map(name).collect(),
        cost: choice.cost.money.to_string(),
        short: choice.cost.short.0,
        bought: choice
            .bought
            .iter()
            .map(|p| AdviceBought {
                tariff: p.tariff.and_then(name),
                from: p.from.to_string(),
                until: p.until.to_string(),
                times: p.times,
                used: p.used.0,
                short: p.cost.short.0,
                cost: p.cost.money.to_string(),
            })
            .collect(),
        risk: choice.risk.map(|risk| AdviceRisk {
            short_permille: risk.short,
            missing: risk.missing.0,
            low: risk.low.to_string(),
            likely: risk.likely.to_string(),
            high: risk.high.to_string(),
        }),
    }
}

fn text(advice: &api::Advice, tax: Option<&str>, width: usize) -> String {
    let mut out = Screen::new(width);
    let currency = advice.currency.as_deref().map(escaped).unwrap_or_default();
    let money = |amount: &str| format!("{} {currency}", cents(amount)).trim_end().to_owned();
    let day = |text: &str| date(text).map_or_else(|_| escaped(text), when::pretty_date);
    out.labelled(
        "Year",
        &format!(
            "{} to {}, as the last {} days were: {}",
            day(&advice.first),
            day(&advice.last),
            advice.basis_days,
            pretty(advice.need)
        ),
    );
    let tax = tax.map(|tax| format!(", {tax}")).unwrap_or_default();
    out.labelled("Best", &format!("{}: {}{tax}", names(&advice.best), money(&advice.best.cost)));
    for line in bought(&advice.best) {
        out.labelled("", &line);
    }
    for line in how_sure(&advice.best, &money) {
        out.labelled("", &line);
    }
    if let Some(now) = &advice.present {
        out.labelled("Now", &format!("the present plan: {}", money(&now.cost)));
        for line in how_sure(now, &money) {
            out.labelled("", &line);
        }
        if let Some(saves) = &advice.saves {
            let said = match saves.strip_prefix('-') {
                Some(more) => format!("the best costs {} more a year", money(more)),
                None => format!("the best saves {} a year", money(saves)),
            };
            out.labelled("", &said);
        }
    }
    for (n, other) in advice.others.iter().enumerate() {
        out.labelled(if n == 0 { "Then" } else { "" }, &format!("{}: {}", names(other), money(&other.cost)));
        for line in how_sure(other, &money) {
            out.labelled("", &format!("  {line}"));
        }
    }
    for note in &advice.notes {
        out.labelled("Note", note);
    }
    out.into_text()
}

/// To the hundredth, as one pays; JSON has all of it.
fn cents(text: &str) -> String {
    let whole =
        |Money(all): Money| Money(all.saturating_add(5_000).div_euclid(10_000).saturating_mul(10_000));
    crate::money::amount(text).map_or_else(|_| escaped(text), |money| whole(money).to_string())
}

fn names(choice: &AdviceChoice) -> String {
    if choice.tariffs.is_empty() {
        return "nothing of the file".to_owned();
    }
    choice.tariffs.iter().map(|name| escaped(name)).collect::<Vec<_>>().join(" + ")
}

/// A line for each tariff: how often, when first and last, and what it comes to.
fn bought(choice: &AdviceChoice) -> Vec<String> {
    let mut lines: Vec<(Option<&String>, u64, &str, &str, u64)> = Vec::new();
    for p in &choice.bought {
        match lines.iter_mut().find(|(tariff, ..)| *tariff == p.tariff.as_ref()) {
            Some((_, times, _, until, used)) => {
                *times += u64::from(p.times);
                *until = &p.until;
                *used = used.saturating_add(p.used);
            }
            None => lines.push((p.tariff.as_ref(), u64::from(p.times), &p.from, &p.until, p.used)),
        }
    }
    let name =
        |tariff: Option<&String>| tariff.map_or_else(|| "the present plan".to_owned(), |name| escaped(name));
    lines
        .into_iter()
        .map(|(tariff, times, from, until, used)| {
            format!("{times} × {}, {from} to {until}: {}", name(tariff), pretty(used))
        })
        .collect()
}

fn how_sure(choice: &AdviceChoice, money: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    if choice.short > 0 {
        lines.push(format!("{} would not be served", pretty(choice.short)));
    }
    if let Some(risk) = &choice.risk {
        lines.push(format!("in other years of such weeks: {} to {}", money(&risk.low), money(&risk.high)));
        if risk.short_permille > 0 {
            lines.push(format!(
                "not enough in {} of 100 such years, by {} on average",
                risk.short_permille / 10,
                pretty(risk.missing)
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests;
