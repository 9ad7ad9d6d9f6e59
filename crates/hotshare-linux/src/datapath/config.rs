//! What the programs must know about the box: its LAN, its uplink's link header, its mark bits.

use std::net::Ipv4Addr;

use hotshare_core::desired::OK_MARK;

use super::abi::{ABI, ConfigValue};
use super::error::MeterError;

const SLOT_BITS: u32 = 0xfff;
const ETHERNET: u32 = 14;

/// How many bytes stand before the IP header on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkHeader {
    Ethernet,
    /// Raw IP: mobile data cards, PPP, tunnels.
    None,
}

impl LinkHeader {
    /// From the interface's hardware type (`ARPHRD_…`, in netlink's link message). `None` for what cannot be
    /// metered.
    #[must_use]
    pub const fn from_hardware_type(kind: u16) -> Option<LinkHeader> {
        match kind {
            1 => Some(LinkHeader::Ethernet),
            // PPP, IPIP, SIT, raw IP, none (tun, WireGuard, most wwan)
            512 | 768 | 776 | 519 | 0xfffe => Some(LinkHeader::None),
            _ => None,
        }
    }
}

/// Which bits of the packet mark are ours; the others are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkBits {
    /// One bit: may be forwarded. nft's forward chain looks for it.
    pub ok: u32,
    /// One bit: came in from the uplink.
    pub from_uplink: u32,
    /// Where the twelve bits of the device's slot begin.
    pub slot_shift: u8,
}

impl Default for MarkBits {
    fn default() -> MarkBits {
        MarkBits { ok: OK_MARK, from_uplink: 1 << 29, slot_shift: 0 }
    }
}

impl MarkBits {
    /// All bits that are ours.
    #[must_use]
    pub fn mask(&self) -> u32 {
        self.ok | self.from_uplink | self.slot()
    }

    fn slot(&self) -> u32 {
        SLOT_BITS.checked_shl(self.slot_shift.into()).unwrap_or(0)
    }

    fn check(&self) -> Result<(), MeterError> {
        let &MarkBits { ok, from_uplink, .. } = self;
        let slot = self.slot();
        let fits = ok.is_power_of_two()
            && from_uplink.is_power_of_two()
            && ok != from_uplink
            && slot.count_ones() == 12
            && slot & (ok | from_uplink) == 0;
        if fits { Ok(()) } else { Err(MeterError::MarkBits { ok, from_uplink, slot }) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterConfig {
    /// Our address on the LAN: what goes there stays here, and is free.
    pub gateway: Ipv4Addr,
    /// Bits of the LAN's prefix.
    pub prefix: u8,
    pub uplink: LinkHeader,
    pub mark: MarkBits,
    /// The plan has a cap: at its very end the box's own traffic stops too.
    pub limited: bool,
}

impl MeterConfig {
    pub(super) fn value(&self, generation: u64) -> Result<ConfigValue, MeterError> {
        self.mark.check()?;
        if !(8..=30).contains(&self.prefix) {
            return Err(MeterError::Prefix(self.prefix));
        }
        let mask = u32::MAX << (32 - u32::from(self.prefix));
        Ok(ConfigValue {
            generation,
            abi: ABI,
            ok: self.mark.ok,
            from_uplink: self.mark.from_uplink,
            slot_shift: self.mark.slot_shift.into(),
            gateway: u32::from_ne_bytes(self.gateway.octets()),
            lan_mask: mask.to_be(),
            uplink_l2: match self.uplink {
                LinkHeader::Ethernet => ETHERNET,
                LinkHeader::None => 0,
            },
            lan_l2: ETHERNET,
            limited: self.limited.into(),
            spare: [0; 5],
        })
    }
}
