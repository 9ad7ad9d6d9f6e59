//! The task that serves leases.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hotshare_core::lease::pace::Pace;
use hotshare_core::lease::{Answer, LeaseChange, LeaseTable, Leased, Reply, Written};
use hotshare_core::units::Mac;
use nix::errno::Errno;
use tokio::io::Interest;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::frame::{parse_frame, reply_frame};
use super::socket::Sockets;
use super::wire::Transaction;
use super::{LeaseConfig, LeaseError, LeaseNews};
use crate::clock;

/// Replies that may wait for the disk at once.
const MOST_WAITING: usize = 256;
/// After that, a lease that is not on disk is given up; the station asks again.
const DISK_PATIENCE: Duration = Duration::from_secs(3);
/// That the interface went down shows as an error alone.
const FRAME_OR_ERROR: Interest = Interest::READABLE.add(Interest::ERROR);
/// How often to look for leases that ran out.
const RUN_OUT: Duration = Duration::from_secs(5);
/// How often an interface that went down is looked for.
const DOUBT: Duration = Duration::from_millis(500);
/// Longer ones are cut, and then refused as short; no station's message comes near it.
const LONGEST_FRAME: usize = 4096;

/// What became of the frames, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that were no message for the server.
    pub malformed: u64,
    /// Messages beyond the station's or everybody's pace.
    pub too_many: u64,
    /// Messages that got no answer, by rule.
    pub silent: u64,
    pub answered: u64,
    /// Leases that the daemon could not write.
    pub not_written: u64,
}

/// The server, bound to its interface.
#[derive(Debug)]
pub struct Lease {
    config: LeaseConfig,
    sockets: Sockets,
}

/// Binds and serves; see [`Lease::bind`] and [`Lease::serve`].
pub async fn serve(
    config: LeaseConfig,
    leases: Vec<Leased>,
    news: mpsc::Sender<LeaseNews>,
    stop: CancellationToken,
) -> Result<(), LeaseError> {
    Lease::bind(config)?.serve(leases, news, stop).await
}

impl Lease {
    /// Opens the sockets. Needs a tokio runtime around it.
    pub fn bind(config: LeaseConfig) -> Result<Lease, LeaseError> {
        let sockets = Sockets::open(&config.lan)?;
        Ok(Lease { config, sockets })
    }

    /// Serves until told to stop, or until the interface is gone: then another [`Lease`] has to be bound.
    pub async fn serve(
        self,
        leases: Vec<Leased>,
        news: mpsc::Sender<LeaseNews>,
        stop: CancellationToken,
    ) -> Result<(), LeaseError> {
        let table = LeaseTable::new(self.config.rules.clone(), leases, clock::now());
        let mut desk = Desk {
            lease: self,
            table,
            news,
            waiting: BTreeSet::new(),
            // A station may send 20 at once and one a second; all of them together 2,000 and 500.
            station_pace: Pace::new(4096, 20, 1000),
            common_pace: Pace::new(1, 2000, 2),
            complaints: Pace::new(1, 1, 60_000),
            declines: Pace::new(1, 10, 6_000),
            counts: Counts::default(),
        };
        let mut disk = FuturesUnordered::new();
        let mut buffer = vec![0; LONGEST_FRAME];
        // The interface went down: whether it comes back or is gone, the kernel does not say again.
        let mut in_doubt = false;
        let mut run_out = tokio::time::interval(RUN_OUT);
        run_out.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let frame =
                desk.lease.sockets.frames.async_io(FRAME_OR_ERROR, |mut socket| socket.read(&mut buffer));
            let read = tokio::select! {
                () = stop.cancelled() => break,
                _ = run_out.tick() => {
                    let over = desk.table.run_out(clock::now().boot);
                    let told = desk.tell(news_of(over, oneshot::channel().0));
                    tokio::select! {
                        () = stop.cancelled() => break,
                        told = told => told?,
                    }
                    continue;
                }
                Some(done) = disk.next(), if !disk.is_empty() => {
                    desk.finish(&done);
                    continue;
                }
                () = sleep(DOUBT), if in_doubt => {
                    desk.lease.ensure_current()?;
                    continue;
                }
                read = frame => read,
            };
            in_doubt = read.is_err();
            let frame = match read {
                Ok(length) => buffer.get(..length).unwrap_or_default(),
                Err(error) => {
                    desk.lease.explain(error)?;
                    continue;
                }
            };
            let Some((answer, news)) = desk.decide(frame, disk.len()) else { continue };
            tokio::select! {
                () = stop.cancelled() => break,
                told = desk.tell(news) => told?,
            }
            match answer {
                Pending::Now(frame) => desk.send(&frame),
                Pending::OnDisk(waiting, durable) => disk.push(waiting.wait(durable)),
                Pending::Nothing => {}
            }
        }
        tracing::debug!(counts = ?desk.counts, "leases: stopped");
        Ok(())
    }

    fn ensure_current(&self) -> Result<(), LeaseError> {
        let current = self.sockets.is_current(&self.config.lan);
        if current { Ok(()) } else { Err(LeaseError::InterfaceGone { lan: self.config.lan.clone() }) }
    }

    /// An interface that is down comes back; one that is gone does not.
    fn explain(&self, error: io::Error) -> Result<(), LeaseError> {
        self.ensure_current()?;
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENETDOWN | Errno::ENOBUFS | Errno::EINTR) => Ok(()),
            _ => Err(LeaseError::Socket {
                lan: self.config.lan.clone(),
                attempt: "read frames",
                source: error,
            }),
        }
    }
}

