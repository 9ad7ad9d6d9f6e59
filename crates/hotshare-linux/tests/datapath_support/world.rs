//! A phone, a box, a wire and an internet, in network namespaces of their own:
//!
//! ```text
//! phone eth0 -- lan0 box uplink0 -- wire (a bridge) -- carrier0 net
//! ```
//!
//! The wire and the carrier cut merged packets up, so that `carrier0` counts what a real line would carry.
//! Neighbours are fixed: no ARP disturbs the counting.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, setns};

pub struct World {
    prefix: String,
    children: Vec<Child>,
}

/// Bytes of layer 3 that an interface sent and received, by its own counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub sent: u64,
    pub received: u64,
}

const PLACES: [&str; 6] = ["phone", "phone2", "phone3", "box", "wire", "net"];

/// What every world has; then the way from the box to the internet; then what lies on it.
const FIRST: &str = "
netns @phone sysctl -qw net.ipv6.conf.default.disable_ipv6=1
netns @box sysctl -qw net.ipv6.conf.default.disable_ipv6=1
netns @wire sysctl -qw net.ipv6.conf.default.disable_ipv6=1
netns @net sysctl -qw net.ipv6.conf.default.disable_ipv6=1
";

const ONE_PHONE: &str = "
ip -n @phone link add eth0 address 02:00:00:00:00:23 type veth peer name lan0 netns @box address 02:00:00:00:00:01
";

/// Three, on a bridge whose ports cut merged packets up, so that each phone counts what the air would carry.
const THREE_PHONES: &str = "
netns @phone2 sysctl -qw net.ipv6.conf.default.disable_ipv6=1
netns @phone3 sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip -n @box link add lan0 address 02:00:00:00:00:01 type bridge mcast_snooping 0
ip -n @phone link add eth0 address 02:00:00:00:00:23 type veth peer name port1 netns @box
ip -n @phone2 link add eth0 address 02:00:00:00:00:24 type veth peer name port2 netns @box
ip -n @phone3 link add eth0 address 02:00:00:00:00:25 type veth peer name port3 netns @box
ip -n @box link set port1 master lan0
ip -n @box link set port2 master lan0
ip -n @box link set port3 master lan0
netns @box ethtool -K port1 tso off gso off
netns @box ethtool -K port2 tso off gso off
netns @box ethtool -K port3 tso off gso off
ip -n @box link set port1 up
ip -n @box link set port2 up
ip -n @box link set port3 up
ip -n @phone2 link set eth0 up
ip -n @phone3 link set eth0 up
ip -n @phone2 addr add 10.77.0.24/24 dev eth0
ip -n @phone3 addr add 10.77.0.25/24 dev eth0
ip -n @phone2 route add default via 10.77.0.1
ip -n @phone3 route add default via 10.77.0.1
ip -n @phone2 neigh replace 10.77.0.1 lladdr 02:00:00:00:00:01 nud permanent dev eth0
ip -n @phone3 neigh replace 10.77.0.1 lladdr 02:00:00:00:00:01 nud permanent dev eth0
";

const OVER_A_WIRE: &str = "
ip -n @box link add uplink0 address 02:00:00:00:01:01 type veth peer name wire0 netns @wire
ip -n @net link add carrier0 address 02:00:00:00:01:02 type veth peer name wire1 netns @wire
ip -n @wire link add wire type bridge mcast_snooping 0
ip -n @wire link set wire0 master wire
ip -n @wire link set wire1 master wire
ip -n @wire link set wire up
ip -n @wire link set wire0 up
ip -n @wire link set wire1 up
netns @wire ethtool -K wire1 tso off gso off gro off
netns @net ethtool -K carrier0 tso off gso off gro off
";

const DIRECT: &str = "
ip -n @box link add uplink0 address 02:00:00:00:01:01 type veth peer name carrier0 netns @net address 02:00:00:00:01:02
";

const LAST: &str = "
ip -n @phone link set eth0 up
ip -n @box link set lan0 up
ip -n @box link set uplink0 up
ip -n @net link set carrier0 up
ip -n @phone link set lo up
ip -n @box link set lo up
ip -n @net link set lo up
ip -n @phone addr add 10.77.0.23/24 dev eth0
ip -n @box addr add 10.77.0.1/24 dev lan0
ip -n @box addr add 198.51.100.1/24 dev uplink0
ip -n @net addr add 198.51.100.10/24 dev carrier0
ip -n @phone route add default via 10.77.0.1
ip -n @phone neigh replace 10.77.0.1 lladdr 02:00:00:00:00:01 nud permanent dev eth0
ip -n @box neigh replace 10.77.0.23 lladdr 02:00:00:00:00:23 nud permanent dev lan0
ip -n @box neigh replace 198.51.100.10 lladdr 02:00:00:00:01:02 nud permanent dev uplink0
ip -n @net neigh replace 198.51.100.1 lladdr 02:00:00:00:01:01 nud permanent dev carrier0
netns @box sysctl -qw net.ipv4.ip_forward=1
netns @box nft add table ip gate
netns @box nft add chain ip gate nat { type nat hook postrouting priority srcnat ; }
netns @box nft add rule ip gate nat oifname uplink0 masquerade
netns @box nft add chain ip gate forward { type filter hook forward priority filter ; policy drop ; }
netns @box nft add rule ip gate forward iifname uplink0 ct state established,related accept
netns @box nft add rule ip gate forward iifname lan0 meta mark and 0x40000000 != 0 accept
";

