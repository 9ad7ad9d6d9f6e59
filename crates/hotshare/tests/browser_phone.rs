//! What a person's phone shows at the hotspot's own address, in a real browser that joined like any phone. Needs root.

mod browser;
mod net;

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};
use browser::looks::everybody_sees;
use browser::{Browser, Look};
use hotshare_api::Verdict;
use hotshare_lab::phone::Progress;
use hotshare_lab::{PROBES, layout};
use net::{ENDLESS, MIB, gather, grows, wait_verdict};

const PAGE: &str = "http://hotshare.internal/";
/// Hosts that Chromium asks by TLS alone, whatever is typed: its own list says so, and no portal can change it.
const ONLY_TLS: [&str; 1] = ["www.google.com"];
const SOON: Duration = Duration::from_secs(10);

/// Known, unknown, blocked, paused, used up: each is told so, in a way that everybody can read.
#[tokio::test]
async fn everybody_can_read_why() -> Result<()> {
    // Somebody else is there, so that what is left can be given away.
    let lab = net::ready(2, None, Some(1_000_000_000), Some(100_000_000)).await?;
    let phone = Browser::on_phone(&lab, 0)?;
    let mac = layout::phone_mac_text(1);
    let mut wrong = Vec::new();
    let mut look = async |name: &str, english: &str, chinese: &str| {
        let seen = everybody_sees(&phone, PAGE, name, (english, chinese)).await;
        wrong.extend(seen.err().map(|error| format!("{name}: {error:#}")));
        // The page keeps what the brain said for a second.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    };
    look("phone-open", "100.00 MB", "100.00 MB").await;
    lab.api.pause("phone-1", true).await?;
    look("phone-paused", "paused", "暂停").await;
    lab.api.pause("phone-1", false).await?;
    lab.api.set_allowance("phone-1", Some(0)).await?;
    look("phone-used-up", "used up", "已用完").await;
    lab.api.block(&mac, true).await?;
    look("phone-blocked", "blocked", "阻止").await;
    lab.api.block(&mac, false).await?;
    lab.api.remove_person("phone-1").await?;
    look("phone-nobodys", &mac, &mac).await;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    lab.tear_down().await
}

/// Asking for more works without a script; the owner's answer is a number that moves.
#[tokio::test]
async fn more_is_asked_for_and_comes() -> Result<()> {
    let lab = net::ready(1, None, Some(1_000_000_000), Some(100_000_000)).await?;
    let phone = Browser::on_phone(&lab, 0)?;
    for look in [Look::PHONE, Look::PHONE.in_chinese().without_scripts()] {
        let page = phone.open(look, PAGE).await?;
        let before = page.text(".amount").await?;
        page.choose("select[name=mb]", "200").await?;
        page.click("form[action='/ask'] button").await?;
        page.sees("#ask ~ p", "200.00 MB", SOON).await?;
        ensure!(page.place().await?.url.starts_with(PAGE), "{:?}", page.place().await?);
        page.reload().await?;
        page.sees("#ask ~ p", "200.00 MB", SOON).await?;
        ensure!(page.count("[role=status]").await? == 0, "a notice of what was done before");
        page.shot(&format!("phone-asked-{}", look.language)).await?;
        page.audit().await?;
        let (code, told) = net::verb(&lab, &["--lab", "people", "answer", "phone-1", "yes"]).await?;
        ensure!(code == Some(0), "{told}");
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        page.reload().await?;
        let after = page.text(".amount").await?;
        ensure!(page.count("form[action='/ask']").await? == 1, "what was answered still waits");
        ensure!(after != before, "still {after}");
        page.close().await?;
    }
    lab.tear_down().await
}

/// Whoever is paused stops in the middle of a download, and the page says why.
#[tokio::test]
async fn a_pause_stops_a_download() -> Result<()> {
    let lab = net::ready(1, Some(100_000_000), None, None).await?;
    let browser = Browser::on_phone(&lab, 0)?;
    let page = browser.open(Look::PHONE, PAGE).await?;
    let progress = Progress::default();
    let phone = &lab.phones[0];
    let download = phone.download(phone.web_port(), ENDLESS, &progress);
    grows(&progress, 4 * MIB, SOON).await?;
    lab.api.pause("phone-1", true).await?;
    let (ended, hanging) = gather(vec![download], Duration::from_secs(3)).await?;
    ensure!(hanging == 0 && !ended[0].complete, "it goes on: {ended:?}");
    let stopped = progress.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    ensure!(progress.load(Ordering::Relaxed) == stopped, "bytes come after the pause");
    page.reload().await?;
    page.sees("body", "paused", Duration::ZERO).await?;
    lab.tear_down().await
}

/// A closed phone's browser ends at the page, whichever system's probe it opens; an open one's stays where it went.
#[tokio::test]
async fn every_vendors_probe_leads_to_the_page() -> Result<()> {
    let lab = net::ready(1, None, None, None).await?;
    let browser = Browser::on_phone(&lab, 0)?;
    lab.api.pause("phone-1", true).await?;
    wait_verdict(&lab, "phone-1", Verdict::Paused, SOON).await?;
    for probe in PROBES.iter().filter(|probe| !ONLY_TLS.contains(&probe.host)) {
        let page = browser.window(Look::PHONE).await?;
        let visit = page.visit(&format!("http://{}{}", probe.host, probe.path)).await?;
        ensure!(visit.url == PAGE && visit.status == 200, "{}: {visit:?}", probe.system);
        page.sees("main", "paused", SOON).await?;
        page.close().await?;
    }
    lab.api.pause("phone-1", false).await?;
    wait_verdict(&lab, "phone-1", Verdict::Open, SOON).await?;
    for probe in PROBES.iter().filter(|probe| !ONLY_TLS.contains(&probe.host)) {
        let page = browser.window(Look::PHONE).await?;
        let visit = page.visit(&format!("http://{}{}", probe.host, probe.path)).await?;
        ensure!(visit.status == probe.code, "{}: {visit:?}", probe.system);
        page.close().await?;
    }
    lab.tear_down().await
}

/// Whoever uses a device that nobody knows says so on the page, and the page remembers it.
#[tokio::test]
async fn a_stranger_says_who_they_are() -> Result<()> {
    let mut lab = net::bare(1, None).await?;
    lab.up().await?;
    lab.join().await?;
    let browser = Browser::on_phone(&lab, 0)?;
    let page = browser.open(Look::PHONE.without_scripts(), PAGE).await?;
    page.fill("#name", "Grandma").await?;
    page.click("form[action='/claim'] button").await?;
    page.sees("main", "You said that you are Grandma", SOON).await?;
    page.audit().await?;
    page.shot("phone-claimed").await?;
    everybody_sees(&browser, PAGE, "phone-claim", ("Grandma", "Grandma")).await?;
    let devices = lab.api.status().await?.devices;
    ensure!(devices[0].claim.as_deref() == Some("Grandma"), "{devices:?}");
    lab.tear_down().await
}
