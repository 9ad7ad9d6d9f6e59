//! A station's life on a LAN whose only ports come and go, with the real DHCP server and the real meter: it gets an
//! address, is counted to the byte, leaves, comes back on another interface, and is counted on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use hotshare_core::desired::{Metered, Wanted};
use hotshare_core::lease::{LeaseRules, Leased};
use hotshare_core::meter::AccountOrder;
use hotshare_core::units::{Bytes, Mac, Slot};
use hotshare_linux::clock;
use hotshare_linux::datapath::{KnownDevice, LinkHeader, MarkBits, Meter, MeterConfig, Role, remove};
use hotshare_linux::host::port::admit;
use hotshare_linux::host::{Host, Stations};
use hotshare_linux::lease::{Lease, LeaseConfig, LeaseNews};
use hotshare_linux::observe::ifindex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::traffic::{echo, talks};
use crate::wifi::{reaches_gateway, with_wifi};
use crate::world::{
    BOX_ON_UPLINK, SERVER, World, asynchronously, exec, inside, ip, pause, phone_mac, station_port,
};

const PERSON: Slot = Slot(2);
const DEVICE: Slot = Slot(3);

/// The meter's folder, emptied at the end.
struct Pins(PathBuf);

impl Drop for Pins {
    fn drop(&mut self) {
        let _gone = remove(&self.0);
    }
}

/// The DHCP server on the bridge, whose leases are durable at once.
struct Dhcp {
    leases: Arc<Mutex<Vec<Leased>>>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Dhcp {
    fn start(namespace: String, gateway: Ipv4Addr) -> Dhcp {
        let leases = Arc::<Mutex<Vec<Leased>>>::default();
        let stop = CancellationToken::new();
        let (kept, token) = (leases.clone(), stop.clone());
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            asynchronously(&namespace, async || {
                let config = LeaseConfig { lan: "hotshare0".into(), rules: LeaseRules::new(gateway, 24) };
                let lease = Lease::bind(config).unwrap();
                ready.send(()).unwrap();
                let (news, mut heard) = mpsc::channel(16);
                let hear = async {
                    while let Some(news) = heard.recv().await {
                        if let LeaseNews::Leased { leased, durable } = news {
                            kept.lock().unwrap().push(leased);
                            durable.send(()).unwrap();
                        }
                    }
                };
                tokio::join!(lease.serve(Vec::new(), news, token), hear).0.unwrap();
            });
        });
        is_ready.recv().unwrap();
        Dhcp { leases, stop, thread: Some(thread) }
    }

    fn last(&self) -> Leased {
        self.leases.lock().unwrap().last().unwrap().clone()
    }
}

