//! Whatever is seen and wished.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn any_channel() -> impl Strategy<Value = ChannelSeen> {
    let mhz = prop_oneof![
        (0_u32..13).prop_map(|n| 2412 + 5 * n),
        (0_u32..32).prop_map(|n| 5180 + 20 * n),
        (0_u32..9).prop_map(|n| 5745 + 20 * n),
        (0_u32..20).prop_map(|n| 5955 + 20 * n),
    ];
    (mhz, any::<(bool, bool, bool, bool, bool, bool)>()).prop_map(
        |(mhz, (a, b, radar, plus, minus, vht80))| {
            let at = channel(mhz);
            ChannelSeen { disabled: a, no_ir: b, radar, ht40_plus: plus, ht40_minus: minus, vht80, ..at }
        },
    )
}

fn any_interface() -> impl Strategy<Value = CardInterface> {
    let kinds = [
        InterfaceKind::Station,
        InterfaceKind::AccessPoint,
        InterfaceKind::StationPort,
        InterfaceKind::Other,
    ];
    let names = ["wlan0", "wlan1", "wlx00c0ca", CardInterface::OWN];
    (
        select(names.to_vec()),
        select(kinds.to_vec()),
        any::<(bool, [u8; 6])>(),
        option::of(select(vec![2412, 5180, 5500])),
    )
        .prop_map(|(name, kind, (up, mac), mhz)| CardInterface {
            kind,
            up,
            mac: Mac(mac),
            mhz,
            ..interface(name)
        })
}

fn any_card() -> impl Strategy<Value = CardSeen> {
    let beside = select(vec![Beside::Never, Beside::SameChannel, Beside::AnyChannel]);
    let channels = proptest::collection::vec(any_channel(), 0..30);
    let flags = any::<[bool; 10]>();
    (0_u32..4, proptest::collection::vec(any_interface(), 0..3), beside, channels, flags).prop_map(
        |(phy, interfaces, beside_station, channels, flags)| {
            let [access_point, station_ports, ht, ht40, vht, he, pmf, sae, owe, radar_watch] = flags;
            CardSeen {
                phy,
                phy_name: format!("phy{phy}"),
                interfaces,
                access_point,
                station_ports,
                beside_station,
                channels,
                ht,
                ht40,
                vht,
                he,
                pmf,
                sae,
                owe,
                radar_watch,
            }
        },
    )
}

fn any_country() -> impl Strategy<Value = Option<Country>> {
    option::of(select(vec!["SE", "US", "CN", "ZZ"]).prop_map(country_of))
}

fn any_seen() -> impl Strategy<Value = RadioSeen> {
    let countries = (any_country(), any_country(), any_country());
    (proptest::collection::vec(any_card(), 0..4), countries, any::<(bool, bool, bool)>()).prop_map(
        |(cards, (regulatory, uplink_country, locale), (sae, owe, he))| RadioSeen {
            cards,
            regulatory,
            uplink_country,
            locale,
            hostapd: HostapdSeen { sae, owe, he },
        },
    )
}

fn any_wish() -> impl Strategy<Value = RadioWish> {
    let band = option::of(select(vec![Band::Two, Band::Five, Band::Six]));
    let channel = option::of(select(vec![1_u32, 6, 36, 52, 100, 149, 5, 999]));
    let card = option::of(select(vec!["wlan0", "phy1", "nothing"]).prop_map(str::to_owned));
    (select(Mode::ALL.to_vec()), any_country(), band, channel, card).prop_map(
        |(mode, country, band, channel, card)| RadioWish { ssid: None, mode, country, band, channel, card },
    )
}

/// The phrases that tell what to do.
const REMEDIES: [&str; 6] =
    ["write ", "use another card", "use a second", "plug one in", "move the uplink", "leave "];

proptest! {
    #[test]
    fn a_choice_is_legal_and_fits_the_card(seen in any_seen(), wish in any_wish(), uplink in select(vec!["wlan0", "usb0"])) {
        let Ok(choice) = choose(&seen, &wish, uplink) else { return Ok(()) };
        let fits = |c: &&ChannelSeen| c.mhz == choice.mhz && !c.disabled && !c.no_ir;
        let of_phy: Vec<&CardSeen> = seen.cards.iter().filter(|c| c.phy == choice.phy && c.access_point).collect();
        prop_assert!(of_phy.iter().any(|c| c.channels.iter().any(|c| fits(&c))));
        prop_assert_eq!(Band::number(choice.mhz), Some((choice.band, choice.channel)));
        prop_assert!(!choice.radar || wish.channel == Some(choice.channel));
        prop_assert!(wish.band.is_none_or(|b| b == choice.band));
        prop_assert!(wish.channel.is_none_or(|c| c == choice.channel));
        prop_assert!(of_phy.iter().any(|c| c.modes(seen.hostapd).contains(&choice.mode)));
        if choice.width_mhz > 20 {
            let first = choice.block();
            for number in (0..choice.width_mhz / 20).map(|n| first + 4 * n) {
                let part = |c: &&ChannelSeen| c.number == number && c.band == choice.band && !c.disabled && !c.no_ir;
                prop_assert!(of_phy.iter().any(|c| c.channels.iter().any(|c| part(&c) && !c.radar)));
            }
        }
        prop_assert_eq!(choice.why.len(), 4);
        prop_assert!(choice.own_interface.as_ref().is_none_or(|(_, mac)| mac.is_station()));
        prop_assert_ne!(choice.interface(), uplink, "the uplink's interface stays what it is");
    }

    #[test]
    fn the_same_input_gives_the_same_choice(seen in any_seen(), wish in any_wish()) {
        prop_assert_eq!(choose(&seen, &wish, "wlan0"), choose(&seen.clone(), &wish.clone(), "wlan0"));
    }

    #[test]
    fn every_refusal_names_a_remedy(seen in any_seen(), wish in any_wish(), uplink in select(vec!["wlan0", "usb0"])) {
        if let Err(refusal) = choose(&seen, &wish, uplink) {
            let text = refusal.to_string();
            prop_assert!(REMEDIES.iter().any(|remedy| text.contains(remedy)), "{text}");
            prop_assert!(!text.contains("  ") && !text.contains(": none;"), "{text}");
        }
    }

    #[test]
    fn one_good_card_with_one_legal_channel_is_enough(
        mut seen in any_seen(),
        mut good in any_card(),
        mhz in select(vec![2412_u32, 2472, 5180, 5825]),
        mode in select(Mode::ALL.to_vec()),
    ) {
        (good.access_point, good.pmf, good.sae, good.owe) = (true, true, true, true);
        (good.phy, good.phy_name, good.interfaces) = (9, "phy9".to_owned(), vec![interface("wlan9")]);
        good.channels.retain(|c| c.mhz != mhz);
        good.channels.push(channel(mhz));
        seen.cards.push(good);
        seen.hostapd = HostapdSeen::default();
        let wish = RadioWish { mode, country: Some(country_of("SE")), ..RadioWish::default() };
        prop_assert!(choose(&seen, &wish, "usb0").is_ok());
    }
}
