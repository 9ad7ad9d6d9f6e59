//! Leases: which station has which address, and what the DHCP server says (RFC 2131, 2132).
//!
//! Decides over parsed values; it knows no socket, no packet and no disk. A station is its hardware
//! address, whatever else it calls itself: one station, one address. Nothing here waits, and no address
//! is probed before it is offered: a station that finds it in use declines it.
//!
//! The server is the only one on its network, so it says no (NAK) to whatever it does not know.
//!
//! Time: leases run in boot time, so that a jump of the wall clock ends none. The wall clock is used for
//! what is written down, and read back once, at start.

mod handle;
mod options;
pub mod pace;
mod pool;
mod table;
#[cfg(test)]
mod tests;

pub use options::ReplyOption;
pub use pool::Pool;
pub use table::LeaseTable;

use std::net::Ipv4Addr;

use crate::units::{Mac, UnixTime};

/// The most leases that a table holds, however large the network: as many as there are accounts.
pub const MOST_LEASES: usize = 4096;
/// How long an address that was offered waits to be taken.
pub const OFFER_SECS: u64 = 30;
/// How long an address that a station declined is given to nobody.
pub const QUARANTINE_SECS: u64 = 600;

/// What the server hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRules {
    /// The box's own address on the LAN: server, router and resolver.
    pub gateway: Ipv4Addr,
    /// The length of the network's prefix, 16 to 30.
    pub prefix: u8,
    /// How long an address is leased.
    pub lease_secs: u32,
    /// Option 26, where the uplink carries less than Ethernet.
    pub mtu: Option<u16>,
    /// Option 15.
    pub domain: Option<String>,
    /// Tells Android that the network is metered (option 43, `ANDROID_METERED`).
    pub metered: bool,
    /// Option 114 (RFC 8910): where the captive portal's API is.
    pub captive_portal: Option<String>,
}

impl LeaseRules {
    /// A lease of an hour, on a metered network.
    #[must_use]
    pub const fn new(gateway: Ipv4Addr, prefix: u8) -> LeaseRules {
        LeaseRules {
            gateway,
            prefix,
            lease_secs: 3600,
            mtu: None,
            domain: None,
            metered: true,
            captive_portal: None,
        }
    }
}

/// A lease as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    pub mac: Mac,
    pub ip: Ipv4Addr,
    /// Option 61, as sent.
    pub client_id: Option<Vec<u8>>,
    /// What the station calls itself (option 12): hostile text, cut to 64 printable characters.
    pub host_name: Option<String>,
    /// Until when the address stays the station's if the box forgets everything else. One lease time later
    /// than the station was told, so that most renewals need nothing written.
    pub expires: UnixTime,
}

/// The messages that a station sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Discover,
    Request,
    Decline,
    Release,
    Inform,
}

/// A station's message, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub kind: Kind,
    /// Who sent the frame (layer 2).
    pub source: Mac,
    /// Whose address the message says it is (`chaddr`).
    pub mac: Mac,
    /// `ciaddr`: the address that the station uses now; unspecified when it has none.
    pub client: Ipv4Addr,
    /// `giaddr`: unspecified unless a relay passed it on.
    pub relay: Ipv4Addr,
    /// Option 50.
    pub requested: Option<Ipv4Addr>,
    /// Option 54.
    pub server: Option<Ipv4Addr>,
    /// Option 61.
    pub client_id: Option<Vec<u8>>,
    /// Option 12, as [`host_name`] made it.
    pub host_name: Option<String>,
    /// The station cannot yet take frames sent to its address alone.
    pub broadcast: bool,
    /// Option 55. `None`: it did not say what it wants.
    pub wants: Option<Vec<u8>>,
}

/// What goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub kind: ReplyKind,
    /// `yiaddr`; unspecified in a NAK and in the answer to an INFORM.
    pub yours: Ipv4Addr,
    /// `ciaddr`.
    pub client: Ipv4Addr,
    /// Options 51, 58 and 59 follow from it. `None` for a NAK and in the answer to an INFORM.
    pub lease_secs: Option<u32>,
    pub delivery: Delivery,
    /// What else is told, by code.
    pub options: Vec<ReplyOption>,
}

/// The kinds of reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    Offer,
    Ack,
    Nak,
}

/// How a reply gets there (RFC 2131, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// To everybody.
    Broadcast,
    /// In a frame for the station alone, to this address, which it may not answer ARP for yet.
    Station(Ipv4Addr),
}

/// What the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Sent only once `changes` are on disk.
    pub answer: Answer,
    /// To be written, all of them or none.
    pub changes: Vec<LeaseChange>,
}

impl Outcome {
    /// The lease that is on disk once the changes are.
    #[must_use]
    pub fn written(&self) -> Option<Written> {
        self.changes.iter().find_map(|change| match change {
            LeaseChange::Kept(leased) => {
                Some(Written { mac: leased.mac, ip: leased.ip, expires: leased.expires })
            }
            LeaseChange::Gone(_) | LeaseChange::Declined { .. } | LeaseChange::PoolFull { .. } => None,
        })
    }
}

/// A reply, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Reply(Reply),
    Silent(Silence),
}

/// Why a message gets no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The message needs none (RELEASE, DECLINE).
    Done,
    /// No station has such an address.
    NotAStation,
    /// The frame came from another address than the message says.
    Forged,
    /// Relays are refused: nobody stands between a station and the box.
    Relayed,
    /// The station chose another server.
    OtherServer,
    /// Nothing is known that the message could mean, or it is about an address that is not the station's.
    Pointless,
    /// Every address is in use.
    PoolFull,
}

/// What changed in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseChange {
    /// New, or longer: replaces what was kept for the station.
    Kept(Leased),
    /// The station has no address any more: it gave it back, its time ran out, or it was away and somebody needed it.
    Gone(Mac),
    /// The station found the address in use: it is nobody's for [`QUARANTINE_SECS`].
    Declined { mac: Mac, ip: Ipv4Addr },
    /// A station got nothing, because every address is in use. Said at most once a minute.
    PoolFull { mac: Mac },
}

/// A lease that was written, for [`LeaseTable::written`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub(crate) mac: Mac,
    pub(crate) ip: Ipv4Addr,
    pub(crate) expires: UnixTime,
}

/// A station's own name as it may be shown: at most 64 characters, and none that controls a terminal.
/// `None` when nothing is left.
#[must_use]
pub fn host_name(raw: &[u8]) -> Option<String> {
    let shown = |c: &char| !c.is_control() && !is_invisible(*c) && *c != char::REPLACEMENT_CHARACTER;
    let text: String = String::from_utf8_lossy(raw).chars().filter(shown).take(64).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Characters that turn text around or hide in it.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}
