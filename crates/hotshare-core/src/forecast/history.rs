//! From the sums of past days to the history that a forecast is made of.

use std::ops::Range;

use super::Day;
use super::pattern::LOOK_BACK;
use crate::ledger::PeriodKey;
use crate::units::Bytes;

/// One day for each from `since` until yesterday, half a year at most. On `since` it was set up, so that this day is not
/// known; a day without a sum is one without use.
#[must_use]
pub fn days(
    spent: impl IntoIterator<Item = (PeriodKey, Bytes)>,
    since: PeriodKey,
    today: PeriodKey,
) -> Vec<Day> {
    // One more than is looked at, so that it is seen to go back further.
    let most = i32::try_from(LOOK_BACK).unwrap_or(i32::MAX).saturating_add(1);
    let first = since.0.max(today.0.saturating_sub(most));
    let day = |day| Day { day: PeriodKey(day), used: Bytes::ZERO, known: day != since.0 };
    let mut days: Vec<Day> = (first..today.0).map(day).collect();
    for (day, used) in spent {
        let place = usize::try_from(i64::from(day.0) - i64::from(first)).ok();
        if let Some(day) = place.and_then(|place| days.get_mut(place)) {
            day.used += used;
        }
    }
    days
}

/// In this period all that there was to use was used up, and then at most `beyond` more, `today` already included: the
/// days after it was used up, and the one on which it was, do not show what would have been used.
pub fn used_up(days: &mut [Day], period: &Range<PeriodKey>, today: Bytes, beyond: Bytes) {
    let mut after = today;
    for day in days.iter_mut().rev().filter(|day| period.contains(&day.day)) {
        if after > beyond {
            return;
        }
        day.known = false;
        after += day.used;
    }
}

/// Closed now: the days since the last use do not show what would have been used.
pub fn idle_while_closed(days: &mut [Day]) {
    days.iter_mut().rev().take_while(|day| day.used == Bytes::ZERO).for_each(|day| day.known = false);
}

/// Days on which the plan was closed say nothing about a person either. Both are in order.
pub fn closed_with(days: &mut [Day], plan: &[Day]) {
    for day in days {
        if let Ok(place) = plan.binary_search_by_key(&day.day, |other| other.day) {
            day.known &= plan.get(place).is_none_or(|other| other.known);
        }
    }
}

/// Takes out what a part of the plan has paid for that is used before all others and renews on its own, such as a daily
/// one: what is left of each day came on top of it. `period` is that to which a day belongs.
pub fn on_top_of(days: &mut [Day], cap: Bytes, period: impl Fn(PeriodKey) -> Option<Range<PeriodKey>>) {
    let mut running = None;
    let mut left = Bytes::ZERO;
    for day in days {
        if !running.as_ref().is_some_and(|running: &Range<_>| running.contains(&day.day)) {
            running = period(day.day);
            left = if running.is_some() { cap } else { Bytes::ZERO };
        }
        let own = left.min(day.used);
        (left, day.used) = (left.saturating_sub(own), day.used.saturating_sub(own));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Every;

    const TODAY: PeriodKey = PeriodKey(20_002);

    fn ago(n: i32) -> PeriodKey {
        PeriodKey(TODAY.0 - n)
    }

    /// The sums of the last days, the oldest first; set up a day before.
    fn past(used: &[u64]) -> Vec<Day> {
        let n = i32::try_from(used.len()).expect("few");
        let sums = (0..n).zip(used).map(|(i, used)| (ago(n - i), Bytes(*used)));
        days(sums, ago(n + 1), TODAY)
    }

    /// What is known of the days, the first one left out.
    fn known(days: &[Day]) -> String {
        assert!(!days[0].known);
        days[1..].iter().map(|day| if day.known { '+' } else { '-' }).collect()
    }

    #[test]
    fn days_begin_with_the_set_up_and_end_yesterday() {
        let always = (PeriodKey::ALWAYS, Bytes(99));
        let sums = [always, (ago(3), Bytes(7)), (ago(1), Bytes(5)), (TODAY, Bytes(4)), (ago(9), Bytes(1))];
        let told: Vec<(i32, u64, bool)> =
            days(sums, ago(3), TODAY).iter().map(|d| (TODAY.0 - d.day.0, d.used.0, d.known)).collect();
        assert_eq!(told, [(3, 7, false), (2, 0, true), (1, 5, true)]);
        assert_eq!(days(sums, TODAY, TODAY), []);
        assert_eq!(days(sums, ago(-3), TODAY), []);
        let long = days(sums, ago(5000), TODAY);
        assert_eq!((long.len(), long[0].known), (LOOK_BACK + 1, true));
    }

    #[test]
    fn days_after_the_end_are_not_known() {
        let mut days = past(&[5, 5, 5, 0, 1, 0]);
        let period = ago(5)..ago(-20);
        used_up(&mut days, &period, Bytes::ZERO, Bytes(1));
        assert_eq!(known(&days), "++----");
        // It was today that it ran out.
        let mut days = past(&[5, 5, 5]);
        used_up(&mut days, &period, Bytes(2), Bytes(1));
        assert_eq!(known(&days), "+++");
        // A period before; its last day was the one on which it ran out.
        let mut days = past(&[5, 5, 5, 0, 0]);
        used_up(&mut days, &(ago(99)..ago(3)), Bytes::ZERO, Bytes(1));
        assert_eq!(known(&days), "+-+++");
        // A day's allowance.
        let mut days = past(&[5, 5, 5]);
        used_up(&mut days, &(ago(2)..ago(1)), Bytes::ZERO, Bytes::ZERO);
        assert_eq!(known(&days), "+-+");
    }

    #[test]
    fn days_since_a_pause_are_not_known() {
        let mut days = past(&[5, 0, 5, 0, 0]);
        idle_while_closed(&mut days);
        assert_eq!(known(&days), "+++--");
    }

    #[test]
    fn who_cannot_use_a_closed_plan_shows_nothing() {
        let mut plan = past(&[5, 5, 5, 0, 0]);
        used_up(&mut plan, &(ago(4)..ago(0)), Bytes::ZERO, Bytes::ZERO);
        let mut anna = past(&[1, 1, 0, 0]);
        closed_with(&mut anna, &plan);
        assert_eq!(known(&anna), "+---");
    }

    #[test]
    fn a_daily_part_pays_for_the_first_of_each_day() {
        let mut daily = past(&[5, 12, 0, 30]);
        on_top_of(&mut daily, Bytes(10), |day| Every::Day.days_around(day));
        assert_eq!(daily.iter().map(|d| d.used.0).collect::<Vec<_>>(), [0, 0, 2, 0, 20]);
        // TODAY is a Monday: all are of one week.
        let mut weekly = past(&[5, 12, 0, 30]);
        on_top_of(&mut weekly, Bytes(10), |day| Every::Week.days_around(day));
        assert_eq!(weekly.iter().map(|d| d.used.0).collect::<Vec<_>>(), [0, 0, 7, 0, 30]);
        let mut none = past(&[5, 12]);
        on_top_of(&mut none, Bytes(10), |_| None);
        assert_eq!(none.iter().map(|d| d.used.0).collect::<Vec<_>>(), [0, 5, 12]);
    }
}
