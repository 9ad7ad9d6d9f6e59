#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use proptest::prelude::*;

fn link(name: &str, ifindex: u32) -> ObservedLink {
    ObservedLink { name: name.into(), ifindex, framing: Some(Framing::Ethernet), up: true }
}
fn address(ifindex: u32, address: [u8; 4]) -> ObservedAddress {
    ObservedAddress { ifindex, address: address.into(), subnet: Subnet::new(address.into(), 24) }
}
fn default_route(ifindex: u32, metric: u32) -> ObservedRoute {
    ObservedRoute { to: Subnet::ALL, ifindex, gateway: Some([192, 0, 2, 1].into()), metric, main: true }
}
fn two_uplinks() -> Observed {
    Observed {
        links: vec![link("wlan0", 2), link("wwan0", 3), link("eth1", 4)],
        addresses: vec![address(2, [192, 0, 2, 7]), address(3, [198, 51, 100, 7])],
        routes: vec![default_route(2, 600), default_route(3, 100)],
    }
}

#[test]
fn the_best_default_route_is_the_uplink() {
    let uplink = choose(&two_uplinks(), None, &["eth1"], vec![[9, 9, 9, 9].into()]).unwrap();
    assert_eq!((uplink.name.as_str(), uplink.ifindex), ("wwan0", 3));
    assert_eq!(uplink.address, Ipv4Addr::new(198, 51, 100, 7));
    assert_eq!(uplink.gateway, Some(Ipv4Addr::new(192, 0, 2, 1)));
    assert_eq!(uplink.resolvers, [Ipv4Addr::new(9, 9, 9, 9)]);
}

#[test]
fn a_lan_port_is_never_the_uplink() {
    let observed = two_uplinks();
    assert_eq!(choose(&observed, None, &["wwan0"], vec![]).unwrap().name, "wlan0");
    assert_eq!(choose(&observed, None, &["wwan0", "wlan0"], vec![]), Err(NoUplink::NoDefaultRoute));
    assert_eq!(choose(&observed, Some("eth1"), &["eth1"], vec![]), Err(NoUplink::IsLan("eth1".into())));
}

#[test]
fn a_named_uplink_says_what_is_wrong_with_it() {
    let mut observed = two_uplinks();
    let choose = |observed: &Observed, name: &str| choose(observed, Some(name), &[], vec![]);
    assert_eq!(choose(&observed, "wwan0").unwrap().ifindex, 3);
    assert_eq!(choose(&observed, "wwan9"), Err(NoUplink::Absent("wwan9".into())));
    assert_eq!(choose(&observed, "eth1"), Err(NoUplink::NoRoute("eth1".into())));
    assert_eq!(
        choose(&observed, "wlan0"),
        Err(NoUplink::NotBest { named: "wlan0".into(), better: "wwan0".into() })
    );
    observed.addresses.pop();
    assert_eq!(choose(&observed, "wwan0"), Err(NoUplink::NoAddress("wwan0".into())));
    observed.links[1].framing = None;
    assert_eq!(choose(&observed, "wwan0"), Err(NoUplink::Framing("wwan0".into())));
    observed.links[1].up = false;
    assert_eq!(choose(&observed, "wwan0"), Err(NoUplink::Down("wwan0".into())));
}

#[test]
fn a_vpn_that_takes_both_halves_is_where_packets_go() {
    let mut observed = two_uplinks();
    observed.links.push(ObservedLink { framing: Some(Framing::RawIp), ..link("tun0", 5) });
    observed.addresses.push(address(5, [10, 8, 0, 2]));
    for half in [[0, 0, 0, 0], [128, 0, 0, 0]] {
        observed.routes.push(ObservedRoute { to: Subnet::new(half.into(), 1), ..default_route(5, 0) });
    }
    assert_eq!(choose(&observed, None, &[], vec![]).unwrap().name, "tun0");
}

#[test]
fn a_default_route_in_another_table_serves_a_named_uplink_only() {
    let mut observed = two_uplinks();
    observed.routes = vec![ObservedRoute { main: false, gateway: None, ..default_route(3, 0) }];
    assert_eq!(choose(&observed, None, &[], vec![]), Err(NoUplink::NoDefaultRoute));
    assert_eq!(choose(&observed, Some("wwan0"), &[], vec![]).unwrap().gateway, None);
}

