//! A phone: what a person's device does, from inside its own namespace.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use nlink::netlink::{Connection, Route};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::dhcp::{self, Lease};
use crate::inside::Inside;
use crate::internet::{Flood, pour};
use crate::{layout, packet};

/// Bytes of payload so far; others may look while they grow.
pub type Progress = Arc<AtomicU64>;

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Payload bytes that arrived (down) or that the kernel took (up).
    pub bytes: u64,
    /// All that was asked for went through.
    pub complete: bool,
}

/// One phone and its thread.
#[derive(Debug)]
pub struct Phone {
    number: u8,
    inside: Inside,
    lease: Option<Lease>,
}

impl Phone {
    pub(crate) fn enter(number: u8) -> Result<Phone> {
        Ok(Phone { number, inside: Inside::enter(&layout::phone_space(number))?, lease: None })
    }

    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The person it belongs to, unless a test gave it to another.
    #[must_use]
    pub fn person(&self) -> String {
        layout::phone_person(self.number)
    }

    /// The port of the web server that only this phone uses.
    #[must_use]
    pub fn web_port(&self) -> u16 {
        layout::PHONE_WEB_PORTS + u16::from(self.number)
    }

    /// The UDP port that swallows and that only this phone uses.
    #[must_use]
    pub fn sink_port(&self) -> u16 {
        layout::UDP_SINK_PORTS + u16::from(self.number)
    }

    /// Its namespace, with a thread for more tasks.
    #[must_use]
    pub fn inside(&self) -> &Inside {
        &self.inside
    }

    /// What the box's DHCP server promised.
    pub fn lease(&self) -> Result<&Lease> {
        self.lease.as_ref().with_context(|| format!("phone {} has no address yet", self.number))
    }

    /// Gets an address from the box, and uses it.
    pub async fn join(&mut self) -> Result<()> {
        let mac = layout::phone_mac(self.number);
        let name = self.person();
        let lease = self
            .inside
            .run(async move { dhcp::ask(mac, &name, Duration::from_secs(10)).await })
            .await
            .with_context(|| format!("phone {} got no address", self.number))?;
        dhcp::apply(self.inside.space(), &lease).await?;
        self.keep_lease(lease.clone());
        self.lease = Some(lease);
        Ok(())
    }

    /// Renews the lease at half of its time, for as long as the phone lives.
    fn keep_lease(&self, lease: Lease) {
        let mac = layout::phone_mac(self.number);
        let name = self.person();
        self.inside.start(async move {
            loop {
                tokio::time::sleep(lease.time / 2).await;
                // Not renewed now: the address works on until the other half is over, and is asked for again.
                drop(dhcp::renew(mac, &name, &lease).await);
            }
        });
    }

    /// `GET /bytes/N` from a port of the web server, counting the body as it comes.
    pub fn download(
        &self,
        port: u16,
        bytes: u64,
        progress: &Progress,
    ) -> tokio::task::JoinHandle<Result<Transfer>> {
        self.download_from((layout::WEB_ADDR, port), bytes, progress)
    }

    /// The same from anywhere.
    pub fn download_from(
        &self,
        target: (Ipv4Addr, u16),
        bytes: u64,
        progress: &Progress,
    ) -> tokio::task::JoinHandle<Result<Transfer>> {
        self.inside.start(download(target.into(), bytes, Arc::clone(progress)))
    }

    /// The page that the box shows to this phone.
    pub async fn page(&self) -> Result<String> {
        let router = self.lease()?.router.context("the lease names no router")?;
        self.http((router, 80), "GET / HTTP/1.1\r\nHost: hotshare.internal\r\nConnection: close\r\n\r\n")
            .await
    }

