//! Stations on the air: whose they are, when they come in, and who is kept out.

use std::collections::BTreeSet;

use hotshare_core::ask::{Admission, Answer, Ask, KeyTold, Refusal, WhyDenied, WifiStatus};
use hotshare_core::brain::Event;
use hotshare_core::keys::{KeyId, Passphrase};
use hotshare_core::radio::{Cost, Mode, StationSeen};
use hotshare_core::units::{Bytes, Mac, PersonId, UnixTime};

use crate::world::{Fate, START, World, ip, mac, name};
use crate::{MIB, download, month};

const ANNA: PersonId = PersonId(1);
const BEN: PersonId = PersonId(2);

fn on_air(mode: Mode) -> World {
    let mut world = World::new();
    world.kill(true);
    world.wifi = Some(mode);
    world.start();
    world
}

fn words(n: u8) -> Passphrase {
    Passphrase::new(&format!("some-words-number-{n}")).expect("good")
}

fn told(answer: Answer) -> KeyTold {
    match answer {
        Answer::Key(told) => told,
        other => panic!("{other:?}"),
    }
}

/// Adds somebody with a key; the key's number.
fn invite(world: &mut World, who: &str, n: u8) -> KeyId {
    assert_eq!(world.ask(Ask::PersonAdd { name: name(who), allowance: month(100) }), Answer::Done);
    told(world.ask(Ask::Invite { name: name(who), fresh: words(n), until: None }));
    *world.radio.keys.iter().find(|(_, key)| **key == words(n)).expect("in force").0
}

fn station(n: u8, key: Option<KeyId>, port: u32) -> StationSeen {
    StationSeen { mac: mac(n), key, port: Some(port) }
}

/// hostapd's snapshot; what it says of keys is true.
fn hear(world: &mut World, seen: Vec<StationSeen>) {
    world.air = seen
        .iter()
        .map(|s| {
            let whose = s.key.and_then(|key| world.owner_of(key)).unwrap_or(ANNA);
            (s.mac, (s.port.unwrap_or_default(), whose))
        })
        .collect();
    world.tell(Event::Stations(seen));
}

fn wifi(world: &mut World) -> WifiStatus {
    match world.ask(Ask::Wifi) {
        Answer::Wifi(status) => *status,
        other => panic!("{other:?}"),
    }
}

fn admission(world: &mut World, n: u8) -> Option<Admission> {
    wifi(world).stations.iter().find(|s| s.mac == mac(n)).map(|s| s.admission)
}

#[test]
fn the_key_says_whose_a_station_is_and_it_comes_in_when_that_is_written() {
    let mut world = on_air(Mode::People);
    let (anna, ben) = (invite(&mut world, "anna", 1), invite(&mut world, "ben", 2));
    world.patient = true;
    hear(&mut world, vec![station(1, Some(anna), 100)]);
    assert_eq!(admission(&mut world, 1), Some(Admission::Waiting));
    assert!(world.radio.admitted.is_empty(), "outside until it is written");
    world.commit(true);
    world.patient = false;
    assert_eq!(world.radio.admitted.get(&mac(1)), Some(&100));
    world.arrive(1);
    assert_eq!(download(&mut world, 1, 3_000_000), 3_000_000);
    // A random address of the next day, on the same key, and somebody else.
    hear(&mut world, vec![station(2, Some(anna), 101), station(3, Some(ben), 102)]);
    world.arrive(2);
    world.arrive(3);
    download(&mut world, 2, 2 * MIB);
    download(&mut world, 3, MIB);
    world.pass(61_000);
    assert_eq!(world.booked(mac(1), ANNA) + world.booked(mac(2), ANNA), world.truth.forwarded[&ANNA]);
    assert_eq!(world.booked(mac(3), BEN), world.truth.forwarded[&BEN]);
    assert_eq!(world.packet(1, true, 100), Fate::Closed, "off the air");
}

#[test]
fn who_clones_an_address_spends_their_own() {
    let mut world = on_air(Mode::People);
    let (anna, ben) = (invite(&mut world, "anna", 1), invite(&mut world, "ben", 2));
    hear(&mut world, vec![station(1, Some(anna), 100)]);
    world.arrive(1);
    download(&mut world, 1, 3_000_000);
    // Anna leaves; Ben comes with her address, and sends before anything is written.
    world.patient = true;
    hear(&mut world, vec![station(1, Some(ben), 101)]);
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    assert!(world.radio.admitted.is_empty());
    world.patient = false;
    world.commit(true);
    world.tell(Event::Tick);
    assert_eq!(world.radio.admitted.get(&mac(1)), Some(&101));
    assert_eq!(download(&mut world, 1, 1_500_000), 1_500_000);
    world.pass(65_000);
    assert_eq!(world.booked(mac(1), ANNA), 3_000_000);
    assert_eq!(world.booked(mac(1), BEN), 1_500_000);
}

