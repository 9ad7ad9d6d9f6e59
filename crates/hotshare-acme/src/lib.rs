//! Hands that get a certificate for the owner's name: ACME (RFC 8555) with the challenge dns-01, whose record is set by
//! dynamic update (RFC 2136) with a shared secret (RFC 8945).
//!
//! When it is tried is the core's to say, and what is kept is kept by whoever calls. A crate of its own for the wall of
//! compiling that these protocols are.

mod account;
mod dns;
mod http;
mod order;
mod record;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

pub use dns::{Algorithm, DnsConfig};
pub use order::Fresh;

/// Whose directory is used when none is named.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// From whom, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeConfig {
    /// The name that the certificate is for, in lower case.
    pub name: String,
    /// The URL of the directory (RFC 8555, 7.1.1).
    pub directory: String,
    /// Where whoever gives certificates may write to: a mail address.
    pub contact: Option<String>,
    pub dns: DnsConfig,
}

/// Where a few small things are kept, by name. Each is whole or not there, whenever the machine stops; nobody but the
/// owner can read them.
pub trait Keep: Sync {
    /// `None`: there is no such thing.
    fn read(&self, name: &'static str) -> impl Future<Output = std::io::Result<Option<Vec<u8>>>> + Send;
    /// It is durable when this has ended.
    fn write(&self, name: &'static str, bytes: Vec<u8>) -> impl Future<Output = std::io::Result<()>> + Send;
    fn remove(&self, name: &'static str) -> impl Future<Output = std::io::Result<()>> + Send;
}

/// What is needed for one try.
#[derive(Clone, Debug)]
pub struct Means<'a> {
    pub config: &'a AcmeConfig,
    /// Whom to trust to be the directory.
    pub tls: Arc<ClientConfig>,
    /// The secret shared with the name server, as it is written: Base64 (RFC 4648, 4).
    pub secret: &'a str,
    /// Who is asked for names of others, best first.
    pub resolvers: Vec<SocketAddr>,
}

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotGot {
    /// What was tried, what is wrong and what to do, in plain English. It holds no secret.
    pub why: String,
    /// So long nobody wants to be asked again.
    pub wait: Option<Duration>,
}

impl NotGot {
    fn because(why: impl Into<String>) -> NotGot {
        NotGot { why: why.into(), wait: None }
    }
}

/// Whether a directory can have this URL; the message says why not.
pub fn check_directory(url: &str) -> Result<(), String> {
    http::target(url).map(drop)
}

/// Whether this can be the secret shared with a name server.
#[must_use]
pub fn is_secret(text: &str) -> bool {
    dns::decoded(text).is_some()
}

/// One try: an account where there is none, an order, the record, the certificate. Whatever comes of it, the record is
/// taken away again; if that cannot be done now, the next try does it first.
pub async fn obtain<K: Keep>(means: &Means<'_>, keep: &K) -> Result<Fresh, NotGot> {
    order::obtain(means, keep).await
}

/// Takes away the record of a try that was cut off, if there is one.
pub async fn clean<K: Keep>(means: &Means<'_>, keep: &K) -> Result<(), NotGot> {
    record::clean(means, keep).await
}

/// An error and its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn not_kept(error: &std::io::Error) -> NotGot {
    NotGot::because(format!("cannot keep what has to be kept for it: {error}"))
}
