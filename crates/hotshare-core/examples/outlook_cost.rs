//! What a status with all that is foretold costs: a year of days, 50 people, a new answer and one that still holds.
//!
//! ```sh
//! cargo run --release -p hotshare-core --example outlook_cost
//! ```
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    reason = "an example measures, prints, and may panic"
)]

use std::time::Instant;

use hotshare_core::ask::Ask;
use hotshare_core::book::Book;
use hotshare_core::brain::{AskId, Brain, Event, Settings};
use hotshare_core::ledger::PeriodKey;
use hotshare_core::meter::Usage;
use hotshare_core::people::{Allowance, Every, Person};
use hotshare_core::plan::{Period, Plan, Zone};
use hotshare_core::record::{Snapshot, Tally};
use hotshare_core::units::{BootTime, Bytes, Now, PersonId, Slot, UnixTime};

const DAY: i64 = 86_400;
const TODAY: i32 = 20_774;
const PEOPLE: u32 = 50;

fn snapshot(allowance: Allowance) -> Snapshot {
    let since = UnixTime(i64::from(TODAY - 365) * DAY);
    let person = |n| {
        let name = format!("person-{n}").parse().expect("a name");
        Person::new(PersonId(n), name, allowance, Slot(n + 1), since)
    };
    let mut spent = Vec::new();
    for day in TODAY - 365..TODAY {
        let used =
            |n: u32| Bytes::mib(u64::from(n % 7 + 1) * (u64::try_from(day).expect("late") * 7919 % 50));
        let mut all = Usage::default();
        for n in 1..=PEOPLE {
            let usage = Usage { down: used(n), ..Usage::default() };
            spent.push((Tally::Person(PersonId(n)), PeriodKey(day), usage));
            all += usage;
        }
        spent.push((Tally::Billed(hotshare_core::units::CardId::FIRST), PeriodKey(day), all));
    }
    Snapshot {
        plan: Some(Plan::simple(Some(Bytes(2000 << 30)), Period::Monthly { day: 5 }, Zone::utc())),
        people: (1..=PEOPLE).map(person).collect(),
        spent,
        last_person: PEOPLE,
        ..Snapshot::default()
    }
}

/// Of many, because the machine does something else now and then.
fn middle(mut took: Vec<f64>) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

fn main() {
    let limited = |every| Allowance::Limited { bytes: Bytes(9 << 30), every };
    for (what, allowance) in [
        ("by the day", limited(Every::Day)),
        ("by the month", limited(Every::Month)),
        ("in all", limited(Every::Total)),
        ("fair", Allowance::Fair),
        ("unlimited", Allowance::Unlimited),
    ] {
        let wall = UnixTime(i64::from(TODAY) * DAY + 43_200);
        let mut boot = BootTime(1_000_000_000);
        let settings = Settings {
            default_person: None,
            grant_life_secs: 30,
            wifi: None,
            off_when_idle_secs: None,
            alerts: hotshare_core::alert::Rules::default(),
        };
        let book = Book::new(snapshot(allowance), Zone::utc());
        let now = |boot| Now { boot, wall, synced: true };
        let mut brain = Brain::new(settings, book, now(boot), 1, Vec::new(), None);
        let (mut anew, mut holds) = (Vec::new(), Vec::new());
        for n in 0..200 {
            // Every tenth comes after all that was foretold has grown old.
            let old = n % 10 == 0;
            boot = boot.plus_secs(if old { 601 } else { 1 });
            brain.handle(now(boot), Event::Tick);
            let from = Instant::now();
            brain.handle(now(boot), Event::Asked(AskId(n), Ask::Status));
            if old { &mut anew } else { &mut holds }.push(from.elapsed().as_secs_f64() * 1000.0);
            while brain.next_command().is_some() {}
        }
        let (anew, holds) = (middle(anew), middle(holds));
        println!("{what:>14}: {anew:6.2} ms foretold anew, {holds:6.2} ms while it holds");
    }
}
