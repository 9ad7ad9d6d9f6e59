//! Management frames to a station that has an interface of its own, so that it believes them.
//!
//! hostapd sends its frames on the access point's interface. There, the kernel (6.1 and 6.12) does not find the key
//! of a station on an interface of its own, and sends them unprotected. A station with protected management frames
//! must not believe such a frame: it would think for seconds that it is still on, and, worse, hear no answer to its
//! question whether it still is (SA Query, IEEE 802.11-2020, 11.13). With two forged frames anybody could end its
//! link, or take over its address. So what matters is sent again on the station's interface, where it is protected.

use std::time::Duration;

use hotshare_core::units::Mac;
use nlink::macros::{GenlFamily as _, GenlMessage};
use nlink::netlink::genl::nl80211::NL80211_MCGRP_MLME;
use nlink::netlink::message::MessageIter;
use nlink::netlink::{AttrIter, Connection, MessageBuilder, Nl80211};
use tokio::time::sleep;

/// `NL80211_CMD_FRAME`, `NL80211_CMD_FRAME_TX_STATUS`.
const FRAME: u8 = 59;
const FRAME_TX_STATUS: u8 = 60;
const NL80211_ATTR_IFINDEX: u16 = 3;
const NL80211_ATTR_FRAME: u16 = 51;
const NL80211_ATTR_DONT_WAIT_FOR_ACK: u16 = 142;
/// Of a generic netlink message.
const HEADER: usize = 4;

/// The length of a management frame's header (IEEE 802.11-2020, 9.3.3.1).
const FRAME_HEADER: usize = 24;
/// First octet of the frame control field: an action frame, a deauthentication frame.
const ACTION: u8 = 0xd0;
const DEAUTHENTICATION: u8 = 0xc0;
/// Second octet of it: the frame is protected.
const PROTECTED: u8 = 0x40;
/// The category of SA Query.
const SA_QUERY: u8 = 8;

/// How long to wait before listening again when the socket broke.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a station is off (IEEE 802.11-2020, table 9-49).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// `INVALID_AUTHENTICATION`: what it proved does not count any more.
    KeyGone = 2,
    /// `LEAVING_NETWORK_DEAUTH`: the access point goes off.
    Leaving = 3,
}

/// Tells each of these stations, on its interface, that it is off. It must still be on for that: so first the
/// farewell, then hostapd's order. A station that misses it finds out later.
pub(super) async fn bid_farewell(access_point: Mac, stations: &[(Mac, u32)], reason: Reason) {
    if stations.is_empty() {
        return;
    }
    let wifi = match Connection::<Nl80211>::new_async().await {
        Ok(wifi) => wifi,
        Err(error) => return tracing::debug!(%error, "stations cannot be told that they are off"),
    };
    for (mac, interface) in stations {
        send(&wifi, *interface, &farewell(access_point, *mac, reason)).await;
    }
}

/// Hears hostapd's questions and answers to stations, to send them again where they are protected.
pub(super) struct Echo {
    ears: Option<Connection<Nl80211>>,
}

/// A frame of hostapd's that a station did not believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unbelieved {
    pub(super) station: Mac,
    frame: Vec<u8>,
}

impl Echo {
    pub(super) fn new() -> Echo {
        Echo { ears: None }
    }

