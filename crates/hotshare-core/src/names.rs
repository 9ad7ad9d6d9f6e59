//! Names: which questions are answered here, which are refused, and which go to the uplink's resolvers.
//!
//! Decides over labels and numbers; it knows no message, no cache and no socket. A question that must
//! stay local never leaves, whoever asks; a station that may not use the uplink gets local answers only.

mod probes;
mod sites;
mod special;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

pub use probes::PROBE_ADDR;
pub use sites::{Answered, Sites, TOLD_SECS};
use special::{Special, special};

/// The box's own name, in lower case, from the most to the least specific label.
pub const OWN_NAME: [&str; 2] = ["hotshare", "internal"];

/// How long a local answer may be kept, in seconds: short, since the next box may say something else.
pub const LOCAL_TTL_SECS: u32 = 60;

/// What names depend on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesView {
    /// The uplink's resolvers, best first. Empty while there is no uplink.
    pub resolvers: Vec<Ipv4Addr>,
    /// The box's address on the LAN.
    pub gateway: Ipv4Addr,
    /// The length of the LAN's prefix.
    pub prefix: u8,
    /// The addresses of the stations that may use the uplink now.
    pub open: Arc<BTreeSet<Ipv4Addr>>,
    pub sites: Arc<Sites>,
    /// The owner's name for the gateway, in lower case, from the most to the least specific label; empty: there is none.
    pub web_name: Arc<[String]>,
}

impl NamesView {
    /// Whether the address is one of the LAN's. A name from outside that leads to one would let a
    /// stranger's web page talk to the box through a station's browser (DNS rebinding).
    #[must_use]
    pub fn is_lan(&self, ip: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
        (ip.to_bits() ^ self.gateway.to_bits()) & mask == 0
    }
}

/// A question, as far as the decision needs it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The name's labels, the most specific first, in any case.
    pub labels: &'a [&'a [u8]],
    /// The record type's number.
    pub kind: u16,
    /// The class's number.
    pub class: u16,
}

/// What becomes of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Address(Ipv4Addr),
    Address6(Ipv6Addr),
    /// The gateway's name, for its address.
    OwnName,
    /// The name is there, the record is not. `zone` labels, counted from the root, name the zone.
    NoData {
        zone: usize,
    },
    /// There is no such name.
    NoSuchName {
        zone: usize,
    },
    /// The name is one by which systems look for a portal, and this station is behind one: what is answered must not be
    /// remembered.
    Portal(Ipv4Addr),
    /// The same for any other record of such a name.
    PortalNoData,
    /// Not for this station, or not at all.
    Refused,
    /// A kind of question that is not answered here (zone transfers, ANY).
    NotImplemented,
    /// To be asked of the uplink's resolvers.
    Forward,
}

const A: u16 = 1;
const PTR: u16 = 12;
const AAAA: u16 = 28;
const OPT: u16 = 41;
const FIRST_META: u16 = 128;
const LAST_META: u16 = 255;
const INTERNET: u16 = 1;

/// Decides one question of the station at `client`.
#[must_use]
pub fn answer_for(question: Question<'_>, client: Ipv4Addr, view: &NamesView) -> Answer {
    if question.class != INTERNET {
        return Answer::Refused;
    }
    // Questions about messages, not names (RFC 6895, section 3.1), and ANY, which is only good for
    // making answers large (RFC 8482).
    if question.kind == OPT || (FIRST_META..=LAST_META).contains(&question.kind) {
        return Answer::NotImplemented;
    }
    if let Some(local) = local_answer(question, view) {
        return local;
    }
    let admitted = view.open.contains(&client) && view.sites.admit(question.labels);
    match question.kind {
        _ if admitted => Answer::Forward,
        _ if !probes::is_probe(question.labels) => Answer::Refused,
        A => Answer::Portal(PROBE_ADDR),
        _ => Answer::PortalNoData,
    }
}

fn local_answer(question: Question<'_>, view: &NamesView) -> Option<Answer> {
    if is_name(question.labels, &OWN_NAME) {
        return Some(match question.kind {
            A => Answer::Address(view.gateway),
            _ => Answer::NoData { zone: 1 },
        });
    }
    if !view.web_name.is_empty() && is_name(question.labels, &view.web_name) {
        return Some(match question.kind {
            A => Answer::Address(view.gateway),
            _ => Answer::NoData { zone: question.labels.len() },
        });
    }
    if is_reverse_of(question.labels, view.gateway) {
        return Some(match question.kind {
            PTR => Answer::OwnName,
            _ => Answer::NoData { zone: 2 },
        });
    }
    match special(question.labels)? {
        Special::Loopback => Some(match question.kind {
            A => Answer::Address(Ipv4Addr::LOCALHOST),
            AAAA => Answer::Address6(Ipv6Addr::LOCALHOST),
            _ => Answer::NoData { zone: 1 },
        }),
        Special::Absent { zone } if zone == question.labels.len() => Some(Answer::NoData { zone }),
        Special::Absent { zone } => Some(Answer::NoSuchName { zone }),
        Special::Empty { zone } => Some(Answer::NoData { zone }),
        Special::Bare => match question.kind {
            A | AAAA => Some(Answer::NoData { zone: 1 }),
            _ => None,
        },
    }
}

fn is_name(labels: &[&[u8]], name: &[impl AsRef<str>]) -> bool {
    labels.len() == name.len() && ends_with(labels, name)
}

/// Whether the name is the zone, or in it.
fn ends_with(labels: &[&[u8]], zone: &[impl AsRef<str>]) -> bool {
    labels.len() >= zone.len()
        && labels
            .iter()
            .rev()
            .zip(zone.iter().rev())
            .all(|(a, b)| a.eq_ignore_ascii_case(b.as_ref().as_bytes()))
}

/// Whether the name is the address's in `in-addr.arpa`.
fn is_reverse_of(labels: &[&[u8]], ip: Ipv4Addr) -> bool {
    labels.len() == 6
        && ends_with(labels, &["in-addr", "arpa"])
        && labels
            .iter()
            .zip(ip.octets().iter().rev())
            .all(|(label, octet)| special::octet(label) == Some(*octet))
}
