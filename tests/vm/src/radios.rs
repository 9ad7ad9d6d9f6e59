//! Simulated radios that all hear each other.

use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::shell::{Background, LOGS, sh, wait_for};

/// The country whose rules apply; 5 GHz with and without radar detection, and channel 13, are allowed.
pub(crate) const COUNTRY: &str = "SE";

/// Bytes kept of each frame: headers, and what is not encrypted of the rest.
const SNAPPED: &str = "512";

/// The capture of all frames on all channels; runs as long as the guest.
static CAPTURE: Mutex<Option<Background>> = Mutex::new(None);

/// Loads the driver with this many radios, `phy0` and `wlan0` onwards, each able to be on so many channels
/// at a time, and starts to record what is on the air.
pub(crate) fn radios(count: u32, channels: u32) -> Result<()> {
    sh(&format!("modprobe mac80211_hwsim radios={count} channels={channels}"))?;
    let last = format!("/sys/class/net/wlan{}", count.saturating_sub(1));
    wait_for("last radio", Duration::from_secs(10), || Ok(fs::exists(&last)?.then_some(())))?;
    sh(&format!("iw reg set {COUNTRY}"))?;
    wait_for("rules of the country", Duration::from_secs(10), || {
        Ok(sh("iw reg get")?.contains(&format!("country {COUNTRY}")).then_some(()))
    })?;
    sh("ip link set hwsim0 up")?;
    let file = format!("{LOGS}/air.pcap");
    let mut tcpdump = Command::new("tcpdump");
    tcpdump.args(["-i", "hwsim0", "-s", SNAPPED, "-w", &file, "-Z", "root"]);
    let mut capture = Background::start("tcpdump", &mut tcpdump)?;
    capture.wait_for_log("listening on", Duration::from_secs(10))?;
    *CAPTURE.lock().ok().context("the capture is in doubt")? = Some(capture);
    Ok(())
}

/// Moves a radio with its interface into a network namespace, which is made when there is none.
pub(crate) fn move_radio(number: u32, namespace: &str) -> Result<()> {
    if !fs::exists(format!("/run/netns/{namespace}"))? {
        sh(&format!("ip netns add {namespace} && ip -n {namespace} link set lo up"))?;
    }
    sh(&format!("iw phy phy{number} set netns name {namespace}")).map(drop)
}
