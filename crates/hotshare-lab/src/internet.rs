//! The servers of the laboratory's Internet. Each runs inside its namespace, on one thread.

mod dns;
mod probes;
mod udp;
mod web;

pub use probes::{PROBES, Probe};
pub use udp::{Flood, pour};

use anyhow::Result;

use crate::inside::Inside;
use crate::layout;

/// Starts all servers; they end with the namespace's thread.
pub async fn serve(inside: &Inside, phones: u8) -> Result<()> {
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    inside.start(async move {
        let bound = bind_all(phones).await;
        // The receiver waits below; it is gone only if the laboratory is.
        drop(ready.send(bound));
    });
    is_ready.await?
}

async fn bind_all(phones: u8) -> Result<()> {
    web::serve(layout::WEB_ADDR, 80).await?;
    web::serve(layout::TOPUP_ADDR, 80).await?;
    dns::serve().await?;
    udp::serve_echo(layout::UDP_ECHO_PORT).await?;
    udp::serve_floods(layout::UDP_FLOOD_PORT).await?;
    for n in 0..=u16::from(phones) {
        web::serve(layout::WEB_ADDR, layout::PHONE_WEB_PORTS + n).await?;
        udp::serve_sink(layout::UDP_SINK_PORTS + n).await?;
    }
    Ok(())
}
