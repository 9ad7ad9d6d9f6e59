#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use hotshare_core::radio::Ssid;
use hotshare_core::units::Mac;
use insta::assert_snapshot;

use super::*;

/// People, 2.4 GHz, an interface for each station.
pub(in super::super) fn choice() -> Choice {
    Choice {
        phy: 0,
        card: "wlan0".into(),
        card_mac: Mac([2, 0, 0, 0, 0, 0]),
        own_interface: None,
        mhz: 2412,
        channel: 1,
        band: Band::Two,
        width_mhz: 20,
        radar: false,
        ht: true,
        vht: false,
        he: false,
        country: "SE".parse().unwrap(),
        mode: Mode::People,
        ssid: Ssid::new("Zelt 7").unwrap(),
        station_ports: true,
        follows: None,
        why: Vec::new(),
    }
}

/// 5 GHz, 80 MHz, everything the card can.
fn wide() -> Choice {
    Choice { mhz: 5180, channel: 36, band: Band::Five, width_mhz: 80, vht: true, he: true, ..choice() }
}

fn text_of(choice: &Choice) -> String {
    let extras = Extras { channel_validation: true, name_protection: true, no_direct_links: true };
    let key = Passphrase::new("ssid=x|mac=02:00:00:00:00:01").unwrap();
    let dir = RunDir::new(Path::new("/run/hotshare"));
    let network_key = (choice.mode == Mode::Sealed).then_some(&key);
    text(&Setup { choice, bridge: "hotshare0", dir: &dir, extras, cost: Cost::Metered, network_key })
}

/// What is not the same in the text of another choice.
fn difference(one: &str, other: &str) -> String {
    let gone =
        one.lines().filter(|line| !other.lines().any(|l| l == *line)).map(|line| format!("- {line}\n"));
    let new = other.lines().filter(|line| !one.lines().any(|l| l == *line)).map(|line| format!("+ {line}\n"));
    gone.chain(new).collect()
}

