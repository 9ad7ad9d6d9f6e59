//! Stations of Wi-Fi on the LAN: each on an interface of its own, which comes and goes. The access point is played by
//! pairs of virtual Ethernet, named as it names its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::Ipv4Addr;

use hotshare_core::desired::{HostState, Metered, STATION_PORTS, Table, Wanted, WifiLan};
use hotshare_core::units::Mac;
use hotshare_linux::host::Stations;
use hotshare_linux::host::port::{PortError, admit};
use hotshare_linux::observe::ifindex;

use crate::air::{EVERYBODY, Ear, arp, frame, send, udp};
use crate::traffic::{echo, pings, talks};
use crate::world::{
    GATEWAY, SERVER, World, asynchronously, exec, inside, ip, nft, phone_ip, phone_mac, station_port, wanted,
};

const BRIDGE_MAC: [u8; 6] = [2, 0x48, 0x53, 0, 0, 1];
const MAGIC: &[u8] = b"from one station to another";
const GATEWAY_IP: Ipv4Addr = Ipv4Addr::new(172, 29, 77, 1);

pub(crate) fn with_wifi(ports: u8) -> Wanted {
    let wifi =
        WifiLan { card: "wlan0".into(), pattern: STATION_PORTS, station_ports: true, mac: Mac(BRIDGE_MAC) };
    Wanted { wifi: Some(wifi), ..wanted(ports) }
}

/// As if the meter were on whatever interfaces there are now.
fn desired(world: &World, ports: u8) -> HostState {
    let metered =
        inside(&world.host_ns(), || Metered { uplink: ifindex("uplink0"), lan: ifindex("hotshare0") });
    Wanted { metered, ..with_wifi(ports) }.desired()
}

/// Shares with Wi-Fi and this many wired ports, and knows the addresses of these phones.
fn share(world: &World, ports: u8, phones: u8) {
    for _ in 0..2 {
        // The bridge has no number before it is made.
        let desired = desired(world, ports);
        world.on_box(async move |mut host| {
            host.reconcile(&desired).await.map(drop).unwrap();
            host.set_stations("hotshare0", &stations(1..=phones)).await.unwrap();
        });
    }
}

fn stations(phones: impl Iterator<Item = u8> + Clone) -> Stations {
    let addresses: BTreeMap<Ipv4Addr, Mac> =
        phones.clone().map(|i| (phone_ip(i), Mac(phone_mac(i)))).collect();
    Stations { addresses, wireless: phones.map(|i| Mac(phone_mac(i))).collect() }
}

fn join(world: &World, phone: u8, port: &str) {
    asynchronously(&world.host_ns(), async || {
        let index = ifindex(port).unwrap();
        for _ in 0..2 {
            admit(index, Some(Mac(phone_mac(phone))), "hotshare0").await.unwrap();
        }
    });
}

/// Nobody serves DNS here, but the box says so.
pub(crate) fn reaches_gateway(world: &World, phone: u8) -> bool {
    talks(&world.phone(phone), GATEWAY, 53) == Err(REFUSED)
}
const REFUSED: ErrorKind = ErrorKind::ConnectionRefused;

fn bridge(world: &World, arguments: &str) -> String {
    let words: Vec<&str> = ["bridge"].into_iter().chain(arguments.split_ascii_whitespace()).collect();
    exec(&world.host_ns(), &words)
}

/// Two stations on the air that know each other's and the gateway's hardware address, and say nothing.
fn two_stations() -> World {
    let world = World::on_air(2);
    for phone in [1, 2] {
        let (name, other) = (world.phone(phone), 3 - phone);
        ip(&format!("-n {name} neigh replace {} lladdr {} dev eth0", phone_ip(other), Mac(phone_mac(other))));
        ip(&format!("-n {name} neigh replace {GATEWAY} lladdr {} dev eth0", Mac(BRIDGE_MAC)));
    }
    share(&world, 0, 2);
    world
}

