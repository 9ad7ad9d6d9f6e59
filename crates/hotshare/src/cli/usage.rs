//! `hotshare usage`

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use hotshare_api::{self as api, UsageReport, path};

use super::screen::Screen;
use super::session::Session;
use super::size::pretty;
use super::stop::Stop;
use super::table::{Column, Side, fitting};
use super::text::escaped;
use super::when::{self, Moment, moment};
use crate::zone;

/// Show who used what, or what was used on each day or in each hour
#[derive(Debug, Args)]
pub(crate) struct Usage {
    /// What a line stands for; days are those of the plan's zone
    #[arg(long, value_enum, default_value = "person")]
    by: By,
    /// From when, such as 2026-11-01, yesterday or 7d; when not given, since the plan's period began
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Moment>,
    /// Until when; a date or “yesterday” is meant with the whole day. When not given, until now
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Moment>,
    /// Print comma-separated values, amounts in bytes
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Person,
    Device,
    Day,
    Hour,
}

impl Usage {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        let tried = "cannot show the usage";
        // The plan's zone and the daemon's own idea of “now” say what is meant with a date.
        let status: api::Status = session.get(tried, path::STATUS)?;
        let zone = zone::rules(&status.plan.zone);
        let by = match self.by {
            By::Person => "person",
            By::Device => "device",
            By::Day => "day",
            By::Hour => "hour",
        };
        let mut asked = format!("{}?by={by}", path::USAGE);
        for (name, moment, end) in [("since", self.since, false), ("until", self.until, true)] {
            if let Some(moment) = moment {
                let _written = write!(asked, "&{name}={}", moment.resolve(status.at, &zone, end));
            }
        }
        let report: UsageReport = session.get(tried, &asked)?;
        if self.csv {
            return session.print(&report.csv());
        }
        session.show(&report, |report| {
            let span =
                format!("{} to {}", when::pretty(report.since, &zone), when::pretty(report.until, &zone));
            text(report, &span, session.width)
        })
    }
}

/// A table, and what the plan was billed for the same time.
fn text(report: &UsageReport, span: &str, width: usize) -> String {
    let mut out = Screen::new(width);
    out.labelled("From", span);
    if report.rows.is_empty() {
        out.labelled("", "nothing was used");
    } else {
        out.line("");
        for line in table(report, width) {
            out.line(&line);
        }
        out.line("");
    }
    let total = &report.total;
    out.labelled(
        "Billed",
        &format!(
            "{}: up {}, down {}",
            pretty(total.billed_up.saturating_add(total.billed_down)),
            pretty(total.billed_up),
            pretty(total.billed_down)
        ),
    );
    out.labelled(
        "",
        &format!(
            "delivered {}, refused after billing {}, the hotspot itself or not attributed {}",
            pretty(total.delivered),
            pretty(total.refused),
            pretty(total.own)
        ),
    );
    out.into_text()
}

fn table(report: &UsageReport, width: usize) -> Vec<String> {
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| {
            let mut cells = vec![escaped(&row.key)];
            match report.by {
                api::By::Device => cells.push(row.person.as_deref().map(escaped).unwrap_or_default()),
                api::By::Day | api::By::Hour => cells.push(pretty(row.billed.unwrap_or(0))),
                api::By::Person => {}
            }
            cells.push(pretty(row.up.saturating_add(row.down)));
            cells.push(pretty(row.up));
            cells.push(pretty(row.down));
            cells.push(pretty(row.refused_up.saturating_add(row.refused_down)));
            cells
        })
        .collect();
    let numbers =
        [("Used", Side::Right), ("Up", Side::Right), ("Down", Side::Right), ("Refused", Side::Right)];
    let (keys, drop, elastic): (&[Column<'_>], &[&[usize]], usize) = match report.by {
        api::By::Person => (&[("Person", Side::Left)], &[&[4], &[2, 3]], 0),
        api::By::Device => (&[("Device", Side::Left), ("Person", Side::Left)], &[&[5], &[3, 4]], 1),
        api::By::Day => (&[("Day", Side::Left), ("Billed", Side::Right)], &[&[5], &[3, 4]], 0),
        api::By::Hour => (&[("Hour", Side::Left), ("Billed", Side::Right)], &[&[5], &[3, 4]], 0),
    };
    let columns: Vec<Column<'_>> = keys.iter().chain(&numbers).copied().collect();
    fitting(&columns, &rows, drop, elastic, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(by: api::By, keys: &[(&str, Option<&str>)]) -> UsageReport {
        let row = |(n, (key, person)): (usize, &(&str, Option<&str>))| {
            let n = u64::try_from(n).unwrap_or(0) + 1;
            api::UsageRow {
                key: (*key).into(),
                person: person.map(Into::into),
                up: 11_000_000 * n,
                down: 470_000_000 * n,
                refused_up: 0,
                refused_down: 1_500 * n,
                billed: (by == api::By::Day).then_some(490_000_000 * n),
            }
        };
        UsageReport {
            schema: 1,
            by,
            since: 1_795_000_000,
            until: 1_795_455_000,
            rows: keys.iter().enumerate().map(row).collect(),
            total: api::Totals {
                billed_up: 33_000_000,
                billed_down: 1_500_000_000,
                delivered: 1_443_000_000,
                refused: 4_500,
                own: 89_995_500,
            },
        }
    }

    #[test]
    fn screens() {
        let mut told = String::new();
        let macs = [("02:00:5e:10:00:01", Some("anna")), ("02:00:5e:10:00:02", Some("小明"))];
        let people = [("anna", None), ("小明", None)];
        for (report, width) in [
            (report(api::By::Person, &people), 80),
            (report(api::By::Person, &people), 40),
            (report(api::By::Device, &macs), 80),
            (report(api::By::Device, &macs), 40),
            (report(api::By::Day, &[("2026-11-22", None), ("2026-11-23", None)]), 80),
            (report(api::By::Person, &[]), 80),
        ] {
            let screen = text(&report, "2026-11-18 12:13 to 2026-11-23 18:30", width);
            told += &format!("--- {:?} at {width}\n{}", report.by, anstream::adapter::strip_str(&screen));
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn comma_separated() {
        let people = report(api::By::Person, &[("anna", None), ("小明", None)]).csv();
        assert_eq!(
            people,
            "person,up,down,refused_up,refused_down\nanna,11000000,470000000,0,1500\n小明,22000000,940000000,0,3000\n"
        );
        let days = report(api::By::Day, &[("2026-11-22", None)]).csv();
        assert_eq!(
            days,
            "day,billed,up,down,refused_up,refused_down\n2026-11-22,490000000,11000000,470000000,0,1500\n"
        );
    }
}
