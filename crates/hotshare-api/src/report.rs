//! What was.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plain::escaped;

/// What a usage report's rows stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    Person,
    Device,
    /// Civil days in the plan's zone.
    Day,
    /// Civil hours in the plan's zone; what is long ago comes by day.
    Hour,
}

/// Reply to `GET /v1/usage?by=…&since=…&until=…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageReport {
    pub schema: u32,
    pub by: By,
    /// From this time, to the minute (older usage: to the hour or day).
    pub since: i64,
    /// Until this time, exclusive.
    pub until: i64,
    /// Most used first; days and hours in order.
    pub rows: Vec<UsageRow>,
    pub total: Totals,
}

impl UsageReport {
    /// Comma-separated values (RFC 4180, but with plain line ends), amounts in bytes.
    #[must_use]
    pub fn csv(&self) -> String {
        let head = match self.by {
            By::Person => "person",
            By::Device => "device,person",
            By::Day => "day,billed",
            By::Hour => "hour,billed",
        };
        let mut out = format!("{head},up,down,refused_up,refused_down\n");
        for row in &self.rows {
            let key = csv_cell(&row.key);
            let key = match self.by {
                By::Person => key,
                By::Device => format!("{key},{}", csv_cell(row.person.as_deref().unwrap_or_default())),
                By::Day | By::Hour => format!("{key},{}", row.billed.unwrap_or(0)),
            };
            let UsageRow { up, down, refused_up, refused_down, .. } = row;
            out.push_str(&format!("{key},{up},{down},{refused_up},{refused_down}\n"));
        }
        out
    }
}

/// A daemon of another release may send what this one would not, and a spreadsheet takes some beginnings for formulas.
fn csv_cell(text: &str) -> String {
    let text = escaped(text);
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// What one person or device used, or all on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageRow {
    /// The person's name, the device's hardware address, the date, or the hour such as `2026-11-23T18:00+01:00`.
    pub key: String,
    /// With `by=device`: whose it was then.
    pub person: Option<String>,
    /// Forwarded, as the device sees it.
    pub up: u64,
    /// Forwarded to it.
    pub down: u64,
    /// Uploads that were refused: never sent, not billed.
    pub refused_up: u64,
    /// Downloads that arrived for a closed device: billed, delivered to nobody.
    pub refused_down: u64,
    /// With `by=day` and `by=hour`: what the carrier billed then by our count, without corrections.
    pub billed: Option<u64>,
}

/// The same span for the plan as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// What the carrier bills by our count, without corrections.
    pub billed_up: u64,
    /// Of it down; the former is up.
    pub billed_down: u64,
    /// To or from people's devices.
    pub delivered: u64,
    /// Billed, delivered to nobody.
    pub refused: u64,
    /// The hotspot itself, or not attributed.
    pub own: u64,
}

/// Reply to `GET /v1/events?since=…`: the diary, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Events {
    pub schema: u32,
    /// Oldest first.
    pub events: Vec<Event>,
}

/// A line of the diary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// When it happened.
    pub at: i64,
    /// A short stable word: `used-up`, `plan-closed`, `device-new`…
    pub kind: String,
    /// Plain English. It may hold what a device calls itself: escape it before showing it.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_neither_two_nor_a_formula() {
        assert_eq!(csv_cell("a,\"b\"\n"), "\"a,\"\"b\"\"\\u{a}\"");
        assert_eq!(csv_cell("=1+1"), "'=1+1");
    }

    #[test]
    fn the_text_of_reports() {
        let report = UsageReport {
            schema: crate::SCHEMA,
            by: By::Device,
            since: 1,
            until: 2,
            rows: vec![UsageRow {
                key: "02:00:5e:10:00:01".into(),
                person: Some("anna".into()),
                up: 1,
                down: 2,
                refused_up: 3,
                refused_down: 4,
                billed: None,
            }],
            total: Totals { billed_up: 5, billed_down: 6, delivered: 3, refused: 4, own: 4 },
        };
        assert_eq!(
            serde_json::to_string(&report).expect("plain"),
            concat!(
                r#"{"schema":1,"by":"device","since":1,"until":2,"rows":[{"key":"02:00:5e:10:00:01","#,
                r#""person":"anna","up":1,"down":2,"refused_up":3,"refused_down":4,"billed":null}],"total":{"billed_up":5,"#,
                r#""billed_down":6,"delivered":3,"refused":4,"own":4}}"#
            )
        );
        let events = Events {
            schema: crate::SCHEMA,
            events: vec![Event { at: 7, kind: "used-up".into(), text: "anna is out".into() }],
        };
        assert_eq!(
            serde_json::to_string(&events).expect("plain"),
            r#"{"schema":1,"events":[{"at":7,"kind":"used-up","text":"anna is out"}]}"#
        );
    }
}
