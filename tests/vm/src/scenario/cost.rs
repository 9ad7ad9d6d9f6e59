//! The Network Cost element in what stations scan; it changes as the plan moves, and nobody is dropped for that.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::world::{MHZ, MIB, World, scene};
use crate::measure::{ms, within};
use crate::station::{LEFT, Station};

/// Vendor element of type 17 (Network Cost) of 00:50:F2, of 8 bytes: [MS-NCT] 2.2.1. Cost level, reserved, flags.
const ELEMENT: [u8; 6] = [0xdd, 8, 0x00, 0x50, 0xf2, 0x11];
/// Cost level and flags as the document has them: fixed quota; near its end: approaching; over: over the limit.
const FIXED: u8 = 0x02;

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let world = World::new(3, "people").await?;
    let mut anna = world.guest(1, "anna", None).await?;
    anna.join().await?;
    let mut scanner = world.station(2, "passer-by").await?;
    scanner.start(&crate::station::Network::new("elsewhere", crate::station::Key::Clear)).await?;
    let bssid = anna.station.control()?.status("bssid").await?.context("no access point")?;
    let began = Instant::now();

    let at_rest = element(&scanner, &bssid).await?.context("beacons have no Network Cost element")?;
    println!("metered: cost level {:#04x}, flags {:#04x}", at_rest[0], at_rest[2]);
    ensure!(at_rest[0] & FIXED != 0 && at_rest[2] & 0x0f == 0, "{at_rest:x?}");

    // Nine tenths of the plan, and then all of it.
    let used = world.hotspot.status().await?.plan.billed;
    let reserve_room = 200 * MIB;
    world.hotspot.api.set_cap(Some(used + reserve_room)).await?;
    world.hotspot.api.correct(used + reserve_room - reserve_room / 20).await?;
    let near = becomes(&scanner, &bssid, |seen| seen != at_rest).await?;
    println!("near the end of the plan: cost level {:#04x}, flags {:#04x}", near[0], near[2]);
    world.hotspot.api.correct(used + reserve_room).await?;
    let over = becomes(&scanner, &bssid, |seen| seen != near).await?;
    println!("over: cost level {:#04x}, flags {:#04x}", over[0], over[2]);
    ensure!(near[2] & 0x08 != 0 && near[2] & 0x01 == 0, "near the limit, and the flags are {:#04x}", near[2]);
    ensure!(over[2] & 0x01 != 0, "over the limit, and the flags are {:#04x}", over[2]);
    world.hotspot.api.set_cap(None).await?;
    becomes(&scanner, &bssid, |seen| seen == at_rest).await?;

    let left = anna.station.control()?.count(LEFT, Some(began));
    ensure!(left == 0, "anna was dropped {left} times while the element changed");
    anna.get(MIB / 4).await?;
    world.down().await
}

/// Waits until a scan shows another element.
async fn becomes(scanner: &Station, bssid: &str, wanted: impl Fn([u8; 4]) -> bool) -> Result<[u8; 4]> {
    let (seen, took) = within(Duration::from_secs(15), "another Network Cost element", || async {
        Ok(element(scanner, bssid).await?.filter(|seen| wanted(*seen)))
    })
    .await?;
    println!("  seen in a scan after {} ms", ms(took));
    Ok(seen)
}

/// Scans, and reads the element's four bytes.
async fn element(scanner: &Station, bssid: &str) -> Result<Option<[u8; 4]>> {
    let control = scanner.control()?;
    control.order("BSS_FLUSH 0").await?;
    control.scan(MHZ).await?;
    let elements = control.elements_of(bssid).await?;
    let mut rest = elements.as_slice();
    while let [_, length, ..] = rest {
        let (element, more) = rest.split_at_checked(2 + usize::from(*length)).context("a cut element")?;
        if let Some(body) = element.strip_prefix(&ELEMENT) {
            return Ok(body.try_into().ok());
        }
        rest = more;
    }
    Ok(None)
}
