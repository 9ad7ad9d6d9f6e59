//! Wrong passwords make the next try wait, longer each time, and never for good: whoever has the right password gets in
//! after a wait that ends.

use std::collections::BTreeMap;

use super::Origin;
use crate::units::BootTime;

/// People mistype.
const FREE: u32 = 3;
const LONGEST_SECS: u64 = 60;
/// Of all devices that are no owner's together: many addresses are no way to try more often.
const FREE_OTHERS: u32 = 10;
const LONGEST_OTHERS_SECS: u64 = 30;
/// Without another try for so long all is forgotten.
const FORGOTTEN_SECS: u64 = 3600;
/// As many origins are remembered; the one whose wait ended first gives way.
const MOST: usize = 64;

/// The next try is heard after so many seconds, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub secs: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tried {
    wrong: u32,
    last: BootTime,
    /// Not before.
    next: BootTime,
}

impl Tried {
    fn count(&mut self, now: BootTime, free: u32, longest: u64) {
        if now.millis_since(self.last) >= FORGOTTEN_SECS * 1000 {
            self.wrong = 0;
        }
        self.wrong = self.wrong.saturating_add(1);
        self.last = now;
        let wait = match self.wrong.checked_sub(free) {
            None => 0,
            Some(more) => 1_u64.checked_shl(more).unwrap_or(u64::MAX).min(longest),
        };
        self.next = now.plus_secs(wait);
    }

    fn wait(&self, now: BootTime) -> u64 {
        self.next.millis_since(now).div_ceil(1000)
    }
}

/// Tries that were made, by where they came from. Bounded.
#[derive(Clone, Debug, Default)]
pub struct Tries {
    by: BTreeMap<Origin, Tried>,
    others: Tried,
}

impl Tries {
    /// A try begins. It counts as wrong until [`Tries::was_right`]: many at once are many.
    ///
    /// # Errors
    /// It is too early, and is not heard. It costs nothing, and makes the wait no longer.
    pub fn begin(&mut self, origin: Origin, now: BootTime) -> Result<(), Wait> {
        if let Some(wait) = self.wait(origin, now) {
            return Err(wait);
        }
        if self.by.len() >= MOST && !self.by.contains_key(&origin) {
            // Never the owner's for a stranger's: those are few.
            let weakest =
                self.by.iter().min_by_key(|(origin, tried)| (!origin.is_strange(), tried.next, **origin));
            if let Some(weakest) = weakest.map(|(origin, _)| *origin) {
                self.by.remove(&weakest);
            }
        }
        self.by.entry(origin).or_default().count(now, FREE, LONGEST_SECS);
        if origin.is_strange() {
            self.others.count(now, FREE_OTHERS, LONGEST_OTHERS_SECS);
        }
        Ok(())
    }

    /// What began was right: its origin starts anew.
    pub fn was_right(&mut self, origin: Origin) {
        self.by.remove(&origin);
        if origin.is_strange() {
            // Only this one: a guest who may log in must not wash away what others tried.
            self.others.wrong = self.others.wrong.saturating_sub(1);
        }
    }

    /// Origins that are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by.len()
    }

    /// How long a try from there would have to wait now.
    #[must_use]
    pub fn wait(&self, origin: Origin, now: BootTime) -> Option<Wait> {
        let own = self.by.get(&origin).map_or(0, |tried| tried.wait(now));
        let all = if origin.is_strange() { self.others.wait(now) } else { 0 };
        Some(Wait { secs: own.max(all) }).filter(|wait| wait.secs > 0)
    }
}
