//! Which card lies behind an uplink.

use std::net::Ipv4Addr;

use super::*;
use crate::uplink::Framing;

fn uplink(name: &str, sim: SimSeen) -> Uplink {
    Uplink {
        name: name.into(),
        network: None,
        sim,
        ifindex: 7,
        framing: Framing::RawIp,
        address: Ipv4Addr::new(100, 64, 0, 2),
        gateway: None,
        resolvers: vec![],
    }
}

fn sim(number: &str, roaming: Option<bool>) -> Sim {
    Sim { number: number.into(), roaming }
}

fn read(number: &str, roaming: Option<bool>) -> SimSeen {
    SimSeen::Read(sim(number, roaming))
}

fn cards(seen: &[(&str, Option<Sim>)]) -> BTreeMap<CardId, Card> {
    let card = |(id, (interface, sim)): (u32, &(&str, Option<Sim>))| Card {
        id: CardId(id),
        interface: (*interface).into(),
        network: None,
        sim: sim.clone(),
        agreed: true,
        since: UnixTime(0),
    };
    (1..).zip(seen).map(card).map(|card| (card.id, card)).collect()
}

/// “1”, “1 completed to …”, “new”, “new, 1 completed to …”, or “not known yet”.
fn told(cards: &BTreeMap<CardId, Card>, present: u32, uplink: &Uplink, waited: bool) -> String {
    let words = |card: &Card| match cards.get(&card.id) == Some(card) {
        true => card.id.0.to_string(),
        false => format!("{} completed to {}", card.id.0, card.words()),
    };
    match behind(cards, CardId(present), uplink, waited) {
        Behind::Card(card) => words(&card),
        Behind::New { completed: None } => "new".into(),
        Behind::New { completed: Some(card) } => format!("new, {}", words(&card)),
        Behind::NotKnownYet => "not known yet".into(),
    }
}

const HOME: Option<bool> = Some(false);
const ABROAD: Option<bool> = Some(true);

#[test]
fn another_sim_and_the_same_one_abroad_are_other_cards() {
    let cards =
        cards(&[("wwan0", Some(sim("A1111", HOME))), ("wwan0", Some(sim("B2222", HOME))), ("usb0", None)]);
    for (name, said, wanted) in [
        ("wwan0", read("A1111", HOME), "1"),
        ("wwan0", read("B2222", HOME), "2"),
        ("wwan0", read("C3333", HOME), "new"),
        ("wwan0", read("A1111", ABROAD), "new"),
        ("wwan0", read("A1111", None), "not known yet"),
        ("wwan0", read("C3333", None), "new"),
        ("wwan0", SimSeen::NotRead, "not known yet"),
        // Nobody can be asked: the one that was there last.
        ("wwan0", SimSeen::NobodyAsked, "1"),
        ("wwan1", SimSeen::NobodyAsked, "new"),
        ("wwan1", SimSeen::NotRead, "new"),
        // The number says more than the interface.
        ("wwan1", read("B2222", HOME), "2 completed to wwan1, SIM …2222"),
        ("usb0", SimSeen::NotRead, "3"),
        ("usb0", SimSeen::NobodyAsked, "3"),
    ] {
        assert_eq!(told(&cards, 1, &uplink(name, said.clone()), false), wanted, "{name} {said:?}");
    }
    // Nobody has told in time.
    for said in [SimSeen::NotRead, read("A1111", None)] {
        assert_eq!(told(&cards, 1, &uplink("wwan0", said.clone()), true), "new", "{said:?}");
    }
    // The card that was in is of elsewhere, and two were here.
    assert_eq!(told(&cards, 3, &uplink("wwan0", SimSeen::NobodyAsked), false), "new");
}

#[test]
fn a_card_of_which_less_was_known_is_completed_once_and_as_at_home() {
    let old = cards(&[("wwan0", None)]);
    for (said, wanted) in [
        (read("A1111", HOME), "1 completed to wwan0, SIM …1111"),
        (read("A1111", None), "1 completed to wwan0, SIM …1111, not known whether it roams"),
        (read("A1111", ABROAD), "new, 1 completed to wwan0, SIM …1111"),
        (SimSeen::NotRead, "1"),
        (SimSeen::NobodyAsked, "1"),
    ] {
        assert_eq!(told(&old, 1, &uplink("wwan0", said.clone()), false), wanted, "{said:?}");
    }
    let half = cards(&[("wwan0", Some(sim("A1111", None)))]);
    for (said, wanted) in [
        (read("A1111", HOME), "1 completed to wwan0, SIM …1111"),
        (read("A1111", None), "1"),
        (read("A1111", ABROAD), "new, 1 completed to wwan0, SIM …1111"),
    ] {
        assert_eq!(told(&half, 1, &uplink("wwan0", said.clone()), false), wanted, "{said:?}");
    }
    // Beside a SIM that was here, one without is not whatever comes next.
    let both = cards(&[("wwan0", Some(sim("A1111", HOME))), ("wwan0", None)]);
    assert_eq!(told(&both, 2, &uplink("wwan0", read("C3333", HOME)), false), "new");
    assert_eq!(told(&both, 2, &uplink("wwan0", SimSeen::NotRead), true), "2");
}
