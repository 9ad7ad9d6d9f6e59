//! Conntrack: forgetting what an address was doing.

use std::net::Ipv4Addr;

use nlink::netlink::netfilter::ConntrackFilter;
use nlink::netlink::{Connection, Netfilter};

use super::NatError;

/// Forgets every flow that `address` began, so that a new owner of the address inherits none, and a removed
/// device's flows must pass the rules again.
///
/// # Errors
/// Without netlink or without the right to use it.
pub async fn forget_flows(address: Ipv4Addr) -> Result<(), NatError> {
    let failed = |error| NatError::Flows(address, error);
    let conn = Connection::<Netfilter>::new().map_err(failed)?;
    conn.flush_conntrack_matching(&ConntrackFilter::new().orig_src(address)).await.map_err(failed)
}
