//! The table `inet hotshare`, as values: which chains and rules say what a [`Ruleset`] asks for.
//!
//! A drop is final whatever other tables say, so nobody's accept can open what is closed here. Others' drops still
//! apply; `doctor` finds those.

use hotshare_core::desired::Ruleset;
use nlink::netlink::nftables::{
    BaseChain, Chain, ChainInfo, ChainName, CtState, Family, Field, FilterHook, LimitExpr, LimitUnit, Match,
    MatchOp, NatHook, Policy, Priority, Rule, Set, SetKeyType, Stmt, TcpFlags, Value,
};

/// The table's name.
pub const TABLE: &str = "hotshare";
/// The set of the addresses of closed devices.
pub(super) const CLOSED: &str = "closed";
/// As many addresses as the set may hold: a /24, and some from a subnet that was left.
const CLOSED_SIZE: u32 = 1024;
/// Before the usual filter chains, so that it is we who answer what is refused.
const PRIORITY: Priority = Priority::Custom(-10);

const FORWARD: &str = "forward";
const FROM_LAN: &str = "from_lan";
const TO_LAN: &str = "to_lan";
const RESET: &str = "reset";
const REFUSE: &str = "refuse";
const INPUT: &str = "input";
const LAN_TO_HOST: &str = "lan_to_host";
const POSTROUTING: &str = "postrouting";

const NFPROTO_IPV4: u8 = 2;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
/// ICMP destination unreachable: port unreachable, and forbidden by the administrator.
const PORT_UNREACHABLE: u8 = 3;
const ADMIN_PROHIBITED: u8 = 13;

pub(super) fn closed_set() -> Set {
    Set::new(TABLE, CLOSED).family(Family::Inet).key_type(SetKeyType::Ipv4Addr).size(CLOSED_SIZE)
}

