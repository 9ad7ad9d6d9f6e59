//! The table `inet hotshare`, as values: which chains and rules say what a [`Ruleset`] asks for.
//!
//! A drop is final whatever other tables say, so nobody's accept can open what is closed here. Others' drops still
//! apply; `doctor` finds those.

use hotshare_core::desired::Ruleset;
use hotshare_core::names::PROBE_ADDR;
use nlink::netlink::nftables::{
    BaseChain, ChainName, CtState, Family, Field, FilterHook, LimitExpr, LimitUnit, Match, MatchOp, NatHook,
    PacketField, Policy, Priority, Rule, SetKeyType, Stmt, TcpFlags, Value,
};

use super::table::{Draft, NamedSet, PRIORITY, TABLE};

/// The set of the addresses of closed devices. As many as it may hold: a /24, and some from a subnet that was left.
pub(super) const CLOSED: NamedSet =
    NamedSet { family: Family::Inet, name: "closed", key: SetKeyType::Ipv4Addr, size: 1024 };

/// The addresses that may be reached while a part of the plan is kept for sites.
pub(super) const SITES: NamedSet =
    NamedSet { family: Family::Inet, name: "sites", key: SetKeyType::Ipv4Addr, size: 1024 };

/// The addresses of the devices that may use the uplink.
pub(super) const OPEN: NamedSet =
    NamedSet { family: Family::Inet, name: "open", key: SetKeyType::Ipv4Addr, size: 1024 };

const FORWARD: &str = "forward";
const FROM_LAN: &str = "from_lan";
const TO_LAN: &str = "to_lan";
const RESET: &str = "reset";
const REFUSE: &str = "refuse";
const STRAY: &str = "stray";
const INPUT: &str = "input";
const LAN_TO_HOST: &str = "lan_to_host";
const PREROUTING: &str = "prerouting";
const POSTROUTING: &str = "postrouting";

/// Where the portal is, at the gateway's address.
const PORTAL_PORT: u16 = 80;
const NFPROTO_IPV4: u8 = 2;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
/// ICMP destination unreachable: port unreachable, and forbidden by the administrator.
const PORT_UNREACHABLE: u8 = 3;
const ADMIN_PROHIBITED: u8 = 13;

/// The table that says what a [`Ruleset`] asks for.
pub(super) fn draft(r: &Ruleset) -> nlink::Result<Draft> {
    let filter = |hook| Some(BaseChain::filter(hook, PRIORITY).policy(Policy::Accept));
    let nat = BaseChain::nat(NatHook::Postrouting, Priority::SrcNat).policy(Policy::Accept);
    let portal = BaseChain::nat(NatHook::Prerouting, Priority::DstNat).policy(Policy::Accept);
    let masquerade = rule(POSTROUTING)
        .match_oif(&r.uplink)
        .match_saddr_v4(r.subnet.network(), r.subnet.prefix_len())
        .masquerade();
    let mut draft = Draft {
        family: Family::Inet,
        sets: vec![CLOSED, SITES, OPEN],
        chains: vec![
            (REFUSE, None),
            (RESET, None),
            (FROM_LAN, None),
            (TO_LAN, None),
            (LAN_TO_HOST, None),
            (FORWARD, filter(FilterHook::Forward)),
            (INPUT, filter(FilterHook::Input)),
            (PREROUTING, Some(portal)),
            (POSTROUTING, Some(nat)),
        ],
        rules: vec![
            (REFUSE, refuse()),
            (RESET, reset()),
            (FROM_LAN, from_lan(r)?),
            (TO_LAN, to_lan(r)?),
            (LAN_TO_HOST, lan_to_host(r)?),
            (FORWARD, forward(r)?),
            (INPUT, input(r)?),
            (PREROUTING, prerouting(r)),
            (POSTROUTING, vec![masquerade]),
        ],
    };
    if r.only_sites {
        draft.chains.insert(0, (STRAY, None));
        draft.rules.insert(0, (STRAY, stray()));
    }
    Ok(draft)
}

/// Interfaces that belong to the LAN's bridge, there already or not yet: what comes through them beside the bridge
/// is nobody's.
fn members(r: &Ruleset) -> Vec<Value> {
    let ports = r.ports.iter().map(|port| Value::Name(port.clone()));
    let wifi = r
        .wifi
        .iter()
        .flat_map(|wifi| [Value::NamePrefix(wifi.pattern.to_owned()), Value::Name(wifi.card.clone())]);
    ports.chain(wifi).collect()
}

fn rule(chain: &str) -> Rule {
    Rule::new(TABLE, chain).family(Family::Inet)
}

