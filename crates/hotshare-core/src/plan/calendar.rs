//! Instants to periods.
//!
//! Every kind of period is a numbered sequence of civil dates. A period begins at the first instant at which
//! the zone's civil clock shows its date or a later one; that is well defined when clocks go forward over
//! midnight, when they go back over it, and when a zone skips a whole day. An instant belongs to the last
//! period that has begun.

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::AmbiguousOffset;
use jiff::{Span, Timestamp, ToSpan};

use super::{BadPeriod, Every, Period, PeriodSpan, Phase, Zone};
use crate::ledger::PeriodKey;
use crate::units::UnixTime;

/// Instants outside 1970-01-01 … 9900-01-01 UTC are taken to be at that end: no wall clock shows them.
const EARLIEST: i64 = 0;
const LATEST: i64 = 250_246_627_200;

impl Period {
    /// Where `at` falls, by civil time in `zone`. A period that [`Period::check`] refuses is read as the
    /// nearest one that it accepts.
    #[must_use]
    pub fn at(&self, zone: &Zone, at: UnixTime) -> Phase {
        match *self {
            Period::Monthly { day } => Phase::Running(running(&Months { day }, zone, at)),
            Period::EveryDays { days, from } => {
                let begins = zone.date_begins(from);
                if at < begins {
                    Phase::NotBegun(begins)
                } else {
                    Phase::Running(running(&Days { from, step: i64::from(days.max(1)) }, zone, at))
                }
            }
            Period::Once { from, until } => {
                let begins = zone.date_begins(from);
                let ends = zone.date_begins(day_after(until.max(from)));
                if at < begins {
                    Phase::NotBegun(begins)
                } else if at >= ends {
                    Phase::Over(ends)
                } else {
                    Phase::Running(PeriodSpan { key: key(from), begins, ends: Some(ends) })
                }
            }
        }
    }

    /// The civil days of the period to which the civil day `day` belongs; `None`: no period has it.
    #[must_use]
    pub fn days_around(&self, day: PeriodKey) -> Option<Range<PeriodKey>> {
        match *self {
            Period::Monthly { day: first } => Some(around(&Months { day: first }, day)),
            Period::EveryDays { days, from } if key(from) <= day => {
                Some(around(&Days { from, step: i64::from(days.max(1)) }, day))
            }
            Period::EveryDays { .. } => None,
            Period::Once { from, until } => {
                Some(key(from)..key(day_after(until.max(from)))).filter(|days| days.contains(&day))
            }
        }
    }

    /// Whether there can be such a period.
    pub fn check(&self) -> Result<(), BadPeriod> {
        let year = |date: Date| {
            if (1970..=9000).contains(&date.year()) { Ok(()) } else { Err(BadPeriod::Year(date)) }
        };
        match *self {
            Period::Monthly { day: 1..=31 } => Ok(()),
            Period::Monthly { day } => Err(BadPeriod::Day(day)),
            Period::EveryDays { days: 0, .. } => Err(BadPeriod::NoDays),
            Period::EveryDays { from, .. } => year(from),
            Period::Once { from, until } if until < from => Err(BadPeriod::Backwards { from, until }),
            Period::Once { from, until } => year(from).and(year(until)),
        }
    }
}

impl Every {
    /// The period of an allowance at `at`, by civil time in `zone`.
    #[must_use]
    pub fn at(self, zone: &Zone, at: UnixTime) -> PeriodSpan {
        match self {
            Every::Day => running(&Days { from: EPOCH, step: 1 }, zone, at),
            Every::Week => running(&Days { from: MONDAY, step: 7 }, zone, at),
            Every::Month => running(&Months { day: 1 }, zone, at),
            Every::Total => PeriodSpan { key: PeriodKey::ALWAYS, begins: UnixTime(EARLIEST), ends: None },
        }
    }

    /// As [`Period::days_around`]; `None`: it never renews.
    #[must_use]
    pub fn days_around(self, day: PeriodKey) -> Option<Range<PeriodKey>> {
        match self {
            Every::Day => Some(around(&Days { from: EPOCH, step: 1 }, day)),
            Every::Week => Some(around(&Days { from: MONDAY, step: 7 }, day)),
            Every::Month => Some(around(&Months { day: 1 }, day)),
            Every::Total => None,
        }
    }
}

impl Zone {
    /// The civil day that `at` belongs to, as everything in the ledger counts days.
    #[must_use]
    pub fn day(&self, at: UnixTime) -> PeriodKey {
        Every::Day.at(self, at).key
    }

