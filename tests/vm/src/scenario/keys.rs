//! One person's key is revoked, replaced or made while others are on the air: they lose no packet, the access
//! point is not started again, and who lost a key is off within a second and stays off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_lab::layout::WEB_ADDR;

use super::world::{MIB, PATIENCE, World, scene};
use crate::box_::hostapd_pid;
use crate::measure::ms;
use crate::pace::stretched;
use crate::station::{JOINED, LEFT, Network};

/// Another's link must not notice.
const OFF: Duration = Duration::from_secs(1);

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let world = World::new(4, "people").await?;
    let mut anna = world.guest(1, "anna", None).await?;
    let mut bo = world.guest(2, "bo", None).await?;
    tokio::try_join!(anna.join(), bo.join())?;
    let hostapd = hostapd_pid()?;
    let bssid = anna.station.control()?.status("bssid").await?;
    let pinger = anna.station.ping_on(WEB_ADDR, Duration::from_millis(20));
    let began = Instant::now();
    let fetching = anna.station.fetch(anna.ports.web(), 12 * MIB, &Arc::default());

    // Revoked: off within a second, by the station's own clock.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let revoked = Instant::now();
    world.hotspot.api.revoke_key("bo").await?;
    let answered = revoked.elapsed();
    let (_, off) = bo.station.control()?.wait_for(LEFT, Some(revoked), Duration::from_secs(5)).await?;
    println!("revoked: answered after {} ms, off after {} ms", ms(answered), ms(off));
    ensure!(off < stretched(OFF), "revoked, and still on the air for {off:?}");
    let off_at = revoked + off;
    bo.station.stays_off(Duration::from_secs(4)).await?;
    ensure!(bo.station.control()?.count(JOINED, Some(off_at)) == 0, "a revoked key let in again");

    // Added: joins, with the same access point.
    let mut cy = world.guest(3, "cy", None).await?;
    let added = Instant::now();
    cy.join().await?;
    println!("added: joined, with an address, after {} ms", ms(added.elapsed()));
    cy.get(MIB / 4).await?;

    // Invited again: another key than before.
    let again = world.hotspot.json(&["people", "invite", "bo"]).await?;
    let again: hotshare_api::Key = serde_json::from_value(again)?;
    ensure!(again.passphrase != bo.key.passphrase, "a revoked key is given again");
    bo.network = Network::from_qr(&again.join.0)?.on(super::world::MHZ);
    bo.join().await?;

    // Replaced: the old key is off, the new one is on.
    let rotated = Instant::now();
    let fresh = world.hotspot.api.rotate_key("cy").await?;
    let (_, off) = cy.station.control()?.wait_for(LEFT, Some(rotated), Duration::from_secs(5)).await?;
    println!("replaced: off after {} ms", ms(off));
    ensure!(off < stretched(OFF), "replaced, and still on the air for {off:?}");
    cy.station.stays_off(Duration::from_secs(3)).await?;
    cy.network = Network::from_qr(&fresh.join.0)?.on(super::world::MHZ);
    cy.station.start(&cy.network).await?;
    cy.station.joined(PATIENCE).await?;

    let pings = pinger.stop().await?;
    let got = tokio::time::timeout(stretched(Duration::from_secs(30)), fetching)
        .await
        .context("anna's transfer hangs")???;
    println!("meanwhile anna: {pings}; 12 MiB whole: {} after {} ms at most", got.whole, ms(began.elapsed()));
    ensure!(pings.lost() == 0, "anna lost {} pings while others' keys changed", pings.lost());
    ensure!(got.whole, "anna's transfer broke: {got:?}");
    ensure!(anna.station.control()?.count(LEFT, Some(began)) == 0, "anna's link broke");
    ensure!(hostapd_pid()? == hostapd, "the access point was started again");
    ensure!(anna.station.control()?.status("bssid").await? == bssid, "another access point");
    world.compare(&[anna.person(), cy.person()], Some("anna")).await?;
    world.down().await
}
