//! What people type into forms.

use std::collections::BTreeMap;

use hotshare_api::{Day, Every, Window};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::messages::Text;

/// A form's fields. Of a field that is there twice, the last counts.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(BTreeMap<String, String>);

/// A field that cannot be used: what it is called, and what would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclear {
    /// A message's key.
    pub(super) what: &'static str,
}

impl Unclear {
    pub(super) fn say(self, t: Text) -> String {
        t.say(self.what)
    }
}

/// An amount that is not one.
pub(super) const AMOUNT: Unclear = Unclear { what: "unclear-amount" };
const NUMBER: Unclear = Unclear { what: "unclear-number" };
const DATE: Unclear = Unclear { what: "unclear-date" };
const HOURS: Unclear = Unclear { what: "unclear-hours" };
const RATE: Unclear = Unclear { what: "unclear-rate" };

impl Fields {
    /// The field without the blanks around it; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    /// As it was typed: blanks count in passwords.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// `None` when it is empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.filled(name).is_some()
    }

    /// An amount and its unit, which the field `NAME-unit` has; `None` when it is empty.
    pub(super) fn bytes(&self, name: &str) -> Result<Option<u64>, Unclear> {
        let Some(number) = self.filled(name) else { return Ok(None) };
        let unit = match self.text(&format!("{name}-unit")) {
            "MB" => 1_000_000,
            "GB" | "" => 1_000_000_000,
            _ => return Err(AMOUNT),
        };
        decimal(number, unit).map(Some).ok_or(AMOUNT)
    }

    /// Kilobits a second, as bytes a second.
    pub(super) fn rate(&self, name: &str) -> Result<Option<u64>, Unclear> {
        let Some(number) = self.filled(name) else { return Ok(None) };
        let bits = decimal(number, 1_000).ok_or(RATE)?;
        Some(bits / 8).filter(|rate| *rate > 0).map(Some).ok_or(RATE)
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Unclear> {
        self.filled(name).map(|text| text.parse().map_err(|_| NUMBER)).transpose()
    }

    /// A date, as the browser's own picker or a person writes it: `2026-11-01`.
    pub(super) fn date(&self, name: &str) -> Result<Option<Date>, Unclear> {
        self.filled(name).map(|text| text.parse().map_err(|_| DATE)).transpose()
    }

    /// The end of a day, exclusive, or a moment such as `2026-11-01T18:00`.
    pub(super) fn until(&self, name: &str, zone: &TimeZone) -> Result<Option<i64>, Unclear> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        let civil = match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => {
                date.tomorrow().map_err(|_| DATE)?.to_datetime(jiff::civil::Time::midnight())
            }
            _ => text.parse().map_err(|_| DATE)?,
        };
        civil.to_zoned(zone.clone()).map(|then| Some(then.timestamp().as_second())).map_err(|_| DATE)
    }

    /// How often an allowance renews.
    pub(super) fn every(&self, name: &str) -> Every {
        match self.text(name) {
            "day" => Every::Day,
            "week" => Every::Week,
            "total" => Every::Total,
            _ => Every::Month,
        }
    }

    /// Names between commas.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let names = self.text(name).split([',', '，', '、']);
        names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }

    /// Hours of the week, a line each.
    pub(super) fn windows(&self, name: &str) -> Result<Vec<Window>, Unclear> {
        self.text(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(window).collect()
    }
}

/// `12.5` and a unit, as whole bytes; nothing is rounded but what is below one.
fn decimal(number: &str, unit: u64) -> Option<u64> {
    let number = number.replace(',', ".");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, "0"));
    let digits = |text: &str| {
        (!text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u128>().ok())?
    };
    let scale = 10_u128.pow(u32::try_from(fraction.len().min(15)).unwrap_or(0));
    let total = digits(whole)? * u128::from(unit) + digits(fraction)? * u128::from(unit) / scale;
    u64::try_from(total).ok().filter(|total| *total <= i64::MAX.unsigned_abs())
}

const DAYS: [(&str, Day); 7] = [
    ("mon", Day::Mon),
    ("tue", Day::Tue),
    ("wed", Day::Wed),
    ("thu", Day::Thu),
    ("fri", Day::Fri),
    ("sat", Day::Sat),
    ("sun", Day::Sun),
];

