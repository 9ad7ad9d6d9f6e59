//! What is behind the doors for browsers: the dashboard, the interface for those who have a token, and on the LAN each
//! device's own data. Also the machine's own door.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hotshare_web::access::{Hosts, guard, guard_api, only_hosts};
use hotshare_web::{Door, Visitor, not_found, plain, see};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::access::AccessDesk;
use super::room::{self, DoorLimits, Guest};
use super::{AppState, routes};

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for browsers at {at}; is another program there? [web] machine_port chooses another")]
pub(crate) struct DoorError {
    at: SocketAddr,
    source: std::io::Error,
}

/// Listens on the machine's own loopback addresses, which no other machine reaches. On both, for a browser may mean
/// either by `localhost`: at the one that we left free, another user's program could ask for the owner's password.
pub(crate) fn bind_machine(port: u16) -> Result<Vec<TcpListener>, DoorError> {
    let mut doors = vec![bind_loopback(Ipv4Addr::LOCALHOST.into(), port)?];
    match bind_loopback(Ipv6Addr::LOCALHOST.into(), port) {
        Ok(door) => doors.push(door),
        // A machine without IPv6 has no such address, and nobody else can have it.
        Err(error) if error.source.kind() == ErrorKind::AddrNotAvailable || is_unknown(&error.source) => {}
        Err(error) => return Err(error),
    }
    Ok(doors)
}

fn is_unknown(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EAFNOSUPPORT as i32)
}

fn bind_loopback(address: IpAddr, port: u16) -> Result<TcpListener, DoorError> {
    let at = SocketAddr::new(address, port);
    let listen = || {
        let socket = match address {
            IpAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
            IpAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        socket.listen(128)
    };
    listen().map_err(|source| DoorError { at, source })
}

/// What browsers find behind a door. `rest` is all that is neither the dashboard nor the interface; `tls`: the name by
/// which the LAN has a door by TLS, so that no password goes over it in the clear.
pub(crate) fn behind(state: AppState, hosts: Hosts, rest: Router, tls: Option<String>) -> Router {
    let desk = state.access.clone();
    let interface = routes::router(state);
    let dashboard = hotshare_web::admin::router(hotshare_web::Api::new(interface.clone()));
    only_hosts(hosts, pages(desk, interface, dashboard, rest, tls))
}

fn pages(
    desk: AccessDesk,
    interface: Router,
    dashboard: Router,
    rest: Router,
    tls: Option<String>,
) -> Router {
    let admin = guard(desk.clone(), dashboard);
    let interface = guard_api(desk, interface);
    // By the path's beginning and not as routes: what a route's pattern takes would count as the pages' own.
    Router::new().fallback(async move |request: Request<Body>| {
        let path = request.uri().path();
        let is_admin = path == "/admin" || path.starts_with("/admin/");
        let is_interface = path == "/metrics" || path.starts_with("/v1/");
        let in_clear = request.extensions().get::<Visitor>().is_some_and(|visitor| visitor.door == Door::Lan);
        if let (Some(name), true) = (tls, in_clear && (is_admin || is_interface)) {
            return match is_admin && request.method().is_safe() {
                true => see(&format!("https://{name}{path}")),
                false => plain(StatusCode::FORBIDDEN, format!("Only by TLS: https://{name}/\n")),
            };
        }
        let Ok(reply) = match (is_admin, is_interface) {
            (true, _) => admin.oneshot(request).await,
            (_, true) => interface.oneshot(request).await,
            (false, false) => rest.oneshot(request).await,
        };
        reply
    })
}

/// The rest at the machine's own door.
pub(crate) fn to_dashboard() -> Router {
    Router::new().route("/", axum::routing::get(async || see("/admin"))).fallback(async || not_found())
}

/// Answers browsers at the machine's own door until `stop`.
pub(crate) async fn serve_machine(listeners: Vec<TcpListener>, pages: Router, stop: CancellationToken) {
    let mut doors = JoinSet::new();
    for listener in listeners {
        doors.spawn(serve(listener, Door::Machine, pages.clone(), DoorLimits::MACHINE, stop.clone()));
    }
    // One that ends before the others is no door any more.
    doors.join_next().await;
    doors.shutdown().await;
}

async fn serve(
    listener: TcpListener,
    door: Door,
    pages: Router,
    limits: DoorLimits,
    stop: CancellationToken,
) {
    room::hold(listener, limits, stop, |stream: TcpStream, guest| {
        let pages = pages.clone();
        async move {
            let (Ok(here), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else { return };
            converse(stream, pages, Visitor { door, here, peer: peer.ip() }, limits, guest).await;
        }
    })
    .await;
}

/// One connection: one request, one reply.
pub(super) async fn converse(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    pages: Router,
    visitor: Visitor,
    limits: DoorLimits,
    guest: Arc<Guest>,
) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let (pages, guest) = (pages.clone(), Arc::clone(&guest));
        async move {
            let reply = match guest.whole(request, limits).await {
                Ok(mut request) => {
                    request.extensions_mut().insert(visitor);
                    let Ok(reply) = pages.oneshot(request).await;
                    reply
                }
                Err(no) => no,
            };
            Ok::<_, std::convert::Infallible>(reply)
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.part_time)
        .max_buf_size(16 * 1024)
        .keep_alive(false);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!(%error, "a browser's connection ended badly");
    }
}

#[cfg(test)]
mod tests;
