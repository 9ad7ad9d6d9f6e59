#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::desired::{Metered, Reach, Ruleset, STATION_PORTS, Wanted, WifiLan};
use crate::uplink::Subnet;

fn wanted(ports: &[&str]) -> Wanted {
    Wanted {
        only_sites: false,
        uplink: "wwan0".into(),
        ports: ports.iter().map(|port| (*port).to_owned()).collect(),
        subnet: Subnet::new([172, 29, 77, 0].into(), 24),
        portal_ports: [80].into(),
        ipv6: true,
        metered: Metered::default(),
        wifi: None,
    }
}

/// The same with Wi-Fi, on the interface `wlan0`.
fn with_wifi(ports: &[&str]) -> Wanted {
    let wifi = WifiLan {
        card: "wlan0".into(),
        pattern: STATION_PORTS,
        station_ports: true,
        mac: Mac([2, 0x48, 0x53, 0, 0, 1]),
    };
    Wanted { wifi: Some(wifi), ..wanted(ports) }
}

/// A host with two LAN ports, one of them in use: it has an address and a route.
fn host() -> HostState {
    let mut eth1 = Interface::new(Kind::Port);
    let address = Address { address: [192, 168, 5, 2].into(), prefix_len: 24, peer: None };
    eth1.addresses.insert(address, AddressDetails::default());
    eth1.routes.insert(HostRoute {
        scope: Reach::Universe,
        gateway: Some([192, 168, 5, 1].into()),
        destination: [10, 0, 0, 0].into(),
        prefix_len: 8,
        table: 254,
        metric: 0,
        protocol: 4,
        source: None,
        onlink: false,
    });
    let eth2 = Interface { up: false, ..Interface::new(Kind::Port) };
    let mut settings = BTreeMap::from([(Setting::Forwarding("wwan0".into()), 0)]);
    for port in ["eth1", "eth2"] {
        settings.extend(settings_of_new(port));
    }
    HostState {
        interfaces: [("eth1".into(), eth1), ("eth2".into(), eth2)].into(),
        settings,
        table: Table::Absent,
    }
}

fn all(host: &mut HostState, steps: &[Step]) {
    for step in steps {
        apply(host, step);
    }
}

/// Takes every step to `target`.
fn reach(host: &mut HostState, target: &HostState) {
    let steps = steps(host, target);
    all(host, &steps);
}

/// One line per step, as a reader would say it.
fn told(steps: &[Step]) -> Vec<String> {
    let tell = |step: &Step| match step {
        Step::SetTable(Table::Absent) => "no table".into(),
        Step::SetTable(_) => "table".into(),
        Step::Set { setting, value } => format!("{setting} = {value}"),
        Step::RemoveRoute { interface, route } => format!("{interface} -{}", route.destination),
        Step::RemoveAddress { interface, address } => format!("{interface} -{}", address.address),
        Step::SetMaster { interface, master } => format!("{interface} in {master:?}"),
        Step::RemoveBridge { name } => format!("no {name}"),
        Step::AddBridge { name, .. } => format!("new {name}"),
        Step::SetMac { interface, mac } => format!("{interface} is {mac}"),
        Step::SetIsolated { interface, isolated } => format!("{interface} isolated {isolated}"),
        Step::SetUp { interface, up } => format!("{interface} up {up}"),
        Step::AddAddress { interface, address, .. } => format!("{interface} +{}", address.address),
        Step::AddRoute { interface, route } => format!("{interface} +{}", route.destination),
    };
    steps.iter().map(tell).collect()
}

