//! What each key of `[wifi]` may be.

use hotshare_core::radio::{Band, Country, Mode, RadioWish, Ssid};
use toml::de::DeValue;

use super::WifiConfig;
use super::document::{Document, shown};
use super::values::interface;
use crate::cli::text::escaped;

/// Takes the section; `None` when there is none. `lan`: the wired ports.
pub(super) fn take(document: &mut Document<'_>, lan: &[String]) -> Option<WifiConfig> {
    let there = document.has("wifi");
    let mut section = document.section("wifi");
    let wifi = WifiConfig {
        name: document.take(&mut section, "name", name),
        mode: document.take(&mut section, "mode", mode).unwrap_or_default(),
        country: document.take(&mut section, "country", country),
        band: document.take(&mut section, "band", band),
        channel: document.take(&mut section, "channel", channel),
        interface: document.take(&mut section, "interface", |value| match interface(value)? {
            name if lan.contains(&name) => {
                Err(format!("“{name}” is a port of [lan] already; an interface cannot be both"))
            }
            name => Ok(name),
        }),
    };
    document.end_section(section);
    there.then_some(wifi)
}

impl From<&WifiConfig> for RadioWish {
    fn from(config: &WifiConfig) -> RadioWish {
        let WifiConfig { name, mode, country, band, channel, interface } = config.clone();
        RadioWish { ssid: name, mode, country, band, channel, card: interface }
    }
}

/// The word of a band in the configuration file and on the command line.
fn band_word(band: Band) -> &'static str {
    match band {
        Band::Two => "2.4",
        Band::Five => "5",
        Band::Six => "6",
    }
}

fn name(value: &DeValue<'_>) -> Result<Ssid, String> {
    let DeValue::String(text) = value else {
        return Err(format!(
            "{} is not text; write the network's name in quotes, such as \"The Millers\"",
            shown(value)
        ));
    };
    Ssid::new(text).map_err(|e| escaped(&e.to_string()))
}

fn mode(value: &DeValue<'_>) -> Result<Mode, String> {
    let known = |text: &str| Mode::ALL.into_iter().find(|mode| mode.word() == text);
    let mode = if let DeValue::String(text) = value { known(text) } else { None };
    mode.ok_or_else(|| {
        let words = Mode::ALL.map(|mode| format!("\"{}\"", mode.word())).join(", ");
        format!("{} is not a mode; write one of {words}", shown(value))
    })
}

fn country(value: &DeValue<'_>) -> Result<Country, String> {
    let DeValue::String(text) = value else {
        return Err(format!(
            "{} is not text; write the two letters of a country in quotes, such as \"DE\"",
            shown(value)
        ));
    };
    text.parse::<Country>().map_err(|e| escaped(&e.to_string()))
}

fn band(value: &DeValue<'_>) -> Result<Band, String> {
    let known = |text: &str| [Band::Two, Band::Five, Band::Six].into_iter().find(|b| band_word(*b) == text);
    let band = if let DeValue::String(text) = value { known(text) } else { None };
    band.ok_or_else(|| {
        format!("{} is not a band; write \"2.4\", \"5\" or \"6\" (GHz) in quotes", shown(value))
    })
}

fn channel(value: &DeValue<'_>) -> Result<u32, String> {
    const ALLOWED: &str = "write the number of a channel, such as 6 or 36 (1 to 233)";
    let DeValue::Integer(number) = value else {
        return Err(format!("{} is not a whole number; {ALLOWED}", shown(value)));
    };
    match u32::from_str_radix(number.as_str(), number.radix()) {
        Ok(channel @ 1..=233) => Ok(channel),
        _ => Err(format!("{number} is no channel; {ALLOWED}")),
    }
}
