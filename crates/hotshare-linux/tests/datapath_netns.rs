//! Real traffic over real interfaces: what the meter counts is what an outside observer counts, and nobody
//! gets more than was granted. Needs root, iperf3, nft, ethtool and ping.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "a test may sleep")]

mod datapath_support;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::thread::sleep;
use std::time::{Duration, Instant};

use datapath_support::backlog::Backlog;
use datapath_support::packet::{BOX, Packet};
use datapath_support::raw::{echo, frame, tun};
use datapath_support::world::{Counted, World};
use datapath_support::*;
use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::units::{Bytes, Slot};
use hotshare_linux::datapath::{LinkHeader, Meter, MeterConfig, Reason, Role};
use nix::net::if_::if_nametoindex;

struct Hotspot {
    meter: Meter,
    world: World,
    _pins: Pins,
}

impl Hotspot {
    /// Everything open and well supplied.
    fn new() -> Hotspot {
        let pins = Pins::new();
        let mut meter = Meter::open(&pins.0).expect("the meter needs root and Linux 6.6");
        let world = World::new();
        world.enter("box");
        let lan = if_nametoindex("lan0").unwrap();
        meter.configure(&config()).unwrap();
        meter.set_device(&phone(lan)).unwrap();
        meter.set_account(Slot::PLAN, &granted(1 << 40, Slot(0))).unwrap();
        meter.set_account(PERSON, &granted(1 << 40, Slot::PLAN)).unwrap();
        meter.set_account(DEVICE, &counts_only(PERSON)).unwrap();
        meter.attach(Role::Uplink, if_nametoindex("uplink0").unwrap()).unwrap();
        meter.attach(Role::Lan, lan).unwrap();
        Hotspot { meter, world, _pins: pins }
    }

    /// The same, and an iperf3 server answers in the internet.
    fn serving() -> Hotspot {
        let mut hotspot = Hotspot::new();
        hotspot.world.start("netns @net iperf3 -s");
        let begun = Instant::now();
        while !hotspot.world.try_run("netns @phone iperf3 -c 198.51.100.10 -n 1K") {
            assert!(begun.elapsed() < Duration::from_secs(10), "the far end does not answer");
            sleep(Duration::from_millis(50));
        }
        hotspot
    }

    fn reading(&self, slot: Slot) -> Reading {
        self.meter.reading(slot).unwrap()
    }

