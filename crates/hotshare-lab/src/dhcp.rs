//! A small DHCP client, so that a phone is configured by the box and by nothing else (RFC 2131).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};
use nlink::netlink::addr::Ipv4Address;
use nlink::netlink::namespace::Netns;
use nlink::netlink::route::Ipv4Route;
use nlink::netlink::{Connection, Route};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::layout;

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;

/// What the box's server promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub address: Ipv4Addr,
    pub prefix: u8,
    pub router: Option<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
    pub server: Ipv4Addr,
    /// How long it is good for.
    pub time: Duration,
    /// Where the portal's interface is (RFC 8910).
    pub captive_portal: Option<String>,
}

/// Asks for an address from inside a phone's namespace: DISCOVER, OFFER, REQUEST, ACK.
pub async fn ask(mac: [u8; 6], host_name: &str, patience: Duration) -> Result<Lease> {
    let socket = open()?;
    let id = u32::from_be_bytes([0x1a, 0xb0, mac[4], mac[5]]);
    let talk = async {
        let offer = exchange(&socket, id, MessageType::Offer, |message| {
            fill(message, mac, host_name, MessageType::Discover);
        })
        .await?;
        let server = server_of(&offer)?;
        let address = offer.yiaddr();
        let ack = exchange(&socket, id, MessageType::Ack, |message| {
            fill(message, mac, host_name, MessageType::Request);
            message.opts_mut().insert(DhcpOption::RequestedIpAddress(address));
            message.opts_mut().insert(DhcpOption::ServerIdentifier(server));
        })
        .await?;
        read(&ack)
    };
    tokio::time::timeout(patience, talk).await.context("no DHCP server answers: is the daemon running?")?
}

/// Extends a lease (RENEWING, but broadcast so that one socket serves both).
pub async fn renew(mac: [u8; 6], host_name: &str, lease: &Lease) -> Result<Lease> {
    let socket = open()?;
    let id = u32::from_be_bytes([0x1a, 0xb1, mac[4], mac[5]]);
    let talk = exchange(&socket, id, MessageType::Ack, |message| {
        fill(message, mac, host_name, MessageType::Request);
        message.set_ciaddr(lease.address);
    });
    read(&tokio::time::timeout(Duration::from_secs(10), talk).await.context("the lease was not renewed")??)
}

/// Gives the phone what the lease says, and its resolver to programs under `ip netns exec`.
pub async fn apply(space: &Netns, lease: &Lease) -> Result<()> {
    let phone = Connection::<Route>::new_in(space)?;
    let known = phone.get_addresses_by_name(layout::PHONE_PORT).await?;
    if !known.iter().any(|a| a.address() == Some(&lease.address.into())) {
        phone.add_address(Ipv4Address::new(layout::PHONE_PORT, lease.address, lease.prefix)).await?;
    }
    if let Some(router) = lease.router {
        phone.replace_route(Ipv4Route::default_route().gateway(router).dev(layout::PHONE_PORT)).await?;
    }
    let dir = Path::new(layout::ETC_NETNS).join(space.label());
    std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
    let lines: String = lease.dns.iter().map(|addr| format!("nameserver {addr}\n")).collect();
    std::fs::write(dir.join("resolv.conf"), lines).with_context(|| format!("write in {}", dir.display()))
}

fn open() -> Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.bind_device(Some(layout::PHONE_PORT.as_bytes()))?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT).into())?;
    Ok(UdpSocket::from_std(socket.into())?)
}

fn fill(message: &mut Message, mac: [u8; 6], host_name: &str, kind: MessageType) {
    message.set_chaddr(&mac).set_flags(Flags::default().set_broadcast());
    let options = message.opts_mut();
    options.insert(DhcpOption::MessageType(kind));
    options.insert(DhcpOption::Hostname(host_name.to_owned()));
    options.insert(DhcpOption::ParameterRequestList(vec![
        OptionCode::SubnetMask,
        OptionCode::Router,
        OptionCode::DomainNameServer,
        OptionCode::AddressLeaseTime,
        OptionCode::VendorExtensions,
        OptionCode::CaptivePortal,
    ]));
}

/// Sends a message, again and again if need be, until the wanted kind of answer comes.
async fn exchange(
    socket: &UdpSocket,
    id: u32,
    wanted: MessageType,
    prepare: impl Fn(&mut Message),
) -> Result<Message> {
    let mut message = Message::default();
    message.set_xid(id);
    prepare(&mut message);
    let bytes = message.to_vec()?;
    let mut buffer = vec![0; 1500];
    let mut pause = Duration::from_millis(100);
    loop {
        // The link may not be up yet: then nothing is sent, and it is tried again.
        drop(socket.send_to(&bytes, (Ipv4Addr::BROADCAST, SERVER_PORT)).await);
        let answer = async {
            loop {
                let (size, _) = socket.recv_from(&mut buffer).await?;
                let Ok(reply) = Message::decode(&mut Decoder::new(&buffer[..size])) else { continue };
                if reply.xid() != id {
                    continue;
                }
                match reply.opts().msg_type() {
                    Some(kind) if kind == wanted => return Ok(reply),
                    Some(MessageType::Nak) => bail!("the box refuses the address"),
                    _ => {}
                }
            }
        };
        if let Ok(reply) = tokio::time::timeout(pause, answer).await {
            return reply;
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

fn server_of(message: &Message) -> Result<Ipv4Addr> {
    match message.opts().get(OptionCode::ServerIdentifier) {
        Some(DhcpOption::ServerIdentifier(server)) => Ok(*server),
        _ => bail!("the box's DHCP answer does not say which server it is from"),
    }
}

fn read(ack: &Message) -> Result<Lease> {
    let prefix = match ack.opts().get(OptionCode::SubnetMask) {
        Some(DhcpOption::SubnetMask(mask)) => u8::try_from(mask.to_bits().leading_ones())?,
        _ => bail!("the box's DHCP answer has no subnet mask"),
    };
    let router = match ack.opts().get(OptionCode::Router) {
        Some(DhcpOption::Router(routers)) => routers.first().copied(),
        _ => None,
    };
    let dns = match ack.opts().get(OptionCode::DomainNameServer) {
        Some(DhcpOption::DomainNameServer(servers)) => servers.clone(),
        _ => Vec::new(),
    };
    let time = match ack.opts().get(OptionCode::AddressLeaseTime) {
        Some(DhcpOption::AddressLeaseTime(seconds)) => Duration::from_secs(u64::from(*seconds)),
        _ => bail!("the box's DHCP answer has no lease time"),
    };
    let captive_portal = match ack.opts().get(OptionCode::CaptivePortal) {
        Some(DhcpOption::CaptivePortal(uri)) => Some(uri.to_string()),
        _ => None,
    };
    Ok(Lease { address: ack.yiaddr(), prefix, router, dns, server: server_of(ack)?, time, captive_portal })
}
