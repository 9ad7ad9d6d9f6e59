//! An outside observer: counts the layer-3 bytes that pass an interface, as a carrier would.
//!
//! It shares no code with the meter. It sees each frame with the kernel's segmentation header, so a merged
//! packet counts as the packets that it is on the wire. A run in which frames were lost is invalid.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nlink::netlink::namespace::Netns;
use nlink::{Connection, Route};

use crate::packet::{Frame, Ring};

/// Which way a frame passed the observed interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// The interface received it.
    In,
    /// The interface sent it.
    Out,
}

/// What the observer tells packets apart by. Few distinct values, however much passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An IPv4 packet.
    V4 {
        source: Ipv4Addr,
        target: Ipv4Addr,
        /// IP protocol number.
        protocol: u8,
        /// The lower port of the two: the service's. 0 without ports, and in later fragments.
        service: u16,
        /// Time to live: tells what was forwarded from what the last hop made itself.
        ttl: u8,
        /// A piece of a fragmented packet.
        fragment: bool,
    },
    /// An IPv6 packet.
    V6 { source: Ipv6Addr, target: Ipv6Addr },
    /// Any ARP frame: below layer 3, not in any sum of bytes.
    Arp,
    /// Any other ethertype.
    Other(u16),
    /// Rows over the bound of the table, all together.
    Rest,
}

/// Packets and layer-3 bytes, as separate packets on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// All that was seen until a moment.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    rows: HashMap<(Way, Kind), Count>,
    /// Frames that the ring had no room for. Not 0: the tally is worthless.
    pub lost: u64,
    /// Merged packets of a kind that cannot be split exactly. Not 0: the tally is worthless.
    pub unclear: u64,
}

/// More rows than any test has; a flood with random addresses must not grow the table without end.
const MAX_ROWS: usize = 1 << 14;

impl Tally {
    /// The sum of the rows that `wanted` accepts.
    pub fn sum(&self, wanted: impl Fn(Way, &Kind) -> bool) -> Count {
        let mut sum = Count::default();
        for ((way, kind), count) in &self.rows {
            if wanted(*way, kind) {
                sum += *count;
            }
        }
        sum
    }

    /// Every layer-3 byte that passed one way (ARP is not layer 3).
    #[must_use]
    pub fn layer3(&self, way: Way) -> u64 {
        self.sum(|w, kind| w == way && !matches!(kind, Kind::Arp)).bytes
    }

    /// Every layer-3 byte, both ways: what a carrier bills.
    #[must_use]
    pub fn billed(&self) -> u64 {
        self.layer3(Way::In) + self.layer3(Way::Out)
    }

    /// IPv4 bytes one way with a time to live: 64 left the last sender itself, 63 was forwarded once.
    #[must_use]
    pub fn with_ttl(&self, way: Way, ttl: u8) -> u64 {
        self.sum(|w, kind| w == way && matches!(kind, Kind::V4 { ttl: t, .. } if *t == ttl)).bytes
    }

    /// The rows, largest first, for a failure's explanation.
    #[must_use]
    pub fn rows(&self) -> Vec<(Way, Kind, Count)> {
        let mut rows: Vec<_> = self.rows.iter().map(|((way, kind), count)| (*way, *kind, *count)).collect();
        rows.sort_by_key(|(way, kind, count)| (std::cmp::Reverse(count.bytes), *way, *kind));
        rows
    }

    /// An error if anything was missed.
    pub fn check(&self) -> Result<()> {
        if self.lost > 0 || self.unclear > 0 {
            bail!(
                "the observer lost {} frames and could not split {}: this run proves nothing",
                self.lost,
                self.unclear
            );
        }
        Ok(())
    }

    fn see(&mut self, frame: Frame<'_>) {
        let way = if frame.outgoing { Way::Out } else { Way::In };
        let Some((kind, count)) = read(&frame) else {
            self.unclear += 1;
            return;
        };
        let full = self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&(way, kind));
        *self.rows.entry((way, if full { Kind::Rest } else { kind })).or_default() += count;
    }
}

