//! HTTPS for the ACME client: one connection for each request, for there are few.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// For one request and its answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than any answer has: a certificate with all that lead to a known one.
const LARGEST: usize = 256 * 1024;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("{url}: {why}")]
    NotAUrl { url: String, why: String },
    #[error("cannot connect to {host} port {port}")]
    Unreachable { host: String, port: u16, source: std::io::Error },
    #[error("{host} is not trusted; for one of your own, `ca` names its root")]
    NotTrusted { host: String, source: std::io::Error },
    #[error("{host} broke the connection")]
    Broken { host: String, source: hyper::Error },
    #[error("{host} sent an answer that could not be read")]
    Unreadable { host: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{host} did not answer within {} s", PATIENCE.as_secs())]
    Late { host: String },
    #[error("{url} answered {status}, which is not what a directory for ACME says")]
    NotAcme { url: String, status: StatusCode },
}

impl From<Unanswered> for Error {
    fn from(unanswered: Unanswered) -> Error {
        Error::Other(Box::new(unanswered))
    }
}

/// A server, of a URL.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    authority: String,
    path: String,
}

pub(crate) fn target(url: &str) -> Result<Target, String> {
    const ALLOWED: &str = "write one such as https://ca.example.org/directory";
    let uri: Uri = url.parse().map_err(|_| format!("this is not a URL; {ALLOWED}"))?;
    if uri.scheme_str() != Some("https") {
        return Err(format!("ACME is spoken over https:// only; {ALLOWED}"));
    }
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
    let authority = authority.ok_or_else(|| format!("the URL names no server; {ALLOWED}"))?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return Err(format!("the URL names no server; {ALLOWED}"));
    }
    Ok(Target {
        host,
        port: authority.port_u16().unwrap_or(443),
        authority: authority.to_string(),
        path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
    })
}

/// How long a server wants to be left alone, as it said last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Arc<Mutex<Option<Duration>>>);

impl Asked {
    pub(crate) fn wait(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, wait: Option<Duration>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = wait;
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Https {
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) asked: Asked,
}

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let this = self.clone();
        Box::pin(async move {
            let url = request.uri().to_string();
            let target = target(&url).map_err(|why| Unanswered::NotAUrl { url: url.clone(), why })?;
            let answer = timeout(PATIENCE, this.exchange(&target, request)).await;
            let answer = answer.map_err(|_| Unanswered::Late { host: target.host.clone() })??;
            let status = answer.status();
            if status.is_client_error() || status.is_server_error() {
                this.asked.note(retry_after(answer.headers(), SystemTime::now()));
                if !is_json(answer.headers()) {
                    return Err(Unanswered::NotAcme { url, status }.into());
                }
            }
            Ok(BytesResponse::from(answer))
        })
    }
}

impl Https {
    async fn exchange(
        &self,
        target: &Target,
        mut request: Request<BodyWrapper<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, Unanswered> {
        let Target { host, port, authority, path } = target;
        let bad = |why: &str| Unanswered::NotAUrl { url: authority.clone(), why: why.to_owned() };
        *request.uri_mut() = path.parse().map_err(|_| bad("the path is none"))?;
        let named = HeaderValue::try_from(authority.as_str()).map_err(|_| bad("the server is none"))?;
        request.headers_mut().insert(HOST, named);
        let server = ServerName::try_from(host.clone()).map_err(|_| bad("the server is none"))?;

        let unreachable = |source| Unanswered::Unreachable { host: host.clone(), port: *port, source };
        let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(server, stream).await;
        let stream = stream.map_err(|source| Unanswered::NotTrusted { host: host.clone(), source })?;
        let broken = |source| Unanswered::Broken { host: host.clone(), source };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let exchange = async {
            let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            let body = body.map_err(|source| Unanswered::Unreadable { host: host.clone(), source })?;
            Ok(Response::from_parts(head, Full::new(body.to_bytes())))
        };
        tokio::pin!(connection, exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            // What came before the end is still to be had.
            _ended = &mut connection => exchange.await,
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/problem+json") || kind.starts_with("application/json")
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let good = target("https://[::1]:14000/dir?x").expect("good");
        assert_eq!((good.host.as_str(), good.port, good.path.as_str()), ("::1", 14_000, "/dir?x"));
        assert_eq!(target(crate::LETS_ENCRYPT).map(|target| target.port), Ok(443));
        for bad in ["http://ca.example.org/", "ca.example.org", "https://", "https://a:b@example.org/", "ü"]
        {
            assert!(target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn waits_in_seconds_and_until_a_date() {
        let now = httpdate::parse_http_date("Fri, 27 Nov 2026 12:00:00 GMT").expect("a date");
        let wait = |text: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now)
        };
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("Fri, 27 Nov 2026 12:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!((wait("Fri, 27 Nov 2026 11:00:00 GMT"), wait("soon"), wait("-1")), (None, None, None));
    }
}
