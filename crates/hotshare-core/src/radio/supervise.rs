//! When hostapd is started, and when it is ended: decided from what a hand sees.
//!
//! The hand looks (on every event, and at the latest when [`Step::Wait`] is over), asks [`Supervision::step`], does
//! it, and tells how it went. hostapd's own word that it is on air is not asked for: it says so with the card
//! pulled as well.
//!
//! An access point that shares its card with the uplink's station keeps that station from looking for its network
//! on other channels. So when the station has lost its network, the access point goes off for a while, and
//! comes back with the station, on whatever channel that is; if the station finds nothing, on the old one.

use crate::units::BootTime;

#[cfg(test)]
mod tests;

/// What the hand sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The process of hostapd runs.
    pub process: bool,
    /// When it last answered on its control socket.
    pub answered: Option<BootTime>,
    /// The card is there: the one in use; while none is, any.
    pub card: bool,
    /// How many there are, those included that will not do.
    pub cards: usize,
    /// The kernel says that the access point's interface is one, is up and has a channel.
    pub on_air: bool,
    /// The uplink's station on the same card.
    pub station: Station,
}

/// The station that an access point has to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Station {
    /// There is none, or the card can be on two channels.
    Free,
    /// It is not joined to any network.
    Lost,
    /// It is on this channel, in MHz.
    On(u32),
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Prepare the card and start hostapd; then [`Supervision::started`] or [`Supervision::failed`]. `anew`: look at
    /// the cards and choose first; else as it was.
    Start { anew: bool },
    /// End hostapd, by force if it does not go, and clear what it left; then [`Supervision::ended`].
    End(Why),
    /// Nothing. Look again at every event, and at this moment.
    Wait(BootTime),
}

/// Why hostapd has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("hostapd ended")]
    Died,
    #[error("hostapd does not answer")]
    Hung,
    #[error("the card is gone")]
    CardGone,
    #[error("the card stopped sending")]
    Silent,
    #[error("the uplink moved to {0} MHz, on the same card")]
    UplinkMoved(u32),
    #[error("the uplink on the same card has no link, and must be free to find one on any channel")]
    UplinkLost,
    #[error("hostapd could not be started")]
    Failed,
}

/// hostapd's life, and how long to wait before the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervision {
    state: State,
    /// Ends that nobody planned, one soon after the other.
    faults: u32,
    /// No start before this moment.
    not_before: BootTime,
    /// The station looks for its network alone until this moment.
    search_until: Option<BootTime>,
    /// So long a station may be without a network before the access point goes off for it.
    patience_ms: u64,
    /// The station has no network since this moment.
    lost_since: Option<BootTime>,
    /// The cards that were there when we last looked.
    cards: Option<usize>,
    looked: BootTime,
    /// The machine has been awake since then, as far as is known.
    awake_since: BootTime,
    /// What was chosen last still holds.
    chosen: bool,
    /// The channel of the station that was followed last.
    followed: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    Starting,
    On {
        since: BootTime,
        silent_since: Option<BootTime>,
    },
    /// To be ended, or being ended.
    Ending(Why),
}

/// A hostapd that has not answered for so long hangs.
pub const HUNG_MS: u64 = 2_000;
/// A station often is back within this time by itself, on the same channel.
const LOST_MS: u64 = 1_500;
/// So long a station may look for its network alone: a scan of all bands takes 3 to 5 s (measured with
/// wpa_supplicant 2.10).
const SEARCH_MS: u64 = 6_400;
/// A search costs every device its connection: after one that found nothing, the next comes this much later,
/// doubling.
const SEARCH_AGAIN_MS: u64 = 30_000;
const SEARCH_AGAIN_MOST_MS: u64 = 480_000;
/// The kernel's word on a link that is just changing is confirmed.
const SILENT_MS: u64 = 300;
const FIRST_PAUSE_MS: u64 = 200;
const LONGEST_PAUSE_MS: u64 = 30_000;
/// After so long on air, faults are forgotten.
const STEADY_MS: u64 = 60_000;
/// Who has not looked for so long was suspended, with hostapd and the whole machine.
const ASLEEP_MS: u64 = 10_000;
/// A process that hangs causes no event.
const LOOK_MS: u64 = 1_000;

impl Default for Supervision {
    fn default() -> Supervision {
        Supervision::new()
    }
}

impl Supervision {
    /// Before the first start.
    #[must_use]
    pub fn new() -> Supervision {
        Supervision {
            state: State::Off,
            faults: 0,
            not_before: BootTime(0),
            search_until: None,
            patience_ms: LOST_MS,
            lost_since: None,
            cards: None,
            looked: BootTime(0),
            awake_since: BootTime(0),
            chosen: false,
            followed: None,
        }
    }

    /// What is to be done now.
    pub fn step(&mut self, now: BootTime, seen: &Observed) -> Step {
        self.note(now, seen);
        match self.state {
            State::Off => self.off(now, seen),
            State::Starting => Step::Wait(now.plus_millis(LOOK_MS)),
            State::On { since, silent_since } => match self.trouble(now, seen, since) {
                Some(why) => {
                    self.end(now, why);
                    Step::End(why)
                }
                None => Step::Wait(self.next_look(now, since, silent_since)),
            },
            State::Ending(why) => Step::End(why),
        }
    }

