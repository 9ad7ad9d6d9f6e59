//! The choice of card, country, channel and width.

use super::card::{Beside, CardInterface, CardSeen, RadioSeen};
use super::choice::{Choice, RadioWish};
use super::reason::{Job, Ports, Reason, Source};
use super::words::{NoRadio, Rules};
use super::{Band, Country, Mode, Ssid, channel, country_name};
use crate::units::Mac;

#[cfg(test)]
mod tests;

/// In which country this is: what was wished, else what the uplink says, else the locale. Never guessed.
///
/// Channels are as the kernel reports them under the rules that it applies, so: ask this first, let the kernel
/// apply the country's rules, look at the cards again, and then [`choose`].
///
/// # Errors
/// When nothing says it, or what was wished is no country.
pub fn country(seen: &RadioSeen, wish: &RadioWish) -> Result<Country, NoRadio> {
    locate(seen, wish).map(|(country, _)| country)
}

fn locate(seen: &RadioSeen, wish: &RadioWish) -> Result<(Country, Source), NoRadio> {
    if let Some(wished) = wish.country {
        let known = country_name(wished).map(|_| (wished, Source::Configuration));
        return known.ok_or(NoRadio::NotACountry(wished));
    }
    let told = [(seen.uplink_country, Source::UplinkNetwork), (seen.locale, Source::Locale)];
    let mut known = told.into_iter().filter_map(|(c, source)| Some((c?, source)));
    known.find(|(country, _)| country_name(*country).is_some()).ok_or(NoRadio::NoCountry)
}

