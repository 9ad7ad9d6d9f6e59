//! The last drop for a chosen site, counted at the far side; and off when nobody is there. Needs root.

mod net;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_api::{Part, PlanChange, Verdict};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout::{DNS_ADDR, TOPUP_ADDR, TOPUP_NAME, WEB_ADDR};
use hotshare_lab::observer::{Count, Kind, Tally, Way};
use hotshare_lab::phone::Progress;
use hotshare_lab::{Flood, ResponseCode, daemon};
use net::dump::{dump, unchanged};
use net::{ENDLESS, Eyes, FORWARDED, MIB, gather, wait_verdict};

const COMMON: u64 = 8 * MIB;
const LAST: u64 = 32 * MIB;
const TOPUP: (Ipv4Addr, u16) = (TOPUP_ADDR, 80);

async fn keep_the_last_drop(lab: &Lab) -> Result<u64> {
    let before = lab.api.status().await?.plan.billed;
    let common = Part { name: "plan".into(), cap: Some(before + COMMON), ..Part::default() };
    let sites = vec![TOPUP_NAME.to_owned()];
    let last = Part { name: "last".into(), cap: Some(LAST), sites, ..Part::default() };
    lab.api.change_plan(&PlanChange { parts: Some(vec![common, last]), ..PlanChange::default() }).await?;
    Ok(before)
}

/// What phones sent to elsewhere than the site, as the carrier got it.
fn strayed(tally: &Tally) -> Count {
    tally.sum(|way, kind| {
        let away = |target: &Ipv4Addr, ttl: &u8| *target != TOPUP_ADDR && *ttl == FORWARDED;
        way == Way::In && matches!(kind, Kind::V4 { target, ttl, .. } if away(target, ttl))
    })
}

/// What the box itself sent to elsewhere, but for questions to its resolver: resets of flows that were there before.
fn resets(tally: &Tally) -> Count {
    tally.sum(|way, kind| {
        let away =
            |target: &Ipv4Addr, ttl: &u8| ![TOPUP_ADDR, DNS_ADDR].contains(target) && *ttl != FORWARDED;
        way == Way::In && matches!(kind, Kind::V4 { target, ttl, .. } if away(target, ttl))
    })
}

/// Both ways with elsewhere, whoever sent it, but for the box's questions.
fn elsewhere(tally: &Tally) -> Count {
    tally.sum(|_, kind| {
        let ours = |ip: &Ipv4Addr| [TOPUP_ADDR, DNS_ADDR].contains(ip);
        matches!(kind, Kind::V4 { source, target, .. } if !ours(source) && !ours(target))
    })
}

