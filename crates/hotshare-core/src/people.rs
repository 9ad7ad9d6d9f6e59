//! People and their devices. A person owns an allowance; a device spends it.

use crate::units::{Bytes, Mac, PersonId, Slot, UnixTime};

pub use crate::plan::{Every, Hours};
pub use crate::policy::AtEnd;
pub use crate::units::{NotAName, PersonName};

/// What a person may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Allowance {
    Unlimited,
    Limited {
        bytes: Bytes,
        every: Every,
    },
    /// A part of what the plan has, by weight; see [`crate::share`].
    Fair,
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
    /// How much more than another's counts: for fair shares, and for who gets how much of a slow plan. 1 to 100.
    pub weight: u16,
    /// What happens when the allowance is used up.
    pub at_end: AtEnd,
    /// Closed at these hours of the week, by the plan's civil time.
    pub bed_times: Hours,
    /// Closed from then on; `None`: stays.
    pub until: Option<UnixTime>,
}

impl Person {
    /// Somebody new.
    #[must_use]
    pub fn new(id: PersonId, name: PersonName, allowance: Allowance, slot: Slot, since: UnixTime) -> Person {
        Person {
            id,
            name,
            allowance,
            paused: false,
            slot,
            since,
            device_limit: None,
            weight: 1,
            at_end: AtEnd::Stop,
            bed_times: Hours::default(),
            until: None,
        }
    }
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
