//! Three people at once, each with their own key from a QR code; the bytes go to who used the key, by the far
//! side's own count. A second device with a random address is on the same account.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hotshare_api::Admission;

use super::world::{MIB, PATIENCE, World, scene};
use crate::measure::{ms, within};
use crate::station::Address;

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let world = World::new(5, "people").await?;
    let mut anna = world.guest(1, "anna", None).await?;
    let mut bo = world.guest(2, "bo", None).await?;
    let mut cy = world.guest(3, "cy", None).await?;
    ensure!(anna.key.passphrase != bo.key.passphrase, "two people have one key");

    // All at once, as when a bus arrives.
    let began = std::time::Instant::now();
    tokio::try_join!(anna.join(), bo.join(), cy.join())?;
    println!("three stations have joined and have an address after {} ms", ms(began.elapsed()));
    tokio::try_join!(anna.get(2 * MIB), bo.get(MIB), cy.get(MIB / 2))?;
    world.compare(&[anna.person(), bo.person(), cy.person()], None).await?;

    // Another device of anna's, under an address that nobody has seen.
    let mut second = world.station(4, "anna-laptop").await?;
    second.join(&anna.network.clone().under(Address::Random)).await?;
    let mac = second.mac()?;
    ensure!(mac != anna.station.mac()?, "the second device has the first one's address");
    let before = world.hotspot.person("anna").await?;
    let got = second.get(anna.ports.web(), MIB, Duration::from_secs(30)).await?;
    ensure!(got.whole, "anna's second device got {got:?}");
    world.compare(&[anna.person(), bo.person(), cy.person()], None).await?;
    let after = world.hotspot.person("anna").await?;
    ensure!(after.devices == 2 && after.down > before.down + MIB, "{after:?}");

    let (wifi, _) = within(PATIENCE, "four stations in hotshare wifi", || async {
        let wifi = world.hotspot.wifi().await?;
        Ok((wifi.stations.len() == 4).then_some(wifi))
    })
    .await?;
    let seen =
        wifi.stations.iter().find(|station| station.mac == mac).context("anna's laptop is not listed")?;
    ensure!(seen.person.as_deref() == Some("anna") && seen.admission == Admission::Admitted, "{seen:?}");
    ensure!(wifi.station_ports, "the simulated card has a port for each station: {wifi:?}");
    let text = world.hotspot.say(&["wifi"]).await?;
    ensure!(text.code == Some(0) && text.out.contains(&mac) && text.out.contains("anna"), "{text:?}");
    let secret = anna.key.passphrase.as_ref().context("no passphrase")?;
    ensure!(!text.out.contains(&secret.0), "hotshare wifi shows a passphrase");
    let log = std::fs::read_to_string(format!("{}/daemon.log", crate::shell::LOGS))?;
    ensure!(!log.contains(&secret.0), "the daemon's log has a passphrase");
    world.down().await
}
