//! The DNS side: questions, and updates that are signed.

mod ask;
mod update;

use std::net::SocketAddr;

use hickory_proto::rr::rdata::tsig::TsigAlgorithm;

pub(crate) use ask::{Asker, Zone, shows};
pub(crate) use update::{Change, Signer};

/// The server that the zone's records are changed at, and by whose right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsConfig {
    /// A name or an address.
    pub server: String,
    pub port: u16,
    /// In which the record is; `None`: whichever the server says it is in.
    pub zone: Option<String>,
    /// The key's name, as the server knows it.
    pub key: String,
    pub algorithm: Algorithm,
}

/// With what an update is signed (RFC 8945, 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    #[default]
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Algorithm> {
        match name {
            "hmac-sha256" => Some(Algorithm::Sha256),
            "hmac-sha384" => Some(Algorithm::Sha384),
            "hmac-sha512" => Some(Algorithm::Sha512),
            _ => None,
        }
    }

    fn of_hickory(self) -> TsigAlgorithm {
        match self {
            Algorithm::Sha256 => TsigAlgorithm::HmacSha256,
            Algorithm::Sha384 => TsigAlgorithm::HmacSha384,
            Algorithm::Sha512 => TsigAlgorithm::HmacSha512,
        }
    }
}

/// Why a server could not be asked, or did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DnsError {
    #[error("the address of the name server {0} cannot be found")]
    NoAddress(String, #[source] std::io::Error),
    #[error("the name server {0} cannot be reached")]
    Unreachable(SocketAddr, #[source] std::io::Error),
    #[error("the name server {0} does not answer")]
    Silent(SocketAddr),
    #[error("the name server {0} sent something that is no answer")]
    NotAnAnswer(SocketAddr),
    #[error("“{0}” is no name that the DNS can have")]
    NotAName(String),
    #[error("the name server {server} says that it knows no zone that {name} is in; dns_zone can name it")]
    NoZone { server: SocketAddr, name: String },
    #[error("{name} is not within the zone {zone}, which dns_zone names")]
    OtherZone { name: String, zone: String },
    #[error("the secret in dns_secret is not Base64")]
    NotASecret,
    #[error("the record cannot be signed: {0}")]
    Unsigned(String),
    #[error("the name server {server} does not accept the signature: {why}")]
    NotBelieved { server: SocketAddr, why: String },
    #[error("what the name server {server} answered is not signed as it should be: {why}")]
    NotTrusted { server: SocketAddr, why: String },
    #[error("the name server {server} did not take the record: {why}")]
    Refused { server: SocketAddr, why: String },
}

/// The bytes of a secret in Base64; `None`: it is not.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    data_encoding::BASE64.decode(text.trim().as_bytes()).ok().filter(|bytes| !bytes.is_empty())
}
