//! What the kernel says about links, addresses and routes, in the words of the core.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use hotshare_core::desired::{Address, AddressDetails, HostRoute, Interface, Kind, Reach};
use hotshare_core::units::Mac;
use hotshare_core::uplink::{Framing, Observed, ObservedAddress, ObservedLink, ObservedRoute, Subnet};
use nlink::netlink::messages::{AddressMessage, LinkMessage, RouteMessage};
use nlink::netlink::types::route::{RouteProtocol, RouteScope, RouteType};
use nlink::netlink::{AttrIter, Connection};

use crate::clock;

/// The kernel's main routing table.
const MAIN: u32 = 254;
/// The table of the host's own addresses, which the kernel keeps by itself.
const LOCAL: u32 = 255;
/// An address is not to make a route for its prefix (`IFA_F_NOPREFIXROUTE`).
const NO_PREFIX_ROUTE: u32 = 0x200;
/// A temporary IPv6 address (`IFA_F_TEMPORARY`), which the kernel makes and forgets by itself.
const TEMPORARY: u32 = 0x01;
/// Among a bridge port's attributes (`IFLA_BRPORT_ISOLATED`).
const PORT_ISOLATED: u16 = 33;
/// How often to ask again when the kernel's tables changed while it was telling them.
const DUMP_TRIES: u32 = 5;

/// All links, addresses and routes, at nearly one moment.
pub(crate) struct Snapshot {
    links: Vec<LinkMessage>,
    addresses: Vec<AddressMessage>,
    routes: Vec<RouteMessage>,
    /// Seconds since boot: lifetimes are told relative to now.
    at: u64,
}

