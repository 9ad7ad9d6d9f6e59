//! The lab's own tools against a plain access point: what the other scenarios measure with works, and sees
//! what it is to see.

use std::time::Duration;

use anyhow::{Result, ensure};
use hotshare_lab::layout;
use nlink::netlink::namespace::Netns;

use super::world::scene;
use crate::air::{Air, BOX_RADIO};
use crate::box_::{PlainAp, Setting};
use crate::internet::{Internet, Ports};
use crate::measure::{ms, tool};
use crate::station::{Key, LEFT, Network, Station, WRONG_KEY};

const CHANNEL: u32 = 2412;

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let air = Air::load(3)?;
    let internet = Internet::join_by_cable().await?;
    let card = air.interface(BOX_RADIO)?;
    let ap = PlainAp::start(&Netns::current()?, card, &Setting::new("plain", "correct horse")).await?;
    tool("ip", &["address", "add", "10.9.0.1/24", "dev", card])?;
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    internet.teach_route("10.9.0.0/24")?;

    let mut station = Station::with_radio(&air, 1, "anna").await?;
    let network = Network::new("plain", Key::Passphrase("correct horse".into())).on(CHANNEL);
    station.start(&network).await?;
    println!("joined after {} ms", ms(station.joined(Duration::from_secs(15)).await?));
    station.configure("10.9.0.2/24", "10.9.0.1")?;
    ensure!(station.ping([10, 9, 0, 1].into(), 5).await? >= 3, "pings get lost");
    let got = station.get(Ports(1).web(), 1 << 20, Duration::from_secs(20)).await?;
    let passed = internet.settled(Ports(1)).await?;
    ensure!(got.whole && passed.down > 1 << 20 && passed.up > 0, "{got:?} {passed:?}");
    println!("1 MiB by HTTP: the far side counted {passed:?}");

    // Out of range, and back.
    air.set_mask(BOX_RADIO, 2)?;
    let (_, gone) = station.control()?.wait_for(LEFT, None, Duration::from_secs(10)).await?;
    air.set_mask(BOX_RADIO, 1)?;
    println!("out of range noticed {} ms after it had joined", ms(gone));

    let mut stranger = Station::with_radio(&air, 2, "stranger").await?;
    stranger.start(&Network::new("plain", Key::Passphrase("wrong horse".into())).on(CHANNEL)).await?;
    stranger.control()?.wait_for(WRONG_KEY, None, Duration::from_secs(20)).await?;
    ensure!(ap.control()?.count("AP-STA-POSSIBLE-PSK-MISMATCH", None) > 0, "the access point does not tell");
    ensure!(stranger.ping(layout::WEB_ADDR, 2).await? == 0, "a stranger gets through");
    Ok(())
}
