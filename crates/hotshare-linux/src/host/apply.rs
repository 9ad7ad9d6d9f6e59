//! One step, done. What is already so is no failure.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hotshare_core::desired::{Address, AddressDetails, HostRoute, HostState, Kind, Reach, Setting, Table};
use hotshare_core::steps::Step;
use hotshare_core::units::Mac;
use nlink::netlink::addr::{Ipv4Address, Ipv6Address};
use nlink::netlink::link::{BridgeLink, BridgePortConfig};
use nlink::netlink::route::{Ipv4Route, Ipv6Route};
use nlink::netlink::types::addr::Scope;
use nlink::netlink::types::route::{RouteProtocol, RouteScope};
use nlink::netlink::{Connection, sysctl};

use crate::clock;

type Conn = Connection<nlink::Route>;

/// What a step does, for errors and logs: "could not …".
pub fn told(step: &Step) -> String {
    match step {
        Step::SetTable(Table::Absent) => "remove the nftables tables named hotshare".into(),
        Step::SetTable(_) => "set the nftables tables named hotshare".into(),
        Step::Set { setting, value } => format!("set {setting} to {value}"),
        Step::RemoveRoute { interface, route } => {
            format!("remove the route to {}/{} through {interface}", route.destination, route.prefix_len)
        }
        Step::RemoveAddress { interface, address } => {
            format!("remove the address {}/{} from {interface}", address.address, address.prefix_len)
        }
        Step::SetMaster { interface, master: Some(master) } => {
            format!("make {interface} a member of {master}")
        }
        Step::SetMaster { interface, master: None } => format!("take {interface} out of its bridge"),
        Step::RemoveBridge { name } => format!("remove the bridge {name}"),
        Step::AddBridge { name, .. } => format!("make the bridge {name}"),
        Step::SetMac { interface, mac } => format!("give {interface} the hardware address {mac}"),
        Step::SetIsolated { interface, isolated: true } => {
            format!("isolate {interface} from the other ports")
        }
        Step::SetIsolated { interface, isolated: false } => format!("end the isolation of {interface}"),
        Step::SetUp { interface, up: true } => format!("bring up {interface}"),
        Step::SetUp { interface, up: false } => format!("take down {interface}"),
        Step::AddAddress { interface, address, .. } => {
            format!("give {interface} the address {}/{}", address.address, address.prefix_len)
        }
        Step::AddRoute { interface, route } => {
            format!("add the route to {}/{} through {interface}", route.destination, route.prefix_len)
        }
    }
}

/// A setting's value; `None` when the kernel does not have it.
pub(super) fn read(setting: &Setting) -> Result<Option<i32>, super::HostError> {
    let failed = |error| super::HostError::Setting(setting.clone(), error);
    match sysctl::get(&setting.path()) {
        Ok(value) => match value.trim().parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                Err(failed(io::Error::new(io::ErrorKind::InvalidData, format!("“{value}” is not a number"))))
            }
        },
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(failed(io::Error::other(error))),
    }
}

/// Does `step`. The table's steps are not done here.
pub(super) async fn apply(conn: &Conn, step: &Step, desired: &HostState) -> nlink::Result<()> {
    let result = match step {
        Step::SetTable(_) => Ok(()),
        Step::Set { setting, value } => sysctl::set(&setting.path(), &value.to_string()),
        Step::RemoveRoute { interface, route } => match indexed(conn, interface).await? {
            Some(index) => remove_route(conn, index, route).await,
            None => Ok(()),
        },
        Step::RemoveAddress { interface, address } => match indexed(conn, interface).await? {
            Some(index) => remove_address(conn, index, address).await,
            None => Ok(()),
        },
        Step::SetMaster { interface, master: Some(master) } => {
            conn.set_link_master(interface.as_str(), master.as_str()).await
        }
        Step::SetMaster { interface, master: None } => {
            return gone_is_done(conn.set_link_nomaster(interface.as_str()).await);
        }
        Step::RemoveBridge { name } => return gone_is_done(conn.del_link(name.as_str()).await),
        Step::AddBridge { name, mac } => add_bridge(conn, name, *mac, desired).await,
        Step::SetMac { interface, mac } => conn.set_link_address(interface.as_str(), mac.0).await,
        Step::SetIsolated { interface, isolated } => {
            let port = BridgePortConfig::new().isolated(*isolated);
            conn.set_bridge_port(interface.as_str(), port).await
        }
        Step::SetUp { interface, up: true } => conn.set_link_up(interface.as_str()).await,
        Step::SetUp { interface, up: false } => {
            return gone_is_done(conn.set_link_down(interface.as_str()).await);
        }
        Step::AddAddress { interface, address, details } => match indexed(conn, interface).await? {
            Some(index) => add_address(conn, index, address, details).await,
            None => Ok(()),
        },
        Step::AddRoute { interface, route } => match indexed(conn, interface).await? {
            Some(index) => add_route(conn, index, route).await,
            None => Ok(()),
        },
    };
    match (step, result) {
        (Step::AddBridge { .. } | Step::AddAddress { .. } | Step::AddRoute { .. }, Err(error))
            if error.is_already_exists() =>
        {
            Ok(())
        }
        (Step::RemoveRoute { .. } | Step::RemoveAddress { .. }, result) => gone_is_done(result),
        (_, result) => result,
    }
}

fn gone_is_done(result: nlink::Result<()>) -> nlink::Result<()> {
    match result {
        Err(error) if error.is_not_found() || error.is_no_device() => Ok(()),
        result => result,
    }
}

/// `None`: unplugged since it was observed, so there is nothing to do.
async fn indexed(conn: &Conn, interface: &str) -> nlink::Result<Option<u32>> {
    Ok(conn.get_link_by_name(interface).await?.map(|link| link.ifindex()))
}

