//! Stations come, go, change hands and lie.

use hotshare_core::ask::{Answer, Ask, Refusal};
use hotshare_core::book::FIRST_DEVICE;
use hotshare_core::brain::Event;
use hotshare_core::people::{Allowance, Claim, Device, Every, Person};
use hotshare_core::record::Change;
use hotshare_core::units::{Account, Bytes, Mac, PersonId, Slot, UnixTime};

use crate::world::{Fate, START, World, ip, mac, name};
use crate::{MIB, download, month};

const ANNA: PersonId = PersonId(1);
const BEN: PersonId = PersonId(2);

fn assign(world: &mut World, device: u8, who: &str) -> Answer {
    world.ask(Ask::DeviceAssign { mac: mac(device), person: name(who) })
}

#[test]
fn a_device_that_changes_hands_takes_no_byte_along() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    world.person("ben", month(100), 2);
    download(&mut world, 1, 3 * MIB);
    world.patient = true;
    world.ask_later(Ask::DeviceAssign { mac: mac(1), person: name("ben") });
    // The disk is slow: until it is written the device is still Anna's.
    let meanwhile = download(&mut world, 1, 300_000);
    assert_eq!(meanwhile, 300_000);
    world.patient = false;
    world.commit(true);
    assert_eq!(download(&mut world, 1, 450_000), 450_000);
    // A minute is over when the old slot has just rested: booked once all the same.
    world.boot_on(60_000);
    world.tell(Event::Tick);
    world.pass(3000);
    for person in [ANNA, BEN] {
        assert_eq!(world.booked(mac(1), person), world.truth.by_device[&(mac(1), person)], "{person:?}");
    }
    assert_eq!(world.truth.by_device[&(mac(1), BEN)], 450_000);
}

#[test]
fn nothing_passes_while_a_removal_is_written() {
    for reached in [false, true] {
        let mut world = World::new();
        world.person("anna", month(100), 1);
        let got = download(&mut world, 1, 3 * MIB);
        world.patient = true;
        world.ask_later(Ask::PersonRemove { name: name("anna") });
        assert_eq!(world.packet(1, true, 1500), Fate::Closed);
        world.commit(reached);
        world.patient = false;
        world.commit(true);
        if reached {
            assert_eq!(world.recorded(Account::Person(ANNA)), got as i64);
            assert_eq!(world.packet(1, true, 1500), Fate::Closed);
        } else {
            assert_eq!(world.packet(1, true, 1500), Fate::Forwarded, "nothing was changed");
        }
    }
}

#[test]
fn who_comes_after_somebody_removed_begins_at_nothing() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    download(&mut world, 1, 30 * MIB);
    world.ask(Ask::PersonRemove { name: name("anna") });
    world.pass(3000);
    world.person("anna", month(5), 1);
    let status = world.status();
    assert_eq!((status.people[0].down, status.people[0].recorded), (Bytes(0), Bytes(5 * MIB / 16)));
    let got = download(&mut world, 1, 1 << 40);
    assert!(got <= 5 * MIB && got + 1500 > 5 * MIB, "{got}");
    assert_eq!(world.status().plan.delivered.0, world.truth.billed - 1500);
}

#[test]
fn an_address_is_never_two_stations_whatever_order_the_news_comes_in() {
    for ended_first in [false, true] {
        let mut world = World::new();
        world.person("anna", month(100), 1);
        world.person("ben", month(100), 2);
        if ended_first {
            world.tell(Event::LeaseEnded(mac(1)));
        }
        // The world itself checks that no address is two stations'.
        world.lease(mac(2), ip(1));
        world.tell(Event::LeaseEnded(mac(1)));
        assert_eq!(world.addresses.get(&mac(2)), Some(&ip(1)));
        assert_eq!(world.addresses.get(&mac(1)), None);
        // And two that change places.
        world.arrive(3);
        assign(&mut world, 3, "anna");
        world.patient = true;
        world.lease(mac(3), ip(9));
        world.lease(mac(2), ip(3));
        world.lease(mac(3), ip(1));
        world.patient = false;
        world.commit(true);
        assert_eq!(world.packet(2, true, 100), Fate::Forwarded);
        assert_eq!(world.packet(3, true, 100), Fate::Forwarded);
    }
}