#[test]
fn the_same_station_again_is_in_at_once_and_keeps_its_address() {
    let mut world = on_air(Mode::People);
    let anna = invite(&mut world, "anna", 1);
    hear(&mut world, vec![station(1, Some(anna), 100)]);
    world.arrive(1);
    hear(&mut world, Vec::new());
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    let commits = world.commits;
    world.patient = true;
    hear(&mut world, vec![station(1, Some(anna), 107)]);
    assert_eq!(world.radio.admitted.get(&mac(1)), Some(&107), "nothing has to be written ({commits})");
    world.patient = false;
    world.commit(true);
    world.tell(Event::Tick);
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
}

#[test]
fn a_revoked_key_sends_its_stations_away_and_nobody_else() {
    let mut world = on_air(Mode::People);
    let (anna, ben) = (invite(&mut world, "anna", 1), invite(&mut world, "ben", 2));
    hear(&mut world, vec![station(1, Some(anna), 100), station(2, Some(ben), 101)]);
    world.arrive(1);
    world.arrive(2);
    assert_eq!(world.ask(Ask::KeyRevoke { name: name("anna") }), Answer::Done);
    assert_eq!(world.radio.keys.keys().copied().collect::<Vec<_>>(), [ben]);
    assert_eq!(world.kicked, [mac(1)]);
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    assert_eq!(world.packet(2, true, 100), Fate::Forwarded);
    let none = world.ask(Ask::KeyRevoke { name: name("anna") });
    assert_eq!(none, Answer::Refused(Refusal::NoKey(name("anna"))));
    // The number is never given again, and what hostapd still says of the old key opens nothing.
    told(world.ask(Ask::Invite { name: name("anna"), fresh: words(9), until: None }));
    hear(&mut world, vec![station(1, Some(anna), 103), station(2, Some(ben), 101)]);
    assert_eq!(admission(&mut world, 1), Some(Admission::KeyGone));
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
}

#[test]
fn another_key_ends_the_old_one_and_asking_again_shows_the_same() {
    let mut world = on_air(Mode::People);
    let first = invite(&mut world, "anna", 1);
    let again = told(world.ask(Ask::Invite { name: name("anna"), fresh: words(5), until: None }));
    assert_eq!(again.passphrase, words(1), "the key that is there");
    let other = told(world.ask(Ask::KeyRotate { name: name("anna"), fresh: words(2), until: None }));
    assert_eq!(other.passphrase, words(2));
    assert!(!world.radio.keys.contains_key(&first));
    assert_eq!(world.radio.keys.values().collect::<Vec<_>>(), [&words(2)]);
    assert_eq!(world.ask(Ask::PersonRemove { name: name("anna") }), Answer::Done);
    assert!(world.radio.keys.is_empty());
}

#[test]
fn a_key_ends_when_it_was_said_to() {
    let mut world = on_air(Mode::People);
    let anna = invite(&mut world, "anna", 1);
    let past = world.ask(Ask::Invite {
        name: name("anna"),
        fresh: words(2),
        until: Some(Some(UnixTime(START - 1))),
    });
    assert_eq!(past, Answer::Refused(Refusal::EndsInThePast));
    let until = Some(UnixTime(world.wall + 30));
    let key = told(world.ask(Ask::Invite { name: name("anna"), fresh: words(2), until: Some(until) }));
    assert_eq!((key.until, key.passphrase), (until, words(1)));
    hear(&mut world, vec![station(1, Some(anna), 100)]);
    world.arrive(1);
    world.pass(28_000);
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
    world.pass(3000);
    assert!(world.radio.keys.is_empty());
    assert_eq!((world.packet(1, true, 100), world.kicked.clone()), (Fate::Closed, vec![mac(1)]));
}

#[test]
fn a_station_too_many_is_refused_with_the_reason() {
    let mut world = on_air(Mode::People);
    let anna = invite(&mut world, "anna", 1);
    assert_eq!(world.ask(Ask::DeviceLimit { name: name("anna"), limit: Some(2) }), Answer::Done);
    let all: Vec<StationSeen> = (1..=3).map(|n| station(n, Some(anna), 100 + u32::from(n))).collect();
    hear(&mut world, all[..2].to_vec());
    hear(&mut world, all.clone());
    assert_eq!(world.radio.admitted.len(), 2);
    assert_eq!(world.kicked, [mac(3)]);
    assert_eq!(world.radio.denied, BTreeSet::from([mac(3)]));
    let status = wifi(&mut world);
    assert_eq!(status.denied[0].why, WhyDenied::TooManyDevices { limit: 2 });
    hear(&mut world, all[..1].to_vec());
    assert!(world.radio.denied.is_empty(), "there is room: it may come");
    hear(&mut world, vec![all[0], all[2]]);
    assert_eq!(world.radio.admitted.keys().copied().collect::<Vec<_>>(), [mac(1), mac(3)]);
    hear(&mut world, vec![all[0], all[1], all[2]]);
    assert_eq!(world.radio.denied, BTreeSet::from([mac(2)]));
    world.ask(Ask::DeviceLimit { name: name("anna"), limit: None });
    assert!(world.radio.denied.is_empty());
    assert!(world.diary().contains(&"too-many-devices"));
}

