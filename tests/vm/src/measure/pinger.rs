//! Pings without end, for gaps that nobody is to notice.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use hotshare_lab::inside::Inside;
use hotshare_lab::phone::checksum;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// An answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pings until it is stopped.
#[derive(Debug)]
pub(crate) struct Pinger {
    stop: Arc<AtomicBool>,
    answers: Arc<Mutex<Vec<Instant>>>,
    task: JoinHandle<Result<Pings>>,
}

/// What became of the pings: when each was sent, and whether it was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pings {
    pub(crate) sent: Vec<(Instant, bool)>,
}

impl Pings {
    /// How many were not answered.
    #[must_use]
    pub(crate) fn lost(&self) -> usize {
        self.sent.iter().filter(|(_, answered)| !answered).count()
    }

    /// The longest time without an answered ping.
    #[must_use]
    pub(crate) fn longest_gap(&self) -> Duration {
        let Some((mut last, _)) = self.sent.first().copied() else { return Duration::ZERO };
        let mut longest = Duration::ZERO;
        for (at, answered) in &self.sent {
            longest = longest.max(at.saturating_duration_since(last));
            if *answered {
                last = *at;
            }
        }
        longest
    }
}

impl std::fmt::Display for Pings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sent, lost, gap) = (self.sent.len(), self.lost(), self.longest_gap().as_millis());
        write!(f, "{sent} pings, {lost} lost, longest gap {gap} ms")
    }
}

impl Pinger {
    /// Begins to ping a target from a namespace.
    #[must_use]
    pub(crate) fn start(inside: &Inside, target: Ipv4Addr, every: Duration) -> Pinger {
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::default();
        let task = inside.start(ping(target, every, Arc::clone(&stop), Arc::clone(&answers)));
        Pinger { stop, answers, task }
    }

    /// When the first answer came to a ping that was sent after the moment.
    pub(crate) fn answered_after(&self, moment: Instant) -> Option<Instant> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|at| **at >= moment).copied()
    }

    /// Ends it; waits for late answers.
    pub(crate) async fn stop(self) -> Result<Pings> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

async fn ping(
    target: Ipv4Addr,
    every: Duration,
    stop: Arc<AtomicBool>,
    answers: Arc<Mutex<Vec<Instant>>>,
) -> Result<Pings> {
    let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking().cloexec(), Some(Protocol::ICMPV4))?;
    // A raw socket is read and written like a datagram socket.
    let socket = UdpSocket::from_std(std::net::UdpSocket::from(OwnedFd::from(socket)))?;
    let to = SocketAddr::from((target, 0));
    let identity = std::process::id().to_ne_bytes();
    let mut pings = Pings::default();
    let mut buffer = [0; 256];
    let mut next = Instant::now();
    let mut ended = None;
    loop {
        let now = Instant::now();
        if ended.is_none() && stop.load(Ordering::Relaxed) {
            ended = Some(now);
        }
        if ended.is_some_and(|end| now > end + PATIENCE || pings.lost() == 0) {
            return Ok(pings);
        }
        if ended.is_none() && now >= next {
            let sequence = u16::try_from(pings.sent.len() % 0x1_0000).unwrap_or(0);
            // Nothing can be sent while the link is down: a lost ping.
            drop(socket.send_to(&request(identity, sequence), to).await);
            pings.sent.push((now, false));
            // No burst to catch up after the processor was away.
            next = (next + every).max(now);
        }
        let left = next.saturating_duration_since(Instant::now()).min(Duration::from_millis(50));
        let wait = if ended.is_some() { Duration::from_millis(10) } else { left };
        let Ok(Ok((size, _))) = tokio::time::timeout(wait, socket.recv_from(&mut buffer)).await else {
            continue;
        };
        let header = usize::from(buffer[0] & 0x0f) * 4;
        let reply = buffer.get(header..size).unwrap_or_default();
        if reply.len() >= 8 && reply[0] == 0 && reply[4..6] == identity[..2] {
            let sequence = usize::from(u16::from_be_bytes([reply[6], reply[7]]));
            // The latest ping of that number, should the numbers have wrapped.
            let place = (sequence..pings.sent.len()).step_by(0x1_0000).next_back();
            if let Some(ping) = place.and_then(|place| pings.sent.get_mut(place))
                && ping.0.elapsed() < PATIENCE
            {
                ping.1 = true;
                answers.lock().unwrap_or_else(PoisonError::into_inner).push(ping.0);
            }
        }
    }
}

fn request(identity: [u8; 4], sequence: u16) -> [u8; 64] {
    let mut bytes = [0x70; 64];
    bytes[..4].copy_from_slice(&[8, 0, 0, 0]);
    bytes[4..6].copy_from_slice(&identity[..2]);
    bytes[6..8].copy_from_slice(&sequence.to_be_bytes());
    let sum = checksum(&bytes);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}
