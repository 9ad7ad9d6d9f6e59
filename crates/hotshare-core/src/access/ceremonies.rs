//! What browsers were asked and have not answered yet: each question is good once, for a while, at one door.

use std::collections::BTreeMap;

use super::Origin;
use crate::units::BootTime;

/// A question is good for so long: people look for their phone.
pub const CEREMONY_SECS: u64 = 300;
/// As many are remembered.
const MOST: usize = 64;
/// From one origin: a browser asks one at a time, but its owner may try again.
const MOST_OF_ONE: usize = 8;

#[derive(Clone, Debug)]
struct Ceremony<T> {
    origin: Origin,
    place: String,
    begun: BootTime,
    what: T,
}

impl<T> Ceremony<T> {
    fn is_over(&self, now: BootTime) -> bool {
        now.millis_since(self.begun) >= CEREMONY_SECS * 1000
    }
}

/// Questions by their challenge. Bounded.
#[derive(Clone, Debug)]
pub struct Ceremonies<T>(BTreeMap<u128, Ceremony<T>>);

impl<T> Default for Ceremonies<T> {
    fn default() -> Ceremonies<T> {
        Ceremonies(BTreeMap::new())
    }
}

impl<T> Ceremonies<T> {
    /// Somebody was asked at `place`, an address that browsers say. What is over goes; whoever has asked for too many
    /// loses the oldest of theirs, and when all is full a stranger's oldest goes before an owner's.
    pub fn begin(&mut self, challenge: u128, origin: Origin, place: &str, now: BootTime, what: T) {
        self.0.retain(|_, ceremony| !ceremony.is_over(now));
        if self.0.values().filter(|ceremony| ceremony.origin == origin).count() >= MOST_OF_ONE {
            self.drop_first(|ceremony| (ceremony.origin != origin, ceremony.begun));
        } else if self.0.len() >= MOST {
            self.drop_first(|ceremony| (!ceremony.origin.is_strange(), ceremony.begun));
        }
        self.0.insert(challenge, Ceremony { origin, place: place.to_owned(), begun: now, what });
    }

    /// The question that is answered at `place`. It is gone from then on, whatever becomes of the answer.
    pub fn take(&mut self, challenge: u128, place: &str, now: BootTime) -> Option<T> {
        let ceremony = self.0.remove(&challenge)?;
        (ceremony.place == place && !ceremony.is_over(now)).then_some(ceremony.what)
    }

    fn drop_first<K: Ord>(&mut self, order: impl Fn(&Ceremony<T>) -> K) {
        let first =
            self.0.iter().min_by_key(|(_, ceremony)| order(ceremony)).map(|(challenge, _)| *challenge);
        first.map(|challenge| self.0.remove(&challenge));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