/// What one frame is, and what it counts as on the wire. `None`: merged in a way that has no exact answer.
fn read(frame: &Frame<'_>) -> Option<(Kind, Count)> {
    const ETHERNET: usize = 14;
    const GSO_TYPE_MASK: u8 = 0x7f; // without VIRTIO_NET_HDR_GSO_ECN
    let bytes = frame.bytes;
    let layer3 = u64::from(frame.length).checked_sub(ETHERNET as u64)?;
    let half = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let ethertype = half(12)?;
    let (kind, headers) = match ethertype {
        0x0800 => {
            let ip = bytes.get(ETHERNET..)?;
            let ip_header = usize::from(ip.first()? & 0x0f) * 4;
            let fragment_word = u16::from_be_bytes(ip.get(6..8)?.try_into().ok()?);
            let (offset, more) = (fragment_word & 0x1fff, fragment_word & 0x2000 != 0);
            let protocol = *ip.get(9)?;
            let has_ports = offset == 0 && matches!(protocol, 6 | 17);
            let service =
                if has_ports { half(ETHERNET + ip_header)?.min(half(ETHERNET + ip_header + 2)?) } else { 0 };
            let transport = match protocol {
                6 => usize::from(bytes.get(ETHERNET + ip_header + 12).map_or(5, |b| b >> 4)) * 4,
                _ => 8,
            };
            let kind = Kind::V4 {
                source: Ipv4Addr::from(<[u8; 4]>::try_from(ip.get(12..16)?).ok()?),
                target: Ipv4Addr::from(<[u8; 4]>::try_from(ip.get(16..20)?).ok()?),
                protocol,
                service,
                ttl: *ip.get(8)?,
                fragment: offset != 0 || more,
            };
            (kind, ip_header + transport)
        }
        0x86dd => {
            let address = |at: usize| {
                Some(Ipv6Addr::from(
                    <[u8; 16]>::try_from(bytes.get(ETHERNET + at..ETHERNET + at + 16)?).ok()?,
                ))
            };
            let kind = Kind::V6 { source: address(8)?, target: address(24)? };
            (kind, 40 + usize::from(bytes.get(ETHERNET + 40 + 12).map_or(5, |b| b >> 4)) * 4)
        }
        0x0806 => (Kind::Arp, 0),
        other => (Kind::Other(other), 0),
    };
    let count = match frame.gso_type & GSO_TYPE_MASK {
        0 => Count { packets: 1, bytes: layer3 },
        // TCP over IPv4, TCP over IPv6, UDP segments
        1 | 4 | 5 if frame.gso_size > 0 => {
            let headers = headers as u64;
            let payload = layer3.checked_sub(headers)?;
            let packets = payload.div_ceil(u64::from(frame.gso_size)).max(1);
            Count { packets, bytes: payload + packets * headers }
        }
        _ => return None,
    };
    Some((kind, count))
}

#[derive(Debug, Default)]
struct Shared {
    tally: Tally,
    asked: u64,
    answered: u64,
    stop: bool,
    failure: Option<String>,
}

/// A running observer. It counts from `start` until it is dropped.
#[derive(Debug)]
pub struct Observer {
    shared: Arc<(Mutex<Shared>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Begins to watch an interface of a namespace. `megabytes` of ring hold 4096 frames each.
    pub async fn start(space: &Netns, interface: &str, megabytes: usize) -> Result<Observer> {
        let links = Connection::<Route>::new_in(space)?;
        let link = links.get_link_by_name(interface).await?.with_context(|| {
            format!("namespace {} has no interface {interface} to observe", space.label())
        })?;
        let ring = Ring::open(space, i32::try_from(link.ifindex())?, megabytes)
            .with_context(|| format!("capture on {interface}"))?;
        let shared = Arc::new((Mutex::new(Shared::default()), Condvar::new()));
        let thread = std::thread::Builder::new().name("observer".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || watch(ring, &shared)
        })?;
        Ok(Observer { shared, thread: Some(thread) })
    }

    /// All that has passed until now: waits until the ring has been read to its end.
    pub fn tally(&self) -> Result<Tally> {
        let (lock, changed) = &*self.shared;
        let mut shared = lock.lock().unwrap_or_else(PoisonError::into_inner);
        shared.asked += 1;
        let ticket = shared.asked;
        let patience = Instant::now() + Duration::from_secs(30);
        while shared.answered < ticket && shared.failure.is_none() {
            if Instant::now() > patience {
                bail!("the observer cannot keep up with the traffic");
            }
            (shared, _) = changed
                .wait_timeout(shared, Duration::from_millis(100))
                .unwrap_or_else(PoisonError::into_inner);
        }
        match &shared.failure {
            Some(why) => bail!("the observer failed: {why}"),
            None => Ok(shared.tally.clone()),
        }
    }

    /// [`Observer::tally`], refused if anything was missed.
    pub fn exact(&self) -> Result<Tally> {
        let tally = self.tally()?;
        tally.check()?;
        Ok(tally)
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has already been printed; there is nothing to add.
            drop(thread.join());
        }
    }
}

fn watch(mut ring: Ring, shared: &(Mutex<Shared>, Condvar)) {
    let (lock, changed) = shared;
    let mut tally = Tally::default();
    loop {
        // Read before the ring is emptied: every frame that came before the question is in the answer.
        let (asked, stop, answered) = {
            let shared = lock.lock().unwrap_or_else(PoisonError::into_inner);
            (shared.asked, shared.stop, shared.answered)
        };
        if stop {
            return;
        }
        while ring.next(|frame| tally.see(frame)) {}
        if asked > answered {
            let lost = ring.lost();
            let mut shared = lock.lock().unwrap_or_else(PoisonError::into_inner);
            match lost {
                Ok(lost) => {
                    tally.lost = lost;
                    shared.tally = tally.clone();
                    shared.answered = asked;
                }
                Err(error) => shared.failure = Some(error.to_string()),
            }
            changed.notify_all();
        }
        let mut fds = [PollFd::new(ring.as_fd(), PollFlags::POLLIN)];
        match nix::poll::poll(&mut fds, PollTimeout::from(10_u8)) {
            // One wake-up per frame would cost more than the frames; the ring holds a lot.
            Ok(n) if n > 0 => std::thread::park_timeout(Duration::from_millis(1)),
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => {
                lock.lock().unwrap_or_else(PoisonError::into_inner).failure = Some(error.to_string());
                changed.notify_all();
                return;
            }
        }
    }
}
