//! The air: a station joins hostapd and a packet crosses.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::radios::{move_radio, radios};
use crate::shell::{Background, sh};

const LIMIT: Duration = Duration::from_secs(20);

const HOSTAPD: &str = "interface=wlan0\ndriver=nl80211\nctrl_interface=/run/hostapd\nssid=lab\nhw_mode=g\n\
    channel=1\nwpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase=correct horse\n";

const STATION: &str = "ctrl_interface=/run/station\nnetwork={\n ssid=\"lab\"\n psk=\"correct horse\"\n}\n";

pub(super) fn run() -> Result<()> {
    radios(2, 1)?;
    move_radio(1, "phone")?;
    for (path, text) in [("/tmp/hostapd.conf", HOSTAPD), ("/tmp/station.conf", STATION)] {
        fs::write(path, text).with_context(|| format!("cannot write {path}"))?;
    }
    let mut hostapd = Background::start("hostapd", Command::new("hostapd").arg("/tmp/hostapd.conf"))?;
    hostapd.wait_for_log("AP-ENABLED", LIMIT)?;
    sh("ip addr add 10.9.0.1/24 dev wlan0")?;
    let mut supplicant = Command::new("ip");
    supplicant.args(["netns", "exec", "phone", "wpa_supplicant", "-i", "wlan1", "-c", "/tmp/station.conf"]);
    let mut station = Background::start("station", &mut supplicant)?;
    station.wait_for_log("CTRL-EVENT-CONNECTED", LIMIT)?;
    sh("ip -n phone addr add 10.9.0.2/24 dev wlan1")?;
    println!("{}", sh("ip netns exec phone ping -c 3 -i 0.2 -W 2 10.9.0.1")?);
    let stations = sh("hostapd_cli -p /run/hostapd all_sta")?;
    ensure!(stations.contains("AUTHORIZED"), "hostapd does not list the station: {stations}");
    Ok(())
}
