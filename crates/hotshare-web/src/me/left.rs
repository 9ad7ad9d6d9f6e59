//! What a person may still use, and until when.

use hotshare_api::{Part, PartStatus, Period, Person, Status, Window};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::show;

/// What is left of the plan for one person without paying more; `None`: no end.
///
/// Of the parts that this person may use now, to any site. What is kept back for what is in flight, and for what the
/// carrier counts more, is not there to be used.
pub(super) fn of_plan(status: &Status, person: &str) -> Option<u64> {
    let plan = &status.plan;
    let kept = plan.carrier.as_ref().map_or(0, |carrier| carrier.kept).saturating_add(plan.reserve);
    if plan.parts.is_empty() {
        return plan.balance.map(|balance| balance.saturating_sub(kept));
    }
    let parts = plan.parts.iter().filter(|part| is_for(part, person) && part.in_hours);
    let sum = parts.map(|part| part.balance).try_fold(0_u64, |sum, left| Some(sum.saturating_add(left?)));
    sum.map(|sum| sum.saturating_sub(kept))
}

fn is_for(status: &PartStatus, person: &str) -> bool {
    let Part { people, sites, .. } = &status.part;
    let theirs = people.as_ref().is_none_or(|people| people.iter().any(|name| name == person));
    // One that costs money is among them: its balance is what was bought of it, and that is there.
    status.begins.is_some() && theirs && sites.is_empty()
}

/// So many bytes pass before the person is closed; `None`: no end. At the end of the allowance some go on slowly.
pub(super) fn bytes(status: &Status, person: &Person) -> Option<u64> {
    let own = person.balance.filter(|_| person.then_rate.is_none());
    match (own, of_plan(status, &person.name)) {
        (Some(own), Some(plan)) => Some(own.min(plan)),
        (own, plan) => own.or(plan),
    }
}

/// In so many seconds the person is closed, whatever is left then; `None`: no end.
pub(super) fn seconds(status: &Status, person: &Person) -> Option<u64> {
    let zone = show::zone(&status.plan.zone);
    let plan_ends = match status.plan.period {
        Period::Once { .. } => status.plan.ends,
        Period::Monthly { .. } | Period::EveryDays { .. } => None,
    };
    let key = person.key.as_ref().and_then(|key| key.until);
    let bed_time = person.bed_times.iter().filter_map(|window| next_begin(window, status.at, &zone)).min();
    let ends = [key, person.until, plan_ends, bed_time, hours_end(status, &person.name, &zone)];
    let first = ends.into_iter().flatten().min()?;
    Some(u64::try_from(first.saturating_sub(status.at)).unwrap_or(0))
}

/// When the hours of all parts that are left are over; `None`: one is for all hours.
fn hours_end(status: &Status, person: &str, zone: &TimeZone) -> Option<i64> {
    let mut latest = None;
    for part in status.plan.parts.iter().filter(|part| is_for(part, person) && part.in_hours) {
        if part.balance == Some(0) {
            continue;
        }
        let hours = part.part.hours.as_ref()?;
        latest = latest.max(hours.iter().filter_map(|window| present_end(window, status.at, zone)).max());
    }
    latest
}

fn time(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok()
}

fn at(date: Date, time: Time, zone: &TimeZone) -> Option<i64> {
    Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp().as_second())
}

/// The days from so many before today on, on which the window begins.
fn days(window: &Window, now: DateTime, from: i8, until: i8) -> impl Iterator<Item = Date> {
    let begins = move |date: &Date| {
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        hotshare_api::Day::ALL.get(day).is_some_and(|day| window.days.contains(day))
    };
    (from..=until).filter_map(move |n| now.date().checked_add(jiff::Span::new().days(n)).ok()).filter(begins)
}

fn next_begin(window: &Window, now: i64, zone: &TimeZone) -> Option<i64> {
    let from = time(&window.from)?;
    days(window, show::civil(now, zone), 0, 7)
        .filter_map(|date| at(date, from, zone))
        .filter(|begin| *begin > now)
        .min()
}

fn present_end(window: &Window, now: i64, zone: &TimeZone) -> Option<i64> {
    let (from, until) = (time(&window.from)?, time(&window.until)?);
    let span = |date: Date| {
        let last = if until > from { date } else { date.tomorrow().ok()? };
        Some((at(date, from, zone)?, at(last, until, zone)?))
    };
    days(window, show::civil(now, zone), -1, 0)
        .filter_map(span)
        .filter(|(begin, end)| *begin <= now && now < *end)
        .map(|(_, end)| end)
        .max()
}

#[cfg(test)]
mod tests {
    use hotshare_api::Day;

    use super::*;

    /// Monday 2026-11-23 18:30 in Berlin.
    const MONDAY: i64 = 1_795_455_000;

    fn window(days: &[Day], from: &str, until: &str) -> Window {
        Window { days: days.to_vec(), from: from.into(), until: until.into() }
    }

    #[test]
    fn windows_begin_and_end_by_the_civil_clock() {
        let zone = show::zone("Europe/Berlin");
        let told = |at: Option<i64>| at.map(|at| show::time(at, &zone)).unwrap_or_default();
        let night = window(&Day::ALL, "21:00", "07:00");
        assert_eq!(told(next_begin(&night, MONDAY, &zone)), "2026-11-23 21:00");
        assert_eq!(told(present_end(&night, MONDAY, &zone)), "");
        // In the night: the end is tomorrow's morning, also when it began yesterday.
        assert_eq!(told(present_end(&night, MONDAY + 3 * 3600, &zone)), "2026-11-24 07:00");
        assert_eq!(told(present_end(&night, MONDAY + 8 * 3600, &zone)), "2026-11-24 07:00");
        let monday = window(&[Day::Mon], "18:00", "19:00");
        assert_eq!(told(next_begin(&monday, MONDAY, &zone)), "2026-11-30 18:00");
        assert_eq!(told(present_end(&monday, MONDAY, &zone)), "2026-11-23 19:00");
        assert_eq!(told(next_begin(&window(&[Day::Sun], "24:00", "x"), MONDAY, &zone)), "");
    }
}
