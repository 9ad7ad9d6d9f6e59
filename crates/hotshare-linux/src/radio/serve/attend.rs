//! A hostapd that runs: everything that is waited for while it does.

use std::pin::pin;
use std::time::Duration;

use hotshare_core::radio::Band;
use hotshare_core::units::Mac;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::super::card;
use super::super::control::ControlError;
use super::super::frames::Echo;
use super::super::reply::Event;
use super::super::{AccessPoint, RadioError, RadioView};
use super::live::{self, Did, Live};
use super::{Ears, Radio, Ties};

/// How often hostapd is asked whether it still listens.
const PULSE: Duration = Duration::from_secs(1);
/// Every so many pulses, everything is looked at without a reason.
const PULSES_TO_A_LOOK: u64 = 5;
/// Every so many pulses, we attach again: hostapd drops whoever did not read for long, and does not say so.
const PULSES_TO_AN_ATTACHMENT: u64 = 30;
/// Events come in bursts: this long after the first, the list is read.
const SETTLE: Duration = Duration::from_millis(15);
/// A station's interface is there a moment after hostapd says that it joined.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What waits to be done for a hostapd.
#[derive(Debug)]
pub(super) struct Due {
    /// The list of stations is to be read at this moment.
    list: Option<Instant>,
    /// The list is to be told even if it is as before: hostapd is new.
    repeat: bool,
    /// People are to be told what is on air.
    show: bool,
    /// Orders that are not obeyed yet, or failed.
    orders: bool,
    pulse: Instant,
    pulses: u64,
}

impl Due {
    pub(super) fn new() -> Due {
        let now = Instant::now();
        Due { list: Some(now), repeat: true, show: true, orders: true, pulse: now, pulses: 0 }
    }

    fn list_in(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.list = Some(self.list.map_or(at, |due| due.min(at)));
    }
}

/// Whether all is to be looked at.
type Look = Result<bool, RadioError>;

impl Radio {
    /// Attends hostapd until the moment comes or something asks for a look at all of it; `false` when told to stop.
    pub(super) async fn attend(
        &self,
        live: &mut Live,
        ties: &mut Ties,
        ears: &mut Ears,
        until: Sleep,
    ) -> Result<bool, RadioError> {
        let mut until = pin!(until);
        let own = live::index(self.config.choice.interface()).unwrap_or_default();
        loop {
            if std::mem::take(&mut live.due.show) {
                self.show(live, ties);
            }
            let (list, pulse) = (live.due.list, live.due.pulse);
            let done = tokio::select! {
                biased;
                () = ties.stop.cancelled() => return Ok(false),
                spoken = ties.mouth.speak() => { spoken?; Ok(false) }
                frame = ears.echo.heard(own), if self.config.choice.station_ports => {
                    // First of all: the station waits for it, and gives up after a second.
                    if let Some(port) = live.port(frame.station) {
                        Echo::send_again(&frame, port).await;
                    }
                    Ok(false)
                }
                did = live.next() => self.heed(did, live, ties).await,
                Some(mac) = ties.kicks.recv() => kick(live, mac).await,
                Ok(()) = ties.orders.changed() => self.obey(live, ties).await,
                () = sleep_until(list.unwrap_or(pulse)), if list.is_some() => self.list(live, ties).await,
                () = sleep_until(pulse) => self.pulse(live, ties).await,
                () = ears.watch.changed() => Ok(true),
                () = &mut until => Ok(true),
            };
            match done {
                Ok(false) => {}
                Ok(true) => return Ok(true),
                Err(error) => {
                    let words = super::told(&error);
                    tracing::debug!(%words, "hostapd did not do as asked");
                    // Whether it hangs is decided by when it last answered; it may just have been busy.
                    if live.ping_patiently().await.is_ok() {
                        sleep(LOOK_AGAIN).await;
                    }
                    return Ok(true);
                }
            }
        }
    }

    /// What hostapd did by itself.
    async fn heed(&self, did: Result<Did, ControlError>, live: &mut Live, ties: &mut Ties) -> Look {
        match did {
            Ok(Did::Said(line)) => tracing::debug!(%line, "hostapd"),
            Ok(Did::Ended) => return Ok(true),
            Ok(Did::Told(event)) => match event {
                Event::Joined(mac) | Event::Left(mac) => {
                    tracing::debug!(%mac, ?event, "hostapd");
                    live.due.list_in(SETTLE);
                }
                Event::WrongKey(mac) => ties.mouth.wrong_key(mac),
                Event::On | Event::Off => return Ok(true),
                Event::ChannelChanged => {
                    live.mhz = live.status().await?.mhz;
                    live.due.show = true;
                    return Ok(true);
                }
                Event::Ending | Event::Other => {}
            },
            Err(error) => {
                // The events' socket is broken; the requests' may be well.
                live.attach_again(&self.dir, self.config.choice.interface()).await?;
                live.due.list_in(SETTLE);
                return Err(error.into());
            }
        }
        Ok(false)
    }

    async fn obey(&self, live: &mut Live, ties: &mut Ties) -> Look {
        let orders = ties.orders.borrow_and_update().clone();
        live.due.orders = true;
        live.obey(&self.wish(&orders)).await?;
        live.due.orders = false;
        Ok(false)
    }

    /// Reads the list of stations and tells it.
    async fn list(&self, live: &mut Live, ties: &mut Ties) -> Look {
        live.due.list = Some(Instant::now() + PULSE);
        let choice = &self.config.choice;
        let (stations, is_whole) = live.stations(choice.mode, choice.station_ports).await?;
        live.due.list = None;
        ties.mouth.stations(stations, std::mem::take(&mut live.due.repeat));
        if !is_whole {
            live.due.list_in(LOOK_AGAIN);
        }
        // A station may have come back as it was ordered to be admitted before.
        self.obey(live, ties).await
    }

    async fn pulse(&self, live: &mut Live, ties: &mut Ties) -> Look {
        live.due.pulse = Instant::now() + PULSE;
        live.due.pulses += 1;
        live.ping().await?;
        if live.due.orders {
            self.obey(live, ties).await?;
        }
        if live.due.pulses.is_multiple_of(PULSES_TO_A_LOOK) {
            live.due.list_in(Duration::ZERO);
            let heard = card::signals(&live.interfaces(self.config.choice.interface())).await?;
            ties.view.send_modify(|view| view.signals = heard);
        }
        if live.due.pulses.is_multiple_of(PULSES_TO_AN_ATTACHMENT) {
            live.attach_again(&self.dir, self.config.choice.interface()).await?;
        }
        Ok(false)
    }

    /// Tells people what is on air.
    fn show(&self, live: &Live, ties: &Ties) {
        let choice = &self.config.choice;
        let mhz = live.mhz.unwrap_or(choice.mhz);
        let (band, channel) = Band::number(mhz).unwrap_or((choice.band, choice.channel));
        ties.view.send_modify(|view| {
            *view = RadioView {
                state: AccessPoint::On,
                bssid: live.bssid,
                ssid: choice.ssid.as_str().to_owned(),
                mode: choice.mode,
                country: Some(choice.country),
                channel,
                mhz,
                width_mhz: choice.width_mhz,
                band: Some(band),
                interface: choice.interface().to_owned(),
                station_ports: choice.station_ports,
                why: choice.why.clone(),
                signals: std::mem::take(&mut view.signals),
            };
        });
    }
}

async fn kick(live: &mut Live, mac: Mac) -> Look {
    match live.kick(mac).await {
        // It has left already.
        Ok(()) | Err(ControlError::Refused { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
