//! Speaks to the daemon: one HTTP request over its Unix socket, one reply.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotshare_api::Failure;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

/// Longer than the daemon may take for any request.
const PATIENCE: Duration = Duration::from_secs(65);
/// No reply is as large as this: a year of days of a hundred people is a tenth of it.
const LARGEST_REPLY: usize = 64 << 20;

/// Why there is no reply that could be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("nobody answers at {}", .0.display())]
    NotRunning(PathBuf),
    #[error("{} is for root and the group “hotshare” only", .0.display())]
    NotPermitted(PathBuf),
    #[error("cannot connect to {}", path.display())]
    NotConnected { path: PathBuf, source: std::io::Error },
    #[error("the daemon did not answer within {} s", PATIENCE.as_secs())]
    TooSlow,
    #[error("the connection to the daemon broke")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the daemon's reply (HTTP status {status}) cannot be understood; is it of another release?")]
    NotUnderstood { status: u16, source: serde_json::Error },
    /// It understood, and the answer is no: `refused` when the request was at fault.
    #[error("{}", failure.error.message)]
    No { refused: bool, failure: Failure },
}

/// The daemon's socket.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    path: PathBuf,
}

impl Client {
    pub(crate) fn new(path: PathBuf) -> Client {
        Client { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, CallError> {
        self.call(Method::GET, path, None::<&()>).await
    }
    pub(crate) async fn post<B: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<R, CallError> {
        self.call(Method::POST, path, Some(body)).await
    }
    pub(crate) async fn patch<B: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<R, CallError> {
        self.call(Method::PATCH, path, Some(body)).await
    }
    pub(crate) async fn delete<R: DeserializeOwned>(&self, path: &str) -> Result<R, CallError> {
        self.call(Method::DELETE, path, None::<&()>).await
    }

    async fn call<B: Serialize, R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<R, CallError> {
        let exchange = self.exchange(method, path, body);
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or(Err(CallError::TooSlow))
    }

    async fn exchange<B: Serialize, R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<R, CallError> {
        let broken = |e: Box<dyn std::error::Error + Send + Sync>| CallError::Broken(e);
        let body = body.map(serde_json::to_vec).transpose().map_err(|e| broken(e.into()))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "hotshare")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|e| broken(e.into()))?;

        let stream = UnixStream::connect(&self.path).await.map_err(|e| self.not_connected(e))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| broken(e.into()))?;
        let reply = async {
            let reply = sender.send_request(request).await.map_err(|e| broken(e.into()))?;
            let status = reply.status();
            let body =
                Limited::new(reply.into_body(), LARGEST_REPLY).collect().await.map_err(broken)?.to_bytes();
            Ok((status, body))
        };
        tokio::pin!(connection, reply);
        let (status, body) = tokio::select! {
            reply = &mut reply => reply?,
            // The connection is done when the whole reply has arrived, or when it broke; the reply knows.
            _ended = &mut connection => reply.await?,
        };

        let not_understood = |source| CallError::NotUnderstood { status: status.as_u16(), source };
        if status.is_success() {
            serde_json::from_slice(&body).map_err(not_understood)
        } else {
            let failure: Failure = serde_json::from_slice(&body).map_err(not_understood)?;
            Err(CallError::No { refused: status.is_client_error(), failure })
        }
    }

    fn not_connected(&self, source: std::io::Error) -> CallError {
        let path = self.path.clone();
        let kind = source.kind();
        if matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
            CallError::NotRunning(path)
        } else if kind == ErrorKind::PermissionDenied {
            CallError::NotPermitted(path)
        } else {
            CallError::NotConnected { path, source }
        }
    }
}
