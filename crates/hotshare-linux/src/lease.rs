//! The DHCP server's hands: frames in, frames out; [`hotshare_core::lease`] decides.
//!
//! Frames are read and written on a packet socket of the LAN interface, because the frame's sender must be
//! checked and a station without an address can be reached no other way. UDP port 67 of the interface is
//! held as well, so that a second DHCP server is noticed and the kernel does not call the port closed; what
//! arrives there is dropped unread.
//!
//! An address is confirmed (ACK) only when the daemon says that it is on disk.

mod frame;
mod server;
mod socket;
mod wire;

pub use frame::{NotForUs, parse_frame, reply_frame};
pub use server::{Counts, Lease, serve};
pub use wire::Transaction;

use std::net::Ipv4Addr;

use hotshare_core::lease::{LeaseRules, Leased};
use hotshare_core::units::Mac;
use tokio::sync::oneshot;

/// What the server needs to know.
#[derive(Clone, Debug)]
pub struct LeaseConfig {
    /// The LAN interface: the bridge, or the only port.
    pub lan: String,
    pub rules: LeaseRules,
}

/// What the daemon is told.
#[derive(Debug)]
pub enum LeaseNews {
    /// A new lease, or one that runs longer or calls itself something else now. The station is told only
    /// after `durable`; if that is dropped, the station hears nothing and will ask again.
    Leased { leased: Leased, durable: oneshot::Sender<()> },
    /// The station has no address any more.
    Ended(Mac),
    /// The station found the address in use by somebody else.
    Declined { mac: Mac, ip: Ipv4Addr },
    /// The station got no address, because every one is in use.
    PoolFull { mac: Mac },
}

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("cannot serve addresses on {lan}: there is no such interface; check `lan` or `--lan`")]
    NoInterface { lan: String },
    #[error("cannot serve addresses on {lan}: it has no Ethernet address")]
    NotEthernet { lan: String },
    #[error(
        "cannot take UDP port 67 on {lan}: another DHCP server runs there; stop it, or use another interface"
    )]
    PortTaken { lan: String, source: std::io::Error },
    #[error("cannot open a packet socket on {lan}; run as root")]
    Denied { lan: String, source: std::io::Error },
    #[error("cannot {attempt} on {lan}")]
    Socket { lan: String, attempt: &'static str, source: std::io::Error },
    #[error("the interface {lan} went away while addresses were served on it")]
    InterfaceGone { lan: String },
    #[error("the daemon no longer listens for leases")]
    NobodyListens,
}
