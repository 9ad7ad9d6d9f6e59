//! The table `bridge hotshare`, as values: what the members of the LAN's bridge may say to one another (nothing) and
//! to the box.
//!
//! The first lock against one station speaking to another; that each port is isolated is the second. A member is
//! known by its name, for not every kernel can tell the rules which bridge it is.

use hotshare_core::desired::{BRIDGE, Ruleset, WifiLan};
use nlink::netlink::nftables::{
    BaseChain, ChainName, CmpOp, Expr, Family, Field, FilterHook, LookupExpr, Match, PayloadBase, PktType,
    Policy, Register, Rule, SetKeyType, Value,
};

use super::table::{Draft, NamedSet, PRIORITY, TABLE, said};

/// Stations that are on the air: their hardware addresses come from no wire.
pub(super) const WIRELESS: NamedSet =
    NamedSet { family: Family::Bridge, name: "wireless", key: SetKeyType::EtherAddr, size: MOST };
/// Addresses that are somebody's.
pub(super) const TAKEN: NamedSet =
    NamedSet { family: Family::Bridge, name: "taken", key: SetKeyType::Ipv4Addr, size: MOST };

/// Whose they are.
pub(super) fn holders() -> NamedSet {
    let key = SetKeyType::Concat(vec![SetKeyType::EtherAddr, SetKeyType::Ipv4Addr]);
    NamedSet { family: Family::Bridge, name: HOLDERS, key, size: MOST }
}

/// As many as there can be leases.
const MOST: u32 = 4096;

const HOLDERS: &str = "holders";
const FORWARD: &str = "forward";
const INPUT: &str = "input";
const PREROUTING: &str = "prerouting";
const FROM_PORT: &str = "from_port";
const ARP: &str = "arp_from_port";

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
/// IEEE 802.1X: how stations agree on keys. It goes to the box and no further.
const ETHERTYPE_EAPOL: u16 = 0x888e;

/// Where a frame has it: base, offset, length.
type Place = (PayloadBase, u32, u32);
const KIND: Place = (PayloadBase::LinkLayer, 12, 2);
const SOURCE: Place = (PayloadBase::LinkLayer, 6, 6);
const IP_SOURCE: Place = (PayloadBase::Network, 12, 4);
const ARP_SENDER: Place = (PayloadBase::Network, 8, 6);
const ARP_SENDER_IP: Place = (PayloadBase::Network, 14, 4);
const ARP_TARGET_IP: Place = (PayloadBase::Network, 24, 4);

/// The table that says what a [`Ruleset`] asks for; `None` where there is no bridge.
pub(super) fn draft(r: &Ruleset) -> nlink::Result<Option<Draft>> {
    if r.lan != BRIDGE {
        return Ok(None);
    }
    let filter = |hook| Some(BaseChain::filter(hook, PRIORITY).policy(Policy::Accept));
    let mut draft = Draft {
        family: Family::Bridge,
        sets: vec![WIRELESS, TAKEN, holders()],
        chains: vec![(FORWARD, filter(FilterHook::Forward))],
        rules: vec![(FORWARD, forward(r))],
    };
    if r.wifi.is_some() {
        draft.chains.splice(0..0, [(ARP, None), (FROM_PORT, None)]);
        draft.rules.splice(0..0, [(ARP, arp(r)), (FROM_PORT, from_port()?)]);
        draft.chains.push((PREROUTING, filter(FilterHook::Prerouting)));
        draft.rules.push((PREROUTING, prerouting(r)));
        draft.chains.push((INPUT, filter(FilterHook::Input)));
        let goto = |member| -> nlink::Result<Rule> {
            Ok(rule(INPUT).then(Match::eq(Field::Iifname, member)).goto(ChainName::new(FROM_PORT)?))
        };
        draft.rules.push((INPUT, members(r).into_iter().map(goto).collect::<nlink::Result<_>>()?));
    }
    Ok(Some(draft))
}

/// The bridge's members by name. A card whose stations have interfaces of their own is none.
fn members(r: &Ruleset) -> Vec<Value> {
    let ports = r.ports.iter().map(|port| Value::Name(port.clone()));
    ports.chain(r.wifi.iter().map(air)).collect()
}

/// What frames from the air come in through.
fn air(wifi: &WifiLan) -> Value {
    if wifi.station_ports {
        Value::NamePrefix(wifi.pattern.to_owned())
    } else {
        Value::Name(wifi.card.clone())
    }
}