#[test]
fn the_first_choice_is_unusual_and_default_routes_take_nothing() {
    let halves = [Subnet::ALL, Subnet::new([0, 0, 0, 0].into(), 1), Subnet::new([128, 0, 0, 0].into(), 1)];
    assert_eq!(choose_subnet(&halves, None).unwrap().to_string(), "172.29.77.0/24");
    let docker = [Subnet::new([172, 16, 0, 0].into(), 12)];
    assert_eq!(choose_subnet(&docker, None).unwrap().to_string(), "192.168.177.0/24");
    let all = [docker[0], Subnet::new([10, 0, 0, 0].into(), 8), Subnet::new([192, 168, 0, 0].into(), 16)];
    assert_eq!(choose_subnet(&all, None), Err(NoSubnet));
}

#[test]
fn the_previous_subnet_is_kept_while_it_is_free() {
    let previous = Subnet::new([10, 20, 30, 0].into(), 24);
    assert_eq!(choose_subnet(&[], Some(previous)), Ok(previous));
    assert_ne!(choose_subnet(&[Subnet::new([10, 20, 0, 0].into(), 16)], Some(previous)), Ok(previous));
    let public = Subnet::new([198, 51, 100, 0].into(), 24);
    assert_ne!(choose_subnet(&[], Some(public)), Ok(public));
}

#[test]
fn a_subnet_knows_its_addresses() {
    let subnet = Subnet::new([172, 29, 77, 200].into(), 24);
    assert_eq!(subnet.to_string(), "172.29.77.0/24");
    assert_eq!(subnet.gateway(), Ipv4Addr::new(172, 29, 77, 1));
    assert_eq!(subnet.broadcast(), Ipv4Addr::new(172, 29, 77, 255));
    assert_eq!(subnet.netmask(), Ipv4Addr::new(255, 255, 255, 0));
    assert!(subnet.contains([172, 29, 77, 9].into()) && !subnet.contains([172, 29, 78, 9].into()));
}

fn any_subnet() -> impl Strategy<Value = Subnet> {
    (any::<u32>(), 2_u8..=32).prop_map(|(bits, len)| Subnet::new(Ipv4Addr::from_bits(bits), len))
}

fn any_private() -> impl Strategy<Value = Subnet> {
    (0_usize..3, any::<u32>(), 9_u8..=32).prop_map(|(block, bits, len)| {
        let block = blocks()[block].0;
        Subnet::new(Ipv4Addr::from_bits(block.network().to_bits() | (bits & !mask(block.prefix_len()))), len)
    })
}

proptest! {
    #[test]
    fn a_chosen_subnet_is_private_free_and_stable(
        taken in prop::collection::vec(prop_oneof![any_subnet(), any_private()], 0..40),
        previous in prop::option::of(any_private()),
    ) {
        if let Ok(subnet) = choose_subnet(&taken, previous) {
            prop_assert_eq!(subnet.prefix_len(), 24);
            prop_assert!(subnet.network().is_private() && subnet.broadcast().is_private());
            prop_assert!(!taken.iter().any(|other| other.overlaps(subnet)));
            prop_assert_eq!(choose_subnet(&taken, Some(subnet)), Ok(subnet));
        }
    }

    #[test]
    fn overlap_means_a_common_address(a in any_subnet(), b in any_subnet()) {
        let common = a.contains(b.network()) || b.contains(a.network());
        prop_assert_eq!(a.overlaps(b), common);
        prop_assert_eq!(b.overlaps(a), common);
    }

    #[test]
    fn choosing_never_panics_and_never_picks_a_lan_port(
        routes in prop::collection::vec((0_u32..6, 0_u32..1000, 0_u8..=2, any::<bool>()), 0..8),
        named in prop::option::of(0_u32..6),
        lan in 0_u32..6,
    ) {
        let observed = Observed {
            links: (0..5).map(|i| link(&format!("if{i}"), i)).collect(),
            addresses: (0..4).map(|i| address(i, [192, 0, 2, 9])).collect(),
            routes: routes
                .into_iter()
                .map(|(ifindex, metric, len, main)| ObservedRoute {
                    to: Subnet::new(Ipv4Addr::UNSPECIFIED, len), main, ..default_route(ifindex, metric)
                })
                .collect(),
        };
        let named = named.map(|i| format!("if{i}"));
        let lan = format!("if{lan}");
        if let Ok(uplink) = choose(&observed, named.as_deref(), &[&lan], vec![]) {
            prop_assert_ne!(&uplink.name, &lan);
            prop_assert!(named.is_none_or(|named| named == uplink.name));
        }
    }
}
