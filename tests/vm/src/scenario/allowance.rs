//! Two devices of one person share one allowance. It ends in the middle of a transfer, to the packet; the portal
//! and DHCP still answer; others go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotshare_api::Verdict;
use hotshare_lab::observer::{Observer, Way};

use super::world::{MIB, World, scene};
use crate::internet::passed;
use crate::measure::{ms, within};
use crate::miscount::miscounted;
use crate::station::{Address, Station};

const ALLOWANCE: u64 = 6_000_000;
/// One merged packet, as the packets that it is on the wire: as much may stay unspent.
const MERGED: u64 = 65_535 + 46 * 60;
/// What the box forwards has lived one hop less than what it sends itself.
const FORWARDED: u8 = 63;

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let world = World::new(4, "people").await?;
    let mut anna = world.guest(1, "anna", Some(ALLOWANCE)).await?;
    let mut bo = world.guest(2, "bo", None).await?;
    let mut second = world.station(3, "anna-tablet").await?;
    let network = anna.network.clone().under(Address::Random);
    tokio::try_join!(anna.join(), bo.join(), second.join(&network))?;
    let eyes = [watch(&anna.station).await?, watch(&second).await?];

    let progress: [Arc<AtomicU64>; 2] = Default::default();
    // Each has something of it before both take what they can get: one could use up all before the other's turn.
    let stations = [&anna.station, &second];
    for (station, progress) in stations.into_iter().zip(&progress) {
        let got = station.fetch(anna.ports.web(), MIB / 4, progress).await??;
        ensure!(got.whole, "{} got {got:?}", station.name());
    }
    let both = [0, 1].map(|n: usize| stations[n].fetch(anna.ports.web(), 40 * MIB, &progress[n]));
    let begin = Instant::now();
    within(Duration::from_secs(40), "the end of the allowance", || async {
        Ok((world.hotspot.person("anna").await?.verdict == Verdict::AllowanceUsed).then_some(()))
    })
    .await?;
    println!("used up after {} ms", ms(begin.elapsed()));
    bo.get(MIB).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for fetching in both {
        fetching.abort();
    }
    let bodies: Vec<u64> = progress.iter().map(|bytes| bytes.load(Ordering::Relaxed)).collect();
    let up = passed(&world.internet.tally()?, anna.ports).up;
    let mut down = 0;
    for eye in &eyes {
        let tally = eye.tally()?;
        tally.check()?;
        down += tally.with_ttl(Way::In, FORWARDED);
    }
    let person = world.hotspot.person("anna").await?;
    println!(
        "allowance {ALLOWANCE}: booked {} up, {} down; counted {up} up at the far side, {down} down at her devices; bodies {bodies:?}",
        person.up, person.down
    );
    miscounted(up + down > ALLOWANCE, || format!("{up} and {down} bytes of {ALLOWANCE} were delivered"))?;
    miscounted(person.up + person.down > ALLOWANCE, || format!("{person:?}"))?;
    miscounted(person.up != up || person.down < down, || {
        format!("booked {person:?}, counted {up} up and {down} down")
    })?;
    ensure!(person.up + person.down + MERGED >= ALLOWANCE, "stopped too early: {person:?}");
    ensure!(bodies.iter().all(|bytes| *bytes > 0), "one of two devices got nothing: {bodies:?}");

    // Nothing more passes; what is free still answers.
    let again = anna.station.get(anna.ports.web(), 1000, Duration::from_secs(3)).await;
    ensure!(again.as_ref().map_or(0, |got| got.bytes) == 0, "{again:?}");
    for station in [&anna.station, &second] {
        let gateway = station.gateway()?;
        let page = station.page((gateway, 80).into(), "/", &gateway.to_string()).await?;
        let head = page.lines().next().unwrap_or_default();
        println!("{}: the portal answers “{head}”, {} bytes", station.name(), page.len());
        ensure!(head.starts_with("HTTP/1.1 ") && page.contains("anna"), "the portal says {page}");
        ensure!(station.dhcp_answers().await?, "DHCP does not answer {}", station.name());
    }
    world.compare(&[bo.person()], None).await?;
    world.down().await
}

async fn watch(station: &Station) -> Result<Observer> {
    Observer::start(station.inside().space(), station.interface(), 16).await
}
