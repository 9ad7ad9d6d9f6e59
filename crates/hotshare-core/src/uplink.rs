//! The uplink: the interface that leads to the carrier. Which one it is, and which subnet is free for the
//! LAN side, decided from what the hands observed.

use std::cmp::Reverse;
use std::fmt;
use std::net::Ipv4Addr;

use crate::sim::SimSeen;

/// How an interface frames packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// 14 bytes of Ethernet header.
    Ethernet,
    /// No link header (PPP, raw-IP modems, tunnels).
    RawIp,
}

/// The uplink as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    pub name: String,
    /// The Wi-Fi network that it is part of, if it is.
    pub network: Option<String>,
    /// What is said of the SIM behind it.
    pub sim: SimSeen,
    /// Changes when the interface is taken away and returns.
    pub ifindex: u32,
    pub framing: Framing,
    pub address: Ipv4Addr,
    /// `None` on a point-to-point link.
    pub gateway: Option<Ipv4Addr>,
    /// The resolvers that the uplink's side offers, best first.
    pub resolvers: Vec<Ipv4Addr>,
}

/// An IPv4 network in CIDR form; the host bits are always zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    network: Ipv4Addr,
    len: u8,
}

impl Subnet {
    /// Everything: what a default route leads to.
    pub const ALL: Subnet = Subnet { network: Ipv4Addr::UNSPECIFIED, len: 0 };

    /// The network that `address` lies in when `len` bits name it (more than 32 count as 32).
    #[must_use]
    pub const fn new(address: Ipv4Addr, len: u8) -> Subnet {
        let len = if len > 32 { 32 } else { len };
        Subnet { network: Ipv4Addr::from_bits(address.to_bits() & mask(len)), len }
    }
    #[must_use]
    pub const fn network(self) -> Ipv4Addr {
        self.network
    }
    /// How many bits name the network, 0 to 32.
    #[must_use]
    pub const fn prefix_len(self) -> u8 {
        self.len
    }
    /// 255.255.255.0 for a /24.
    #[must_use]
    pub const fn netmask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(mask(self.len))
    }
    /// The last address, which reaches every host.
    #[must_use]
    pub const fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network.to_bits() | !mask(self.len))
    }
    /// The first host address: ours, the gateway.
    #[must_use]
    pub const fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network.to_bits() | 1)
    }
    #[must_use]
    pub const fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & mask(self.len) == self.network.to_bits()
    }
    /// Whether the two have any address in common.
    #[must_use]
    pub const fn overlaps(self, other: Subnet) -> bool {
        let len = if self.len < other.len { self.len } else { other.len };
        self.network.to_bits() & mask(len) == other.network.to_bits() & mask(len)
    }
}

const fn mask(len: u8) -> u32 {
    if len == 0 { 0 } else { u32::MAX << (32 - len) }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.len)
    }
}

/// An interface, as far as the choice of the uplink needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedLink {
    pub name: String,
    pub ifindex: u32,
    /// `None`: a kind of link that the meter cannot count on (loopback, for one).
    pub framing: Option<Framing>,
    pub up: bool,
}

/// An IPv4 address on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedAddress {
    pub ifindex: u32,
    pub address: Ipv4Addr,
    pub subnet: Subnet,
}

/// An IPv4 route. A multipath route is one of these per path; one that refuses or drops has the interface 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedRoute {
    pub to: Subnet,
    pub ifindex: u32,
    pub gateway: Option<Ipv4Addr>,
    /// Less is better.
    pub metric: u32,
    /// In the kernel's main table: what packets follow unless a policy rule says otherwise.
    pub main: bool,
}

/// What the host's links, addresses and routes are, in the order in which the kernel tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub links: Vec<ObservedLink>,
    pub addresses: Vec<ObservedAddress>,
    pub routes: Vec<ObservedRoute>,
}

/// Why there is no uplink, and what was looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoUplink {
    #[error("looked for an uplink: no interface has a default route; connect one, or name one with --uplink")]
    NoDefaultRoute,
    #[error(
        "looked for the uplink {0}: there is no such interface; plug it in, or name another with --uplink"
    )]
    Absent(String),
    #[error("the uplink {0} is down; bring it up")]
    Down(String),
    #[error("the uplink {0} has no IPv4 address; wait for its DHCP, or configure one")]
    NoAddress(String),
    #[error(
        "the uplink {0} has no default route; give it one, or name the interface that has it with --uplink"
    )]
    NoRoute(String),
    #[error(
        "the uplink {named} is not where packets go: {better} has a better default route; name {better}, or give {named} a lower metric"
    )]
    NotBest { named: String, better: String },
    #[error("{0} is a LAN port and cannot be the uplink as well; name another with --uplink or --lan")]
    IsLan(String),
    #[error(
        "the uplink {0} is of a kind that cannot be metered (neither Ethernet nor bare IP); name another with --uplink"
    )]
    Framing(String),
}

/// A default route, or one of the halves that some VPNs put before it (0.0.0.0/1 and 128.0.0.0/1).
fn is_default(route: &ObservedRoute) -> bool {
    route.to.prefix_len() <= 1
}

