//! Does a request mean us, and does it come from our own pages?

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use crate::reply::{Door, Visitor, plain};

/// The names of this host that browsers may call it by, beside the address that they connected to.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Arc<[String]>);

impl Hosts {
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = String>) -> Hosts {
        Hosts(names.into_iter().collect())
    }

    /// A page from elsewhere whose name was made to lead here must not speak to us: its browser says that name.
    pub(super) fn has(&self, host: &str, visitor: Visitor) -> bool {
        let name = without_port(host);
        let here = visitor.here.ip();
        name.parse::<IpAddr>() == Ok(here)
            || (visitor.door == Door::Machine && name.eq_ignore_ascii_case("localhost"))
            || self.0.iter().any(|own| own.eq_ignore_ascii_case(name.trim_end_matches('.')))
    }
}

/// The host without a port; the address of an IPv6 host without its brackets.
pub(super) fn without_port(host: &str) -> &str {
    let digits = |port: &str| port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => address,
        Some((address, port)) if port.strip_prefix(':').is_some_and(digits) => address,
        Some(_) => "",
        None => match host.split_once(':') {
            Some((name, port)) if digits(port) => name,
            Some(_) => "",
            None => host,
        },
    }
}

/// Answers only requests that mean this host by one of its names (against DNS rebinding). Each needs its [`Visitor`].
pub fn only_hosts(hosts: Hosts, routes: Router) -> Router {
    // Around all of it, so that not even a page for what is not there answers to another name.
    Router::new().fallback_service(routes).layer(from_fn_with_state(hosts, check_host))
}

async fn check_host(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let named = one(request.headers(), HOST.as_str());
    // A target with a host of its own (for proxies) could mean another than the header says.
    let target = request.uri().authority().is_none();
    match (request.extensions().get::<Visitor>(), named) {
        (Some(visitor), Some(host)) if target && hosts.has(host, *visitor) => next.run(request).await,
        _ => plain(StatusCode::MISDIRECTED_REQUEST, "This is not the host that was asked for.\n"),
    }
}

/// The header's value, if it is there once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let value = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(value)
}

/// Was it sent by a page of ours? A browser says so, in one of three ways; whoever says nothing is not believed.
pub(super) fn is_own(headers: &HeaderMap, door: Door) -> bool {
    let scheme = if door == Door::LanTls { "https" } else { "http" };
    let Some(host) = one(headers, HOST.as_str()) else { return false };
    let own = format!("{scheme}://{host}");
    if headers.contains_key(ORIGIN) {
        return one(headers, ORIGIN.as_str()).is_some_and(|origin| origin.eq_ignore_ascii_case(&own));
    }
    if headers.contains_key("sec-fetch-site") {
        return one(headers, "sec-fetch-site") == Some("same-origin");
    }
    let rest =
        one(headers, REFERER.as_str()).and_then(|from| from.get(..own.len()).zip(from.get(own.len()..)));
    rest.is_some_and(|(from, rest)| {
        from.eq_ignore_ascii_case(&own) && (rest.is_empty() || rest.starts_with('/'))
    })
}
