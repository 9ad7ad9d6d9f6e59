//! UDP ends: one swallows, one echoes, one floods whoever asks, whatever becomes of the flood.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::net::UdpSocket;

use crate::layout;

/// What a flood is asked for, as text: `SIZE BITS_PER_SECOND MILLISECONDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flood {
    /// Bytes in each datagram.
    pub size: u16,
    /// How fast, in bits per second of layer 3; 0 for as fast as it goes.
    pub rate: u64,
    /// How long, in milliseconds.
    pub millis: u64,
}

impl Flood {
    pub(crate) fn text(&self) -> String {
        format!("{} {} {}", self.size, self.rate, self.millis)
    }

    fn parse(text: &[u8]) -> Option<Flood> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        let flood = Flood {
            size: words.next()?.parse().ok()?,
            rate: words.next()?.parse().ok()?,
            millis: words.next()?.parse().ok()?,
        };
        Some(flood)
    }
}

async fn bind(port: u16) -> Result<UdpSocket> {
    UdpSocket::bind((layout::WEB_ADDR, port)).await.with_context(|| format!("UDP port {port} cannot be used"))
}

pub(super) async fn serve_sink(port: u16) -> Result<()> {
    let socket = bind(port).await?;
    tokio::spawn(async move {
        let mut datagram = vec![0; 1 << 16];
        loop {
            drop(socket.recv_from(&mut datagram).await);
        }
    });
    Ok(())
}

pub(super) async fn serve_echo(port: u16) -> Result<()> {
    let socket = bind(port).await?;
    tokio::spawn(async move {
        let mut datagram = vec![0; 1 << 16];
        loop {
            let Ok((size, from)) = socket.recv_from(&mut datagram).await else { continue };
            drop(socket.send_to(&datagram[..size], from).await);
        }
    });
    Ok(())
}

pub(super) async fn serve_floods(port: u16) -> Result<()> {
    let socket = std::sync::Arc::new(bind(port).await?);
    tokio::spawn(async move {
        let mut datagram = [0; 256];
        loop {
            let Ok((size, from)) = socket.recv_from(&mut datagram).await else { continue };
            if let Some(flood) = Flood::parse(&datagram[..size]) {
                let socket = std::sync::Arc::clone(&socket);
                tokio::spawn(async move { pour(&socket, Some(from), flood).await });
            }
        }
    });
    Ok(())
}

/// Sends a flood and returns how many datagrams the kernel took. No error stops it: that is its nature.
pub async fn pour(socket: &UdpSocket, to: Option<SocketAddr>, flood: Flood) -> u64 {
    const BATCH: u64 = 32;
    const HEADERS: u64 = 28;
    let payload = vec![0x5a; usize::from(flood.size)];
    let begin = Instant::now();
    let end = begin + Duration::from_millis(flood.millis);
    let mut sent = 0;
    while Instant::now() < end {
        for _ in 0..BATCH {
            let done = match to {
                Some(to) => socket.try_send_to(&payload, to),
                None => socket.try_send(&payload),
            };
            match done {
                Ok(_) => sent += 1,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    // Waits in the kernel's queue; an error here shows again with the next datagram.
                    drop(tokio::time::timeout(Duration::from_millis(5), socket.writable()).await);
                    break;
                }
                // A refusal from the far end (ICMP) is reported once and costs one datagram.
                Err(_) => {}
            }
        }
        let bits = sent * (u64::from(flood.size) + HEADERS) * 8;
        let due = match flood.rate {
            0 => Duration::ZERO,
            rate => Duration::from_nanos(
                u64::try_from(u128::from(bits) * 1_000_000_000 / u128::from(rate)).unwrap_or(u64::MAX),
            ),
        };
        match due.checked_sub(begin.elapsed()) {
            Some(early) if early > Duration::from_millis(1) => tokio::time::sleep(early).await,
            _ => tokio::task::yield_now().await,
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_a_flood_reads_back() {
        let flood = Flood { size: 1400, rate: 8_000_000, millis: 500 };
        assert_eq!(Flood::parse(flood.text().as_bytes()), Some(flood));
        assert_eq!(Flood::parse(b"1400 8000000"), None);
        assert_eq!(Flood::parse(b"99999 1 1"), None);
    }
}
