//! The access point while it is on: hostapd watched, orders obeyed, stations told.
//!
//! What is told is a list, read anew after every event, every attachment, and every few seconds: events are hints.
//! When hostapd dies, hangs, or loses its card, the list is empty, and it is started again; then everything that
//! is ordered holds before the first station can join.

mod air;
mod attend;
mod live;
mod mouth;

use std::path::PathBuf;
use std::time::Duration;

use hotshare_core::radio::RadioOrders;
use hotshare_core::units::Mac;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::card::{AirWatch, Card};
use super::control::Control;
use super::features::Features;
use super::files::RunDir;
use super::{AccessPoint, RadioConfig, RadioError, RadioNews, RadioView, decide, end_stray, process};
use live::{Live, Wish};
use mouth::Mouth;

/// How long to wait before the second and later tries to start.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// An access point that is on.
pub struct Radio {
    config: RadioConfig,
    card: Card,
    dir: RunDir,
    program: PathBuf,
    features: Features,
    live: Option<Live>,
}

/// The ends of the daemon's channels.
struct Ties {
    orders: watch::Receiver<RadioOrders>,
    kicks: mpsc::Receiver<Mac>,
    mouth: Mouth,
    view: watch::Sender<RadioView>,
    stop: CancellationToken,
}

/// Why hostapd is not attended any more.
#[derive(Debug)]
enum Left {
    /// We were told to stop.
    Stopped,
    /// It is off air. Start it again, as it was.
    Off(String),
    /// It does not answer. Nothing is asked of it any more.
    Silent(String),
    /// It is off air, and the card or the channel may be another one now.
    Changed(String),
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
        let mut radio = Radio { config, card, dir, program, features, live: None };
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
        ties.view.send_modify(|view| view.state = AccessPoint::Off("it was stopped".into()));
        let ended = match self.live.take() {
            Some(live) => live.end(false).await,
            None => Ok(()),
        };
        // One that was being started has only its process file.
        let cleared = end_stray(&self.config.run_dir).await;
        served.and(ended).and(cleared)
    }

    async fn serve_until_stopped(&mut self, ties: &mut Ties) -> Result<(), RadioError> {
        let mut air = AirWatch::open().await?;
        loop {
            let left = match self.live.take() {
                Some(mut live) => {
                    let left = self.attend(&mut live, ties, &mut air).await?;
                    if let Left::Stopped = left {
                        self.live = Some(live);
                        return Ok(());
                    }
                    live.end(matches!(left, Left::Silent(_))).await?;
                    left
                }
                None => Left::Off("it is being started".into()),
            };
            ties.mouth.stations(Vec::new(), true);
            match left {
                Left::Stopped => return Ok(()),
                Left::Off(why) | Left::Silent(why) => {
                    if !self.revive(ties, &mut air, why, false).await? {
                        return Ok(());
                    }
                }
                Left::Changed(why) => {
                    if !self.revive(ties, &mut air, why, true).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Tries until the access point is on again; `false` when told to stop meanwhile.
    async fn revive(
        &mut self,
        ties: &mut Ties,
        air: &mut AirWatch,
        why: String,
        is_changed: bool,
    ) -> Result<bool, RadioError> {
        tracing::warn!(%why, "the access point is off; starting it again");
        ties.view.send_modify(|view| {
            view.state = AccessPoint::Off(why);
            view.signals.clear();
        });
        let mut tries = 0_usize;
        loop {
            let orders = ties.orders.borrow_and_update().clone();
            let stop = ties.stop.clone();
            let anew = is_changed || tries > 0;
            let tried = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(false),
                spoken = speak_on(&mut ties.mouth) => return Err(spoken),
                tried = self.try_start(&orders, anew) => tried,
            };
            match tried {
                Ok(live) => {
                    tracing::info!(
                        interface = self.config.choice.interface(),
                        "the access point is on again"
                    );
                    self.live = Some(live);
                    ties.mouth.card(self.config.choice.interface());
                    return Ok(true);
                }
                Err(error) => {
                    let words = told(&error);
                    tracing::debug!(%words, tries, "the access point cannot be started");
                    ties.view.send_modify(|view| view.state = AccessPoint::Off(words));
                }
            }
            let pause = AGAIN.get(tries).or(AGAIN.last()).copied().unwrap_or_default();
            tries += 1;
            tokio::select! {
                () = stop.cancelled() => return Ok(false),
                spoken = speak_on(&mut ties.mouth) => return Err(spoken),
                () = sleep(pause) => {}
                // A card came, or the uplink has a channel: at once, but let it settle.
                () = air.changed() => sleep(AGAIN[0]).await,
            }
        }
    }

    /// One try, with the card that is there now.
    async fn try_start(&mut self, orders: &RadioOrders, anew: bool) -> Result<Live, RadioError> {
        // A try that was given up may have left one.
        end_stray(&self.config.run_dir).await?;
        if anew || !air::has(&self.config.choice).await? {
            let choice = decide(&mut self.card, &self.config.wish, &self.config.uplink).await?;
            air::uplink_is_on(&choice).await?;
            self.card.prepare(&choice).await?;
            self.config.choice = choice;
        }
        self.wish(orders).launch().await
    }
}

/// Tells what waits, for as long as this is waited for. Returns only the failure.
async fn speak_on(mouth: &mut Mouth) -> RadioError {
    loop {
        if let Err(error) = mouth.speak().await {
            return error;
        }
    }
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
