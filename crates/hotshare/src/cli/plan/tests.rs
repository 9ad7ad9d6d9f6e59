use clap::Parser as _;
use hotshare_api::AtCap;

use super::*;
use crate::cli::Cli;

fn parsed(arguments: &str) -> Result<PlanChange, String> {
    let words = ["hotshare", "plan", "set"].into_iter().chain(arguments.split_whitespace());
    let cli = Cli::try_parse_from(words).map_err(|e| e.to_string())?;
    let crate::cli::Verb::Plan(Plan { action: Some(Action::Set(set)) }) = cli.verb else {
        return Err("not `plan set`".into());
    };
    set.change(|| Ok(jiff::civil::date(2026, 11, 23))).map_err(|e| format!("{e:?}"))
}

#[test]
fn what_can_be_set() {
    let every = |days, from: &str| Some(Period::EveryDays { days, from: from.into() });
    let once = |from: &str, until: &str| Some(Period::Once { from: from.into(), until: until.into() });
    let nothing = PlanChange::default;
    for (arguments, expected) in [
        (
            "--cap 20GB --monthly 5",
            PlanChange {
                cap: Some(Some(20_000_000_000)),
                period: Some(Period::Monthly { day: 5 }),
                ..nothing()
            },
        ),
        ("--every 28d --from 2026-11-01", PlanChange { period: every(28, "2026-11-01"), ..nothing() }),
        ("--every 4w --from 2026-11-01", PlanChange { period: every(28, "2026-11-01"), ..nothing() }),
        ("--once --until 2026-11-30", PlanChange { period: once("2026-11-23", "2026-11-30"), ..nothing() }),
        (
            "--once --from 2026-11-01 --until 2026-11-30",
            PlanChange { period: once("2026-11-01", "2026-11-30"), ..nothing() },
        ),
        ("--no-cap", PlanChange { cap: Some(None), ..nothing() }),
        ("--zone europe/berlin", PlanChange { zone: Some("Europe/Berlin".into()), ..nothing() }),
    ] {
        assert_eq!(parsed(arguments), Ok(expected), "{arguments}");
    }
}

#[test]
fn what_cannot_be_set() {
    let mut told = String::new();
    for arguments in [
        "",
        "--cap 20",
        "--cap 20GB --no-cap",
        "--monthly 0",
        "--monthly 32",
        "--monthly 5 --once --until 2026-11-30",
        "--monthly 5 --every 28d --from 2026-11-01",
        "--monthly 5 --from 2026-11-01",
        "--every 28d",
        "--every 28 --from 2026-11-01",
        "--once",
        "--until 2026-11-30",
        "--from 2026-11-01",
        "--once --until 2026-11-31",
        "--zone Europe/Nowhere",
    ] {
        let why = parsed(arguments).expect_err(arguments);
        let why: Vec<&str> =
            why.lines().take_while(|line| !line.starts_with("Usage")).filter(|l| !l.is_empty()).collect();
        told += &format!("{arguments}\n    {}\n", why.join("\n    "));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn screens() {
    const NOW: i64 = 1_795_455_000;
    let monthly = api::Plan {
        cap: Some(20_000_000_000),
        billed: 5_300_000_000,
        balance: Some(14_700_000_000),
        usable: Some(14_683_222_784),
        recorded: 5_304_000_000,
        reserve: 16_777_216,
        delivered: 5_000_000_000,
        refused: 0,
        own: 300_000_000,
        corrected: 120_000_000,
        period: Period::Monthly { day: 31 },
        zone: "Europe/Berlin".into(),
        at_cap: AtCap::Stop,
        begins: 1_793_401_200,
        ends: Some(1_795_993_200),
        parts: Vec::new(),
        asks_for: None,
        terms: api::Terms::default(),
        carrier: None,
        outlook: None,
    };
    let free = api::Plan {
        cap: None,
        balance: None,
        usable: None,
        period: Period::EveryDays { days: 28, from: "2026-11-01".into() },
        ..monthly.clone()
    };
    let later = api::Plan {
        period: Period::Once { from: "2026-11-25".into(), until: "2026-11-29".into() },
        begins: 1_795_561_200,
        ..monthly.clone()
    };
    let now = api::Plan {
        period: Period::Once { from: "2026-10-31".into(), until: "2026-11-29".into() },
        ..monthly.clone()
    };
    let example: api::Status =
        serde_json::from_str(include_str!("../../../../hotshare-api/src/status.json")).expect("a status");
    let ahead = api::Plan { outlook: example.plan.outlook, carrier: example.plan.carrier, ..monthly.clone() };
    let part = |name: &str, cap, rate, used, in_use| api::PartStatus {
        part: api::Part { name: name.into(), cap, rate, ..api::Part::default() },
        in_use,
        in_hours: true,
        begins: Some(1_793_401_200),
        ends: Some(1_795_993_200),
        used,
        credit: 0,
        balance: cap.map(|cap| cap - used),
        bought: "0.00".into(),
    };
    let fast = part("fast", Some(20_000_000_000), None, 20_000_000_000, false);
    let parts = vec![fast.clone(), part("slow", None, Some(125_000), 300_000_000, true)];
    let slow = api::Plan { parts, billed: 20_300_000_000, balance: Some(0), ..monthly.clone() };
    let parts = vec![fast, part("last", Some(300_000_000), None, 300_000_000, false)];
    let out = api::Plan { parts, ..slow.clone() };
    let told: Vec<String> = [monthly, free, later, now, ahead, slow, out]
        .iter()
        .map(|plan| anstream::adapter::strip_str(&text(plan, NOW, 80)).to_string())
        .collect();
    insta::assert_snapshot!(told.join("---\n"));
}
