//! The choice of a radio in words: why there is none, and what to do about it.

use std::fmt;

use super::{Band, Country, Mode, country_name};

/// Why there is no access point: what is wrong, and after it what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRadio {
    #[error(
        "nothing says in which country this is, and so which channels are allowed: the configuration, the uplink \
         and the locale are silent; write country = \"SE\" (the two letters of your country) into [wifi]"
    )]
    NoCountry,
    #[error(
        "there is no country {0}: write the two letters of ISO 3166 into [wifi] country, such as SE, or GB for the \
         United Kingdom"
    )]
    NotACountry(Country),
    #[error(
        "there is no Wi-Fi card: plug one in that can be an access point, or name wired ports with [lan] interfaces"
    )]
    NoCard,
    #[error(
        "there is no Wi-Fi card “{}”, only {}: write one of these into [wifi] interface, or leave it out",
        .wished.escape_debug(), list(.there)
    )]
    NoSuchCard { wished: String, there: Vec<String> },
    #[error(
        "the card {card} cannot be an access point: its driver does not offer it; use another card (a USB Wi-Fi \
         stick whose Linux driver has AP mode, such as one with an mt7612u or mt7921au chip)"
    )]
    NotAccessPoint { card: String },
    #[error(
        "the card {card} carries the uplink, and its driver cannot make it an access point at the same time; use a \
         second Wi-Fi card, or connect the uplink by cable, by a modem or by a phone on USB"
    )]
    OnlyForUplink { card: String },
    #[error(
        "mode {} is not possible with the card {card}: {missing}; write one of these into [wifi] mode: {}",
        .mode.word(), list(.works.iter().map(|m| m.word()))
    )]
    Mode { card: String, mode: Mode, missing: &'static str, works: Vec<Mode> },
    #[error("the card {card} has no {wished}; {}", instead(.usable))]
    NoSuchChannel { card: String, wished: String, usable: Vec<Place> },
    #[error("{at} cannot carry the access point of the card {card}: {obstacle} ({rules}); {}", instead(.usable))]
    Channel { card: String, at: Place, obstacle: Obstacle, rules: Rules, usable: Vec<Place> },
    #[error(
        "the card {card} has to stay on the uplink's {at}, and cannot be an access point there: {obstacle} \
         ({rules}); move the uplink's access point to another channel (1, 6, 11 or 36 to 48), or use a second Wi-Fi card"
    )]
    Followed { card: String, at: Place, obstacle: Obstacle, rules: Rules },
    #[error(
        "the card {card} has to stay on the uplink's {at}, so the access point cannot be on {wished}; leave [wifi] \
         band and channel out, or use a second Wi-Fi card"
    )]
    MustFollow { card: String, at: Place, wished: String },
    #[error("the card {card} has no channel for an access point{}: {}; {remedy}", within(*.band), none_or(.obstacles))]
    NoChannel { card: String, band: Option<Band>, obstacles: Vec<String>, remedy: String },
    #[error("none of the Wi-Fi cards will do: {}", .0.iter().map(NoRadio::to_string).collect::<Vec<_>>().join(". Also: "))]
    NoneOf(Vec<NoRadio>),
}

/// A channel as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub band: Band,
    pub channel: u32,
}

/// Why a channel cannot carry an access point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    Disabled,
    /// Only stations that hear somebody may send.
    NoIr,
    /// It needs radar checks, which are made only where they are asked for.
    RadarUnasked,
    /// It needs radar checks, which the card cannot make.
    RadarUnwatched,
    /// 6 GHz is only for modes of WPA3 (IEEE 802.11ax-2021, 12.12.2).
    SixWantsWpa3,
    /// 6 GHz is only for Wi-Fi 6.
    SixWantsWifi6,
}

/// The radio rules that channels were read under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Where this is.
    pub country: Country,
    /// Whose rules the kernel applied.
    pub applied: Option<Country>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {} ({} GHz)", self.channel, self.band.word())
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Obstacle::Disabled => "it is not allowed at all",
            Obstacle::NoIr => "only stations may send there, not access points (no-IR)",
            Obstacle::RadarUnasked => {
                "it needs radar checks, which are made only for a channel that is named"
            }
            Obstacle::RadarUnwatched => "it needs radar checks, which this card cannot make",
            Obstacle::SixWantsWpa3 => "6 GHz is only for the modes sealed and open",
            Obstacle::SixWantsWifi6 => "6 GHz needs Wi-Fi 6, which this card or hostapd has not",
        })
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&named(self.country))?;
        match self.applied {
            Some(applied) if applied == self.country => Ok(()),
            Some(applied) => write!(f, ", by the rules of {}, which the kernel applies", named(applied)),
            None => f.write_str(", by the rules for the whole world, which the kernel applies"),
        }
    }
}

/// `Sweden (SE)`.
pub(super) fn named(country: Country) -> String {
    country_name(country).map_or_else(|| country.to_string(), |name| format!("{name} ({country})"))
}

/// `a, b, c`, or `none`.
pub(super) fn list<T: ToString>(things: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = things.into_iter().map(|t| t.to_string()).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// What to do when a wished channel is not possible.
pub(super) fn instead(places: &[Place]) -> String {
    if places.is_empty() {
        return "use another card: this one has no channel for an access point here".to_owned();
    }
    let bands = [Band::Two, Band::Five, Band::Six].map(|band| {
        let numbers: Vec<String> =
            places.iter().filter(|p| p.band == band).map(|p| p.channel.to_string()).collect();
        if numbers.is_empty() {
            String::new()
        } else {
            format!("{} ({} GHz)", numbers.join(", "), band.word())
        }
    });
    let bands: Vec<String> = bands.into_iter().filter(|b| !b.is_empty()).collect();
    format!("write one of these channels into [wifi], or leave it out: {}", bands.join(", "))
}

fn none_or(obstacles: &[String]) -> String {
    if obstacles.is_empty() { "it has none there at all".to_owned() } else { list(obstacles) }
}

fn within(band: Option<Band>) -> String {
    band.map_or_else(String::new, |band| format!(" in {} GHz", band.word()))
}
