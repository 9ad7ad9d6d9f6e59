#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::super::{ChannelSeen, HostapdSeen, InterfaceKind, NoRadio, Obstacle};
use super::*;

mod properties;

fn country_of(code: &str) -> Country {
    code.parse().unwrap()
}

fn channel(mhz: u32) -> ChannelSeen {
    let (band, number) = Band::number(mhz).unwrap();
    ChannelSeen {
        mhz,
        number,
        band,
        disabled: false,
        no_ir: false,
        radar: band == Band::Five && (52..=144).contains(&number),
        max_dbm: 20,
        ht40_plus: true,
        ht40_minus: true,
        vht80: true,
    }
}

/// As Sweden has it: 1 to 13; 36 to 64 and 100 to 144, radar from 52 on.
fn european() -> Vec<ChannelSeen> {
    let two = (0..13).map(|n| 2412 + 5 * n);
    let low = (0..8).map(|n| 5180 + 20 * n);
    let high = (0..12).map(|n| 5500 + 20 * n);
    two.chain(low).chain(high).map(channel).collect()
}

fn interface(name: &str) -> CardInterface {
    CardInterface {
        name: name.to_owned(),
        ifindex: 3,
        mac: "00:13:ef:10:1a:2b".parse().unwrap(),
        kind: InterfaceKind::Station,
        up: true,
        mhz: None,
    }
}

fn card(phy: u32) -> CardSeen {
    CardSeen {
        phy,
        phy_name: format!("phy{phy}"),
        interfaces: vec![interface(&format!("wlan{phy}"))],
        access_point: true,
        station_ports: true,
        beside_station: Beside::Never,
        channels: european(),
        ht: true,
        ht40: true,
        vht: true,
        he: true,
        pmf: true,
        sae: true,
        owe: true,
        radar_watch: false,
    }
}

fn seen(cards: Vec<CardSeen>) -> RadioSeen {
    let sweden = Some(country_of("SE"));
    RadioSeen {
        cards,
        regulatory: sweden,
        uplink_country: None,
        locale: sweden,
        hostapd: HostapdSeen::default(),
    }
}

/// A card that carries the uplink on this channel.
fn shared(beside: Beside, mhz: u32) -> RadioSeen {
    let mut card = card(0);
    card.beside_station = beside;
    card.interfaces[0].mhz = Some(mhz);
    seen(vec![card])
}

fn words(seen: &RadioSeen, wish: &RadioWish, uplink: &str) -> String {
    choose(seen, wish, uplink).unwrap_err().to_string()
}

#[test]
fn the_usual_card_gets_the_first_channel_of_5_ghz() {
    let choice = choose(&seen(vec![card(0)]), &RadioWish::default(), "usb0").unwrap();
    assert_eq!((choice.channel, choice.mhz, choice.width_mhz, choice.middle()), (36, 5180, 80, 42));
    assert_eq!(choice.pair_above(), Some(true));
    assert_eq!((choice.interface(), choice.own_interface.as_ref()), ("wlan0", None));
    assert_eq!(choice.ssid.as_str(), "Hotshare-1A2B");
    assert_eq!(choice.follows, None);
    assert_eq!(
        choice.why.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "country Sweden (SE): as the language settings of this machine say",
            "card wlan0: it can be an access point, and is not used",
            "channel 36 (5 GHz, 80 MHz): the first of this band where Sweden (SE) allows an access point without radar \
             checks",
            "each station has an interface and a group key of its own",
        ]
    );
}

#[test]
fn a_country_is_never_guessed() {
    let mut seen = seen(vec![card(0)]);
    let mut wish = RadioWish::default();
    seen.uplink_country = Some(country_of("DE"));
    assert_eq!(country(&seen, &wish), Ok(country_of("DE")), "the uplink's network is before the locale");
    wish.country = Some(country_of("CN"));
    assert_eq!(country(&seen, &wish), Ok(country_of("CN")), "a wish is before all");
    wish.country = Some(country_of("UK"));
    assert_eq!(country(&seen, &wish), Err(NoRadio::NotACountry(country_of("UK"))));
    wish.country = None;
    seen.uplink_country = Some(country_of("ZZ"));
    assert_eq!(country(&seen, &wish), Ok(country_of("SE")), "what is no country says nothing");
    seen.locale = None;
    // the rules that the kernel happens to apply are no evidence
    assert_eq!(choose(&seen, &wish, "usb0"), Err(NoRadio::NoCountry));
    assert!(words(&seen, &wish, "usb0").contains("write country = \"SE\""));
}

