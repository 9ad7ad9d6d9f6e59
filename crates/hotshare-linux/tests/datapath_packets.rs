//! The kernel programs on single packets: who may pass, what it costs, who is told. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "a test may sleep")]

mod datapath_support;

use std::net::Ipv4Addr;

use datapath_support::packet::{ETHERNET, Packet, arp, ipv6};
use datapath_support::*;
use hotshare_core::meter::AccountOrder;
use hotshare_core::units::{BootTime, Bytes, Mac, Slot};
use hotshare_linux::datapath::{KnownDevice, MeterConfig, MeterEvent, MeterEventKind, Reason};

fn l3(packet: &[u8]) -> u64 {
    packet.len() as u64 - ETHERNET
}

#[test]
fn a_known_open_device_is_marked_and_charged_up_the_chain() {
    let rig = Rig::new();
    let packet = Packet::up(1000).bytes();
    let (verdict, mark) = rig.run("lan_in", &packet, Skb::default());
    assert_eq!((verdict, mark), (PASS, OK | DEVICE.0));
    assert_eq!(rig.run("uplink_out", &packet, Skb::marked(mark)).0, PASS);
    for slot in [DEVICE, PERSON, Slot::PLAN] {
        let reading = rig.reading(slot);
        assert_eq!((reading.up, reading.down), (Bytes(l3(&packet)), Bytes::ZERO), "{slot:?}");
        let spent = if slot == DEVICE { 0 } else { l3(&packet) };
        assert_eq!(reading.spent, Bytes(spent), "{slot:?}");
    }
}

#[test]
fn a_download_is_billed_to_the_plan_once_and_delivered_to_the_person() {
    let rig = Rig::new();
    let packet = Packet::down(1400).bytes();
    assert_eq!(rig.down(&packet), PASS);
    let size = Bytes(l3(&packet));
    assert_eq!((rig.reading(Slot::PLAN).down, rig.reading(Slot::PLAN).spent), (size, size));
    assert_eq!((rig.reading(PERSON).down, rig.reading(PERSON).spent), (size, size));
    assert_eq!((rig.reading(DEVICE).down, rig.reading(DEVICE).spent), (size, Bytes::ZERO));
}

#[test]
fn nobody_passes_a_closed_or_expired_gate() {
    let up = Packet::up(100).bytes();
    let down = Packet::down(100).bytes();
    let past = just_now();
    let plenty = |parent| granted(1 << 40, parent);
    let closed = |o: AccountOrder| AccountOrder { open: false, ..o };
    let expired = |o: AccountOrder| AccountOrder { expiry: past, ..o };
    for (what, slot, order) in [
        ("device closed", DEVICE, closed(counts_only(PERSON))),
        ("person closed", PERSON, closed(plenty(Slot::PLAN))),
        ("person expired", PERSON, expired(plenty(Slot::PLAN))),
        ("plan closed", Slot::PLAN, closed(plenty(Slot(0)))),
        ("plan expired", Slot::PLAN, expired(plenty(Slot(0)))),
    ] {
        let rig = Rig::new();
        rig.set(slot, order);
        assert_eq!(rig.run("lan_in", &up, Skb::default()), (PASS, 0), "{what}: unmarked");
        assert_eq!(rig.up(&up), DROP, "{what}");
        assert_eq!(rig.down(&down), DROP, "{what}");
        for slot in [DEVICE, PERSON, Slot::PLAN] {
            let r = rig.reading(slot);
            assert_eq!(r.refused_up, Bytes(l3(&up)), "{what} {slot:?}");
            assert_eq!(r.refused_down, Bytes(l3(&down)), "{what} {slot:?}");
            assert_eq!(r.up, Bytes::ZERO, "{what} {slot:?}");
        }
        assert_eq!(rig.reading(PERSON).spent, Bytes::ZERO, "{what}");
        assert_eq!(rig.reading(Slot::PLAN).down, Bytes(l3(&down)), "{what}: billed all the same");
        for reason in [Reason::ClosedAtLan, Reason::ClosedUp, Reason::ClosedDown] {
            assert_eq!(rig.reason(reason), 1, "{what} {reason}");
        }
    }
}