/// `mon tue 21:00-07:00`, `mon-fri 21:00-07:00`, or `daily 21:00-07:00`.
fn window(line: &str) -> Result<Window, Unclear> {
    let mut days = Vec::new();
    let mut span = None;
    for word in line.split([' ', ',', '，']).filter(|word| !word.is_empty()) {
        let word = word.to_ascii_lowercase();
        if word.contains(':') {
            let (from, until) = word.split_once(['-', '–']).ok_or(HOURS)?;
            if span.replace((from.to_owned(), until.to_owned())).is_some() {
                return Err(HOURS);
            }
        } else if word == "daily" {
            days.extend(Day::ALL);
        } else {
            let (first, last) = word.split_once('-').unwrap_or((&word, &word));
            let at = |name: &str| DAYS.iter().position(|(day, _)| *day == name).ok_or(HOURS);
            let (first, last) = (at(first)?, at(last)?);
            let count = (last + 7 - first) % 7;
            days.extend((0..=count).map(|n| DAYS[(first + n) % 7].1));
        }
    }
    days.sort();
    days.dedup();
    let (from, until) = span.ok_or(HOURS)?;
    if days.is_empty() {
        days.extend(Day::ALL);
    }
    Ok(Window { days, from, until })
}

/// As [`Fields::windows`] reads it.
pub(super) fn windows_text(windows: &[Window]) -> String {
    let line = |window: &Window| {
        let days = if window.days.len() == 7 {
            "daily".to_owned()
        } else {
            let named = |day: &Day| DAYS.iter().find(|(_, d)| d == day).map_or("", |(name, _)| *name);
            window.days.iter().map(named).collect::<Vec<_>>().join(" ")
        };
        format!("{days} {}-{}", window.from, window.until)
    };
    windows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Such as (`12.5`, `GB`), that read back as the same amount.
pub(super) fn amount_text(bytes: u64) -> (String, &'static str) {
    let (unit, name) = if bytes >= 1_000_000_000 { (1_000_000_000, "GB") } else { (1_000_000, "MB") };
    let digits = if unit == 1_000_000 { 6 } else { 9 };
    let fraction = format!("{:0digits$}", bytes % unit);
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    (format!("{}{dot}{fraction}", bytes / unit), name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn fields(given: &[(&str, &str)]) -> Fields {
        Fields(given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn amounts() {
        for (number, unit, bytes) in [
            ("20", "GB", Some(20_000_000_000)),
            ("2.3", "GB", Some(2_300_000_000)),
            ("0,5", "MB", Some(500_000)),
            ("0.000001", "MB", Some(1)),
            ("-1", "GB", None),
            ("1e3", "GB", None),
            ("99999999999", "GB", None),
            ("1", "TB", None),
            (".", "GB", None),
        ] {
            let read = fields(&[("a", number), ("a-unit", unit)]).bytes("a");
            assert_eq!(read, bytes.map(Some).ok_or(AMOUNT), "{number} {unit}");
        }
        assert_eq!(fields(&[]).bytes("a"), Ok(None));
    }

    #[test]
    fn hours() {
        let read = |text: &str| fields(&[("h", text)]).windows("h").map(|w| windows_text(&w));
        assert_eq!(read("mon tue 21:00-07:00").unwrap(), "mon tue 21:00-07:00");
        assert_eq!(
            read("Fri-Mon 0:30-6:00\n\ndaily 12:00-13:00").unwrap(),
            "mon fri sat sun 0:30-6:00\ndaily 12:00-13:00"
        );
        assert_eq!(read("21:00-07:00").unwrap(), "daily 21:00-07:00");
        for bad in ["mon", "mon 21:00", "moo 1:00-2:00", "mon 1:00-2:00 3:00-4:00"] {
            assert_eq!(read(bad), Err(HOURS), "{bad}");
        }
    }

    #[test]
    fn ends() {
        let zone = crate::show::zone("Europe/Berlin");
        let read = |text: &str| fields(&[("u", text)]).until("u", &zone);
        assert_eq!(read("2026-11-22").unwrap(), read("2026-11-23T00:00").unwrap());
        assert_eq!(read("2026-11-23T18:30").unwrap(), Some(1_795_455_000));
        assert_eq!(read("soon"), Err(DATE));
        assert_eq!(read(""), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_in_a_field_reads_back(bytes in 0..=i64::MAX.unsigned_abs()) {
            let (number, unit) = amount_text(bytes);
            proptest::prop_assert_eq!(fields(&[("a", &number), ("a-unit", unit)]).bytes("a"), Ok(Some(bytes)));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let fields = fields(&[("x", &text)]);
            let _ = (fields.bytes("x"), fields.windows("x"), fields.until("x", &TimeZone::UTC), fields.rate("x"), fields.list("x"));
        }
    }
}