#[test]
fn the_lan_is_there_before_the_first_station_and_after_the_last() {
    let world = World::on_air(1);
    let before = world.dump();
    share(&world, 0, 1);
    let host = world.host_ns();
    let assert_there = || {
        let lan = ip(&format!("-n {host} addr show hotshare0"));
        assert!(lan.contains("172.29.77.1/24") && lan.contains("link/ether 02:48:53:00:00:01"), "{lan}");
        let desired = desired(&world, 0);
        world.on_box(async move |host| assert_eq!(host.check(&desired).await.unwrap().steps, []));
    };
    assert_there();
    join(&world, 1, &station_port(1));
    assert!(reaches_gateway(&world, 1));
    assert_there();
    ip(&format!("-n {host} link del {}", station_port(1)));
    assert_there();
    world.cable(&station_port(1), 1);
    assert!(!reaches_gateway(&world, 1));
    join(&world, 1, &station_port(1));
    assert!(reaches_gateway(&world, 1));
    world.on_box(async |mut host| host.restore().await.unwrap());
    let topics = ["ip rule", "nft", "ip -4 route show table all"];
    world.assert_restored_in(&before, |topic| topics.contains(&topic));
    assert!(!ip(&format!("-n {host} neigh")).contains("PERMANENT"));
}

#[test]
fn a_station_that_is_not_admitted_reaches_nothing() {
    let world = World::on_air(1);
    share(&world, 0, 0);
    world.mark(&[1]);
    world.watch_carrier();
    echo(&world.net(), SERVER, 8080);
    let (host, phone) = (world.host_ns(), world.phone(1));
    // Even when somebody addressed its interface.
    ip(&format!("-n {host} addr add 172.29.77.9/32 dev {}", station_port(1)));
    exec(&host, &["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    ip(&format!("-n {host} route add {}/32 dev {}", phone_ip(1), station_port(1)));
    for address in [GATEWAY, "172.29.77.9", SERVER] {
        assert!(!pings(&phone, address) && talks(&phone, address, 53) != Err(REFUSED), "{address}");
    }
    assert!(talks(&phone, SERVER, 8080).is_err());
    assert_eq!(world.seen_at_carrier(), 0);
    ip(&format!("-n {host} route del {}/32 dev {}", phone_ip(1), station_port(1)));
    ip(&format!("-n {host} addr del 172.29.77.9/32 dev {}", station_port(1)));
    join(&world, 1, &station_port(1));
    assert_eq!(talks(&phone, SERVER, 8080), Ok(()));
}

#[test]
fn a_station_that_left_cannot_be_admitted_and_that_is_said() {
    let world = World::on_air(1);
    share(&world, 0, 1);
    let host = world.host_ns();
    let gone = inside(&host, || ifindex(&station_port(1)).unwrap());
    ip(&format!("-n {host} link del {}", station_port(1)));
    asynchronously(&host, async || {
        let error = admit(gone, Some(Mac(phone_mac(1))), "hotshare0").await.unwrap_err();
        assert!(matches!(error, PortError::Gone(index) if index == gone), "{error}");
    });
}

/// What the first station may try against the second: by frame, through the gateway, to everybody, and by lies.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let (me, other) = (phone_mac(1), phone_mac(2));
    let from = |address, port| udp((address, port), (phone_ip(2), 7), MAGIC);
    let mine = from(phone_ip(1), 7);
    let to_all = udp((phone_ip(1), 68), (Ipv4Addr::BROADCAST, 7), MAGIC);
    let offer = udp((phone_ip(1), 67), (Ipv4Addr::BROADCAST, 68), MAGIC);
    let discover = udp((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), MAGIC);
    let lie = |kind, to| arp(kind, (me, GATEWAY_IP), (to, phone_ip(2)), MAGIC);
    let mut advertisement = vec![0x60, 0, 0, 0, 0, 48, 58, 255];
    advertisement.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    advertisement.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    advertisement.extend([134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
    advertisement.extend(MAGIC);
    let mut vlan = vec![0, 0, 8, 0];
    vlan.extend(&mine);
    vec![
        ("a frame to the station", frame(other, me, 0x0800, &mine)),
        ("a packet for the station through the gateway", frame(BRIDGE_MAC, me, 0x0800, &mine)),
        ("the same with the gateway's address", frame(BRIDGE_MAC, me, 0x0800, &from(GATEWAY_IP, 7))),
        (
            "the same as if from the Internet",
            frame(BRIDGE_MAC, me, 0x0800, &from([198, 51, 100, 10].into(), 7)),
        ),
        ("a packet for the station in a frame to everybody", frame(EVERYBODY, me, 0x0800, &mine)),
        ("the same in a multicast frame", frame([1, 0, 0x5e, 0, 0, 0xfb], me, 0x0800, &mine)),
        ("a broadcast", frame(EVERYBODY, me, 0x0800, &to_all)),
        (
            "a broadcast to the subnet",
            frame(EVERYBODY, me, 0x0800, &udp((phone_ip(1), 9), ([172, 29, 77, 255].into(), 9), MAGIC)),
        ),
        ("a DHCP offer", frame(EVERYBODY, me, 0x0800, &offer)),
        ("a DHCP offer to the station", frame(other, me, 0x0800, &offer)),
        ("a DHCP discovery", frame(EVERYBODY, me, 0x0800, &discover)),
        ("the gateway's address claimed, to everybody", frame(EVERYBODY, me, 0x0806, &lie(1, [0; 6]))),
        ("the gateway's address claimed, to the station", frame(other, me, 0x0806, &lie(2, other))),
        (
            "a question for the station's address",
            frame(EVERYBODY, me, 0x0806, &arp(1, (me, phone_ip(1)), ([0; 6], phone_ip(2)), MAGIC)),
        ),
        ("a router advertisement", frame([0x33, 0x33, 0, 0, 0, 1], me, 0x86dd, &advertisement)),
        ("a router advertisement to the station", frame(other, me, 0x86dd, &advertisement)),
        ("a tagged frame", frame(other, me, 0x8100, &vlan)),
        ("a frame of a kind that nobody knows", frame(other, me, 0x88b5, MAGIC)),
        ("the same to everybody", frame(EVERYBODY, me, 0x88b5, MAGIC)),
        ("a key message", frame(other, me, 0x888e, MAGIC)),
        ("a frame in the gateway's name", frame(other, BRIDGE_MAC, 0x0800, &mine)),
        ("a frame in the station's own name", frame(BRIDGE_MAC, other, 0x0800, &mine)),
    ]
}

fn heard_of_attacks(world: &World) -> Vec<&'static str> {
    let ear = Ear::new(&world.phone(2), MAGIC);
    let mut heard = Vec::new();
    let mut before = 0;
    for (what, bytes) in attacks() {
        send(&world.phone(1), &vec![bytes; 20]);
        let now = ear.heard();
        if now > before {
            heard.push(what);
        }
        before = now;
    }
    heard
}

#[test]
fn no_station_reaches_another_and_each_of_two_locks_holds_alone() {
    let world = two_stations();
    let host = world.host_ns();
    // Where a host routes what it bridges, the rules of routing are one more lock, and would hide the others.
    inside(&host, || {
        for family in ["ip", "ip6", "arp"] {
            let _none = std::fs::write(format!("/proc/sys/net/bridge/bridge-nf-call-{family}tables"), "0");
        }
    });
    for phone in [1, 2] {
        join(&world, phone, &station_port(phone));
    }
    // Both are on the LAN, marked as the meter marks, and known to the bridge.
    world.mark(&[1, 2]);
    assert!(reaches_gateway(&world, 1) && reaches_gateway(&world, 2));
    assert_eq!(heard_of_attacks(&world), [""; 0], "with both locks");

    nft(&host, "delete table bridge hotshare");
    assert_eq!(heard_of_attacks(&world), [""; 0], "with the ports' isolation alone");

    let desired = desired(&world, 0);
    world.on_box(async move |mut host| {
        host.reconcile(&desired).await.map(drop).unwrap();
    });
    for phone in [1, 2] {
        bridge(&world, &format!("link set dev {} isolated off", station_port(phone)));
    }
    assert_eq!(heard_of_attacks(&world), [""; 0], "with the rules alone");

    // Whoever counts here does count.
    nft(&host, "delete table bridge hotshare");
    let heard = heard_of_attacks(&world);
    assert!(heard.len() > 14, "{heard:?}");
}

#[test]
fn nobody_gets_what_is_anothers_by_claiming_the_address() {
    let world = two_stations();
    let host = world.host_ns();
    for phone in [1, 2] {
        join(&world, phone, &station_port(phone));
    }
    let (me, other) = (phone_mac(1), phone_mac(2));
    let lies = [
        arp(2, (me, phone_ip(2)), (BRIDGE_MAC, GATEWAY_IP), b""),
        arp(2, (other, phone_ip(2)), (BRIDGE_MAC, GATEWAY_IP), b""),
        arp(1, (me, phone_ip(2)), ([0; 6], GATEWAY_IP), b""),
        arp(1, (me, phone_ip(2)), ([0; 6], phone_ip(2)), b""),
        arp(1, (me, GATEWAY_IP), ([0; 6], GATEWAY_IP), b""),
    ];
    let thief = Ear::new(&world.phone(1), MAGIC);
    let owner = Ear::new(&world.phone(2), MAGIC);
    let tell = || {
        inside(&host, || {
            let socket = std::net::UdpSocket::bind((GATEWAY_IP, 0)).unwrap();
            (0..10).for_each(|_| assert!(socket.send_to(MAGIC, (phone_ip(2), 9)).is_ok()));
        });
    };
    let attack = || {
        for lie in &lies {
            for (to, from) in [(BRIDGE_MAC, me), (EVERYBODY, me), (BRIDGE_MAC, other), (EVERYBODY, other)] {
                send(&world.phone(1), &vec![frame(to, from, 0x0806, lie); 3]);
            }
        }
    };
    attack();
    tell();
    assert_eq!((thief.heard(), owner.heard()), (0, 10));
    // The rules alone, and the kernel's memory alone.
    ip(&format!("-n {host} neigh del {} dev hotshare0", phone_ip(2)));
    assert!(reaches_gateway(&world, 2));
    attack();
    tell();
    assert_eq!((thief.heard(), owner.heard()), (0, 20));
    let desired = desired(&world, 0);
    world.on_box(async move |mut host| {
        host.reconcile(&desired).await.map(drop).unwrap();
        host.set_stations("hotshare0", &stations(1..=2)).await.unwrap();
    });
    nft(&host, "delete table bridge hotshare");
    attack();
    tell();
    assert_eq!((thief.heard(), owner.heard()), (0, 30));
}

#[test]
fn the_box_hears_no_packet_with_anothers_address() {
    let world = two_stations();
    let host = world.host_ns();
    for phone in [1, 2] {
        join(&world, phone, &station_port(phone));
    }
    let heard = |from: [u8; 6], ip: Ipv4Addr| {
        inside(&host, || {
            let socket = std::net::UdpSocket::bind((GATEWAY_IP, 53)).unwrap();
            socket.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
            send(&world.phone(1), &[frame(BRIDGE_MAC, from, 0x0800, &udp((ip, 9), (GATEWAY_IP, 53), MAGIC))]);
            socket.recv_from(&mut [0; 100]).is_ok()
        })
    };
    assert!(heard(phone_mac(1), phone_ip(1)));
    assert!(!heard(phone_mac(1), phone_ip(2)));
    assert!(!heard(phone_mac(1), GATEWAY_IP));
}

#[test]
fn a_station_that_joins_again_works_at_once_on_its_new_interface() {
    let world = World::on_air(1);
    let host = world.host_ns();
    share(&world, 0, 1);
    join(&world, 1, &station_port(1));
    assert!(reaches_gateway(&world, 1));
    let ear_of = |world: &World| Ear::new(&world.phone(1), MAGIC);
    let tell = || {
        inside(&host, || {
            let socket = std::net::UdpSocket::bind((GATEWAY_IP, 0)).unwrap();
            socket.send_to(MAGIC, (phone_ip(1), 9)).unwrap();
        });
    };
    // The new one comes before the old one has gone; the station itself says nothing.
    ip(&format!("-n {} link set eth0 name old0", world.phone(1)));
    ip(&format!("-n {} link set old0 down", world.phone(1)));
    ip(&format!("-n {} addr flush dev old0", world.phone(1)));
    world.cable("hotshare.5000", 1);
    exec(&world.phone(1), &["sysctl", "-qw", "net.ipv4.conf.eth0.arp_ignore=8"]);
    let ear = ear_of(&world);
    join(&world, 1, "hotshare.5000");
    tell();
    assert_eq!(ear.heard(), 1);
    ip(&format!("-n {host} link del {}", station_port(1)));
    tell();
    assert_eq!(ear.heard(), 2);
    assert!(reaches_gateway(&world, 1));
}

#[test]
fn a_wire_cannot_speak_in_the_name_of_a_station() {
    let world = World::new(1);
    let host = world.host_ns();
    share(&world, 1, 0);
    let heard = || {
        inside(&host, || {
            let socket = std::net::UdpSocket::bind((GATEWAY_IP, 53)).unwrap();
            socket.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
            let packet = udp((phone_ip(7), 9), (GATEWAY_IP, 53), MAGIC);
            send(&world.phone(1), &[frame(BRIDGE_MAC, phone_mac(7), 0x0800, &packet)]);
            socket.recv_from(&mut [0; 100]).is_ok()
        })
    };
    assert!(heard());
    world.on_box(async |mut host| host.set_stations("hotshare0", &stations(7..=7)).await.unwrap());
    assert!(!heard());
    let nobody = Stations { wireless: BTreeSet::new(), ..stations(7..=7) };
    world.on_box(async move |mut host| host.set_stations("hotshare0", &nobody).await.unwrap());
    assert!(heard());
}

#[test]
fn who_has_which_address_is_told_anew_and_forgotten_at_the_end() {
    let world = World::new(1);
    let host = world.host_ns();
    world.share();
    let neighbours = || ip(&format!("-n {host} neigh show"));
    ip(&format!("-n {host} neigh replace 192.0.2.9 lladdr 02:00:00:00:00:99 dev lan1"));
    let mut known = stations(1..=3);
    world.on_box(async |mut host| {
        host.set_stations("lan1", &known).await.unwrap();
        known.addresses.remove(&phone_ip(1));
        known.addresses.insert(phone_ip(2), Mac(phone_mac(9)));
        host.set_stations("lan1", &known).await.unwrap();
    });
    let now = neighbours();
    for expected in
        ["172.29.77.12 dev lan1 lladdr 02:00:00:00:01:09", "172.29.77.13 dev lan1 lladdr 02:00:00:00:01:03"]
    {
        assert!(now.contains(expected), "{now}");
    }
    assert!(!now.contains("172.29.77.11") && now.contains("192.0.2.9"), "{now}");
    world.on_box(async |mut host| host.restore().await.unwrap());
    let now = neighbours();
    assert!(!now.contains("172.29.77."), "{now}");
}

#[test]
fn asking_for_rules_of_bridges_leaves_nothing() {
    let world = World::on_air(0);
    let missing = asynchronously(&world.host_ns(), async || hotshare_linux::nat::has_no_bridge_rules().await);
    assert!(!missing);
    assert_eq!(exec(&world.host_ns(), &["nft", "list", "ruleset"]), "");
}

/// nft itself reads the rules as we say them.
#[test]
fn the_rules_mean_what_their_words_say() {
    let world = World::on_air(1);
    share(&world, 0, 1);
    let Table::Holds(ruleset) = desired(&world, 0).table else { panic!("no rules are desired") };
    let text = hotshare_linux::nat::text(&ruleset).unwrap();
    let bridge = &text[text.find("table bridge").unwrap()..];
    nft(&world.host_ns(), &bridge.replace("table bridge hotshare", "table bridge words"));
    let of = |table: &str| {
        let listed =
            exec(&world.host_ns(), &["nft", "-s", "--debug=netlink", "list", "table", "bridge", table]);
        let expressions = listed.lines().filter(|line| line.trim_start().starts_with('['));
        expressions.map(|line| line.replace(table, "")).collect::<Vec<_>>()
    };
    assert_eq!(of("hotshare"), of("words"));
}
