//! The system's message bus, and who is on it. Nothing here starts a program.

use std::time::Duration;

use tokio::time::timeout;
use zbus::{Connection, connection, fdo};

/// Longer than an answer takes on a busy machine.
pub(crate) const CALL: Duration = Duration::from_secs(5);

/// The system's bus; `None` when there is none to ask.
pub(crate) async fn bus() -> Option<Connection> {
    let bus = connection::Builder::system().method_timeout(CALL).build();
    match timeout(CALL, bus).await {
        Ok(Ok(bus)) => Some(bus),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no system bus");
            None
        }
        Err(_) => {
            tracing::debug!("the system bus does not answer");
            None
        }
    }
}

/// A program with this name is on the bus now. Asking does not start it.
pub(crate) async fn is_running(bus: &Connection, name: &'static str) -> bool {
    let running = async { fdo::DBusProxy::new(bus).await?.name_has_owner(name.try_into()?).await };
    matches!(timeout(CALL, running).await, Ok(Ok(true)))
}
