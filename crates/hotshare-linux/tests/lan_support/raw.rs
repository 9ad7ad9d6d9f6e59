//! A station made of bytes: any hardware address, any message.
#![allow(
    unsafe_code,
    reason = "a packet socket is bound with an address that neither socket2 nor nix can make"
)]

use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, Message, MessageType, Opcode};
use dhcproto::{Decodable, Decoder, Encodable};
use nix::net::if_::if_nametoindex;
use socket2::{Domain, SockAddr, Socket, Type};

pub(crate) struct Station {
    socket: Socket,
}

impl Station {
    /// On an interface of the namespace that the thread is in.
    pub(crate) fn new(port: &str) -> Station {
        let index = if_nametoindex(port).expect("the interface is there");
        let socket = Socket::new(Domain::PACKET, Type::RAW, None).expect("root may");
        socket.set_recv_buffer_size(4 << 20).expect("a buffer");
        // SAFETY: the storage is zeroed and large enough; plain numbers are written.
        let ((), address) = unsafe {
            SockAddr::try_init(|storage, length| {
                let link = &mut *storage.cast::<libc::sockaddr_ll>();
                link.sll_family = u16::try_from(libc::AF_PACKET).expect("small");
                link.sll_protocol = u16::from_ne_bytes(0x0800_u16.to_be_bytes());
                link.sll_ifindex = i32::try_from(index).expect("small");
                *length = u32::try_from(size_of::<libc::sockaddr_ll>()).expect("small");
                Ok(())
            })
        }
        .expect("an address");
        socket.bind(&address).expect("the interface is there");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        Station { socket }
    }

    pub(crate) fn send_frame(&self, frame: &[u8]) {
        self.socket.send(frame).expect("the interface is up");
    }

    pub(crate) fn send(&self, source: [u8; 6], message: &Message) {
        self.send_frame(&frame(source, message));
    }

    /// The next reply to this transaction, if one comes in time.
    pub(crate) fn reply(&self, xid: u32, patience: Duration) -> Option<Message> {
        let end = Instant::now() + patience;
        let mut buffer = [0; 2048];
        while Instant::now() < end {
            match (&self.socket).read(&mut buffer) {
                Ok(length) => {
                    let frame = &buffer[..length];
                    let to_us = frame.len() > 42 && frame[23] == 17 && frame[36..38] == 68_u16.to_be_bytes();
                    let message = to_us.then(|| Message::decode(&mut Decoder::new(&frame[42..])));
                    if let Some(Ok(message)) = message
                        && message.opcode() == Opcode::BootReply
                        && message.xid() == xid
                    {
                        return Some(message);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("the interface went away: {error}"),
            }
        }
        None
    }

    /// DISCOVER, OFFER, REQUEST, ACK.
    pub(crate) fn join(&self, mac: [u8; 6], xid: u32) -> Option<Message> {
        self.send(mac, &message(mac, xid, MessageType::Discover, vec![]));
        let offer = self.reply(xid, Duration::from_secs(1))?;
        self.send(mac, &request(mac, xid + 1, &offer));
        self.reply(xid + 1, Duration::from_secs(1))
    }
}

pub(crate) fn message(mac: [u8; 6], xid: u32, kind: MessageType, options: Vec<DhcpOption>) -> Message {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = Message::new_with_id(xid, none, none, none, none, &mac);
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    for option in options {
        message.opts_mut().insert(option);
    }
    message
}

/// The REQUEST that takes an offer.
pub(crate) fn request(mac: [u8; 6], xid: u32, offer: &Message) -> Message {
    let server =
        offer.opts().get(dhcproto::v4::OptionCode::ServerIdentifier).cloned().expect("it says who it is");
    message(mac, xid, MessageType::Request, vec![DhcpOption::RequestedIpAddress(offer.yiaddr()), server])
}

pub(crate) fn frame(source: [u8; 6], message: &Message) -> Vec<u8> {
    frame_of(source, &message.to_vec().expect("it can be encoded"))
}

/// A frame from port 68 to port 67, to everybody.
pub(crate) fn frame_of(source: [u8; 6], payload: &[u8]) -> Vec<u8> {
    let whole = u16::try_from(28 + payload.len()).expect("short").to_be_bytes();
    let length = u16::try_from(8 + payload.len()).expect("short").to_be_bytes();
    let mut header = [0x45, 0, whole[0], whole[1], 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255];
    let mut sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    header[10..12].copy_from_slice(&(!u16::try_from(sum).expect("folded")).to_be_bytes());
    let udp = [0, 68, 0, 67, length[0], length[1], 0, 0];
    [&[0xff; 6][..], &source, &[8, 0], &header, &udp, payload].concat()
}
