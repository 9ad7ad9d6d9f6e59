//! Who has which address on the LAN, told to the kernel for good: no ARP answer changes it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use hotshare_core::units::Mac;
use hotshare_core::uplink::Subnet;
use nlink::netlink::Connection;
use nlink::netlink::neigh::{Neighbor, NeighborState};

type Conn = Connection<nlink::Route>;

/// Makes `wanted` the permanent neighbours in `subnet` on the interface. Others' subnets are theirs.
pub(super) async fn ensure(
    conn: &Conn,
    ifindex: u32,
    subnet: Subnet,
    wanted: &BTreeMap<Ipv4Addr, Mac>,
) -> nlink::Result<()> {
    let known = permanent(conn, ifindex, subnet).await?;
    for ip in known.keys().filter(|ip| !wanted.contains_key(ip)) {
        conn.del_neighbor_if_exists(Neighbor::with_index_v4(ifindex, *ip)).await?;
    }
    for (ip, mac) in wanted.iter().filter(|(ip, _)| subnet.contains(**ip)) {
        if known.get(ip) != Some(&Some(*mac)) {
            conn.replace_neighbor(Neighbor::with_index_v4(ifindex, *ip).lladdr(mac.0).permanent()).await?;
        }
    }
    Ok(())
}

async fn permanent(
    conn: &Conn,
    ifindex: u32,
    subnet: Subnet,
) -> nlink::Result<BTreeMap<Ipv4Addr, Option<Mac>>> {
    let entries = conn.get_neighbors_by_index(ifindex).await?;
    let ours = entries.iter().filter(|entry| entry.state() == NeighborState::Permanent);
    let of = ours.filter_map(|entry| match entry.destination() {
        Some(IpAddr::V4(ip)) if subnet.contains(*ip) => {
            Some((*ip, entry.lladdr().and_then(|mac| mac.try_into().ok()).map(Mac)))
        }
        _ => None,
    });
    Ok(of.collect())
}
