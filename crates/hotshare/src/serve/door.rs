//! A door for browsers: the dashboard, and the interface for those who have a token.
//!
//! Everything is bounded: connections in all and from one address, the size of a request, and the time of each part. Who
//! only stands in the door gives way to the next one, so nobody can keep the others out.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hotshare_core::access::{Crowd, GuestId, Room};
use hotshare_web::access::{Hosts, guard, guard_api, only_hosts};
use hotshare_web::{Door, Visitor, not_found, plain, see};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::access::AccessDesk;
use super::{AppState, routes};

/// How much, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoorLimits {
    pub(crate) connections: usize,
    /// From one address, which may be that of many: all of the machine's browsers have one.
    pub(crate) per_address: usize,
    /// For a head, and then for a body.
    pub(crate) part_time: Duration,
    /// Bytes of a body.
    pub(crate) body_size: usize,
    /// For all of it, the reply included.
    pub(crate) connection_time: Duration,
}

impl DoorLimits {
    pub(crate) const MACHINE: DoorLimits = DoorLimits {
        connections: 64,
        per_address: 64,
        part_time: Duration::from_secs(5),
        body_size: 64 << 10,
        connection_time: Duration::from_secs(60),
    };
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen for browsers at 127.0.0.1:{port}; is another program there? [web] machine_port chooses another"
)]
pub(crate) struct DoorError {
    port: u16,
    source: std::io::Error,
}

/// Listens on the machine's own loopback address, which no other machine reaches.
pub(crate) fn bind_machine(port: u16) -> Result<TcpListener, DoorError> {
    let listen = || {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        socket.listen(128)
    };
    listen().map_err(|source| DoorError { port, source })
}

/// What browsers find behind a door: `dashboard` answers paths under `/admin`.
pub(crate) fn behind(desk: &AccessDesk, interface: Router, dashboard: Router, hosts: Hosts) -> Router {
    let admin = guard(desk.clone(), dashboard);
    let interface = guard_api(desk.clone(), interface);
    // By the path's beginning and not as routes: what a route's pattern takes would count as the pages' own.
    let pages = Router::new().route("/", axum::routing::get(async || see("/admin"))).fallback(
        async move |request: axum::extract::Request| {
            let Ok(reply) = match request.uri().path() {
                path if path == "/admin" || path.starts_with("/admin/") => admin.oneshot(request).await,
                path if path == "/metrics" || path.starts_with("/v1/") => interface.oneshot(request).await,
                _ => Ok(not_found()),
            };
            reply
        },
    );
    only_hosts(hosts, pages)
}

/// All of the interface, for [`behind`].
pub(crate) fn interface(state: AppState) -> Router {
    routes::router(state)
}

/// Answers browsers until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    door: Door,
    pages: Router,
    limits: DoorLimits,
    stop: CancellationToken,
) {
    let crowd = Arc::new(Mutex::new(Crowd::new(limits.connections, limits.per_address)));
    let mut out: BTreeMap<GuestId, CancellationToken> = BTreeMap::new();
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = under_way.join_next() => {
                if let Ok(id) = ended {
                    out.remove(&id);
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let room = lock(&crowd).enter(peer.ip());
                    let new = match room {
                        Room::Free(new) => new,
                        Room::InsteadOf { new, out: other } => {
                            out.remove(&other).inspect(CancellationToken::cancel);
                            new
                        }
                        Room::None => continue,
                    };
                    let put_out = CancellationToken::new();
                    out.insert(new, put_out.clone());
                    let guest = Guest { id: new, crowd: Arc::clone(&crowd) };
                    let pages = pages.clone();
                    under_way.spawn(async move {
                        tokio::select! {
                            () = put_out.cancelled() => {}
                            () = converse(stream, door, pages, limits, &guest) => {}
                        }
                        guest.id
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: they come back, but not at once.
                    tracing::warn!(%error, "a browser could not be let in");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    under_way.shutdown().await;
}

fn lock(crowd: &Mutex<Crowd>) -> std::sync::MutexGuard<'_, Crowd> {
    crowd.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in the crowd, given back at the end.
struct Guest {
    id: GuestId,
    crowd: Arc<Mutex<Crowd>>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        lock(&self.crowd).leave(self.id);
    }
}

/// One connection: one request, one reply.
async fn converse(stream: TcpStream, door: Door, pages: Router, limits: DoorLimits, guest: &Guest) {
    let (Ok(here), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else { return };
    let visitor = Visitor { door, here, peer: peer.ip() };
    let answer = service_fn(move |request: Request<Incoming>| {
        let pages = pages.clone();
        async move { Ok::<_, std::convert::Infallible>(answer(request, visitor, pages, limits, guest).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.part_time)
        .max_buf_size(16 * 1024)
        .keep_alive(false);
    let connection = http.serve_connection(TokioIo::new(stream), answer);
    match timeout(limits.connection_time, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a browser's connection ended badly"),
        Err(_) => tracing::debug!("a browser's connection took too long"),
    }
}

/// The whole request is here before anything is done with it: whoever sends slowly stands in the door meanwhile.
async fn answer(
    request: Request<Incoming>,
    visitor: Visitor,
    pages: Router,
    limits: DoorLimits,
    guest: &Guest,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match timeout(limits.part_time, Limited::new(body, limits.body_size).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "This request is too large.\n"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "This request did not arrive.\n"),
    };
    if !lock(&guest.crowd).serve(guest.id) {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "Too many are here.\n");
    }
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(visitor);
    let Ok(reply) = pages.oneshot(request).await;
    reply
}

#[cfg(test)]
mod tests;
