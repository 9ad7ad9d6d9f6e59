//! A key that ends, and a person with more devices than may be on the air at once: refused, with the reason.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_api::WhyDenied;

use super::world::{MIB, PATIENCE, World, scene};
use crate::measure::{ms, within};
use crate::pace::stretched;
use crate::station::{Address, LEFT};

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let world = World::new(4, "people").await?;
    let mut anna = world.guest(1, "anna", None).await?;
    let mut bo = world.guest(2, "bo", None).await?;
    anna.join().await?;

    // A key with an end.
    let end = world.hotspot.status().await?.at + i64::try_from(stretched(Duration::from_secs(8)).as_secs())?;
    let key = world.hotspot.api.invite("bo", Some(Some(end))).await?;
    ensure!(key.until == Some(end) && key.passphrase == bo.key.passphrase, "{key:?}");
    bo.join().await?;
    bo.get(MIB / 4).await?;
    let (_, off) =
        bo.station.control()?.wait_for(LEFT, Some(Instant::now()), Duration::from_secs(15)).await?;
    let late = world.hotspot.status().await?.at - end;
    println!("the key ended: off {} ms after the last look, within {late} s of its end", ms(off));
    let most = i64::try_from(stretched(Duration::from_secs(1)).as_millis().div_ceil(1000))?;
    ensure!((0..=most).contains(&late), "the key ended at {end}, the station was off {late} s later");
    bo.station.stays_off(Duration::from_secs(3)).await?;

    // One device at a time.
    world.hotspot.api.set_device_limit("anna", Some(1)).await?;
    let mut second = world.station(3, "anna-laptop").await?;
    second.start(&anna.network.clone().under(Address::Own)).await?;
    let mac = second.mac()?;
    let (denied, took) = within(PATIENCE, "the refusal of a second device", || async {
        Ok(world.hotspot.wifi().await?.denied.into_iter().find(|denied| denied.mac == mac))
    })
    .await?;
    println!("a second device is refused after {} ms: {}", ms(took), denied.reason);
    ensure!(denied.why == WhyDenied::TooManyDevices && denied.reason.contains('1'), "{denied:?}");
    second.control()?.wait_for(LEFT, None, Duration::from_secs(5)).await?;
    second.stays_off(Duration::from_secs(3)).await.context("the device too many")?;
    anna.get(MIB / 4).await?;
    ensure!(anna.station.control()?.count(LEFT, None) == 0, "the first device was put off for the second");

    // More may be there: it comes in without waiting for the end of its refusal.
    world.hotspot.api.set_device_limit("anna", Some(2)).await?;
    second.start(&anna.network).await?;
    let joined = second.joined(PATIENCE).await?;
    println!("with room for two it is on the air after {} ms", ms(joined));
    world.compare(&[anna.person()], None).await?;
    world.down().await
}
