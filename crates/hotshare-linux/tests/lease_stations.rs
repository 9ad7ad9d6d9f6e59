//! The DHCP server with real stations: isc-dhclient, busybox udhcpc, and stations made of bytes. Needs root.

mod lan_support;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, MessageType, OptionCode};
use hotshare_core::lease::{LeaseRules, Leased};
use hotshare_core::units::Mac;
use hotshare_linux::lease::{Lease, LeaseConfig, LeaseError, LeaseNews};
use lan_support::raw::{Station, frame_of, message, request};
use lan_support::{Scratch, Served, Space, runtime, until};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);

/// The daemon's side: what it has written, and what else it heard.
#[derive(Clone, Default)]
struct Disk {
    leases: Arc<Mutex<Vec<Leased>>>,
    heard: Arc<Mutex<Vec<String>>>,
    full: Arc<AtomicBool>,
    writes: Arc<Mutex<usize>>,
}

impl Disk {
    fn leases(&self) -> Vec<Leased> {
        self.leases.lock().expect("no panic").clone()
    }

    fn heard(&self, what: &str) -> bool {
        self.heard.lock().expect("no panic").iter().any(|heard| heard.starts_with(what))
    }

    fn take(&self, news: LeaseNews) {
        let mut leases = self.leases.lock().expect("no panic");
        match news {
            LeaseNews::Leased { leased, durable } => {
                if self.full.load(Ordering::Relaxed) {
                    return;
                }
                leases.retain(|other| other.mac != leased.mac);
                leases.push(leased);
                *self.writes.lock().expect("no panic") += 1;
                let _gone = durable.send(());
            }
            LeaseNews::Ended(mac) => {
                leases.retain(|other| other.mac != mac);
                self.heard.lock().expect("no panic").push(format!("ended {mac}"));
            }
            LeaseNews::Declined { mac, ip } => {
                self.heard.lock().expect("no panic").push(format!("declined {ip} {mac}"));
            }
            LeaseNews::PoolFull { mac } => self.heard.lock().expect("no panic").push(format!("full {mac}")),
        }
    }
}

/// A box with one LAN interface, and one station behind it.
struct Lan {
    the_box: Space,
    phone: Space,
    disk: Disk,
}

impl Lan {
    fn new(prefix: u8) -> Lan {
        let lan = Lan { the_box: Space::new("box"), phone: Space::new("phone"), disk: Disk::default() };
        lan.the_box.cable("lan0", &lan.phone, "eth0");
        lan.the_box.run("ip", &["address", "add", &format!("{GATEWAY}/{prefix}"), "dev", "lan0"]);
        lan
    }

    fn serve(&self, rules: LeaseRules) -> Served<Result<(), LeaseError>> {
        self.serve_on("lan0", rules)
    }

    fn serve_on(&self, port: &str, rules: LeaseRules) -> Served<Result<(), LeaseError>> {
        let (stop, disk) = (CancellationToken::new(), self.disk.clone());
        let (token, lan) = (stop.clone(), port.to_owned());
        let (bound, is_bound) = std::sync::mpsc::channel();
        let thread = self.the_box.inside(move || {
            runtime().block_on(async {
                let kept = disk.leases();
                let lease = Lease::bind(LeaseConfig { lan, rules });
                let _listening = bound.send(());
                let (news, mut heard) = mpsc::channel(16);
                let hear = async {
                    while let Some(news) = heard.recv().await {
                        disk.take(news);
                    }
                };
                let serve = lease?.serve(kept, news, token);
                tokio::join!(serve, hear).0
            })
        });
        is_bound.recv().expect("it binds or fails");
        Served::new(stop, thread)
    }

    fn phone_mac(&self) -> Mac {
        self.phone.run("cat", &["/sys/class/net/eth0/address"]).trim().parse().expect("a hardware address")
    }
}

fn rules(prefix: u8) -> LeaseRules {
    LeaseRules::new(GATEWAY, prefix)
}

/// isc-dhclient with a script that sets the address and writes down why it was called. `/etc` is not touched.
struct Dhclient {
    scratch: Scratch,
}

