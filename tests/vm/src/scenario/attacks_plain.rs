//! The control experiment to `attacks`: on an access point as many are, without Hotshare, the same frames of the
//! same attackers arrive. So the attacks work, and the ear hears.

use std::time::Duration;

use anyhow::{Result, ensure};
use nlink::netlink::namespace::Netns;

use super::assault::{Ground, assault, forge_farewells, group_key};
use super::world::scene;
use crate::air::{Air, BOX_RADIO};
use crate::attack::Attacker;
use crate::box_::{PlainAp, Setting};
use crate::measure::tool;
use crate::station::{Key, Network, Station};

const CHANNEL: u32 = 2412;

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let air = Air::load(4)?;
    let card = air.interface(BOX_RADIO)?;
    let setting = Setting::new("plain", "correct horse");
    let _ap = PlainAp::start(&Netns::current()?, card, &setting).await?;
    tool("ip", &["address", "add", "10.9.0.1/24", "dev", card])?;
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    std::fs::write(format!("/proc/sys/net/ipv4/conf/{card}/send_redirects"), "0")?;
    let network = Network::new("plain", Key::Passphrase("correct horse".into())).on(CHANNEL);
    let (mut anna, mut thief) =
        (Station::with_radio(&air, 1, "anna").await?, Station::with_radio(&air, 2, "thief").await?);
    for (station, address) in [(&mut anna, "10.9.0.2/24"), (&mut thief, "10.9.0.3/24")] {
        station.start(&network).await?;
        station.joined(Duration::from_secs(15)).await?;
        station.configure(address, "10.9.0.1")?;
    }
    ensure!(group_key(&anna)? == group_key(&thief)?, "a plain access point gave two group keys");
    let attacker = Attacker::with_radio(&air, 3, CHANNEL).await?;
    let ground = Ground::of(&thief, &anna).await?;
    let reached = assault(&ground, &thief, &anna, &attacker).await?;
    println!("plain access point: of 20 each, arrived: {reached:?}");
    ensure!(reached.each().iter().all(|count| *count > 0), "an attack does not work: {reached:?}");

    let lost = forge_farewells(&attacker, &anna, ground.bssid, 60).await?;
    println!(
        "plain access point without protected management frames: 60 forged frames, link lost {lost} times"
    );
    ensure!(lost > 0, "forged good-byes do nothing");
    Ok(())
}
