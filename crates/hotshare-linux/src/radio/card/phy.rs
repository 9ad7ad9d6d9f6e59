//! What nl80211 says of one card, from the raw attributes: nlink reads neither interface combinations nor features.

use std::collections::BTreeSet;

use hotshare_core::radio::{Band, CardInterface, CardSeen, ChannelSeen};
use nlink::netlink::AttrIter;
use nlink::netlink::genl::nl80211::{self as nl, InterfaceType};

use super::combination::{Combination, beside};

const INTERFACE_COMBINATIONS: u16 = 120;
const SOFTWARE_IFTYPES: u16 = 121;
/// The card answers associations by itself (full-MAC), not hostapd.
const DEVICE_AP_SME: u16 = 141;
const SELF_MANAGED_REG: u16 = 216;
const EXT_FEATURES: u16 = 217;

/// Bits of `NL80211_ATTR_EXT_FEATURES`: a card that answers by itself, and can do so with SAE, OWE.
const SAE_OFFLOAD_AP: usize = 51;
const OWE_OFFLOAD_AP: usize = 66;

/// BIP-CMAC-128, which protects management frames.
const CIPHER_BIP: u32 = 0x000f_ac06;
const HT40: u16 = 0x0002;

/// `enum nl80211_band`.
const BANDS: [(u16, Band); 3] = [(0, Band::Two), (1, Band::Five), (3, Band::Six)];

#[derive(Debug, Default)]
pub(super) struct Phy {
    pub(super) index: u32,
    pub(super) name: String,
    kinds: BTreeSet<u16>,
    combinations: Vec<Combination>,
    features: Vec<u8>,
    answers_itself: bool,
    /// It keeps its own radio rules: the country asked for does not touch it.
    pub(super) own_rules: bool,
    ciphers: BTreeSet<u32>,
    channels: Vec<ChannelSeen>,
    ht: bool,
    ht40: bool,
    vht: bool,
    he: bool,
}

impl Phy {
    /// The cards in these messages; a card is told in many of them, one after the other.
    pub(super) fn all(messages: &[Vec<u8>]) -> Vec<Phy> {
        let mut phys: Vec<Phy> = Vec::new();
        for message in messages {
            let Some((_, index)) = AttrIter::new(message).find(|(kind, _)| *kind == nl::NL80211_ATTR_WIPHY)
            else {
                continue;
            };
            let index = u32_of(index);
            let at = phys.iter().position(|phy| phy.index == index).unwrap_or_else(|| {
                phys.push(Phy { index, ..Phy::default() });
                phys.len() - 1
            });
            phys[at].take(message);
        }
        phys
    }

