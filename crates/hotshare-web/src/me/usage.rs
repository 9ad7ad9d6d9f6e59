//! What devices used, today and this month.

use std::collections::BTreeMap;

use hotshare_api::{Device, Person, Status, UsageReport, path};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::show;

/// When today and this month began, in the plan's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begins {
    day: i64,
    month: i64,
}

impl Begins {
    /// `None`: the time is none that a calendar has.
    pub(super) fn of(status: &Status) -> Option<Begins> {
        let zone = show::zone(&status.plan.zone);
        let today = show::civil(status.at, &zone).date();
        let begin = |date: Date, zone: TimeZone| Some(date.to_zoned(zone).ok()?.timestamp().as_second());
        Some(Begins { day: begin(today, zone.clone())?, month: begin(today.first_of_month(), zone)? })
    }

    pub(super) fn today_path(self) -> String {
        format!("{}?by=device&since={}", path::USAGE, self.day)
    }

    /// This month without today; `None` on its first day.
    pub(super) fn earlier_path(self) -> Option<String> {
        let Begins { day, month } = self;
        (month < day).then(|| format!("{}?by=device&since={month}&until={day}", path::USAGE))
    }
}

/// Bytes by person and device.
#[derive(Debug, Default)]
pub(super) struct Used(BTreeMap<(String, String), u64>);

/// A line for one of the person's devices.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Empty: it has none.
    pub(super) name: String,
    pub(super) is_this: bool,
    pub(super) today: u64,
    pub(super) month: u64,
}

impl Used {
    pub(super) fn new(report: &UsageReport) -> Used {
        let mut used = Used::default();
        for row in &report.rows {
            let Some(person) = &row.person else { continue };
            let sum = used.0.entry((person.clone(), row.key.clone())).or_default();
            *sum = sum.saturating_add(row.up).saturating_add(row.down);
        }
        used
    }
}

/// The person's devices, this one first, then those that used most; what was used with a device that is another's now, or
/// gone, is still the person's.
pub(super) fn rows(
    [today, earlier]: [&Used; 2],
    status: &Status,
    person: &Person,
    device: &Device,
) -> Vec<Row> {
    let own = status.devices.iter().filter(|d| d.person.as_deref() == Some(&person.name));
    let mut rows: BTreeMap<&str, Row> = own
        .map(|own| {
            let name = own.host_name.as_deref().map(show::foreign).unwrap_or_default();
            (own.mac.as_str(), Row { name, is_this: own.mac == device.mac, today: 0, month: 0 })
        })
        .collect();
    for (used, is_today) in [(today, true), (earlier, false)] {
        for ((_, mac), bytes) in used.0.iter().filter(|((whose, _), _)| *whose == person.name) {
            let row =
                rows.entry(mac).or_insert(Row { name: String::new(), is_this: false, today: 0, month: 0 });
            row.month = row.month.saturating_add(*bytes);
            if is_today {
                row.today = *bytes;
            }
        }
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.sort_by_key(|row| (!row.is_this, std::cmp::Reverse(row.month)));
    rows
}
