//! Made-up Ethernet frames. Layer-4 checksums are left zero: the meter does not look.

use std::net::Ipv4Addr;

use hotshare_core::units::Mac;

use super::raw::checksum;
use super::{FAR, PHONE, PHONE_IP};

pub const BOX: Mac = Mac([0x02, 0, 0, 0, 0, 1]);
pub const ETHERNET: u64 = 14;

#[derive(Clone)]
pub struct Packet {
    pub to: Mac,
    pub from: Mac,
    pub ethertype: u16,
    pub source: Ipv4Addr,
    pub target: Ipv4Addr,
    pub protocol: u8,
    /// 32-bit words of IP options, and of TCP options.
    pub ip_options: u8,
    pub tcp_options: u8,
    /// In 8-byte units.
    pub fragment: u16,
    pub payload: usize,
}

impl Packet {
    /// From the phone to the far end.
    pub fn up(payload: usize) -> Packet {
        Packet {
            to: BOX,
            from: PHONE,
            ethertype: 0x0800,
            source: PHONE_IP,
            target: FAR,
            protocol: 6,
            ip_options: 0,
            tcp_options: 3,
            fragment: 0,
            payload,
        }
    }

    /// From the far end to the phone, as it leaves on the LAN. On the uplink it has other addresses, but the
    /// same size.
    pub fn down(payload: usize) -> Packet {
        Packet { to: PHONE, from: BOX, source: FAR, target: PHONE_IP, ..Packet::up(payload) }
    }

    pub fn udp(self) -> Packet {
        Packet { protocol: 17, ..self }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let l4 = match (self.fragment, self.protocol) {
            (0, 6) => 20 + 4 * usize::from(self.tcp_options),
            (0, 17) => 8,
            _ => 0,
        };
        let ihl = 5 + self.ip_options;
        let l3 = usize::from(ihl) * 4;
        let mut p = Vec::new();
        p.extend(self.to.0);
        p.extend(self.from.0);
        p.extend(self.ethertype.to_be_bytes());
        p.extend([0x40 | ihl, 0]);
        p.extend(u16::try_from(l3 + l4 + self.payload).unwrap_or(0).to_be_bytes());
        p.extend([0, 0]);
        p.extend(self.fragment.to_be_bytes());
        p.extend([64, self.protocol, 0, 0]);
        p.extend(self.source.octets());
        p.extend(self.target.octets());
        p.resize(14 + l3, 1);
        let sum = checksum(&p[14..]);
        p[24..26].copy_from_slice(&sum.to_be_bytes());
        let l4_at = p.len();
        if self.protocol == 17 && l4 > 0 {
            let length = u16::try_from(l4 + self.payload).unwrap_or(0);
            p.extend([0x10, 0, 0x10, 1]);
            p.extend(length.to_be_bytes());
            p.extend([0, 0]);
        }
        p.resize(l4_at + l4 + self.payload, 0x55);
        if l4 >= 20 {
            p[l4_at + 12] = u8::try_from(l4 / 4).expect("a TCP header") << 4;
        }
        p
    }
}

/// An IPv6 TCP or UDP packet, with one extension header of `extra` × 8 bytes when `extra` is not 0.
pub fn ipv6(protocol: u8, extra: u8, payload: usize) -> Vec<u8> {
    let l4 = if protocol == 6 { 20 } else { 8 };
    let mut p = Vec::new();
    p.extend(BOX.0);
    p.extend(PHONE.0);
    p.extend(0x86dd_u16.to_be_bytes());
    p.extend([0x60, 0, 0, 0]);
    let length = usize::from(extra) * 8 + l4 + payload;
    p.extend(u16::try_from(length).expect("a short packet").to_be_bytes());
    p.extend([if extra > 0 { 60 } else { protocol }, 64]);
    p.extend([0x20; 32]);
    if extra > 0 {
        p.extend([protocol, extra - 1]);
        p.resize(14 + 40 + usize::from(extra) * 8, 0);
    }
    let l4_at = p.len();
    p.resize(l4_at + l4 + payload, 0x55);
    if protocol == 6 {
        p[l4_at + 12] = 5 << 4;
    }
    p
}

/// An ARP reply or request; the meter looks only at its sender.
pub fn arp(from: Mac, sender: Ipv4Addr) -> Vec<u8> {
    let mut p = Vec::new();
    p.extend([0xff; 6]);
    p.extend(from.0);
    p.extend([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1]);
    p.extend(from.0);
    p.extend(sender.octets());
    p.extend([0; 10]);
    p
}