fn to(chain: &str) -> nlink::Result<ChainName> {
    ChainName::new(chain)
}

fn not_ipv4(chain: &str) -> Rule {
    rule(chain).then(Match::ne(Field::NfProto, NFPROTO_IPV4))
}

/// What comes or goes by another interface than the metered one; everything, while there is none.
fn other(chain: &str, way: Field, metered: Option<u32>) -> Rule {
    match metered {
        Some(index) => rule(chain).then(Match::ne(way, index)),
        None => rule(chain),
    }
}

fn known() -> CtState {
    CtState::ESTABLISHED | CtState::RELATED
}

fn limit(rate: u64, burst: u32) -> Stmt {
    Stmt::Limit(LimitExpr::packets(rate, LimitUnit::Second).burst(burst))
}

/// In both directions: what counts is the smaller MTU of the two ways.
fn clamp(of: Rule) -> Rule {
    of.match_tcp_flags(TcpFlags::SYN, TcpFlags::SYN | TcpFlags::RST).clamp_tcp_mss_to_pmtu()
}

fn forward(r: &Ruleset) -> nlink::Result<Vec<Rule>> {
    let mut rules = vec![
        rule(FORWARD).match_iif(&r.lan).goto(to(FROM_LAN)?),
        rule(FORWARD).match_oif(&r.lan).goto(to(TO_LAN)?),
    ];
    // A port that has fallen out of the bridge, or is not in it yet, must not become a way around it.
    for member in members(r) {
        rules.push(rule(FORWARD).then(Match::eq(Field::Iifname, member.clone())).drop());
        rules.push(rule(FORWARD).then(Match::eq(Field::Oifname, member)).drop());
    }
    Ok(rules)
}

/// Plain HTTP of who may not use the uplink leads to the portal, which says why. Only where a flow begins: one that was
/// there before is refused as any other. Nothing else is led anywhere, HTTPS least of all.
///
/// Who may is asked of a set, not of the mark: where the kernel's bridges call these rules (`br_netfilter`), they do so
/// before `lan_in` has seen the packet.
fn prerouting(r: &Ruleset) -> Vec<Rule> {
    let (network, prefix) = (r.subnet.network(), r.subnet.prefix_len());
    let from_lan = || rule(PREROUTING).match_iif(&r.lan).match_saddr_v4(network, prefix);
    let to_portal = |from: Rule| from.match_tcp_dport(PORTAL_PORT).dnat(r.gateway, Some(PORTAL_PORT));
    let outside = from_lan().match_daddr_v4_not(network, prefix);
    vec![
        to_portal(from_lan().match_daddr_v4(PROBE_ADDR, 32)),
        to_portal(outside.match_not_in_set(PacketField::Ip4Saddr, OPEN.name)),
    ]
}

fn from_lan(r: &Ruleset) -> nlink::Result<Vec<Rule>> {
    let ok = u64::from(r.ok_mark);
    let unmarked = Match::new(Field::Mark, MatchOp::Ne, Value::Masked { value: ok, mask: ok });
    let mut rules = vec![
        // LAN to LAN, and to any other interface than the one that is metered.
        other(FROM_LAN, Field::Oif, r.metered.uplink).drop(),
        other(FROM_LAN, Field::Iif, r.metered.lan).drop(),
        not_ipv4(FROM_LAN).drop(),
        rule(FROM_LAN).match_saddr_v4_not(r.subnet.network(), r.subnet.prefix_len()).drop(),
        rule(FROM_LAN).match_saddr_in_set(CLOSED.name).goto(to(REFUSE)?),
        // It is told to who looks for a portal, and is nobody's: who was opened since must hear so at once.
        rule(FROM_LAN).match_daddr_v4(PROBE_ADDR, 32).goto(to(REFUSE)?),
    ];
    if r.only_sites {
        // By every packet's own target: flows that were there before are no exception.
        rules.push(rule(FROM_LAN).match_not_in_set(PacketField::Ip4Daddr, SITES.name).goto(to(REFUSE)?));
    }
    rules.extend([
        // The gate may be closed for a moment only, and flows outlive that if nobody resets them.
        rule(FROM_LAN).then(unmarked.clone()).match_ct_state(CtState::NEW).goto(to(REFUSE)?),
        rule(FROM_LAN).then(unmarked).drop(),
        // Conntrack does not translate these: they would leave with a private source, and be billed.
        rule(FROM_LAN).match_ct_state(CtState::INVALID).drop(),
        clamp(rule(FROM_LAN)),
        rule(FROM_LAN).accept(),
    ]);
    Ok(rules)
}

