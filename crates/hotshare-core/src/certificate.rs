//! When the certificate of the owner's name is got and renewed: by its age, by what came of earlier tries, and by
//! whether the uplink may be used for it.
//!
//! Knows neither who gives certificates nor how. What it is told of tries is kept on the disk, so that a daemon that ends
//! again and again does not ask again and again.

mod spread;
#[cfg(test)]
mod tests;

pub use spread::{Shows, Spread, spread};

use crate::alert::{Patience, is_due};
use crate::policy::{Verdict, Why};
use crate::units::UnixTime;

/// From when until when a certificate is good (RFC 5280, 4.1.2.5). Both ends are within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub begins: UnixTime,
    pub ends: UnixTime,
}

impl Life {
    /// From then on it is renewed: a third of its life is left.
    #[must_use]
    pub fn renewal(self) -> UnixTime {
        UnixTime(self.ends.0.saturating_sub(self.length() / 3))
    }

    /// From then on its end is near, if it is not renewed: ten days are left, or a ninth of a shorter life.
    #[must_use]
    pub fn warning(self) -> UnixTime {
        UnixTime(self.ends.0.saturating_sub((self.length() / 9).min(WARN_SECS)))
    }

    fn length(self) -> i64 {
        self.ends.0.saturating_sub(self.begins.0).max(0)
    }
}

const WARN_SECS: i64 = 10 * 86_400;
/// Whoever asks for a longer wait than this is not believed: a week is the longest that anybody counts requests over.
const LONGEST_WAIT_SECS: i64 = 7 * 86_400;
/// More failures than these make no difference.
const FAILURES: u32 = 64;

/// What is kept of tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// When the last one began.
    pub last: Option<UnixTime>,
    /// Since the last one that brought a certificate. One that began and whose end is not known is among them.
    pub failures: u32,
    /// Whoever gives certificates wants no request before this.
    pub not_before: Option<UnixTime>,
}

impl Tries {
    /// To be written down before anything is tried: what ends without a word counts as failed.
    #[must_use]
    pub fn begin(self, at: UnixTime) -> Tries {
        Tries { last: Some(at), failures: self.failures.saturating_add(1).min(FAILURES), not_before: None }
    }

    /// The try that began came to nothing. `wait`: so many seconds were asked for, from `at` on.
    #[must_use]
    pub fn failed(self, at: UnixTime, wait: Option<u64>) -> Tries {
        let wait = wait.map(|secs| i64::try_from(secs).unwrap_or(i64::MAX).min(LONGEST_WAIT_SECS));
        Tries { not_before: wait.map(|secs| UnixTime(at.0.saturating_add(secs))), ..self }
    }

    /// The try that began brought a certificate. One that would have to be renewed at once changes nothing: this
    /// machine's clock is wrong, or theirs, and to ask again soon would not help.
    #[must_use]
    pub fn succeeded(self, life: Life, at: UnixTime) -> Tries {
        if life.renewal() <= at { self } else { Tries { failures: 0, ..self } }
    }

    /// The earliest time for another.
    fn earliest(self, patience: &Patience) -> Option<UnixTime> {
        let last = self.last?;
        // After one that succeeded, too: whatever is wrong with time, there is never one right after the other.
        let pause = patience.next_try(self.failures.clamp(1, FAILURES)).unwrap_or(patience.longest);
        Some(UnixTime(last.0.saturating_add(i64::try_from(pause).unwrap_or(i64::MAX))))
    }
}

/// What is told of the certificate, for the diary and for alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It is the one that the pages are served with, as it was before; `None`: there is none.
    Is(Option<Life>),
    /// It is the first that was got.
    Got(Life),
    Renewed(Life),
    /// A try came to nothing, and the one before did not.
    Failed(String),
}

/// What the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The time that is believed.
    pub at: UnixTime,
    /// It is not what the machine's clock says; see [`crate::clock`].
    pub clock_held: bool,
    /// Why nothing is forwarded, if nothing is.
    pub closed: Option<Verdict>,
    /// Of the certificate that is there; `None`: there is none that can be used.
    pub life: Option<Life>,
    pub tries: Tries,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Try,
    /// Not before then.
    At(UnixTime),
    /// It is time, but it has to wait for something else.
    Held(Held),
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The uplink may not be used.
    Closed(Why),
    /// The machine's clock is known to be wrong: no signature with a time in it would be believed.
    Clock,
}

/// When the next try is. `patience`: how long to wait after failures; its end is not heeded, for there is none.
///
/// What is asked for goes over the uplink and is billed, so it is asked only while people's traffic may pass too: not
/// once the plan is used up, and not by a card, or in a network, that the owner has not agreed to.
#[must_use]
pub fn next(facts: &Facts, patience: &Patience) -> Next {
    let patience = Patience { all: u64::MAX, ..*patience };
    let Facts { at, tries, .. } = *facts;
    if let Some(renewal) = facts.life.map(Life::renewal).filter(|renewal| *renewal > at) {
        return Next::At(renewal);
    }
    if let Some(earliest) = tries.earliest(&patience).filter(|earliest| !is_due(*earliest, at, &patience)) {
        return Next::At(
            tries.not_before.filter(|then| is_ahead(*then, at)).map_or(earliest, |then| then.max(earliest)),
        );
    }
    if let Some(not_before) = tries.not_before.filter(|then| is_ahead(*then, at)) {
        return Next::At(not_before);
    }
    match facts.closed.and_then(Verdict::why) {
        Some(why) => Next::Held(Held::Closed(why)),
        None if facts.clock_held => Next::Held(Held::Clock),
        None => Next::Try,
    }
}

/// Still to come, and no further away than anything that was ever waited for: else the clock was put back.
fn is_ahead(then: UnixTime, at: UnixTime) -> bool {
    then > at && then.0.saturating_sub(at.0) <= LONGEST_WAIT_SECS
}