/// With a hardware address of its own, the given one or one taken from a port: else it would change as ports come
/// and go, and phones would look for the old one.
async fn add_bridge(conn: &Conn, name: &str, mac: Option<Mac>, desired: &HostState) -> nlink::Result<()> {
    let mut bridge = BridgeLink::new(name).stp(false).forward_delay_ms(0);
    if let Some(mac) = mac {
        return conn.add_link(bridge.address(mac.0)).await;
    }
    for port in desired.interfaces.iter().filter(|(_, i)| i.kind == Kind::Port).map(|(port, _)| port) {
        let link = conn.get_link_by_name(port.as_str()).await?;
        if let Some(mac) = link.and_then(|link| <[u8; 6]>::try_from(link.address()?).ok()) {
            bridge = bridge.address(mac);
            break;
        }
    }
    conn.add_link(bridge).await
}

async fn remove_address(conn: &Conn, index: u32, address: &Address) -> nlink::Result<()> {
    match (address.address, address.peer) {
        (IpAddr::V4(own), Some(IpAddr::V4(peer))) => {
            conn.del_address_config(Ipv4Address::with_index(index, own, address.prefix_len).peer(peer)).await
        }
        (IpAddr::V6(own), Some(IpAddr::V6(peer))) => {
            conn.del_address_config(Ipv6Address::with_index(index, own, address.prefix_len).peer(peer)).await
        }
        (own, _) => conn.del_address_by_index(index, own, address.prefix_len).await,
    }
}

async fn add_address(
    conn: &Conn,
    index: u32,
    address: &Address,
    details: &AddressDetails,
) -> nlink::Result<()> {
    let times = match details.ends {
        None => None,
        Some((preferred, valid)) => {
            let now = clock::boot().0 / 1_000_000_000;
            if valid <= now {
                return Ok(());
            }
            let left = |end: u64| u32::try_from(end.saturating_sub(now)).unwrap_or(u32::MAX);
            Some((left(preferred), left(valid)))
        }
    };
    let scope = Scope::from(details.scope);
    match address.address {
        IpAddr::V4(own) => {
            let mut config = Ipv4Address::with_index(index, own, address.prefix_len).scope(scope);
            if let Some(IpAddr::V4(peer)) = address.peer {
                config = config.peer(peer);
            }
            if let Some(broadcast) = details.broadcast {
                config = config.broadcast(broadcast);
            }
            if let Some(label) = &details.label {
                config = config.label(label.as_str());
            }
            if details.no_prefix_route {
                config = config.noprefixroute();
            }
            if let Some(metric) = details.metric {
                config = config.metric(metric);
            }
            if let Some((preferred, valid)) = times {
                config = config.preferred_lifetime(preferred).valid_lifetime(valid);
            }
            conn.add_address(config).await
        }
        IpAddr::V6(own) => {
            // It was in use a moment ago, so there is no need to look for a duplicate.
            let mut config = Ipv6Address::with_index(index, own, address.prefix_len).scope(scope).nodad();
            if let Some(IpAddr::V6(peer)) = address.peer {
                config = config.peer(peer);
            }
            if details.no_prefix_route {
                config = config.noprefixroute();
            }
            if let Some(metric) = details.metric {
                config = config.metric(metric);
            }
            if let Some((preferred, valid)) = times {
                config = config.preferred_lifetime(preferred).valid_lifetime(valid);
            }
            conn.add_address(config).await
        }
    }
}

async fn add_route(conn: &Conn, index: u32, route: &HostRoute) -> nlink::Result<()> {
    match route.destination {
        IpAddr::V4(destination) => conn.add_route(route_v4(index, destination, route)).await,
        IpAddr::V6(destination) => conn.add_route(route_v6(index, destination, route)).await,
    }
}

async fn remove_route(conn: &Conn, index: u32, route: &HostRoute) -> nlink::Result<()> {
    match route.destination {
        IpAddr::V4(destination) => conn.del_route(route_v4(index, destination, route)).await,
        IpAddr::V6(destination) => conn.del_route(route_v6(index, destination, route)).await,
    }
}

fn scope_of(reach: Reach) -> RouteScope {
    match reach {
        Reach::Host => RouteScope::Host,
        Reach::Link => RouteScope::Link,
        Reach::Site => RouteScope::Site,
        Reach::Universe => RouteScope::Universe,
    }
}

fn route_v4(index: u32, destination: Ipv4Addr, route: &HostRoute) -> Ipv4Route {
    let mut config = Ipv4Route::from_addr(destination, route.prefix_len)
        .dev_index(index)
        .table(route.table)
        .metric(route.metric)
        .protocol(RouteProtocol::from(route.protocol))
        .scope(scope_of(route.scope));
    if let Some(IpAddr::V4(gateway)) = route.gateway {
        config = config.gateway(gateway);
    }
    if let Some(IpAddr::V4(source)) = route.source {
        config = config.prefsrc(source);
    }
    if route.onlink { config.onlink() } else { config }
}

fn route_v6(index: u32, destination: Ipv6Addr, route: &HostRoute) -> Ipv6Route {
    let mut config = Ipv6Route::from_addr(destination, route.prefix_len)
        .dev_index(index)
        .table(route.table)
        .metric(route.metric)
        .protocol(RouteProtocol::from(route.protocol))
        .scope(scope_of(route.scope));
    if let Some(IpAddr::V6(gateway)) = route.gateway {
        config = config.gateway(gateway);
    }
    if let Some(IpAddr::V6(source)) = route.source {
        config = config.prefsrc(source);
    }
    if route.onlink { config.onlink() } else { config }
}
