//! `hotshare statement`

mod page;

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use hotshare_api::{self as api, StatementPerson, Sums, path};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::screen::Screen;
use super::session::Session;
use super::size::pretty;
use super::stop::Stop;
use super::text::escaped;
use super::when::{self, date};
use crate::zone;

/// Show what a period of the plan came to, for the card and for each person
#[derive(Debug, Args)]
pub(crate) struct Statement {
    /// Of this person only
    person: Option<String>,
    /// The period that runs on this day; when not given, the present one
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with_all = ["month", "previous"])]
    day: Option<Date>,
    /// The period that runs at the end of this month, such as 2026-10
    #[arg(long, value_name = "MONTH", value_parser = month, conflicts_with = "previous")]
    month: Option<Date>,
    /// The period before the present one
    #[arg(long)]
    previous: bool,
    /// Print comma-separated values, amounts in bytes
    #[arg(long, conflicts_with_all = ["json", "html", "entries"])]
    csv: bool,
    /// Print a page that is fit to be printed on paper
    #[arg(long, conflicts_with_all = ["json", "entries"])]
    html: bool,
    /// The page's language
    #[arg(long, value_enum, default_value = "en", requires = "html")]
    language: Language,
    /// Print the ledger's entries that all amounts are the sums of, as comma-separated values (with --json: in it)
    #[arg(long)]
    entries: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    En,
    Zh,
}

/// Reads `2026-10` as the last day of that month.
fn month(text: &str) -> Result<Date, String> {
    let first = if text.len() == 7 { date(&format!("{text}-01")).ok() } else { None };
    first.map(Date::last_of_month).ok_or_else(|| "write a year and a month, such as 2026-10".to_owned())
}

impl Statement {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        let tried = "cannot make the statement";
        let status: api::Status = session.get(tried, path::STATUS)?;
        let zone = zone::rules(&status.plan.zone);
        let at = match self.day.or(self.month) {
            Some(day) => {
                Some(day.to_zoned(zone.clone()).map_or(status.at, |day| day.timestamp().as_second()))
            }
            None if self.previous => Some(status.plan.begins.saturating_sub(1)),
            None => None,
        };
        // A month that is not over yet means the period that runs now.
        let at = at.map(|at| at.min(status.at));
        let mut asked = format!("{}?entries={}", path::STATEMENT, self.entries);
        if let Some(at) = at {
            let _written = write!(asked, "&at={at}");
        }
        let mut statement: api::Statement = session.get(tried, &asked)?;
        if let Some(name) = &self.person {
            only(&mut statement, name).map_err(|why| Stop::refused(format!("{tried}: {why}")))?;
        }
        if self.entries && !session.json {
            return session.print(&entries_csv(&statement));
        }
        if self.csv {
            return session.print(&csv(&statement));
        }
        if self.html {
            return session.print(&page::page(&statement, &zone, self.language));
        }
        session.show(&statement, |statement| text(statement, &zone, session.width))
    }
}

/// Leaves one person; the card's own amounts stay.
fn only(statement: &mut api::Statement, name: &str) -> Result<(), String> {
    statement.people.retain(|person| person.name == name);
    if statement.people.is_empty() {
        return Err(format!("there is nothing of “{}” in this period", escaped(name)));
    }
    if let Some(entries) = &mut statement.entries {
        entries.retain(|entry| entry.person.as_deref().is_none_or(|person| person == name));
    }
    Ok(())
}