#[test]
fn a_lease_that_ends_before_it_is_written_ends() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    world.tell(Event::LeaseEnded(mac(1)));
    world.patient = true;
    world.arrive(1);
    world.tell(Event::LeaseEnded(mac(1)));
    world.patient = false;
    world.commit(true);
    world.tell(Event::Tick);
    assert!(world.book.leases.is_empty());
    // Nor is the end of one forgotten because the disk was full.
    world.arrive(1);
    world.patient = true;
    world.tell(Event::LeaseEnded(mac(1)));
    world.commit(false);
    world.patient = false;
    world.commit(false);
    world.pass(3000);
    assert!(world.book.leases.is_empty());
}

#[test]
fn strangers_go_to_the_default_person_as_soon_as_there_is_one() {
    let mut world = World::new();
    world.kill(true);
    world.default_person = Some(name("guests"));
    world.start();
    world.arrive(1);
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    world.ask(Ask::PersonAdd { name: name("guests"), allowance: month(10) });
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
    world.arrive(2);
    assert_eq!(world.packet(2, true, 100), Fate::Forwarded);
    world.ask(Ask::PersonRemove { name: name("guests") });
    assert_eq!(world.packet(2, true, 100), Fate::Closed);
    world.ask(Ask::PersonAdd { name: name("guests"), allowance: month(10) });
    assert_eq!(world.packet(2, true, 100), Fate::Forwarded);
}

#[test]
fn stations_that_invent_addresses_fill_nothing() {
    for default in [None, Some(name("guests"))] {
        let mut world = World::new();
        world.kill(true);
        world.default_person = default;
        world.start();
        world.ask(Ask::PersonAdd { name: name("guests"), allowance: month(10) });
        for n in 0..3000u16 {
            let [high, low] = n.to_be_bytes();
            world.lease(Mac([2, 9, 9, 9, high, low]), ip(low % 200 + 2));
        }
        assert!(world.book.devices.len() <= 1024 + 1, "{}", world.book.devices.len());
        assert!(world.book.leases.len() <= 200);
        let slots = world.book.devices.values().filter(|d| d.slot.is_some()).count();
        assert!(slots <= 200, "{slots}");
    }
}

#[test]
fn when_all_accounts_are_in_use_the_next_is_refused() {
    let mut world = World::new();
    world.kill(true);
    let person = |n: u32| {
        Person::new(PersonId(n), name(&format!("p{n}")), Allowance::Unlimited, Slot(n + 1), UnixTime(START))
    };
    let most = FIRST_DEVICE - 2;
    world.keep((1..=most).map(|n| Change::Person(person(n))).collect());
    let device = |n: u32| {
        let [_, high, mid, low] = n.to_be_bytes();
        let (mac, slot) = (Mac([2, 9, 9, high, mid, low]), Some(Slot(n)));
        let person = Some(PersonId(1));
        Change::Device(Device {
            mac,
            person,
            blocked: false,
            wireless: false,
            slot,
            host_name: None,
            first_seen: UnixTime(START),
            claim: None,
        })
    };
    world.keep((FIRST_DEVICE..Slot::COUNT - 1).map(device).collect());
    world.start();
    let full = world.ask(Ask::PersonAdd { name: name("anna"), allowance: month(1) });
    assert_eq!(full, Answer::Refused(Refusal::Full(most)));
    world.arrive(1);
    assert_eq!(assign(&mut world, 1, "p1"), Answer::Done);
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
    world.arrive(2);
    assert_eq!(assign(&mut world, 2, "p1"), Answer::Refused(Refusal::Full(FIRST_DEVICE)));
    // Changing hands works with all of them in use.
    assert_eq!(assign(&mut world, 1, "p2"), Answer::Done);
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
    world.ask(Ask::DeviceForget { mac: mac(1) });
    world.pass(3000);
    assert_eq!(assign(&mut world, 2, "p1"), Answer::Done);
    assert_eq!(world.packet(2, true, 100), Fate::Forwarded);
}

#[test]
fn a_person_never_spends_what_a_device_counted_in_the_slot_before() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    download(&mut world, 1, 30 * MIB);
    world.tell(Event::LeaseEnded(mac(1)));
    world.pass(5000);
    world.person("ben", month(5), 2);
    let got = download(&mut world, 2, 1 << 40);
    assert!(got <= 5 * MIB, "{got}");
}

#[test]
fn two_devices_share_an_allowance_and_a_blocked_one_holds_none() {
    let mut world = World::new();
    world.person("anna", Allowance::Limited { bytes: Bytes::mib(20), every: Every::Total }, 1);
    world.arrive(2);
    assign(&mut world, 2, "anna");
    let mut got = 0;
    while world.packet(1, false, 1500) == Fate::Forwarded && world.packet(2, true, 900) == Fate::Forwarded {
        got += 2400;
    }
    assert!(got <= 20 * MIB && got + 5000 > 20 * MIB, "{got}");
    world.ask(Ask::PersonSet { name: name("anna"), allowance: month(100) });
    for device in [1, 2] {
        world.ask(Ask::DeviceBlock { mac: mac(device), blocked: true });
    }
    world.pass(2000);
    assert_eq!(world.recorded(Account::Person(ANNA)), world.truth.forwarded[&ANNA] as i64);
}

