//! Rates, packet by packet: who is too fast, when it holds, and the way through the queue. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "a test may sleep")]

mod datapath_support;

use datapath_support::packet::Packet;
use datapath_support::*;
use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::units::{Bytes, Rate, Slot};
use hotshare_linux::datapath::{QueueEnds, QueuePath, Reason};
use nix::sched::{CloneFlags, unshare};

#[test]
fn whoever_is_faster_than_a_rate_is_refused_before_anything_is_charged() {
    const RATE: u64 = 100_000; // a packet takes 10 ms, and 300 ms fit at once
    let rated = |parent| AccountOrder { rate: Some(Rate(RATE)), ..granted(1 << 40, parent) };
    for (slot, order, up, down) in [
        (PERSON, rated(Slot::PLAN), Reason::PersonRateUp, Reason::PersonRateDown),
        (Slot::PLAN, rated(Slot(0)), Reason::PlanRateUp, Reason::PlanRateDown),
    ] {
        let rig = Rig::new();
        let begun = std::time::Instant::now();
        rig.set(slot, order);
        let packet = Packet::up(948).bytes();
        let passed = (0..100).filter(|_| rig.up(&packet) == PASS).count() as u64;
        let most = (begun.elapsed().as_secs_f64() + 0.3) * RATE as f64 / 1000.0 + 2.0;
        assert!(passed >= 15 && passed as f64 <= most, "{passed} of {most}");
        for slot in [Slot::PLAN, PERSON, DEVICE] {
            let r = rig.reading(slot);
            assert_eq!((r.up, r.refused_up), (Bytes(1000 * passed), Bytes(1000 * (100 - passed))));
        }
        assert_eq!(rig.reading(PERSON).spent, Bytes(1000 * passed), "what is refused is not taken");
        assert_eq!(rig.reading(Slot::PLAN).spent, Bytes(1000 * passed));
        assert_eq!(rig.reason(up), 100 - passed);

        // Each direction by itself; and what is refused down is billed all the same.
        let packet = Packet::down(948).bytes();
        let passed = (0..100).filter(|_| rig.down(&packet) == PASS).count() as u64;
        assert!(passed >= 15, "{passed}");
        assert_eq!(rig.reason(down), 100 - passed);
        assert_eq!(rig.reading(PERSON).down, Bytes(1000 * passed));
        assert_eq!(rig.reading(Slot::PLAN).down, Bytes(100_000));
        // The box's own is not slowed.
        assert_eq!(rig.run("uplink_out", &Packet::up(948).bytes(), Skb::default()).0, PASS);
    }
}

#[test]
fn a_rate_that_changes_holds_at_once_and_a_big_packet_always_passes_in_the_end() {
    let rig = Rig::new();
    let packet = Packet::up(948).bytes();
    let rate =
        |rate: u64| rig.set(PERSON, AccountOrder { rate: Some(Rate(rate)), ..granted(1 << 40, Slot::PLAN) });
    let fill = || while rig.up(&packet) == PASS {};
    rate(10_000);
    fill();
    // What took 300 ms takes 3 now.
    rate(1_000_000);
    assert_eq!(rig.up(&packet), PASS);
    fill();
    // And 3 s now: nothing for a long time.
    rate(100_000);
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(rig.up(&packet), DROP);
    rig.set(PERSON, granted(1 << 40, Slot::PLAN));
    assert_eq!(rig.up(&packet), PASS, "no rate any more");
    // A merged packet of 60 KB at 1 byte a second.
    rate(1);
    let big = Skb { gso_size: 948, gso_segs: 60, ..Skb::marked(OK | DEVICE.0) };
    assert_eq!(rig.run("uplink_out", &packet, big).0, PASS);
    assert_eq!(rig.run("uplink_out", &packet, big).0, DROP);
    // Nonsense is the slowest there is, never none at all.
    rate(0);
    assert_eq!(rig.up(&packet), DROP);
    rate(u64::MAX);
    assert!((0..10_000).all(|_| rig.up(&packet) == PASS));
}

#[test]
fn slowed_packets_are_sent_to_the_queue_and_charged_when_they_come_back() {
    const REDIRECT: u32 = 7;
    unshare(CloneFlags::CLONE_NEWNET).unwrap(); // whose loopback interface nobody needs
    let mut rig = Rig::new();
    let (up, down) = (Packet::up(948).bytes(), Packet::down(948).bytes());
    let path = QueuePath { ends: QueueEnds { front: LO, back: LO }, uplink: LO, lan: LO };
    rig.meter.queue_through(Some(path)).unwrap();
    assert_eq!((rig.up(&up), rig.down(&down)), (PASS, PASS), "who is not slowed does not wait");
    let before = rig.reading(PERSON);
    rig.set(PERSON, AccountOrder { rate: Some(Rate(1_000_000)), ..granted(1 << 40, Slot::PLAN) });
    let both = OK | FROM_UPLINK;
    assert_eq!(rig.run("uplink_out", &up, Skb::marked(OK | DEVICE.0)), (REDIRECT, both | DEVICE.0));
    assert_eq!(rig.run("lan_out", &down, Skb::marked(FROM_UPLINK)), (REDIRECT, both));
    assert_eq!(rig.reading(PERSON), Reading { granted: Bytes(1 << 40), ..before }, "waiting is free");
    assert_eq!(rig.run("uplink_out", &up, Skb::marked(both | DEVICE.0)), (PASS, OK | DEVICE.0));
    assert_eq!(rig.run("lan_out", &down, Skb::marked(both)), (PASS, FROM_UPLINK));
    let usage = rig.reading(PERSON).since(&before);
    assert_eq!((usage.up, usage.down), (Bytes(1000), Bytes(1000)));
    // Whoever is closed does not wait either; and nothing else goes through the queue.
    rig.set(PERSON, AccountOrder { open: false, ..granted(1 << 40, Slot::PLAN) });
    assert_eq!(rig.run("uplink_out", &up, Skb::marked(OK | DEVICE.0)).0, DROP);
    for program in ["queue_in", "queue_out"] {
        assert_eq!(rig.run(program, &up, Skb::marked(both | DEVICE.0)).0, DROP);
    }
}
