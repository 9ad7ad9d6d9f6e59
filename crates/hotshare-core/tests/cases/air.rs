//! Random lives on the air: stations come with any key and any address, keys change hands, the daemon is
//! killed anywhere; and nobody ever pays for somebody else's key.

use hotshare_core::ask::Ask;
use hotshare_core::brain::Event;
use hotshare_core::keys::{KeyId, Passphrase};
use hotshare_core::people::{Allowance, Every};
use hotshare_core::radio::{Mode, StationSeen};
use hotshare_core::units::{Account, Bytes, PersonId};
use proptest::prelude::*;

use crate::MIB;
use crate::world::{World, mac, name};

#[derive(Clone, Debug)]
enum Op {
    /// A station associates with the newest key of one of two people.
    Join(u8, bool),
    Leave(u8),
    Lease(u8),
    Traffic(u8, u16),
    Rotate(bool),
    Revoke(bool),
    Limit(bool, u32),
    Wrong(u8),
    Pass(u32),
    Commit(bool),
    Patient(bool),
    Kill(bool),
    Cut(bool),
    Fuse(u32, bool),
    /// hostapd was started anew.
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let device = || 1u8..4;
    prop_oneof![
        6 => (device(), any::<bool>()).prop_map(|(device, ben)| Op::Join(device, ben)),
        3 => device().prop_map(Op::Leave),
        3 => device().prop_map(Op::Lease),
        8 => (device(), 1u16..500).prop_map(|(device, packets)| Op::Traffic(device, packets)),
        2 => any::<bool>().prop_map(Op::Rotate),
        1 => any::<bool>().prop_map(Op::Revoke),
        1 => (any::<bool>(), 0u32..3).prop_map(|(ben, limit)| Op::Limit(ben, limit)),
        1 => device().prop_map(Op::Wrong),
        3 => (1u32..90_000).prop_map(Op::Pass),
        4 => prop::bool::weighted(0.9).prop_map(Op::Commit),
        2 => any::<bool>().prop_map(Op::Patient),
        2 => any::<bool>().prop_map(Op::Kill),
        1 => any::<bool>().prop_map(Op::Cut),
        2 => (1u32..40, any::<bool>()).prop_map(|(after, reached)| Op::Fuse(after, reached)),
        1 => Just(Op::Restart),
    ]
}

fn who(ben: bool) -> hotshare_core::people::PersonName {
    name(if ben { "ben" } else { "anna" })
}

/// The key that opens the door now, as hostapd was told.
fn key_in_force(world: &World, ben: bool) -> Option<KeyId> {
    let whose = PersonId(if ben { 2 } else { 1 });
    world.radio.keys.keys().copied().rfind(|key| world.owner_of(*key) == Some(whose))
}

/// hostapd says who is on the air.
fn snapshot(world: &mut World, on_air: &[(u8, KeyId, u32)]) {
    let seen =
        on_air.iter().map(|(n, key, port)| StationSeen { mac: mac(*n), key: Some(*key), port: Some(*port) });
    world.tell(Event::Stations(seen.collect()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whoever_joins_with_whatever_address_spends_what_is_the_keys(ops in prop::collection::vec(op(), 1..80)) {
        let mut world = World::new();
        world.kill(true);
        world.wifi = Some(Mode::People);
        world.start();
        let total = Allowance::Limited { bytes: Bytes::mib(20), every: Every::Total };
        let mut made = 0;
        let mut fresh = || {
            made += 1;
            Passphrase::new(&format!("passphrase-{made}")).expect("good")
        };
        for ben in [false, true] {
            world.ask(Ask::PersonAdd { name: who(ben), allowance: total });
            world.ask(Ask::Invite { name: who(ben), fresh: fresh(), until: None });
        }
        let mut on_air: Vec<(u8, KeyId, u32)> = Vec::new();
        let mut port = 100;
        for op in ops {
            match op {
                Op::Join(device, ben) => {
                    if let Some(key) = key_in_force(&world, ben)
                        && !world.radio.denied.contains(&mac(device))
                        && let Some(whose) = world.owner_of(key)
                    {
                        port += 1;
                        on_air.retain(|(n, ..)| *n != device);
                        on_air.push((device, key, port));
                        // On the air from this moment, whenever the daemon hears of it.
                        world.air.insert(mac(device), (port, whose));
                        world.packet(device, true, 1500);
                        snapshot(&mut world, &on_air);
                    }
                }
                Op::Leave(device) => {
                    on_air.retain(|(n, ..)| *n != device);
                    world.air.remove(&mac(device));
                    snapshot(&mut world, &on_air);
                }
                Op::Lease(device) => world.arrive(device),
                Op::Traffic(device, packets) => {
                    for n in 0..packets {
                        world.packet(device, n % 3 == 0, 9000);
                    }
                }
                Op::Rotate(ben) => drop(world.ask_later(Ask::KeyRotate { name: who(ben), fresh: fresh(), until: None })),
                Op::Revoke(ben) => drop(world.ask_later(Ask::KeyRevoke { name: who(ben) })),
                Op::Limit(ben, limit) => {
                    let limit = (limit > 0).then_some(limit);
                    world.ask_later(Ask::DeviceLimit { name: who(ben), limit });
                }
                Op::Wrong(device) => world.tell(Event::WrongKey(mac(device))),
                Op::Pass(ms) => world.pass(u64::from(ms)),
                Op::Commit(works) => world.commit(works),
                Op::Patient(patient) => {
                    world.patient = patient;
                    if !patient {
                        world.commit(true);
                    }
                }
                Op::Kill(reached) => {
                    world.kill(reached);
                    world.start();
                    snapshot(&mut world, &on_air);
                }
                Op::Cut(reached) => {
                    on_air.clear();
                    world.air.clear();
                    world.cut_power(reached);
                    world.start();
                }
                Op::Fuse(after, reached) => world.fuse = Some((after, reached)),
                Op::Restart => {
                    on_air.clear();
                    world.air.clear();
                    snapshot(&mut world, &on_air);
                }
            }
            // Who was kicked is off the air.
            on_air.retain(|(n, ..)| world.air.contains_key(&mac(*n)));
            if world.brain.is_none() {
                for n in 0..90u8 {
                    world.packet(n % 3 + 1, n % 2 == 0, 9000);
                }
                world.start();
                snapshot(&mut world, &on_air);
            }
            for person in [PersonId(1), PersonId(2)] {
                let forwarded = world.truth.forwarded.get(&person).copied().unwrap_or(0);
                prop_assert!(forwarded <= 20 * MIB);
                prop_assert!(world.recorded(Account::Person(person)) >= forwarded as i64);
            }
        }
    }
}
