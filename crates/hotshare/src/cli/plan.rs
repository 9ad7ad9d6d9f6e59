//! `hotshare plan`

mod new;

use clap::{ArgGroup, Args, Subcommand};
use hotshare_api::{self as api, Agreement, Corrected, Done, Period, PlanChange, PlanCorrection, path};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::outlook;
use super::parts::{part_lines, plan_file};
use super::screen::{DIM, Screen};
use super::session::Session;
use super::size::{bytes, pretty};
use super::stop::Stop;
use super::text::escaped;
use super::when::{self, date, days};
use crate::zone;

/// Show the plan that was bought, say what was bought, or correct what was counted
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the plan (this is also what `hotshare plan` alone does)
    Show,
    /// Say what was bought; what is not given stays as it is
    Set(Set),
    /// Say what was bought as several parts, from a file; see docs/plans.md
    File {
        /// A file of TOML, or - for standard input
        path: std::path::PathBuf,
    },
    New(new::New),
    /// Agree to another step of money, when the plan goes on only for money
    Agree {
        /// The step that `hotshare status` names, such as 2.50
        money: String,
    },
    /// Tell what the carrier says was used in this period; the difference is written to the ledger
    Correct {
        /// Such as 3.2GB
        #[arg(long, value_name = "AMOUNT", value_parser = bytes)]
        used: u64,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
#[command(group = ArgGroup::new("period").args(["monthly", "every", "once"]))]
struct Set {
    /// What may be billed in a period, such as 20GB
    #[arg(long, value_name = "AMOUNT", value_parser = bytes, group = "change", conflicts_with = "no_cap")]
    cap: Option<u64>,
    /// Count, but never close
    #[arg(long, group = "change")]
    no_cap: bool,
    /// It renews each month on this day, 1 to 31; in a month that is too short, on its last day
    #[arg(long, value_name = "DAY", value_parser = clap::value_parser!(u8).range(1..=31), group = "change")]
    monthly: Option<u8>,
    /// It renews every so many days or weeks, such as 28d or 4w, counted from --from
    #[arg(long, value_name = "DAYS", value_parser = days, group = "change", requires = "from")]
    every: Option<u16>,
    /// It does not renew: it ends with the day --until
    #[arg(long, group = "change", requires = "until")]
    once: bool,
    /// The first day, such as 2026-11-01; with --once today, when not given
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with = "monthly")]
    from: Option<Date>,
    /// The last day, such as 2026-11-30
    #[arg(long, value_name = "DATE", value_parser = date, requires = "once")]
    until: Option<Date>,
    /// The zone by whose time days begin, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = zone_name, group = "change")]
    zone: Option<String>,
}

fn zone_name(text: &str) -> Result<String, zone::NoSuchZone> {
    zone::named(text).map(|zone| zone.name().to_owned())
}

impl Plan {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        match self.action.unwrap_or(Action::Show) {
            Action::Show => {
                let tried = "cannot show the plan";
                if session.json {
                    let plan: api::PlanReply = session.get(tried, path::PLAN)?;
                    return session.show(&plan, |_| String::new());
                }
                // The daemon's own idea of “now” comes with the status only.
                let status: api::Status = session.get(tried, path::STATUS)?;
                session.print(&text(&status.plan, status.at, session.width))
            }
            Action::Set(set) => {
                let tried = "cannot change the plan";
                let change = set.change(|| today(session, tried))?;
                let done: Done = session.patch(tried, path::PLAN, &change)?;
                session.show_done(&done, "The plan is changed.")
            }
            Action::File { path: file } => {
                let shown = escaped(&file.display().to_string());
                let tried = format!("cannot take the plan from {shown}");
                let stop = |why: String| Stop::refused(format!("{tried}: {why}"));
                let text = if file == std::path::Path::new("-") {
                    std::io::read_to_string(std::io::stdin())
                } else {
                    std::fs::read_to_string(&file)
                };
                let change = plan_file(&text.map_err(|e| stop(e.to_string()))?).map_err(stop)?;
                let done: Done = session.patch(&tried, path::PLAN, &change)?;
                session.show_done(&done, "The plan is changed.")
            }
            Action::New(new) => new.run(session),
            Action::Agree { money } => {
                let tried = format!("cannot agree to {}", escaped(&money));
                let agreement = Agreement { money };
                let done: Done = session.post(&tried, path::PLAN_AGREE, &agreement)?;
                session.show_done(&done, "Agreed; it goes on.")
            }
            Action::Correct { used } => {
                let tried = "cannot correct the plan";
                let done: Corrected = session.post(tried, path::PLAN_CORRECT, &PlanCorrection { used })?;
                session.show(&done, |done| outlook::corrected_words(used, done.carrier.as_ref()))
            }
        }
    }
}

impl Set {
    /// What to ask for. `today` is needed only for a plan that is bought once and begins now.
    fn change(self, today: impl FnOnce() -> Result<Date, Stop>) -> Result<PlanChange, Stop> {
        let period = match (self.monthly, self.every, self.from, self.until) {
            (Some(day), ..) => Some(Period::Monthly { day }),
            (None, Some(days), Some(from), _) => Some(Period::EveryDays { days, from: from.to_string() }),
            (None, None, from, Some(until)) => {
                let from = from.map_or_else(today, Ok)?;
                Some(Period::Once { from: from.to_string(), until: until.to_string() })
            }
            (None, _, _, _) => None,
        };
        let cap = if self.no_cap { Some(None) } else { self.cap.map(Some) };
        Ok(PlanChange { cap, period, zone: self.zone, ..PlanChange::default() })
    }
}