    /// hostapd is on air. `follows`: the channel, in MHz, if that has to be the uplink station's.
    pub fn started(&mut self, now: BootTime, follows: Option<u32>) {
        self.state = State::On { since: now, silent_since: None };
        self.followed = follows;
        self.chosen = true;
    }

    /// hostapd could not be started, or not wholly: the next step ends what is left of it.
    pub fn failed(&mut self) {
        self.state = State::Ending(Why::Failed);
        self.chosen = false;
    }

    /// No hostapd is left.
    pub fn ended(&mut self, now: BootTime) {
        let State::Ending(why) = self.state else { return };
        self.state = State::Off;
        if matches!(why, Why::UplinkMoved(_) | Why::UplinkLost) {
            self.not_before = now;
            return;
        }
        self.faults = self.faults.saturating_add(1);
        let doubled = 1_u64.checked_shl(self.faults - 1).and_then(|n| n.checked_mul(FIRST_PAUSE_MS));
        self.not_before = now.plus_millis(doubled.unwrap_or(LONGEST_PAUSE_MS).min(LONGEST_PAUSE_MS));
    }

    /// What changed since the last look.
    fn note(&mut self, now: BootTime, seen: &Observed) {
        if now.millis_since(self.looked) >= ASLEEP_MS {
            self.awake_since = now;
        }
        self.looked = now;
        let has_come = self.cards.is_some_and(|before| before < seen.cards);
        self.cards = Some(seen.cards);
        if has_come && self.state == State::Off {
            // a card that has come, or come back, settles first; but it does not wait for the faults of before
            self.not_before = self.not_before.min(now.plus_millis(FIRST_PAUSE_MS));
            self.chosen = false;
        }
        match seen.station {
            Station::Lost => self.lost_since = self.lost_since.or(Some(now)),
            Station::Free => self.lost_since = None,
            Station::On(mhz) => {
                (self.lost_since, self.search_until, self.patience_ms) = (None, None, LOST_MS);
                self.chosen &= self.followed.is_none_or(|followed| followed == mhz);
            }
        }
        if let State::On { since, silent_since } = &mut self.state {
            *silent_since = if seen.on_air { None } else { silent_since.or(Some(now)) };
            if now.millis_since(*since) >= STEADY_MS {
                self.faults = 0;
            }
        }
    }

    fn off(&mut self, now: BootTime, seen: &Observed) -> Step {
        let held = self.search_until.filter(|until| seen.station == Station::Lost && now < *until);
        if let Some(until) = held {
            return Step::Wait(until);
        }
        if !seen.card {
            return Step::Wait(now.plus_millis(LOOK_MS));
        }
        if now < self.not_before {
            return Step::Wait(self.not_before);
        }
        self.state = State::Starting;
        self.search_until = None;
        Step::Start { anew: !self.chosen }
    }

    fn trouble(&self, now: BootTime, seen: &Observed, since: BootTime) -> Option<Why> {
        if !seen.process {
            return Some(Why::Died);
        }
        if !seen.card {
            return Some(Why::CardGone);
        }
        let answered = seen.answered.unwrap_or(since).max(since).max(self.awake_since);
        if now.millis_since(answered) >= HUNG_MS {
            return Some(Why::Hung);
        }
        if let (Some(followed), Station::On(mhz)) = (self.followed, seen.station)
            && followed != mhz
        {
            return Some(Why::UplinkMoved(mhz));
        }
        if self.followed.is_some() && self.lost_too_long(now, since) {
            return Some(Why::UplinkLost);
        }
        let State::On { silent_since: Some(silent), .. } = self.state else { return None };
        (now.millis_since(silent) >= SILENT_MS).then_some(Why::Silent)
    }

    fn lost_too_long(&self, now: BootTime, since: BootTime) -> bool {
        self.lost_since.is_some_and(|lost| now.millis_since(lost.max(since)) >= self.patience_ms)
    }

    fn end(&mut self, now: BootTime, why: Why) {
        self.state = State::Ending(why);
        match why {
            Why::UplinkLost => {
                self.search_until = Some(now.plus_millis(SEARCH_MS));
                self.patience_ms = (self.patience_ms * 2).clamp(SEARCH_AGAIN_MS, SEARCH_AGAIN_MOST_MS);
            }
            Why::CardGone | Why::UplinkMoved(_) => self.chosen = false,
            Why::Died | Why::Hung | Why::Silent | Why::Failed => {}
        }
    }

    /// The next moment at which something can be due without an event.
    fn next_look(&self, now: BootTime, since: BootTime, silent_since: Option<BootTime>) -> BootTime {
        let lost = self.lost_since.filter(|_| self.followed.is_some());
        let dues = [
            silent_since.map(|silent| silent.plus_millis(SILENT_MS)),
            lost.map(|lost| lost.max(since).plus_millis(self.patience_ms)),
        ];
        let regular = now.plus_millis(LOOK_MS);
        dues.into_iter().flatten().fold(regular, BootTime::min)
    }
}
