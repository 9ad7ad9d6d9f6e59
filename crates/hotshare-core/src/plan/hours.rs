//! Hours of the week, by civil time: free hours of a plan, bed times of people.

use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, ToSpan};

use super::Zone;
use crate::units::UnixTime;

/// From one time of day until another (exclusive), on some days of the week. Where `until` is not after `from`
/// it ends on the next day: Friday 22:00 to 06:00 is Friday's, and ends on Saturday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Bit 0 is Monday, bit 6 Sunday: the days on which it begins.
    pub days: u8,
    /// Minutes since midnight, 0 to 1439.
    pub from: u16,
    /// Minutes since midnight, 0 to 1439; equal to `from`: a whole day.
    pub until: u16,
}

/// Windows that hold together: one of them is enough. Bounded by [`Hours::MOST`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hours(pub Vec<Window>);

impl Hours {
    /// As many windows may be given.
    pub const MOST: usize = 32;

    /// Whether the clocks on the wall show a time inside, at this instant. A time that clocks skip is never
    /// shown; a time that they show twice counts twice.
    #[must_use]
    pub fn hold(&self, zone: &Zone, at: UnixTime) -> bool {
        let civil = zone.civil(at);
        self.0.iter().any(|window| window.shows(civil))
    }

    /// The first instant after `at` at which [`Hours::hold`] changes, within eight days; `None` when it does
    /// not. To the minute, because windows are.
    #[must_use]
    pub fn changes(&self, zone: &Zone, at: UnixTime) -> Option<UnixTime> {
        let now = self.hold(zone, at);
        // Only where a window begins or ends, or the civil clock itself jumps, can it change. Quarter hours catch
        // every jump of clocks there is; the minutes of the windows catch the rest.
        let begin = at.0 - at.0.rem_euclid(60);
        let mut before = begin;
        for step in 1..=(8 * 24 * 4) {
            let quarter = begin - begin.rem_euclid(900) + step * 900;
            if self.hold(zone, UnixTime(quarter)) != now || self.edge_between(zone, before, quarter) {
                let found =
                    (before + 60..=quarter).step_by(60).find(|t| self.hold(zone, UnixTime(*t)) != now);
                if let Some(found) = found {
                    return Some(UnixTime(found));
                }
            }
            before = quarter;
        }
        None
    }

    fn edge_between(&self, zone: &Zone, from: i64, to: i64) -> bool {
        let minute = |at: i64| {
            let time = zone.civil(UnixTime(at)).time();
            i64::from(time.hour()) * 60 + i64::from(time.minute())
        };
        let (from, length) = (minute(from), (to - from) / 60);
        let inside = |edge: u16| (i64::from(edge) - from).rem_euclid(24 * 60) <= length;
        self.0.iter().any(|window| inside(window.from) || inside(window.until))
    }
}

impl Window {
    fn shows(&self, civil: DateTime) -> bool {
        let begins = |day: DateTime| {
            let weekday = day.weekday().to_monday_zero_offset();
            self.days >> weekday.clamp(0, 6) & 1 == 1
        };
        let minute =
            civil.time().hour().unsigned_abs() as u16 * 60 + civil.time().minute().unsigned_abs() as u16;
        let yesterday = civil.checked_sub(1.day()).unwrap_or(civil);
        if self.from < self.until {
            return begins(civil) && (self.from..self.until).contains(&minute);
        }
        begins(civil) && minute >= self.from || begins(yesterday) && minute < self.until
    }
}

/// The civil time of day, for words: `22:00`.
#[must_use]
pub fn time_of_day(minute: u16) -> Time {
    Time::midnight().saturating_add(SignedDuration::from_mins(i64::from(minute % (24 * 60))))
}

#[cfg(test)]
mod tests;
