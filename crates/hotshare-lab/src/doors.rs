//! Doors from the host into a laboratory that is held open, so that a browser on the host can see both kinds of pages:
//! the dashboard as on the machine itself, and my data as a phone sees it.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue, ORIGIN, REFERER, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::inside::Inside;

/// The host's ports that are tried first; others when they are taken.
const DASHBOARD: u16 = 4681;
const MY_DATA: u16 = 4682;
/// The dashboard's port in the box, unless the configuration says another.
const MACHINE_PORT: u16 = 4680;
/// More than any page.
const LARGEST: usize = 16 << 20;

/// Both doors, until this is dropped.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) dashboard: u16,
    pub(crate) my_data: u16,
    tasks: JoinSet<()>,
}

impl Doors {
    /// `gateway`: the box's address on the LAN.
    pub(crate) async fn open(hotspot: &Inside, phone: &Inside, gateway: Ipv4Addr) -> Result<Doors> {
        let mut tasks = JoinSet::new();
        let dashboard = listen(DASHBOARD).await?;
        let my_data = listen(MY_DATA).await?;
        let doors = (dashboard.local_addr()?.port(), my_data.local_addr()?.port());
        let hotspot = hotspot.way();
        tasks.spawn(async move {
            let mut under_way = JoinSet::new();
            while let Ok((outer, _)) = next(&dashboard, &mut under_way).await {
                let hotspot = hotspot.clone();
                under_way.spawn(async move {
                    let inner = hotspot.connect((Ipv4Addr::LOCALHOST, MACHINE_PORT)).await;
                    through(outer, inner).await;
                });
            }
        });
        let phone = phone.way();
        let own = format!("127.0.0.1:{}", doors.1);
        tasks.spawn(async move {
            let mut under_way = JoinSet::new();
            while let Ok((outer, _)) = next(&my_data, &mut under_way).await {
                let (phone, own) = (phone.clone(), own.clone());
                under_way.spawn(async move {
                    let answer = service_fn(|request| {
                        let (phone, own) = (phone.clone(), own.clone());
                        async move {
                            Ok::<_, std::convert::Infallible>(as_phone(request, phone, &own, gateway).await)
                        }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    // What breaks here, the browser shows.
                    drop(http.serve_connection(TokioIo::new(outer), answer).await);
                });
            }
        });
        Ok(Doors { dashboard: doors.0, my_data: doors.1, tasks })
    }

    /// A link to the dashboard as a browser on the host can follow it.
    pub(crate) fn on_the_host(&self, link: &str) -> String {
        link.replacen(&format!(":{MACHINE_PORT}/"), &format!(":{}/", self.dashboard), 1)
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port of the host is free"),
    }
}

/// The next connection; those that have ended are forgotten meanwhile.
async fn next(
    listener: &TcpListener,
    under_way: &mut JoinSet<()>,
) -> std::io::Result<(TcpStream, std::net::SocketAddr)> {
    loop {
        tokio::select! {
            accepted = listener.accept() => return accepted,
            Some(_ended) = under_way.join_next() => {}
        }
    }
}

async fn through(mut outer: TcpStream, inner: Result<TcpStream>) {
    if let Ok(mut inner) = inner {
        // Either side may break off at any time.
        drop(copy_bidirectional(&mut outer, &mut inner).await);
    }
}

/// Sends a request on as if the phone's browser had been asked for it at the gateway's address.
async fn as_phone(
    mut request: Request<Incoming>,
    phone: crate::inside::Way,
    own: &str,
    gateway: Ipv4Addr,
) -> Response<Full<Bytes>> {
    let there = gateway.to_string();
    let headers = request.headers_mut();
    headers.remove(CONNECTION);
    for name in [HOST, ORIGIN, REFERER] {
        renamed(headers.get_mut(name), own, &there);
    }
    let answered = async {
        let stream = phone.connect((gateway, 80)).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let answered = async {
            let reply = sender.send_request(request).await?;
            let (head, body) = reply.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.map_err(anyhow::Error::from_boxed)?;
            Ok::<_, anyhow::Error>((head, body.to_bytes()))
        };
        tokio::pin!(connection, answered);
        tokio::select! {
            answered = &mut answered => answered,
            _ended = &mut connection => answered.await,
        }
    };
    match answered.await {
        Ok((mut head, body)) => {
            for name in [CONNECTION, TRANSFER_ENCODING] {
                head.headers.remove(name);
            }
            renamed(head.headers.get_mut(HeaderName::from_static("location")), &there, own);
            Response::from_parts(head, Full::new(body))
        }
        Err(error) => {
            let mut reply =
                Response::new(Full::new(Bytes::from(format!("The phone has no answer: {error:#}\n"))));
            *reply.status_mut() = StatusCode::BAD_GATEWAY;
            reply
        }
    }
}

/// The host in a header's value, where it is this one.
fn renamed(value: Option<&mut HeaderValue>, from: &str, to: &str) {
    let Some(value) = value else { return };
    let text = value.to_str().map(|text| text.replacen(from, to, 1));
    if let Some(new) = text.ok().and_then(|text| HeaderValue::from_str(&text).ok()) {
        *value = new;
    }
}
