//! What a tariff asks for what was used in one of its periods.

use super::{Cost, Lasts, Tariff};
use crate::money::{Money, Price};
use crate::plan::{Bucket, Period, Unused};
use crate::units::{Bytes, Rate};

/// What becomes of a part when days are all that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// So much of each day is not charged to the rest.
    Daily,
    Part,
    Nothing,
}

pub(super) fn counted(parts: &[Bucket]) -> Vec<As> {
    let mut only_daily = true;
    let each = |part: &Bucket| {
        let plain = part.hours.is_none() && part.only.is_all();
        let daily = matches!(part.period, Some(Period::EveryDays { days: 1, .. }))
            && part.pay.is_none()
            && part.unused == Unused::Lost
            && part.cap.is_some();
        let what = match part.period {
            None if plain => As::Part,
            Some(_) if plain && daily && only_daily => As::Daily,
            Some(_) | None => As::Nothing,
        };
        only_daily &= what != As::Part;
        what
    };
    parts.iter().map(each).collect()
}

/// A tariff, made ready for being asked often.
#[derive(Clone, Debug)]
pub(super) struct Charges<'a> {
    pub(super) tariff: &'a Tariff,
    /// So much of each day is not charged to the period.
    pub(super) daily: u64,
    steps: Vec<Step<'a>>,
    /// All of its data, when it can be bought again.
    pack: Option<u64>,
    /// All of its data, when nothing beyond it can be had.
    flat: Option<u64>,
    /// What is left over may be used in the next period.
    pub(super) rolls: bool,
}

#[derive(Clone, Debug)]
enum Step<'a> {
    Has { most: u64, part: &'a Bucket },
    Asks { most: u64, price: Price },
}

/// What one period comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charged {
    pub(super) cost: Cost,
    pub(super) times: u32,
    /// What rolls over.
    pub(super) carry: u64,
}

/// Of a period only so many days count, in a year that ends before it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) days: u64,
    pub(super) of: u64,
}

impl Share {
    pub(super) const WHOLE: Share = Share { days: 1, of: 1 };

    fn amount(self, bytes: u64) -> u64 {
        if self.days == self.of || bytes == u64::MAX {
            return bytes;
        }
        let part = u128::from(bytes) * u128::from(self.days) / u128::from(self.of.max(1));
        u64::try_from(part).unwrap_or(u64::MAX)
    }

    fn money(self, money: i64) -> i64 {
        if self.days == self.of {
            return money;
        }
        let (days, of) = (i128::from(self.days), i128::from(self.of.max(1)));
        i64::try_from((i128::from(money) * days + of - 1).div_euclid(of)).unwrap_or(i64::MAX)
    }
}

impl<'a> Charges<'a> {
    pub(super) fn of(tariff: &'a Tariff, fast_enough: Rate) -> Charges<'a> {
        let mut daily = 0_u64;
        let mut steps = Vec::new();
        let good = |part: &Bucket| part.rate.is_none_or(|rate| rate >= fast_enough);
        for (part, what) in tariff.parts.iter().zip(counted(&tariff.parts)).filter(|(part, _)| good(part)) {
            match (what, part.pay) {
                (As::Daily, _) => daily = daily.saturating_add(part.cap.map_or(u64::MAX, |cap| cap.0)),
                (As::Part, Some(pay)) => {
                    steps.push(Step::Asks { most: pay.price.bytes_for(pay.limit).0, price: pay.price });
                }
                (As::Part, None) => {
                    steps.push(Step::Has { most: part.cap.map_or(u64::MAX, |cap| cap.0), part });
                }
                (As::Nothing, _) => {}
            }
        }
        let has = |step: &Step<'_>| match step {
            Step::Has { most, part } if part.unused == Unused::Lost => Some(*most),
            Step::Has { .. } | Step::Asks { .. } => None,
        };
        let flat = steps.iter().map(has).try_fold(0_u64, |sum, most| Some(sum.saturating_add(most?)));
        let rolls = steps.iter().any(|s| matches!(s, Step::Has { part, .. } if part.unused != Unused::Lost));
        Charges {
            tariff,
            daily,
            steps,
            pack: flat.filter(|all| tariff.again && (1..u64::MAX).contains(all)),
            flat,
            rolls,
        }
    }

    /// Without joining.
    pub(super) fn least(&self, share: Share) -> Money {
        Money(share.money(self.tariff.fee.0))
    }

    /// For so many days on which so much is used in all, whatever is bought when.
    pub(super) fn at_least(&self, days: u64, used: u64) -> Money {
        let fee = i128::from(self.tariff.fee.0);
        let longest = match self.tariff.lasts {
            Lasts::Days(days) => u64::from(days.max(1)),
            Lasts::Month | Lasts::MonthDay(_) => 31,
        };
        let by_days = fee * i128::from(days) / i128::from(longest);
        let most = self.flat.filter(|_| self.daily == 0 && !self.rolls).unwrap_or(u64::MAX).max(1);
        let by_use = fee * i128::from(used) / i128::from(most);
        Money(i64::try_from(by_days.max(by_use)).unwrap_or(i64::MAX))
    }

    /// What was used costs the same (and nothing of it is left unserved) down to this, this not included. `None`: that is
    /// not known.
    pub(super) fn next_below(&self, used: u64, share: Share) -> Option<u64> {
        let Some(pack) = self.pack else {
            return (share == Share::WHOLE && used <= self.flat?).then_some(0);
        };
        let pack = share.amount(pack);
        used.saturating_sub(1).checked_div(pack).map(|times| times * pack)
    }

    /// For `used` in a period into which `brought` was rolled over. Never less for more use, never more for more brought.
    pub(super) fn charge(&self, used: u64, brought: u64, share: Share) -> Charged {
        let fee = share.money(self.tariff.fee.0);
        if let Some(pack) = self.pack {
            let pack = share.amount(pack);
            let times = if pack == 0 { 1 } else { used.div_ceil(pack).max(1) };
            let short = if pack == 0 { used } else { 0 };
            let money = fee.saturating_mul(i64::try_from(times).unwrap_or(i64::MAX));
            return Charged {
                cost: Cost { short: Bytes(short), money: Money(money) },
                times: u32::try_from(times).unwrap_or(u32::MAX),
                carry: 0,
            };
        }
        let (mut left, mut money, mut carry) = (used, fee, None);
        for step in &self.steps {
            match step {
                Step::Has { most, part } => {
                    // Of several parts that roll over only the first one does.
                    let rolls = part.unused != Unused::Lost && carry.is_none();
                    let more = if rolls { brought } else { 0 };
                    let taken = left.min(share.amount(*most).saturating_add(more));
                    left -= taken;
                    if rolls {
                        carry = Some(part.rolls_over(Bytes(taken), Bytes(more)).0);
                    }
                }
                Step::Asks { most, price } => {
                    let taken = left.min(*most);
                    left -= taken;
                    money = money.saturating_add(price.of(Bytes(taken)).map_or(i64::MAX, |m| m.0));
                }
            }
        }
        Charged {
            cost: Cost { short: Bytes(left), money: Money(money) },
            times: 1,
            carry: carry.unwrap_or(0),
        }
    }
}
