//! What was.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plain::escaped;
use crate::words::Verdict;

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
    /// A short stable word: one of [`EventKind`]'s, or one that is newer.
    #[schema(value_type = EventKind)]
    pub kind: String,
    /// Plain English; an alert's in the language of `[alerts]`. It may hold what a device calls itself: escape it
    /// before showing it.
    pub text: String,
    /// The same for whoever says it in words of their own; empty where an older release wrote it.
    #[serde(default)]
    pub facts: EventFacts,
}

/// The words of the diary. A new one may be added at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// `interface` is the uplink.
    Uplink,
    UplinkLost,
    /// After a power cut up to `bytes` that were granted count as used.
    GrantsLost,
    /// Nobody was there for `seconds`: the hotspot stopped.
    Idle,
    /// The data card number `card`, behind `interface`, is in, or more is known of it.
    Card,
    /// It was never used here, and waits for the owner's agreement.
    CardNew,
    /// It may be used.
    CardAgreed,
    /// `person` has a Wi-Fi key, or another one.
    KeyNew,
    /// `person` has none any more.
    KeyRevoked,
    /// `device` is new; it waits, or is that of the guest `person`.
    DeviceNew,
    /// The user of `device` says to be `claim`.
    DeviceClaim,
    /// `device` stays closed: all accounts are in use.
    AccountsFull,
    /// `device` tried a wrong passphrase `count` times, and has to wait for `seconds`.
    WrongKey,
    /// `device` joined with the key of `person`, who may have `count` on the air.
    TooManyDevices,
    /// The plan is fast again.
    PlanFast,
    /// `person` is open again; without one everybody is, who was closed for `why`.
    Open,
    /// The allowance of `person` is used up; it goes on slowly.
    Slow,
    /// `person` asks for `bytes`.
    Asked,
    /// `person` gets `bytes` more.
    Granted,
    /// `person` does not get the `bytes` that were asked for.
    Denied,
    /// `person` gives `bytes` to `other`.
    Gift,
    /// An alert could not be delivered by `channel`, for `reason`.
    AlertFailed,
    /// There is a certificate for the pages, good until `ends`; there was none.
    CertificateGot,
    /// Likewise; there was one.
    CertificateRenewed,
    /// There is no new one yet, for `reason`.
    CertificateFailed,
    /// The owner has another `passkey`.
    PasskeyNew,
    /// `passkey` was removed.
    PasskeyGone,
    /// `passkey` was refused: its counter went back, so there may be a copy of it.
    PasskeyCopied,
    /// `person` is closed, as with the four below; see [`crate::Verdict`].
    Paused,
    Ended,
    BedTime,
    AllowanceUsed,
    KeptForOthers,
    /// Everybody is closed, as with all below that are in [`crate::Verdict`].
    CardUnknown,
    NewCard,
    AsksForMoney,
    PlanUsed,
    PlanOver,
    NoUplink,
    /// The ledger cannot be written, for `reason`.
    LedgerStuck,
    /// Everybody is slow.
    PlanSlow,
    /// Only `sites` can be reached; without any, everything again.
    OnlySites,
    /// An alert, as all below: `percent` of the plan is used, `bytes` of `limit`; it renews at `ends`.
    PlanLevel,
    /// The same of the allowance of `person`.
    AllowanceLevel,
    /// `person`, or `device`, has used `bytes` today.
    UnusualUse,
    /// The plan's period ends at `ends`; `bytes` are used, of `limit`.
    PlanRollsSoon,
    /// `device` waits; its user says to be `claim`.
    DeviceWaiting,
    /// To go on would cost `money`.
    PriceStep,
    /// The certificate of the pages ends at `ends`, and there is no later one.
    CertificateEnds,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// What a line of the diary tells, by name. Other than elsewhere, what does not exist is left out. All texts are to be
/// escaped before they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct EventFacts {
    /// Their name then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Who gets what `person` gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Six pairs of lower-case hex digits, with colons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Who the device's user says to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The interface's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The data card's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<u32>,
    /// How much: used, asked for, given, lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of how many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The level that was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// How many attempts, or devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// When the period ends, or a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<i64>,
    /// Names of sites, with spaces between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<String>,
    /// What the owner calls a passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passkey: Option<String>,
    /// Such as `2.50 EUR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<String>,
    /// `desktop`, `webhook`, `mail` or `mqtt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Why everybody was closed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Verdict>,
    /// Why something failed, in the words of whatever said so; English most often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The alert that was raised; see `GET /v1/alerts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<u64>,
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
            events: vec![Event {
                at: 7,
                kind: "asked".into(),
                text: "anna asks for 5 B".into(),
                facts: EventFacts { person: Some("anna".into()), bytes: Some(5), ..EventFacts::default() },
            }],
        };
        assert_eq!(
            serde_json::to_string(&events).expect("plain"),
            concat!(
                r#"{"schema":1,"events":[{"at":7,"kind":"asked","text":"anna asks for 5 B","#,
                r#""facts":{"person":"anna","bytes":5}}]}"#
            )
        );
    }
}