    /// A form of that page, filled in and sent by a browser.
    pub async fn form(&self, path: &str, fields: &str) -> Result<String> {
        let router = self.lease()?.router.context("the lease names no router")?;
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: hotshare.internal\r\nOrigin: http://hotshare.internal\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{fields}",
            fields.len()
        );
        self.http((router, 80), &request).await
    }

    /// What a system asks by this name and at this address, in plain HTTP.
    pub async fn probe(&self, at: Ipv4Addr, host: &str, path: &str) -> Result<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        self.http((at, 80), &request).await
    }

    /// One request and its reply.
    pub async fn http(&self, to: (Ipv4Addr, u16), request: &str) -> Result<String> {
        self.http_from(0, to, request).await
    }

    /// The same from one of the phone's ports.
    pub async fn http_from(&self, port: u16, to: (Ipv4Addr, u16), request: &str) -> Result<String> {
        let request = request.to_owned();
        let talk = async move {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind((Ipv4Addr::UNSPECIFIED, port).into())?;
            let mut stream = socket.connect(to.into()).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut reply = String::new();
            stream.read_to_string(&mut reply).await?;
            Ok(reply)
        };
        self.inside.run(async move { tokio::time::timeout(Duration::from_secs(3), talk).await? }).await
    }

    /// `POST /sink` of N bytes, counting what the kernel takes.
    pub fn upload(
        &self,
        port: u16,
        bytes: u64,
        progress: &Progress,
    ) -> tokio::task::JoinHandle<Result<Transfer>> {
        self.inside.start(upload((layout::WEB_ADDR, port).into(), bytes, Arc::clone(progress)))
    }

    /// Sends a flood of datagrams to a port of the Internet; returns how many the kernel took.
    pub fn flood_up(&self, port: u16, flood: Flood) -> tokio::task::JoinHandle<Result<u64>> {
        self.inside.start(async move {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
            Ok(pour(&socket, Some((layout::WEB_ADDR, port).into()), flood).await)
        })
    }

    /// Asks the Internet for a flood and swallows it, until a while after it should have ended.
    pub fn flood_down(&self, flood: Flood, progress: &Progress) -> tokio::task::JoinHandle<Result<u64>> {
        let progress = Arc::clone(progress);
        self.inside.start(async move {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
            socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
            let socket = UdpSocket::from_std(socket.into())?;
            socket.send_to(flood.text().as_bytes(), (layout::WEB_ADDR, layout::UDP_FLOOD_PORT)).await?;
            let mut datagram = vec![0; 1 << 16];
            let mut sum = 0;
            let receive = async {
                loop {
                    // ICMP errors are reported here too; the flood goes on.
                    let Ok((size, _)) = socket.recv_from(&mut datagram).await else { continue };
                    sum += size as u64;
                    progress.fetch_add(size as u64, Ordering::Relaxed);
                }
            };
            let patience = Duration::from_millis(flood.millis + 300);
            let ended: Result<(), _> = tokio::time::timeout(patience, receive).await;
            drop(ended); // always by the clock
            Ok(sum)
        })
    }

    /// Sends datagrams to the echo port and counts those that come back. Above the MTU they are fragmented.
    pub async fn echo(&self, size: usize, count: u32) -> Result<u32> {
        self.inside
            .run(async move {
                let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
                socket.connect((layout::WEB_ADDR, layout::UDP_ECHO_PORT)).await?;
                let (out, mut back) = (vec![0x65; size], vec![0; size + 1]);
                let mut answers = 0;
                for _ in 0..count {
                    // A refusal of an earlier datagram is reported here, and means no answer.
                    drop(socket.send(&out).await);
                    let answer =
                        tokio::time::timeout(Duration::from_millis(300), socket.recv(&mut back)).await;
                    answers += u32::from(matches!(answer, Ok(Ok(n)) if n == size));
                }
                Ok(answers)
            })
            .await
    }

    /// Pings an address with a payload of `size` bytes; counts the answers.
    pub async fn ping(&self, target: Ipv4Addr, size: usize, count: u16) -> Result<u16> {
        self.inside.run(ping(target, size, count)).await
    }

    /// Asks the resolver of the lease.
    pub async fn resolve(&self, name: &str) -> Result<(ResponseCode, Vec<Ipv4Addr>)> {
        let server = *self.lease()?.dns.first().context("the lease names no resolver")?;
        self.resolve_at(server, name).await
    }

    /// Asks any resolver.
    pub async fn resolve_at(&self, server: Ipv4Addr, name: &str) -> Result<(ResponseCode, Vec<Ipv4Addr>)> {
        let mut question = Message::query();
        question.metadata.recursion_desired = true;
        question.add_query(Query::query(Name::from_ascii(name)?, RecordType::A));
        let bytes = question.to_vec()?;
        self.inside
            .run(async move {
                let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
                socket.connect((server, 53)).await?;
                socket.send(&bytes).await?;
                let mut buffer = [0; 2048];
                let size = tokio::time::timeout(Duration::from_secs(3), socket.recv(&mut buffer))
                    .await
                    .with_context(|| format!("the resolver {server} does not answer"))??;
                let reply = Message::from_vec(&buffer[..size])?;
                let addresses = reply
                    .answers
                    .iter()
                    .filter_map(|record| if let RData::A(a) = &record.data { Some(a.0) } else { None });
                Ok((reply.metadata.response_code, addresses.collect()))
            })
            .await
    }

    /// Can a TCP connection to there be made within a second?
    pub async fn reaches(&self, target: (Ipv4Addr, u16)) -> Result<bool> {
        self.inside
            .run(async move {
                let made = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(target)).await;
                Ok(matches!(made, Ok(Ok(_))))
            })
            .await
    }

    /// The hardware address of the box, as the phone has learnt it.
    pub async fn gateway_mac(&self) -> Result<[u8; 6]> {
        let router = self.lease()?.router.context("the lease names no router")?;
        self.ping(router, 8, 1).await?; // whether it is answered or not, the address is asked for
        let links = Connection::<Route>::new_in(self.inside.space())?;
        let neighbours = links.get_neighbors_by_name(layout::PHONE_PORT).await?;
        let entry = neighbours.iter().find(|n| n.destination() == Some(&router.into()));
        let mac = entry.and_then(|n| n.lladdr()).context("the phone has not found its router")?;
        Ok(<[u8; 6]>::try_from(mac)?)
    }

    /// A socket that sends whole Ethernet frames, for stations that do not keep to any rule.
    pub async fn frame_socket(&self) -> Result<OwnedFd> {
        let links = Connection::<Route>::new_in(self.inside.space())?;
        let link =
            links.get_link_by_name(layout::PHONE_PORT).await?.context("the phone has lost its port")?;
        Ok(packet::frame_socket(self.inside.space(), i32::try_from(link.ifindex())?)?)
    }
}

