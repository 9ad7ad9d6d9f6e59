//! The page that a device finds at the gateway's address: whose it is, what is left, and why it is closed.
//!
//! Whoever is on the LAN may ask, so everything is bounded: connections in all and from one address, time, and how
//! often the brain is asked. Only the device at the asking address is spoken of. There is no script. Whoever it is can ask the
//! owner for more, once until the answer; nothing else can be changed here.

mod page;
mod wish;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use hotshare_core::ask::{Answer, Ask, Status};
use hotshare_core::names::OWN_NAME;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::page::{Asker, Language};
use super::{BrainSender, Limits, converse};

/// Where browsers look without being told.
const PORT: u16 = 80;
/// From one address at once: as many as a browser opens.
const PER_ADDRESS: usize = 6;
/// What the brain said is good for so long.
const FRESH: Duration = Duration::from_secs(1);

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for browsers at {at} on {lan}")]
pub(crate) struct PortalError {
    at: SocketAddrV4,
    lan: String,
    source: std::io::Error,
}

/// Listens at the gateway's address, to what comes in on the LAN only.
pub(crate) fn bind(lan: &str, gateway: Ipv4Addr) -> Result<TcpListener, PortalError> {
    bind_at(lan, SocketAddrV4::new(gateway, PORT))
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

/// Shows the page until `stop`.
pub(crate) async fn serve(listener: TcpListener, brain: BrainSender, stop: CancellationToken) {
    let limits = Limits {
        connections: 64,
        answer_time: Duration::from_secs(3),
        connection_time: Duration::from_secs(10),
        ..Limits::default()
    };
    let portal = Portal { brain, limits, latest: Arc::default() };
    let places = Arc::new(Mutex::new(BTreeMap::new()));
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_ended) = under_way.join_next() => {}
            accepted = listener.accept(), if under_way.len() < limits.connections => match accepted {
                Ok((stream, peer)) => {
                    // Whoever has all of their places taken is not waited for.
                    if let Some(place) = Place::take(&places, peer.ip()) {
                        let portal = portal.clone();
                        under_way.spawn(async move {
                            visit(stream, portal).await;
                            drop(place);
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a browser could not be let in");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    under_way.shutdown().await;
}

/// How many connections each address has.
type Places = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// One of an address's connections.
struct Place {
    places: Places,
    whose: IpAddr,
}

impl Place {
    fn take(places: &Places, whose: IpAddr) -> Option<Place> {
        let mut taken = places.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(whose).or_insert(0);
        if *count >= PER_ADDRESS {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Place { places: Arc::clone(places), whose })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.whose) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.whose);
            }
        }
    }
}

/// One connection: one request, one page.
async fn visit(stream: TcpStream, portal: Portal) {
    let (Ok(IpAddr::V4(here)), Ok(IpAddr::V4(peer))) =
        (stream.local_addr().map(|a| a.ip()), stream.peer_addr().map(|a| a.ip()))
    else {
        return;
    };
    let limits = portal.limits;
    let routes = Router::new().fallback(answer).with_state(Visit { portal, here, peer });
    converse(stream, routes, limits).await;
}

/// What is needed to show a page.
#[derive(Clone)]
struct Portal {
    brain: BrainSender,
    limits: Limits,
    /// The brain's latest answer. Those who ask meanwhile wait for the same one.
    latest: Arc<tokio::sync::Mutex<Option<Latest>>>,
}

/// What the brain said, and when.
struct Latest {
    at: Instant,
    status: Arc<Status>,
}

/// The ends of a connection.
#[derive(Clone)]
struct Visit {
    portal: Portal,
    here: Ipv4Addr,
    peer: Ipv4Addr,
}

async fn answer(State(visit): State<Visit>, request: Request) -> Response {
    let (Parts { method, uri, headers, .. }, body) = request.into_parts();
    // A page from outside whose name leads here must not read this one (DNS rebinding).
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_here(host, visit.here) {
        return not_found();
    }
    match method.as_str() {
        "GET" | "HEAD" => {}
        "POST" if uri.path() == page::ASK_PATH => return wish::take(&visit, &headers, body).await,
        _ => return not_found(),
    }
    match uri.path() {
        "/" => {}
        page::STYLE_PATH => return shown(StatusCode::OK, "text/css; charset=utf-8", page::STYLE.to_owned()),
        _ => return not_found(),
    }
    let wished = headers.get(ACCEPT_LANGUAGE).and_then(|wished| wished.to_str().ok()).unwrap_or_default();
    let language = Language::of(wished);
    match visit.portal.status().await {
        Some(status) => shown(StatusCode::OK, HTML, page::html(language, &Asker::of(&status, visit.peer))),
        None => shown(StatusCode::SERVICE_UNAVAILABLE, HTML, page::busy(language)),
    }
}

impl Portal {
    async fn status(&self) -> Option<Arc<Status>> {
        let asked = async {
            let mut latest = self.latest.lock().await;
            if let Some(latest) = latest.as_ref().filter(|latest| latest.at.elapsed() < FRESH) {
                return Some(Arc::clone(&latest.status));
            }
            let (reply, answer) = oneshot::channel();
            self.brain.send((Ask::Status, reply)).await.ok()?;
            match answer.await.ok()? {
                Answer::Status(status) => {
                    let status = Arc::new(*status);
                    *latest = Some(Latest { at: Instant::now(), status: Arc::clone(&status) });
                    Some(status)
                }
                Answer::Done | Answer::Key(_) | Answer::Wifi(_) | Answer::Refused(_) => None,
            }
        };
        timeout(self.limits.answer_time, asked).await.ok().flatten()
    }
}

/// Does a browser that says this mean the gateway?
fn is_here(host: &str, here: Ipv4Addr) -> bool {
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name.parse() == Ok(here) || name.eq_ignore_ascii_case(&OWN_NAME.join("."))
}

const HTML: &str = "text/html; charset=utf-8";

fn shown(status: StatusCode, kind: &'static str, text: String) -> Response {
    // Nothing may be loaded but the style, nothing run, nothing sent elsewhere, and nobody may frame it.
    const POLICY: &str =
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    let headers = [
        (HeaderName::from_static("content-type"), kind),
        (HeaderName::from_static("content-security-policy"), POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        // A form of this page says where it comes from; with `no-referrer` it would not.
        (HeaderName::from_static("referrer-policy"), "same-origin"),
        (HeaderName::from_static("cache-control"), "no-store"),
    ];
    (status, headers, text).into_response()
}

fn not_found() -> Response {
    shown(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "There is no such page.\n".to_owned())
}

#[cfg(test)]
mod tests;