/// Whether the kernel's chain is hooked where `chain` is to be.
pub(super) fn is(chain: &(&'static str, Option<BaseChain>), kernels: &ChainInfo) -> bool {
    let (name, base) = chain;
    kernels.name == *name && kernels.kind().is_some_and(|kind| kind.base() == base.as_ref())
}

/// The chains, targets before those that lead to them.
pub(super) fn chains() -> Vec<(&'static str, Option<BaseChain>)> {
    let filter = |hook| BaseChain::filter(hook, PRIORITY).policy(Policy::Accept);
    vec![
        (REFUSE, None),
        (RESET, None),
        (FROM_LAN, None),
        (TO_LAN, None),
        (LAN_TO_HOST, None),
        (FORWARD, Some(filter(FilterHook::Forward))),
        (INPUT, Some(filter(FilterHook::Input))),
        (POSTROUTING, Some(BaseChain::nat(NatHook::Postrouting, Priority::SrcNat).policy(Policy::Accept))),
    ]
}

/// As nlink wants to be told of it.
pub(super) fn chain((name, base): (&'static str, Option<BaseChain>)) -> nlink::Result<Chain> {
    let chain = Chain::new(TABLE, name)?.family(Family::Inet);
    Ok(match base {
        Some(base) => chain.base(base),
        None => chain,
    })
}

/// Each chain's rules, in order.
pub(super) fn rules(r: &Ruleset) -> nlink::Result<Vec<(&'static str, Vec<Rule>)>> {
    let masquerade = rule(POSTROUTING)
        .match_oif(&r.uplink)
        .match_saddr_v4(r.subnet.network(), r.subnet.prefix_len())
        .masquerade();
    Ok(vec![
        (REFUSE, refuse()),
        (RESET, reset()),
        (FROM_LAN, from_lan(r)?),
        (TO_LAN, to_lan(r)?),
        (LAN_TO_HOST, lan_to_host(r)?),
        (FORWARD, forward(r)?),
        (INPUT, input(r)?),
        (POSTROUTING, vec![masquerade]),
    ])
}

/// A rule as `nft -s` prints it.
pub(super) fn line(rule: &Rule) -> String {
    rule.nft_syntax_stateless().unwrap_or_default()
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
    // A port that has fallen out of the bridge must not become a way around it.
    for port in &r.ports {
        rules.push(rule(FORWARD).match_iif(port).drop());
        rules.push(rule(FORWARD).match_oif(port).drop());
    }
    Ok(rules)
}

fn from_lan(r: &Ruleset) -> nlink::Result<Vec<Rule>> {
    let ok = u64::from(r.ok_mark);
    let unmarked = Match::new(Field::Mark, MatchOp::Ne, Value::Masked { value: ok, mask: ok });
    Ok(vec![
        // LAN to LAN, and to any other interface than the one that is metered.
        other(FROM_LAN, Field::Oif, r.metered.uplink).drop(),
        other(FROM_LAN, Field::Iif, r.metered.lan).drop(),
        not_ipv4(FROM_LAN).drop(),
        rule(FROM_LAN).match_saddr_v4_not(r.subnet.network(), r.subnet.prefix_len()).drop(),
        rule(FROM_LAN).match_saddr_in_set(CLOSED).goto(to(REFUSE)?),
        // The gate may be closed for a moment only, and flows outlive that if nobody resets them.
        rule(FROM_LAN).then(unmarked.clone()).match_ct_state(CtState::NEW).goto(to(REFUSE)?),
        rule(FROM_LAN).then(unmarked).drop(),
        // Conntrack does not translate these: they would leave with a private source, and be billed.
        rule(FROM_LAN).match_ct_state(CtState::INVALID).drop(),
        clamp(rule(FROM_LAN)),
        rule(FROM_LAN).accept(),
    ])
}

fn to_lan(r: &Ruleset) -> nlink::Result<Vec<Rule>> {
    Ok(vec![
        other(TO_LAN, Field::Iif, r.metered.uplink).drop(),
        other(TO_LAN, Field::Oif, r.metered.lan).drop(),
        not_ipv4(TO_LAN).drop(),
        rule(TO_LAN).match_ct_state(known()).match_daddr_in_set(CLOSED).goto(to(RESET)?),
        clamp(rule(TO_LAN).match_ct_state(known())),
        rule(TO_LAN).match_ct_state(known()).accept(),
        rule(TO_LAN).drop(),
    ])
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

fn input(r: &Ruleset) -> nlink::Result<Vec<Rule>> {
    let mut rules = vec![rule(INPUT).match_iif(&r.lan).goto(to(LAN_TO_HOST)?)];
    for port in &r.ports {
        rules.push(rule(INPUT).match_iif(port).drop());
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

/// The table as `nft -s list table inet hotshare` prints it, but for the set's elements. For tests and people.
///
/// # Errors
/// When a name in it cannot be one.
pub fn text(r: &Ruleset) -> nlink::Result<String> {
    let mut out = format!(
        "table inet {TABLE} {{\n\tset {CLOSED} {{\n\t\ttype ipv4_addr\n\t\tsize {CLOSED_SIZE}\n\t}}\n"
    );
    for (chain, rules) in rules(r)? {
        out.push_str(&format!("\n\tchain {chain} {{\n"));
        match chain {
            FORWARD | INPUT => {
                out.push_str(&format!("\t\ttype filter hook {chain} priority filter - 10; policy accept;\n"));
            }
            POSTROUTING => out.push_str("\t\ttype nat hook postrouting priority srcnat; policy accept;\n"),
            _ => {}
        }
        for rule in &rules {
            out.push_str(&format!("\t\t{}\n", line(rule)));
        }
        out.push_str("\t}\n");
    }
    out.push_str("}\n");
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use hotshare_core::desired::{Metered, Table, Wanted};
    use hotshare_core::uplink::Subnet;

    use super::*;

    fn wanted(ports: &[&str]) -> Wanted {
        Wanted {
            uplink: "wwan0".into(),
            ports: ports.iter().map(|port| (*port).to_owned()).collect(),
            subnet: Subnet::new([172, 29, 77, 0].into(), 24),
            portal_ports: [80].into(),
            ipv6: true,
            metered: Metered { uplink: Some(7), lan: Some(9) },
            wifi: None,
        }
    }

    fn text_for(ports: &[&str]) -> String {
        let Table::Holds(ruleset) = wanted(ports).desired().table else { panic!("no rules are desired") };
        text(&ruleset).unwrap()
    }

    /// What a change of the rules changes is seen in the difference of these files.
    #[test]
    fn the_table_reads_as_reviewed() {
        let cases: [(&[&str], &str); 2] = [
            (&["eth1", "eth2"], include_str!("ruleset/bridged.nft")),
            (&["eth1"], include_str!("ruleset/one-port.nft")),
        ];
        for (ports, reviewed) in cases {
            assert_eq!(text_for(ports), reviewed, "for {ports:?}");
        }
    }

    #[test]
    fn nothing_is_forwarded_while_the_meter_is_not_there() {
        let mut wanted = wanted(&["eth1"]);
        for metered in [Metered { uplink: Some(7), lan: None }, Metered { uplink: None, lan: Some(9) }] {
            wanted.metered = metered;
            let Table::Holds(ruleset) = wanted.desired().table else { panic!("no rules are desired") };
            for (chain, rules) in rules(&ruleset).unwrap() {
                let lines: Vec<String> = rules.iter().map(line).collect();
                let gate = lines.iter().take_while(|line| line.ends_with("drop")).any(|line| line == "drop");
                assert!(gate || ![FROM_LAN, TO_LAN].contains(&chain), "{chain}: {lines:?}");
            }
        }
    }

    #[test]
    fn every_rule_can_be_said_in_words() {
        assert!(text_for(&["eth1", "eth2"]).lines().all(|line| line.is_empty() || !line.trim().is_empty()));
    }
}
