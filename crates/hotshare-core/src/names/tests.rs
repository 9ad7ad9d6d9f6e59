//! Questions and what becomes of them.

use super::*;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const OPEN: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 20);
const CLOSED: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 21);

fn view() -> NamesView {
    NamesView {
        sites: Arc::default(),
        web_name: Arc::new(["box".into(), "example".into(), "net".into()]),
        resolvers: vec![Ipv4Addr::new(198, 51, 100, 53)],
        gateway: GATEWAY,
        prefix: 24,
        open: Arc::new(BTreeSet::from([OPEN])),
    }
}

fn ask_as(client: Ipv4Addr, name: &str, kind: u16) -> Answer {
    let labels: Vec<&[u8]> = name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes).collect();
    answer_for(Question { labels: &labels, kind, class: INTERNET }, client, &view())
}

#[test]
fn local_names_are_answered_for_everybody() {
    let own = Answer::Address(GATEWAY);
    let table = [
        ("hotshare.internal", A, own),
        ("HotShare.INTERNAL", A, own),
        ("hotshare.internal", AAAA, Answer::NoData { zone: 1 }),
        ("hotshare.internal", 65, Answer::NoData { zone: 1 }),
        ("www.hotshare.internal", A, Answer::NoSuchName { zone: 1 }),
        ("1.0.7.10.in-addr.arpa", PTR, Answer::OwnName),
        ("1.0.7.10.in-addr.arpa", A, Answer::NoData { zone: 2 }),
        ("20.0.7.10.in-addr.arpa", PTR, Answer::NoSuchName { zone: 3 }),
        ("localhost", A, Answer::Address(Ipv4Addr::LOCALHOST)),
        ("a.localhost", AAAA, Answer::Address6(Ipv6Addr::LOCALHOST)),
        ("localhost", 15, Answer::NoData { zone: 1 }),
        ("printer.local", A, Answer::NoSuchName { zone: 1 }),
        ("nas.home.arpa", A, Answer::NoSuchName { zone: 2 }),
        ("home.arpa", 6, Answer::NoData { zone: 2 }),
        ("secret.onion", A, Answer::NoSuchName { zone: 1 }),
        ("_dns.resolver.arpa", 64, Answer::NoData { zone: 2 }),
        ("9.9.16.172.in-addr.arpa", PTR, Answer::NoSuchName { zone: 4 }),
        ("9.9.31.172.in-addr.arpa", PTR, Answer::NoSuchName { zone: 4 }),
        ("16.172.in-addr.arpa", 2, Answer::NoData { zone: 4 }),
        ("1.64.100.in-addr.arpa", PTR, Answer::NoSuchName { zone: 4 }),
        ("4.3.168.192.in-addr.arpa", PTR, Answer::NoSuchName { zone: 4 }),
        ("b._dns-sd._udp.0.0.254.169.in-addr.arpa", PTR, Answer::NoSuchName { zone: 4 }),
        ("1.0.0.0.e.f.ip6.arpa", PTR, Answer::Forward),
        ("1.0.0.0.8.e.f.ip6.arpa", PTR, Answer::NoSuchName { zone: 5 }),
        ("0.0.d.f.ip6.arpa", PTR, Answer::NoSuchName { zone: 4 }),
        ("wpad", A, Answer::NoData { zone: 1 }),
    ];
    for (name, kind, expected) in table {
        for client in [OPEN, CLOSED] {
            let expected =
                if expected == Answer::Forward && client == CLOSED { Answer::Refused } else { expected };
            assert_eq!(ask_as(client, name, kind), expected, "{name} {kind} for {client}");
        }
    }
}

#[test]
fn ordinary_names_are_for_the_open_only() {
    let names = [
        ("example.com", A),
        ("local.example.com", A),
        ("internal.com", A),
        ("notlocal", 2),
        ("com", 43),
        ("", 2),
        ("9.9.15.172.in-addr.arpa", PTR),
        ("9.9.32.172.in-addr.arpa", PTR),
        ("1.63.100.in-addr.arpa", PTR),
        ("1.0.7.11.in-addr.arpa", PTR),
        ("xlocalhost.com", A),
    ];
    for (name, kind) in names {
        assert_eq!(ask_as(OPEN, name, kind), Answer::Forward, "{name}");
        assert_eq!(ask_as(CLOSED, name, kind), Answer::Refused, "{name}");
        assert_eq!(ask_as(Ipv4Addr::new(203, 0, 113, 9), name, kind), Answer::Refused, "{name}");
    }
}

