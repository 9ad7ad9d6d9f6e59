//! What the owner was told, and whether the ways to the owner work.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use hotshare_api as api;
use hotshare_core::alert::{Alert, AlertId, Language, What};
use hotshare_core::diary::Facts;
use hotshare_core::plan::Zone;
use hotshare_linux::clock;
use hotshare_store::{Delivery, DeliveryState};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::AppState;
use super::reports::{Asked, facts_told, limited, unclear};
use super::routes::Reply;
use crate::daemon::Way;

/// The ways to the owner.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertDesk {
    pub(crate) ways: Vec<Arc<Way>>,
    pub(crate) language: Language,
}

/// The alerts that one reply holds at most: all that are kept.
const MOST: u32 = 1000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertsQuery {
    /// The newest so many; when not given, 50.
    #[param(maximum = 1000)]
    limit: Option<u32>,
}

/// What the owner was told, newest first.
#[utoipa::path(
    get, path = api::path::ALERTS, operation_id = "alerts", tag = "alerts", params(AlertsQuery),
    responses(
        (status = 200, body = api::Alerts),
        (status = 400, description = "`bad-request`, also of a limit above what one reply holds"),
        (status = 500, description = "`not-read`"),
    )
)]
pub(super) async fn list(State(state): State<AppState>, query: Asked<AlertsQuery>) -> Reply<api::Alerts> {
    let Query(query) = query.map_err(unclear)?;
    let limit = limited(query.limit, 50, MOST)?;
    let read = state.read(move |reader| {
        let alerts = reader.alerts(limit)?;
        let facts = match alerts.last() {
            Some((oldest, _)) => reader.alert_facts(oldest.id)?,
            None => Vec::new(),
        };
        Ok((alerts, facts))
    });
    let (alerts, facts) = read.await?;
    let mut facts: BTreeMap<AlertId, Facts> = facts.into_iter().collect();
    let alerts = alerts.into_iter().map(|(alert, deliveries)| {
        let facts = facts.remove(&alert.id).unwrap_or_default();
        told(alert, facts, deliveries)
    });
    let alerts = alerts.collect();
    Ok(Json(api::Alerts { schema: api::SCHEMA, alerts }))
}

/// Tries every way at once, and waits for all of them.
#[utoipa::path(
    post, path = api::path::ALERTS_TEST, operation_id = "alerts_test", tag = "alerts",
    responses((status = 200, body = api::AlertsTest))
)]
pub(super) async fn test(State(state): State<AppState>) -> Json<api::AlertsTest> {
    let AlertDesk { ways, language } = state.alerts;
    let alert = Arc::new(Alert::new(AlertId(0), clock::now().wall, &What::Test, language, &Zone::utc()));
    let mut under_way = JoinSet::new();
    for way in ways {
        let alert = Arc::clone(&alert);
        under_way.spawn(async move { (way.channel(), way.send(&alert).await) });
    }
    let mut results = under_way.join_all().await;
    results.sort_by_key(|(channel, _)| *channel);
    let channels = results.into_iter().map(|(channel, sent)| api::ChannelTest {
        channel: channel.word().into(),
        delivered: sent.is_ok(),
        error: sent.err().map(|not| not.why),
    });
    Json(api::AlertsTest { schema: api::SCHEMA, channels: channels.collect() })
}

fn told(alert: Alert, facts: Facts, deliveries: Vec<Delivery>) -> api::Alert {
    let Alert { id, at, kind, about, percent, used, limit, title, text } = alert;
    api::Alert {
        id: id.0,
        at: at.0,
        kind: kind.word().into(),
        about,
        percent,
        used: used.map(|bytes| bytes.0),
        limit: limit.map(|bytes| bytes.0),
        title,
        text,
        facts: facts_told(facts),
        deliveries: deliveries.into_iter().map(delivery).collect(),
    }
}

fn delivery(delivery: Delivery) -> api::Delivery {
    let (state, next_try, settled) = match delivery.state {
        DeliveryState::Pending { next_try } => (api::DeliveryState::Pending, Some(next_try.0), None),
        DeliveryState::Delivered { at } => (api::DeliveryState::Delivered, None, Some(at.0)),
        DeliveryState::Failed { at } => (api::DeliveryState::Failed, None, Some(at.0)),
    };
    let channel = delivery.channel.word().into();
    api::Delivery { channel, state, attempts: delivery.attempts, next_try, settled, error: delivery.error }
}