/// The common part is used up in the middle of transfers: what goes to the site goes on, everything else ends.
#[tokio::test]
async fn the_last_drop_reaches_the_chosen_site_and_nothing_else() -> Result<()> {
    let lab = net::ready(2, Some(40_000_000), None, None).await?;
    let before = keep_the_last_drop(&lab).await?;
    let eyes = Eyes::open(&lab).await?;
    let [one, two] = &lab.phones[..] else { anyhow::bail!("two phones") };
    ensure!(one.resolve("www.example.com").await?.1 == [WEB_ADDR]);
    ensure!(two.resolve(TOPUP_NAME).await?.1 == [TOPUP_ADDR]);

    // Open before: downloads from elsewhere and from the site, and floods both ways.
    let progress = Progress::default();
    let open: Vec<_> = (0..4).map(|_| one.download(one.web_port(), ENDLESS, &progress)).collect();
    let site = two.download_from(TOPUP, 5 * MIB, &progress);
    let flood = Flood { size: 1200, rate: 4_000_000, millis: 8_000 };
    let (up, down) = (one.flood_up(one.sink_port(), flood), two.flood_down(flood, &progress));
    wait_verdict(&lab, "phone-1", Verdict::OnlySites, Duration::from_secs(20)).await?;
    ensure!(lab.api.person("phone-2").await?.verdict == Verdict::OnlySites);
    let begun = eyes.carrier.exact()?;
    // What was on the wire.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = eyes.carrier.exact()?;
    let got =
        tokio::time::timeout(Duration::from_secs(10), site).await.context("the site's flow hangs")???;
    ensure!(got.complete, "what went to the site before was cut: {got:?}");
    let (_, hanging) = gather(open, Duration::from_secs(3)).await?;
    ensure!(hanging == 0, "{hanging} flows to elsewhere were not reset");
    let (sent, told) = (strayed(&after).bytes - strayed(&begun).bytes, resets(&after).bytes);
    println!("on the wire at the change: {sent} bytes; resets of what was open: {told} bytes");

    // While the floods still go on, and new ones come: nothing more.
    ensure!(!one.reaches((WEB_ADDR, 80)).await?, "TCP to an address");
    ensure!(!one.reaches((DNS_ADDR, 53)).await?, "another resolver over TCP");
    ensure!(one.resolve_at(DNS_ADDR, "www.example.com").await.is_err(), "another resolver");
    ensure!(one.resolve_at(DNS_ADDR, TOPUP_NAME).await.is_err(), "another resolver, for the site");
    ensure!(one.ping(WEB_ADDR, 56, 3).await? == 0, "ping");
    for name in ["www.example.com", "edge.cdn.example.com", "example.com", "nottopup.example.com"] {
        let (code, addresses) = one.resolve(name).await?;
        ensure!(code == ResponseCode::Refused && addresses.is_empty(), "{name}: {code} {addresses:?}");
    }
    let new = two.flood_up(two.sink_port(), Flood { millis: 1_000, ..flood });
    ensure!(one.resolve("TopUp.Example.com").await?.1 == [TOPUP_ADDR]);
    let got = one.download_from(TOPUP, MIB, &progress).await??;
    ensure!(got.complete, "the site is not reached: {got:?}");
    let page = one.page().await?;
    ensure!(page.contains("kept for some sites"), "{page}");
    new.await??;
    up.await??;
    down.await??;
    let (tally, status) = eyes.settle(&lab).await?;
    let passed = strayed(&tally).bytes - strayed(&after).bytes;
    ensure!(passed == 0, "{passed} bytes went elsewhere: {:?}", tally.rows());
    eyes.check_billed(&tally, &status)?;

    // At rest: nothing at all but what is with the site.
    let quiet = eyes.carrier.exact()?;
    let trying = one.download(one.web_port(), ENDLESS, &progress);
    let flooding = one.flood_up(one.sink_port(), Flood { millis: 1_000, ..flood });
    let got = two.download_from(TOPUP, MIB / 2, &progress).await??;
    ensure!(got.complete, "{got:?}");
    flooding.await??;
    ensure!(trying.await??.bytes == 0);
    let (tally, _) = eyes.settle(&lab).await?;
    let more = elsewhere(&tally).bytes - elsewhere(&quiet).bytes;
    ensure!(more == 0, "{more} bytes with elsewhere: {:?}", tally.rows());

    // It ends, to the byte.
    let using: Vec<_> = (0..4).map(|_| two.download_from(TOPUP, ENDLESS, &progress)).collect();
    wait_verdict(&lab, "phone-1", Verdict::PlanUsed, Duration::from_secs(30)).await?;
    gather(using, Duration::from_secs(3)).await?;
    let (tally, status) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &status)?;
    let billed = status.plan.billed - before;
    let parts: Vec<u64> = status.plan.parts.iter().map(|part| part.used).collect();
    println!("billed {billed} of {}, by part {parts:?}", COMMON + LAST);
    ensure!(billed <= COMMON + LAST && billed > (COMMON + LAST) * 97 / 100, "billed {billed}");
    ensure!(parts[0] <= before + COMMON && parts[0] > before + COMMON - 65_536, "{parts:?}");

    // The plan renews: everything again.
    let more = Part { name: "plan".into(), cap: Some(status.plan.billed + 4 * MIB), ..Part::default() };
    let last = status.plan.parts[1].part.clone();
    lab.api.change_plan(&PlanChange { parts: Some(vec![more, last]), ..PlanChange::default() }).await?;
    wait_verdict(&lab, "phone-1", Verdict::Open, Duration::from_secs(2)).await?;
    ensure!(one.resolve("www.example.com").await?.1 == [WEB_ADDR]);
    let got = one.download(one.web_port(), MIB, &progress).await??;
    ensure!(got.complete, "{got:?}");
    lab.tear_down().await
}