#[test]
fn where_5_ghz_is_not_for_access_points_it_is_2_4() {
    let mut card = card(0);
    for channel in card.channels.iter_mut().filter(|c| c.band == Band::Five) {
        channel.no_ir = true;
    }
    let mut seen = seen(vec![card]);
    seen.regulatory = None;
    let choice = choose(&seen, &RadioWish::default(), "usb0").unwrap();
    assert_eq!((choice.channel, choice.width_mhz, choice.pair_above(), choice.vht), (1, 20, None, false));
    let why = choice.why[2].to_string();
    assert!(why.contains("the rules for the whole world") && why.contains("not access points"), "{why}");

    let wish = RadioWish { band: Some(Band::Five), ..RadioWish::default() };
    let refusal = words(&seen, &wish, "usb0");
    assert!(refusal.contains("no channel for an access point in 5 GHz: channel 36 40"), "{refusal}");
    assert!(
        refusal.contains("write one of these channels into [wifi], or leave it out: 1, 2, 3"),
        "{refusal}"
    );
}

#[test]
fn widths_are_what_the_neighbours_allow() {
    let width = |change: &dyn Fn(&mut CardSeen)| {
        let mut card = card(0);
        change(&mut card);
        choose(&seen(vec![card]), &RadioWish::default(), "usb0").unwrap().width_mhz
    };
    let at = |card: &mut CardSeen, number: u32, change: &dyn Fn(&mut ChannelSeen)| {
        card.channels.iter_mut().filter(|c| c.number == number).for_each(change);
    };
    assert_eq!(width(&|_| {}), 80);
    assert_eq!(width(&|card| card.vht = false), 40);
    assert_eq!(width(&|card| card.ht40 = false), 20);
    assert_eq!(width(&|card| card.ht = false), 20);
    assert_eq!(width(&|card| at(card, 48, &|c| c.disabled = true)), 40);
    assert_eq!(width(&|card| at(card, 44, &|c| c.vht80 = false)), 40);
    assert_eq!(width(&|card| at(card, 40, &|c| c.no_ir = true)), 20);
    assert_eq!(width(&|card| at(card, 40, &|c| c.ht40_minus = false)), 20);
    assert_eq!(width(&|card| at(card, 36, &|c| c.ht40_plus = false)), 20);
}

#[test]
fn a_channel_with_radar_checks_is_only_for_whoever_asks_and_can() {
    let wish = RadioWish { channel: Some(100), ..RadioWish::default() };
    let mut seen = seen(vec![card(0)]);
    let Err(NoRadio::Channel { obstacle, .. }) = choose(&seen, &wish, "usb0") else { panic!() };
    assert_eq!(obstacle, Obstacle::RadarUnwatched);
    seen.cards[0].radar_watch = true;
    let choice = choose(&seen, &wish, "usb0").unwrap();
    assert_eq!((choice.channel, choice.radar, choice.width_mhz), (100, true, 20));
    assert!(choice.why[2].to_string().contains("listen for radar"));
}

#[test]
fn wishes_for_channels_and_bands_are_met_or_refused() {
    let seen = seen(vec![card(0)]);
    let wish = |channel, band| RadioWish { channel, band, ..RadioWish::default() };
    assert_eq!(choose(&seen, &wish(Some(11), None), "usb0").unwrap().mhz, 2462);
    assert_eq!(choose(&seen, &wish(None, Some(Band::Two)), "usb0").unwrap().channel, 1);
    assert_eq!(choose(&seen, &wish(Some(44), None), "usb0").unwrap().middle(), 42);
    assert_eq!(choose(&seen, &wish(Some(40), None), "usb0").unwrap().pair_above(), Some(false));
    let none = words(&seen, &wish(Some(36), Some(Band::Two)), "usb0");
    assert!(none.starts_with("the card wlan0 has no channel 36 (2.4 GHz); write one of these"), "{none}");
    let six = words(&seen, &wish(None, Some(Band::Six)), "usb0");
    assert!(six.contains("in 6 GHz: it has none there at all"), "{six}");
}

#[test]
fn six_ghz_is_for_wpa3() {
    let mut card = card(0);
    card.channels.push(channel(5975));
    let mut seen = seen(vec![card]);
    let mut wish = RadioWish { band: Some(Band::Six), ..RadioWish::default() };
    assert!(words(&seen, &wish, "usb0").contains("6 GHz is only for the modes sealed and open"));
    wish.mode = Mode::Sealed;
    let choice = choose(&seen, &wish, "usb0").unwrap();
    assert_eq!((choice.channel, choice.width_mhz, choice.ht, choice.he), (5, 20, false, true));
    seen.hostapd.he = false;
    assert!(words(&seen, &wish, "usb0").contains("6 GHz needs Wi-Fi 6"));
}

#[test]
fn the_card_that_is_free_is_taken() {
    let mut used = card(0);
    used.interfaces[0].mhz = Some(2412);
    let mut plain = card(2);
    plain.station_ports = false;
    let all = seen(vec![used, card(1), plain]);
    assert_eq!(choose(&all, &RadioWish::default(), "usb0").unwrap().card, "wlan1");
    let without = seen(vec![all.cards[0].clone(), all.cards[2].clone()]);
    let choice = choose(&without, &RadioWish::default(), "usb0").unwrap();
    assert_eq!((choice.card.as_str(), choice.station_ports), ("wlan2", false));
    let alone = seen(vec![all.cards[0].clone()]);
    let choice = choose(&alone, &RadioWish::default(), "usb0").unwrap();
    assert!(
        choice.why[1].to_string().contains("the network that wlan0 is joined to is left"),
        "{}",
        choice.why[1]
    );
    assert_eq!(
        choose(&alone, &RadioWish::default(), "wlan0").unwrap_err(),
        NoRadio::OnlyForUplink { card: "wlan0".to_owned() }
    );
}