fn rule(chain: &str) -> Rule {
    Rule::new(TABLE, chain).family(Family::Bridge)
}

/// Nothing passes from one member to another, whatever else is a member.
fn forward(r: &Ruleset) -> Vec<Rule> {
    let ways = |member: Value| [Match::eq(Field::Iifname, member.clone()), Match::eq(Field::Oifname, member)];
    members(r).into_iter().flat_map(ways).map(|way| rule(FORWARD).then(way).drop()).collect()
}

/// A station's hardware address comes from the air alone: else a wire could draw what is for the station to itself,
/// for the bridge learns from what comes in.
fn prerouting(r: &Ruleset) -> Vec<Rule> {
    let from = |port: &String| rule(PREROUTING).match_iif(port);
    let sent_by_station = |rule| lookup(load(rule, SOURCE, Register::R0), WIRELESS.name, false);
    r.ports.iter().map(|port| sent_by_station(from(port)).drop()).collect()
}

fn from_port() -> nlink::Result<Vec<Rule>> {
    let not_its_own = is_not_held_by(rule(FROM_PORT).match_saddr_in_set(TAKEN.name), SOURCE, IP_SOURCE);
    Ok(vec![
        rule(FROM_PORT).then(Match::eq(Field::Protocol, ETHERTYPE_EAPOL)).accept(),
        rule(FROM_PORT).then(Match::eq(Field::Protocol, ETHERTYPE_ARP)).goto(ChainName::new(ARP)?),
        // IPv6 with its advertisements, and all that nobody here speaks.
        rule(FROM_PORT).then(Match::ne(Field::Protocol, ETHERTYPE_IPV4)).drop(),
        not_its_own.drop(),
        // Nobody else serves DHCP.
        rule(FROM_PORT).then(Match::eq(Field::UdpSport, 67_u16)).drop(),
        // Only who has no address yet speaks to everybody.
        rule(FROM_PORT).match_pkttype_not(PktType::Host).match_udp_dport(67).accept(),
        rule(FROM_PORT).match_pkttype_not(PktType::Host).drop(),
    ])
}

/// What is asked or told of the gateway, by who has the address that it claims. One that nobody has may be claimed:
/// a station may come with it before it asks for one, and by probing (0.0.0.0) it claims none.
fn arp(r: &Ruleset) -> Vec<Rule> {
    let gateway = r.gateway.octets().to_vec();
    // As nft says it, though it was asked already.
    let is_arp = || {
        let data = ETHERTYPE_ARP.to_be_bytes().to_vec();
        load(rule(ARP), KIND, Register::R0).expr(Expr::Cmp { sreg: Register::R0, op: CmpOp::Eq, data })
    };
    let compare = |place, op| {
        let data = gateway.clone();
        load(is_arp(), place, Register::R0).expr(Expr::Cmp { sreg: Register::R0, op, data })
    };
    let claims = || lookup(load(is_arp(), ARP_SENDER_IP, Register::R0), TAKEN.name, false);
    vec![
        said(compare(ARP_TARGET_IP, CmpOp::Neq).drop(), &format!("arp daddr ip != {} drop", r.gateway)),
        said(compare(ARP_SENDER_IP, CmpOp::Eq).drop(), &format!("arp saddr ip {} drop", r.gateway)),
        said(
            is_not_held_by(claims(), SOURCE, ARP_SENDER_IP).drop(),
            "arp saddr ip @taken ether saddr . arp saddr ip != @holders drop",
        ),
        said(
            is_not_held_by(claims(), ARP_SENDER, ARP_SENDER_IP).drop(),
            "arp saddr ip @taken arp saddr ether . arp saddr ip != @holders drop",
        ),
    ]
}

fn load(rule: Rule, (base, offset, len): Place, dreg: Register) -> Rule {
    rule.expr(Expr::Payload { dreg, base, offset, len })
}

fn lookup(rule: Rule, set: &str, invert: bool) -> Rule {
    let lookup = LookupExpr::new(set, Register::R0);
    rule.expr(if invert { lookup.invert() } else { lookup })
}

/// Goes on when the address at `ip` is not held by the hardware address at `mac`.
fn is_not_held_by(rule: Rule, mac: Place, ip: Place) -> Rule {
    // A hardware address fills two words of a key.
    let rule = load(load(rule, mac, Register::R0), ip, Register::Reg32_02);
    lookup(rule, HOLDERS, true)
}
