//! Webhooks to a server of the test's own, in the clear and with TLS.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hotshare_notify::webhook::{Webhook, WebhookConfig};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::{alert, certificate, secret};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Headers and body of each request.
type Seen = Arc<Mutex<Vec<(hyper::HeaderMap, serde_json::Value)>>>;

struct Server {
    port: u16,
    seen: Seen,
    _tasks: JoinSet<()>,
}

async fn server(status: u16, tls: Option<(&Path, &Path)>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let acceptor = tls.map(|(certificate, key)| {
        let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    });
    let mut tasks = JoinSet::new();
    let all = Arc::clone(&seen);
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = service_fn(|request: Request<Incoming>| {
                let all = Arc::clone(&all);
                async move {
                    let headers = request.headers().clone();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    all.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
                    let response = Response::builder().status(status).body(Full::<Bytes>::default()).unwrap();
                    Ok::<_, Infallible>(response)
                }
            });
            let http = hyper::server::conn::http1::Builder::new();
            match &acceptor {
                None => drop(http.serve_connection(TokioIo::new(stream), answer).await),
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        drop(http.serve_connection(TokioIo::new(stream), answer).await);
                    }
                }
            }
        }
    });
    Server { port, seen, _tasks: tasks }
}

fn config(url: String) -> WebhookConfig {
    WebhookConfig { url, token_file: None, ca_file: None }
}

#[tokio::test]
async fn an_alert_is_posted_with_its_token_and_number() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, key) = certificate(dir.path(), "server", "IP:127.0.0.1");
    let token_file = Some(secret(dir.path(), "token", "t0ken"));
    let server = server(204, Some((&ca, &key))).await;
    let url = format!("https://127.0.0.1:{}/hook?x=1", server.port);
    let webhook = Webhook::open(&WebhookConfig { url, token_file, ca_file: Some(ca) }).unwrap();
    webhook.send(&alert(7)).await.unwrap();
    let seen = server.seen.lock().unwrap();
    let [(headers, body)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(headers["authorization"], "Bearer t0ken");
    assert_eq!(headers["idempotency-key"], "7-1795000000");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        *body,
        serde_json::json!({
            "schema": 1, "id": "7-1795000000", "at": 1_795_000_000, "kind": "allowance-level", "about": "小明",
            "percent": 80, "used": 1_600_000_000_u64, "limit": 2_000_000_000_u64,
            "title": "小明 has used 80 % of the allowance", "text": "1.60 GB of 2.00 GB are used."
        })
    );
    assert!(!format!("{webhook:?}").contains("t0ken"));
}

#[tokio::test]
async fn a_server_that_is_not_trusted_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (good, _) = certificate(dir.path(), "good", "IP:127.0.0.1");
    let (other, other_key) = certificate(dir.path(), "other", "IP:127.0.0.1");
    let (elsewhere, elsewhere_key) = certificate(dir.path(), "elsewhere", "IP:127.0.0.2");
    for (trusted, shown, key) in [(&good, &other, &other_key), (&elsewhere, &elsewhere, &elsewhere_key)] {
        let server = server(200, Some((shown, key))).await;
        let url = format!("https://127.0.0.1:{}/", server.port);
        let config = WebhookConfig { ca_file: Some(trusted.clone()), ..config(url) };
        let failed = Webhook::open(&config).unwrap().send(&alert(1)).await.unwrap_err();
        assert!(!failed.for_good && failed.why.contains("certificate"), "{failed:?}");
        // Nor by what the system trusts.
        let failed = Webhook::open(&WebhookConfig { ca_file: None, ..config });
        if let Ok(webhook) = failed {
            webhook.send(&alert(1)).await.unwrap_err();
        }
        assert_eq!(server.seen.lock().unwrap().len(), 0);
    }
}

#[tokio::test]
async fn answers_say_whether_to_try_again() {
    for (status, ended) in [
        (200, None),
        (503, Some(false)),
        (429, Some(false)),
        (408, Some(false)),
        (302, Some(false)),
        (404, Some(true)),
    ] {
        let server = server(status, None).await;
        let webhook = Webhook::open(&config(format!("http://localhost:{}/", server.port))).unwrap();
        let failed = webhook.send(&alert(1)).await.err().map(|not| not.for_good);
        assert_eq!(failed, ended, "{status}");
        assert_eq!(server.seen.lock().unwrap().len(), 1);
    }
    let nobody = config(format!("http://127.0.0.1:{}/", support::free_port()));
    let failed = Webhook::open(&nobody).unwrap().send(&alert(1)).await.unwrap_err();
    assert!(!failed.for_good, "{failed:?}");
}
