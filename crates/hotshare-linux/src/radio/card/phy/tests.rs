#![allow(clippy::unwrap_used, reason = "a test may panic")]

use hotshare_core::radio::Beside;

use super::super::air::put;
use super::*;

/// What Linux 6.12 told of a card of mac80211_hwsim (one channel) under Sweden's rules: for each message its length
/// in four bytes, lowest first, and its attributes.
const HWSIM: &[u8] = include_bytes!("hwsim.bin");

fn recorded() -> Vec<Vec<u8>> {
    let (mut rest, mut messages) = (HWSIM, Vec::new());
    while let Some((len, after)) = rest.split_first_chunk() {
        let (message, after) = after.split_at(usize::try_from(u32::from_le_bytes(*len)).unwrap());
        messages.push(message.to_owned());
        rest = after;
    }
    messages
}

#[test]
fn a_recorded_card_is_read_whole() {
    let messages = recorded();
    assert!(messages.len() > 10, "a card is told in many messages");
    let [phy] = <[Phy; 1]>::try_from(Phy::all(&messages)).unwrap();
    assert!(!phy.own_rules);
    let card = phy.seen(Vec::new());
    assert_eq!((card.phy, card.phy_name.as_str()), (0, "phy0"));
    assert!(card.access_point && card.station_ports);
    assert_eq!(card.beside_station, Beside::SameChannel);
    assert!(card.ht && card.ht40 && card.vht && card.he);
    assert!(card.pmf && card.sae && card.owe && card.radar_watch);

    let channel = |mhz| *card.channels.iter().find(|channel| channel.mhz == mhz).unwrap();
    let by_band = |band| card.channels.iter().filter(|channel| channel.band == band).count();
    assert_eq!((by_band(Band::Two), by_band(Band::Six)), (14, 59));
    assert!(by_band(Band::Five) >= 28, "without those for cars, which are not ours to judge here");
    let different: BTreeSet<u32> = card.channels.iter().map(|channel| channel.mhz).collect();
    assert_eq!(different.len(), card.channels.len(), "none is told twice");
    let first = channel(2412);
    assert_eq!((first.number, first.max_dbm), (1, 20));
    assert!(!first.disabled && !first.no_ir && !first.radar && first.ht40_plus && !first.ht40_minus);
    assert!(channel(2484).disabled, "Japan's alone");
    let (indoors, radar) = (channel(5180), channel(5500));
    assert!(!indoors.radar && !indoors.disabled && indoors.vht80);
    assert_eq!((radar.number, radar.radar), (100, true));
}

#[test]
fn messages_cut_short_anywhere_are_no_panic() {
    for message in recorded() {
        for len in 0..message.len() {
            Phy::all(&[message[..len].to_owned()]);
        }
    }
}

#[test]
fn a_card_that_answers_by_itself_says_what_it_can() {
    let card = |features: &[u8]| {
        let mut message = Vec::new();
        put(&mut message, nl::NL80211_ATTR_WIPHY, &3_u32.to_ne_bytes());
        put(&mut message, DEVICE_AP_SME, &0_u32.to_ne_bytes());
        put(&mut message, EXT_FEATURES, features);
        let [phy] = <[Phy; 1]>::try_from(Phy::all(&[message])).unwrap();
        phy.seen(Vec::new())
    };
    let (none, sae, owe) =
        (card(&[0; 4]), card(&[0, 0, 0, 0, 0, 0, 1 << 3]), card(&[0, 0, 0, 0, 0, 0, 0, 0, 1 << 2]));
    assert_eq!((none.sae, none.owe, none.pmf, none.station_ports), (false, false, false, false));
    assert_eq!((sae.sae, sae.owe), (true, false));
    assert_eq!((owe.sae, owe.owe), (false, true));
}
