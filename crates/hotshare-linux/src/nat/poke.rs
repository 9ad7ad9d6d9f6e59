//! Resets of flows whose station is silent.
//!
//! A rule can only answer a packet, so a flow is reset towards whoever speaks next. The far end of a download
//! does; the station may have acknowledged everything already, and would wait for ever. One bare segment
//! outside its window makes it speak (RFC 9293, 3.10.7.4: it must answer with an ACK), and the rules refuse
//! that with the reset that fits.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use nlink::netlink::netfilter::{ConntrackFilter, IpProtocol};
use nlink::netlink::{Connection, Netfilter, Route};
use socket2::{Domain, Socket, Type};

use super::NatError;
use crate::packet;

/// More flows than this are left to their own timeouts: a closed station must not keep us busy.
const MOST: usize = 4096;

/// Makes the TCP flows of these addresses, on the LAN interface `lan`, speak once, but for those to far ends that are
/// `spared`. Says how many there were.
///
/// # Errors
/// Without netlink or packet sockets, or without the right to use them.
pub async fn poke_flows(
    lan: &str,
    addresses: &BTreeSet<Ipv4Addr>,
    spared: &BTreeSet<Ipv4Addr>,
) -> Result<usize, NatError> {
    let mut flows = flows_of(addresses).await.map_err(NatError::ListFlows)?;
    flows.retain(|flow| !spared.contains(&flow.far.0));
    if flows.is_empty() {
        return Ok(0);
    }
    let links = Connection::<Route>::new().map_err(NatError::ListFlows)?;
    let Some(link) = links.get_link_by_name(lan).await.map_err(NatError::ListFlows)? else {
        return Ok(0); // without a LAN nobody waits
    };
    let Some(own) = link.address().and_then(|mac| <[u8; 6]>::try_from(mac).ok()) else { return Ok(0) };
    let neighbours = links.get_neighbors_by_name(lan).await.map_err(NatError::ListFlows)?;
    let macs: BTreeMap<Ipv4Addr, [u8; 6]> = neighbours
        .iter()
        .filter_map(|entry| match (entry.destination(), entry.lladdr()) {
            (Some(IpAddr::V4(ip)), Some(mac)) => Some((*ip, <[u8; 6]>::try_from(mac).ok()?)),
            _ => None,
        })
        .collect();
    let socket = open(link.ifindex()).map_err(NatError::Poke)?;
    let mut poked = 0;
    for flow in flows.iter().take(MOST) {
        let Some(mac) = macs.get(&flow.station.0) else { continue };
        // A full queue loses a poke; the station's own timers remain.
        poked += usize::from(socket.send(&flow.segment(*mac, own)).is_ok());
    }
    Ok(poked)
}

/// A TCP flow that a station began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    station: (Ipv4Addr, u16),
    far: (Ipv4Addr, u16),
}

async fn flows_of(addresses: &BTreeSet<Ipv4Addr>) -> nlink::Result<Vec<Flow>> {
    let conn = Connection::<Netfilter>::new()?;
    let entries = conn.get_conntrack_matching(&ConntrackFilter::new().proto(IpProtocol::Tcp)).await?;
    let flows = entries.iter().filter_map(|entry| {
        // One that conntrack calls closed is poked, too: it saw the reset towards the far end only.
        let orig = &entry.orig;
        let (Some(IpAddr::V4(station)), Some(IpAddr::V4(far))) = (orig.src_ip, orig.dst_ip) else {
            return None;
        };
        let ports = (orig.src_port?, orig.dst_port?);
        addresses.contains(&station).then_some(Flow { station: (station, ports.0), far: (far, ports.1) })
    });
    Ok(flows.collect())
}

impl Flow {
    /// An Ethernet frame with an empty segment from the far end, sequence and acknowledgement 0.
    fn segment(&self, station: [u8; 6], own: [u8; 6]) -> [u8; 54] {
        const ETHERNET: usize = 14;
        const IP: usize = 20;
        let mut frame = [0; 54];
        frame[..6].copy_from_slice(&station);
        frame[6..12].copy_from_slice(&own);
        frame[12..14].copy_from_slice(&[0x08, 0x00]);
        let ip = &mut frame[ETHERNET..ETHERNET + IP];
        ip[0] = 0x45;
        ip[3] = 40; // total length
        ip[6] = 0x40; // do not fragment
        ip[8] = 64;
        ip[9] = 6;
        ip[12..16].copy_from_slice(&self.far.0.octets());
        ip[16..20].copy_from_slice(&self.station.0.octets());
        let sum = checksum(0, ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        let pseudo = half_sum(6 + 20, &frame[ETHERNET + 12..ETHERNET + IP]);
        let tcp = &mut frame[ETHERNET + IP..];
        tcp[..2].copy_from_slice(&self.far.1.to_be_bytes());
        tcp[2..4].copy_from_slice(&self.station.1.to_be_bytes());
        tcp[12] = 5 << 4;
        tcp[13] = 0x10; // ACK
        let sum = checksum(pseudo, tcp);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        frame
    }
}

/// The Internet checksum (RFC 1071) of an even number of bytes, onto a sum that was begun before.
fn checksum(begun: u32, bytes: &[u8]) -> u16 {
    let mut sum = half_sum(begun, bytes);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

fn half_sum(begun: u32, bytes: &[u8]) -> u32 {
    bytes.chunks_exact(2).fold(begun, |sum, pair| sum + u32::from(u16::from_be_bytes([pair[0], pair[1]])))
}

/// A packet socket that only sends, on one interface.
fn open(index: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking().cloexec(), None)?;
    socket.bind(&packet::address(index, packet::NOTHING)?)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_carries_good_checksums() {
        let flow = Flow {
            station: (Ipv4Addr::new(172, 29, 77, 250), 43210),
            far: (Ipv4Addr::new(198, 51, 100, 10), 443),
        };
        let frame = flow.segment([2, 0, 0x5e, 0x10, 0, 1], [2, 0, 0, 0, 0, 1]);
        assert_eq!(checksum(0, &frame[14..34]), 0);
        assert_eq!(checksum(half_sum(26, &frame[26..34]), &frame[34..]), 0);
        assert_eq!(frame[36..38], 43210_u16.to_be_bytes());
    }
}
