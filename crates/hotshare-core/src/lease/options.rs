//! What a reply tells the station beside its address.

use std::net::Ipv4Addr;

use super::{LeaseRules, Pool};

/// An option of a reply (RFC 2132).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyOption {
    SubnetMask(Ipv4Addr),
    Router(Ipv4Addr),
    Resolver(Ipv4Addr),
    Domain(String),
    Mtu(u16),
    BroadcastAddress(Ipv4Addr),
    /// Option 43 with the one value that Android looks for.
    Vendor(&'static [u8]),
    CaptivePortal(String),
}

impl ReplyOption {
    /// Its number, as stations ask for it.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            ReplyOption::SubnetMask(_) => 1,
            ReplyOption::Router(_) => 3,
            ReplyOption::Resolver(_) => 6,
            ReplyOption::Domain(_) => 15,
            ReplyOption::Mtu(_) => 26,
            ReplyOption::BroadcastAddress(_) => 28,
            ReplyOption::Vendor(_) => 43,
            ReplyOption::CaptivePortal(_) => 114,
        }
    }
}

/// Everything that there is to tell, cut to what the station asked for, if it asked for anything.
pub(super) fn options_for(rules: &LeaseRules, pool: Pool, wants: Option<&[u8]>) -> Vec<ReplyOption> {
    let mut options = vec![
        ReplyOption::SubnetMask(pool.netmask()),
        ReplyOption::Router(rules.gateway),
        ReplyOption::Resolver(rules.gateway),
        ReplyOption::BroadcastAddress(pool.broadcast()),
    ];
    options.extend(rules.domain.clone().map(ReplyOption::Domain));
    options.extend(rules.mtu.map(ReplyOption::Mtu));
    options.extend(rules.metered.then_some(ReplyOption::Vendor(b"ANDROID_METERED")));
    options.extend(rules.captive_portal.clone().map(ReplyOption::CaptivePortal));
    options.retain(|option| wants.is_none_or(|wants| wants.contains(&option.code())));
    options
}
