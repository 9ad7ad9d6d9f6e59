//! Which interfaces a card can have at once (`NL80211_ATTR_INTERFACE_COMBINATIONS`).

use std::collections::BTreeSet;

use hotshare_core::radio::Beside;
use nlink::netlink::AttrIter;
use nlink::netlink::genl::nl80211::InterfaceType;

use super::phy::u32_of;

const LIMITS: u16 = 1;
const MOST: u16 = 2;
const CHANNELS: u16 = 4;
const RADAR_WIDTHS: u16 = 5;

const LIMIT_MOST: u16 = 1;
const LIMIT_KINDS: u16 = 2;

/// One set of interfaces that may be up together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Combination {
    /// At most so many of these kinds (`NL80211_IFTYPE_*`).
    limits: Vec<(u32, BTreeSet<u16>)>,
    /// At most so many in all.
    most: u32,
    /// On at most so many channels.
    channels: u32,
    /// In it, an access point can watch for radar.
    pub(super) radar: bool,
}

impl Combination {
    pub(super) fn parse(attributes: &[u8]) -> Combination {
        let mut combination = Combination::default();
        for (kind, value) in AttrIter::new(attributes) {
            match kind {
                LIMITS => {
                    combination.limits = AttrIter::new(value).map(|(_, limit)| parse_limit(limit)).collect()
                }
                MOST => combination.most = u32_of(value),
                CHANNELS => combination.channels = u32_of(value),
                RADAR_WIDTHS => combination.radar = u32_of(value) != 0,
                _ => {}
            }
        }
        combination
    }

    /// An access point beside a station.
    fn beside(&self) -> Beside {
        let (station, access_point) = (InterfaceType::Station as u16, InterfaceType::Ap as u16);
        let both = self.limits.iter().enumerate().any(|(i, (_, kinds))| {
            kinds.contains(&station)
                && self
                    .limits
                    .iter()
                    .enumerate()
                    .any(|(k, (most, kinds))| kinds.contains(&access_point) && (i != k || *most >= 2))
        });
        match self.channels {
            _ if !both || self.most < 2 => Beside::Never,
            0 => Beside::Never,
            1 => Beside::SameChannel,
            2.. => Beside::AnyChannel,
        }
    }
}

/// The best that any combination allows. None at all: one interface at a time.
pub(super) fn beside(combinations: &[Combination]) -> Beside {
    combinations.iter().map(Combination::beside).max().unwrap_or_default()
}

fn parse_limit(attributes: &[u8]) -> (u32, BTreeSet<u16>) {
    let mut limit = (0, BTreeSet::new());
    for (kind, value) in AttrIter::new(attributes) {
        match kind {
            LIMIT_MOST => limit.0 = u32_of(value),
            LIMIT_KINDS => limit.1 = AttrIter::new(value).map(|(kind, _)| kind).collect(),
            _ => {}
        }
    }
    limit
}

#[cfg(test)]
mod tests {
    use super::super::air::put;
    use super::*;

    const STATION: u16 = 2;
    const ACCESS_POINT: u16 = 3;
    const P2P_DEVICE: u16 = 10;

    fn combination(limits: &[(u32, &[u16])], most: u32, channels: u32) -> Combination {
        let mut all = Vec::new();
        for (n, (most, kinds)) in (1..).zip(limits) {
            let (mut limit, mut set) = (Vec::new(), Vec::new());
            put(&mut limit, LIMIT_MOST, &most.to_ne_bytes());
            kinds.iter().for_each(|kind| put(&mut set, *kind, &[]));
            put(&mut limit, LIMIT_KINDS | 0x8000, &set);
            put(&mut all, n, &limit);
        }
        let mut bytes = Vec::new();
        put(&mut bytes, LIMITS, &all);
        put(&mut bytes, MOST, &most.to_ne_bytes());
        put(&mut bytes, CHANNELS, &channels.to_ne_bytes());
        put(&mut bytes, RADAR_WIDTHS, &7_u32.to_ne_bytes());
        Combination::parse(&bytes)
    }

    #[test]
    fn a_card_that_does_one_thing_at_a_time_has_no_access_point_beside() {
        assert_eq!(beside(&[]), Beside::Never);
        let one_of_either = combination(&[(1, &[STATION, ACCESS_POINT])], 2, 1);
        assert_eq!(beside(&[one_of_either]), Beside::Never);
        let no_access_point = combination(&[(1, &[STATION]), (1, &[P2P_DEVICE])], 3, 2);
        assert_eq!(beside(&[no_access_point]), Beside::Never);
        let only_one_at_all = combination(&[(1, &[STATION]), (1, &[ACCESS_POINT])], 1, 1);
        assert_eq!(beside(&[only_one_at_all]), Beside::Never);
    }

    #[test]
    fn the_number_of_channels_says_whether_the_access_point_must_follow() {
        let one = combination(&[(2, &[STATION, ACCESS_POINT]), (1, &[P2P_DEVICE])], 3, 1);
        assert!(one.radar);
        assert_eq!(beside(std::slice::from_ref(&one)), Beside::SameChannel);
        let two = combination(&[(1, &[STATION]), (1, &[ACCESS_POINT])], 2, 2);
        assert_eq!(beside(&[one, two]), Beside::AnyChannel);
    }
}
