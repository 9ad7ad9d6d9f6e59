//! Whatever happens, the host's network is afterwards as it was before.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hotshare_linux::host::Host;

use crate::world::{World, asynchronously, exec, inside, ip, nft, pause, wanted};

/// A box whose LAN ports are in use: addresses of every kind, routes, a bridge, down, settings, others' rules.
fn lived_in() -> (World, BTreeMap<String, String>) {
    let world = World::new(3);
    let host = world.host_ns();
    for line in [
        "addr add 192.168.50.9/24 broadcast 192.168.50.255 dev lan1",
        "addr add 192.168.50.2/24 dev lan1 label lan1:two",
        "addr add 10.5.5.5/32 peer 10.5.5.6 dev lan1",
        "addr add 10.6.6.6/24 dev lan1 noprefixroute metric 7",
        "addr add fd00:1::2/64 dev lan1 nodad",
        "route add 10.97.0.0/16 dev lan1 scope link",
        "route add 10.98.0.0/16 via 192.168.50.1 metric 50 proto static src 192.168.50.2",
        "route add 10.99.0.0/16 via 10.77.77.1 dev lan1 onlink",
        "route add default via 192.168.50.1 table 100",
        "-6 route add fd00:2::/64 via fd00:1::1 dev lan1",
        "rule add from 192.168.50.0/24 lookup 100",
        "link set lan2 down",
        "addr add 192.168.60.1/24 dev lan2",
        "link add br-lan type bridge",
        "link set br-lan up",
        "link set lan3 master br-lan",
    ] {
        ip(&format!("-n {host} {line}"));
    }
    exec(&host, &["bridge", "link", "set", "dev", "lan3", "isolated", "on"]);
    exec(&host, &["sysctl", "-qw", "net.ipv4.conf.lan1.arp_ignore=2"]);
    nft(&host, "table inet theirs { chain f { type filter hook forward priority 0; policy drop; accept } }");
    // The kernel tells of carriers once a second, and the bridge has to learn of its port's.
    pause(2500);
    let before = world.dump();
    (world, before)
}

fn assert_shared(world: &World) {
    let links = ip(&format!("-n {} link show master hotshare0", world.host_ns()));
    for port in ["lan1", "lan2", "lan3"] {
        assert!(links.contains(port), "{port} is not in the bridge: {links}");
    }
}

#[test]
fn a_stop_gives_everything_back() {
    let (world, before) = lived_in();
    let desired = world.desired();
    world.on_box(async |mut host| {
        let done = host.reconcile(&desired).await.unwrap();
        assert!(!done.steps.is_empty() && done.missing.is_empty());
        assert_shared(&world);
        assert!(host.check(&desired).await.unwrap().steps.is_empty(), "nothing is left to do");
        host.restore().await.unwrap();
    });
    world.assert_restored(&before);
    assert!(!world.journal_path().exists());
}

#[test]
fn a_failed_start_gives_everything_back() {
    let (world, before) = lived_in();
    let mut wanted = world.wanted();
    // No bridge takes the loopback; it comes after lan3 in the order of names.
    wanted.ports.insert("lo".into());
    let desired = wanted.desired();
    world.on_box(async |mut host| {
        let error = host.reconcile(&desired).await.unwrap_err();
        assert!(error.to_string().contains("make lo a member of hotshare0"), "{error}");
        assert_shared(&world);
        host.restore().await.unwrap();
    });
    world.assert_restored(&before);
}

#[test]
fn a_start_after_a_kill_gives_everything_back() {
    let (world, before) = lived_in();
    world.share();
    assert_shared(&world);
    world.on_box(async |mut host| {
        assert!(host.has_leftovers());
        host.restore().await.unwrap();
        assert!(!host.has_leftovers());
    });
    world.assert_restored(&before);
}

/// What the killed process is to do, in `HOTSHARE_TEST_VICTIM`; the rest is in `HOTSHARE_TEST_WORLD`.
const VICTIM: &str = "HOTSHARE_TEST_VICTIM";

