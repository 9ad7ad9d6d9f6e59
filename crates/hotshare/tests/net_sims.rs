//! Another SIM in the modem, and the same one abroad, pass nothing until the owner agrees: with a real `ModemManager`, counted
//! at the carrier. Needs root.

mod modem;
mod net;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hotshare_api::{Card, Status, Verdict};
use hotshare_lab::lab::Lab;
use hotshare_lab::phone::Progress;
use modem::Modem;
use modem::firmware::{HOME, Inserted, ROAMING, SEARCHING};
use net::{ENDLESS, Eyes, MIB, fetch, gather, try_all, verb};

const OWN: &str = "8949020000000001111";
const FOREIGN: &str = "8933010000000002222";

/// `ModemManager` probes for seconds.
const FOUND: Duration = Duration::from_secs(60);
/// A change that it tells is in force.
const TOLD: Duration = Duration::from_secs(2);

async fn start(lab: &mut Lab, modem: &Modem) -> Result<()> {
    let mut start = lab.start().clone();
    start.bus = Some(modem.bus());
    lab.up_with(&start).await
}

async fn wait(lab: &Lab, what: &str, patience: Duration, is_so: impl Fn(&Status) -> bool) -> Result<Status> {
    let end = Instant::now() + patience;
    loop {
        let status = lab.api.status().await?;
        if is_so(&status) {
            return Ok(status);
        }
        ensure!(
            Instant::now() < end,
            "not {what}: {:?}, {:?}\n{}",
            status.closed,
            status.cards,
            hotshare_lab::daemon::log_tail()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn card_in(status: &Status) -> Option<&Card> {
    status.cards.iter().find(|card| card.is_in)
}

fn is_in(status: &Status, number: &str, roaming: bool) -> bool {
    card_in(status).is_some_and(|card| card.sim.as_deref() == Some(number) && card.roaming == Some(roaming))
}

/// What was downloaded and uploaded by the card that is in is what passed between.
async fn check(lab: &Lab, eyes: &Eyes, before: u64, delivered: u64) -> Result<Status> {
    let (_, status) = eyes.settle(lab).await?;
    let passed = eyes.delivered()? - before;
    ensure!(
        status.plan.delivered == delivered + passed,
        "{passed} passed, on top of {delivered}: {:?}",
        status.plan
    );
    Ok(status)
}

#[tokio::test]
async fn roaming_closes_in_the_middle_of_a_transfer_and_home_is_as_before() -> Result<()> {
    let mut lab = net::bare(1, Some(80_000_000)).await?;
    let modem = Modem::new(&lab, Inserted { number: OWN, network: HOME })?;
    modem.start().await?;
    start(&mut lab, &modem).await?;
    lab.api.set_cap(Some(256 * MIB)).await?;
    lab.people(None).await?;
    lab.join().await?;
    let status = wait(&lab, "at home", FOUND, |status| is_in(status, OWN, false)).await?;
    ensure!(status.cards.len() == 1 && status.closed.is_none(), "{:?} {:?}", status.cards, status.closed);
    let eyes = Eyes::open(&lab).await?;
    ensure!(fetch(&lab, 5 * MIB).await?, "nothing passes at home");
    let at_home = lab.api.status().await?.plan;

    // A border is crossed while somebody downloads.
    let phone = &lab.phones[0];
    let progress = Progress::default();
    let download = phone.download(phone.web_port(), ENDLESS, &progress);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let crossed = Instant::now();
    modem.firmware.register(ROAMING)?;
    wait(&lab, "closed", TOLD, |status| status.closed.is_some()).await?;
    let closed_after = crossed.elapsed();
    let status = wait(&lab, "another card", TOLD, |status| status.closed == Some(Verdict::NewCard)).await?;
    ensure!(is_in(&status, OWN, true), "{:?}", status.cards);
    ensure!(status.plan.cap.is_none(), "the card abroad has the plan of home: {:?}", status.plan);
    gather(vec![download], Duration::from_secs(2)).await?;
    eyes.settle_down(&lab).await?;
    let passed = try_all(&lab, &eyes).await?;
    println!("closed {closed_after:?} after the modem said that it roams; {passed:?} bytes passed since");
    ensure!(passed == (0, 0), "{passed:?} bytes passed abroad before the owner agreed");
    let (code, text) = verb(&lab, &["--lab", "cards"]).await?;
    println!("{text}");
    ensure!(code == Some(0) && text.contains("SIM …1111, roaming") && !text.contains(OWN), "{text}");

    // The owner agrees to use it, with another plan.
    lab.api.set_cap(Some(32 * MIB)).await?;
    let before = eyes.delivered()?;
    let (code, text) = verb(&lab, &["--lab", "cards", "agree"]).await?;
    ensure!(code == Some(0), "{text}");
    wait(&lab, "open", TOLD, |status| status.closed.is_none()).await?;
    ensure!(fetch(&lab, 3 * MIB).await?, "nothing passes abroad, though the owner agreed");
    check(&lab, &eyes, before, 0).await?;

    // Looking for a network is no other card; at home again, its plan goes on where it was.
    modem.firmware.register(SEARCHING)?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let status = lab.api.status().await?;
    ensure!(is_in(&status, OWN, true) && status.closed.is_none(), "{:?}, {:?}", status.cards, status.closed);
    modem.firmware.register(HOME)?;
    let status =
        wait(&lab, "at home again", TOLD, |status| is_in(status, OWN, false) && status.closed.is_none())
            .await?;
    ensure!(status.plan.cap == Some(256 * MIB) && status.cards.len() == 2, "{status:?}");
    // Of the download that was cut off.
    let since = status.plan.delivered - at_home.delivered;
    ensure!(since < 16 * MIB, "{since} were delivered at home since");
    let before = eyes.delivered()?;
    ensure!(fetch(&lab, MIB).await?, "nothing passes at home any more");
    check(&lab, &eyes, before, status.plan.delivered).await?;
    drop(modem);
    lab.tear_down().await
}

#[tokio::test]
async fn another_sim_waits_and_is_asked_about_and_a_silent_modem_is_the_same() -> Result<()> {
    let mut lab = net::bare(1, Some(80_000_000)).await?;
    let modem = Modem::new(&lab, Inserted { number: OWN, network: HOME })?;
    // A card of an older version: used before anybody was asked about modems.
    start(&mut lab, &modem).await?;
    lab.api.set_cap(Some(256 * MIB)).await?;
    lab.people(None).await?;
    lab.join().await?;
    let status = wait(&lab, "known", FOUND, |status| card_in(status).is_some()).await?;
    ensure!(card_in(&status).is_some_and(|card| card.sim.is_none()), "{:?}", status.cards);
    let eyes = Eyes::open(&lab).await?;
    ensure!(fetch(&lab, 2 * MIB).await?, "nothing passes without ModemManager");
    modem.start().await?;
    let status = wait(&lab, "completed", TOLD, |status| is_in(status, OWN, false)).await?;
    ensure!(status.cards.len() == 1 && status.closed.is_none(), "{:?} {:?}", status.cards, status.closed);

    // ModemManager dies, and finds its modem again: nobody is asked anything, and data flows all the time.
    modem.kill()?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut closed = Vec::new();
    {
        let mut starting = std::pin::pin!(modem.start());
        loop {
            let step = tokio::time::timeout(Duration::from_millis(100), &mut starting).await;
            closed.extend(lab.api.status().await?.closed);
            match step {
                Ok(done) => break done?,
                Err(_) => ensure!(fetch(&lab, MIB / 4).await?, "nothing passes while ModemManager starts"),
            }
        }
    }
    let status = wait(&lab, "the same", TOLD, |status| is_in(status, OWN, false)).await?;
    ensure!(closed.is_empty() && status.cards.len() == 1, "{closed:?} {:?}", status.cards);
    let own_plan = check(&lab, &eyes, 0, 0).await.or(lab.api.status().await)?.plan;

    // Another SIM: from the moment in which its modem is gone, nothing passes; and it is asked about.
    modem.firmware.insert(FOREIGN);
    modem.notice_sim().await.context("the foreign SIM is not noticed")?;
    wait(&lab, "closed", TOLD, |status| status.closed.is_some()).await?;
    eyes.settle_down(&lab).await?;
    let mut passed = (0, 0);
    let mut reasons = Vec::new();
    let end = Instant::now() + FOUND;
    loop {
        let (up, down) = try_all(&lab, &eyes).await?;
        passed = (passed.0 + up, passed.1 + down);
        let status = lab.api.status().await?;
        reasons.extend(status.closed);
        ensure!(status.closed.is_some(), "open by {:?}", status.cards);
        if status.closed == Some(Verdict::NewCard) {
            break;
        }
        ensure!(Instant::now() < end, "the foreign SIM is not read: {:?}", status.cards);
    }
    modem.switch(true).await?;
    let status = wait(&lab, "read", FOUND, |status| is_in(status, FOREIGN, false)).await?;
    let (up, down) = try_all(&lab, &eyes).await?;
    passed = (passed.0 + up, passed.1 + down);
    println!("closed by a foreign SIM: {reasons:?}; {passed:?} bytes passed");
    ensure!(passed == (0, 0), "{passed:?} bytes passed by a foreign SIM");
    ensure!(status.cards.len() == 2 && status.plan.billed < 100_000, "{:?} {:?}", status.cards, status.plan);

    // Killed and started with it in, although the kernel was granted something for the own one.
    lab.kill()?;
    start(&mut lab, &modem).await?;
    let passed = try_all(&lab, &eyes).await?;
    ensure!(passed == (0, 0), "{passed:?} bytes passed by a foreign SIM after a start");

    // The own one is back.
    modem.firmware.insert(OWN);
    modem.notice_sim().await?;
    modem.switch(true).await?;
    let status =
        wait(&lab, "back", FOUND, |status| is_in(status, OWN, false) && status.closed.is_none()).await?;
    ensure!(status.plan.cap == Some(256 * MIB), "{:?}", status.plan);
    let since = status.plan.billed - own_plan.billed;
    ensure!(since < 100_000, "the plan of the own SIM grew by {since} while it was out");
    ensure!(fetch(&lab, MIB).await?, "the own SIM does not work any more");
    ensure!(lab.api.status().await?.cards.len() == 2, "{:?}", status.cards);
    drop(modem);
    lab.tear_down().await
}