#[test]
fn two_ports_are_closed_first_and_opened_last() {
    let expected = "table
net/ipv6/conf/eth1/disable_ipv6 = 1
net/ipv6/conf/eth2/disable_ipv6 = 1
eth1 -10.0.0.0
eth1 -192.168.5.2
new hotshare0
net/ipv6/conf/hotshare0/disable_ipv6 = 1
net/ipv4/conf/hotshare0/arp_ignore = 1
eth1 in Some(\"hotshare0\")
eth1 isolated true
eth2 in Some(\"hotshare0\")
eth2 isolated true
eth2 up true
hotshare0 up true
hotshare0 +172.29.77.1
net/ipv4/conf/wwan0/forwarding = 1
net/ipv4/conf/hotshare0/forwarding = 1";
    let steps = steps(&host(), &wanted(&["eth1", "eth2"]).desired());
    assert_eq!(told(&steps).join("\n"), expected);
}

#[test]
fn the_way_back_ends_forwarding_first_and_rules_last() {
    let before = host();
    let ours = wanted(&["eth1", "eth2"]).desired();
    let mut host = before.clone();
    all(&mut host, &steps(&before, &ours));
    let back = steps(&host, &restored(&before, &ours, &host));
    let expected = "net/ipv4/conf/wwan0/forwarding = 0
eth1 in None
eth2 in None
eth2 up false
no hotshare0
net/ipv6/conf/eth1/disable_ipv6 = 0
net/ipv6/conf/eth2/disable_ipv6 = 0
eth1 +192.168.5.2
eth1 +10.0.0.0
no table";
    assert_eq!(told(&back).join("\n"), expected);
    all(&mut host, &back);
    assert_eq!(host, before);
}

#[test]
fn a_single_port_needs_no_bridge() {
    let wanted = wanted(&["eth2"]);
    assert_eq!(wanted.lan(), "eth2");
    let steps = steps(&host(), &wanted.desired());
    assert!(!steps.iter().any(|step| matches!(step, Step::AddBridge { .. } | Step::SetMaster { .. })));
    assert!(!told(&steps).iter().any(|step| step.starts_with("eth1")), "eth1 is not ours");
}

#[test]
fn wifi_makes_a_bridge_of_a_single_port_and_of_none() {
    let mut before = host();
    before.settings.insert(Setting::Ipv6Disabled("wlan0".into()), 0);
    let expected = "table
net/ipv6/conf/wlan0/disable_ipv6 = 1
new hotshare0
net/ipv6/conf/hotshare0/disable_ipv6 = 1
net/ipv4/conf/hotshare0/arp_ignore = 1
hotshare0 up true
hotshare0 +172.29.77.1
net/ipv4/conf/wwan0/forwarding = 1
net/ipv4/conf/hotshare0/forwarding = 1";
    assert_eq!(told(&steps(&before, &with_wifi(&[]).desired())).join("\n"), expected);
    let told = told(&steps(&before, &with_wifi(&["eth2"]).desired()));
    assert!(told.contains(&"eth2 in Some(\"hotshare0\")".to_owned()), "{told:?}");
    assert!(!told.iter().any(|step| step.starts_with("wlan0")), "the card's interface is not ours: {told:?}");
}

#[test]
fn a_bridge_that_was_there_gets_the_fixed_hardware_address() {
    let mut host = host();
    reach(&mut host, &wanted(&["eth1", "eth2"]).desired());
    let desired = with_wifi(&["eth1", "eth2"]).desired();
    let taken_over = told(&steps(&host, &desired));
    assert_eq!(taken_over, ["table", "hotshare0 is 02:48:53:00:00:01"]);
    reach(&mut host, &desired);
    assert_eq!(steps(&host, &desired), []);
}

#[test]
fn what_others_changed_meanwhile_stays_theirs() {
    let before = host();
    let ours = wanted(&["eth1"]).desired();
    let mut host = before.clone();
    all(&mut host, &steps(&before, &ours));
    let theirs = Address { address: [192, 168, 9, 9].into(), prefix_len: 24, peer: None };
    let forwarding = Setting::Forwarding("wwan0".into());
    host.settings.insert(forwarding.clone(), 7);
    host.interfaces.get_mut("eth1").unwrap().addresses.insert(theirs, AddressDetails::default());
    let back = restored(&before, &ours, &host);
    reach(&mut host, &back);
    assert_eq!(host.settings[&forwarding], 7);
    let addresses: Vec<IpAddr> = host.interfaces["eth1"].addresses.keys().map(|a| a.address).collect();
    assert_eq!(addresses, [IpAddr::from([192, 168, 5, 2]), IpAddr::from([192, 168, 9, 9])]);
}

#[test]
fn addresses_come_back_in_the_order_they_had() {
    let mut before = host();
    let addresses = &mut before.interfaces.get_mut("eth2").unwrap().addresses;
    for (last, rank) in [(3, 0), (1, 1), (2, 2)] {
        let address = Address { address: [192, 168, 6, last].into(), prefix_len: 24, peer: None };
        addresses.insert(address, AddressDetails { rank, ..AddressDetails::default() });
    }
    let ours = wanted(&["eth2"]).desired();
    let mut host = before.clone();
    reach(&mut host, &ours);
    let back = told(&steps(&host, &restored(&before, &ours, &host)));
    let added: Vec<&str> = back.iter().filter_map(|step| step.strip_prefix("eth2 +")).collect();
    assert_eq!(added, ["192.168.6.3", "192.168.6.1", "192.168.6.2"]);
}

#[test]
fn a_new_choice_of_ports_gives_the_old_ones_back() {
    let before = host();
    let (first, second) = (wanted(&["eth1"]).desired(), wanted(&["eth2"]).desired());
    let mut host = before.clone();
    all(&mut host, &steps(&before, &first));
    let target = with_rest_restored(restored(&before, &first, &host), &second);
    reach(&mut host, &target);
    assert_eq!(host.interfaces["eth1"], before.interfaces["eth1"]);
    assert_eq!(host.interfaces["eth2"], second.interfaces["eth2"]);
    assert_eq!(host.table, second.table);
}

#[test]
fn our_bridge_is_never_part_of_what_was_before() {
    let mut host = host();
    reach(&mut host, &wanted(&["eth1", "eth2"]).desired());
    let mut before = HostState::default();
    remember(&mut before, &host);
    assert!(!before.interfaces.contains_key(BRIDGE));
    assert!(before.interfaces.values().all(|port| port.master.is_none() && !port.isolated));
    assert!(before.settings.keys().all(|setting| setting.interface() != BRIDGE));
}

#[test]
fn an_absent_port_is_named_and_has_no_steps() {
    let desired = wanted(&["eth1", "eth9"]).desired();
    assert_eq!(missing(&host(), &desired), ["eth9"]);
    assert!(!told(&steps(&host(), &desired)).iter().any(|step| step.contains("eth9")));
}

const PORTS: [&str; 3] = ["eth1", "eth2", "eth3"];

prop_compose! {
    fn any_address()(last in 1_u8..4, v6 in any::<bool>()) -> Address {
        let address: IpAddr =
            if v6 { [0xfd00, 0, 0, 0, 0, 0, 0, u16::from(last)].into() } else { [10, 0, 0, last].into() };
        Address { address, prefix_len: 24, peer: None }
    }
}
prop_compose! {
    fn any_route()(last in 1_u8..4, metric in 0_u32..2, link in any::<bool>()) -> HostRoute {
        HostRoute {
            scope: if link { Reach::Link } else { Reach::Universe },
            gateway: (!link).then_some([10, 0, 0, 1].into()),
            destination: [10, 1, last, 0].into(), prefix_len: 24, table: 254, metric, protocol: 4,
            source: None, onlink: false,
        }
    }
}
prop_compose! {
    fn any_interface(kind: Kind)(
        up in any::<bool>(),
        master in prop::option::of(prop_oneof![Just(BRIDGE.to_owned()), Just("br-lan".to_owned())]),
        isolated in any::<bool>(),
        addresses in prop::collection::btree_set(any_address(), 0..3),
        routes in prop::collection::btree_set(any_route(), 0..3),
    ) -> Interface {
        let master = master.filter(|_| kind == Kind::Port);
        Interface {
            kind, up, isolated: isolated && master.is_some(), master, mac: None, routes,
            addresses: addresses.into_iter().map(|a| (a, AddressDetails::default())).collect(),
        }
    }
}
prop_compose! {
    fn any_table()(which in 0_u8..4) -> Table {
        let lan = |lan: &str| Table::Holds(Ruleset {
            uplink: "wwan0".into(), lan: lan.into(), ports: BTreeSet::new(),
            subnet: Subnet::new([10, 9, 9, 0].into(), 24), gateway: [10, 9, 9, 1].into(),
            portal_ports: BTreeSet::new(), ok_mark: 1, only_sites: false, metered: Metered::default(), wifi: None,
        });
        match which { 0 => Table::Absent, 1 => Table::Unknown, 2 => lan("eth1"), _ => lan(BRIDGE) }
    }
}
prop_compose! {
    /// A host that can exist: settings and memberships only of what there is.
    fn any_host()(
        ports in prop::collection::btree_map(prop::sample::select(&PORTS[..]), any_interface(Kind::Port), 0..3),
        bridge in prop::option::of(any_interface(Kind::Bridge)),
        values in prop::collection::vec(0..2_i32, 18),
        table in any_table(),
    ) -> HostState {
        let mut interfaces: BTreeMap<String, Interface> =
            ports.into_iter().map(|(name, i)| (name.to_owned(), i)).collect();
        if let Some(bridge) = bridge {
            interfaces.insert(BRIDGE.to_owned(), bridge);
        } else {
            for interface in interfaces.values_mut().filter(|i| i.master.as_deref() == Some(BRIDGE)) {
                interface.master = None;
                interface.isolated = false;
            }
        }
        let names = interfaces.keys().cloned().chain(["wwan0".to_owned(), "wlan0".to_owned()]);
        let settings = names.flat_map(|name| settings_of_new(&name)).map(|(setting, _)| setting);
        let settings = settings.zip(values).collect();
        HostState { interfaces, settings, table }
    }
}

proptest! {
    #[test]
    fn applying_all_steps_leaves_no_steps(host in any_host(), mut desired in any_host()) {
        if desired.table == Table::Unknown { desired.table = Table::Absent; }
        let mut host = host;
        reach(&mut host, &desired);
        prop_assert_eq!(steps(&host, &desired), vec![]);
        let again = host.clone();
        all(&mut host, &steps(&again, &desired));
        prop_assert_eq!(host, again);
    }

    #[test]
    fn stopping_after_any_step_leaves_the_host_as_it_was(
        mut before in any_host(),
        ports in prop::collection::btree_set(prop::sample::select(&PORTS[..]), 0..3),
        wifi in any::<bool>(),
        stop in any::<prop::sample::Index>(),
        stop_again in any::<prop::sample::Index>(),
    ) {
        // What was before has neither our bridge nor our table.
        apply(&mut before, &Step::RemoveBridge { name: BRIDGE.to_owned() });
        before.table = Table::Absent;
        let ports: Vec<&str> = ports.into_iter().collect();
        let ours = if wifi || ports.is_empty() { with_wifi(&ports) } else { wanted(&ports) }.desired();
        let mut known = HostState::default();
        let mut scope = before.clone();
        scope.interfaces.retain(|name, _| ours.interfaces.contains_key(name));
        scope.settings.retain(|setting, _| ours.settings.contains_key(setting));
        remember(&mut known, &scope);

        let up = steps(&before, &ours);
        let mut host = before.clone();
        all(&mut host, &up[..stop.index(up.len() + 1)]);
        // The way back is cut off as well.
        let back = steps(&host, &restored(&known, &ours, &host));
        all(&mut host, &back[..stop_again.index(back.len() + 1)]);
        let back = restored(&known, &ours, &host);
        reach(&mut host, &back);
        prop_assert_eq!(host, before);
    }

    #[test]
    fn forwarding_never_stands_open_without_the_rules(
        before in any_host(),
        ports in prop::collection::btree_set(prop::sample::select(&PORTS[..]), 1..3),
    ) {
        let ports: Vec<&str> = ports.into_iter().collect();
        let desired = wanted(&ports).desired();
        let up = steps(&before, &desired);
        let table = up.iter().position(|step| matches!(step, Step::SetTable(_)));
        let open = up.iter().position(|step| {
            matches!(step, Step::Set { setting: Setting::Forwarding(_), value: 1 })
        });
        if let (Some(table), Some(open)) = (table, open) {
            prop_assert!(table < open);
        }
    }
}
