//! What most scenarios begin with: the air, an Internet, a box that shares it, and people who are invited.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use hotshare_api::Key;

use crate::air::{Air, BOX_RADIO, CardState, card_state};
use crate::box_::{Config, Hotspot};
use crate::internet::{Internet, Passed, Ports, passed, pinged};
use crate::miscount::miscounted;
use crate::station::{Network, Station};

/// Channel 1, where boxes of the lab are unless they are told otherwise.
pub(crate) const MHZ: u32 = 2412;
/// How long a station may take to join.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
pub(crate) const MIB: u64 = 1 << 20;

/// Runs a scenario on a runtime of its own.
pub(crate) fn scene(play: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(play)
}

/// A box on the air with an Internet behind a cable.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) air: Air,
    pub(crate) internet: Internet,
    pub(crate) hotspot: Hotspot,
    /// How the card was before.
    card: CardState,
}

/// Somebody with a key, a station and ports of their own in the Internet.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    pub(crate) ports: Ports,
    pub(crate) key: Key,
    pub(crate) network: Network,
    pub(crate) station: Station,
}

impl World {
    /// So many radios, the first of which is the box's card.
    pub(crate) async fn new(radios: u32, mode: &'static str) -> Result<World> {
        World::with(radios, Config::new(mode)).await
    }

    pub(crate) async fn with(radios: u32, config: Config) -> Result<World> {
        let air = Air::load(radios)?;
        let internet = Internet::join_by_cable().await?;
        let card = card_state(air.interface(BOX_RADIO)?)?;
        let hotspot = Hotspot::up(config).await?;
        Ok(World { air, internet, hotspot, card })
    }

    /// Of a box that was started in another way. How its card was is not known here.
    pub(crate) fn around(air: Air, internet: Internet, hotspot: Hotspot) -> Result<World> {
        let card = card_state(air.interface(BOX_RADIO)?)?;
        Ok(World { air, internet, hotspot, card })
    }

    /// A station with one of the radios.
    pub(crate) async fn station(&self, radio: u32, name: &str) -> Result<Station> {
        Station::with_radio(&self.air, radio, name).await
    }

    /// Somebody new, who is not on the air yet. Their radio and their ports have the same number.
    pub(crate) async fn guest(
        &self,
        number: u8,
        name: &'static str,
        allowance: Option<u64>,
    ) -> Result<Guest> {
        let station = self.station(u32::from(number), name).await?;
        self.guest_with(station, number, name, allowance).await
    }

    /// The same with a station that is there already.
    pub(crate) async fn guest_with(
        &self,
        station: Station,
        number: u8,
        name: &'static str,
        allowance: Option<u64>,
    ) -> Result<Guest> {
        let key = self.hotspot.invite(name, allowance).await?;
        let network = Network::from_qr(&key.join.0)?.on(MHZ);
        Ok(Guest { name, ports: Ports(number), key, network, station })
    }

    /// Once nothing moves any more: what the daemon has booked for these people is what the far side counted on
    /// their ports, to the byte. The pings of the one who is named are theirs too.
    pub(crate) async fn compare(&self, people: &[(&str, Ports)], pinging: Option<&str>) -> Result<()> {
        let count = || -> Result<Vec<Passed>> {
            let tally = self.internet.tally()?;
            Ok(people
                .iter()
                .map(|(name, ports)| {
                    let mut sum = passed(&tally, *ports);
                    if pinging == Some(*name) {
                        let pings = pinged(&tally);
                        sum.up += pings.up;
                        sum.down += pings.down;
                    }
                    sum
                })
                .collect())
        };
        let mut before = count()?;
        let mut booked = Vec::new();
        for _ in 0..60 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            booked.clear();
            for (name, _) in people {
                let person = self.hotspot.person(name).await?;
                booked.push((person.up, person.down));
            }
            let now = count()?;
            if now == before {
                break;
            }
            before = now;
        }
        for (((name, _), counted), (up, down)) in people.iter().zip(&before).zip(&booked) {
            println!(
                "{name}: booked {up} up, {down} down; the far side counted {} up, {} down",
                counted.up, counted.down
            );
            miscounted(*up != counted.up, || format!("{name}: sent {} bytes, booked {up}", counted.up))?;
            miscounted(*down != counted.down, || {
                format!("{name}: got {} bytes, booked {down}", counted.down)
            })?;
        }
        Ok(())
    }

    /// The same for the sum of these people, with everybody's pings.
    pub(crate) async fn compare_all(&self, people: &[(&str, Ports)]) -> Result<()> {
        let mut before = None;
        for _ in 0..60 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let tally = self.internet.tally()?;
            let pings = pinged(&tally);
            let (mut counted, mut booked) = (pings.up + pings.down, 0);
            for (name, ports) in people {
                let own = passed(&tally, *ports);
                let person = self.hotspot.person(name).await?;
                counted += own.up + own.down;
                booked += person.up + person.down;
            }
            if before.replace((counted, booked)) == Some((counted, booked)) {
                println!("all together: booked {booked}, the far side counted {counted}");
                miscounted(booked != counted, || format!("{counted} bytes passed, booked {booked}"))?;
                return Ok(());
            }
        }
        bail!("the packets do not stop: {before:?}")
    }

    /// Ends the daemon in order and starts another one.
    pub(crate) async fn again_with(self, config: Config) -> Result<World> {
        let World { air, internet, hotspot, card } = self;
        let status = hotspot.down().await?;
        ensure!(status.success(), "hotshare up ended with {status}");
        let hotspot = Hotspot::up(config).await?;
        Ok(World { air, internet, hotspot, card })
    }

    /// Ends the daemon in order. The card is as it was.
    pub(crate) async fn down(self) -> Result<()> {
        let interface = self.air.interface(BOX_RADIO)?.to_owned();
        let status = self.hotspot.down().await?;
        ensure!(status.success(), "hotshare up ended with {status}");
        let card = card_state(&interface)?;
        ensure!(card == self.card, "the card was {:?}, and now is {card:?}", self.card);
        ensure!(!std::path::Path::new("/sys/class/net/hotshare0").exists(), "the bridge is still there");
        Ok(())
    }
}

impl Guest {
    /// Joins and gets an address.
    pub(crate) async fn join(&mut self) -> Result<()> {
        self.station.join(&self.network).await.map(drop)
    }

    /// Downloads from their own port, every byte compared.
    pub(crate) async fn get(&self, bytes: u64) -> Result<()> {
        let got = self.station.get(self.ports.web(), bytes, Duration::from_secs(40)).await?;
        ensure!(got.whole, "{} got {} of {bytes} bytes", self.name, got.bytes);
        Ok(())
    }

    pub(crate) fn person(&self) -> (&'static str, Ports) {
        (self.name, self.ports)
    }
}
