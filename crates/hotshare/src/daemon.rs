//! The daemon: hands around the brain. It decides nothing; `event_loop` feeds the brain, `execute` obeys it,
//! `tasks` holds everything that runs beside it.

mod access;
mod alerts;
mod certificate;
mod event_loop;
mod execute;
mod lan;
mod ledger;
mod sites;
mod slow;
mod start;
mod tasks;
mod wifi;

pub(crate) use self::alerts::Way;
pub(crate) use self::ledger::AccessWriter;
#[cfg(test)]
pub(crate) use self::ledger::Ledger;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::Context as _;
use hotshare_api::Preview;
use tokio::runtime::Runtime;

use crate::config::Config;
use crate::instance::Instance;

/// What `hotshare up` was told, checked.
#[derive(Clone, Debug)]
pub(crate) struct UpOptions {
    pub(crate) config: Config,
    pub(crate) instance: Instance,
}

impl UpOptions {
    fn ports(&self) -> BTreeSet<String> {
        self.config.lan.interfaces.iter().cloned().collect()
    }
}

/// Runs the hotspot until it is told to stop.
pub(crate) fn up(options: &UpOptions) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(start::run(options))
}

/// Says what [`up`] would do, and changes nothing.
pub(crate) fn check(options: &UpOptions) -> anyhow::Result<Preview> {
    runtime()?.block_on(start::check(options))
}

fn runtime() -> anyhow::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the event loop")
}

/// An error and its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |e| e.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