impl Snapshot {
    pub(crate) async fn take(conn: &Connection<nlink::Route>) -> nlink::Result<Snapshot> {
        let mut tries = 1;
        loop {
            match Snapshot::try_take(conn).await {
                Err(error) if error.is_dump_interrupted() && tries < DUMP_TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn try_take(conn: &Connection<nlink::Route>) -> nlink::Result<Snapshot> {
        Ok(Snapshot {
            links: conn.get_links().await?,
            addresses: conn.get_addresses().await?,
            routes: conn.get_routes().await?,
            at: clock::boot().0 / 1_000_000_000,
        })
    }

    pub(crate) fn link(&self, name: &str) -> Option<&LinkMessage> {
        self.links.iter().find(|link| link.name() == Some(name))
    }

    /// As the choice of the uplink and the subnet needs it.
    pub(crate) fn observed(&self) -> Observed {
        let links = self.links.iter().filter_map(|link| {
            Some(ObservedLink {
                name: link.name()?.to_owned(),
                ifindex: link.ifindex(),
                framing: framing(link),
                up: link.is_up(),
            })
        });
        let addresses = self.addresses.iter().filter_map(|address| {
            let IpAddr::V4(own) = *address.primary_address()? else { return None };
            // On a point-to-point address, the prefix is the far end's.
            let of = v4(address.address()).unwrap_or(own);
            let subnet = Subnet::new(of, address.prefix_len());
            Some(ObservedAddress { ifindex: address.ifindex(), address: own, subnet })
        });
        Observed {
            links: links.collect(),
            addresses: addresses.collect(),
            routes: self.routes.iter().flat_map(observed_routes).collect(),
        }
    }

    /// As it is to be steered. `None`: there is no such interface.
    pub(crate) fn interface(&self, name: &str, kind: Kind) -> Option<Interface> {
        let link = self.link(name)?;
        let index = link.ifindex();
        let master = link.master().and_then(|master| {
            let master = self.links.iter().find(|link| link.ifindex() == master)?;
            master.name().map(ToOwned::to_owned)
        });
        let addresses: BTreeMap<Address, AddressDetails> = self
            .addresses
            .iter()
            .filter(|address| address.ifindex() == index)
            .zip(0_u16..)
            .filter_map(|(address, rank)| self.address(name, address, rank))
            .collect();
        let routes: BTreeSet<HostRoute> =
            self.routes.iter().filter(|route| route.oif() == Some(index)).filter_map(host_route).collect();
        let isolated = master.is_some() && isolated(link);
        let mac = (kind == Kind::Bridge).then(|| link.address()?.try_into().ok().map(Mac)).flatten();
        Some(Interface { kind, up: link.is_up(), isolated, master, mac, addresses, routes })
    }

    fn address(&self, name: &str, message: &AddressMessage, rank: u16) -> Option<(Address, AddressDetails)> {
        if message.is_ipv6() && message.flags() & TEMPORARY != 0 {
            return None;
        }
        let own = *message.primary_address()?;
        let address =
            Address { address: own, prefix_len: message.prefix_len(), peer: message.peer().copied() };
        let ends = message.cache_info().filter(|times| times.valid != u32::MAX).map(|times| {
            let end = |seconds: u32| match seconds {
                u32::MAX => u64::MAX,
                seconds => self.at + u64::from(seconds),
            };
            (end(times.preferred), end(times.valid))
        });
        let details = AddressDetails {
            rank,
            broadcast: v4(message.broadcast()),
            label: message.label().filter(|label| *label != name).map(ToOwned::to_owned),
            scope: message.scope() as u8,
            no_prefix_route: message.flags() & NO_PREFIX_ROUTE != 0,
            metric: message.metric(),
            ends,
        };
        Some((address, details))
    }
}

/// The number by which the kernel knows an interface now; `None` when there is none of that name.
#[must_use]
pub fn ifindex(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

fn v4(address: Option<&IpAddr>) -> Option<Ipv4Addr> {
    match address {
        Some(IpAddr::V4(address)) => Some(*address),
        Some(IpAddr::V6(_)) | None => None,
    }
}

/// Ethernet has a hardware address of six bytes; bare IP (modems, PPP, WireGuard) has none, and IP tunnels have
/// an IP address in its place.
fn framing(link: &LinkMessage) -> Option<Framing> {
    if link.is_loopback() {
        return None;
    }
    match link.address().map_or(0, <[u8]>::len) {
        6 => Some(Framing::Ethernet),
        0 | 4 | 16 => Some(Framing::RawIp),
        _ => None,
    }
}

fn isolated(link: &LinkMessage) -> bool {
    let data = link.link_info().and_then(|kind| kind.slave_data());
    let mut attributes = data.map(AttrIter::new).into_iter().flatten();
    attributes.any(|(kind, value)| kind == PORT_ISOLATED && value.first() == Some(&1))
}

fn observed_routes(route: &RouteMessage) -> Vec<ObservedRoute> {
    let by_host = [
        RouteType::Unicast,
        RouteType::Blackhole,
        RouteType::Unreachable,
        RouteType::Prohibit,
        RouteType::Throw,
    ];
    if !route.is_ipv4() || !by_host.contains(&route.route_type()) || route.table_id() == LOCAL {
        return Vec::new();
    }
    let to = Subnet::new(v4(route.destination()).unwrap_or(Ipv4Addr::UNSPECIFIED), route.dst_len());
    let path = |ifindex: u32, gateway: Option<&IpAddr>| ObservedRoute {
        to,
        ifindex,
        gateway: v4(gateway),
        metric: route.priority().unwrap_or(0),
        main: route.table_id() == MAIN,
    };
    match (route.oif(), route.multipath()) {
        (Some(ifindex), _) => vec![path(ifindex, route.gateway())],
        (None, Some(paths)) => paths.iter().map(|p| path(p.ifindex, p.gateway.as_ref())).collect(),
        // To nowhere, but the addresses are spoken for.
        (None, None) => vec![path(0, None)],
    }
}

/// A route that somebody made, so that it must be put back. The kernel's own come back with the addresses, and
/// what routers advertise comes with their next advertisement.
fn host_route(route: &RouteMessage) -> Option<HostRoute> {
    let by_itself =
        [RouteProtocol::Kernel, RouteProtocol::Ra, RouteProtocol::Redirect].contains(&route.protocol());
    if by_itself || route.route_type() != RouteType::Unicast || route.table_id() == LOCAL {
        return None;
    }
    let nothing: IpAddr =
        if route.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let scope = match route.scope() {
        RouteScope::Host => Reach::Host,
        RouteScope::Link => Reach::Link,
        RouteScope::Site => Reach::Site,
        RouteScope::Universe | RouteScope::Nowhere | _ => Reach::Universe,
    };
    Some(HostRoute {
        scope,
        gateway: route.gateway().copied(),
        destination: route.destination().copied().unwrap_or(nothing),
        prefix_len: route.dst_len(),
        table: route.table_id(),
        metric: route.priority().unwrap_or(0),
        protocol: route.protocol().number(),
        source: route.prefsrc().copied(),
        onlink: route.is_onlink(),
    })
}
