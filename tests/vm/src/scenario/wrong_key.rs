//! A wrong passphrase is refused and counted; whoever goes on trying has to wait, and the wait ends. Others join
//! meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_api::WhyDenied;

use super::world::{MIB, PATIENCE, World, scene};
use crate::measure::{ms, within};
use crate::station::{JOINED, Key, Network, WRONG_KEY};

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let world = World::new(3, "people").await?;
    let mut anna = world.guest(1, "anna", None).await?;
    let mut bo = world.guest(2, "bo", None).await?;
    let ssid = anna.network.ssid.clone();
    let wrong = Network::new(&ssid, Key::Passphrase("not the passphrase".into())).on(super::world::MHZ);

    let mut denied = None;
    let began = Instant::now();
    for attempt in 1..=5 {
        anna.station.start(&wrong).await?;
        let told = anna.station.control()?.wait_for(WRONG_KEY, None, Duration::from_secs(8)).await;
        let wifi = world.hotspot.wifi().await?;
        println!("attempt {attempt}: refused {}, counted {}", told.is_ok(), wifi.wrong_keys);
        ensure!(anna.station.control()?.count(JOINED, None) == 0, "a wrong passphrase lets in");
        if let Some(wait) = wifi.denied.into_iter().next() {
            denied = Some(wait);
            break;
        }
        ensure!(
            told.is_ok(),
            "the station is neither refused nor told to wait:\n{}",
            anna.station.log_tail()
        );
    }
    let denied = denied.context("five attempts, and no wait")?;
    println!("denied after {} ms: {}", ms(began.elapsed()), denied.reason);
    ensure!(denied.why == WhyDenied::WrongKey && denied.mac == anna.station.mac()?, "{denied:?}");
    let counted = world.hotspot.wifi().await?.wrong_keys;
    ensure!((2..=4).contains(&counted), "three attempts were counted as {counted}");

    // While it waits, not even the right key lets it in; somebody else joins.
    anna.station.start(&anna.network).await?;
    bo.join().await?;
    bo.get(MIB / 4).await?;
    anna.station.stays_off(Duration::from_secs(3)).await?;
    within(Duration::from_secs(60), "the end of the wait", || async {
        Ok(world.hotspot.wifi().await?.denied.is_empty().then_some(()))
    })
    .await?;
    println!("the wait was over {} ms after the first attempt", ms(began.elapsed()));
    anna.station.start(&anna.network).await?;
    anna.station.joined(PATIENCE).await?;
    anna.station.ask_address().await?;
    anna.get(MIB / 4).await?;
    world.compare(&[anna.person(), bo.person()], None).await?;
    world.down().await
}