/// A daemon that is killed, and one that starts: at no moment does anything else pass.
#[tokio::test]
async fn a_restart_lets_nothing_else_through() -> Result<()> {
    let mut lab = net::ready(1, Some(80_000_000), None, None).await?;
    keep_the_last_drop(&lab).await?;
    let carrier = lab.watch_carrier().await?;
    let progress = Progress::default();
    ensure!(lab.phones[0].resolve(TOPUP_NAME).await?.1 == [TOPUP_ADDR]);
    let using: Vec<_> =
        (0..4).map(|_| lab.phones[0].download(lab.phones[0].web_port(), ENDLESS, &progress)).collect();
    wait_verdict(&lab, "phone-1", Verdict::OnlySites, Duration::from_secs(20)).await?;
    gather(using, Duration::from_secs(3)).await?;
    let got = lab.phones[0].download_from(TOPUP, MIB, &progress).await??;
    ensure!(got.complete, "{got:?}");
    tokio::time::sleep(Duration::from_millis(500)).await;

    let quiet = carrier.exact()?;
    let flood = Flood { size: 1200, rate: 20_000_000, millis: 6_000 };
    let flooding = lab.phones[0].flood_up(lab.phones[0].sink_port(), flood);
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        lab.kill()?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        lab.up().await?;
    }
    ensure!(lab.api.person("phone-1").await?.verdict == Verdict::OnlySites);
    ensure!(lab.phones[0].resolve(TOPUP_NAME).await?.1 == [TOPUP_ADDR]);
    let got = lab.phones[0].download_from(TOPUP, MIB, &progress).await??;
    ensure!(got.complete, "the site is not reached any more: {got:?}");
    ensure!(flooding.await?? > 1000, "no flood");
    let passed = elsewhere(&carrier.exact()?).bytes - elsewhere(&quiet).bytes;
    ensure!(passed == 0, "{passed} bytes went elsewhere");
    lab.tear_down().await
}

/// It stops by itself, as if it had been told to, and gives the network back.
#[tokio::test]
async fn it_is_off_when_nobody_is_there() -> Result<()> {
    let mut lab = net::bare(1, None).await?;
    let before = dump(&lab)?;
    let mut start = lab.start().clone();
    start.config.push_str("[hotspot]\noff_when_idle = \"30s\"\n");
    let begin = Instant::now();
    lab.up_with(&start).await?;
    let daemon = lab.daemon.as_mut().context("started")?;
    let ended = loop {
        if let Some(status) = daemon.ended()? {
            break status;
        }
        ensure!(begin.elapsed() < Duration::from_secs(60), "it does not stop");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    println!("off after {:?}", begin.elapsed());
    ensure!(ended.success(), "{ended}");
    ensure!(begin.elapsed() >= Duration::from_secs(30), "too early: {:?}", begin.elapsed());
    ensure!(daemon::log_tail().contains("nobody was there"), "{}", daemon::log_tail());
    lab.daemon = None;
    unchanged(&lab, &before).await?;
    // Nothing was left to settle, and the diary says why.
    lab.up().await?;
    let events = lab.api.events().await?.to_string();
    ensure!(events.contains("\"idle\""), "{events}");
    lab.tear_down().await
}