impl World {
    /// With a wire that shows what a real line would carry.
    pub fn new() -> World {
        World::build(ONE_PHONE, OVER_A_WIRE)
    }

    /// Box and internet side by side: nothing between them costs time.
    pub fn direct() -> World {
        World::build(ONE_PHONE, DIRECT)
    }

    /// Three phones on a bridge, and the wire.
    pub fn of_three() -> World {
        World::build(THREE_PHONES, OVER_A_WIRE)
    }

    fn build(phones: &str, way: &str) -> World {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let world = World { prefix: format!("hs-meter-{}-{n}-", std::process::id()), children: Vec::new() };
        for place in PLACES {
            world.run(&format!("ip netns add @{place}"));
        }
        for line in [FIRST, phones, way, LAST].into_iter().flat_map(str::lines).filter(|l| !l.is_empty()) {
            world.run(line);
        }
        world
    }

    fn command(&self, line: &str) -> Command {
        let inside = line.strip_prefix("netns ").map(|rest| format!("ip netns exec {rest}"));
        let line = inside.as_deref().unwrap_or(line).replace('@', &self.prefix);
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().expect("a command"));
        command.args(words);
        command
    }

    /// Runs a command; `@place` is a namespace, `netns @place …` runs inside one.
    pub fn run(&self, line: &str) -> String {
        let out = self.command(line).output().unwrap_or_else(|e| panic!("{line}: {e}"));
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "{line}: {text} {}", String::from_utf8_lossy(&out.stderr));
        text
    }

    /// What a command says, whether it succeeds or not.
    pub fn run_anyway(&self, line: &str) -> String {
        self.command(line)
            .output()
            .map_or_else(|_| String::new(), |o| String::from_utf8_lossy(&o.stdout).into_owned())
    }

    /// The same, when it may well fail.
    pub fn try_run(&self, line: &str) -> bool {
        self.command(line).output().is_ok_and(|o| o.status.success())
    }

    pub fn start(&mut self, line: &str) {
        let mut command = self.command(line);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.children.push(child.unwrap_or_else(|e| panic!("{line}: {e}")));
    }

    /// Moves this thread into a namespace. Only the network changes: `ip netns exec` would also hide the pins.
    pub fn enter(&self, place: &str) {
        let file = File::open(format!("/run/netns/{}{place}", self.prefix)).expect("a namespace");
        setns(file, CloneFlags::CLONE_NEWNET).expect("needs root");
    }

    /// IPv6 is off, so that no neighbour discovery disturbs, until an interface gets an address.
    pub fn ipv6(&self, place: &str, interface: &str, address: &str) {
        self.run(&format!("netns @{place} sysctl -qw net.ipv6.conf.{interface}.disable_ipv6=0"));
        self.run(&format!("ip -n @{place} addr add {address}/64 dev {interface} nodad"));
    }

    /// Does something inside a namespace, on a thread of its own.
    pub fn inside<T: Send>(&self, place: &str, act: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|s| {
            let there = s.spawn(|| {
                self.enter(place);
                act()
            });
            there.join().expect("done")
        })
    }

    /// The same, as one instant sees it: by a thread that is there already.
    pub fn counted_here(interface: &str) -> Counted {
        let all = std::fs::read_to_string("/proc/thread-self/net/dev").expect("counters");
        let line = all.lines().find_map(|l| l.trim().strip_prefix(interface)?.strip_prefix(':'));
        let n: Vec<u64> =
            line.expect("an interface").split_whitespace().map(|w| w.parse().expect("a number")).collect();
        Counted { received: n[0] - 14 * n[1], sent: n[8] - 14 * n[9] }
    }

    pub fn counted(&self, place: &str, interface: &str) -> Counted {
        let read = |what: &str| -> u64 {
            let line = format!("netns @{place} cat /sys/class/net/{interface}/statistics/{what}");
            self.run(&line).trim().parse().expect("a number")
        };
        Counted {
            sent: read("tx_bytes") - 14 * read("tx_packets"),
            received: read("rx_bytes") - 14 * read("rx_packets"),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for place in PLACES {
            let _ = self.command(&format!("ip netns del @{place}")).status();
        }
    }
}
