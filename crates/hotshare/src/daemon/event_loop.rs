//! The one loop: news to the brain, the brain's orders to the hands.

use std::sync::Arc;
use std::time::Duration;

use hotshare_core::ask::{Answer, Ask};
use hotshare_core::brain::{AskId, Brain, Command, Event, LeaseId};
use hotshare_core::units::{BootTime, Slot};
use hotshare_linux::clock;
use hotshare_linux::datapath::{MeterEventKind, MeterEvents};
use hotshare_linux::lease::LeaseNews;
use hotshare_linux::modem::Modems;
use hotshare_linux::names::SiteSeen;
use hotshare_linux::radio::RadioNews;
use hotshare_linux::uplink::Watch;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::alerts::told;
use super::execute::Hands;
use super::lan::LanServers;
use super::tasks::{Tasks, What};

/// All that can bring news.
pub(super) struct Sources {
    pub(super) asks: mpsc::Receiver<(Ask, oneshot::Sender<Answer>)>,
    pub(super) leases: mpsc::Receiver<LeaseNews>,
    pub(super) sites: mpsc::Receiver<SiteSeen>,
    /// `None`: no Wi-Fi.
    pub(super) radio: Option<mpsc::Receiver<RadioNews>>,
    pub(super) postings: mpsc::UnboundedReceiver<Event>,
    pub(super) meter: MeterEvents,
    pub(super) uplink: Watch,
    pub(super) modems: watch::Receiver<Modems>,
    /// Told of each certificate that was got; `None`: none is.
    pub(super) certificate: Option<Arc<Notify>>,
    /// Cancelled by `hotshare down`.
    pub(super) down: CancellationToken,
}

pub(super) struct EventLoop {
    pub(super) brain: Brain,
    pub(super) hands: Hands,
    pub(super) tasks: Tasks,
    pub(super) lan: LanServers,
    pub(super) sources: Sources,
    pub(super) asked: u64,
    pub(super) leased: u64,
    /// When old usage was last summed up.
    pub(super) rolled_up: BootTime,
}

const TICK: Duration = Duration::from_secs(1);
const ROLL_UP_SECS: u64 = 3600;

