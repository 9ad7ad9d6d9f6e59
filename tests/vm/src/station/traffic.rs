//! What a station sends and gets, counted by itself.

use crate::pace::stretched;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use hotshare_lab::Flood;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinHandle;

use super::Station;
use crate::measure::Pinger;

/// What a server of the Internet fills a download with.
const FILLING: u8 = 0x5a;

/// A download as the station saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// Bytes of the body that arrived.
    pub(crate) bytes: u64,
    /// All of it came, every byte as it should be.
    pub(crate) whole: bool,
}

/// What a flood sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flooded {
    pub(crate) datagrams: u64,
}

impl Station {
    /// `GET /bytes/N`, each byte compared. `progress` grows with it.
    pub(crate) fn fetch(
        &self,
        server: SocketAddr,
        bytes: u64,
        progress: &Arc<AtomicU64>,
    ) -> JoinHandle<Result<Transfer>> {
        self.inside().start(fetch(server, bytes, Arc::clone(progress)))
    }

    /// The same, waited for.
    pub(crate) async fn get(&self, server: SocketAddr, bytes: u64, patience: Duration) -> Result<Transfer> {
        let fetching = self.fetch(server, bytes, &Arc::default());
        let abort = fetching.abort_handle();
        match tokio::time::timeout(stretched(patience), fetching).await {
            Ok(done) => done?,
            Err(_) => {
                abort.abort();
                bail!("{}: {bytes} bytes are not there after {patience:?}", self.name())
            }
        }
    }

    /// The whole answer to a `GET` of a path at the box, as text.
    pub(crate) async fn page(&self, server: SocketAddr, path: &str, host: &str) -> Result<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let asking = self.inside().start(async move {
            let mut stream = TcpStream::connect(server).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
        });
        match tokio::time::timeout(stretched(Duration::from_secs(5)), asking).await {
            Ok(answer) => Ok(answer??),
            Err(_) => bail!("{server} does not answer {}", self.name()),
        }
    }

    /// Sends datagrams until the time is over.
    pub(crate) fn flood(&self, target: SocketAddr, flood: Flood) -> JoinHandle<Result<Flooded>> {
        self.inside().start(async move {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
            Ok(Flooded { datagrams: hotshare_lab::internet::pour(&socket, Some(target), flood).await })
        })
    }

    /// Pings until it is stopped.
    #[must_use]
    pub(crate) fn ping_on(&self, target: Ipv4Addr, every: Duration) -> Pinger {
        Pinger::start(self.inside(), target, every)
    }

    /// Sends so many pings, and says how many were answered.
    pub(crate) async fn ping(&self, target: Ipv4Addr, count: u32) -> Result<usize> {
        let every = Duration::from_millis(100);
        let pinger = self.ping_on(target, every);
        tokio::time::sleep(every * count).await;
        let pings = pinger.stop().await?;
        Ok(pings.sent.len() - pings.lost())
    }
}

async fn fetch(server: SocketAddr, bytes: u64, progress: Arc<AtomicU64>) -> Result<Transfer> {
    let mut transfer = Transfer::default();
    let connecting =
        tokio::time::timeout(stretched(Duration::from_secs(5)), TcpStream::connect(server)).await;
    let Ok(Ok(mut stream)) = connecting else { return Ok(transfer) };
    let request = format!("GET /bytes/{bytes} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return Ok(transfer);
    }
    let mut buffer = vec![0; 1 << 16];
    let mut head = Vec::new();
    let mut body_began = false;
    let mut right = true;
    loop {
        let size = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(transfer), // broken off: the caller sees how far it came
            Ok(size) => size,
        };
        let mut body = 0..size;
        if !body_began {
            let known = head.len();
            head.extend_from_slice(&buffer[..size]);
            match head.windows(4).position(|four| four == b"\r\n\r\n") {
                None if head.len() > 4096 => bail!("the server's answer has no end of its headers"),
                None => continue,
                Some(_) if !head.starts_with(b"HTTP/1.1 200") => bail!("the server did not answer 200"),
                Some(end) => body = end + 4 - known..size,
            }
            body_began = true;
        }
        let body = &buffer[body];
        right &= body.iter().all(|byte| *byte == FILLING);
        transfer.bytes += body.len() as u64;
        progress.fetch_add(body.len() as u64, Ordering::Relaxed);
        if transfer.bytes >= bytes {
            transfer.whole = right && transfer.bytes == bytes;
            return Ok(transfer);
        }
    }
}
