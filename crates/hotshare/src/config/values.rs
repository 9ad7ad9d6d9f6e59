//! What each key may be.

use std::net::Ipv4Addr;
use std::time::Duration;

use hotshare_core::people::PersonName;
use hotshare_core::uplink::Subnet;
use toml::de::DeValue;

use super::document::{Document, shown};
use super::{Config, GrantsConfig, HotspotConfig, LanConfig, PeopleConfig, UplinkConfig};
use super::{alerts, web, wifi};
use crate::cli::text::escaped;

/// Takes everything out of a document, and notes what is wrong.
pub(super) fn take(document: &mut Document<'_>) -> Config {
    let uplink = uplink(document);
    let lan = lan(document, uplink.interface.as_deref());
    let wifi = wifi::take(document, &lan.interfaces);
    let (grants, people, alerts) = (grants(document), people(document), alerts::take(document));
    let (hotspot, web) = (hotspot(document), web::take(document));
    let config = Config { uplink, lan, wifi, grants, people, alerts, hotspot, web };
    document.end(&["[uplink]", "[lan]", "[wifi]", "[grants]", "[people]", "[alerts]", "[hotspot]", "[web]"]);
    config
}

fn uplink(document: &mut Document<'_>) -> UplinkConfig {
    let mut section = document.section("uplink");
    let interface = document.take(&mut section, "interface", interface);
    let resolvers =
        document.take_list(&mut section, "resolvers", "IPv4 addresses, such as [\"9.9.9.9\"]", resolver);
    document.end_section(section);
    UplinkConfig { interface, resolvers }
}

fn lan(document: &mut Document<'_>, uplink: Option<&str>) -> LanConfig {
    let default = LanConfig::default();
    let mut section = document.section("lan");
    let interfaces = document.take_list(
        &mut section,
        "interfaces",
        "the names of interfaces, such as [\"eth1\", \"eth2\"]",
        |value| match interface(value)? {
            name if Some(name.as_str()) == uplink => {
                Err(format!("“{name}” is the uplink; an interface cannot be both"))
            }
            name => Ok(name),
        },
    );
    let subnet = document.take(&mut section, "subnet", subnet);
    let lease_time = document.take(&mut section, "lease_time", lease_time).unwrap_or(default.lease_time);
    document.end_section(section);
    LanConfig { interfaces, subnet, lease_time }
}

fn grants(document: &mut Document<'_>) -> GrantsConfig {
    let default = GrantsConfig::default();
    let mut section = document.section("grants");
    let expiry = document.take(&mut section, "expiry_seconds", expiry).unwrap_or(default.expiry);
    document.end_section(section);
    GrantsConfig { expiry }
}

fn people(document: &mut Document<'_>) -> PeopleConfig {
    let mut section = document.section("people");
    let default = document.take(&mut section, "default", person);
    document.end_section(section);
    PeopleConfig { default }
}

fn hotspot(document: &mut Document<'_>) -> HotspotConfig {
    let mut section = document.section("hotspot");
    let off_when_idle = document.take(&mut section, "off_when_idle", idle);
    document.end_section(section);
    HotspotConfig { off_when_idle }
}

/// Can Linux have an interface of this name? The message says why not.
pub(crate) fn interface_name(name: &str) -> Result<String, String> {
    let good = (1..=15).contains(&name.len())
        && !matches!(name, "." | "..")
        && name.chars().all(|c| c.is_ascii_graphic() && c != '/' && c != ':');
    if good {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "“{}” cannot be the name of an interface; write one as `ip link` shows it, 1 to 15 characters, such as eth1",
            escaped(name)
        ))
    }
}

pub(super) fn interface(value: &DeValue<'_>) -> Result<String, String> {
    let DeValue::String(name) = value else {
        return Err(format!(
            "{} is not text; write the name of an interface in quotes, such as \"eth1\"",
            shown(value)
        ));
    };
    interface_name(name)
}

fn resolver(value: &DeValue<'_>) -> Result<Ipv4Addr, String> {
    let address = if let DeValue::String(text) = value { text.parse::<Ipv4Addr>().ok() } else { None };
    address.filter(|a| !a.is_unspecified() && !a.is_multicast() && !a.is_broadcast()).ok_or_else(|| {
        format!(
            "{} is not a name server's IPv4 address; write one in quotes, such as \"9.9.9.9\"",
            shown(value)
        )
    })
}

fn subnet(value: &DeValue<'_>) -> Result<Subnet, String> {
    const ALLOWED: &str =
        "write a private network of RFC 1918 with a prefix of 16 to 29 in quotes, such as \"10.77.0.0/24\"";
    let DeValue::String(text) = value else {
        return Err(format!("{} is not text; {ALLOWED}", shown(value)));
    };
    let parts = text.split_once('/');
    let parsed = parts.and_then(|(address, prefix)| {
        let plain = prefix.bytes().all(|b| b.is_ascii_digit());
        Some((address.parse::<Ipv4Addr>().ok()?, prefix.parse::<u8>().ok().filter(|_| plain)?))
    });
    let Some((address, prefix)) = parsed else {
        return Err(format!("{} is not an IPv4 network; {ALLOWED}", shown(value)));
    };
    if !(16..=29).contains(&prefix) {
        return Err(format!("a prefix of {prefix} is too large or too small; {ALLOWED}"));
    }
    let subnet = Subnet::new(address, prefix);
    let (first, last) = (subnet.network(), subnet.broadcast());
    if !first.is_private() || !last.is_private() {
        return Err(format!("{subnet} is not a private network; {ALLOWED}"));
    }
    if first != address {
        return Err(format!("{address} is an address inside the network; did you mean \"{subnet}\"?"));
    }
    Ok(subnet)
}

fn lease_time(value: &DeValue<'_>) -> Result<Duration, String> {
    const ALLOWED: &str = "write a number and s, m, h or d in quotes, from \"2m\" to \"7d\", such as \"1h\"";
    time(value, 120, ALLOWED)
}

fn idle(value: &DeValue<'_>) -> Result<Duration, String> {
    const ALLOWED: &str =
        "write a number and s, m, h or d in quotes, from \"30s\" to \"7d\", such as \"30m\"";
    time(value, 30, ALLOWED)
}

/// At least so many seconds, and at most a week.
fn time(value: &DeValue<'_>, least: u64, allowed: &str) -> Result<Duration, String> {
    let DeValue::String(text) = value else {
        return Err(format!("{} is not text; {allowed}", shown(value)));
    };
    match seconds(text) {
        Some(seconds) if (least..=604_800).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(format!("{} is too short or too long; {allowed}", shown(value))),
        None => Err(format!("{} is not a length of time; {allowed}", shown(value))),
    }
}

/// A length of time, such as `90s`, `10m`, `1h` or `2d`.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

fn expiry(value: &DeValue<'_>) -> Result<Duration, String> {
    const ALLOWED: &str = "write a whole number of seconds, 5 to 300";
    let DeValue::Integer(number) = value else {
        return Err(format!("{} is not a whole number; {ALLOWED}", shown(value)));
    };
    match u64::from_str_radix(number.as_str(), number.radix()) {
        Ok(seconds @ 5..=300) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{number} is too small or too large; {ALLOWED}")),
    }
}

fn person(value: &DeValue<'_>) -> Result<PersonName, String> {
    let DeValue::String(name) = value else {
        return Err(format!(
            "{} is not text; write a person's name in quotes, such as \"guests\"",
            shown(value)
        ));
    };
    name.parse::<PersonName>().map_err(|e| e.to_string())
}
