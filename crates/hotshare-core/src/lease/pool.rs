//! The addresses that may be leased.

use std::net::Ipv4Addr;

use crate::units::Mac;

/// A network without its own address, its broadcast address and the gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    gateway: Ipv4Addr,
    prefix: u8,
}

impl Pool {
    /// `prefix` is held to 8 to 30, so that there is always something in the pool.
    #[must_use]
    pub fn new(gateway: Ipv4Addr, prefix: u8) -> Pool {
        Pool { gateway, prefix: prefix.clamp(8, 30) }
    }

    #[must_use]
    pub const fn netmask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX << (32 - self.prefix))
    }

    #[must_use]
    pub const fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.gateway.to_bits() | !self.netmask().to_bits())
    }

    const fn network(self) -> u32 {
        self.gateway.to_bits() & self.netmask().to_bits()
    }

    /// Whether the address belongs to the network at all.
    #[must_use]
    pub const fn is_local(self, ip: Ipv4Addr) -> bool {
        ip.to_bits() & self.netmask().to_bits() == self.network()
    }

    /// Whether the address may be leased.
    #[must_use]
    pub fn contains(self, ip: Ipv4Addr) -> bool {
        self.is_local(ip) && ip != self.gateway && ip.to_bits() != self.network() && ip != self.broadcast()
    }

    /// How many addresses may be leased: one less when the gateway's is an ordinary one.
    #[must_use]
    pub fn size(self) -> u32 {
        let hosts = (1u32 << (32 - self.prefix)) - 2;
        let gateway = self.gateway.to_bits();
        let ordinary = gateway != self.network() && self.gateway != self.broadcast();
        hosts - u32::from(ordinary)
    }

    /// Every address once, beginning at a place that depends on the station alone.
    pub fn walk(self, mac: Mac) -> impl Iterator<Item = Ipv4Addr> {
        let span = 1u64 << (32 - self.prefix);
        let start = scatter(&mac.0) % span;
        (0..span).filter_map(move |step| {
            let host = u32::try_from((start + step) % span).ok()?;
            let ip = Ipv4Addr::from_bits(self.network() | host);
            self.contains(ip).then_some(ip)
        })
    }
}

/// FNV-1a with a last mix: spreads near-equal keys. Not secret, and the same on every machine.
pub(crate) fn scatter(key: &[u8]) -> u64 {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}
