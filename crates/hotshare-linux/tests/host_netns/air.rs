//! Frames as they are: sent from one namespace, looked for in another.
#![allow(unsafe_code, reason = "neither socket2 nor nix can make a packet socket's address")]

use std::io::Read as _;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hotshare_linux::observe::ifindex;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::world::{inside, pause};

pub(crate) const EVERYBODY: [u8; 6] = [0xff; 6];

/// A packet socket on `eth0` of the namespace that the thread is in.
fn socket(protocol: u16) -> Socket {
    let index = i32::try_from(ifindex("eth0").unwrap()).unwrap();
    let socket = Socket::new(Domain::PACKET, Type::RAW, None).unwrap();
    socket.set_recv_buffer_size(4 << 20).unwrap();
    // SAFETY: the storage is zeroed and large enough; plain numbers are written.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, length| {
            let link = &mut *storage.cast::<libc::sockaddr_ll>();
            link.sll_family = u16::try_from(libc::AF_PACKET).unwrap();
            link.sll_protocol = protocol.to_be();
            link.sll_ifindex = index;
            *length = u32::try_from(size_of::<libc::sockaddr_ll>()).unwrap();
            Ok(())
        })
    }
    .unwrap();
    socket.bind(&address).unwrap();
    socket
}

/// What the namespace itself sends is no news.
fn ignore_outgoing(socket: &Socket) {
    let on: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&on)).unwrap();
    // SAFETY: the option takes an int, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_IGNORE_OUTGOING,
            (&raw const on).cast(),
            length,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

pub(crate) fn send(namespace: &str, frames: &[Vec<u8>]) {
    inside(namespace, || {
        let socket = socket(0);
        for frame in frames {
            assert_eq!(socket.send(frame).unwrap(), frame.len());
        }
    });
}

/// Counts the frames that come in and hold these bytes, promiscuously.
pub(crate) struct Ear {
    heard: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    pub(crate) fn new(namespace: &str, bytes: &'static [u8]) -> Ear {
        const EVERY_PROTOCOL: u16 = 3;
        crate::world::ip(&format!("-n {namespace} link set eth0 promisc on"));
        let mut socket = inside(namespace, || socket(EVERY_PROTOCOL));
        ignore_outgoing(&socket);
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (heard, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, end) = (heard.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !end.load(Ordering::Relaxed) {
                let Ok(length) = socket.read(&mut buffer) else { continue };
                let hit = buffer[..length].windows(bytes.len()).any(|window| window == bytes);
                count.fetch_add(usize::from(hit), Ordering::Relaxed);
            }
        });
        Ear { heard, stop, thread: Some(thread) }
    }

    /// How many were heard until now, and a moment longer.
    pub(crate) fn heard(&self) -> usize {
        pause(200);
        self.heard.load(Ordering::Relaxed)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

pub(crate) fn frame(to: [u8; 6], from: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&to[..], &from, &ethertype.to_be_bytes(), payload].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// An IPv4 packet with a UDP datagram.
pub(crate) fn udp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let whole = u16::try_from(28 + payload.len()).unwrap().to_be_bytes();
    let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
    let mut ip =
        [&[0x45, 0, whole[0], whole[1], 0, 0, 0, 0, 64, 17, 0, 0][..], &from.0.octets(), &to.0.octets()]
            .concat();
    let mut sum: u32 = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    ip[10..12].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes(), length, [0, 0]].concat();
    [&ip[..], &ports, payload].concat()
}

/// An ARP message (1: who has, 2: is at), with `rest` after it.
pub(crate) fn arp(
    kind: u8,
    sender: ([u8; 6], Ipv4Addr),
    target: ([u8; 6], Ipv4Addr),
    rest: &[u8],
) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, kind];
    [&head[..], &sender.0, &sender.1.octets(), &target.0, &target.1.octets(), rest].concat()
}