    fn take(&mut self, message: &[u8]) {
        for (kind, value) in AttrIter::new(message) {
            match kind {
                nl::NL80211_ATTR_WIPHY_NAME => self.name = text_of(value),
                nl::NL80211_ATTR_SUPPORTED_IFTYPES | SOFTWARE_IFTYPES => {
                    self.kinds.extend(AttrIter::new(value).map(|(kind, _)| kind));
                }
                INTERFACE_COMBINATIONS => {
                    self.combinations
                        .extend(AttrIter::new(value).map(|(_, value)| Combination::parse(value)));
                }
                DEVICE_AP_SME => self.answers_itself = true,
                SELF_MANAGED_REG => self.own_rules = true,
                EXT_FEATURES => self.features = value.to_owned(),
                nl::NL80211_ATTR_CIPHER_SUITES => {
                    self.ciphers
                        .extend(value.as_chunks::<4>().0.iter().map(|suite| u32::from_ne_bytes(*suite)));
                }
                nl::NL80211_ATTR_WIPHY_BANDS => {
                    for (number, value) in AttrIter::new(value) {
                        if let Some((_, band)) = BANDS.iter().find(|(known, _)| *known == number) {
                            self.take_band(*band, value);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn take_band(&mut self, band: Band, attributes: &[u8]) {
        for (kind, value) in AttrIter::new(attributes) {
            match kind {
                nl::NL80211_BAND_ATTR_FREQS => {
                    self.channels.extend(AttrIter::new(value).filter_map(|(_, value)| channel(band, value)));
                }
                nl::NL80211_BAND_ATTR_HT_CAPA => {
                    self.ht = true;
                    self.ht40 |= band == Band::Five && u16_of(value) & HT40 != 0;
                }
                nl::NL80211_BAND_ATTR_VHT_CAPA => self.vht |= band == Band::Five,
                nl::NL80211_BAND_ATTR_IFTYPE_DATA => {
                    self.he |= AttrIter::new(value).any(|(_, value)| is_he_access_point(value));
                }
                _ => {}
            }
        }
    }

    fn has(&self, feature: usize) -> bool {
        self.features.get(feature / 8).is_some_and(|byte| byte & (1 << (feature % 8)) != 0)
    }

    pub(super) fn seen(self, interfaces: Vec<CardInterface>) -> CardSeen {
        let kind = |kind: InterfaceType| self.kinds.contains(&(kind as u16));
        CardSeen {
            phy: self.index,
            interfaces,
            access_point: kind(InterfaceType::Ap),
            station_ports: kind(InterfaceType::ApVlan),
            beside_station: beside(&self.combinations),
            ht: self.ht,
            ht40: self.ht40,
            vht: self.vht,
            he: self.he,
            pmf: self.ciphers.contains(&CIPHER_BIP),
            sae: !self.answers_itself || self.has(SAE_OFFLOAD_AP),
            owe: !self.answers_itself || self.has(OWE_OFFLOAD_AP),
            radar_watch: self.combinations.iter().any(|combination| combination.radar),
            channels: self.channels,
            phy_name: self.name,
        }
    }
}

fn channel(band: Band, attributes: &[u8]) -> Option<ChannelSeen> {
    let value = |kind| AttrIter::new(attributes).find(|(seen, _)| *seen == kind).map(|(_, value)| value);
    let is = |kind| value(kind).is_some();
    let mhz = u32_of(value(nl::NL80211_FREQUENCY_ATTR_FREQ)?);
    // Channels of a fraction of a MHz are none of ours.
    if value(nl::NL80211_FREQUENCY_ATTR_OFFSET).is_some_and(|khz| u32_of(khz) != 0) {
        return None;
    }
    let (_, number) = Band::number(mhz).filter(|(of, _)| *of == band)?;
    let hundredths = value(nl::NL80211_FREQUENCY_ATTR_MAX_TX_POWER).map_or(0, u32_of);
    Some(ChannelSeen {
        mhz,
        number,
        band,
        disabled: is(nl::NL80211_FREQUENCY_ATTR_DISABLED),
        no_ir: is(nl::NL80211_FREQUENCY_ATTR_NO_IR),
        radar: is(nl::NL80211_FREQUENCY_ATTR_RADAR),
        max_dbm: i32::try_from(hundredths / 100).unwrap_or(i32::MAX),
        ht40_plus: !is(nl::NL80211_FREQUENCY_ATTR_NO_HT40_PLUS),
        ht40_minus: !is(nl::NL80211_FREQUENCY_ATTR_NO_HT40_MINUS),
        vht80: !is(nl::NL80211_FREQUENCY_ATTR_NO_80MHZ),
    })
}

fn is_he_access_point(attributes: &[u8]) -> bool {
    let value = |kind| AttrIter::new(attributes).find(|(seen, _)| *seen == kind).map(|(_, value)| value);
    let kinds = value(nl::NL80211_BAND_IFTYPE_ATTR_IFTYPES).map(AttrIter::new).into_iter().flatten();
    value(nl::NL80211_BAND_IFTYPE_ATTR_HE_CAP_PHY).is_some_and(|bits| bits.iter().any(|byte| *byte != 0))
        && kinds.into_iter().any(|(kind, _)| kind == InterfaceType::Ap as u16)
}

/// 0 when it is too short.
pub(super) fn u32_of(value: &[u8]) -> u32 {
    value.first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

fn u16_of(value: &[u8]) -> u16 {
    value.first_chunk().map_or(0, |bytes| u16::from_ne_bytes(*bytes))
}

fn text_of(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests;