#[test]
fn people_with_an_interface_each() {
    assert_snapshot!(text_of(&choice()), @r#"
        interface=wlan0
        driver=nl80211
        ctrl_interface=/run/hotshare/hostapd
        logger_syslog=0
        logger_stdout=-1
        logger_stdout_level=2
        country_code=SE
        ieee80211d=1
        hw_mode=g
        channel=1
        ieee80211n=1
        wmm_enabled=1
        ssid2=5a656c742037
        utf8_ssid=1
        auth_algs=1
        ap_isolate=1
        per_sta_vif=1
        vlan_file=/run/hotshare/hostapd.vlan
        macaddr_acl=0
        deny_mac_file=/run/hotshare/hostapd.deny
        max_num_sta=255
        disassoc_low_ack=1
        skip_inactivity_poll=0
        wpa=2
        rsn_pairwise=CCMP
        wpa_key_mgmt=WPA-PSK-SHA256
        ieee80211w=2
        wpa_psk_file=/run/hotshare/hostapd.psk
        wpa_strict_rekey=1
        okc=0
        rsn_preauth=0
        wpa_disable_eapol_key_retries=0
        ocv=2
        ssid_protection=1
        tdls_prohibit=1
        vendor_elements=dd080050f21102000000
        "#);
}

#[test]
fn the_other_modes() {
    let people = text_of(&choice());
    let with = |mode| difference(&people, &text_of(&Choice { mode, ..choice() }));
    assert_snapshot!(with(Mode::PeopleOld), @r#"
        - wpa_key_mgmt=WPA-PSK-SHA256
        - ieee80211w=2
        - ocv=2
        + wpa_key_mgmt=WPA-PSK WPA-PSK-SHA256
        + ieee80211w=1
        "#);
    assert_snapshot!(with(Mode::Sealed), @r#"
        - wpa_key_mgmt=WPA-PSK-SHA256
        - wpa_psk_file=/run/hotshare/hostapd.psk
        + wpa_key_mgmt=SAE
        + sae_pwe=1
        + sae_groups=19
        + sae_require_mfp=1
        + sae_anti_clogging_threshold=5
        + wpa_passphrase=ssid=x|mac=02:00:00:00:00:01
        "#);
    assert_snapshot!(with(Mode::Open), @r#"
        - wpa_key_mgmt=WPA-PSK-SHA256
        - wpa_psk_file=/run/hotshare/hostapd.psk
        + wpa_key_mgmt=OWE
        "#);
}

#[test]
fn stations_that_share_an_interface() {
    let shared = |mode| {
        let own = text_of(&Choice { mode, ..choice() });
        difference(&own, &text_of(&Choice { mode, station_ports: false, ..choice() }))
    };
    assert_snapshot!(shared(Mode::People), @r#"
        - per_sta_vif=1
        - vlan_file=/run/hotshare/hostapd.vlan
        + bridge=hotshare0
        "#);
    // In every mode the same.
    assert!(Mode::ALL.into_iter().all(|mode| shared(mode) == shared(Mode::People)));
}

#[test]
fn bands_and_widths() {
    let narrow = text_of(&choice());
    let with = |choice: Choice| difference(&narrow, &text_of(&choice));
    assert_snapshot!(with(wide()), @r#"
        - hw_mode=g
        - channel=1
        + hw_mode=a
        + channel=36
        + ieee80211h=1
        + ht_capab=[HT40+]
        + ieee80211ac=1
        + vht_oper_chwidth=1
        + vht_oper_centr_freq_seg0_idx=42
        + ieee80211ax=1
        + he_oper_chwidth=1
        + he_oper_centr_freq_seg0_idx=42
        "#);
    assert_snapshot!(with(Choice { mhz: 5240, channel: 48, width_mhz: 40, he: false, vht: false, ..wide() }), @r#"
        - hw_mode=g
        - channel=1
        + hw_mode=a
        + channel=48
        + ieee80211h=1
        + ht_capab=[HT40-]
        "#);
    assert_snapshot!(with(Choice { width_mhz: 20, he: false, ..wide() }), @r#"
        - hw_mode=g
        - channel=1
        + hw_mode=a
        + channel=36
        + ieee80211h=1
        + ieee80211ac=1
        + vht_oper_chwidth=0
        "#);
    assert_snapshot!(
        with(Choice { mhz: 5975, channel: 5, band: Band::Six, vht: false, mode: Mode::Sealed, ..wide() }),
        @r#"
            - hw_mode=g
            - channel=1
            - ieee80211n=1
            - wpa_key_mgmt=WPA-PSK-SHA256
            - wpa_psk_file=/run/hotshare/hostapd.psk
            + hw_mode=a
            + channel=5
            + op_class=133
            + ieee80211ax=1
            + he_oper_chwidth=1
            + he_oper_centr_freq_seg0_idx=7
            + wpa_key_mgmt=SAE
            + sae_pwe=1
            + sae_groups=19
            + sae_require_mfp=1
            + sae_anti_clogging_threshold=5
            + wpa_passphrase=ssid=x|mac=02:00:00:00:00:01
            "#
    );
    assert_snapshot!(with(Choice { he: true, ..choice() }), @r#"
        + ieee80211ax=1
        "#);
}

#[test]
fn an_interface_of_its_own_beside_the_uplink() {
    let own = Choice { own_interface: Some(("hotshare-ap".into(), Mac([2, 0, 0, 0, 0, 1]))), ..choice() };
    assert_snapshot!(difference(&text_of(&choice()), &text_of(&own)), @r#"
        - interface=wlan0
        + interface=hotshare-ap
        "#);
}

#[test]
fn a_name_cannot_add_lines() {
    let named = Choice { ssid: Ssid::new("x\u{2028}bridge=eth0").unwrap(), ..choice() };
    assert_eq!(text_of(&named).matches("bridge=").count(), 0);
}

#[test]
fn all_extras_may_be_missing() {
    let dir = RunDir::new(Path::new("/run/hotshare"));
    let setup = |extras| {
        let choice = choice();
        text(&Setup {
            choice: &choice,
            bridge: "hotshare0",
            dir: &dir,
            extras,
            cost: Cost::Metered,
            network_key: None,
        })
    };
    assert_snapshot!(difference(&text_of(&choice()), &setup(Extras::default())), @r#"
        - ocv=2
        - ssid_protection=1
        - tdls_prohibit=1
        "#);
}

#[test]
fn what_changes_while_it_runs_needs_no_other_hostapd() {
    let sealed = Choice { mode: Mode::Sealed, ..choice() };
    let dir = RunDir::new(Path::new("/run/hotshare"));
    let with = |choice: &Choice, cost, key: &str| {
        let key = Passphrase::new(key).unwrap();
        let network_key = Some(&key);
        text(&Setup { choice, bridge: "hotshare0", dir: &dir, extras: Extras::default(), cost, network_key })
    };
    let one = with(&sealed, Cost::Metered, "four plain words here");
    let other = with(&sealed, Cost::OverLimit, "wpa=2 other words");
    assert!(one != other && is_alike(&one, &other));
    assert_eq!(network_key(&other), Some("wpa=2 other words"));
    let elsewhere = with(&Choice { channel: 6, ..sealed }, Cost::Metered, "four plain words here");
    assert!(!is_alike(&one, &elsewhere));
}
