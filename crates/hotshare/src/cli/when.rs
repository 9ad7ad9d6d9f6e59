//! Times and dates as people write them, and as they are printed: always by the plan's zone.

pub(crate) use hotshare_api::show::{civil, time as pretty};
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A moment that was asked for, before it is known in which zone and from which “now”.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Date(Date),
    DateTime(jiff::civil::DateTime),
    /// So long ago.
    Ago(SignedDuration),
    Today,
    Yesterday,
}

const ALLOWED: &str = "write a date such as 2026-11-01, a time such as 2026-11-01T18:30, today, yesterday, or how long ago: 90m, 24h, 7d, 4w";

/// Reads a moment.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    match text {
        "today" => return Ok(Moment::Today),
        "yesterday" => return Ok(Moment::Yesterday),
        _ => {}
    }
    if let Ok(date) = date(text) {
        return Ok(Moment::Date(date));
    }
    if text.len() >= 16
        && text.as_bytes().get(10) == Some(&b'T')
        && !text.contains(['Z', '+', '['])
        && let Ok(time) = text.parse()
    {
        return Ok(Moment::DateTime(time));
    }
    span(text).map(Moment::Ago).ok_or_else(|| ALLOWED.to_owned())
}

/// Reads `90m`, `24h`, `7d` or `4w`.
fn span(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number = number.parse::<i64>().ok().filter(|n| *n <= 1_000_000)?;
    match unit {
        "m" => Some(SignedDuration::from_mins(number)),
        "h" => Some(SignedDuration::from_hours(number)),
        "d" => Some(SignedDuration::from_hours(number * 24)),
        "w" => Some(SignedDuration::from_hours(number * 168)),
        _ => None,
    }
}

/// Until when something holds, before it is known in which zone and from which “now”.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Never,
    /// So long from now.
    In(SignedDuration),
    /// To the end of this day.
    Date(Date),
    DateTime(jiff::civil::DateTime),
}

/// Reads until when.
pub(crate) fn until(text: &str) -> Result<Until, String> {
    const ALLOWED: &str = "write for how long: 12h, 3d, 4w; a last day such as 2026-12-01; a time such as \"2026-12-01 18:00\"; or never";
    if text == "never" {
        return Ok(Until::Never);
    }
    if let Ok(date) = date(text) {
        return Ok(Until::Date(date));
    }
    if let Some(span) = span(text).filter(|span| span.is_positive()) {
        return Ok(Until::In(span));
    }
    let time = match text.split_at_checked(10) {
        Some((day, time)) if day.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
            time.strip_prefix([' ', 'T']).and_then(clock).zip(date(day).ok())
        }
        _ => None,
    };
    time.map(|(time, date)| Until::DateTime(date.to_datetime(time))).ok_or_else(|| ALLOWED.to_owned())
}

/// Reads `18:00`.
fn clock(text: &str) -> Option<jiff::civil::Time> {
    let digits = |text: &str| text.parse().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let (hour, minute) = text.split_once(':')?;
    jiff::civil::Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
}

impl Until {
    /// As Unix time, exclusive; `None` for never.
    pub(crate) fn resolve(self, now: i64, zone: &TimeZone) -> Option<i64> {
        match self {
            Until::Never => None,
            Until::In(span) => Some(now.saturating_add(span.as_secs())),
            Until::Date(date) => Some(Moment::Date(date).resolve(now, zone, true)),
            Until::DateTime(time) => Some(Moment::DateTime(time).resolve(now, zone, true)),
        }
    }
}

/// Reads a date: `2026-11-01` and nothing else.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    // The parser would take a date with a time of day too, and forget the time.
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let date = if plain { text.parse::<Date>().ok() } else { None };
    date.ok_or_else(|| "this is not a date; write year, month and day, such as 2026-11-01".to_owned())
}

/// Reads `28d` or `4w` as a number of days.
pub(crate) fn days(text: &str) -> Result<u16, String> {
    let allowed = || "write a number of days or weeks, such as 28d or 4w, at most 3660 days".to_owned();
    let (number, per) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 7),
        (None, None) => return Err(allowed()),
    };
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(allowed());
    }
    let days = number.parse::<u16>().ok().and_then(|n| n.checked_mul(per));
    days.filter(|n| (1..=3660).contains(n)).ok_or_else(allowed)
}

impl Moment {
    /// As Unix time. A date is its beginning, or with `end` the beginning of the next.
    pub(crate) fn resolve(self, now: i64, zone: &TimeZone, end: bool) -> i64 {
        let today = civil(now, zone).date();
        let start_of = |date: Date| {
            let date = if end { date.tomorrow().unwrap_or(date) } else { date };
            date.to_zoned(zone.clone()).map_or(0, |z| z.timestamp().as_second())
        };
        match self {
            Moment::Today => start_of(today),
            Moment::Yesterday => start_of(today.yesterday().unwrap_or(today)),
            Moment::Date(date) => start_of(date),
            Moment::DateTime(time) => time.to_zoned(zone.clone()).map_or(0, |z| z.timestamp().as_second()),
            Moment::Ago(ago) => now.saturating_sub(ago.as_secs()),
        }
    }
}

