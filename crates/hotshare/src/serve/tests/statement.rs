use std::collections::BTreeMap;

use hotshare_core::ledger::{Entry, EntryKind, PeriodKey};
use hotshare_core::meter::Usage;
use hotshare_core::people::Person;
use hotshare_core::record::{Change, Who};
use hotshare_core::units::{Account, BucketId, Mac, PersonId, Slot};
use hotshare_store::Store;

use super::*;

/// 2026-11-22 12:00 in Berlin; the plan's period began on 2026-11-05.
const SUNDAY: i64 = 1_795_345_200;
/// 2026-11-05 and 2026-10-05, as days since 1970.
const NOVEMBER: PeriodKey = PeriodKey(20_762);
const OCTOBER: PeriodKey = PeriodKey(20_731);

fn fill(fake: &Fake) -> Store {
    let mut store = Store::open(&fake.folder.path().join("ledger.sqlite")).expect("a store");
    let person = |id: u32, name: &str| {
        let (id, slot) = (PersonId(id), Slot(id + 1));
        let name = name.parse().expect("a name");
        Change::Person(Person::new(id, name, Allowance::Unlimited, slot, UnixTime(SUNDAY)))
    };
    let entry = |at: i64, account, period, kind, bytes| {
        Change::Entry(Entry { at: UnixTime(at), account, period, kind, bytes })
    };
    let (plan, top) = (Account::Bucket(BucketId::FIRST), Account::BucketCredit(BucketId::FIRST));
    let (anna, on_anna) = (Account::Person(PersonId(1)), Account::PersonCredit(PersonId(1)));
    let on_bo = Account::PersonCredit(PersonId(2));
    let one = Mac([2, 0, 0x5e, 0x10, 0, 1]);
    let usage = Usage { up: Bytes(10), down: Bytes(300), refused_up: Bytes(1), refused_down: Bytes(4) };
    let whole = Usage { up: Bytes(20), down: Bytes(330), refused_up: Bytes(0), refused_down: Bytes(4) };
    let long_ago = SUNDAY - 40 * 86_400;
    store
        .commit(&[
            person(1, "anna"),
            person(2, "bo"),
            entry(SUNDAY, plan, NOVEMBER, EntryKind::Grant, 500),
            entry(SUNDAY, plan, NOVEMBER, EntryKind::Return, -150),
            entry(SUNDAY, plan, NOVEMBER, EntryKind::Correction, 25),
            entry(SUNDAY, top, NOVEMBER, EntryKind::RollOver, 70),
            entry(long_ago, plan, OCTOBER, EntryKind::Grant, 9_000),
            entry(SUNDAY, anna, PeriodKey::ALWAYS, EntryKind::Grant, 400),
            entry(SUNDAY, anna, PeriodKey::ALWAYS, EntryKind::Return, -90),
            entry(SUNDAY, on_anna, PeriodKey::ALWAYS, EntryKind::TopUp, 1_000),
            entry(SUNDAY, on_anna, PeriodKey::ALWAYS, EntryKind::Gift, -200),
            entry(SUNDAY, on_bo, PeriodKey::ALWAYS, EntryKind::Gift, 200),
            entry(SUNDAY, on_bo, PeriodKey::ALWAYS, EntryKind::Loan, -30),
            entry(SUNDAY, on_anna, PeriodKey::ALWAYS, EntryKind::Loan, 30),
            entry(long_ago, anna, PeriodKey::ALWAYS, EntryKind::Grant, 7_000),
            Change::Usage { minute: SUNDAY / 60, who: Who::Device(one, PersonId(1)), usage },
            Change::Usage { minute: SUNDAY / 60, who: Who::Plan, usage: whole },
        ])
        .expect("committed");
    store
}

/// Every sum of a statement is had again from the entries that come with it.
#[tokio::test]
async fn every_amount_reproduces_from_the_entries() {
    let fake = Fake::obedient();
    let _store = fill(&fake);
    let (status, reply) = fake.send("GET", "/v1/statement?entries=true", "").await;
    assert_eq!(status, 200, "{reply}");
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    for entry in reply["entries"].as_array().expect("entries") {
        let who = entry["part"].as_str().or(entry["person"].as_str()).expect("whose").to_owned();
        let bytes = entry["bytes"].as_i64().expect("bytes");
        let kind = match (entry["kind"].as_str().expect("a kind"), bytes < 0) {
            ("grant", _) => "granted",
            ("return", _) => "returned",
            ("correction", _) => "corrected",
            ("overrun", _) => "overrun",
            ("top-up", _) => "top_ups",
            ("gift", false) => "gifts_in",
            ("gift", true) => "gifts_out",
            ("loan", false) => "loans_in",
            ("loan", true) => "loans_out",
            ("roll-over", _) => "rolled_over",
            ("bought", _) => "bought",
            other => panic!("{other:?}"),
        };
        let all = if entry["on_top"] == true { "on_top" } else { "used" };
        *sums.entry((who.clone(), kind.to_owned())).or_default() += bytes;
        *sums.entry((who, all.to_owned())).or_default() += bytes;
    }
    let mut said: BTreeMap<(String, String), i64> = BTreeMap::new();
    for of in ["parts", "people"] {
        for row in reply[of].as_array().expect("rows") {
            for (kind, bytes) in row["sums"].as_object().expect("sums") {
                let bytes = bytes.as_i64().expect("a number");
                if bytes != 0 {
                    said.insert((row["name"].as_str().expect("a name").to_owned(), kind.clone()), bytes);
                }
            }
        }
    }
    assert_eq!(said, sums);
    let plan = &reply["parts"][0]["sums"];
    assert_eq!((&plan["used"], &plan["on_top"]), (&375.into(), &70.into()), "of this period only");
    let anna = &reply["people"][0];
    assert_eq!((&anna["sums"]["used"], &anna["sums"]["on_top"]), (&310.into(), &830.into()));
    assert_eq!((&anna["up"], &anna["down"], &anna["refused_down"]), (&10.into(), &300.into(), &4.into()));
    assert_eq!((&reply["billed_up"], &reply["billed_down"]), (&20.into(), &330.into()));
    assert_eq!((&reply["delivered"], &reply["own"], &reply["refused"]), (&310.into(), &36.into(), &4.into()));
}

#[tokio::test]
async fn a_statement_is_of_the_period_that_is_asked_for() {
    let fake = Fake::obedient();
    let _store = fill(&fake);
    let at = SUNDAY - 40 * 86_400;
    let (status, reply) = fake.send("GET", &format!("/v1/statement?at={at}"), "").await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["parts"][0]["sums"]["used"], 9_000);
    assert_eq!(reply["people"][0]["sums"]["used"], 7_000);
    assert_eq!((&reply["entries"], &reply["billed_down"]), (&serde_json::Value::Null, &0.into()));
    let (status, reply) = fake.send("GET", "/v1/statement?at=monday", "").await;
    assert_eq!((status, code(&reply)), (400, "bad-request"));
}