#[test]
fn systems_that_look_for_a_portal_find_one_while_they_are_closed() {
    for name in
        ["connectivitycheck.gstatic.com", "Captive.Apple.COM", "www.msftconnecttest.com", "nmcheck.gnome.org"]
    {
        assert_eq!(ask_as(OPEN, name, A), Answer::Forward, "{name}");
        assert_eq!(ask_as(CLOSED, name, A), Answer::Portal(PROBE_ADDR), "{name}");
        for kind in [AAAA, 65, 16] {
            assert_eq!(ask_as(CLOSED, name, kind), Answer::PortalNoData, "{name} {kind}");
        }
    }
    for name in ["apple.com", "x.captive.apple.com", "gstatic.com", "captive.apple.com.evil.example"] {
        assert_eq!(ask_as(CLOSED, name, A), Answer::Refused, "{name}");
    }
    assert!(!view().is_lan(PROBE_ADDR));
    // While only sites can be reached, who is open is behind a portal all the same, but for the sites.
    let only = Arc::new(Sites {
        only: Some(BTreeSet::from(["captive.apple.com".parse().expect("a site")])),
        ..Sites::default()
    });
    let view = NamesView { sites: only, ..view() };
    let ask = |labels: &[&[u8]]| answer_for(Question { labels, kind: A, class: INTERNET }, OPEN, &view);
    assert_eq!(ask(&[b"captive", b"apple", b"com"]), Answer::Forward);
    assert_eq!(ask(&[b"nmcheck", b"gnome", b"org"]), Answer::Portal(PROBE_ADDR));
}

#[test]
fn the_owners_name_leads_to_the_gateway_for_everybody() {
    for client in [OPEN, CLOSED] {
        assert_eq!(ask_as(client, "Box.Example.net", A), Answer::Address(GATEWAY));
        assert_eq!(ask_as(client, "box.example.net", AAAA), Answer::NoData { zone: 3 });
    }
    assert_eq!(ask_as(OPEN, "example.net", A), Answer::Forward);
    assert_eq!(ask_as(CLOSED, "a.box.example.net", A), Answer::Refused);
    let without = NamesView { web_name: Arc::default(), ..view() };
    let root = Question { labels: &[], kind: A, class: INTERNET };
    assert_eq!(answer_for(root, OPEN, &without), Answer::Forward, "an empty name is not the root");
}

#[test]
fn strange_kinds_and_classes_go_nowhere() {
    for kind in [OPT, 128, 249, 251, 252, 255] {
        assert_eq!(ask_as(OPEN, "example.com", kind), Answer::NotImplemented);
        assert_eq!(ask_as(OPEN, "hotshare.internal", kind), Answer::NotImplemented);
    }
    let chaos = Question { labels: &[b"version", b"bind"], kind: 16, class: 3 };
    assert_eq!(answer_for(chaos, OPEN, &view()), Answer::Refused);
}

#[test]
fn the_lowest_ip6_addresses_are_local() {
    for lowest in ["0", "1"] {
        let name = format!("{lowest}.{}ip6.arpa", "0.".repeat(31));
        assert_eq!(ask_as(OPEN, &name, PTR), Answer::NoData { zone: 34 });
    }
    let other = format!("2.{}ip6.arpa", "0.".repeat(31));
    assert_eq!(ask_as(OPEN, &other, PTR), Answer::Forward);
}

#[test]
fn the_lan_is_known_by_its_prefix() {
    let view = view();
    assert!(view.is_lan(GATEWAY) && view.is_lan(Ipv4Addr::new(10, 7, 0, 255)));
    assert!(!view.is_lan(Ipv4Addr::new(10, 7, 1, 0)));
    let all = NamesView { prefix: 0, ..view };
    assert!(all.is_lan(Ipv4Addr::new(1, 2, 3, 4)), "a length of nothing is everything, not a panic");
}
