//! A carrier that counts 4 % more than there are bytes: the plan is not passed by its count either. Needs root.

mod net;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hotshare_api::Verdict;
use hotshare_lab::phone::Progress;
use net::{ENDLESS, Eyes, MIB, gather, wait_verdict};

const PLAN: u64 = 1600 * MIB;

/// What the carrier says that counts so many bytes at the far side of the uplink.
fn says(counted: u64) -> u64 {
    counted / 1000 * 1040
}

#[tokio::test]
async fn the_plan_is_not_passed_by_the_count_of_a_carrier_that_counts_more() -> Result<()> {
    let _backlog = net::Backlog::widen()?;
    let lab = net::bare(1, None).await?;
    let carrier = lab.watch_carrier().await?;
    let lab = net::ready_with(lab, "", Some(PLAN), None).await?;
    let eyes = Eyes::with_carrier(&lab, carrier).await?;
    let phone = &lab.phones[0];
    // The first figure is of a period that began before the machine was set up: it teaches nothing.
    for figures in 0..=5 {
        let progress = Progress::default();
        let transfer = phone.download(phone.web_port(), 110 * MIB, &progress);
        gather(vec![transfer], Duration::from_secs(60)).await?;
        let (tally, _) = eyes.settle(&lab).await?;
        lab.api.correct(says(tally.billed())).await?;
        let learnt = lab.api.status().await?.plan.carrier.context("told")?;
        ensure!(learnt.based_on == figures, "{learnt:?}");
    }
    let (tally, status) = eyes.settle(&lab).await?;
    let (counted, learnt) = (tally.billed(), status.plan.carrier.context("told")?);
    // 1 + 0.04 × 5/6; the last figure was told while a packet or two of the box itself went by.
    ensure!((1032..=1034).contains(&learnt.factor), "{learnt:?}");
    ensure!(learnt.kept > 20 * MIB, "{learnt:?}");

    let progress = Progress::default();
    let transfers = (0..8).map(|_| phone.download(phone.web_port(), ENDLESS, &progress)).collect();
    wait_verdict(&lab, "phone-1", Verdict::PlanUsed, Duration::from_secs(120)).await?;
    gather(transfers, Duration::from_secs(5)).await?;
    let (tally, _) = eyes.settle(&lab).await?;
    let since = tally.billed() - counted;
    let count = says(counted) + since * u64::from(learnt.factor) / 1000;
    println!(
        "learnt {}: {} below the cap by the count that was learnt, {} by the carrier's own",
        learnt.factor,
        i128::from(PLAN) - i128::from(count),
        i128::from(PLAN) - i128::from(says(tally.billed()))
    );
    ensure!(count <= PLAN, "{} over the plan by the carrier's count", count - PLAN);
    ensure!(count + PLAN / 50 > PLAN, "closed {} early", PLAN - count);
    // Had nothing been kept back, it would have been passed.
    ensure!(says(counted) + (since + learnt.kept) / 1000 * 1040 > PLAN, "nothing had to be kept");
    let (code, said) = net::verb(&lab, &["--lab", "plan"]).await?;
    ensure!(code == Some(0) && said.contains("times what we count (5 comparisons"), "{code:?} {said}");
    lab.tear_down().await
}
