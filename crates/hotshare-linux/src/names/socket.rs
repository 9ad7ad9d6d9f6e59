//! The listening sockets: the gateway's address and the LAN interface only.

use std::io;
use std::net::{SocketAddr, SocketAddrV4};

use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use super::{NamesConfig, NamesError};

const PORT: u16 = 53;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 64;

pub(super) fn open(config: &NamesConfig) -> Result<(UdpSocket, TcpListener), NamesError> {
    let udp = bound(config, Type::DGRAM, Protocol::UDP).map_err(|source| explain(config, source))?;
    let tcp = bound(config, Type::STREAM, Protocol::TCP).map_err(|source| explain(config, source))?;
    let failed = |attempt| move |source| NamesError::Socket { gateway: config.gateway, attempt, source };
    tcp.listen(BACKLOG).map_err(failed("listen"))?;
    let udp = UdpSocket::from_std(udp.into()).map_err(failed("watch the UDP socket"))?;
    let tcp = TcpListener::from_std(tcp.into()).map_err(failed("watch the TCP socket"))?;
    Ok((udp, tcp))
}

fn bound(config: &NamesConfig, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, kind.nonblocking().cloexec(), Some(protocol))?;
    // For TCP: stopping and starting at once works. For UDP it would let a second server in unnoticed.
    socket.set_reuse_address(kind == Type::STREAM)?;
    socket.bind_device(Some(config.lan.as_bytes()))?;
    socket.bind(&SocketAddr::V4(SocketAddrV4::new(config.gateway, PORT)).into())?;
    Ok(socket)
}

fn explain(config: &NamesConfig, source: io::Error) -> NamesError {
    let (lan, gateway) = (config.lan.clone(), config.gateway);
    match source.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRNOTAVAIL) => NamesError::NoAddress { lan, gateway, source },
        Some(Errno::ENODEV) => NamesError::NoInterface { lan, source },
        Some(Errno::EADDRINUSE) => NamesError::PortTaken { lan, gateway, source },
        Some(Errno::EACCES | Errno::EPERM) => NamesError::Denied { gateway, source },
        _ => NamesError::Socket { gateway, attempt: "open a socket", source },
    }
}
