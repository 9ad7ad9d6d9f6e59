//! One card does both: it is a station of the uplink's network and the access point of ours. Ours is on the
//! uplink's channel under an address of its own, and follows when the uplink goes to another channel.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_lab::inside::Inside;
use hotshare_lab::layout;
use hotshare_lab::layout::WEB_ADDR;

use super::world::{Guest, MIB, World, scene};
use crate::air::{Air, BOX_RADIO, card_state};
use crate::box_::{Config, Hotspot, PlainAp, Setting};
use crate::internet::Internet;
use crate::measure::{ms, tool, within};
use crate::pace::stretched;
use crate::station::{Key, Network, Station};

/// The radio of the uplink's own access point.
const CARRIER_RADIO: u32 = 1;
const CARRIER: &str = "Carrier";
const SECRET: &str = "a carrier's secret";
const SOON: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let air = Air::load(3)?;
    let far_card = air.interface(CARRIER_RADIO)?.to_owned();
    let setting = Setting { channel: 6, ..Setting::new(CARRIER, SECRET) };
    let space = Internet::prepare().await?;
    air.give(CARRIER_RADIO, &space)?;
    let carrier = PlainAp::start(&space, &far_card, &setting).await?;
    let internet = Internet::join_by(&far_card).await?;

    // The box joins it as any machine does, with its own supplicant, on every channel it can find it.
    tool("ip", &["netns", "attach", layout::BOX, "1"])?;
    let mut card = Station::of_box(&air, BOX_RADIO, Inside::enter(layout::BOX)?)?;
    card.start(&Network::new(CARRIER, Key::Passphrase(SECRET.into()))).await?;
    card.joined(PATIENCE).await?;
    let uplink = format!("{}/{}", layout::UPLINK_ADDR, layout::UPLINK_PREFIX);
    card.configure(&uplink, &layout::CARRIER_ADDR.to_string())?;
    let uplink = card.interface().to_owned();
    let before = card_state(&uplink)?;

    // Not the box's: it has one card only.
    let phone = Station::with_radio(&air, 2, "anna").await?;
    let config = Config { uplink: uplink.clone(), band: None, channel: None, ..Config::new("people") };
    let hotspot = Hotspot::up(config).await?;
    let wifi = hotspot.wifi().await?;
    println!("{}", wifi.why.join("; "));
    let own = wifi.interface.clone().context("no interface of its own")?;
    ensure!(wifi.mhz == Some(2437) && own != uplink, "not on the uplink's channel beside it: {wifi:?}");
    ensure!(wifi.bssid.as_deref() != Some(before.mac.as_str()), "the access point has the station's address");
    ensure!(card_state(&uplink)? == before, "the uplink's interface was changed");

    let world = World::around(air, internet, hotspot)?;
    let mut anna = world.guest_with(phone, 2, "anna", None).await?;
    anna.network.mhz = None;
    anna.join().await?;
    anna.get(MIB / 2).await?;
    world.compare(&[anna.person()], None).await?;

    // Announced, as carriers do it; then without a word, as when somebody restarts theirs.
    announced(&world, &carrier, &anna).await?;
    drop(carrier);
    let began = Instant::now();
    let again = Setting { channel: 1, ..Setting::new(CARRIER, SECRET) };
    let carrier = PlainAp::start(&space, &far_card, &again).await?;
    card.control()?.wait_for(crate::station::JOINED, Some(began), PATIENCE).await?;
    follows(&world, &anna, Instant::now(), 2412, "the carrier is back on channel 1").await?;
    world.compare(&[anna.person()], Some("anna")).await?;

    ensure!(world.hotspot.down().await?.success(), "hotshare does not stop in order");
    ensure!(!std::path::Path::new("/sys/class/net").join(&own).exists(), "{own} is left over");
    let after = card_state(&uplink)?;
    ensure!(
        (&after.kind, &after.mac, after.up) == (&before.kind, &before.mac, before.up),
        "{before:?}, {after:?}"
    );
    ensure!(card.ping(WEB_ADDR, 3).await? > 0, "the box has lost its uplink");
    drop(carrier);
    Ok(())
}

async fn announced(world: &World, carrier: &PlainAp, anna: &Guest) -> Result<()> {
    let begin = Instant::now();
    carrier.control()?.order("CHAN_SWITCH 5 2462").await?;
    follows(world, anna, begin, 2462, "the carrier announces channel 11").await
}

/// Until the access point is on the channel and anna gets answers from the Internet again.
async fn follows(world: &World, anna: &Guest, begin: Instant, mhz: u32, what: &str) -> Result<()> {
    let (_, moved) = within(PATIENCE, "the access point on the other channel", || async {
        let wifi = world.hotspot.wifi().await?;
        Ok((wifi.mhz == Some(mhz) && wifi.state == hotshare_api::AirState::On).then_some(()))
    })
    .await
    .with_context(|| format!("{what}; the carrier's side: {:?}", card_state(&world.hotspot.config.uplink)))?;
    let pinger = anna.station.ping_on(WEB_ADDR, Duration::from_millis(50));
    let since = begin + moved;
    let found = within(PATIENCE, "an answer for anna", || async { Ok(pinger.answered_after(since)) }).await;
    pinger.stop().await?;
    let took = found?.0.saturating_duration_since(begin);
    println!("{what}: our network is there after {} ms, anna is served after {} ms", ms(moved), ms(took));
    ensure!(moved <= stretched(SOON), "{what}: our network is not back in time, but after {} ms", ms(moved));
    // The phone looks for it on every channel, 5 s a round on an emulated processor, and may need two.
    let found = moved + stretched(SOON);
    ensure!(took <= found, "{what}: anna is not served in time after that, but after {} ms", ms(took));
    Ok(())
}