#[test]
fn what_comes_in_from_the_lan_is_sorted() {
    let rig = Rig::new();
    let up = || Packet::up(64);
    let to = |a: [u8; 4]| Packet { target: Ipv4Addr::from(a), ..up() };
    let as_ip = |a: [u8; 4], p: Packet| Packet { source: Ipv4Addr::from(a), ..p };
    let stranger = |p: Packet| Packet { from: STRANGER, ..p };
    let marked = OK | DEVICE.0;
    let no_lease = Mac([2, 0, 0, 0, 0, 0x44]);
    let closed_chain = KnownDevice { ip: Ipv4Addr::UNSPECIFIED, mac: no_lease, ..phone(LO) };
    let mut rig = rig;
    rig.meter.set_device(&closed_chain).unwrap();

    type Case = (&'static str, Vec<u8>, (u32, u32), Option<Reason>);
    let cases: Vec<Case> = vec![
        ("to the far end", up().bytes(), (PASS, marked), None),
        ("udp", up().udp().bytes(), (PASS, marked), None),
        ("a fragment", Packet { fragment: 100, ..up() }.bytes(), (PASS, marked), None),
        ("to the gateway", to([10, 77, 0, 1]).bytes(), (PASS, 0), None),
        ("broadcast", to([255; 4]).bytes(), (PASS, 0), None),
        ("subnet broadcast", to([10, 77, 0, 255]).bytes(), (PASS, 0), None),
        ("multicast", to([224, 0, 0, 251]).bytes(), (PASS, 0), None),
        ("DHCP before an address", as_ip([0; 4], to([255; 4])).bytes(), (PASS, 0), None),
        (
            "a lie to the gateway",
            as_ip([10, 77, 0, 9], to([10, 77, 0, 1])).bytes(),
            (DROP, 0),
            Some(Reason::SpoofedAddress),
        ),
        (
            "a lie to the far end",
            as_ip([10, 77, 0, 9], up()).bytes(),
            (DROP, 0),
            Some(Reason::SpoofedAddress),
        ),
        ("no address, to the far end", as_ip([0; 4], up()).bytes(), (DROP, 0), Some(Reason::SpoofedAddress)),
        ("to a neighbour", to([10, 77, 0, 24]).bytes(), (DROP, 0), Some(Reason::StationToStation)),
        (
            "stranger to a neighbour",
            stranger(to([10, 77, 0, 24])).bytes(),
            (DROP, 0),
            Some(Reason::StationToStation),
        ),
        ("stranger to the far end", stranger(up()).bytes(), (PASS, 0), Some(Reason::UnknownDevice)),
        ("stranger to the gateway", stranger(to([10, 77, 0, 1])).bytes(), (PASS, 0), None),
        ("known, but no lease", Packet { from: no_lease, ..up() }.bytes(), (PASS, 0), Some(Reason::NoLease)),
        (
            "no lease, to the gateway",
            Packet { from: no_lease, ..to([10, 77, 0, 1]) }.bytes(),
            (PASS, 0),
            None,
        ),
        (
            "from a group",
            Packet { from: Mac([3, 0, 0, 0, 0, 0x23]), ..up() }.bytes(),
            (DROP, 0),
            Some(Reason::BadSourceMac),
        ),
        ("from zero", Packet { from: Mac([0; 6]), ..up() }.bytes(), (DROP, 0), Some(Reason::BadSourceMac)),
        ("IPv6", ipv6(6, 0, 10), (DROP, 0), Some(Reason::Ipv6)),
        ("IPX", Packet { ethertype: 0x8137, ..up() }.bytes(), (DROP, 0), Some(Reason::Ethertype)),
        (
            "a tag in the frame",
            Packet { ethertype: 0x8100, ..up() }.bytes(),
            (DROP, 0),
            Some(Reason::Ethertype),
        ),
        ("cut short", arp(PHONE, PHONE_IP)[..20].to_vec(), (DROP, 0), Some(Reason::Malformed)),
        ("ARP", arp(PHONE, PHONE_IP), (PASS, 0), None),
        ("ARP probe", arp(PHONE, Ipv4Addr::UNSPECIFIED), (PASS, 0), None),
        ("ARP of a stranger", arp(STRANGER, Ipv4Addr::new(10, 77, 0, 50)), (PASS, 0), None),
        ("ARP as the gateway", arp(STRANGER, GATEWAY), (DROP, 0), Some(Reason::SpoofedArp)),
        ("ARP as another", arp(PHONE, Ipv4Addr::new(10, 77, 0, 24)), (DROP, 0), Some(Reason::SpoofedArp)),
    ];
    for (what, packet, expected, reason) in cases {
        let before: Vec<_> = rig.meter.reasons().unwrap();
        // A stale mark from elsewhere, with all our bits set, opens nothing.
        let (verdict, mark) = rig.run("lan_in", &packet, Skb::marked(OK | FROM_UPLINK | 0xfff));
        assert_eq!((verdict, mark), expected, "{what}");
        for ((r, now), (_, before)) in rig.meter.reasons().unwrap().into_iter().zip(before) {
            assert_eq!(now - before, u64::from(Some(r) == reason), "{what}: {r}");
        }
    }
    assert_eq!(rig.reading(Slot::PLAN).spent, Bytes::ZERO, "nothing is charged on the LAN side");
}

#[test]
fn other_peoples_mark_bits_are_left_alone() {
    let rig = Rig::new();
    let theirs = 0x0010_8000;
    let (_, mark) = rig.run("lan_in", &Packet::up(9).bytes(), Skb::marked(theirs | 7));
    assert_eq!(mark, theirs | OK | DEVICE.0);
    let (_, mark) = rig.run("uplink_in", &Packet::down(9).bytes(), Skb::marked(theirs | OK | 7));
    assert_eq!(mark, theirs | FROM_UPLINK);
}

#[test]
fn the_mark_bits_can_be_moved() {
    let mut rig = Rig::new();
    let mark = hotshare_linux::datapath::MarkBits { ok: 1, from_uplink: 2, slot_shift: 20 };
    rig.meter.configure(&MeterConfig { mark, ..config() }).unwrap();
    let packet = Packet::up(9).bytes();
    let (_, marked) = rig.run("lan_in", &packet, Skb::default());
    assert_eq!(marked, 1 | DEVICE.0 << 20);
    assert_eq!(rig.run("uplink_out", &packet, Skb::marked(marked)).0, PASS);
    assert_eq!(rig.reading(DEVICE).up, Bytes(l3(&packet)));
    let overlap = hotshare_linux::datapath::MarkBits { ok: 1 << 3, ..Default::default() };
    assert!(rig.meter.configure(&MeterConfig { mark: overlap, ..config() }).is_err());
}

/// What real segmentation would put on the wire, piece by piece.
fn cut_up(headers: u64, payload: u64, size: u64) -> u64 {
    let mut left = payload;
    let mut wire = 0;
    while left > 0 {
        let piece = left.min(size);
        wire += headers + piece;
        left -= piece;
    }
    wire
}

#[test]
fn a_merged_packet_costs_what_its_pieces_cost() {
    let rig = Rig::new();
    let mut total = Bytes::ZERO;
    for payload in [501_u32, 1000, 2000, 2001, 2999] {
        for size in [100_u32, 500, 1000] {
            if payload <= size {
                continue;
            }
            let pieces = payload.div_ceil(size);
            let n = payload as usize;
            for (what, packet, headers) in [
                ("TCP", Packet { tcp_options: 0, ..Packet::up(n) }.bytes(), 40),
                ("TCP, timestamps", Packet::up(n).bytes(), 52),
                ("TCP, IP options", Packet { ip_options: 4, ..Packet::up(n) }.bytes(), 68),
                (
                    "TCP, all options",
                    Packet { ip_options: 10, tcp_options: 10, ..Packet::up(n) }.bytes(),
                    120,
                ),
                ("UDP", Packet::up(n).udp().bytes(), 28),
                ("TCP over IPv6", ipv6(6, 0, n), 60),
                ("UDP over IPv6", ipv6(17, 0, n), 48),
                ("TCP over IPv6, more headers", ipv6(6, 2, n), 76),
            ] {
                // `gso_segs` is 0 after some drivers; it must not matter.
                for gso_segs in [pieces, 0] {
                    let skb = Skb { mark: 0, gso_size: size, gso_segs };
                    assert_eq!(rig.run("uplink_out", &packet, skb).0, PASS);
                    let now = rig.reading(Slot::PLAN).up;
                    let wire = cut_up(headers, payload.into(), size.into());
                    assert_eq!(
                        now.saturating_sub(total),
                        Bytes(wire),
                        "{what}, {payload} in {size}, {gso_segs}"
                    );
                    total = now;
                    let billed = rig.reading(Slot::PLAN).down;
                    rig.run("uplink_in", &packet, skb);
                    assert_eq!(rig.reading(Slot::PLAN).down.saturating_sub(billed), Bytes(wire), "{what} in");
                }
            }
        }
    }
}

#[test]
fn fragments_are_counted_one_by_one_as_they_are() {
    let rig = Rig::new();
    let mut sum = 0;
    for fragment in [0x2000, 0x2000 | 185, 370] {
        let packet = Packet { fragment, ..Packet::up(500).udp() }.bytes();
        assert_eq!(rig.up(&packet), PASS);
        sum += l3(&packet);
    }
    assert_eq!(rig.reading(PERSON).up, Bytes(sum));
}

#[test]
fn on_the_uplink_all_of_layer_3_counts_and_padding_does_not() {
    let rig = Rig::new();
    let ack = Packet { tcp_options: 0, ..Packet::down(0) }.bytes();
    let mut padded = ack.clone();
    padded.resize(60, 0);
    rig.run("uplink_in", &padded, Skb::default());
    assert_eq!(rig.reading(Slot::PLAN).down, Bytes(l3(&ack)), "a padded ACK is 40 bytes");
    rig.run("uplink_in", &ipv6(17, 0, 4), Skb::default());
    assert_eq!(rig.reading(Slot::PLAN).down, Bytes(40 + 52), "IPv6 counts");
    rig.run("uplink_in", &arp(STRANGER, FAR), Skb::default());
    rig.run("uplink_out", &arp(STRANGER, FAR), Skb::default());
    let plan = rig.reading(Slot::PLAN);
    assert_eq!((plan.down, plan.up), (Bytes(92), Bytes::ZERO), "ARP does not");

    // A VLAN tag that stands in the frame is link layer.
    let mut tagged = ack.clone();
    tagged.splice(12..12, [0x81, 0, 0, 5]);
    rig.run("uplink_in", &tagged, Skb::default());
    assert_eq!(rig.reading(Slot::PLAN).down, Bytes(92 + 40));
}

#[test]
fn a_packet_that_does_not_fit_is_refused_and_given_back() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes(); // 1000 bytes of layer 3
    assert_eq!(l3(&packet), 1000);
    rig.set(PERSON, last(2999, Slot::PLAN));
    assert_eq!([rig.up(&packet), rig.up(&packet), rig.up(&packet)], [PASS, PASS, DROP]);
    let person = rig.reading(PERSON);
    assert_eq!((person.up, person.spent, person.refused_up), (Bytes(2000), Bytes(2000), Bytes(1000)));
    assert_eq!(rig.up(&Packet::up(947).bytes()), PASS, "the rest is still usable, to the byte");
    assert_eq!(rig.reading(PERSON).spent, Bytes(2999));
    assert_eq!(rig.up(&Packet { tcp_options: 0, ..Packet::up(0) }.bytes()), DROP);
    assert_eq!(rig.reading(Slot::PLAN).spent, Bytes(2999), "nothing refused stays charged to the plan");
}

