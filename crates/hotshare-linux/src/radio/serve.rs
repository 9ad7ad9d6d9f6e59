//! The access point while it is on: hostapd watched, orders obeyed, stations told.
//!
//! What is told is a list, read anew after every event, every attachment, and every few seconds: events are hints.
//! When hostapd dies, hangs, or loses its card, the list is empty, and it is started again as the core's
//! [`Supervision`] says; then everything that is ordered holds before the first station can join.

mod air;
mod attend;
mod live;
mod mouth;

use std::path::PathBuf;
use std::time::Duration;

use hotshare_core::radio::{Observed, RadioOrders, Station, Step, Supervision, Why};
use hotshare_core::units::{BootTime, Mac};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::card::{AirWatch, Card};
use super::control::Control;
use super::features::Features;
use super::files::RunDir;
use super::frames::Echo;
use super::{AccessPoint, RadioConfig, RadioError, RadioNews, RadioView, decide, end_stray, process};
use crate::clock;
use air::Air;
use live::{Live, Wish};
use mouth::Mouth;

/// An access point that is on.
pub struct Radio {
    config: RadioConfig,
    card: Card,
    dir: RunDir,
    program: PathBuf,
    features: Features,
    live: Option<Live>,
    /// Who was on when hostapd ended without telling them.
    lost: Vec<Mac>,
    /// Why the last start failed, in words.
    failure: Option<String>,
}

/// The ends of the daemon's channels.
struct Ties {
    orders: watch::Receiver<RadioOrders>,
    kicks: mpsc::Receiver<Mac>,
    mouth: Mouth,
    view: watch::Sender<RadioView>,
    stop: CancellationToken,
}

/// What is heard of the kernel.
struct Ears {
    watch: AirWatch,
    echo: Echo,
}

impl Radio {
    /// Prepares the card and starts hostapd with everything in `orders`, or takes over the hostapd that a killed
    /// run left. Returns when the access point is on. After an error, the card is to be given back.
    ///
    /// # Errors
    /// With the reason, in words for the owner.
    pub async fn start(
        mut config: RadioConfig,
        card: Card,
        orders: &RadioOrders,
    ) -> Result<Radio, RadioError> {
        let program = process::find()?;
        let features = super::checked(&program, config.choice.mode).await?;
        // The name may come from the card's address; with another card, stations are to find the same network.
        config.wish.ssid.get_or_insert_with(|| config.choice.ssid.clone());
        let dir = RunDir::new(&config.run_dir);
        let mut radio =
            Radio { config, card, dir, program, features, live: None, lost: Vec::new(), failure: None };
        if let Some(live) = radio.wish(orders).adopt().await? {
            radio.live = Some(live);
        } else {
            radio.card.prepare(&radio.config.choice).await?;
            radio.live = Some(radio.wish(orders).launch().await?);
        }
        Ok(radio)
    }

    fn wish<'a>(&'a self, orders: &'a RadioOrders) -> Wish<'a> {
        Wish {
            config: &self.config,
            dir: &self.dir,
            program: &self.program,
            extras: self.features.extras,
            orders,
        }
    }

    /// Serves until told to stop, whatever happens to hostapd and the card. Ends hostapd; the card is to be given
    /// back afterwards.
    ///
    /// # Errors
    /// When nobody listens any more, or hostapd does not end.
    pub async fn serve(
        mut self,
        orders: watch::Receiver<RadioOrders>,
        kicks: mpsc::Receiver<Mac>,
        news: mpsc::Sender<RadioNews>,
        view: watch::Sender<RadioView>,
        stop: CancellationToken,
    ) -> Result<(), RadioError> {
        let mut ties = Ties { orders, kicks, mouth: Mouth::new(news), view, stop };
        let served = self.serve_until_stopped(&mut ties).await;
        ties.view
            .send_modify(|view| view.state = AccessPoint::Off { why: None, words: "it was stopped".into() });
        let ended = match self.live.take() {
            Some(live) => live.end(false).await,
            None => Ok(()),
        };
        // One that was being started has only its process file.
        let cleared = end_stray(&self.config.run_dir).await;
        served.and(ended).and(cleared)
    }

    async fn serve_until_stopped(&mut self, ties: &mut Ties) -> Result<(), RadioError> {
        let mut ears = Ears { watch: AirWatch::open().await?, echo: Echo::new() };
        let mut supervision = Supervision::new();
        supervision.started(clock::boot(), self.followed());
        loop {
            let air = air::look(&self.config.choice).await?;
            let seen = self.observed(&air);
            match supervision.step(clock::boot(), &seen) {
                Step::Wait(until) => {
                    if !self.wait(ties, &mut ears, until).await? {
                        return Ok(());
                    }
                }
                Step::End(why) => {
                    self.end(ties, why).await?;
                    supervision.ended(clock::boot());
                }
                Step::Start { anew } => match self.start_again(ties, anew).await? {
                    Started::On => supervision.started(clock::boot(), self.followed()),
                    Started::Failed => supervision.failed(),
                    Started::Stopped => return Ok(()),
                },
            }
        }
    }

