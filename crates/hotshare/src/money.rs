//! Amounts of money as people write them: decimal numbers, without the currency.

use hotshare_core::money::Money;

const ALLOWED: &str = "write an amount of money as a plain number, such as 5, 2.50 or 0.0025";

/// Reads an amount, to the millionth.
pub(crate) fn amount(text: &str) -> Result<Money, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 6 || whole.len() > 12 {
        return Err(ALLOWED.to_owned());
    }
    let millionths = format!("{fraction:0<6}").parse::<i64>().ok();
    let whole = whole.parse::<i64>().ok().and_then(|whole| whole.checked_mul(1_000_000));
    whole.zip(millionths).map(|(whole, part)| Money(whole + part)).ok_or_else(|| ALLOWED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_money() {
        for (text, millionths) in
            [("5", 5_000_000), ("2.50", 2_500_000), ("0.0025", 2_500), ("0.000001", 1), ("14.99", 14_990_000)]
        {
            assert_eq!(amount(text), Ok(Money(millionths)), "{text}");
        }
        for text in ["", ".5", "5.", "-1", "+1", "1e3", "1,50", "0.0000001", "5 EUR", "9999999999999"] {
            assert!(amount(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_told_reads_back(millionths in 0i64..1 << 50) {
            proptest::prop_assert_eq!(amount(&Money(millionths).to_string()), Ok(Money(millionths)));
        }
    }
}