#[test]
fn when_the_plan_refuses_the_person_gets_the_bytes_back() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes();
    rig.set(Slot::PLAN, last(1500, Slot(0)));
    assert_eq!([rig.up(&packet), rig.up(&packet)], [PASS, DROP]);
    for slot in [PERSON, Slot::PLAN] {
        let r = rig.reading(slot);
        assert_eq!((r.up, r.spent, r.refused_up), (Bytes(1000), Bytes(1000), Bytes(1000)), "{slot:?}");
    }
    assert_eq!(rig.reason(Reason::PlanSpentUp), 1);
}

#[test]
fn the_reserve_is_kept_from_phones_while_nothing_is_to_come() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes();
    let plan = AccountOrder { reserve: Bytes(600), ..last(2500, Slot(0)) };
    rig.set(Slot::PLAN, plan);
    assert_eq!([rig.up(&packet), rig.up(&packet)], [PASS, DROP]);
    // More to come: the reserve is no matter yet.
    rig.set(Slot::PLAN, AccountOrder { later: Bytes(1), ..plan });
    assert_eq!([rig.up(&packet), rig.up(&packet)], [PASS, DROP]);

    // Downloads: the plan's bytes are gone already, but nobody gets what comes when only the reserve is left.
    rig.set(Slot::PLAN, AccountOrder { granted: Bytes(4500), ..plan });
    let download = Packet::down(948).bytes();
    assert_eq!([rig.down(&download), rig.down(&download)], [PASS, DROP]);
    assert_eq!(rig.reading(Slot::PLAN).down, Bytes(2000), "both were billed");
    assert_eq!(rig.reading(PERSON).down, Bytes(1000), "one was delivered");
    assert_eq!(rig.reading(Slot::PLAN).refused_down, Bytes(1000));
    assert_eq!(rig.reason(Reason::PlanSpentDown), 1);
}