/// The kinds of entries, in the order in which they are listed; the sums of kinds come after them.
fn kinds(sums: &Sums) -> [(&'static str, i64); 13] {
    [
        ("granted", sums.granted),
        ("returned", sums.returned),
        ("overrun", sums.overrun),
        ("corrected", sums.corrected),
        ("used", sums.used),
        ("top_ups", sums.top_ups),
        ("gifts_in", sums.gifts_in),
        ("gifts_out", sums.gifts_out),
        ("loans_in", sums.loans_in),
        ("loans_out", sums.loans_out),
        ("rolled_over", sums.rolled_over),
        ("bought", sums.bought),
        ("on_top", sums.on_top),
    ]
}

fn signed(bytes: i64) -> String {
    let sign = if bytes < 0 { "−" } else { "" };
    format!("{sign}{}", pretty(bytes.unsigned_abs()))
}

/// Dates of a period: the first and the last day.
fn span(statement: &api::Statement, zone: &TimeZone) -> (Date, Option<Date>) {
    (when::civil(statement.begins, zone).date(), statement.ends.map(|ends| when::last_day(ends, zone)))
}

fn text(statement: &api::Statement, zone: &TimeZone, width: usize) -> String {
    let mut out = Screen::new(width);
    let (from, until) = span(statement, zone);
    let until = until.map_or_else(|| "now".to_owned(), when::pretty_date);
    out.labelled(
        "Period",
        &format!("{} to {until}, {} time", when::pretty_date(from), escaped(&statement.zone)),
    );
    let billed = statement.billed_up.saturating_add(statement.billed_down);
    out.labelled(
        "Billed",
        &format!(
            "{}: up {}, down {}; delivered {}, refused after billing {}, the hotspot itself or not attributed {}",
            pretty(billed),
            pretty(statement.billed_up),
            pretty(statement.billed_down),
            pretty(statement.delivered),
            pretty(statement.refused),
            pretty(statement.own)
        ),
    );
    if let Some(money) = &statement.money {
        let currency = statement.terms.currency.as_deref().map(escaped).unwrap_or_default();
        out.labelled("Cost", format!("{} {currency}", escaped(money)).trim_end());
    }
    for part in &statement.parts {
        let cap = part.cap.map(|cap| format!(" of {}", pretty(cap))).unwrap_or_default();
        let bought = part
            .bought
            .as_deref()
            .map(|money| format!(" (bought for {})", escaped(money)))
            .unwrap_or_default();
        out.labelled(
            "Part",
            &format!("{}: {} used{cap}{bought}", escaped(&part.name), signed(part.sums.used)),
        );
        listed(&mut out, &part.sums);
    }
    for person in &statement.people {
        out.labelled("Person", &line(person));
        listed(&mut out, &person.sums);
    }
    out.into_text()
}

fn line(person: &StatementPerson) -> String {
    let refused = person.refused_up.saturating_add(person.refused_down);
    let refused = if refused > 0 { format!(", refused {}", pretty(refused)) } else { String::new() };
    format!(
        "{}: {} used: up {}, down {}{refused}",
        escaped(&person.name),
        pretty(person.up.saturating_add(person.down)),
        pretty(person.up),
        pretty(person.down)
    )
}

/// What the ledger has, kind by kind; what is nothing is left out.
fn listed(out: &mut Screen, sums: &Sums) {
    let some: Vec<String> = kinds(sums)
        .iter()
        .filter(|(_, bytes)| *bytes != 0)
        .map(|(kind, bytes)| format!("{} {}", kind.replace('_', " "), signed(*bytes)))
        .collect();
    if !some.is_empty() {
        out.labelled("", &format!("ledger: {}", some.join(", ")));
    }
}

/// Comma-separated values (RFC 4180, but with plain line ends): a line for the card, each part and each person.
fn csv(statement: &api::Statement) -> String {
    let kinds_of = |sums: &Sums| kinds(sums).map(|(_, bytes)| bytes.to_string()).join(",");
    let heads = kinds(&Sums::default()).map(|(kind, _)| kind).join(",");
    let mut out = format!("what,name,up,down,refused_up,refused_down,own,money,{heads}\n");
    let money = statement.money.as_deref().map(cell).unwrap_or_default();
    let _written = writeln!(
        out,
        "card,,{},{},,{},{},{money}{}",
        statement.billed_up,
        statement.billed_down,
        statement.refused,
        statement.own,
        ",".repeat(kinds(&Sums::default()).len())
    );
    for part in &statement.parts {
        let money = part.bought.as_deref().map(cell).unwrap_or_default();
        let _written = writeln!(out, "part,{},,,,,,{money},{}", cell(&part.name), kinds_of(&part.sums));
    }
    for person in &statement.people {
        let _written = writeln!(
            out,
            "person,{},{},{},{},{},,,{}",
            cell(&person.name),
            person.up,
            person.down,
            person.refused_up,
            person.refused_down,
            kinds_of(&person.sums)
        );
    }
    out
}

fn entries_csv(statement: &api::Statement) -> String {
    let mut out = "id,at,part,person,on_top,period,kind,bytes\n".to_owned();
    for entry in statement.entries.iter().flatten() {
        let name = |name: &Option<String>| name.as_deref().map(cell).unwrap_or_default();
        let _written = writeln!(
            out,
            "{},{},{},{},{},{},{},{}",
            entry.id,
            entry.at,
            name(&entry.part),
            name(&entry.person),
            entry.on_top,
            name(&entry.period),
            cell(&entry.kind),
            entry.bytes
        );
    }
    out
}

/// A daemon of another release may send what this one would not. What a spreadsheet would take for a formula is text.
fn cell(text: &str) -> String {
    let text = escaped(text);
    let formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests;