fn to_lan(r: &Ruleset) -> nlink::Result<Vec<Rule>> {
    let mut rules = vec![
        other(TO_LAN, Field::Iif, r.metered.uplink).drop(),
        other(TO_LAN, Field::Oif, r.metered.lan).drop(),
        not_ipv4(TO_LAN).drop(),
        rule(TO_LAN).match_ct_state(known()).match_daddr_in_set(CLOSED.name).goto(to(RESET)?),
    ];
    if r.only_sites {
        // What is only related is an error on the way to a site, and may come from anywhere on it.
        let flow = rule(TO_LAN).match_ct_state(CtState::ESTABLISHED);
        rules.push(flow.match_not_in_set(PacketField::Ip4Saddr, SITES.name).goto(to(STRAY)?));
    }
    rules.extend([
        clamp(rule(TO_LAN).match_ct_state(known())),
        rule(TO_LAN).match_ct_state(known()).accept(),
        rule(TO_LAN).drop(),
    ]);
    Ok(rules)
}

fn of(chain: &str, protocol: u8) -> Rule {
    rule(chain).match_l4proto(protocol)
}

/// Tells a device to stop. Answers on the LAN cost nothing but work: enough for every flow of several devices.
fn refuse() -> Vec<Rule> {
    vec![
        of(REFUSE, IPPROTO_TCP).then(limit(1000, 2000)).reject_tcp_reset(),
        of(REFUSE, IPPROTO_TCP).drop(),
        rule(REFUSE).then(limit(20, 20)).reject_icmp(ADMIN_PROHIBITED),
        rule(REFUSE).drop(),
    ]
}

/// Tells the far end to stop. These answers are billed, so they are few.
/// A device that only listens has to be made to speak first: see `poke`.
fn reset() -> Vec<Rule> {
    vec![
        of(RESET, IPPROTO_TCP).then(limit(200, 400)).reject_tcp_reset(),
        of(RESET, IPPROTO_UDP).then(limit(10, 10)).reject_icmp(PORT_UNREACHABLE),
        // The rest goes on to the meter, which refuses it and counts it.
        rule(RESET).accept(),
    ]
}

/// The same for what comes from elsewhere while only sites may be reached: the meter would let the rest pass.
fn stray() -> Vec<Rule> {
    vec![
        of(STRAY, IPPROTO_TCP).then(limit(200, 400)).reject_tcp_reset(),
        of(STRAY, IPPROTO_UDP).then(limit(10, 10)).reject_icmp(PORT_UNREACHABLE),
        rule(STRAY).drop(),
    ]
}

fn input(r: &Ruleset) -> nlink::Result<Vec<Rule>> {
    let mut rules = vec![rule(INPUT).match_iif(&r.lan).goto(to(LAN_TO_HOST)?)];
    for member in members(r) {
        rules.push(rule(INPUT).then(Match::eq(Field::Iifname, member)).drop());
    }
    // Linux answers on any interface for any of its addresses; the gateway's is the LAN's alone.
    rules.push(rule(INPUT).match_iif_not("lo").match_daddr_v4(r.gateway, 32).drop());
    Ok(rules)
}

fn lan_to_host(r: &Ruleset) -> nlink::Result<Vec<Rule>> {
    let gateway = |rule: Rule| rule.match_daddr_v4(r.gateway, 32);
    let mut rules = vec![
        not_ipv4(LAN_TO_HOST).drop(),
        // DHCP: a device that has no address yet speaks to everybody.
        rule(LAN_TO_HOST).match_daddr_v4(std::net::Ipv4Addr::BROADCAST, 32).match_udp_dport(67).accept(),
        rule(LAN_TO_HOST).match_daddr_v4_not(r.gateway, 32).drop(),
        gateway(rule(LAN_TO_HOST)).match_udp_dport(67).accept(),
        rule(LAN_TO_HOST).match_saddr_v4_not(r.subnet.network(), r.subnet.prefix_len()).drop(),
        gateway(rule(LAN_TO_HOST)).match_udp_dport(53).accept(),
        gateway(rule(LAN_TO_HOST)).match_tcp_dport(53).accept(),
    ];
    for port in &r.portal_ports {
        rules.push(gateway(rule(LAN_TO_HOST)).match_tcp_dport(*port).accept());
    }
    rules.push(rule(LAN_TO_HOST).match_ct_state(known()).accept());
    rules.push(rule(LAN_TO_HOST).goto(to(REFUSE)?));
    Ok(rules)
}
