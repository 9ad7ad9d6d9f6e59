//! What the owner was told, and the diary.

use askama::Template;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hotshare_api::{Alert, Alerts, AlertsTest, DeliveryState, Events, path};

use super::told::{Line, Teller};
use super::{Asked, Desk, Frame, Sorry, Why, shown};
use crate::show::{self, safe};

#[derive(Template)]
#[template(path = "admin/diary.html")]
struct Page {
    f: Frame,
    alerts: Vec<Told>,
    events: Vec<(String, Line)>,
}

struct Told {
    at: String,
    line: Line,
    deliveries: Vec<String>,
}

pub(super) async fn show(State(desk): State<Desk>, asked: Asked) -> Response {
    let read = async {
        let status = desk.status().await?;
        let alerts: Alerts = desk.api.get(&format!("{}?limit=30", path::ALERTS)).await?;
        let events: Events = desk.api.get(&format!("{}?limit=200", path::EVENTS)).await?;
        Ok::<_, Why>((status, alerts, events))
    };
    match read.await {
        Ok((status, alerts, events)) => {
            let zone = show::zone(&status.plan.zone);
            let teller = Teller { t: asked.t, status: &status, zone: &zone };
            let event = |event: &hotshare_api::Event| {
                (show::time(event.at, &zone), teller.line(&event.kind, &event.facts, &event.text))
            };
            shown(&Page {
                alerts: alerts.alerts.iter().map(|alert| told(&teller, alert)).collect(),
                events: events.events.iter().rev().map(event).collect(),
                f: asked.frame("/admin/diary"),
            })
        }
        Err(why) => Sorry { asked, why, back: "/admin".into() }.into_response(),
    }
}

fn told(teller: &Teller<'_>, alert: &Alert) -> Told {
    let delivery = |delivery: &hotshare_api::Delivery| {
        let key = match delivery.state {
            DeliveryState::Pending => "delivery-pending",
            DeliveryState::Delivered => "delivery-delivered",
            DeliveryState::Failed | DeliveryState::Unknown => "delivery-failed",
        };
        teller.t.one(key, "channel", safe(&delivery.channel))
    };
    Told {
        at: show::time(alert.at, teller.zone),
        line: teller.line(&alert.kind, &alert.facts, &format!("{}: {}", alert.title, alert.text)),
        deliveries: alert.deliveries.iter().map(delivery).collect(),
    }
}

#[derive(Template)]
#[template(path = "admin/tested.html")]
struct Tested {
    f: Frame,
    channels: Vec<(String, bool, Option<String>)>,
}

pub(super) async fn test(State(desk): State<Desk>, asked: Asked) -> Response {
    let none = serde_json::Map::new();
    match desk.api.send::<AlertsTest>(Method::POST, path::ALERTS_TEST, &none).await {
        Ok(test) => {
            let channel = |test: hotshare_api::ChannelTest| {
                (safe(&test.channel), test.delivered, test.error.as_deref().map(safe))
            };
            shown(&Tested {
                channels: test.channels.into_iter().map(channel).collect(),
                f: asked.frame("/admin/diary"),
            })
        }
        Err(error) => Sorry { asked, why: Why::Api(error), back: "/admin/diary".into() }.into_response(),
    }
}