fn today(session: &Session, tried: &str) -> Result<Date, Stop> {
    let status: api::Status = session.get(tried, path::STATUS)?;
    Ok(when::civil(status.at, &zone::rules(&status.plan.zone)).date())
}

/// The plan: how much, the bar, until when, and what became of it.
pub(super) fn plan_lines(out: &mut Screen, plan: &api::Plan, at: i64, zone: &TimeZone) {
    let billed = pretty(plan.billed);
    match (plan.cap, plan.balance) {
        // Each part has a balance of its own, and some may have no end or another period: there is no sum to tell.
        _ if plan.parts.len() > 1 => {
            let now = plan.parts.iter().find(|part| part.in_use);
            let now = now.map_or_else(
                || "nothing that may be used now is left".to_owned(),
                |part| format!("now “{}”", escaped(&part.part.name)),
            );
            out.labelled("Plan", &format!("{billed} used, {now}"));
        }
        (Some(cap), balance) => {
            let left = balance.unwrap_or(0);
            let over = plan.billed.saturating_sub(cap);
            let tail =
                if over > 0 { format!("{} over", pretty(over)) } else { format!("{} left", pretty(left)) };
            out.labelled("Plan", &format!("{billed} of {} used, {tail}", pretty(cap)));
            out.bar(plan.billed, cap);
        }
        (None, _) => out.labelled("Plan", &format!("{billed} used, no cap")),
    }
    out.labelled("", &period_words(plan, at, zone));
    let mut parts = format!("delivered {}", pretty(plan.delivered));
    if plan.refused > 0 {
        parts += &format!(", refused after billing {}", pretty(plan.refused));
    }
    parts += &format!(", the hotspot itself or not attributed {}", pretty(plan.own));
    if plan.corrected != 0 {
        let sign = if plan.corrected > 0 { '+' } else { '−' };
        parts += &format!(", your corrections {sign}{}", pretty(plan.corrected.unsigned_abs()));
    }
    out.labelled_as(DIM, "", &parts);
    for line in part_lines(plan) {
        out.labelled("", &line);
    }
    let ahead = plan.outlook.as_ref().filter(|_| plan.begins <= at);
    if let Some(words) = ahead.and_then(|ahead| outlook::words(ahead, outlook::then_words(plan))) {
        out.labelled("Ahead", &words);
    }
}

fn text(plan: &api::Plan, at: i64, width: usize) -> String {
    let zone = zone::rules(&plan.zone);
    let mut out = Screen::new(width);
    plan_lines(&mut out, plan, at, &zone);
    if let Some(words) = plan.outlook.as_ref().and_then(outlook::more_words) {
        out.labelled("", &words);
    }
    if let Some(words) = plan.carrier.as_ref().and_then(outlook::carrier_words) {
        out.labelled("Carrier", &words);
    }
    let begins = when::pretty_date(when::civil(plan.begins, &zone).date());
    out.labelled(
        "Period",
        &match plan.ends {
            Some(ends) => format!("{begins} to {}", when::pretty_date(when::last_day(ends, &zone))),
            None => format!("since {begins}"),
        },
    );
    out.labelled("", &renewal_words(&plan.period));
    if plan.cap.is_some() && plan.parts.len() < 2 {
        out.labelled(
            "At cap",
            &format!("stop; the last {} are kept for what is still in flight then", pretty(plan.reserve)),
        );
    }
    out.into_text()
}

fn renewal_words(period: &Period) -> String {
    match period {
        Period::Monthly { day: day @ 29.. } => {
            format!("renews monthly on day {day}, or on the last day of a month that is shorter")
        }
        Period::Monthly { day } => format!("renews monthly on day {day}"),
        Period::EveryDays { days, from } => {
            format!("renews every {days} days, counted from {}", escaped(from))
        }
        Period::Once { .. } => "does not renew".to_owned(),
    }
}

/// Until when, in words.
fn period_words(plan: &api::Plan, at: i64, zone: &TimeZone) -> String {
    let once = matches!(plan.period, Period::Once { .. });
    let zone_name = escaped(&plan.zone);
    match plan.ends {
        None => "no end".to_owned(),
        Some(ends) if once && ends <= at => {
            format!("ended on {}, {} time", when::pretty_date(when::last_day(ends, zone)), zone_name)
        }
        Some(_) if plan.begins > at => {
            let begins = when::pretty_date(when::civil(plan.begins, zone).date());
            format!("begins {} on {begins}, {} time", when::in_days(at, plan.begins, zone), zone_name)
        }
        Some(ends) => {
            // The last day of a plan that ends is a date people know; of one that renews it is the first.
            let (verb, then) = if once { ("ends", ends.saturating_sub(1)) } else { ("renews", ends) };
            let date = when::pretty_date(when::civil(then, zone).date());
            format!("{verb} {} on {date}, {} time", when::in_days(at, then, zone), zone_name)
        }
    }
}

#[cfg(test)]
mod tests;
