#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::PermissionsExt as _;

use hotshare_core::desired::{Interface, Kind, Metered, Setting, Wanted};
use hotshare_core::uplink::Subnet;

use super::*;

fn journal() -> Journal {
    let wanted = Wanted {
        uplink: "wwan0".into(),
        ports: ["eth1".into(), "eth2".into()].into(),
        subnet: Subnet::new([172, 29, 77, 0].into(), 24),
        portal_ports: [80].into(),
        ipv6: true,
        metered: Metered::default(),
        only_sites: false,
        wifi: None,
    };
    let mut ours = wanted.desired();
    ours.table = hotshare_core::desired::Table::Absent;
    let mut before = HostState::default();
    before.interfaces.insert("eth1".into(), Interface::new(Kind::Port));
    before.settings.insert(Setting::Forwarding("wwan0".into()), 0);
    Journal { before, ours }
}

fn edited(path: &Path, from: &str, to: &str) -> String {
    let text = fs::read_to_string(path).unwrap().replace(from, to);
    fs::write(path, &text).unwrap();
    text
}

#[test]
fn what_is_written_is_read_back_and_only_root_may() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run/before.json");
    assert!(Journal::read(&path).unwrap().is_empty());
    fs::create_dir(dir.path().join("run")).unwrap();
    fs::write(path.with_extension("new"), "half a jour").unwrap();
    journal().write(&path).unwrap();
    assert_eq!(Journal::read(&path).unwrap(), journal());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!path.with_extension("new").exists());
    Journal::remove(&path).unwrap();
    Journal::remove(&path).unwrap();
    assert!(Journal::read(&path).unwrap().is_empty());
}

#[test]
fn a_journal_of_another_boot_or_network_says_nothing_about_this_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("before.json");
    journal().write(&path).unwrap();
    edited(&path, &boot_id(), "another");
    assert!(Journal::read(&path).unwrap().is_empty());
    journal().write(&path).unwrap();
    edited(&path, &format!("\"network\": {}", network()), "\"network\": 4242");
    assert!(Journal::read(&path).unwrap().is_empty());
}

#[test]
fn a_damaged_journal_is_refused_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("before.json");
    for (from, to) in [("forwarding", "backwarding"), ("\"version\": 1", "\"version\": 2"), ("{", "")] {
        journal().write(&path).unwrap();
        edited(&path, from, to);
        let error = Journal::read(&path).unwrap_err().to_string();
        assert!(error.contains("before.json"), "{error}");
    }
}