#[test]
fn the_box_itself_may_use_the_reserve_but_not_more_than_the_cap() {
    let packet = Packet::up(948).bytes();
    let own = |rig: &Rig| rig.run("uplink_out", &packet, Skb::default()).0;
    let none = AccountOrder { expiry: BootTime(0), open: false, ..last(0, Slot(0)) };
    let early = Rig::new();
    early.set(Slot::PLAN, none);
    assert_eq!(own(&early), PASS, "before the first order, as on an empty map");
    assert_eq!(early.reading(Slot::PLAN).spent, Bytes(1000), "but counted");

    let mut rig = Rig::new();
    let plan = AccountOrder { reserve: Bytes(2000), ..last(2500, Slot(0)) };
    rig.set(Slot::PLAN, plan);
    assert_eq!([own(&rig), own(&rig), own(&rig)], [PASS, PASS, DROP]);
    assert_eq!((rig.reading(Slot::PLAN).up, rig.reading(Slot::PLAN).spent), (Bytes(2000), Bytes(2000)));
    assert_eq!(rig.reason(Reason::PlanSpentOwn), 1);
    // With more to come it is a matter of the next grant: counted, overdrawn, not stopped.
    rig.set(Slot::PLAN, AccountOrder { later: Bytes(5000), ..plan });
    assert_eq!(own(&rig), PASS);
    assert_eq!(rig.reading(Slot::PLAN).spent, Bytes(3000));
    // A plan without a cap never stops the box, closed or not.
    rig.meter.configure(&MeterConfig { limited: false, ..config() }).unwrap();
    rig.set(Slot::PLAN, AccountOrder { open: false, ..plan });
    assert_eq!(own(&rig), PASS);
    assert_eq!(rig.reading(PERSON).spent, Bytes::ZERO, "nobody pays for the box");
}

