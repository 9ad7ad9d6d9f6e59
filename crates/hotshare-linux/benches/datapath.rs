//! What the meter costs: forwarding through it against plain nft masquerade, in one alternating run, and one
//! known device against a thousand. `cargo xtask bench` runs it; docs/benchmarks.md has the figures.
//!
//! Needs root, iperf3, nft, ethtool. The phone, the box and the internet share this machine's CPUs, so that
//! throughput is the inverse of all the work per packet; a quiet machine matters.
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

#[path = "../tests/datapath_support/mod.rs"]
mod datapath_support;

use std::net::{Ipv4Addr, UdpSocket};

use datapath_support::packet::Packet;
use datapath_support::raw::merge_datagrams;
use datapath_support::world::World;
use datapath_support::*;
use hotshare_core::units::{Mac, Slot};
use hotshare_linux::datapath::{KnownDevice, Meter, Role};
use nix::net::if_::if_nametoindex;

/// Runs of each kind. Environment: `ROUNDS`.
const ROUNDS: usize = 20;

struct Bench {
    meter: Meter,
    world: World,
    lan: u32,
    uplink: u32,
    _pins: Pins,
}

impl Bench {
    fn new() -> Bench {
        let pins = Pins::new();
        let mut meter = Meter::open(&pins.0).expect("the meter needs root and Linux 6.6");
        let mut world = World::direct();
        world.enter("box");
        let (lan, uplink) = (if_nametoindex("lan0").unwrap(), if_nametoindex("uplink0").unwrap());
        meter.configure(&config()).unwrap();
        meter.set_device(&phone(lan)).unwrap();
        meter.set_account(Slot::PLAN, &granted(1 << 50, Slot(0))).unwrap();
        meter.set_account(PERSON, &granted(1 << 50, Slot::PLAN)).unwrap();
        meter.set_account(DEVICE, &counts_only(PERSON)).unwrap();
        world.start("netns @net iperf3 -s");
        for end in ["phone", "net"] {
            world.run(&format!("netns @{end} nft add table ip gate"));
            let chain = "in { type filter hook prerouting priority raw ; }";
            world.run(&format!("netns @{end} nft add chain ip gate {chain}"));
            world.run(&format!("netns @{end} nft add rule ip gate in udp dport 9 drop"));
        }
        Bench { meter, world, lan, uplink, _pins: pins }
    }

    fn rules(&self, from_lan: &str) {
        self.world.run("netns @box nft flush chain ip gate forward");
        self.world.run("netns @box nft add rule ip gate forward iifname uplink0 ct state established accept");
        self.world.run(&format!("netns @box nft add rule ip gate forward iifname lan0 {from_lan} accept"));
    }

    fn metered(&mut self) {
        self.meter.attach(Role::Uplink, self.uplink).unwrap();
        self.meter.attach(Role::Lan, self.lan).unwrap();
        self.rules("meta mark and 0x40000000 != 0");
    }

    fn plain(&mut self) {
        self.meter.detach(Role::Lan).unwrap();
        self.meter.detach(Role::Uplink).unwrap();
        self.rules("");
    }

    fn devices(&mut self, n: u32) {
        let others = (1..n).map(|i| {
            let [_, a, b, c] = (i + 0x1000).to_be_bytes();
            KnownDevice {
                ifindex: self.lan,
                mac: Mac([2, 0, 1, a, b, c]),
                slot: Slot(3 + i),
                ip: Ipv4Addr::from(0x0a4d_0100 + i),
            }
        });
        let all: Vec<_> = others.chain([phone(self.lan)]).collect();
        self.meter.ensure_devices(&all).unwrap();
    }

    /// Merged packets as they come, or none at all: then each costs the router its full price.
    fn merged(&self, on: bool) {
        let on = if on { "on" } else { "off" };
        for (place, interface) in
            [("phone", "eth0"), ("net", "carrier0"), ("box", "lan0"), ("box", "uplink0")]
        {
            self.world.run(&format!("netns @{place} ethtool -K {interface} tso {on} gso {on} gro {on}"));
        }
    }

