//! Figures for who watches over time, in the text form of OpenMetrics. What may go down is a gauge, from the status. What
//! never does is a counter, from the store: what one told is on the disk, so none falls when the daemon or the machine
//! does. docs/metrics.md is the list.

mod families;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use hotshare_api::{self as api, Code};
use hotshare_core::units::UnixTime;
use hotshare_store::{By, UsageRow};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use super::failure::No;
use super::{AppState, translate};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Figures for Prometheus and others, as OpenMetrics text.
///
/// Each call writes to the ledger what was counted until then, so ask every 15 seconds or slower. docs/metrics.md lists
/// them.
#[utoipa::path(
    get, path = api::path::METRICS, tag = "reports",
    responses(
        (
            status = 200, description = "OpenMetrics text.", body = String,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
            example = "# HELP hotshare_uplink_up There is an uplink.\n# TYPE hotshare_uplink_up gauge\nhotshare_uplink_up 1\n# EOF\n"
        ),
        (status = 500, description = "`not-read`"),
    )
)]
pub(super) async fn metrics(State(state): State<AppState>) -> Result<impl IntoResponse, No> {
    state.flush().await?;
    let told = state.status().await?;
    let wifi = state.wifi_line().await?;
    let certificate = state.certificate();
    let status = api::Status { wifi, certificate, ..translate::status(&told) };
    let zone = told.plan.plan.zone.clone();
    let ledger = state.ledger_path.clone();
    let (usage, ledger_size) = state
        .read(move |reader| {
            let usage = reader.usage(By::Person, UnixTime(i64::MIN), UnixTime(i64::MAX), &zone)?;
            Ok((usage, std::fs::metadata(ledger).map(|file| file.len()).ok()))
        })
        .await?;
    match text_of(Figures { status, usage, ledger_size }) {
        Ok(text) => Ok(([(CONTENT_TYPE, OPENMETRICS)], text)),
        Err(e) => Err(No::new(Code::NotRead, format!("the figures could not be written down: {e}"))),
    }
}

/// What all figures are made of.
#[derive(Debug)]
struct Figures {
    status: api::Status,
    /// Of all time, by person.
    usage: Vec<UsageRow>,
    /// Bytes of the database's file; `None`: the file system does not tell.
    ledger_size: Option<u64>,
}

fn text_of(figures: Figures) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(figures));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let mut out = families::Out::new(encoder);
        families::box_itself(&mut out, self)?;
        families::plan(&mut out, &self.status.plan)?;
        families::people(&mut out, &self.status.people)?;
        families::counters(&mut out, self)
    }
}

#[cfg(test)]
mod tests;