impl EventLoop {
    /// Runs until everything is given back and written.
    pub(super) async fn run(&mut self) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut stopping = false;
        self.hands.map_anew();
        self.obey().await?;
        sd_notify::notify(&[sd_notify::NotifyState::Ready]).ok();
        tracing::info!("ready");
        // The terminal or `systemctl stop` may be long gone; a SIGHUP to a daemon means nothing here.
        while !self.hands.stopped {
            let down = self.sources.down.clone();
            // In no order: a flood of one kind of news must not keep the others waiting.
            tokio::select! {
                _ = terminate.recv() => self.stop(&mut stopping).await?,
                _ = interrupt.recv() => self.stop(&mut stopping).await?,
                () = down.cancelled(), if !stopping => self.stop(&mut stopping).await?,
                Some(event) = self.sources.postings.recv() => self.tell(event).await?,
                event = self.sources.meter.next() => {
                    let event = event?;
                    self.meter_says(event.slot, event.kind).await?;
                }
                Some((ask, reply)) = self.sources.asks.recv() => self.asked(ask, reply).await?,
                Some(news) = self.sources.leases.recv() => self.leased(news).await?,
                Some(seen) = self.sources.sites.recv() => self.hands.site_seen(seen).await,
                Some(news) = next(&mut self.sources.radio) => self.on_air(news).await?,
                () = self.sources.uplink.changed() => self.network_changed().await?,
                Ok(()) = self.sources.modems.changed() => self.look_for_uplink().await?,
                () = told(self.sources.certificate.as_deref()) => self.lan.certificate_is_there(&self.hands.view),
                ended = self.tasks.next_ended() => {
                    tracing::warn!(error = ended.error, "{} ended; starting it again", ended.what.words());
                    match ended.what {
                        What::Api | What::Radio | What::Door => anyhow::bail!("{} ended: {}", ended.what.words(), ended.error),
                        What::Lease | What::Names | What::Portal => self.lan.missing = true,
                    }
                }
                _ = tick.tick() => self.tick().await?,
            }
        }
        if self.brain.stopped_when_idle() {
            tracing::info!("nobody was there for as long as [hotspot] off_when_idle says: stopped");
        }
        Ok(())
    }

    async fn stop(&mut self, stopping: &mut bool) -> anyhow::Result<()> {
        if std::mem::replace(stopping, true) {
            anyhow::bail!("told to stop twice; what was granted and not spent stays counted as used");
        }
        tracing::info!("stopping: returning grants, giving the network back");
        sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
        self.tell(Event::Stop).await
    }

    /// Everything that follows from one piece of news.
    async fn tell(&mut self, event: Event) -> anyhow::Result<()> {
        self.brain.handle(clock::now(), Event::Read(self.hands.readings()?));
        self.brain.handle(clock::now(), event);
        self.obey().await
    }

    /// What was promised is said last: when it is in force.
    pub(super) async fn obey(&mut self) -> anyhow::Result<()> {
        let mut said = Vec::new();
        while let Some(command) = self.brain.next_command() {
            if matches!(command, Command::Answer(..) | Command::Lease(..)) {
                said.push(command);
                continue;
            }
            if command == Command::Look {
                // What is read next must not count for whoever was unmapped before.
                self.hands.finish_turn().await?;
            }
            match self.hands.obey(command).await? {
                Some(read @ Event::Read(_)) => self.brain.handle(clock::now(), read),
                Some(event) => {
                    self.brain.handle(clock::now(), Event::Read(self.hands.readings()?));
                    self.brain.handle(clock::now(), event);
                }
                None => {}
            }
        }
        self.hands.finish_turn().await?;
        for command in said {
            self.hands.obey(command).await?;
        }
        Ok(())
    }

    async fn meter_says(&mut self, slot: Slot, kind: MeterEventKind) -> anyhow::Result<()> {
        match kind {
            MeterEventKind::Low => self.tell(Event::Low(slot)).await,
            MeterEventKind::Refused { last } => self.tell(Event::Refused { slot, last }).await,
        }
    }

    async fn asked(&mut self, ask: Ask, reply: oneshot::Sender<Answer>) -> anyhow::Result<()> {
        self.asked += 1;
        let id = AskId(self.asked);
        self.hands.asks.insert(id, reply);
        self.tell(Event::Asked(id, ask)).await
    }

    async fn leased(&mut self, news: LeaseNews) -> anyhow::Result<()> {
        match news {
            LeaseNews::Leased { leased, durable } => {
                self.leased += 1;
                let id = LeaseId(self.leased);
                self.hands.leases.insert(id, durable);
                self.tell(Event::Leased(id, leased)).await
            }
            LeaseNews::Ended(mac) => self.tell(Event::LeaseEnded(mac)).await,
            LeaseNews::Declined { mac, ip } => {
                tracing::warn!(%ip, "somebody else uses this address; it rests for a while");
                tracing::debug!(%mac, %ip, "declined");
                Ok(())
            }
            LeaseNews::PoolFull { mac } => {
                tracing::warn!("every address is in use; a station got none");
                tracing::debug!(%mac, "no address");
                Ok(())
            }
        }
    }

    async fn on_air(&mut self, news: RadioNews) -> anyhow::Result<()> {
        match news {
            RadioNews::Stations(seen) => self.tell(Event::Stations(seen)).await,
            RadioNews::WrongKey(mac) => self.tell(Event::WrongKey(mac)).await,
            RadioNews::Card(name) => {
                // The rules name the card.
                self.hands.card_is(name);
                self.lan.check(&mut self.hands, &mut self.tasks, self.brain.leases()).await
            }
        }
    }

    async fn network_changed(&mut self) -> anyhow::Result<()> {
        self.look_for_uplink().await?;
        self.lan.check(&mut self.hands, &mut self.tasks, self.brain.leases()).await
    }

    async fn look_for_uplink(&mut self) -> anyhow::Result<()> {
        let uplink = match self.lan.find_uplink().await {
            Ok(uplink) => Some(uplink),
            Err(error) => {
                tracing::debug!(%error, "no uplink");
                None
            }
        };
        self.tell(Event::Uplink(uplink)).await
    }

    async fn tick(&mut self) -> anyhow::Result<()> {
        sd_notify::notify(&[sd_notify::NotifyState::Watchdog]).ok();
        self.hands.poke().await;
        self.hands.mend_queue().await;
        if let Some(event) = self.hands.mind_sites().await {
            self.tell(event).await?;
        }
        if self.hands.unconnected
            && let Some(event) = self.hands.retry().await
        {
            self.tell(event).await?;
        }
        if self.lan.missing {
            self.lan.check(&mut self.hands, &mut self.tasks, self.brain.leases()).await?;
        }
        let boot = clock::boot();
        if boot.millis_since(self.rolled_up) > ROLL_UP_SECS * 1000 {
            self.rolled_up = boot;
            self.hands.ledger.roll_up(self.brain.civil_time(), self.brain.zone());
        }
        self.tell(Event::Tick).await
    }
}

/// Waits for ever where there is nothing to wait for.
async fn next<T>(news: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match news {
        Some(news) => news.recv().await,
        None => std::future::pending().await,
    }
}