#[test]
fn what_the_box_says_on_the_lan_is_free_and_downloads_for_strangers_are_not_delivered() {
    let rig = Rig::new();
    let packet = Packet::down(500).bytes();
    assert_eq!(rig.run("lan_out", &packet, Skb::default()).0, PASS);
    assert_eq!(rig.reading(PERSON).down, Bytes::ZERO);
    let lost = Packet { to: STRANGER, ..Packet::down(500) }.bytes();
    assert_eq!(rig.down(&lost), DROP);
    assert_eq!(rig.reading(Slot::PLAN).refused_down, Bytes(l3(&lost)));
    assert_eq!(rig.reason(Reason::UnknownReceiver), 1);
}

#[test]
fn an_account_without_a_proper_chain_passes_nothing() {
    let rig = Rig::new();
    let packet = Packet::up(100).bytes();
    for parent in [Slot(0), Slot::PLAN, DEVICE] {
        rig.set(DEVICE, counts_only(parent));
        assert_eq!(rig.up(&packet), DROP, "{parent:?}");
        assert_eq!(rig.run("lan_in", &packet, Skb::default()), (PASS, 0), "{parent:?}");
        assert_eq!(rig.down(&Packet::down(1).bytes()), DROP, "{parent:?}");
    }
    assert_eq!(rig.run("uplink_out", &packet, Skb::marked(OK)).0, DROP, "slot 0");
    assert_eq!(rig.run("uplink_out", &packet, Skb::marked(OK | 1)).0, DROP, "the plan is no device");
    assert_eq!(rig.run("uplink_out", &packet, Skb::marked(OK | 77)).0, DROP, "an empty slot");
    assert!(rig.meter.reading(Slot(0)).is_err());
    assert!(rig.meter.reading(Slot(4096)).is_err());
}

