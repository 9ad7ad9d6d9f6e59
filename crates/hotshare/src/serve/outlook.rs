//! What lies ahead and how the carrier counts, from the brain's words to the promised ones.

use hotshare_api as api;
use hotshare_core::ask::{CarrierStatus, Outlook};
use hotshare_core::forecast::{RunOut, Spread};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::reconcile::{Comparison, Confidence};
use jiff::Span;

pub(super) fn outlook(outlook: &Outlook) -> api::Outlook {
    let Outlook { at, standing, factor, forecast } = outlook;
    let basis = &forecast.basis;
    api::Outlook {
        at: at.0,
        today: date(standing.today),
        ends: standing.end.map(date),
        used: standing.used.0,
        used_today: standing.used_today.0,
        balance: standing.balance.map(|balance| balance.0),
        factor: *factor,
        days: number(basis.days),
        enough: basis.is_enough,
        thin: basis.is_thin,
        weekly: basis.weekly,
        week: basis.week,
        total: forecast.total.map(|Spread { low, likely, high }| api::Spread {
            low: low.0,
            likely: likely.0,
            high: high.0,
        }),
        runs_out: forecast.runs_out.map(|RunOut { earliest, likely, latest, within }| api::RunOut {
            earliest: date(earliest),
            likely: likely.map(date),
            latest: latest.map(date),
            within,
        }),
        lasts: forecast.lasts,
        safe: forecast.safe.map(|safe| api::Safe { today: safe.today.0, rest: safe.rest.0 }),
    }
}

pub(super) fn carrier(status: &CarrierStatus) -> api::Carrier {
    let learnt = &status.correction;
    api::Carrier {
        factor: learnt.factor,
        confidence: match learnt.confidence {
            Confidence::Nothing => api::Confidence::Nothing,
            Confidence::Low => api::Confidence::Low,
            Confidence::Fair => api::Confidence::Fair,
            Confidence::Good => api::Confidence::Good,
        },
        based_on: number(learnt.based_on),
        strange: number(learnt.strange),
        spread: learnt.spread,
        drift: learnt.drift,
        kept: status.kept.0,
        since_figure: status.since_figure.0,
        figure: status.figure.map(|figure| api::CarrierFigure { at: figure.at.0, told: figure.told.0 }),
        compared: status.compared.iter().map(compared).collect(),
    }
}

fn compared(comparison: &Comparison) -> api::Compared {
    api::Compared { at: comparison.at.0, ours: comparison.ours.0, carriers: comparison.carriers.0 }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn date(day: PeriodKey) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    let date = Span::new().try_days(day.0).and_then(|days| epoch.checked_add(days));
    date.unwrap_or(epoch).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (day, text) in
            [(0, "1970-01-01"), (20_776, "2026-11-19"), (21_243, "2028-02-29"), (i32::MIN, "1970-01-01")]
        {
            assert_eq!(date(PeriodKey(day)), text);
        }
    }
}
