//! Each data card has a plan of its own, and one that was never used here is closed until the owner agrees. Counted at
//! the carrier. Needs root.

mod net;

use std::time::Duration;

use anyhow::{Result, ensure};
use hotshare_api::{Status, Verdict};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout::UPLINK_PORT;
use net::{Eyes, MIB, fetch, try_all, verb, wait_verdict};

const OTHER: &str = "wwan1";

/// Another card, as far as a machine can tell: an uplink of another name.
fn rename(from: &str, to: &str) -> Result<()> {
    for args in
        [&["link", "set", from, "down"][..], &["link", "set", from, "name", to], &["link", "set", to, "up"]]
    {
        let done = net::in_box("ip", args)?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let carrier = hotshare_lab::layout::CARRIER_ADDR.to_string();
    let done = net::in_box("ip", &["route", "replace", "default", "via", &carrier, "dev", to])?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

async fn start_on(lab: &mut Lab, uplink: &str) -> Result<Status> {
    let mut start = lab.start().clone();
    start.uplink = uplink.to_owned();
    lab.up_with(&start).await?;
    // It says that it is ready before it has written which card is there.
    for _ in 0..200 {
        let status = lab.api.status().await?;
        if status.closed != Some(Verdict::NoUplink) {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    lab.api.status().await
}

#[tokio::test]
async fn each_card_has_its_plan_and_a_new_one_is_closed() -> Result<()> {
    let mut lab = net::ready(1, Some(80_000_000), Some(64 * MIB), None).await?;
    let first = lab.api.status().await?;
    ensure!(first.cards.len() == 1 && first.cards[0].agreed && first.cards[0].is_in, "{:?}", first.cards);
    let eyes = Eyes::open(&lab).await?;
    ensure!(fetch(&lab, 5 * MIB).await?, "the first card does not work");
    let (tally, status) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &status)?;
    let used = status.plan.billed;
    let from_phones = (eyes.up_all()?, eyes.down_all()?);

    // Killed while open, so that the kernel still lets pass what was granted; then another card is there.
    lab.kill()?;
    rename(UPLINK_PORT, OTHER)?;
    let status = start_on(&mut lab, OTHER).await?;
    ensure!(status.closed == Some(Verdict::NewCard), "{:?}", status.closed);
    ensure!(status.plan.cap.is_none(), "the new card has the old one's plan: {:?}", status.plan);
    let passed = try_all(&lab, &eyes).await?;
    ensure!(passed == (0, 0), "{passed:?} bytes passed before the owner agreed");
    let (code, text) = verb(&lab, &["--lab", "status"]).await?;
    println!("{text}");
    ensure!(code == Some(0) && text.contains("cards agree"), "{text}");
    let (code, text) = verb(&lab, &["--lab", "cards"]).await?;
    println!("{text}");
    ensure!(code == Some(0) && text.contains(OTHER), "{text}");

    // Its own plan, then the owner agrees.
    lab.api.set_cap(Some(24 * MIB)).await?;
    let passed = try_all(&lab, &eyes).await?;
    ensure!(passed == (0, 0), "{passed:?} bytes passed before the owner agreed");
    let refused = lab.api.agree_to_card(7).await.err();
    ensure!(refused.is_some_and(|e| format!("{e:#}").contains("no data card 7")), "a card that is not there");
    let (code, text) = verb(&lab, &["--lab", "cards", "agree"]).await?;
    ensure!(code == Some(0), "{text}");
    wait_verdict(&lab, "phone-1", Verdict::Open, Duration::from_secs(2)).await?;
    ensure!(fetch(&lab, 3 * MIB).await?, "the second card does not work");
    let first_tally = tally;
    let (tally, status) = eyes.settle(&lab).await?;
    let person = lab.api.person("phone-1").await?;
    let (up, down) = (eyes.up_all()?, eyes.down_all()?);
    let passed = up + down - from_phones.0 - from_phones.1;
    ensure!(status.plan.delivered == passed, "{:?}, {passed} passed on the second card", status.plan);
    let (billed, counted) = (status.plan.billed, tally.billed() - first_tally.billed());
    // What the box itself said between the two: while no daemon ran, it was of neither or of the first.
    ensure!(billed <= counted && counted - billed < 20_000, "billed {billed}, the carrier counted {counted}");
    // Of the first start only what the observers saw; the person's count began before them.
    ensure!(
        person.up + person.down >= up + down && up + down > from_phones.0 + from_phones.1,
        "{person:?}, seen {up} up, {down} down"
    );

    // The first card again: its plan, its use, and no question.
    lab.down().await?;
    rename(OTHER, UPLINK_PORT)?;
    let status = start_on(&mut lab, UPLINK_PORT).await?;
    ensure!(status.closed.is_none(), "{:?}", status.closed);
    ensure!(status.plan.cap == Some(64 * MIB), "{:?}", status.plan);
    let grown = status.plan.billed - used;
    // What the box itself said meanwhile: names, neighbours, resets.
    ensure!(grown < 100_000, "the first card's plan grew by {grown} while it was out");
    ensure!(fetch(&lab, MIB).await?, "the first card does not work any more");
    let cards = lab.api.status().await?.cards;
    ensure!(cards.len() == 2 && cards[0].is_in && !cards[1].is_in && cards[1].agreed, "{cards:?}");
    let (code, text) = verb(&lab, &["--lab", "cards", "forget", "1"]).await?;
    ensure!(code == Some(1) && text.contains("in use"), "{text}");
    let (code, text) = verb(&lab, &["--lab", "cards", "forget", "2"]).await?;
    ensure!(code == Some(0), "{text}");

    // Forgotten, it is new again.
    lab.down().await?;
    rename(UPLINK_PORT, OTHER)?;
    let status = start_on(&mut lab, OTHER).await?;
    ensure!(status.closed == Some(Verdict::NewCard), "{:?}", status.closed);
    ensure!(status.cards.iter().any(|card| card.number == 3 && card.is_in), "{:?}", status.cards);
    let passed = try_all(&lab, &eyes).await?;
    ensure!(passed == (0, 0), "{passed:?} bytes passed on a card that was forgotten");
    lab.tear_down().await
}