impl Drop for Dhcp {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn order(granted: u64, parent: Slot) -> AccountOrder {
    AccountOrder {
        granted: Bytes(granted),
        low: Bytes(u64::MAX),
        later: Bytes(u64::MAX / 2),
        reserve: Bytes::ZERO,
        expiry: clock::boot().plus_secs(600),
        open: true,
        count_only: parent == PERSON,
        glide: false,
        parent,
        rate: None,
        weight: 1,
    }
}

/// The meter on both sides, and rules that know it.
async fn share(host: &mut Host, pins: &Path, wanted: &mut Wanted) -> Meter {
    host.reconcile(&wanted.desired()).await.unwrap();
    let (uplink, lan) = (ifindex("uplink0"), ifindex("hotshare0"));
    let mut meter = Meter::open(pins).unwrap();
    let config = MeterConfig {
        gateway: wanted.subnet.gateway(),
        prefix: 24,
        uplink: LinkHeader::Ethernet,
        mark: MarkBits::default(),
        limited: true,
    };
    meter.configure(&config).unwrap();
    meter.set_account(Slot::PLAN, &order(1 << 40, Slot(0))).unwrap();
    meter.set_account(PERSON, &order(1 << 40, Slot::PLAN)).unwrap();
    meter.set_account(DEVICE, &order(0, PERSON)).unwrap();
    meter.attach(Role::Uplink, uplink.unwrap()).unwrap();
    meter.attach(Role::Lan, lan.unwrap()).unwrap();
    wanted.metered = Metered { uplink, lan };
    host.reconcile(&wanted.desired()).await.unwrap();
    meter
}

/// What the Internet's interface got from the box and sent to it, without Ethernet's headers.
fn seen(world: &World) -> (u64, u64) {
    let read = |what: &str| -> u64 {
        exec(&world.net(), &["cat", &format!("/sys/class/net/carrier0/statistics/{what}")])
            .trim()
            .parse()
            .unwrap()
    };
    let without_headers = |way: &str| read(&format!("{way}_bytes")) - 14 * read(&format!("{way}_packets"));
    (without_headers("rx"), without_headers("tx"))
}

/// Nobody asks for hardware addresses on the way to the Internet, which would be counted there.
fn know_each_other(world: &World) {
    let mac = |namespace: &str, interface: &str| {
        exec(namespace, &["cat", &format!("/sys/class/net/{interface}/address")]).trim().to_owned()
    };
    let (net, host) = (world.net(), world.host_ns());
    let (far, near) = (mac(&net, "carrier0"), mac(&host, "uplink0"));
    ip(&format!("-n {host} neigh replace {SERVER} lladdr {far} dev uplink0"));
    ip(&format!("-n {host} neigh replace 198.51.100.1 lladdr {far} dev uplink0"));
    ip(&format!("-n {net} neigh replace {BOX_ON_UPLINK} lladdr {near} dev carrier0"));
}

/// By hand, so that every packet is seen as it is on the line.
fn unmerged(namespace: &str, interface: &str) {
    exec(namespace, &["ethtool", "-K", interface, "tso", "off", "gso", "off", "gro", "off"]);
}

fn ask_for_address(world: &World, script: &str) {
    let line = ["udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "5", "-T", "1", "-s", script];
    exec(&world.phone(1), &line);
}

/// Sends this much to the Internet, and gets it back.
fn exchange(world: &World, bytes: usize) {
    inside(&world.phone(1), || {
        let server: SocketAddr = format!("{SERVER}:8080").parse().unwrap();
        let stream = TcpStream::connect_timeout(&server, Duration::from_secs(2)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        std::thread::scope(|scope| {
            let mut out = stream.try_clone().unwrap();
            scope.spawn(move || out.write_all(&vec![7; bytes]).unwrap());
            (&stream).read_exact(&mut vec![0; bytes]).unwrap();
        });
    });
    pause(300);
}

#[test]
fn a_station_is_served_and_counted_whichever_interface_it_comes_through() {
    let world = World::on_air(1);
    let (host_ns, phone) = (world.host_ns(), world.phone(1));
    know_each_other(&world);
    unmerged(&world.net(), "carrier0");
    unmerged(&host_ns, "uplink0");
    unmerged(&phone, "eth0");
    echo(&world.net(), SERVER, 8080);
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    let text = "#!/bin/sh\n[ \"$1\" = bound ] || exit 0\nip addr flush dev eth0\nip addr add $ip/24 dev eth0\n\
                ip route add default via $router\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    let pins = Pins(PathBuf::from(format!("/sys/fs/bpf/hotshare-life-{}", std::process::id())));

    asynchronously(&host_ns, async || {
        let mut host = Host::open(&world.journal_path()).unwrap();
        let mut wanted = with_wifi(0);
        let mut meter = share(&mut host, &pins.0, &mut wanted).await;
        let dhcp = Dhcp::start(host_ns.clone(), wanted.subnet.gateway());
        let mac = Mac(phone_mac(1));
        let mut address = None;
        let before = seen(&world);
        let mut counted = (0, 0);
        let passed = || {
            let now = seen(&world);
            (now.0 - before.0, now.1 - before.1)
        };
        for port in [station_port(1), "hotshare.4711".into(), station_port(1)] {
            if address.is_some() {
                world.cable(&port, 1);
                unmerged(&phone, "eth0");
            }
            ip(&format!("-n {phone} addr flush dev eth0"));
            admit(ifindex(&port).unwrap(), Some(mac), "hotshare0").await.unwrap();
            ask_for_address(&world, script);
            let lease = dhcp.last();
            assert_eq!(lease.mac, mac);
            assert_eq!(*address.get_or_insert(lease.ip), lease.ip, "it keeps its address");
            let stations = Stations { addresses: [(lease.ip, mac)].into(), wireless: [mac].into() };
            host.set_stations("hotshare0", &stations).await.unwrap();
            let lan = ifindex("hotshare0").unwrap();
            meter.ensure_devices(&[KnownDevice { ifindex: lan, mac, slot: DEVICE, ip: lease.ip }]).unwrap();
            assert!(reaches_gateway(&world, 1));
            exchange(&world, 300_000);
            let reading = meter.reading(DEVICE).unwrap();
            assert_eq!((reading.up.0, reading.down.0), passed(), "through {port}");
            assert!(reading.up.0 > counted.0 + 300_000 && reading.down.0 > counted.1 + 300_000);
            counted = (reading.up.0, reading.down.0);
            // It leaves, and comes back on an interface that is not on the LAN yet.
            ip(&format!("-n {host_ns} link del {port}"));
            world.cable(&port, 1);
            assert!(talks(&phone, SERVER, 8080).is_err());
            assert_eq!(passed(), counted, "before it is admitted");
            ip(&format!("-n {host_ns} link del {port}"));
        }
        assert!(host.check(&wanted.desired()).await.unwrap().steps.is_empty());
        drop(dhcp);
        host.restore().await.unwrap();
    });
}
