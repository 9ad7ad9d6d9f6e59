//! A POST of JSON to the owner's own server. One connection for each alert: there are few.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hotshare_core::alert::Alert;
use http_body_util::Full;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{NotSent, OpenError, body, chain, secret, tls};

/// Where to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// `http://` or `https://`, without a user name.
    pub url: String,
    /// Sent as `Authorization: Bearer …`.
    pub token_file: Option<PathBuf>,
    /// Trust only these certificates.
    pub ca_file: Option<PathBuf>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Webhook {
    target: Target,
    token_file: Option<PathBuf>,
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    secure: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// Whether a webhook can have this URL; the message says why not. `token`: a secret goes with it.
pub fn check_url(url: &str, token: bool) -> Result<(), String> {
    let target = target(url)?;
    let here = target.host == "localhost"
        || target.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if token && !target.secure && !here {
        return Err("a token would be sent in the clear to another machine; use https://".into());
    }
    Ok(())
}

fn target(url: &str) -> Result<Target, String> {
    const ALLOWED: &str = "write one such as https://example.org/hook";
    let uri: Uri = url.parse().map_err(|_| format!("this is not a URL; {ALLOWED}"))?;
    let secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(format!("a webhook's URL begins with http:// or https://; {ALLOWED}")),
    };
    let authority = uri.authority().ok_or_else(|| format!("the URL names no server; {ALLOWED}"))?;
    if authority.as_str().contains('@') {
        return Err("a URL is no place for a password; name a token_file instead".into());
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return Err(format!("the URL names no server; {ALLOWED}"));
    }
    let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok(Target { secure, host, port, authority: authority.to_string(), path })
}

impl Webhook {
    /// Checks everything that can be checked without the server.
    pub fn open(config: &WebhookConfig) -> Result<Webhook, OpenError> {
        let target = target(&config.url).map_err(OpenError::Setting)?;
        if let Some(path) = &config.token_file {
            secret::check(path)?;
        }
        let tls = if target.secure { Some(tls::client_config(config.ca_file.as_deref())?) } else { None };
        Ok(Webhook { target, token_file: config.token_file.clone(), tls })
    }

    /// Sends one alert. Waits as long as the server makes it wait: the caller has the patience.
    pub async fn send(&self, alert: &Alert) -> Result<(), NotSent> {
        let Target { host, port, .. } = &self.target;
        let stream = TcpStream::connect((host.as_str(), *port))
            .await
            .map_err(|e| NotSent::yet(format!("cannot connect to {host} port {port}: {e}")))?;
        match &self.tls {
            None => self.post(stream, alert).await,
            Some(config) => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| NotSent::ever(format!("{host} cannot be a server's name")))?;
                let stream = TlsConnector::from(Arc::clone(config))
                    .connect(name, stream)
                    .await
                    .map_err(|e| NotSent::yet(format!("{host} is not trusted: {e}")))?;
                self.post(stream, alert).await
            }
        }
    }

    async fn post<S>(&self, stream: S, alert: &Alert) -> Result<(), NotSent>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Target { host, authority, path, .. } = &self.target;
        let broken = |e: hyper::Error| NotSent::yet(format!("{host} broke the connection: {}", chain(&e)));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let request = self.request(authority, path, alert)?;
        let answer = sender.send_request(request);
        tokio::pin!(connection, answer);
        // The connection ends with the answer, or it broke; the answer knows.
        let status = tokio::select! {
            answer = &mut answer => answer,
            _ended = &mut connection => answer.await,
        };
        judge(status.map_err(broken)?.status(), host)
    }

    fn request(&self, authority: &str, path: &str, alert: &Alert) -> Result<Request<Full<Bytes>>, NotSent> {
        let mut request = Request::post(path)
            .header("host", authority)
            .header("content-type", "application/json")
            .header("user-agent", concat!("hotshare/", env!("CARGO_PKG_VERSION")))
            // The same whenever this alert is sent, so that a receiver can tell a repetition.
            .header("idempotency-key", alert.stamp());
        if let Some(path) = &self.token_file {
            let token = secret::read(path).map_err(|e| NotSent::yet(chain(&e)))?;
            let mut value = hyper::header::HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| NotSent::yet(format!("{} cannot be a token", path.display())))?;
            value.set_sensitive(true);
            request = request.header("authorization", value);
        }
        let body = Full::new(Bytes::from(body(alert).to_string()));
        request.body(body).map_err(|e| NotSent::ever(format!("the request cannot be made: {e}")))
    }
}

/// 2xx is delivered. Of 4xx, only “too slow” and “too many” may be another time.
fn judge(status: StatusCode, host: &str) -> Result<(), NotSent> {
    let why = format!("{host} answered {status}");
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(NotSent::yet(why)),
        status if status.is_client_error() => Err(NotSent::ever(why)),
        _ => Err(NotSent::yet(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let good = target("https://[::1]:8443/a?b=c").expect("good");
        assert_eq!((good.host.as_str(), good.port, good.path.as_str()), ("::1", 8443, "/a?b=c"));
        assert_eq!(target("http://example.org").map(|t| (t.port, t.path)), Ok((80, "/".into())));
        for bad in
            ["example.org", "ftp://example.org/", "https://", "https://anna:secret@example.org/", "/x", "ü"]
        {
            let why = target(bad).expect_err(bad);
            assert!(!why.contains("secret"), "{why}");
        }
        assert!(check_url("http://example.org/", false).is_ok());
        assert!(check_url("http://example.org/", true).is_err());
        assert!(check_url("http://127.0.0.1:8080/", true).is_ok());
    }

    #[test]
    fn answers() {
        let for_good = |code: u16| {
            let status = StatusCode::from_u16(code).expect("a status");
            judge(status, "x").map_err(|not| not.for_good)
        };
        assert_eq!((for_good(200), for_good(204)), (Ok(()), Ok(())));
        assert_eq!([301, 408, 429, 500, 503].map(for_good), [Err(false); 5]);
        assert_eq!([400, 401, 404, 410].map(for_good), [Err(true); 4]);
    }
}