impl Dhclient {
    fn new(lan: &Lan) -> Dhclient {
        let scratch = Scratch::new(&lan.phone);
        let log = scratch.path("log");
        let refuse = scratch.path("refuse");
        scratch.write(
            "script",
            &format!(
                "#!/bin/sh\n\
                 echo \"$reason $new_ip_address mtu=$new_interface_mtu dns=$new_domain_name_servers \
                 router=$new_routers mask=$new_subnet_mask vendor=$new_vendor_encapsulated_options\" >> {log}\n\
                 case $reason in\n\
                 PREINIT) ip link set $interface up ;;\n\
                 BOUND|REBOOT|RENEW|REBIND)\n\
                   if [ -e {refuse} ]; then rm {refuse}; exit 1; fi\n\
                   ip address replace $new_ip_address/24 dev $interface ;;\n\
                 RELEASE|STOP|EXPIRE|FAIL) ip -4 address flush dev $interface ;;\n\
                 esac\n"
            ),
        );
        scratch.write(
            "config",
            "send host-name \"annas-phone\";\ntimeout 10;\nretry 1;\n\
             request subnet-mask, routers, domain-name-servers, interface-mtu, vendor-encapsulated-options;\n",
        );
        scratch.write("leases", "");
        Dhclient { scratch }
    }

