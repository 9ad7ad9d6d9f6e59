//! Amounts as people write them, and as they are printed.
//!
//! Read strictly: a unit must stand there, and in its right case, because a plan of “20gb” bought as gigabits
//! is not 20 GB. kB, MB, GB, TB are powers of 1000, as carriers count; KiB, MiB, GiB, TiB are powers of 1024.
//! Printed always in powers of 1000.

use hotshare_api::Every;
pub(crate) use hotshare_api::show::bytes as pretty;

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
const ALLOWED: &str = "write a number and kB, MB, GB or TB (powers of 1000) or KiB, MiB, GiB or TiB (powers of 1024), such as 20GB or 1.5GiB";
/// More than fits a ledger entry makes no sense anywhere.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// Reads an amount. A fraction of a byte is cut off.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(format!("this is not an amount; {ALLOWED}"));
    }
    if unit.is_empty() {
        return Err(format!("the unit is missing; {ALLOWED}"));
    }
    let Some((unit, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let meant = UNITS.iter().find(|(name, _)| {
            name.eq_ignore_ascii_case(unit)
                || name.strip_suffix('B').is_some_and(|n| n.eq_ignore_ascii_case(unit))
        });
        return Err(match meant {
            Some((name, _)) => format!("there is no such unit; did you mean {number}{name}?"),
            None => format!("there is no such unit; {ALLOWED}"),
        });
    };
    if *unit == "B" && number.contains('.') {
        return Err("there is no part of a byte; write a whole number".to_owned());
    }
    let too_large = || format!("this is too large; the most is {}", pretty(LARGEST));
    let tenths = fraction.get(..18).unwrap_or(fraction);
    let scale = 10_u128.pow(u32::try_from(tenths.len()).unwrap_or(0));
    let read = |digits: &str| digits.parse::<u128>().ok().filter(|n| *n <= u128::from(u64::MAX));
    let whole = read(whole).ok_or_else(too_large)?;
    let tenths = read(tenths).ok_or_else(too_large)?;
    let factor = u128::from(*factor);
    let total = whole * factor + tenths * factor / scale;
    u64::try_from(total).ok().filter(|n| *n <= LARGEST).ok_or_else(too_large)
}

/// Reads a speed such as `100Mbit` (per second), as bits per second.
pub(crate) fn rate(text: &str) -> Result<u64, String> {
    const ALLOWED: &str = "write a whole number and kbit, Mbit or Gbit (per second), such as 100Mbit";
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit {
        "kbit" => 1_000,
        "Mbit" => 1_000_000,
        "Gbit" => 1_000_000_000,
        _ => return Err(ALLOWED.to_owned()),
    };
    let bits = number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
    bits.filter(|bits| *bits > 0).ok_or_else(|| ALLOWED.to_owned())
}

/// An allowance: `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AllowanceText(pub(crate) Option<(u64, Every)>);

/// Reads `2GB/month`, `500MB` (a total) or `unlimited`.
pub(crate) fn allowance(text: &str) -> Result<AllowanceText, String> {
    if text == "unlimited" {
        return Ok(AllowanceText(None));
    }
    let (size, every) = text.split_once('/').unwrap_or((text, "total"));
    let every = match every {
        "day" => Every::Day,
        "week" => Every::Week,
        "month" => Every::Month,
        "total" => Every::Total,
        _ => {
            return Err("after the “/” comes day, week, month or total; write for example 2GB/month, 500MB/total or unlimited".to_owned());
        }
    };
    Ok(AllowanceText(Some((bytes(size)?, every))))
}

/// Such as `2.00 GB/month`, `500.00 MB in all` or `unlimited`.
pub(crate) fn pretty_allowance(bytes: Option<u64>, every: Option<Every>) -> String {
    let Some(bytes) = bytes else { return "unlimited".to_owned() };
    let bytes = pretty(bytes);
    match every {
        Some(Every::Day) => format!("{bytes}/day"),
        Some(Every::Week) => format!("{bytes}/week"),
        Some(Every::Month) => format!("{bytes}/month"),
        Some(Every::Total) | None => format!("{bytes} in all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (text, expected) in [
            ("0B", 0),
            ("1B", 1),
            ("1kB", 1_000),
            ("1KiB", 1_024),
            ("20GB", 20_000_000_000),
            ("20 GB", 20_000_000_000),
            ("3.2GB", 3_200_000_000),
            ("0.5MiB", 524_288),
            ("1.5GiB", 1_610_612_736),
            ("1.3GiB", 1_395_864_371),
            ("0.0001kB", 0),
            ("007MB", 7_000_000),
            ("2.50TB", 2_500_000_000_000),
            ("1TiB", 1 << 40),
            ("0.333333333333333333333333333333GB", 333_333_333),
            ("9223372036854775807B", LARGEST),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn amounts_that_are_none() {
        let mut told = String::new();
        for text in [
            "",
            "GB",
            "20",
            "20.",
            ".5GB",
            "1.2.3GB",
            "-1GB",
            "+1GB",
            "1e3GB",
            "20gb",
            "20Gb",
            "20G",
            "20K",
            "20KB",
            "20 GB ",
            "20  GB",
            "20XB",
            "20GB/month",
            "1.5B",
            "9223372036854775808B",
            "99999999999999999999999999999TB",
            "٢GB",
            "２GB",
            "1,5GB",
            "1_000MB",
            "0x10MB",
            "NaNGB",
            "20Gbit",
        ] {
            let why = bytes(text).expect_err(text);
            told += &format!("{text:?}: {why}\n");
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn allowances() {
        for (text, expected) in [
            ("2GB/month", Some((2_000_000_000, Every::Month))),
            ("1GiB/week", Some((1 << 30, Every::Week))),
            ("250MB/day", Some((250_000_000, Every::Day))),
            ("500MB/total", Some((500_000_000, Every::Total))),
            ("500MB", Some((500_000_000, Every::Total))),
            ("unlimited", None),
        ] {
            assert_eq!(allowance(text), Ok(AllowanceText(expected)), "{text}");
        }
        for text in
            ["", "2GB/", "2GB/year", "2GB/Month", "/month", "2/month", "Unlimited", "2GB/month/day", "none"]
        {
            assert!(allowance(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate("100Mbit"), Ok(100_000_000));
        assert_eq!(rate("64kbit"), Ok(64_000));
        assert_eq!(rate("1Gbit"), Ok(1_000_000_000));
        for text in ["", "100", "0Mbit", "1.5Gbit", "100MB", "100mbit", "-1Mbit", "99999999999999999999Gbit"]
        {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn printing() {
        assert_eq!(pretty_allowance(Some(2_000_000_000), Some(Every::Month)), "2.00 GB/month");
        assert_eq!(pretty_allowance(None, None), "unlimited");
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_exactly_reads_back(n in 0..=LARGEST) {
            proptest::prop_assert_eq!(bytes(&format!("{n}B")), Ok(n));
        }

        #[test]
        fn a_unit_is_its_factor(whole in 0_u64..9_000, tenth in 0_u64..10, unit in 1_usize..UNITS.len()) {
            let (name, factor) = UNITS[unit];
            let expected = whole * factor + tenth * factor / 10;
            proptest::prop_assert_eq!(bytes(&format!("{whole}.{tenth}{name}")), Ok(expected));
        }

        #[test]
        fn any_text_is_answered(text in "[0-9]{0,30}[.]?[0-9]{0,30}.{0,4}(/.{0,6})?") {
            let _ = (bytes(&text), allowance(&text), rate(&text));
        }
    }
}