/// Where and how the access point goes on air, with the reasons. `uplink` is the interface of the uplink, on
/// whatever device.
///
/// # Errors
/// When there can be none: with what is wrong and what to do.
pub fn choose(seen: &RadioSeen, wish: &RadioWish, uplink: &str) -> Result<Choice, NoRadio> {
    let (country, source) = locate(seen, wish)?;
    let rules = Rules { country, applied: seen.regulatory };
    let mut refusals = Vec::new();
    for card in candidates(seen, wish, uplink)? {
        match on_card(seen, wish, card, uplink, rules) {
            Ok(mut choice) => {
                choice.why.insert(0, Reason::Country { country, source });
                return Ok(choice);
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    Err(if refusals.len() > 1 {
        NoRadio::NoneOf(refusals)
    } else {
        refusals.pop().unwrap_or(NoRadio::NoCard)
    })
}

/// The cards to try, best first.
fn candidates<'a>(seen: &'a RadioSeen, wish: &RadioWish, uplink: &str) -> Result<Vec<&'a CardSeen>, NoRadio> {
    if let Some(wished) = &wish.card {
        let found = seen.cards.iter().find(|c| c.interface(wished).is_some() || c.phy_name == *wished);
        let none = || match seen.cards.as_slice() {
            [] => NoRadio::NoCard,
            cards => NoRadio::NoSuchCard {
                wished: wished.clone(),
                there: cards.iter().map(|c| c.name().to_owned()).collect(),
            },
        };
        return found.map(|card| vec![card]).ok_or_else(none);
    }
    let mut cards: Vec<&CardSeen> = seen.cards.iter().collect();
    cards.sort_by_key(|c| {
        let two_only = !c.channels.iter().any(|ch| ch.band == Band::Five && !ch.disabled);
        (
            !c.access_point,
            c.interface(uplink).is_some(),
            in_use(c).is_some(),
            !c.station_ports,
            two_only,
            c.phy,
        )
    });
    Ok(cards)
}

/// The interface by which the card is joined to some network.
fn in_use(card: &CardSeen) -> Option<&CardInterface> {
    card.interfaces.iter().find(|i| i.is_the_cards() && i.up && i.mhz.is_some())
}

fn on_card(
    seen: &RadioSeen,
    wish: &RadioWish,
    card: &CardSeen,
    uplink: &str,
    rules: Rules,
) -> Result<Choice, NoRadio> {
    let name = card.name().to_owned();
    if !card.access_point {
        return Err(NoRadio::NotAccessPoint { card: name });
    }
    let station = card.interface(uplink);
    if station.is_some() && card.beside_station == Beside::Never {
        return Err(NoRadio::OnlyForUplink { card: name });
    }
    allow_mode(seen, wish.mode, card)?;

    let tuned = station.and_then(|s| s.mhz);
    let must_follow = station.is_some() && card.beside_station == Beside::SameChannel;
    let question = channel::Question { card, wish, rules, he: card.he && seen.hostapd.he };
    let picked = match tuned {
        Some(mhz) if must_follow => question.follow(mhz)?,
        tuned => question.free(tuned)?,
    };

    let ports = if card.station_ports { Ports::Own } else { Ports::Shared };
    let why = vec![of_card(wish, card, station), picked.why, Reason::Ports(ports)];
    let used = wish.card.as_deref().and_then(|w| card.interface(w)).filter(|i| i.is_the_cards());
    let used = used.or_else(|| card.interfaces.iter().find(|i| i.is_the_cards()));
    let card_mac = used.map_or(Mac::default(), |i| i.mac);
    let own = station.is_some() || used.is_none();
    let ssid = wish.ssid.clone().map_or_else(|| default_ssid(card, card_mac), Ok)?;
    let at = picked.channel;
    Ok(Choice {
        phy: card.phy,
        card: used.map_or(name, |i| i.name.clone()),
        card_mac,
        own_interface: own.then(|| (CardInterface::OWN.to_owned(), own_mac(card, card_mac))),
        mhz: at.mhz,
        channel: at.number,
        band: at.band,
        width_mhz: picked.width,
        radar: at.radar,
        ht: card.ht && at.band != Band::Six,
        vht: card.ht && card.vht && at.band == Band::Five,
        he: card.he && seen.hostapd.he,
        country: rules.country,
        mode: wish.mode,
        ssid,
        station_ports: card.station_ports,
        follows: station.filter(|_| must_follow).map(|s| s.name.clone()),
        why,
    })
}

fn allow_mode(seen: &RadioSeen, mode: Mode, card: &CardSeen) -> Result<(), NoRadio> {
    let works = card.modes(seen.hostapd);
    if works.contains(&mode) {
        return Ok(());
    }
    let missing = match mode {
        Mode::People | Mode::PeopleOld | Mode::Sealed | Mode::Open if !card.pmf => {
            "its driver cannot protect management frames"
        }
        Mode::Sealed if !card.sae => "its driver cannot do WPA3 (SAE)",
        Mode::Sealed => "the installed hostapd was built without WPA3 (SAE)",
        Mode::Open if !card.owe => "its driver cannot do encryption without a password (OWE)",
        Mode::Open => "the installed hostapd was built without encryption without a password (OWE)",
        Mode::People | Mode::PeopleOld => "its driver cannot do it",
    };
    Err(NoRadio::Mode { card: card.name().to_owned(), mode, missing, works })
}

fn of_card(wish: &RadioWish, card: &CardSeen, station: Option<&CardInterface>) -> Reason {
    let own = card.interfaces.iter().filter(|i| i.is_the_cards()).map(|i| i.name.clone());
    let job = match (station, in_use(card)) {
        (Some(station), _) => Job::Uplink(station.name.clone()),
        (None, Some(used)) => Job::Left(used.name.clone()),
        (None, None) => Job::Free(own.collect()),
    };
    Reason::Card { card: card.name().to_owned(), named: wish.card.is_some(), job }
}

/// `Hotshare-` and the last two bytes of the card's address.
fn default_ssid(card: &CardSeen, mac: Mac) -> Result<Ssid, NoRadio> {
    let Mac([.., x, y]) = mac;
    let text = format!("Hotshare-{x:02X}{y:02X}");
    Ssid::new(&text).map_err(|_| NoRadio::NotAccessPoint { card: card.name().to_owned() })
}

/// An address for a second interface: the card's with the local bit set (and without the group bit, which no card
/// should have), and different from all the others there.
fn own_mac(card: &CardSeen, mac: Mac) -> Mac {
    let Mac([first, rest @ ..]) = mac;
    let taken = |mac: Mac| card.interfaces.iter().any(|i| i.name != CardInterface::OWN && i.mac == mac);
    let with = |flip: u8| {
        let [a, b, c, d, e] = rest;
        Mac([(first & !1 | 2) ^ flip, a, b, c, d, e])
    };
    // bits above the local one: 63 further addresses, more than a card has interfaces
    (0..=63u8).map(|n| with(n << 2)).find(|m| m.is_station() && !taken(*m)).unwrap_or_else(|| with(4))
}