    /// The next one that was sent on the interface with this index. May be dropped and asked again.
    pub(super) async fn heard(&mut self, access_point: u32) -> Unbelieved {
        loop {
            let Some(ears) = &mut self.ears else {
                match listen().await {
                    Ok(ears) => self.ears = Some(ears),
                    Err(error) => {
                        tracing::debug!(%error, "cannot hear what hostapd sends");
                        sleep(AGAIN).await;
                    }
                }
                continue;
            };
            match ears.socket().recv_msg().await {
                Ok(message) => {
                    if let Some(frame) = unbelieved(&message, access_point) {
                        return frame;
                    }
                }
                Err(error) if error.is_no_buffer_space() => {}
                Err(error) => {
                    tracing::debug!(%error, "what hostapd sends is not heard any more");
                    self.ears = None;
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Sends it again, on the station's own interface.
    pub(super) async fn send_again(frame: &Unbelieved, interface: u32) {
        // Not on the socket that news comes on: news could be taken for the answer.
        match Connection::<Nl80211>::new_async().await {
            Ok(wifi) => send(&wifi, interface, &frame.frame).await,
            Err(error) => tracing::debug!(%error, "a station does not hear from hostapd"),
        }
    }
}

async fn listen() -> nlink::Result<Connection<Nl80211>> {
    let wifi = Connection::<Nl80211>::new_async().await?;
    if let Some(group) = wifi.state().mcast_group(NL80211_MCGRP_MLME) {
        wifi.socket().add_membership(group)?;
    }
    Ok(wifi)
}

async fn send(wifi: &Connection<Nl80211>, interface: u32, frame: &[u8]) {
    let mut message = Message::default();
    message.put(NL80211_ATTR_IFINDEX, &interface.to_ne_bytes());
    message.put(NL80211_ATTR_FRAME, frame);
    // Its fate is not told, so it is not heard as one more of hostapd's.
    message.put(NL80211_ATTR_DONT_WAIT_FOR_ACK, &[]);
    if let Err(error) = wifi.send_typed::<_, Message>(message).await {
        tracing::debug!(%error, interface, "a frame was not sent to a station");
    }
}

/// The kernel tells the fate of each frame that hostapd sends, with the frame.
fn unbelieved(message: &[u8], access_point: u32) -> Option<Unbelieved> {
    MessageIter::new(message).flatten().find_map(|(_, payload)| {
        if payload.first() != Some(&FRAME_TX_STATUS) {
            return None;
        }
        let attribute = |wanted| {
            let mut all = AttrIter::new(payload.get(HEADER..)?);
            all.find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
        };
        if attribute(NL80211_ATTR_IFINDEX)? != access_point.to_ne_bytes() {
            return None;
        }
        read(attribute(NL80211_ATTR_FRAME)?)
    })
}

/// Only questions and answers of SA Query that went unprotected.
fn read(frame: &[u8]) -> Option<Unbelieved> {
    let (control, station) = (frame.get(..2)?, frame.get(4..10)?.try_into().ok()?);
    let is_query = frame.get(FRAME_HEADER) == Some(&SA_QUERY);
    let went_plain = control[0] == ACTION && control[1] & PROTECTED == 0;
    (is_query && went_plain).then(|| Unbelieved { station: Mac(station), frame: frame.to_owned() })
}

/// A deauthentication frame (IEEE 802.11-2020, 9.3.3.12).
fn farewell(access_point: Mac, station: Mac, reason: Reason) -> Vec<u8> {
    let mut frame = vec![DEAUTHENTICATION, 0, 0, 0];
    for address in [station, access_point, access_point] {
        frame.extend(address.0);
    }
    frame.extend([0, 0, reason as u8, 0]);
    frame
}

/// Attributes as they go over the wire.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn put(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

impl GenlMessage for Message {
    const CMD: u8 = FRAME;

    fn to_bytes(&self, builder: &mut MessageBuilder) -> nlink::Result<()> {
        builder.append_bytes(&self.0);
        Ok(())
    }

    fn from_bytes(payload: &[u8]) -> nlink::Result<Self> {
        Ok(Message(payload.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS_POINT: Mac = Mac([2, 0, 0, 0, 0, 0]);
    const STATION: Mac = Mac([2, 0, 0, 0, 1, 0]);

    #[test]
    fn a_deauthentication_frame() {
        let frame = farewell(ACCESS_POINT, STATION, Reason::KeyGone);
        assert_eq!(frame.len(), FRAME_HEADER + 2);
        assert_eq!(frame[..10], [0xc0, 0, 0, 0, 2, 0, 0, 0, 1, 0]);
        assert_eq!(frame[24..], [2, 0]);
    }

    #[test]
    fn only_plain_sa_queries_are_sent_again() {
        let mut query = farewell(ACCESS_POINT, STATION, Reason::Leaving);
        assert_eq!(read(&query), None);
        query.truncate(FRAME_HEADER);
        query[0] = ACTION;
        assert_eq!(read(&query), None);
        query.extend([SA_QUERY, 1, 0x12, 0x34]);
        assert_eq!(read(&query).map(|frame| frame.station), Some(STATION));
        query[1] = PROTECTED;
        assert_eq!(read(&query), None);
        assert_eq!(read(&[]), None);
    }
}
