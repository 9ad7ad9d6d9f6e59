//! Packets that no ordinary program sends: echoes without `ping`, and frames as they are.

use std::fs::File;
use std::io::Read as _;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};

/// Sends echo requests of `size` bytes, one after the other; how many were answered within `patience` each.
pub fn echo(to: IpAddr, size: usize, count: u16, patience: Duration) -> u16 {
    let (domain, protocol, request, reply) = match to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, 8, 0),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, 128, 129),
    };
    let mut socket = Socket::new(domain, Type::RAW, Some(protocol)).expect("needs root");
    let id = [0x48, u8::try_from(std::process::id() & 0xff).expect("a byte")];
    let mut answered = 0;
    for n in 0..count {
        let mut packet = vec![request, 0, 0, 0, id[0], id[1]];
        packet.extend(n.to_be_bytes());
        packet.resize(size.max(8), 0x55);
        let sum = checksum(&packet); // for IPv6 the kernel puts in the right one
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
        if socket.send_to(&packet, &SocketAddr::new(to, 0).into()).is_err() {
            continue; // refused at once: no answer either
        }
        let end = Instant::now() + patience;
        let mut buffer = vec![0; 65_536];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left)).expect("a timeout");
            let Ok(length) = socket.read(&mut buffer) else { continue };
            let icmp = if to.is_ipv4() { &buffer[20.min(length)..length] } else { &buffer[..length] };
            if icmp.len() >= 8 && icmp[0] == reply && icmp[4..6] == id && icmp[6..8] == n.to_be_bytes() {
                answered += 1;
                break;
            }
        }
    }
    answered
}

/// The Internet checksum.
pub fn checksum(bytes: &[u8]) -> u16 {
    let word = |c: &[u8]| u32::from(c[0]) << 8 | c.get(1).map_or(0, |b| u32::from(*b));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded")
}

/// A raw-IP interface, as mobile data cards have, whose other end is this file: what is read was sent there.
#[allow(unsafe_code, reason = "making a tun device is an ioctl")]
pub fn tun(name: &str) -> File {
    const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
    const TUN_WITHOUT_EXTRAS: libc::c_short = 0x1001; // IFF_TUN | IFF_NO_PI
    let file = File::options().read(true).write(true).open("/dev/net/tun").expect("a kernel with tun");
    // SAFETY: all zero is a value of this plain structure.
    let mut request: libc::ifreq = unsafe { MaybeUninit::zeroed().assume_init() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = TUN_WITHOUT_EXTRAS;
    // SAFETY: the structure is the one that this request takes, and outlives the call.
    let made = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF, &raw const request) };
    assert_eq!(made, 0, "a tun device: {}", std::io::Error::last_os_error());
    file
}

/// Lets a socket send many datagrams as one merged packet (UDP GSO), each of `size` bytes.
#[allow(unsafe_code, reason = "neither std nor socket2 has this option")]
pub fn merge_datagrams(socket: &UdpSocket, size: u16) {
    let size = libc::c_int::from(size);
    let length = u32::try_from(size_of_val(&size)).expect("small");
    // SAFETY: the option takes an int, which outlives the call.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            libc::UDP_SEGMENT,
            (&raw const size).cast(),
            length,
        )
    };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

/// Sends an Ethernet frame as it is.
#[allow(unsafe_code, reason = "socket2 has no constructor for a packet socket's address")]
pub fn frame(ifindex: u32, bytes: &[u8]) {
    let socket = Socket::new(Domain::PACKET, Type::RAW, None).expect("needs root");
    // SAFETY: all zero is a value of this plain structure.
    let mut link: libc::sockaddr_ll = unsafe { MaybeUninit::zeroed().assume_init() };
    link.sll_family = u16::try_from(libc::AF_PACKET).expect("small");
    link.sll_ifindex = i32::try_from(ifindex).expect("small");
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: the storage is large enough for every address of the system, and a packet address is one.
    unsafe { *storage.view_as::<libc::sockaddr_ll>() = link };
    let length = u32::try_from(size_of::<libc::sockaddr_ll>()).expect("small");
    // SAFETY: the storage holds a packet address of this length.
    let address = unsafe { SockAddr::new(storage, length) };
    socket.send_to(bytes, &address).expect("sent");
}
