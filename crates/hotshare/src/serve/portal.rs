//! The doors on the LAN to the pages of `hotshare-web`: at the gateway's address in the clear, and with the owner's
//! certificate by TLS.
//!
//! Whoever is on the LAN may come, so everything is bounded: connections in all and from one address, and time. Who may not
//! use the uplink comes with requests for anything, and is told where the page is.

mod certificate;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, LOCATION};
use axum::response::{IntoResponse, Response};
use hotshare_core::names::OWN_NAME;
use hotshare_web::{Door, Visitor, plain};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) use self::certificate::{Secure, check};
use super::door::converse;
use super::room::{self, DoorLimits, Guest};

/// Where browsers look without being told: in the clear, and by TLS.
pub(crate) const PORT: u16 = 80;
pub(crate) const TLS_PORT: u16 = 443;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for browsers at {at} on {lan}")]
pub(crate) struct PortalError {
    at: SocketAddrV4,
    lan: String,
    source: std::io::Error,
}

/// Listens at the gateway's address, to what comes in on the LAN only.
pub(crate) fn bind(lan: &str, gateway: Ipv4Addr, port: u16) -> Result<TcpListener, PortalError> {
    bind_at(lan, SocketAddrV4::new(gateway, port))
}

fn bind_at(lan: &str, at: SocketAddrV4) -> Result<TcpListener, PortalError> {
    let listen = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind_device(Some(lan.as_bytes()))?;
        socket.bind(SocketAddr::V4(at))?;
        socket.listen(64)
    };
    listen().map_err(|source| PortalError { at, lan: lan.to_owned(), source })
}

/// One of the portal's ports.
#[derive(Debug)]
pub(crate) struct PortalDoor {
    /// Everything that can be seen and done; set once the daemon can answer. Until then nobody is let in.
    pub(crate) pages: Arc<OnceLock<Router>>,
    /// The owner's certificate, whether or not it is used at this door.
    pub(crate) secure: Option<Arc<Secure>>,
    pub(crate) is_tls: bool,
}

/// Shows the pages until `stop`.
pub(crate) async fn serve(listener: TcpListener, door: PortalDoor, stop: CancellationToken) {
    let door = Arc::new(door);
    room::hold(listener, DoorLimits::LAN, stop, |stream, guest| visit(stream, Arc::clone(&door), guest))
        .await;
}

/// One connection: one request, one page.
async fn visit(stream: TcpStream, door: Arc<PortalDoor>, guest: Arc<Guest>) {
    let (Ok(here), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else { return };
    let Some(pages) = door.pages.get().cloned() else { return };
    let limits = DoorLimits::LAN;
    let kind = if door.secure.is_some() && door.is_tls { Door::LanTls } else { Door::Lan };
    let visitor = Visitor { door: kind, here, peer: peer.ip() };
    let front = Front { pages, visitor, name: door.secure.as_ref().map(|secure| secure.name().into()) };
    let routes = Router::new().fallback(answer).with_state(front);
    match (&door.secure, kind) {
        (Some(secure), Door::LanTls) => {
            let handshake = TlsAcceptor::from(secure.config()).accept(stream);
            match timeout(limits.part_time, handshake).await {
                Ok(Ok(stream)) => converse(stream, routes, visitor, limits, guest).await,
                Ok(Err(error)) => tracing::debug!(%error, "no TLS was agreed on"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        }
        (_, _) => converse(stream, routes, visitor, limits, guest).await,
    }
}

/// What stands between a connection and the pages.
#[derive(Clone)]
struct Front {
    pages: Router,
    visitor: Visitor,
    /// The owner's name for the gateway.
    name: Option<Arc<str>>,
}

async fn answer(State(front): State<Front>, request: Request) -> Response {
    let Front { pages, visitor, name } = front;
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    match whose(host, visitor, name.as_deref()) {
        Whose::Ours => {
            let Ok(reply) = pages.oneshot(request).await;
            reply
        }
        Whose::OursByTls(name) => elsewhere(&format!("https://{name}/")),
        Whose::Foreign => elsewhere(&format!("http://{}/", OWN_NAME.join("."))),
        Whose::Nobodys => plain(StatusCode::MISDIRECTED_REQUEST, "That is not served here.\n"),
    }
}

/// What a browser means that names a host.
#[derive(Debug, PartialEq, Eq)]
enum Whose<'a> {
    Ours,
    /// The owner's name, which has a door of its own.
    OursByTls(&'a str),
    /// Something on the Internet, which this device cannot reach: the rules led it here. It gets to know where the page
    /// is, and never the page itself: a page from outside whose name leads here must not read it (DNS rebinding).
    Foreign,
    Nobodys,
}

fn whose<'a>(host: &str, visitor: Visitor, tls_name: Option<&'a str>) -> Whose<'a> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_tls_name = tls_name.is_some_and(|own| name.eq_ignore_ascii_case(own));
    match (visitor.door, tls_name.filter(|_| is_tls_name)) {
        (Door::LanTls, Some(_)) => Whose::Ours,
        (Door::LanTls, None) => Whose::Nobodys,
        (Door::Lan | Door::Machine, Some(name)) => Whose::OursByTls(name),
        (Door::Lan | Door::Machine, None) => {
            let is_own =
                name.parse() == Ok(visitor.here.ip()) || name.eq_ignore_ascii_case(&OWN_NAME.join("."));
            if is_own { Whose::Ours } else { Whose::Foreign }
        }
    }
}

/// By this, systems know that there is a portal. The connection ends with it: whoever is opened next must not go on with
/// one that was led here.
fn elsewhere(place: &str) -> Response {
    let headers = [
        (LOCATION, place),
        (CACHE_CONTROL, "no-store"),
        (CONNECTION, "close"),
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
    ];
    (StatusCode::FOUND, headers, format!("See {place}\n")).into_response()
}

#[cfg(test)]
mod tests;