    /// The first instant of the civil hour that `at` belongs to, and never before the first of its day.
    #[must_use]
    pub fn hour_begins(&self, at: UnixTime) -> UnixTime {
        let at = bounded(at);
        let time = self.civil(at).time();
        let into = i64::from(time.minute()) * 60 + i64::from(time.second());
        UnixTime(at.0 - into).max(Every::Day.at(self, at).begins)
    }

    /// The first instant at which the civil clock shows `date` or a later one.
    #[must_use]
    pub fn date_begins(&self, date: Date) -> UnixTime {
        let midnight = date.to_datetime(Time::midnight());
        let (before, after) = match self.rules.to_ambiguous_timestamp(midnight).offset() {
            AmbiguousOffset::Unambiguous { offset } => return instant(offset, midnight),
            // Midnight comes twice: the day begins with the first.
            AmbiguousOffset::Fold { before, .. } => return instant(before, midnight),
            AmbiguousOffset::Gap { before, after } => (before, after),
        };
        // Midnight is skipped: the day begins where the clock is put forward, which is after `low` and not
        // after `high`.
        let (mut low, mut high) = (instant(after, midnight).0, instant(before, midnight).0);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.civil(UnixTime(middle)) >= midnight {
                high = middle;
            } else {
                low = middle;
            }
        }
        UnixTime(high)
    }

    /// What clocks and calendars on the wall show.
    pub(crate) fn civil(&self, at: UnixTime) -> DateTime {
        self.rules.to_datetime(Timestamp::from_second(at.0).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);
const MONDAY: Date = Date::constant(1970, 1, 5);

fn bounded(at: UnixTime) -> UnixTime {
    UnixTime(at.0.clamp(EARLIEST, LATEST))
}

fn instant(offset: jiff::tz::Offset, civil: DateTime) -> UnixTime {
    UnixTime(offset.to_timestamp(civil).map_or(LATEST, Timestamp::as_second))
}

fn day_after(date: Date) -> Date {
    date.tomorrow().unwrap_or(Date::MAX)
}

fn key(date: Date) -> PeriodKey {
    PeriodKey(days_between(EPOCH, date).try_into().unwrap_or(i32::MAX))
}

fn around(sequence: &impl Sequence, day: PeriodKey) -> Range<PeriodKey> {
    let date = Span::new().try_days(day.0).and_then(|days| EPOCH.checked_add(days)).unwrap_or(EPOCH);
    let number = sequence.number(date);
    key(sequence.date(number))..key(sequence.date(number + 1))
}

/// Days from `a` to `b`; negative when `b` is earlier.
fn days_between(a: Date, b: Date) -> i64 {
    a.duration_until(b).as_hours() / 24
}

/// Periods as a numbered sequence of the dates they begin on. Later numbers have later dates.
trait Sequence {
    /// The last period that begins on `date` or earlier.
    fn number(&self, date: Date) -> i64;
    fn date(&self, number: i64) -> Date;
}

/// Every `step` days, counted from `from`.
struct Days {
    from: Date,
    step: i64,
}

impl Sequence for Days {
    fn number(&self, date: Date) -> i64 {
        days_between(self.from, date).div_euclid(self.step)
    }
    fn date(&self, number: i64) -> Date {
        self.from.checked_add((number * self.step).days()).unwrap_or(Date::MAX)
    }
}

/// Once a month. Always counted from the wanted day: 31 January is followed by 28 February and 31 March.
struct Months {
    day: u8,
}

impl Sequence for Months {
    fn number(&self, date: Date) -> i64 {
        let number = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
        if self.date(number) > date { number - 1 } else { number }
    }
    fn date(&self, number: i64) -> Date {
        let first = i16::try_from(number.div_euclid(12))
            .and_then(|year| Ok((year, i8::try_from(number.rem_euclid(12))? + 1)))
            .ok()
            .and_then(|(year, month)| Date::new(year, month, 1).ok());
        let Some(first) = first else { return Date::MAX };
        let day = i8::try_from(self.day.max(1)).unwrap_or(i8::MAX).min(first.days_in_month());
        Date::new(first.year(), first.month(), day).unwrap_or(first)
    }
}

/// The last period of `sequence` that has begun at `at`.
fn running(sequence: &impl Sequence, zone: &Zone, at: UnixTime) -> PeriodSpan {
    let at = bounded(at);
    let mut number = sequence.number(zone.civil(at).date());
    let mut begins = zone.date_begins(sequence.date(number));
    // Where clocks go back over midnight, the day that the clock has left again has already begun.
    loop {
        let next = sequence.date(number + 1);
        let ends = zone.date_begins(next);
        if ends > at {
            return PeriodSpan { key: key(sequence.date(number)), begins, ends: Some(ends) };
        }
        number += 1;
        begins = ends;
    }
}
