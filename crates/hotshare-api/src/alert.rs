//! What the owner was told, and whether it arrived.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::report::EventFacts;

/// Reply to `GET /v1/alerts?limit=…`: newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alerts {
    pub schema: u32,
    /// The newest first.
    pub alerts: Vec<Alert>,
}

/// What the owner was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Ascending from 1.
    pub id: u64,
    /// When it was raised.
    pub at: i64,
    /// A stable word: `plan-level`, `allowance-level`, `unusual-use`, `plan-rolls-soon`, `device-waiting`,
    /// `price-step`, `certificate-ends`.
    pub kind: String,
    /// The person's name or the device's hardware address; `null` for the plan.
    pub about: Option<String>,
    /// The level that was passed.
    pub percent: Option<u8>,
    /// Bytes that were used then.
    pub used: Option<u64>,
    /// Bytes that may be used.
    pub limit: Option<u64>,
    /// In the language of `[alerts]`.
    pub title: String,
    /// It may hold what a device calls itself: escape it before showing it.
    pub text: String,
    /// The same for whoever says it in words of their own; empty where an older release told it.
    #[serde(default)]
    pub facts: EventFacts,
    /// Empty when only the event log was told.
    pub deliveries: Vec<Delivery>,
}

/// How far an alert is on its way through one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// `desktop`, `webhook`, `mail` or `mqtt`.
    pub channel: String,
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// While it is pending: when it is tried again.
    pub next_try: Option<i64>,
    /// When it was delivered, or given up.
    pub settled: Option<i64>,
    /// Why the last attempt that failed did, in plain English.
    pub error: Option<String>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    Pending,
    Delivered,
    /// For good: it is not tried again.
    Failed,
    /// A word that this reader does not know yet. Never sent.
    #[serde(other)]
    Unknown,
}

/// Reply to `POST /v1/alerts/test`: what became of a test alert, by channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertsTest {
    pub schema: u32,
    /// Every channel of the configuration, each tried once.
    pub channels: Vec<ChannelTest>,
}

/// What became of a test through one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelTest {
    /// `desktop`, `webhook`, `mail` or `mqtt`.
    pub channel: String,
    /// The other end took it.
    pub delivered: bool,
    /// Why not, in plain English.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_alerts() {
        let alerts = Alerts {
            schema: crate::SCHEMA,
            alerts: vec![Alert {
                id: 7,
                at: 1_795_000_000,
                kind: "plan-level".into(),
                about: None,
                percent: Some(80),
                used: Some(16),
                limit: Some(20),
                title: "80 % of the plan is used".into(),
                text: "…".into(),
                facts: EventFacts::default(),
                deliveries: vec![Delivery {
                    channel: "mail".into(),
                    state: DeliveryState::Pending,
                    attempts: 2,
                    next_try: Some(1_795_000_120),
                    settled: None,
                    error: Some("no answer".into()),
                }],
            }],
        };
        assert_eq!(
            serde_json::to_string(&alerts).expect("plain"),
            concat!(
                r#"{"schema":1,"alerts":[{"id":7,"at":1795000000,"kind":"plan-level","about":null,"percent":80,"used":16,"#,
                r#""limit":20,"title":"80 % of the plan is used","text":"…","facts":{},"deliveries":[{"channel":"mail","#,
                r#""state":"pending","attempts":2,"next_try":1795000120,"settled":null,"error":"no answer"}]}]}"#
            )
        );
        let later: DeliveryState =
            serde_json::from_str(r#""returned""#).expect("an unknown word is no error");
        assert_eq!(later, DeliveryState::Unknown);
    }
}
