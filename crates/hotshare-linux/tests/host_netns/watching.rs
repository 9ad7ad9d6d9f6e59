//! The uplink is found, its changes are told, and the doctor names what is wrong.

use std::time::Duration;

use hotshare_core::uplink::NoUplink;
use hotshare_linux::doctor::{self, Scope, Severity};
use hotshare_linux::uplink::{FindError, Watch, find};
use tokio::time::timeout;

use crate::world::{BOX_ON_UPLINK, World, asynchronously, exec, inside, ip, nft};

#[test]
fn the_uplink_is_found_lost_and_found_again() {
    let world = World::new(1);
    let host = world.host_ns();
    asynchronously(&host, async || {
        let mut watch = Watch::open().await.unwrap();
        let quad9 = [[9, 9, 9, 9].into()];
        let first = find(None, &["lan1"], &quad9).await.unwrap();
        assert_eq!((first.name.as_str(), first.address.to_string().as_str()), ("uplink0", BOX_ON_UPLINK));
        assert_eq!(first.gateway, Some([198, 51, 100, 1].into()));
        assert_eq!(first.resolvers, quad9);

        // What was done a moment ago is still being told (carriers once a second); then all is quiet.
        while timeout(Duration::from_millis(1500), watch.changed()).await.is_ok() {}
        ip(&format!("-n {host} link del uplink0"));
        timeout(Duration::from_secs(2), watch.changed()).await.unwrap();
        let lost = find(Some("uplink0"), &[], &quad9).await.unwrap_err();
        assert!(matches!(lost, FindError::None(NoUplink::Absent(_))), "{lost}");

        ip(&format!("link add uplink0 netns {host} type veth peer name carrier0 netns {}", world.net()));
        ip(&format!("-n {host} link set uplink0 up"));
        // Dropped while it waits for the burst to end: the change must be told all the same.
        let dropped = timeout(Duration::from_millis(20), watch.changed()).await;
        assert!(dropped.is_err());
        timeout(Duration::from_secs(2), watch.changed()).await.unwrap();
        let down = find(Some("uplink0"), &[], &quad9).await.unwrap_err();
        assert!(matches!(down, FindError::None(NoUplink::NoRoute(_))), "{down}");
        ip(&format!("-n {host} addr add {BOX_ON_UPLINK}/24 dev uplink0"));
        ip(&format!("-n {} link set carrier0 up", world.net()));
        ip(&format!("-n {host} route add default via 198.51.100.1"));
        let again = find(None, &["lan1"], &quad9).await.unwrap();
        assert_ne!(again.ifindex, first.ifindex);
    });
}

#[test]
fn what_takes_our_rules_or_forwarding_away_is_told() {
    let world = World::new(1);
    let host = world.host_ns();
    world.share();
    world.on_box(async |mut hand| {
        let mut watch = Watch::open().await.unwrap();
        let quiet = Duration::from_millis(300);
        while timeout(Duration::from_millis(1500), watch.changed()).await.is_ok() {}
        hand.set_closed(&[[172, 29, 77, 11].into()].into()).await.unwrap();
        nft(&host, "table inet others { chain c { accept } }");
        assert!(timeout(quiet, watch.changed()).await.is_err(), "told of what does not concern us");
        for command in [
            &["sysctl", "-qw", "net.ipv4.ip_forward=1"][..],
            &["sysctl", "-qw", "net.ipv4.ip_forward=0"],
            &["nft", "add", "rule", "inet", "hotshare", "input", "accept"],
            &["nft", "flush", "ruleset"],
        ] {
            exec(&host, command);
            let told = timeout(Duration::from_secs(2), watch.changed()).await;
            assert!(told.is_ok(), "{command:?} was not told");
            while timeout(quiet, watch.changed()).await.is_ok() {}
            hand.reconcile(&world.desired()).await.unwrap();
            while timeout(quiet, watch.changed()).await.is_ok() {}
        }
        exec(&host, &["sysctl", "-qw", "net.ipv4.conf.uplink0.forwarding=0"]);
        timeout(Duration::from_secs(2), watch.changed()).await.unwrap();
    });
}

#[test]
fn a_flood_of_changes_is_told_and_survived() {
    let world = World::new(1);
    let host = world.host_ns();
    asynchronously(&host, async || {
        let mut watch = Watch::open().await.unwrap();
        // More than a socket's buffer holds.
        let batch = tempfile::NamedTempFile::new().unwrap();
        let lines: String =
            (0..5000).map(|i| format!("route add 10.{}.{}.0/24 dev uplink0\n", i / 250, i % 250)).collect();
        std::fs::write(batch.path(), lines).unwrap();
        ip(&format!("-n {host} -b {}", batch.path().display()));
        timeout(Duration::from_secs(5), watch.changed()).await.unwrap();
        while timeout(Duration::from_millis(300), watch.changed()).await.is_ok() {}
        ip(&format!("-n {host} addr add 192.0.2.7/32 dev uplink0"));
        timeout(Duration::from_secs(2), watch.changed()).await.unwrap();
    });
}

#[test]
fn the_doctor_names_what_is_wrong_and_nothing_else() {
    let world = World::new(1);
    let host = world.host_ns();
    let examine = |scope: Scope| asynchronously(&host, async move || doctor::examine(&scope).await);
    let scope = || Scope { uplink: Some("uplink0".into()), lan: vec!["lan1".into()], ..Scope::default() };
    let about_network = |scope| -> Vec<String> {
        let findings = examine(scope);
        assert!(findings.is_sorted_by_key(|finding| finding.severity));
        let machine = ["clock", "BPF", "tcx", "resolver", "old iptables"];
        let ours = findings.into_iter().filter(|f| !machine.iter().any(|word| f.what.contains(word)));
        ours.map(|finding| finding.what).collect()
    };
    assert_eq!(about_network(scope()), [""; 0]);

    nft(&host, "table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; } }");
    let found = about_network(Scope { lan: vec!["lan1".into(), "lan9".into()], ..scope() });
    assert_eq!(
        found,
        [
            "the table ip filter drops what its chain FORWARD does not accept",
            "the LAN port lan9 does not exist"
        ]
    );
    nft(&host, "delete table ip filter");

    let found = inside(&host, || {
        let _dns = std::net::UdpSocket::bind("0.0.0.0:53").unwrap();
        let _dhcp = std::net::UdpSocket::bind("0.0.0.0:67").unwrap();
        about_network(scope())
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("port 53") && found[1].contains("port 67"));

    ip(&format!("-n {host} route del default"));
    let findings = examine(Scope { uplink: None, ..scope() });
    let none = findings.iter().find(|f| f.what.contains("default route")).unwrap();
    assert_eq!(none.severity, Severity::Broken);
}
