//! Money as the owner states it: no rate of exchange, no rounding that is not asked for.

use std::fmt;

use crate::units::Bytes;

/// Millionths of a currency's unit (10 000 is one cent), so that a price of 0.0025 a megabyte is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i64);

/// Two decimal places, and more where they are needed; without the currency.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, all) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let places = format!("{:06}", all % 1_000_000);
        let short = places.trim_end_matches('0');
        f.pad(&format!("{sign}{}.{short:0<2}", all / 1_000_000))
    }
}

/// An ISO 4217 code, such as EUR: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(pub [u8; 3]);

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// Value added tax, as the user states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vat {
    /// In thousandths: 190 is 19 %.
    pub permille: u16,
    /// Prices are stated with it.
    pub included: bool,
}

/// What use beyond a plan costs: so much for each unit begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Price {
    pub money: Money,
    /// The carrier's rounding unit, never zero: what is used is rounded up to whole ones.
    pub unit: Bytes,
}

impl Price {
    /// What the carrier asks for so much, every unit begun counted whole. `None`: more than can be told.
    #[must_use]
    pub fn of(&self, used: Bytes) -> Option<Money> {
        let units = used.0.div_ceil(self.unit.0.max(1));
        Some(Money(self.money.0.checked_mul(i64::try_from(units).ok()?)?))
    }

    /// The most that can be used for so much money: whole units only. Without a price there is no end.
    #[must_use]
    pub fn bytes_for(&self, money: Money) -> Bytes {
        if self.money.0 <= 0 {
            return Bytes(u64::MAX);
        }
        let units = u64::try_from(money.0 / self.money.0).unwrap_or(0);
        Bytes(self.unit.0.saturating_mul(units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_of_money() {
        for (money, text) in
            [(0, "0.00"), (10_000, "0.01"), (2_500, "0.0025"), (-14_990_000, "-14.99"), (1, "0.000001")]
        {
            assert_eq!(Money(money).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_money_buys_never_costs_more(money in 0i64..1 << 50, price in 1i64..1 << 40, unit in 1u64..1 << 32) {
            let price = Price { money: Money(price), unit: Bytes(unit) };
            let bytes = price.bytes_for(Money(money));
            if let Some(cost) = price.of(bytes) {
                prop_assert!(cost.0 <= money);
            }
        }
    }
}