    /// Waits until nothing moves any more on both sides, and says what they counted.
    fn settled(&self) -> (Counted, Reading) {
        let look = || (self.world.counted("net", "carrier0"), self.reading(Slot::PLAN));
        let begun = Instant::now();
        let mut before = look();
        loop {
            sleep(Duration::from_millis(200));
            let now = look();
            if now == before {
                return now;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it never ends: {now:?}");
            before = now;
        }
    }
}

fn difference(now: &(Counted, Reading), before: &(Counted, Reading)) -> [(u64, u64); 2] {
    [
        (now.0.received - before.0.received, (now.1.up.0 - before.1.up.0)),
        (now.0.sent - before.0.sent, (now.1.down.0 - before.1.down.0)),
    ]
}

/// One kind of traffic: who sends it, and how.
enum Traffic {
    Phone(&'static str),
    PhoneEcho(usize),
    BoxEcho(&'static str, usize),
}

impl Traffic {
    fn flow(&self, world: &World) {
        let brief = Duration::from_secs(1);
        match self {
            Traffic::Phone(options) => drop(world.run(&format!("netns @phone iperf3 -c {FAR} {options}"))),
            Traffic::PhoneEcho(size) => {
                assert_eq!(world.inside("phone", || echo(FAR.into(), *size, 10, brief)), 10);
            }
            Traffic::BoxEcho(to, size) => {
                let to = to.parse().unwrap();
                assert!(world.inside("box", || echo(to, *size, 10, brief)) > 0);
            }
        }
    }
}

const MIX: [(&str, Traffic); 10] = [
    ("TCP up", Traffic::Phone("-n 30M -P 4")),
    ("TCP down", Traffic::Phone("-n 30M -P 4 -R")),
    ("TCP up, small segments", Traffic::Phone("-n 10M -M 1000")),
    ("TCP down, smaller segments", Traffic::Phone("-n 10M -M 700 -R")),
    ("UDP up", Traffic::Phone("-u -b 200M -n 5M")),
    ("UDP down", Traffic::Phone("-u -b 200M -n 5M -R")),
    ("UDP up, fragments", Traffic::Phone("-u -b 100M -n 2M -l 5000")),
    ("ICMP, fragments", Traffic::PhoneEcho(4000)),
    ("the box's own", Traffic::BoxEcho("198.51.100.10", 64)),
    ("the box's own IPv6, fragments", Traffic::BoxEcho("fd00:77::10", 3000)),
];

#[test]
fn what_is_counted_is_what_the_carrier_counts_to_the_byte() {
    let _backlog = Backlog::widen();
    let hotspot = Hotspot::serving();
    let world = &hotspot.world;
    world.ipv6("box", "uplink0", "fd00:77::1");
    world.ipv6("net", "carrier0", "fd00:77::10");
    for offload in ["on", "off"] {
        world.run(&format!("netns @box ethtool -K uplink0 gro {offload}"));
        world.run(&format!("netns @box ethtool -K lan0 gro {offload}"));
        world.run(&format!("netns @phone ethtool -K eth0 tso {offload} gso {offload}"));
        for (what, traffic) in MIX {
            let before = hotspot.settled();
            let people = hotspot.reading(PERSON);
            traffic.flow(world);
            let after = hotspot.settled();
            let [up, down] = difference(&after, &before);
            assert!(up.0 > 0 && down.0 > 0, "{what}: there was traffic");
            assert_eq!(up.1, up.0, "up, offloads {offload}: {what}");
            assert_eq!(down.1, down.0, "down, offloads {offload}: {what}");
            let person = hotspot.reading(PERSON);
            let used = (person.up.0 - people.up.0, person.down.0 - people.down.0);
            assert!(used.0 <= up.0 && used.1 <= down.0, "{what}");
            if matches!(traffic, Traffic::BoxEcho(..)) {
                assert_eq!(used, (0, 0), "{what}: nobody's");
            } else {
                // Both sides look up IPv6 neighbours now and then, which is not the phone's.
                assert!(
                    up.0 - used.0 < 2000 && down.0 - used.1 < 2000,
                    "{what}: {used:?} of {up:?} {down:?}"
                );
            }
        }
    }
    assert_eq!(hotspot.reading(DEVICE).used(), hotspot.reading(PERSON).used());
    assert_eq!(hotspot.reading(PERSON).spent, hotspot.reading(PERSON).used());
    let plan = hotspot.reading(Slot::PLAN);
    assert_eq!(plan.spent, plan.used());
}

#[test]
fn at_full_speed_nobody_gets_more_than_is_granted() {
    const ALLOWANCE: u64 = 40 << 20;
    for (direction, offload) in [("", "on"), ("-R", "on"), ("", "off"), ("-R", "off")] {
        let hotspot = Hotspot::serving();
        let world = &hotspot.world;
        world.run(&format!("netns @box ethtool -K uplink0 gro {offload}"));
        world.run(&format!("netns @phone ethtool -K eth0 tso {offload} gso {offload}"));
        // What is delivered is cut up before it reaches the phone, so that its counter sees wire bytes.
        world.run("netns @box ethtool -K lan0 tso off gso off");
        hotspot.settled();
        let before = (world.counted("net", "carrier0"), world.counted("phone", "eth0"));
        let used = hotspot.reading(PERSON).used().0;
        hotspot.meter.set_account(PERSON, &last(used + ALLOWANCE, Slot::PLAN)).unwrap();
        assert!(
            !world.try_run(&format!(
                "netns @phone timeout 3 iperf3 -c 198.51.100.10 -n 400M -P 16 {direction}"
            ))
        );
        hotspot.settled();
        let after = (world.counted("net", "carrier0"), world.counted("phone", "eth0"));
        let delivered = after.1.received - before.1.received;
        let person = hotspot.reading(PERSON);
        assert!(person.used() <= person.granted);
        let short = person.granted.0 - person.used().0;
        assert!(short < 65_536, "short by {short}: less than one merged packet");
        // Uploads seen by the carrier + downloads seen by the phone: the phone's, to the byte.
        let sent = after.0.received - before.0.received;
        let total = person.used().0 - used;
        assert!(
            total <= sent + delivered && sent + delivered < total + 4000,
            "{total} of {sent} + {delivered}"
        );
        assert!(delivered <= ALLOWANCE, "IPv6 chatter of the box on the LAN is not in it");
    }
}

#[test]
fn without_the_mark_nothing_leaves_and_ipv6_does_not_leak() {
    let mut hotspot = Hotspot::new();
    let lan = if_nametoindex("lan0").unwrap();
    let answered = |hotspot: &Hotspot, to: &str| {
        let to = to.parse().unwrap();
        hotspot.world.inside("phone", || echo(to, 64, 3, Duration::from_millis(300))) > 0
    };
    let far = "198.51.100.10";
    assert!(answered(&hotspot, far));
    hotspot.meter.remove_device(lan, PHONE).unwrap();
    let before = hotspot.settled();
    assert!(!answered(&hotspot, far), "nobody knows the phone");
    assert!(answered(&hotspot, "10.77.0.1"), "but it can ask the box");
    assert_eq!(hotspot.settled().0.received, before.0.received, "not a byte on the uplink");
    hotspot.meter.set_device(&phone(lan)).unwrap();
    assert!(answered(&hotspot, far));

    let expired = AccountOrder { expiry: just_now(), ..granted(1 << 40, Slot::PLAN) };
    hotspot.meter.set_account(PERSON, &expired).unwrap();
    assert!(!answered(&hotspot, far), "a grant that nobody renews ends by itself");
    hotspot.meter.set_account(PERSON, &granted(1 << 40, Slot::PLAN)).unwrap();
    assert!(answered(&hotspot, far));

    hotspot.meter.detach(Role::Lan).unwrap();
    assert!(!answered(&hotspot, far), "no program, no mark, no packet");

    hotspot.meter.attach(Role::Lan, lan).unwrap();
    let before = reason(&hotspot, Reason::Ipv6);
    hotspot.world.ipv6("phone", "eth0", "fd00:1::2");
    hotspot.world.ipv6("box", "lan0", "fd00:1::1");
    assert!(!answered(&hotspot, "fd00:1::1"));
    assert!(reason(&hotspot, Reason::Ipv6) > before);
}

fn reason(hotspot: &Hotspot, wanted: Reason) -> u64 {
    hotspot.meter.reasons().unwrap().into_iter().find(|(r, _)| *r == wanted).unwrap().1
}

#[test]
fn a_tagged_frame_from_the_lan_is_dropped_but_a_priority_is_no_tag() {
    let hotspot = Hotspot::new();
    let send = |tag: u8| {
        let mut bytes = Packet { to: BOX, ..Packet::up(20).udp() }.bytes();
        bytes.splice(12..12, [0x81, 0, 0x60, tag]);
        hotspot.world.inside("phone", || frame(if_nametoindex("eth0").unwrap(), &bytes));
    };
    let before = hotspot.settled();
    send(5);
    assert_eq!(reason(&hotspot, Reason::Vlan), 1);
    assert_eq!(hotspot.settled().1.up, before.1.up);
    send(0);
    assert_eq!(reason(&hotspot, Reason::Vlan), 1);
    assert_eq!(hotspot.settled().1.up, before.1.up + Bytes(20 + 8 + 20), "forwarded and charged");
}

#[test]
fn on_a_raw_ip_uplink_nothing_is_taken_for_a_link_header() {
    let mut hotspot = Hotspot::new();
    let mut card = tun("card0");
    hotspot.world.run("ip -n @box addr add 100.64.0.2/24 dev card0");
    hotspot.world.run("ip -n @box link set card0 up");
    hotspot.world.run("ip -n @box route add 203.0.113.0/24 dev card0");
    hotspot.world.run("netns @box nft add rule ip gate nat oifname card0 masquerade");
    hotspot.world.run("netns @box nft insert rule ip gate forward iifname card0 accept");
    let raw = MeterConfig { uplink: LinkHeader::None, ..config() };
    hotspot.meter.configure(&raw).unwrap();
    hotspot.meter.attach(Role::Uplink, if_nametoindex("card0").unwrap()).unwrap();
    assert_eq!(hotspot.reading(Slot::PLAN), Reading { granted: Bytes(1 << 40), ..Reading::default() });

    let mut packet = [0; 2000];
    let mut read = |card: &mut File| {
        let length = card.read(&mut packet).unwrap();
        packet[..length].to_vec()
    };
    // The box's own, 28 bytes of headers around it.
    let own = UdpSocket::bind("100.64.0.2:4000").unwrap();
    own.send_to(&[7; 100], "203.0.113.9:5000").unwrap();
    assert_eq!(read(&mut card).len(), 128);
    assert_eq!(hotspot.reading(Slot::PLAN).up, Bytes(128));
    // The phone's, and an answer, which NAT brings back to it.
    let phone = hotspot.world.inside("phone", || UdpSocket::bind("10.77.0.23:4000").unwrap());
    phone.send_to(&[8; 10], "203.0.113.9:6000").unwrap();
    let mut back = read(&mut card);
    assert_eq!(back.len(), 38);
    for (a, b) in [(12, 16), (13, 17), (14, 18), (15, 19), (20, 22), (21, 23)] {
        back.swap(a, b); // addresses and ports; their sums stay the same
    }
    card.write_all(&back).unwrap();
    assert_eq!(phone.recv(&mut [0; 100]).unwrap(), 10);
    let (plan, person) = (hotspot.reading(Slot::PLAN), hotspot.reading(PERSON));
    assert_eq!((plan.up, plan.down, plan.spent), (Bytes(128 + 38), Bytes(38), Bytes(128 + 38 + 38)));
    assert_eq!((person.up, person.down), (Bytes(38), Bytes(38)));
}

#[test]
fn a_plan_that_glides_ends_where_the_carrier_counts_less_than_the_cap() {
    const CAP: u64 = 64 << 20;
    const RESERVE: u64 = CAP / 100;
    for direction in ["", "-R"] {
        let hotspot = Hotspot::serving();
        let before = hotspot.settled();
        let cap = before.1.spent.0 + CAP;
        let order = AccountOrder { reserve: Bytes(RESERVE), glide: true, ..last(cap, Slot(0)) };
        hotspot.meter.set_account(Slot::PLAN, &order).unwrap();
        let line = format!("netns @phone timeout 12 iperf3 -c 198.51.100.10 -t 60 -P 8 {direction}");
        assert!(!hotspot.world.try_run(&line));
        // The daemon would reset the flows now; here the far end's retries go on for a moment.
        hotspot.meter.set_account(PERSON, &AccountOrder { open: false, ..granted(0, Slot::PLAN) }).unwrap();
        let after = hotspot.settled();
        let [up, down] = difference(&after, &before);
        let billed = up.0 + down.0;
        assert!(billed <= CAP, "{direction}: {billed} of {CAP}");
        assert!(billed > CAP * 8 / 10, "{direction}: {billed} of {CAP} could be used");
    }
}