#[test]
fn a_named_card_is_taken_or_refused() {
    let seen = seen(vec![card(0), card(1)]);
    let wish = |card: &str| RadioWish { card: Some(card.to_owned()), ..RadioWish::default() };
    assert_eq!(choose(&seen, &wish("wlan1"), "usb0").unwrap().phy, 1);
    assert_eq!(choose(&seen, &wish("phy1"), "usb0").unwrap().card, "wlan1");
    let refusal = words(&seen, &wish("wlan7"), "usb0");
    assert!(refusal.contains("no Wi-Fi card “wlan7”, only wlan0, wlan1"), "{refusal}");
    assert_eq!(choose(&RadioSeen { cards: vec![], ..seen }, &wish("wlan7"), "usb0"), Err(NoRadio::NoCard));
}

#[test]
fn beside_a_station_it_has_its_own_interface_and_the_stations_channel() {
    let choice = choose(&shared(Beside::SameChannel, 2437), &RadioWish::default(), "wlan0").unwrap();
    assert_eq!((choice.channel, choice.follows.as_deref()), (6, Some("wlan0")));
    assert_eq!(choice.own_interface, Some(("hotshare-ap".to_owned(), "02:13:ef:10:1a:2b".parse().unwrap())));
    assert_eq!((choice.card.as_str(), choice.interface()), ("wlan0", "hotshare-ap"));

    let free = choose(&shared(Beside::AnyChannel, 2437), &RadioWish::default(), "wlan0").unwrap();
    assert_eq!((free.channel, free.follows), (6, None), "no hopping without need");
    let wish = RadioWish { channel: Some(36), ..RadioWish::default() };
    assert_eq!(choose(&shared(Beside::AnyChannel, 2437), &wish, "wlan0").unwrap().channel, 36);
    let refusal = words(&shared(Beside::SameChannel, 2437), &wish, "wlan0");
    assert!(
        refusal.contains("the uplink's channel 6 (2.4 GHz), so the access point cannot be on channel 36")
    );
    let wish = RadioWish { band: Some(Band::Five), ..RadioWish::default() };
    let refusal = words(&shared(Beside::SameChannel, 2437), &wish, "wlan0");
    assert!(refusal.contains("cannot be on 5 GHz; leave [wifi] band and channel out"), "{refusal}");
    let refusal = words(&shared(Beside::SameChannel, 5500), &RadioWish::default(), "wlan0");
    assert!(refusal.contains("the uplink's channel 100 (5 GHz)"), "{refusal}");
    assert!(refusal.contains("move the uplink's access point to another channel"), "{refusal}");
}

#[test]
fn the_second_address_is_like_no_other_on_the_card() {
    let mut seen = shared(Beside::SameChannel, 2437);
    let mut second = interface("wlan0-1");
    second.mac = "02:13:ef:10:1a:2b".parse().unwrap();
    let mut left = interface(CardInterface::OWN);
    left.mac = "06:13:ef:10:1a:2b".parse().unwrap();
    seen.cards[0].interfaces.extend([second, left]);
    let choice = choose(&seen, &RadioWish::default(), "wlan0").unwrap();
    let (_, mac) = choice.own_interface.unwrap();
    assert_eq!(mac.to_string(), "06:13:ef:10:1a:2b", "our own from an earlier run may stay");
}

#[test]
fn modes_are_offered_only_where_they_work() {
    let mut seen = seen(vec![card(0)]);
    seen.hostapd.owe = false;
    seen.cards[0].sae = false;
    let wish = |mode| RadioWish { mode, ..RadioWish::default() };
    assert!(choose(&seen, &wish(Mode::People), "usb0").is_ok());
    let sealed = words(&seen, &wish(Mode::Sealed), "usb0");
    assert!(sealed.contains("its driver cannot do WPA3"), "{sealed}");
    assert!(sealed.ends_with("write one of these into [wifi] mode: people, people-old"), "{sealed}");
    let open = words(&seen, &wish(Mode::Open), "usb0");
    assert!(open.contains("hostapd was built without"), "{open}");
    seen.cards[0].pmf = false;
    let people = words(&seen, &wish(Mode::People), "usb0");
    assert!(
        people.contains("cannot protect management frames") && people.ends_with(": people-old"),
        "{people}"
    );
}

#[test]
fn when_no_card_will_do_each_says_why() {
    let mut deaf = card(0);
    deaf.access_point = false;
    let refusal = words(&seen(vec![deaf, card(1)]), &RadioWish::default(), "wlan1");
    assert!(
        refusal.starts_with("none of the Wi-Fi cards will do: the card wlan1 carries the uplink"),
        "{refusal}"
    );
    assert!(refusal.contains("Also: the card wlan0 cannot be an access point"), "{refusal}");
}
