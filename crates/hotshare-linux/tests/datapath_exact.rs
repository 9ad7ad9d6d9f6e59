//! Two CPUs on one account while grants are raised: what passes is what was granted, to the byte. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "a test may sleep")]

mod datapath_support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use datapath_support::packet::Packet;
use datapath_support::*;
use hotshare_core::meter::AccountOrder;
use hotshare_core::units::{Bytes, Slot};

const PACKETS: u32 = 1_000_000;
const SIZE: u64 = 1500;

/// Each thread runs its program a million times, in turns short enough to mix.
fn charge(rig: &Rig, program: &'static str, mark: u32) {
    let packet = match program {
        "uplink_out" => Packet::up(1448),
        _ => Packet::down(1448),
    };
    let packet = packet.bytes();
    assert_eq!(packet.len() as u64 - 14, SIZE);
    for _ in 0..100 {
        rig.programs.run(program, &packet, Skb::marked(mark), PACKETS / 100);
    }
}

/// Raises a grant in uneven steps while `busy`, and says what it ended with.
fn raise(rig: &Rig, slot: Slot, parent: Slot, end: u64, busy: &AtomicBool) {
    let mut total = 0;
    while busy.load(Ordering::Relaxed) && total < end {
        total = (total + 7_654_321).min(end);
        let reading = rig.meter.set_account(slot, &granted(total, parent)).unwrap();
        // Never, at any moment, is more forwarded than what has been granted by now.
        assert!(reading.used() <= Bytes(total), "{reading:?}");
        thread::sleep(Duration::from_micros(300));
    }
    rig.set(slot, last(end, parent));
}

#[test]
fn two_cpus_never_pass_more_than_is_granted_and_leave_less_than_a_packet() {
    let rig = Rig::new();
    let end = 1_000_000_007; // a third of what is tried
    let busy = AtomicBool::new(true);
    rig.set(PERSON, granted(0, Slot::PLAN));
    thread::scope(|s| {
        let threads: Vec<_> = [("uplink_out", OK | DEVICE.0), ("lan_out", FROM_UPLINK)]
            .into_iter()
            .map(|(program, mark)| {
                s.spawn({
                    let rig = &rig;
                    move || charge(rig, program, mark)
                })
            })
            .collect();
        s.spawn(|| raise(&rig, PERSON, Slot::PLAN, end, &busy));
        for t in threads {
            t.join().unwrap();
        }
        busy.store(false, Ordering::Relaxed);
    });
    // The raising may have ended after the packets: what is left is then taken by these.
    charge(&rig, "uplink_out", OK | DEVICE.0);

    let person = rig.reading(PERSON);
    let tried = 3 * u64::from(PACKETS) * SIZE;
    assert_eq!(person.spent, person.used(), "every refund came back");
    assert_eq!(person.used(), Bytes(end / SIZE * SIZE), "all whole packets that fit, and no other");
    assert_eq!(person.used() + person.refused_up + person.refused_down, Bytes(tried), "each byte once");
    let (device, plan) = (rig.reading(DEVICE), rig.reading(Slot::PLAN));
    assert_eq!((device.up, device.down), (person.up, person.down));
    assert_eq!((plan.up, plan.spent), (person.up, person.up), "downloads are charged on the other side");
}

#[test]
fn two_people_share_a_plan_to_the_byte() {
    let rig = Rig::new();
    let (person, device) = (Slot(4), Slot(5));
    rig.set(person, granted(1 << 40, Slot::PLAN));
    rig.set(device, counts_only(person));
    let (end, reserve) = (900_000_001, 1_000_000);
    let busy = AtomicBool::new(true);
    rig.set(Slot::PLAN, granted(0, Slot(0)));
    thread::scope(|s| {
        let threads: Vec<_> = [DEVICE, device]
            .into_iter()
            .map(|d| {
                s.spawn({
                    let rig = &rig;
                    move || charge(rig, "uplink_out", OK | d.0)
                })
            })
            .collect();
        // Half-way it turns out to be the last grant, of which a reserve must stay.
        s.spawn(|| {
            raise(&rig, Slot::PLAN, Slot(0), end / 2, &busy);
            rig.set(Slot::PLAN, AccountOrder { reserve: Bytes(reserve), ..last(end, Slot(0)) });
        });
        for t in threads {
            t.join().unwrap();
        }
        busy.store(false, Ordering::Relaxed);
    });
    charge(&rig, "uplink_out", OK | device.0);
    let plan = rig.reading(Slot::PLAN);
    assert_eq!(plan.up, Bytes((end - reserve) / SIZE * SIZE), "the reserve stays, no packet more");
    assert_eq!(plan.up, plan.spent);
    let people = [rig.reading(PERSON), rig.reading(person)];
    assert_eq!(people[0].up + people[1].up, plan.up);
    for p in people {
        assert_eq!(p.up, p.spent, "who was refused by the plan got the bytes back");
    }
}