#[test]
fn wrong_passphrases_cost_time_and_the_wait_ends() {
    let mut world = on_air(Mode::People);
    for attempt in 1..=3 {
        for _ in 0..4 {
            assert!(!world.radio.denied.contains(&mac(7)) || attempt == 3);
            world.tell(Event::WrongKey(mac(7)));
            world.pass(1000);
        }
    }
    assert!(world.radio.denied.contains(&mac(7)));
    let status = wifi(&mut world);
    assert_eq!((status.wrong_keys, status.denied[0].why), (3, WhyDenied::WrongKey { attempts: 3 }));
    world.pass(31_000);
    assert!(world.radio.denied.is_empty());
    // As many stations as an attacker cares to be: what is remembered is bounded.
    for n in 0..2000_u32 {
        let [_, _, high, low] = n.to_be_bytes();
        for _ in 0..9 {
            world.tell(Event::WrongKey(Mac([2, 1, 1, 1, high, low])));
        }
    }
    assert!(world.radio.denied.len() <= 256);
}

#[test]
fn without_personal_keys_the_owner_says_who_is_who() {
    let mut world = on_air(Mode::Sealed);
    assert_eq!(world.ask(Ask::PersonAdd { name: name("anna"), allowance: month(100) }), Answer::Done);
    let refused = world.ask(Ask::Invite { name: name("anna"), fresh: words(1), until: None });
    assert_eq!(refused, Answer::Refused(Refusal::NotPersonal(Mode::Sealed)));
    let key = told(world.ask(Ask::NetworkKey { fresh: words(1), rotate: false }));
    assert_eq!(world.radio.network_key, Some(key.passphrase));
    hear(&mut world, vec![station(1, None, 100)]);
    world.arrive(1);
    assert_eq!(world.radio.admitted.get(&mac(1)), Some(&100), "it must reach the portal");
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    assert_eq!(world.ask(Ask::DeviceAssign { mac: mac(1), person: name("anna") }), Answer::Done);
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
    hear(&mut world, Vec::new());
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
}

#[test]
fn a_device_on_the_air_is_whose_key_it_has_not_whom_the_owner_says() {
    let mut world = on_air(Mode::People);
    let anna = invite(&mut world, "anna", 1);
    invite(&mut world, "ben", 2);
    hear(&mut world, vec![station(1, Some(anna), 100)]);
    let refused = world.ask(Ask::DeviceAssign { mac: mac(1), person: name("ben") });
    assert_eq!(refused, Answer::Refused(Refusal::JoinedByKey(mac(1), name("anna"))));
}

#[test]
fn beacons_say_how_near_the_end_is() {
    use hotshare_core::ask::PlanChange;
    let mut world = on_air(Mode::People);
    let anna = invite(&mut world, "anna", 1);
    let cap = PlanChange { cap: Some(Some(Bytes(50 * MIB))), ..PlanChange::default() };
    assert_eq!(world.ask(Ask::PlanSet(cap)), Answer::Done);
    hear(&mut world, vec![station(1, Some(anna), 100)]);
    world.arrive(1);
    assert_eq!(world.radio.cost, Cost::Metered);
    download(&mut world, 1, 46 * MIB);
    world.tell(Event::Tick);
    assert_eq!(world.radio.cost, Cost::NearLimit);
    download(&mut world, 1, 40 * MIB);
    world.pass(3000);
    assert_eq!(world.radio.cost, Cost::OverLimit);
}

#[test]
fn a_killed_daemon_finds_its_keys_again_and_lets_nobody_in_before_it_knows_them() {
    let mut world = on_air(Mode::People);
    let anna = invite(&mut world, "anna", 1);
    hear(&mut world, vec![station(1, Some(anna), 100)]);
    world.lease(mac(1), ip(1));
    world.kill(true);
    world.radio = hotshare_core::radio::RadioOrders::default();
    world.start();
    assert_eq!(world.radio.keys.keys().copied().collect::<Vec<_>>(), [anna]);
    assert!(world.radio.admitted.is_empty());
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    hear(&mut world, vec![station(1, Some(anna), 100)]);
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
}
