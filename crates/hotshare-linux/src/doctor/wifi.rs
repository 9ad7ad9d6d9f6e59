//! What stands in the way of an access point.

use std::fs;
use std::path::Path;

use hotshare_core::radio::{Choice, RadioWish};

use super::{Finding, broken, warning};
use crate::{nat, radio};

/// What [`radio::preview`] says of it, and what only shows when the card is used.
pub(super) async fn access_point(wish: &RadioWish, uplink: &str) -> Vec<Finding> {
    let mut findings = match radio::preview(wish, uplink).await {
        Ok(choice) => of_choice(&choice),
        Err(error) => vec![broken(
            said(&error),
            "there can be no Wi-Fi hotspot as it is",
            "see above; or share wired ports instead, with --lan",
        )],
    };
    if nat::has_no_bridge_rules().await {
        findings.push(warning(
            "this kernel has no rules for bridges",
            "that devices cannot reach one another, or take another's address, rests on fewer locks",
            "use a kernel with CONFIG_NF_TABLES_BRIDGE",
        ));
    }
    findings
}

fn of_choice(choice: &Choice) -> Vec<Finding> {
    let card = &choice.card;
    let mut findings = Vec::new();
    match switches(&Path::new("/sys/class/net").join(card).join("phy80211")) {
        (true, _) => findings.push(broken(
            format!(
                "a switch or key of this machine has turned off the Wi-Fi card {card} (rfkill, hard block)"
            ),
            "it sends nothing, so there is no hotspot",
            "turn Wi-Fi on there",
        )),
        (false, true) => findings.push(warning(
            format!("the Wi-Fi card {card} is turned off by software (rfkill, soft block)"),
            "it is turned on while the hotspot is on, and off again at the end",
            "nothing, unless somebody wants it off",
        )),
        (false, false) => {}
    }
    if !choice.station_ports {
        findings.push(warning(
            format!(
                "the Wi-Fi card {card}, or this hostapd, cannot give each device an interface of its own"
            ),
            "devices share a key for what is sent to all of them, so one could forge that for the others",
            "nothing among people who trust one another; else use a card whose driver has AP/VLAN",
        ));
    }
    findings
}

/// Whether the card's rfkill switches block it: by hardware, by software.
fn switches(phy: &Path) -> (bool, bool) {
    let entries = fs::read_dir(phy).into_iter().flatten().flatten();
    let of_rfkill = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("rfkill"));
    let is_on =
        |path: &Path, what| fs::read_to_string(path.join(what)).is_ok_and(|value| value.trim() == "1");
    of_rfkill.map(|entry| entry.path()).fold((false, false), |(hard, soft), switch| {
        (hard || is_on(&switch, "hard"), soft || is_on(&switch, "soft"))
    })
}

/// An error with its causes.
fn said(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn both_kinds_of_switch_are_read() {
        let phy = tempfile::tempdir().unwrap();
        assert_eq!(switches(phy.path()), (false, false));
        for (name, hard, soft) in [("rfkill0", "0\n", "1\n"), ("rfkill7", "0\n", "0\n")] {
            let switch = phy.path().join(name);
            fs::create_dir(&switch).unwrap();
            fs::write(switch.join("hard"), hard).unwrap();
            fs::write(switch.join("soft"), soft).unwrap();
        }
        assert_eq!(switches(phy.path()), (false, true));
        fs::write(phy.path().join("rfkill7/hard"), "1\n").unwrap();
        assert_eq!(switches(phy.path()), (true, true));
    }
}
