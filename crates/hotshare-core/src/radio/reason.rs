//! The reasons of a choice: as facts, and in plain English.

use std::fmt;

use super::Country;
use super::words::{Place, Rules, list, named};

/// One reason; a choice has one of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    Country {
        country: Country,
        source: Source,
    },
    /// `named`: the configuration names the card.
    Card {
        card: String,
        named: bool,
        job: Job,
    },
    Channel {
        at: Place,
        width_mhz: u32,
        because: Because,
    },
    Ports(Ports),
}

/// Who says which country this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Configuration,
    UplinkNetwork,
    /// The language settings of the machine.
    Locale,
}

/// What else a card does, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// This interface of it stays the uplink's.
    Uplink(String),
    /// This interface of it is joined to a network, which is left.
    Left(String),
    /// Nothing. All of its own interfaces.
    Free(Vec<String>),
}

/// Why a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The uplink is on it, and the card can be on one only.
    OnlyUplinks,
    /// The uplink is on it, and the card need not hop.
    Uplinks,
    /// `radar`: it first has to be listened for.
    Configured { radar: bool },
    /// The first that the rules allow. `not_five`: what stands against 5 GHz, where that would be better; empty: the
    /// card has none.
    First { rules: Rules, without_radar: bool, not_five: Option<Vec<String>> },
}

/// What keeps stations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    Own,
    /// The driver cannot.
    Shared,
    /// hostapd cannot.
    NotBuilt,
}

impl Because {
    /// What stands against 5 GHz, in English.
    #[must_use]
    pub fn not_five(&self) -> Option<String> {
        match self {
            Because::First { not_five: Some(obstacles), .. } if obstacles.is_empty() => {
                Some("the card has no 5 GHz".to_owned())
            }
            Because::First { not_five: Some(obstacles), .. } => {
                Some(format!("in 5 GHz there is none: {}", list(obstacles)))
            }
            Because::First { not_five: None, .. }
            | Because::OnlyUplinks
            | Because::Uplinks
            | Because::Configured { .. } => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Country { country, source } => write!(f, "country {}: {source}", named(*country)),
            Reason::Card { card, named, job } => {
                let asked = if *named { "as the configuration says" } else { "it can be an access point" };
                match job {
                    Job::Uplink(name) => write!(
                        f,
                        "card {card}: {asked}, and stays the uplink's ({name}) as well; the access point has an \
                         interface of its own"
                    ),
                    Job::Left(name) => write!(
                        f,
                        "card {card}: {asked}, and is not the uplink; the network that {name} is joined to is left"
                    ),
                    Job::Free(own) if own.len() > 1 => {
                        write!(f, "card {card} (with {}): {asked}, and is not used", list(own))
                    }
                    Job::Free(_) => write!(f, "card {card}: {asked}, and is not used"),
                }
            }
            Reason::Channel { at: Place { band, channel }, width_mhz, because } => {
                write!(f, "channel {channel} ({} GHz, {width_mhz} MHz): {because}", band.word())
            }
            Reason::Ports(ports) => ports.fmt(f),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Configuration => "as the configuration says",
            Source::UplinkNetwork => "as the uplink's network says",
            Source::Locale => "as the language settings of this machine say",
        })
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Because::OnlyUplinks => f.write_str("the uplink is on it, and this card can be on one channel only"),
            Because::Uplinks => f.write_str("the uplink is on it, so that the card need not hop between two"),
            Because::Configured { radar: false } => f.write_str("as the configuration says"),
            Because::Configured { radar: true } => f.write_str(
                "as the configuration says; before it sends there, it has to listen for radar for a minute or more",
            ),
            Because::First { rules, without_radar, .. } => {
                write!(f, "the first of this band where {rules} allows an access point")?;
                if *without_radar {
                    f.write_str(" without radar checks")?;
                }
                self.not_five().map_or(Ok(()), |obstacles| write!(f, "; {obstacles}"))
            }
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ports::Own => "each station has an interface and a group key of its own",
            Ports::Shared => {
                "the driver has no interface for each station: stations share one group key, so they are kept apart \
                 less well"
            }
            Ports::NotBuilt => "this hostapd was built without interfaces for single stations",
        })
    }
}
