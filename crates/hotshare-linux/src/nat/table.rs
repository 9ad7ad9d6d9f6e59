//! A table of ours as values, and whether the kernel's says the same.

use nlink::netlink::nftables::{
    BaseChain, Chain, ChainInfo, Family, Priority, Rule, RuleInfo, Set, SetInfo, SetKeyType,
};

/// The name of each of our tables; they differ in their family.
pub const TABLE: &str = "hotshare";
/// Before the usual filter chains, so that it is we who answer what is refused.
pub(super) const PRIORITY: Priority = Priority::Custom(-10);

/// What one table is to say.
pub(super) struct Draft {
    pub(super) family: Family,
    pub(super) sets: Vec<NamedSet>,
    /// Targets before those that lead to them.
    pub(super) chains: Vec<(&'static str, Option<BaseChain>)>,
    /// Each chain's rules, in order.
    pub(super) rules: Vec<(&'static str, Vec<Rule>)>,
}

/// A set whose elements change without touching the rules.
#[derive(Clone, Debug)]
pub(super) struct NamedSet {
    pub(super) family: Family,
    pub(super) name: &'static str,
    pub(super) key: SetKeyType,
    pub(super) size: u32,
}

impl NamedSet {
    /// As nlink wants to be told of it.
    pub(super) fn set(&self) -> Set {
        Set::new(TABLE, self.name).family(self.family).key_type(self.key.clone()).size(self.size)
    }
}

impl Draft {
    /// Whether the kernel's chains and rules are exactly these, and the sets are there.
    pub(super) fn is_said_by(&self, chains: &[ChainInfo], rules: &[RuleInfo], sets: &[SetInfo]) -> bool {
        let is = |chain: &(&str, Option<BaseChain>), kernels: &ChainInfo| {
            kernels.name == chain.0 && kernels.kind().is_some_and(|kind| kind.base() == chain.1.as_ref())
        };
        let same_chains = chains.len() == self.chains.len()
            && self.chains.iter().all(|chain| chains.iter().any(|kernels| is(chain, kernels)));
        let said_in = |name: &str| -> Vec<Option<String>> {
            let of_chain = rules.iter().filter(|rule| rule.chain == name);
            of_chain.map(|rule| rule.nft_syntax_stateless().or(rule.comment_text.clone())).collect()
        };
        let same_rules = self
            .rules
            .iter()
            .all(|(chain, rules)| said_in(chain).into_iter().eq(rules.iter().map(|rule| Some(line(rule)))));
        same_chains
            && same_rules
            && self.sets.iter().all(|set| sets.iter().any(|kernels| kernels.name == set.name))
    }

    /// As `nft -s list` prints it, but for the sets' elements, and with the words of [`said`].
    pub(super) fn text(&self) -> String {
        let mut out = format!("table {} {TABLE} {{\n", self.family.name());
        let sets = self.sets.iter().map(|set| {
            format!("\tset {} {{\n\t\ttype {}\n\t\tsize {}\n\t}}\n", set.name, key_text(&set.key), set.size)
        });
        let chains = self.rules.iter().map(|(name, rules)| {
            let mut text = format!("\tchain {name} {{\n");
            if self.chains.iter().any(|(chain, base)| chain == name && base.is_some()) {
                text += &format!("\t\t{}\n", base_text(self.family, name));
            }
            for rule in rules {
                text += &format!("\t\t{}\n", line(rule));
            }
            text + "\t}\n"
        });
        out += &sets.chain(chains).collect::<Vec<_>>().join("\n");
        out + "}\n"
    }
}

/// As nlink wants to be told of it.
pub(super) fn chain(family: Family, (name, base): (&'static str, Option<BaseChain>)) -> nlink::Result<Chain> {
    let chain = Chain::new(TABLE, name)?.family(family);
    Ok(match base {
        Some(base) => chain.base(base),
        None => chain,
    })
}

/// A rule as `nft -s` prints it. For one that nlink has no words for, its comment: see [`said`].
pub(super) fn line(rule: &Rule) -> String {
    rule.nft_syntax_stateless().or(rule.comment_ref().map(ToOwned::to_owned)).unwrap_or_default()
}

/// Gives a rule that nlink has no words for those of nft, as its comment: by them it is known again.
pub(super) fn said(rule: Rule, words: &str) -> Rule {
    rule.comment(words)
}

/// The base chains are named after their hooks. Among bridges, nft has other names for priorities.
fn base_text(family: Family, name: &str) -> String {
    let (kind, priority) = match name {
        _ if family == Family::Bridge => ("filter", "-10"),
        "prerouting" => ("nat", "dstnat"),
        "postrouting" => ("nat", "srcnat"),
        _ => ("filter", "filter - 10"),
    };
    format!("type {kind} hook {name} priority {priority}; policy accept;")
}

fn key_text(key: &SetKeyType) -> String {
    if let SetKeyType::Concat(parts) = key {
        return parts.iter().map(key_text).collect::<Vec<_>>().join(" . ");
    }
    if *key == SetKeyType::EtherAddr { "ether_addr".into() } else { "ipv4_addr".into() }
}
