//! What the pages tell of amounts, read in a real browser, is what observers outside the machine counted. Needs root.

mod browser;
mod net;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use browser::{Browser, Look, Page};
use hotshare_api::show;
use hotshare_lab::lab::Lab;
use hotshare_lab::phone::Progress;
use net::{Eyes, MIB, gather};

const DASHBOARD: &str = "http://localhost:4680/admin";
const ALLOWANCE: u64 = 100_000_000;
const CAP: u64 = 2_000_000_000;
const SOON: Duration = Duration::from_secs(10);

/// What the owner's table of a day says of one person: up and down.
fn of_person(csv: &str, person: &str) -> Result<(u64, u64)> {
    let mut lines = csv.lines();
    let head: Vec<&str> = lines.next().context("a head")?.split(',').collect();
    let line = lines.find(|line| line.starts_with(&format!("{person},")));
    let line: Vec<&str> = line.with_context(|| format!("{person} is not in {csv}"))?.split(',').collect();
    let cell = |name: &str| -> Result<u64> {
        let place = head.iter().position(|column| *column == name);
        Ok(line.get(place.with_context(|| format!("no {name} in {head:?}"))?).context("a cell")?.parse()?)
    };
    Ok((cell("up")?, cell("down")?))
}

async fn enter(lab: &Lab, browser: &Browser) -> Result<Page> {
    let (code, told) = net::verb(lab, &["--lab", "access", "link"]).await?;
    let link = told.split_whitespace().find(|word| word.starts_with(&format!("{DASHBOARD}/link/")));
    let link = link.with_context(|| format!("{code:?}: {told}"))?;
    let page = browser.open(Look::DESK, link).await?;
    for field in ["#password", "#repeated"] {
        page.fill(field, "bicycle walnut harbour umbrella").await?;
    }
    page.click("button").await?;
    page.sees("h1", "Overview", SOON).await?;
    page.remember().await?;
    Ok(page)
}

/// The same figures for everybody: on the phones, in the owner's browser, in the file that it saves.
#[tokio::test]
async fn pages_tell_what_was_counted_outside() -> Result<()> {
    let lab = net::ready(2, None, Some(CAP), Some(ALLOWANCE)).await?;
    let machine = Browser::on_machine()?;
    let owner = enter(&lab, &machine).await?;
    // Open before anything passes: what it shows later came by itself.
    let watcher = machine.open(Look::DESK, DASHBOARD).await?;
    let eyes = Eyes::open(&lab).await?;
    let progress = Progress::default();
    let transfers = vec![
        lab.phones[0].download(lab.phones[0].web_port(), 23 * MIB, &progress),
        lab.phones[1].download(lab.phones[1].web_port(), 9 * MIB, &progress),
        lab.phones[1].upload(lab.phones[1].web_port(), 5 * MIB, &progress),
    ];
    let (done, hanging) = gather(transfers, Duration::from_secs(30)).await?;
    ensure!(hanging == 0 && done.iter().all(|transfer| transfer.complete), "{done:?}");
    let (tally, _) = eyes.settle(&lab).await?;
    let billed = u64::try_from(eyes.expected(tally.billed()))?;
    watcher.sees("[data-live='plan.used']", &show::bytes(billed), SOON).await?;
    watcher.sees("[data-live='plan.left']", &show::bytes(CAP - billed), SOON).await?;

    owner.visit(&format!("{DASHBOARD}/usage?by=person")).await?;
    let csv = owner.download("a[href^='/admin/usage.csv']").await?;
    let (first, second) = (of_person(&csv, "phone-1")?, of_person(&csv, "phone-2")?);
    let (told, counted) = ([first.1, second.1], [eyes.down(0)?, eyes.down(1)?]);
    ensure!(told == counted, "down: the file says {told:?}, the phones counted {counted:?}");
    let (told, counted) = (first.0 + second.0, eyes.up_all()?);
    ensure!(told == counted, "up: the file says {told}, the carrier counted {counted}");

    let usable = owner.visit(DASHBOARD).await.map(|_| owner.text("[data-live='plan.usable']"))?.await?;
    for (place, (up, down)) in [first, second].into_iter().enumerate() {
        let name = format!("phone-{}", place + 1);
        let left = show::bytes(ALLOWANCE - up - down);
        watcher.sees(&format!("[data-live='p.{name}.left']"), &left, SOON).await?;
        let phone = Browser::on_phone(&lab, place)?;
        let page = phone.open(Look::PHONE.without_scripts(), "http://hotshare.internal/").await?;
        page.sees("main", &left, SOON).await?;
        page.sees("main", &show::bytes(up + down), SOON).await?;
        page.sees("main", &usable, SOON)
            .await
            .context("of the plan, the phone and the owner are told the same")?;
        page.shot(&format!("amounts-{name}")).await?;
    }
    lab.tear_down().await
}