    /// The channel that has to be the uplink station's, if it has to be.
    fn followed(&self) -> Option<u32> {
        self.config.choice.follows.as_ref().map(|_| self.config.choice.mhz)
    }

    fn observed(&self, air: &Air) -> Observed {
        Observed {
            process: self.live.as_ref().is_some_and(Live::is_running),
            answered: self.live.as_ref().map(|live| live.answered),
            card: if self.live.is_some() { air.card } else { air.cards > 0 },
            cards: air.cards,
            on_air: air.on_air,
            station: if self.config.choice.follows.is_some() { air.station } else { Station::Free },
        }
    }

    /// Waits for news or for this moment; `false` when told to stop.
    async fn wait(&mut self, ties: &mut Ties, ears: &mut Ears, until: BootTime) -> Result<bool, RadioError> {
        let millis = until.millis_since(clock::boot());
        let pause = sleep(Duration::from_millis(millis));
        if let Some(mut live) = self.live.take() {
            let attended = self.attend(&mut live, ties, ears, pause).await;
            self.live = Some(live);
            return attended;
        }
        tokio::select! {
            biased;
            () = ties.stop.cancelled() => Ok(false),
            error = ties.mouth.speak_on() => Err(error),
            // Whoever is to be disconnected is.
            Some(_) = ties.kicks.recv() => Ok(true),
            () = ears.watch.changed() => Ok(true),
            () = pause => Ok(true),
        }
    }

    async fn end(&mut self, ties: &mut Ties, why: Why) -> Result<(), RadioError> {
        let mut words = self.failure.take().unwrap_or_else(|| why.to_string());
        if let Some(mut live) = self.live.take() {
            tracing::warn!(%why, "the access point is off; it is started again");
            if why == Why::Died {
                let said = live.last_words().await;
                words = if said.is_empty() { words } else { format!("{words}: {said}") };
            }
            self.lost = live.known.iter().map(|station| station.mac).collect();
            live.end(why == Why::Hung || why == Why::Died).await?;
            ties.mouth.stations(Vec::new(), true);
        }
        end_stray(&self.config.run_dir).await?;
        ties.view.send_modify(|view| {
            view.state = AccessPoint::Off { why: Some(why), words };
            view.signals.clear();
        });
        Ok(())
    }

    async fn start_again(&mut self, ties: &mut Ties, anew: bool) -> Result<Started, RadioError> {
        let orders = ties.orders.borrow_and_update().clone();
        let before = self.config.choice.interface().to_owned();
        let tried = tokio::select! {
            biased;
            () = ties.stop.cancelled() => return Ok(Started::Stopped),
            error = ties.mouth.speak_on() => return Err(error),
            tried = self.try_start(&orders, anew) => tried,
        };
        match tried {
            Ok(mut live) => {
                tracing::info!(interface = self.config.choice.interface(), "the access point is on again");
                for mac in std::mem::take(&mut self.lost) {
                    if let Err(error) = live.call_back(mac).await {
                        tracing::debug!(%error, %mac, "a station was not called back");
                    }
                }
                self.live = Some(live);
                if self.config.choice.interface() != before {
                    ties.mouth.card(self.config.choice.interface());
                }
                Ok(Started::On)
            }
            Err(error) => {
                let words = told(&error);
                tracing::debug!(%words, "the access point cannot be started");
                self.failure = Some(words);
                Ok(Started::Failed)
            }
        }
    }

    /// One try; `anew`: with the card and the channel that there are now.
    async fn try_start(&mut self, orders: &RadioOrders, anew: bool) -> Result<Live, RadioError> {
        if anew {
            let choice = decide(&mut self.card, &self.config.wish, &self.config.uplink).await?;
            self.card.prepare(&choice).await?;
            self.config.choice = choice;
        }
        self.wish(orders).launch().await
    }
}

/// How a start went.
enum Started {
    On,
    Failed,
    /// We were told to stop meanwhile.
    Stopped,
}

/// An error with its causes.
fn told(error: &RadioError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// Asks every hostapd whose socket is in our folder to end.
pub(super) async fn was_told_to_end(dir: &RunDir) -> bool {
    let Ok(sockets) = std::fs::read_dir(dir.control()) else { return false };
    let mut was_told = false;
    for socket in sockets.flatten() {
        was_told |= Control::new(&dir.own_ends(), &socket.path()).terminate().await.is_ok();
    }
    was_told
}
