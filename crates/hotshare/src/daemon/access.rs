//! The owner's first way to the dashboard.

use std::io::IsTerminal as _;

use hotshare_core::access::Role;

use crate::cli;
use crate::serve::AccessDesk;

/// On a terminal: a one-time link, when nothing lets the owner in yet. A log never gets it.
pub(super) async fn welcome(desk: &AccessDesk, command: &str) {
    if desk.owner_can_log_in() {
        return;
    }
    if !std::io::stderr().is_terminal() {
        tracing::info!(
            "the dashboard has no password yet; `{command} access link` makes a one-time link to it"
        );
        return;
    }
    match desk.make_link(Role::Owner).await {
        Ok(link) => cli::access::show_link(link.machine.as_deref(), link.lan.as_deref()),
        Err(error) => tracing::warn!(%error, "there is no link to the dashboard"),
    }
}