async fn download(target: SocketAddr, bytes: u64, progress: Progress) -> Result<Transfer> {
    let mut transfer = Transfer { bytes: 0, complete: false };
    let connecting = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(target)).await;
    let Ok(Ok(mut stream)) = connecting else { return Ok(transfer) };
    let request = format!("GET /bytes/{bytes} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return Ok(transfer);
    }
    let mut buffer = vec![0; 1 << 18];
    let mut head = Vec::new();
    loop {
        let size = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(transfer), // broken off: the caller sees how far it came
            Ok(size) => size,
        };
        let body = if transfer.bytes > 0 {
            size
        } else {
            head.extend_from_slice(&buffer[..size]);
            match head.windows(4).position(|four| four == b"\r\n\r\n") {
                None if head.len() > 4096 => bail!("the web server's answer has no end of its headers"),
                None => 0,
                Some(_) if !head.starts_with(b"HTTP/1.1 200") => bail!("the web server did not answer 200"),
                Some(end) => head.len() - end - 4,
            }
        };
        transfer.bytes += body as u64;
        progress.fetch_add(body as u64, Ordering::Relaxed);
        if transfer.bytes >= bytes {
            transfer.complete = true;
            return Ok(transfer);
        }
    }
}

async fn upload(target: SocketAddr, bytes: u64, progress: Progress) -> Result<Transfer> {
    let mut transfer = Transfer { bytes: 0, complete: false };
    let connecting = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(target)).await;
    let Ok(Ok(mut stream)) = connecting else { return Ok(transfer) };
    let request = format!(
        "POST /sink HTTP/1.1\r\nHost: {target}\r\nContent-Length: {bytes}\r\nConnection: close\r\n\r\n"
    );
    if stream.write_all(request.as_bytes()).await.is_err() {
        return Ok(transfer);
    }
    let filling = vec![0x5a; 1 << 17];
    while transfer.bytes < bytes {
        let size = usize::try_from(bytes - transfer.bytes).unwrap_or(usize::MAX).min(filling.len());
        match stream.write(&filling[..size]).await {
            Ok(0) | Err(_) => return Ok(transfer),
            Ok(size) => {
                transfer.bytes += size as u64;
                progress.fetch_add(size as u64, Ordering::Relaxed);
            }
        }
    }
    let mut answer = String::new();
    transfer.complete =
        stream.read_to_string(&mut answer).await.is_ok() && answer.ends_with(&format!("\n{bytes}\n"));
    Ok(transfer)
}

async fn ping(target: Ipv4Addr, size: usize, count: u16) -> Result<u16> {
    let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking().cloexec(), Some(Protocol::ICMPV4))?;
    socket.connect(&SocketAddr::from((target, 0)).into())?;
    // A raw socket is read and written like a connected datagram socket.
    let socket = UdpSocket::from_std(std::net::UdpSocket::from(OwnedFd::from(socket)))?;
    let mut answers = 0;
    let mut buffer = vec![0; size + 100];
    for sequence in 1..=count {
        let mut request = vec![0x70; 8 + size];
        request[..8].copy_from_slice(&[8, 0, 0, 0, 0x68, 0x73, 0, 0]);
        request[6..8].copy_from_slice(&sequence.to_be_bytes());
        let sum = checksum(&request);
        request[2..4].copy_from_slice(&sum.to_be_bytes());
        // An ICMP error of an earlier request is reported here, and means no answer.
        drop(socket.send(&request).await);
        let wait = async {
            loop {
                let n = socket.recv(&mut buffer).await?;
                let header = usize::from(buffer[0] & 0x0f) * 4;
                if n >= header + 8 + size
                    && buffer[header] == 0
                    && buffer[header + 6..header + 8] == request[6..8]
                {
                    return Ok::<(), std::io::Error>(());
                }
            }
        };
        let answer = tokio::time::timeout(Duration::from_millis(300), wait).await;
        answers += u16::from(matches!(answer, Ok(Ok(()))));
    }
    Ok(answers)
}

/// The Internet checksum (RFC 1071).
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}