#[test]
fn a_host_name_is_cut_and_kept_as_it_is() {
    let mut world = World::new();
    let long = "\u{202e}\u{1b}[2J\n".repeat(50);
    let leased = hotshare_core::record::Leased {
        mac: mac(1),
        ip: ip(1),
        client_id: None,
        host_name: Some(long.clone()),
        expires: UnixTime(START + 60),
    };
    world.tell(Event::Leased(hotshare_core::brain::LeaseId(1), leased));
    let kept = world.book.devices[&mac(1)].host_name.clone().unwrap_or_default();
    assert_eq!(kept, long.chars().take(64).collect::<String>());
}

#[test]
fn an_interface_that_changes_closes_the_gate_first_and_resets_nothing() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    // The world itself checks that the meter leaves no open gate.
    for (ifindex, host) in [(8, 2), (8, 3), (7, 3)] {
        world.tell(Event::Uplink(Some(crate::world::uplink(ifindex, host))));
        assert_eq!(world.packet(1, true, 1500), Fate::Forwarded);
    }
    world.tell(Event::Uplink(None));
    assert_eq!(world.packet(1, true, 1500), Fate::Closed);
    assert!(world.closed.is_empty(), "flows may wait");
    world.connect();
    assert_eq!(world.packet(1, true, 1500), Fate::Forwarded);
    let lines: Vec<_> = world.diary().into_iter().filter(|kind| *kind == "open").collect();
    assert!(lines.is_empty(), "{lines:?}");
}

fn claim(world: &mut World, device: u8, who: &str) -> Answer {
    world.ask(Ask::DeviceClaim { mac: mac(device), claim: Claim::new(who).expect("a claim") })
}

#[test]
fn a_stranger_says_who_they_are_until_they_are_somebodys() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    world.arrive(2);
    let claimed = |world: &mut World| {
        let devices = world.status().devices;
        let told = devices.iter().find(|device| device.mac == mac(2)).and_then(|device| device.claim.clone());
        told.map(|claim| claim.as_str().to_owned())
    };
    assert_eq!(claim(&mut world, 2, "Bo Müller"), Answer::Done);
    assert_eq!(claimed(&mut world).as_deref(), Some("Bo Müller"));
    assert_eq!(claim(&mut world, 2, "Bo"), Answer::Done, "a second answer takes the place of the first");
    assert_eq!(claimed(&mut world).as_deref(), Some("Bo"));
    world.kill(true);
    world.start();
    assert_eq!(claimed(&mut world).as_deref(), Some("Bo"));
    // Whose it is is the owner's word: a claim opens nothing.
    assert_eq!(world.packet(2, true, 1500), Fate::Closed);

    let refused = |answer| matches!(answer, Answer::Refused(Refusal::NotWaiting(_)));
    assert!(refused(claim(&mut world, 1, "Bo")), "somebody's already");
    let unknown = claim(&mut world, 9, "Bo");
    assert_eq!(unknown, Answer::Refused(Refusal::NoSuchDevice(mac(9))));
    world.ask(Ask::DeviceBlock { mac: mac(2), blocked: true });
    assert!(refused(claim(&mut world, 2, "Ben")), "blocked");
    world.ask(Ask::DeviceBlock { mac: mac(2), blocked: false });
    assign(&mut world, 2, "anna");
    assert_eq!(claimed(&mut world), None);
    world.ask(Ask::PersonRemove { name: name("anna") });
    assert_eq!(claimed(&mut world), None, "it was answered");
}

#[test]
fn a_flood_of_claims_is_not_a_flood_of_writing() {
    let mut world = World::new();
    world.arrive(1);
    let taken = (0..20).filter(|n| claim(&mut world, 1, &format!("n{n}")) == Answer::Done).count();
    assert_eq!(taken, 3);
    assert_eq!(claim(&mut world, 1, "n2"), Answer::Done, "the same again writes nothing");
    world.boot_on(60_000);
    assert_eq!(claim(&mut world, 1, "later"), Answer::Done);
    assert_eq!(claim(&mut world, 1, "too soon"), Answer::Refused(Refusal::TooOften));
}