    fn run(&self, lan: &Lan, extra: &[&str]) {
        let output = self.try_run(lan, extra);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn try_run(&self, lan: &Lan, extra: &[&str]) -> Output {
        let file = |name| self.scratch.path(name);
        let (script, leases, pid, config) = (file("script"), file("leases"), file("pid"), file("config"));
        let mut args = vec!["-4", "-1", "-v", "-sf", &script, "-lf", &leases, "-pf", &pid, "-cf", &config];
        args.extend(extra);
        args.push("eth0");
        lan.phone.try_run("dhclient", &args)
    }

    fn kill(&self, lan: &Lan) {
        lan.phone.run("kill", &[self.scratch.read("pid").trim()]);
    }

    fn log(&self) -> String {
        self.scratch.read("log")
    }

    fn last(&self, reason: &str) -> Option<Ipv4Addr> {
        let log = self.log();
        let line = log.lines().rfind(|line| line.starts_with(reason))?;
        line.split(' ').nth(1)?.parse().ok()
    }
}

impl Drop for Dhclient {
    fn drop(&mut self) {
        if let Ok(pid) = self.scratch.read("pid").trim().parse::<i32>() {
            let _gone = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
        }
    }
}

#[test]
fn dhclient_joins_reboots_and_releases() {
    let lan = Lan::new(24);
    let mut rules = rules(24);
    rules.mtu = Some(1400);
    let mut served = lan.serve(rules.clone());
    let dhclient = Dhclient::new(&lan);
    dhclient.run(&lan, &[]);
    let ip = dhclient.last("BOUND").expect("it got an address");
    let log = dhclient.log();
    for told in
        ["mtu=1400", "dns=10.7.0.1", "router=10.7.0.1", "mask=255.255.255.0", "vendor=ANDROID_METERED"]
    {
        assert!(log.contains(told), "{told} in {log}");
    }
    let leases = lan.disk.leases();
    assert_eq!((leases[0].mac, leases[0].ip), (lan.phone_mac(), ip));
    assert_eq!(leases[0].host_name.as_deref(), Some("annas-phone"));

    // The station and the box both restart: INIT-REBOOT finds the same lease.
    dhclient.kill(&lan);
    served.end().expect("it served");
    served = lan.serve(rules.clone());
    dhclient.run(&lan, &[]);
    assert_eq!(dhclient.last("REBOOT"), Some(ip));

    // The box forgot everything: the station is told so, and gets the same address anew.
    dhclient.kill(&lan);
    served.end().expect("it served");
    lan.disk.leases.lock().expect("no panic").clear();
    served = lan.serve(rules);
    dhclient.run(&lan, &[]);
    assert_eq!(dhclient.last("BOUND"), Some(ip));
    assert_eq!(lan.disk.leases().len(), 1);

    dhclient.run(&lan, &["-r"]);
    until(Duration::from_secs(3), "the release is heard", || lan.disk.leases().is_empty());
    served.end().expect("it served");
}

#[test]
fn dhclient_renews_by_itself() {
    let lan = Lan::new(24);
    let served = lan.serve(LeaseRules { lease_secs: 6, ..rules(24) });
    let dhclient = Dhclient::new(&lan);
    dhclient.run(&lan, &[]);
    let ip = dhclient.last("BOUND").expect("it got an address");
    until(Duration::from_secs(12), "two renewals", || {
        dhclient.log().lines().filter(|line| line.starts_with("RENEW")).count() >= 2
    });
    assert_eq!(dhclient.last("RENEW"), Some(ip));
    assert!(!dhclient.log().contains("EXPIRE") && !dhclient.log().contains("REBIND"));
    drop(served);
}

#[test]
fn a_lease_that_runs_out_is_told() {
    let lan = Lan::new(24);
    let _served = lan.serve(LeaseRules { lease_secs: 2, ..rules(24) });
    let joined = lan.phone.inside(|| Station::new("eth0").join([2, 0, 0, 0, 0, 9], 5).is_some());
    assert!(joined.join().expect("no panic"));
    assert!(!lan.disk.heard("ended"));
    until(Duration::from_secs(12), "the end of the lease", || lan.disk.heard("ended 02:00:00:00:00:09"));
}

#[test]
fn dhclient_declines_and_gets_another() {
    let lan = Lan::new(24);
    let _served = lan.serve(rules(24));
    let dhclient = Dhclient::new(&lan);
    dhclient.scratch.write("refuse", "");
    let output = dhclient.try_run(&lan, &[]);
    assert!(!output.status.success(), "it gives up after it declined");
    dhclient.run(&lan, &[]);
    let log = dhclient.log();
    let got: Vec<&str> = log.lines().filter(|line| line.starts_with("BOUND")).collect();
    assert_eq!(got.len(), 2, "{log}");
    assert_ne!(got[0].split(' ').nth(1), got[1].split(' ').nth(1));
    assert!(lan.disk.heard("declined"));
    assert_eq!(lan.disk.leases().len(), 1);
}

#[test]
fn udhcpc_joins_and_declines_an_address_that_another_machine_has() {
    let lan = Lan::new(24);
    let _served = lan.serve(rules(24));
    let scratch = Scratch::new(&lan.phone);
    let log = scratch.path("log");
    let script =
        scratch.write("script", &format!("#!/bin/sh\necho \"$1 $ip $router $dns $vendor\" >> {log}\n"));
    let args = ["-i", "eth0", "-n", "-q", "-f", "-t", "4", "-T", "1", "-A", "1", "-s", &script];
    lan.phone.run("udhcpc", &args);
    let bound = |log: String| {
        let line = log.lines().rfind(|line| line.starts_with("bound"))?.to_owned();
        line.split(' ').nth(1)?.parse::<Ipv4Addr>().ok()
    };
    let first = bound(scratch.read("log")).expect("it got an address");
    assert!(scratch.read("log").contains("10.7.0.1 10.7.0.1"));

    // The box itself answers ARP for that address now, as a machine with a fixed address would.
    lan.the_box.run("ip", &["address", "add", &format!("{first}/32"), "dev", "lan0"]);
    lan.phone.run("udhcpc", &[&args[..], &["-a"]].concat());
    let second = bound(scratch.read("log")).expect("it got an address");
    assert_ne!(first, second);
    assert!(lan.disk.heard(&format!("declined {first}")));
}

#[test]
fn a_thousand_stations_get_a_thousand_addresses() {
    let lan = Lan::new(22);
    let mut served = lan.serve(rules(22));
    let took = lan.phone.inside(|| {
        let station = Station::new("eth0");
        let begin = Instant::now();
        let mut addresses = BTreeSet::new();
        for n in 0..1000u32 {
            let [_, a, b, c] = (n * 7919).to_be_bytes();
            let ack = (0..3)
                .find_map(|again| station.join([2, 0x5e, a, b, c, 7], n * 6 + again * 2))
                .unwrap_or_else(|| panic!("station {n} got nothing"));
            assert_eq!(ack.opts().msg_type(), Some(MessageType::Ack));
            assert!(addresses.insert(ack.yiaddr()), "{} was given twice", ack.yiaddr());
        }
        assert!(!addresses.contains(&GATEWAY));
        begin.elapsed()
    });
    let took = took.join().expect("every station joins");
    println!("1,000 stations joined in {took:?}");
    assert_eq!(lan.disk.leases().len(), 1000);
    // 1,021 addresses: the last 21, then silence.
    let rest = lan.phone.inside(|| {
        let station = Station::new("eth0");
        // The thousand used up everybody's burst: who is not heard asks again, as stations do.
        let joins = |n: &u8| {
            (0..3)
                .any(|n2| station.join([2, 1, 1, 1, 1, *n], 100_000 + u32::from(*n) * 20 + n2 * 2).is_some())
        };
        (0..23u8).filter(joins).collect::<Vec<_>>()
    });
    assert_eq!(rest.join().expect("no panic"), (0..21).collect::<Vec<_>>());
    assert!(lan.disk.heard("full"));
    served.end().expect("it served");
}

#[test]
fn nothing_is_confirmed_that_is_not_on_disk() {
    let lan = Lan::new(24);
    let _served = lan.serve(rules(24));
    lan.disk.full.store(true, Ordering::Relaxed);
    let disk = lan.disk.clone();
    let phone = lan.phone.inside(move || {
        let station = Station::new("eth0");
        let mac = [2, 0, 0, 0, 0, 9];
        station.send(mac, &message(mac, 1, MessageType::Discover, vec![]));
        let offer = station.reply(1, Duration::from_secs(1)).expect("an offer needs no disk");
        station.send(mac, &request(mac, 2, &offer));
        assert_eq!(station.reply(2, Duration::from_secs(1)), None, "confirmed without a disk");
        disk.full.store(false, Ordering::Relaxed);
        station.send(mac, &request(mac, 3, &offer));
        let ack = station.reply(3, Duration::from_secs(1)).expect("the disk is back");
        assert_eq!(ack.yiaddr(), offer.yiaddr());
        assert_eq!(disk.leases().len(), 1);
    });
    phone.join().expect("the station is served");
}

#[test]
fn replies_are_what_clients_expect() {
    let lan = Lan::new(24);
    let _served = lan.serve(rules(24));
    let phone = lan.phone.inside(|| {
        let station = Station::new("eth0");
        let mac = [2, 0, 0, 0, 0, 9];
        let id = DhcpOption::ClientIdentifier(vec![1, 2, 3]);
        station.send(mac, &message(mac, 7, MessageType::Discover, vec![id.clone()]));
        let offer = station.reply(7, Duration::from_secs(1)).expect("an offer");
        let option = |code| offer.opts().get(code).cloned();
        assert_eq!(offer.chaddr(), mac);
        assert_eq!(option(OptionCode::ClientIdentifier), Some(id));
        assert_eq!(option(OptionCode::ServerIdentifier), Some(DhcpOption::ServerIdentifier(GATEWAY)));
        assert_eq!(option(OptionCode::AddressLeaseTime), Some(DhcpOption::AddressLeaseTime(3600)));
        assert_eq!(option(OptionCode::Renewal), Some(DhcpOption::Renewal(1800)));
        assert_eq!(option(OptionCode::Rebinding), Some(DhcpOption::Rebinding(3150)));
        let metered = DhcpOption::VendorExtensions(b"ANDROID_METERED".to_vec());
        assert_eq!(option(OptionCode::VendorExtensions), Some(metered));
        // A wrong address is refused, to everybody.
        let wrong = DhcpOption::RequestedIpAddress(Ipv4Addr::new(192, 168, 1, 5));
        station.send(mac, &message(mac, 8, MessageType::Request, vec![wrong]));
        let nak = station.reply(8, Duration::from_secs(1)).expect("a NAK");
        assert_eq!(nak.opts().msg_type(), Some(MessageType::Nak));
        // Relayed and forged messages are not heard.
        let mut relayed = message(mac, 9, MessageType::Discover, vec![]);
        relayed.set_giaddr(Ipv4Addr::new(10, 7, 0, 50));
        station.send(mac, &relayed);
        station.send([2, 0, 0, 0, 0, 10], &message(mac, 9, MessageType::Discover, vec![]));
        assert_eq!(station.reply(9, Duration::from_millis(500)), None);
    });
    phone.join().expect("the station is served");
}

#[test]
fn a_flood_of_anything_costs_little_and_stops_nobody() {
    let lan = Lan::new(24);
    let mut served = lan.serve(rules(24));
    let disk = lan.disk.clone();
    let phone = lan.phone.inside(move || {
        let station = Station::new("eth0");
        let good = message([2, 0, 0, 0, 0, 1], 1, MessageType::Discover, vec![]);
        let mut seed = 1u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 33
        };
        for _ in 0..20_000 {
            let mut frame =
                frame_of([2, 0, 0, 0, 0, 1], &dhcproto::Encodable::to_vec(&good).expect("encoded"));
            let length = u64::try_from(frame.len()).expect("short");
            for _ in 0..1 + random() % 6 {
                let place = usize::try_from(42 + random() % (length - 42)).expect("short");
                frame[place] = random().to_le_bytes()[0];
            }
            station.send_frame(&frame);
        }
        // One station that renews without end, under a new name each time.
        // What a full queue loses, a station sends again.
        let join = |last, xid: u32| (0..5).find_map(|n| station.join([2, 0, 0, 0, 0, last], xid + n * 2));
        let ack = join(77, 50_000).expect("a station gets through after the flood");
        for n in 0..5_000 {
            let name = DhcpOption::Hostname(format!("name-{n}"));
            let mut renew = message([2, 0, 0, 0, 0, 77], 60_000 + n, MessageType::Request, vec![name]);
            renew.set_ciaddr(ack.yiaddr());
            station.send([2, 0, 0, 0, 0, 77], &renew);
        }
        join(78, 70_000).expect("another station gets through beside it");
    });
    phone.join().expect("the stations are served");
    let writes = *disk.writes.lock().expect("no panic");
    assert!(writes < 60, "{writes} writes");
    served.end().expect("it served");
}

