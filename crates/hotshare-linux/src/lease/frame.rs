//! Ethernet, IPv4 and UDP around a DHCP message.

use std::net::Ipv4Addr;

use hotshare_core::lease::{Delivery, Reply, Request};
use hotshare_core::units::Mac;

use super::wire::{Transaction, encode, parse_message};

const ETHERNET: usize = 14;
const IP: usize = 20;
const UDP: usize = 8;
const BROADCAST: Mac = Mac([0xff; 6]);

/// Why a frame is not a message for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotForUs {
    #[error("the frame is cut short or its lengths disagree")]
    Short,
    #[error("not an unfragmented UDP datagram to port 67 over IPv4")]
    NotDhcp,
    #[error("not a request of an Ethernet station")]
    NotARequest,
    #[error("an option that says what is wanted is missing or malformed")]
    BadOption,
}

/// Reads a whole frame. Total: any bytes give a message or a reason.
///
/// UDP's checksum is not checked: a virtual interface hands frames over before it is filled in.
pub fn parse_frame(frame: &[u8]) -> Result<(Request, Transaction), NotForUs> {
    let (ethernet, packet) = frame.split_at_checked(ETHERNET).ok_or(NotForUs::Short)?;
    let (source, kind) = (field::<6>(ethernet, 6)?, field::<2>(ethernet, 12)?);
    if kind != [0x08, 0x00] {
        return Err(NotForUs::NotDhcp);
    }
    let first = *packet.first().ok_or(NotForUs::Short)?;
    let header = usize::from(first & 0x0f) * 4;
    let whole = usize::from(u16::from_be_bytes(field(packet, 2)?));
    let fragment = u16::from_be_bytes(field(packet, 6)?);
    let [protocol] = field(packet, 9)?;
    if first >> 4 != 4 || header < IP || fragment & 0x3fff != 0 || protocol != 17 {
        return Err(NotForUs::NotDhcp);
    }
    let datagram = packet.get(header..whole).ok_or(NotForUs::Short)?;
    let length = usize::from(u16::from_be_bytes(field(datagram, 4)?));
    if field(datagram, 2)? != 67_u16.to_be_bytes() {
        return Err(NotForUs::NotDhcp);
    }
    let message = datagram.get(UDP..length).ok_or(NotForUs::Short)?;
    parse_message(Mac(source), message)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], NotForUs> {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or(NotForUs::Short)
}

/// The frame of a reply from the server, which has this hardware and this IP address.
pub fn reply_frame(from: (Mac, Ipv4Addr), transaction: &Transaction, reply: &Reply) -> Option<Vec<u8>> {
    let ends = match reply.delivery {
        Delivery::Broadcast => Ends::to_all(from),
        Delivery::Station(ip) => Ends { from, to: (transaction.mac, ip) },
    };
    build_frame(ends, &encode(from.1, transaction, reply)?)
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    from: (Mac, Ipv4Addr),
    to: (Mac, Ipv4Addr),
}

impl Ends {
    const fn to_all(from: (Mac, Ipv4Addr)) -> Ends {
        Ends { from, to: (BROADCAST, Ipv4Addr::BROADCAST) }
    }
}

/// The whole frame that carries a message from port 67 to port 68. `None` if the message is too long for IP.
fn build_frame(ends: Ends, message: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(UDP + message.len()).ok()?;
    let whole = u16::try_from(IP + UDP + message.len()).ok()?;
    let (from, to) = (ends.from.1.octets(), ends.to.1.octets());

    let mut header = [0; IP];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&whole.to_be_bytes());
    header[8] = 64;
    header[9] = 17;
    header[12..16].copy_from_slice(&from);
    header[16..20].copy_from_slice(&to);
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum.to_be_bytes());

    let mut udp = [0; UDP];
    udp[0..2].copy_from_slice(&67_u16.to_be_bytes());
    udp[2..4].copy_from_slice(&68_u16.to_be_bytes());
    udp[4..6].copy_from_slice(&length.to_be_bytes());
    // Zero would mean "no checksum" (RFC 768).
    let sum = match checksum(&[&from, &to, &[0, 17], &length.to_be_bytes(), &udp, message]) {
        0 => 0xffff,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());

    Some([&ends.to.0.0, &ends.from.0.0, &[0x08, 0x00][..], &header, &udp, message].concat())
}

/// The Internet checksum (RFC 1071). Every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u64;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u64::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_add_up() {
        let from = (Mac([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(10, 7, 0, 1));
        for message in [&b""[..], b"a", b"ab", b"abc", &[0xff; 301]] {
            let frame = build_frame(Ends::to_all(from), message).expect("it is short");
            assert_eq!(checksum(&[&frame[14..34]]), 0);
            let length = u16::try_from(8 + message.len()).expect("short").to_be_bytes();
            assert_eq!(checksum(&[&frame[26..34], &[0, 17], &length, &frame[34..]]), 0);
        }
    }

    #[test]
    fn any_cut_of_a_frame_is_refused_without_a_panic() {
        let from = (Mac([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(10, 7, 0, 1));
        let mut frame = build_frame(Ends::to_all(from), &[0; 300]).expect("it is short");
        frame[36..38].copy_from_slice(&67_u16.to_be_bytes());
        for end in 0..frame.len() {
            assert_eq!(parse_frame(&frame[..end]), Err(NotForUs::Short), "cut at {end}");
        }
        assert_eq!(parse_frame(&frame), Err(NotForUs::NotARequest));
    }
}
