//! The whole laboratory, for the story and for the tests: built, joined, taken down.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nlink::netlink::{Connection, Route};

use crate::api::Api;
use crate::daemon::{Daemon, Start};
use crate::inside::Inside;
use crate::lock::Lock;
use crate::observer::Observer;
use crate::phone::Phone;
use crate::world::{self, Rate};
use crate::{internet, layout};

/// Everything but the daemon's own state: namespaces, servers, phones and, once started, the daemon.
#[derive(Debug)]
pub struct Lab {
    /// Dropped first, so that it can still reach its namespace.
    pub daemon: Option<Daemon>,
    pub phones: Vec<Phone>,
    /// The carrier and the Internet.
    pub internet: Inside,
    /// The machine that runs Hotshare.
    pub hotspot: Inside,
    pub api: Api,
    start: Start,
    mounted: bool,
    /// Dropped after everything that lives in a namespace, and before the lock.
    _remains: Remains,
    _lock: Arc<Lock>,
}

/// Removes what is left when a test fails half-way.
#[derive(Debug)]
struct Remains;

impl Drop for Remains {
    fn drop(&mut self) {
        // Where something resists, the next laboratory says so when it begins.
        drop(world::remove());
    }
}

impl Lab {
    /// Builds the namespaces and starts the servers. What an earlier laboratory left is removed first.
    pub async fn build(
        lock: impl Into<Arc<Lock>>,
        binary: PathBuf,
        phones: u8,
        rate: Option<Rate>,
    ) -> Result<Lab> {
        world::remove()?;
        let mounted = world::has_bpf_mount();
        let start = Start::usual(binary, phones);
        match Lab::assemble(&start, phones, rate).await {
            Ok((internet, hotspot, phones)) => Ok(Lab {
                daemon: None,
                phones,
                internet,
                hotspot,
                api: Api::at(layout::api_socket()),
                start,
                mounted,
                _remains: Remains,
                _lock: lock.into(),
            }),
            Err(error) => Err(match world::remove() {
                Ok(()) => error,
                Err(more) => error.context(more),
            }),
        }
    }

    async fn assemble(start: &Start, phones: u8, rate: Option<Rate>) -> Result<(Inside, Inside, Vec<Phone>)> {
        world::build(phones, rate).await?;
        let internet = Inside::enter(layout::INTERNET)?;
        let hotspot = Inside::enter(layout::BOX)?;
        internet::serve(&internet, phones).await.context("start the Internet's servers")?;
        start.write_config()?;
        let phones = (1..=phones).map(Phone::enter).collect::<Result<_>>()?;
        Ok((internet, hotspot, phones))
    }

    /// Starts the daemon with the laboratory's usual configuration.
    pub async fn up(&mut self) -> Result<()> {
        let start = self.start.clone();
        self.up_with(&start).await
    }

    /// Starts the daemon, in the way that is said.
    pub async fn up_with(&mut self, start: &Start) -> Result<()> {
        let mut daemon = Daemon::spawn(start, self.hotspot.space())?;
        daemon.ready(&self.api, Duration::from_secs(20)).await?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// How the daemon would be started.
    #[must_use]
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// `kill -9` of the daemon.
    pub fn kill(&mut self) -> Result<()> {
        self.daemon.take().context("there is no daemon to kill")?.kill()
    }

    /// Stops the daemon in order.
    pub async fn down(&mut self) -> Result<()> {
        self.daemon.take().context("there is no daemon to stop")?.stop().await
    }

    /// One person for each phone, all with the same allowance (`None`: unlimited), and their devices.
    pub async fn people(&self, allowance: Option<u64>) -> Result<()> {
        for phone in &self.phones {
            self.api.add_person(&phone.person(), allowance).await?;
            self.api.assign(&layout::phone_mac_text(phone.number()), &phone.person()).await?;
        }
        Ok(())
    }

    /// Every phone gets its address, all at once.
    pub async fn join(&mut self) -> Result<()> {
        futures_util::future::try_join_all(self.phones.iter_mut().map(Phone::join)).await?;
        Ok(())
    }

    /// An observer at the carrier's side of the uplink. Download is [`crate::observer::Way::Out`].
    pub async fn watch_carrier(&self) -> Result<Observer> {
        Observer::start(self.internet.space(), layout::CARRIER_PORT, 64).await
    }

    /// An observer at a phone (by its place in [`Lab::phones`]). Download is [`crate::observer::Way::In`].
    pub async fn watch_phone(&self, index: usize) -> Result<Observer> {
        Observer::start(self.phones[index].inside().space(), layout::PHONE_PORT, 32).await
    }

    /// The card is pulled out: the uplink's interface is gone.
    pub async fn pull_card(&self) -> Result<()> {
        let far = Connection::<Route>::new_in(self.internet.space())?;
        far.del_link(layout::CARRIER_PORT).await.context("take the uplink away")
    }

    /// The card is put back: a new interface of the same name, with address and route.
    pub async fn insert_card(&self) -> Result<()> {
        let far = Connection::<Route>::new_in(self.internet.space())?;
        let near = Connection::<Route>::new_in(self.hotspot.space())?;
        world::link_uplink(&far, &near, self.hotspot.space()).await
    }

    /// A phone's cable is unplugged: both ends' interfaces are gone.
    pub async fn unplug(&self, index: usize) -> Result<()> {
        let inside = Connection::<Route>::new_in(self.phones[index].inside().space())?;
        inside.del_link(layout::PHONE_PORT).await.context("unplug the phone")
    }

    /// And plugged in again, as new interfaces.
    pub async fn plug(&self, index: usize) -> Result<()> {
        let phone = &self.phones[index];
        let near = Connection::<Route>::new_in(self.hotspot.space())?;
        let inside = Connection::<Route>::new_in(phone.inside().space())?;
        world::plug_phone(&near, &inside, phone.inside().space(), phone.number()).await
    }

    /// Switches merging and segmentation on or off everywhere.
    pub async fn set_offloads(&self, on: bool) -> Result<()> {
        world::set_offloads(self.internet.space(), layout::CARRIER_PORT, on).await?;
        world::set_offloads(self.hotspot.space(), layout::UPLINK_PORT, on).await?;
        for phone in &self.phones {
            world::set_offloads(self.hotspot.space(), &layout::lan_port(phone.number()), on).await?;
            world::set_offloads(phone.inside().space(), layout::PHONE_PORT, on).await?;
        }
        Ok(())
    }

    /// Stops the daemon in order and removes everything; says what did not go well.
    pub async fn tear_down(mut self) -> Result<()> {
        let stopped = match self.daemon.take() {
            Some(daemon) => daemon.stop().await,
            None => Ok(()),
        };
        let Lab { phones, internet, hotspot, mounted, _remains, _lock, .. } = self;
        drop((phones, internet, hotspot));
        let removed = world::remove();
        if !mounted {
            world::drop_bpf_mount();
        }
        stopped.and(removed)
    }
}
