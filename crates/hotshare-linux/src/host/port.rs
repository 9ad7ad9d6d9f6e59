//! Ports that come and go: the interfaces that carry one station of Wi-Fi each.

use hotshare_core::desired::Setting;
use hotshare_core::units::Mac;
use nlink::netlink::fdb::FdbEntryBuilder;
use nlink::netlink::link::BridgePortConfig;
use nlink::netlink::{Connection, sysctl};

/// Why an interface did not become a port.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Its station has left.
    #[error("the interface with the number {0} is gone")]
    Gone(u32),
    #[error("could not open a netlink socket; are we root?")]
    Open(#[source] nlink::Error),
    #[error("could not switch off IPv6 on the port {0}")]
    Ipv6(String, #[source] nlink::Error),
    #[error("could not {what} the port {name}")]
    Join { what: &'static str, name: String, source: nlink::Error },
}

/// Makes the interface a port of the bridge `lan`. May be done again without harm.
///
/// With a `station`, the port is that station's alone: the bridge sends its frames there, whoever else claims its
/// hardware address, and nobody else's. Without one, all stations of a card speak through the port.
///
/// # Errors
/// With [`PortError::Gone`] when the interface vanished, which is no failure: its station left.
pub async fn admit(ifindex: u32, station: Option<Mac>, lan: &str) -> Result<(), PortError> {
    let conn = Connection::<nlink::Route>::new().map_err(PortError::Open)?;
    match try_admit(&conn, ifindex, station, lan).await {
        // It may go at any moment, and then the kernel's reasons are of many kinds.
        Err(error) => match name_of(&conn, ifindex).await {
            Some(_) => Err(error),
            None => Err(PortError::Gone(ifindex)),
        },
        Ok(()) => Ok(()),
    }
}

async fn try_admit(
    conn: &Connection<nlink::Route>,
    ifindex: u32,
    station: Option<Mac>,
    lan: &str,
) -> Result<(), PortError> {
    let name = name_of(conn, ifindex).await.ok_or(PortError::Gone(ifindex))?;
    let failed = |what| {
        let name = name.clone();
        move |source| PortError::Join { what, name, source }
    };
    no_ipv6(&name)?;
    conn.set_link_master(ifindex, lan).await.map_err(failed("join the LAN with"))?;
    let alone = station.is_some();
    let port = BridgePortConfig::new()
        .isolated(true)
        .hairpin(false)
        .proxy_arp(false)
        .neigh_suppress(false)
        // What a station's port is for is known, so nothing has to be learnt there, and nothing be tried there.
        .learning(!alone)
        .unicast_flood(!alone);
    conn.set_bridge_port(ifindex, port).await.map_err(failed("isolate"))?;
    if let Some(station) = station {
        let entry = FdbEntryBuilder::new(station.0).ifindex(ifindex).static_();
        conn.replace_fdb(entry).await.map_err(failed("send its station's frames to"))?;
    }
    Ok(())
}

async fn name_of(conn: &Connection<nlink::Route>, ifindex: u32) -> Option<String> {
    conn.get_link_by_index(ifindex).await.ok()??.name().map(ToOwned::to_owned)
}

fn no_ipv6(name: &str) -> Result<(), PortError> {
    match sysctl::set(&Setting::Ipv6Disabled(name.to_owned()).path(), "1") {
        // A kernel without IPv6.
        Err(error) if error.is_not_found() => Ok(()),
        result => result.map_err(|error| PortError::Ipv6(name.to_owned(), error)),
    }
}
