//! Another data card: its plan is in before anything is connected to it.

use std::collections::{BTreeMap, BTreeSet};

use hotshare_core::ask::{Answer, Ask};
use hotshare_core::brain::{Command, Event};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::people::Allowance;
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::record::{Change, Tally};
use hotshare_core::sim::{Sim, SimSeen};
use hotshare_core::units::{Bytes, CardId};
use hotshare_core::uplink::Uplink;
use proptest::prelude::*;

use crate::world::{Fate, World, uplink};

fn read(number: &str, roaming: Option<bool>) -> SimSeen {
    SimSeen::Read(Sim { number: number.into(), roaming })
}

#[test]
fn a_card_is_connected_once_its_plan_is_in() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    let network = |name: &str| Uplink { network: Some(name.to_owned()), ..uplink(7, 2) };
    // Another interface, and the same one in other networks.
    let sim = |number, roaming| Uplink { sim: read(number, roaming), ..uplink(8, 3) };
    for other in [
        Uplink { name: "wwan1".into(), ..uplink(9, 4) },
        network("harbour"),
        network("station"),
        sim("A", Some(true)),
        sim("B", Some(false)),
        sim("A", Some(false)),
    ] {
        world.heard = Some(Vec::new());
        world.cable = Some(other.clone());
        world.tell(Event::Uplink(Some(other.clone())));
        world.pass(1000);
        let heard = world.heard.take().expect("it was listened to");
        let place = |is_it: &dyn Fn(&Command) -> bool| heard.iter().position(is_it);
        let is_in = |change: &Change| matches!(change, Change::CardIn(_));
        let posted =
            place(&|command| matches!(command, Command::Post(_, changes) if changes.iter().any(is_in)));
        let connects = |command: &Command| matches!(command, Command::Connect(Some(up)) if *up == other);
        let connected = place(&connects);
        assert!(posted.is_some() && posted < connected, "{posted:?} {connected:?} of {other:?}");
        assert_eq!(heard.iter().filter(|command| connects(command)).count(), 1);
    }
}

#[test]
fn who_is_out_of_the_network_for_a_moment_has_not_changed_the_card() {
    let mut world = World::new();
    let network = |name: Option<&str>| Uplink { network: name.map(str::to_owned), ..uplink(7, 2) };
    let mut is = |name| {
        world.cable = Some(network(name));
        world.tell(Event::Uplink(world.cable.clone()));
        world.pass(1000);
        world.book.card
    };
    let harbour = is(Some("harbour"));
    assert_eq!(is(None), harbour);
    assert_eq!(is(Some("harbour")), harbour);
    let station = is(Some("station"));
    assert_ne!(station, harbour);
    assert_eq!(is(None), station);
}

/// Whether a packet passes, and why not.
fn passes(world: &mut World) -> (bool, Option<Why>) {
    let passed = world.packet(1, false, 1000) == Fate::Forwarded;
    (passed, world.status().closed.and_then(Verdict::why))
}

/// What is said of the SIM behind the interface with this number; what passes then, and by which card.
fn said(world: &mut World, ifindex: u32, sim: SimSeen) -> (bool, Option<Why>, CardId) {
    world.cable = Some(Uplink { sim, ..uplink(ifindex, 2) });
    world.tell(Event::Uplink(world.cable.clone()));
    world.pass(1000);
    let (passed, why) = passes(world);
    (passed, why, world.book.card)
}

#[test]
fn a_modem_that_is_silent_for_a_moment_has_the_same_card() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    let home = said(&mut world, 7, read("A", Some(false)));
    assert_eq!(home, (true, None, CardId::FIRST));
    // ModemManager is started again, and finds its modem after a while; then there is no network for a while.
    for silent in [SimSeen::NobodyAsked, SimSeen::NotRead, SimSeen::NotRead, read("A", None)] {
        assert_eq!(said(&mut world, 7, silent.clone()), home, "{silent:?}");
    }
    // The modem is gone while ModemManager goes on.
    let waits = (false, Some(Why::CardUnknown), CardId::FIRST);
    assert_eq!(said(&mut world, 7, SimSeen::NotRead), waits);
    assert_eq!(said(&mut world, 7, SimSeen::NobodyAsked), waits, "it cannot be asked any more");
    assert_eq!(said(&mut world, 7, read("A", None)), waits);
    assert_eq!(said(&mut world, 7, read("A", Some(false))), home);
}

