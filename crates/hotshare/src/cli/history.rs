//! What was used on past days: from the daemon, or from a file.

use std::collections::BTreeMap;

use hotshare_api::{self as api, UsageReport, path};
use hotshare_core::units::Bytes;
use jiff::civil::Date;

use super::session::Session;
use super::size::bytes;
use super::stop::Stop;
use super::when::{self, date};
use crate::zone;

/// So far back is looked.
const DAYS: i64 = 400;

/// Days in their order, without gaps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) days: Vec<Bytes>,
    pub(super) last: Date,
}

/// Whole days that the daemon knows: not today, and not the day on which it began to count.
pub(super) fn from_daemon(session: &Session, status: &api::Status) -> Result<History, Stop> {
    let tried = "cannot read what was used";
    let zone = zone::rules(&status.plan.zone);
    let today = when::civil(status.at, &zone).date();
    let since = status.at.saturating_sub(DAYS * 86_400);
    let report: UsageReport = session.get(tried, &format!("{}?by=day&since={since}", path::USAGE))?;
    let mut days = BTreeMap::new();
    for row in report.rows {
        if let Ok(day) = date(&row.key) {
            days.insert(day, row.billed.unwrap_or(0));
        }
    }
    days.pop_first();
    days.remove(&today);
    // Days up to yesterday on which nothing was used are days too.
    if let Ok(yesterday) = today.yesterday()
        && days.keys().next().is_some_and(|first| *first <= yesterday)
    {
        days.entry(yesterday).or_insert(0);
    }
    whole(&days).ok_or_else(|| {
        Stop::refused(format!(
            "{tried}: no whole day was counted yet; ask again in a week, or give --history FILE with lines of day,bytes"
        ))
    })
}

/// Lines of `day,bytes`; a day that is missing is one without use.
pub(super) fn from_text(text: &str) -> Result<History, String> {
    const ALLOWED: &str = "write a day and bytes, such as 2026-11-01,1200000000 or 2026-11-01,1.2GB";
    let mut days = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || (number == 1 && line.starts_with("day,")) {
            continue;
        }
        let wrong = |why: &str| format!("line {number}: {why}");
        let mut cells = line.split(',').map(str::trim);
        let (Some(day), Some(amount)) = (cells.next(), cells.next()) else { return Err(wrong(ALLOWED)) };
        let day = date(day).map_err(|why| wrong(&why))?;
        let digits = amount.bytes().all(|b| b.is_ascii_digit());
        let amount = if digits { bytes(&format!("{amount}B")) } else { bytes(amount) };
        let amount = amount.map_err(|why| wrong(&format!("{why} ({ALLOWED})")))?;
        if days.insert(day, amount).is_some() {
            return Err(wrong("this day was there before; add both up into one line"));
        }
    }
    whole(&days).ok_or_else(|| format!("there is no day in it; {ALLOWED}"))
}

fn whole(days: &BTreeMap<Date, u64>) -> Option<History> {
    let (first, last) = (*days.keys().next()?, *days.keys().next_back()?);
    let count = first.until(last).ok()?.get_days();
    if i64::from(count) > 10 * 366 {
        return None;
    }
    let all = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last);
    let days: Vec<Bytes> = all.map(|day| Bytes(days.get(&day).copied().unwrap_or(0))).collect();
    // The last 400 days say how it is now.
    let skip = days.len().saturating_sub(usize::try_from(DAYS).unwrap_or(usize::MAX));
    Some(History { days: days.get(skip..)?.to_vec(), last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_days() {
        let history = from_text("day,bytes\n2026-11-01,5\n\n# a gap\n2026-11-04, 1.5kB\n").expect("good");
        let want: Vec<Bytes> = [5, 0, 0, 1500].map(Bytes).to_vec();
        assert_eq!(history, History { days: want, last: date("2026-11-04").expect("a date") });
        for (text, place) in [
            ("", "no day"),
            ("2026-11-01\n", "line 1"),
            ("day,bytes\n2026-11-31,5\n", "line 2"),
            ("2026-11-01,5\n2026-11-01,6\n", "line 2"),
            ("2026-11-01,-5\n", "line 1"),
            ("2026-11-01,5gb\n", "line 1"),
        ] {
            let why = from_text(text).expect_err(text);
            assert!(why.contains(place), "{why}");
        }
    }
}