#[test]
fn what_is_wrong_with_the_interface_is_said() {
    let lan = Lan::new(24);
    let missing = lan.serve_on("nothere", rules(24)).wait().expect_err("there is no such interface");
    assert!(matches!(&missing, LeaseError::NoInterface { lan } if lan == "nothere"), "{missing}");

    let mut first = lan.serve(rules(24));
    let second = lan.serve(rules(24)).wait().expect_err("the port is taken");
    assert!(matches!(second, LeaseError::PortTaken { .. }), "{second}");
    first.end().expect("it served");

    // Stopped and started at once.
    let mut again = lan.serve(rules(24));
    lan.the_box.run("ip", &["link", "set", "lan0", "down"]);
    lan.the_box.run("ip", &["link", "set", "lan0", "up"]);
    let joined = lan.phone.inside(|| {
        let station = Station::new("eth0");
        (0..10).any(|n| station.join([2, 0, 0, 0, 0, 3], n * 2).is_some())
    });
    assert!(joined.join().expect("no panic"), "an interface that was down serves again");
    lan.the_box.run("ip", &["link", "delete", "lan0"]);
    let gone = again.wait().expect_err("the interface is gone");
    assert!(matches!(gone, LeaseError::InterfaceGone { .. }), "{gone}");
}

#[test]
fn a_bridge_serves_all_its_ports() {
    let lan = Lan::new(24);
    let other = Space::new("other");
    lan.the_box.cable("lan1", &other, "eth0");
    lan.the_box.run("ip", &["address", "flush", "dev", "lan0"]);
    lan.the_box.run("ip", &["link", "add", "hotshare0", "type", "bridge"]);
    lan.the_box.run("ip", &["address", "add", "10.7.0.1/24", "dev", "hotshare0"]);
    for port in ["lan0", "lan1"] {
        lan.the_box.run("ip", &["link", "set", port, "master", "hotshare0"]);
        lan.the_box.run("bridge", &["link", "set", "dev", port, "isolated", "on"]);
    }
    lan.the_box.run("ip", &["link", "set", "hotshare0", "up"]);
    let mut served = lan.serve_on("hotshare0", rules(24));
    let join = |space: &Space, last: u8| {
        let station = space.inside(move || Station::new("eth0").join([2, 0, 0, 0, 0, last], 5));
        station.join().expect("no panic").map(|ack| ack.yiaddr())
    };
    let (one, two) = (join(&lan.phone, 1), join(&other, 2));
    assert!(one.is_some() && two.is_some() && one != two, "{one:?} {two:?}");
    served.end().expect("it served");
}
