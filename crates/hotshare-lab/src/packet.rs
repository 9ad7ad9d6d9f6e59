//! The only unsafe corner of the laboratory: an `AF_PACKET` receive ring with the segmentation header of
//! each frame (`PACKET_VNET_HDR`), and a socket that sends whole frames.

#![allow(
    unsafe_code,
    reason = "packet(7) rings are shared memory, and their socket options have no safe wrapper"
)]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use nlink::netlink::namespace::Netns;

/// One frame's slot: headers of the ring (92 bytes at most), then at least 160 bytes of the frame itself,
/// enough for Ethernet, IPv4 with options and TCP with options.
const SLOT: usize = 256;
const BLOCK: usize = 1 << 17;

/// What the ring tells about one frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// The beginning of the frame, from the Ethernet header.
    pub(crate) bytes: &'a [u8],
    /// The whole length of the frame, merged packets unsplit.
    pub(crate) length: u32,
    /// The interface sends it (or else it came in).
    pub(crate) outgoing: bool,
    /// `gso_type` of the virtio header: 0 for a packet that is one packet.
    pub(crate) gso_type: u8,
    /// Payload bytes of each packet on the wire.
    pub(crate) gso_size: u16,
}

/// A receive ring on one interface: every frame in both directions, before anything may drop it.
#[derive(Debug)]
pub(crate) struct Ring {
    socket: OwnedFd,
    memory: NonNull<u8>,
    slots: usize,
    next: usize,
    lost: u64,
}

// SAFETY: the mapping is owned by this value alone and is not tied to a thread.
unsafe impl Send for Ring {}

impl Ring {
    /// A ring of `megabytes` MiB that sees all of interface `index` of the namespace.
    pub(crate) fn open(space: &Netns, index: i32, megabytes: usize) -> io::Result<Ring> {
        // Bound to no protocol until the ring is there, so that no frame is queued elsewhere.
        let socket = space.socket(libc::AF_PACKET, libc::SOCK_RAW, 0).map_err(io::Error::other)?;
        set(&socket, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V2 as libc::c_int))?;
        set(&socket, libc::PACKET_VNET_HDR, &1_i32)?;
        let blocks = megabytes * (1 << 20) / BLOCK;
        let slots = blocks * (BLOCK / SLOT);
        let wish = libc::tpacket_req {
            tp_block_size: u32::try_from(BLOCK).map_err(io::Error::other)?,
            tp_block_nr: u32::try_from(blocks).map_err(io::Error::other)?,
            tp_frame_size: u32::try_from(SLOT).map_err(io::Error::other)?,
            tp_frame_nr: u32::try_from(slots).map_err(io::Error::other)?,
        };
        set(&socket, libc::PACKET_RX_RING, &wish)?;
        // SAFETY: a fresh shared mapping of the ring that the kernel just made for this descriptor.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                slots * SLOT,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory =
            NonNull::new(memory.cast::<u8>()).ok_or_else(|| io::Error::other("mmap gave address 0"))?;
        let ring = Ring { socket, memory, slots, next: 0, lost: 0 };
        bind(&ring.socket, index, libc::ETH_P_ALL)?;
        Ok(ring)
    }

    /// Shows the next frame, if one has arrived, and says whether one had. `see` must copy what it keeps.
    pub(crate) fn next(&mut self, see: impl FnOnce(Frame<'_>)) -> bool {
        // SAFETY: `next < slots`, so the slot lies inside the mapping; slots are aligned to 256 bytes.
        let slot = unsafe { self.memory.add(self.next * SLOT) };
        // SAFETY: the first word of a slot is its status, written by the kernel with release order.
        let status = unsafe { AtomicU32::from_ptr(slot.as_ptr().cast()) };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return false;
        }
        // SAFETY: the status says that the slot is ours to read until it is given back below.
        let bytes = unsafe { std::slice::from_raw_parts(slot.as_ptr(), SLOT) };
        match frame(bytes) {
            Some(frame) => see(frame),
            None => self.lost += 1, // a slot that makes no sense is a frame that nobody counted
        }
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % self.slots;
        true
    }

    /// Frames that the kernel could not put into the ring since it was opened.
    pub(crate) fn lost(&mut self) -> io::Result<u64> {
        let mut stats = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut size =
            libc::socklen_t::try_from(size_of::<libc::tpacket_stats>()).map_err(io::Error::other)?;
        // SAFETY: the kernel writes at most `size` bytes, which is the size of `stats`.
        let done = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut stats).cast(),
                &raw mut size,
            )
        };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        self.lost += u64::from(stats.tp_drops); // reading resets the kernel's counter
        Ok(self.lost)
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: unmaps what `open` mapped; no slice of it outlives `next`.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.slots * SLOT) };
    }
}

/// Reads one slot: `tpacket2_hdr`, `sockaddr_ll`, then `virtio_net_hdr` just before the frame.
fn frame(slot: &[u8]) -> Option<Frame<'_>> {
    const ADDRESS: usize = 32; // TPACKET_ALIGN(sizeof(struct tpacket2_hdr))
    const VNET: usize = 10;
    let word = |at: usize| Some(u32::from_ne_bytes(slot.get(at..at + 4)?.try_into().ok()?));
    let half = |at: usize| Some(u16::from_ne_bytes(slot.get(at..at + 2)?.try_into().ok()?));
    let length = word(4)?;
    let captured = usize::try_from(word(8)?).ok()?;
    let start = usize::from(half(12)?);
    let outgoing = slot.get(ADDRESS + 10)? == &libc::PACKET_OUTGOING;
    let vnet = start.checked_sub(VNET)?;
    let end = slot.len().min(start + captured);
    Some(Frame {
        bytes: slot.get(start..end)?,
        length,
        outgoing,
        gso_type: *slot.get(vnet + 1)?,
        gso_size: half(vnet + 4)?,
    })
}

/// A socket that sends whole Ethernet frames from interface `index` of the namespace.
pub(crate) fn frame_socket(space: &Netns, index: i32) -> io::Result<OwnedFd> {
    bound(space, index, libc::ETH_P_IP)
}

/// A socket that sends and receives whole frames of every kind, as they pass interface `index` of the namespace:
/// on a monitor interface, frames of 802.11 behind a radiotap header.
pub fn every_frame(space: &Netns, index: i32) -> io::Result<OwnedFd> {
    bound(space, index, libc::ETH_P_ALL)
}

fn bound(space: &Netns, index: i32, protocol: libc::c_int) -> io::Result<OwnedFd> {
    let socket = space.socket(libc::AF_PACKET, libc::SOCK_RAW, 0).map_err(io::Error::other)?;
    bind(&socket, index, protocol)?;
    Ok(socket)
}

fn set<T>(socket: &OwnedFd, option: libc::c_int, value: &T) -> io::Result<()> {
    let size = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `size` bytes of `value`, a plain C structure that lives through the call.
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, std::ptr::from_ref(value).cast(), size)
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn bind(socket: &OwnedFd, index: i32, protocol: libc::c_int) -> io::Result<()> {
    // SAFETY: all-zero is a valid `sockaddr_ll`.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    address.sll_protocol = u16::try_from(protocol).map_err(io::Error::other)?.to_be();
    address.sll_ifindex = index;
    let size = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(io::Error::other)?;
    // SAFETY: the address is a `sockaddr_ll` of the size given.
    let done = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
