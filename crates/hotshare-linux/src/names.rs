//! The DNS forwarder's hands: messages in, messages out; [`hotshare_core::names`] decides.
//!
//! Everything runs in one task, without locks. The loop answers at once what it can (local names, refusals,
//! the cache); what has to be asked of the uplink's resolvers is asked beside it, each question once,
//! however many stations wait for it. Nothing is fetched ahead, and a station that is closed causes
//! nothing at all on the uplink.
//!
//! The encoding is hickory-proto's. The loops and the asking are our own, because hickory-server accepts
//! TCP connections without a bound, and hickory-resolver either lets one dead resolver use up the whole
//! deadline or asks two at a time, which a metered uplink pays for.
//!
//! What is answered for a site of the plan is told before the answer goes out, so that the rules know the address
//! when the station uses it.
//!
//! DNSSEC: nothing is validated here. A station that sets DO gets the signatures that the resolver gives,
//! and the AD bit as the resolver set it. EDNS goes hop by hop: 1232 bytes over UDP, no options passed on.

mod answer;
mod cache;
mod desk;
#[doc(hidden)]
pub mod exercise;
mod message;
mod server;
mod socket;
mod tcp;
mod uplink;

pub use answer::SiteSeen;
pub use hotshare_core::names::NamesView;
pub use message::{BadMessage, Query, parse_query};
pub use server::{Names, serve};

use std::net::Ipv4Addr;

/// Where names are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesConfig {
    /// The LAN interface: the bridge, or the only port.
    pub lan: String,
    /// The box's address on it; nothing else is listened on.
    pub gateway: Ipv4Addr,
}

/// Why names cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    #[error(
        "cannot serve names at {gateway}: {lan} does not have that address; set it before names are served"
    )]
    NoAddress { lan: String, gateway: Ipv4Addr, source: std::io::Error },
    #[error("cannot serve names on {lan}: there is no such interface; check `lan` or `--lan`")]
    NoInterface { lan: String, source: std::io::Error },
    #[error(
        "cannot take port 53 at {gateway}: another DNS server runs there; stop it or let it leave {lan} alone"
    )]
    PortTaken { lan: String, gateway: Ipv4Addr, source: std::io::Error },
    #[error("cannot take port 53 at {gateway}; run as root")]
    Denied { gateway: Ipv4Addr, source: std::io::Error },
    #[error("cannot {attempt} for names at {gateway}")]
    Socket { gateway: Ipv4Addr, attempt: &'static str, source: std::io::Error },
    #[error("the daemon no longer says which stations are open")]
    NobodySays,
}
