//! What the owner asks for.

use hotshare_core::ask::{Ask, PlanChange};
use hotshare_core::people::{Allowance, Every};
use hotshare_core::plan::Period;
use hotshare_core::units::Bytes;

use super::{Understood, name};
use crate::script::run::Run;
use crate::script::words::{Calendar, amount};

pub(super) fn verb(run: &mut Run<'_>, words: &[&str]) -> Understood {
    let ask = match words {
        ["plan", change @ ..] => Ask::PlanSet(plan(change)?),
        ["correct", "plan", "to", n, unit] => Ask::PlanCorrect { used: bytes(n, unit)? },
        ["person", who, what @ ..] => Ask::PersonAdd { name: name(who)?, allowance: allowance(what)? },
        ["allow", who, what @ ..] => Ask::PersonSet { name: name(who)?, allowance: allowance(what)? },
        ["pause", who] => Ask::PersonPause { name: name(who)?, paused: true },
        ["resume", who] => Ask::PersonPause { name: name(who)?, paused: false },
        ["remove", who] => Ask::PersonRemove { name: name(who)? },
        ["flush"] => Ask::Flush,
        _ => return Ok(false),
    };
    run.done(ask)?;
    Ok(true)
}

pub(super) fn bytes(n: &str, unit: &str) -> Result<Bytes, String> {
    let signed = amount(n, unit)?;
    u64::try_from(signed).map(Bytes).map_err(|_| "less than nothing".into())
}

/// “2 GB a month”, “10 MB a day”, “5 GB in total”, “without limit”.
fn allowance(words: &[&str]) -> Result<Allowance, String> {
    let (n, unit, every) = match words {
        ["without", "limit"] => return Ok(Allowance::Unlimited),
        [n, unit, "a", "day"] => (n, unit, Every::Day),
        [n, unit, "a", "week"] => (n, unit, Every::Week),
        [n, unit, "a", "month"] => (n, unit, Every::Month),
        [n, unit, "in", "total"] => (n, unit, Every::Total),
        _ => return Err("write an allowance such as `2 GB a month` or `without limit`".into()),
    };
    Ok(Allowance::Limited { bytes: bytes(n, unit)?, every })
}

/// “20 GB monthly on 31”; cap or period alone, too.
fn plan(words: &[&str]) -> Result<PlanChange, String> {
    let (cap, rest) = match words {
        ["no", "cap", rest @ ..] => (Some(None), rest),
        [n, unit, rest @ ..] if amount(n, unit).is_ok() => (Some(Some(bytes(n, unit)?)), rest),
        rest => (None, rest),
    };
    let number = |text: &str| text.parse::<u16>().map_err(|_| format!("“{text}” is not a number"));
    let period = match rest {
        [] => None,
        ["monthly", "on", day] => {
            let day = u8::try_from(number(day)?).map_err(|e| e.to_string())?;
            Some(Period::Monthly { day })
        }
        ["every", days, "days", "from", from] => {
            Some(Period::EveryDays { days: number(days)?, from: Calendar::date(from)? })
        }
        ["once", from, "to", until] => {
            Some(Period::Once { from: Calendar::date(from)?, until: Calendar::date(until)? })
        }
        _ => return Err("write a plan such as `plan 20 GB monthly on 31`".into()),
    };
    Ok(PlanChange { cap, period, ..PlanChange::default() })
}
