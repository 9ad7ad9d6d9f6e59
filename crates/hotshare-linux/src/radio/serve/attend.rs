//! A hostapd that runs: everything that is waited for while it does.

use std::time::Duration;

use hotshare_core::radio::Band;
use hotshare_core::units::Mac;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::super::card::{self, AirWatch};
use super::super::control::ControlError;
use super::super::reply::Event;
use super::super::{AccessPoint, RadioError, RadioView};
use super::air::{self, Air};
use super::live::{Did, Live};
use super::{Left, Radio, Ties};

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
/// What the kernel says of a link that is just changing is looked at twice.
const CONFIRM: Duration = Duration::from_millis(300);

/// What waits to be done.
struct Due {
    /// The list of stations is to be read at this moment.
    list: Option<Instant>,
    /// The list is to be told even if it is as before: hostapd is new, or was not heard for a while.
    repeat: bool,
    /// An order failed, and is to be tried again with the next pulse.
    orders: bool,
    pulses: u64,
}

impl Due {
    fn list_in(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.list = Some(self.list.map_or(at, |due| due.min(at)));
    }
}

/// Whether to go on attending.
type Done = Result<Option<Left>, RadioError>;

impl Radio {
    /// Attends hostapd until it is off, or we are told to stop.
    pub(super) async fn attend(
        &self,
        live: &mut Live,
        ties: &mut Ties,
        air: &mut AirWatch,
    ) -> Result<Left, RadioError> {
        self.show(live, ties);
        // Those given while it was started, too.
        ties.orders.mark_changed();
        let mut due = Due { list: Some(Instant::now()), repeat: true, orders: false, pulses: 0 };
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let at = due.list;
            let done = tokio::select! {
                biased;
                () = ties.stop.cancelled() => return Ok(Left::Stopped),
                spoken = ties.mouth.speak() => { spoken?; Ok(None) }
                did = live.next() => self.heed(did, live, ties, &mut due).await,
                Some(mac) = ties.kicks.recv() => self.kick(live, mac).await,
                Ok(()) = ties.orders.changed() => self.obey(live, ties, &mut due).await,
                () = sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => {
                    self.list(live, ties, &mut due).await
                }
                () = air.changed() => self.look_at_air(live, ties).await,
                _ = pulse.tick() => self.pulse(live, ties, &mut due).await,
            };
            match done {
                Ok(None) => {}
                Ok(Some(left)) => return Ok(left),
                Err(error) => {
                    let words = super::told(&error);
                    tracing::debug!(%words, "hostapd did not do as asked");
                    if let Some(left) = is_it_silent(live).await {
                        return Ok(left);
                    }
                }
            }
        }
    }

    /// What hostapd did by itself.
    async fn heed(
        &self,
        did: Result<Did, ControlError>,
        live: &mut Live,
        ties: &mut Ties,
        due: &mut Due,
    ) -> Done {
        match did {
            Ok(Did::Said(line)) => tracing::debug!(%line, "hostapd"),
            Ok(Did::Ended) => {
                let words = live.last_words().await;
                let why = if words.is_empty() {
                    "hostapd ended".to_owned()
                } else {
                    format!("hostapd ended: {words}")
                };
                return Ok(Some(Left::Off(why)));
            }
            Ok(Did::Told(event)) => match event {
                Event::Joined(mac) | Event::Left(mac) => {
                    tracing::debug!(%mac, ?event, "hostapd");
                    due.list_in(SETTLE);
                }
                Event::WrongKey(mac) => ties.mouth.wrong_key(mac),
                Event::On | Event::Off | Event::ChannelChanged => return self.look_at_air(live, ties).await,
                Event::Ending | Event::Other => {}
            },
            Err(error) => {
                // The events' socket is broken; the requests' may be well.
                sleep(LOOK_AGAIN).await;
                live.attach_again(&self.dir, self.config.choice.interface()).await?;
                due.list_in(SETTLE);
                return Err(error.into());
            }
        }
        Ok(None)
    }

    async fn kick(&self, live: &mut Live, mac: Mac) -> Done {
        match live.kick(mac).await {
            Ok(()) | Err(ControlError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn obey(&self, live: &mut Live, ties: &mut Ties, due: &mut Due) -> Done {
        let orders = ties.orders.borrow_and_update().clone();
        due.orders = true;
        live.obey(&self.wish(&orders)).await?;
        due.orders = false;
        Ok(None)
    }

    /// Reads the list of stations and tells it.
    async fn list(&self, live: &mut Live, ties: &mut Ties, due: &mut Due) -> Done {
        due.list = None;
        let (stations, is_whole) = live
            .stations(self.config.choice.mode, self.config.choice.station_ports)
            .await
            .inspect_err(|_| {
                due.list = Some(Instant::now() + PULSE);
            })?;
        ties.mouth.stations(stations, std::mem::take(&mut due.repeat));
        if !is_whole {
            due.list_in(LOOK_AGAIN);
        }
        // A station may have come back as it was ordered to be admitted before.
        self.obey(live, ties, due).await
    }

    async fn pulse(&self, live: &mut Live, ties: &mut Ties, due: &mut Due) -> Done {
        due.pulses += 1;
        live.ping().await?;
        if due.orders {
            self.obey(live, ties, due).await?;
        }
        if due.pulses.is_multiple_of(PULSES_TO_A_LOOK) {
            due.list_in(Duration::ZERO);
            let heard = card::signals(&live.interfaces(self.config.choice.interface())).await?;
            ties.view.send_modify(|view| view.signals = heard);
            if due.pulses.is_multiple_of(PULSES_TO_AN_ATTACHMENT) {
                live.attach_again(&self.dir, self.config.choice.interface()).await?;
            }
            return self.look_at_air(live, ties).await;
        }
        Ok(None)
    }

    /// The kernel's word on the card, which hostapd does not always notice.
    async fn look_at_air(&self, live: &mut Live, ties: &mut Ties) -> Done {
        let choice = &self.config.choice;
        let mut seen = air::look(choice).await?;
        if seen == Air::Off || seen == Air::UplinkLost {
            sleep(CONFIRM).await;
            seen = air::look(choice).await?;
        }
        let interface = choice.interface();
        Ok(match seen {
            Air::On => {
                let status = live.status().await?;
                if status.mhz.is_some() && status.mhz != live.mhz {
                    live.mhz = status.mhz;
                    self.show(live, ties);
                }
                None
            }
            Air::Off => Some(Left::Off(format!("{interface} stopped sending"))),
            Air::Gone => Some(Left::Changed(format!("the card with {interface} is gone"))),
            Air::UplinkMoved(mhz) => {
                Some(Left::Changed(format!("the uplink moved to {mhz} MHz, on the same card")))
            }
            Air::UplinkLost => Some(Left::Changed(
                "the uplink on the same card has no link, and must be free to find one on any channel".into(),
            )),
        })
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

/// After something that hostapd did not do: whether it still listens. A hostapd that hangs is not waited for.
async fn is_it_silent(live: &mut Live) -> Option<Left> {
    let Err(error) = live.ping().await else { return None };
    Some(Left::Silent(error.to_string()))
}
