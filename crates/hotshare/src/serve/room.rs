//! Connections of strangers, bounded: who only stands in the door gives way to the next one.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hotshare_core::access::{Crowd, GuestId, Room};
use hotshare_web::plain;
use http_body_util::{BodyExt as _, Limited};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How much, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoorLimits {
    pub(crate) connections: usize,
    /// From one address, which may be that of many: all of the machine's browsers have one.
    pub(crate) per_address: usize,
    /// For a head, for a body, and for what is agreed on before both.
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
    /// As many from one address as a browser opens.
    pub(crate) const LAN: DoorLimits =
        DoorLimits { per_address: 6, connection_time: Duration::from_secs(30), ..DoorLimits::MACHINE };
}

/// A place in the room, given back at the end.
pub(super) struct Guest {
    id: GuestId,
    crowd: Arc<Mutex<Crowd>>,
}

impl Guest {
    /// The whole of a request, before anything is done with it: whoever sends slowly stands in the door meanwhile.
    pub(super) async fn whole<B>(
        &self,
        request: Request<B>,
        limits: DoorLimits,
    ) -> Result<Request<Body>, Response>
    where
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let body = match timeout(limits.part_time, Limited::new(body, limits.body_size).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return Err(plain(StatusCode::PAYLOAD_TOO_LARGE, "This request is too large.\n")),
            Err(_) => return Err(plain(StatusCode::REQUEST_TIMEOUT, "This request did not arrive.\n")),
        };
        if lock(&self.crowd).serve(self.id) {
            return Ok(Request::from_parts(parts, Body::from(body)));
        }
        Err(plain(StatusCode::SERVICE_UNAVAILABLE, "Too many are here.\n"))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        lock(&self.crowd).leave(self.id);
    }
}

fn lock(crowd: &Mutex<Crowd>) -> MutexGuard<'_, Crowd> {
    crowd.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets connections in until `stop`; `visit` is all that becomes of one.
pub(super) async fn hold<V>(
    listener: TcpListener,
    limits: DoorLimits,
    stop: CancellationToken,
    visit: impl Fn(TcpStream, Arc<Guest>) -> V,
) where
    V: Future<Output = ()> + Send + 'static,
{
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
                    let Some(id) = room(&crowd, peer.ip(), &mut out) else { continue };
                    let put_out = CancellationToken::new();
                    out.insert(id, put_out.clone());
                    let visit = visit(stream, Arc::new(Guest { id, crowd: Arc::clone(&crowd) }));
                    under_way.spawn(async move {
                        let ended = timeout(limits.connection_time, visit);
                        tokio::select! {
                            () = put_out.cancelled() => tracing::trace!("somebody else came in instead"),
                            ended = ended => if ended.is_err() {
                                tracing::debug!("a browser's connection took too long");
                            },
                        }
                        id
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

/// A place for a new connection; whoever has to give way for it is told.
fn room(
    crowd: &Mutex<Crowd>,
    from: IpAddr,
    out: &mut BTreeMap<GuestId, CancellationToken>,
) -> Option<GuestId> {
    match lock(crowd).enter(from) {
        Room::Free(new) => Some(new),
        Room::InsteadOf { new, out: other } => {
            out.remove(&other).inspect(CancellationToken::cancel);
            Some(new)
        }
        Room::None => None,
    }
}
