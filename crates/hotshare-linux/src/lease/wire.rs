//! DHCP messages: bytes to a [`Request`], a [`Reply`] to bytes. The encoding is dhcproto's.

use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, Flags, HType, Message, MessageType, Opcode, borrowed};
use dhcproto::{Encodable, Encoder};
use hotshare_core::lease::{Kind, Reply, ReplyKind, ReplyOption, Request, host_name};
use hotshare_core::units::Mac;

use super::frame::NotForUs;

/// The least that a BOOTP message measures; some stations drop shorter ones (RFC 1542, section 2.1).
const SHORTEST: usize = 300;
/// Client identifiers are kept; longer ones are not.
const LONGEST_CLIENT_ID: usize = 64;

/// What a reply repeats of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub(super) id: u32,
    pub(super) flags: u16,
    pub(super) mac: Mac,
    /// RFC 6842.
    pub(super) client_id: Option<Vec<u8>>,
}

/// Reads the message of a frame that came from `source`. Options that nobody asked about may be malformed.
pub(super) fn parse_message(source: Mac, bytes: &[u8]) -> Result<(Request, Transaction), NotForUs> {
    let message = borrowed::Message::new(bytes).map_err(|_| NotForUs::NotARequest)?;
    // `chaddr()` trusts the length that the message claims, so that comes first.
    if message.opcode() != Opcode::BootRequest || message.htype() != HType::Eth || message.hlen() != 6 {
        return Err(NotForUs::NotARequest);
    }
    let mac = message.chaddr().first_chunk().copied().map(Mac).ok_or(NotForUs::NotARequest)?;

    let mut kind = None;
    let mut request = Request {
        kind: Kind::Inform,
        source,
        mac,
        client: message.ciaddr(),
        relay: message.giaddr(),
        requested: None,
        server: None,
        client_id: None,
        host_name: None,
        broadcast: message.flags().broadcast(),
        wants: None,
    };
    for option in message.opts() {
        let data = option.data();
        match u8::from(option.code()) {
            12 => request.host_name = host_name(data),
            50 => request.requested = Some(address(data)?),
            53 => kind = Some(kind_of(data)?),
            54 => request.server = Some(address(data)?),
            55 => request.wants = Some(data.to_vec()),
            61 => request.client_id = Some(data.to_vec()).filter(|id| id.len() <= LONGEST_CLIENT_ID),
            _ => {}
        }
    }
    request.kind = kind.ok_or(NotForUs::BadOption)?;
    let client_id = request.client_id.clone();
    let transaction = Transaction { id: message.xid(), flags: u16::from(message.flags()), mac, client_id };
    Ok((request, transaction))
}

fn address(data: &[u8]) -> Result<Ipv4Addr, NotForUs> {
    <[u8; 4]>::try_from(data).map(Ipv4Addr::from).map_err(|_| NotForUs::BadOption)
}

fn kind_of(data: &[u8]) -> Result<Kind, NotForUs> {
    match data {
        [1] => Ok(Kind::Discover),
        [3] => Ok(Kind::Request),
        [4] => Ok(Kind::Decline),
        [7] => Ok(Kind::Release),
        [8] => Ok(Kind::Inform),
        _ => Err(NotForUs::BadOption),
    }
}

/// The bytes of a reply from `server`. `None` if they would not fit, which only a captive portal's address
/// of many kilobytes could cause.
pub(super) fn encode(server: Ipv4Addr, transaction: &Transaction, reply: &Reply) -> Option<Vec<u8>> {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message =
        Message::new_with_id(transaction.id, reply.client, reply.yours, none, none, &transaction.mac.0);
    message.set_opcode(Opcode::BootReply).set_flags(Flags::new(transaction.flags));
    let options = message.opts_mut();
    options.insert(DhcpOption::MessageType(match reply.kind {
        ReplyKind::Offer => MessageType::Offer,
        ReplyKind::Ack => MessageType::Ack,
        ReplyKind::Nak => MessageType::Nak,
    }));
    options.insert(DhcpOption::ServerIdentifier(server));
    if let Some(id) = &transaction.client_id {
        options.insert(DhcpOption::ClientIdentifier(id.clone()));
    }
    if let Some(secs) = reply.lease_secs {
        options.insert(DhcpOption::AddressLeaseTime(secs));
        options.insert(DhcpOption::Renewal(secs / 2));
        options.insert(DhcpOption::Rebinding(secs - secs / 8));
    }
    if reply.kind == ReplyKind::Nak {
        options.insert(DhcpOption::Message("that address is not yours here".to_owned()));
    }
    for option in &reply.options {
        options.insert(match option {
            ReplyOption::SubnetMask(mask) => DhcpOption::SubnetMask(*mask),
            ReplyOption::Router(router) => DhcpOption::Router(vec![*router]),
            ReplyOption::Resolver(resolver) => DhcpOption::DomainNameServer(vec![*resolver]),
            ReplyOption::Domain(domain) => DhcpOption::DomainName(domain.clone()),
            ReplyOption::Mtu(mtu) => DhcpOption::InterfaceMtu(*mtu),
            ReplyOption::BroadcastAddress(broadcast) => DhcpOption::BroadcastAddr(*broadcast),
            ReplyOption::Vendor(vendor) => DhcpOption::VendorExtensions(vendor.to_vec()),
            ReplyOption::CaptivePortal(uri) => DhcpOption::CaptivePortal(uri.clone()),
        });
    }
    let mut bytes = Vec::with_capacity(512);
    message.encode(&mut Encoder::new(&mut bytes)).ok()?;
    bytes.resize(bytes.len().max(SHORTEST), 0);
    Some(bytes)
}