/// Not a test by itself: the process that [`killed_after`] kills.
#[test]
fn victim() {
    let Ok(work) = std::env::var(VICTIM) else { return };
    let home = std::env::var("HOTSHARE_TEST_WORLD").unwrap();
    let (namespace, journal) = home.split_once(':').unwrap();
    let desired = wanted(3).desired();
    asynchronously(namespace, async || {
        let mut host = Host::open(Path::new(journal)).unwrap();
        println!("\nready");
        match work.as_str() {
            "start" => drop(host.reconcile(&desired).await.unwrap()),
            _ => host.restore().await.unwrap(),
        }
        println!("\ndone");
        std::future::pending::<()>().await;
    });
}

/// Starts the work in a process of its own and kills that so long after the work began. Whether it was done.
fn killed_after(world: &World, work: &str, delay: Duration) -> bool {
    let home = format!("{}:{}", world.host_ns(), world.journal_path().display());
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "restore::victim", "--nocapture"])
        .env(VICTIM, work)
        .env("HOTSHARE_TEST_WORLD", home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "ready"), "the process ended before it began");
    let until = Instant::now() + delay;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    lines.any(|line| line == "done")
}

#[test]
fn a_start_that_is_killed_at_any_moment_is_given_back() {
    let (world, before) = lived_in();
    let mut cut = 0;
    for delay in (0..24).map(|i| Duration::from_micros(i * 300)) {
        let done = killed_after(&world, "start", delay);
        world.on_box(async |mut host| {
            cut += u32::from(host.has_leftovers() && !done);
            host.restore().await.unwrap();
        });
        world.assert_restored(&before);
    }
    assert!(cut > 0, "no kill was in the middle of the work");
}

#[test]
fn a_stop_that_is_killed_at_any_moment_is_finished_by_the_next() {
    let (world, before) = lived_in();
    for delay in (0..24).map(|i| Duration::from_micros(i * 300)) {
        world.share();
        killed_after(&world, "stop", delay);
        world.on_box(async |mut host| host.restore().await.unwrap());
        world.assert_restored(&before);
    }
}

#[test]
fn a_start_after_a_kill_with_other_ports_gives_the_old_ones_back() {
    let (world, before) = lived_in();
    world.share();
    let mut wanted = world.wanted();
    wanted.ports = ["lan2".into()].into();
    let desired = wanted.desired();
    world.on_box(async |mut host| {
        host.reconcile(&desired).await.unwrap();
        let topics = ["bridge", "ip rule", "ip -6 route show table all"];
        world.assert_restored_in(&before, |topic| topics.contains(&topic) || topic.contains("/conf/lan1/"));
        let now = world.dump();
        assert!(!now["ip -d link"].contains("hotshare0"));
        assert!(now["ip -d addr"].contains("172.29.77.1/24 brd 172.29.77.255 scope global lan2"));
        host.restore().await.unwrap();
    });
    world.assert_restored(&before);
}

#[test]
fn a_start_after_a_kill_with_the_same_ports_has_nothing_to_do() {
    let world = World::new(2);
    world.share();
    let desired = world.desired();
    world.on_box(async |mut host| {
        assert_eq!(host.reconcile(&desired).await.unwrap().steps, []);
        host.restore().await.unwrap();
    });
}

#[test]
fn what_others_change_meanwhile_stays_theirs() {
    let world = World::new(1);
    let host = world.host_ns();
    world.share();
    let forwarding = "/proc/sys/net/ipv4/conf/uplink0/forwarding";
    let read = |path: &str| inside(&host, || std::fs::read_to_string(path).unwrap());
    assert_eq!(read(forwarding), "1\n");
    assert_eq!(read("/proc/sys/net/ipv4/ip_forward"), "0\n", "the box is not made a router of everything");
    let arp = "/proc/sys/net/ipv4/conf/lan1/arp_ignore";
    exec(&host, &["sysctl", "-qw", "net.ipv4.conf.lan1.arp_ignore=2"]);
    ip(&format!("-n {host} addr add 192.168.70.1/24 dev lan1"));
    nft(&host, "table ip new { chain c { } }");
    world.on_box(async |mut host| host.restore().await.unwrap());
    assert_eq!((read(forwarding).as_str(), read(arp).as_str()), ("0\n", "2\n"));
    let after = world.dump();
    assert!(after["ip -d addr"].contains("192.168.70.1/24") && !after["ip -d addr"].contains("172.29.77.1"));
    assert_eq!(after["nft"].trim(), "table ip new {\n\tchain c {\n\t}\n}");
}

