//! The two sockets of the server.
#![allow(unsafe_code, reason = "tokio wants a promise about its descriptor")]

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use socket2::{Domain, Protocol, SockAddr, SockFilter, Socket, Type};
use tokio::io::unix::AsyncFd;

use super::LeaseError;
use crate::packet;
use hotshare_core::units::Mac;

/// Sockets of one LAN interface, as it is now: another one with the same name needs new ones.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) frames: AsyncFd<Socket>,
    /// Keeps UDP port 67 taken.
    _port: Socket,
    pub(super) index: u32,
    pub(super) mac: Mac,
}

impl Sockets {
    pub(super) fn open(lan: &str) -> Result<Sockets, LeaseError> {
        let name = || lan.to_owned();
        let index = if_nametoindex(lan).map_err(|_| LeaseError::NoInterface { lan: name() })?;
        let mac = hardware_address(lan).ok_or_else(|| LeaseError::NotEthernet { lan: name() })?;
        let failed = |attempt| move |source| LeaseError::Socket { lan: lan.to_owned(), attempt, source };
        let port = hold_port(lan).map_err(|source| match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EADDRINUSE) => LeaseError::PortTaken { lan: name(), source },
            Some(Errno::EPERM | Errno::EACCES) => LeaseError::Denied { lan: name(), source },
            _ => failed("take UDP port 67")(source),
        })?;
        let frames =
            open_frames(index).map_err(|source| match source.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EPERM | Errno::EACCES) => LeaseError::Denied { lan: name(), source },
                _ => failed("open a packet socket")(source),
            })?;
        // SAFETY: the socket is owned by what watches it, never replaced, and closed only after it.
        let frames = unsafe { AsyncFd::register(frames) }
            .map_err(|error| failed("watch the packet socket")(error.into()))?;
        Ok(Sockets { frames, _port: port, index, mac })
    }

    /// Whether the interface that the sockets belong to is still there under its name.
    pub(super) fn is_current(&self, lan: &str) -> bool {
        if_nametoindex(lan).is_ok_and(|index| index == self.index)
    }
}

fn hardware_address(lan: &str) -> Option<Mac> {
    let mut addresses = getifaddrs().ok()?.filter(|one| one.interface_name == lan);
    addresses.find_map(|one| one.address?.as_link_addr()?.addr().map(Mac)).filter(|mac| *mac != Mac([0; 6]))
}

/// Takes the port without `SO_REUSEADDR`, so that a second server is an error and not a silent rival.
fn hold_port(lan: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    socket.attach_filter(&[statement(RETURN, 0)])?;
    socket.bind_device(Some(lan.as_bytes()))?;
    socket.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 67)))?;
    Ok(socket)
}

fn open_frames(index: u32) -> io::Result<Socket> {
    // Protocol 0: nothing is heard before the filter is there and one interface is chosen.
    let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking().cloexec(), None)?;
    socket.attach_filter(&to_port_67())?;
    socket.set_recv_buffer_size(256 << 10)?;
    socket.bind(&packet::address(index, packet::IPV4)?)?;
    Ok(socket)
}

// Classic BPF (linux/bpf_common.h): class | size | mode.
const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_AT_X: u16 = 0x48;
const HEADER_LENGTH_TO_X: u16 = 0xb1;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

const fn statement(code: u16, k: u32) -> SockFilter {
    SockFilter::new(code, 0, 0, k)
}

/// Where a filter finds the packet's type (linux/filter.h: `SKF_AD_OFF + SKF_AD_PKTTYPE`).
const PACKET_TYPE: u32 = 0xffff_f004;
const FOR_SOMEBODY_ELSE: u32 = 3;

/// Unfragmented UDP over IPv4, to port 67, to this machine or to all.
fn to_port_67() -> [SockFilter; 11] {
    [
        statement(LOAD_WORD, PACKET_TYPE),
        SockFilter::new(JUMP_IF_EQUAL, 8, 0, FOR_SOMEBODY_ELSE),
        statement(LOAD_BYTE, 23),
        SockFilter::new(JUMP_IF_EQUAL, 0, 6, 17),
        statement(LOAD_HALF, 20),
        SockFilter::new(JUMP_IF_BITS, 4, 0, 0x3fff),
        statement(HEADER_LENGTH_TO_X, 14),
        statement(LOAD_HALF_AT_X, 16),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, 67),
        statement(RETURN, 4096),
        statement(RETURN, 0),
    ]
}
