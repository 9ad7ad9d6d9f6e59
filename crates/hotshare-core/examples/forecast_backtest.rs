//! The figures of `docs/forecast.md`:
//! `cargo run --release -p hotshare-core --example forecast_backtest [CASES [SEED]]`.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it is run by hand to print figures"
)]

#[path = "../tests/backtest/mod.rs"]
mod backtest;

use std::time::Instant;

use backtest::cases::Case;
use backtest::families::{ALL, Family};
use backtest::score::{HEAD, overall, score};
use hotshare_core::forecast::{Standing, forecast};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::units::Bytes;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|text| text.parse().ok());
    let cases = numbers.next().unwrap_or(3_000);
    let seed = numbers.next().unwrap_or(1_000);
    println!("{HEAD}");
    let mut scores = Vec::new();
    for family in ALL {
        let score = score(family, usize::try_from(cases).unwrap_or(usize::MAX), seed);
        println!("{score}");
        scores.push(score);
    }
    println!("{}\n", overall(&scores));
    time();
}

/// What one forecast costs, with half a year of history: for the rest of a month, and at worst: 400 days ahead with a
/// balance that lasts.
fn time() {
    let case = (0..).map(|n| Case::of(Family::Household, n, 7)).find(|case| case.history.len() > 300);
    let Some(case) = case else { return };
    let month = Standing { end: Some(PeriodKey(case.now.today.0 + 30)), ..case.now };
    let longest = Standing { balance: Some(Bytes(u64::MAX)), end: None, ..case.now };
    for (what, now) in [("30 days", month), ("400 days", longest)] {
        let mut times: Vec<_> = (0..200)
            .map(|_| {
                let begun = Instant::now();
                std::hint::black_box(forecast(&case.history, &now));
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("{what}: median {:.2?}, slowest {:.2?}", times[100], times[199]);
    }
}
