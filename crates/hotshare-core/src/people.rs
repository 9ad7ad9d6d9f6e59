//! People and their devices. A person owns an allowance; a device spends it.

use std::fmt;
use std::str::FromStr;

use crate::units::{Bytes, Mac, PersonId, Slot, UnixTime};

pub use crate::plan::Every;

/// What a person may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Allowance {
    Unlimited,
    Limited { bytes: Bytes, every: Every },
}

/// A person's name: 1 to 32 characters, lower-case letters, digits, `-` and `_`, first a letter or digit.
/// Short and plain, because it is typed, printed in terminals and used in addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{}” is not a name a person can have: use 1 to 32 letters (any script, lower case), digits, “-” and “_”, beginning with a letter or digit",
    .0.escape_debug()
)]
pub struct NotAName(pub String);

impl PersonName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PersonName {
    type Err = NotAName;
    fn from_str(s: &str) -> Result<PersonName, NotAName> {
        let fits = |c: char| c.is_alphanumeric() && !c.is_uppercase();
        let good = s.chars().count() <= 32
            && s.chars().next().is_some_and(fits)
            && s.chars().all(|c| fits(c) || c == '-' || c == '_');
        if good { Ok(PersonName(s.to_owned())) } else { Err(NotAName(s.to_owned())) }
    }
}

impl Device {
    /// One that was not seen before: nobody's.
    #[must_use]
    pub fn new(mac: Mac, first_seen: UnixTime) -> Device {
        Device { mac, person: None, blocked: false, wireless: false, slot: None, host_name: None, first_seen }
    }
}

/// Somebody who shares the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub name: PersonName,
    pub allowance: Allowance,
    pub paused: bool,
    /// The kernel account.
    pub slot: Slot,
    pub since: UnixTime,
    /// How many of the person's devices may be on the air at once; `None`: as many as come.
    pub device_limit: Option<u32>,
}

/// A device, known by its address on the LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub mac: Mac,
    /// `None`: nobody's yet; closed, and waiting for the owner.
    pub person: Option<PersonId>,
    pub blocked: bool,
    /// It came over the air: while there is Wi-Fi it spends nothing unless it is on the air, whoever else uses
    /// its address.
    pub wireless: bool,
    /// The kernel account, while it has one.
    pub slot: Option<Slot>,
    /// What it calls itself: hostile text, already cut to 64 characters.
    pub host_name: Option<String>,
    pub first_seen: UnixTime,
}
