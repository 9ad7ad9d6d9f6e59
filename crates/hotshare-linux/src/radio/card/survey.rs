//! All that the choice of card, band and channel is made from.

use std::collections::BTreeMap;

use hotshare_core::radio::{CardInterface, CardSeen, InterfaceKind, RadioSeen};
use hotshare_core::units::Mac;
use nlink::netlink::genl::nl80211::{BssStatus, WirelessInterface};
use nlink::netlink::messages::LinkMessage;

use super::air::{Air, kind};
use super::phy::Phy;
use super::{CardError, country};
use crate::radio::PORT_PREFIX;

/// What the kernel says of all Wi-Fi cards now, and what speaks for a country. What hostapd can is left at its
/// default.
///
/// # Errors
/// When this kernel has no Wi-Fi, or we are not root.
pub async fn survey(uplink: &str) -> Result<RadioSeen, CardError> {
    let air = Air::open().await?;
    let (told, mut interfaces) = (air.phys().await?, by_phy(&air).await?);
    let mut uplink_country = None;
    let joined = |i: &&CardInterface| i.name == uplink && i.kind == InterfaceKind::Station;
    let joined: Option<u32> = interfaces.values().flatten().find(joined).map(|i| i.ifindex);
    if let Some(ifindex) = joined {
        uplink_country = joined_country(&air, ifindex).await;
    }
    let mut phys = Phy::all(&told);
    phys.sort_by_key(|phy| phy.index);
    let cards: Vec<CardSeen> = phys
        .into_iter()
        .map(|phy| {
            let interfaces = interfaces.remove(&phy.index).unwrap_or_default();
            phy.seen(interfaces)
        })
        .collect();
    let regulatory = air.country().await?.parse().ok();
    Ok(RadioSeen { cards, regulatory, uplink_country, locale: country::of_locale(), ..RadioSeen::default() })
}

/// The Wi-Fi interfaces that there are now, each with the index of its card.
///
/// # Errors
/// When this kernel has no Wi-Fi, or we are not root.
pub async fn interfaces() -> Result<Vec<(u32, CardInterface)>, CardError> {
    let by_phy = by_phy(&Air::open().await?).await?;
    Ok(by_phy.into_iter().flat_map(|(phy, all)| all.into_iter().map(move |i| (phy, i))).collect())
}

pub(super) async fn by_phy(air: &Air) -> Result<BTreeMap<u32, Vec<CardInterface>>, CardError> {
    let links = air.links_by_index().await?;
    let mut by_phy: BTreeMap<u32, Vec<CardInterface>> = BTreeMap::new();
    for interface in air.interfaces().await? {
        if let Some(seen) = seen(&interface, links.get(&interface.ifindex)) {
            by_phy.entry(interface.wiphy).or_default().push(seen);
        }
    }
    by_phy.values_mut().for_each(|all| all.sort_by_key(|interface| interface.ifindex));
    Ok(by_phy)
}

/// `None`: it came or went between the two questions.
fn seen(interface: &WirelessInterface, link: Option<&LinkMessage>) -> Option<CardInterface> {
    let (link, kind) = (link?, kind(interface.iftype));
    // NetworkManager gives stations random addresses while they look around: the one the card was made with stays.
    let made_with = link.perm_address().filter(|_| kind == InterfaceKind::Station);
    let mac = made_with.and_then(|mac| mac.try_into().ok()).or(interface.mac)?;
    Some(CardInterface {
        name: link.name()?.to_owned(),
        ifindex: interface.ifindex,
        mac: Mac(mac),
        kind,
        up: link.is_up(),
        mhz: interface.frequency,
    })
}

/// An interface that only an access point of Hotshare has: its own, or one of a single station.
pub(super) fn is_our_making(interface: &CardInterface) -> bool {
    interface.name == CardInterface::OWN
        || interface.kind == InterfaceKind::StationPort && interface.name.starts_with(PORT_PREFIX)
}

/// As the access point that this station is joined to says it; it is no failure when that cannot be read.
async fn joined_country(air: &Air, station: u32) -> Option<hotshare_core::radio::Country> {
    match air.wifi.get_scan_results_by_index(station).await {
        Ok(heard) => {
            let joined = heard.iter().find(|bss| bss.status == Some(BssStatus::Associated))?;
            country::of_elements(&joined.beacon_ies)
                .or_else(|| country::of_elements(&joined.information_elements))
        }
        Err(error) => {
            tracing::debug!(%error, "could not read what the uplink's access point says of the country");
            None
        }
    }
}
