//! What the kernel says of the access point's interface, and of the station that it shares its card with.

use hotshare_core::radio::{CardInterface, Choice, InterfaceKind, Station};

use super::super::RadioError;
use super::super::card;

/// How the access point is, by the kernel's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Air {
    /// The interface of the choice is there.
    pub(super) card: bool,
    /// How many interfaces of cards there are.
    pub(super) cards: usize,
    pub(super) on_air: bool,
    pub(super) station: Station,
}

pub(super) async fn look(choice: &Choice) -> Result<Air, RadioError> {
    Ok(judge(choice, &card::interfaces().await?))
}

fn judge(choice: &Choice, interfaces: &[(u32, CardInterface)]) -> Air {
    let find = |name: &str| interfaces.iter().find(|(_, interface)| interface.name == name);
    let own = find(choice.interface()).filter(|(phy, _)| *phy == choice.phy).map(|(_, own)| own);
    let station = match choice.follows.as_deref().and_then(find) {
        Some((_, CardInterface { mhz: Some(mhz), .. })) => Station::On(*mhz),
        Some((_, CardInterface { mhz: None, .. })) => Station::Lost,
        None => Station::Free,
    };
    Air {
        card: own.is_some(),
        cards: interfaces.iter().filter(|(_, interface)| interface.is_the_cards()).count(),
        on_air: own.is_some_and(|i| i.kind == InterfaceKind::AccessPoint && i.up && i.mhz.is_some()),
        station,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use hotshare_core::units::Mac;

    use super::super::super::config::tests::choice;
    use super::*;

    fn interface(name: &str, kind: InterfaceKind, mhz: Option<u32>) -> CardInterface {
        CardInterface { name: name.into(), ifindex: 7, mac: Mac([2, 0, 0, 0, 0, 1]), kind, up: true, mhz }
    }

    #[test]
    fn on_air_is_what_the_kernel_says() {
        let choice = choice();
        let on = [(0, interface("wlan0", InterfaceKind::AccessPoint, Some(2412)))];
        assert!(judge(&choice, &on).on_air);
        let station = [(0, interface("wlan0", InterfaceKind::Station, Some(2412)))];
        assert!(!judge(&choice, &station).on_air);
        let off = [(0, interface("wlan0", InterfaceKind::AccessPoint, None))];
        assert!(!judge(&choice, &off).on_air);
        assert_eq!(judge(&choice, &off).station, Station::Free);
    }

    #[test]
    fn another_card_with_the_same_name_is_another_card() {
        let other = [(3, interface("wlan0", InterfaceKind::Station, None))];
        let air = judge(&choice(), &other);
        assert!(!air.card);
        assert_eq!(air.cards, 1);
        assert_eq!(judge(&choice(), &[]).cards, 0);
    }

    #[test]
    fn the_station_to_be_followed() {
        let mut choice = choice();
        choice.own_interface = Some(("hotshare-ap".into(), Mac([2, 0, 0, 0, 0, 2])));
        choice.follows = Some("wlan0".into());
        let with = |mhz| {
            let own = interface("hotshare-ap", InterfaceKind::AccessPoint, Some(2412));
            judge(&choice, &[(0, own), (0, interface("wlan0", InterfaceKind::Station, mhz))])
        };
        assert_eq!(with(Some(2437)).station, Station::On(2437));
        assert_eq!(with(None).station, Station::Lost);
    }
}
