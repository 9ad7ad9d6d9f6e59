//! Amounts and times as the pages show them.

pub use hotshare_api::show::{bytes, civil, time, zone};
use jiff::civil::Date;

use crate::language::Language;

/// Text that a stranger chose, with nothing in it that hides or reorders. Templates escape markup.
#[must_use]
pub fn safe(text: &str) -> String {
    hotshare_api::escaped(text)
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
    let tame: String = text.chars().filter(|c| !hotshare_api::is_treacherous(*c)).collect();
    let mut short: String = tame.trim().chars().take(LONGEST).collect();
    if tame.trim().chars().count() > LONGEST {
        short.push('…');
    }
    short
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
    fn rates_and_days() {
        for (given, shown) in
            [(0, "0 bit/s"), (125, "1.0 kbit/s"), (156_250, "1.2 Mbit/s"), (125_000_000, "1.0 Gbit/s")]
        {
            assert_eq!(rate(given), shown);
        }
        let berlin = zone("Europe/Berlin");
        let date = civil(1_795_455_000, &berlin).date();
        assert_eq!(day(date, Language::English), "23 November");
        assert_eq!(day(date, Language::Chinese), "11月23日");
    }
}