fn heard(rig: &Rig) -> Vec<MeterEvent> {
    let mut events = rig.meter.events().unwrap();
    std::iter::from_fn(|| events.try_next()).collect()
}

#[tokio::test]
async fn low_is_said_once_for_each_mark() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes();
    let low = |bytes| AccountOrder { low: Bytes(bytes), ..granted(1 << 40, Slot::PLAN) };
    rig.set(PERSON, low(50_500));
    rig.programs.run("uplink_out", &packet, Skb::marked(OK | DEVICE.0), 50);
    assert_eq!(heard(&rig), [], "not there yet");
    rig.programs.run("uplink_out", &packet, Skb::marked(OK | DEVICE.0), 500);
    let event = MeterEvent { slot: PERSON, kind: MeterEventKind::Low };
    assert_eq!(heard(&rig), [event]);
    rig.set(PERSON, low(551_000)); // reached exactly by the next packet
    rig.programs.run("uplink_out", &packet, Skb::marked(OK | DEVICE.0), 500);
    assert_eq!(heard(&rig), [event]);

    // The plan is told on both its ways, downloads being charged as they come in.
    rig.set(Slot::PLAN, AccountOrder { low: Bytes(1_050_500), ..granted(1 << 40, Slot(0)) });
    rig.programs.run("uplink_in", &Packet::down(948).bytes(), Skb::default(), 100);
    assert_eq!(heard(&rig), [MeterEvent { slot: Slot::PLAN, kind: MeterEventKind::Low }]);
}

#[tokio::test]
async fn a_refused_packet_that_crosses_the_mark_does_not_say_low() {
    let rig = Rig::new();
    rig.set(PERSON, AccountOrder { low: Bytes(950), ..last(990, Slot::PLAN) });
    let event = |kind| MeterEvent { slot: PERSON, kind };
    assert_eq!(rig.up(&Packet::up(948).bytes()), DROP);
    assert_eq!(heard(&rig), [event(MeterEventKind::Refused { last: true })]);
    assert_eq!(rig.up(&Packet::up(930).bytes()), PASS);
    assert_eq!(heard(&rig), [event(MeterEventKind::Low)]);
}

#[tokio::test]
async fn a_refusal_is_said_once_until_it_is_answered() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes();
    let flood = || rig.programs.run("uplink_out", &packet, Skb::marked(OK | DEVICE.0), 1000);
    let refused = |slot, last| MeterEvent { slot, kind: MeterEventKind::Refused { last } };
    rig.set(PERSON, granted(5000, Slot::PLAN));
    flood();
    assert_eq!(heard(&rig), [refused(PERSON, false)], "more could be granted");
    rig.set(PERSON, last(9000, Slot::PLAN));
    flood();
    flood();
    assert_eq!(heard(&rig), [refused(PERSON, true)], "it was the last grant");
    rig.set(PERSON, granted(1 << 40, Slot::PLAN));
    rig.set(Slot::PLAN, last(9500, Slot(0)));
    flood();
    assert_eq!(heard(&rig), [refused(Slot::PLAN, true)]);

    // Billed beyond the grant: said too, though the packet passes.
    rig.set(Slot::PLAN, granted(9500, Slot(0)));
    rig.programs.run("uplink_in", &Packet::down(948).bytes(), Skb::default(), 10);
    assert_eq!(heard(&rig), [refused(Slot::PLAN, false)]);
}

#[tokio::test]
async fn news_wakes_who_waits() {
    let rig = Rig::new();
    rig.set(PERSON, last(0, Slot::PLAN));
    let mut events = rig.meter.events().unwrap();
    for _ in 0..3 {
        let wait = tokio::time::timeout(std::time::Duration::from_secs(5), events.next());
        let (event, ()) = tokio::join!(wait, async {
            tokio::task::yield_now().await;
            rig.up(&Packet::up(1).bytes());
        });
        assert_eq!(event.unwrap().unwrap().slot, PERSON);
        rig.set(PERSON, last(0, Slot::PLAN));
    }
}