/// The interface that carries the default route, or the `named` one if it does.
///
/// `lan` are the LAN side's interfaces, the bridge included; `resolvers` go into the answer as they are.
///
/// # Errors
/// When no interface fits, with what was looked for.
pub fn choose(
    observed: &Observed,
    named: Option<&str>,
    lan: &[&str],
    resolvers: Vec<Ipv4Addr>,
) -> Result<Uplink, NoUplink> {
    if let Some(name) = named.filter(|name| lan.contains(name)) {
        return Err(NoUplink::IsLan(name.to_owned()));
    }
    let link_of = |ifindex| observed.links.iter().find(|link| link.ifindex == ifindex);
    let on_lan =
        |route: &ObservedRoute| link_of(route.ifindex).is_some_and(|link| lan.contains(&link.name.as_str()));
    // The kernel prefers the longer prefix, then the lower metric, then the older route.
    let best = |of: &dyn Fn(&ObservedRoute) -> bool| {
        observed
            .routes
            .iter()
            .filter(|route| is_default(route) && of(route))
            .min_by_key(|route| (Reverse(route.to.prefix_len()), route.metric))
    };
    let best_of_all = best(&|route| route.main && !on_lan(route) && link_of(route.ifindex).is_some());

    let (link, route) = match named {
        None => {
            let route = best_of_all.ok_or(NoUplink::NoDefaultRoute)?;
            (link_of(route.ifindex).ok_or(NoUplink::NoDefaultRoute)?, route)
        }
        Some(name) => {
            let link = observed.links.iter().find(|link| link.name == name);
            let link = link.ok_or_else(|| NoUplink::Absent(name.to_owned()))?;
            if !link.up {
                return Err(NoUplink::Down(name.to_owned()));
            }
            // Without a route of its own in the main table, a policy rule may still lead to it (VPNs do so).
            let route = best(&|route| route.main && route.ifindex == link.ifindex)
                .or_else(|| best(&|route| !route.main && route.ifindex == link.ifindex))
                .ok_or_else(|| NoUplink::NoRoute(name.to_owned()))?;
            if let Some(better) = best_of_all.filter(|_| route.main)
                && better.ifindex != link.ifindex
                && (Reverse(better.to.prefix_len()), better.metric)
                    < (Reverse(route.to.prefix_len()), route.metric)
                && let Some(other) = link_of(better.ifindex)
            {
                return Err(NoUplink::NotBest { named: name.to_owned(), better: other.name.clone() });
            }
            (link, route)
        }
    };
    let name = link.name.clone();
    let framing = link.framing.ok_or_else(|| NoUplink::Framing(name.clone()))?;
    if !link.up {
        return Err(NoUplink::Down(name));
    }
    let address = observed.addresses.iter().find(|address| address.ifindex == link.ifindex);
    let address = address.ok_or_else(|| NoUplink::NoAddress(name.clone()))?.address;
    Ok(Uplink {
        name,
        network: None,
        sim: SimSeen::NobodyAsked,
        ifindex: link.ifindex,
        framing,
        address,
        gateway: route.gateway,
        resolvers,
    })
}

/// The host uses every private network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "looked for a private /24 for the LAN: the host routes all of 10/8, 172.16/12 and 192.168/16; remove a route, or set a subnet"
)]
pub struct NoSubnet;

/// A /24 of RFC 1918 that has no address in common with anything in `taken`: the `previous` one if it is still
/// free (so that leases survive a restart), else an unusual one first.
///
/// Routes to everything, or to half of everything, take nothing.
///
/// # Errors
/// When the host uses all of them.
pub fn choose_subnet(taken: &[Subnet], previous: Option<Subnet>) -> Result<Subnet, NoSubnet> {
    let free = |subnet: &Subnet| !taken.iter().any(|other| other.prefix_len() > 1 && other.overlaps(*subnet));
    let private = |subnet: &Subnet| blocks().iter().any(|(block, _)| block.contains(subnet.network()));
    previous
        .into_iter()
        .filter(|subnet| subnet.prefix_len() == 24 && private(subnet))
        .chain(blocks().into_iter().flat_map(|(block, first)| subnets_of(block, first)))
        .find(free)
        .ok_or(NoSubnet)
}

/// The private blocks with the /24 to begin at. Home routers sit at the start of 192.168/16 and 10/8, containers
/// at the start of 172.16/12, carriers and companies anywhere in 10/8.
fn blocks() -> [(Subnet, u32); 3] {
    [
        (Subnet::new(Ipv4Addr::new(172, 16, 0, 0), 12), 13 * 256 + 77), // 172.29.77.0
        (Subnet::new(Ipv4Addr::new(192, 168, 0, 0), 16), 177),
        (Subnet::new(Ipv4Addr::new(10, 0, 0, 0), 8), 177 * 256 + 77),
    ]
}

fn subnets_of(block: Subnet, first: u32) -> impl Iterator<Item = Subnet> {
    let count = 1_u32 << (24 - block.prefix_len());
    (0..count).map(move |i| {
        Subnet::new(Ipv4Addr::from_bits(block.network().to_bits() | (((first + i) % count) << 8)), 24)
    })
}

#[cfg(test)]
mod tests;