/// Such as `5 December 2026`.
pub(crate) fn pretty_date(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// Such as `today`, `tomorrow` or `in 12 days`, by the calendar.
pub(crate) fn in_days(now: i64, then: i64, zone: &TimeZone) -> String {
    match days_between(now, then, zone) {
        i64::MIN..=0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    }
}

fn days_between(now: i64, then: i64, zone: &TimeZone) -> i64 {
    let (now, then) = (civil(now, zone).date(), civil(then, zone).date());
    now.until(then).map_or(0, |span| i64::from(span.get_days()))
}

/// The last day of a period: it ends where the next begins.
pub(crate) fn last_day(ends: i64, zone: &TimeZone) -> Date {
    civil(ends.saturating_sub(1), zone).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone;

    /// 2026-11-23 18:30:00 in Berlin.
    const NOW: i64 = 1_795_455_000;

    #[test]
    fn moments_resolve_by_the_plans_zone() {
        let berlin = zone::rules("Europe/Berlin");
        let at = |text: &str, end| pretty(moment(text).expect(text).resolve(NOW, &berlin, end), &berlin);
        assert_eq!(pretty(NOW, &berlin), "2026-11-23 18:30");
        assert_eq!(at("today", false), "2026-11-23 00:00");
        assert_eq!(at("today", true), "2026-11-24 00:00");
        assert_eq!(at("yesterday", false), "2026-11-22 00:00");
        assert_eq!(at("2026-11-01", false), "2026-11-01 00:00");
        assert_eq!(at("2026-11-30", true), "2026-12-01 00:00");
        assert_eq!(at("2026-11-01T07:15", false), "2026-11-01 07:15");
        assert_eq!(at("24h", false), "2026-11-22 18:30");
        assert_eq!(at("7d", false), "2026-11-16 18:30");
        assert_eq!(at("90m", false), "2026-11-23 17:00");
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            "x",
            "7",
            "7y",
            "-7d",
            "2026-11-31",
            "2026-13-01",
            "01.11.2026",
            "2026-11-01T",
            "2026-11-01T07:15Z",
            "99999999999999999999d",
            "tomorrow",
            "2026-11-01 07:15",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_are_counted_by_the_calendar() {
        let berlin = zone::rules("Europe/Berlin");
        let then = |text: &str| moment(text).expect(text).resolve(NOW, &berlin, false);
        assert_eq!(in_days(NOW, then("2026-12-05"), &berlin), "in 12 days");
        assert_eq!(in_days(NOW, then("2026-11-24"), &berlin), "tomorrow");
        assert_eq!(in_days(NOW, then("2026-11-23"), &berlin), "today");
        assert_eq!(in_days(NOW, then("2027-11-23"), &berlin), "in 365 days");
        assert_eq!(pretty_date(last_day(then("2026-12-05"), &berlin)), "4 December 2026");
    }

    #[test]
    fn ends_are_in_the_future_and_days_are_whole() {
        let berlin = zone::rules("Europe/Berlin");
        let at = |text: &str| until(text).expect(text).resolve(NOW, &berlin).map(|at| pretty(at, &berlin));
        assert_eq!(at("never"), None);
        assert_eq!(at("3d").as_deref(), Some("2026-11-26 18:30"));
        assert_eq!(at("90m").as_deref(), Some("2026-11-23 20:00"));
        assert_eq!(at("2026-12-01").as_deref(), Some("2026-12-02 00:00"));
        assert_eq!(at("2026-12-01 18:00").as_deref(), Some("2026-12-01 18:00"));
        assert_eq!(at("2026-12-01T07:05").as_deref(), Some("2026-12-01 07:05"));
        for text in [
            "",
            "3",
            "0d",
            "-3d",
            "today",
            "2026-12-01 18",
            "2026-12-01 24:00",
            "2026-12-01 1:00",
            "2026-12-01 +1:+1",
            "2026-12-01 18:00:00",
            "2026-12-01  18:00",
            "2026-12-01Z18:00",
            "2026-12-0118:00",
            "长长长长长长",
        ] {
            assert!(until(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_of_days() {
        assert_eq!(days("28d"), Ok(28));
        assert_eq!(days("4w"), Ok(28));
        for text in ["", "28", "0d", "d", "-1d", "+1d", "4000d", "70000d", "1m", "9999w", "1.5d"] {
            assert!(days(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_any_moment_is_answered(text in "[0-9T:.+-]{0,24}.{0,3}", now in proptest::num::i64::ANY) {
            let _ = (date(&text), days(&text), until(&text).map(|until| until.resolve(now, &TimeZone::UTC)));
            if let Ok(moment) = moment(&text) {
                let _ = (moment.resolve(now, &TimeZone::UTC, false), moment.resolve(now, &TimeZone::UTC, true));
            }
            let _ = (pretty(now, &TimeZone::UTC), in_days(0, now, &TimeZone::UTC), last_day(now, &TimeZone::UTC));
        }
    }
}