#[test]
fn near_its_end_the_plan_glides() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes();
    let flood = |n| rig.programs.run("uplink_out", &packet, Skb::marked(OK | DEVICE.0), n);
    let used = || rig.reading(Slot::PLAN).up.0;
    let plan = |left: u64, later| AccountOrder {
        glide: true,
        later: Bytes(later),
        ..granted(used() + left - later, Slot(0))
    };

    // 10 MB left: 10 MB a second, and 100 ms of it at once.
    rig.set(Slot::PLAN, plan(10_000_000, 0));
    let begun = std::time::Instant::now();
    flood(4_000);
    let most = 10_000_000.0 * (begun.elapsed().as_secs_f64() + 0.100) + 2_000.0;
    let passed = rig.reading(Slot::PLAN).up.0;
    assert!(passed >= 900_000, "the burst passes: {passed}");
    assert!((passed as f64) <= most, "{passed} of at most {most}");
    assert!(rig.reason(Reason::GlideUp) > 1000);

    // Both directions share the rate: what went up is missing down. (At the slowest rate, 512 KiB a second,
    // a packet takes its place for 2 ms: on a busy machine it may be free again.)
    rig.set(Slot::PLAN, plan(100_000, 0));
    let crowded_out = |_| {
        flood(90);
        rig.down(&Packet::down(948).bytes()) == DROP
    };
    assert!((0..10).any(crowded_out));
    assert_eq!(rig.reason(Reason::GlideDown), 1);

    // What is left counts `later` too; with much left there is no glide, nor without a cap.
    for order in [
        plan(3 << 30, 0),
        plan(3 << 30, 2 << 30),
        AccountOrder { glide: true, ..granted(used() + 5_000_000, Slot(0)) },
        AccountOrder { glide: false, ..plan(5_000_000, 0) },
    ] {
        let before = used();
        rig.set(Slot::PLAN, order);
        flood(1_000);
        assert_eq!(used() - before, 1_000_000, "{order:?}");
    }

    // However slow, one packet always passes: after a while of silence, a whole big one.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let before = used();
    rig.set(Slot::PLAN, plan(3_000, 0));
    assert_eq!(rig.up(&packet), PASS);
    assert_eq!(used() - before, 1000);
}

#[test]
fn lowering_a_grant_and_wild_orders_never_open_a_gap() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes();
    assert_eq!(rig.up(&packet), PASS);
    rig.set(PERSON, last(500, Slot::PLAN)); // below what is spent
    assert_eq!(rig.up(&packet), DROP);
    rig.set(PERSON, AccountOrder { reserve: Bytes(u64::MAX / 4), ..last(5000, Slot::PLAN) });
    assert_eq!(rig.up(&packet), DROP, "a reserve larger than the grant");
    rig.set(PERSON, last(2000, Slot::PLAN));
    assert_eq!([rig.up(&packet), rig.up(&packet)], [PASS, DROP]);
}

#[test]
fn a_renewal_moves_only_the_expiry() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes();
    rig.meter.renew(PERSON, just_now()).unwrap();
    assert_eq!(rig.up(&packet), DROP);
    let before = rig.reading(PERSON);
    rig.meter.renew(PERSON, now().plus_secs(5)).unwrap();
    assert_eq!(rig.reading(PERSON), before);
    assert_eq!(rig.up(&packet), PASS);
}

#[test]
fn devices_are_made_to_be_exactly_those_wanted() {
    let mut rig = Rig::new();
    let other = KnownDevice { mac: STRANGER, ip: Ipv4Addr::new(10, 77, 0, 99), slot: Slot(9), ifindex: LO };
    let moved = KnownDevice { ip: Ipv4Addr::new(10, 77, 0, 24), ..phone(LO) };
    rig.meter.ensure_devices(&[other, phone(LO)]).unwrap();
    assert_eq!(rig.meter.devices().unwrap(), [phone(LO), other]);
    rig.meter.ensure_devices(&[moved]).unwrap();
    assert_eq!(rig.meter.devices().unwrap(), [moved]);
    rig.meter.remove_device(LO, PHONE).unwrap();
    rig.meter.remove_device(LO, PHONE).unwrap();
    assert_eq!(rig.meter.devices().unwrap(), []);
    assert_eq!(rig.run("lan_in", &Packet::up(1).bytes(), Skb::default()), (PASS, 0));
}