    /// Mbit/s received, one second of TCP.
    fn throughput(&self, options: &str) -> f64 {
        let line = format!("netns @phone iperf3 -J -c {FAR} -t 1 {options}");
        let report: serde_json::Value = loop {
            // The server takes a moment after the last one has gone.
            let report: serde_json::Value =
                serde_json::from_str(&self.world.run_anyway(&line)).unwrap_or_default();
            if report["end"]["sum_received"]["bits_per_second"].as_f64().is_some_and(|b| b > 0.0) {
                break report;
            }
            std::thread::yield_now();
        };
        report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e6
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One of two things to compare: brings it about.
type Way = fn(&mut Bench);

/// Alternates two ways and prints both medians, and the median of the ratios of neighbours.
fn compare(bench: &mut Bench, what: &str, options: &str, first: Way, second: Way) {
    let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who goes first changes too: a drift of the machine then favours nobody.
        let order: [(Way, bool); 2] =
            if round % 2 == 0 { [(first, true), (second, false)] } else { [(second, false), (first, true)] };
        let mut pair = [0.0; 2];
        for (way, is_first) in order {
            way(bench);
            pair[usize::from(!is_first)] = bench.throughput(options);
        }
        a.push(pair[0]);
        b.push(pair[1]);
        ratios.push(pair[1] / pair[0]);
    }
    let most = |v: &[f64]| v.iter().copied().fold(0.0, f64::max);
    let best = most(&b) / most(&a);
    println!("| {what} | {:.0} | {:.0} | {:.3} | {best:.3} |", median(a), median(b), median(ratios));
}

/// A socket on the phone and one at the far end, each connected to the other through the box's NAT. What
/// arrives is dropped at once, unlooked at.
fn flow(bench: &Bench) -> [UdpSocket; 2] {
    const PORT: u16 = 9;
    let phone = bench.world.inside("phone", || UdpSocket::bind((PHONE_IP, PORT)).unwrap());
    phone.connect((FAR, PORT)).unwrap();
    phone.send(b"opens the way back").unwrap();
    let far = bench.world.inside("net", || UdpSocket::bind((FAR, PORT)).unwrap());
    far.connect(("198.51.100.1", PORT)).unwrap();
    [phone, far]
}

/// Nanoseconds of CPU for one packet on its whole way, one end to the other: veth hands a packet on within the
/// sender's own system call, so that the sender's CPU time is all of it. What else runs on the machine then
/// matters little, and the least of many turns is the truest.
fn compare_cpu(bench: &mut Bench, what: &str, socket: &UdpSocket, datagrams: u16) {
    if datagrams > 1 {
        merge_datagrams(socket, 1400);
    }
    let packet = vec![0; 1400 * usize::from(datagrams)];
    let turn = || {
        let begun = cpu_time();
        for _ in 0..PACKETS {
            let sent = socket.send(&packet).unwrap();
            assert_eq!(sent, packet.len());
        }
        (cpu_time() - begun) as f64 / f64::from(PACKETS)
    };
    let (mut plain, mut metered) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        bench.plain();
        turn();
        plain.push(turn());
        bench.metered();
        turn();
        metered.push(turn());
    }
    for times in [&mut plain, &mut metered] {
        times.sort_by(f64::total_cmp);
    }
    for (which, at) in [("least", 0), ("median", TURNS / 2)] {
        let (a, b) = (plain[at], metered[at]);
        println!("| {what} | {which} of {TURNS} | {a:.0} | {b:.0} | {:.0} | {:.3} |", b - a, a / b);
    }
}

const TURNS: usize = 40;
const PACKETS: u32 = 20_000;

fn cpu_time() -> i64 {
    let t = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    t.tv_sec() * 1_000_000_000 + t.tv_nsec()
}

fn single_packets() {
    let rig = Rig::new();
    let (up, down) = (Packet::up(1400).bytes(), Packet::down(1400).bytes());
    let time = |program, packet: &[u8], mark| {
        let runs = (0..7).map(|_| rig.programs.time(program, packet, Skb::marked(mark), 1_000_000));
        let mut runs: Vec<u128> = runs.collect();
        runs.sort_unstable();
        runs[3]
    };
    let idle = time("lan_out", &down, 0);
    println!("\n| Program | ns a packet |\n|---|--:|");
    for (program, packet, mark) in [
        ("lan_in", &up, 0),
        ("uplink_out", &up, OK | DEVICE.0),
        ("uplink_in", &down, 0),
        ("lan_out", &down, FROM_UPLINK),
    ] {
        println!("| `{program}` | {} |", time(program, packet, mark).saturating_sub(idle));
    }
    println!("\n(The harness's own {idle} ns are taken off.)");
}

fn main() {
    single_packets();
    let mut bench = Bench::new();
    println!("\n| Packet | | plain, ns | metered, ns | difference | ratio |\n|---|---|--:|--:|--:|--:|");
    let [phone, far] = flow(&bench);
    for (way, socket) in [("up", phone), ("down", far)] {
        compare_cpu(&mut bench, &format!("one datagram of 1400 B {way}"), &socket, 1);
        compare_cpu(&mut bench, &format!("44 of them, merged, {way}"), &socket, 44);
    }
    println!("\n| Traffic | plain, Mbit/s | metered, Mbit/s | ratio | of the best |\n|---|--:|--:|--:|--:|");
    for merged in [true, false] {
        bench.merged(merged);
        let how = if merged { "merged packets" } else { "every packet alone" };
        compare(&mut bench, &format!("TCP down, {how}"), "-R", Bench::plain, Bench::metered);
        compare(&mut bench, &format!("TCP up, {how}"), "", Bench::plain, Bench::metered);
    }
    println!(
        "\n| Traffic | 1 device, Mbit/s | 1,000 devices, Mbit/s | ratio | of the best |\n|---|--:|--:|--:|--:|"
    );
    bench.metered();
    for (what, options) in [("TCP down, every packet alone", "-R"), ("TCP up, every packet alone", "")] {
        compare(&mut bench, what, options, |b| b.devices(1), |b| b.devices(1000));
    }
}
