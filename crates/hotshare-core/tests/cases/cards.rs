//! Another data card: its plan is in before anything is connected to it.

use hotshare_core::brain::{Command, Event};
use hotshare_core::people::Allowance;
use hotshare_core::record::Change;
use hotshare_core::ask::{Answer, Ask};
use hotshare_core::policy::Why;
use hotshare_core::record::Tally;
use hotshare_core::sim::{Sim, SimSeen};
use hotshare_core::units::{Bytes, CardId};
use hotshare_core::uplink::Uplink;
use proptest::prelude::*;

use crate::world::{World, uplink};

fn read(number: &str, roaming: Option<bool>) -> SimSeen {
    SimSeen::Read(Sim { number: number.into(), roaming })
}

#[test]
fn a_card_is_connected_once_its_plan_is_in() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    let network = |name: &str| Uplink { network: Some(name.to_owned()), ..uplink(7, 2) };
    // Another interface, and the same one in other networks.
    let sim = |number, roaming| Uplink { sim: read(number, roaming), ..uplink(7, 2) };
    for other in [
        Uplink { name: "wwan1".into(), ..uplink(9, 4) },
        network("harbour"),
        network("station"),
        // The first one is the number of a card of which none was known.
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
