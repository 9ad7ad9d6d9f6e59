//! The uplink: the interface that leads to the carrier.

use std::net::Ipv4Addr;

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
    /// Changes when the interface is taken away and returns.
    pub ifindex: u32,
    pub framing: Framing,
    pub address: Ipv4Addr,
    /// `None` on a point-to-point link.
    pub gateway: Option<Ipv4Addr>,
    /// The resolvers that the uplink's side offers, best first.
    pub resolvers: Vec<Ipv4Addr>,
}