/// A reply on its way.
enum Pending {
    Nothing,
    Now(Vec<u8>),
    OnDisk(Waiting, oneshot::Receiver<()>),
}

/// A reply that waits for the disk.
struct Waiting {
    mac: Mac,
    frame: Option<Vec<u8>>,
    written: Option<Written>,
    durable: bool,
}

impl Waiting {
    async fn wait(mut self, durable: oneshot::Receiver<()>) -> Waiting {
        self.durable = matches!(timeout(DISK_PATIENCE, durable).await, Ok(Ok(())));
        self
    }
}

/// Everything that changes while the server runs.
struct Desk {
    lease: Lease,
    table: LeaseTable,
    news: mpsc::Sender<LeaseNews>,
    /// Whose leases are being written: what they repeat meanwhile is not heard.
    waiting: BTreeSet<Mac>,
    station_pace: Pace,
    common_pace: Pace,
    /// Lines in the log.
    complaints: Pace,
    declines: Pace,
    counts: Counts,
}

impl Desk {
    async fn tell(&self, news: Vec<LeaseNews>) -> Result<(), LeaseError> {
        for one in news {
            self.news.send(one).await.map_err(|_| LeaseError::NobodyListens)?;
        }
        Ok(())
    }

    /// Decides one frame: the reply, and what the daemon has to hear before it.
    fn decide(&mut self, frame: &[u8], waiting: usize) -> Option<(Pending, Vec<LeaseNews>)> {
        let (request, transaction) = match parse_frame(frame) {
            Ok(parsed) => parsed,
            Err(reason) => {
                self.counts.malformed += 1;
                tracing::trace!(%reason, "leases: frame dropped");
                return None;
            }
        };
        let now = clock::now();
        let busy = waiting >= MOST_WAITING || self.waiting.contains(&request.mac);
        if busy
            || !self.station_pace.take(&request.source.0, now.boot)
            || !self.common_pace.take(&[], now.boot)
        {
            self.counts.too_many += 1;
            return None;
        }
        let mut outcome = self.table.handle(now, &request);
        // News of declined addresses is for people: ten at once, and then one in six seconds.
        let declined = |change: &LeaseChange| matches!(change, LeaseChange::Declined { .. });
        outcome.changes.retain(|change| !declined(change) || self.declines.take(&[], now.boot));
        let written = outcome.written();
        let frame = match &outcome.answer {
            Answer::Reply(reply) => self.frame(&transaction, reply),
            Answer::Silent(why) => {
                self.counts.silent += 1;
                tracing::trace!(mac = %request.mac, ?why, "leases: no answer");
                None
            }
        };
        tracing::debug!(mac = %request.mac, kind = ?request.kind, answer = ?outcome.answer, "leases: decided");
        let (durable, on_disk) = oneshot::channel();
        let news = news_of(outcome.changes, durable);
        let pending = match (written, frame) {
            (None, None) => Pending::Nothing,
            (None, Some(frame)) => Pending::Now(frame),
            (Some(_), frame) => {
                self.waiting.insert(request.mac);
                Pending::OnDisk(Waiting { mac: request.mac, frame, written, durable: false }, on_disk)
            }
        };
        Some((pending, news))
    }

    fn finish(&mut self, done: &Waiting) {
        self.waiting.remove(&done.mac);
        if !done.durable {
            self.counts.not_written += 1;
            if self.complaints.take(&[], clock::now().boot) {
                tracing::warn!(
                    "leases: one could not be written, so its station was not told; it will ask again"
                );
            }
            return;
        }
        if let Some(written) = done.written {
            self.table.written(written);
        }
        if let Some(frame) = &done.frame {
            self.send(frame);
        }
    }

    fn frame(&self, transaction: &Transaction, reply: &Reply) -> Option<Vec<u8>> {
        reply_frame((self.lease.sockets.mac, self.lease.config.rules.gateway), transaction, reply)
    }

    /// A reply that does not get out is like one that is lost on the way: the station asks again.
    fn send(&mut self, frame: &[u8]) {
        match self.lease.sockets.frames.get_ref().send(frame) {
            Ok(_) => self.counts.answered += 1,
            Err(error) => tracing::debug!(%error, "leases: a reply did not get out"),
        }
    }
}

/// What the daemon hears, in the order in which it happened. At most one lease is taken at a time.
fn news_of(changes: Vec<LeaseChange>, durable: oneshot::Sender<()>) -> Vec<LeaseNews> {
    let mut durable = Some(durable);
    let news = |change| {
        Some(match change {
            LeaseChange::Kept(leased) => LeaseNews::Leased { leased, durable: durable.take()? },
            LeaseChange::Gone(mac) => LeaseNews::Ended(mac),
            LeaseChange::Declined { mac, ip } => LeaseNews::Declined { mac, ip },
            LeaseChange::PoolFull { mac } => LeaseNews::PoolFull { mac },
        })
    };
    changes.into_iter().filter_map(news).collect()
}
