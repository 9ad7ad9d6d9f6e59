//! With a real NetworkManager: it leaves the card alone while Hotshare runs, and has it back afterwards, also
//! after a crash. The card is as it was.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::world::{MIB, World, scene};
use crate::air::{Air, BOX_RADIO, CardState, card_state};
use crate::box_::{Config, Hotspot, hostapd_pid};
use crate::internet::Internet;
use crate::measure::{ms, tool, within};
use crate::shell::Background;

const PATIENCE: Duration = Duration::from_secs(15);
/// NetworkManager's words for a device's state.
const MANAGED: &str = "30 (disconnected)";
const UNMANAGED: &str = "10 (unmanaged)";

/// It manages the box's card and nothing else; and it does not change its address while it looks around, so that
/// addresses can be compared.
const SETTINGS: &str = "[main]\nplugins=keyfile\nno-auto-default=*\n\n[device]\nwifi.scan-rand-mac-address=no\n\n\
                        [keyfile]\nunmanaged-devices=except:interface-name:wlan0\n";

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
    let air = Air::load(2)?;
    let card = air.interface(BOX_RADIO)?.to_owned();
    let _services = start_network_manager()?;
    let before = settled(&card, MANAGED).await?;
    println!("before: {before:?}");
    let internet = Internet::join_by_cable().await?;

    let hotspot = Hotspot::up(Config::new("people")).await?;
    let during = settled(&card, UNMANAGED).await?;
    ensure!(during.kind == "AP", "{during:?}");
    let world = World::around(air, internet, hotspot)?;
    let mut anna = world.guest(1, "anna", None).await?;
    anna.join().await?;
    anna.get(MIB / 4).await?;
    let World { hotspot, .. } = world;
    ensure!(hotspot.down().await?.success(), "hotshare does not stop in order");
    given_back(&card, &before, "after a stop").await?;

    // A crash; then the next start and stop.
    let hotspot = Hotspot::up(Config::new("people")).await?;
    let config = hotspot.kill()?;
    let hotspot = Hotspot::up(config).await?;
    settled(&card, UNMANAGED).await?;
    ensure!(hotspot.down().await?.success(), "hotshare does not stop in order");
    given_back(&card, &before, "after a crash, a start and a stop").await
}

/// Everything is as it was, within the time that NetworkManager needs.
async fn given_back(card: &str, before: &CardState, when: &str) -> Result<()> {
    let (_, took) = within(PATIENCE, when, || async {
        Ok((state(card)? == MANAGED && card_state(card)? == *before).then_some(()))
    })
    .await
    .with_context(|| format!("{when}: {:?}, {:?}, and before {before:?}", state(card), card_state(card)))?;
    println!("{when}: managed again, {before:?}, after {} ms", ms(took));
    ensure!(hostapd_pid().is_err(), "{when}: hostapd is left running, or its pid file is");
    ensure!(!Path::new("/sys/class/net/hotshare0").exists(), "{when}: the bridge is left");
    let rules = tool("nft", &["list", "tables"])?;
    ensure!(!rules.contains("hotshare"), "{when}: {rules}");
    let left = std::fs::read_dir("/run/NetworkManager/conf.d").map_or(0, Iterator::count);
    ensure!(left == 0, "{when}: {left} files are left for NetworkManager");
    Ok(())
}

/// Waits until NetworkManager says so of the card, and says how the card is.
async fn settled(card: &str, wanted: &str) -> Result<CardState> {
    within(PATIENCE, wanted, || async { Ok((state(card)? == wanted).then_some(())) })
        .await
        .with_context(|| format!("NetworkManager says {:?}", state(card)))?;
    card_state(card)
}

fn state(card: &str) -> Result<String> {
    Ok(tool("nmcli", &["-g", "GENERAL.STATE", "device", "show", card])?.trim().to_owned())
}

/// udev, D-Bus, wpa_supplicant and NetworkManager, as on a desktop.
fn start_network_manager() -> Result<Vec<Background>> {
    for dir in
        ["/run/dbus", "/run/udev", "/run/NetworkManager", "/var/lib/NetworkManager", "/etc/NetworkManager"]
    {
        std::fs::create_dir_all(dir)?;
    }
    std::fs::write("/etc/NetworkManager/NetworkManager.conf", SETTINGS)?;
    tool("/usr/lib/systemd/systemd-udevd", &["--daemon"])?;
    tool("udevadm", &["trigger"])?;
    tool("udevadm", &["settle"])?;
    let mut services = Vec::new();
    let programs: [(&str, &[&str]); 3] = [
        ("dbus-daemon", &["--system", "--nofork", "--nopidfile"]),
        ("wpa_supplicant", &["-u", "-s"]),
        ("NetworkManager", &["--no-daemon"]),
    ];
    for (program, words) in programs {
        services.push(Background::start(program, Command::new(program).args(words))?);
        std::thread::sleep(Duration::from_millis(700));
    }
    Ok(services)
}
