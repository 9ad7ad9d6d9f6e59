//! Tells a station that it is disconnected, in a frame that it believes.
//!
//! hostapd sends such frames on the access point's interface. There, the kernel (6.12) does not find the key of a
//! station that has an interface of its own, and sends them unprotected; a station with protected management frames
//! must not believe that, and thinks for seconds that it is still on. Sent on the station's own interface, they are
//! protected. The station must still be on, so: first the farewell, then hostapd's order.

use hotshare_core::units::Mac;
use nlink::macros::GenlMessage;
use nlink::netlink::{Connection, MessageBuilder, Nl80211};

/// `NL80211_CMD_FRAME`.
const FRAME: u8 = 59;
const NL80211_ATTR_IFINDEX: u16 = 3;
const NL80211_ATTR_FRAME: u16 = 51;
const NL80211_ATTR_DONT_WAIT_FOR_ACK: u16 = 142;

/// Why (IEEE 802.11-2020, table 9-49).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// `INVALID_AUTHENTICATION`: what it proved does not count any more.
    KeyGone = 2,
    /// `LEAVING_NETWORK_DEAUTH`: the access point goes off.
    Leaving = 3,
}

/// Sends it to each of these stations, on its interface. A station that misses it finds out later.
pub(super) async fn say(access_point: Mac, stations: &[(Mac, u32)], reason: Reason) {
    if stations.is_empty() {
        return;
    }
    let wifi = match Connection::<Nl80211>::new_async().await {
        Ok(wifi) => wifi,
        Err(error) => return tracing::debug!(%error, "stations cannot be told that they are off"),
    };
    for (mac, interface) in stations {
        let message = Message(attributes(*interface, &frame(access_point, *mac, reason)));
        if let Err(error) = wifi.send_typed::<_, Message>(message).await {
            tracing::debug!(%error, %mac, "a station was not told that it is off");
        }
    }
}

/// A deauthentication frame (IEEE 802.11-2020, 9.3.3.1 and 9.3.3.12).
fn frame(access_point: Mac, station: Mac, reason: Reason) -> Vec<u8> {
    let mut frame = vec![0xc0, 0, 0, 0];
    for address in [station, access_point, access_point] {
        frame.extend(address.0);
    }
    frame.extend([0, 0, reason as u8, 0]);
    frame
}

fn attributes(interface: u32, frame: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, NL80211_ATTR_IFINDEX, &interface.to_ne_bytes());
    put(&mut bytes, NL80211_ATTR_FRAME, frame);
    put(&mut bytes, NL80211_ATTR_DONT_WAIT_FOR_ACK, &[]);
    bytes
}

fn put(into: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    into.extend(length.to_ne_bytes());
    into.extend(kind.to_ne_bytes());
    into.extend(value);
    into.resize(into.len().next_multiple_of(4), 0);
}

/// Attributes as they go over the wire.
#[derive(Default)]
struct Message(Vec<u8>);

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

    #[test]
    fn a_deauthentication_frame() {
        let (access_point, station) = (Mac([2, 0, 0, 0, 0, 0]), Mac([2, 0, 0, 0, 1, 0]));
        let frame = frame(access_point, station, Reason::KeyGone);
        assert_eq!(frame.len(), 24 + 2);
        assert_eq!(frame[..10], [0xc0, 0, 0, 0, 2, 0, 0, 0, 1, 0]);
        assert_eq!(frame[24..], [2, 0]);
    }
}
