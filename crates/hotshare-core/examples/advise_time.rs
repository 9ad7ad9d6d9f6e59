//! How long it takes to find the cheapest year: `cargo run --release -p hotshare-core --example advise_time`.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it is run by hand to print figures"
)]

use std::time::Instant;

use hotshare_core::advise::{Lasts, Place, Question, Tariff, advise};
use hotshare_core::money::{Money, Price};
use hotshare_core::plan::{Bucket, Date, Pay};
use hotshare_core::units::{Bytes, Rate};

const GB: u64 = 1_000_000_000;
const CENT: i64 = 10_000;

fn main() {
    println!(
        "| Tariffs | trips | passes | slowest of 5, ms | without other years, ms | cheapest |\n|--:|--:|--:|--:|--:|--:|"
    );
    for (count, trips, passes) in
        [(30, 1, 3), (300, 0, 0), (300, 0, 30), (300, 2, 30), (300, 4, 30), (600, 2, 60), (1000, 2, 30)]
    {
        let mut draw = Draw(count);
        let tariffs = catalogue(&mut draw, count, passes);
        let first = Date::constant(2026, 11, 27);
        let all = [(7, 14), (120, 10), (200, 21), (300, 5)].map(|(from, days): (i64, i64)| {
            let on = |n: i64| first.checked_add(jiff::Span::new().days(n)).expect("a date");
            (on(from), on(from + days - 1))
        });
        let (mut slowest, mut bare, mut cost) = (0, 0, Money(0));
        for _ in 0..5 {
            let history: Vec<Bytes> = (0..364).map(|day| used(&mut draw, day)).collect();
            let question = Question {
                first,
                days: &history,
                trips: &all[..trips],
                tariffs: &tariffs,
                present: Some(&tariffs[0]),
                fast_enough: Rate::bits(2_000_000),
                history: &history,
            };
            let begun = Instant::now();
            let advice = advise(&question);
            slowest = slowest.max(begun.elapsed().as_millis());
            assert_eq!(advice.best.cost.short, Bytes(0));
            cost = advice.best.cost.money;
            let begun = Instant::now();
            let _again = advise(&Question { history: &[], ..question });
            bare = bare.max(begun.elapsed().as_millis());
        }
        println!("| {count} | {trips} | {passes} | {slowest} | {bare} | {cost} |");
    }
}

/// About 1 GB a day, more at week-ends, now and then a burst.
fn used(draw: &mut Draw, day: u64) -> Bytes {
    let usual = 400_000_000 + draw.below(800_000_000);
    let usual = if day % 7 >= 5 { usual * 2 } else { usual };
    Bytes(if draw.below(15) == 0 { usual * (3 + draw.below(8)) } else { usual })
}

/// As carriers sell: contracts, packs, passes, some for trips, prices to the cent and nothing round.
fn catalogue(draw: &mut Draw, count: u64, passes: u64) -> Vec<Tariff> {
    let lengths = [7, 14, 28, 30, 90, 180, 365];
    (0..count)
        .map(|n| {
            let data = 1 + draw.below(60);
            let of_month = 300 + data * (20 + draw.below(40)) + draw.below(99);
            let pick = |draw: &mut Draw| lengths[usize::try_from(draw.below(7)).expect("small")];
            let (lasts, again, cents, gb) = match n % 10 {
                _ if n < passes => (Lasts::Days(1), true, 150 + draw.below(500), 1 + draw.below(10)),
                0..3 => (Lasts::Month, false, of_month, data),
                3 => {
                    (Lasts::MonthDay(u8::try_from(1 + draw.below(28)).expect("small")), false, of_month, data)
                }
                _ => {
                    let days = pick(draw);
                    let size = (data * u64::from(days)).div_ceil(30);
                    (
                        Lasts::Days(days),
                        true,
                        (of_month * u64::from(days)).div_ceil(30) + draw.below(99),
                        size,
                    )
                }
            };
            let mut parts = vec![Bucket::main(Some(Bytes(gb * GB)))];
            match draw.below(4) {
                0 if !again => {
                    let price = Price { money: Money(CENT / 2), unit: Bytes(1_000_000) };
                    let pay = Pay { price, limit: Money(50 * 100 * CENT), step: Money(100 * CENT) };
                    parts.push(Bucket { name: "more".into(), pay: Some(pay), ..Bucket::main(None) });
                }
                1 if !again => {
                    parts.push(Bucket {
                        name: "slow".into(),
                        rate: Some(Rate::bits(1_000_000)),
                        ..Bucket::main(None)
                    });
                }
                _ => {}
            }
            Tariff {
                name: format!("tariff {n}"),
                lasts,
                dates: None,
                place: match n % 7 {
                    5 => Place::Abroad,
                    6 if n % 2 == 0 => Place::Everywhere,
                    _ => Place::Home,
                },
                fee: Money(i64::try_from(cents).expect("small") * CENT),
                joining: Money(if draw.below(3) == 0 && n >= passes { 999 * CENT } else { 0 }),
                again,
                parts,
            }
        })
        .collect()
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (x ^ (x >> 32)) % n
    }
}
