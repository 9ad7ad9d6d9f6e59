//! Each mode with a station that fits and one that must be refused.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hotshare_api::Admission;

use super::world::{MHZ, MIB, PATIENCE, World, scene};
use crate::box_::Config;
use crate::internet::{Ports, passed};
use crate::measure::within;
use crate::station::{JOINED, Key, Network, Station};

/// For so long a station that does not fit tries.
const REFUSED: Duration = Duration::from_secs(6);

/// A passphrase for each person: with protected management frames, and for old devices too.
pub(crate) fn run_personal() -> Result<()> {
    scene(async {
        let world = World::new(3, "people").await?;
        let mut anna = world.guest(1, "anna", None).await?;
        let passphrase = anna.key.passphrase.clone().context("no passphrase")?.0;
        let mut other = world.station(2, "other").await?;
        let ssid = anna.network.ssid.clone();
        let old = Network::new(&ssid, Key::OldPassphrase(passphrase.clone())).on(MHZ);
        let sealed = Network::new(&ssid, Key::Sae(passphrase.clone())).on(MHZ);

        anna.join().await?;
        expect_link(&anna.station, "WPA2-PSK-SHA256", true).await?;
        anna.get(MIB / 4).await?;
        refuse(&mut other, &old, "an old device without protected management frames").await?;
        refuse(&mut other, &sealed, "a device that wants WPA3").await?;

        anna.station.stop();
        let world = world.again_with(Config::new("people-old")).await?;
        anna.join().await?;
        expect_link(&anna.station, "WPA2-PSK-SHA256", true).await?;
        other.join(&old).await?;
        expect_link(&other, "WPA2-PSK", false).await?;
        let got = other.get(anna.ports.web(), MIB / 4, PATIENCE).await?;
        ensure!(got.whole, "the old device got {got:?}");
        refuse(&mut other, &sealed, "a device that wants WPA3").await?;
        let wrong = Network::new(&ssid, Key::OldPassphrase(format!("{passphrase}x"))).on(MHZ);
        refuse(&mut other, &wrong, "an old device with a wrong passphrase").await?;
        world.down().await
    })
}

/// One passphrase for all, or none: who is who, the owner says.
pub(crate) fn run_shared() -> Result<()> {
    scene(async {
        let world = World::new(3, "sealed").await?;
        let ssid = world.hotspot.config.ssid.clone();
        let key = world.hotspot.api.network_key().await?;
        let passphrase = key.passphrase.clone().context("no passphrase")?.0;
        let mut fits = world.station(1, "fits").await?;
        let mut other = world.station(2, "other").await?;
        world.hotspot.api.add_person("anna", None).await?;

        fits.join(&Network::from_qr(&key.join.0)?.on(MHZ)).await?;
        expect_link(&fits, "SAE", true).await?;
        assign(&world, &fits).await?;
        let wrong = Network::new(&ssid, Key::Sae(format!("{passphrase}x"))).on(MHZ);
        refuse(&mut other, &wrong, "a wrong WPA3 passphrase").await?;
        let old = Network::new(&ssid, Key::Passphrase(passphrase)).on(MHZ);
        refuse(&mut other, &old, "a device that only knows WPA2").await?;

        // Another key for everybody: who has the old one is off.
        let begin = std::time::Instant::now();
        let fresh = world.hotspot.api.rotate_network_key().await?;
        fits.control()?.wait_for(crate::station::LEFT, Some(begin), Duration::from_secs(5)).await?;
        fits.start(&Network::from_qr(&fresh.join.0)?.on(MHZ)).await?;
        fits.joined(PATIENCE).await?;

        fits.stop();
        let world = world.again_with(Config::new("open")).await?;
        other.join(&Network::new(&ssid, Key::Owe).on(MHZ)).await?;
        expect_link(&other, "OWE", true).await?;
        assign(&world, &other).await?;
        refuse(&mut fits, &Network::new(&ssid, Key::Clear).on(MHZ), "a device without encryption").await?;
        world.down().await
    })
}

/// The station is nobody's, and nothing passes, until the owner says whose it is.
async fn assign(world: &World, station: &Station) -> Result<()> {
    let mac = station.mac()?;
    let ports = Ports(1);
    let before = passed(&world.internet.tally()?, ports);
    let closed = station.get(ports.web(), 1000, Duration::from_secs(3)).await;
    ensure!(closed.as_ref().map_or(0, |got| got.bytes) == 0, "nobody's device got through: {closed:?}");
    let gateway = station.gateway()?;
    let page = station.page((gateway, 80).into(), "/", &gateway.to_string()).await?;
    ensure!(page.starts_with("HTTP/1.1 "), "the portal says {page}");
    let unassigned = passed(&world.internet.tally()?, ports).up - before.up;
    world.hotspot.api.assign(&mac, "anna").await?;
    let got = station.get(ports.web(), MIB / 4, PATIENCE).await?;
    ensure!(got.whole, "assigned, and got {got:?}");
    let after = passed(&world.internet.tally()?, ports).up - before.up;
    println!("{}: {unassigned} bytes before it was assigned, {after} after", station.name());
    ensure!(unassigned == 0, "nobody's device sent {unassigned} bytes");
    let (_, _) = within(PATIENCE, "the station in hotshare wifi", || async {
        let wifi = world.hotspot.wifi().await?;
        let seen = wifi.stations.into_iter().find(|station| station.mac == mac);
        Ok(seen
            .filter(|seen| seen.admission == Admission::Admitted && seen.person.as_deref() == Some("anna")))
    })
    .await?;
    Ok(())
}

/// How the supplicant says that it is joined.
async fn expect_link(station: &Station, way: &str, protected: bool) -> Result<()> {
    let status = station.control()?.ask("STATUS").await?;
    let word = |key: &str| crate::station::field(&status, key);
    let key_mgmt = word("key_mgmt").unwrap_or_default();
    let pmf = word("pmf").as_deref().is_some_and(|pmf| pmf != "0");
    println!("{}: joined by {key_mgmt}, management frames protected: {pmf}", station.name());
    ensure!(
        key_mgmt == way && pmf == protected,
        "{}: expected {way} and {protected}: {status}",
        station.name()
    );
    Ok(())
}

/// A station that must not get in.
async fn refuse(station: &mut Station, network: &Network, what: &str) -> Result<()> {
    station.start(network).await?;
    station.stays_off(REFUSED).await.with_context(|| what.to_owned())?;
    ensure!(station.control()?.count(JOINED, None) == 0, "{what} was let in");
    println!("{what}: refused for {} s", REFUSED.as_secs());
    station.stop();
    Ok(())
}