#[test]
fn who_waits_for_the_sim_in_vain_is_asked_about_a_card_without_one() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    let home = said(&mut world, 7, read("A", Some(false)));
    let waits = (false, Some(Why::CardUnknown), CardId::FIRST);
    let other = |id| (false, Some(Why::NewCard), CardId(id));
    assert_eq!(said(&mut world, 8, SimSeen::NotRead), waits);
    world.pass(57_000);
    // What is told again does not begin the wait anew.
    assert_eq!(said(&mut world, 8, SimSeen::NotRead), waits);
    world.pass(2_000);
    assert_eq!(said(&mut world, 8, SimSeen::NotRead), other(2));
    assert_eq!(world.ask(Ask::CardAgree(CardId(2))), Answer::Done);
    assert_eq!(said(&mut world, 8, SimSeen::NotRead), (true, None, CardId(2)));
    // The card without a number is not whatever is read next.
    assert_eq!(said(&mut world, 8, read("B", Some(false))), other(3));
    assert_eq!(said(&mut world, 8, read("A", Some(false))), home);
    // Of a known SIM nobody says whether it roams.
    assert_eq!(said(&mut world, 9, read("A", None)), waits);
    world.pass(60_000);
    assert_eq!(said(&mut world, 9, read("A", None)), other(4));
    assert_eq!(world.ask(Ask::CardAgree(CardId(4))), Answer::Done);
    assert_eq!(said(&mut world, 9, read("A", Some(true))), other(5));
    // It is waited for again after a start; then the card that was agreed to is connected by itself.
    assert_eq!(said(&mut world, 9, read("A", None)).2, CardId(5), "roaming is believed to go on");
    world.kill(true);
    world.start();
    assert_eq!(passes(&mut world), (false, Some(Why::CardUnknown)));
    world.pass(61_000);
    assert_eq!(said(&mut world, 9, read("A", None)), (true, None, CardId(4)));
}

#[derive(Clone, Debug)]
enum Op {
    Said(SimSeen),
    Replugged,
    Pass(u32),
    Kill,
    Agree,
    Traffic(u8),
}

fn op() -> impl Strategy<Value = Op> {
    let number = prop_oneof![Just("A"), Just("B")];
    let roaming = prop_oneof![2 => Just(Some(false)), 2 => Just(Some(true)), 1 => Just(None)];
    let said = prop_oneof![
        1 => Just(SimSeen::NobodyAsked),
        1 => Just(SimSeen::NotRead),
        5 => (number, roaming).prop_map(|(number, roaming)| read(number, roaming)),
    ];
    prop_oneof![
        4 => said.prop_map(Op::Said),
        1 => Just(Op::Replugged),
        2 => (1_u32..40_000).prop_map(Op::Pass),
        1 => Just(Op::Kill),
        2 => Just(Op::Agree),
        4 => (1_u8..40).prop_map(Op::Traffic),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Nothing passes but by a card that was agreed to and is the one that was told, and it is booked to that one.
    #[test]
    fn nothing_passes_by_a_sim_that_was_not_agreed_to(ops in prop::collection::vec(op(), 1..60)) {
        const PACKET: u64 = 1000;
        let mut world = World::new();
        world.person("anna", Allowance::Unlimited, 1);
        let mut agreed = BTreeSet::from([CardId::FIRST]);
        // By the card that was in.
        let mut passed: BTreeMap<CardId, u64> = BTreeMap::new();
        for op in ops {
            let ifindex = world.cable.as_ref().map_or(7, |cable| cable.ifindex);
            match op {
                Op::Said(sim) => {
                    world.cable = Some(Uplink { sim, ..uplink(ifindex, 2) });
                    world.tell(Event::Uplink(world.cable.clone()));
                }
                Op::Replugged => {
                    world.tell(Event::Uplink(None));
                    world.cable = world.cable.take().map(|cable| Uplink { ifindex: ifindex + 1, ..cable });
                    world.tell(Event::Uplink(world.cable.clone()));
                }
                Op::Pass(millis) => world.pass(u64::from(millis)),
                Op::Kill => {
                    world.kill(true);
                    world.start();
                }
                Op::Agree => {
                    let card = world.book.card;
                    if world.book.present_card().is_some() {
                        prop_assert_eq!(world.ask(Ask::CardAgree(card)), Answer::Done);
                        agreed.insert(card);
                    }
                }
                Op::Traffic(packets) => {
                    // Uploads: what is refused of them is not billed.
                    for _ in 0..packets {
                        if world.packet(1, true, PACKET) != Fate::Forwarded {
                            break;
                        }
                        let card = world.book.present_card().cloned();
                        let sim = card.as_ref().and_then(|card| card.sim.clone());
                        let told = world.cable.as_ref().map(|cable| cable.sim.clone());
                        if let Some(SimSeen::Read(told)) = told {
                            let is_it = sim.as_ref().is_some_and(|sim| {
                                sim.number == told.number && (told.roaming.is_none() || sim.roaming == told.roaming)
                            });
                            prop_assert!(is_it, "{:?} passes by {:?}", told, sim);
                        }
                        let id = card.map_or(CardId::FIRST, |card| card.id);
                        prop_assert!(agreed.contains(&id), "{:?} was not agreed to", id);
                        *passed.entry(id).or_default() += PACKET;
                    }
                }
            }
            for card in world.book.cards.values() {
                prop_assert!(!card.agreed || agreed.contains(&card.id), "{:?}", card);
            }
            let sims: BTreeSet<_> = world.book.cards.values().map(|card| format!("{:?}", card.sim)).collect();
            prop_assert_eq!(sims.len(), world.book.cards.len(), "two cards for one SIM: {:?}", world.book.cards);
        }
        prop_assert_eq!(world.ask(Ask::Flush), Answer::Done);
        for card in world.book.cards.keys() {
            let billed = world.book.spent_since(Tally::Billed(*card), PeriodKey::ALWAYS).up;
            prop_assert_eq!(billed, Bytes(passed.get(card).copied().unwrap_or(0)), "{:?}", card);
        }
    }
}
