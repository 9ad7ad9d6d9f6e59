//! Ethernet frames that a decent station would not send, each with a mark that an ear can find.

use std::net::Ipv4Addr;

use hotshare_lab::phone::checksum;

use super::Mac;

/// Begins a mark; one byte more says which frame it is.
pub(super) const MARK: &[u8] = b"hotshare-rogue-";

/// Everybody.
const EVERYBODY: Mac = [0xff; 6];
/// All nodes of IPv6 on this link, `ff02::1`.
const ALL_NODES: Mac = [0x33, 0x33, 0, 0, 0, 1];

fn ethernet(to: Mac, from: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(14 + payload.len());
    frame.extend(to);
    frame.extend(from);
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

fn marked(kind: u8) -> Vec<u8> {
    let mut mark = MARK.to_vec();
    mark.push(kind);
    mark
}

fn ipv4(from: Ipv4Addr, to: Ipv4Addr, source: u16, target: u16, payload: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    let mut packet = vec![0x45, 0];
    packet.extend(length(28 + payload.len()));
    packet.extend([0, 1, 0, 0, 64, 17, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(source.to_be_bytes());
    packet.extend(target.to_be_bytes());
    packet.extend(length(8 + payload.len()));
    packet.extend([0, 0]); // no checksum, which IPv4 allows
    packet.extend(payload);
    packet
}

/// A datagram in a frame; the addresses of both layers may be anybody's.
pub(crate) fn udp(
    (to_mac, to): (Mac, Ipv4Addr),
    (from_mac, from): (Mac, Ipv4Addr),
    port: u16,
    kind: u8,
) -> Vec<u8> {
    // The higher of the two ports, so that an observer takes the other one for the service's.
    ethernet(to_mac, from_mac, 0x0800, &ipv4(from, to, 40_000, port, &marked(kind)))
}

/// What a liar claims to the whole LAN.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lie {
    /// “This address is mine”, told to one or to all (ARP).
    Address { of: Ipv4Addr, to: Option<(Mac, Ipv4Addr)> },
    /// “I am the DHCP server, and the gateway” (an OFFER that nobody asked for).
    Dhcp { gateway: Ipv4Addr, offered: Ipv4Addr, client: Mac },
    /// “I am the router” (IPv6).
    Router,
}

/// The frame that says so.
pub(crate) fn lie(liar: Mac, lie: Lie, kind: u8) -> Vec<u8> {
    match lie {
        Lie::Address { of, to } => {
            let (to_mac, to) = to.unwrap_or((EVERYBODY, of));
            let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 2]; // Ethernet, IPv4, an answer
            arp.extend(liar);
            arp.extend(of.octets());
            arp.extend(to_mac);
            arp.extend(to.octets());
            arp.extend(marked(kind)); // where other stations have padding
            ethernet(to_mac, liar, 0x0806, &arp)
        }
        Lie::Dhcp { gateway, offered, client } => {
            let mut bootp = vec![2, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0x80, 0];
            bootp.extend([0; 4]);
            bootp.extend(offered.octets());
            bootp.extend(gateway.octets());
            bootp.extend([0; 4]);
            bootp.extend(client);
            bootp.extend([0; 10]);
            let mut name = marked(kind); // the server's name
            name.resize(64, 0);
            bootp.extend(name);
            bootp.extend([0; 128]);
            bootp.extend([99, 130, 83, 99, 53, 1, 2, 54, 4]);
            bootp.extend(gateway.octets());
            bootp.extend([3, 4]);
            bootp.extend(gateway.octets());
            bootp.push(255);
            ethernet(EVERYBODY, liar, 0x0800, &ipv4(gateway, Ipv4Addr::BROADCAST, 67, 68, &bootp))
        }
        Lie::Router => ethernet(ALL_NODES, liar, 0x86dd, &advertisement(liar, kind)),
    }
}

/// A router advertisement of IPv6 (RFC 4861) with a prefix that hosts would take addresses from.
fn advertisement(liar: Mac, kind: u8) -> Vec<u8> {
    let mut source = [0; 16];
    source[..2].copy_from_slice(&[0xfe, 0x80]);
    source[8..].copy_from_slice(&[liar[0] ^ 2, liar[1], liar[2], 0xff, 0xfe, liar[3], liar[4], liar[5]]);
    let mut target = [0; 16];
    target[..2].copy_from_slice(&[0xff, 2]);
    target[15] = 1;
    let mut message = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend([3, 4, 64, 0xc0, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 0, 0]);
    message.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0x66, 0, 0, 0, 0, 0, 0, 0, 0]);
    // An option of an unknown kind (253, for experiments), which receivers skip: the mark.
    let mut mark = marked(kind);
    mark.resize(22, 0);
    message.extend([253, 3]);
    message.extend(mark);
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut sum = Vec::new();
    sum.extend(source);
    sum.extend(target);
    sum.extend([0, 0]);
    sum.extend(length);
    sum.extend([0, 0, 0, 58]);
    sum.extend(&message);
    message[2..4].copy_from_slice(&checksum(&sum).to_be_bytes());
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(length);
    packet.extend([58, 255]);
    packet.extend(source);
    packet.extend(target);
    packet.extend(message);
    packet
}
