//! What most scenarios begin with.

use std::future::Future;

use anyhow::Result;

/// Runs a scenario on a runtime of its own.
pub(crate) fn scene(play: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(play)
}
