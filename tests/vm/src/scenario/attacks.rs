//! What other stations and strangers try in the default mode, and that none of it works. `attacks_plain` shows
//! that the same attacks work elsewhere.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_lab::Flood;
use hotshare_lab::layout::WEB_ADDR;

use super::assault::{Ground, assault, forge_farewells, group_key};
use super::world::{Guest, MHZ, MIB, World, scene};
use crate::attack::{Attacker, Lie, Rogue, lie, udp};
use crate::internet::{Ports, passed};
use crate::measure::{tool, within};
use crate::miscount::miscounted;
use crate::pace::stretched;
use crate::station::LEFT;

/// Ports of nobody: what arrives there came by a lie.
const NOBODY: Ports = Ports(9);

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let world = World::new(4, "people").await?;
    let mut anna = world.guest(1, "anna", None).await?;
    let mut thief = world.guest(2, "thief", None).await?;
    tokio::try_join!(anna.join(), thief.join())?;
    let attacker = Attacker::with_radio(&world.air, 3, MHZ).await?;
    let ground = Ground::of(&thief.station, &anna.station).await?;

    let began = Instant::now();
    let pinger = anna.station.ping_on(WEB_ADDR, Duration::from_millis(50));
    let lost = forge_farewells(&attacker, &anna.station, ground.bssid, 1000).await?;
    let pings = pinger.stop().await?;
    println!("1,000 forged good-byes: link lost {lost} times; {pings}");
    ensure!(lost == 0, "forged frames broke the link {lost} times");
    ensure!(thief.station.control()?.count(LEFT, Some(began)) == 0, "a forged frame to all broke a link");
    ensure!(pings.lost() * 50 <= pings.sent.len(), "forged frames disturb: {pings}");

    ensure!(group_key(&anna.station)? != group_key(&thief.station)?, "two stations share a group key");
    let reached = assault(&ground, &thief.station, &anna.station, &attacker).await?;
    println!("of 20 each, arrived: {reached:?}");
    miscounted(reached.each().iter().any(|count| *count > 0), || {
        format!("a station reached another: {reached:?}")
    })?;

    lies_to_the_box(&world, &ground, &anna, &thief).await?;
    world.compare(&[anna.person(), thief.person()], Some("anna")).await?;
    world.down().await
}

/// The thief claims the victim's address towards the box, and sends in the victim's name.
async fn lies_to_the_box(world: &World, ground: &Ground, anna: &Guest, thief: &Guest) -> Result<()> {
    let rogue = Rogue::at(&thief.station).await?;
    let victim = ground.victim.1;
    let before = neighbour(&victim.to_string())?;
    let fetching = anna.station.fetch(anna.ports.web(), 2 * MIB, &std::sync::Arc::default());
    let began = world.hotspot.person("thief").await?;
    let claims = [
        lie(ground.thief.0, Lie::Address { of: victim, to: Some(ground.gateway) }, 10),
        lie(ground.thief.0, Lie::Address { of: victim, to: None }, 10),
    ];
    // His card, her address; then her card too.
    let sent = [
        udp((ground.gateway.0, WEB_ADDR), (ground.thief.0, victim), NOBODY.sink().port(), 11),
        udp((ground.gateway.0, WEB_ADDR), (ground.victim.0, victim), NOBODY.sink().port(), 11),
        udp(
            (ground.gateway.0, WEB_ADDR),
            (ground.thief.0, [203, 0, 113, 7].into()),
            NOBODY.sink().port(),
            11,
        ),
    ];
    for _ in 0..20 {
        claims.iter().try_for_each(|frame| rogue.send(frame, 1))?;
        sent.iter().try_for_each(|frame| rogue.send(frame, 1))?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let got = tokio::time::timeout(stretched(Duration::from_secs(20)), fetching)
        .await
        .context("anna's transfer hangs")???;
    let after = neighbour(&victim.to_string())?;
    let stolen = passed(&world.internet.tally()?, NOBODY);
    let ended = world.hotspot.person("thief").await?;
    println!(
        "the box knows {victim} as {before}, and after 40 lies as {after}; {stolen:?} passed in her name"
    );
    ensure!(got.whole, "lies broke anna's transfer: {got:?}");
    ensure!(
        before.contains(&anna.station.mac()?) && after.contains(&anna.station.mac()?),
        "{before}; {after}"
    );
    miscounted(stolen.packets_up > 0, || format!("{} packets under a false name passed", stolen.packets_up))?;
    miscounted((ended.up, ended.down) != (began.up, began.down), || {
        format!("the thief got anna's packets: {ended:?}")
    })?;
    // The ear for this: under his own name the same datagram passes.
    rogue.send(&udp((ground.gateway.0, WEB_ADDR), ground.thief, thief.ports.sink().port(), 11), 5)?;
    within(Duration::from_secs(5), "an honest datagram", || async {
        Ok((passed(&world.internet.tally()?, thief.ports).packets_up == 5).then_some(()))
    })
    .await?;
    Ok(())
}

/// What the box has as a neighbour under this address.
fn neighbour(address: &str) -> Result<String> {
    Ok(tool("ip", &["neigh", "show", address])?.trim().to_owned())
}

/// A stranger with a key of their own takes a victim's hardware address.
pub(crate) fn run_clone() -> Result<()> {
    scene(async {
        let world = World::new(3, "people").await?;
        let mut anna = world.guest(1, "anna", None).await?;
        let mut thief = world.guest(2, "thief", None).await?;
        anna.join().await?;
        anna.get(MIB / 4).await?;
        let mac = anna.station.mac()?;
        let clone = thief.network.clone().under(crate::station::Address::Fixed(mac.clone()));

        // While she is there.
        let began = Instant::now();
        let pinger = anna.station.ping_on(WEB_ADDR, Duration::from_millis(50));
        thief.station.start(&clone).await?;
        thief
            .station
            .stays_off(Duration::from_secs(15))
            .await
            .context("the clone, while the victim is there")?;
        thief.station.stop();
        let pings = pinger.stop().await?;
        println!("15 s of a clone beside its victim: {pings}");
        ensure!(anna.station.control()?.count(LEFT, Some(began)) == 0, "a clone put its victim off the air");
        ensure!(pings.lost() * 20 <= pings.sent.len(), "a clone disturbs its victim: {pings}");
        let before = world.hotspot.person("anna").await?;

        // After she has gone: the thief gets in, with his own key, on his own account.
        anna.station.stop();
        thief.station.join(&clone).await?;
        ensure!(thief.station.mac()? == mac, "the clone has another address");
        let flood = Flood { size: 1000, rate: 2_000_000, millis: 1000 };
        thief.station.flood(thief.ports.sink(), flood).await??;
        thief.get(MIB).await?;
        world.compare(&[thief.person()], None).await?;
        let after = world.hotspot.person("anna").await?;
        miscounted((before.up, before.down) != (after.up, after.down), || {
            format!("the clone spent anna's: {before:?} {after:?}")
        })?;
        let booked = world.hotspot.person("thief").await?;
        println!("the clone alone: booked {} to the thief, 0 to anna", booked.up + booked.down);
        world.down().await
    })
}
