//! News of the air: cards and interfaces come and go, go up and down, and change their channels.

use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt as _};
use nlink::macros::GenlFamily as _;
use nlink::netlink::genl::nl80211 as nl;
use nlink::netlink::message::MessageIter;
use nlink::netlink::{Connection, Nl80211, RtnetlinkGroup};
use tokio::time::{Instant, sleep, sleep_until};

use super::CardError;
use super::air::{failed, wifi};

/// Changes come in bursts: this long after the first, they are one change.
const SETTLE: Duration = Duration::from_millis(50);
/// How long to wait before listening again when the socket broke.
const AGAIN: Duration = Duration::from_secs(1);

const GROUPS: [&str; 3] = [nl::NL80211_MCGRP_CONFIG, nl::NL80211_MCGRP_MLME, nl::NL80211_MCGRP_REGULATORY];

/// Commands of `NL80211_CMD_*` that are news. Others are about single stations and frames, which hostapd tells.
const NEWS: [u8; 14] = [
    nl::NL80211_CMD_NEW_WIPHY,
    nl::NL80211_CMD_DEL_WIPHY,
    nl::NL80211_CMD_SET_INTERFACE,
    nl::NL80211_CMD_NEW_INTERFACE,
    nl::NL80211_CMD_DEL_INTERFACE,
    START_AP,
    STOP_AP,
    nl::NL80211_CMD_REG_CHANGE,
    nl::NL80211_CMD_CONNECT,
    ROAM,
    nl::NL80211_CMD_DISCONNECT,
    CH_SWITCH_NOTIFY,
    RADAR_DETECT,
    WIPHY_REG_CHANGE,
];
const START_AP: u8 = 15;
const STOP_AP: u8 = 16;
const ROAM: u8 = 47;
const CH_SWITCH_NOTIFY: u8 = 88;
const RADAR_DETECT: u8 = 94;
const WIPHY_REG_CHANGE: u8 = 113;

/// Tells when anything about the Wi-Fi interfaces may have changed: look at [`interfaces`](super::interfaces) then.
pub struct AirWatch {
    ears: Option<Ears>,
    /// Something changed; it is told at this moment, together with what follows until then.
    tell_at: Option<Instant>,
}

struct Ears {
    air: Connection<Nl80211>,
    /// Each is a change of some link.
    links: BoxStream<'static, nlink::Result<()>>,
}

impl AirWatch {
    /// Starts to listen. Look at everything once after this: then nothing is missed.
    ///
    /// # Errors
    /// When this kernel has no Wi-Fi, or without netlink.
    pub async fn open() -> Result<AirWatch, CardError> {
        Ok(AirWatch { ears: Some(Ears::open().await?), tell_at: None })
    }

    /// Returns when something changed since the last return, a moment after the first of a burst. May be dropped
    /// at any time and called again: no change is lost. When news was lost in the kernel, that is a change too.
    pub async fn changed(&mut self) {
        loop {
            let Some(ears) = &mut self.ears else {
                sleep(AGAIN).await;
                match Ears::open().await {
                    Ok(ears) => {
                        self.ears = Some(ears);
                        self.tell_at.get_or_insert(Instant::now());
                    }
                    Err(error) => tracing::warn!(%error, "cannot listen to Wi-Fi news; will try again"),
                }
                continue;
            };
            let heard = match self.tell_at {
                Some(at) => tokio::select! {
                    biased;
                    heard = ears.next() => heard,
                    () = sleep_until(at) => {
                        self.tell_at = None;
                        return;
                    }
                },
                None => ears.next().await,
            };
            match heard {
                Some(false) => {}
                Some(true) => {
                    self.tell_at.get_or_insert(Instant::now() + SETTLE);
                }
                None => {
                    self.ears = None;
                    self.tell_at.get_or_insert(Instant::now() + SETTLE);
                }
            }
            // With `biased`, a stream of news that never ends must not put off the telling for ever.
            if self.tell_at.is_some_and(|at| at <= Instant::now()) {
                self.tell_at = None;
                return;
            }
        }
    }
}

impl Ears {
    async fn open() -> Result<Ears, CardError> {
        let air = wifi().await?;
        for name in GROUPS {
            if let Some(group) = air.state().mcast_group(name) {
                air.socket().add_membership(group).map_err(failed("listen to the news of Wi-Fi"))?;
            }
        }
        let links = Connection::<nlink::Route>::new().map_err(CardError::Open)?;
        links.subscribe(&[RtnetlinkGroup::Link]).map_err(failed("listen to the news of links"))?;
        let links = links.into_events().await.map(|event| event.map(drop)).boxed();
        Ok(Ears { air, links })
    }

    /// Whether it is news; `None` when nothing will be heard any more. May be dropped: nothing is lost.
    async fn next(&mut self) -> Option<bool> {
        let heard = tokio::select! {
            heard = self.air.socket().recv_msg() => heard.map(|message| is_news(&message)),
            heard = self.links.next() => heard?.map(|()| true),
        };
        match heard {
            Ok(news) => Some(news),
            // The socket goes on: only what it had no room for is lost.
            Err(error) if error.is_no_buffer_space() => Some(true),
            Err(error) => {
                tracing::debug!(%error, "the news of Wi-Fi ended");
                None
            }
        }
    }
}

fn is_news(message: &[u8]) -> bool {
    MessageIter::new(message).flatten().any(|(_, payload)| payload.first().is_some_and(|c| NEWS.contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(command: u8) -> Vec<u8> {
        let mut bytes = 20_u32.to_ne_bytes().to_vec();
        bytes.extend(28_u16.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend([command, 1, 0, 0]);
        bytes
    }

    #[test]
    fn switches_and_comings_are_news_and_scans_and_stations_are_not() {
        for command in [7, 8, 16, 36, 48, 88] {
            assert!(is_news(&message(command)), "{command}");
        }
        for command in [19, 20, 33, 34, 59, 60, 64] {
            assert!(!is_news(&message(command)), "{command}");
        }
        assert!(is_news(&[message(19), message(88)].concat()));
        assert!(!is_news(&message(88)[..12]), "cut short");
    }
}
