//! Has somebody, or some device, used far more than usual?

use crate::units::Bytes;

/// What counts as unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// So many times the usual use.
    pub times: u16,
    /// Nothing below this is unusual, however little is usual.
    pub floor: Bytes,
}

impl Default for Rule {
    fn default() -> Rule {
        Rule { times: 10, floor: Bytes::mib(200) }
    }
}

/// With fewer days (or hours) of use than this there is no usual.
const LEAST: usize = 5;

/// More than what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual {
    /// The usual use of a day (or hour) on which there is any.
    pub norm: Bytes,
    /// How many times that it is now.
    pub times: u64,
}

/// `history` is the use of past days (or hours), in any order; `so_far` that of the present one.
///
/// The norm is the middle of the days with any use, so that one large day does not hide the next. But what was used
/// on two days before is not unusual: the third film evening alarms nobody.
#[must_use]
pub fn unusual(history: &[Bytes], so_far: Bytes, rule: &Rule) -> Option<Unusual> {
    let mut used: Vec<Bytes> = history.iter().copied().filter(|used| *used > Bytes::ZERO).collect();
    if used.len() < LEAST || so_far < rule.floor {
        return None;
    }
    used.sort_unstable();
    let norm = used[(used.len() - 1) / 2];
    let second = used[used.len() - 2];
    let is_much = u128::from(so_far.0) >= u128::from(norm.0) * u128::from(rule.times.max(1));
    (is_much && so_far > second).then(|| Unusual { norm, times: so_far.0 / norm.0 })
}
