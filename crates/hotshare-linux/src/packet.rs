//! Addresses of packet sockets, packet(7).
#![allow(unsafe_code, reason = "neither socket2 nor nix can make a packet socket's address")]

use std::io;

use socket2::SockAddr;

/// A socket that only sends hears of no protocol.
pub(crate) const NOTHING: u16 = 0;
/// The ethertype of IPv4.
pub(crate) const IPV4: u16 = 0x0800;

/// The frames of one interface with this ethertype.
pub(crate) fn address(index: u32, ethertype: u16) -> io::Result<SockAddr> {
    let index = i32::try_from(index).map_err(io::Error::other)?;
    // Network byte order in both fields.
    let protocol = u16::from_ne_bytes(ethertype.to_be_bytes());
    let family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(io::Error::other)?;
    // SAFETY: the storage that socket2 gives is zeroed, and large and aligned enough for every kind of
    // address; the fields written are plain numbers, and `length` is what was written.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, storage_length| {
            let link = &mut *storage.cast::<libc::sockaddr_ll>();
            link.sll_family = family;
            link.sll_protocol = protocol;
            link.sll_ifindex = index;
            *storage_length = length;
            Ok(())
        })
    }?;
    Ok(address)
}
