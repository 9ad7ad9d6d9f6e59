//! The daemon's HTTP interface on a Unix socket. It decides nothing: a request becomes an `Ask` to the brain,
//! or a report read from the store.
//!
//! Everything is bounded: connections, the size of a head and a body, and the time that each part may take.
//! One connection carries one request.

mod access;
mod air;
mod alerts;
mod certificate;
pub(crate) mod door;
mod failure;
mod metrics;
mod openapi;
mod outlook;
mod passphrase;
pub(crate) mod portal;
mod reports;
mod room;
mod routes;
mod rules;
mod statement;
mod translate;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hotshare_core::ask::{Answer, Ask};
use hotshare_linux::radio::RadioView;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use self::access::{AccessDesk, AccessSettings};
pub(crate) use self::air::{band_told, key_told, mode_told};
pub(crate) use self::alerts::AlertDesk;
pub(crate) use self::certificate::{CertificateView, Failed};
pub(crate) use self::passphrase::fresh_passphrase;
pub(crate) use self::rules::read_plan;

/// The way into the event loop. Bounded; each question brings the place for its answer.
pub(crate) type BrainSender = mpsc::Sender<(Ask, oneshot::Sender<Answer>)>;

/// What the requests need.
#[derive(Clone, Debug)]
pub(crate) struct AppState {
    pub(crate) brain: BrainSender,
    /// The database that reports are read from.
    pub(crate) ledger_path: PathBuf,
    /// How the radio does; `None`: people are on wired ports only.
    pub(crate) radio: Option<watch::Receiver<RadioView>>,
    /// Cancelled by `POST /v1/down`: the daemon should stop.
    pub(crate) down: CancellationToken,
    pub(crate) limits: Limits,
    /// How it stands with the certificate of the pages; `None`: the owner wants none.
    pub(crate) certificate: Option<watch::Receiver<CertificateView>>,
    /// The ways to the owner, to be tried.
    pub(crate) alerts: AlertDesk,
    /// Who may come in by the doors for browsers.
    pub(crate) access: AccessDesk,
}

/// How long, how large, how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once; more wait in the listener's queue.
    pub(crate) connections: usize,
    /// For the request's head, from the moment the connection is accepted.
    pub(crate) head_time: Duration,
    pub(crate) body_time: Duration,
    /// Bytes of a request's body.
    pub(crate) body_size: usize,
    /// For the brain's answer. It includes a durable commit, which can take seconds on a bad SD card.
    pub(crate) answer_time: Duration,
    /// For a report.
    pub(crate) report_time: Duration,
    /// For all of it, the reply included.
    pub(crate) connection_time: Duration,
    /// For what is under way when the daemon stops.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 32,
            head_time: Duration::from_secs(5),
            body_time: Duration::from_secs(5),
            body_size: 16 * 1024,
            answer_time: Duration::from_secs(10),
            report_time: Duration::from_secs(30),
            connection_time: Duration::from_secs(60),
            grace: Duration::from_secs(1),
        }
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[error("cannot {attempt} the socket {path}")]
pub(crate) struct SocketError {
    attempt: &'static str,
    path: String,
    source: std::io::Error,
}

/// The group whose members may speak to the daemon, when the machine has it.
pub(crate) const GROUP: &str = "hotshare";

/// Makes the socket: for root and the group [`GROUP`] only. A socket that is there already is what a killed
/// daemon left, and is replaced: the caller holds the instance's lock.
pub(crate) fn bind(path: &Path) -> Result<UnixListener, SocketError> {
    let failed = |attempt| move |source| SocketError { attempt, path: path.display().to_string(), source };
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed("replace")(e)),
        Ok(()) | Err(_) => {}
    }
    // Nobody may slip in between the socket's birth and the change of its mode.
    let before = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(path);
    nix::sys::stat::umask(before);
    let listener = listener.map_err(failed("make"))?;

    // Without the group, or the right to give files away, the socket stays the owner's alone.
    if let Ok(Some(group)) = nix::unistd::Group::from_name(GROUP)
        && let Err(e) = nix::unistd::chown(path, None, Some(group.gid))
    {
        tracing::warn!(group = GROUP, error = %e, "the socket could not be given to the group");
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(failed("open up"))?;
    Ok(listener)
}

/// What a device on the LAN may see and do; it asks the same interface. `tls`: the owner's name for the gateway.
pub(crate) fn pages(state: AppState, tls: Option<String>) -> axum::Router {
    let my_data = hotshare_web::me::router(hotshare_web::Api::new(routes::router(state.clone())));
    let names = std::iter::once(hotshare_core::names::OWN_NAME.join(".")).chain(tls.clone());
    door::behind(state, hotshare_web::access::Hosts::new(names), my_data, tls)
}

/// Answers requests until `stop`. What is under way then may end within the grace.
pub(crate) async fn serve(listener: UnixListener, state: AppState, stop: CancellationToken) {
    let limits = state.limits;
    let routes = routes::router(state);
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut under_way = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_ended) = under_way.join_next() => {}
            (place, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let routes = routes.clone();
                    under_way.spawn(async move {
                        converse(stream, routes, limits).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: they come back, but not at once.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    let all_ended = async { while under_way.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, all_ended).await.is_err() {
        tracing::debug!("requests were still under way");
    }
    under_way.shutdown().await;
}

/// One connection: one request, one reply.
async fn converse<S>(stream: S, routes: axum::Router, limits: Limits)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(16 * 1024)
        .keep_alive(false);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    match tokio::time::timeout(limits.connection_time, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended badly"),
        Err(_) => tracing::debug!("a connection took too long"),
    }
}

#[cfg(test)]
mod tests;
