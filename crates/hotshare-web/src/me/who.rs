//! Who is at an address.

use std::net::IpAddr;

use hotshare_api::{Device, Person, Status, Verdict};

/// Whoever asks, and nobody else.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asker<'a> {
    /// The hotspot gave nobody this address.
    Stranger,
    Nobodys(&'a Device),
    Blocked(&'a Device),
    Person {
        person: &'a Person,
        device: &'a Device,
    },
}

impl<'a> Asker<'a> {
    pub(super) fn of(status: &'a Status, at: IpAddr) -> Asker<'a> {
        let is_here = |device: &&Device| {
            device.address.as_ref().and_then(|address| address.parse::<IpAddr>().ok()) == Some(at)
        };
        let Some(device) = status.devices.iter().find(is_here) else { return Asker::Stranger };
        let named = |name: &String| status.people.iter().find(|person| person.name == *name);
        match device.person.as_ref().and_then(named) {
            _ if device.blocked => Asker::Blocked(device),
            None => Asker::Nobodys(device),
            Some(person) => Asker::Person { person, device },
        }
    }
}

/// Packets of the person pass, perhaps slowly, perhaps to some sites only.
pub(super) fn is_open(status: &Status, person: &Person) -> bool {
    status.closed.is_none() && matches!(person.verdict, Verdict::Open | Verdict::Slow | Verdict::OnlySites)
}

/// Why the person is not simply open. What closes everybody comes first: topping one person up does not help then.
pub(super) fn why(status: &Status, person: &Person) -> Option<Verdict> {
    match (status.closed, person.verdict) {
        (Some(why), _) => Some(why),
        (None, Verdict::Open) => None,
        (None, Verdict::Slow) => Some(person.slow_because.unwrap_or(Verdict::Slow)),
        (None, verdict) => Some(verdict),
    }
}
