#![allow(clippy::unwrap_used, reason = "a test may panic")]

use hotshare_core::desired::{Metered, STATION_PORTS, Wanted, WifiLan};
use hotshare_core::uplink::Subnet;

use super::*;

fn wanted(ports: &[&str]) -> Wanted {
    Wanted {
        uplink: "wwan0".into(),
        ports: ports.iter().map(|port| (*port).to_owned()).collect(),
        subnet: Subnet::new([172, 29, 77, 0].into(), 24),
        portal_ports: [80].into(),
        ipv6: true,
        metered: Metered { uplink: Some(7), lan: Some(9) },
        only_sites: false,
        wifi: None,
    }
}

fn with_wifi(ports: &[&str], station_ports: bool) -> Wanted {
    let mac = Mac([2, 0x48, 0x53, 0, 0, 1]);
    let wifi = WifiLan { card: "wlan0".into(), pattern: STATION_PORTS, station_ports, mac };
    Wanted { wifi: Some(wifi), ..wanted(ports) }
}

fn only_sites() -> Wanted {
    Wanted { only_sites: true, ..wanted(&["eth1"]) }
}

fn ruleset(wanted: &Wanted) -> Ruleset {
    let Table::Holds(ruleset) = wanted.desired().table else { panic!("no rules are desired") };
    ruleset
}

/// What a change of the rules changes is seen in the difference of these files.
#[test]
fn the_tables_read_as_reviewed() {
    let cases = [
        (wanted(&["eth1", "eth2"]), include_str!("ruleset/bridged.nft")),
        (wanted(&["eth1"]), include_str!("ruleset/one-port.nft")),
        (only_sites(), include_str!("ruleset/only-sites.nft")),
        (with_wifi(&["eth1"], true), include_str!("ruleset/wifi.nft")),
        (with_wifi(&[], false), include_str!("ruleset/wifi-shared-port.nft")),
    ];
    for (wanted, reviewed) in cases {
        let text = text(&ruleset(&wanted)).unwrap();
        assert_eq!(text, reviewed, "for {:?} and {:?}", wanted.ports, wanted.wifi);
    }
}

#[test]
fn nothing_is_forwarded_while_the_meter_is_not_there() {
    let mut wanted = wanted(&["eth1"]);
    for metered in [Metered { uplink: Some(7), lan: None }, Metered { uplink: None, lan: Some(9) }] {
        wanted.metered = metered;
        for (chain, rules) in ruleset::draft(&ruleset(&wanted)).unwrap().rules {
            let lines: Vec<String> = rules.iter().map(table::line).collect();
            let gate = lines.iter().take_while(|line| line.ends_with("drop")).any(|line| line == "drop");
            assert!(gate || !["from_lan", "to_lan"].contains(&chain), "{chain}: {lines:?}");
        }
    }
}

#[test]
fn every_rule_can_be_said_in_words() {
    for wanted in [wanted(&["eth1", "eth2"]), only_sites(), with_wifi(&["eth1"], true), with_wifi(&[], false)]
    {
        let text = text(&ruleset(&wanted)).unwrap();
        assert!(text.lines().all(|line| line.is_empty() || !line.trim().is_empty()), "{text}");
    }
}
