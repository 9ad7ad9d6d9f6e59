//! The queue that slowed traffic waits in: made when somebody is slowed for the first time, made again when it is
//! gone, told every order. The meter holds the rates with or without it, so nothing here ends the daemon.

use std::collections::BTreeMap;

use anyhow::Context as _;
use hotshare_core::meter::AccountOrder;
use hotshare_core::units::Slot;
use hotshare_linux::datapath::{Meter, Queue, QueueError, QueuePath};
use hotshare_linux::observe::ifindex;

/// What its two interfaces begin with.
const NAME: &str = "hs-queue";
/// The one that packets enter by.
const FRONT: &str = "hs-queue0";

/// The queue as it is, and as it should be.
#[derive(Default)]
pub(super) struct Slow {
    queue: Option<Queue>,
    orders: BTreeMap<Slot, AccountOrder>,
    /// Between which interfaces, where both are there.
    between: Option<(u32, u32)>,
    /// What the meter was told.
    path: Option<QueuePath>,
    /// What an earlier run left is out of the way.
    begun: bool,
    /// Failed, and said so: tried again with each tick.
    pub(super) missing: bool,
}

impl Slow {
    /// After the meter has taken this order.
    pub(super) async fn follow(&mut self, meter: &mut Meter, slot: Slot, order: &AccountOrder) {
        self.orders.insert(slot, *order);
        match &mut self.queue {
            Some(queue) => {
                let done = queue.follow(slot, order).await.context("cannot order who waits how long");
                self.note(meter, done);
            }
            None if order.rate.is_some() && !self.missing => self.make(meter).await,
            None => {}
        }
    }

    /// The meter is on these interfaces now: uplink and LAN.
    pub(super) async fn between(&mut self, meter: &mut Meter, ends: Option<(u32, u32)>) {
        self.between = ends;
        if !std::mem::replace(&mut self.begun, true) {
            let cleared = meter.queue_through(None).map_err(anyhow::Error::from);
            let cleared = cleared.and(remove().await.map_err(anyhow::Error::from));
            self.note(meter, cleared.context("cannot take away the queue of an earlier run"));
        }
        self.check(meter).await;
    }

    /// Made where it is needed and not there, and in the way of slowed packets.
    pub(super) async fn check(&mut self, meter: &mut Meter) {
        let front = self.queue.as_ref().map(|queue| queue.ends().front);
        if front.is_some() && front == ifindex(FRONT) {
            let led = self.lead(meter);
            self.note(meter, led);
        } else if front.is_some() || self.orders.values().any(|order| order.rate.is_some()) {
            self.make(meter).await;
        }
    }

    async fn make(&mut self, meter: &mut Meter) {
        self.queue = None;
        self.path = None;
        let made = self.try_make(meter).await;
        self.note(meter, made);
    }

    async fn try_make(&mut self, meter: &mut Meter) -> anyhow::Result<()> {
        let mut queue = Queue::make(NAME).await?;
        for (slot, order) in &self.orders {
            queue.follow(*slot, order).await?;
        }
        self.queue = Some(queue);
        self.lead(meter)
    }

    fn lead(&mut self, meter: &mut Meter) -> anyhow::Result<()> {
        let path = match (&self.queue, self.between) {
            (Some(queue), Some((uplink, lan))) => Some(QueuePath { ends: queue.ends(), uplink, lan }),
            _ => None,
        };
        if path != self.path {
            meter.queue_through(path).context("cannot lead slowed traffic through its queue")?;
            self.path = path;
        }
        Ok(())
    }

    /// Without the queue the meter alone holds the rate, by refusing what is too fast.
    fn note(&mut self, meter: &mut Meter, done: anyhow::Result<()>) {
        let Err(error) = done else {
            self.missing = false;
            return;
        };
        if !std::mem::replace(&mut self.missing, true) {
            tracing::warn!(
                error = format!("{error:#}"),
                "slowed traffic has no queue: rates hold, but not gently, and people may not get equal parts; \
                 will try again"
            );
        }
        self.queue = None;
        self.path = None;
        if let Err(error) = meter.queue_through(None) {
            tracing::warn!(%error, "slowed traffic may be dropped until this succeeds");
        }
    }
}

/// Takes the queue away. That there is none is fine.
pub(super) async fn remove() -> Result<(), QueueError> {
    Queue::remove(NAME).await
}