#[test]
fn what_others_undo_is_done_again() {
    let world = World::new(2);
    world.share();
    let (host, desired) = (world.host_ns(), world.desired());
    let undo: [&[&str]; 9] = [
        &["nft", "flush", "chain", "bridge", "hotshare", "forward"],
        &["nft", "delete", "table", "bridge", "hotshare"],
        &["nft", "flush", "chain", "inet", "hotshare", "forward"],
        &["nft", "add", "rule", "inet", "hotshare", "input", "accept"],
        &["nft", "flush", "ruleset"],
        &["ip", "link", "set", "lan1", "nomaster"],
        &["ip", "addr", "flush", "dev", "hotshare0"],
        &["sysctl", "-qw", "net.ipv4.conf.uplink0.forwarding=0"],
        &["ip", "link", "del", "hotshare0"],
    ];
    for command in undo {
        exec(&host, command);
        world.on_box(async |mut host| {
            assert!(!host.reconcile(&desired).await.unwrap().steps.is_empty(), "{command:?} was not noticed");
            assert_eq!(host.check(&desired).await.unwrap().steps, []);
        });
    }
}

#[test]
fn a_port_that_is_unplugged_is_missing_and_joins_when_it_returns() {
    let world = World::new(2);
    world.share();
    let (host, phone, desired) = (world.host_ns(), world.phone(2), world.desired());
    ip(&format!("-n {host} link del lan2"));
    world.on_box(async |mut host| {
        assert_eq!(host.reconcile(&desired).await.unwrap().missing, ["lan2"]);
    });
    ip(&format!("link add lan2 netns {host} type veth peer name eth0 netns {phone}"));
    world.on_box(async |mut host| {
        assert_eq!(host.reconcile(&desired).await.unwrap().missing, [""; 0]);
    });
    assert!(ip(&format!("-n {host} link show master hotshare0 up")).contains("lan2"));
    world.on_box(async |mut host| host.restore().await.unwrap());
}

#[test]
fn a_port_that_is_gone_at_the_stop_is_no_failure() {
    let world = World::new(2);
    world.share();
    ip(&format!("-n {} link del lan2", world.host_ns()));
    world.on_box(async |mut host| host.restore().await.unwrap());
    assert!(!world.journal_path().exists());
}

#[test]
fn our_own_subnet_is_not_taken_and_others_are() {
    let world = World::new(2);
    let taken = |world: &World| world.on_box(async |host| host.taken().await.unwrap());
    ip(&format!("-n {} addr add 192.168.50.2/24 dev lan1", world.host_ns()));
    ip(&format!("-n {} route add 10.0.0.0/8 via 198.51.100.1", world.host_ns()));
    ip(&format!("-n {} route add blackhole 172.29.0.0/20", world.host_ns()));
    ip(&format!("-n {} addr add 192.168.177.5/32 peer 203.0.113.1 dev uplink0", world.host_ns()));
    let before = taken(&world);
    world.share();
    let after = taken(&world);
    for subnet in [
        "192.168.50.0/24",
        "10.0.0.0/8",
        "198.51.100.0/24",
        "172.29.0.0/20",
        "192.168.177.5/32",
        "203.0.113.1/32",
    ] {
        for taken in [&before, &after] {
            assert!(taken.iter().any(|is| is.to_string() == subnet), "{subnet} is not in {taken:?}");
        }
    }
    assert!(!after.iter().any(|is| is.to_string() == "172.29.77.0/24"), "{after:?}");
}
